"""Forms of the application."""

from django import forms
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from territories.services.mails import MAX_BODY


class MailForm(DsfrBaseForm):
    """The subject and the body of a mail, with merge fields."""

    subject = forms.CharField(
        label="Objet",
        help_text="« France Santé – » le précède toujours, sauf dans l’invitation d’une personne.",
        max_length=200,
        error_messages={"required": "L’objet ne peut pas être vide."},
    )
    body = FreeTextField(
        label="Texte",
        max_length=MAX_BODY,
        widget=forms.Textarea(attrs={"rows": 18}),
        error_messages={"required": "Le texte ne peut pas être vide."},
    )
