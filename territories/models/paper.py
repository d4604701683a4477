"""A decision signed by hand: the scan that one agent files, and that another confirms."""

from typing import Self

from django.db import models
from django.db.models import Func, Q, Value

from francesante.lib.db import both_or_none, choices_check
from territories.choices import Capacity
from territories.models.acts import Decision
from territories.models.people import Mandate


class PaperOriginalQuerySet(models.QuerySet["PaperOriginal"]):
    """Originals."""

    def pending(self) -> Self:
        """Those that await a confirmation, with who filed them, without their bytes."""
        rows = self.filter(confirmed_at__isnull=True, rejected_at__isnull=True)
        return rows.select_related("filed_by__user", "filed_by__authority").defer("scan")


class PaperOriginal(models.Model):
    """The scanned original of one capacity's signature on a decision.

    ``signatory`` is the mandate of who signed by hand on ``signed_date``, with the name and title read on the paper. It
    counts as a signature once another agent of the same authority confirmed that it reads the same content; a trigger
    checks that it is another person, and keeps what was filed as it was.
    """

    decision = models.ForeignKey(Decision, models.PROTECT, related_name="paper_originals", verbose_name="décision")
    capacity = models.CharField("en qualité de", max_length=20, choices=Capacity.choices)
    signatory = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="signataire")
    signatory_name = models.CharField("nom imprimé", max_length=200)
    signatory_title = models.CharField("qualité imprimée", max_length=300)
    signed_date = models.DateField("signé le")
    content_hash = models.CharField("empreinte signée", max_length=64)
    scan = models.BinaryField("original numérisé")
    scan_hash = models.CharField("empreinte du fichier", max_length=64)
    filed_by = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="déposé par")
    filed_at = models.DateTimeField("déposé le")
    confirmed_by = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="confirmé par"
    )
    confirmed_at = models.DateTimeField("confirmé le", null=True, blank=True)
    rejected_by = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="écarté par"
    )
    rejected_at = models.DateTimeField("écarté le", null=True, blank=True)
    rejection_reason = models.CharField("pourquoi il est écarté", max_length=1000, blank=True)

    objects = PaperOriginalQuerySet.as_manager()

    class Meta:
        verbose_name = "original papier"
        verbose_name_plural = "originaux papier"
        constraints = [
            choices_check("capacity", Capacity, name="paper_original_capacity_known"),
            both_or_none("confirmed_by", "confirmed_at", name="paper_original_confirmed_by_someone"),
            models.CheckConstraint(
                condition=Q(rejected_at__isnull=True, rejected_by__isnull=True, rejection_reason="")
                | (Q(rejected_at__isnull=False, rejected_by__isnull=False) & ~Q(rejection_reason="")),
                name="paper_original_rejection_reasoned",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True) | Q(rejected_at__isnull=True),
                name="paper_original_confirmed_or_rejected",
            ),
            models.CheckConstraint(
                condition=Q(
                    scan_hash=Func(
                        Func("scan", function="sha256"),
                        Value("hex"),
                        function="encode",
                        output_field=models.CharField(),
                    )
                ),
                name="paper_original_hash_is_of_scan",
            ),
            models.UniqueConstraint(
                fields=["decision", "capacity"],
                condition=Q(rejected_at__isnull=True),
                name="paper_original_one_per_capacity",
                violation_error_message="Un original papier est déjà déposé pour cette qualité.",
            ),
        ]

    def __str__(self) -> str:
        return f"original papier {self.pk}"

    @property
    def is_pending(self) -> bool:
        """Whether it awaits a confirmation."""
        return self.confirmed_at is None and self.rejected_at is None
