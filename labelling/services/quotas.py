"""Places: a ceiling that binds, the waiting list it makes, and the reservation of a file at the signature.

The quota's row is the first lock of every act that moves a place (DESIGN §4.9, §4.11).
"""

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
        f"{first} Ce n’est pas un motif de refus : le dossier entre en liste d’attente, rang {ahead + 1}. L’équipe "
        "nationale peut relever ce plafond par un acte motivé."
    )


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
