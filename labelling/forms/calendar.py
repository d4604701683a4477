"""Forms of the national calendar: they check shapes; the services and the database check the rest."""

from datetime import timedelta
from typing import Any

from django import forms
from django.db.backends.postgresql.psycopg_any import DateRange
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from francesante.lib.french import grouped
from labelling.forms.asked import AskedCharField
from labelling.models import Quota, Wave

MAX_TABLE = 200_000
"""Bytes of a table of quotas: a hundred times what 101 départements need."""
_HIGHEST = 32_767


def _day(label: str, help_text: str = "", **more: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Indiquez une date.", "invalid": "Indiquez une date, par exemple 01/09/2026."},
        **more,
    )


def _places(label: str, help_text: str = "", **more: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, help_text=help_text, min_value=0, max_value=_HIGHEST, **more)


class WaveForm(DsfrBaseForm):
    """One wave of the calendar."""

    use_required_attribute = False

    number = _places("Numéro", error_messages={"required": "Donnez un numéro à cette vague."})
    name = forms.CharField(label="Nom", max_length=120, error_messages={"required": "Donnez un nom à cette vague."})
    first_day = _day("Premier jour")
    last_day = _day(
        "Dernier jour",
        "Compris. Laissez vide si la vague n’a pas encore de fin. Un dossier garde la vague de son dépôt.",
        required=False,
    )
    national_target = forms.IntegerField(
        label="Objectif national cumulé",
        help_text="Nombre de lieux labellisés en France à la fin de cette vague, depuis la première.",
        min_value=1,
        max_value=100_000,
        required=False,
    )
    departement_floor = _places("Plancher par département", initial=0)
    departement_target = _places(
        "Cible par département",
        "Plancher et cible donnent leur part aux départements ; un quota particulier peut dire autre chose.",
        initial=0,
    )
    legal_source = FreeTextField(
        label="Source",
        help_text="Lettre, instruction ou arrêté qui fixe ces dates et ces nombres.",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Citez le texte qui fixe cette vague."},
    )

    def clean(self) -> dict[str, Any]:
        """Compare the dates and the numbers between them."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = cleaned.get("first_day"), cleaned.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "Le dernier jour suit le premier.")
        floor, target = cleaned.get("departement_floor"), cleaned.get("departement_target")
        if floor is not None and target is not None and target < floor:
            self.add_error("departement_target", f"La cible est au moins égale au plancher ({grouped(floor)}).")
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return the fields of the wave, its days as a range; call after ``is_valid``."""
        cleaned = dict(self.cleaned_data)
        first, last = cleaned.pop("first_day"), cleaned.pop("last_day")
        return cleaned | {"period": DateRange(first, last + timedelta(days=1) if last else None)}

    @classmethod
    def of(cls, wave: Wave) -> "WaveForm":
        """Return the form filled with a wave."""
        until = wave.period.upper
        days = {"first_day": wave.period.lower, "last_day": until - timedelta(days=1) if until else None}
        others = set(cls.base_fields) - set(days)
        return cls(initial={name: getattr(wave, name) for name in others} | days)


class QuotaForm(DsfrBaseForm):
    """The share of one département in a wave."""

    use_required_attribute = False

    floor = _places("Plancher", "Nombre minimal de lieux à labelliser. Il n’oblige à rien.")
    target = _places("Cible", "Nombre de lieux visé. Elle n’oblige à rien.")
    ceiling = _places(
        "Plafond",
        "Nombre maximal de lieux : lui seul oblige. Laissez vide s’il n’y en a pas, ce qui est l’usage.",
        required=False,
    )
    ceiling_act = AskedCharField(
        label="Acte qui fixe le plafond",
        help_text="Demandé s’il y a un plafond : sa nature et sa date. Il est publié.",
        max_length=250,
    )

    @classmethod
    def of(cls, quota: Quota) -> "QuotaForm":
        """Return the form filled with a quota."""
        return cls(initial={name: getattr(quota, name) for name in cls.base_fields})


class QuotaTableForm(DsfrBaseForm):
    """A table of quotas to read."""

    use_required_attribute = False

    file = forms.FileField(
        label="Tableau des quotas (CSV)",
        help_text="Colonnes : code_departement, plancher, cible et, s’il y a des plafonds, plafond et acte_plafond.",
        error_messages={"required": "Choisissez un fichier.", "empty": "Ce fichier est vide."},
    )

    def clean_file(self) -> Any:
        """Refuse what cannot be a table of a hundred lines."""
        file = self.cleaned_data["file"]
        if file.size > MAX_TABLE:
            raise forms.ValidationError(
                f"Ce fichier dépasse {grouped(MAX_TABLE // 1000)} ko : ce n’est pas un tableau de quotas."
            )
        return file
