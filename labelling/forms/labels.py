"""Forms of the life of a label: its end, the observations of its holder, the hearing, the letter."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from francesante.lib.identifiers import clean_finess, clean_siret
from labelling.choices import AmendmentKind, EndingAct, Route
from labelling.forms.asked import AskedBooleanField, AskedDateField, AskedFreeTextField
from labelling.forms.communes import commune_meant, in_words
from labelling.forms.step import Asked
from labelling.models import EndingGround
from territories.models import Commune

LONGEST = 3000


def _day(label: str, help_text: str, *, required: bool = True, asked: bool = False) -> forms.DateField:
    return (AskedDateField if asked else forms.DateField)(
        label=label,
        help_text=help_text,
        required=required,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Indiquez une date.",
            "invalid": "Indiquez une date, par exemple 25/11/2026.",
        },
    )


def _text(label: str, help_text: str, *, asked: bool = False, error: str = "") -> forms.CharField:
    said: dict[str, Any] = {
        "label": label,
        "help_text": help_text,
        "max_length": LONGEST,
        "error_messages": {"required": error} if error else None,
    }
    if asked:
        return AskedFreeTextField(**said, widget=forms.Textarea(attrs={"rows": 6}))
    return FreeTextField(**said, widget=forms.Textarea(attrs={"rows": 6}))


class KnownForm(DsfrBaseForm):
    """Who was labelled on a day, as it was known at the end of another."""

    on = _day("Labellisés le", "Le jour sur lequel porte la question.")
    known = _day(
        "Tel qu’on le savait le", "À la fin de ce jour : ce qui a été publié ou terminé depuis n’est pas compté."
    )
    voie = forms.ChoiceField(
        label="Voie",
        required=False,
        choices=[("", "Toutes les voies")] + [(value, label.capitalize()) for value, label in Route.choices],
    )
    dep = forms.RegexField(r"^[\dAB]{2,3}$", required=False, widget=forms.HiddenInput)


class GroundField(forms.ModelChoiceField):
    """The grounds in force, each with when to use it."""

    def label_from_instance(self, obj: EndingGround) -> str:
        """Say the act, the ground and when it is for."""
        return f"{obj.title} : {obj.get_act_display()}. {obj.help_text}"


def _ground(label: str) -> GroundField:
    return GroundField(
        label=label,
        queryset=EndingGround.objects.none(),
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={"required": "Choisissez un motif.", "invalid_choice": "Choisissez un motif de la liste."},
    )


def _facts(error: str) -> forms.CharField:
    return _text(
        "Faits",
        "Ce que les services ont constaté, avec les dates. La structure les lira, l’acte les imprimera. Aucune donnée de "
        "patient.",
        error=error,
    )


class ConsideredForm(DsfrBaseForm):
    """An act that an agent considers, on a ground of which the rest depends; until ``least``, the structure may answer."""

    def __init__(self, *args: Any, grounds: QuerySet[EndingGround], least: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ground"].queryset = grounds  # type: ignore[attr-defined]
        self.fields["deadline"].initial = least

    def wanted(self, ground: EndingGround) -> dict[str, str]:
        """Return the fields that a ground needs, each with the sentence that asks for it."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        """Ask at their fields for what the chosen ground needs."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if ground := cleaned.get("ground"):
            wanted = self.wanted(ground)
            if ground.adversarial:
                wanted["deadline"] = "Indiquez jusqu’à quand la structure peut répondre."
            for name, sentence in wanted.items():
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, sentence)
        return cleaned


class EndForm(ConsideredForm):
    """What an agent considers: on what ground, for what facts, from when, and until when the structure may answer."""

    ground = _ground("Motif")
    facts = _facts("Écrivez les faits : la structure les lira et y répondra.")
    effect_date = _day(
        "Premier jour sans label",
        "Demandé pour une abrogation : un jour à venir, après la date laissée à la structure pour répondre. Laissez vide pour "
        "un retrait, qui vaut depuis l’origine.",
        asked=True,
    )
    deadline = _day(
        "Réponse de la structure attendue jusqu’au",
        "Demandé pour tous les motifs, sauf si la structure demande elle-même la fin de son label.",
        asked=True,
    )

    def wanted(self, ground: EndingGround) -> dict[str, str]:
        """The day of an abrogation; a withdrawal holds from the start."""
        return {"effect_date": "Indiquez le premier jour sans label."} if ground.act == EndingAct.ABROGATE else {}


class AnswerForm(DsfrBaseForm):
    """The observations of a structure on the end that is considered."""

    answer = _text(
        "Vos observations",
        "Écrivez-les, ou demandez à être entendu. Elles seront gardées telles que vous les écrivez, et lues par les deux "
        "autorités. Aucune donnée de patient.",
        asked=True,
    )
    hearing = AskedBooleanField(label="Je demande à être entendu, assisté ou représenté si je le souhaite")


class HeardForm(DsfrBaseForm):
    """The day on which the structure was heard."""

    heard_on = _day("Structure entendue le", "Jour de l’audition.")


_REPLY = "Demandée si la structure a présenté des observations : l’acte l’imprimera."


class ActForm(DsfrBaseForm):
    """What the act will say after the adversarial step."""

    facts = _text(
        "Faits retenus",
        "Tels que l’acte les imprimera : corrigez-les si les observations les ont changés.",
        error="Écrivez les faits : l’acte les imprimera.",
    )
    reply = _text("Réponse aux observations", _REPLY, asked=True)
    effect_date = _day(
        "Premier jour sans label",
        "Demandé pour une abrogation : un jour à venir. Laissez vide pour un retrait.",
        asked=True,
    )


def _expected(*, asked: bool = False, when: str = "") -> forms.CharField:
    return _text(
        "Ce que la structure doit faire",
        f"Pour que la suspension soit levée : l’acte l’imprimera, la structure le lira sur la page de son label.{when}",
        asked=asked,
        error="Dites ce que la structure doit faire pour que la suspension soit levée.",
    )


_LAST = ("Dernier jour suspendu", "Sans lui, la suspension dure jusqu’à sa levée.")
_REVIEW = ("Réexamen au plus tard le", "Les deux autorités regardent alors si la suspension doit durer.")


_NOW_OR_LATER = (
    "Demandé si l’acte est présenté tout de suite ; après une procédure contradictoire, il le sera avec l’acte."
)


class SuspendForm(ConsideredForm):
    """What an agent considers: on what text, for what facts, from when; the rest of the act when nobody is heard first."""

    ground = _ground("Texte et motif")
    facts = _facts("Écrivez les faits : la structure les lira.")
    effect_date = _day("Premier jour suspendu", "Un jour à venir, et au plus tôt le lendemain de la notification.")
    deadline = _day(
        "Réponse de la structure attendue jusqu’au",
        "Demandé si le motif veut que la structure soit entendue avant l’acte (procédure contradictoire).",
        asked=True,
    )
    expected = _expected(asked=True, when=f" {_NOW_OR_LATER}")
    last_date = _day(*_LAST, required=False)
    review_date = _day(_REVIEW[0], f"{_REVIEW[1]} {_NOW_OR_LATER}", asked=True)

    def wanted(self, ground: EndingGround) -> dict[str, str]:
        """What the act says, when it is presented at once."""
        if ground.adversarial:
            return {}
        return {
            "expected": "Dites ce que la structure doit faire pour que la suspension soit levée.",
            "review_date": "Indiquez quand la suspension sera réexaminée.",
        }


class SuspensionActForm(DsfrBaseForm):
    """What the act of a suspension will say after the adversarial step."""

    facts = _text(
        "Faits retenus",
        "Tels que l’acte les imprimera : corrigez-les si les observations les ont changés.",
        error="Écrivez les faits : l’acte les imprimera.",
    )
    reply = _text("Réponse aux observations", _REPLY, asked=True)
    expected = _expected()
    effect_date = _day("Premier jour suspendu", "Un jour à venir, et au plus tôt le lendemain de la notification.")
    last_date = _day(*_LAST, required=False)
    review_date = _day(*_REVIEW)


class LiftForm(DsfrBaseForm):
    """Why a suspension is lifted, and from when."""

    facts = _text(
        "Ce qui a été constaté",
        "Des faits, avec leur date : l’acte les imprimera. Aucune donnée de patient.",
        error="Écrivez ce qui a été constaté : l’acte l’imprimera.",
    )
    effect_date = _day("Label de nouveau en vigueur le", "Sans date, dès la notification de l’acte.", required=False)


class SuspensionGroundForm(DsfrBaseForm):
    """A text that founds the suspension of a label, as acts will cite it."""

    title = forms.CharField(
        label="Motif, en quelques mots",
        help_text="Par exemple : la sécurité des patients n’est plus assurée.",
        max_length=150,
        error_messages={"required": "Nommez ce motif."},
    )
    source = forms.CharField(
        label="Texte",
        help_text="Sa nature, son numéro, sa date et sa publication, tels que l’acte les citera.",
        max_length=300,
        error_messages={"required": "Citez le texte : sans lui, aucune suspension n’est possible."},
    )
    articles = forms.CharField(
        label="Articles visés",
        help_text="Par exemple : son article 4.",
        max_length=200,
        error_messages={"required": "Indiquez l’article."},
    )
    reason = _text(
        "Motif de droit",
        "La phrase que l’acte imprime après « Considérant » : elle commence par « que ».",
        error="Écrivez la phrase de droit : l’acte l’imprimera.",
    )
    help_text = _text(
        "Quand l’employer", "Lue par les agents qui choisissent un motif.", error="Dites aux agents quand l’employer."
    )
    adversarial = AskedBooleanField(
        label="Avant l’acte, la structure doit être entendue (procédure contradictoire)",
        help_text="C’est la règle. À décocher seulement si le texte, ou l’urgence (CRPA, article L. 121-2), en dispense.",
        initial=True,
    )
    since = _day("Applicable à partir du", "Le premier jour où ce texte fonde une suspension.")


class GroundEndForm(DsfrBaseForm):
    """The last day on which a text founds a suspension."""

    last_day = _day("Dernier jour d’application", "Les suspensions en cours continuent.")


class AmendForm(DsfrBaseForm):
    """What a label says of its place, as it must read, and why it changes."""

    kind = forms.ChoiceField(
        label="Nature",
        choices=[(value, label.capitalize()) for value, label in AmendmentKind.choices],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez la nature de la rectification."},
    )
    name = forms.CharField(label="Nom", max_length=200, error_messages={"required": "Une structure a un nom."})
    finess = forms.CharField(label="FINESS", max_length=20, required=False)
    siret = forms.CharField(label="SIRET", max_length=20, required=False)
    address = forms.CharField(label="Adresse", max_length=250, required=False)
    postal_code = forms.RegexField(
        r"^\d{5}$",
        label="Code postal",
        required=False,
        help_text="Cinq chiffres.",
        error_messages={"invalid": "Un code postal compte cinq chiffres, par exemple 34000."},
    )
    commune = forms.CharField(
        label="Commune",
        max_length=120,
        help_text="Son nom ou son code postal.",
        error_messages={"required": "Indiquez la commune."},
    )
    reason = _text(
        "Motif",
        "La structure le lira, avec ce qui change. Aucune donnée de patient.",
        error="Dites pourquoi : la structure le lira.",
    )

    def __init__(self, *args: Any, commune: Commune, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commune = commune
        self.initial["commune"] = in_words(commune.name, commune.pk)

    def clean_commune(self) -> str:
        """Return the code of the commune that is meant; the one already there may have merged since."""
        text = self.cleaned_data["commune"]
        if text == self.initial["commune"]:
            return self.commune.pk
        try:
            return commune_meant(text).pk
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean_finess(self) -> str:
        """Check the key of a number that was typed."""
        return self._cleaned("finess", clean_finess)

    def clean_siret(self) -> str:
        """Check the key of a number that was typed; the one already there may be absent."""
        return self._cleaned("siret", clean_siret)

    def _cleaned(self, name: str, clean: Callable[[str], str]) -> str:
        text = str(self.cleaned_data[name])
        if not text or text == self.initial.get(name):
            return text
        try:
            return clean(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class StatementForm(DsfrBaseForm):
    """What a holder says of one criterion: nothing changed, or what did."""

    use_required_attribute = False

    same = forms.ChoiceField(
        widget=forms.RadioSelect,
        error_messages={"required": "Répondez pour ce critère."},
    )
    change = AskedFreeTextField(
        label="Ce qui a changé, et depuis quand",
        help_text="Demandé si quelque chose a changé. Aucune donnée de patient.",
        max_length=1500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, title: str, since: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        answers = [("yes", f"Rien n’a changé depuis le {since}"), ("no", "Quelque chose a changé")]
        self.fields["same"].choices = answers  # type: ignore[attr-defined]
        # Each question says its criterion: read aloud, one legend must not sound like the next.
        self.fields["same"].label = self["same"].label = title

    @property
    def asked(self) -> dict[str, Asked]:
        """When the page shows what changed: once something did."""
        return {"change": Asked(f"{self.add_prefix('same')}=no", now=self["same"].value() == "no")}

    def clean(self) -> dict[str, Any]:
        """Ask what changed when something did, and keep nothing otherwise."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("same") == "no" and not cleaned.get("change", "").strip():
            self.add_error("change", "Dites ce qui a changé : les services le liront.")
        if cleaned.get("same") == "yes":
            cleaned["change"] = ""
        return cleaned
