"""The whole matrix: every act × state × hat, against a table typed by hand; a refused cell moves nothing."""

from datetime import timedelta

import pytest
from django.db import transaction

from francesante.lib.workflow import RefusedError, StaleError, allows
from labelling.choices import ApplicationState as State
from labelling.choices import MembershipRole
from labelling.models import Application
from labelling.services.drafting import draft_content
from labelling.workflow import TRANSITIONS
from territories.choices import AuthorityKind, DecisionKind, Role, Subject
from territories.models import Event
from territories.services.decisions import propose_decision
from territories.services.events import perform
from tests import factories as make

NOW = make.NOW
HATS = ["owner", "editor", "ars", "prefecture", "caisse", "partner", "observer", "national", "system"]

LETTERS = {
    "D": State.DRAFT,
    "S": State.SUBMITTED,
    "U": State.UNDER_REVIEW,
    "A": State.AWAITING_SIGNATURES,
    "G": State.DISAGREEMENT,
    "L": State.LABELLED,
    "R": State.REFUSED,
    "B": State.ABANDONED,
    "C": State.CLOSED,
}
# Each act: what every state becomes (« = » stays, « . » is refused), and the hats that may do it.
MATRIX = """
                      D S U A G L R B C
submit                S . . . . . . . .  owner
take_up               . U . . . . . . .  ars prefecture
assign                . = = = = . . . .  ars prefecture
assess                . . = . = . . . .  ars prefecture
share                 . . = . . . . . .  ars prefecture
endorse               . . = . . . . . .  ars prefecture
propose               . . A . . . . . .  ars prefecture
take_back             . . . U . . . . .  ars prefecture
ask                   . . = . . . . . .  ars prefecture
read_request          . . = . . . . . .  owner editor
answer                . . = . . . . . .  owner
withdraw_request      . . = . . . . . .  ars prefecture
expire_request        . . = . . . . . .  system
correct               . = = . = . . . .  ars prefecture
silence               . = = = = . . . .  system
grant                 . . . L . . . . .  system
refuse                . . . R . . . . .  system
disagree              . . . G . . . . .  system
resume                . . . . U . . . .  ars prefecture
record_concertation   . . . . = . . . .  ars prefecture
confirm_concertation  . . . . = . . . .  ars prefecture
advise                . . . . = . . . .  national
propose_alone         . . . . A . . . .  ars prefecture
add_to_draft          . . = . = . . . .  ars prefecture
ask_reasons           . = = = = . . . .  owner ars prefecture
give_reasons          . = = = = . . . .  ars prefecture
receive_reasons       . = = = = . . . .  owner ars prefecture
presume_reasons       . = = = = . . . .  system
lodge_appeal          . = = = = = = . .  owner ars prefecture
answer_appeal         . = = = = = = . .  ars prefecture
propose_answer        . = = = = = = . .  ars prefecture
record_judgment       . = = = = = = = =  ars prefecture
return_answer         . = = = = = = . .  system
reject_appeal         . = = = = = = . .  system
accept_appeal         . = = = = = = . .  system
drop_appeal           . = = = = = = = =  system
reopen                . . . . . . U . .  system
restart               . = = = = . . . .  system
abandon               . B B . B . . . .  owner
rebase                . = = . = . . . .  system
close                 . C C . . . . . .  ars prefecture
"""


def expected(line):
    """``{state before: (state after, hats)}`` of a line."""
    act, *cells = line.split()
    after, hats = cells[: len(LETTERS)], " ".join(cells[len(LETTERS) :])
    return act, {
        str(before): (str(before if to == "=" else LETTERS[to]), hats)
        for before, to in zip(LETTERS.values(), after, strict=True)
        if to != "."
    }


EXPECTED = dict(map(expected, MATRIX.strip("\n").splitlines()[1:]))
# What must be true of the file besides, so that only state and hat decide.
READY = {"share": {}, "endorse": {"shared_at": 1}, "propose": {"shared_at": 1, "endorsed_at": 1}}
SIGNING_OR_LATER = {"awaiting_signatures", "labelled", "refused"}


def expected(action, state, hat):
    target, hats = EXPECTED[action].get(state, (None, ""))
    return target if hat in hats.split() else None


def test_the_table_names_every_act_and_every_state():
    assert set(EXPECTED) == set(TRANSITIONS)
    assert {state for cells in EXPECTED.values() for state in cells} <= set(State)


def evidence_of(action, state, application):
    """What a service writes with the state, without which the constraints refuse the row."""
    match action:
        case "submit":
            return {"submitted_at": NOW, "silence_date": make.date(2027, 1, 22)}
        case "propose" | "propose_alone" if expected(action, state, "ars"):
            return {"decision": signable(application)}
        case "disagree" | "reopen" | "take_back":
            return {"decision": None}
    return {}


@pytest.fixture
def actors():
    structure = make.structure()
    return structure, by_hat_on(structure)


def by_hat_on(structure):
    """One person by hat, for a structure of the département."""
    return {
        "owner": make.membership(structure),
        "editor": make.membership(structure, role=MembershipRole.EDITOR),
        "ars": make.mandate(AuthorityKind.ARS),
        "prefecture": make.mandate(AuthorityKind.PREFECTURE),
        "caisse": make.mandate(AuthorityKind.CAISSE),
        "partner": make.mandate(AuthorityKind.COLLECTIVITE, role=Role.PARTNER),
        "observer": make.mandate(AuthorityKind.ARS, role=Role.OBSERVER),
        "national": make.mandate(AuthorityKind.NATIONAL),
        "system": None,
    }


def file_in(state, structure, action):
    fields = {name: NOW - timedelta(days=1) for name in READY.get(action, {})}
    application = make.application(structure, **fields)
    if state in SIGNING_OR_LATER:
        fields["decision"] = propose_decision(
            kind=DecisionKind.LABEL_GRANTED,
            subject_type=Subject.APPLICATION,
            subject_id=application.pk,
            departement=application.departement,
            title="essai",
            content={"title": "essai"},
            mandate=None,
            at=NOW,
        )
    if state != "draft":
        fields |= {"submitted_at": NOW - timedelta(days=3), "silence_date": make.date(2027, 1, 19)}
    Application.objects.filter(pk=application.pk).update(**{"state": state, **fields})
    application.refresh_from_db()
    return application


@pytest.mark.django_db
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("action", list(EXPECTED))
def test_every_cell(action, state, actors):
    structure, by_hat = actors
    application = file_in(state, structure, action)
    evidence = evidence_of(action, state, application)
    before = Application.objects.values().get(pk=application.pk)
    chain = Event.objects.about(Subject.APPLICATION, application.pk)
    for hat in HATS:
        target = expected(action, state, hat)
        assert allows(TRANSITIONS, action, state=state, hat=hat, row=application) == (target is not None), hat
        act = {"table": TRANSITIONS, "subject_type": Subject.APPLICATION, "actor": by_hat[hat], "at": NOW, "version": 1}
        if target is None:
            with pytest.raises(RefusedError, match=r"\w"):
                perform(application, action, **act, **evidence)
            assert Application.objects.values().get(pk=application.pk) == before
            assert not chain.exists()
            continue
        with pytest.raises(StaleError):
            perform(application, action, **{**act, "version": 2}, **evidence)
        assert Application.objects.values().get(pk=application.pk) == before
        with transaction.atomic():
            event = perform(application, action, **act, **evidence)
            assert (application.state, application.version) == (target, 2)
            assert (event.from_state, event.to_state, event.action) == (state, target, action)
            assert (event.actor_type, event.actor_id) == (by_hat[hat].actor if by_hat[hat] else ("system", None))
            transaction.set_rollback(True)
        application.refresh_from_db()


def signable(application):
    return propose_decision(
        kind=DecisionKind.LABEL_GRANTED,
        subject_type=Subject.APPLICATION,
        subject_id=application.pk,
        departement=application.departement,
        title="essai",
        content=draft_content(application, DecisionKind.LABEL_GRANTED, []),
        mandate=None,
        at=NOW,
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("action", "fields", "sentence"),
    [
        ("share", {"shared_at": NOW}, "déjà partagée"),
        ("endorse", {}, "n’est pas encore partagée"),
        ("propose", {}, "n’est pas encore partagée"),
        ("propose", {"shared_at": NOW}, "n’a pas encore pris position"),
    ],
)
def test_guards(action, fields, sentence, actors):
    structure, by_hat = actors
    application = make.application(structure, state=State.UNDER_REVIEW, **fields)
    with pytest.raises(RefusedError, match=sentence):
        perform(
            application,
            action,
            table=TRANSITIONS,
            subject_type=Subject.APPLICATION,
            actor=by_hat["ars"],
            at=NOW,
            version=1,
        )
    assert not Event.objects.about(Subject.APPLICATION, application.pk).exists()
