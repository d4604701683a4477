"""Finding a commune from what people type: a name, even approximate, or an INSEE, former or postal code."""

import re
from typing import Any, TypeVar

from django.contrib.postgres.search import TrigramSimilarity, TrigramWordSimilarity
from django.db.models import Case, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, TextField, Value, When
from django.db.models.functions import Greatest, Log

from francesante.lib.text import sort_key

Communes = TypeVar("Communes", bound=QuerySet[Any])

EXACT, STARTS, WORDS, SIMILAR = range(4)
"""How well a commune answers: the whole name or code, its start, the start of words inside, or resemblance."""

_CODE = re.compile(r"\d[\dab]?\d{0,3}")
_SPELT_OUT = {"st": "saint", "ste": "sainte", "sts": "saints", "stes": "saintes"}
_SHORTEST_INNER_WORD = 3
"""A shorter text is looked for at the start of names only: too many have it inside."""
_MOST_WORDS = 12
"""More than any name has, so that a pasted page does not become a query as long."""
_MOST_POPULATED_FIRST = (F("population").desc(nulls_last=True), "code")


def search_communes(queryset: Communes, text: str, limit: int) -> Communes:
    """Return the communes of ``queryset`` that ``text`` may mean, best first, at most ``limit``, none for no text.

    Codes and names may be mixed (« Saint-Denis 93 », « 97411 Saint-Denis »). Best are those with the whole name or
    code, then its start, then words inside the name that start so; within each, the most populated, then the code.
    Failing all these, similar names, a large town being likelier than a village that resembles a little more.

    Each row carries its ``rank``, its ``population`` (last vintage), and, when a former code was typed, ``former_code``
    and ``former_kind``.
    """
    words = sort_key(text).split()[:_MOST_WORDS]
    codes = [word.upper() for word in words if _CODE.fullmatch(word)]
    names = [_SPELT_OUT.get(word, word) for word in words if not _CODE.fullmatch(word)]
    vintages = _related(queryset, "vintages").filter(commune=OuterRef("pk")).order_by("-year")
    queryset = queryset.annotate(population=Subquery(vintages.values("population")[:1]))
    if names:
        found = _by_name(queryset, " ".join(names), codes)
    elif codes:
        # « 75 001 » is one code.
        found = _by_code(queryset, "".join(codes))
    else:
        return queryset.none()
    return found[:limit]


def _by_code(queryset: Communes, code: str) -> Communes:
    former = _related(queryset, "former_codes").filter(commune=OuterRef("pk"), code=code)
    postal_code = _related(queryset, "postal_codes").filter(commune=OuterRef("pk"), code=code)
    candidates = (
        _pks(queryset, code__startswith=code)
        .union(_related(queryset, "former_codes").filter(code=code).values("commune"))
        .union(_related(queryset, "postal_codes").filter(code__startswith=code).values("commune"))
    )
    return (
        queryset.filter(pk__in=candidates)
        .annotate(former_code=Subquery(former.values("code")), former_kind=Subquery(former.values("kind")))
        .annotate(
            rank=_rank((Q(code=code) | Q(former_code__isnull=False) | Q(Exists(postal_code)), EXACT), other=STARTS)
        )
        .order_by("rank", *_MOST_POPULATED_FIRST)
    )


def _by_name(queryset: Communes, name: str, codes: list[str]) -> Communes:
    nothing = Value(None, output_field=TextField())
    queryset = queryset.annotate(former_code=nothing, former_kind=nothing)
    if len(name) < _SHORTEST_INNER_WORD:
        found = queryset.filter(sort_key__startswith=name)
    else:
        found = queryset
        for word in name.split():
            found = found.filter(Q(sort_key__startswith=word) | Q(sort_key__contains=f" {word}"))
    for code in codes:
        postal_codes = _related(queryset, "postal_codes").filter(code__startswith=code)
        found = found.filter(pk__in=_pks(queryset, code__startswith=code).union(postal_codes.values("commune")))
    if found.exists():
        rank = _rank((Q(sort_key=name), EXACT), (Q(sort_key__startswith=name), STARTS), other=WORDS)
        return found.annotate(rank=rank).order_by("rank", *_MOST_POPULATED_FIRST)
    if codes:
        # The name may be right and the code not: « Paris 15 ».
        return _by_name(queryset, name, [])
    return (
        queryset.filter(Q(sort_key__trigram_word_similar=name) | Q(sort_key__trigram_similar=name))
        .annotate(
            rank=Value(SIMILAR),
            likelihood=Greatest(TrigramSimilarity("sort_key", name), TrigramWordSimilarity(name, "sort_key"))
            + Log(10, Greatest("population", 1)) / 10.0,
        )
        .order_by("-likelihood", "code")
    )


def _rank(*cases: tuple[Q, int], other: int) -> Case:
    return Case(*(When(case, then=rank) for case, rank in cases), default=other, output_field=IntegerField())


def _pks(queryset: QuerySet[Any], **conditions: str) -> QuerySet[Any]:
    return queryset.model._default_manager.filter(**conditions).values("pk")


def _related(queryset: QuerySet[Any], name: str) -> QuerySet[Any]:
    """Return the rows of a table that points to communes; the models import this module, not the reverse."""
    return queryset.model._meta.get_field(name).related_model._default_manager.all()
