"""What agents declare of their interests in a structure before they instruct its files."""

from typing import Any, Self

from django.db import models
from django.db.models import Exists, OuterRef

from francesante.lib.db import choices_check
from labelling.choices import Interest
from labelling.models.structures import Structure
from territories.models import Mandate, User


class InterestDeclarationQuerySet(models.QuerySet["InterestDeclaration"]):
    """Declarations of interest."""

    def standing(self) -> Self:
        """The last declaration of each person on each structure: the one that counts."""
        later = self.model.objects.filter(user=OuterRef("user"), structure=OuterRef("structure"), pk__gt=OuterRef("pk"))
        return self.filter(~Exists(later))

    def recused(self, user: Any) -> Self:
        """The standing declarations by which a person stands aside; ``user`` is a person or a key."""
        return self.standing().filter(user=user, interest=Interest.RECUSED)


class InterestDeclaration(models.Model):
    """A person says that nothing ties them to a structure, or stands aside. Insert-only: a revision is a new row.

    Source: loi n° 2013-907 du 11 octobre 2013, article 2; code général de la fonction publique, articles L. 121-4 and
    L. 121-5.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="personne")
    structure = models.ForeignKey(Structure, models.PROTECT, related_name="+", verbose_name="structure")
    interest = models.CharField("déclaration", max_length=20, choices=Interest.choices)
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="habilitation")
    declared_at = models.DateTimeField("le")

    objects = InterestDeclarationQuerySet.as_manager()

    class Meta:
        verbose_name = "déclaration d’intérêts"
        verbose_name_plural = "déclarations d’intérêts"
        constraints = [choices_check("interest", Interest, name="interest_known")]
        indexes = [models.Index(fields=["user", "structure", "-id"], name="interest_standing")]

    def __str__(self) -> str:
        return f"déclaration {self.pk}"
