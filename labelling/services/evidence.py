"""The pieces of a file: received once checked, given to who may read them, removed by the side that added them.

Adding a piece contradicts nothing that others write: the row of the file is locked, its version does not move.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from francesante.lib.canonical import sha256_hex
from francesante.lib.french import grouped, typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState, EvidenceOrigin, Scan
from labelling.models import Application, Criterion, Evidence, EvidenceTemplate, Membership
from labelling.models.evidence import TEMPLATES_FOLDER, random_name
from labelling.rules.clock import local_day
from labelling.rules.uploads import Limits, display_name, examine
from labelling.services import recognition
from labelling.services.reviews import require_kept, require_reviewer
from territories.choices import Subject
from territories.models import Mandate
from territories.services.events import lock, record_event


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as somebody sends it: its name on their machine, its bytes, and the day the document was made."""

    name: str
    content: bytes
    document_date: date


Author = Membership | Mandate
"""Who adds something to a file: an account of the structure, or an agent."""

COMPLETABLE = frozenset(
    {
        ApplicationState.DRAFT,
        ApplicationState.SUBMITTED,
        ApplicationState.UNDER_REVIEW,
        ApplicationState.DISAGREEMENT,
    }
)
"""States in which a file takes pieces: once its decision is at the signature, what was judged stays as it was."""
ORIGINS_OF_SERVICES = (EvidenceOrigin.DOCUMENT, EvidenceOrigin.REGISTER, EvidenceOrigin.VISIT)
OLDEST = date(1990, 1, 1)
FOLDER = "pieces"
ABANDONED_AFTER = timedelta(hours=1)
"""Bytes that no row names and that are older belong to an upload that did not end."""

logger = logging.getLogger(__name__)


def limits() -> Limits:
    """Return what a piece may weigh."""
    return Limits(max_bytes=settings.UPLOAD_MAX_BYTES, max_pages=settings.EVIDENCE_MAX_PAGES)


def why_not_complete(application: Application, author: Author, *, at: datetime) -> str:
    """Return why somebody may not add pieces to a file now, or nothing: what pages ask before they show the form."""
    try:
        require_author(application, author, at=at)
        _require_completable(application, author)
    except RefusedError as refusal:
        return str(refusal)
    return ""


def require_author(application: Application, author: Author, *, at: datetime) -> None:
    """Ask if somebody may write in a file: an account of its structure, or an agent of the ARS or of the préfecture.

    Raises:
        RefusedError: why not.
    """
    if isinstance(author, Mandate):
        require_reviewer(application, author, at=at)
    elif author.ended_at is not None or author.structure_id != application.structure_id:
        raise RefusedError("Votre accès à cette structure est terminé : son responsable peut vous inviter à nouveau.")
    require_kept(application)


def author_fields(author: Author) -> dict[str, Author]:
    """Return which of the two fields of an ``Authored`` row its author fills."""
    return {"mandate": author} if isinstance(author, Mandate) else {"membership": author}


def add_evidence(
    *,
    application: Application,
    author: Author,
    criterion: Criterion | None,
    sent: SentFile,
    at: datetime,
    origin: str = EvidenceOrigin.DOCUMENT,
) -> Evidence:
    """Check a file by its content, keep it under a name of our own, and record who added it.

    With an antivirus or a recogniser of images, it is withheld from everyone until it has been scanned and read.

    Raises:
        RefusedError: the author may not, the file is not what it must be, holds a social security number, is already
            there, or one too many; nothing is kept.
    """
    require_author(application, author, at=at)
    if criterion is not None and criterion.specification_id != application.specification_id:
        raise RefusedError("Ce critère ne fait pas partie du cahier des charges de ce dossier.")
    if isinstance(author, Membership):
        origin = EvidenceOrigin.DOCUMENT
    elif origin not in ORIGINS_OF_SERVICES:
        raise RefusedError("Dites ce qu’est cette pièce : un document, un extrait de registre ou un constat de visite.")

    def ready() -> None:
        current = lock(application)
        _require_completable(current, author)
        _require_room(current)

    fields = {"criterion": criterion, "origin": origin, **author_fields(author)}
    return receive(sent, application, fields, ready=ready, at=at)


def receive(
    sent: SentFile,
    application: Application,
    fields: Mapping[str, Any],
    *,
    ready: Callable[[], None],
    at: datetime,
    record: Callable[[Evidence], None] | None = None,
) -> Evidence:
    """Check a file by its content, keep its bytes, then write its row in one transaction that ``ready`` begins.

    ``ready`` locks what the piece is about and refuses what may not receive it; ``record`` writes the event of the piece,
    on the chain of its file by default.

    Raises:
        RefusedError: an impossible date, a file that is not what it must be, or one that is already there.
    """
    today = local_day(at, application.departement.timezone)
    if wrong := wrong_date(sent.document_date, today):
        raise RefusedError(wrong)
    shown = display_name(sent.name)
    content_type = examine(shown, sent.content, limits())
    stored = default_storage.save(random_name(application, shown), ContentFile(sent.content))
    try:
        with transaction.atomic():
            ready()
            row = Evidence.objects.create(
                application=application,
                document_date=sent.document_date,
                name=shown,
                content_type=content_type,
                size=len(sent.content),
                sha256=sha256_hex(sent.content),
                file=stored,
                added_at=at,
                scan=Scan.WAITING if settings.CLAMD_URL or recognition.is_on() else Scan.NOT_SCANNED,
                next_scan_at=at,
                **fields,
            )
            if record is None:
                _record(row, "add_evidence", fields.get("mandate") or fields.get("membership"), at=at)
            else:
                record(row)
    except IntegrityError as error:
        default_storage.delete(stored)
        if "evidence_once" in str(error):
            sentence = f"« {shown} » est déjà dans le dossier : ce second envoi n’a rien changé."
            raise RefusedError(typeset(sentence)) from error
        raise
    except BaseException:
        default_storage.delete(stored)
        raise
    return row


def wrong_date(day: date, today: date) -> str:
    """Return why a document cannot be of a day, or nothing."""
    if day > today:
        return "La date du document est celle où il a été établi : elle ne peut pas être à venir."
    if day < OLDEST:
        return f"La date du document est antérieure à {OLDEST.year} : vérifiez l’année, ou indiquez le jour où il a été imprimé."
    return ""


def _require_completable(application: Application, author: Author) -> None:
    if isinstance(author, Mandate) and application.state == ApplicationState.DRAFT:
        raise RefusedError("Ce dossier n’est pas déposé : la structure seule y travaille.")
    if application.state not in COMPLETABLE:
        raise RefusedError(
            "Ce dossier ne reçoit plus de pièces : sa décision est à la signature, ou il est terminé. Rien n’a été enregistré ; "
            "vous pouvez écrire aux services."
        )


def _require_room(application: Application) -> None:
    if application.evidence.of_files().kept().count() >= settings.EVIDENCE_MAX_FILES:  # type: ignore[attr-defined]
        raise RefusedError(
            f"Ce dossier contient déjà {settings.EVIDENCE_MAX_FILES} pièces, le maximum. Rien n’a été enregistré ; retirez une "
            "pièce devenue inutile, ou réunissez plusieurs pages dans un seul PDF."
        )


def remove_evidence(*, evidence: Evidence, author: Author, at: datetime) -> Evidence:
    """Remove a piece for the side that added it: its bytes are deleted, its row says that it was there.

    Raises:
        RefusedError: added by the other side, already removed, or the file is no longer completed.
    """
    application = evidence.application
    require_author(application, author, at=at)
    if evidence.by_services != isinstance(author, Mandate):
        whose = "les services" if evidence.by_services else "la structure"
        raise RefusedError(f"Cette pièce a été ajoutée par {whose} : ce côté seul peut la retirer. Rien n’a changé.")
    with transaction.atomic():
        current = lock(application)
        if current.state not in COMPLETABLE:
            raise RefusedError(
                "La décision de ce dossier est à la signature, ou prise : ses pièces ne changent plus. Rien n’a changé."
            )
        row = lock(evidence)
        if not row.file:
            raise RefusedError("Cette pièce est déjà retirée.")
        discard_bytes([row])
        Evidence.objects.filter(pk=row.pk).update(removed_at=at, file="", next_scan_at=None)
        _record(row, "remove_evidence", author, at=at)
    evidence.refresh_from_db()
    return evidence


def discard_bytes(rows: Iterable[Evidence]) -> None:
    """Delete the bytes of rows once the transaction that stops naming them is committed; the sweep finds what is left."""
    names = [str(row.file) for row in rows if row.file]
    transaction.on_commit(lambda: _delete(names))


def _delete(names: Iterable[str]) -> None:
    for name in names:
        try:
            default_storage.delete(name)
        except OSError:
            logger.exception("bytes of a removed piece could not be deleted; the nightly sweep tries again")


def discard_evidence(application: Application) -> None:
    """Delete the pieces of a draft that is being deleted, rows and bytes, in the caller's transaction."""
    rows = list(application.evidence.all())
    discard_bytes(rows)
    Evidence.objects.filter(pk__in=[row.pk for row in rows]).delete()


def open_bytes(evidence: Evidence) -> File:
    """Open the bytes of a piece that may be read.

    Raises:
        RefusedError: they are withheld until scanned, or no longer kept.
    """
    if evidence.scan == Scan.WAITING:
        raise RefusedError(
            "Cette pièce est en cours d’analyse : elle pourra être lue dès que ce sera fait, d’ordinaire en moins de deux "
            "minutes."
        )
    if not evidence.is_readable:
        raise RefusedError("Cette pièce n’est plus conservée : elle a été retirée, ou écartée à l’analyse.")
    return default_storage.open(str(evidence.file))


def sweep_files(*, at: datetime) -> int:
    """Delete the stored bytes that no row names, and return their number: uploads cut short, deletions that failed."""
    kept = {*Evidence.objects.exclude(file="").values_list("file", flat=True)}
    kept.update(EvidenceTemplate.objects.values_list("file", flat=True))
    swept = 0
    for name in _stored():
        if name not in kept and at - default_storage.get_modified_time(name) > ABANDONED_AFTER:
            default_storage.delete(name)
            swept += 1
    return swept


def _stored() -> list[str]:
    pieces = [f"{FOLDER}/{folder}/{name}" for folder in _listed(FOLDER)[0] for name in _listed(f"{FOLDER}/{folder}")[1]]
    return pieces + [f"{TEMPLATES_FOLDER}/{name}" for name in _listed(TEMPLATES_FOLDER)[1]]


def _listed(folder: str) -> tuple[list[str], list[str]]:
    return default_storage.listdir(folder) if default_storage.exists(folder) else ([], [])


def _record(row: Evidence, action: str, author: Author | None, *, at: datetime) -> None:
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=row.application_id,
        action=action,
        actor=author,
        at=at,
        data={"evidence": row.pk, "sha256": row.sha256, "criterion": row.criterion_id},
    )


def size_in_words(size: int) -> str:
    """Return a size as people say it: « 340 ko », « 1,2 Mo »."""
    return f"{grouped(size / 1024**2, 1)} Mo" if size >= 1024**2 else f"{grouped(max(1, size / 1024))} ko"
