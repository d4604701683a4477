"""The form of a message. The file comes last: the fields before it survive an upload that is too large."""

from datetime import date
from typing import Any

from django import forms
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from francesante.lib.french import grouped
from labelling.forms.evidence import date_field, file_field, likely_date, sent_file
from labelling.models.messages import MAX_LENGTH


class MessageForm(DsfrBaseForm):
    """What one side writes to the other, with at most one piece."""

    use_required_attribute = False

    text = FreeTextField(
        label="Votre message",
        max_length=MAX_LENGTH,
        help_text=f"{grouped(MAX_LENGTH)} caractères au plus. Aucune donnée de patient.",
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={
            "required": "Écrivez votre message avant de l’envoyer.",
            "max_length": f"Votre message a %(show_value)d caractères ; il en faut {grouped(MAX_LENGTH)} au plus.",
        },
    )
    answer_expected = forms.BooleanField(label="Réponse attendue", required=False)
    document_date = date_field(required=False)
    file = file_field(required=False)

    def __init__(self, *args: Any, with_file: bool, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        if not with_file:
            del self.fields["document_date"], self.fields["file"]

    def clean_document_date(self) -> date | None:
        """Refuse a day to come, or of another age."""
        return likely_date(self.cleaned_data["document_date"], self.today)

    def clean(self) -> dict[str, Any]:
        """Ask for the date of a document that is joined."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("file") and not cleaned.get("document_date") and "document_date" not in self.errors:
            self.add_error("document_date", self.fields["document_date"].error_messages["required"])
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return what the service receives; call after ``is_valid``."""
        cleaned = self.cleaned_data
        file = cleaned.get("file")
        return {
            "text": cleaned["text"],
            "answer_expected": cleaned["answer_expected"],
            "sent": sent_file(file, cleaned) if file else None,
        }
