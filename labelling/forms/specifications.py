"""Forms of the cahier des charges: they check shapes; the service and the pure rules check the rest."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.text import capfirst
from dsfr.forms import DsfrBaseForm
from dsfr.utils import dsfr_input_class_attr

from francesante.lib.free_text import FreeTextField
from labelling.choices import ApplicationState, CriterionKind, Rule, StructureKind
from labelling.forms.asked import AskedChoiceField
from labelling.models import Criterion, Specification
from labelling.rules.parameters import COMMITMENTS, NUMBERS, WAYS, defaults
from territories.models import Departement, Region

NEW = "nouveau"
"""In an address, the criterion that is being added: no criterion has this code."""
MAX_TEXT = 4000
_AREA = {"rows": 4, "maxlength": MAX_TEXT}


class _Text(FreeTextField):
    """A text of several lines, whose line ends are those of the database: browsers post others."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


def _text(label: str, help_text: str = "", *, required: bool = True, missing: str = "") -> forms.CharField:
    return _Text(
        label=label,
        help_text=help_text,
        required=required,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs=_AREA),
        error_messages={"required": missing} if missing else {},
    )


class SpecificationForm(DsfrBaseForm):
    """What a version says besides its criteria."""

    use_required_attribute = False

    version = forms.CharField(
        label="Numéro de version",
        help_text="Deux nombres, par exemple 1.1 : le premier change quand le socle change, le second pour une précision.",
        max_length=10,
        validators=[RegexValidator(r"^\d+\.\d+$", "Écrivez deux nombres séparés par un point, par exemple 1.1.")],
        error_messages={"required": "Donnez un numéro à cette version."},
    )
    title = forms.CharField(
        label="Titre", max_length=200, error_messages={"required": "Donnez un titre à cette version."}
    )
    preamble = _text("Préambule", required=False)
    legal_source = _text(
        "Source",
        "Loi, arrêté, lettre ou instruction, avec sa date.",
        missing="Citez le texte d’où vient cette version.",
    )
    applies_from = forms.DateField(
        label="Applicable à partir du",
        help_text="Laissez vide pour une application dès la publication.",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Indiquez une date, par exemple 01/03/2027."},
    )
    applies_to_pending = forms.BooleanField(
        label="Cette version s’applique aussi aux dossiers en cours",
        help_text="Sans cette clause, un dossier reste jugé sur la version en vigueur à son dépôt.",
        required=False,
    )
    transitional_clause = _text(
        "Texte de la clause transitoire",
        "Publié avec la version et écrit aux structures et aux services concernés.",
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """Ask for the text of the clause at its field; the service and the database refuse its absence anyway."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("applies_to_pending") and not cleaned.get("transitional_clause", "").strip():
            self.add_error("transitional_clause", "Écrivez la clause : les structures concernées la liront.")
        return cleaned

    @classmethod
    def of(cls, specification: Specification) -> "SpecificationForm":
        """Return the form filled with what a draft says."""
        return cls(initial={name: getattr(specification, name) for name in cls.base_fields})


class CriterionForm(DsfrBaseForm):
    """One criterion, and the parameters of its rule, which are asked as fields of their own."""

    use_required_attribute = False

    kind = forms.ChoiceField(
        label="Nature",
        choices=[(value, label.capitalize()) for value, label in CriterionKind.choices],
        help_text="Un critère s’apprécie ; un engagement se souscrit au dépôt.",
    )
    code = forms.SlugField(
        label="Code",
        max_length=40,
        help_text="En minuscules, par exemple presence-medicale. Un même code d’une version à l’autre dit que c’est le même "
        "critère.",
        error_messages={
            "required": "Donnez un code à ce critère.",
            "invalid": "Écrivez des lettres sans accent, des chiffres et des tirets.",
        },
    )
    title = forms.CharField(label="Intitulé", max_length=120, error_messages={"required": "Donnez un intitulé."})
    text = _text("Texte du critère", missing="Écrivez le texte du critère : la décision le citera.")
    help_text = _text("Aide à la structure", required=False)
    evidence_asked = _text(
        "Pièces utiles",
        "Une par ligne. « De moins de trois mois » fait dire aux pages qu’une pièce est trop ancienne ; « aucune » n’en "
        "demande pas.",
        required=False,
    )
    exempt_kinds = forms.MultipleChoiceField(
        label="Types de structure dispensés",
        choices=[(value, label.capitalize()) for value, label in StructureKind.choices],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    legal_source = _text("Source de ce critère", missing="Citez le texte d’où vient ce critère.")
    rule = forms.ChoiceField(
        label="Constat automatique",
        choices=[(value, capfirst(label)) for value, label in Rule.choices],
        help_text="La règle qui lit les réponses. Si vous en changez, enregistrez : ses paramètres vous seront demandés.",
    )

    def __init__(self, *args: Any, rule: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked_rule = Rule(rule)
        self._ask_parameters()
        for name in [name for name in self.fields if name.startswith("p_")]:
            dsfr_input_class_attr(self[name])

    def clean_code(self) -> str:
        """Keep the word that addresses use for a criterion to come."""
        code = str(self.cleaned_data["code"]).lower()
        if code == NEW:
            raise forms.ValidationError(f"« {NEW} » ne dit pas de quel critère il s’agit : choisissez un autre code.")
        return code

    def _ask_parameters(self) -> None:
        for name, number in NUMBERS.get(self.asked_rule, {}).items():
            self.fields[f"p_{name}"] = forms.IntegerField(
                label=number.label,
                min_value=number.minimum,
                max_value=number.maximum,
                error_messages={"required": f"Indiquez un nombre de {number.minimum} à {number.maximum}."},
            )
        if ways := WAYS.get(self.asked_rule):
            self.fields["p_ways"] = forms.MultipleChoiceField(
                label="Façons admises de satisfaire ce critère",
                choices=[(way, f"{words[0].upper()}{words[1:]}") for way, words in ways.items()],
                widget=forms.CheckboxSelectMultiple,
                error_messages={"required": "Admettez une façon au moins."},
            )
        if self.asked_rule == Rule.COMMITMENT:
            self.fields["p_answer"] = forms.ChoiceField(
                label="Engagement demandé à la structure",
                choices=[(value, words.capitalize()) for value, words in COMMITMENTS.items()],
            )

    @classmethod
    def of(cls, criterion: Criterion) -> "CriterionForm":
        """Return the form filled with a criterion."""
        initial = {name: getattr(criterion, name) for name in cls.base_fields}
        return cls(rule=criterion.rule, initial=initial | cls.asked(criterion.rule, criterion.parameters))

    @staticmethod
    def asked(rule: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the fields of parameters; every way is admitted where the version does not choose."""
        values = {f"p_{name}": value for name, value in parameters.items()}
        return {"p_ways": list(WAYS.get(Rule(rule), {})), **values}

    def values(self) -> dict[str, Any]:
        """Return the fields of the criterion, its parameters gathered; call after ``is_valid``."""
        cleaned = dict(self.cleaned_data)
        parameters = {name[2:]: cleaned.pop(name) for name in list(cleaned) if name.startswith("p_")}
        # Every way admitted is what a version without choice says: one writing for one meaning.
        if set(parameters.get("ways", ())) == set(WAYS.get(self.asked_rule, {})):
            parameters.pop("ways", None)
        return cleaned | {"parameters": parameters}


def new_criterion_form() -> CriterionForm:
    """Return the form of a criterion to add, without automatic finding until one is chosen."""
    return CriterionForm(rule=Rule.PERSON, initial={"rule": Rule.PERSON, "kind": CriterionKind.CRITERION})


def form_for_rule(posted: Mapping[str, Any], rule: str) -> CriterionForm:
    """Return what was typed, with the parameters of the rule just chosen at their first values."""
    kept = {name: posted.get(name) for name in CriterionForm.base_fields if name != "exempt_kinds"}
    kinds = posted.getlist("exempt_kinds") if hasattr(posted, "getlist") else []
    asked = CriterionForm.asked(rule, defaults(rule))
    return CriterionForm(rule=rule, initial=kept | {"exempt_kinds": kinds, "rule": rule} | asked)


class WhatIfForm(DsfrBaseForm):
    """Which files a version is tried on; the address holds it."""

    territory = AskedChoiceField(label="Territoire")
    state = AskedChoiceField(
        label="État des dossiers",
        choices=[("", "En cours"), ("tous", "Tous, décidés compris")]
        + [(value, label.capitalize()) for value, label in ApplicationState.choices if value != ApplicationState.DRAFT],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        regions = [(f"r{row.pk}", row.name) for row in Region.objects.order_by("sort_key")]
        departements = [(row.pk, str(row)) for row in Departement.objects.in_order().defer("outline", "inset_outline")]
        self.fields["territory"].choices = [
            ("", "France entière"),
            ("Régions", regions),
            ("Départements", departements),
        ]

    def kept(self) -> dict[str, str]:
        """Return the choices that are valid and set."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
