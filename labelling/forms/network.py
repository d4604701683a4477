"""Forms of what surrounds the labelled places: support, communities, services of the palette."""

from collections.abc import Iterable
from typing import Any

from django import forms
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from labelling.choices import CommunityActionKind, OfferingKind, SupportKind
from labelling.models import Structure
from labelling.rules.answers import MAX_TEXT
from territories.models import Departement, Epci

_NO_PATIENT = "Aucune donnée de patient."


class AskSupportForm(DsfrBaseForm):
    """A request for support, in one of the départements of the asker."""

    departement = forms.ModelChoiceField(
        label="Département", queryset=Departement.objects.none(), empty_label="Choisir"
    )
    kind = forms.ChoiceField(label="Nature de l’appui", choices=[("", "Choisir"), *SupportKind.choices])
    title = FreeTextField(label="Objet", max_length=120)
    text = FreeTextField(
        label="Votre demande",
        help_text=f"Le projet, ce qui bloque, la date utile. {_NO_PATIENT}",
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def __init__(self, *args: Any, departements: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["departement"].queryset = departements  # type: ignore[attr-defined]


class SupportMessageForm(DsfrBaseForm):
    """One message of the exchange."""

    text = FreeTextField(
        label="Votre message", help_text=_NO_PATIENT, max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4})
    )


class _TerritoryForm(DsfrBaseForm):
    """A form that names EPCI of a département."""

    epcis = forms.ModelMultipleChoiceField(
        label="Territoire : intercommunalités concernées",
        queryset=Epci.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choisissez une intercommunalité au moins."},
    )

    def __init__(self, *args: Any, epcis: Iterable[Epci], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["epcis"].queryset = Epci.objects.filter(  # type: ignore[attr-defined]
            pk__in=[row.pk for row in epcis]
        ).order_by("sort_key", "pk")


class OfferingForm(_TerritoryForm):
    """A service of the palette."""

    kind = forms.ChoiceField(label="Nature du service", choices=[("", "Choisir"), *OfferingKind.choices])
    name = forms.CharField(label="Nom du service", max_length=200)
    provider = forms.CharField(label="Porté par", help_text="L’organisme qui rend ce service", max_length=200)
    website = forms.URLField(
        label="Site internet", help_text="Format attendu : https://exemple.fr", required=False, assume_scheme="https"
    )
    field_order = ("kind", "name", "provider", "website", "epcis")


class CommunityForm(_TerritoryForm):
    """A communauté France Santé and its members."""

    name = forms.CharField(label="Nom de la communauté", max_length=200)
    website = forms.URLField(
        label="Site internet", help_text="Format attendu : https://exemple.fr", required=False, assume_scheme="https"
    )
    members = forms.ModelMultipleChoiceField(
        label="Structures membres",
        queryset=Structure.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ("name", "website", "epcis", "members")

    def __init__(self, *args: Any, structures: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["members"].queryset = structures  # type: ignore[attr-defined]


class CommunityActionForm(DsfrBaseForm):
    """An action of a community."""

    kind = forms.ChoiceField(label="Nature de l’action", choices=[("", "Choisir"), *CommunityActionKind.choices])
    title = forms.CharField(label="Intitulé", max_length=200)
    start = forms.DateField(label="Premier jour", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    end = forms.DateField(
        label="Dernier jour",
        help_text="Laissez vide si l’action continue.",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
