"""Forms of the questions asked of a structure, of its answers, and of a correction made in its place."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from labelling.forms.asked import AskedBooleanField, AskedFreeTextField
from labelling.forms.step import StepForm
from labelling.forms.steps import FORMS, NO_PATIENT_DATA
from labelling.models import Criterion
from labelling.rules.answers import MAX_TEXT, PROFESSIONS, Answers
from labelling.rules.reads import PROFESSION_READ, only_read, step_of


class QuestionForm(DsfrBaseForm):
    """One question about one criterion."""

    criterion = forms.ChoiceField(label="Critère", error_messages={"required": "Choisissez le critère."})
    question = FreeTextField(
        label="Votre question",
        help_text="La structure la lira telle quelle, au nom de votre autorité. " + NO_PATIENT_DATA,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Écrivez la question."},
    )
    required = AskedBooleanField(
        label="Je demande une pièce ou une information exigée par les textes",
        help_text="Elle seule suspend le délai de réponse, dès que la structure lit la demande (CRPA, article L. 114-5).",
    )

    def __init__(self, *args: Any, criteria: Iterable[Criterion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(row.code, f"{row.position}. {row.title}") for row in criteria]
        self.fields["criterion"].choices = choices  # type: ignore[attr-defined]


class SendForm(DsfrBaseForm):
    """The deadline of the questions that are sent together."""

    deadline = forms.DateField(
        label="Réponse attendue au plus tard le",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Indiquez l’échéance.",
            "invalid": "Indiquez une date, par exemple 15/12/2026.",
        },
    )

    def __init__(self, *args: Any, first: date, last: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self["deadline"].help_text = f"Entre le {first:%d/%m/%Y} et le {last:%d/%m/%Y}."


class ReplyForm(DsfrBaseForm):
    """The words of an answer."""

    use_required_attribute = False

    reply = AskedFreeTextField(
        label="Votre réponse en quelques mots",
        help_text=f"Si la réponse du dossier change ci-dessus, ces mots sont facultatifs. {NO_PATIENT_DATA}",
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class ReasonForm(DsfrBaseForm):
    """Why an agent corrects an answer."""

    use_required_attribute = False

    reason = FreeTextField(
        label="Motif de la correction",
        help_text=f"La structure le reçoit par courriel, avec ce qui a changé. {NO_PATIENT_DATA}",
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Dites pourquoi vous corrigez : la structure le lira."},
    )


def form_of_rule(rule: str, data: Any, *, answers: Answers, kind: str) -> StepForm | None:
    """Return the form of the answers that a criterion reads, and of those alone; nothing when it reads none."""
    step = step_of(rule)
    if step is None:
        return None
    form = FORMS[step.slug](data, answers=only_read(rule, answers), kind=kind)
    if profession := PROFESSION_READ.get(rule):  # type: ignore[call-overload]
        choices = [("", "Choisir"), (profession, PROFESSIONS[profession].capitalize())]
        for name, field in form.fields.items():
            if name.endswith("_profession"):
                field.choices = choices  # type: ignore[attr-defined]
    return form
