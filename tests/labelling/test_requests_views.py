"""Questions, answers, versions and corrections, by HTTP, on both sides of a file."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labelling.choices import CriterionKind, Interest, MembershipRole, Rule, Verdict
from labelling.models import AnswerDraft, AnswerRevision, Application, Criterion, InformationRequest, Specification
from labelling.rules.answers import parse
from labelling.services import replies, requests, reviews
from labelling.services.corrections import correct_answers
from labelling.services.interests import declare_interest
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, Role
from tests import factories as make
from tests.labelling.test_requests import DOCTORS, HOURS, NURSES, WHOLE, ask, prepare, reply, submitted
from tests.plugins.signed_in import signed_in

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Paris"))


@pytest.fixture(autouse=True)
def today(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def main_of(response):
    return (
        response.content.decode()
        .partition("<main")[2]
        .partition("</main>")[0]
        .replace("\u00a0", " ")
        .replace("&nbsp;", " ")
    )


def primary(response):
    """The buttons without modifier, the hidden one that Enter presses aside."""
    found = re.findall(r'class="(fr-btn(?: [^"]*)?)"', main_of(response))
    return [one for one in found if not re.search(r"fr-btn--(secondary|tertiary|close)", one)]


@pytest.fixture
def owner():
    return make.membership()


@pytest.fixture
def editor(owner):
    return make.membership(owner.structure, role=MembershipRole.EDITOR)


@pytest.fixture
def file(owner):
    return submitted(owner)


def agent_of(kind, file):
    mandate = make.mandate(kind)
    declare_interest(application=file, mandate=mandate, interest=Interest.NONE, at=NOW - timedelta(days=1))
    return mandate


@pytest.fixture
def ars(file):
    return agent_of(AuthorityKind.ARS, file)


def address(name, file, *more):
    return reverse(name, args=[file.number, *more])


def fields_of(response):
    """What the form of a page would post, as the browser shows it."""
    html = response.content.decode()
    html = html[html.index('<form method="post" novalidate') :]
    html = html[: html.index("</form>")]
    data = {}
    for tag in re.findall(r"<input[^>]*>", html):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if not name:
            continue
        if re.search(r'type="(checkbox|radio)"', tag):
            if " checked" in tag:
                data[name[1]] = value[1] if value else "on"
        else:
            data[name[1]] = value[1] if value else ""
    for name, body in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', html, re.DOTALL):
        chosen = re.search(r'value="([^"]*)"[^>]* selected', body)
        data[name] = chosen[1] if chosen else ""
    for name, text in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', html, re.DOTALL):
        data[name] = text.strip()
    return data


# The structure --------------------------------------------------------------------------------------------------------


def test_a_question_is_announced_then_read_by_an_act_and_the_clock_stops(file, ars, owner):
    ask(file, ars, HOURS)
    client = signed_in(owner.user)
    page = client.get(file.get_absolute_url())
    assert "À faire (0 sur 1)" in main_of(page)
    assert "À compléter" in main_of(page)
    assert "Le mercredi est-il ouvert" not in main_of(page), "reading is an act"
    page = client.get(address("application-requests", file))
    assert "Le mercredi est-il ouvert" not in main_of(page)
    assert "le délai de réponse sera en pause" in main_of(page)
    assert len(primary(page)) == 1
    assert InformationRequest.objects.get().notified_at is None, "a page that is only shown writes nothing"
    page = client.post(address("application-requests", file), {"act": "read"}, follow=True)
    question = InformationRequest.objects.get()
    assert page.redirect_chain[-1][0] == address("application-request", file, question.pk), "the only question"
    assert "Le mercredi est-il ouvert" in main_of(page)
    assert "Le délai de réponse est en pause ; il reprendra à la réception de vos réponses" in main_of(page)
    page = client.get(file.get_absolute_url())
    assert "En pause depuis le 24/11 · reprise au plus tard le 15/12" in main_of(page)
    assert "Rejet implicite : 04/12/2026, reporté au plus tard au 25/12/2026" in main_of(page)
    assert "1 précision à envoyer au plus tard le 15 décembre 2026 ; délai en pause." in main_of(page)
    assert len(primary(page)) == 1


def test_the_structure_answers_then_sends(file, ars, owner, editor):
    (question,) = ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    client, one = signed_in(editor.user), address("application-request", file, question.pk)
    page = client.get(one)
    assert "Les autres réponses du dossier sont verrouillées" in main_of(page)
    assert question.criterion.title in main_of(page)
    data = fields_of(page)
    assert data["draft"] == "0"
    refused = client.post(one, {**data, "wed_0_start": "9h", "wed_0_end": "8h"})
    assert refused.status_code == 422
    assert "n’est pas après l’ouverture" in main_of(refused)
    assert not AnswerDraft.objects.exists()
    data.pop("wed_closed", None)
    page = client.post(one, {**data, "wed_0_start": "9h", "wed_0_end": "12h", "reply": "Le matin."}, follow=True)
    assert "À faire (1 sur 1)" in main_of(page)
    assert "Seul le responsable de la structure peut envoyer" in main_of(page)
    assert client.post(address("application-requests", file), {"act": "send", "draft": 1}).status_code == 403
    chief = signed_in(owner.user)
    page = chief.get(address("application-requests", file))
    assert "Envoyer ma réponse" in main_of(page)
    page = chief.post(address("application-requests", file), {"act": "send", "draft": 1}, follow=True)
    assert "Votre réponse est envoyée aux services." in main_of(page)
    assert "Le matin." in main_of(page)
    file.refresh_from_db()
    assert file.answers["hours"]["wed"] == [["09:00", "12:00"]]
    assert "Aucune question n’attend votre réponse" in main_of(chief.get(address("application-requests", file)))
    assert chief.get(one).status_code == 302


def test_a_colleague_s_work_is_not_undone(file, ars, owner):
    hours, nurses = ask(file, ars, HOURS, NURSES)
    replies.read_questions(application=file, membership=owner, at=NOW)
    client, one = signed_in(owner.user), address("application-request", file, hours.pk)
    data = fields_of(client.get(one))
    reply(nurses, owner)
    page = client.post(one, {**data, "reply": "Ma saisie"})
    assert page.status_code == 409
    assert "Ma saisie" in main_of(page)
    assert client.post(one, {**fields_of(page), "reply": "Ma saisie"}).status_code == 302
    page = client.post(address("application-requests", file), {"act": "send", "draft": 1})
    assert page.status_code == 409
    assert "Un collègue a changé les réponses" in main_of(page)


def test_an_answer_survives_the_end_of_the_session(file, ars, owner):
    (question,) = ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    client, one = signed_in(owner.user), address("application-request", file, question.pk)
    data = fields_of(client.get(one))
    client.lose_session(owner.user)
    assert client.post(one, {**data, "reply": "Ma saisie"}).url.startswith("/connexion/")
    client.force_login(owner.user)
    page = client.get(one)
    assert "Votre session avait pris fin" in main_of(page)
    assert fields_of(page)["reply"] == "Ma saisie"
    client.post(one, fields_of(page))
    assert InformationRequest.objects.get().reply == "Ma saisie"
    assert "Votre session avait pris fin" not in main_of(client.get(one))


def test_only_the_professionals_in_question_are_unlocked_and_rows_are_added(file, ars, owner):
    (question,) = ask(file, ars, NURSES)
    replies.read_questions(application=file, membership=owner, at=NOW)
    client, one = signed_in(owner.user), address("application-request", file, question.pk)
    page = client.get(one)
    assert "Dr Maquette" not in main_of(page)
    data = fields_of(page)
    assert data["team_count"] == "1"
    page = client.post(one, {**data, "act": "add-team", "reply": "deux lignes"})
    data = fields_of(page)
    assert (data["team_count"], data["reply"]) == ("2", "deux lignes")
    wrong = client.post(one, {**data, "m1_profession": "doctor", "m1_name": "Intruse"})
    assert wrong.status_code == 422
    client.post(one, {**data, "m1_profession": "nurse", "m1_name": "Mme Ébauche"})
    assert [member["name"] for member in AnswerDraft.objects.get().answers["team"]] == [
        "Dr Maquette",
        "",
        "Mme Ébauche",
    ]


def test_another_structure_and_agents_do_not_answer(file, ars, owner):
    (question,) = ask(file, ars, HOURS)
    for person, status in [(make.membership().user, 404), (ars.user, 403)]:
        client = signed_in(person)
        assert client.get(address("application-requests", file)).status_code == status
        assert client.post(address("application-requests", file), {"act": "read"}).status_code == status
        assert client.get(address("application-request", file, question.pk)).status_code == status
    elsewhere = submitted(make.membership())
    client = signed_in(owner.user)
    assert client.get(reverse("application-request", args=[elsewhere.number, question.pk])).status_code == 404
    assert client.get(address("application-request", file, question.pk)).status_code == 302, "read it first"


# The agents ------------------------------------------------------------------------------------------------------------


def test_an_agent_prepares_sends_and_withdraws(file, ars):
    client, page_of = signed_in(ars.user), address("application-questions", file)
    page = client.get(file.get_absolute_url(), {"critere": HOURS})
    assert f"{page_of}?critere={HOURS}#question" in main_of(page)
    page = client.get(page_of, {"critere": HOURS})
    assert re.search(rf'value="{HOURS}"\s+selected', main_of(page))
    assert len(primary(page)) == 1
    by = {"mandate": ars.pk, "version": file.version}
    empty = client.post(page_of, {**by, "act": "prepare", "criterion": HOURS})
    assert (empty.status_code, "Écrivez la question." in main_of(empty)) == (422, True)
    asked = {**by, "act": "prepare", "criterion": HOURS, "question": "Le mercredi ?", "required": "on"}
    page = client.post(page_of, asked, follow=True)
    assert "À envoyer (1)" in main_of(page)
    assert len(primary(page)) == 1
    assert 'value="2026-12-15"' in main_of(page), "21 days are proposed"
    near = client.post(page_of, {**by, "act": "send", "deadline": "2026-11-26"})
    assert (near.status_code, InformationRequest.objects.sent().exists()) == (409, False)
    assert "La structure répond entre le 2 décembre 2026 et le 23 janvier 2027" in main_of(near)
    page = client.post(page_of, {**by, "act": "send", "deadline": "2026-12-15"}, follow=True)
    assert "1 précision demandée : la structure est prévenue par courriel, jusqu’au 15 décembre 2026" in main_of(page)
    assert "Compléments" in main_of(page)
    assert "pas encore lue : le délai ne s’arrête qu’à la lecture" in main_of(page)
    assert "attendez sa réponse, ou retirez la demande" in main_of(page)
    question = InformationRequest.objects.get()
    file.refresh_from_db()
    by["version"] = file.version
    page = client.post(page_of, {**by, "act": "withdraw", "question": question.pk}, follow=True)
    assert "Retirée le 24/11/2026" in main_of(page)
    again = client.post(page_of, {**by, "act": "withdraw", "question": question.pk})
    assert again.status_code == 409


def test_a_prepared_question_is_private_to_its_authority(file, ars, owner):
    question = prepare(file, ars)
    other = agent_of(AuthorityKind.PREFECTURE, file)
    colleague = agent_of(AuthorityKind.ARS, file)
    for person, reads in [
        (colleague.user, True),
        (other.user, False),
        (make.mandate(AuthorityKind.NATIONAL).user, False),
        (make.mandate(AuthorityKind.CAISSE, role=Role.OBSERVER).user, False),
        (owner.user, False),
    ]:
        assert ("Le mercredi est-il ouvert" in main_of(signed_in(person).get(file.get_absolute_url()))) == reads
    client = signed_in(other.user)
    dropped = client.post(
        address("application-questions", file),
        {"mandate": other.pk, "version": 1, "act": "drop", "question": question.pk},
    )
    assert (dropped.status_code, InformationRequest.objects.count()) == (409, 1)
    client = signed_in(ars.user)
    client.post(
        address("application-questions", file),
        {"mandate": ars.pk, "version": 1, "act": "drop", "question": question.pk},
    )
    assert not InformationRequest.objects.exists()


def test_agents_see_what_changed_since_their_visit_and_say_they_read_it(file, ars, owner, monkeypatch):
    criterion = file.specification.criteria.get(code=HOURS)
    reviews.assess(
        application=file, criterion=criterion, verdict=Verdict.MET, reason="", mandate=ars, version=1, at=NOW
    )
    file.refresh_from_db()
    (question,) = ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW + timedelta(hours=1))
    hours = {"hours": {**WHOLE["hours"], "wed": [["09:00", "12:00"]]}}
    reply(question, owner, answers=hours, words="Ouvert le <b>matin</b>.")
    replies.send_answers(application=file, membership=owner, version=1, at=NOW + timedelta(hours=2))
    client = signed_in(ars.user)
    html = main_of(client.get(file.get_absolute_url()))
    assert "Réponses reçues" in html
    assert "Depuis votre dernière visite : 1 réponse modifiée" in html
    assert "Réponse modifiée depuis" in html
    assert "Ouvert le &lt;b&gt;matin&lt;/b&gt;." in html
    assert file.number in main_of(client.get("/dossiers/", {"vue": "reponses-recues"}))
    page = client.get(address("application-changes", file))
    assert re.search(
        r"Horaires : Mercredi</th><td[^>]*><del>fermé</del></td><td[^>]*><ins>9 h – 12 h</ins>",
        main_of(page),
    )
    assert len(primary(page)) == 1
    stale = client.post(address("application-changes", file), {"mandate": ars.pk, "revision": 0}, follow=True)
    assert "Les réponses ont encore changé" in main_of(stale)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + timedelta(hours=3))
    read = {"mandate": ars.pk, "revision": 1, "request": question.pk}
    page = client.post(address("application-changes", file), read, follow=True)
    html = main_of(page)
    assert "Depuis votre dernière visite" not in html
    assert "Réponses reçues" not in html
    assert file.number not in main_of(client.get("/dossiers/", {"vue": "reponses-recues"}))
    page = signed_in(owner.user).get(address("application-changes", file))
    assert "J’ai lu les réponses" not in main_of(page)
    assert "Réponse à une demande de précisions" in main_of(page)
    denied = signed_in(owner.user).post(address("application-changes", file), {"mandate": ""})
    assert denied.status_code == 403


def test_an_agent_corrects_and_the_structure_reads_why(file, ars, owner):
    make.authority(AuthorityKind.PREFECTURE)
    client, one = signed_in(ars.user), address("application-correct", file, "permanence")
    page = client.get(one)
    assert len(primary(page)) == 1
    data = fields_of(page)
    assert data["version"] == str(file.version)
    lacking = client.post(one, {**data, "pdsa": "oui"})
    assert (lacking.status_code, AnswerRevision.objects.exists()) == (422, False)
    assert "Dites pourquoi vous corrigez" in main_of(lacking)
    page = client.post(one, {**data, "pdsa": "oui", "reason": "Appel du 24/11."}, follow=True)
    assert "La correction est enregistrée" in main_of(page)
    stale = client.post(one, {**data, "pdsa": "non", "reason": "Encore."})
    assert stale.status_code == 409
    assert "Encore." in main_of(stale)
    page = signed_in(owner.user).get(address("application-changes", file))
    assert "Motif : « Appel du 24/11. »" in main_of(page)
    assert ars.user.last_name not in main_of(page), "a service, not a person"
    assert "Réponses corrigées par les services" in main_of(signed_in(owner.user).get(file.get_absolute_url()))
    deliver_mail()
    assert [message.to for message in mail.outbox if "corrigé" in message.subject] == [[owner.user.email]]
    assert client.get(address("application-correct", file, "engagements")).status_code == 404


def test_a_task_that_is_asked_about_is_not_offered_to_correction(file, ars):
    ask(file, ars, DOCTORS)
    client = signed_in(ars.user)
    html = main_of(client.get(file.get_absolute_url()))
    assert address("application-correct", file, "horaires") in html
    assert address("application-correct", file, "equipe") not in html
    assert "elles sont à elle jusqu’à sa réponse" in main_of(client.get(address("application-correct", file, "equipe")))


def test_mails_say_what_is_asked_and_by_when(file, ars, owner):
    make.authority(AuthorityKind.PREFECTURE)
    ask(file, ars, HOURS, NURSES)
    deliver_mail()
    (asked,) = [message for message in mail.outbox if message.to == [owner.user.email]]
    body = asked.body.replace("\u00a0", " ")
    assert "Il nous manque 2 précisions pour continuer" in body
    assert "Vous avez jusqu’au 15 décembre 2026." in body
    assert "Le mercredi est-il ouvert" not in body, "the question is read in the portal: that notifies it"
    assert f"/dossiers/{file.number}/complements/" in body


def test_each_act_tells_who_it_concerns(file, ars, owner, monkeypatch):
    make.authority(AuthorityKind.PREFECTURE)

    def told(at):
        mail.outbox.clear()
        monkeypatch.setattr("django.utils.timezone.now", lambda: at)
        deliver_mail()
        return [(message.to, re.sub(r"\s+", " ", message.body)) for message in mail.outbox]

    hours, nurses = ask(file, ars, HOURS, NURSES)
    replies.read_questions(application=file, membership=owner, at=NOW)
    told(NOW)
    near = NOW + timedelta(days=18)
    reply(nurses, owner, at=near)
    requests.remind(at=near)
    ((to, body),) = told(near)
    assert to == [owner.user.email]
    assert "Il reste trois jours, jusqu’au 15 décembre 2026, pour répondre aux services" in body
    assert "Sans réponse, votre dossier sera examiné en l’état, avec les réponses déjà données." in body
    assert "1 réponse est prête dans le portail et pas encore envoyée" in body
    file.refresh_from_db()
    requests.withdraw_question(question=hours, mandate=ars, version=file.version, at=near)
    ((to, body),) = told(near)
    assert to == [owner.user.email]
    assert f"Une précision n’est plus attendue sur la candidature {file.number}" in body
    assert "au 25 décembre 2026, votre demande sera réputée rejetée" in body
    replies.send_answers(
        application=file, membership=owner, version=AnswerDraft.objects.get().version, at=near + timedelta(hours=1)
    )
    ((to, body),) = told(near + timedelta(hours=1))
    assert to == ["service@exemple.invalid"], "the authority that asked"
    assert "a répondu à 1 demande de précision" in body
    assert "Les réponses du dossier n’ont pas changé." in body


# Constant queries -------------------------------------------------------------------------------------------------------


def counted(client, url):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_pages_ask_a_constant_number_of_queries(ars, file, owner):
    def asked_files(count):
        for _ in range(count):
            member = make.membership()
            another = submitted(member)
            ask(another, ars, HOURS)
            replies.read_questions(application=another, membership=member, at=NOW)

    agent = signed_in(ars.user)
    asked_files(2)
    agent.get("/dossiers/")
    few = counted(agent, "/dossiers/")
    asked_files(4)
    assert counted(agent, "/dossiers/") == few
    ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    structure = signed_in(owner.user)
    urls = [(agent, file.get_absolute_url()), (structure, file.get_absolute_url())]
    urls += [(structure, address("application-requests", file)), (agent, address("application-questions", file))]
    before = [counted(client, url) for client, url in urls]
    ask(file, ars, NURSES, DOCTORS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    assert [counted(client, url) for client, url in urls] == before


def test_versions_ask_a_constant_number_of_queries(ars, file):
    def corrected(number):
        for minute in range(number):
            said = not parse(Application.objects.get(pk=file.pk).answers).on_call.pdsa
            file.refresh_from_db()
            correct_answers(
                application=file,
                mandate=ars,
                step="permanence",
                answers={"on_call": {"pdsa": said, "sas": True, "details": ""}},
                reason="essai",
                version=file.version,
                at=NOW + timedelta(minutes=minute),
            )

    corrected(1)
    urls = [file.get_absolute_url(), address("application-changes", file)]
    client = signed_in(ars.user)
    before = [counted(client, url) for url in urls]
    corrected(3)
    assert [counted(client, url) for url in urls] == before


def test_a_criterion_that_reads_no_answer_is_answered_in_words(owner):
    specification = Specification.objects.create(version="9.9", title="essai", legal_source="essai")
    Criterion.objects.create(
        specification=specification,
        code="accueil",
        position=1,
        kind=CriterionKind.CRITERION,
        title="Qualité de l’accueil",
        text="L’accueil est assuré.",
        rule=Rule.PERSON,
        legal_source="essai",
    )
    file = submitted(owner, specification=specification)
    ars = agent_of(AuthorityKind.ARS, file)
    (question,) = ask(file, ars, "accueil")
    replies.read_questions(application=file, membership=owner, at=NOW)
    client, one = signed_in(owner.user), address("application-request", file, question.pk)
    page = client.get(one)
    assert "répondez par quelques mots" in main_of(page)
    empty = client.post(one, {"draft": 0, "reply": " "})
    assert (empty.status_code, "l’un des deux suffit" in main_of(empty)) == (422, True)
    assert client.post(one, {"draft": 0, "reply": "Deux personnes se relaient."}).status_code == 302


# A verdict to clarify -------------------------------------------------------------------------------------------------


def to_clarify(file, ars):
    criterion = file.specification.criteria.get(code=HOURS)
    reviews.assess(
        application=file,
        criterion=criterion,
        verdict=Verdict.TO_CLARIFY,
        reason="Le mercredi est-il ouvert ?",
        mandate=ars,
        version=file.version,
        at=NOW - timedelta(minutes=5),
    )
    return criterion


def test_the_reason_of_a_verdict_begins_the_question_which_is_sent_at_once(file, ars, owner):
    to_clarify(file, ars)
    client, one = signed_in(ars.user), address("application-questions", file)
    page = client.get(f"{one}?critere={HOURS}")
    assert "Le mercredi est-il ouvert ?</textarea>" in main_of(page)
    assert len(primary(page)) == 1
    file.refresh_from_db()
    said = {"mandate": ars.pk, "version": file.version, "criterion": HOURS, "question": "Le mercredi ?"}
    late = client.post(one, {**said, "act": "ask", "deadline": "2030-01-01"})
    assert late.status_code == 409
    assert InformationRequest.objects.count() == 0
    assert "Le mercredi ?</textarea>" in main_of(late)
    assert client.post(one, {**said, "act": "ask", "deadline": "2026-12-15"}).url == file.get_absolute_url()
    question = InformationRequest.objects.get()
    assert (question.question, question.sent_at, question.capacity) == ("Le mercredi ?", NOW, "ars")
    page = client.get(f"{one}?critere={HOURS}")
    assert "Le mercredi est-il ouvert ?</textarea>" not in main_of(page), "asked already"


def test_one_question_is_not_sent_beside_another_that_waits(file, ars):
    prepare(file, ars, HOURS)
    client = signed_in(ars.user)
    assert "Envoyer cette question" not in main_of(client.get(address("application-questions", file)))
    said = {"mandate": ars.pk, "version": file.version, "criterion": DOCTORS, "question": "Qui ?", "act": "ask"}
    refused = client.post(address("application-questions", file), {**said, "deadline": "2026-12-15"})
    assert refused.status_code == 409
    assert "Votre autorité prépare une autre question" in main_of(refused)
    assert [row.sent_at for row in InformationRequest.objects.all()] == [None]


def test_the_page_of_a_file_leads_to_the_answer_then_to_the_criterion(file, ars, owner):
    (question,) = ask(file, ars, HOURS)
    replies.read_questions(application=file, membership=owner, at=NOW)
    reply(question, owner, at=NOW)
    replies.send_answers(application=file, membership=owner, version=1, at=NOW)
    client = signed_in(ars.user)
    page = client.get(file.get_absolute_url())
    assert "Lire la réponse de la structure" in main_of(page)
    assert len(primary(page)) == 1
    InformationRequest.objects.update(read_at=NOW)
    file.refresh_from_db()
    for criterion in file.specification.criteria.filter(kind=CriterionKind.CRITERION).exclude(code=HOURS):
        reviews.assess(
            application=file,
            criterion=criterion,
            verdict=Verdict.MET,
            reason="",
            mandate=ars,
            version=file.version,
            at=NOW,
        )
        file.refresh_from_db()
    criterion = to_clarify(file, ars)
    page = main_of(client.get(file.get_absolute_url()))
    where = f"{file.get_absolute_url()}?critere={HOURS}"
    assert f'href="{where}#critere-{HOURS}">Préciser le critère {criterion.position}</a>' in page
    assert f"Il reste le critère {criterion.position} à préciser." in page
    row = main_of(client.get(where))
    assert "Précisions demandées sur ce critère" in row
    assert "Préciser le critère" not in row, "its form is open"
