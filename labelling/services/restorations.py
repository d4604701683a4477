"""A label whose end was undone by an appeal: it finds again the validity it had, once the answer is notified.

Nobody learns of it from the map before the structure. Rows are locked in one order: quota, label (DESIGN §4.9).
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from labelling.choices import AppealKind, AppealOutcome
from labelling.models import Appeal, Ending, Label
from labelling.services.label_acts import trace
from labelling.services.quotas import lock_quota, take_back, why_not_taken_back
from territories.choices import DecisionKind
from territories.models import Notification
from territories.services.events import lock, write


def why_not_restorable(ending: Ending) -> str:
    """Return why the label of an ending cannot find its validity again, and what agents can do; or nothing."""
    label = ending.label
    if Ending.objects.filter(label=label, pk__gt=ending.pk, applied_at__isnull=False, undone_at__isnull=True).exists():
        return (
            f"Un acte plus récent met fin lui aussi au label {label.number} : tant qu’il vaut, ce label ne peut pas être "
            "rétabli. Répondez d’abord au recours contre cet acte, s’il en est formé un."
        )
    others = Label.objects.filter(
        structure=label.structure_id, withdrawn_at__isnull=True, valid__overlap=ending.was_valid
    )
    if other := others.exclude(pk=label.pk).first():
        return (
            f"La structure porte le label {other.number}, dont la validité chevauche celle du label {label.number} : deux "
            f"labels ne sont jamais valides à la fois. Mettez d’abord fin au label {other.number}, ou attendez son terme."
        )
    if ending.decision.kind == DecisionKind.LABEL_WITHDRAWN:
        return why_not_taken_back(label.application)
    return ""


def to_restore() -> list[Ending]:
    """Return the endings that an appeal undid and whose label has not found its validity again.

    By an answer that was notified, or by a judgment, which the court notifies itself.
    """
    told = Notification.objects.filter(decision=OuterRef("answer_decision"), notified_at__isnull=False)
    accepted = Appeal.objects.filter(
        Exists(told) | Q(kind=AppealKind.CONTENTIEUX),
        ending=OuterRef("pk"),
        outcome=AppealOutcome.ACCEPTED,
        settled_at__isnull=False,
    )
    rows = Ending.objects.filter(Exists(accepted), undone_at__isnull=True)
    return list(
        rows.select_related("decision", "label__application", "label__departement")
        .defer("decision__pdf")
        .order_by("pk")
    )


def restore_labels(*, at: datetime) -> int:
    """Give back their validity to the labels whose end was undone, and return their number; the others wait."""
    return sum(restore(ending, at=at) for ending in to_restore())


@transaction.atomic
def restore(ending: Ending, *, at: datetime) -> bool:
    """Give back to a label the validity that an ending took, once; nothing while another label or a ceiling stands in the way."""
    lock_quota(ending.label.application)
    label = lock(ending.label)
    current = lock(ending)
    if current.undone_at is not None or why_not_restorable(ending):
        return False
    withdrawn = ending.decision.kind == DecisionKind.LABEL_WITHDRAWN
    if withdrawn:
        take_back(ending.label.application)
    Ending.objects.filter(pk=ending.pk).update(undone_at=at, ended_valid=None if withdrawn else label.valid)
    write(label, version=label.version, valid=current.was_valid, withdrawn_at=None)
    trace(label, "restore", actor=None, at=at, decision=ending.decision_id, until=label.valid.upper.isoformat())
    return True
