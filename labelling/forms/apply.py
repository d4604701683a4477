"""What a person types before having a file: the pre-check, the account, the search and the claim. Shapes only."""

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.utils.text import capfirst
from dsfr.forms import DsfrBaseForm
from dsfr.widgets import InlineCheckboxSelectMultiple, InlineRadioSelect

from francesante.lib.text import sort_key
from labelling.choices import StructureKind
from labelling.forms.communes import commune_meant
from labelling.rules.answers import DAYS, SECTORS, Answers, Fees
from territories.forms import ADVICE
from territories.models import Commune, User

_ANY_HOURS = (("09:00", "12:00"),)


class PrecheckForm(DsfrBaseForm):
    """Three questions without account."""

    use_required_attribute = False

    kind = forms.ChoiceField(
        label="Quel est votre type de structure\u00a0?",
        choices=[(code, label.capitalize()) for code, label in StructureKind.choices],
        initial=StructureKind.MSP,
    )
    days = forms.MultipleChoiceField(
        label="Quels jours accueillez-vous le public\u00a0?",
        choices=[(code, name.capitalize()) for code, name in DAYS.items()],
        widget=InlineCheckboxSelectMultiple,
        error_messages={"required": "Cochez les jours où vous accueillez le public."},
    )
    sector = forms.ChoiceField(
        label="Quels tarifs pratiquent vos médecins\u00a0?",
        choices=[(code, capfirst(label)) for code, label in SECTORS.items() if code],
        widget=InlineRadioSelect,
        error_messages={"required": "Choisissez les tarifs de vos médecins."},
    )

    def answers(self) -> Answers:
        """Return the three answers as those of a file, for the pure rules; call after ``is_valid``."""
        return Answers(
            hours=dict.fromkeys(self.cleaned_data.get("days", []), _ANY_HOURS),
            fees=Fees(sector=self.cleaned_data.get("sector", "")),
        )


class RegistrationForm(DsfrBaseForm):
    """Who opens an account for a structure."""

    civility = forms.ChoiceField(
        label="Civilité",
        choices=[("", "Je préfère ne pas dire"), ("Mme", "Mme"), ("M.", "M."), ("Dr", "Dr")],
        required=False,
    )
    first_name = forms.CharField(
        label="Prénom", max_length=80, widget=forms.TextInput(attrs={"autocomplete": "given-name"})
    )
    last_name = forms.CharField(
        label="Nom", max_length=80, widget=forms.TextInput(attrs={"autocomplete": "family-name"})
    )
    email = forms.EmailField(
        label="Adresse électronique professionnelle",
        help_text="Format attendu\u00a0: nom@domaine.fr. Un lien de confirmation y sera envoyé.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    password = forms.CharField(
        label="Mot de passe",
        strip=False,
        help_text=ADVICE,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Check the password against the rules of the portal, and against this person."""
        cleaned = super().clean() or {}
        if password := cleaned.get("password"):
            person = User(**{key: cleaned.get(key, "") for key in ("email", "first_name", "last_name")})
            try:
                password_validation.validate_password(password, person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return cleaned


class ConfirmForm(DsfrBaseForm):
    """The password chosen at registration, once the link came back."""

    password = forms.CharField(
        label="Mot de passe choisi à l’inscription",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class SearchForm(DsfrBaseForm):
    """FINESS, SIRET, or a name; and where."""

    q = forms.CharField(
        label="Numéro FINESS, SIRET ou nom de la structure",
        help_text="Par exemple 010000024, ou «\u00a0maison de santé du lavoir\u00a0».",
        max_length=120,
        error_messages={"required": "Indiquez un numéro FINESS, un SIRET, ou le nom de la structure."},
    )
    commune = forms.CharField(
        label="Commune", help_text="Nom, code postal ou code INSEE.", max_length=80, required=False
    )


class KindForm(DsfrBaseForm):
    """The type of a structure that no register of places of care knows."""

    kind = forms.ChoiceField(
        label="Type de structure",
        choices=[("", "Choisir"), *((code, label.capitalize()) for code, label in StructureKind.choices)],
        error_messages={"required": "Choisissez le type de la structure."},
    )


class DescribeForm(KindForm):
    """A structure described by the person: the Annuaire says nothing of it."""

    name = forms.CharField(
        label="Nom de la structure",
        help_text="Celui que le public lit à l’entrée.",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        error_messages={"required": "Indiquez le nom de la structure."},
    )
    address = forms.CharField(
        label="Numéro et voie",
        max_length=250,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "street-address"}),
    )
    commune = forms.CharField(
        label="Commune",
        help_text="Nom ou code postal.",
        max_length=100,
        error_messages={"required": "Indiquez la commune de la structure."},
    )
    field_order = ("name", "kind", "address", "commune")

    def clean_name(self) -> str:
        """Refuse a name that has no letter."""
        name = " ".join(self.cleaned_data["name"].split())
        if not sort_key(name):
            raise forms.ValidationError("Indiquez le nom de la structure, en toutes lettres.")
        return name

    def clean_commune(self) -> Commune:
        """Find the commune that was written."""
        try:
            return commune_meant(self.cleaned_data["commune"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class CodeForm(DsfrBaseForm):
    """The six digits sent to the register's address."""

    code = forms.CharField(
        label="Code reçu par courriel",
        help_text="Six chiffres, par exemple 042\u00a0917.",
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "fr-input fs-digits"}
        ),
        error_messages={"required": "Saisissez les six chiffres du code."},
    )


class InviteEditorForm(DsfrBaseForm):
    """The address of a colleague."""

    email = forms.EmailField(
        label="Adresse électronique professionnelle de la personne",
        help_text="Elle recevra un lien à usage unique. Elle pourra remplir les dossiers, pas les déposer.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
