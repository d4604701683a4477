"""When and where a structure receives: its main site, its other sites, the stops of its rounds, its closures."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from dsfr.widgets import InlineRadioSelect

from labelling.choices import StructureKind
from labelling.forms.asked import AskedBooleanField, AskedCharField, AskedChoiceField, AskedDateField
from labelling.forms.communes import commune_meant, in_words
from labelling.forms.rows import row_count
from labelling.forms.step import StepForm
from labelling.rules.answers import DAYS, WEEKS, Answers, Closure, Hours, OtherSite, Stop, parse_time
from labelling.rules.conditions import asks_rounds
from territories.models import Commune

SLOTS = ("Matin", "Après-midi", "Soir")
NOON, EVENING = "12:30", "18:30"
WEEK_COPIED = ("tue", "wed", "thu", "fri")
MOST_SITES = 10
"""Each site has a whole week of fields: more sites are told in the precisions."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Two fields of the grid, and their part of the day."""

    label: str
    start: BoundField
    end: BoundField


@dataclass(frozen=True, slots=True)
class Day:
    """One fieldset of the grid."""

    code: str
    name: str
    slots: list[Slot]
    closed: BoundField


@dataclass(frozen=True, slots=True)
class Row:
    """One site, stop or closure: its number, its title, its fields, and the week of a site."""

    number: int
    title: str
    fields: list[BoundField]
    prefix: str = ""
    days: list[Day] | None = None


class HoursForm(StepForm):
    """Opening hours by site and day, rounds and closures.

    A day is closed when its box is ticked: its times stay in their fields until the form is kept. A box that was ticked
    already gives way to times that are typed beside it. A commune is written by its name or postal code, and kept by its
    INSEE code.
    """

    def __init__(self, data: Any = None, *, answers: Answers, kind: str = "") -> None:
        self.site_count = min(row_count(data, "sites", len(answers.sites)), MOST_SITES)
        self.stop_count = row_count(data, "stops", len(answers.stops))
        self.closure_count = row_count(data, "closures", len(answers.closures))
        self.communes: dict[str, Commune] = {}
        super().__init__(data, answers=answers, kind=kind)

    def conditions(self) -> dict[str, tuple[str, str]]:
        """The rounds, of who says to make some; a médicobus is not asked whether it does."""
        return {"stops": ("rounds", "")} if self.asks_mobile else {}

    @property
    def asks_mobile(self) -> bool:
        """Whether the structure is asked if it makes rounds."""
        return self.kind != StructureKind.MOBILE

    # Fields

    def initial_values(self) -> dict[str, Any]:
        """Declare the fields, and fill them from the kept answers."""
        initial = self._add_week("", self.answers.hours, "")
        if self.asks_mobile:
            self.fields["mobile"] = AskedChoiceField(
                label="Recevez-vous aussi lors de tournées\u00a0?",
                help_text="Un médicobus, une permanence itinérante\u00a0: des passages à jour et lieu fixes.",
                choices=[("oui", "Oui"), ("non", "Non")],
                widget=InlineRadioSelect,
            )
            asked = asks_rounds(self.answers, self.kind)
            initial["mobile"] = "oui" if asked else {False: "non"}.get(self.answers.mobile, "")
        for number in range(self.site_count):
            initial |= self._add_site(f"site_{number}_", _at(self.answers.sites, number), f"site {number + 2}")
        for number in range(self.stop_count):
            initial |= self._add_stop(f"stop_{number}_", _at(self.answers.stops, number), f"passage {number + 1}")
        for number in range(self.closure_count):
            initial |= self._add_closure(f"closure_{number}_", _at(self.answers.closures, number), number + 1)
        return initial

    def _add_week(self, prefix: str, hours: Hours, where: str) -> dict[str, Any]:
        initial: dict[str, Any] = {}
        for day, name in DAYS.items():
            slots = _by_part_of_day(hours.get(day, ()))
            for number, part in enumerate(SLOTS):
                for end, word, value in zip(("start", "end"), ("ouverture", "fermeture"), slots[number], strict=True):
                    label = ", ".join(filter(None, [where, f"{name} {part.lower()}", word])).capitalize()
                    initial |= self._add_time(f"{prefix}{day}_{number}_{end}", label, value)
            self.fields[f"{prefix}{day}_closed"] = AskedBooleanField(label="Fermé")
            initial[f"{prefix}{day}_closed"] = bool(hours) and day not in hours
        return initial

    def _add_time(self, name: str, label: str, value: str, shown: str = "") -> dict[str, Any]:
        attrs = {"class": "fr-input fs-time", "inputmode": "numeric", "autocomplete": "off", "aria-label": label}
        self.fields[name] = AskedCharField(label=shown or label, max_length=8, widget=forms.TextInput(attrs=attrs))
        return {name: value}

    def _add_text(self, name: str, label: str, limit: int, help_text: str = "") -> None:
        self.fields[name] = forms.CharField(label=label, required=False, max_length=limit, help_text=help_text)

    def _add_commune(self, name: str) -> None:
        self.fields[name] = AskedCharField(label="Commune", max_length=100, help_text="Nom ou code postal")

    def _add_site(self, prefix: str, site: OtherSite | None, where: str) -> dict[str, Any]:
        self._add_text(f"{prefix}name", "Nom du site", 200)
        self._add_text(f"{prefix}address", "Adresse", 250)
        self._add_commune(f"{prefix}commune")
        return self._add_week(prefix, site.hours if site else {}, where) | {
            f"{prefix}name": site.name if site else "",
            f"{prefix}address": site.address if site else "",
            f"{prefix}commune": _commune_in_words(site),
        }

    def _add_stop(self, prefix: str, stop: Stop | None, where: str) -> dict[str, Any]:
        self.fields[f"{prefix}day"] = AskedChoiceField(
            label="Jour", choices=[("", "Choisir"), *((day, name.capitalize()) for day, name in DAYS.items())]
        )
        self.fields[f"{prefix}weeks"] = AskedChoiceField(
            label="Rythme", choices=[(str(weeks), words.capitalize()) for weeks, words in WEEKS.items()]
        )
        self._add_text(f"{prefix}place", "Lieu", 200, "Par exemple : place du Marché")
        self._add_commune(f"{prefix}commune")
        initial = {
            f"{prefix}day": stop.day if stop else "",
            f"{prefix}weeks": str(stop.weeks if stop else 1),
            f"{prefix}place": stop.place if stop else "",
            f"{prefix}commune": _commune_in_words(stop),
        }
        times = (("start", "Arrivée", stop.start if stop else ""), ("end", "Départ", stop.end if stop else ""))
        for end, word, value in times:
            initial |= self._add_time(f"{prefix}{end}", f"{word}, {where}", value, word)
        return initial

    def _add_closure(self, prefix: str, closure: Closure | None, rank: int) -> dict[str, Any]:
        for key, label in (("start", "Premier jour"), ("end", "Dernier jour")):
            widget = forms.DateInput(attrs={"class": "fr-input", "type": "date"}, format="%Y-%m-%d")
            self.fields[f"{prefix}{key}"] = AskedDateField(
                label=f"Fermeture {rank}, {label.lower()}",
                widget=widget,
                input_formats=["%Y-%m-%d", "%d/%m/%Y"],
                error_messages={"invalid": "Écrivez la date ainsi : 01/08/2027."},
            )
        self.fields[f"{prefix}replaced"] = AskedBooleanField(label="Remplaçant désigné")
        if closure is None:
            return {}
        return {
            f"{prefix}start": closure.start,
            f"{prefix}end": closure.end,
            f"{prefix}replaced": closure.replaced,
        }

    # What the template draws

    def days(self) -> Iterator[Day]:
        """Give the grid of the main site."""
        return self._days("")

    def _days(self, prefix: str) -> Iterator[Day]:
        for day, name in DAYS.items():
            slots = [
                Slot(part, self[f"{prefix}{day}_{number}_start"], self[f"{prefix}{day}_{number}_end"])
                for number, part in enumerate(SLOTS)
            ]
            yield Day(day, name.capitalize(), slots, self[f"{prefix}{day}_closed"])

    def sites(self) -> Iterator[Row]:
        """Give the other sites, each with its grid."""
        for number in range(self.site_count):
            prefix = f"site_{number}_"
            fields = [self[f"{prefix}{key}"] for key in ("name", "address", "commune")]
            title = str(fields[0].value() or "") or f"Site {number + 2}"
            yield Row(number, title, fields, prefix, list(self._days(prefix)))

    def stops(self) -> Iterator[Row]:
        """Give the stops of the rounds."""
        for number in range(self.stop_count):
            prefix = f"stop_{number}_"
            keys = ("day", "start", "end", "weeks", "place", "commune")
            yield Row(number, f"Passage {number + 1}", [self[f"{prefix}{key}"] for key in keys], prefix)

    def closures(self) -> Iterator[Row]:
        """Give the closures."""
        for number in range(self.closure_count):
            keys = ("start", "end", "replaced")
            yield Row(number, f"Fermeture {number + 1}", [self[f"closure_{number}_{key}"] for key in keys])

    @property
    def titles(self) -> dict[str, str]:
        """The site or the stop of each field; a closure's label says its rank already."""
        rows = [*self.sites(), *self.stops()]
        return {name: row.title for row in rows for name in self.fields if name.startswith(row.prefix)}

    # What was posted

    def clean(self) -> dict[str, Any]:
        """Read the times and communes, and ask for both ends of each slot."""
        cleaned = super().clean() or {}
        prefixes = ["", *(f"site_{number}_" for number in range(self.site_count))]
        for prefix in prefixes:
            for day in DAYS:
                for number in range(len(SLOTS)):
                    self._clean_slot(cleaned, f"{prefix}{day}_{number}_")
        for number in range(self.site_count):
            said = self._says(f"site_{number}_", "name", "address") or bool(self._read_week(f"site_{number}_"))
            self._clean_commune(cleaned, f"site_{number}_commune", asked=said)
        for number in range(self.stop_count):
            self._clean_stop(cleaned, f"stop_{number}_")
        for number in range(self.closure_count):
            self._clean_closure(cleaned, f"closure_{number}_")
        return cleaned

    def _clean_slot(self, cleaned: dict[str, Any], slot: str) -> None:
        for name in (f"{slot}start", f"{slot}end"):
            if cleaned.get(name):
                try:
                    cleaned[name] = parse_time(cleaned[name])
                except ValueError as error:
                    self.add_error(name, str(error))
        start, end = cleaned.get(f"{slot}start", ""), cleaned.get(f"{slot}end", "")
        if self._wrong(f"{slot}start", f"{slot}end"):
            return
        if bool(start) != bool(end):
            self.add_error(f"{slot}end" if start else f"{slot}start", "Il manque cette heure.")
        elif start and end <= start:
            self.add_error(f"{slot}end", "Cette heure n’est pas après l’ouverture.")

    def _clean_stop(self, cleaned: dict[str, Any], prefix: str) -> None:
        if not self._says(prefix, "day", "place", "commune", "start", "end"):
            return
        self._clean_slot(cleaned, prefix)
        if not cleaned.get(f"{prefix}day"):
            self.add_error(f"{prefix}day", "Choisissez le jour du passage, ou retirez cette ligne.")
        if not cleaned.get(f"{prefix}start") and not self._wrong(f"{prefix}start", f"{prefix}end"):
            self.add_error(f"{prefix}start", "Indiquez l’heure d’arrivée et l’heure de départ.")
        self._clean_commune(cleaned, f"{prefix}commune", asked=True)

    def _clean_commune(self, cleaned: dict[str, Any], name: str, *, asked: bool) -> None:
        text = cleaned.get(name, "")
        if not text:
            if asked:
                self.add_error(name, "Indiquez la commune, ou retirez cette ligne.")
            return
        try:
            self.communes[name] = commune_meant(text)
        except ValueError as error:
            self.add_error(name, str(error))

    def _clean_closure(self, cleaned: dict[str, Any], prefix: str) -> None:
        start, end = cleaned.get(f"{prefix}start"), cleaned.get(f"{prefix}end")
        if (start is None) != (end is None) and not self._wrong(f"{prefix}start", f"{prefix}end"):
            missing = f"{prefix}end" if end is None else f"{prefix}start"
            self.add_error(missing, "Indiquez le premier et le dernier jour.")
        elif start and end and end < start:
            self.add_error(f"{prefix}end", "Le dernier jour précède le premier.")

    def _says(self, prefix: str, *keys: str) -> bool:
        return any(self.read(f"{prefix}{key}") for key in keys)

    def _wrong(self, *names: str) -> bool:
        return any(name in self.errors for name in names)

    def values(self) -> dict[str, Any]:
        """Return the hours of the days that are not closed, the other sites, the stops and the closures."""
        return {
            "hours": self._read_week(""),
            "mobile": {"oui": True, "non": False}.get(self.read("mobile")),
            "sites": [site for number in range(self.site_count) if (site := self._site(f"site_{number}_"))],
            "stops": [stop for number in range(self.stop_count) if (stop := self._stop(f"stop_{number}_"))],
            "closures": [
                closure for number in range(self.closure_count) if (closure := self._closure(f"closure_{number}_"))
            ],
        }

    def _read_week(self, prefix: str) -> dict[str, list[list[str]]]:
        hours = {}
        for day in DAYS:
            slots = [f"{prefix}{day}_{number}_" for number in range(len(SLOTS))]
            pairs = [(self.read(f"{slot}start"), self.read(f"{slot}end")) for slot in slots]
            whole = [list(pair) for pair in pairs if all(pair) and pair[0] < pair[1]]
            closed = f"{prefix}{day}_closed"
            if whole and not (self.read(closed) and not self.fields[closed].initial):
                hours[day] = whole
        return hours

    def _site(self, prefix: str) -> dict[str, Any] | None:
        commune = self.communes.get(f"{prefix}commune")
        if commune is None:
            return None
        texts = {key: self.read(f"{prefix}{key}") for key in ("name", "address")}
        return {**texts, "commune": commune.pk, "commune_name": commune.name, "hours": self._read_week(prefix)}

    def _stop(self, prefix: str) -> dict[str, Any] | None:
        commune = self.communes.get(f"{prefix}commune")
        texts = {key: self.read(f"{prefix}{key}") for key in ("place", "day", "start", "end")}
        if commune is None or not texts["start"]:
            return None
        weeks = int(self.read(f"{prefix}weeks") or 1)
        return {**texts, "commune": commune.pk, "commune_name": commune.name, "weeks": weeks}

    def _closure(self, prefix: str) -> dict[str, Any] | None:
        start, end = self.read(f"{prefix}start"), self.read(f"{prefix}end")
        if not isinstance(start, date) or not isinstance(end, date):
            return None
        return {"start": start.isoformat(), "end": end.isoformat(), "replaced": bool(self.read(f"{prefix}replaced"))}


def copied_hours(data: Any, prefix: str) -> Any:
    """Return posted hours with Monday's copied from Tuesday to Friday, for the site whose fields start so."""
    copy = data.copy()
    for day in WEEK_COPIED:
        for number in range(len(SLOTS)):
            for end in ("start", "end"):
                copy[f"{prefix}{day}_{number}_{end}"] = data.get(f"{prefix}mon_{number}_{end}", "")
        if data.get(f"{prefix}mon_closed"):
            copy[f"{prefix}{day}_closed"] = "on"
        else:
            copy.pop(f"{prefix}{day}_closed", None)
    return copy


def _at(rows: tuple[Any, ...], number: int) -> Any:
    return rows[number] if number < len(rows) else None


def _commune_in_words(row: OtherSite | Stop | None) -> str:
    return in_words(row.commune_name, row.commune) if row else ""


def _by_part_of_day(periods: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Put kept periods in the three columns: by their start, or in the next free one."""
    columns: list[tuple[str, str]] = [("", ""), ("", ""), ("", "")]
    for period in sorted(periods):
        wanted = 0 if period[0] < NOON else 1 if period[0] < EVENING else 2
        free = [number for number in range(wanted, 3) if columns[number] == ("", "")]
        free += [number for number in range(3) if columns[number] == ("", "")]
        if free:
            columns[free[0]] = period
    return columns
