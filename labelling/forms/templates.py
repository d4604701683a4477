"""Forms of the text of decisions: the template of the national team, and what an authority adds for one file."""

from typing import Any

from django import forms
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from labelling.models import DecisionTemplate
from labelling.rules.templates import LISTS, parts_of
from labelling.services.templates import mistakes_in

_ROWS = {"visas": 7, "reasons": 4, "articles": 6, "closing_articles": 6, "criterion_reason": 3, "title": 2}
_HELP = {
    "visas": "Une phrase par ligne, commençant par « Vu ».",
    "criterion_reason": "Dit de chaque critère, dans leur ordre.",
    "reasons": "Une phrase par ligne, après celles des critères.",
    "articles": "Un article par ligne, sans son numéro.",
    "closing_articles": "Un article par ligne : ils viennent après les articles ajoutés pour un dossier.",
}


class TemplateForm(DsfrBaseForm):
    """The parts of a template."""

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        for part in parts_of(kind):
            name = str(DecisionTemplate._meta.get_field(part).verbose_name)
            self.fields[part] = FreeTextField(
                label=f"{name[:1].upper()}{name[1:]}",
                help_text=_HELP.get(part, ""),
                max_length=None if part in LISTS else DecisionTemplate._meta.get_field(part).max_length,
                widget=forms.Textarea(attrs={"rows": _ROWS[part], "class": "fr-input"}),
                error_messages={"required": "Cette partie ne peut pas être vide."},
            )

    def clean(self) -> dict[str, Any]:
        """Name an unknown merge field at its part; the service refuses it anyway."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            for part, sentence in mistakes_in(self.kind, cleaned).items():
                self.add_error(part, sentence)
        return cleaned


class PublishTemplateForm(DsfrBaseForm):
    """From when a template is the text of the decisions."""

    valid_from = forms.DateField(
        label="Applicable à partir du",
        help_text="Aux décisions présentées à la signature à partir de ce jour.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Indiquez le premier jour d’application.",
            "invalid": "Indiquez une date, par exemple 25/11/2026.",
        },
    )


class AdditionForm(DsfrBaseForm):
    """What an authority adds to the text of one decision."""

    visas = FreeTextField(
        label="Visas ajoutés",
        help_text="Un par ligne, commençant par « Vu ».",
        required=False,
        max_length=3000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    reasons = FreeTextField(
        label="Motifs ajoutés",
        help_text="Un par ligne, commençant par « Considérant ». Aucune donnée de patient.",
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    articles = FreeTextField(
        label="Articles ajoutés",
        help_text="Un par ligne, sans numéro : ils viennent avant la notification et les recours.",
        required=False,
        max_length=3000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
