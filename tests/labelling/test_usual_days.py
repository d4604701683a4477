"""The usual delay of a département: what nine files in ten needed, over the last year."""

from datetime import timedelta

import pytest

from labelling.choices import ApplicationState
from labelling.models import Application
from labelling.services.clocks import usual_days
from territories.choices import AuthorityKind, DecisionKind, Subject
from territories.services.decisions import propose_decision, sign_decision
from tests import factories as make


@pytest.fixture
def refused(db):
    """A function that refuses a file so many days after its receipt, twenty days ago."""
    signatories = [make.mandate(AuthorityKind.ARS, signs=True), make.mandate(AuthorityKind.PREFECTURE, signs=True)]
    at = make.NOW - timedelta(days=20)

    def made(days):
        file = make.application(state=ApplicationState.UNDER_REVIEW, submitted_at=at - timedelta(days=days))
        decision = propose_decision(
            kind=DecisionKind.LABEL_REFUSED,
            subject_type=Subject.APPLICATION,
            subject_id=file.pk,
            departement=file.departement,
            title="essai",
            content={"title": "essai"},
            mandate=None,
            at=at,
        )
        Application.objects.filter(pk=file.pk).update(state=ApplicationState.AWAITING_SIGNATURES, decision=decision)
        for mandate in signatories:
            sign_decision(decision=decision, mandate=mandate, content_hash=decision.content_hash, at=at)

    return made


def test_it_is_what_nine_files_in_ten_needed(refused, settings):
    place = make.departement()
    for days in range(1, 10):
        refused(days)
    assert usual_days(place, at=make.NOW) is None
    refused(60)
    assert usual_days(place, at=make.NOW) == 9
    refused(61)
    assert usual_days(place, at=make.NOW) == 60
    assert usual_days(place, at=make.NOW + timedelta(days=400)) is None
    assert usual_days(make.departement("97", "Ailleurs", "R2"), at=make.NOW) is None
