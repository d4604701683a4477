"""PDFs that the portal renders by itself and keeps as bytes. The act of a decision is kept with the decision."""

from django.db import models
from django.db.models import Func, Q, Value

from labelling.choices import DocumentKind
from labelling.models.applications import Application
from labelling.models.labels import Label

OF_A_FILE = [DocumentKind.RECEIPT]
OF_A_LABEL = [DocumentKind.CERTIFICATE, DocumentKind.PLAQUE]


class Document(models.Model):
    """One PDF and its SHA-256, which the database checks.

    The accusé de réception is made once for a file, whatever the file becomes: its ``source_version`` is always 1. The
    documents of a label follow the label: one for each ``Label.version`` that was worth rendering.
    """

    kind = models.CharField("nature", max_length=20, choices=DocumentKind.choices)
    application = models.ForeignKey(
        Application, models.PROTECT, null=True, blank=True, related_name="documents", verbose_name="candidature"
    )
    label = models.ForeignKey(
        Label, models.PROTECT, null=True, blank=True, related_name="documents", verbose_name="label"
    )
    source_version = models.PositiveIntegerField("version de la source", default=1)
    content = models.BinaryField("contenu")
    sha256 = models.CharField("empreinte", max_length=64)
    rendered_at = models.DateTimeField("établi le")

    class Meta:
        verbose_name = "document"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=OF_A_FILE, application__isnull=False, label__isnull=True, source_version=1)
                | Q(kind__in=OF_A_LABEL, application__isnull=True, label__isnull=False),
                name="document_about_what_its_kind_says",
            ),
            models.CheckConstraint(
                condition=Q(
                    sha256=Func(
                        Func("content", function="sha256"),
                        Value("hex"),
                        function="encode",
                        output_field=models.CharField(),
                    )
                ),
                name="document_hash_is_of_content",
            ),
            models.UniqueConstraint(fields=["application", "kind", "source_version"], name="document_once_per_file"),
            models.UniqueConstraint(fields=["label", "kind", "source_version"], name="document_once_per_label"),
        ]

    def __str__(self) -> str:
        return f"document {self.pk}"
