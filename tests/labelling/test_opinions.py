"""Opinions of third parties: asked, reminded, given once by a link, revised, cited, and told to the structure."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.signals import request_finished
from django.db import IntegrityError, close_old_connections, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState as State
from labelling.choices import BodyKind, OpinionPart, OpinionSense
from labelling.models import ConsultedBody, ExpertGroup, FileReading, Opinion, OpinionAnswer
from labelling.services import consulted
from labelling.services import opinions as service
from labelling.services.drafting import draft_content
from labelling.services.evidence import SentFile, add_evidence
from labelling.services.reviews import sheet
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, DecisionKind, Role, Subject
from territories.models import Event
from territories.services.decisions import propose_decision
from territories.services.events import broken_link
from tests import factories as make
from tests import samples
from tests.plugins.committed import at_once
from tests.plugins.signed_in import PortalClient

NOW = make.NOW
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def today(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    cache.clear()


def body(name="l’URPS médecins", email="urps@exemple.invalid", **fields):
    values = {"kind": BodyKind.URPS, "departement": make.departement(), "email": email, **fields}
    return ConsultedBody.objects.create(name=name, **values)


def ask(application, mandate, *bodies, at=NOW, **fields):
    question = {"question": "Ce lieu appelle-t-il une réserve ?", "parts": OpinionPart.values, **fields}
    question.setdefault("due_date", TODAY + timedelta(days=15))
    return service.ask_opinions(application=application, bodies=bodies, **question, mandate=mandate, at=at)


def give(opinion, sense=OpinionSense.FAVOURABLE, text="", *, rank=0, mandate=None, at=NOW, confidential=False):
    return service.give_opinion(
        opinion=opinion, rank=rank, sense=sense, text=text, confidential=confidential, mandate=mandate, at=at
    )


def events(application):
    return list(Event.objects.about(Subject.APPLICATION, application.pk).values_list("action", flat=True))


def refused(call, sentence, application):
    """The act is refused with this sentence, and nothing moved."""

    def world():
        return (
            list(Opinion.objects.order_by("pk").values()),
            OpinionAnswer.objects.count(),
            events(application),
            type(application).objects.values().get(pk=application.pk),
        )

    before = world()
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert world() == before


@pytest.fixture
def file(db):
    return make.application(state=State.UNDER_REVIEW)


@pytest.fixture
def partner(db):
    return make.mandate(AuthorityKind.CAISSE, role=Role.PARTNER)


@pytest.fixture
def caisse(partner):
    return body("la CPAM de Valfictie", "", kind=BodyKind.CAISSE, authority=partner.authority)


# Asking -----------------------------------------------------------------------------------------------------------


def test_either_authority_asks_several_bodies_at_once(file, ars, prefecture, caisse):
    version = file.version
    first, second = ask(file, ars, caisse, body())
    assert (first.email, second.email) == ("", "urps@exemple.invalid")
    assert (first.question, first.due_date) == ("Ce lieu appelle-t-il une réserve ?", TODAY + timedelta(days=15))
    ask(file, prefecture, body("l’ordre des infirmiers", "ordre@exemple.invalid"))
    assert events(file) == ["ask_opinion"] * 3
    assert Event.objects.last().data["opinion"]
    file.refresh_from_db()
    assert file.version == version, "an opinion does not make anybody's page stale"
    assert broken_link(Subject.APPLICATION, file.pk) is None


def test_what_may_not_be_asked(file, ars, partner, caisse):
    urps = body()
    far = body("l’ordre lointain", "loin@exemple.invalid", departement=make.departement("97", "Valfictie", region="R2"))
    unmanned = body(
        "le conseil départemental", "", kind=BodyKind.DEPARTEMENT, authority=make.authority(AuthorityKind.COLLECTIVITE)
    )
    ask(file, ars, urps)
    refused(lambda: ask(file, ars, caisse, urps), "déjà demandé et attendu", file)
    refused(lambda: ask(file, ars, far), "n’est pas consulté dans ce département", file)
    refused(lambda: ask(file, ars, unmanned), "au nom du conseil départemental", file)
    refused(lambda: ask(file, ars), "au moins un organisme", file)
    refused(lambda: ask(file, ars, caisse, due_date=TODAY), "à partir de demain", file)
    refused(lambda: ask(file, ars, caisse, question="  "), "Écrivez la question", file)
    refused(lambda: ask(file, ars, caisse, question="Patient 1 85 05 78 006 084 91 ?"), "sécurité sociale", file)
    refused(lambda: ask(file, partner, caisse), "non de l’instruire", file)
    signing = make.application(state=State.UNDER_REVIEW)
    type(signing).objects.filter(pk=signing.pk).update(state=State.CLOSED)
    refused(lambda: ask(signing, ars, caisse), "pendant l’instruction", signing)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("opinion_asks_something", {"question": ""}),
        ("opinion_parts_known", {"parts": ["identite"]}),
        ("opinion_due_after_asked", {"due_date": TODAY - timedelta(days=1)}),
        ("opinion_revoked_is_unanswered", {"answered_at": NOW, "revoked_at": NOW}),
        ("opinion_one_waiting_per_body", {}),
    ],
)
def test_the_database_refuses_an_impossible_request(file, ars, name, fields):
    urps = body()
    if name == "opinion_one_waiting_per_body":
        ask(file, ars, urps)
    values = {"question": "?", "due_date": TODAY + timedelta(days=3), "asked_at": NOW, "asked_by": ars, **fields}
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Opinion.objects.create(application=file, body=urps, **values)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("body_kind_known", {"kind": "voisin"}),
        ("body_one_territory", {"departement": None}),
        ("body_reached_one_way", {"email": ""}),
        ("body_name_unique", {}),
    ],
)
def test_the_database_refuses_an_impossible_body(db, name, fields):
    body()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        body(**({"name": "l’autre"} if fields else {}) | fields)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("opinion_answer_sense_known", {"sense": "peut-être", "text": "Motif."}),
        ("opinion_answer_reasoned", {"sense": OpinionSense.UNFAVOURABLE}),
        ("opinion_answer_rank_unique", {"rank": 0}),
    ],
)
def test_the_database_refuses_an_impossible_answer(file, ars, name, fields):
    (opinion,) = ask(file, ars, body())
    give(opinion)
    values = {"rank": 1, "sense": OpinionSense.NONE, "answered_at": NOW, **fields}
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        OpinionAnswer.objects.create(opinion=opinion, **values)


def test_answers_are_insert_only(file, ars):
    (opinion,) = ask(file, ars, body())
    give(opinion)
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        OpinionAnswer.objects.update(text="autre")


# Answering --------------------------------------------------------------------------------------------------------


def test_a_partner_answers_for_its_authority_only(file, ars, partner, caisse):
    (opinion,) = ask(file, ars, caisse)
    stranger = make.mandate(AuthorityKind.COLLECTIVITE, role=Role.PARTNER)
    observer = make.mandate(AuthorityKind.CAISSE, role=Role.OBSERVER)
    refused(lambda: give(opinion, mandate=stranger), "autre organisme", file)
    refused(lambda: give(opinion, mandate=observer), "autre organisme", file)
    refused(lambda: give(opinion), "dans le portail", file)
    refused(lambda: give(opinion, OpinionSense.RESERVED, mandate=partner), "demande ses motifs", file)
    nir = "Voir 1 85 05 78 006 084 91."
    refused(lambda: give(opinion, OpinionSense.RESERVED, nir, mandate=partner), "sécurité sociale", file)
    answer = give(opinion, OpinionSense.RESERVED, " Horaires du mercredi. ", mandate=partner)
    assert (answer.rank, answer.text, answer.mandate) == (0, "Horaires du mercredi.", partner)
    opinion.refresh_from_db()
    assert opinion.answered_at == NOW
    last = Event.objects.about(Subject.APPLICATION, file.pk).last()
    assert (last.action, last.actor_id) == ("give_opinion", partner.pk)


def test_an_opinion_is_revised_until_its_deadline_or_its_use(file, ars):
    (opinion,) = ask(file, ars, body())
    give(opinion, OpinionSense.UNFAVOURABLE, "Trop loin.")
    due = NOW + timedelta(days=15)
    give(opinion, OpinionSense.FAVOURABLE, rank=1, at=due)
    assert [answer.sense for answer in service.opinions_of(file)[0].answers.all()] == ["favourable", "unfavourable"]
    refused(lambda: give(opinion, rank=2, at=due + timedelta(days=1)), "se revoit jusqu’à la date", file)
    with pytest.raises(StaleError, match="déjà été enregistré"):
        give(opinion, rank=1)
    type(file).objects.filter(pk=file.pk).update(state=State.CLOSED)
    refused(lambda: give(opinion, rank=2), "n’attend plus d’avis", file)
    assert events(file)[1:] == ["give_opinion", "revise_opinion"]


def test_a_late_answer_is_not_too_late(file, ars):
    (opinion,) = ask(file, ars, body())
    give(opinion, at=NOW + timedelta(days=40))
    assert OpinionAnswer.objects.count() == 1


def test_a_request_is_cancelled_while_nobody_answered(file, ars, prefecture):
    first, second = ask(file, ars, body(), body("l’ordre", "ordre@exemple.invalid"))
    service.revoke_opinion(opinion=first, mandate=prefecture, at=NOW)
    refused(lambda: give(first), "annulée", file)
    refused(lambda: service.revoke_opinion(opinion=first, mandate=ars, at=NOW), "déjà annulée", file)
    give(second)
    refused(lambda: service.revoke_opinion(opinion=second, mandate=ars, at=NOW), "reste au dossier", file)
    # Cancelled, the same body may be asked anew.
    ask(file, ars, first.body)


def test_two_answers_at_once_make_one(committed_db):
    ars = make.mandate(AuthorityKind.ARS)
    file = make.application(state=State.UNDER_REVIEW)
    (opinion,) = ask(file, ars, body())
    outcomes = at_once(lambda: give(opinion), lambda: give(opinion, OpinionSense.NONE))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["OpinionAnswer", "StaleError"]
    assert OpinionAnswer.objects.count() == 1
    assert events(file) == ["ask_opinion", "give_opinion"]
    assert broken_link(Subject.APPLICATION, file.pk) is None


def test_two_agents_at_once_ask_a_body_once(committed_db):
    ars, prefecture = make.mandate(AuthorityKind.ARS), make.mandate(AuthorityKind.PREFECTURE)
    file, urps = make.application(state=State.UNDER_REVIEW), body()
    outcomes = at_once(lambda: ask(file, ars, urps), lambda: ask(file, prefecture, urps))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["RefusedError", "list"]
    assert Opinion.objects.count() == 1


# Mails ------------------------------------------------------------------------------------------------------------


def sent():
    deliver_mail()
    found = [(message.to, message.subject) for message in mail.outbox]
    mail.outbox.clear()
    return [(to[0], subject.removeprefix("France Santé – ").partition(",")[0]) for to, subject in found]


def test_who_is_written_to(file, ars, partner, caisse):
    by_link, in_portal = ask(file, ars, body(), caisse)
    assert sent() == [
        ("urps@exemple.invalid", "un avis vous est demandé"),
        (partner.user.email, "un avis vous est demandé"),
    ]
    give(in_portal, mandate=partner)
    assert sent() == [(ars.user.email, "un avis est rendu")]
    service.revoke_opinion(opinion=by_link, mandate=ars, at=NOW)
    assert sent() == [("urps@exemple.invalid", "un avis n’est plus attendu")]


def test_reminders_three_days_before_and_on_the_day(file, ars):
    opinion, answered = ask(file, ars, body(), body("l’ordre", "ordre@exemple.invalid"))
    give(answered)
    due = NOW + timedelta(days=15)
    days = {before: service.remind_opinions(at=due - timedelta(days=before)) for before in (4, 3, 2, 1, 0, -1)}
    assert days == {4: 0, 3: 1, 2: 0, 1: 0, 0: 1, -1: 0}
    assert events(file).count("remind_opinion") == 2
    opinion.refresh_from_db()
    assert opinion.reminded_date == due.date()


def test_a_reminder_missed_is_made_up_for_and_a_short_deadline_has_one(file, ars):
    missed, short = (
        ask(file, ars, body())[0],
        ask(file, ars, body("l’ordre", "ordre@exemple.invalid"), due_date=TODAY + timedelta(days=2))[0],
    )
    assert service.remind_opinions(at=NOW) == 0, "just asked"
    assert service.remind_opinions(at=NOW + timedelta(days=2)) == 1
    assert service.remind_opinions(at=NOW + timedelta(days=17)) == 1, "the portal was stopped on the day"
    missed.refresh_from_db()
    short.refresh_from_db()
    assert (missed.reminded_date, short.reminded_date) == (TODAY + timedelta(days=17), TODAY + timedelta(days=2))


# The link ---------------------------------------------------------------------------------------------------------


def address(opinion):
    return reverse("opinion-link", args=[service.link_of(opinion)])


def link_in(message):
    """The link of a mail: signed with its second, no other call gives the same for sure."""
    return re.search(r"/avis/lien/[^\s]+", message.body)[0]


def test_a_link_gives_one_answer_without_account(client, file, ars):
    ask(file, ars, body(), parts=[OpinionPart.HOURS])
    deliver_mail()
    link = link_in(mail.outbox[-1])
    page = client.get(link)
    assert page.status_code == 200
    assert "Horaires, d’après la structure" in page.text
    assert "Tarifs" not in page.text
    assert client.post(link, {"sense": "unfavourable"}).status_code == 422
    assert client.post(link, {"sense": "unfavourable", "text": "Trop loin."}, follow=True).status_code == 200
    assert OpinionAnswer.objects.get().text == "Trop loin."
    used = client.get(link)
    assert "Votre avis est enregistré" in used.text
    assert "Trop loin" not in used.text, "an old link tells nothing of the opinion"
    mail.outbox.clear()
    client.post(link)
    (again,) = mail.outbox
    assert again.to == ["urps@exemple.invalid"]
    assert link_in(again) != link
    client.post(link_in(again), {"sense": "favourable"})
    assert [row.rank for row in OpinionAnswer.objects.order_by("pk")] == [0, 1]


def test_new_links_are_counted(client, file, ars):
    (opinion,) = ask(file, ars, body())
    link = address(opinion)
    client.post(link, {"sense": "favourable"})
    for _ in range(5):
        client.post(link)
    assert len(mail.outbox) == 3


def test_a_forged_or_foreign_link_opens_nothing(client, file, ars, caisse):
    opinion, in_portal = ask(file, ars, body(), caisse)
    assert client.get(reverse("opinion-link", args=["inconnu"])).status_code == 404
    assert client.get(f"{address(opinion)[:-2]}x/").status_code == 404
    assert client.get(address(in_portal)).status_code == 404, "a body of the portal has no link"
    service.revoke_opinion(opinion=opinion, mandate=ars, at=NOW)
    page = client.get(address(opinion))
    assert "a été annulée" in page.text
    assert page.status_code == 410
    assert file.structure.name not in page.text, "cancelled, the link tells nothing of the file"
    assert client.post(address(opinion), {"sense": "favourable"}).status_code == 410
    assert OpinionAnswer.objects.count() == 0


# Pages ------------------------------------------------------------------------------------------------------------


def signed_in(mandate):
    client = PortalClient()
    client.force_login(mandate.user)
    return client


def test_agents_ask_from_the_file_and_a_group_in_one_click(file, ars, caisse):
    agent = signed_in(ars)
    group = consulted.keep_group(
        name="Comité", departement=file.departement, bodies=[caisse, body()], mandate=ars, at=NOW
    )
    page = agent.get(file.get_absolute_url())
    assert "«&nbsp;Comité&nbsp;» (2)" in page.text
    hidden = {"mandate": ars.pk, "version": file.version}
    agent.post(reverse("opinion-ask", args=[file.number]), {**hidden, "group": group.pk})
    assert Opinion.objects.count() == 2
    assert Opinion.objects.first().question == service.QUESTION
    page = agent.get(file.get_absolute_url())
    assert '<span class="fs-count">0/2</span>' in page.text
    assert "Comité" not in page.text, "nobody is left to ask"
    again = agent.post(reverse("opinion-ask", args=[file.number]), {**hidden, "group": group.pk})
    assert (again.status_code, Opinion.objects.count()) == (409, 2)
    other = body("l’ordre", "ordre@exemple.invalid")
    typed = {**hidden, "bodies": [other.pk], "question": "Et vous ?", "due_date": "2026-12-15", "parts": ["tarifs"]}
    assert agent.post(reverse("opinion-ask", args=[file.number]), {**typed, "due_date": ""}).status_code == 422
    agent.post(reverse("opinion-ask", args=[file.number]), typed)
    asked = Opinion.objects.get(body=other)
    assert (asked.question, asked.parts) == ("Et vous ?", ["tarifs"])
    agent.post(reverse("opinion-revoke", args=[asked.pk]), hidden)
    asked.refresh_from_db()
    assert asked.revoked_at == NOW


def test_a_partner_has_its_list_and_answers(file, ars, partner, caisse):
    (opinion,) = ask(file, ars, caisse)
    expert = signed_in(partner)
    assert file.structure.name in expert.get(reverse("opinions")).text
    page = expert.get(reverse("opinion", args=[opinion.pk]))
    assert "appréciation des services ne vous est pas montrée" in page.text
    posted = {"mandate": partner.pk, "rank": 0, "sense": "none", "text": ""}
    assert expert.post(reverse("opinion", args=[opinion.pk]), posted).status_code == 302
    assert expert.post(reverse("opinion", args=[opinion.pk]), posted).status_code == 409, "a double click gives one"
    assert "Rendus" in expert.get(reverse("opinions")).text
    assert OpinionAnswer.objects.count() == 1
    assert signed_in(ars).get(reverse("opinions")).status_code == 403
    assert signed_in(ars).get(reverse("opinion", args=[opinion.pk])).status_code == 404
    observer = make.mandate(AuthorityKind.CAISSE, role=Role.OBSERVER)
    assert signed_in(observer).get(reverse("opinion", args=[opinion.pk])).status_code == 403


def test_opinions_are_read_by_insiders_only(file, ars, partner, caisse):
    (opinion,) = ask(file, ars, body())
    give(opinion, OpinionSense.RESERVED, "Une réserve remarquable.")
    for mandate, reads in [
        (ars, True),
        (make.mandate(AuthorityKind.PREFECTURE), True),
        (make.mandate(AuthorityKind.NATIONAL), True),
        (partner, False),
        (make.mandate(AuthorityKind.COLLECTIVITE, role=Role.OBSERVER), False),
    ]:
        page = signed_in(mandate).get(file.get_absolute_url())
        assert ("Une réserve remarquable" in page.text) == reads, mandate.hat


def test_the_panel_costs_the_same_for_one_or_many(file, ars):
    agent = signed_in(ars)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            agent.get(file.get_absolute_url())
        return len(captured)

    (one,) = ask(file, ars, body())
    give(one)
    consulted.keep_group(name="A", departement=file.departement, bodies=[one.body], mandate=ars, at=NOW)
    queries()
    few = queries()
    for rank in range(5):
        (opinion,) = ask(file, ars, body(f"l’ordre {rank}", f"ordre{rank}@exemple.invalid"))
        give(opinion)
        left = body(f"l’autre {rank}", f"autre{rank}@exemple.invalid")
        consulted.keep_group(name=f"G{rank}", departement=file.departement, bodies=[left], mandate=ars, at=NOW)
    assert queries() == few


# The list of bodies -----------------------------------------------------------------------------------------------


def test_agents_keep_the_list_of_their_territory(ars, prefecture, partner):
    agent = signed_in(ars)
    departement = make.departement()
    new = {"mandate": ars.pk, "act": "body", "body-name": "la CPAM", "body-kind": "caisse"}
    new |= {"body-departement": departement.pk, "body-authority": partner.authority_id}
    assert agent.post(reverse("bodies"), {**new, "body-email": "x@exemple.invalid"}).status_code == 422
    assert agent.post(reverse("bodies"), new).status_code == 302
    assert agent.post(reverse("bodies"), new).status_code == 409
    regional = {
        **new,
        "body-name": "l’URPS",
        "body-regional": "on",
        "body-authority": "",
        "body-email": "U@exemple.invalid",
    }
    agent.post(reverse("bodies"), regional)
    cpam, urps = ConsultedBody.objects.order_by("pk")
    assert (urps.email, urps.region, urps.departement) == ("u@exemple.invalid", departement.region, None)
    group = {"mandate": ars.pk, "act": "group", "group-name": "Comité", "group-departement": departement.pk}
    agent.post(reverse("bodies"), {**group, "group-bodies": [cpam.pk, urps.pk]})
    assert set(ExpertGroup.objects.get().bodies.all()) == {cpam, urps}
    agent.post(reverse("bodies"), {"mandate": ars.pk, "act": "retire", "body": urps.pk})
    assert list(ExpertGroup.objects.get().bodies.all()) == [cpam]
    assert agent.get(reverse("bodies")).status_code == 200
    agent.post(reverse("bodies"), {"mandate": ars.pk, "act": "ungroup", "group": ExpertGroup.objects.get().pk})
    assert not ExpertGroup.objects.exists()
    assert agent.post(reverse("bodies"), {"mandate": ars.pk, "act": "autre"}).status_code == 409
    assert signed_in(partner).get(reverse("bodies")).status_code == 403
    # The préfecture keeps its département, not the neighbour's bodies.
    far = make.mandate(AuthorityKind.PREFECTURE, on=make.departement("97", "Valfictie", region="R2"))
    with pytest.raises(RefusedError, match="n’est pas de votre territoire"):
        consulted.retire_body(body=cpam, mandate=far, at=NOW)


# What becomes of it -----------------------------------------------------------------------------------------------


def test_the_decision_cites_the_opinions_given(file, ars, caisse, partner):
    given, _ = ask(file, ars, caisse, body())
    give(given, OpinionSense.RESERVED, "Motif réservé.", mandate=partner, confidential=True)
    visas = draft_content(file, DecisionKind.LABEL_GRANTED, sheet(file))["visas"]
    cited = [visa for visa in visas if "avis" in visa]
    assert [visa.replace("\u00a0", " ") for visa in cited] == [
        "Vu l’avis de la CPAM de Valfictie du 22 novembre 2026 ;"
    ]
    assert "Motif réservé" not in str(visas)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("le conseil départemental", "du conseil départemental"),
        ("les élus du canton", "des élus du canton"),
        ("la CPAM", "de la CPAM"),
        ("l’ordre des médecins", "de l’ordre des médecins"),
        ("URPS infirmiers", "d’URPS infirmiers"),
        ("CPAM de Valfictie", "de CPAM de Valfictie"),
    ],
)
def test_french_contracts_its_articles(name, said):
    assert service.de(name) == said


def test_the_structure_reads_opinions_after_the_notification_unless_confidential(file, ars):
    told, kept, _ = ask(
        file, ars, body(), body("l’ordre", "ordre@exemple.invalid"), body("l’UFR", "ufr@exemple.invalid")
    )
    give(told)
    give(kept, confidential=True)
    assert service.told_to_structure(file) == []
    decision = make_decision(file)
    assert service.told_to_structure(file) == [], "decided is not notified"
    decision.notifications.create(channel="letter", sent_at=NOW, notified_at=NOW)
    assert [(row.pk, answer.sense) for row, answer in service.told_to_structure(file)] == [(told.pk, "favourable")]


def make_decision(application):
    decision = propose_decision(
        kind=DecisionKind.LABEL_GRANTED,
        subject_type=Subject.APPLICATION,
        subject_id=application.pk,
        departement=application.departement,
        title="essai",
        content={"title": "essai"},
        mandate=None,
        at=NOW,
    )
    type(application).objects.filter(pk=application.pk).update(state=State.AWAITING_SIGNATURES, decision=decision)
    application.refresh_from_db()
    return decision


def test_files_are_counted_and_found_late(file, ars):
    ask(file, ars, body(), body("l’ordre", "ordre@exemple.invalid"))
    give(Opinion.objects.first())
    rows = service.with_opinion_counts(type(file).objects.all())
    assert list(rows.values_list("opinions_asked", "opinions_given")) == [(2, 1)]
    late = type(file).objects.filter(service.late_opinions(TODAY + timedelta(days=15)))
    assert not late.exists()
    late = type(file).objects.filter(service.late_opinions(TODAY + timedelta(days=16)))
    assert list(late) == [file]


def test_the_list_counts_opinions_for_insiders_and_has_a_view_of_the_late_ones(file, ars, partner, caisse):
    ask(file, ars, caisse, body(), at=NOW - timedelta(days=20), due_date=TODAY - timedelta(days=3))
    give(Opinion.objects.first(), mandate=partner)
    page = signed_in(ars).get("/dossiers/", {"vue": "avis-en-retard"})
    assert [row.opinions for row in page.context["rows"]] == ["1/2"]
    assert {view["key"]: view["count"] for view in page.context["views"]}["avis-en-retard"] == 1
    exported = signed_in(ars).get("/dossiers/", {"export": "csv", "col": "avis"}).content.decode()
    assert exported.splitlines()[0].endswith("avis_demandes,avis_rendus")
    assert exported.splitlines()[1].endswith("2,1")
    (row,) = signed_in(partner).get("/dossiers/").context["rows"]
    assert row.opinions == "–"
    assert signed_in(partner).get("/compte/").context["opinions"] == []
    assert signed_in(ars).get("/compte/").context["opinions"] is None


def content_of(response):
    """Read a streamed answer and close it as a server would, but for the database connection, which is the test's."""
    content = b"".join(response.streaming_content)
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)
    return content


def test_pieces_are_shown_only_to_whom_they_were_meant_for(client, file, ars, partner, caisse):
    owner = make.membership(file.structure)

    def piece(name, day):
        sent_file = SentFile(name, samples.pdf(), day)
        return add_evidence(application=file, author=owner, criterion=None, sent=sent_file, at=NOW)

    shown = piece("planning.pdf", TODAY)
    by_link, in_portal = ask(file, ars, body(), caisse, pieces=[shown])
    other = make.application(state=State.UNDER_REVIEW)
    refused(lambda: ask(other, ars, caisse, pieces=[shown]), "n’est pas de ce dossier", other)
    link = reverse("opinion-link-piece", args=[service.link_of(by_link), shown.pk])
    given = client.get(link)
    assert content_of(given).startswith(b"%PDF")
    assert given["Content-Disposition"] == 'attachment; filename="planning.pdf"'
    address = reverse("opinion-piece", args=[in_portal.pk, shown.pk])
    assert content_of(signed_in(partner).get(address)).startswith(b"%PDF")
    assert FileReading.objects.filter(user=partner.user, application=file).exists()
    Opinion.pieces.through.objects.all().delete()
    assert (client.get(link).status_code, signed_in(partner).get(address).status_code) == (404, 404)
    in_portal.pieces.add(shown)
    by_link.pieces.add(shown)
    give(by_link)
    assert client.get(link).status_code == 404, "the link served"


def test_the_journal_names_the_bodies(file, ars):
    ask(file, ars, body())
    page = signed_in(ars).get(file.get_absolute_url())
    assert "Avis demandé\u00a0: l’URPS médecins" in page.text


def test_the_structure_is_told_nothing_before_and_reads_the_opinion_after(file, ars):
    owner = make.membership(file.structure)
    ask(file, ars, body())
    give(Opinion.objects.get(), OpinionSense.RESERVED, "Une réserve remarquable.")
    assert "URPS" not in signed_in(owner).get(file.get_absolute_url()).text
    make_decision(file).notifications.create(channel="letter", sent_at=NOW, notified_at=NOW)
    page = signed_in(owner).get(file.get_absolute_url())
    assert "Avis recueillis" in page.text
    assert "Une réserve remarquable." in page.text
