"""The transitional clause at work: pending files move to the new version of the cahier des charges (DESIGN §4.7)."""

import logging
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from labelling.choices import CriterionKind
from labelling.models import Application, CriterionAssessment, Specification
from labelling.rules.versions import substance
from labelling.workflow import TRANSITIONS
from territories.choices import Role, Subject
from territories.models import Mandate
from territories.services.events import lock, perform

logger = logging.getLogger(__name__)


def apply_clauses(*, at: datetime) -> int:
    """Move the pending files that a transitional clause concerns, one transaction each, and return their number.

    The clause that counts is that of the last applicable version that has one. Done twice, or by two workers at once,
    each file moves once. A file at the signature keeps the version that the text being signed cites.
    """
    target = Specification.objects.applicable(timezone.localdate(at)).filter(applies_to_pending=True).last()
    if target is None:
        return 0
    older = Application.objects.filter(
        state__in=TRANSITIONS["rebase"].sources, specification__published_at__lt=target.published_at
    )
    moved = 0
    for pk in list(older.order_by("pk").values_list("pk", flat=True)):
        try:
            moved += rebase(application_id=pk, specification=target, at=at)
        except Exception:
            # One file does not keep the others from moving; the next run tries it again.
            logger.exception("transitional clause of version %s, application %s", target.pk, pk)
    return moved


@transaction.atomic
def rebase(*, application_id: int, specification: Specification, at: datetime) -> bool:
    """Move one pending file to a newer version, and tell whether it moved.

    Assessments of criteria that are the same are carried over by code. Those of the others are set aside, to be made
    again: the lead then shares anew, and the other authority takes position anew.
    """
    application = lock(Application(pk=application_id))
    before = application.specification
    stands = application.state in TRANSITIONS["rebase"].sources
    if not stands or not before.published_at or not specification.published_at:
        return False
    if before.published_at >= specification.published_at:
        return False
    known = {row.code: row for row in before.criteria.filter(kind=CriterionKind.CRITERION)}
    asked = list(specification.criteria.filter(kind=CriterionKind.CRITERION).order_by("position"))
    carried = [row for row in asked if row.code in known and substance(known[row.code]) == substance(row)]
    again = [row.code for row in asked if row not in carried]
    perform(
        application,
        "rebase",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=None,
        at=at,
        data={
            "from": before.pk,
            "to": specification.pk,
            "carried": [row.code for row in carried],
            "again": again,
        },
        specification=specification,
        **({"shared_at": None, "endorsed_at": None} if again else {}),
    )
    standing = CriterionAssessment.objects.filter(application=application)
    for row in carried:
        standing.filter(criterion=known[row.code]).update(criterion=row)
    standing.filter(criterion__specification=before).update(set_aside_at=at)
    return True


def set_aside(application: Application, mandate: Mandate) -> list[CriterionAssessment]:
    """Return the assessments of a mandate's own authority that a new version set aside, to be read while making new ones."""
    if mandate.role != Role.AGENT or mandate.capacity is None:
        return []
    rows = CriterionAssessment.ever.filter(
        application=application, capacity=mandate.capacity, set_aside_at__isnull=False
    ).select_related("criterion__specification", "mandate__user")
    return list(rows.order_by("-set_aside_at", "criterion__position"))
