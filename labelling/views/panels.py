"""What the agents' page of a file shows beside the criteria: presence, interests, opinions, notes, readings."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.forms import BoundField
from django.http import HttpRequest
from django.utils import timezone

from labelling.choices import CriterionKind, Interest, NewsKind, OpinionSense
from labelling.forms.fields import ValuesForm
from labelling.forms.notes import NoteForm
from labelling.models import (
    Application,
    ConsultedBody,
    ExpertGroup,
    InterestDeclaration,
    Note,
    Opinion,
    OpinionAnswer,
    Tag,
)
from labelling.models.opinions import CONSULTING
from labelling.rules.badges import Badge
from labelling.rules.clock import local_day
from labelling.rules.fields import shown, written
from labelling.rules.news import IN_WORDS
from labelling.services.fields import Line, names_of, sheet
from labelling.services.following import is_followed, last_visit, news_of
from labelling.services.interests import declaration_of, undeclared
from labelling.services.notes import readable_notes
from labelling.services.opinions import QUESTION, groups_to_ask, opinions_of
from labelling.services.presence import BEAT, WATCH, Reader, arrive
from labelling.services.readings import readings_of, record_reading
from labelling.services.reviews import is_insider, other_capacity
from labelling.services.tags import readable_tags
from territories.choices import Capacity, Role
from territories.models import Mandate

READINGS_SHOWN = 30
SENSES = {
    OpinionSense.FAVOURABLE: "Favorable",
    OpinionSense.RESERVED: "Réservé",
    OpinionSense.UNFAVOURABLE: "Défavorable",
    OpinionSense.NONE: "Sans avis",
}
"""The sense of an opinion in a badge."""


@dataclass(frozen=True, slots=True)
class OpinionLine:
    """One request as agents read it."""

    opinion: Opinion
    answers: list[OpinionAnswer]
    badge: Badge
    may_revoke: bool

    @property
    def last(self) -> OpinionAnswer | None:
        """The answer that counts."""
        return self.answers[0] if self.answers else None

    @property
    def question(self) -> str:
        """The question, unless it is the usual one."""
        return "" if self.opinion.question == QUESTION else self.opinion.question


@dataclass(frozen=True, slots=True)
class OpinionPanel:
    """The opinions of a file: « Avis 1/3 »."""

    lines: list[OpinionLine]
    asked: int
    given: int
    late: int
    groups: list[tuple[ExpertGroup, list[ConsultedBody]]]
    may_ask: bool


@dataclass(frozen=True, slots=True)
class InterestPanel:
    """What is asked of an agent, or what they declared."""

    declaration: InterestDeclaration | None
    recused: bool
    asked: bool


def panels(
    request: HttpRequest,
    application: Application,
    mandate: Mandate,
    *,
    may_act: bool,
    criterion: Any,
    aside: AbstractSet[int],
    now: datetime,
) -> dict[str, Any]:
    """Return what the panels of the page of a file show, and record that it was opened.

    ``criterion`` is the one whose row is open, or nothing; ``aside`` are the structures from which the reader stands aside.
    """
    since_visit = _since_visit(application, mandate, now)
    if request.method == "GET":
        record_reading(application=application, mandate=mandate, at=now)
    insider = is_insider(mandate)
    return {
        "presence": presence_context(application, mandate, opened_at=now, now=now),
        "interest": _interest(application, mandate),
        "opinions": _opinions(application, may_act=may_act, now=now) if insider else None,
        "since_visit": since_visit,
        "is_followed": is_followed(application, mandate) if may_act else None,
        "tags": _tags(application, mandate),
        "fields": _fields(application, mandate, may_act=may_act),
        "notes": _notes(application, mandate, may_act=may_act, criterion=criterion, aside=aside),
        "readings": readings_of(application)[:READINGS_SHOWN] if insider else None,
    }


def presence_context(
    application: Application, mandate: Mandate, *, opened_at: datetime, now: datetime
) -> dict[str, Any] | None:
    """Return who else reads a file, and whether the page goes on asking; nothing outside the two authorities."""
    if not is_insider(mandate):
        return None
    readers: list[Reader] = arrive(application=application, mandate=mandate, at=now)
    return {
        "readers": readers,
        "seconds": int(BEAT.total_seconds()) if now - opened_at < WATCH else 0,
        "opened_at": int(opened_at.timestamp()),
    }


def _interest(application: Application, mandate: Mandate) -> InterestPanel | None:
    if mandate.role != Role.AGENT or mandate.capacity is None or not mandate.covers(application.departement):
        return None
    declaration = declaration_of(mandate, application.structure_id)
    recused = declaration is not None and declaration.interest == Interest.RECUSED
    return InterestPanel(declaration, recused, asked=declaration is None and bool(undeclared(application, mandate)))


def _opinions(application: Application, *, may_act: bool, now: datetime) -> OpinionPanel:
    today = local_day(now, application.departement.timezone)
    consulting = application.state in CONSULTING
    lines = [_opinion(row, today, may_revoke=may_act) for row in opinions_of(application)]
    asked = [line.opinion for line in lines if line.opinion.revoked_at is None]
    may_ask = may_act and consulting
    return OpinionPanel(
        lines=lines,
        asked=len(asked),
        given=sum(row.answered_at is not None for row in asked),
        late=sum(consulting and row.answered_at is None and row.due_date < today for row in asked),
        groups=groups_to_ask(application) if may_ask else [],
        may_ask=may_ask,
    )


def _opinion(opinion: Opinion, today: Any, *, may_revoke: bool) -> OpinionLine:
    answers = list(opinion.answers.all())
    waits = opinion.application.state in CONSULTING
    if opinion.revoked_at is not None:
        badge = Badge("", "Annulé", "")
    elif answers:
        badge = Badge("", SENSES[OpinionSense(answers[0].sense)], "")
    elif not waits:
        badge = Badge("", "Non rendu", "")
    elif opinion.due_date < today:
        badge = Badge("warning", "En retard", "")
    else:
        badge = Badge("info", "Attendu", "")
    unanswered = not answers and opinion.revoked_at is None and waits
    return OpinionLine(opinion, answers, badge, may_revoke and unanswered)


def _notes(
    application: Application, mandate: Mandate, *, may_act: bool, criterion: Any, aside: AbstractSet[int]
) -> dict[str, Any] | None:
    if mandate.role != Role.AGENT or mandate.capacity is None:
        return None
    form = (
        note_form(application, mandate, initial={"criterion": criterion.pk if criterion else None}) if may_act else None
    )
    rows: list[Note] = list(readable_notes(application, mandate, aside=aside))
    return {"rows": rows, "form": form}


def _since_visit(application: Application, mandate: Mandate, now: datetime) -> dict[str, Any] | None:
    """Return when the reader last opened the file and what happened since; nothing on a first visit, or if nothing did.

    The answers of the structure have a notice of their own, with what they changed.
    """
    if mandate.role != Role.AGENT or mandate.capacity is None:
        return None
    last, counts = last_visit(application, mandate), news_of(application, mandate, at=now)
    words = [f"{number} {IN_WORDS[kind][number > 1]}" for kind, number in counts.items() if kind != NewsKind.ANSWER]
    return {"at": last, "words": words} if last and words else None


def _tags(application: Application, mandate: Mandate) -> dict[str, Any] | None:
    if mandate.role != Role.AGENT or mandate.capacity is None:
        return None
    rows = readable_tags(mandate).filter(application=application).select_related("tag").order_by("tag__name", "pk")
    shown = [row.tag for row in rows]
    left = Tag.objects.offered_to(mandate).exclude(pk__in=[tag.pk for tag in shown])
    return {"shown": shown, "offered": [tag for tag in left if tag.fits(application.departement)]}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field of a file on its page: its value, where it is written, what the page shows now, what it would replace."""

    line: Line
    name: str
    bound: BoundField
    was: str
    replaces: bool

    @property
    def value(self) -> str:
        """The value as people read it."""
        return shown(self.line.value)


def _fields(application: Application, mandate: Mandate, *, may_act: bool) -> dict[str, Any] | None:
    lines = sheet(application, mandate)
    if not lines:
        return None
    rows = field_rows(values_form(lines), lines)
    return {"rows": rows, "written": [row for row in rows if row.line.at], "may_fill": may_act}


def values_form(lines: Sequence[Line], data: Any = None) -> ValuesForm:
    """Return the form of the values of a file."""
    return ValuesForm(
        data,
        fields=names_of(line.field for line in lines).items(),
        values={line.field.pk: line.value for line in lines},
    )


def field_rows(
    form: ValuesForm, lines: Sequence[Line], was: Mapping[int, str] | None = None, *, replaced: Collection[Line] = ()
) -> list[FieldRow]:
    """Return the rows of a form of values; ``was`` is what the page showed, by default what is kept."""
    kept = {line.field.pk: written(line.value) for line in lines} if was is None else was
    over = {line.field.pk: line for line in replaced}
    rows = []
    for line in lines:
        bound = form[line.field.word]
        now = over.get(line.field.pk, line)
        rows.append(FieldRow(now, bound.label, bound, kept[line.field.pk], replaces=line.field.pk in over))
    return rows


def note_form(application: Application, mandate: Mandate, data: Any = None, **kwargs: Any) -> NoteForm:
    """Return the form of a note on a file, in the words of a mandate's authority."""
    own = Capacity(mandate.capacity)  # type: ignore[arg-type]
    lead = Capacity(application.lead)
    other = other_capacity(application) if own == lead else lead
    criteria = application.specification.criteria.filter(kind=CriterionKind.CRITERION).order_by("position")
    names = {Capacity.ARS: "l’ARS", Capacity.PREFET: "la préfecture"}
    authority = names[own][:1].upper() + names[own][1:]
    return NoteForm(data, criteria=criteria, authority=authority, other=names[other], prefix="note", **kwargs)


def posted_time(request: HttpRequest, name: str, *, now: datetime) -> datetime:
    """Return an instant that a page carries in its address, never in the future; ``now`` when it is none."""
    text = request.GET.get(name, "")
    if not text.isdecimal() or len(text) > len(str(int(now.timestamp()))):
        return now
    return min(datetime.fromtimestamp(int(text), tz=timezone.get_default_timezone()), now)
