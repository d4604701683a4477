"""The form of a working note."""

from typing import Any

from django import forms
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from labelling.models import Criterion

OWN, JOINT = "own", "joint"


class NoteForm(DsfrBaseForm):
    """What is noted, about what, and who reads it."""

    use_required_attribute = False

    criterion = forms.ModelChoiceField(
        Criterion.objects.none(), label="Au sujet de", required=False, empty_label="Tout le dossier"
    )
    text = FreeTextField(
        label="Note",
        help_text="La structure, les observateurs et les organismes consultés ne la lisent jamais. Aucune donnée de patient.",
        max_length=1500,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Écrivez la note."},
    )
    reader = forms.ChoiceField(
        label="Lue par", choices=[], widget=forms.RadioSelect, error_messages={"required": "Choisissez qui la lit."}
    )

    def __init__(self, *args: Any, criteria: Any, authority: str, other: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["criterion"].queryset = criteria  # type: ignore[attr-defined]
        self.fields["criterion"].label_from_instance = lambda row: f"{row.position}. {row.title}"  # type: ignore[attr-defined]
        self.fields["reader"].choices = [  # type: ignore[attr-defined]
            (OWN, f"{authority} seule"),
            (JOINT, f"{authority} et {other}"),
        ]
