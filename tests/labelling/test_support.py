"""Support asked of the national team: whose turn it is, who reads, who writes."""

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import SupportState
from labelling.models import SupportMessage, SupportRequest
from labelling.services.support import ask_support, close_support, write_support
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, Role, Subject
from territories.models import Event
from territories.services.events import broken_link
from tests import factories as make

NOW = timezone.now()


@pytest.fixture
def national(db):
    return make.mandate(AuthorityKind.NATIONAL)


@pytest.fixture
def asked(ars):
    return ask_support(
        departement=make.departement(),
        kind="siting",
        title="Un médicobus au nord",
        text="Le garage manque.",
        mandate=ars,
        at=NOW,
    )


def test_whoever_wrote_last_gives_the_turn_to_the_other(asked, ars, national):
    write_support(request=asked, text="Voici trois garages.", mandate=national, version=1, at=NOW)
    assert asked.state == SupportState.ANSWERED
    write_support(request=asked, text="Aucun n’est libre.", mandate=ars, version=2, at=NOW)
    assert (asked.state, asked.messages.count()) == (SupportState.OPEN, 3)
    close_support(request=asked, mandate=ars, version=3, at=NOW)
    events = Event.objects.about(Subject.SUPPORT, asked.pk)
    assert [event.action for event in events] == ["ask", "answer", "ask_again", "close"]
    assert broken_link(Subject.SUPPORT, asked.pk) is None


def test_what_is_refused_moves_nothing(asked, ars, national):
    elsewhere = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Ailleurs", "R2"))
    partner = make.mandate(AuthorityKind.CAISSE, role=Role.PARTNER)
    for mandate in (elsewhere, partner):
        with pytest.raises(RefusedError, match="ne couvre pas"):
            write_support(request=asked, text="Bonjour", mandate=mandate, version=1, at=NOW)
    with pytest.raises(RefusedError, match="Écrivez"):
        write_support(request=asked, text="  ", mandate=national, version=1, at=NOW)
    with pytest.raises(StaleError):
        write_support(request=asked, text="Bonjour", mandate=national, version=7, at=NOW)
    close_support(request=asked, mandate=national, version=1, at=NOW)
    with pytest.raises(RefusedError, match="close"):
        write_support(request=asked, text="Bonjour", mandate=ars, version=2, at=NOW)
    asked.refresh_from_db()
    assert (asked.state, asked.messages.count()) == (SupportState.CLOSED, 1)


def test_a_message_stays_as_it_was_written(asked):
    message = asked.messages.get()
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        SupportMessage.objects.filter(pk=message.pk).update(text="autre")
    with pytest.raises(IntegrityError, match="support_message_says_something"), transaction.atomic():
        SupportMessage.objects.create(request=asked, text="", mandate=message.mandate, written_at=NOW)


@pytest.mark.parametrize(
    ("name", "fields"),
    [("support_request_kind_known", {"kind": "x"}), ("support_request_state_known", {"state": "x"})],
)
def test_its_lists_are_closed(asked, name, fields):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        SupportRequest.objects.filter(pk=asked.pk).update(**fields)


def test_only_the_services_in_charge_read_a_request(asked, ars, national):
    elsewhere = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Ailleurs", "R2"))
    observer = make.mandate(AuthorityKind.COLLECTIVITE, role=Role.OBSERVER)
    readers = {ars: 1, national: 1, elsewhere: 0, observer: 0}
    assert {one: SupportRequest.objects.for_user(one.user).count() for one in readers} == readers


def test_the_exchange_goes_through_the_pages(client, ars, national):
    client.force_login(ars.user)
    posted = {"mandate": ars.pk, "departement": "98", "kind": "funding", "title": "Montage", "text": "Comment ?"}
    assert client.post(reverse("support-ask"), {**posted, "title": ""}).status_code == 422
    answer = client.post(reverse("support-ask"), posted, follow=True)
    assert "attend une réponse" in answer.text
    asked = SupportRequest.objects.get()
    client.force_login(national.user)
    assert "Montage" in client.get(reverse("support-requests")).text
    answered = client.post(
        asked.get_absolute_url(), {"mandate": national.pk, "version": 1, "text": "Ainsi."}, follow=True
    )
    assert "répondue" in answered.text
    stale = client.post(asked.get_absolute_url(), {"mandate": national.pk, "version": 1, "text": "Encore."})
    assert (stale.status_code, "Encore." in stale.text) == (409, True)
    closed = client.post(asked.get_absolute_url(), {"mandate": national.pk, "version": 2, "act": "close"}, follow=True)
    assert "Cette demande est close" in closed.text
    assert client.post(asked.get_absolute_url(), {"mandate": 0, "version": 3, "text": "x"}).status_code == 403


def test_each_side_is_told_when_its_turn_comes_and_nothing_more(asked, ars, national):
    national.authority.email = "equipe@national.invalid"
    national.authority.save(update_fields=["email"])
    write_support(request=asked, text="Voici trois garages.", mandate=national, version=1, at=NOW)
    deliver_mail()
    told = {tuple(message.to): message for message in mail.outbox}
    assert set(told) == {("equipe@national.invalid",), (ars.user.email,)}
    assert all("garage" not in message.body for message in mail.outbox)
    assert asked.get_absolute_url() in told[(ars.user.email,)].body
