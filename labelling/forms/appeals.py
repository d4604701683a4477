"""Forms of an appeal: lodged by the structure, recorded by an agent, answered, judged; and of the reasons of a silence."""

from collections.abc import Sequence
from typing import Any

from django import forms
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from labelling.choices import AppealKind, AppealOutcome


def _received(label: str, help_text: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Indiquez la date de réception.",
            "invalid": "Indiquez une date, par exemple 25/11/2026.",
        },
    )


class ContestForm(DsfrBaseForm):
    """An appeal against one of the acts that may be contested; the act is asked where there are several."""

    contested = forms.TypedChoiceField(
        label="Acte contesté",
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez l’acte que vise le recours."},
    )

    def __init__(self, *args: Any, acts: Sequence[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.only_act = acts[0][0] if len(acts) == 1 else None
        if len(acts) > 1:
            self.fields["contested"].choices = acts
        else:
            del self.fields["contested"]

    def clean(self) -> dict[str, Any]:
        """Name the act where there is one only; nothing names an implicit rejection, which stands alone."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        return {"contested": self.only_act, **cleaned}


class LodgeForm(ContestForm):
    """What the structure writes to the signatories."""

    text = FreeTextField(
        label="Votre recours",
        help_text="Dites ce que vous contestez et pourquoi, critère par critère si vous le pouvez. Les signataires le "
        "liront. Aucune donnée de patient.",
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 10}),
        error_messages={"required": "Écrivez votre recours : dites ce que vous contestez et pourquoi."},
    )


class RecordForm(ContestForm):
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
    received_date = _received("Reçu le", "Date de réception par le service, ou date d’enregistrement de la requête.")
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
        cleaned = super().clean()
        if cleaned.get("kind") == AppealKind.CONTENTIEUX:
            for name, sentence in (
                ("court", "Indiquez la juridiction saisie."),
                ("docket", "Indiquez le numéro de la requête."),
            ):
                if not cleaned.get(name):
                    self.add_error(name, sentence)
        return cleaned


class AnswerForm(DsfrBaseForm):
    """What an authority would answer to an appeal to the signatories."""

    outcome = forms.ChoiceField(
        label="Issue",
        choices=[
            (AppealOutcome.REJECTED, "Rejeté : l’acte contesté demeure"),
            (AppealOutcome.ACCEPTED, "Accueilli : l’acte contesté est retiré"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez l’issue du recours."},
    )
    answer = FreeTextField(
        label="Réponse aux moyens du recours",
        help_text="Les motifs en droit et en fait, avec bienveillance : l’acte les imprimera après « Considérant, en réponse "
        "aux moyens du recours : ». Aucune donnée de patient.",
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={"required": "Motivez la réponse : la structure la lira."},
    )


class JudgmentForm(DsfrBaseForm):
    """What the court judged."""

    outcome = forms.ChoiceField(
        label="Ce que le tribunal a jugé",
        choices=[
            (AppealOutcome.REJECTED, "Requête rejetée : l’acte contesté demeure"),
            (AppealOutcome.ACCEPTED, "Annulation de l’acte contesté"),
            (AppealOutcome.NO_OBJECT, "Non-lieu à statuer : la requête a perdu son objet"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez ce que le tribunal a jugé."},
    )
    answer = FreeTextField(
        label="Le jugement",
        help_text="Sa date et ce qu’il décide, en quelques lignes. La structure les lira. Aucune donnée de patient.",
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": "Écrivez ce que dit le jugement, avec sa date."},
    )


class AskedForm(DsfrBaseForm):
    """A letter that asks for the reasons of an implicit rejection."""

    received_date = _received("Demande reçue le", "Date de réception de la lettre par le service.")


class ReasonsForm(DsfrBaseForm):
    """The reasons of an implicit rejection."""

    reasons = FreeTextField(
        label="Motifs du rejet implicite",
        help_text="En droit et en fait, critère par critère. La structure les lira tels quels. Aucune donnée de patient.",
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={"required": "Écrivez les motifs : la structure les lira."},
    )


class ReceivedForm(DsfrBaseForm):
    """The day on which a letter reached the structure."""

    received_date = _received("Lettre reçue le", "Celle de l’avis de réception. Le délai de recours en part.")
