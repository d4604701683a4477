"""Followed files and news: events not read since, told once by the morning mail, with the numbers of the pages."""

import re
from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState as State
from labelling.choices import Interest, NewsKind, NewsScope
from labelling.models import FileReading, FollowedFile, NewsChoice, ToldNews
from labelling.rules.news import ACTIONS, IN_WORDS
from labelling.services.digest import set_frequency, tell_agents
from labelling.services.following import (
    HORIZON,
    choose_news,
    follow,
    is_followed,
    news_of,
    purge_told,
    stop_following,
)
from labelling.services.interests import declare_interest
from labelling.services.messages import send_message
from labelling.services.readings import record_reading
from labelling.tasks import deliver_mail, send_digests
from labelling.views.journal import SENTENCES
from labelling.workflow import TRANSITIONS
from territories.choices import AuthorityKind, DecisionKind, Role, Subject
from territories.services.decisions import propose_decision
from territories.services.events import record_event
from tests import factories as make
from tests.plugins.signed_in import signed_in

pytestmark = pytest.mark.django_db
NOW = make.NOW
HOUR = timedelta(hours=1)
LIST = "/dossiers/"


@pytest.fixture(autouse=True)
def today(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    cache.clear()


def says(file, action, actor=None, at=NOW - HOUR, **data):
    return record_event(
        subject_type=Subject.APPLICATION, subject_id=file.pk, action=action, actor=actor, at=at, data=data
    )


def numbers(response):
    return sorted(row.application.number for row in response.context["rows"])


def told(mandate):
    """What the mail of a person says is new: the number and the address of each line."""
    (body,) = [one.body for one in mail.outbox if one.to == [mandate.user.email]]
    lines = re.findall(r": (\d+) dossiers?\n  http://testserver(/dossiers/\?\S+)", body)
    return {address: int(number) for number, address in lines}


# Following -----------------------------------------------------------------------------------------------------------


def test_a_file_is_followed_by_a_person_alone_until_they_stop(ars, prefecture):
    file, other = make.application(state=State.UNDER_REVIEW), make.application(state=State.UNDER_REVIEW)
    declare_interest(application=file, mandate=ars, interest=Interest.NONE, at=NOW)
    client, address = signed_in(ars.user), reverse("application-follow", args=[file.number])
    assert "Suivre ce dossier" in client.get(file.get_absolute_url()).content.decode()
    for _ in range(2):
        client.post(address, {"mandate": ars.pk, "suivre": "oui"})
    page = client.get(LIST, {"vue": "suivis"})
    assert numbers(page) == [file.number]
    assert {view["key"]: view["count"] for view in page.context["views"]}["suivis"] == 1
    assert numbers(signed_in(prefecture.user).get(LIST, {"vue": "suivis"})) == []
    assert "Ne plus suivre" in client.get(file.get_absolute_url()).content.decode()
    client.post(address, {"mandate": ars.pk, "suivre": "non"})
    assert not FollowedFile.objects.exists()
    assert not is_followed(other, ars)


def test_who_may_not_instruct_follows_nothing(file):
    for mandate in (make.mandate(AuthorityKind.ARS, role=Role.OBSERVER), make.mandate(AuthorityKind.NATIONAL)):
        with pytest.raises(RefusedError):
            follow(application=file, mandate=mandate, at=NOW)
    assert not FollowedFile.objects.exists()


# News ----------------------------------------------------------------------------------------------------------------


def test_every_kind_has_its_words_and_known_acts():
    known = {action for subject, action in SENTENCES if subject == Subject.APPLICATION} | set(TRANSITIONS)
    assert set(ACTIONS) == set(IN_WORDS) == set(NewsKind)
    # The warning of silence has a sentence that is computed.
    assert set().union(*ACTIONS.values()) - known == {"warn_silence"}


def test_what_is_new_is_what_others_did_since_the_last_visit(file, ars, prefecture):
    record_reading(application=file, mandate=ars, at=NOW - 3 * HOUR)
    says(file, "share", prefecture, at=NOW - 4 * HOUR)
    says(file, "endorse", ars)
    says(file, "message", prefecture)
    says(file, "assign", prefecture)
    assert news_of(file, ars, at=NOW) == {}
    says(file, "endorse", prefecture)
    owner = make.membership(file.structure)
    send_message(application=file, author=owner, text="Bonjour", answer_expected=False, sent=None, at=NOW)
    assert news_of(file, ars, at=NOW) == {NewsKind.MESSAGE: 1, NewsKind.SHARE: 1}
    client = signed_in(ars.user)
    assert [row.is_new for row in client.get(LIST).context["rows"]] == [True]
    html = client.get(file.get_absolute_url()).content.decode()
    assert "Depuis votre dernière visite, le 25/11/2026" in html or "Depuis votre dernière visite, le" in html
    assert "1 message de la structure, 1 partage ou position de l’autre autorité" in html
    assert "Depuis votre dernière visite, le" not in client.get(file.get_absolute_url()).content.decode()
    assert [row.is_new for row in client.get(LIST).context["rows"]] == [False]


def test_a_mark_is_for_the_files_one_instructs_or_follows_and_for_recent_events(file, ars):
    stranger, old = make.application(state=State.UNDER_REVIEW), make.application(state=State.UNDER_REVIEW)
    follow(application=old, mandate=ars, at=NOW)
    says(stranger, "give_opinion")
    says(old, "give_opinion", at=NOW - HORIZON - HOUR)
    client = signed_in(ars.user)
    assert not any(row.is_new for row in client.get(LIST).context["rows"])
    follow(application=stranger, mandate=ars, at=NOW)
    assert [row.application for row in client.get(LIST).context["rows"] if row.is_new] == [stranger]


def test_news_cost_the_list_the_same_for_two_files_as_for_twenty(ars):
    client = signed_in(ars.user)

    def fill(number):
        for _ in range(number):
            says(make.application(state=State.UNDER_REVIEW, ars_reviewer=ars), "give_opinion")

    def queries():
        with CaptureQueriesContext(connection) as captured:
            page = client.get(LIST)
        assert all(row.is_new for row in page.context["rows"])
        return len(captured)

    fill(2)
    small = queries()
    fill(18)
    assert queries() == small


# The morning mail ----------------------------------------------------------------------------------------------------


def test_each_news_is_told_once_with_the_number_of_its_page(file, ars):
    other, stranger = make.application(state=State.UNDER_REVIEW), make.application(state=State.UNDER_REVIEW)
    follow(application=other, mandate=ars, at=NOW)
    for row in (file, other, stranger):
        says(row, "give_opinion")
    says(file, "give_opinion")
    says(stranger, "grant")
    choose_news(mandate=ars, choices={NewsKind.DECISION: NewsScope.ALL, NewsKind.SHARE: NewsScope.NONE})
    says(file, "share")
    send_digests()
    client = signed_in(ars.user)
    found = told(ars)
    assert found == {
        "/dossiers/?vue=tous&nouveau=opinion&parmi=followed": 2,
        "/dossiers/?vue=tous&nouveau=decision": 1,
    }
    for address, number in found.items():
        page = client.get(address)
        assert len(page.context["rows"]) == number
        assert page.context["chips"]
    mail.outbox.clear()
    tell_agents(at=NOW + timedelta(days=1), send=lambda *_: pytest.fail("told twice"))
    says(file, "answer", at=NOW)
    sections = []
    tell_agents(at=NOW + timedelta(days=2), send=lambda _, found: sections.extend(found))
    assert [kind for section in sections for kind, _, _ in section.news] == [NewsKind.ANSWER]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [(NewsScope.MINE, 1), (NewsScope.FOLLOWED, 2), (NewsScope.ALL, 3), (NewsScope.NONE, None)],
)
def test_each_kind_is_told_of_the_files_chosen(file, ars, scope, expected):
    other = make.application(state=State.UNDER_REVIEW)
    follow(application=other, mandate=ars, at=NOW)
    for row in (file, other, make.application(state=State.UNDER_REVIEW)):
        says(row, "give_opinion")
    choose_news(mandate=ars, choices={NewsKind.OPINION: scope})
    send_digests()
    if expected is None:
        assert mail.outbox == []
    else:
        ((address, number),) = told(ars).items()
        assert number == expected == len(signed_in(ars.user).get(address).context["rows"])


def test_what_was_read_meanwhile_is_not_told(file, ars):
    says(file, "give_opinion")
    record_reading(application=file, mandate=ars, at=NOW - timedelta(minutes=1))
    send_digests()
    assert mail.outbox == []


def test_a_mail_that_does_not_leave_has_told_nothing(file, ars):
    says(file, "give_opinion")

    def fails(*_):
        raise SMTPServerDisconnected

    assert tell_agents(at=NOW, send=fails) == 0
    assert not ToldNews.objects.exists()
    assert tell_agents(at=NOW, send=lambda *_: None) == 1
    assert ToldNews.objects.filter(user=ars.user).count() == 1


def test_what_was_told_is_forgotten_once_too_old_to_be_told(file, ars):
    says(file, "give_opinion")
    send_digests()
    assert purge_told(at=NOW) == 0
    assert purge_told(at=NOW + HORIZON) == 1
    tell_agents(at=NOW + HORIZON, send=lambda *_: pytest.fail("an event past the horizon is no news"))


# At once -------------------------------------------------------------------------------------------------------------


def test_a_deadline_is_told_at_once_to_who_asked_and_not_again_in_the_morning(file, ars, prefecture):
    colleague = make.mandate(AuthorityKind.ARS)
    for mandate in (ars, prefecture, colleague):
        set_frequency(mandate=mandate, frequency="morning", deadlines_at_once=mandate != colleague)
    follow(application=file, mandate=prefecture, at=NOW)
    follow(application=file, mandate=colleague, at=NOW)
    type(file).objects.filter(pk=file.pk).update(silence_date=NOW.date() + timedelta(days=20))
    until = (NOW.date() + timedelta(days=20)).isoformat()
    says(file, "warn_silence", days=20, silence_date=until)
    deliver_mail()
    people = {ars.user.email, prefecture.user.email, colleague.user.email}
    at_once = [address for one in mail.outbox for address in one.to if address in people]
    assert sorted(at_once) == sorted([ars.user.email, prefecture.user.email])
    mail.outbox.clear()
    send_digests()
    assert [one.to for one in mail.outbox] == [[colleague.user.email]]
    stop_following(application=file, mandate=prefecture)
    mail.outbox.clear()
    says(file, "warn_silence", days=20, silence_date=until)
    deliver_mail()
    assert prefecture.user.email not in [address for one in mail.outbox for address in one.to]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_decision_to_sign_waits_for_the_morning_if_asked(file, at_once):
    signatory = make.mandate(AuthorityKind.PREFECTURE, signs=True)
    set_frequency(mandate=signatory, frequency="morning", signatures_at_once=at_once)
    propose_decision(
        kind=DecisionKind.LABEL_GRANTED,
        subject_type=Subject.APPLICATION,
        subject_id=file.pk,
        departement=make.departement(),
        title="essai",
        content={"title": "essai"},
        mandate=None,
        at=NOW,
    )
    deliver_mail()
    assert (signatory.user.email in [address for one in mail.outbox for address in one.to]) == at_once
    mail.outbox.clear()
    send_digests()
    assert "1 à signer" in mail.outbox[0].body


def test_choices_are_made_on_one_page_and_kept(ars):
    client = signed_in(ars.user)
    page = client.get(reverse("digest")).content.decode()
    assert page.count('value="followed" selected') == len(NewsKind)
    chosen = {f"news_{kind}": "none" for kind in NewsKind} | {"news_answer": "all"}
    client.post(reverse("digest"), {"frequency": "morning", "deadlines_at_once": "on", **chosen})
    assert dict(NewsChoice.objects.filter(user=ars.user).values_list("kind", "scope")) == {
        kind: ("all" if kind == NewsKind.ANSWER else "none") for kind in NewsKind
    }
    page = client.get(reverse("digest")).content.decode()
    assert page.count('value="none" selected') == len(NewsKind) - 1
    assert re.search(r'name="deadlines_at_once" checked', page)
    wrong = client.post(reverse("digest"), {"frequency": "morning", **chosen, "news_share": "nobody"})
    assert "Choisissez les dossiers, pour" in wrong.content.decode()
    assert NewsChoice.objects.get(user=ars.user, kind="share").scope == "none"


# The header ----------------------------------------------------------------------------------------------------------


def test_the_header_tells_the_files_that_call_for_an_act(ars, settings):
    settings.TO_DO_SECONDS = 60

    def told_by(client, address):
        return client.get(address).context["to_do"].get(LIST, 0)

    client = signed_in(ars.user)
    assert told_by(client, "/compte/") == 0
    for _ in range(2):
        make.application(state=State.SUBMITTED)
    make.application(state=State.UNDER_REVIEW, ars_reviewer=ars, prefecture_reviewer=None)
    assert told_by(client, reverse("digest")) == 0, "kept for a minute"
    page = client.get(LIST)
    assert page.context["to_do"] == {LIST: 2}
    assert re.search(r"Dossiers <span class=\"fs-count\">2<span class=\"fr-sr-only\"> à traiter", page.content.decode())
    assert told_by(client, reverse("digest")) == told_by(client, "/compte/") == 2
    assert signed_in(make.mandate(AuthorityKind.NATIONAL).user).get(LIST).context["to_do"] == {}


def test_the_rules_are_the_database_s(file, ars):
    follow(application=file, mandate=ars, at=NOW)
    event = says(file, "give_opinion")
    ToldNews.objects.create(user=ars.user, event=event)
    NewsChoice.objects.create(user=ars.user, kind=NewsKind.SHARE, scope=NewsScope.ALL)
    for name, call in {
        "followed_file_once": lambda: FollowedFile.objects.create(user=ars.user, application=file, since=NOW),
        "told_news_once": lambda: ToldNews.objects.create(user=ars.user, event=event),
        "news_choice_once_per_kind": lambda: NewsChoice.objects.create(user=ars.user, kind="share", scope="all"),
        "news_choice_kind_known": lambda: NewsChoice.objects.create(user=ars.user, kind="x", scope="all"),
        "news_choice_scope_known": lambda: NewsChoice.objects.create(user=ars.user, kind="answer", scope="x"),
    }.items():
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            call()
    assert not FileReading.objects.exists()
