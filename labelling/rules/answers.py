"""The answers of a file: from stored JSON to typed values and back, and what is wrong with them, in French.

Pure, and tolerant: an unknown key or a malformed value of an old file is ignored, never an error. The JSON holds::

    {"identity": {"exact": true, "correction": ""},
     "contact": {"name": "", "role": "", "phone": "", "email": ""},
     "hours": {"mon": [["08:30", "12:30"]]}, "mobile": null,
     "sites": [{"name": "", "address": "", "commune": "34172", "commune_name": "Montpellier", "hours": {}}],
     "stops": [{"place": "", "commune": "34172", "commune_name": "", "day": "mon", "start": "09:00", "end": "12:00",
                "weeks": 1}],
     "closures": [{"start": "2027-08-01", "end": "2027-08-15", "replaced": true}],
     "team": [{"profession": "doctor", "name": "", "rpps": "", "sector": "1", "half_days": [0, 1],
               "on_site": true, "minutes": null}],
     "fees": {"overrun": false, "third_party": true, "sector": "", "details": ""},
     "on_call": {"pdsa": true, "pdsa_sector": "Valfictif", "sas": true, "details": ""},
     "commitments": {"appointment_48h": true, "support": true}}

``hours`` are those of the main site; ``sites`` are the others, ``stops`` those of a round, every so many ``weeks``, asked
of who says to be ``mobile``. Which questions are asked, and of whom: :mod:`labelling.rules.conditions`.
A day absent from ``hours`` is closed once at least one day is open. ``half_days`` counts from Monday morning (0) to
Saturday afternoon (11).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, TypeVar

from francesante.lib.french import typeset
from francesante.lib.identifiers import NIR_REFUSED, holds_nir

DAYS = {
    "mon": "lundi",
    "tue": "mardi",
    "wed": "mercredi",
    "thu": "jeudi",
    "fri": "vendredi",
    "sat": "samedi",
    "sun": "dimanche",
}
WORKING_DAYS = list(DAYS.values())[:6]
"""The days on which a professional may be declared present: a place that cares on Saturdays says who is there."""
HALF_DAYS = [f"{day} {half}" for day in WORKING_DAYS for half in ("matin", "après-midi")]
PROFESSIONS = {"doctor": "médecin", "nurse": "infirmier", "other": "autre professionnel"}
SECTORS = {"": "non indiqué", "1": "secteur 1", "optam": "secteur 2 avec OPTAM", "2": "secteur 2"}
WEEKS = {1: "chaque semaine", 2: "une semaine sur deux", 4: "une fois par mois"}
MAX_TEXT = 1500
MAX_SECTOR = 120

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


Hours = Mapping[str, tuple[Period, ...]]
"""The slots of each open day, by its code."""


@dataclass(frozen=True, slots=True)
class OtherSite:
    """Another place where the structure gives care, with its own hours; ``commune`` is an INSEE code."""

    name: str
    address: str
    commune: str
    commune_name: str
    hours: Hours = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop of a round: where a médicobus receives, on which day, every how many weeks."""

    place: str
    commune: str
    commune_name: str
    day: str
    start: str
    end: str
    weeks: int = 1


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
    """Participation in the permanence des soins ambulatoires and where, or in the service d’accès aux soins."""

    pdsa: bool | None = None
    pdsa_sector: str = ""
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
    hours: Hours = field(default_factory=dict)
    sites: tuple[OtherSite, ...] = ()
    mobile: bool | None = None
    stops: tuple[Stop, ...] = ()
    closures: tuple[Closure, ...] = ()
    team: tuple[Member, ...] = ()
    fees: Fees = field(default_factory=Fees)
    on_call: OnCall = field(default_factory=OnCall)
    commitments: Commitments = field(default_factory=Commitments)

    @property
    def main_days(self) -> list[str]:
        """Codes of the days on which the main site opens, Monday first."""
        return [day for day in DAYS if self.hours.get(day)]

    @property
    def open_days(self) -> list[str]:
        """Codes of the days on which the structure receives somewhere each week, Monday first."""
        weekly = {stop.day for stop in self.stops if stop.weeks == 1}
        weeks = [self.hours, *(site.hours for site in self.sites)]
        return [day for day in DAYS if day in weekly or any(hours.get(day) for hours in weeks)]

    def of(self, profession: str) -> list[Member]:
        """Return the members of the team who exercise a profession."""
        return [member for member in self.team if member.profession == profession]

    def as_json(self) -> dict[str, Any]:
        """Return what :func:`parse` reads back, with every key."""
        return {
            "identity": asdict(self.identity),
            "contact": asdict(self.contact),
            "hours": _hours_as_json(self.hours),
            "sites": [{**asdict(site), "hours": _hours_as_json(site.hours)} for site in self.sites],
            "mobile": self.mobile,
            "stops": [asdict(stop) for stop in self.stops],
            "closures": [
                {"start": closure.start.isoformat(), "end": closure.end.isoformat(), "replaced": closure.replaced}
                for closure in self.closures
            ],
            "team": [{**asdict(member), "half_days": sorted(member.half_days)} for member in self.team],
            "fees": asdict(self.fees),
            "on_call": asdict(self.on_call),
            "commitments": asdict(self.commitments),
        }


def _hours_as_json(hours: Hours) -> dict[str, list[list[str]]]:
    return {day: [list(period) for period in hours[day]] for day in DAYS if hours.get(day)}


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
    commitments = _mapping(source, "commitments")
    return Answers(
        identity=Identity(_maybe(identity.get("exact")), _text(identity.get("correction"))),
        contact=Contact(*(_text(contact.get(key), 200) for key in ("name", "role", "phone", "email"))),
        hours=_hours(source),
        sites=tuple(_kept(_site(row) for row in _rows(source, "sites"))),
        mobile=_maybe(source.get("mobile")),
        stops=tuple(_kept(_stop(row) for row in _rows(source, "stops"))),
        closures=tuple(_kept(_closure(row) for row in _rows(source, "closures"))),
        team=tuple(_kept(_member(row) for row in _rows(source, "team"))),
        fees=Fees(
            overrun=_maybe(fees.get("overrun")),
            third_party=_maybe(fees.get("third_party")),
            sector=_among(fees.get("sector"), SECTORS),
            details=_text(fees.get("details")),
        ),
        on_call=OnCall(
            pdsa=_maybe(on_call.get("pdsa")),
            pdsa_sector=_text(on_call.get("pdsa_sector"), MAX_SECTOR),
            sas=_maybe(on_call.get("sas")),
            details=_text(on_call.get("details")),
        ),
        commitments=Commitments(commitments.get("appointment_48h") is True, commitments.get("support") is True),
    )


def problems(answers: Answers) -> list[Problem]:
    """Return what people must correct: not what is missing, what cannot be."""
    found = [*_hour_problems(answers), *_patient_problems(answers)]
    return [Problem(problem.step, typeset(problem.sentence)) for problem in found]


_WRITTEN_IN = {
    "identite": ("identity", "contact"),
    "horaires": ("sites", "stops"),
    "equipe": ("team",),
    "tarifs": ("fees",),
    "permanence": ("on_call",),
}
"""The keys of the answers in which people write words, by the task that asks for them."""


def _patient_problems(answers: Answers) -> Iterable[Problem]:
    raw = answers.as_json()
    for step, keys in _WRITTEN_IN.items():
        if any(holds_nir(text) for key in keys for text in _texts(raw[key])):
            yield Problem(step, NIR_REFUSED)


def _texts(value: Any) -> Iterable[str]:
    """Walk the texts of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _hour_problems(answers: Answers) -> Iterable[Problem]:
    yield from _week_problems(answers.hours, where="Le")
    for site in answers.sites:
        yield from _week_problems(site.hours, where=f"{site.name or site.commune_name} : le")
    for stop in answers.stops:
        if stop.end <= stop.start:
            yield Problem(
                "horaires", f"À {stop.commune_name}, l’heure de fin ({stop.end}) précède l’arrivée ({stop.start})."
            )
    for closure in answers.closures:
        if closure.end < closure.start:
            yield Problem("horaires", f"La fermeture du {closure.start:%d/%m/%Y} se termine avant de commencer.")


def _week_problems(hours: Hours, *, where: str) -> Iterable[Problem]:
    for day, periods in hours.items():
        end_before = ""
        for start, end in sorted(periods):
            if end <= start:
                yield Problem(
                    "horaires", f"{where} {DAYS[day]}, l’heure de fin ({end}) n’est pas après l’ouverture ({start})."
                )
            elif start < end_before:
                yield Problem("horaires", f"{where} {DAYS[day]}, deux ouvertures se chevauchent vers {start}.")
            end_before = end


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


def _hours(source: Mapping[str, Any]) -> Hours:
    hours = _mapping(source, "hours")
    return {day: periods for day in DAYS if (periods := _periods(hours.get(day)))}


def _site(row: Mapping[str, Any]) -> OtherSite | None:
    commune = _text(row.get("commune"), 5)
    if not commune:
        return None
    texts = (_text(row.get("name"), 200), _text(row.get("address"), 250), commune, _text(row.get("commune_name"), 80))
    return OtherSite(*texts, hours=_hours(row))


def _stop(row: Mapping[str, Any]) -> Stop | None:
    commune, day, weeks = _text(row.get("commune"), 5), row.get("day"), row.get("weeks")
    (start, end), *_ = [*_periods([[row.get("start"), row.get("end")]]), ("", "")]
    if not commune or day not in DAYS or not start:
        return None
    texts = (_text(row.get("place"), 200), commune, _text(row.get("commune_name"), 80))
    return Stop(*texts, day=day, start=start, end=end, weeks=weeks if weeks in WEEKS else 1)


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
