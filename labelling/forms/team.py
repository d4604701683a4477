"""The professionals of a structure: one row each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.text import capfirst
from dsfr.widgets import InlineRadioSelect

from francesante.lib.identifiers import rpps_warning
from francesante.lib.text import sort_key
from labelling.forms.asked import AskedBooleanField, AskedChoiceField, AskedIntegerField
from labelling.forms.rows import row_count
from labelling.forms.step import StepForm
from labelling.rules.answers import HALF_DAYS, PROFESSIONS, SECTORS, Answers, Member

MINUTES = "Écrivez un nombre de minutes, de 0 à 240."


@dataclass(frozen=True, slots=True)
class Row:
    """The fields of one professional."""

    number: int
    fields: dict[str, BoundField]
    mornings: list[BoundField]
    afternoons: list[BoundField]
    title: str

    @property
    def warning(self) -> str:
        """What to check in the RPPS: it never keeps the row from being saved."""
        return rpps_warning(str(self.fields["rpps"].value() or ""))


class TeamForm(StepForm):
    """The professionals, one row each; a row without profession is passed over."""

    def __init__(self, data: Any = None, *, answers: Answers, kind: str = "") -> None:
        self.member_count = row_count(data, "team", len(answers.team))
        super().__init__(data, answers=answers, kind=kind)

    def conditions(self) -> dict[str, tuple[str, str]]:
        """The sector of a doctor, the journey to a nurse nearby."""
        return {
            f"m{row}_{name}": (name, f"m{row}_") for row in range(self.member_count) for name in ("sector", "minutes")
        }

    def initial_values(self) -> dict[str, Any]:
        """Declare the fields, and fill them from the kept team."""
        initial: dict[str, Any] = {}
        for row in range(self.member_count):
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
            choices=[(code, capfirst(label)) for code, label in SECTORS.items()],
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
            error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), MINUTES),
        )
        for half, name in enumerate(HALF_DAYS):
            self.fields[f"{prefix}_h{half}"] = AskedBooleanField(label=name.capitalize())
        return {
            f"{prefix}_profession": member.profession,
            f"{prefix}_name": member.name,
            f"{prefix}_rpps": member.rpps,
            f"{prefix}_sector": member.sector,
            f"{prefix}_on_site": "oui" if member.on_site else "non",
            f"{prefix}_minutes": member.minutes,
            **{f"{prefix}_h{half}": half in member.half_days for half in range(len(HALF_DAYS))},
        }

    def rows(self) -> Iterator[Row]:
        """Give the rows to the template."""
        for row in range(self.member_count):
            prefix = f"m{row}"
            names = ("profession", "name", "rpps", "sector", "on_site", "minutes")
            fields = {name: self[f"{prefix}_{name}"] for name in names}
            said = PROFESSIONS.get(str(fields["profession"].value() or ""), "")
            name = str(fields["name"].value() or "")
            title = (
                name if said and sort_key(name).startswith(sort_key(said)) else f"{said.capitalize()} {name}".strip()
            )
            halves = [self[f"{prefix}_h{half}"] for half in range(len(HALF_DAYS))]
            yield Row(row, fields, halves[::2], halves[1::2], title or f"Professionnel {row + 1}")

    @property
    def titles(self) -> dict[str, str]:
        """« Professionnel 2 (Mme Exemple) », by field."""
        titles = {}
        for row in range(self.member_count):
            name = str(self[f"m{row}_name"].value() or "").strip()
            titles[row] = f"Professionnel {row + 1} ({name})" if name else f"Professionnel {row + 1}"
        return {name: titles[int(name[1:].partition("_")[0])] for name in self.fields}

    def clean(self) -> dict[str, Any]:
        """Ask for the profession of a row that says something."""
        cleaned = super().clean() or {}
        for row in range(self.member_count):
            prefix = f"m{row}"
            rpps = "".join(str(cleaned.get(f"{prefix}_rpps", "")).split())
            cleaned[f"{prefix}_rpps"] = rpps
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
            "sector": self.read(f"{prefix}_sector"),
            "half_days": [half for half in range(len(HALF_DAYS)) if self.read(f"{prefix}_h{half}")],
            "on_site": on_site,
            "minutes": None if minutes in {"", None} else minutes,
        }
