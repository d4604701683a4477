"""What the addresses of the work list may hold, and the small forms around it."""

from typing import Any

from django import forms
from dsfr.forms import DsfrBaseForm

from labelling.choices import ApplicationState, DigestFrequency, NewsKind, NewsScope, Route, StructureKind
from labelling.services.worklist_filters import NOBODY, UNDER_WAY


class WorkListForm(forms.Form):
    """The filters that the address of the work list holds; what is wrong is ignored, the list is shown."""

    q = forms.CharField(label="Rechercher", required=False, max_length=120, strip=True)
    etat = forms.ChoiceField(
        label="État",
        required=False,
        choices=[("", "Tous les états"), (UNDER_WAY, "Déposé, en instruction ou désaccord")]
        + [(value, label.capitalize()) for value, label in ApplicationState.choices if value != ApplicationState.DRAFT],
    )
    type = forms.ChoiceField(
        label="Type",
        required=False,
        choices=[("", "Tous les types")] + [(value, label.capitalize()) for value, label in StructureKind.choices],
    )
    voie = forms.ChoiceField(
        label="Voie",
        required=False,
        choices=[("", "Toutes les voies")] + [(value, label.capitalize()) for value, label in Route.choices],
    )
    dep = forms.RegexField(r"^[\dAB]{2,3}$", label="Département", required=False)
    epci = forms.RegexField(r"^\d{9}$", label="EPCI", required=False)
    vague = forms.RegexField(r"^\d{1,4}$", label="Vague", required=False)
    agent = forms.RegexField(rf"^(\d{{1,18}}|{NOBODY})$", label="Instruit par", required=False)

    etiquette = forms.RegexField(r"^\d{1,18}$", label="Étiquette", required=False)
    nouveau = forms.ChoiceField(choices=NewsKind.choices, required=False)
    parmi = forms.ChoiceField(
        choices=[(one.value, one.label) for one in (NewsScope.MINE, NewsScope.FOLLOWED)], required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget.attrs.update({"class": "fr-input", "type": "search"})
        for name in ("etat", "type", "voie"):
            self.fields[name].widget.attrs["class"] = "fr-select"

    def search_dropped(self) -> bool:
        """Tell whether what was searched for could not be: too long, or with characters that no name has."""
        return "q" in self.errors

    def kept(self) -> dict[str, str]:
        """Return the filters that are valid and set."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class SavedViewForm(DsfrBaseForm):
    """A name for the list as it is shown."""

    name = forms.CharField(
        label="Nom de la vue",
        max_length=40,
        error_messages={
            "required": "Donnez un nom à cette vue.",
            "max_length": "Le nom d’une vue compte 40 caractères au plus.",
        },
    )
    query = forms.CharField(required=False, max_length=500, widget=forms.HiddenInput)


class DigestForm(DsfrBaseForm):
    """How often an agent is told by mail, of which files for each kind of news, and what is told at once."""

    use_required_attribute = False

    frequency = forms.ChoiceField(
        label="Courriel de ce qui attend",
        choices=[(value, label.capitalize()) for value, label in DigestFrequency.choices],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez une fréquence.", "invalid_choice": "Choisissez une fréquence."},
    )
    deadlines_at_once = forms.BooleanField(
        label="Une échéance proche, ou passée, d’un dossier que j’instruis ou que je suis",
        help_text="Elle n’est alors pas redite le matin.",
        required=False,
    )
    signatures_at_once = forms.BooleanField(label="Une décision présentée à ma signature", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in NewsKind:
            self.fields[f"news_{kind}"] = forms.ChoiceField(
                label=kind.label.capitalize(),
                choices=NewsScope.choices,
                error_messages={
                    "required": f"Choisissez les dossiers, pour « {kind.label} ».",
                    "invalid_choice": f"Choisissez les dossiers, pour « {kind.label} ».",
                },
            )

    def news_rows(self) -> list[tuple[NewsKind, forms.BoundField]]:
        """Return the field of each kind of news, in the order people read."""
        return [(kind, self[f"news_{kind}"]) for kind in NewsKind]

    def choices(self) -> dict[NewsKind, NewsScope]:
        """Return what a valid form chose."""
        return {kind: NewsScope(self.cleaned_data[f"news_{kind}"]) for kind in NewsKind}
