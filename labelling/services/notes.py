"""Working notes of the agents. They never leave the two authorities."""

from collections.abc import Set as AbstractSet
from datetime import datetime

from django.db.models import Q, QuerySet

from francesante.lib.identifiers import NIR_REFUSED, holds_nir
from francesante.lib.workflow import RefusedError
from labelling.models import Application, Criterion, Note
from labelling.services.interests import stood_aside
from labelling.services.reviews import require_reviewer
from territories.choices import Role
from territories.models import Mandate


def write_note(
    *, application: Application, criterion: Criterion | None, text: str, joint: bool, mandate: Mandate, at: datetime
) -> Note:
    """Keep a note on a file, or on one of its criteria, for one authority or for both. It is never changed.

    Raises:
        RefusedError: the mandate may not instruct the file, nothing is written, or the criterion is of another version.
    """
    capacity = require_reviewer(application, mandate, at=at)
    text = text.strip()
    if holds_nir(text):
        raise RefusedError(NIR_REFUSED)
    if not text:
        raise RefusedError("Une note vide ne s’enregistre pas : écrivez-la, puis recommencez.")
    if criterion is not None and criterion.specification_id != application.specification_id:
        raise RefusedError("Ce critère n’est pas de la version du cahier des charges de ce dossier.")
    return Note.objects.create(
        application=application,
        criterion=criterion,
        capacity=capacity,
        joint=joint,
        text=text,
        mandate=mandate,
        written_at=at,
    )


def readable_notes(
    application: Application, mandate: Mandate, *, aside: AbstractSet[int] | None = None
) -> QuerySet[Note]:
    """Return the notes that a mandate may read, the oldest first: agents those of their authority and the joint ones.

    ``aside``: as in :func:`labelling.services.reviews.require_reviewer`.
    """
    rows = application.notes.select_related("criterion", "mandate__user", "mandate__authority").order_by("pk")
    if mandate.role != Role.AGENT or mandate.capacity is None:
        return rows.none()
    if application.structure_id in (stood_aside(mandate) if aside is None else aside):
        return rows.none()
    return rows.filter(Q(joint=True) | Q(capacity=mandate.capacity))
