"""The files that support an application, with their age, and who added them."""

from typing import Self
from uuid import uuid4

from django.db import models
from django.db.models import Q

from francesante.lib.db import choices_check
from labelling.choices import EvidenceOrigin, EvidenceType, Scan
from labelling.models.applications import Application
from labelling.models.specifications import Criterion
from labelling.models.structures import Membership
from labelling.models.visits import Visit
from territories.models import Mandate


class Authored(models.Model):
    """What somebody adds to a file: for the structure by a membership, for the services by a mandate."""

    membership = models.ForeignKey(
        Membership, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="par, pour la structure"
    )
    mandate = models.ForeignKey(
        Mandate, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="par, pour les services"
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(membership__isnull=True, mandate__isnull=False)
                | Q(membership__isnull=False, mandate__isnull=True),
                name="%(class)s_one_author",
            )
        ]

    @property
    def by_services(self) -> bool:
        """Whether an agent did it, and not the structure."""
        return self.mandate_id is not None

    @property
    def author_name(self) -> str:
        """The structure signs by name, agents by service and name; needs both authors and their users selected."""
        if self.mandate is not None:
            return f"{self.mandate.authority.name}, {self.mandate.user.full_name}"
        return self.membership.user.full_name if self.membership else ""


def random_name(_row: models.Model, _name: str) -> str:
    """Return where the bytes go: nothing of a person's file name reaches the disk."""
    name = uuid4().hex
    return f"pieces/{name[:2]}/{name}"


SET_ASIDE = (Scan.INFECTED, Scan.PERSONAL)
"""What is found in a piece whose bytes are then erased."""


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    """Evidence."""

    def kept(self) -> Self:
        """Those whose bytes are kept: neither removed nor put aside for what was found in them."""
        return self.filter(removed_at__isnull=True).exclude(scan__in=SET_ASIDE)

    def of_files(self) -> Self:
        """Those sent to support a file; the others are the photos and documents of a visit."""
        return self.filter(visit__isnull=True)

    def with_people(self) -> Self:
        """Select what showing a row needs."""
        return self.select_related(
            "criterion", "membership__user", "mandate__user", "mandate__authority", "application"
        )


class Evidence(Authored):
    """One file sent to support an application, for one criterion or for the whole file.

    ``document_date`` is the day the document was made, from which its age is told. ``name`` is the file's name on the
    sender's machine, for display only. A row never disappears with its bytes: removed, or put aside, it
    keeps the name, the hash and the dates. A trigger keeps everything else as it was received.

    With a ``visit``, it is a photo or a document of that visit of the labelled place: the structure reads it with the
    report, once sent, and it is no piece of the file.
    """

    application = models.ForeignKey(Application, models.PROTECT, related_name="evidence", verbose_name="candidature")
    criterion = models.ForeignKey(
        Criterion, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="critère"
    )
    visit = models.ForeignKey(
        Visit, models.PROTECT, null=True, blank=True, related_name="pieces", verbose_name="visite"
    )
    origin = models.CharField("nature", max_length=20, choices=EvidenceOrigin.choices, default=EvidenceOrigin.DOCUMENT)
    document_date = models.DateField("date du document")
    name = models.CharField("nom d’origine", max_length=150)
    content_type = models.CharField("contenu", max_length=20, choices=EvidenceType.choices)
    size = models.PositiveIntegerField("taille en octets")
    sha256 = models.CharField("empreinte", max_length=64)
    file = models.FileField("octets", upload_to=random_name, blank=True)
    added_at = models.DateTimeField("ajoutée le")
    scan = models.CharField("antivirus", max_length=20, choices=Scan.choices)
    scan_attempts = models.PositiveIntegerField("essais d’analyse", default=0)
    next_scan_at = models.DateTimeField("prochaine analyse", null=True, blank=True)
    removed_at = models.DateTimeField("retirée le", null=True, blank=True)

    objects = EvidenceQuerySet.as_manager()

    class Meta(Authored.Meta):
        verbose_name = "pièce"
        constraints = [
            *Authored.Meta.constraints,
            choices_check("origin", EvidenceOrigin, name="evidence_origin_known"),
            choices_check("content_type", EvidenceType, name="evidence_content_type_known"),
            choices_check("scan", Scan, name="evidence_scan_known"),
            models.CheckConstraint(
                condition=Q(visit__isnull=True) | Q(origin=EvidenceOrigin.VISIT, mandate__isnull=False),
                name="evidence_of_a_visit_is_of_its_agents",
            ),
            models.CheckConstraint(condition=Q(size__gt=0), name="evidence_not_empty"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="evidence_hash_form"),
            models.CheckConstraint(condition=~Q(name=""), name="evidence_is_named"),
            models.CheckConstraint(
                condition=(Q(removed_at__isnull=True) & ~Q(scan__in=SET_ASIDE) & ~Q(file=""))
                | ((Q(removed_at__isnull=False) | Q(scan__in=SET_ASIDE)) & Q(file="")),
                name="evidence_bytes_iff_kept",
            ),
            models.CheckConstraint(
                condition=Q(scan__in=[Scan.WAITING, Scan.NOT_SCANNED]) | Q(next_scan_at__isnull=True),
                name="evidence_next_scan_while_unscanned",
            ),
            models.UniqueConstraint(
                fields=["application", "criterion", "visit", "sha256"],
                condition=~Q(file=""),
                nulls_distinct=False,
                name="evidence_once",
                violation_error_message="Cette pièce est déjà dans le dossier.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_scan_at"],
                condition=Q(scan__in=[Scan.WAITING, Scan.NOT_SCANNED], removed_at__isnull=True),
                name="evidence_to_scan",
            )
        ]

    def __str__(self) -> str:
        return f"pièce {self.pk}"

    @property
    def is_readable(self) -> bool:
        """Whether the bytes may be given: kept, and not waiting to be scanned and read."""
        return bool(self.file) and self.scan != Scan.WAITING

    @property
    def is_image(self) -> bool:
        """Whether the piece is shown as an image, and not in a frame."""
        return self.content_type != EvidenceType.PDF

    @property
    def criterion_code(self) -> str:
        """The code of its criterion, which a later version of the cahier des charges keeps; nothing for the whole file."""
        return self.criterion.code if self.criterion else ""


TEMPLATES_FOLDER = "modeles"


def template_name(row: "EvidenceTemplate", _name: str) -> str:
    """Return where the bytes of a model go: by their content, which the copies of a version share."""
    return f"{TEMPLATES_FOLDER}/{row.sha256}"


class EvidenceTemplate(models.Model):
    """The model of a piece to be filled in, that a version of the cahier des charges attaches to a criterion.

    It is part of its version: once this is published, it never changes (trigger).
    """

    criterion = models.OneToOneField(
        Criterion, models.CASCADE, related_name="template", verbose_name="critère"
    )  # goes with the criterion of a draft
    name = models.CharField("nom", max_length=150)
    content_type = models.CharField("contenu", max_length=20, choices=EvidenceType.choices)
    size = models.PositiveIntegerField("taille en octets")
    sha256 = models.CharField("empreinte", max_length=64)
    file = models.FileField("octets", upload_to=template_name)

    class Meta:
        verbose_name = "modèle de pièce"
        constraints = [
            choices_check("content_type", EvidenceType, name="evidencetemplate_content_type_known"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="evidencetemplate_hash_form"),
        ]

    def __str__(self) -> str:
        return f"modèle de pièce {self.pk}"
