"""The thread of a file: who writes to whom, what waits for an answer, what was read, what the mail says."""

from datetime import timedelta
from itertools import count

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState as State
from labelling.choices import MembershipRole
from labelling.models import Evidence, Message, MessageReading
from labelling.notifications import messages_of
from labelling.services import messages as service
from labelling.services.evidence import SentFile
from labelling.views.messages import thread_of
from territories.choices import AuthorityKind, Role, Subject
from territories.models import Event
from tests import factories as make
from tests import samples
from tests.plugins.committed import at_once
from tests.plugins.signed_in import signed_in

pytestmark = pytest.mark.usefixtures("today")
NOW = make.NOW
db = pytest.mark.django_db
numbers = count(1)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def file_of(state=State.UNDER_REVIEW, **fields):
    member = make.membership(**fields)
    return make.application(member.structure, state=state), member


def send(application, author, text="", **fields):
    text = text or f"Question {next(numbers)} ?"
    return service.send_message(
        application=application, author=author, text=text, at=NOW, **{"answer_expected": False, **fields}
    )


def moved(application):
    events = Event.objects.about(Subject.APPLICATION, application.pk).count()
    return Message.objects.count(), MessageReading.objects.count(), Evidence.objects.count(), events


def refused(call, sentence, application):
    before = moved(application)
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert moved(application) == before


# Writing --------------------------------------------------------------------------------------------------------------


@db
def test_a_message_is_one_row_and_one_event_without_its_text():
    application, member = file_of()
    row = send(application, member, "  Bonjour.\nLe mercredi est ouvert.  ", answer_expected=True)
    assert (row.text, row.membership, row.author_name) == (
        "Bonjour.\nLe mercredi est ouvert.",
        member,
        str(member.user.full_name),
    )
    event = Event.objects.about(Subject.APPLICATION, application.pk).get()
    assert (event.action, event.data) == ("message", {"message": row.pk, "answer_expected": True})
    application.refresh_from_db()
    assert application.version == 1


@db
def test_agents_sign_by_service_and_name():
    application, _ = file_of()
    agent = make.mandate(AuthorityKind.PREFECTURE)
    assert send(application, agent).author_name == f"Préfecture de Essonnie, {agent.user.full_name}"


@db
@pytest.mark.parametrize(
    "state",
    [state for state in State if state not in {State.DRAFT, State.AWAITING_SIGNATURES, State.LABELLED, State.REFUSED}],
)
def test_both_sides_write_at_every_moment_after_submission(state):
    application, member = file_of(state)
    for author in (member, make.membership(application.structure, role=MembershipRole.EDITOR), make.mandate()):
        assert send(application, author).application == application


@db
def test_what_is_refused():
    application, member = file_of()
    for text, sentence in [
        ("  \n ", "Écrivez votre message"),
        ("a" * 1501, "1\u00a0501 caractères ; il en faut 1\u00a0500 au plus"),
        (f"Mme Exemplaire, {samples.NIR}", "numéro de sécurité sociale"),
    ]:
        refused(lambda text=text: send(application, member, text), sentence, application)
    for author, sentence in [
        (make.membership(), "Votre accès"),
        (make.mandate(role=Role.PARTNER), "permet de lire"),
        (make.mandate(AuthorityKind.NATIONAL), "permet de lire"),
    ]:
        refused(lambda author=author: send(application, author), sentence, application)
    draft, owner = file_of(State.DRAFT)
    refused(lambda: send(draft, owner), "n’est pas déposé", draft)


@db
def test_a_piece_goes_with_its_message_or_not_at_all():
    application, member = file_of()
    row = send(application, member, sent=SentFile("planning.pdf", samples.pdf(), NOW.date()))
    assert (row.evidence.name, row.evidence.application, row.evidence.criterion) == ("planning.pdf", application, None)
    zipped = SentFile("planning.pdf", samples.archive(), NOW.date())
    refused(lambda: send(application, member, sent=zipped), "archive ZIP", application)
    other = SentFile("autre.pdf", samples.pdf("x"), NOW.date())
    refused(lambda: send(application, member, samples.NIR, sent=other), "sécurité sociale", application)
    closed, owner = file_of(State.CLOSED)
    refused(lambda: send(closed, owner, sent=other), "ne reçoit plus de pièces", closed)


# Answers and readings -------------------------------------------------------------------------------------------------


@db
def test_an_answer_is_expected_until_the_other_side_writes():
    application, member = file_of()
    ars, prefecture = make.mandate(), make.mandate(AuthorityKind.PREFECTURE)
    asked = send(application, ars, answer_expected=True)
    send(application, prefecture)
    waiting = thread_of(application, services=False).to_answer
    assert waiting.row == asked, "its own side does not answer"
    assert thread_of(application, services=True).to_answer is None, "nothing waits for who asked"
    answered = send(application, member, answer_expected=True)
    assert thread_of(application, services=False).to_answer is None
    assert thread_of(application, services=True).to_answer.row == answered
    send(application, prefecture)
    assert thread_of(application, services=True).to_answer is None


@db
def test_reading_is_marked_once_by_the_other_side():
    application, member = file_of()
    first = send(application, make.mandate())
    send(application, make.mandate(AuthorityKind.PREFECTURE))
    assert thread_of(application, services=False).unread == 2
    assert service.read_messages(application=application, author=member, at=NOW) == 2
    assert service.read_messages(application=application, author=member, at=NOW) == 0
    first.refresh_from_db()
    assert (first.reading.read_at, first.reading.membership) == (NOW, member)
    with pytest.raises(RefusedError):
        service.read_messages(application=application, author=make.membership(), at=NOW)


@db
def test_answering_is_reading():
    application, member = file_of()
    send(application, make.mandate())
    send(application, member)
    assert thread_of(application, services=False).unread == 0
    assert thread_of(application, services=True).unread == 1


def test_two_readers_at_once_mark_once(committed_db):
    application, member = file_of()
    editor = make.membership(application.structure, role=MembershipRole.EDITOR)
    for _ in range(3):
        send(application, make.mandate())
    results = at_once(
        lambda: service.read_messages(application=application, author=member, at=NOW),
        lambda: service.read_messages(application=application, author=editor, at=NOW),
    )
    assert sorted(results) == [0, 3]


def test_a_double_click_sends_one_message(committed_db):
    application, member = file_of()
    sent = SentFile("planning.pdf", samples.pdf(), NOW.date())
    first, second = at_once(*[lambda: send(application, member, "Voici le planning.", sent=sent)] * 2)
    assert (first, moved(application)) == (second, (1, 0, 1, 2))
    later = service.send_message(
        application=application,
        author=member,
        text=first.text,
        answer_expected=False,
        at=NOW + timedelta(minutes=2),
    )
    assert later != first
    other = SentFile("autre.pdf", samples.pdf("x"), NOW.date())
    assert send(application, member, "Voici le planning.", sent=other) not in {first, later}


# Mail -----------------------------------------------------------------------------------------------------------------


@db
def test_the_mail_holds_a_link_and_nothing_of_the_message():
    application, member = file_of()
    make.authority(AuthorityKind.ARS)
    make.authority(AuthorityKind.PREFECTURE)
    send(application, make.mandate(), "Texte confidentiel", answer_expected=True)
    send(application, member, "Texte confidentiel")
    asked, said = [messages_of(event) for event in Event.objects.about(Subject.APPLICATION, application.pk)]
    assert [message.to for message in asked] == [[member.user.email]]
    assert "une réponse est attendue" in asked[0].subject
    assert [message.to for message in said] == [["service@exemple.invalid"]] * 2
    for message in [*asked, *said]:
        assert "confidentiel" not in message.subject + message.body
        assert f"http://testserver/dossiers/{application.number}/echanges/" in message.body


# The database ---------------------------------------------------------------------------------------------------------


@db
def test_constraints():
    application, member = file_of()
    fields = {"application": application, "text": "x", "sent_at": NOW}
    row = Message.objects.create(membership=member, **fields)
    for constraint, call in [
        ("message_one_author", lambda: Message.objects.create(**fields)),
        ("message_one_author", lambda: Message.objects.create(membership=member, mandate=make.mandate(), **fields)),
        ("message_not_empty", lambda: Message.objects.create(membership=member, **{**fields, "text": ""})),
        ("messagereading_one_author", lambda: MessageReading.objects.create(message=row, read_at=NOW)),
    ]:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            call()
    MessageReading.objects.create(message=row, read_at=NOW, mandate=make.mandate())
    for rows in (Message.objects.all(), MessageReading.objects.all()):
        for change in (lambda rows=rows: rows.update(membership=member), lambda rows=rows: rows._raw_delete("default")):
            with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
                change()


# Pages ----------------------------------------------------------------------------------------------------------------


@db
def test_the_whole_exchange_through_the_pages():
    application, member = file_of()
    agent = make.mandate()
    structure, services = signed_in(member.user), signed_in(agent.user)
    address = reverse("thread", args=[application.number])
    assert "Personne n’a encore écrit" in structure.get(address).text
    sent = services.post(
        address, {"mandate": agent.pk, "text": "Le mercredi est-il ouvert ?", "answer_expected": "on"}, follow=True
    )
    assert "Votre message est envoyé à la structure." in sent.text
    assert "Pas encore lu" in sent.text
    page = structure.get(application.get_absolute_url()).text
    assert "Échanges (1)" in page
    task = f'<a class="fr-btn" href="{address}">Répondre au message des services, dossier {application.number}</a>'
    assert task in structure.get("/compte/").text
    assert "Une réponse est attendue" in page
    thread = structure.get(address).text
    assert "Marquer le nouveau message comme lu" in thread
    assert "Réponse attendue" in thread
    assert structure.post(reverse("thread-read", args=[application.number])).url == address
    assert "Lu le 22/11/2026" in services.get(address).text
    answer = {
        "text": "Oui.\nVoici le planning.",
        "document_date": "2026-11-12",
        "file": samples.sent("planning.pdf", samples.pdf()),
    }
    said = structure.post(address, answer, follow=True).text
    assert "Votre message est envoyé aux services en charge de votre dossier." in said
    assert "planning.pdf" in said
    assert "Une réponse est attendue" not in structure.get(application.get_absolute_url()).text
    assert "Répondre au message" not in structure.get("/compte/").text
    asked = {"text": "Quand viendrez-vous ?", "answer_expected": "on"}
    structure.post(address, asked)
    assert application.number in services.get("/dossiers/", {"vue": "a-repondre"}).text
    services.post(address, {"mandate": agent.pk, "text": "Jeudi."})
    assert application.number not in services.get("/dossiers/", {"vue": "a-repondre"}).text
    structure.post(address, {"text": "Merci."})
    assert "1 non lu." in services.get(application.get_absolute_url()).text


@db
def test_a_refused_message_is_kept_on_the_page():
    application, member = file_of()
    client, address = signed_in(member.user), reverse("thread", args=[application.number])
    refused_page = client.post(address, {"text": f"Bonjour, {samples.NIR}", "answer_expected": "on"})
    assert (refused_page.status_code, Message.objects.count()) == (422, 0)
    assert samples.NIR in refused_page.text
    assert 'name="answer_expected" aria-describedby="reponse-aide" checked' in refused_page.text
    undated = client.post(address, {"text": "Bonjour", "file": samples.sent("p.pdf", samples.pdf())})
    assert (undated.status_code, Message.objects.count()) == (422, 0)
    assert "Indiquez la date du document" in undated.text
    large = client.post(address, {"text": "Bonjour", "file": samples.sent("p.pdf", bytes(22 * 1024**2))})
    assert (large.status_code, Message.objects.count()) == (413, 0)
    assert "Bonjour</textarea>" in large.text


@db
def test_who_is_of_neither_side_reads_nothing():
    application, member = file_of()
    send(application, member, "Texte confidentiel")
    partner = signed_in(make.mandate(AuthorityKind.COLLECTIVITE, role=Role.PARTNER).user)
    page = partner.get(application.get_absolute_url())
    assert page.status_code == 200
    assert "confidentiel" not in page.text
    assert "Échanges" not in page.text
    assert partner.get(reverse("thread", args=[application.number])).status_code == 403
    observer = signed_in(make.mandate(role=Role.OBSERVER).user)
    page = observer.get(reverse("thread", args=[application.number]))
    assert "confidentiel" in page.text
    assert "<textarea" not in page.text
    assert observer.post(reverse("thread", args=[application.number]), {"text": "x"}).status_code == 403


@db
def test_a_long_thread_costs_no_more_queries(django_assert_max_num_queries):
    application, member = file_of()
    agent = make.mandate()
    client = signed_in(agent.user)
    counts = []
    for size in (2, 12):
        while Message.objects.count() < size:
            send(application, member)
            send(application, agent)
        with django_assert_max_num_queries(40) as captured:
            client.get(reverse("thread", args=[application.number]))
        counts.append(len(captured))
    assert counts[0] == counts[1]
