"""Tags: the words that an authority puts on files to find them again. They decide nothing, and no act rests on them."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from labelling.models.applications import Application
from territories.choices import Role
from territories.models import Authority, Departement, Mandate


class TagQuerySet(models.QuerySet["Tag"]):
    """Tags in use."""

    def offered_to(self, mandate: Mandate) -> Self:
        """Those of an agent's authority, and the joint ones of the authorities that share its territory."""
        if mandate.role != Role.AGENT or mandate.capacity is None:
            return self.none()
        if mandate.departement is not None:
            here = Q(authority__departement=mandate.departement_id) | Q(authority__region=mandate.departement.region_id)
        else:
            here = Q(authority__region=mandate.region_id) | Q(authority__departement__region=mandate.region_id)
        rows = self.filter(Q(authority=mandate.authority_id) | (Q(joint=True) & here), retired_at__isnull=True)
        return rows.select_related("authority").order_by("name", "pk")


class Tag(models.Model):
    """One word of the vocabulary of an authority; joint, the other authority of the file reads and uses it too.

    A tag is never changed, since people chose files by it: it is retired, once no file carries it.
    """

    authority = models.ForeignKey(Authority, models.PROTECT, related_name="+", verbose_name="autorité")
    name = models.CharField("nom", max_length=30)
    note = models.CharField("sens", max_length=160, blank=True)
    joint = models.BooleanField("commune aux deux autorités", default=False)
    made_by = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="créée par")
    made_at = models.DateTimeField("créée le")
    retired_at = models.DateTimeField("retirée le", null=True, blank=True)

    objects = TagQuerySet.as_manager()

    class Meta:
        verbose_name = "étiquette"
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="tag_is_named"),
            models.UniqueConstraint(
                "authority",
                Lower("name"),
                condition=Q(retired_at__isnull=True),
                name="tag_name_unique",
                violation_error_message="Votre autorité a déjà une étiquette de ce nom.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def fits(self, departement: Departement) -> bool:
        """Tell whether the authority of this tag is one of those of a département; needs ``authority`` selected."""
        return departement.pk == self.authority.departement_id or departement.region_id == self.authority.region_id


class FileTag(models.Model):
    """A tag on a file, and who put it there. Its row goes with it: a word to find a file again is no proof."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="tags", verbose_name="candidature")
    tag = models.ForeignKey(Tag, models.PROTECT, related_name="files", verbose_name="étiquette")
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="posée par")
    put_at = models.DateTimeField("posée le")

    class Meta:
        verbose_name = "étiquette d’un dossier"
        verbose_name_plural = "étiquettes des dossiers"
        constraints = [models.UniqueConstraint(fields=["application", "tag"], name="file_tag_once")]

    def __str__(self) -> str:
        return f"étiquette {self.pk}"
