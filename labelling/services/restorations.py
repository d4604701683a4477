"""An act on a label that an appeal undid: the label finds again what the act took, once the answer is notified.

Nobody learns of it from the map before the structure. The end of a label may wait, behind another label or a ceiling; a
suspension waits for nothing. Rows are locked in one order: quota, decision, label (DESIGN §4.9).
"""

from datetime import datetime

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Exists, OuterRef, Q

from labelling.choices import AppealKind, AppealOutcome
from labelling.models import Appeal, Ending, Label, Lifting, Suspension
from labelling.models.endings import ContestableAct
from labelling.services.label_acts import settle_declined, trace
from labelling.services.quotas import lock_quota, take_back, why_not_taken_back
from territories.choices import DecisionKind
from territories.models import Notification
from territories.services.decisions import withdraw_proposal
from territories.services.events import lock, write

KINDS: tuple[tuple[type[ContestableAct], str], ...] = ((Ending, "ending"), (Suspension, "suspension"))
"""The acts that an appeal may undo, with the field by which it names each."""


def why_not_restorable(act: ContestableAct) -> str:
    """Return why a label cannot find again what an act took, and what agents can do; or nothing."""
    if not isinstance(act, Ending):
        return ""
    label = act.label
    if Ending.objects.filter(label=label, pk__gt=act.pk, applied_at__isnull=False, undone_at__isnull=True).exists():
        return (
            f"Un acte plus récent met fin lui aussi au label {label.number} : tant qu’il vaut, ce label ne peut pas être "
            "rétabli. Répondez d’abord au recours contre cet acte, s’il en est formé un."
        )
    others = Label.objects.filter(structure=label.structure_id, withdrawn_at__isnull=True, valid__overlap=act.was_valid)
    if other := others.exclude(pk=label.pk).first():
        return (
            f"La structure porte le label {other.number}, dont la validité chevauche celle du label {label.number} : deux "
            f"labels ne sont jamais valides à la fois. Mettez d’abord fin au label {other.number}, ou attendez son terme."
        )
    if act.decision.kind == DecisionKind.LABEL_WITHDRAWN:
        return why_not_taken_back(label.application)
    return ""


def to_restore() -> list[ContestableAct]:
    """Return the acts that an appeal undid and whose label has not found again what they took.

    By an answer that was notified, or by a judgment, which the court notifies itself.
    """
    told = Notification.objects.filter(decision=OuterRef("answer_decision"), notified_at__isnull=False)
    found: list[ContestableAct] = []
    for kind, field in KINDS:
        accepted = Appeal.objects.filter(
            Exists(told) | Q(kind=AppealKind.CONTENTIEUX),
            **{field: OuterRef("pk")},
            outcome=AppealOutcome.ACCEPTED,
            settled_at__isnull=False,
        )
        rows = kind._default_manager.filter(Exists(accepted), undone_at__isnull=True)
        rows = rows.select_related("decision", "label__application", "label__departement").defer("decision__pdf")
        found += rows.order_by("pk")
    return found


def restore_labels(*, at: datetime) -> int:
    """Give back to labels what acts took that were undone, and return their number; the others wait."""
    return sum(restore(act, at=at) for act in to_restore())


@transaction.atomic
def restore(act: ContestableAct, *, at: datetime) -> bool:
    """Give back to a label what an act took, once; nothing while another label or a ceiling stands in the way."""
    lock_quota(act.label.application)
    liftings = _take_back_liftings(act, at=at)
    label = lock(act.label)
    current = lock(act)
    if current.undone_at is not None or why_not_restorable(act):
        return False
    if isinstance(current, Ending):
        _undo_ending(current, label, at=at)
    elif isinstance(current, Suspension):
        _undo_suspension(current, label, at=at)
        for lifting in liftings:
            # Signed while its decision was waited for, it stays: it will find nothing to lift.
            if (now := lock(lifting)).signed_date is None and now.dropped_at is None:
                settle_declined(now, lifting.decision, action="drop_lifting", at=at)
    trace(label, "restore", actor=None, at=at, decision=act.decision_id, until=label.valid.upper.isoformat())
    return True


def _undo_ending(ending: Ending, label: Label, *, at: datetime) -> None:
    withdrawn = ending.decision.kind == DecisionKind.LABEL_WITHDRAWN
    if withdrawn:
        take_back(label.application)
    Ending.objects.filter(pk=ending.pk).update(undone_at=at, ended_valid=None if withdrawn else label.valid)
    write(label, version=label.version, valid=ending.was_valid, withdrawn_at=None)


def _undo_suspension(suspension: Suspension, label: Label, *, at: datetime) -> None:
    """Make as if a suspension had never been: it is taken back from its first day, as a judgment would annul it."""
    Suspension.objects.filter(pk=suspension.pk).update(
        undone_at=at, undone_period=suspension.period, period=DateRange(empty=True)
    )
    write(label, version=label.version)


def _take_back_liftings(act: ContestableAct, *, at: datetime) -> list[Lifting]:
    """Take the lifting of a suspension out of the parapheur: nothing is left to lift. One that is signed stays."""
    if not isinstance(act, Suspension):
        return []
    rows = act.liftings.filter(dropped_at__isnull=True, signed_date__isnull=True)  # type: ignore[attr-defined]
    liftings = list(rows.select_related("decision", "label").order_by("pk"))
    for lifting in liftings:
        withdraw_proposal(decision=lifting.decision, at=at)
    return liftings
