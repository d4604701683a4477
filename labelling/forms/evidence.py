"""Forms of the pieces of a file. The file comes last: the fields before it survive an upload that is too large."""

from datetime import date
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from dsfr.forms import DsfrBaseForm

from francesante.lib.french import typeset
from labelling.choices import EvidenceOrigin
from labelling.services.evidence import ORIGINS_OF_SERVICES, SentFile, wrong_date

ACCEPT = ".pdf,.jpg,.jpeg,.png,application/pdf,image/jpeg,image/png"
WHOLE_FILE = "dossier"
WITHOUT_PEOPLE = (
    "Aucune donnée de patient. Aucune pièce d’identité : elle n’est ni nécessaire ni acceptée ; masquez aussi les numéros "
    "de sécurité sociale."
)


def date_field(**fields: Any) -> forms.DateField:
    """Return the field of the day a document was made."""
    return forms.DateField(
        label="Date du document",
        help_text="Celle où il a été établi ou imprimé, par exemple 12/11/2026.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Indiquez la date du document : elle dit si la pièce est récente.",
            "invalid": "Indiquez une date, par exemple 12/11/2026.",
        },
        **fields,
    )


def likely_date(day: date | None, today: date) -> date | None:
    """Return the day of a document, if it may be one.

    Raises:
        ValidationError: it may not; the sentence says why.
    """
    if day is not None and (wrong := wrong_date(day, today)):
        raise forms.ValidationError(typeset(wrong))
    return day


def file_field(**fields: Any) -> forms.FileField:
    """Return the field of the file; what it holds is checked by the service, which opens it."""
    return forms.FileField(
        label="Fichier",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
        error_messages={
            "required": "Choisissez un fichier à envoyer.",
            "missing": "Choisissez un fichier à envoyer.",
            "invalid": "Le fichier n’est pas arrivé : choisissez-le de nouveau.",
        },
        **fields,
    )


class _Files(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files sent in one go; each is opened by the service, which says what becomes of it."""

    widget = _Files

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Return the list of files."""
        files = data if isinstance(data, list) else [data] if data else []
        if not files:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return [super(FilesField, self).clean(file, initial) for file in files]


def sent_file(file: UploadedFile, cleaned: dict[str, Any]) -> SentFile:
    """Return what the service receives; the file is at most what the upload quota lets in."""
    return SentFile(name=file.name or "", content=file.read(), document_date=cleaned["document_date"])


class EvidenceForm(DsfrBaseForm):
    """Pieces of one criterion and of one day: their files; an agent also says what they are."""

    use_required_attribute = False

    criterion = forms.ChoiceField(label="Critère", initial=WHOLE_FILE)
    origin = forms.ChoiceField(
        label="Nature de la pièce", choices=[(value, value.label.capitalize()) for value in ORIGINS_OF_SERVICES]
    )
    document_date = date_field()
    file = FilesField(
        label="Fichiers",
        allow_empty_file=True,
        widget=_Files(attrs={"accept": ACCEPT}),
        error_messages={
            "required": "Choisissez un fichier à envoyer.",
            "missing": "Choisissez un fichier à envoyer.",
            "invalid": "Le fichier n’est pas arrivé : choisissez-le de nouveau.",
        },
    )

    def __init__(
        self, *args: Any, criteria: list[tuple[str, str]], by_services: bool, today: date, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["criterion"].choices = [*criteria, (WHOLE_FILE, "Tout le dossier")]
        if not by_services:
            del self.fields["origin"]

    def clean_document_date(self) -> date | None:
        """Refuse a day to come, or of another age."""
        return likely_date(self.cleaned_data["document_date"], self.today)

    def values(self) -> dict[str, Any]:
        """Return what the service receives; call after ``is_valid``."""
        return {
            "origin": self.cleaned_data.get("origin", EvidenceOrigin.DOCUMENT),
            "sent": [sent_file(file, self.cleaned_data) for file in self.cleaned_data["file"]],
        }
