"""What a place offered the year before its label: four questions, each « identique » until told otherwise."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from dsfr.forms import DsfrBaseForm

from francesante.lib.french import grouped
from labelling.rules.additionality import MEASURES

SAME, OTHER, UNKNOWN = "same", "other", "unknown"


class BaselineForm(DsfrBaseForm):
    """By measure, whether it was the same the year before, and the figure when it was not."""

    def __init__(self, *args: Any, now: Mapping[str, Decimal | None], **kwargs: Any) -> None:
        self.now = now
        self.base_fields = {}
        for key, title in MEASURES.items():
            known = now[key] is not None
            choices = [(SAME, f"Identique : {_figure(now[key])}")] if known else []
            self.base_fields[f"{key}_how"] = forms.ChoiceField(
                label=f"{title}, l’année d’avant",
                choices=[*choices, (OTHER, "Une autre valeur"), (UNKNOWN, "Je ne sais pas")],
                initial=SAME if known else UNKNOWN,
                widget=forms.RadioSelect,
                error_messages={"required": "Choisissez une réponse."},
            )
            self.base_fields[f"{key}_before"] = forms.DecimalField(
                label=f"{title} : l’autre valeur",
                help_text="À remplir seulement si elle était différente. Zéro si rien n’existait.",
                required=False,
                min_value=0,
                max_value=2000,
                max_digits=6,
                decimal_places=1,
                localize=True,
                error_messages={"invalid": "Indiquez un nombre, par exemple 27,5."},
            )
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        """Ask for the figure where it was another."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for key in MEASURES:
            name = f"{key}_before"
            if cleaned.get(f"{key}_how") == OTHER and cleaned.get(name) is None and name not in self.errors:
                self.add_error(name, "Indiquez cette valeur, ou répondez « je ne sais pas ».")
        return cleaned

    def before(self) -> dict[str, Decimal | None]:
        """Return what was declared, by measure; the form is valid."""
        said = {SAME: self.now, OTHER: {key: self.cleaned_data[f"{key}_before"] for key in MEASURES}, UNKNOWN: {}}
        return {key: said[self.cleaned_data[f"{key}_how"]].get(key) for key in MEASURES}


def _figure(value: Decimal | None) -> str:
    return "" if value is None else grouped(value, 0 if value == int(value) else 1)
