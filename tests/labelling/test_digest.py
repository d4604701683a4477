"""The morning mail: sent when something waits, once, to who wants it, with the numbers of the pages and nobody's name."""

import re
from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from labelling.choices import ApplicationState as State
from labelling.choices import DigestFrequency, NewsKind
from labelling.models import Digest
from labelling.services.digest import WAITING, digest_of, set_frequency, settings_of, tell_agents
from labelling.tasks import send_digests
from territories.choices import AuthorityKind, DecisionKind, Role, Subject
from territories.services.decisions import propose_decision
from tests import factories as make
from tests.plugins.committed import at_once
from tests.plugins.signed_in import PortalClient

pytestmark = pytest.mark.usefixtures("today")
NOW = make.NOW
TOMORROW = NOW + timedelta(days=1)


def mail_of(mailoutbox, mandate):
    (mail,) = [mail for mail in mailoutbox if mail.to == [mandate.user.email]]
    return mail


def test_nothing_waits_nothing_is_sent(ars, mailoutbox):
    send_digests()
    assert mailoutbox == []
    assert Digest.objects.get(user=ars.user).handled_on == NOW.date()


def test_each_number_is_that_of_its_page(ars, mailoutbox):
    prefecture = make.mandate(AuthorityKind.PREFECTURE)
    for _ in range(3):
        make.application(state=State.SUBMITTED)
    make.application(state=State.UNDER_REVIEW, shared_at=NOW)
    make.application(state=State.UNDER_REVIEW, shared_at=NOW, endorsed_at=NOW, silence_date=NOW.date())
    send_digests()
    for mandate, expected in [
        (ars, {"a-commencer": 3, "a-presenter": 1, "bientot": 1}),
        (prefecture, {"a-commencer": 3, "a-endosser": 1, "bientot": 1}),
    ]:
        body = mail_of(mailoutbox, mandate).body
        told = re.findall(r": (\d+)\n  http://testserver/dossiers/\?vue=([a-z-]+)", body)
        assert {view: int(count) for count, view in told} == expected
        client = PortalClient()
        client.force_login(mandate.user)
        views = {view["key"]: view["count"] for view in client.get("/dossiers/").context["views"]}
        assert {name: views[name] for name in WAITING if views.get(name)} == expected


def test_a_file_in_hand_is_told_and_is_no_reason_to_write(ars):
    make.application(state=State.UNDER_REVIEW, ars_reviewer=ars)
    assert digest_of(ars.user, at=NOW) == []
    make.application(state=State.SUBMITTED)
    (section,) = digest_of(ars.user, at=NOW)
    assert [(view, count) for _, count, view in section.views] == [("a-moi", 1), ("a-commencer", 1)]


def test_a_file_in_two_views_counts_once(ars):
    make.application(state=State.SUBMITTED, silence_date=NOW.date())
    (section,) = digest_of(ars.user, at=NOW)
    assert section.files == 1
    assert [(view, count) for _, count, view in section.views] == [("a-commencer", 1), ("bientot", 1)]


def test_the_mail_names_nobody_and_no_file(ars, mailoutbox):
    application = make.application(state=State.SUBMITTED, ars_reviewer=ars)
    send_digests()
    mail = mail_of(mailoutbox, ars)
    assert mail.subject == "France Santé – ce qui attend ce matin"
    for word in (ars.user.last_name, ars.user.first_name, application.number, application.structure.name):
        assert word not in mail.subject + mail.body
    assert "http://testserver/dossiers/courriel-du-matin/" in mail.body
    assert "plusieurs habilitations" not in mail.body


def test_several_mandates_make_one_mail(ars, mailoutbox):
    elsewhere = make.departement("97", "Valfictie", region="R2")
    make.mandate(AuthorityKind.PREFECTURE, person=ars.user, on=elsewhere)
    make.application(state=State.SUBMITTED)
    far = make.structure(make.register_line(make.commune("97001", "Loin", in_=elsewhere)))
    make.application(far, state=State.SUBMITTED)
    send_digests()
    body = mail_of(mailoutbox, ars).body
    assert body.count("- À commencer : 1") == 2
    assert "Vous avez plusieurs habilitations" in body


def test_decisions_to_sign_are_counted_for_who_may_sign(db, mailoutbox):
    signatory = make.mandate(AuthorityKind.PREFECTURE, signs=True)
    clerk = make.mandate(AuthorityKind.PREFECTURE)
    propose_decision(
        kind=DecisionKind.LABEL_GRANTED,
        subject_type=Subject.APPLICATION,
        subject_id=make.application().pk,
        departement=make.departement(),
        title="essai",
        content={"title": "essai"},
        mandate=None,
        at=NOW,
    )
    send_digests()
    assert "- 1 à signer\n  http://testserver/compte/parapheur/" in mail_of(mailoutbox, signatory).body
    assert "à signer" not in "".join(mail.body for mail in mailoutbox if mail.to == [clerk.user.email])


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (AuthorityKind.NATIONAL, {}),
        (AuthorityKind.ARS, {"role": Role.OBSERVER}),
        (AuthorityKind.COLLECTIVITE, {"role": Role.PARTNER}),
        (AuthorityKind.ARS, {"valid": make.DateRange(make.date(2025, 10, 1), make.date(2026, 11, 22))}),
    ],
)
def test_who_does_not_instruct_is_not_told(db, mailoutbox, kind, fields):
    make.mandate(kind, **fields)
    make.application(state=State.SUBMITTED)
    send_digests()
    assert mailoutbox == []


def test_an_account_that_is_closed_is_not_told(db, mailoutbox):
    make.mandate(AuthorityKind.ARS, person=make.user(is_active=False))
    make.application(state=State.SUBMITTED)
    send_digests()
    assert mailoutbox == []


def test_once_a_day_whatever_comes_later(ars, mailoutbox):
    make.application(state=State.SUBMITTED)
    send_digests()
    send_digests()
    assert len(mailoutbox) == 1
    assert tell_agents(at=TOMORROW, send=lambda *_: None) == 1


def test_who_wants_none_gets_none(ars, mailoutbox):
    make.application(state=State.SUBMITTED)
    assert settings_of(ars.user).frequency == DigestFrequency.MORNING
    set_frequency(mandate=ars, frequency=DigestFrequency.NEVER)
    send_digests()
    assert mailoutbox == []
    set_frequency(mandate=ars, frequency=DigestFrequency.MORNING)
    send_digests()
    assert len(mailoutbox) == 1


def test_a_mail_that_does_not_leave_is_tried_again_and_stops_nobody(ars, mailoutbox):
    other = make.mandate(AuthorityKind.PREFECTURE)
    make.application(state=State.SUBMITTED)
    told = []

    def fails_once(user, sections):
        if user == ars.user and not told:
            told.append("failed")
            raise SMTPServerDisconnected
        told.append(user)

    assert tell_agents(at=NOW, send=fails_once) == 1
    assert told == ["failed", other.user]
    assert tell_agents(at=NOW, send=fails_once) == 1
    assert told == ["failed", other.user, ars.user]


def test_two_workers_send_one_mail(committed_db):
    make.mandate(AuthorityKind.ARS)
    make.application(state=State.SUBMITTED)
    sent = []
    outcomes = at_once(*[lambda: tell_agents(at=NOW, send=lambda user, _: sent.append(user.pk))] * 3)
    assert sorted(map(str, outcomes)) == ["0", "0", "1"]
    assert len(sent) == 1


def test_the_choice_is_made_on_a_page(ars):
    client = PortalClient()
    client.force_login(ars.user)
    page = client.get(reverse("digest")).content.decode()
    assert re.search(r'value="morning" checked', page)
    news = {f"news_{kind}": "followed" for kind in NewsKind}
    answer = client.post(reverse("digest"), {"frequency": "never", **news}, follow=True)
    assert "Vous ne recevrez plus le courriel du matin" in answer.content.decode()
    assert re.search(r'value="never" checked', client.get(reverse("digest")).content.decode())
    wrong = client.post(reverse("digest"), {"frequency": "hourly", **news})
    assert "Choisissez une fréquence." in wrong.content.decode()
    assert settings_of(ars.user).frequency == DigestFrequency.NEVER


def test_the_frequency_is_bound_by_the_database(ars):
    with pytest.raises(IntegrityError, match="digest_frequency_known"), transaction.atomic():
        Digest.objects.create(user=ars.user, frequency="hourly")
