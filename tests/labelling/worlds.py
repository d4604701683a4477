"""A label as the last signature makes it, notified, for the tests of what a label is and becomes."""

from labelling.choices import ApplicationState
from labelling.models import Application, Label
from labelling.services import acts
from labelling.services.drafting import draft_content
from labelling.services.reviews import sheet
from territories.choices import AuthorityKind, DecisionKind, Subject
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
