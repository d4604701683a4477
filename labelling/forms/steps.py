"""The forms of the tasks of an application, by task."""

from dataclasses import asdict, replace
from typing import Any

from django import forms
from django.utils.text import capfirst
from dsfr.widgets import InlineRadioSelect

from francesante.lib.free_text import FreeTextField
from francesante.lib.french import grouped, typeset
from labelling.forms.asked import (
    AskedBooleanField,
    AskedChoiceField,
    AskedFreeTextField,
)
from labelling.forms.hours import HoursForm
from labelling.forms.step import StepForm
from labelling.forms.team import TeamForm
from labelling.rules.answers import (
    MAX_SECTOR,
    MAX_TEXT,
    SECTORS,
)

NO_PATIENT_DATA = f"Aucune donnée de patient. {grouped(MAX_TEXT)} caractères au plus."
_YES_NO = [("oui", "Oui"), ("non", "Non")]


def _yes_no(label: str, help_text: str = "") -> forms.ChoiceField:
    return AskedChoiceField(label=label, help_text=help_text, choices=_YES_NO, widget=InlineRadioSelect)


def _details(label: str) -> forms.CharField:
    return FreeTextField(
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


class IdentityForm(StepForm):
    """Whether the register is exact, and who follows the file."""

    exact = forms.ChoiceField(
        label="Ces informations sont-elles exactes\u00a0?",
        choices=[("oui", "C’est exact"), ("non", "Ce n’est plus exact")],
        widget=InlineRadioSelect,
        error_messages={"required": "Dites si les informations du registre sont exactes."},
    )
    correction = AskedFreeTextField(
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

    def conditions(self) -> dict[str, tuple[str, str]]:
        """What changed, when something did."""
        return {"correction": ("correction", "")}

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
            "identity": {"exact": exact, "correction": self.read("correction")},
            "contact": {key: self.read(key) for key in ("name", "role", "phone", "email")},
        }


class FeesForm(StepForm):
    """Tariffs: the sector of each doctor of the team, never typed twice, and whether anyone overcharges."""

    overrun = _yes_no(
        "Des consultations se font-elles avec un dépassement d’honoraires\u00a0?",
        "Hors exigence particulière d’un patient.",
    )
    third_party = _yes_no("Pratiquez-vous le tiers payant\u00a0?")
    details = _details("Pour l’OPTAM, comment les consultations restent-elles sans dépassement\u00a0?")

    def conditions(self) -> dict[str, tuple[str, str]]:
        """The explanation that a doctor in OPTAM calls for."""
        return {"details": ("optam", "")}

    def initial_values(self) -> dict[str, Any]:
        """Declare one field by doctor, or one for the structure, and fill them."""
        fees = self.answers.fees
        initial: dict[str, Any] = {}
        choices = [(code, capfirst(label)) for code, label in SECTORS.items()]
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
    pdsa_sector = AskedFreeTextField(
        label="Dans quel secteur de garde\u00a0?",
        help_text="Le nom du secteur de PDSA, tel qu’au tableau de garde. Par exemple\u00a0: Valfictif.",
        max_length=MAX_SECTOR,
    )
    sas = _yes_no(
        "Participez-vous au service d’accès aux soins (SAS)\u00a0?",
        "Créneaux proposés aux régulateurs du 15 pour les soins non programmés.",
    )
    details = _details("Si vous ne participez ni à l’une ni à l’autre\u00a0: ce qui l’empêche, et ce qui est prévu")

    def conditions(self) -> dict[str, tuple[str, str]]:
        """Where it participates, or what keeps it from both."""
        return {"pdsa_sector": ("pdsa_sector", ""), "details": ("obstacle", "")}

    def initial_values(self) -> dict[str, Any]:
        """Return the kept participation."""
        said = self.answers.on_call
        return {**asdict(said), "pdsa": _said(said.pdsa), "sas": _said(said.sas)}

    def values(self) -> dict[str, Any]:
        """Return the participation."""
        return {
            "on_call": {
                "pdsa": _meant(self.read("pdsa")),
                "pdsa_sector": self.read("pdsa_sector"),
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
