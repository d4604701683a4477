"""The lines of the work list in the reader's words: what each says depends on the mandate that reads it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from labelling.choices import ApplicationState as State
from labelling.choices import StructureKind, Verdict
from labelling.models import Application, InternalField, Tag
from labelling.models.applications import REVIEWERS
from labelling.rules.badges import OPEN, OUTSIDER, Badge, badge, facts_of
from labelling.rules.clock import PAUSED, appeal_silence, concertation_deadline, days_left, local_day, reasons_due
from labelling.rules.fields import Typed, shown
from labelling.services.assignment import reviewer
from labelling.services.clocks import awaited, clock_of
from labelling.services.labels import label_facts
from labelling.services.reviews import is_insider
from territories.choices import Capacity, Role
from territories.models import Mandate, User

SHORT_KINDS = {
    StructureKind.MSP: "MSP",
    StructureKind.CDS: "CDS",
    StructureKind.CABINET: "Cabinet",
    StructureKind.HOSPITAL: "Hôpital",
    StructureKind.MOBILE: "Médicobus",
    StructureKind.OTHER: "Autre",
}
KIND_NAMES = dict(StructureKind.choices)
NARROW = {Capacity.ARS: "ARS", Capacity.PREFET: "Préf."}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list, in the reader's words.

    ``left`` counts the days to the implicit rejection of an open file; ``people`` are those who instruct it, the ARS's
    first, as far as the reader may know; ``own`` is the authority that ``own_reviewer`` speaks of; ``fields`` are the internal
    fields that it shows, of a file loaded by ``with_values``.
    """

    application: Application
    badge: Badge
    clock: str
    days: str
    left: int | None
    ars: str
    prefecture: str
    people: Mapping[Capacity, User | None]
    own: Capacity
    fields: Sequence[InternalField] = ()

    @property
    def paused(self) -> bool:
        """Whether its delay is in a pause: its date is then put off."""
        return self.clock.startswith(PAUSED)

    @property
    def kind(self) -> str:
        """The type of structure in one word."""
        return SHORT_KINDS[StructureKind(self.application.structure.kind)]

    @property
    def kind_name(self) -> str:
        """The type of structure in full."""
        return KIND_NAMES[self.application.structure.kind]

    @property
    def reviewers_in_short(self) -> list[tuple[str, str]]:
        """Who instructs the file at each authority, as a narrow column holds it: ``P. Exemplaire``."""
        return [(NARROW[capacity], in_short(person)) for capacity, person in self.people.items()]

    @property
    def reviewers(self) -> dict[Capacity, str]:
        """Who instructs the file at each authority."""
        return {capacity: person.full_name if person else "–" for capacity, person in self.people.items()}

    @property
    def own_reviewer(self) -> str:
        """Who instructs the file for the reader's authority; for a reader of neither, for the lead."""
        return self.reviewers[self.own]

    @property
    def opinions(self) -> str:
        """Opinions given and asked, of a file loaded by ``with_opinion_counts``: « 1/3 »."""
        asked = getattr(self.application, "opinions_asked", 0)
        return f"{self.application.opinions_given}/{asked}" if asked else "–"  # type: ignore[attr-defined]

    @property
    def tags(self) -> list[Tag]:
        """The tags that the reader may see, of a file loaded by ``with_tags``."""
        return [row.tag for row in getattr(self.application, "shown_tags", ())]

    @property
    def values(self) -> list[tuple[InternalField, str]]:
        """The internal fields with their value as people read it."""
        return [(field, shown(self.value(field))) for field in self.fields]

    def value(self, field: InternalField) -> Typed:
        """The value of one of them."""
        value = getattr(self.application, field.word)
        return None if value == "" else value

    @property
    def is_new(self) -> bool:
        """Whether something happened since the reader last opened it, of a file loaded by ``with_news``."""
        return bool(getattr(self.application, "has_news", False))

    @property
    def epci(self) -> str:
        """The EPCI of a file loaded by ``with_epci``."""
        return self.application.epci or "–"  # type: ignore[attr-defined]


def rows_of(
    files: Iterable[Application], mandate: Mandate, now: datetime, *, fields: Sequence[InternalField] = ()
) -> list[Row]:
    """Return the lines of files loaded by ``with_details``, as a mandate reads them, with some internal fields."""
    insider = is_insider(mandate)
    return [_row(application, mandate, now, insider=insider, fields=fields) for application in files]


def _row(
    application: Application, mandate: Mandate, now: datetime, *, insider: bool, fields: Sequence[InternalField]
) -> Row:
    clock, days, left = "", "–", None
    if application.state in OPEN and application.silence_date:
        today = local_day(now, application.departement.timezone)
        clock = clock_of(application, today=today)
        days = clock.partition(" · ")[0]
        left = days_left(application.silence_date, today)
    words = _progress(application, mandate) if insider else {Capacity.ARS: "–", Capacity.PREFET: "–"}
    worn = agent_badge(application, mandate, now)
    held = {capacity: reviewer(application, capacity, on=timezone.localdate(now)) for capacity in REVIEWERS}
    people = {capacity: one.user if insider and one else None for capacity, one in held.items()}
    own = mandate.capacity or Capacity(application.lead)
    return Row(application, worn, clock, days, left, words[Capacity.ARS], words[Capacity.PREFET], people, own, fields)


def in_short(person: User | None) -> str:
    """Return a name as a narrow place holds it: ``P. Exemplaire``; a dash for nobody."""
    if person is None:
        return "–"
    return f"{person.first_name[:1]}.\u00a0{person.last_name}" if person.first_name else person.last_name


def agent_badge(application: Application, mandate: Mandate, now: datetime) -> Badge:
    """Return the badge of a file loaded by ``with_details``, for the reader of a mandate."""
    decision, zone = application.decision, application.departement.timezone
    said = [row for row in application.assessments.all() if row.capacity == application.lead]
    more: dict[str, Any] = {"to_assess": application.asked - len(said)}  # type: ignore[attr-defined]
    if mandate.capacity == application.lead:
        more["to_clarify"] = sum(row.verdict == Verdict.TO_CLARIFY for row in said)
    if application.declined_at is not None:  # type: ignore[attr-defined]
        declined_on = local_day(application.declined_at, zone)  # type: ignore[attr-defined]
        more["concert_by"] = concertation_deadline(
            declined_on, days=settings.CONCERTATION_DAYS, silence=application.silence_date
        )
        more["concerted"] = application.concerted  # type: ignore[attr-defined]
    if application.appealed_on is not None:  # type: ignore[attr-defined]
        more["answer_appeal_by"] = appeal_silence(application.appealed_on)  # type: ignore[attr-defined]
    if application.reasons_asked_on is not None:  # type: ignore[attr-defined]
        asked_on = application.reasons_asked_on  # type: ignore[attr-defined]
        more["reasons_by"] = reasons_due(asked_on, months=settings.REASONS_MONTHS)
    if decision is not None:
        signatures = decision.signatures.all()
        signed = {signature.capacity for signature in signatures}
        missing = tuple(capacity for capacity in decision.required if capacity not in signed)
        notifications = decision.notifications.all()
        notified = [row.notified_at for row in notifications if row.notified_at]
        available = [row.sent_at for row in notifications]
        more |= {
            "missing_capacities": missing,
            "signing_since": local_day(decision.proposed_at, zone),
            "may_sign": mandate.capacity in missing
            and mandate.covers(application.departement)
            and mandate.may_sign(now)
            and mandate.user_id not in {signature.user_id for signature in signatures},
            "available_on": local_day(min(available), zone) if available else None,
            "notified_on": local_day(min(notified), zone) if notified else None,
        }
    today = local_day(now, zone)
    if application.state == State.LABELLED and hasattr(application, "label"):
        more |= label_facts(application.label, today)
    more |= awaited(application, today=today, capacity=mandate.capacity).facts()
    return badge(facts_of(application, today=today, **more), mandate.hat if is_insider(mandate) else OUTSIDER)


def _progress(application: Application, mandate: Mandate) -> dict[str, str]:
    """Say in a word where each authority is, without telling what is not shared yet."""
    lead = Capacity(application.lead)
    other = Capacity.PREFET if lead == Capacity.ARS else Capacity.ARS
    if application.state == State.SUBMITTED:
        return {lead: "–", other: "–"}
    said = {(row.criterion_id, row.capacity): row.verdict for row in application.assessments.all()}
    readable = application.shared_at is not None or (mandate.role == Role.AGENT and mandate.capacity == lead)
    clear = sum(capacity == lead and verdict != Verdict.TO_CLARIFY for (_, capacity), verdict in said.items())
    words = {lead: f"{clear}/{application.asked}" if readable else "en cours", other: "–"}  # type: ignore[attr-defined]
    if application.shared_at is None:
        return words
    differences = sum(
        capacity == other and said.get((criterion, lead)) != verdict for (criterion, capacity), verdict in said.items()
    )
    if differences:
        words[other] = f"diffère ({differences})"
    else:
        words[other] = "endossé" if application.endorsed_at else "à endosser"
    return words
