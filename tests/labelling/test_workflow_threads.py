"""Every act of the rule book posted twice at the same instant: it happens once, and the second page is told."""

from francesante.lib.workflow import StaleError
from labelling.choices import ApplicationState as State
from labelling.models import Application
from labelling.workflow import TRANSITIONS
from territories.choices import Subject
from territories.models import Event
from territories.services.events import broken_link, perform
from tests import factories as make
from tests.labelling.test_workflow import EXPECTED, NOW, by_hat_on, evidence_of, file_in
from tests.plugins.committed import at_once


def once_of(outcomes):
    """The outcome that is not a stale page; there is exactly one, and the other was told."""
    stale = [outcome for outcome in outcomes if isinstance(outcome, StaleError)]
    (won,) = [outcome for outcome in outcomes if not isinstance(outcome, StaleError)]
    assert len(stale) == len(outcomes) - 1
    return won


def test_every_allowed_cell_posted_twice_at_once(committed_db):
    cells = [(action, state, hats.split()[0]) for action, rows in EXPECTED.items() for state, (_, hats) in rows.items()]
    for number, (action, state, hat) in enumerate(cells):
        structure = make.structure()
        actor = by_hat_on(structure)[hat]
        application = file_in(State(state), structure, action)
        evidence = evidence_of(action, state, application)

        def post(pk=application.pk, action=action, actor=actor, evidence=evidence):
            return perform(
                Application.objects.get(pk=pk),
                action,
                table=TRANSITIONS,
                subject_type=Subject.APPLICATION,
                actor=actor,
                at=NOW,
                version=1,
                **evidence,
            )

        event = once_of(at_once(post, post))
        assert (event.action, event.to_state) == (action, EXPECTED[action][state][0]), number
        application.refresh_from_db()
        assert (application.version, application.state) == (2, EXPECTED[action][state][0])
        assert Event.objects.about(Subject.APPLICATION, application.pk).filter(action=action).count() == 1
        assert broken_link(Subject.APPLICATION, application.pk) is None
