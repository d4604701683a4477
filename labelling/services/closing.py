"""Closing a file without a decision: nothing is left to decide, and the structure is told why."""

from datetime import datetime

from django.db import transaction

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ClosingGround
from labelling.models import Application, Closing
from labelling.services.appeals import leave_without_object
from labelling.services.reviews import require_reviewer
from labelling.workflow import TRANSITIONS
from territories.choices import Subject
from territories.models import Mandate
from territories.services.events import lock, perform


@transaction.atomic
def close_application(
    *, application: Application, mandate: Mandate, ground: ClosingGround, text: str, version: int, at: datetime
) -> Closing:
    """Close a file on one of the grounds of the list, with the explanation that the structure will read.

    Raises:
        RefusedError: the mandate may not, the file is no longer in instruction, or nothing is explained.
        StaleError: the file changed since ``version``.
    """
    require_reviewer(application, mandate, at=at)
    if not text.strip():
        raise RefusedError("Expliquez le classement : la structure le lira. Rien n’a été enregistré.")
    if lock(application).version != version:
        raise StaleError
    perform(
        application,
        "close",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        data={"ground": str(ground)},
    )
    leave_without_object(application, at=at)
    return Closing.objects.create(
        application=application, ground=ground, text=text.strip(), mandate=mandate, closed_at=at
    )
