"""Places: a ceiling that binds, the waiting list it makes, and the reservation of a file at the signature.

The quota's row is the first lock of every act that moves a place (DESIGN §4.9, §4.11).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q

from francesante.lib.french import plural, typeset
from labelling.choices import ApplicationState
from labelling.models import Application, Quota
from territories.choices import Subject
from territories.models import Event, Mandate
from territories.services.events import record_event, write

WAITING_ORDER = ("waiting_since", "submitted_at", "pk")
"""Who is first on a waiting list: the file that has waited longest, then the one received first, then the smallest number
(in a département, numbers are given in the order of keys). The public page says it in words.
"""


WAITS = "le dossier entre en liste d’attente"
"""What the sentence of a full ceiling says became of a file; an outcome that holds it is a file on the waiting list."""


def quota_of(application: Application) -> Quota | None:
    """Return the quota that a file counts in: its wave's in its département."""
    return Quota.objects.filter(wave=application.wave_id, departement=application.departement_id).first()


def rank(application: Application) -> int:
    """Return the rank of a file on the waiting list of its wave and département; for one not on it, its rank to come."""
    return _ahead(application) + 1


def _waiting(application: Application) -> Any:
    return Application.objects.filter(
        wave=application.wave_id,
        departement=application.departement_id,
        waiting_since__isnull=False,
        state=ApplicationState.UNDER_REVIEW,
    ).exclude(pk=application.pk)


def _ahead(application: Application) -> int:
    waiting = _waiting(application)
    since, received = application.waiting_since, application.submitted_at
    if since is not None:
        # The order of WAITING_ORDER, as a filter.
        waiting = waiting.filter(
            Q(waiting_since__lt=since)
            | Q(waiting_since=since, submitted_at__lt=received)
            | Q(waiting_since=since, submitted_at=received, pk__lt=application.pk)
        )
    return int(waiting.count())


def lock_quota(application: Application) -> Quota | None:
    """Lock the quota of a file: the first lock of every act that moves a place."""
    return (
        Quota.objects.select_for_update(of=("self",))
        .filter(wave=application.wave_id, departement=application.departement_id)
        .first()
    )


def why_full(quota: Quota, application: Application) -> str | None:
    """Return the sentence that says why no place is left for this file, or nothing.

    A place that comes free goes to the file that has waited longest: a newcomer passes only if more places are free
    than files wait.
    """
    if quota.ceiling is None:
        return None
    taken = quota.reserved + quota.used
    free, ahead = quota.ceiling - taken, _ahead(application)
    if free > ahead:
        return None
    s = plural(quota.used)
    if free <= 0:
        first = (
            f"Plafond atteint : {taken} places sur {quota.ceiling} ({quota.used} label{s}, {quota.reserved} "
            f"réservée{plural(quota.reserved)})."
        )
    else:
        first = f"Il reste {free} place{plural(free)}, attendue{plural(free)} par {ahead} dossier{plural(ahead)} plus anciens."
    return typeset(
        f"{first} Ce n’est pas un motif de refus : {WAITS}, rang {ahead + 1}. L’équipe "
        "nationale peut relever ce plafond par un acte motivé."
    )


@dataclass(frozen=True, slots=True)
class Forecast:
    """What presenting labels would do under one ceiling.

    Attributes:
        quota: it, with its wave and département.
        presented, waiting: files that would be presented, and that would enter the waiting list, by key.
        older: files of the waiting list, out of the selection, that are before all of it.
    """

    quota: Quota
    presented: frozenset[int]
    waiting: frozenset[int]
    older: int

    @property
    def free(self) -> int:
        """Places that are neither reserved nor used."""
        return max((self.quota.ceiling or 0) - self.quota.reserved - self.quota.used, 0)


def forecast(files: Iterable[Application]) -> list[Forecast]:
    """Tell, by ceiling, which of these labels would be presented one after the other, by key, and which would wait.

    The rule is that of :func:`why_full`, asked once for all the files, in a constant number of queries.
    """
    asked: dict[tuple[int | None, str], list[Application]] = defaultdict(list)
    for row in sorted(files, key=lambda row: row.pk):
        asked[row.wave_id, row.departement_id].append(row)
    among = {"wave__in": {wave for wave, _ in asked}, "departement__in": {code for _, code in asked}}
    queues: dict[tuple[int | None, str], list[Any]] = defaultdict(list)
    waiting = Application.objects.filter(waiting_since__isnull=False, state=ApplicationState.UNDER_REVIEW, **among)
    for wave, code, *place in waiting.order_by(*WAITING_ORDER).values_list("wave", "departement", *WAITING_ORDER):
        queues[wave, code].append(place[-1])
    quotas = Quota.objects.filter(ceiling__isnull=False, **among).select_related("wave", "departement")
    return [
        _forecast(quota, asked[quota.wave_id, quota.departement_id], queues[quota.wave_id, quota.departement_id])
        for quota in quotas.order_by("wave__number", "departement__sort_key")
        if (quota.wave_id, quota.departement_id) in asked
    ]


def _forecast(quota: Quota, files: list[Application], queue: list[int]) -> Forecast:
    free = (quota.ceiling or 0) - quota.reserved - quota.used
    chosen = {row.pk for row in files}
    older = next((rank for rank, pk in enumerate(queue) if pk in chosen), len(queue))
    presented, queue = set(), list(queue)
    for row in files:
        if free > (queue.index(row.pk) if row.pk in queue else len(queue)):
            free -= 1
            presented.add(row.pk)
            queue = [pk for pk in queue if pk != row.pk]
        elif row.pk not in queue:
            queue.append(row.pk)
    return Forecast(quota, frozenset(presented), frozenset(chosen - presented), older)


def enter_waiting_list(application: Application, mandate: Mandate, *, version: int, at: datetime) -> None:
    """Put a file on the waiting list of its wave and département; already there, it keeps its rank."""
    if application.waiting_since is not None:
        return
    write(application, version=version, waiting_since=at)
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=application.pk,
        action="wait",
        actor=mandate,
        at=at,
        from_state=application.state,
        to_state=application.state,
    )


def _reservation(application: Application) -> int | None:
    """Return the quota on which the proposal in progress reserved a place, as its event says."""
    proposed = (
        Event.objects.about(Subject.APPLICATION, application.pk).filter(action__in=("propose", "propose_alone")).last()
    )
    return proposed.data.get("quota") if proposed else None


def release_place(application: Application, *, used: int) -> None:
    """Free the place that a file reserved; ``used`` is 1 when a label takes it, else 0."""
    if quota := _reservation(application):
        Quota.objects.filter(pk=quota).update(reserved=F("reserved") - 1, used=F("used") + used)


def give_back(application: Application) -> None:
    """Free the place of a label that is withdrawn: it never was. The place of one that is abrogated stays taken."""
    if quota := _reservation(application):
        Quota.objects.filter(pk=quota).update(used=F("used") - 1)


def why_not_taken_back(application: Application) -> str:
    """Return why the place of a withdrawn label cannot be taken again, or nothing."""
    quota = Quota.objects.select_related("wave").filter(pk=_reservation(application) or 0).first()
    if quota is None or quota.ceiling is None or quota.reserved + quota.used < quota.ceiling:
        return ""
    return (
        f"Plafond atteint : les {quota.ceiling} places de la vague {quota.wave.number} sont prises, le label retiré ne peut "
        "pas reprendre la sienne. L’équipe nationale peut relever ce plafond par un acte motivé."
    )


def take_back(application: Application) -> None:
    """Take again the place of a label whose withdrawal is undone. The caller holds the lock of the quota."""
    if quota := _reservation(application):
        Quota.objects.filter(pk=quota).update(used=F("used") + 1)
