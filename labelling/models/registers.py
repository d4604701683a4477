"""What registers say of places of care: their lines, what each import did, and what a line said before."""

from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q

from francesante.lib.db import both_or_none, choices_check
from labelling.choices import AnnuaireAnswer, Register, RegisterForm, StructureKind
from territories.models import Commune


class RegisterLineQuerySet(models.QuerySet["RegisterLine"]):
    """Lines of registers."""

    def standing(self) -> "RegisterLineQuerySet":
        """Lines that their register still has, of places that it does not say closed."""
        return self.filter(closed_on__isnull=True, missing_since__isnull=True)


class RegisterLine(models.Model):
    """One line of an imported register: what the State already knows of a place of care, and as of when.

    ``as_of`` is the last day on which the register said so. A line that a later whole file no longer has is kept, with
    the day of that file in ``missing_since``. ``facts`` is read by ``labelling.rules.register_facts``.
    """

    register = models.CharField("registre", max_length=10, choices=Register.choices)
    number = models.CharField("numéro", max_length=20)
    legal_number = models.CharField("FINESS de l’entité juridique", max_length=9, blank=True)
    siret = models.CharField("SIRET", max_length=14, blank=True)
    name = models.CharField("nom", max_length=200)
    sort_key = models.CharField("clé de tri", max_length=200)
    category = models.CharField("catégorie", max_length=10)
    category_label = models.CharField("libellé de catégorie", max_length=120, blank=True)
    kind = models.CharField("type proposé", max_length=20, blank=True, choices=StructureKind.choices)
    address = models.CharField("adresse", max_length=250, blank=True)
    postal_code = models.CharField("code postal", max_length=5, blank=True)
    commune = models.ForeignKey(Commune, models.PROTECT, related_name="+", verbose_name="commune")
    latitude = models.FloatField("latitude", null=True, blank=True)
    longitude = models.FloatField("longitude", null=True, blank=True)
    phone = models.CharField("téléphone", max_length=20, blank=True)
    email = models.EmailField("adresse électronique connue du registre", blank=True)
    facts = models.JSONField("faits utiles aux critères", default=dict, blank=True)
    closed_on = models.DateField("fermée le", null=True, blank=True)
    as_of = models.DateField("situation au")
    missing_since = models.DateField("absente du registre depuis le", null=True, blank=True)

    objects = RegisterLineQuerySet.as_manager()

    class Meta:
        verbose_name = "ligne de registre"
        constraints = [
            choices_check("register", Register, name="register_line_register_known"),
            models.UniqueConstraint(fields=["register", "number"], name="register_line_unique"),
            both_or_none("latitude", "longitude", name="register_line_point_whole"),
            models.CheckConstraint(
                condition=Q(missing_since__isnull=True) | Q(missing_since__gt=models.F("as_of")),
                name="register_line_missing_after_seen",
            ),
        ]
        indexes = [
            models.Index(fields=["siret"], condition=~Q(siret=""), name="register_line_siret"),
            models.Index(fields=["legal_number"], condition=~Q(legal_number=""), name="register_line_legal"),
            models.Index(fields=["commune", "kind"], condition=~Q(kind=""), name="register_line_prospects"),
            GinIndex(OpClass("sort_key", name="gin_trgm_ops"), name="register_line_name_trgm"),
        ]

    def __str__(self) -> str:
        if self.register == Register.DECLARED:
            return f"{self.get_register_display()}, SIRET {self.siret}"
        return f"{self.get_register_display()} {self.number}"


class RegisterImport(models.Model):
    """What one import of a register, or one answer of a service, did. Insert-only; a trial run leaves none."""

    form = models.CharField("forme du fichier", max_length=20, choices=RegisterForm.choices)
    file_hash = models.CharField("empreinte du fichier", max_length=64)
    as_of = models.DateField("situation au")
    partial = models.BooleanField("une partie du registre")
    imported_at = models.DateTimeField("importé le")
    read = models.PositiveIntegerField("lues")
    created = models.PositiveIntegerField("créées")
    changed = models.PositiveIntegerField("modifiées")
    unchanged = models.PositiveIntegerField("inchangées")
    older = models.PositiveIntegerField("plus anciennes que la base")
    disappeared = models.PositiveIntegerField("disparues")
    refused = models.PositiveIntegerField("refusées")

    class Meta:
        verbose_name = "import de registre"
        constraints = [choices_check("form", RegisterForm, name="register_import_form_known")]

    def __str__(self) -> str:
        return f"import {self.pk}"


class RegisterChange(models.Model):
    """What a line said before an import, and says since: insert-only, so that one can tell later what was known.

    ``field`` is a field of the line, or ``facts.`` and a fact; ``old`` and ``new`` are as stored, ``None`` when nothing
    was said.
    """

    line = models.ForeignKey(RegisterLine, models.PROTECT, related_name="changes", verbose_name="ligne de registre")
    source = models.ForeignKey(RegisterImport, models.PROTECT, related_name="changes", verbose_name="import")
    field = models.CharField("champ", max_length=30)
    old: Any = models.JSONField("avant", null=True)
    new: Any = models.JSONField("après", null=True)
    old_as_of = models.DateField("dit jusqu’au")
    as_of = models.DateField("dit depuis le")

    class Meta:
        verbose_name = "changement de registre"
        constraints = [models.UniqueConstraint(fields=["line", "source", "field"], name="register_change_once")]

    def __str__(self) -> str:
        return f"changement {self.pk}"


class Completion(models.Model):
    """What the Annuaire has still to say of an establishment that a person described themselves.

    It is asked again from ``next_at`` on, until it answers: ``outcome`` and ``answer`` then say what.
    """

    line = models.OneToOneField(
        RegisterLine, models.PROTECT, related_name="completion", verbose_name="ligne déclarée par le demandeur"
    )
    asked_at = models.DateTimeField("attendu depuis le")
    tries = models.PositiveSmallIntegerField("essais", default=0)
    next_at = models.DateTimeField("prochain essai le", null=True, blank=True)
    outcome = models.CharField("réponse", max_length=10, blank=True, choices=AnnuaireAnswer.choices)
    settled_at = models.DateTimeField("répondu le", null=True, blank=True)
    answer = models.ForeignKey(
        RegisterLine, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="ligne de la réponse"
    )

    class Meta:
        verbose_name = "complément attendu"
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="", settled_at__isnull=True, next_at__isnull=False, answer__isnull=True)
                | Q(
                    outcome__in=[AnnuaireAnswer.FOUND, AnnuaireAnswer.CLOSED],
                    settled_at__isnull=False,
                    next_at__isnull=True,
                    answer__isnull=False,
                )
                | Q(
                    outcome__in=[AnnuaireAnswer.UNKNOWN, AnnuaireAnswer.UNSHOWN],
                    settled_at__isnull=False,
                    next_at__isnull=True,
                    answer__isnull=True,
                ),
                name="completion_settled_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="completion_waiting"),
        ]

    def __str__(self) -> str:
        return f"complément {self.pk}"
