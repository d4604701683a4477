"""From an agreed assessment to a label: the text, the place, the last signature, the notification, the publication."""

import json
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from francesante.lib.canonical import canonical_json, sha256_hex
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import REASONED, CriterionKind, MembershipRole, Verdict
from labelling.choices import ApplicationState as State
from labelling.models import Application, CriterionAssessment, Label
from labelling.services import acts, decisions, labels
from territories.choices import AuthorityKind, Capacity, DecisionKind, DecisionState, NotificationChannel, Subject
from territories.models import Decision, Event, Notification
from territories.services.decisions import decline_decision, propose_decision, sign_decision
from tests import factories as make
from tests.plugins.signed_in import PortalClient

pytestmark = pytest.mark.django_db
NOW = make.NOW
HOURS = {"mon": [["08:30", "12:30"]], "sat": [["09:00", "12:00"]]}


@pytest.fixture
def ars():
    return make.mandate(AuthorityKind.ARS, signs=True)


@pytest.fixture
def prefet():
    return make.mandate(AuthorityKind.PREFECTURE, signs=True)


def ready(ars, verdicts=(), **fields):
    """A file whose assessment is shared and endorsed; ``verdicts`` are those of the first criteria, then « met »."""
    values = {"shared_at": NOW - timedelta(days=2), "endorsed_at": NOW - timedelta(days=1), "answers": {"hours": HOURS}}
    application = make.application(state=State.UNDER_REVIEW, **{**values, **fields})
    criteria = application.specification.criteria.filter(kind=CriterionKind.CRITERION).order_by("position")
    for position, criterion in enumerate(criteria):
        verdict = verdicts[position] if position < len(verdicts) else Verdict.MET
        CriterionAssessment.objects.create(
            application=application,
            criterion=criterion,
            capacity=Capacity.ARS,
            verdict=verdict,
            reason="Poste vacant depuis le 1er septembre 2026." if verdict in REASONED else "",
            mandate=ars,
            assessed_at=NOW,
        )
    return application


def propose(application, mandate, kind=DecisionKind.LABEL_GRANTED, version=None):
    verb = decisions.propose_label if kind == DecisionKind.LABEL_GRANTED else decisions.propose_refusal
    return verb(application=application, mandate=mandate, version=version or application.version, at=NOW)


def sign(decision, mandate, at=NOW):
    return sign_decision(decision=decision, mandate=mandate, content_hash=decision.content_hash, at=at)


def sign_all(decision, *mandates, at=NOW):
    for mandate in mandates:
        sign(decision, mandate, at=at)
    decision.refresh_from_db()
    return decision


def actions(application):
    return list(Event.objects.about(Subject.APPLICATION, application.pk).values_list("action", flat=True))


def refused(call, sentence, application):
    before = (Application.objects.values().get(pk=application.pk), actions(application), Decision.objects.count())
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert (
        Application.objects.values().get(pk=application.pk),
        actions(application),
        Decision.objects.count(),
    ) == before


# Proposal ---------------------------------------------------------------------------------------------------------


def test_the_content_says_everything_that_will_be_signed(ars, prefet):
    application = ready(ars)
    decision = propose(application, ars).decision
    content = json.loads(decision.content)
    assert decision.content == canonical_json(content)
    assert decision.content_hash == sha256_hex(decision.content)
    assert decision.required == ["ars", "prefet"]
    structure = application.structure
    assert content["structure"]["name"] == structure.name
    assert content["structure"]["finess"] == structure.finess
    assert content["specification"]["version"] == "1.0"
    assert content["application"] == {"number": application.number, "received_on": "2026-11-12"}
    assert [row["verdict"] for row in content["criteria"]] == ["Rempli"] * 5
    assert set(content["criteria"][0]) == {"code", "title", "verdict", "reason"}
    assert [row["capacity"] for row in content["authorities"]] == ["ars", "prefet"]
    authors = f"Le directeur général de l’{make.authority(AuthorityKind.ARS).name} et le préfet de {application.departement.name},"
    assert content["authors"] == authors
    assert content["effect"] == {"starts": "last_signature", "years": 3}
    assert content["articles"][0].startswith("Article 1er. Le label France Santé est accordé à ")
    assert any("tribunal administratif de Valfictif" in article for article in content["articles"])
    assert all(sentence.startswith("Vu ") for sentence in content["visas"])
    assert all(sentence.startswith("Considérant que ") for sentence in content["reasons"])
    assert (application.state, application.decision) == (State.AWAITING_SIGNATURES, decision)


@pytest.mark.parametrize(
    ("verdicts", "kind", "sentence"),
    [
        ([Verdict.NOT_MET], DecisionKind.LABEL_GRANTED, "n’est pas rempli"),
        ([], DecisionKind.LABEL_REFUSED, "Un plafond atteint n’est pas un motif"),
        ([Verdict.NOT_APPLICABLE], DecisionKind.LABEL_REFUSED, "demande un motif"),
        ([Verdict.TO_CLARIFY], DecisionKind.LABEL_GRANTED, "rester à préciser"),
        ([Verdict.TO_CLARIFY, Verdict.NOT_MET], DecisionKind.LABEL_REFUSED, "rester à préciser"),
    ],
)
def test_the_sense_follows_the_assessment(ars, verdicts, kind, sentence):
    application = ready(ars, verdicts)
    refused(lambda: propose(application, ars, kind), sentence, application)


def test_two_authorities_that_differ_do_not_decide(ars, prefet):
    application = ready(ars)
    CriterionAssessment.objects.create(
        application=application,
        criterion=application.specification.criteria.get(position=3),
        capacity=Capacity.PREFET,
        verdict=Verdict.NOT_MET,
        reason="Fermé le mercredi.",
        mandate=prefet,
        assessed_at=NOW,
    )
    sentence = r"diffèrent sur le critère 3, .* \(ARS.: rempli.; préfecture.: non rempli\)"
    for kind in (DecisionKind.LABEL_GRANTED, DecisionKind.LABEL_REFUSED):
        refused(lambda kind=kind: propose(application, ars, kind), sentence, application)


def test_only_the_lead_presents_and_only_after_the_other_took_position(ars, prefet):
    application = ready(ars)
    refused(lambda: propose(application, prefet), "chef de file", application)
    alone = ready(ars, endorsed_at=None)
    refused(lambda: propose(alone, ars), "n’a pas encore pris position", alone)


def test_a_stale_page_proposes_nothing(ars):
    application = ready(ars)
    with pytest.raises(StaleError):
        propose(application, ars, version=7)
    assert (Decision.objects.count(), actions(application)) == (0, [])


def test_a_structure_under_label_gets_no_second_one(ars, prefet):
    application = ready(ars)
    sign_all(propose(application, ars).decision, ars, prefet)
    again = ready(ars, of=application.structure)
    refused(lambda: propose(again, ars), "porte déjà le label LFS-98-00001", again)


# Places -----------------------------------------------------------------------------------------------------------


def test_a_place_is_reserved_then_used(ars, prefet):
    quota = make.quota(ceiling=1, ceiling_act="arrêté d’essai", target=15)
    application = ready(ars)
    decision = propose(application, ars).decision
    quota.refresh_from_db()
    assert (quota.reserved, quota.used) == (1, 0)
    sign_all(decision, ars, prefet)
    quota.refresh_from_db()
    assert (quota.reserved, quota.used) == (0, 1)


def test_a_full_ceiling_is_a_waiting_list_never_a_refusal(ars):
    make.quota(ceiling=15, ceiling_act="arrêté d’essai", reserved=2, used=13)
    first, second = ready(ars), ready(ars)
    for rank, application in enumerate((first, second), start=1):
        outcome = propose(application, ars)
        assert outcome.decision is None
        assert outcome.sentence.replace("\u00a0", " ") == (
            "Plafond atteint : 15 places sur 15 (13 labels, 2 réservées). Ce n’est pas un motif de refus : le dossier "
            f"entre en liste d’attente, rang {rank}. L’équipe nationale peut relever ce plafond par un acte motivé."
        )
        application.refresh_from_db()
        assert (application.state, application.waiting_since, application.decision) == (State.UNDER_REVIEW, NOW, None)
        assert actions(application) == ["wait"]
    outcome = propose(first, ars)
    assert "rang 1" in outcome.sentence
    assert actions(first) == ["wait"], "waiting twice is waiting once"
    refused(lambda: propose(second, ars, DecisionKind.LABEL_REFUSED), "Un plafond atteint n’est pas un motif", second)


def test_a_place_that_comes_free_goes_to_who_waited_longest(ars):
    quota = make.quota(ceiling=1, ceiling_act="arrêté d’essai", used=1)
    waiting, newcomer = ready(ars), ready(ars)
    propose(waiting, ars)
    type(quota).objects.update(ceiling=2)
    outcome = propose(newcomer, ars)
    assert outcome.decision is None
    assert "attendue par 1 dossier" in outcome.sentence
    outcome = propose(waiting, ars)
    assert outcome.decision is not None
    assert waiting.waiting_since is None


def test_a_refusal_takes_no_place(ars, prefet):
    quota = make.quota(ceiling=0, ceiling_act="arrêté d’essai")
    application = ready(ars, [Verdict.NOT_MET])
    decision = propose(application, ars, DecisionKind.LABEL_REFUSED).decision
    sign_all(decision, ars, prefet)
    quota.refresh_from_db()
    application.refresh_from_db()
    assert (quota.reserved, quota.used) == (0, 0)
    assert (application.state, application.decision) == (State.REFUSED, decision)
    content = json.loads(decision.content)
    assert "Poste vacant depuis le 1er septembre 2026" in content["reasons"][0]
    assert "1 critère sur 5" in content["reasons"][-1]
    assert "n’est pas accordé" in content["articles"][0]
    assert not Label.objects.exists()


def test_who_declines_frees_the_place_and_opens_the_concertation(ars, prefet):
    quota = make.quota(ceiling=1, ceiling_act="arrêté d’essai")
    application = ready(ars)
    decision = propose(application, ars).decision
    sign(decision, ars)
    decline_decision(decision=decision, mandate=prefet, reason="L’ouverture du mercredi n’est pas établie.", at=NOW)
    application.refresh_from_db()
    quota.refresh_from_db()
    assert (application.state, application.decision, quota.reserved) == (State.DISAGREEMENT, None, 0)
    assert actions(application) == ["propose", "disagree"]


# The label --------------------------------------------------------------------------------------------------------


def test_the_label_is_born_of_the_last_signature(ars, prefet):
    application = ready(ars)
    decision = propose(application, ars).decision
    sign(decision, ars)
    assert not Label.objects.exists()
    evening = NOW + timedelta(hours=14, minutes=30)
    sign(decision, prefet, at=evening)
    label = Label.objects.get()
    assert label.number == "LFS-98-00001"
    assert (label.valid.lower, label.valid.upper) == (date(2026, 11, 23), date(2029, 11, 23)), "the day is legal time"
    assert label.notified_at is None
    site = application.structure.sites.get(is_main=True)
    assert site.hours == HOURS
    application.refresh_from_db()
    assert application.state == State.LABELLED
    assert actions(application) == ["propose", "grant"]
    assert labels.status(label, date(2026, 11, 23)).label == "Label en cours"
    assert labels.status(label, date(2029, 11, 23)).label.replace("\u00a0", " ") == "Label terminé le 22 novembre 2029"


def test_numbers_follow_each_other(ars, prefet):
    for _ in range(2):
        sign_all(propose(ready(ars), ars).decision, ars, prefet)
    assert list(Label.objects.order_by("pk").values_list("number", flat=True)) == ["LFS-98-00001", "LFS-98-00002"]


def test_the_database_refuses_a_label_without_a_signed_decision(ars, prefet):
    application = ready(ars)
    decision = propose(application, ars).decision
    sign(decision, ars)
    refusal = propose_decision(
        kind=DecisionKind.LABEL_REFUSED,
        subject_type=Subject.APPLICATION,
        subject_id=make.application().pk,
        departement=application.departement,
        title="autre",
        content={"title": "autre"},
        mandate=ars,
        at=NOW,
    )
    for wrong in (decision, refusal):
        with pytest.raises(IntegrityError, match="signed by every required capacity"), transaction.atomic():
            Label.objects.create(
                number="LFS-98-99999",
                structure=application.structure,
                application=application,
                decision=wrong,
                departement=application.departement,
                valid=labels.period(date(2026, 11, 22)),
            )


# Notification -----------------------------------------------------------------------------------------------------


def signed_file(ars, prefet, **fields):
    application = ready(ars, **fields)
    owner = make.membership(application.structure)
    editor = make.membership(application.structure, role=MembershipRole.EDITOR)
    sign_all(propose(application, ars).decision, ars, prefet)
    application.refresh_from_db()
    return application, owner, editor


def test_reading_is_the_notification_and_publication_follows_it(ars, prefet):
    application, owner, editor = signed_file(ars, prefet)
    notification = Notification.objects.get()
    assert (notification.recipient, notification.channel, notification.notified_at) == (
        owner.user,
        NotificationChannel.PORTAL,
        None,
    )
    assert not Label.objects.published().exists()
    with pytest.raises(RefusedError, match="responsable"):
        acts.read_decision(application=application, membership=editor, at=NOW)
    later = NOW + timedelta(hours=3)
    for at in (later, later + timedelta(days=1)):
        acts.read_decision(application=application, membership=owner, at=at)
    assert Label.objects.published().get().notified_at == later
    chain = Event.objects.about(Subject.LABEL, Label.objects.get().pk)
    assert list(chain.values_list("action", flat=True)) == ["create", "publish"]


def test_without_consent_the_letter_is_the_notification(ars, prefet):
    application, owner, _ = signed_file(ars, prefet, notification_consent=False)
    assert not Notification.objects.exists()
    with pytest.raises(RefusedError, match="Aucune décision n’est à lire ici"):
        acts.read_decision(application=application, membership=owner, at=NOW)

    def record(day):
        return acts.record_letter(
            application=application,
            mandate=ars,
            received_on=day,
            version=application.version,
            at=NOW + timedelta(days=5),
        )

    for wrong in (date(2026, 11, 21), date(2026, 11, 28)):
        with pytest.raises(RefusedError, match="entre celle de l’acte et aujourd’hui"):
            record(wrong)
    record(date(2026, 11, 25))
    assert Label.objects.published().get().notified_at.date() == date(2026, 11, 25)
    assert Notification.objects.get().channel == NotificationChannel.LETTER


def test_an_act_of_today_does_not_wait_behind_a_backlog(ars, prefet):
    old, middle, today = (
        sign_all(propose(ready(ars), ars).decision, ars, prefet, at=NOW + timedelta(days=day)) for day in range(3)
    )

    def rendered():
        acts.render_missing_acts(batch=1)
        return [row for row in (old, middle, today) if Decision.objects.filter(pk=row.pk, pdf__isnull=False).exists()]

    assert rendered() == [today]
    Notification.objects.create(
        decision=old, channel=NotificationChannel.LETTER, sent_at=old.signed_at, notified_at=NOW + timedelta(days=9)
    )
    assert rendered() == [old, today], "who has just been notified reads it now"
    assert rendered() == [old, middle, today], "the whole backlog over successive runs"


def test_the_act_is_rendered_once_and_kept_with_its_hash(ars, prefet):
    signed_file(ars, prefet)
    assert acts.render_missing_acts() == 1
    assert acts.render_missing_acts() == 0
    decision = Decision.objects.get()
    assert bytes(decision.pdf).startswith(b"%PDF")
    assert decision.pdf_hash == sha256_hex(bytes(decision.pdf))
    acts.store_act(decision=decision)
    assert Decision.objects.get().pdf_hash == decision.pdf_hash
    unsigned = propose(ready(ars), ars).decision
    assert unsigned.state == DecisionState.PROPOSED
    with pytest.raises(RefusedError, match="signée par toutes"):
        acts.store_act(decision=unsigned)


# The decision as the structure reads it ---------------------------------------------------------------------------


@pytest.fixture
def letter(ars, prefet, monkeypatch):
    """A signed file, its owner and editor signed in, and its address."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)

    def made(**fields):
        application, owner, editor = signed_file(ars, prefet, **fields)
        clients = []
        for member in (owner, editor):
            client = PortalClient()
            client.force_login(member.user)
            clients.append(client)
        return application, *clients, f"/dossiers/{application.number}/decision/"

    return made


def test_the_page_announces_then_shows(letter):
    application, owner, editor, url = letter()
    page = owner.get(url).content.decode()
    assert "La lire vaut notification" in page
    assert "accordé" not in page
    assert Notification.objects.get().notified_at is None, "looking at the announcement notifies nothing"
    assert "notifiée au responsable" in editor.get(url).content.decode()
    assert editor.get(f"/dossiers/{application.number}/decision.pdf").status_code == 403
    assert editor.post(url).status_code == 302
    assert Notification.objects.get().notified_at is None
    assert owner.post(url)["Location"] == url
    for client in (owner, editor):
        page = client.get(url).content.decode()
        assert "Le label France Santé est accordé" in page
        assert "LFS-98-00001" in page
        assert "soit jusqu’au 23\u00a0janvier\u00a02027" in page
        assert "tribunal administratif de Valfictif" in page
    assert "en préparation" in page
    assert owner.get(f"/dossiers/{application.number}/decision.pdf").status_code == 404
    acts.render_missing_acts()
    pdf = owner.get(f"/dossiers/{application.number}/decision.pdf")
    assert sha256_hex(pdf.content) == Decision.objects.get().pdf_hash


def test_a_refusal_gives_reasons_remedies_and_what_next_on_one_page(ars, prefet, letter):
    application = ready(ars, [Verdict.NOT_MET])
    owner = make.membership(application.structure)
    sign_all(propose(application, ars, DecisionKind.LABEL_REFUSED).decision, ars, prefet)
    client = PortalClient()
    client.force_login(owner.user)
    url = f"/dossiers/{application.number}/decision/"
    client.post(url)
    page = client.get(url).content.decode()
    order = ["n’est pas accordé", "1 critère sur 5 n’est pas rempli", "Poste vacant", "Recours", "Et maintenant"]
    positions = [page.index(text) for text in order]
    assert positions == sorted(positions)
    assert "non sur la qualité de vos soins" in page


def test_before_the_signature_the_page_tells_nothing(ars, letter):
    application = ready(ars)
    owner = make.membership(application.structure)
    propose(application, ars)
    client = PortalClient()
    client.force_login(owner.user)
    page = client.get(f"/dossiers/{application.number}/decision/").content.decode()
    assert "n’est pas encore prise" in page
    assert client.post(f"/dossiers/{application.number}/decision/").status_code == 302
    assert not Notification.objects.exists()


def test_without_consent_the_page_waits_for_the_letter(ars, letter):
    application, owner, _, url = letter(notification_consent=False)
    assert "par lettre recommandée" in owner.get(url).content.decode()
    owner.post(url)
    assert not Notification.objects.exists()
    agent = PortalClient()
    agent.force_login(ars.user)
    page = agent.get(url).content.decode()
    assert "Pas encore notifiée à la structure" in page
    assert agent.post(url).status_code == 403
    response = agent.post(
        f"/dossiers/{application.number}/actes/notifier/",
        {"mandate": ars.pk, "version": application.version, "received_on": "2026-11-22"},
    )
    assert response.status_code == 302
    assert "est accordé" in owner.get(url).content.decode()
    assert Label.objects.published().exists()


def test_a_stranger_finds_no_decision(client, letter):
    _, _, _, url = letter()
    client.force_login(make.membership().user)
    assert client.get(url).status_code == 404
    client.logout()
    assert client.get(url).status_code == 302
