"""Forms of a disagreement, and of the closing of a file."""

from django import forms
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from labelling.choices import ClosingGround, ConcertationOutcome


def _day(label: str, help_text: str = "", *, required: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": required, "invalid": "Indiquez une date, par exemple 25/11/2026."},
    )


def _text(label: str, help_text: str, *, rows: int = 6, required: str) -> forms.CharField:
    return FreeTextField(
        label=label,
        help_text=f"{help_text} Aucune donnée de patient.",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={"required": required},
    )


class ConcertationForm(DsfrBaseForm):
    """What two authorities said to each other."""

    held_date = _day("Concertation tenue le", required="Indiquez le jour de la concertation.")
    participants = FreeTextField(
        label="Services représentés",
        help_text="Des services et des fonctions, par exemple : ARS, délégation départementale ; préfecture, bureau des "
        "politiques publiques.",
        max_length=500,
        error_messages={"required": "Indiquez quels services étaient représentés."},
    )
    text = _text(
        "Compte rendu",
        "Les points de désaccord, ce que chacun a dit, ce qui en résulte. L’autre autorité le confirmera.",
        required="Écrivez le compte rendu : l’autre autorité le confirmera.",
    )
    outcome = forms.ChoiceField(
        label="Issue",
        choices=[
            (ConcertationOutcome.AGREEMENT, "Accord : l’instruction reprend, un nouveau projet sera présenté"),
            (ConcertationOutcome.NO_AGREEMENT, "Désaccord maintenu"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez l’issue de la concertation."},
    )


class AdviceForm(DsfrBaseForm):
    """What the national team advises."""

    text = _text(
        "Avis de l’équipe nationale",
        "Les deux autorités le liront dans le dossier. Il ne décide de rien.",
        rows=4,
        required="Écrivez l’avis.",
    )


class ClosingForm(DsfrBaseForm):
    """Why a file is closed without a decision."""

    ground = forms.ChoiceField(
        label="Motif",
        choices=[(value, f"{label[:1].upper()}{label[1:]}") for value, label in ClosingGround.choices],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez le motif du classement."},
    )
    text = _text(
        "Explication donnée à la structure",
        "Elle la recevra par courriel et la lira dans son dossier.",
        rows=4,
        required="Expliquez le classement : la structure le lira.",
    )
