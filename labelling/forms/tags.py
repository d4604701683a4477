"""The form of a tag."""

from django import forms
from dsfr.forms import DsfrBaseForm


class TagForm(DsfrBaseForm):
    """A word of an authority, what it means, and who reads it."""

    use_required_attribute = False

    name = forms.CharField(
        label="Nom",
        help_text="Deux ou trois mots, par exemple : visite prévue.",
        max_length=30,
        error_messages={
            "required": "Donnez un nom à l’étiquette.",
            "max_length": "Le nom d’une étiquette compte 30 caractères au plus.",
        },
    )
    note = forms.CharField(
        label="Quand la poser",
        help_text="Ce que vos collègues doivent comprendre. Aucune donnée de patient.",
        max_length=160,
        required=False,
    )
    joint = forms.BooleanField(
        label="Commune aux deux autorités",
        help_text="L’autre autorité de chaque dossier la lit, la pose et la retire aussi. Sans cette case, la vôtre seule.",
        required=False,
    )
