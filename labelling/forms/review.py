"""Forms of the instruction."""

from typing import Any

from django import forms
from dsfr.forms import DsfrBaseForm

from labelling.choices import Verdict
from labelling.forms.asked import AskedFreeTextField


class VerdictForm(DsfrBaseForm):
    """What an authority says of one criterion."""

    verdict = forms.ChoiceField(
        label="Appréciation",
        choices=[(value, label.capitalize()) for value, label in Verdict.choices],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez une appréciation."},
    )
    reason = AskedFreeTextField(
        label="Motif",
        help_text="Obligatoire si le critère est non rempli ou sans objet : la décision l’imprimera. Aucune donnée de patient.",
        max_length=1500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean(self) -> dict[str, Any]:
        """Ask for the reason at its field; the service and the database refuse its absence anyway."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("verdict") == Verdict.NOT_MET and not cleaned.get("reason", "").strip():
            self.add_error("reason", "Un critère non rempli demande un motif : la décision l’imprimera.")
        return cleaned


class LetterForm(DsfrBaseForm):
    """The date on the acknowledgement of a registered letter."""

    received_on = forms.DateField(
        label="Date de réception de la lettre recommandée",
        help_text="Celle de l’avis de réception. Les délais de recours en partent.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Indiquez la date de l’avis de réception.",
            "invalid": "Indiquez une date, par exemple 25/11/2026.",
        },
    )
