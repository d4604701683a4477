"""What the structure and the services write to each other on a file. Whoever answers, answers for their side."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from francesante.lib.canonical import sha256_hex
from francesante.lib.french import grouped
from francesante.lib.identifiers import NIR_REFUSED, holds_nir
from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState
from labelling.models import Application, Membership, Message, MessageReading
from labelling.models.messages import MAX_LENGTH
from labelling.services.evidence import Author, SentFile, add_evidence, author_fields, require_author
from territories.choices import Subject
from territories.services.events import lock, record_event

TWICE = timedelta(minutes=1)
"""Within it, the same words of the same person, with the same piece, are the same message."""


def send_message(
    *,
    application: Application,
    author: Author,
    text: str,
    answer_expected: bool,
    at: datetime,
    sent: SentFile | None = None,
) -> Message:
    """Write to the other side of a file, with a piece or without; an answer that it expected is given by the same act.

    The same text sent twice by a double click is one message.

    Raises:
        RefusedError: the author may not, the file is a draft, the text is empty, too long or holds a social security
            number, or the piece is refused; nothing is sent.
    """
    require_author(application, author, at=at)
    said = text.strip()
    if not said:
        raise RefusedError("Écrivez votre message avant de l’envoyer.")
    if len(said) > MAX_LENGTH:
        raise RefusedError(
            f"Votre message a {grouped(len(said))} caractères ; il en faut {grouped(MAX_LENGTH)} au plus. Il n’est pas envoyé."
        )
    if holds_nir(said):
        raise RefusedError(NIR_REFUSED)
    with transaction.atomic():
        current = lock(application)
        if current.state == ApplicationState.DRAFT:
            raise RefusedError(
                "Ce dossier n’est pas déposé : personne ne lirait votre message. Pour une question, appelez les services."
            )
        if said_already := _sent_twice(current, author, said, sent, at=at):
            return said_already
        evidence = add_evidence(application=current, author=author, criterion=None, sent=sent, at=at) if sent else None
        row = Message.objects.create(
            application=current,
            text=said,
            answer_expected=answer_expected,
            evidence=evidence,
            sent_at=at,
            **author_fields(author),
        )
        _mark_read(current, author, at=at)
        record_event(
            subject_type=Subject.APPLICATION,
            subject_id=current.pk,
            action="message",
            actor=author,
            at=at,
            data={"message": row.pk, "answer_expected": answer_expected},
        )
    return row


def _sent_twice(
    application: Application, author: Author, text: str, sent: SentFile | None, *, at: datetime
) -> Message | None:
    """Return the message that these words, with this piece, already are."""
    same: dict[str, Any] = {"evidence__sha256": sha256_hex(sent.content)} if sent else {"evidence": None}
    rows = Message.objects.filter(application=application, text=text, sent_at__gt=at - TWICE, **author_fields(author))
    return rows.filter(**same).first()


def read_messages(*, application: Application, author: Author, at: datetime) -> int:
    """Mark as read what the other side wrote, by whoever reads it first on this side; return how many were not.

    Raises:
        RefusedError: the reader acts for neither side.
    """
    require_author(application, author, at=at)
    with transaction.atomic():
        return _mark_read(lock(application), author, at=at)


def _mark_read(application: Application, author: Author, *, at: datetime) -> int:
    unread = Message.objects.filter(application=application).unread(by_services=isinstance(author, Membership))
    readings = MessageReading.objects.bulk_create(
        [MessageReading(message=row, read_at=at, **author_fields(author)) for row in unread]
    )
    return len(readings)
