"""The form of a field, and the form of the values of a file, made of its fields."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.html import escape
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from labelling.choices import FieldKind
from labelling.forms.asked import Asked, AskedDateField, AskedFreeTextField
from labelling.models import InternalField
from labelling.models.fields import LONGEST, LONGEST_CHOICE, MOST_CHOICES
from labelling.rules.fields import FROM, NO, TO, WITH, WITHOUT, YES, Typed, shown, written
from labelling.services.fields import Filling

NOT_SAID = "–"
WRONG_DATE = "Indiquez une date, par exemple 25/11/2026."
WRONG_NUMBER = "Indiquez un nombre, par exemple 1 250 ou 12,5."


class InternalFieldForm(DsfrBaseForm):
    """What a field is, what it means, and who reads it."""

    use_required_attribute = False

    name = forms.CharField(
        label="Nom",
        help_text="Deux ou trois mots, par exemple : date du comité. Il ne change plus ensuite.",
        max_length=30,
        error_messages={
            "required": "Donnez un nom à la rubrique.",
            "max_length": "Le nom d’une rubrique compte 30 caractères au plus.",
        },
    )
    note = forms.CharField(
        label="Comment la remplir",
        help_text="Ce que vos collègues doivent comprendre ; affiché sous le nom.",
        max_length=160,
        required=False,
    )
    kind = forms.ChoiceField(
        label="Type",
        choices=[(value, label[:1].upper() + label[1:]) for value, label in FieldKind.choices],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez un type.", "invalid_choice": "Choisissez un type de la liste."},
    )
    choices = FreeTextField(
        label="Choix, pour une liste",
        help_text=f"Un par ligne, de 2 à {MOST_CHOICES}. On peut en ajouter ensuite, jamais en retirer.",
        widget=forms.Textarea(attrs={"rows": 4}),
        required=False,
    )
    joint = forms.BooleanField(
        label="Commune aux deux autorités",
        help_text="L’autre autorité de chaque dossier la lit et la remplit aussi. Sans cette case, la vôtre seule.",
        required=False,
    )

    def clean_kind(self) -> FieldKind:
        """Return the kind itself."""
        return FieldKind(self.cleaned_data["kind"])

    def clean_choices(self) -> list[str]:
        """Return one choice per line; too long a line is refused here, at its field."""
        lines = [line.strip() for line in self.cleaned_data["choices"].splitlines() if line.strip()]
        if any(len(line) > LONGEST_CHOICE for line in lines):
            raise forms.ValidationError(f"Un choix compte {LONGEST_CHOICE} caractères au plus.")
        return lines


class NumberField(Asked, forms.DecimalField):
    """A number as people type it: « 1 250,5 »."""

    widget = forms.TextInput(attrs={"inputmode": "decimal"})
    default_error_messages = {
        "invalid": WRONG_NUMBER,
        "max_digits": "Ce nombre est trop grand : douze chiffres au plus.",
        "max_whole_digits": "Ce nombre est trop grand : douze chiffres au plus.",
        "max_decimal_places": "Deux décimales au plus.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=14, decimal_places=2, **kwargs)

    def to_python(self, value: Any) -> Decimal | None:
        """Read the French form of a number."""
        return super().to_python(re.sub(r"\s", "", value).replace(",", ".") if isinstance(value, str) else value)

    def prepare_value(self, value: Any) -> Any:
        """Write a number as people type it: one that is kept, or that an address carries."""
        text = written(value) if isinstance(value, Decimal) else value
        return text.replace(".", ",") if isinstance(text, str) else text


class OneOf(Asked, forms.TypedChoiceField):
    """One answer of a list, or none."""


def day_field(**kwargs: Any) -> AskedDateField:
    """Return a day, picked or typed."""
    return AskedDateField(
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": WRONG_DATE},
        **kwargs,
    )


def field_of(field: InternalField, **kwargs: Any) -> forms.Field:
    """Return the form field by which the value of an internal field is written: empty, there is none."""
    match FieldKind(field.kind):
        case FieldKind.TEXT:
            return AskedFreeTextField(max_length=LONGEST, empty_value=None, **kwargs)
        case FieldKind.NUMBER:
            return NumberField(**kwargs)
        case FieldKind.DATE:
            return day_field(**kwargs)
        case FieldKind.YES_NO:
            words = [("", NOT_SAID), (YES, YES.capitalize()), (NO, NO.capitalize())]
            return OneOf(choices=words, coerce=lambda word: word == YES, empty_value=None, **kwargs)
        case FieldKind.CHOICE:
            listed = [("", NOT_SAID), *[(choice, choice) for choice in field.choices]]
            return OneOf(
                choices=listed,
                coerce=str,
                empty_value=None,
                error_messages={"invalid_choice": "Choisissez dans la liste."},
                **kwargs,
            )


class ValuesForm(DsfrBaseForm):
    """The values of a file, by the word of their field; empty, a value is taken away."""

    use_required_attribute = False

    def __init__(
        self, data: Any = None, *, fields: Iterable[tuple[InternalField, str]], values: Mapping[int, Typed]
    ) -> None:
        """``fields`` come with the name to show; ``values`` are those kept, by field."""
        shown = list(fields)
        super().__init__(data, initial={field.word: _initial(values.get(field.pk)) for field, _ in shown})
        self.shown = [field for field, _ in shown]
        for field, name in shown:
            self.fields[field.word] = field_of(field, label=name, help_text=escape(field.note))

    def said(self) -> dict[int, Typed]:
        """Return what a valid form holds, by field."""
        return {field.pk: self.cleaned_data[field.word] for field in self.shown}


class FillingForm(DsfrBaseForm):
    """A value of one field for several files."""

    use_required_attribute = False

    def __init__(self, data: Any = None, *, field: InternalField, name: str) -> None:
        super().__init__(data)
        self.field = field
        self.fields["valeur"] = field_of(field, label=name, help_text=escape(field.note))

    def clean_valeur(self) -> Typed:
        """Return the value: many files are not emptied at once."""
        value: Typed = self.cleaned_data["valeur"]
        if value is None:
            raise forms.ValidationError("Indiquez une valeur : un lot n’efface rien.")
        return value

    def written(self) -> str:
        """Return the value of a valid form as another form carries it."""
        return written(self.cleaned_data["valeur"])

    def shown(self) -> str:
        """Return the value of a valid form as people read it."""
        return f"«\u00a0{shown(self.cleaned_data['valeur'])}\u00a0»"

    def filling(self) -> Filling:
        """Return what a valid form asks."""
        return Filling(self.field, self.cleaned_data["valeur"])


def _initial(value: Typed) -> Typed:
    return written(value) if isinstance(value, bool) else value


class FieldFilterForm(DsfrBaseForm):
    """The words of the address of the work list that name fields; what is wrong is ignored, the list is shown."""

    use_required_attribute = False

    def __init__(self, data: Any, *, fields: Iterable[tuple[InternalField, str]]) -> None:
        """``fields`` come with the name to show."""
        super().__init__(data)
        self.named = list(fields)
        for field, name in self.named:
            for word, label in self._words(field, name):
                self.fields[word] = field_of(field, label=label)
        words = [("", "Toutes"), *[(field.word, name) for field, name in self.named]]
        self.fields[WITHOUT] = OneOf(label="À renseigner", choices=words, coerce=str)
        self.fields[WITH] = OneOf(choices=words, coerce=str)

    @staticmethod
    def _words(field: InternalField, name: str) -> list[tuple[str, str]]:
        match field.kind:
            case FieldKind.NUMBER:
                return [(f"{field.word}-{FROM}", f"{name}, au moins"), (f"{field.word}-{TO}", f"{name}, au plus")]
            case FieldKind.DATE:
                return [(f"{field.word}-{FROM}", f"{name}, dès le"), (f"{field.word}-{TO}", f"{name}, jusqu’au")]
        return [(field.word, name)]

    def shown(self) -> list[forms.BoundField]:
        """Return the fields that people fill; what names a field that a file holds comes by links."""
        return [bound for bound in self if bound.name != WITH]

    def kept(self) -> dict[str, str]:
        """Return the filters that are valid and set, as an address writes them."""
        self.is_valid()
        return {word: written(value) for word, value in self.cleaned_data.items() if value not in {None, ""}}

    def chip(self, word: str) -> str:
        """Say what a filter that is set keeps: « Montant, au moins 1 250 »."""
        value = self.cleaned_data[word]
        if word in {WITH, WITHOUT}:
            name = next(name for field, name in self.named if field.word == value)
            return f"{name}\u00a0: {'renseignée' if word == WITH else 'à renseigner'}"
        label = self.fields[word].label
        return f"{label} {shown(value)}" if "-" in word else f"{label}\u00a0: {shown(value)}"
