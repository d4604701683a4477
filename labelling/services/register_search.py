"""Search in the registers, and the lines that speak of one structure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import Case, Exists, F, OuterRef, Prefetch, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Concat

from francesante.lib.french import long_date
from francesante.lib.identifiers import clean_finess, clean_siret
from francesante.lib.text import sort_key
from labelling.choices import Register, StructureKind
from labelling.models import Completion, RegisterChange, RegisterLine, Structure
from territories.models import Commune

MAX_RESULTS = 20
IDENTITY = (Register.FINESS, Register.LIST)
"""Registers whose lines are places of care; the others only say something of them, or know any establishment."""

KIND_WORDS = {
    "maison de sante": StructureKind.MSP,
    "maison medicale": StructureKind.MSP,
    "msp": StructureKind.MSP,
    "centre de sante": StructureKind.CDS,
    "cds": StructureKind.CDS,
    "hopital": StructureKind.HOSPITAL,
    "medicobus": StructureKind.MOBILE,
    "cabinet": StructureKind.CABINET,
}
"""What people write for a type, as it is searched."""


@dataclass(frozen=True, slots=True)
class Search:
    """Lines found, and the sentence to show when a number is wrong or unknown; the SIRET that no register has."""

    lines: list[RegisterLine]
    sentence: str = ""
    unknown_siret: str = ""


def search_register(*, text: str, commune: str = "") -> Search:
    """Find lines by FINESS, SIRET, or name with an optional commune (name or INSEE code), accents aside.

    A place that its register says closed is not offered; asked by its number, the sentence says so.
    """
    digits = re.sub(r"[\s.-]", "", text)
    if re.fullmatch(r"\d[0-9ABab]\d{7}", digits) or re.fullmatch(r"\d{9}", digits):
        return _by_finess(text)
    if re.fullmatch(r"\d{14}", digits):
        return _by_siret(text)
    if digits.isdigit():
        return Search([], _wrong_length(len(digits)))
    return _by_name(text, commune)


def _wrong_length(length: int) -> str:
    return (
        f"Ce numéro compte {length} chiffres : un FINESS en a 9, un SIRET en a 14. Vérifiez-le, ou cherchez par le nom "
        "et la commune."
    )


def _by_finess(text: str) -> Search:
    try:
        number = clean_finess(text)
    except ValueError as error:
        return Search([], str(error))
    return _open_ones(_lines().filter(number=number), f"Le numéro FINESS {number}")


def _by_siret(text: str) -> Search:
    try:
        number = clean_siret(text)
    except ValueError as error:
        return Search([], str(error))
    found = list(_lines().filter(siret=number).order_by("sort_key", "pk")[:MAX_RESULTS])
    if not found:
        return Search([], _unknown(f"Le SIRET {number}"), unknown_siret=number)
    # A place of care is known by its own register before any list of establishments.
    places = [line for line in found if line.register in IDENTITY or is_held(line)]
    return _open_ones(places or found, f"Le SIRET {number}")


def is_held(line: RegisterLine) -> bool:
    """Tell whether a line is that of a structure of the portal."""
    return hasattr(line, "structure")


def _open_ones(lines: Iterable[RegisterLine], subject: str) -> Search:
    found = list(lines)
    standing = [line for line in found if line.closed_on is None]
    if found and not standing:
        return Search([], closed_sentence(found[0]))
    return Search(standing, "" if standing else _unknown(subject))


def closed_sentence(line: RegisterLine) -> str:
    """Say that a register holds a place to be closed, and what to do when it is not."""
    if line.register == Register.ANNUAIRE:
        return (
            f"L’établissement {line.name} est fermé depuis le {long_date(line.closed_on)}, selon l’Annuaire des entreprises "
            f"au {long_date(line.as_of)}. Un établissement qui déménage change de SIRET : cherchez le nouveau, sur l’avis de "
            "situation de l’Insee."
        )
    return (
        f"{line.name} est fermée depuis le {long_date(line.closed_on)}, selon {line.get_register_display()} au "
        f"{long_date(line.as_of)}. Si elle reçoit toujours du public, demandez à votre ARS de corriger le registre, ou "
        "cherchez son nouveau numéro."
    )


def _unknown(subject: str) -> str:
    return (
        f"{subject} est bien formé, mais il ne figure pas dans le registre importé. S’il est récent, il y sera à la "
        "prochaine mise à jour ; sinon, cherchez par le nom et la commune."
    )


def _by_name(text: str, commune: str) -> Search:
    key = sort_key(text)
    if not key:
        return Search([], "Indiquez un numéro FINESS, un SIRET, ou le nom de la structure.")
    meant = _meant(key)
    named = Q(sort_key__contains=key) | Q(sort_key__trigram_word_similar=key) | Q(number=text.strip())
    lines = (
        _lines()
        .filter(closed_on__isnull=True)
        .annotate(similarity=TrigramWordSimilarity(meant.name or key, "sort_key"))
    )
    if place := sort_key(commune):
        lines = lines.filter(
            Q(commune__sort_key__contains=place) | Q(commune=commune.strip().upper()) | Q(postal_code=commune.strip())
        )
    whole, there = Q(sort_key__contains=key), Q(commune__in=meant.communes)
    lines = lines.filter(named | (there & meant.there)).annotate(
        rank=Case(When(whole, then=0), When(there & Q(kind__in=meant.kinds), then=1), When(there, then=2), default=3)
    )
    found = list(lines.order_by("rank", F("similarity").desc(), "sort_key", "pk")[:MAX_RESULTS])
    if found:
        return Search(found)
    where = f" à « {commune.strip()} »" if commune.strip() else ""
    return Search(
        [],
        f"Aucune structure ne ressemble à « {text.strip()} »{where} dans le registre. Essayez un mot du nom sans la "
        "commune, ou le numéro FINESS.",
    )


@dataclass(frozen=True, slots=True)
class _Meant:
    """What a search may mean besides a name: communes and types that it names, and the words that are left of it."""

    communes: list[str]
    kinds: list[StructureKind]
    name: str

    @property
    def there(self) -> Q:
        """What is looked for in the communes named: a name that resembles, a type; anything when nothing else is said."""
        return Q(sort_key__trigram_word_similar=self.name) | Q(kind__in=self.kinds) if self.name else Q()


def _meant(key: str) -> _Meant:
    """Read « maison de sante lodeve » as a type in a commune: people write both in one field."""
    padded = f" {key} "
    named = Commune.objects.alias(text=Value(padded)).filter(
        text__contains=Concat(Value(" "), "sort_key", Value(" "), output_field=TextField())
    )
    communes = dict(named.values_list("pk", "sort_key"))
    for words in sorted(communes.values(), key=len, reverse=True):
        padded = padded.replace(f" {words} ", " ")
    kinds = [kind for words, kind in KIND_WORDS.items() if f" {words} " in f" {key} "]
    return _Meant(list(communes), kinds, padded.strip())


def _lines() -> QuerySet[Any]:
    """Lines that can be claimed: places of care, establishments of the Annuaire, and what made a structure already.

    A structure is offered once: its own line stands for the establishment of its SIRET.
    """
    elsewhere = Structure.objects.filter(siret=OuterRef("siret")).exclude(register_line=OuterRef("pk"))
    lines = RegisterLine.objects.filter(
        Q(register__in=IDENTITY)
        | (Q(register=Register.ANNUAIRE) & ~Exists(elsewhere))
        | Q(register=Register.DECLARED, structure__isnull=False)
    )
    return lines.select_related("commune__departement", "structure")


def places_of(numbers: Iterable[str]) -> list[RegisterLine]:
    """Return the open places of care that have some FINESS numbers."""
    return list(
        _lines().filter(register=Register.FINESS, number__in=list(numbers), closed_on__isnull=True).order_by("pk")
    )


def claimable(user: Any) -> QuerySet[RegisterLine]:
    """Return the lines that a person may open to act for their structure; what another one described is not among them."""
    own = RegisterLine.objects.filter(claims__user=user.pk).values("pk")
    return RegisterLine.objects.filter(
        Q(register__in=(*IDENTITY, Register.ANNUAIRE))
        | (Q(register=Register.DECLARED) & (Q(structure__isnull=False) | Q(pk__in=own)))
    )


def completion_of(line: RegisterLine | None) -> Completion | None:
    """Return what the Annuaire had still to say of a line that a person described, and what it said."""
    return Completion.objects.filter(line=line).select_related("answer__commune").first() if line else None


# One structure ---------------------------------------------------------------------------------------------------


def lines_about(structure: Structure) -> list[RegisterLine]:
    """Return what the registers say of a structure, its own line first, each with its changes, the latest first."""
    mine = Q(pk=structure.register_line_id)
    if structure.finess:
        mine |= Q(number=structure.finess)
    if structure.siret:
        mine |= Q(siret=structure.siret)
    changes = Prefetch("changes", RegisterChange.objects.order_by("-as_of", "-pk"))
    # What another person described of the same SIRET is not what a register says.
    others = Q(register=Register.DECLARED) & ~Q(pk=structure.register_line_id)
    lines = RegisterLine.objects.filter(mine).exclude(others).select_related("commune").prefetch_related(changes)
    return sorted(lines, key=lambda line: (line.pk != structure.register_line_id, line.register, line.pk))
