"""The answers of a file: from stored JSON to typed values and back, and what is wrong with them, in French.

Pure, and tolerant: an unknown key or a malformed value of an old file is ignored, never an error. The JSON holds::

    {"identity": {"exact": true, "correction": ""},
     "contact": {"name": "", "role": "", "phone": "", "email": ""},
     "hours": {"mon": [["08:30", "12:30"]]},
     "closures": [{"start": "2027-08-01", "end": "2027-08-15", "replaced": true}],
     "team": [{"profession": "doctor", "name": "", "rpps": "", "sector": "1", "half_days": [0, 1],
               "on_site": true, "minutes": null}],
     "fees": {"overrun": false, "third_party": true, "sector": "", "details": ""},
     "on_call": {"pdsa": null, "sas": true, "details": ""},
     "commitments": {"appointment_48h": true, "support": true}}

A day absent from ``hours`` is closed once at least one day is open. ``half_days`` counts from Monday morning (0) to
Friday afternoon (9).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, TypeVar

from stdnum import luhn

from francesante.lib.french import typeset

DAYS = {
    "mon": "lundi",
    "tue": "mardi",
    "wed": "mercredi",
    "thu": "jeudi",
    "fri": "vendredi",
    "sat": "samedi",
    "sun": "dimanche",
}
HALF_DAYS = [f"{day} {half}" for day in list(DAYS.values())[:5] for half in ("matin", "après-midi")]
PROFESSIONS = {"doctor": "médecin", "nurse": "infirmier", "other": "autre professionnel"}
SECTORS = {"": "non indiqué", "1": "secteur 1", "optam": "secteur 2 avec OPTAM", "2": "secteur 2"}
MAX_TEXT = 1500
RPPS_LENGTH = 11

Period = tuple[str, str]
"""Opening and closing times of one slot, ``HH:MM``."""

_TIME = re.compile(r"(\d{1,2})\s*(?:[h:.]\s*(\d{2})?|(\d{2}))?")

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whether the register's line is still exact, and what is not."""

    exact: bool | None = None
    correction: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """Who answers questions about the file."""

    name: str = ""
    role: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Closure:
    """A period without opening; ``replaced`` when a colleague was named for it."""

    start: date
    end: date
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """One professional; ``minutes`` is the journey to a nurse's practice that is not on site."""

    profession: str
    name: str = ""
    rpps: str = ""
    sector: str = ""
    half_days: frozenset[int] = frozenset()
    on_site: bool = True
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Fees:
    """``sector`` is declared for the whole structure, and counts when no doctor gives one."""

    overrun: bool | None = None
    third_party: bool | None = None
    sector: str = ""
    details: str = ""


@dataclass(frozen=True, slots=True)
class OnCall:
    """Participation in the permanence des soins ambulatoires, or in the service d’accès aux soins."""

    pdsa: bool | None = None
    sas: bool | None = None
    details: str = ""


@dataclass(frozen=True, slots=True)
class Commitments:
    """What the structure undertakes to do."""

    appointment_48h: bool = False
    support: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """All the answers of a file."""

    identity: Identity = field(default_factory=Identity)
    contact: Contact = field(default_factory=Contact)
    hours: Mapping[str, tuple[Period, ...]] = field(default_factory=dict)
    closures: tuple[Closure, ...] = ()
    team: tuple[Member, ...] = ()
    fees: Fees = field(default_factory=Fees)
    on_call: OnCall = field(default_factory=OnCall)
    commitments: Commitments = field(default_factory=Commitments)

    @property
    def open_days(self) -> list[str]:
        """Codes of the days with at least one opening, Monday first."""
        return [day for day in DAYS if self.hours.get(day)]

    def of(self, profession: str) -> list[Member]:
        """Return the members of the team who exercise a profession."""
        return [member for member in self.team if member.profession == profession]

    def as_json(self) -> dict[str, Any]:
        """Return what :func:`parse` reads back, with every key."""
        return {
            "identity": asdict(self.identity),
            "contact": asdict(self.contact),
            "hours": {day: [list(period) for period in self.hours[day]] for day in self.open_days},
            "closures": [
                {"start": closure.start.isoformat(), "end": closure.end.isoformat(), "replaced": closure.replaced}
                for closure in self.closures
            ],
            "team": [{**asdict(member), "half_days": sorted(member.half_days)} for member in self.team],
            "fees": asdict(self.fees),
            "on_call": asdict(self.on_call),
            "commitments": asdict(self.commitments),
        }


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to correct: the step it belongs to, and the sentence to show."""

    step: str
    sentence: str


def parse_time(text: str) -> str:
    """Return ``HH:MM`` from ``8h30``, ``8:30``, ``0830``, ``8h`` or ``8``.

    Raises:
        ValueError: French sentence when it is no time of a day.
    """
    found = _TIME.fullmatch(text.strip().lower())
    hour, minute = (int(found[1]), int(found[2] or found[3] or 0)) if found else (99, 0)
    if hour > 23 or minute > 59:  # noqa: PLR2004  # a day
        raise ValueError(typeset(f"« {text} » n’est pas une heure : écrivez par exemple 8h30, 8:30 ou 0830."))
    return f"{hour:02}:{minute:02}"


def parse(raw: Any) -> Answers:
    """Read stored answers; what cannot be read is left out."""
    source = raw if isinstance(raw, dict) else {}
    identity, contact = _mapping(source, "identity"), _mapping(source, "contact")
    fees, on_call = _mapping(source, "fees"), _mapping(source, "on_call")
    commitments, hours = _mapping(source, "commitments"), _mapping(source, "hours")
    return Answers(
        identity=Identity(_maybe(identity.get("exact")), _text(identity.get("correction"))),
        contact=Contact(*(_text(contact.get(key), 200) for key in ("name", "role", "phone", "email"))),
        hours={day: periods for day in DAYS if (periods := _periods(hours.get(day)))},
        closures=tuple(_kept(_closure(row) for row in _rows(source, "closures"))),
        team=tuple(_kept(_member(row) for row in _rows(source, "team"))),
        fees=Fees(
            overrun=_maybe(fees.get("overrun")),
            third_party=_maybe(fees.get("third_party")),
            sector=_among(fees.get("sector"), SECTORS),
            details=_text(fees.get("details")),
        ),
        on_call=OnCall(_maybe(on_call.get("pdsa")), _maybe(on_call.get("sas")), _text(on_call.get("details"))),
        commitments=Commitments(commitments.get("appointment_48h") is True, commitments.get("support") is True),
    )


def problems(answers: Answers) -> list[Problem]:
    """Return what people must correct: not what is missing, what cannot be."""
    return [
        Problem(problem.step, typeset(problem.sentence))
        for problem in (*_hour_problems(answers), *_team_problems(answers))
    ]


def _hour_problems(answers: Answers) -> Iterable[Problem]:
    for day in answers.open_days:
        end_before = ""
        for start, end in sorted(answers.hours[day]):
            if end <= start:
                yield Problem("horaires", f"Le {DAYS[day]}, l’heure de fin ({end}) précède l’ouverture ({start}).")
            elif start < end_before:
                yield Problem("horaires", f"Le {DAYS[day]}, deux ouvertures se chevauchent vers {start}.")
            end_before = end
    for closure in answers.closures:
        if closure.end < closure.start:
            yield Problem("horaires", f"La fermeture du {closure.start:%d/%m/%Y} se termine avant de commencer.")


def _team_problems(answers: Answers) -> Iterable[Problem]:
    for member in answers.team:
        if member.rpps and not rpps_holds(member.rpps):
            yield Problem(
                "equipe",
                f"Le RPPS {member.rpps} n’est pas valable : il compte 11 chiffres, dont le dernier est une clé. "
                "Vous pouvez aussi le laisser vide.",
            )


def rpps_holds(number: str) -> bool:
    """Tell whether a RPPS number has its eleven digits and its Luhn key."""
    return len(number) == RPPS_LENGTH and number.isdigit() and bool(luhn.is_valid(number))


# Reading ---------------------------------------------------------------------------------------------------------


def _mapping(source: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def _rows(source: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = source.get(key)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _kept(rows: Iterable[V | None]) -> list[V]:
    return [row for row in rows if row is not None]


def _text(value: Any, limit: int = MAX_TEXT) -> str:
    return value.strip()[:limit] if isinstance(value, str) else ""


def _maybe(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _among(value: Any, known: Mapping[str, str]) -> str:
    return value if isinstance(value, str) and value in known else ""


def _periods(value: Any) -> tuple[Period, ...]:
    periods = []
    for item in value if isinstance(value, list) else []:
        try:
            start, end = item
            periods.append((parse_time(start), parse_time(end)))
        except (ValueError, TypeError, AttributeError):
            continue
    return tuple(periods)


def _closure(row: Mapping[str, Any]) -> Closure | None:
    try:
        return Closure(
            date.fromisoformat(row["start"]), date.fromisoformat(row["end"]), replaced=row.get("replaced") is True
        )
    except (KeyError, TypeError, ValueError):
        return None


def _member(row: Mapping[str, Any]) -> Member | None:
    profession = _among(row.get("profession"), PROFESSIONS)
    if not profession:
        return None
    minutes, half_days = row.get("minutes"), row.get("half_days")
    known = range(len(HALF_DAYS))
    return Member(
        profession=profession,
        name=_text(row.get("name"), 120),
        rpps=_text(row.get("rpps"), 20),
        sector=_among(row.get("sector"), SECTORS),
        half_days=frozenset(half for half in half_days if half in known)
        if isinstance(half_days, list)
        else frozenset(),
        on_site=row.get("on_site") is not False,
        minutes=minutes if isinstance(minutes, int) and minutes >= 0 else None,
    )
