"""Forms of the instruction, and the filters of the agents' work list."""

from typing import Any

from django import forms
from dsfr.forms import DsfrBaseForm

from labelling.choices import ApplicationState, StructureKind, Verdict


class VerdictForm(DsfrBaseForm):
    """What an authority says of one criterion."""

    verdict = forms.ChoiceField(
        label="Appréciation",
        choices=[(value, label.capitalize()) for value, label in Verdict.choices],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez une appréciation."},
    )
    reason = forms.CharField(
        label="Motif",
        help_text="Obligatoire si le critère n’est pas rempli : la décision l’imprimera. Aucune donnée de patient.",
        required=False,
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


class WorkListForm(forms.Form):
    """The filters that the address of the work list holds; what is wrong is ignored, the list is shown."""

    q = forms.CharField(label="Rechercher", required=False, max_length=120, strip=True)
    etat = forms.ChoiceField(
        label="État",
        required=False,
        choices=[("", "Tous les états")]
        + [(value, label.capitalize()) for value, label in ApplicationState.choices if value != ApplicationState.DRAFT],
    )
    type = forms.ChoiceField(
        label="Type",
        required=False,
        choices=[("", "Tous les types")] + [(value, label.capitalize()) for value, label in StructureKind.choices],
    )
    dep = forms.CharField(label="Département", required=False, max_length=3)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget.attrs.update({"class": "fr-input", "type": "search"})
        for name in ("etat", "type"):
            self.fields[name].widget.attrs["class"] = "fr-select"

    def kept(self) -> dict[str, str]:
        """Return the filters that are valid and set."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
