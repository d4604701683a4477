"""What a place offers in a week, before its label or now: four questions, each « identique » until told otherwise."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from dsfr.forms import DsfrBaseForm

from francesante.lib.french import grouped
from labelling.forms.asked import AskedDecimalField
from labelling.forms.step import Asked
from labelling.rules.additionality import MEASURES

SAME, OTHER, UNKNOWN = "same", "other", "unknown"


class SupplyForm(DsfrBaseForm):
    """By measure, whether it is the same as a known figure, and the other figure when it is not."""

    use_required_attribute = False
    when = ""
    hint = ""

    def __init__(self, *args: Any, known: Mapping[str, Decimal | None], **kwargs: Any) -> None:
        self.known = known
        self.base_fields = {}
        for key, title in MEASURES.items():
            has_figure = known[key] is not None
            choices = [(SAME, f"Identique : {_figure(known[key])}")] if has_figure else []
            self.base_fields[f"{key}_how"] = forms.ChoiceField(
                label=f"{title}, {self.when}",
                choices=[*choices, (OTHER, "Une autre valeur"), (UNKNOWN, "Je ne sais pas")],
                initial=SAME if has_figure else UNKNOWN,
                widget=forms.RadioSelect,
                error_messages={"required": "Choisissez une réponse."},
            )
            self.base_fields[f"{key}_value"] = AskedDecimalField(
                label=f"{title} : l’autre valeur",
                help_text=self.hint,
                min_value=0,
                max_value=2000,
                max_digits=6,
                decimal_places=1,
                localize=True,
                error_messages={"invalid": "Indiquez un nombre, par exemple 27,5."},
            )
        super().__init__(*args, **kwargs)

    @property
    def asked(self) -> dict[str, Asked]:
        """When the page shows the field of another figure: once that answer is chosen."""
        return {
            f"{key}_value": Asked(f"{self.add_prefix(f'{key}_how')}={OTHER}", now=self[f"{key}_how"].value() == OTHER)
            for key in MEASURES
        }

    def clean(self) -> dict[str, Any]:
        """Ask for the figure where it was another."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for key in MEASURES:
            name = f"{key}_value"
            if cleaned.get(f"{key}_how") == OTHER and cleaned.get(name) is None and name not in self.errors:
                self.add_error(name, "Indiquez cette valeur, ou répondez « je ne sais pas ».")
        return cleaned

    def supply(self) -> dict[str, Decimal | None]:
        """Return what was declared, by measure; the form is valid."""
        said = {SAME: self.known, OTHER: {key: self.cleaned_data[f"{key}_value"] for key in MEASURES}, UNKNOWN: {}}
        return {key: said[self.cleaned_data[f"{key}_how"]].get(key) for key in MEASURES}


class BaselineForm(SupplyForm):
    """What a place offered the year before its label; what is known is what its file says."""

    when = "l’année d’avant"
    hint = "À remplir seulement si elle était différente. Zéro si rien n’existait."


class PresentSupplyForm(SupplyForm):
    """What a place offers on the day of an attestation; what is known is the last that was said."""

    when = "aujourd’hui"
    hint = "À remplir seulement si elle a changé. Zéro s’il n’y en a plus."


def _figure(value: Decimal | None) -> str:
    return "" if value is None else grouped(value, 0 if value == int(value) else 1)
