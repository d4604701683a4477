"""The text of a mail as the national team writes it, beside the original, which stays in the templates."""

from django.db import models
from django.db.models import Q

from territories.models.people import Mandate


class MailText(models.Model):
    """One version of the subject and body of a mail, with merge fields. Insert-only: the last one counts.

    Without body, it is a return to the original. ``basis`` is the hash of the original that it was written beside: when a
    new release changes the original, the text waits to be read again, and the original is sent meanwhile.
    """

    name = models.CharField("courriel", max_length=60)
    version = models.PositiveIntegerField("version")
    subject = models.CharField("objet", max_length=200, blank=True)
    body = models.TextField("texte", blank=True)
    basis = models.CharField("empreinte de l’original", max_length=64)
    written_by = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="écrit par")
    written_at = models.DateTimeField("écrit le")

    class Meta:
        verbose_name = "texte de courriel"
        verbose_name_plural = "textes de courriel"
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="mail_text_version_unique"),
            models.CheckConstraint(
                condition=Q(subject="", body="") | (~Q(subject="") & ~Q(body="")), name="mail_text_whole_or_original"
            ),
            models.CheckConstraint(condition=Q(basis__regex=r"^[0-9a-f]{64}$"), name="mail_text_basis_form"),
        ]

    def __str__(self) -> str:
        return f"texte de courriel {self.pk}"
