"""The forms of the tasks of an application: from answers to fields and back.

Each form gives ``values()``, the keys of ``Application.answers`` it writes. Called on a form that is not valid, it gives
what could be read: the live finding uses it. Two of them have rows that buttons add and remove, without JavaScript.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from dsfr.forms import DsfrBaseForm
from dsfr.widgets import InlineRadioSelect

from francesante.lib.french import grouped, typeset
from labelling.forms.asked import (
    AskedBooleanField,
    AskedCharField,
    AskedChoiceField,
    AskedDateField,
    AskedIntegerField,
)
from labelling.rules.answers import (
    DAYS,
    HALF_DAYS,
    MAX_TEXT,
    PROFESSIONS,
    SECTORS,
    Answers,
    Closure,
    Member,
    parse_time,
    rpps_holds,
)

NO_PATIENT_DATA = f"Aucune donnée de patient. {grouped(MAX_TEXT)} caractères au plus."
SLOTS = ("Matin", "Après-midi", "Soir")
NOON, EVENING = "12:30", "18:30"
MAX_ROWS = 40
WEEK_COPIED = ("tue", "wed", "thu", "fri")
_YES_NO = [("oui", "Oui"), ("non", "Non")]


def _yes_no(label: str, help_text: str = "") -> forms.ChoiceField:
    return AskedChoiceField(label=label, help_text=help_text, choices=_YES_NO, widget=InlineRadioSelect)


def _details(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=NO_PATIENT_DATA,
        max_length=MAX_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


def _said(value: Any) -> str:
    return {True: "oui", False: "non"}.get(value, "")


def _meant(value: str) -> bool | None:
    return {"oui": True, "non": False}.get(value)


class StepForm(DsfrBaseForm):
    """Base of the tasks' forms; ``answers`` are those of the file as it is kept."""

    use_required_attribute = False

    def __init__(self, data: Any = None, *, answers: Answers, rows: int = 0) -> None:
        self.answers = answers
        self.extra_rows = rows
        super().__init__(data)
        for name, value in self.initial_values().items():
            self.fields[name].initial = value

    def initial_values(self) -> dict[str, Any]:
        """Return the fields as the kept answers fill them."""
        return {}

    def values(self) -> dict[str, Any]:
        """Return what to keep; on an invalid form, what could be read."""
        raise NotImplementedError

    def read(self, name: str) -> Any:
        """Return a cleaned value, or an empty one when it is wrong or absent."""
        return self.cleaned_data.get(name, "")


class IdentityForm(StepForm):
    """Whether the register is exact, and who follows the file."""

    exact = forms.ChoiceField(
        label="Ces informations sont-elles exactes\u00a0?",
        choices=[("oui", "C’est exact"), ("non", "Ce n’est plus exact")],
        widget=InlineRadioSelect,
        error_messages={"required": "Dites si les informations du registre sont exactes."},
    )
    correction = AskedCharField(
        label="Si ce n’est plus exact, dites ce qui a changé",
        help_text="Votre correction est gardée à côté de l’information du registre, et transmise aux services. "
        + NO_PATIENT_DATA,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    name = forms.CharField(
        label="Prénom et nom", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    role = forms.CharField(
        label="Fonction",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "organization-title"}),
    )
    phone = forms.CharField(
        label="Téléphone professionnel",
        help_text="Format attendu\u00a0: 01\u00a023\u00a045\u00a067\u00a089",
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )
    email = forms.EmailField(
        label="Adresse électronique professionnelle",
        help_text="Format attendu\u00a0: nom@domaine.fr",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def initial_values(self) -> dict[str, Any]:
        """Return the kept identity and contact."""
        identity = self.answers.identity
        return {"exact": _said(identity.exact), "correction": identity.correction, **asdict(self.answers.contact)}

    def clean(self) -> dict[str, Any]:
        """Ask what changed when something did."""
        cleaned = super().clean() or {}
        if cleaned.get("exact") == "non" and not cleaned.get("correction") and "correction" not in self.errors:
            self.add_error("correction", "Dites ce qui a changé : les services corrigeront avec vous.")
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return the identity and the contact."""
        exact = _meant(self.read("exact"))
        return {
            "identity": {"exact": exact, "correction": self.read("correction") if exact is False else ""},
            "contact": {key: self.read(key) for key in ("name", "role", "phone", "email")},
        }


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


class HoursForm(StepForm):
    """Opening hours by day, and closures.

    ``rows``: empty rows of closures to show after those already there. A day is closed when its box is ticked: its
    times stay in their fields until the form is kept.
    """

    def __init__(self, data: Any = None, *, answers: Answers, rows: int = 0) -> None:
        self.closure_count = _row_count(data, "closures", len(answers.closures)) + rows
        super().__init__(data, answers=answers, rows=rows)

    def initial_values(self) -> dict[str, Any]:
        """Declare the fields, and fill them from the kept hours."""
        initial: dict[str, Any] = {}
        started = bool(self.answers.hours)
        for day, name in DAYS.items():
            slots = _by_part_of_day(self.answers.hours.get(day, ()))
            for number, part in enumerate(SLOTS):
                start, end = slots[number]
                self._add_time(f"{day}_{number}_start", f"{name} {part.lower()}, ouverture", start, initial)
                self._add_time(f"{day}_{number}_end", f"{name} {part.lower()}, fermeture", end, initial)
            self.fields[f"{day}_closed"] = AskedBooleanField(label="Fermé")
            initial[f"{day}_closed"] = started and day not in self.answers.open_days
        self._add_closures(initial)
        return initial

    def _add_time(self, name: str, label: str, value: str, initial: dict[str, Any]) -> None:
        attrs = {
            "class": "fr-input fs-time",
            "inputmode": "numeric",
            "autocomplete": "off",
            "aria-label": label.capitalize(),
        }
        widget = forms.TextInput(attrs=attrs)
        self.fields[name] = forms.CharField(label=label.capitalize(), required=False, max_length=8, widget=widget)
        initial[name] = value

    def _add_closures(self, initial: dict[str, Any]) -> None:
        for row in range(min(self.closure_count, MAX_ROWS)):
            for key, label in (("start", "Premier jour"), ("end", "Dernier jour")):
                widget = forms.DateInput(attrs={"class": "fr-input", "type": "date"}, format="%Y-%m-%d")
                self.fields[f"closure_{row}_{key}"] = AskedDateField(
                    label=f"Fermeture {row + 1}, {label.lower()}",
                    widget=widget,
                    input_formats=["%Y-%m-%d", "%d/%m/%Y"],
                    error_messages={"invalid": "Écrivez la date ainsi : 01/08/2027."},
                )
            self.fields[f"closure_{row}_replaced"] = AskedBooleanField(label="Remplaçant désigné")
            if row < len(self.answers.closures):
                closure = self.answers.closures[row]
                initial[f"closure_{row}_start"] = closure.start
                initial[f"closure_{row}_end"] = closure.end
                initial[f"closure_{row}_replaced"] = closure.replaced

    def days(self) -> Iterator[Day]:
        """Give the grid to the template."""
        for day, name in DAYS.items():
            slots = [
                Slot(part, self[f"{day}_{number}_start"], self[f"{day}_{number}_end"])
                for number, part in enumerate(SLOTS)
            ]
            yield Day(day, name.capitalize(), slots, self[f"{day}_closed"])

    def closures(self) -> Iterator[tuple[BoundField, BoundField, BoundField]]:
        """Give the rows of closures to the template."""
        for row in range(min(self.closure_count, MAX_ROWS)):
            yield self[f"closure_{row}_start"], self[f"closure_{row}_end"], self[f"closure_{row}_replaced"]

    def clean(self) -> dict[str, Any]:
        """Read the times, and ask for both ends of each slot."""
        cleaned = super().clean() or {}
        for day in DAYS:
            for number in range(len(SLOTS)):
                self._clean_slot(cleaned, f"{day}_{number}")
        for row in range(min(self.closure_count, MAX_ROWS)):
            start, end = cleaned.get(f"closure_{row}_start"), cleaned.get(f"closure_{row}_end")
            if (start is None) != (end is None) and not self._wrong(f"closure_{row}_start", f"closure_{row}_end"):
                self.add_error(
                    f"closure_{row}_end" if end is None else f"closure_{row}_start",
                    "Indiquez le premier et le dernier jour.",
                )
            elif start and end and end < start:
                self.add_error(f"closure_{row}_end", "Le dernier jour précède le premier.")
        return cleaned

    def _clean_slot(self, cleaned: dict[str, Any], slot: str) -> None:
        for name in (f"{slot}_start", f"{slot}_end"):
            if cleaned.get(name):
                try:
                    cleaned[name] = parse_time(cleaned[name])
                except ValueError as error:
                    self.add_error(name, str(error))
        start, end = cleaned.get(f"{slot}_start", ""), cleaned.get(f"{slot}_end", "")
        if self._wrong(f"{slot}_start", f"{slot}_end"):
            return
        if bool(start) != bool(end):
            self.add_error(f"{slot}_end" if start else f"{slot}_start", "Il manque cette heure.")
        elif start and end <= start:
            self.add_error(f"{slot}_end", "Cette heure précède l’ouverture.")

    def _wrong(self, *names: str) -> bool:
        return any(name in self.errors for name in names)

    def values(self) -> dict[str, Any]:
        """Return the hours of the days that are not closed, and the closures."""
        hours = {}
        for day in DAYS:
            pairs = [(self.read(f"{day}_{n}_start"), self.read(f"{day}_{n}_end")) for n in range(len(SLOTS))]
            whole = [list(pair) for pair in pairs if all(pair) and pair[0] < pair[1]]
            if whole and not self.read(f"{day}_closed"):
                hours[day] = whole
        return {"hours": hours, "closures": [asdict_closure(closure) for closure in self._closures()]}

    def _closures(self) -> Iterator[Closure]:
        for row in range(min(self.closure_count, MAX_ROWS)):
            start, end = self.read(f"closure_{row}_start"), self.read(f"closure_{row}_end")
            if isinstance(start, date) and isinstance(end, date):
                yield Closure(start, end, replaced=bool(self.read(f"closure_{row}_replaced")))


def asdict_closure(closure: Closure) -> dict[str, Any]:
    """Return a closure as the answers keep it."""
    return {"start": closure.start.isoformat(), "end": closure.end.isoformat(), "replaced": closure.replaced}


def copied_hours(data: Any) -> Any:
    """Return posted hours with Monday's copied from Tuesday to Friday."""
    copy = data.copy()
    for day in WEEK_COPIED:
        for number in range(len(SLOTS)):
            for end in ("start", "end"):
                copy[f"{day}_{number}_{end}"] = data.get(f"mon_{number}_{end}", "")
        if data.get("mon_closed"):
            copy[f"{day}_closed"] = "on"
        else:
            copy.pop(f"{day}_closed", None)
    return copy


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


def _row_count(data: Any, name: str, kept: int) -> int:
    if data is None:
        return kept
    text = str(data.get(f"{name}_count", kept))
    return min(int(text), MAX_ROWS) if text.isdecimal() else kept


@dataclass(frozen=True, slots=True)
class Row:
    """The fields of one professional."""

    number: int
    fields: dict[str, BoundField]
    mornings: list[BoundField]
    afternoons: list[BoundField]
    title: str


class TeamForm(StepForm):
    """The professionals, one row each; a row without profession is passed over."""

    def __init__(self, data: Any = None, *, answers: Answers, rows: int = 0) -> None:
        self.member_count = _row_count(data, "team", len(answers.team)) + rows
        super().__init__(data, answers=answers, rows=rows)

    def initial_values(self) -> dict[str, Any]:
        """Declare the fields, and fill them from the kept team."""
        initial: dict[str, Any] = {}
        for row in range(min(self.member_count, MAX_ROWS)):
            member = self.answers.team[row] if row < len(self.answers.team) else Member(profession="")
            initial |= self._add_row(f"m{row}", member)
        return initial

    def _add_row(self, prefix: str, member: Member) -> dict[str, Any]:
        self.fields[f"{prefix}_profession"] = AskedChoiceField(
            label="Profession",
            choices=[("", "Choisir"), *((code, name.capitalize()) for code, name in PROFESSIONS.items())],
        )
        self.fields[f"{prefix}_name"] = forms.CharField(label="Nom", max_length=120, required=False)
        self.fields[f"{prefix}_rpps"] = forms.CharField(
            label="RPPS",
            max_length=20,
            required=False,
            help_text="11 chiffres. Il sert au seul contrôle du registre.",
            widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        )
        self.fields[f"{prefix}_sector"] = AskedChoiceField(
            label="Secteur, pour un médecin",
            choices=[(code, label.capitalize()) for code, label in SECTORS.items()],
        )
        self.fields[f"{prefix}_on_site"] = AskedChoiceField(
            label="Où exerce cette personne\u00a0?",
            choices=[("oui", "Sur place"), ("non", "À proximité")],
            widget=InlineRadioSelect,
        )
        self.fields[f"{prefix}_minutes"] = AskedIntegerField(
            label="Trajet en minutes, si à proximité",
            min_value=0,
            max_value=240,
            error_messages={"invalid": "Écrivez un nombre de minutes, par exemple 6."},
        )
        for half, name in enumerate(HALF_DAYS):
            self.fields[f"{prefix}_h{half}"] = AskedBooleanField(label=name.capitalize())
        return {
            f"{prefix}_profession": member.profession,
            f"{prefix}_name": member.name,
            f"{prefix}_rpps": member.rpps,
            f"{prefix}_sector": member.sector,
            f"{prefix}_on_site": _said(member.on_site),
            f"{prefix}_minutes": member.minutes,
            **{f"{prefix}_h{half}": half in member.half_days for half in range(len(HALF_DAYS))},
        }

    def rows(self) -> Iterator[Row]:
        """Give the rows to the template."""
        for row in range(min(self.member_count, MAX_ROWS)):
            prefix = f"m{row}"
            names = ("profession", "name", "rpps", "sector", "on_site", "minutes")
            fields = {name: self[f"{prefix}_{name}"] for name in names}
            said = PROFESSIONS.get(str(fields["profession"].value() or ""), "")
            title = " ".join(filter(None, [said.capitalize(), str(fields["name"].value() or "")]))
            halves = [self[f"{prefix}_h{half}"] for half in range(len(HALF_DAYS))]
            yield Row(row, fields, halves[::2], halves[1::2], title or f"Professionnel {row + 1}")

    def clean(self) -> dict[str, Any]:
        """Check the optional RPPS, and ask for the profession of a row that says something."""
        cleaned = super().clean() or {}
        for row in range(min(self.member_count, MAX_ROWS)):
            prefix = f"m{row}"
            rpps = "".join(str(cleaned.get(f"{prefix}_rpps", "")).split())
            cleaned[f"{prefix}_rpps"] = rpps
            if rpps and not rpps_holds(rpps):
                self.add_error(
                    f"{prefix}_rpps",
                    "Ce RPPS n’est pas valable : il compte 11 chiffres, dont une clé. Corrigez-le, ou laissez-le vide.",
                )
            if not cleaned.get(f"{prefix}_profession") and (cleaned.get(f"{prefix}_name") or rpps):
                self.add_error(f"{prefix}_profession", "Choisissez la profession, ou retirez cette ligne.")
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return the rows that name a profession."""
        return {"team": [member for row in range(self.member_count) if (member := self._member(f"m{row}"))]}

    def _member(self, prefix: str) -> dict[str, Any] | None:
        if not self.read(f"{prefix}_profession"):
            return None
        on_site = self.read(f"{prefix}_on_site") != "non"
        minutes = self.read(f"{prefix}_minutes")
        profession = self.read(f"{prefix}_profession")
        return {
            "profession": profession,
            "name": self.read(f"{prefix}_name"),
            "rpps": self.read(f"{prefix}_rpps"),
            "sector": self.read(f"{prefix}_sector") if profession == "doctor" else "",
            "half_days": [half for half in range(len(HALF_DAYS)) if self.read(f"{prefix}_h{half}")],
            "on_site": on_site,
            "minutes": None if on_site or minutes in {"", None} else minutes,
        }


def with_row(data: Any, form: str) -> Any:
    """Return posted input whose next row of the team, about to be shown, is on site until said otherwise."""
    copy = data.copy()
    if form == "equipe":
        copy[f"m{_row_count(data, 'team', 0)}_on_site"] = "oui"
    return copy


def without_row(data: Any, removed: int) -> Any:
    """Return posted rows of the team without one of them, the following ones moved up."""
    copy = data.copy()
    count = _row_count(data, "team", 0)
    suffixes = ["profession", "name", "rpps", "sector", "on_site", "minutes", *(f"h{n}" for n in range(len(HALF_DAYS)))]
    for row in range(removed, count):
        for suffix in suffixes:
            following = data.get(f"m{row + 1}_{suffix}") if row + 1 < count else None
            if following is None:
                copy.pop(f"m{row}_{suffix}", None)
            else:
                copy[f"m{row}_{suffix}"] = following
    copy["team_count"] = str(max(count - 1, 0))
    return copy


class FeesForm(StepForm):
    """Tariffs: the sector of each doctor of the team, never typed twice, and whether anyone overcharges."""

    overrun = _yes_no(
        "Des consultations se font-elles avec un dépassement d’honoraires\u00a0?",
        "Hors exigence particulière d’un patient.",
    )
    third_party = _yes_no("Pratiquez-vous le tiers payant\u00a0?")
    details = _details("Précisions")

    def initial_values(self) -> dict[str, Any]:
        """Declare one field by doctor, or one for the structure, and fill them."""
        fees = self.answers.fees
        initial: dict[str, Any] = {}
        choices = [(code, label.capitalize()) for code, label in SECTORS.items()]
        doctors = self.answers.of("doctor")
        for number, doctor in enumerate(doctors):
            label = typeset(f"Secteur : {doctor.name or f'médecin {number + 1}'}")
            self.fields[f"sector_{number}"] = AskedChoiceField(label=label, choices=choices)
            initial[f"sector_{number}"] = doctor.sector
        if not doctors:
            self.fields["sector"] = AskedChoiceField(label="Secteur des médecins", choices=choices)
            initial["sector"] = fees.sector
        self.order_fields([*(name for name in self.fields if name.startswith("sector")), "overrun", "third_party"])
        return initial | {
            "overrun": _said(fees.overrun),
            "third_party": _said(fees.third_party),
            "details": fees.details,
        }

    def values(self) -> dict[str, Any]:
        """Return the tariffs, and the team with its doctors' sectors."""
        doctors = iter(range(len(self.answers.of("doctor"))))
        team = [
            replace(member, sector=self.read(f"sector_{next(doctors)}")) if member.profession == "doctor" else member
            for member in self.answers.team
        ]
        return {
            "fees": {
                "overrun": _meant(self.read("overrun")),
                "third_party": _meant(self.read("third_party")),
                "sector": self.read("sector"),
                "details": self.read("details"),
            },
            "team": replace(self.answers, team=tuple(team)).as_json()["team"],
        }


class OnCallForm(StepForm):
    """Permanence des soins and service d’accès aux soins."""

    pdsa = _yes_no(
        "Participez-vous à la permanence des soins ambulatoires (PDSA)\u00a0?",
        "Gardes des soirs, nuits, week-ends et jours fériés.",
    )
    sas = _yes_no(
        "Participez-vous au service d’accès aux soins (SAS)\u00a0?",
        "Créneaux proposés aux régulateurs du 15 pour les soins non programmés.",
    )
    details = _details("Précisions\u00a0: secteur de garde, convention")

    def initial_values(self) -> dict[str, Any]:
        """Return the kept participation."""
        said = self.answers.on_call
        return {"pdsa": _said(said.pdsa), "sas": _said(said.sas), "details": said.details}

    def values(self) -> dict[str, Any]:
        """Return the participation."""
        return {
            "on_call": {
                "pdsa": _meant(self.read("pdsa")),
                "sas": _meant(self.read("sas")),
                "details": self.read("details"),
            }
        }


class CommitmentsForm(StepForm):
    """What the structure undertakes; the labels are the texts of the cahier des charges, put by the view."""

    appointment_48h = AskedBooleanField(label="Rendez-vous médical sous 48\u00a0heures")
    support = AskedBooleanField(label="Accompagnement dans le parcours de santé")

    def initial_values(self) -> dict[str, Any]:
        """Return the kept commitments."""
        return asdict(self.answers.commitments)

    def values(self) -> dict[str, Any]:
        """Return the commitments."""
        return {
            "commitments": {name: bool(self.read(name)) for name in ("appointment_48h", "support")},
        }


FORMS: dict[str, type[StepForm]] = {
    "identite": IdentityForm,
    "horaires": HoursForm,
    "equipe": TeamForm,
    "tarifs": FeesForm,
    "permanence": OnCallForm,
    "engagements": CommitmentsForm,
}
"""The form of each task."""
