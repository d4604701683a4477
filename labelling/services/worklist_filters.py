"""The filters of the work list, and its search: French, without accents, forgiving typing errors."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import reduce
from operator import or_

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import Exists, Q, QuerySet, Subquery, Value
from django.db.models.lookups import GreaterThanOrEqual
from django.utils import timezone

from francesante.lib.text import sort_key
from labelling.choices import ApplicationState as State
from labelling.choices import NewsKind, NewsScope
from labelling.models import Application, Structure
from labelling.models.applications import REVIEWERS
from labelling.services.assignment import in_hand, in_nobodys_hands
from labelling.services.fields import Fields, held
from labelling.services.following import among, has_news
from labelling.services.tags import tagged
from territories.models import Commune, CommuneVintage, Epci, Mandate, User

INSTRUCTION = (State.SUBMITTED, State.UNDER_REVIEW, State.DISAGREEMENT)
UNDER_WAY = "instruction"
"""Filter « état »: any state of the instruction, from the receipt to the signature."""
NOBODY = "personne"
"""Filter « instruit par »: nobody of one's own authority."""
NUMBER = re.compile(r"FS-[\dAB]{2,3}-\d{4}-\d{4,}")
PART_OF_NUMBER = re.compile(r"(FS-?)?[\dAB-]*\d[\dAB-]*")
FINESS = re.compile(r"\d[\dAB]\d{7}")
SHORTEST_MISTYPED = 5
"""Letters under which a word is taken literally: one letter away, too many others are words too."""
LONG_WORD = 8


def filter_of(files: QuerySet[Application], kept: Mapping[str, str], fields: Fields, today: date) -> Q:
    """Return the filter of the words of an address: ``etat``, ``type``, ``voie``, ``dep``, ``epci``, ``vague``, ``agent``,
    ``etiquette``, ``nouveau``, ``parmi``, ``q``, and those that name internal fields.

    ``files`` are those it will filter: the search is literal there, and forgives typing errors when nothing is. The
    mandate that it depends on is that of ``fields``: who instructs a file is who does for its authority.
    """
    found = held(kept, fields)
    if state := kept.get("etat"):
        found &= Q(state__in=INSTRUCTION) if state == UNDER_WAY else Q(state=state)
    if kind := kept.get("type"):
        found &= Q(structure__kind=kind)
    if route := kept.get("voie"):
        found &= Q(route=route)
    if departement := kept.get("dep"):
        found &= Q(departement=departement)
    if epci := kept.get("epci"):
        found &= Q(structure__commune__in=latest_vintages().filter(epci=epci).values("commune"))
    if wave := kept.get("vague"):
        found &= Q(wave__number=wave)
    found &= _own(kept, fields.mandate, today)
    if text := kept.get("q"):
        found &= search_filter(files, text)
    return found


def _own(kept: Mapping[str, str], mandate: Mandate, today: date) -> Q:
    """What the words that depend on their reader mean: who instructs, tags, news."""
    found = Q()
    if agent := kept.get("agent"):
        nobody = agent == NOBODY
        found &= (
            in_nobodys_hands(mandate.capacity, on=today) if nobody else in_hand(mandate.capacity, on=today, of=agent)
        )
    if tag := kept.get("etiquette"):
        found &= tagged(tag, mandate)
    if kind := kept.get("nouveau"):
        found &= has_news(mandate, at=timezone.now(), kinds=[NewsKind(kind)])
    if scope := kept.get("parmi"):
        found &= among(NewsScope(scope), mandate, at=timezone.now())
    return found


def search_filter(files: QuerySet[Application], text: str) -> Q:
    """Return the filter of the files that a text may mean.

    A whole number or FINESS is exact. Else each word, without its accents, is part of the structure's name or of its
    commune's; when no file has them all, names that look alike. Part of a number finds it too.
    """
    compact = re.sub(r"\s", "", text).upper()
    if NUMBER.fullmatch(compact):
        return Q(number=compact)
    if FINESS.fullmatch(compact):
        return Q(structure__finess=compact)
    words = sort_key(text).split()
    if not words:
        return Q(number="")
    literal = _each(words, _contains)
    if PART_OF_NUMBER.fullmatch(compact):
        return literal | Q(number__contains=compact) | Q(structure__finess__startswith=compact)
    # In this order: PostgreSQL then compares no word, row by row, when one file has them all.
    return literal | (Q(~Exists(files.filter(literal))) & _each(words, _resembles))


def _each(words: list[str], matches: Callable[[str], Q]) -> Q:
    found = Q()
    for word in words:
        found &= matches(word)
    return found


def _contains(word: str) -> Q:
    """Look the word up in each table by itself: each has an index of its trigrams, of which an OR of both uses none."""
    structures = Structure.objects.filter(sort_key__contains=word).values("pk")
    communes = Commune.objects.filter(sort_key__contains=word).values("pk")
    return Q(structure__in=structures) | Q(structure__commune__in=communes)


def _resembles(word: str) -> Q:
    if len(word) < SHORTEST_MISTYPED:
        return _contains(word)
    names = ("structure__sort_key", "structure__commune__sort_key")
    alike = [GreaterThanOrEqual(TrigramWordSimilarity(word, name), Value(_likeness(len(word)))) for name in names]
    return Q(alike[0]) | Q(alike[1])


def _likeness(letters: int) -> float:
    """Return the similarity left to a word by one wrong letter; by two swapped ones, if it is long enough for that.

    A word of n letters has n + 1 trigrams: a wrong letter changes three of them, two swapped ones four; the similarity
    is what is common over what either has.
    """
    changed = 4 if letters >= LONG_WORD else 3
    return (letters + 1 - changed) / (letters + 1 + changed) - 0.01


def epcis_of(files: QuerySet[Application]) -> QuerySet[Epci]:
    """Return the EPCIs in which these files are."""
    here = latest_vintages().filter(commune__in=files.values("structure__commune"))
    return Epci.objects.filter(pk__in=here.values("epci")).order_by("sort_key", "pk")


def reviewers_of(files: QuerySet[Application], mandate: Mandate, today: date) -> QuerySet[User]:
    """Return the people who instruct these files for the authority of a mandate; of the national team, for either."""
    fields = [REVIEWERS[mandate.capacity]] if mandate.capacity else list(REVIEWERS.values())
    held = Mandate.objects.active(today).filter(
        reduce(or_, [Q(pk__in=files.order_by().values(field)) for field in fields])
    )
    return User.objects.filter(pk__in=held.values("user"), is_active=True).order_by("last_name", "first_name", "pk")


def latest_vintages() -> QuerySet[CommuneVintage]:
    """Return the communes of the last year that is known."""
    return CommuneVintage.objects.filter(
        year=Subquery(CommuneVintage.objects.order_by("-year").values("year")[:1])
    ).order_by()
