"""Fields: what the agents of an authority note of each file in a form they chose, as in the columns of a spreadsheet."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from francesante.lib.db import choices_check
from labelling.choices import FieldKind
from labelling.models.applications import Application
from labelling.models.words import Word
from labelling.rules.fields import export_key, word_of
from territories.models import Mandate

MOST_FIELDS = 8
"""Fields that an authority has in use: each has a place of its own, from 1 on, by which they are shown."""
MOST_CHOICES = 12
LONGEST_CHOICE = 60
LONGEST = 120
"""Characters of a short text."""


class InternalField(Word):
    """A typed word: each file may hold one value of its kind.

    A trigger (``labelling_field_guard``) keeps what it means: only its note, its place and its retirement change, and
    choices are only added. Out of use it has no place, and its values wait.
    """

    kind = models.CharField("type", max_length=10, choices=FieldKind.choices)
    choices = ArrayField(models.CharField(max_length=LONGEST_CHOICE), verbose_name="choix", default=list, blank=True)
    position = models.PositiveSmallIntegerField("place", null=True, blank=True)

    class Meta:
        verbose_name = "rubrique interne"
        verbose_name_plural = "rubriques internes"
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="field_is_named"),
            choices_check("kind", FieldKind, name="field_kind_known"),
            models.UniqueConstraint(
                "authority",
                Lower("name"),
                condition=Q(retired_at__isnull=True),
                name="field_name_unique",
                violation_error_message="Votre autorité a déjà une rubrique de ce nom.",
            ),
            models.CheckConstraint(
                condition=Q(kind=FieldKind.CHOICE, choices__len__range=(2, MOST_CHOICES))
                | (~Q(kind=FieldKind.CHOICE) & Q(choices__len=0)),
                name="field_choices_iff_choice",
            ),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True, position__range=(1, MOST_FIELDS), position__isnull=False)
                | Q(retired_at__isnull=False, position__isnull=True),
                name="field_place_iff_in_use",
                violation_error_message=f"Une autorité a {MOST_FIELDS} rubriques au plus.",
            ),
            models.UniqueConstraint(
                fields=["authority", "position"], name="field_place_unique", deferrable=models.Deferrable.DEFERRED
            ),
        ]

    @property
    def word(self) -> str:
        """Its word in the addresses of the work list, ``r12``."""
        return word_of(self.pk)

    @property
    def key(self) -> str:
        """The name of its column in the exports, which never changes: ``r12_date_du_comite``."""
        return export_key(self.pk, self.name)


def _only(column: str) -> Q:
    """Return that a value is in one column, and in no other."""
    others = Q(**{f"{name}__isnull": name != column for name in ("number", "day", "yes")})
    return others & (~Q(text="") if column == "text" else Q(text=""))


class FieldValue(models.Model):
    """What a file holds of a field, in the column of its kind, and who wrote it last. An emptied value has no row.

    A trigger (``labelling_field_value_guard``) refuses a value that is not of the kind of its field, a choice that is not of
    its list, and any value of a retired field.
    """

    application = models.ForeignKey(Application, models.PROTECT, related_name="+", verbose_name="candidature")
    field = models.ForeignKey(InternalField, models.PROTECT, related_name="held", verbose_name="rubrique")
    text = models.CharField("texte ou choix", max_length=LONGEST, blank=True)
    number = models.DecimalField("nombre", max_digits=14, decimal_places=2, null=True, blank=True)
    day = models.DateField("date", null=True, blank=True)
    yes = models.BooleanField("oui", null=True, blank=True)
    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="+", verbose_name="écrite par")
    written_at = models.DateTimeField("écrite le")

    class Meta:
        verbose_name = "valeur d’une rubrique"
        verbose_name_plural = "valeurs des rubriques"
        constraints = [
            models.UniqueConstraint(fields=["field", "application"], name="field_value_once"),
            models.CheckConstraint(
                condition=_only("text") | _only("number") | _only("day") | _only("yes"), name="field_value_is_one"
            ),
        ]

    def __str__(self) -> str:
        return f"valeur {self.pk}"
