"""The accelerated route: invited by an agent, confirmed in one page, held for met in one act, endorsed and signed."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import (
    ApplicationState,
    Finding,
    Interest,
    InvitationAddress,
    MembershipRole,
    Register,
    Route,
    Verdict,
)
from labelling.models import (
    Application,
    Dismissal,
    InterestDeclaration,
    Membership,
    ProspectInvitation,
    RegisterLine,
    Structure,
)
from labelling.rules.answers import parse
from labelling.services.accelerated import hold_all_met
from labelling.services.applications import discard_draft, latest_specification, start_application
from labelling.services.decisions import propose_label
from labelling.services.interests import STANDS_ASIDE
from labelling.services.invitations import (
    confirm_invited,
    due_reminders,
    end_expired,
    invitation_of,
    invite_structure,
    invited_within,
    remind_invited,
)
from labelling.services.prospects import lines_within, to_invite
from labelling.services.reviews import assess, endorse, sheet
from labelling.tasks import follow_invitations
from territories.choices import AuthorityKind, Capacity, Role, Subject
from territories.models import Event, Invitation
from tests import factories as make
from tests.plugins.committed import at_once

NOW = make.NOW
HOURS = {day: [["08:30", "12:30"], ["14:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
ANSWERS = {
    "identity": {"exact": True, "correction": ""},
    "contact": {"name": "Dr Flore Maquette", "role": "", "phone": "", "email": "flore@structure.invalid"},
    "hours": HOURS,
    "team": [
        {"profession": "doctor", "sector": "1", "half_days": [0, 1, 2, 3, 4, 5, 6, 7], "on_site": True},
        {"profession": "nurse", "half_days": [0, 2], "on_site": True},
    ],
    "fees": {"overrun": False, "third_party": True, "sector": "", "details": ""},
    "on_call": {"pdsa": None, "sas": True, "details": ""},
    "commitments": {"appointment_48h": True, "support": True},
}


@pytest.fixture
def agent(db):
    return make.mandate(AuthorityKind.ARS)


@pytest.fixture
def line(agent):
    return make.register_line()


def invited(line, agent, **options):
    return invite_structure(**{"line": line, "mandate": agent, "email": line.email, "at": NOW, **options})


def accepted(sending):
    """The person of an invitation, come by their link, with the access it promised."""
    person = make.user(sending.to[0])
    Invitation.objects.filter(pk=sending.invitation.link_id).update(accepted_at=NOW)
    return make.membership(sending.invitation.application.structure, person)


def confirmed(sending, **options):
    application = Application.objects.get(pk=sending.invitation.application_id)
    values = {
        "application": application,
        "membership": accepted(sending),
        "answers": ANSWERS,
        "specification": latest_specification(),
        "consent": True,
        "version": application.version,
        "at": NOW + timedelta(days=2),
    }
    return confirm_invited(**{**values, **options})


# Inviting --------------------------------------------------------------------------------------------------------


def test_an_invitation_opens_a_draft_prefilled_from_the_registers(line, agent):
    make.register_line(
        register=Register.AMELI, number=line.number, kind="", facts={"sector": "1", "sas": True, "doctors": 2}
    )
    sending = invited(line, agent)
    row, application = sending.invitation, sending.invitation.application
    assert (application.route, application.state, application.created_by) == (
        Route.ACCELERATED,
        ApplicationState.DRAFT,
        agent.user,
    )
    assert application.structure.register_line == line
    answers = parse(application.answers)
    assert (answers.fees.sector, answers.on_call.sas, answers.contact.name) == ("1", True, "")
    assert (row.address, row.email, row.expires_at) == (
        InvitationAddress.REGISTER,
        line.email,
        NOW + timedelta(days=30),
    )
    assert (row.link.email, row.link.expires_at) == (line.email, NOW + timedelta(days=30))
    assert (sending.to, bool(sending.token)) == ((line.email,), True)
    chain = Event.objects.about(Subject.APPLICATION, application.pk)
    assert [(event.action, event.actor_id) for event in chain] == [("start", agent.pk), ("invite", agent.pk)]


def test_an_address_that_an_agent_types_is_marked(line, agent):
    row = invited(line, agent, email=" Autre@Structure.invalid ").invitation
    assert (row.address, row.email) == (InvitationAddress.TYPED, "autre@structure.invalid")


def test_somebody_who_answers_for_the_structure_is_told_and_nobody_else_is_promised_anything(line, agent):
    owner = make.membership(make.structure(line))
    sending = invited(line, agent, email="intrus@structure.invalid")
    assert (sending.to, sending.token) == ((owner.user.email,), "")
    assert (sending.invitation.address, sending.invitation.link) == (InvitationAddress.OWNER, None)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (
            lambda line, agent: RegisterLine.objects.filter(pk=line.pk).update(closed_on="2026-10-01"),
            "est fermée depuis",
        ),
        (lambda line, agent: make.application(make.structure(line)), "n’est plus à inviter"),
        (
            lambda line, agent: Dismissal.objects.create(line=line, reason="gone", mandate=agent, dismissed_at=NOW),
            "n’est plus à inviter",
        ),
        (invited, "n’est plus à inviter"),
    ],
)
def test_who_is_not_invited(line, agent, prepare, words):
    prepare(line, agent)
    before = Application.objects.count()
    with pytest.raises(RefusedError, match=words):
        invited(line, agent)
    assert Application.objects.count() == before


def test_an_invitation_needs_an_address(line, agent):
    with pytest.raises(RefusedError, match="Indiquez l’adresse"):
        invited(line, agent, email=" ")
    assert not Application.objects.exists()


def test_who_may_not_invite(line, agent):
    elsewhere = make.mandate(AuthorityKind.PREFECTURE, on=make.departement("97", "Valfictie", region="R2"))
    for mandate, words in (
        (make.mandate(AuthorityKind.CAISSE, role=Role.OBSERVER), "ne permet pas d’inviter"),
        (make.mandate(AuthorityKind.NATIONAL), "ne permet pas d’inviter"),
        (elsewhere, "pas dans votre territoire"),
    ):
        with pytest.raises(RefusedError, match=words):
            invited(line, mandate)
    assert not Structure.objects.exists()
    assert not Invitation.objects.exists()


def test_who_stands_aside_does_not_invite(line, agent):
    structure = make.structure(line)
    InterestDeclaration.objects.create(
        user=agent.user, structure=structure, interest=Interest.RECUSED, mandate=agent, declared_at=NOW
    )
    with pytest.raises(RefusedError, match=STANDS_ASIDE[:20]):
        invited(line, agent)
    assert not Application.objects.exists()


def test_two_agents_at_once_invite_once(committed_db):
    line, first = make.register_line(), make.mandate(AuthorityKind.ARS)
    second = make.mandate(AuthorityKind.PREFECTURE)
    outcomes = at_once(lambda: invited(line, first), lambda: invited(line, second))
    assert sorted(isinstance(one, RefusedError) for one in outcomes) == [False, True]
    assert Application.objects.count() == ProspectInvitation.objects.count() == 1


def test_agents_see_the_invitation_never_the_draft(client, line, agent):
    application = invited(line, agent).invitation.application
    client.force_login(agent.user)
    assert client.get(application.get_absolute_url()).status_code == 404
    assert client.get(reverse("application-confirm", args=[application.number])).status_code == 404
    listed = client.get(reverse("prospects"), {"vue": "invites"})
    assert "Invité" in listed.text
    assert "La structure a jusqu’au 22\u00a0décembre\u00a02026 pour confirmer." in listed.text
    assert application.number not in listed.text


def test_the_database_keeps_one_open_invitation_with_its_address(line, agent):
    row = invited(line, agent).invitation
    with pytest.raises(IntegrityError, match="prospect_invitation_has_address"), transaction.atomic():
        ProspectInvitation.objects.filter(pk=row.pk).update(email="")
    with pytest.raises(IntegrityError, match="prospect_invitation_expires_after"), transaction.atomic():
        ProspectInvitation.objects.filter(pk=row.pk).update(expires_at=NOW)
    other = make.application(make.structure(), route=Route.ACCELERATED)
    with pytest.raises(IntegrityError, match="prospect_invitation_one_open"), transaction.atomic():
        ProspectInvitation.objects.create(
            line=line,
            application=other,
            mandate=agent,
            address="owner",
            invited_at=NOW,
            expires_at=NOW + timedelta(days=1),
        )


# The page of a place, the mail, the link -------------------------------------------------------------------------


def test_from_the_agent_s_page_to_the_file_handed_in(client, agent):
    line = make.register_line()
    make.register_line(register=Register.AMELI, number=line.number, kind="", facts={"sector": "1"})
    client.force_login(agent.user)
    address = reverse("prospect", args=[line.pk])
    assert client.post(address, {"act": "invite", "to": "other", "mandate": agent.pk}).status_code == 422
    client.post(address, {"act": "invite", "to": "register", "mandate": agent.pk})
    assert "Relancer" in client.get(address).text
    message = mail.outbox[-1]
    assert message.to == [line.email]
    assert "une seule page, déjà remplie" in message.body
    link = re.search(r"/candidater/invitation/\S+", message.body)[0]

    client.logout()
    page = client.get(link)
    assert page.status_code == 200
    person = {"civility": "Mme", "first_name": "Flore", "last_name": "Maquette"}
    password = "un-mot-de-passe-inventé-et-long"
    client.post(link, {**person, "password": password, "password_again": password})
    welcome = client.get(reverse("structure-welcome"))
    application = Application.objects.get()
    assert welcome.url == reverse("application-confirm", args=[application.number])
    membership = Membership.objects.get()
    assert (membership.role, membership.user.email) == (MembershipRole.OWNER, line.email)
    assert client.get(link).status_code == 410

    short = client.get(welcome.url)
    assert "Confirmer ma labellisation" in short.text
    assert "Flore Maquette" in short.text
    assert "Confirmer ma labellisation" in client.get(application.get_absolute_url()).text
    empty = client.post(welcome.url, {"version": application.version})
    assert empty.status_code == 422
    assert "Dites si les informations du registre sont exactes." in empty.text
    typed = {"act": "add-team", "team_count": "2", "m0_profession": "doctor", "m0_name": "Dr Essai", "mon_closed": "on"}
    added = client.post(welcome.url, {**typed, "version": application.version})
    assert added.text.count("Retirer cette ligne") == 3
    assert "Dr Essai" in added.text
    assert "Dites si les informations" not in added.text
    application.refresh_from_db()
    assert application.state == ApplicationState.DRAFT

    done = client.post(welcome.url, posted(application))
    assert done.url == application.get_absolute_url()
    application.refresh_from_db()
    assert (application.state, application.route, application.notification_consent) == (
        ApplicationState.SUBMITTED,
        Route.ACCELERATED,
        True,
    )
    assert client.get(welcome.url).status_code == 302
    assert not invited_within(RegisterLine.objects.all()).exists()


def posted(application):
    fields = {
        "version": application.version,
        "specification": application.specification_id,
        "consent": "on",
        "exact": "oui",
        "name": "Dr Flore Maquette",
        "email": "flore@structure.invalid",
        "team_count": "2",
        "m0_profession": "doctor",
        "m0_sector": "1",
        "m0_on_site": "oui",
        "m1_profession": "nurse",
        "m1_on_site": "oui",
        "overrun": "non",
        "third_party": "oui",
        "sas": "oui",
        "appointment_48h": "on",
        "support": "on",
        **{f"m0_h{half}": "on" for half in range(8)},
        "m1_h0": "on",
    }
    for day in ("mon", "tue", "wed", "thu", "fri"):
        fields |= {f"{day}_0_start": "8h30", f"{day}_0_end": "12h30"}
    return fields


def test_the_short_form_asks_only_what_is_missing(client, line, agent):
    sending = invited(line, agent)
    owner = accepted(sending)
    application = sending.invitation.application
    Application.objects.filter(pk=application.pk).update(
        answers=parse({**ANSWERS, "commitments": {}, "identity": {}}).as_json()
    )
    client.force_login(owner.user)
    page = client.get(reverse("application-confirm", args=[application.number]))
    assert "À quoi votre structure s’engage-t-elle" in page.text
    assert "Qui soigne dans votre structure" not in page.text
    assert "Ce que nous savons déjà" in page.text
    done = client.post(
        reverse("application-confirm", args=[application.number]),
        {key: value for key, value in posted(application).items() if not key.startswith("m")},
    )
    assert done.status_code == 302
    application.refresh_from_db()
    kept = parse(application.answers)
    assert (len(kept.team), len(kept.open_days), kept.commitments.support) == (2, 5, True)


def test_an_editor_may_not_confirm(client, line, agent):
    sending = invited(line, agent)
    accepted(sending)
    application = sending.invitation.application
    editor = make.membership(application.structure, role=MembershipRole.EDITOR)
    client.force_login(editor.user)
    address = reverse("application-confirm", args=[application.number])
    assert "Seul le responsable" in client.get(address).text
    assert client.post(address, posted(application)).status_code == 422
    application.refresh_from_db()
    assert (application.state, parse(application.answers).team) == (ApplicationState.DRAFT, ())


def test_an_ordinary_draft_has_no_short_form(client, db):
    owner = make.membership()
    application = start_application(membership=owner, at=timezone.now())
    client.force_login(owner.user)
    address = reverse("application-confirm", args=[application.number])
    assert client.get(address).url == application.get_absolute_url()
    assert client.post(address, posted(application)).status_code == 302
    application.refresh_from_db()
    assert application.state == ApplicationState.DRAFT


def test_a_promise_does_not_hold_once_somebody_answers_for_the_structure(client, line, agent):
    sending = invited(line, agent)
    make.membership(sending.invitation.application.structure)
    late = make.user(line.email)
    Invitation.objects.update(accepted_at=NOW)
    client.force_login(late)
    assert client.get(reverse("structure-welcome")).url == reverse("applications")
    assert not Membership.objects.filter(user=late).exists()


# Confirming ------------------------------------------------------------------------------------------------------


def test_a_confirmation_is_a_submission(line, agent):
    sending = invited(line, agent)
    application = confirmed(sending)
    assert (application.state, application.submitted_at) == (ApplicationState.SUBMITTED, NOW + timedelta(days=2))
    assert application.silence_date is not None
    sending.invitation.refresh_from_db()
    assert sending.invitation.ended_at == NOW + timedelta(days=2)
    actions = [event.action for event in Event.objects.about(Subject.APPLICATION, application.pk)]
    assert actions == ["start", "invite", "submit"]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"at": NOW + timedelta(days=31)}, RefusedError, "Le délai de cette invitation est passé"),
        ({"version": 99}, StaleError, "a changé"),
        ({"answers": {**ANSWERS, "team": []}}, RefusedError, "Il reste à terminer, avant de déposer : Équipe"),
        ({"answers": {**ANSWERS, "hours": {"mon": [["14:00", "12:00"]]}}}, RefusedError, "n’est pas après l’ouverture"),
    ],
)
def test_a_confirmation_that_is_refused_keeps_nothing(line, agent, options, error, words):
    sending = invited(line, agent)
    before = Application.objects.values().get()
    with pytest.raises(error, match=words):
        confirmed(sending, **options)
    assert Application.objects.values().get() == before
    sending.invitation.refresh_from_db()
    assert sending.invitation.ended_at is None


def test_two_confirmations_at_once_submit_once(committed_db):
    sending = invited(make.register_line(), make.mandate(AuthorityKind.ARS))
    options = {"membership": accepted(sending), "specification": latest_specification(), "consent": True, "at": NOW}

    def once():
        application = Application.objects.get(pk=sending.invitation.application_id)
        return confirm_invited(application=application, answers=ANSWERS, version=1, **options)

    outcomes = at_once(once, once)
    assert sorted(isinstance(one, RefusedError) for one in outcomes) == [False, True]


# Reminder and end ------------------------------------------------------------------------------------------------


def test_a_reminder_after_seven_days_renews_the_link(line, agent):
    sending = invited(line, agent)
    assert due_reminders(at=NOW + timedelta(days=6)) == []
    later = NOW + timedelta(days=7, minutes=1)
    assert due_reminders(at=later) == [sending.invitation]
    again = remind_invited(invitation=sending.invitation, mandate=None, at=later)
    assert again.token not in {"", sending.token}
    former, new = Invitation.objects.order_by("pk")
    assert (former.expires_at, new.expires_at.date()) == (later, (NOW + timedelta(days=29, minutes=1)).date())
    assert due_reminders(at=later) == []
    assert invitation_of(sending.invitation.application, at=later).reminded_at == later


def test_a_reminder_to_who_came_already_has_no_link(line, agent):
    sending = invited(line, agent)
    owner = accepted(sending)
    again = remind_invited(invitation=sending.invitation, mandate=agent, at=NOW + timedelta(days=8))
    assert (again.to, again.token) == ((owner.user.email,), "")


def test_nobody_is_reminded_of_what_is_confirmed_or_over(line, agent):
    sending = invited(line, agent)
    with pytest.raises(RefusedError, match="n’attend plus de réponse"):
        remind_invited(invitation=sending.invitation, mandate=agent, at=NOW + timedelta(days=30))
    confirmed(sending)
    with pytest.raises(RefusedError, match="n’attend plus de réponse"):
        remind_invited(invitation=sending.invitation, mandate=agent, at=NOW + timedelta(days=8))


def test_an_invitation_without_answer_ends_and_the_place_may_be_invited_again(line, agent):
    sending = invited(line, agent)
    key = sending.invitation.application_id
    over = NOW + timedelta(days=30)
    assert end_expired(at=over - timedelta(minutes=1)) == 0
    assert end_expired(at=over) == 1
    assert end_expired(at=over) == 0
    assert not Application.objects.exists()
    assert Event.objects.about(Subject.APPLICATION, key).last().action == "end_invitation"
    prospect = to_invite(lines_within(agent), on=over.date())[0]
    assert "une invitation est restée sans réponse" in prospect.weighed.doubts
    assert invited(line, agent, at=over).invitation.application.route == Route.ACCELERATED


def test_the_draft_of_who_came_stays_theirs_as_an_ordinary_one(line, agent):
    sending = invited(line, agent)
    accepted(sending)
    end_expired(at=NOW + timedelta(days=30))
    application = Application.objects.get()
    assert (application.route, application.state) == (Route.CANDIDATURE, ApplicationState.DRAFT)


def test_a_draft_that_the_structure_deletes_ends_its_invitation(line, agent):
    sending = invited(line, agent)
    owner = accepted(sending)
    application = Application.objects.get()
    discard_draft(application=application, membership=owner, version=application.version, at=NOW)
    assert not invited_within(RegisterLine.objects.all()).exists()
    assert end_expired(at=NOW + timedelta(days=40)) == 0
    assert len(to_invite(lines_within(agent), on=NOW.date())) == 1


def test_the_task_reminds_and_ends(db, mailoutbox):
    agent = make.mandate(AuthorityKind.ARS)
    now = timezone.now()
    invited(make.register_line(), agent, at=now - timedelta(days=8))
    invited(make.register_line(), agent, at=now - timedelta(days=31))
    follow_invitations()
    assert [message.subject for message in mailoutbox] == [
        "France Santé – rappel : votre structure est invitée à confirmer"
    ]
    assert "Le lien précédent ne sert plus." in mailoutbox[0].body
    assert Application.objects.count() == 1
    follow_invitations()
    assert len(mailoutbox) == 1


def test_a_reminder_that_could_not_leave_is_tried_again(line, agent, monkeypatch):
    invited(line, agent, at=timezone.now() - timedelta(days=8))

    def broken(*_args, **_options):
        raise OSError

    monkeypatch.setattr("labelling.tasks.send_structure_invitation", broken)
    follow_invitations()
    assert ProspectInvitation.objects.get().reminded_at is None


# One act of the lead ---------------------------------------------------------------------------------------------


@pytest.fixture
def submitted(line, agent):
    make.wave()
    return confirmed(invited(line, agent))


def test_the_lead_holds_everything_for_met_and_shares_in_one_act(submitted, agent):
    prefecture = make.mandate(AuthorityKind.PREFECTURE)
    done = hold_all_met(application=submitted, mandate=agent, version=submitted.version, at=NOW)
    lines = sheet(done)
    assert {one.lead.verdict for one in lines} == {Verdict.MET}
    assert (done.state, done.shared_at, done.endorsed_at) == (ApplicationState.UNDER_REVIEW, NOW, None)
    actions = [event.action for event in Event.objects.about(Subject.APPLICATION, done.pk)]
    assert actions == ["start", "invite", "submit", "take_up", *["assess"] * len(lines), "share"]
    endorse(application=done, mandate=prefecture, version=done.version, at=NOW)
    propose_label(application=done, mandate=agent, version=done.version, at=NOW)
    done.refresh_from_db()
    assert done.state == ApplicationState.AWAITING_SIGNATURES


def test_what_the_machine_asks_to_look_at_is_looked_at_first(line, agent):
    make.wave()
    optam = [{**member, "sector": "optam"} for member in ANSWERS["team"]]
    weak = confirmed(invited(line, agent), answers={**ANSWERS, "team": optam})
    with pytest.raises(RefusedError, match=r"demande votre regard sur le critère \d"):
        hold_all_met(application=weak, mandate=agent, version=weak.version, at=NOW)
    weak.refresh_from_db()
    assert (weak.state, weak.assessments.count()) == (ApplicationState.SUBMITTED, 0)


@pytest.mark.parametrize("verdict", [Verdict.NOT_MET, Verdict.TO_CLARIFY])
def test_what_was_assessed_otherwise_is_never_overwritten(submitted, agent, verdict):
    Application.objects.filter(pk=submitted.pk).update(state=ApplicationState.UNDER_REVIEW)
    submitted.refresh_from_db()
    first = sheet(submitted)[0].criterion
    assess(
        application=submitted,
        criterion=first,
        verdict=verdict,
        reason="x",
        mandate=agent,
        version=submitted.version,
        at=NOW,
    )
    with pytest.raises(RefusedError, match="Le critère 1 n’est pas apprécié comme rempli"):
        hold_all_met(application=submitted, mandate=agent, version=submitted.version, at=NOW)
    submitted.refresh_from_db()
    assert submitted.shared_at is None


def test_who_may_not_hold_everything_for_met(submitted, agent):
    version = submitted.version
    prefecture = make.mandate(AuthorityKind.PREFECTURE)
    with pytest.raises(RefusedError, match="chef de file"):
        hold_all_met(application=submitted, mandate=prefecture, version=version, at=NOW)
    with pytest.raises(StaleError):
        hold_all_met(application=submitted, mandate=agent, version=version - 1, at=NOW)
    Application.objects.filter(pk=submitted.pk).update(route=Route.CANDIDATURE)
    with pytest.raises(RefusedError, match="dossier accéléré"):
        hold_all_met(application=submitted, mandate=agent, version=version, at=NOW)
    assert not submitted.assessments.exists()


def test_the_page_of_the_file_offers_one_act_and_the_longer_way(client, submitted, agent):
    client.force_login(agent.user)
    page = client.get(submitted.get_absolute_url())
    assert "Tous les critères sont remplis au vu des registres et de la confirmation" in page.text
    assert "apprécier critère par critère" in page.text
    client.post(
        reverse("application-act", args=[submitted.number, "tout-rempli"]),
        {"mandate": agent.pk, "version": submitted.version},
    )
    submitted.refresh_from_db()
    assert submitted.shared_at is not None
    assert submitted.lead == Capacity.ARS


def test_accelerated_files_are_counted_apart_in_the_work_list(client, submitted, agent):
    other = make.application(make.structure(), state=ApplicationState.SUBMITTED)
    client.force_login(agent.user)
    page = client.get(reverse("applications"), {"voie": "accelerated"})
    assert submitted.number in page.text
    assert other.number not in page.text


def test_the_answers_of_these_tests_seem_to_meet_every_criterion(submitted):
    from labelling.rules.criteria import assess_all

    criteria = [one.criterion for one in sheet(submitted)]
    found = assess_all(criteria, parse(submitted.answers), structure_kind=submitted.structure.kind)
    assert {one.finding for one in found} == {Finding.SEEMS_MET}
