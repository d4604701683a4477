"""Forms of an appeal: lodged by the structure, recorded by an agent, answered by the authorities."""

from typing import Any

from django import forms
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from labelling.choices import AppealKind, AppealOutcome


class LodgeForm(DsfrBaseForm):
    """What the structure writes to the signatories."""

    text = FreeTextField(
        label="Votre recours",
        help_text="Dites ce que vous contestez et pourquoi, critère par critère si vous le pouvez. Les deux signataires le "
        "liront. Aucune donnée de patient.",
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 10}),
        error_messages={"required": "Écrivez votre recours : dites ce que vous contestez et pourquoi."},
    )


class RecordForm(DsfrBaseForm):
    """An appeal that came by letter, or of which the court gave notice."""

    kind = forms.ChoiceField(
        label="Nature",
        choices=[
            (AppealKind.GRACIEUX, "Recours gracieux, adressé aux signataires"),
            (AppealKind.CONTENTIEUX, "Recours contentieux, devant le tribunal administratif"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez la nature du recours."},
    )
    received_date = forms.DateField(
        label="Reçu le",
        help_text="Date de réception par le service, ou date d’enregistrement de la requête.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Indiquez la date de réception.",
            "invalid": "Indiquez une date, par exemple 25/11/2026.",
        },
    )
    court = forms.CharField(
        label="Juridiction",
        help_text="Pour un recours contentieux seulement.",
        required=False,
        max_length=120,
    )
    docket = forms.CharField(
        label="Numéro de la requête",
        help_text="Pour un recours contentieux seulement.",
        required=False,
        max_length=40,
    )
    text = FreeTextField(
        label="Ce que dit le recours",
        help_text="Les moyens, en quelques lignes. Aucune donnée de patient.",
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": "Écrivez ce que dit le recours."},
    )

    def clean(self) -> dict[str, Any]:
        """Ask for the court and its number at their fields; the service and the database refuse their absence anyway."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("kind") == AppealKind.CONTENTIEUX:
            for name, sentence in (
                ("court", "Indiquez la juridiction saisie."),
                ("docket", "Indiquez le numéro de la requête."),
            ):
                if not cleaned.get(name):
                    self.add_error(name, sentence)
        return cleaned


class AnswerForm(DsfrBaseForm):
    """What the authorities answer, or what the court judged."""

    outcome = forms.ChoiceField(
        label="Issue",
        choices=[
            (AppealOutcome.REJECTED, "Rejeté : le refus demeure"),
            (AppealOutcome.ACCEPTED, "Accueilli : le dossier est rouvert à l’instruction"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez l’issue du recours."},
    )
    answer = FreeTextField(
        label="Réponse motivée",
        help_text="La structure la lira : les motifs en droit et en fait, avec bienveillance. Aucune donnée de patient.",
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={"required": "Motivez la réponse : la structure la lira."},
    )
