"""What people type to sign in, to be invited, to invite and to sign: shapes only, the services decide."""

from datetime import date
from typing import Any

from django import forms
from django.contrib.auth import forms as auth_forms
from django.contrib.auth import password_validation
from django.db.models import QuerySet
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from territories.choices import Role
from territories.models import Authority, Departement, Mandate, User
from territories.services.mandates import INVITED_ROLES, authorities_to_invite_for

ADVICE = "Douze caractères au moins, sans votre nom ni votre adresse. Une suite de quatre ou cinq mots sans lien convient bien."

AGAIN = "Le même mot de passe, une seconde fois"


def _password(label: str, *, new: bool = False, help_text: str = "") -> forms.CharField:
    autocomplete = "new-password" if new else "current-password"
    return forms.CharField(
        label=label,
        strip=False,
        help_text=help_text,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
    )


def _code(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=20,
        help_text=help_text,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "spellcheck": "false",
                "class": "fr-input fs-otp",
            }
        ),
        error_messages={"required": "Saisissez le code que votre application affiche."},
    )


class SignInForm(DsfrBaseForm):
    """Address and password."""

    username = forms.EmailField(
        label="Adresse électronique",
        help_text="Format attendu : nom@domaine.fr",
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
        error_messages={
            "required": "Saisissez l’adresse de votre compte.",
            "invalid": "Cette adresse est incomplète. Exemple : prenom.nom@exemple.fr",
        },
    )
    password = _password("Mot de passe")
    password.error_messages["required"] = "Saisissez votre mot de passe."

    def clean_username(self) -> str:
        """Accounts are known in lower case."""
        return str(self.cleaned_data["username"]).lower()


class CodeForm(DsfrBaseForm):
    """A code of the authenticator, or a recovery code."""

    code = _code("Code de sécurité", "Les six chiffres affichés par votre application, ou un de vos codes de secours.")


class FreshCodeForm(DsfrBaseForm):
    """A code of the authenticator, at this instant; recovery codes do not serve."""

    code = _code("Code de sécurité", "Les six chiffres affichés par votre application, à cet instant.")


class PasswordResetForm(DsfrBaseForm, auth_forms.PasswordResetForm):
    """Ask for a link to choose a new password."""

    email = forms.EmailField(
        label="Adresse électronique de votre compte",
        max_length=254,
        help_text="Format attendu : nom@domaine.fr",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class SetPasswordForm(DsfrBaseForm, auth_forms.SetPasswordForm):
    """Choose a new password after following a link."""

    new_password1 = _password("Nouveau mot de passe", new=True, help_text=ADVICE)
    new_password2 = _password(AGAIN, new=True)


class PasswordChangeForm(DsfrBaseForm, auth_forms.PasswordChangeForm):
    """Choose a new password, knowing the present one."""

    old_password = _password("Mot de passe actuel")
    new_password1 = _password("Nouveau mot de passe", new=True, help_text=ADVICE)
    new_password2 = _password(AGAIN, new=True)


class PersonForm(DsfrBaseForm):
    """Who a person is, to open the account of an invitation."""

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
    password = _password("Mot de passe", new=True, help_text=ADVICE)
    password_again = _password(AGAIN, new=True)

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        """Check that both passwords are the same, and good for this person."""
        cleaned = super().clean() or {}
        password, again = cleaned.get("password"), cleaned.get("password_again")
        if password and again and password != again:
            self.add_error("password_again", "Les deux mots de passe ne sont pas les mêmes. Saisissez-les à nouveau.")
        if password:
            person = User(
                email=self.email,
                first_name=cleaned.get("first_name", ""),
                last_name=cleaned.get("last_name", ""),
            )
            try:
                password_validation.validate_password(password, person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return cleaned


class AuthorityField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Authority) -> str:
        """Return the name of the authority."""
        return obj.name


class InviteForm(DsfrBaseForm):
    """Who is invited to act for which authority, on what, in what role, and until when."""

    email = forms.EmailField(
        label="Adresse électronique professionnelle",
        help_text="Le lien ne pourra servir qu’à cette adresse.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    authority = AuthorityField(label="Autorité", queryset=Authority.objects.none(), empty_label="Choisir une autorité")
    departement = forms.ModelChoiceField(
        label="Territoire",
        queryset=Departement.objects.none(),
        required=False,
        empty_label="Tout le territoire de l’autorité",
    )
    role = forms.ChoiceField(label="Rôle")
    start_date = forms.DateField(label="À partir du", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    end_date = forms.DateField(
        label="Jusqu’au, exclu",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, mandate: Mandate, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        authorities = authorities_to_invite_for(mandate).order_by("kind", "name")
        self.fields["authority"].queryset = authorities  # type: ignore[attr-defined]
        departements = Departement.objects.in_order()
        if mandate.departement_id:
            departements = departements.filter(pk=mandate.departement_id)
        elif mandate.region_id:
            departements = departements.filter(region=mandate.region_id)
        self.fields["departement"].queryset = departements  # type: ignore[attr-defined]
        national = [Role.NATIONAL] if mandate.role == Role.NATIONAL else []
        self.fields["role"].choices = [(role.value, role.label) for role in (*INVITED_ROLES, *national)]  # type: ignore[attr-defined]
        self.fields["start_date"].initial = today
        if mandate.role != Role.NATIONAL:
            self.fields["authority"].initial = mandate.authority_id


MAX_AGENTS_TABLE = 200_000
"""Bytes of a table of agents."""


class AgentsTableForm(DsfrBaseForm):
    """A table of agents to read."""

    use_required_attribute = False

    file = forms.FileField(
        label="Tableau des agents (CSV)",
        help_text="Une ligne de titres, puis une ligne par personne ; virgules ou points-virgules.",
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv", "class": "fr-upload"}),
        error_messages={"required": "Choisissez un fichier.", "empty": "Ce fichier est vide."},
    )

    def clean_file(self) -> Any:
        """Refuse what cannot be a table of agents."""
        file = self.cleaned_data["file"]
        if file.size > MAX_AGENTS_TABLE:
            raise forms.ValidationError("Ce fichier est trop gros : ce n’est pas un tableau d’agents.")
        return file


NOT_WHOLE = "cette page n’est plus complète, rien n’a été signé. Rechargez-la, puis signez."


class SelectionForm(FreshCodeForm):
    """Sign several decisions; ``key`` is that of the page, so that a form sent twice signs once."""

    key = forms.UUIDField(
        label="Sélection",
        widget=forms.HiddenInput,
        error_messages={"required": NOT_WHOLE, "invalid": NOT_WHOLE},
    )


class SignForm(FreshCodeForm):
    """The hash that was shown, and a fresh code."""

    content_hash = forms.CharField(max_length=64, widget=forms.HiddenInput)


class DeclineForm(DsfrBaseForm):
    """Why one does not sign."""

    reason = FreeTextField(
        label="Pourquoi ne signez-vous pas ?",
        max_length=3000,
        help_text="L’autre signataire et les services d’instruction liront ce motif. Aucune donnée de patient.",
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": "Indiquez le motif : l’autre signataire et les services le liront."},
    )


class SignatoryField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Mandate) -> str:
        """Return the name, the title and by what act the person signs."""
        return f"{obj.user.full_name}, {obj.signing_title} ({obj.get_signing_as_display()})"


class FilePaperForm(DsfrBaseForm):
    """The scan of a decision signed by hand: by whom, when."""

    signatory = SignatoryField(
        label="Signataire",
        queryset=Mandate.objects.none(),
        empty_label="Choisir le signataire",
        help_text="Les droits de signer de votre autorité. Le nom et la qualité doivent être ceux de l’original.",
        error_messages={"required": "Choisissez qui a signé l’original."},
    )
    signed_date = forms.DateField(
        label="Date de la signature",
        help_text="Celle qui est écrite sur l’original.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Indiquez la date écrite sur l’original.",
            "invalid": "Indiquez une date, par exemple 25/11/2026.",
        },
    )
    scan = forms.FileField(
        label="Original signé, numérisé",
        help_text="Un PDF de toutes les pages, signées à la main.",
        widget=forms.FileInput(attrs={"accept": "application/pdf", "class": "fr-upload"}),
        error_messages={"required": "Joignez l’original numérisé, en PDF.", "empty": "Ce fichier est vide."},
    )

    def __init__(self, *args: Any, signatories: QuerySet[Mandate], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["signatory"].queryset = signatories  # type: ignore[attr-defined]


class ConfirmPaperForm(SignForm):
    """What an agent read on a colleague's scan, and a fresh code."""

    printed = forms.CharField(
        label="Les huit derniers chiffres de l’empreinte, lus sur l’original",
        help_text="Au bas de chaque page de l’original : les deux derniers groupes de quatre.",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "fr-input fs-otp"}),
        error_messages={
            "required": "Lisez sur l’original les deux derniers groupes de son empreinte, et recopiez-les."
        },
    )


class RejectPaperForm(DsfrBaseForm):
    """Why an original is set aside."""

    reason = FreeTextField(
        label="Pourquoi écarter cet original ?",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
