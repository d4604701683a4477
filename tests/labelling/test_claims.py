"""Being recognised for a structure: by a code, by an agent, by its owner."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from francesante.lib.workflow import RefusedError
from labelling.choices import ClaimState, MembershipRole, Register, StructureKind
from labelling.models import Claim, Membership, Site, Structure
from labelling.services.access import (
    cancel_editor_invitation,
    end_access,
    give_promised_access,
    hand_over,
    invite_editor,
    pending_invitations,
    promised_access,
)
from labelling.services.claims import (
    confirm_by_code,
    masked_email,
    settle_claim,
    start_claim,
    structure_of,
    usual_wait,
    waiting_claims,
)
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, Role, Subject
from territories.models import Event, Invitation
from territories.services.accounts import accept_invitation
from tests import factories
from tests.factories import NOW
from tests.plugins.committed import at_once


@pytest.fixture
def line(db):
    return factories.register_line()


@pytest.fixture
def person(db):
    return factories.user()


def wrong(code):
    return f"{(int(code) + 1) % 10**6:06}"


def events(subject, pk):
    return [row.action for row in Event.objects.about(subject, pk)]


def test_the_right_code_makes_an_owner_and_the_structure_of_the_line(line, person):
    claim, code = start_claim(user=person, line=line, at=NOW)
    assert len(code) == 6
    assert code not in claim.code_hash
    membership = confirm_by_code(
        claim=claim, user=person, code=f"{code[:3]} {code[3:]}", at=NOW + timedelta(minutes=14)
    )
    structure = membership.structure
    assert (membership.role, structure.finess, structure.kind, structure.email) == (
        MembershipRole.OWNER,
        line.number,
        StructureKind.MSP,
        line.email,
    )
    assert Site.objects.get(structure=structure, is_main=True).latitude == line.latitude
    claim.refresh_from_db()
    assert claim.state == ClaimState.CONFIRMED
    assert events(Subject.CLAIM, claim.pk) == ["send_code", "confirm"]
    assert events(Subject.STRUCTURE, structure.pk) == ["create", "give_access"]


def test_five_wrong_codes_exhaust_it_even_the_right_one(line, person):
    claim, code = start_claim(user=person, line=line, at=NOW)
    for left in (4, 3, 2, 1):
        with pytest.raises(RefusedError, match=f"Il vous reste {left} essai"):
            confirm_by_code(claim=claim, user=person, code=wrong(code), at=NOW)
    for attempt in (wrong(code), code):
        with pytest.raises(RefusedError, match="Cinq codes faux"):
            confirm_by_code(claim=claim, user=person, code=attempt, at=NOW)
    assert not Membership.objects.exists()
    assert not Structure.objects.exists()


def test_a_code_expires_after_fifteen_minutes(line, person):
    claim, code = start_claim(user=person, line=line, at=NOW)
    with pytest.raises(RefusedError, match="a expiré"):
        confirm_by_code(claim=claim, user=person, code=code, at=NOW + timedelta(minutes=15))
    claim, code = start_claim(user=person, line=line, at=NOW + timedelta(minutes=16))
    assert confirm_by_code(claim=claim, user=person, code=code, at=NOW + timedelta(minutes=17))


def test_a_new_code_ends_the_former_one(line, person):
    first, code = start_claim(user=person, line=line, at=NOW)
    start_claim(user=person, line=line, at=NOW)
    with pytest.raises(RefusedError, match="n’attend plus de code"):
        confirm_by_code(claim=first, user=person, code=code, at=NOW)


def test_a_code_is_of_one_person(line, person):
    claim, code = start_claim(user=person, line=line, at=NOW)
    with pytest.raises(RefusedError, match="n’attend plus de code"):
        confirm_by_code(claim=claim, user=factories.user(), code=code, at=NOW)


def test_five_codes_a_day(line, person):
    for _ in range(5):
        start_claim(user=person, line=line, at=NOW)
    with pytest.raises(RefusedError, match="24 heures"):
        start_claim(user=person, line=line, at=NOW)
    start_claim(user=person, line=line, at=NOW + timedelta(days=1, minutes=1))


@pytest.mark.parametrize(("email", "without"), [("", False), ("a@structure.invalid", True)])
def test_without_address_or_access_to_it_an_agent_confirms(person, email, without):
    line = factories.register_line(email=email)
    claim, code = start_claim(user=person, line=line, without_code=without, at=NOW)
    assert (code, claim.state) == ("", ClaimState.WAITING_AGENT)
    with pytest.raises(RefusedError, match="attend déjà"):
        start_claim(user=person, line=line, at=NOW)
    agent = factories.mandate()
    assert list(waiting_claims(agent)) == [claim]
    membership = settle_claim(claim=claim, by=agent, accept=True, checked="call", at=NOW)
    assert membership.role == MembershipRole.OWNER
    claim.refresh_from_db()
    assert (claim.state, claim.settled_by) == (ClaimState.CONFIRMED, agent)
    assert events(Subject.CLAIM, claim.pk) == ["ask", "confirm"]
    with pytest.raises(RefusedError, match="vient d’être réglée"):
        settle_claim(claim=claim, by=agent, accept=False, reason="unreached", at=NOW)


def test_a_rejection_opens_nothing(person, line):
    claim, _ = start_claim(user=person, line=line, without_code=True, at=NOW)
    assert (
        settle_claim(
            claim=claim, by=factories.mandate(AuthorityKind.PREFECTURE), accept=False, reason="unreached", at=NOW
        )
        is None
    )
    claim.refresh_from_db()
    assert claim.state == ClaimState.REJECTED
    assert not Membership.objects.exists()


def test_an_agent_says_how_they_verified_and_a_rejection_says_why(person, line):
    agent = factories.mandate()
    claim, _ = start_claim(user=person, line=line, without_code=True, at=NOW)
    for accept, said, sentence in [
        (True, {}, "Dites comment"),
        (True, {"checked": "x"}, "Dites comment"),
        (False, {"checked": "call"}, "motif du rejet"),
    ]:
        with pytest.raises(RefusedError, match=sentence):
            settle_claim(claim=claim, by=agent, accept=accept, at=NOW, **said)
        assert events(Subject.CLAIM, claim.pk) == ["ask"]
    settle_claim(claim=claim, by=agent, accept=False, reason="unknown", at=NOW)
    deliver_mail()
    told = next(sent for sent in mail.outbox if sent.to == [person.email])
    assert "la structure ne confirme pas que vous agissez pour elle" in told.body
    again, _ = start_claim(user=person, line=line, without_code=True, at=NOW)
    settle_claim(claim=again, by=agent, accept=True, checked="document", at=NOW)
    assert [
        {key: event.data[key] for key in ("checked", "reason") if key in event.data}
        for event in Event.objects.filter(subject_type=Subject.CLAIM, action__in=["reject", "confirm"]).order_by("pk")
    ] == [{"reason": "unknown"}, {"checked": "document"}]


def test_the_usual_wait_is_told_once_enough_claims_were_settled(line, settings):
    settings.USUAL_DAYS_MIN_FILES = 3
    agent, here = factories.mandate(), line.commune.departement
    for days in (1, 2, 6):
        assert usual_wait(here, at=NOW) is None
        claim, _ = start_claim(user=factories.user(), line=line, without_code=True, at=NOW - timedelta(days=days))
        settle_claim(claim=claim, by=agent, accept=False, reason="unreached", at=NOW)
    assert usual_wait(here, at=NOW) == 7
    assert usual_wait(here, at=NOW + timedelta(days=366)) is None
    assert usual_wait(factories.departement("97", "Ailleurs", region="R2"), at=NOW) is None


def test_who_may_settle(person, line):
    claim, _ = start_claim(user=person, line=line, without_code=True, at=NOW)
    elsewhere = factories.mandate(AuthorityKind.PREFECTURE, on=factories.departement("97", "Ailleurs", region="R2"))
    observer = factories.mandate(role=Role.OBSERVER)
    national = factories.mandate(AuthorityKind.NATIONAL)
    for mandate in (elsewhere, observer, national):
        assert not waiting_claims(mandate).exists()
        with pytest.raises(RefusedError):
            settle_claim(claim=claim, by=mandate, accept=True, checked="call", at=NOW)
    assert not Membership.objects.exists()


def test_a_structure_with_an_owner_is_joined_by_confirmation(line, person):
    structure = factories.structure(line)
    owner = factories.membership(structure)
    claim, code = start_claim(user=person, line=line, at=NOW)
    assert (code, claim.state) == ("", ClaimState.WAITING_AGENT)
    editor = factories.membership(structure, role=MembershipRole.EDITOR)
    with pytest.raises(RefusedError, match="Le responsable"):
        settle_claim(claim=claim, by=editor, accept=True, at=NOW)
    stranger = factories.membership()
    with pytest.raises(RefusedError, match="Le responsable"):
        settle_claim(claim=claim, by=stranger, accept=True, at=NOW)
    assert settle_claim(claim=claim, by=owner, accept=True, at=NOW).role == MembershipRole.EDITOR
    with pytest.raises(RefusedError, match="déjà accès"):
        start_claim(user=person, line=line, at=NOW)


def test_two_people_claim_at_once_and_one_becomes_the_owner(committed_db_claims):
    claims, codes, people = committed_db_claims
    outcomes = at_once(
        *(lambda n=n: confirm_by_code(claim=claims[n], user=people[n], code=codes[n], at=NOW) for n in range(2))
    )
    assert sum(isinstance(one, Membership) for one in outcomes) == 1
    refused = next(one for one in outcomes if not isinstance(one, Membership))
    assert isinstance(refused, RefusedError)
    assert "attend sa" in str(refused)
    assert Structure.objects.count() == 1
    assert Membership.objects.filter(role=MembershipRole.OWNER).count() == 1
    assert Claim.objects.filter(state=ClaimState.WAITING_AGENT).count() == 1


@pytest.fixture
def committed_db_claims(committed_db):
    line = factories.register_line()
    people = [factories.user(), factories.user()]
    begun = [start_claim(user=person, line=line, at=NOW) for person in people]
    return [claim for claim, _ in begun], [code for _, code in begun], people


def test_a_line_without_finess_nor_point(db):
    line = factories.register_line(register=Register.LIST, number="ARS-7", kind="", latitude=None, longitude=None)
    structure = structure_of(line, at=NOW)
    assert (structure.finess, structure.kind) == (None, StructureKind.OTHER)
    assert structure.sites.get().latitude == line.commune.latitude
    assert structure_of(line, at=NOW) == structure


def test_an_address_is_masked():
    assert masked_email("accueil@structure.invalid") == "a•••@structure.invalid"


# Accesses --------------------------------------------------------------------------------------------------------


def test_an_owner_invites_an_editor_who_gets_access_once(db):
    owner = factories.membership()
    guest = factories.user("guest@exemple.invalid")
    invited = invite_editor(membership=owner, email=" Guest@exemple.invalid ", at=NOW)
    assert promised_access(guest) == []
    accept_invitation(token=invited.token, at=NOW, user=guest)
    given = Membership.objects.get(user=guest)
    assert (given.role, given.structure) == (MembershipRole.EDITOR, owner.structure)
    assert give_promised_access(user=guest, at=NOW) == []
    end_access(membership=owner, of=given, at=NOW)
    assert give_promised_access(user=guest, at=NOW) == []
    assert events(Subject.STRUCTURE, owner.structure_id) == ["invite", "give_access", "end_access"]


def test_an_address_invited_again_gets_a_new_link_whoever_sent_the_former_one(db):
    owner = factories.membership()
    guest = factories.user("guest@exemple.invalid")
    first = invite_editor(membership=owner, email=guest.email, at=NOW)
    handed = factories.membership(owner.structure, role=MembershipRole.EDITOR)
    hand_over(membership=owner, to=handed, at=NOW)
    handed.refresh_from_db()
    second = invite_editor(membership=handed, email=guest.email, at=NOW)
    assert (first.renewed, second.renewed) == (False, True)
    assert list(pending_invitations(owner.structure, at=NOW)) == [second.invitation]
    assert not pending_invitations(owner.structure, at=second.invitation.expires_at).exists()
    with pytest.raises(RefusedError, match="a expiré"):
        accept_invitation(token=first.token, at=NOW, user=guest)
    assert events(Subject.STRUCTURE, owner.structure_id) == ["invite", "hand_over", "renew_invitation"]


def test_a_cancelled_invitation_opens_nothing(db):
    owner = factories.membership()
    editor = factories.membership(owner.structure, role=MembershipRole.EDITOR)
    guest = factories.user("guest@exemple.invalid")
    invited = invite_editor(membership=owner, email=guest.email, at=NOW)
    for other, said in ((editor, "Seul le responsable"), (factories.membership(), "pas celle de votre structure")):
        with pytest.raises(RefusedError, match=said):
            cancel_editor_invitation(membership=other, invitation=invited.invitation, at=NOW)
    assert pending_invitations(owner.structure, at=NOW).exists()
    cancel_editor_invitation(membership=owner, invitation=invited.invitation, at=NOW)
    assert not pending_invitations(owner.structure, at=NOW).exists()
    with pytest.raises(RefusedError, match="déjà annulée"):
        cancel_editor_invitation(membership=owner, invitation=invited.invitation, at=NOW)
    with pytest.raises(RefusedError, match="a été annulée"):
        accept_invitation(token=invited.token, at=NOW, user=guest)
    assert promised_access(guest) == []
    assert events(Subject.STRUCTURE, owner.structure_id) == ["invite", "cancel_invitation"]


def test_an_invitation_that_served_is_not_cancelled(db):
    owner = factories.membership()
    guest = factories.user("guest@exemple.invalid")
    invited = invite_editor(membership=owner, email=guest.email, at=NOW)
    accept_invitation(token=invited.token, at=NOW, user=guest)
    with pytest.raises(RefusedError, match="vient d’être acceptée"):
        cancel_editor_invitation(membership=owner, invitation=invited.invitation, at=NOW)
    with pytest.raises(IntegrityError, match="invitation_accepted_or_cancelled"), transaction.atomic():
        Invitation.objects.update(cancelled_at=NOW)
    assert events(Subject.STRUCTURE, owner.structure_id) == ["invite", "give_access"]


def test_an_invitation_is_cancelled_or_accepted_never_both(committed_db):
    owner = factories.membership()
    guest = factories.user("guest@exemple.invalid")
    invited = invite_editor(membership=owner, email=guest.email, at=NOW)
    outcomes = at_once(
        lambda: cancel_editor_invitation(membership=owner, invitation=invited.invitation, at=NOW),
        lambda: accept_invitation(token=invited.token, at=NOW, user=guest),
    )
    assert sum(isinstance(outcome, RefusedError) for outcome in outcomes) == 1
    row = Invitation.objects.get()
    assert (row.cancelled_at is None) != (row.accepted_at is None)


def test_who_may_change_accesses(db):
    owner = factories.membership()
    editor = factories.membership(owner.structure, role=MembershipRole.EDITOR)
    stranger = factories.membership()
    with pytest.raises(RefusedError, match="Seul le responsable"):
        invite_editor(membership=editor, email="x@exemple.invalid", at=NOW)
    with pytest.raises(RefusedError, match="déjà accès"):
        invite_editor(membership=owner, email=editor.user.email, at=NOW)
    with pytest.raises(RefusedError, match="votre propre accès"):
        end_access(membership=owner, of=owner, at=NOW)
    with pytest.raises(RefusedError, match="déjà terminé"):
        end_access(membership=owner, of=stranger, at=NOW)
    with pytest.raises(RefusedError, match="Seul le responsable"):
        end_access(membership=editor, of=owner, at=NOW)
