"""The suspension of a label, and its lifting: the label keeps its place, and is not in force meanwhile."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q

from francesante.lib.db import both_or_none
from labelling.models.endings import AdversarialProcedure, ContestableAct, EndingGround, LabelAct


class Suspension(ContestableAct):
    """A suspension, from ``effect_date`` to ``last_date``, or until it is lifted when it has none.

    ``period`` is what it came to once notified: it may begin later, and a lifting shortens it. ``expected`` is what the
    structure has to do, in the words of the act; ``review_date`` when the authorities look at it again. Undone, it never
    was: ``period`` is empty, and ``undone_period`` keeps what it had come to.
    """

    ground = models.ForeignKey(EndingGround, models.PROTECT, related_name="+", verbose_name="motif")
    procedure = models.ForeignKey(
        AdversarialProcedure,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="suspensions",
        verbose_name="procédure",
    )
    last_date = models.DateField("dernier jour", null=True, blank=True)
    review_date = models.DateField("réexamen le")
    expected = models.TextField("ce qui est attendu de la structure")
    period = DateRangeField("jours suspendus", null=True, blank=True)
    undone_period = DateRangeField("jours suspendus jusqu’à l’annulation", null=True, blank=True)

    class Meta(ContestableAct.Meta):
        abstract = False
        verbose_name = "suspension de label"
        verbose_name_plural = "suspensions de label"
        constraints = [
            *ContestableAct.Meta.constraints,
            models.CheckConstraint(condition=Q(effect_date__isnull=False), name="suspension_has_first_day"),
            models.CheckConstraint(condition=~Q(expected=""), name="suspension_says_what_is_expected"),
            models.CheckConstraint(
                condition=Q(last_date__isnull=True) | Q(last_date__gte=models.F("effect_date")),
                name="suspension_ends_after_its_start",
            ),
            both_or_none("applied_at", "period", name="suspension_period_iff_applied"),
            both_or_none("undone_at", "undone_period", name="suspension_undone_keeps_its_days"),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True) | Q(period__isempty=True), name="suspension_undone_has_no_day"
            ),
            ExclusionConstraint(
                name="suspension_one_at_a_time",
                expressions=[("label", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
                violation_error_message="Ce label est déjà suspendu ces jours-là.",
            ),
        ]

    def __str__(self) -> str:
        return f"suspension {self.pk}"


class Lifting(LabelAct):
    """The end of a suspension before its last day. ``was_period`` is what the suspension was until then."""

    suspension = models.ForeignKey(Suspension, models.PROTECT, related_name="liftings", verbose_name="suspension")
    was_period = DateRangeField("jours suspendus jusque-là", null=True, blank=True)

    class Meta(LabelAct.Meta):
        verbose_name = "levée de suspension"
        verbose_name_plural = "levées de suspension"
        constraints = [
            *LabelAct.Meta.constraints,
            both_or_none("applied_at", "was_period", name="lifting_keeps_what_was_suspended"),
        ]

    def __str__(self) -> str:
        return f"levée {self.pk}"
