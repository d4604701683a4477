"""What a person keeps of the work list: their views, their selections carried out, their morning mail."""

from django.db import models
from django.db.models import Q
from django.urls import reverse

from francesante.lib.db import choices_check, set_iff
from labelling.choices import BulkAction, DigestFrequency
from labelling.models.applications import Application
from labelling.models.fields import LONGEST, InternalField
from labelling.models.opinions import ConsultedBody
from labelling.models.tags import Tag
from territories.models import Mandate, Run, RunOutcome, User, outcome_checks


class SavedView(models.Model):
    """A view that a person named: the part of the list's address that says filters, sort and columns.

    ``query`` is kept as the list's form reads it back; what a later version of the list no longer knows is ignored.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="personne")
    name = models.CharField("nom", max_length=40)
    query = models.CharField("adresse", max_length=500, blank=True)

    class Meta:
        verbose_name = "vue enregistrée"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"],
                name="saved_view_name_unique",
                violation_error_message="Vous avez déjà une vue de ce nom.",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="saved_view_is_named"),
        ]

    def __str__(self) -> str:
        return self.name


class BulkRun(Run):
    """One act on several files. What some acts need beside the files is asked once: a colleague, a tag, an internal field with
    its value (as a form carries it), or a question with its deadline and those who may be asked.
    """

    action = models.CharField("acte", max_length=20, choices=BulkAction.choices)
    assignee = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="affectés à"
    )
    tag = models.ForeignKey(Tag, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="étiquette")
    field = models.ForeignKey(
        InternalField, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="rubrique"
    )
    value = models.CharField("valeur", max_length=LONGEST, blank=True)
    bodies = models.ManyToManyField(ConsultedBody, related_name="+", verbose_name="organismes", blank=True)
    question = models.TextField("question", blank=True)
    due_date = models.DateField("attendu le", null=True, blank=True)

    class Meta:
        verbose_name = "acte en lot"
        constraints = [
            choices_check("action", BulkAction, name="bulk_run_action_known"),
            set_iff("assignee", [BulkAction.ASSIGN], name="bulk_run_assignee_iff_assign", state_field="action"),
            set_iff("tag", [BulkAction.TAG, BulkAction.UNTAG], name="bulk_run_tag_iff_tagged", state_field="action"),
            set_iff("field", [BulkAction.FILL], name="bulk_run_field_iff_fill", state_field="action"),
            models.CheckConstraint(condition=Q(action=BulkAction.FILL) ^ Q(value=""), name="bulk_run_value_iff_fill"),
            set_iff("due_date", [BulkAction.ASK], name="bulk_run_due_date_iff_ask", state_field="action"),
            models.CheckConstraint(
                condition=Q(action=BulkAction.ASK) ^ Q(question=""), name="bulk_run_question_iff_ask"
            ),
        ]

    def __str__(self) -> str:
        return f"lot {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the address of its progress and outcome."""
        return reverse("bulk-run", args=[self.pk])


class BulkOutcome(RunOutcome):
    """One file of a run, at the version that was shown."""

    # Rows go with their run when it is purged.
    run = models.ForeignKey(BulkRun, models.CASCADE, related_name="outcomes", verbose_name="lot")
    application = models.ForeignKey(Application, models.PROTECT, related_name="+", verbose_name="candidature")
    version = models.PositiveIntegerField("version montrée")

    class Meta:
        verbose_name = "issue d’un acte en lot"
        constraints = [
            *outcome_checks("bulk_outcome"),
            models.UniqueConstraint(fields=["run", "application"], name="bulk_outcome_once_per_file"),
        ]

    def __str__(self) -> str:
        return f"issue {self.pk}"


class Digest(models.Model):
    """The morning mail of an agent; without a row, it is sent each morning.

    ``handled_on`` is the last day for which it was sent, or for which nothing waited. Only deadlines and decisions to sign
    may be told by a mail of their own.
    """

    user = models.OneToOneField(User, models.PROTECT, related_name="+", verbose_name="personne")
    frequency = models.CharField(
        "courriel", max_length=10, choices=DigestFrequency.choices, default=DigestFrequency.MORNING
    )
    handled_on = models.DateField("traité le", null=True, blank=True)
    deadlines_at_once = models.BooleanField("échéances dites aussitôt", default=False)
    signatures_at_once = models.BooleanField("décisions à signer dites aussitôt", default=True)

    class Meta:
        verbose_name = "courriel du matin"
        constraints = [choices_check("frequency", DigestFrequency, name="digest_frequency_known")]

    def __str__(self) -> str:
        return f"courriel du matin {self.pk}"
