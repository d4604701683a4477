"""Forms of opinions: what agents ask, what bodies answer, whom a territory consults. Shapes only."""

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from francesante.lib.french import short_date, typeset
from labelling.choices import BodyKind, OpinionPart, OpinionSense
from labelling.forms.asked import AskedEmailField, AskedFreeTextField, AskedModelChoiceField
from labelling.models import ConsultedBody, Evidence, ExpertGroup
from labelling.services.opinions import Question
from territories.models import Authority, Departement

MAX_QUESTION, MAX_OPINION = 1500, 5000
NO_PATIENT = "Aucune donnée de patient."


class Bodies(forms.ModelMultipleChoiceField):
    """Boxes of bodies, by their name."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        """Return the name with a capital."""
        return str(obj)[:1].upper() + str(obj)[1:]


class Pieces(forms.ModelMultipleChoiceField):
    """Boxes of pieces, by their name, date and criterion."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        """Return the name, the day of the document, and what it supports."""
        subject = f"critère {obj.criterion.position}" if obj.criterion else "tout le dossier"
        return f"{obj.name}, {short_date(obj.document_date)}, {subject}"


class QuestionForm(DsfrBaseForm):
    """What is asked of a third party, and by when."""

    use_required_attribute = False
    field_order = ("groups", "bodies", "question", "due_date", "parts", "pieces")

    question = FreeTextField(
        label="Question posée",
        help_text=f"Chaque organisme la lit telle quelle. {NO_PATIENT}",
        max_length=MAX_QUESTION,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Écrivez la question posée."},
    )
    due_date = forms.DateField(
        label="Réponse attendue le",
        help_text="L’organisme est relancé trois jours avant, puis ce jour-là.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Indiquez la date attendue.",
            "invalid": "Indiquez une date, par exemple 25/11/2026.",
        },
    )


class AskForm(QuestionForm):
    """Whom to ask, what, by when, and what they may read."""

    bodies = Bodies(
        ConsultedBody.objects.none(),
        label="Organismes",
        error_messages={"required": "Choisissez au moins un organisme."},
    )
    parts = forms.MultipleChoiceField(
        label="Réponses montrées",
        help_text="En plus de la structure. Les appréciations, les notes et la messagerie ne sont jamais montrées.",
        required=False,
        choices=[(value, label.capitalize()) for value, label in OpinionPart.choices],
        widget=forms.CheckboxSelectMultiple,
    )
    pieces = Pieces(Evidence.objects.none(), label="Pièces montrées", required=False)

    def __init__(self, *args: Any, bodies: QuerySet[ConsultedBody], pieces: QuerySet[Evidence], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["bodies"].queryset = bodies  # type: ignore[attr-defined]
        self.fields["pieces"].queryset = pieces  # type: ignore[attr-defined]
        if not pieces.exists():
            del self.fields["pieces"]


class Groups(forms.ModelMultipleChoiceField):
    """Boxes of groups of experts, by their name and their bodies."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        """Return the name, the département and the bodies."""
        names = ", ".join(body.name for body in obj.bodies.all())
        return f"{obj.name}, {obj.departement} : {names}"


class BulkAskForm(QuestionForm):
    """One question on several files: of whom, and by when; each file asks those of its own territory."""

    groups = Groups(ExpertGroup.objects.none(), label="Groupes d’experts", required=False)
    bodies = Bodies(
        ConsultedBody.objects.none(),
        label="Organismes, un par un",
        help_text="Ils lisent la structure et toutes ses réponses, sans les pièces ni les appréciations.",
        required=False,
    )

    def __init__(
        self, *args: Any, bodies: QuerySet[ConsultedBody], groups: QuerySet[ExpertGroup], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["bodies"].queryset = bodies  # type: ignore[attr-defined]
        self.fields["groups"].queryset = groups  # type: ignore[attr-defined]
        if not groups.exists():
            del self.fields["groups"]

    def clean(self) -> dict[str, Any]:
        """Ask for somebody to ask, and for a day to come."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not cleaned.get("bodies") and not cleaned.get("groups"):
            self.add_error("bodies", "Choisissez au moins un organisme ou un groupe.")
        if cleaned.get("due_date") and cleaned["due_date"] <= timezone.localdate():
            self.add_error("due_date", "La date attendue est à venir : choisissez un jour à partir de demain.")
        return cleaned

    def asked(self) -> Question:
        """Return the question of a valid form; the bodies of its groups are among those asked, each once."""
        said = self.cleaned_data
        found = {body.pk: body for body in said["bodies"]}
        for group in said.get("groups", ()):
            found |= {body.pk: body for body in group.bodies.all()}
        return Question(tuple(found.values()), said["question"], said["due_date"])


class AnswerForm(DsfrBaseForm):
    """The opinion of a body."""

    use_required_attribute = False

    sense = forms.ChoiceField(
        label="Votre avis",
        choices=[(value, label.capitalize()) for value, label in OpinionSense.choices],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez le sens de votre avis."},
    )
    text = AskedFreeTextField(
        label="Motifs",
        help_text=f"Obligatoires pour un avis défavorable ou avec réserves. {NO_PATIENT}",
        max_length=MAX_OPINION,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    confidential = forms.BooleanField(
        label="Réserver cet avis aux services",
        help_text=typeset(
            "La structure ne le lira pas dans le portail ; sans cette case, elle le lit une fois la décision notifiée. La "
            "décision cite l’existence de l’avis, non son contenu. La structure garde le droit d’en demander communication, "
            "dans les limites de la loi (code des relations entre le public et l’administration, articles L. 311-1 et "
            "suivants)."
        ),
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """Ask for the reasons at their field; the service and the database refuse their absence anyway."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        reasoned = {OpinionSense.UNFAVOURABLE, OpinionSense.RESERVED}
        if cleaned.get("sense") in reasoned and not cleaned.get("text", "").strip() and not self.errors:
            self.add_error("text", "Un avis défavorable ou avec réserves demande ses motifs.")
        return cleaned


class BodyForm(DsfrBaseForm):
    """A body to consult: an authority of the portal, or an address."""

    use_required_attribute = False

    name = forms.CharField(
        label="Nom, avec son article",
        help_text=typeset(
            "Par exemple « la CPAM de Valfictie » ou « l’ordre des infirmiers » : la décision imprimera « Vu l’avis de… »."
        ),
        max_length=160,
        error_messages={"required": "Indiquez le nom de l’organisme."},
    )
    kind = forms.ChoiceField(
        label="Nature",
        choices=[
            (value, label if label.isupper() else label[:1].upper() + label[1:]) for value, label in BodyKind.choices
        ],
    )
    departement = forms.ModelChoiceField(
        Departement.objects.none(),
        label="Consulté dans",
        empty_label="Choisissez un département",
        error_messages={"required": "Choisissez un département."},
    )
    regional = forms.BooleanField(label="Consulté dans toute la région de ce département", required=False)
    authority = AskedModelChoiceField(
        Authority.objects.none(),
        label="Autorité du portail",
        help_text=typeset("Si ses correspondants ont un compte avec le rôle « avis »."),
        empty_label="Aucune\u00a0: par courriel",
    )
    email = AskedEmailField(
        label="Adresse électronique",
        help_text=typeset(
            "Demandée à défaut d’autorité du portail : un lien à usage unique y est envoyé pour chaque avis."
        ),
    )

    def __init__(
        self, *args: Any, departements: QuerySet[Departement], authorities: QuerySet[Authority], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["departement"].queryset = departements  # type: ignore[attr-defined]
        self.fields["authority"].queryset = authorities  # type: ignore[attr-defined]
        if not authorities.exists():
            del self.fields["authority"]

    def clean(self) -> dict[str, Any]:
        """Ask for one way to reach the body, and only one; a regional body keeps the région alone."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        authority, email = cleaned.setdefault("authority", None), cleaned.get("email", "")
        if not self.errors and (authority is None) == (not email):
            self.add_error(
                "email",
                "Indiquez une adresse, ou choisissez une autorité du portail."
                if authority is None
                else "Une autorité du portail répond dans le portail : laissez l’adresse vide.",
            )
        departement = cleaned.get("departement")
        cleaned["region"] = departement.region if departement and cleaned.pop("regional", False) else None
        cleaned.pop("regional", None)
        if cleaned["region"] is not None:
            cleaned["departement"] = None
        return cleaned


class GroupForm(DsfrBaseForm):
    """Bodies of a département that are asked together."""

    use_required_attribute = False

    name = forms.CharField(
        label="Nom du groupe",
        help_text="Un groupe de ce nom, s’il existe, reçoit ces organismes à la place des siens.",
        max_length=80,
        error_messages={"required": "Indiquez le nom du groupe."},
    )
    departement = forms.ModelChoiceField(
        Departement.objects.none(),
        label="Département",
        empty_label="Choisissez un département",
        error_messages={"required": "Choisissez un département."},
    )
    bodies = Bodies(
        ConsultedBody.objects.none(),
        label="Organismes",
        error_messages={"required": "Choisissez au moins un organisme."},
    )

    def __init__(
        self, *args: Any, departements: QuerySet[Departement], bodies: QuerySet[ConsultedBody], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["departement"].queryset = departements  # type: ignore[attr-defined]
        self.fields["bodies"].queryset = bodies  # type: ignore[attr-defined]


def ask_initial(question: str, due_date: date) -> dict[str, Any]:
    """Return what the form of a request holds before anything is typed: all the answers are shown."""
    return {"question": question, "due_date": due_date, "parts": OpinionPart.values}
