"""Internal fields: what an authority notes of each file in a form it chose, the typed siblings of tags.

Like tags they never leave the two authorities, nor their own authority unless they are joint; they change nothing of a
file, make no page stale, and are no event.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FilteredRelation,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.db.models import Value as Literal

from francesante.lib.identifiers import NIR_REFUSED, holds_nir
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import FieldKind
from labelling.models import Application, BulkRun, FieldValue, InterestDeclaration, InternalField
from labelling.models.fields import MOST_CHOICES, MOST_FIELDS
from labelling.rules.fields import COLUMNS, FROM, TO, WITH, WITHOUT, Typed, read, shown, split_word, written
from labelling.services.reviews import require_reviewer
from labelling.services.tags import readable, require_keeper
from territories.models import Authority, Mandate, User

# Reading -------------------------------------------------------------------------------------------------------------


def fields_of(mandate: Mandate) -> QuerySet[InternalField]:
    """Return the fields that a mandate may fill: those of its authority, then the joint ones of the others, in their order."""
    own = Case(When(authority=mandate.authority_id, then=Literal(0)), default=Literal(1), output_field=IntegerField())
    return InternalField.objects.offered_to(mandate).order_by(own, "authority", "position")  # type: ignore[no-any-return]


class Fields:
    """The fields that a mandate may fill, by their word in an address; read when the first of them is needed, and once."""

    def __init__(self, mandate: Mandate) -> None:
        self.mandate = mandate

    @cached_property
    def by_word(self) -> Mapping[str, InternalField]:
        """Return them in the order in which they are shown."""
        return {field.word: field for field in fields_of(self.mandate)}

    @cached_property
    def names(self) -> Mapping[InternalField, str]:
        """Return how each is called on a list that may show them all."""
        return names_of(self.by_word.values())


def names_of(fields: Iterable[InternalField]) -> dict[InternalField, str]:
    """Return how fields that are shown together are called: by their name, and their authority where two share it."""
    shown = list(fields)
    taken = Counter(field.name.casefold() for field in shown)
    return {field: f"{field}, {field.authority}" if taken[field.name.casefold()] > 1 else field.name for field in shown}


def any_field(mandate: Mandate) -> Q:
    """Return the filter that every file passes when a mandate has fields, and none else: told with the counts of a list."""
    return Q(Exists(InternalField.objects.offered_to(mandate)))


def readable_values(mandate: Mandate) -> QuerySet[FieldValue]:
    """Return the values that a mandate may read: as :func:`labelling.services.tags.readable_tags`, of fields in use."""
    return readable(FieldValue.objects.filter(field__retired_at__isnull=True), mandate, word="field")


def value_of(field: InternalField, mandate: Mandate) -> Subquery:
    """Return the value of a field in a row of files, as far as a mandate may read it."""
    rows = readable_values(mandate).filter(field=field, application=OuterRef("pk"))
    return Subquery(rows.values(_column(field))[:1])


def with_values(
    files: QuerySet[Application], fields: Sequence[InternalField], mandate: Mandate
) -> QuerySet[Application]:
    """Add the value of each field under its word, ``r12``, in the query of the files themselves."""
    return files.annotate(**{field.word: value_of(field, mandate) for field in fields})


def held(kept: Mapping[str, str], fields: Fields) -> Q:
    """Return the filter of the words of an address that name fields, as their form leaves them.

    ``r12`` is a choice, « oui », « non », or part of a text; ``r12-de`` and ``r12-a`` are the bounds of a number or of a date;
    ``avec`` and ``sans`` name the field of which a file holds a value, or none.
    """
    found = Q()
    for word, text in kept.items():
        if named := split_word(word):
            field = fields.by_word[named[0]]
            found &= _holding(field, fields.mandate, **_condition(FieldKind(field.kind), named[1], text))
        elif word in {WITH, WITHOUT}:
            holds = _holding(fields.by_word[text], fields.mandate)
            found &= holds if word == WITH else ~holds
    return found


def _holding(field: InternalField, mandate: Mandate, **condition: Any) -> Q:
    asked = {f"{_column(field)}__{lookup}": value for lookup, value in condition.items()}
    return Q(pk__in=readable_values(mandate).filter(field=field, **asked).values("application"))


def _condition(kind: FieldKind, bound: str, text: str) -> Mapping[str, Any]:
    if kind == FieldKind.TEXT:
        return {"icontains": text}
    return {{FROM: "gte", TO: "lte"}.get(bound, "exact"): read(kind, text)}


def _column(field: InternalField) -> str:
    return COLUMNS[FieldKind(field.kind)]


AUTHOR = ("civility", "first_name", "last_name", "anonymised_at")
"""What the name of a person is made of."""


@dataclass(frozen=True, slots=True)
class Line:
    """A field of a file, its value, and who wrote it last, when."""

    field: InternalField
    value: Typed
    author: str
    at: datetime | None


def sheet(application: Application, mandate: Mandate) -> list[Line]:
    """Return the fields that a mandate may read on a file with their values, in one query.

    Nothing outside the authorities that instruct it, nor for who stands aside from its structure.
    """
    aside = InterestDeclaration.objects.recused(mandate.user_id).filter(structure=application.structure_id)
    rows = (
        fields_of(mandate)
        .filter(~Exists(aside))
        .annotate(
            here=FilteredRelation("held", condition=Q(held__application=application)),
            **{f"here_{column}": F(f"here__{column}") for column in {*COLUMNS.values(), "written_at"}},
            **{f"by_{name}": F(f"here__mandate__user__{name}") for name in AUTHOR},
        )
    )
    return [_line(field) for field in rows if field.fits(application.departement)]


def _line(field: Any) -> Line:
    value = getattr(field, f"here_{_column(field)}")
    author = User(**{name: getattr(field, f"by_{name}") for name in AUTHOR})
    return Line(field, None if value == "" else value, author.full_name, field.here_written_at)


# The vocabulary ------------------------------------------------------------------------------------------------------


def kept_fields(mandate: Mandate) -> QuerySet[InternalField]:
    """Return the fields of the mandate's authority, those in use first, with ``used``, the number of files that hold each."""
    rows = InternalField.objects.filter(authority=mandate.authority_id).annotate(used=Count("held"))
    return rows.order_by(F("position").asc(nulls_last=True), "name", "pk")


@transaction.atomic
def make_field(
    *, mandate: Mandate, name: str, note: str, kind: FieldKind, choices: Sequence[str], joint: bool, at: datetime
) -> InternalField:
    """Add a field to those of the mandate's authority, after the others.

    Raises:
        RefusedError: the mandate is not one of instruction, the name is taken, there are as many fields as people fill, or
            a list of choices has too few of them, too many, or one for a field that is no list.
    """
    _keep(mandate, at=at)
    name, note = _tidy(name), _tidy(note)
    if not name:
        raise RefusedError("Donnez un nom à la rubrique. Rien n’a été enregistré.")
    listed = _listed(choices) if kind == FieldKind.CHOICE else []
    place = _free_place(mandate)
    try:
        with transaction.atomic():
            return InternalField.objects.create(
                authority_id=mandate.authority_id,
                name=name,
                note=note,
                kind=kind,
                choices=listed,
                joint=joint,
                position=place,
                made_by=mandate,
                made_at=at,
            )
    except IntegrityError as error:
        raise RefusedError(f"Votre autorité a déjà une rubrique « {name} ». Rien n’a été enregistré.") from error


@transaction.atomic
def add_choice(*, field: InternalField, choice: str, mandate: Mandate, at: datetime) -> InternalField:
    """Add a choice at the end of a list; none is ever taken away, since files may hold it.

    Raises:
        RefusedError: the field is another authority's or no list, or the choice is empty, there already, or one too many.
    """
    current = _own(field, mandate, at=at)
    if current.kind != FieldKind.CHOICE:
        raise RefusedError(f"« {current.name} » n’est pas une liste de choix. Rien n’a été enregistré.")
    current.choices = _listed([*current.choices, choice], more=True)
    current.save(update_fields=["choices"])
    return current


@transaction.atomic
def move_field(*, field: InternalField, step: int, mandate: Mandate, at: datetime) -> InternalField:
    """Move a field one place up (``step`` -1) or down (1); at an end, it stays.

    Raises:
        RefusedError: it is another authority's, or out of use.
    """
    current = _own(field, mandate, at=at)
    if current.position is None:
        raise RefusedError("Cette rubrique est retirée : elle n’a plus de place.")
    beside = InternalField.objects.filter(authority=current.authority_id, position=current.position + step).first()
    if beside is not None:
        beside.position, current.position = current.position, beside.position
        beside.save(update_fields=["position"])
        current.save(update_fields=["position"])
    return current


@transaction.atomic
def retire_field(*, field: InternalField, mandate: Mandate, at: datetime) -> bool:
    """Take a field out of use; one that no file holds is deleted. Return whether values of it are kept.

    Raises:
        RefusedError: it is another authority's.
    """
    current = _own(field, mandate, at=at)
    if current.retired_at is not None:
        return True
    place = current.position
    used = any(model.objects.filter(field=current).exists() for model in (FieldValue, BulkRun))
    if used:
        current.retired_at, current.position = at, None
        current.save(update_fields=["retired_at", "position"])
    else:
        current.delete()
    InternalField.objects.filter(authority=mandate.authority_id, position__gt=place).update(position=F("position") - 1)
    return used


@transaction.atomic
def restore_field(*, field: InternalField, mandate: Mandate, at: datetime) -> InternalField:
    """Put a retired field back in use, after the others, with its values.

    Raises:
        RefusedError: it is another authority's, its name is taken meanwhile, or there are as many fields as people fill.
    """
    current = _own(field, mandate, at=at)
    if current.retired_at is None:
        return current
    current.retired_at, current.position = None, _free_place(mandate)
    try:
        with transaction.atomic():
            current.save(update_fields=["retired_at", "position"])
    except IntegrityError as error:
        raise RefusedError(
            f"Votre autorité a maintenant une autre rubrique « {current.name} » : retirez-la d’abord. Rien n’a changé."
        ) from error
    return current


def _keep(mandate: Mandate, *, at: datetime) -> None:
    """Lock the fields of the mandate's authority: their number, names and places are read once."""
    require_keeper(mandate, "rubriques", at=at)
    Authority.objects.select_for_update(of=("self",), no_key=True).get(pk=mandate.authority_id)


def _own(field: InternalField, mandate: Mandate, *, at: datetime) -> InternalField:
    """Return a field of the mandate's authority, locked."""
    require_keeper(mandate, "rubriques", at=at)
    current: InternalField | None = (
        InternalField.objects.select_for_update(of=("self",))
        .filter(pk=field.pk, authority=mandate.authority_id)
        .first()
    )
    if current is None:
        raise RefusedError("Cette rubrique n’est pas, ou n’est plus, une rubrique de votre autorité. Rien n’a changé.")
    return current


def _free_place(mandate: Mandate) -> int:
    """Return the place after the last."""
    last = InternalField.objects.filter(authority=mandate.authority_id).aggregate(last=Max("position"))["last"] or 0
    if last >= MOST_FIELDS:
        raise RefusedError(
            f"Votre autorité a déjà {MOST_FIELDS} rubriques : rien n’a été enregistré. Retirez-en une qui ne sert plus."
        )
    return int(last) + 1


def _tidy(text: str) -> str:
    text = " ".join(text.split())
    if holds_nir(text):
        raise RefusedError(NIR_REFUSED)
    return text


def _listed(choices: Sequence[str], *, more: bool = False) -> list[str]:
    """Return choices without the empty ones; with ``more``, the last one is being added."""
    listed = [_tidy(choice) for choice in choices]
    if more and not listed[-1]:
        raise RefusedError("Écrivez le choix à ajouter. Rien n’a été enregistré.")
    listed = [choice for choice in listed if choice]
    if double := next((one for one in listed if [row.casefold() for row in listed].count(one.casefold()) > 1), ""):
        raise RefusedError(f"Le choix « {double} » est là deux fois. Rien n’a été enregistré.")
    if not 2 <= len(listed) <= MOST_CHOICES:  # noqa: PLR2004  # one alone is no choice
        raise RefusedError(
            f"Une liste compte de 2 à {MOST_CHOICES} choix, un par ligne ; celle-ci en a {len(listed)}. "
            "Rien n’a été enregistré."
        )
    return listed


# On files ------------------------------------------------------------------------------------------------------------


class ChangedMeanwhileError(StaleError):
    """Values that would be replaced are no longer those that the page showed; ``lines`` hold what is there now."""

    def __init__(self, lines: Sequence[Line]) -> None:
        names = ", ".join(f"« {line.field.name} »" for line in lines)
        super().__init__(
            f"Pendant que vous y travailliez, quelqu’un a écrit dans {names}. Rien n’a été enregistré : votre saisie est "
            "gardée ci-dessous, à côté de ce qu’elle remplacerait."
        )
        self.lines = lines


@transaction.atomic
def fill(
    *, application: Application, said: Mapping[int, Typed], was: Mapping[int, str], mandate: Mandate, at: datetime
) -> list[str]:
    """Write on a file the values that changed on a page, and return the names of their fields.

    ``said`` holds the values of the page by field, ``was`` what it showed (:func:`labelling.rules.fields.written`) before
    they were changed: what the person did not touch is not written, so two people fill two fields at once.

    Raises:
        RefusedError: the mandate may not instruct the file, a field is no longer one of its own, a choice is not of its
            list, or a text holds a social security number.
        ChangedMeanwhileError: somebody wrote, meanwhile, in a field that would be written over; nothing is.
    """
    require_reviewer(application, mandate, at=at)
    changed = {pk: value for pk, value in said.items() if written(value) != was.get(pk, "")}
    # Whoever fills the same file waits here; whoever retires one of these fields, too.
    Application.objects.select_for_update(of=("self",), no_key=True).get(pk=application.pk)
    list(InternalField.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=changed).order_by("pk"))
    lines = {line.field.pk: line for line in sheet(application, mandate)}
    for pk, value in changed.items():
        if pk not in lines:
            raise RefusedError(
                "Une rubrique où vous avez écrit n’est plus en usage sur ce dossier. Rien n’a été enregistré ; le reste de "
                "votre saisie est gardé."
            )
        _check(lines[pk].field, value)
    replaced = [
        lines[pk] for pk, value in changed.items() if written(lines[pk].value) not in {was.get(pk, ""), written(value)}
    ]
    if replaced:
        raise ChangedMeanwhileError(replaced)
    for pk, value in changed.items():
        _write(application, lines[pk].field, value, mandate, at)
    return [lines[pk].field.name for pk in lines if pk in changed]


@dataclass(frozen=True, slots=True)
class Filling:
    """A value that several files without any receive."""

    field: InternalField
    value: Typed


def values_held(field: InternalField, applications: Iterable[int]) -> dict[int, Typed]:
    """Return what those of some files that hold a field hold."""
    rows = FieldValue.objects.filter(field=field, application__in=applications)
    return dict(rows.values_list("application", _column(field)))


@transaction.atomic
def fill_blank(*, application: Application, filling: Filling, mandate: Mandate, at: datetime) -> None:
    """Write a value on a file that holds none of its field.

    Raises:
        RefusedError: as :func:`fill`, or the file holds one: many at once are never written over.
    """
    require_reviewer(application, mandate, at=at)
    check_blank(application, filling, mandate, held=values_held(filling.field, [application.pk]))
    fill(application=application, said={filling.field.pk: filling.value}, was={}, mandate=mandate, at=at)


def check_blank(application: Application, filling: Filling, mandate: Mandate, *, held: Mapping[int, Typed]) -> None:
    """Ask if a reviewer may write a value on a file that holds none; ``held`` holds those of the files that do.

    Raises:
        RefusedError: why not.
    """
    field = filling.field
    usable = field.joint or field.authority_id == mandate.authority_id
    if field.retired_at is not None or not usable or not field.fits(application.departement):
        raise RefusedError("Cette rubrique n’est pas, ou n’est plus, une rubrique de ce dossier.")
    if application.pk in held:
        raise RefusedError(
            f"« {field.name} » est déjà renseignée : {shown(held[application.pk])}. Un lot ne remplace aucune valeur ; "
            "changez-la depuis le dossier."
        )


def _check(field: InternalField, value: Typed) -> None:
    if field.kind == FieldKind.CHOICE and value is not None and value not in field.choices:
        raise RefusedError(f"« {value} » n’est pas un choix de « {field.name} ». Rien n’a été enregistré.")
    if isinstance(value, str) and holds_nir(value):
        raise RefusedError(NIR_REFUSED)


def _write(application: Application, field: InternalField, value: Typed, mandate: Mandate, at: datetime) -> None:
    if value is None:
        FieldValue.objects.filter(application=application, field=field).delete()
        return
    FieldValue.objects.update_or_create(
        application=application,
        field=field,
        defaults={_column(field): value, "mandate": mandate, "written_at": at},
    )
