"""One act on several rows, each in a transaction of its own: the run, and what became of each row.

The form of a run stands here once; an application gives it the acts and the rows it is about. The first of them is the
signature of several decisions with one code.
"""

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse

from francesante.lib.db import choices_check, set_iff
from territories.choices import RunResult
from territories.models.acts import Decision
from territories.models.people import Mandate


class RunQuerySet(models.QuerySet[Any]):
    """Acts on several rows."""

    def of(self, user: Any) -> Self:
        """Those of a person, whatever the mandate they acted with; nobody else reads them."""
        return self.filter(mandate__user=user).select_related("mandate__user", "mandate__authority")

    def unfinished(self) -> Self:
        """Those with a row still to do, the oldest first."""
        return self.filter(finished_at__isnull=True).order_by("pk")


class Run(models.Model):
    """One act on several rows, its ``outcomes``; kept 30 days with what became of each.

    ``key`` comes from the page that shows the selection: sent twice, it starts one run.
    """

    key = models.UUIDField("clé de la page qui l’a lancé", unique=True)
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="par")
    created_at = models.DateTimeField("lancé le")
    finished_at = models.DateTimeField("terminé le", null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        abstract = True


class RunOutcome(models.Model):
    """One row of a ``run``, as it was shown: still to do, done, or not done and why."""

    result = models.CharField("issue", max_length=20, choices=RunResult.choices, default=RunResult.WAITING)
    sentence = models.CharField("motif", max_length=500, blank=True)
    done_at = models.DateTimeField("le", null=True, blank=True)

    class Meta:
        abstract = True


def outcome_checks(name: str) -> list[models.CheckConstraint]:
    """Return what binds the three columns of every outcome, under constraints that begin with ``name``."""
    handled = [RunResult.DONE, RunResult.NOT_DONE]
    return [
        choices_check("result", RunResult, name=f"{name}_result_known"),
        set_iff("done_at", handled, name=f"{name}_done_at_iff_handled", state_field="result"),
        models.CheckConstraint(
            condition=(Q(result=RunResult.NOT_DONE) & ~Q(sentence=""))
            | (~Q(result=RunResult.NOT_DONE) & Q(sentence="")),
            name=f"{name}_reason_iff_not_done",
        ),
    ]


class SignatureRun(Run):
    """A selection of favourable decisions, signed after one code confirmed with this mandate when it was started."""

    class Meta:
        verbose_name = "sélection signée"

    def __str__(self) -> str:
        return f"sélection {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the address of its progress and outcome."""
        return reverse("parapheur-run", args=[self.pk])


class SignatureOutcome(RunOutcome):
    """One decision of a selection, with the hash of what was shown: nothing else of it is ever signed.

    A trigger keeps it so, and refuses the decisions that are signed one by one.
    """

    # Rows go with their run when it is purged; the signatures stay.
    run = models.ForeignKey(SignatureRun, models.CASCADE, related_name="outcomes", verbose_name="sélection")
    decision = models.ForeignKey(Decision, models.PROTECT, related_name="+", verbose_name="décision")
    content_hash = models.CharField("empreinte montrée", max_length=64)

    class Meta:
        verbose_name = "issue d’une signature"
        constraints = [
            *outcome_checks("signature_outcome"),
            models.UniqueConstraint(fields=["run", "decision"], name="signature_outcome_once_per_decision"),
        ]

    def __str__(self) -> str:
        return f"issue {self.pk}"
