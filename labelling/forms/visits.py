"""Forms of what follows a label: an alert settled, a visit planned, its report criterion by criterion, its answer."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from labelling.choices import AlertOutcome, VisitConclusion, VisitReason, VisitResult
from labelling.forms.asked import AskedChoiceField, AskedDateField, AskedFreeTextField
from labelling.forms.evidence import file_field
from territories.models import Mandate

LONGEST = 3000


def _choices(source: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(value, label[:1].upper() + label[1:]) for value, label in source]


def _day(label: str, help_text: str, *, asked: bool = False) -> forms.DateField:
    return (AskedDateField if asked else forms.DateField)(
        label=label,
        help_text=help_text,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Indiquez une date.", "invalid": "Indiquez une date, par exemple 25/11/2026."},
    )


def _text(label: str, help_text: str, *, required: bool = False, rows: int = 3, error: str = "") -> forms.CharField:
    return FreeTextField(
        label=label,
        help_text=help_text,
        required=required,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={"required": error} if error else None,
    )


class SettleForm(DsfrBaseForm):
    """What an agent did of one alert."""

    outcome = forms.ChoiceField(
        label="Ce qui a été fait",
        choices=_choices(AlertOutcome.choices),
        widget=forms.RadioSelect,
        error_messages={"required": "Dites ce qui a été fait."},
    )
    note = _text(
        "Note",
        "Lue par les deux autorités et l’équipe nationale. Aucune donnée de patient.",
        required=True,
        error="Écrivez une note : vos collègues la liront.",
    )


class AgentsField(forms.ModelMultipleChoiceField):
    """Agents of both authorities, by name."""

    def label_from_instance(self, obj: Mandate) -> str:
        """Say who, and for which service."""
        return f"{obj.user.full_name}, {obj.authority.name}"


class PlanForm(DsfrBaseForm):
    """A visit to come: why, when, who."""

    reason = forms.ChoiceField(
        label="Motif",
        choices=_choices(VisitReason.choices),
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez un motif."},
    )
    planned_date = _day("Visite prévue le", "Aujourd’hui ou un jour à venir.")
    agents = AgentsField(
        label="Agents qui s’y rendent",
        queryset=Mandate.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choisissez au moins un agent."},
    )

    def __init__(self, *args: Any, agents: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agents"].queryset = agents  # type: ignore[attr-defined]


class FindingForm(DsfrBaseForm):
    """What was seen of one criterion."""

    result = forms.ChoiceField(choices=_choices(VisitResult.choices), widget=forms.RadioSelect)
    observed = AskedFreeTextField(
        label="Ce qui a été observé",
        help_text="Demandé pour un critère non rempli : des faits, avec leur date si elle compte. Aucune donnée de patient.",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, title: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Read aloud, one legend must not sound like the next. The base form has bound its fields: both are told.
        for name, words in {"result": "constat", "observed": "ce qui a été observé"}.items():
            self.fields[name].label = self[name].label = f"{title} : {words}"

    def clean(self) -> dict[str, Any]:
        """Ask for facts where a criterion is not met."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("result") == VisitResult.NOT_MET and not cleaned.get("observed", "").strip():
            self.add_error("observed", "Dites ce qui a été observé : la structure le lira et pourra répondre.")
        return cleaned


class ReportForm(DsfrBaseForm):
    """The day of the visit, and what it comes to; each may wait while the report is being written."""

    visited_date = _day("Visite faite le", "Le jour où les agents étaient sur place.")
    notes = _text("Observations générales", "Aucune donnée de patient.", rows=4)
    conclusion = AskedChoiceField(
        label="Conclusion",
        choices=[("", "Pas encore conclu"), *_choices(VisitConclusion.choices)],
        widget=forms.RadioSelect,
        help_text="Demandée avant l’envoi. Elle ne décide rien : une fin de label a sa procédure, où la structure est entendue.",
    )
    correct_before = _day("À corriger avant le", "Demandé pour la conclusion « à corriger » seulement.", asked=True)

    def clean(self) -> dict[str, Any]:
        """Ask for the date where there is something to correct, and for none elsewhere."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("conclusion") != VisitConclusion.TO_CORRECT:
            cleaned["correct_before"] = None
        elif not cleaned.get("correct_before") and "correct_before" not in self.errors:
            self.add_error("correct_before", "Indiquez avant quelle date corriger.")
        visited: date | None = cleaned.get("visited_date")
        before: date | None = cleaned.get("correct_before")
        if visited and before and before <= visited:
            self.add_error("correct_before", "Cette date vient après la visite.")
        return cleaned


class FoundForm(DsfrBaseForm):
    """The day on which what was to be corrected was found corrected."""

    found_on = _day("Corrections constatées le", "Sur place ou sur pièces, depuis l’envoi du compte rendu.")


class VisitPieceForm(DsfrBaseForm):
    """A photo or a document of a visit. The file comes last: the field before it survives an upload that is too large."""

    use_required_attribute = False

    criterion = forms.ChoiceField(label="Critère", required=False)
    file = file_field()

    def __init__(self, *args: Any, criteria: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["criterion"].choices = [("", "Toute la visite"), *criteria]  # type: ignore[attr-defined]


class VisitAnswerForm(DsfrBaseForm):
    """The one answer of a structure to a report."""

    answer = _text(
        "Votre réponse",
        "Elle sera gardée telle que vous l’écrivez, à côté du compte rendu. Aucune donnée de patient.",
        required=True,
        rows=6,
        error="Écrivez votre réponse, ou quittez cette page : elle n’est pas obligatoire.",
    )
