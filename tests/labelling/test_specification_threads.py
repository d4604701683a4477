"""Two people of the national team on one draft, and two workers on one pending file, at the same instant."""

from labelling.choices import ApplicationState as State
from labelling.choices import CriterionKind, Rule
from labelling.models import Application, Specification
from labelling.services import specifications as service
from labelling.services.transitions import apply_clauses
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from territories.services.events import broken_link
from tests import factories as make
from tests.plugins.committed import at_once

NOW = make.NOW
CRITERION = {
    "kind": CriterionKind.CRITERION,
    "title": "Accueil",
    "text": "Une personne accueille le public.",
    "legal_source": "essai",
    "rule": Rule.PERSON,
    "parameters": {},
}


def by(team, draft, revision):
    return {"specification": draft, "mandate": team, "revision": revision, "at": NOW}


def outcomes(*calls):
    return sorted(type(outcome).__name__ for outcome in at_once(*calls))


def test_two_people_open_a_draft_at_once(committed_db):
    team = make.mandate(AuthorityKind.NATIONAL)
    found = outcomes(*[lambda: service.prepare_version(mandate=team, at=NOW)] * 4)
    assert found == ["RefusedError", "RefusedError", "RefusedError", "Specification"]
    assert Specification.objects.count() == 2


def test_two_editors_write_at_once(committed_db):
    team = make.mandate(AuthorityKind.NATIONAL)
    draft = service.prepare_version(mandate=team, at=NOW)

    def adding(code):
        return lambda: service.save_criterion(code="", fields={**CRITERION, "code": code}, **by(team, draft, 1))

    assert outcomes(adding("premier"), adding("second")) == ["Criterion", "StaleError"]
    assert draft.criteria.count() == 8


def test_two_workers_move_each_pending_file_once(committed_db):
    team = make.mandate(AuthorityKind.NATIONAL)
    files = [make.application(state=State.SUBMITTED).pk for _ in range(6)]
    draft = service.prepare_version(mandate=team, at=NOW)
    Specification.objects.filter(pk=draft.pk).update(
        title="Suite", applies_to_pending=True, transitional_clause="Les dossiers en cours suivent."
    )
    published = service.publish_version(**by(team, draft, 1))
    moved = at_once(*[lambda: apply_clauses(at=NOW)] * 3)
    assert sum(moved) == 6
    assert Application.objects.filter(specification=published).count() == 6
    for pk in files:
        assert Event.objects.about(Subject.APPLICATION, pk).filter(action="rebase").count() == 1
        assert broken_link(Subject.APPLICATION, pk) is None
