"""A label as the last signature makes it, notified, for the tests of what a label is and becomes."""

from labelling.choices import ApplicationState
from labelling.models import AdversarialProcedure, Application, Ending, EndingGround, Label, Lifting, Suspension
from labelling.services import acts
from labelling.services.drafting import draft_content
from labelling.services.reviews import sheet
from territories.choices import AuthorityKind, Capacity, DecisionKind, DecisionState, Subject
from territories.models import Decision, Notification, Signature
from territories.services.decisions import propose_decision, sign_decision
from tests import factories as make


def make_label(structure=None, *, at=make.NOW, owner=None, **fields):
    """A label granted at ``at`` by both authorities and read by the owner of its structure at once."""
    of = structure or make.structure()
    make.authority(AuthorityKind.ARS), make.authority(AuthorityKind.PREFECTURE)
    application = make.application(of, state=ApplicationState.UNDER_REVIEW, **fields)
    decision = propose_decision(
        kind=DecisionKind.LABEL_GRANTED,
        subject_type=Subject.APPLICATION,
        subject_id=application.pk,
        departement=application.departement,
        title="essai",
        content=draft_content(application, DecisionKind.LABEL_GRANTED, sheet(application), on=at.date()),
        mandate=None,
        at=at,
    )
    Application.objects.filter(pk=application.pk).update(state=ApplicationState.AWAITING_SIGNATURES, decision=decision)
    for kind in (AuthorityKind.ARS, AuthorityKind.PREFECTURE):
        mandate = make.mandate(kind, signs=True)
        sign_decision(decision=decision, mandate=mandate, content_hash=decision.content_hash, at=at)
    application.refresh_from_db()
    acts.read_decision(application=application, membership=owner or make.membership(of), at=at)
    return Label.objects.select_related(
        "structure__commune", "departement", "decision", "application__specification"
    ).get(application=application)


def withdraw(*labels, at=make.NOW):
    """Withdraw labels, all of them by default, leaving the rows that the signed and notified act would have left."""
    for label in labels or Label.objects.all():
        decision = signed_act(label, DecisionKind.LABEL_WITHDRAWN, at=at)
        ground = EndingGround.objects.get(code="fraude")
        procedure = AdversarialProcedure.objects.create(
            label=label,
            ground=ground,
            facts="essai",
            letter="essai",
            deadline=at.date(),
            opened_at=at,
            opened_by=decision.signatures.get().mandate,
            closed_at=at,
        )
        Ending.objects.create(
            label=label,
            ground=ground,
            procedure=procedure,
            decision=decision,
            signed_date=at.date(),
            applied_at=at,
            was_valid=label.valid,
        )
        Label.objects.filter(pk=label.pk).update(withdrawn_at=at)


def suspend(label, *, since, at=make.NOW):
    """Suspend a label from a day, leaving the rows that the signed and notified act would have left."""
    ground = EndingGround.objects.create(
        code="essai",
        position=99,
        title="essai",
        act="suspend",
        adversarial=False,
        source="arrêté d’essai",
        articles="son article 1er",
        reason="qu’il en est ainsi",
        help_text="essai",
        valid=make.ALWAYS,
    )
    return Suspension.objects.create(
        label=label,
        ground=ground,
        decision=signed_act(label, DecisionKind.LABEL_SUSPENDED, at=at),
        effect_date=since,
        review_date=since,
        expected="essai",
        signed_date=at.date(),
        applied_at=at,
        period=make.DateRange(since, None),
    )


def lift(suspension, *, back, at=make.NOW):
    """Lift a suspension, whose last day is the eve of ``back``, leaving the rows that the act would have left."""
    decision = signed_act(suspension.label, DecisionKind.LABEL_REINSTATED, at=at)
    Lifting.objects.create(
        label=suspension.label,
        suspension=suspension,
        decision=decision,
        effect_date=back,
        signed_date=at.date(),
        applied_at=at,
        was_period=suspension.period,
    )
    Suspension.objects.filter(pk=suspension.pk).update(period=make.DateRange(suspension.period.lower, back))


def signed_act(label, kind, *, at=make.NOW):
    """A decision on a label that is signed by all who must, here the ARS alone, and notified; without its effect."""
    decision = propose_decision(
        kind=kind,
        subject_type=Subject.LABEL,
        subject_id=label.pk,
        departement=label.departement,
        title="essai",
        content={"n": Decision.objects.count()},
        mandate=None,
        at=at,
        required=[Capacity.ARS],
    )
    mandate = make.mandate(AuthorityKind.ARS, on=label.departement, signs=True)
    Signature.objects.create(
        decision=decision,
        capacity=Capacity.ARS,
        user=mandate.user,
        mandate=mandate,
        content_hash=decision.content_hash,
        signatory_name="essai",
        signatory_title="essai",
        signed_at=at,
    )
    Decision.objects.filter(pk=decision.pk).update(state=DecisionState.SIGNED, signed_at=at)
    Notification.objects.create(decision=decision, recipient=None, channel="letter", sent_at=at, notified_at=at)
    decision.refresh_from_db()
    return decision
