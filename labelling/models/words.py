"""The words of an authority: the vocabulary that its agents keep for themselves beside the files. They decide nothing, and
no act rests on them.
"""

from typing import Any, Self

from django.db import models
from django.db.models import Q

from territories.choices import Role
from territories.models import Authority, Departement, Mandate


class WordQuerySet(models.QuerySet[Any]):
    """Words in use."""

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


class Word(models.Model):
    """One word of the vocabulary of an authority; joint, the other authority of the file reads and uses it too.

    It is never renamed, since people chose files by it: it is retired.
    """

    authority = models.ForeignKey(Authority, models.PROTECT, related_name="+", verbose_name="autorité")
    name = models.CharField("nom", max_length=30)
    note = models.CharField("sens", max_length=160, blank=True)
    joint = models.BooleanField("commune aux deux autorités", default=False)
    made_by = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="créée par")
    made_at = models.DateTimeField("créée le")
    retired_at = models.DateTimeField("retirée le", null=True, blank=True)

    objects = WordQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    def fits(self, departement: Departement) -> bool:
        """Tell whether the authority of this word is one of those of a département; needs ``authority`` selected."""
        return departement.pk == self.authority.departement_id or departement.region_id == self.authority.region_id
