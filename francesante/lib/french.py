"""French typography for templates: numbers, euros, dates, quarters. Non-breaking space U+00A0 everywhere: Marianne has
no U+202F.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from francesante.lib.text import readable

register = template.Library()
register.filter(readable)

NBSP = "\u00a0"
MINUS = "\u2212"
MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
DAYS = "lundi mardi mercredi jeudi vendredi samedi dimanche".split()


def grouped(value: Any, decimals: int = 0) -> str:
    """Return a number with French grouping: ``1 234 567,5``."""
    number = Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    text = f"{abs(number):,.{decimals}f}".replace(",", NBSP).replace(".", ",")
    return f"{MINUS}{text}" if number < 0 else text


@register.filter
def number(value: Any, decimals: int = 0) -> str:
    """``1234567`` → ``1 234 567``; nothing for nothing."""
    return "" if value is None else grouped(value, decimals)


@register.filter
def euros(value: Any, decimals: int = 0) -> str:
    """``1234567`` → ``1 234 567 €``; ``|euros:2`` with the cents, in ledgers and acts."""
    return "" if value is None else f"{grouped(value, decimals)}{NBSP}€"


@register.filter
def percent(value: Any, decimals: int = 1) -> str:
    """``91.2`` → ``91,2 %``."""
    return "" if value is None else f"{grouped(value, decimals)}{NBSP}%"


@register.filter
def long_date(value: date | datetime | None) -> str:
    """``12 novembre 2026``, ``1er mars 2027``: dates in sentences."""
    if value is None:
        return ""
    day = timezone.localtime(value).date() if isinstance(value, datetime) else value
    return f"{'1er' if day.day == 1 else day.day}{NBSP}{MONTHS[day.month - 1]}{NBSP}{day.year}"


@register.filter
def short_date(value: date | datetime | None) -> str:
    """``12/11/2026``: dates in tables."""
    if value is None:
        return ""
    day = timezone.localtime(value).date() if isinstance(value, datetime) else value
    return f"{day:%d/%m/%Y}"


@register.filter
def clock_time(value: datetime | None) -> str:
    """``14 h 32``, in legal time."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    return f"{local.hour}{NBSP}h{NBSP}{local.minute:02}"


def opening_hours(periods: Iterable[tuple[str, str]]) -> str:
    """``[("08:30", "12:00")]`` → ``8 h 30 – 12 h``."""
    return ", ".join(f"{spoken_hour(start)}{NBSP}–{NBSP}{spoken_hour(end)}" for start, end in periods)


def spoken_hour(time: str) -> str:
    """``08:30`` → ``8 h 30``, ``12:00`` → ``12 h``."""
    hour, minute = time.split(":")
    return f"{int(hour)}{NBSP}h" + (f"{NBSP}{minute}" if int(minute) else "")


@register.filter
def quarter(value: str) -> str:
    """``2026T3`` → ``T3 2026``."""
    return f"T{value[-1]}{NBSP}{value[:4]}"


@register.filter
def data_value(value: Any, shown: str) -> SafeString:
    """Wrap a shown number with its machine value, for copies and assistive tools."""
    return format_html('<data value="{}">{}</data>', value, shown)


@register.filter
def plural(value: int, ending: str = "s") -> str:
    """Return the plural ending from 2 on (0 and 1 are singular in French)."""
    return ending if abs(value) >= 2 else ""  # noqa: PLR2004  # the French rule itself


@register.filter
def hash_groups(value: str) -> str:
    """``9f3a61c0…`` → groups of four, readable aloud."""
    return " ".join(value[i : i + 4] for i in range(0, len(value), 4))


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """Return ``mapping[key]``, or nothing."""
    return mapping.get(key)


def joined(words: list[str]) -> str:
    """``["a", "b", "c"]`` → ``a, b et c``."""
    return " et ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


_ARTICLES = {
    "ARS": "l’",
    "Agence": "l’",
    "Caisse": "la ",
    "Collectivité": "la ",
    "Conseil": "le ",
    "Équipe": "l’",
    "Préfecture": "la ",
}
"""By the first word of authorities' names."""


@register.filter
def with_article(authority: Any) -> str:
    """``ARS Occitanie`` → ``l’ARS Occitanie``, ``Préfecture de l’Hérault`` → ``la préfecture de l’Hérault``.

    A name that begins otherwise is left as it is.
    """
    name = str(authority)
    first = name.partition(" ")[0]
    if first not in _ARTICLES:
        return name
    return _ARTICLES[first] + (name if first.isupper() else name[:1].lower() + name[1:])


@register.filter
def typeset(text: str) -> str:
    """Put the non-breaking spaces of French before ``; : ? ! » % €`` and after ``«``, where a plain space stands."""
    return re.sub(r" (?=[;:?!»%€])|(?<=«) ", NBSP, str(text))
