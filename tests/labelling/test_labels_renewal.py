"""The renewal of a label: when it opens, who is reminded, and two labels that never overlap."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState as State
from labelling.models import Application, Label
from labelling.services import renewals
from labelling.services.applications import start_application
from labelling.services.drafting import draft_content
from labelling.services.reviews import sheet
from labelling.tasks import deliver_mail
from territories.choices import DecisionKind, Subject
from territories.models import Event
from tests import factories as make
from tests.indicators.worlds import decided
from tests.labelling.worlds import make_label, withdraw
from tests.plugins.signed_in import PortalClient

NOW = make.NOW
END = date(2029, 11, 22)
OPENS = date(2029, 5, 22)


def at(day):
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


@pytest.fixture
def label(owner):
    return make_label(owner.structure, owner=owner)


def reminders(label):
    events = Event.objects.about(Subject.LABEL, label.pk).filter(action="remind_renewal")
    return [event.data["months"] for event in events]


def text(response):
    return response.text.replace("\u00a0", " ").replace("&nbsp;", " ")


def test_renewal_opens_six_months_before_the_end(owner, label):
    assert renewals.renewal_date(label) == OPENS
    with pytest.raises(RefusedError, match=r"renouvellement ouvre le 22.mai.2029"):
        start_application(membership=owner, at=at(OPENS - timedelta(days=1)))
    assert Application.objects.count() == 1
    assert start_application(membership=owner, at=at(OPENS)).state == State.DRAFT


def test_an_ended_or_withdrawn_label_stands_in_nobody_s_way(owner, label):
    assert renewals.followed_label(owner.structure, on=END) is None
    withdraw()
    assert renewals.followed_label(owner.structure, on=NOW.date()) is None


def test_a_label_not_read_yet_is_not_told_by_a_refusal(owner, label):
    Label.objects.update(notified_at=None)
    with pytest.raises(RefusedError, match="Une décision vous attend") as refusal:
        start_application(membership=owner, at=NOW)
    assert label.number not in str(refusal.value)


def test_the_new_label_begins_the_day_after_the_old_one(owner, label):
    signed = at(date(2029, 9, 1))
    new = make_label(owner.structure, owner=owner, at=signed, number="FS-98-2029-0001")
    content = json.loads(new.decision.content)
    assert content["effect"]["starts"] == END.isoformat()
    assert f"Vu le label France Santé n°\u00a0{label.number}".replace("\u00a0", " ") in " ".join(
        content["visas"]
    ).replace("\u00a0", " ")
    assert any("il prend effet le 22\u00a0novembre\u00a02029" in article for article in content["articles"])
    assert (new.valid.lower, new.valid.upper) == (END, date(2032, 11, 22))
    day_before = Label.objects.in_force(END - timedelta(days=1)).filter(structure=owner.structure)
    assert [row.pk for row in day_before] == [label.pk]
    assert [row.pk for row in Label.objects.in_force(END).filter(structure=owner.structure)] == [new.pk]


def test_a_first_label_begins_at_the_last_signature(label):
    content = json.loads(label.decision.content)
    assert content["effect"] == {"starts": "last_signature", "years": 3}
    assert not any("succède" in article for article in content["articles"])


def test_two_labels_of_a_structure_never_overlap(owner, label):
    new = make_label(owner.structure, owner=owner, at=at(date(2029, 9, 1)), number="FS-98-2029-0001")
    file = decided(label.departement, signed=date(2029, 9, 1))
    with pytest.raises(IntegrityError, match="label_one_at_a_time"), transaction.atomic():
        Label.objects.create(
            number="LFS-98-99999",
            structure=new.structure,
            application=file,
            decision=file.decision,
            departement=new.departement,
            valid=DateRange(END - timedelta(days=1), date(2032, 1, 1)),
        )


def test_each_reminder_is_written_once(owner, label):
    days = [OPENS - timedelta(days=1), OPENS, OPENS + timedelta(days=1), date(2029, 8, 22), date(2029, 10, 30)]
    assert [renewals.remind_of_renewals(at=at(day)) for day in days] == [0, 1, 0, 1, 1]
    assert reminders(label) == [6, 3, 1]


def test_who_has_asked_is_not_reminded(owner, label):
    make.application(owner.structure, state=State.SUBMITTED)
    assert renewals.remind_of_renewals(at=at(OPENS)) == 0


def test_who_has_the_next_label_is_not_reminded(owner, label):
    make_label(owner.structure, owner=owner, at=at(date(2029, 6, 1)), number="FS-98-2029-0001")
    assert renewals.remind_of_renewals(at=at(date(2029, 8, 22))) == 0


def test_the_mail_leads_to_the_page_where_one_asks(owner, label, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: at(OPENS))
    renewals.remind_of_renewals(at=at(OPENS))
    deliver_mail()
    told = [message for message in mail.outbox if message.to == [owner.user.email]][-1]
    assert "se termine le 21\u00a0novembre\u00a02029" in told.body
    assert label.get_absolute_url() in told.body
    client = PortalClient()
    client.force_login(owner.user)
    assert f"Renouveler le label {label.number}" in client.get("/compte/").text
    page = client.get(label.get_absolute_url())
    assert "Demander le renouvellement" in page.text
    assert page.text.count('class="fr-btn"') == 1
    response = client.post(f"/structures/{owner.structure_id}/candidature/")
    asked = Application.objects.get(state=State.DRAFT)
    assert response.url == asked.get_absolute_url()
    assert f"Votre demande {asked.number}" in client.get(label.get_absolute_url()).text.replace("</a>", "").replace(
        f'<a href="{asked.get_absolute_url()}">', ""
    )


def test_before_it_opens_the_pages_say_when(owner, label, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    client = PortalClient()
    client.force_login(owner.user)
    for address in (label.get_absolute_url(), "/dossiers/"):
        page = text(client.get(address))
        assert "ouvre le 22 mai 2029" in page
        assert "Commencer une candidature" not in page


def test_a_label_signed_and_not_read_is_told_nowhere(owner, label, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: at(date(2029, 9, 2)))
    new = make_label(owner.structure, owner=owner, at=at(date(2029, 9, 1)), number="FS-98-2029-0001")
    Label.objects.filter(pk=new.pk).update(notified_at=None)
    client = PortalClient()
    client.force_login(owner.user)
    page = client.get(label.get_absolute_url()).text
    assert new.number not in page
    assert "Votre demande" in page


def test_a_refusal_says_nothing_of_a_label_to_follow(owner, label):
    again = make.application(owner.structure, state=State.UNDER_REVIEW)
    content = draft_content(again, DecisionKind.LABEL_REFUSED, sheet(again), on=OPENS)
    assert content["effect"] == {}
    assert not any("succède" in article for article in content["articles"])
