"""Labels: their number, their period, their status at a date, and the moment the public may know of them."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Case, Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from francesante.lib.french import long_date
from labelling.models import Application, Ending, Label, Lifting, Site, Structure, Suspension
from labelling.rules.answers import Answers, parse
from labelling.rules.clock import add_months, local_day
from territories.choices import Subject
from territories.models import Decision, Departement, Event, Notification
from territories.services.events import lock, record_event

MONTHS_PER_YEAR = 12


@dataclass(frozen=True, slots=True)
class LabelStatus:
    """What is said of a label at a date. ``tone`` is that of the badge."""

    tone: str
    label: str
    in_force: bool


def status(label: Label, on: date, *, public: bool = False) -> LabelStatus:
    """Return the status of a label on a day, in the words of its holder and the agents, or of the public.

    It is computed, never stored.
    """
    if label.withdrawn_at is not None:
        return LabelStatus("", f"Label retiré le {long_date(label.withdrawn_at)}", in_force=False)
    first, until = label.valid.lower, label.valid.upper
    if until is not None and on >= until:
        if not label.endings.filter(applied_at__isnull=False, undone_at__isnull=True).exists():
            words = f"Label terminé le {long_date(last_day(label))}"
        elif public:
            words = f"N’est plus labellisé depuis le {long_date(until)}"
        else:
            words = f"Label abrogé à compter du {long_date(until)}"
        return LabelStatus("", words, in_force=False)
    if first is not None and on < first:
        return LabelStatus("info", f"Label à compter du {long_date(first)}", in_force=False)
    if label.suspensions.filter(period__contains=on).exists():
        return LabelStatus("" if public else "warning", "Label suspendu" if public else "Suspendu", in_force=False)
    return LabelStatus("success", "Labellisé France Santé" if public else "Label en cours", in_force=True)


def label_facts(label: Label, on: date) -> dict[str, Any]:
    """Return what the badge of a file says of its label, by name; its suspensions are prefetched where many are shown."""
    found = {"label_from": label.valid.lower, "label_until": last_day(label)}
    if label.withdrawn_at is not None or on not in label.valid:
        return found
    for row in label.suspensions.all():
        if row.period is not None and on in row.period:
            found |= {"suspended_since": row.period.lower, "review_on": row.review_date, "expected": row.expected}
    return found


def known_in_force(labels: QuerySet[Label], *, on: date, known_at: datetime) -> QuerySet[Label]:
    """Return the labels in force on a day, as the portal knew them at an instant; each with its ``known_valid``.

    Two times are told apart: the day that is asked about, and the moment of the knowledge. A label published since then was
    not known; one that was abrogated or withdrawn since then still had the validity that it lost, and one whose end was
    undone since then was still without it; one suspended since then was in force, and one whose suspension was lifted or
    undone since then was still suspended.
    """
    published = Event.objects.filter(
        subject_type=Subject.LABEL, subject_id=OuterRef("pk"), action="publish", at__lte=known_at
    )
    since = Ending.objects.filter(label=OuterRef("pk"), applied_at__gt=known_at).order_by("applied_at", "pk")
    without = Ending.objects.filter(label=OuterRef("pk"), applied_at__lte=known_at, undone_at__gt=known_at)
    known = Case(
        When(Exists(without), then=Subquery(without.values("ended_valid")[:1])),
        default=Coalesce(Subquery(since.values("was_valid")[:1]), F("valid")),
    )
    return (
        labels.filter(Exists(published))
        .exclude(pk__in=suspended(on=on, known_at=known_at).values("label"))
        .filter(Q(withdrawn_at__isnull=True) | Exists(since))
        .annotate(known_valid=known)
        .filter(known_valid__contains=on)  # type: ignore[misc]  # an annotation, which the plugin takes for a text
    )


def suspended(*, on: date, known_at: datetime) -> QuerySet[Suspension]:
    """Return the suspensions that covered a day, as the portal knew them at an instant."""
    # What a lifting found once the suspension was undone tells nothing of what it was before.
    lifted = Lifting.objects.filter(
        Q(suspension__undone_at__isnull=True) | Q(applied_at__lt=F("suspension__undone_at")),
        suspension=OuterRef("pk"),
        applied_at__gt=known_at,
    ).order_by("applied_at", "pk")
    since = Case(When(undone_at__gt=known_at, then=F("undone_period")), default=F("period"))
    return (
        Suspension.objects.filter(applied_at__lte=known_at)
        .annotate(known_period=Coalesce(Subquery(lifted.values("was_period")[:1]), since))
        .filter(known_period__contains=on)  # type: ignore[misc]  # an annotation, which the plugin takes for a text
    )


def last_day(label: Label) -> date | None:
    """Return the last day of a label, nothing when it has no term: ``valid`` excludes its upper bound."""
    return label.valid.upper - timedelta(days=1) if label.valid.upper else None


def period(first_day: date) -> DateRange:
    """Return the validity of a label that begins on a day; its upper bound is the first day without label."""
    return DateRange(first_day, add_months(first_day, settings.LABEL_YEARS * MONTHS_PER_YEAR))


ROUND = "Tournée : "
"""How the name of a stop of a round begins."""


def create_label(*, application: Application, decision: Decision, at: datetime) -> Label:
    """Create the label of a signed decision, inside the transaction of its last signature.

    Its sites and hours are those of the file: they are what the public will read.
    """
    departement = application.departement
    label = Label.objects.create(
        number=_next_number(departement),
        structure=application.structure,
        application=application,
        decision=decision,
        departement=departement,
        wave=application.wave,
        valid=period(_first_day(decision, local_day(decision.signed_at or at, departement.timezone))),
    )
    record_event(
        subject_type=Subject.LABEL,
        subject_id=label.pk,
        action="create",
        actor=None,
        at=at,
        data={
            "application": application.pk,
            "decision": decision.pk,
            "from": label.valid.lower.isoformat(),
            "until": label.valid.upper.isoformat(),
        },
    )
    open_sites(structure=application.structure, answers=parse(application.answers), at=at)
    return label


def open_sites(*, structure: Structure, answers: Answers, at: datetime) -> None:
    """Write the hours, other sites and rounds of a file where the public will read them; their addresses are to locate."""
    known = answers.as_json()
    if known["hours"]:
        structure.sites.filter(is_main=True).update(hours=known["hours"])
    structure.sites.filter(is_main=False).delete()
    sites = [
        Site(
            structure=structure,
            name=row["name"] or row["commune_name"],
            address=row["address"],
            commune_id=row["commune"],
            hours=row["hours"],
            locate_at=at if row["address"] else None,
        )
        for row in known["sites"]
    ]
    stops = [
        Site(
            structure=structure,
            name=f"{ROUND}{row['place'] or row['commune_name']}",
            commune_id=row["commune"],
            hours={row["day"]: [[row["start"], row["end"]]]},
            weeks=row["weeks"],
            locate_at=at if row["place"] else None,
        )
        for row in known["stops"]
    ]
    Site.objects.bulk_create([*sites, *stops])


def _first_day(decision: Decision, act_day: date) -> date:
    """Return the day that the signed content says, when the label follows another; else that of the act."""
    starts = json.loads(decision.content).get("effect", {}).get("starts", "last_signature")
    return act_day if starts == "last_signature" else max(act_day, date.fromisoformat(starts))


def _next_number(departement: Departement) -> str:
    # The row lock of the département gives the numbers one by one; it lets foreign keys to it through.
    Departement.objects.select_for_update(of=("self",), no_key=True).get(pk=departement.pk)
    prefix = f"LFS-{departement.pk}-"
    last = Label.objects.filter(departement=departement, number__startswith=prefix).aggregate(last=Max("number"))[
        "last"
    ]
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:05d}"


def publish_notified(*, at: datetime, decision: Decision | None = None) -> int:
    """Open to the public the labels whose decision was notified, and return their number.

    The date kept is the first notification's. Looks at one decision, or at all.
    """
    notified = Notification.objects.filter(notified_at__isnull=False, decision__kind="label_granted")
    if decision is not None:
        notified = notified.filter(decision=decision)
    waiting = Label.objects.filter(notified_at__isnull=True, decision__in=notified.values("decision")).order_by("pk")
    count = 0
    for pk in waiting.values_list("pk", flat=True):
        count += _publish(pk, at=at)
    return count


@transaction.atomic
def _publish(pk: int, *, at: datetime) -> int:
    label = lock(Label(pk=pk))
    if label.notified_at is not None:
        return 0
    first = Notification.objects.filter(decision=label.decision_id).aggregate(first=Min("notified_at"))["first"]
    Label.objects.filter(pk=pk).update(notified_at=first, version=label.version + 1)
    record_event(subject_type=Subject.LABEL, subject_id=pk, action="publish", actor=None, at=at)
    return 1
