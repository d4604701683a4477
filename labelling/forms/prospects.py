"""Forms of the accelerated route: the list of prospects, the invitation, the setting aside, the short confirmation."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from dsfr.forms import DsfrBaseForm

from labelling.choices import DismissalReason, StructureKind
from labelling.forms.asked import AskedFreeTextField
from labelling.forms.step import StepForm
from labelling.forms.steps import FORMS
from labelling.models import RegisterLine
from labelling.rules.answers import Answers, Member
from labelling.rules.steps import BY_SLUG, Step, unfinished

ADDRESSES = {"register": "À l’adresse du registre", "other": "À une autre adresse"}
DEMANDED = "horaires", "equipe", "tarifs", "permanence", "engagements"
"""Tasks of which the short form asks what is missing; the identity is always confirmed."""


class ProspectListForm(DsfrBaseForm):
    """Filters of the list; what is wrong is passed over."""

    q = forms.CharField(label="Nom, commune ou FINESS", required=False, max_length=100)
    type = forms.ChoiceField(
        label="Type",
        required=False,
        choices=[("", "Tous les types"), *((value, label.capitalize()) for value, label in StructureKind.choices)],
    )

    tous = forms.BooleanField(required=False)

    def kept(self) -> dict[str, str]:
        """Return the filters that hold."""
        self.is_valid()
        return {name: "1" if value is True else value for name, value in self.cleaned_data.items() if value}


class InviteForm(DsfrBaseForm):
    """Where the invitation goes: to the register's address, or to one that the agent types, and that is marked so."""

    to = forms.ChoiceField(
        label="Envoyer l’invitation",
        choices=list(ADDRESSES.items()),
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez à quelle adresse écrire."},
    )
    email = forms.EmailField(
        label="Autre adresse électronique professionnelle",
        help_text="Format attendu\u00a0: nom@domaine.fr. Le courriel dira qu’un agent l’a saisie.",
        required=False,
    )

    def __init__(self, data: Any = None, *, line: RegisterLine) -> None:
        self._known = line.email
        super().__init__(data, initial={"to": "register" if line.email else "other"})
        if not line.email:
            self.fields["to"].choices = [("other", ADDRESSES["other"])]

    def clean(self) -> dict[str, Any]:
        """Ask for the other address when it is chosen."""
        cleaned = super().clean() or {}
        if cleaned.get("to") == "other" and not cleaned.get("email") and "email" not in self.errors:
            self.add_error("email", "Indiquez l’adresse à laquelle écrire.")
        return cleaned

    @property
    def address(self) -> str:
        """The address chosen."""
        return str(self._known if self.cleaned_data["to"] == "register" else self.cleaned_data["email"])


class DismissForm(DsfrBaseForm):
    """Why a place is set aside."""

    reason = forms.ChoiceField(
        label="Motif",
        choices=[("", "Choisir"), *((value, label.capitalize()) for value, label in DismissalReason.choices)],
        error_messages={"required": "Choisissez un motif : un collègue le lira."},
    )
    note = AskedFreeTextField(
        label="Précision", max_length=300, help_text="Obligatoire pour un autre motif. Aucun nom."
    )


@dataclass(frozen=True, slots=True)
class Part:
    """One task of the short form."""

    step: Step
    form: StepForm


class ConfirmForm:
    """The short form of an invited structure: its identity, and what is missing of the criteria, on one page.

    Made of the forms of the tasks, without their optional precisions; it reads and gives the same answers.
    """

    def __init__(self, data: Any, *, answers: Answers, spared: Collection[str] = ()) -> None:
        missing = {step.slug for step in unfinished(answers, spared)}
        self.parts = [
            Part(BY_SLUG[slug], _form(slug, data, answers, team_asked="equipe" in missing))
            for slug in ("identite", *DEMANDED)
            if slug == "identite" or slug in missing
        ]

    def __iter__(self) -> Iterator[BoundField]:
        return (field for part in self.parts for field in part.form)

    def is_valid(self) -> bool:
        """Tell whether every part is."""
        return not self.errors

    def unchecked(self) -> None:
        """Show what was typed without saying yet what is wrong with it: a button changed the page."""
        for part in self.parts:
            part.form.initial = {name: part.form.data.get(name, "") for name in part.form.fields}
            part.form.is_bound = False

    @property
    def errors(self) -> dict[str, Any]:
        """What is to be corrected, by field."""
        return {name: found for part in self.parts for name, found in part.form.errors.items()}

    @property
    def titles(self) -> dict[str, str]:
        """The row of each field whose label does not say it."""
        return {name: title for part in self.parts for name, title in part.form.titles.items()}

    def non_field_errors(self) -> list[str]:
        """What is to be corrected as a whole."""
        return [error for part in self.parts for error in part.form.non_field_errors()]

    def values(self) -> dict[str, Any]:
        """Return the answers that were asked for, and no other."""
        asked = {part.step.slug for part in self.parts}
        found: dict[str, Any] = {}
        for part in self.parts:
            said = part.form.values()
            if part.step.slug == "horaires":
                said = {"hours": said["hours"]}
            if part.step.slug == "tarifs" and "equipe" in asked:
                said = {"fees": said["fees"]}
            found |= said
        return found


def _form(slug: str, data: Any, answers: Answers, *, team_asked: bool) -> StepForm:
    if slug == "equipe" and not answers.team:
        # The two professions of the socle, ready to be filled in.
        expected = (Member("doctor", sector=answers.fees.sector), Member("nurse"))
        answers = replace(answers, team=expected)
    if slug == "tarifs" and team_asked:
        answers = replace(answers, team=())
    form = FORMS[slug](data, answers=answers)
    form.fields.pop("details", None)
    if slug == "tarifs" and team_asked:
        form.fields.pop("sector", None)
    return form
