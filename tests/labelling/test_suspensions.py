"""The suspension of a label: impossible without a text, signed by both, effective once notified, lifted, over by itself."""

import json
import re
from datetime import date, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError, StaleError
from indicators.services.datasets import STRUCTURES
from labelling.choices import EndingAct
from labelling.models import AdversarialProcedure, Application, EndingGround, Label, Lifting, Suspension
from labelling.services import endings, label_acts, labels, procedures, suspensions
from labelling.services.documents import render_missing_documents
from labelling.services.labels import known_in_force
from labelling.services.suspension_grounds import end_ground, enter_ground
from labelling.services.suspensions import Terms
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, NotificationChannel, Subject
from territories.models import Decision, Event, Notification
from territories.services.decisions import decline_decision, sign_decision
from territories.services.notifications import presume_notified
from territories.services.selections import check_selection
from tests import factories as make
from tests.labelling.test_endings import other_decision
from tests.labelling.worlds import make_label
from tests.plugins.signed_in import PortalClient, signed_in

NOW = make.NOW
TODAY = NOW.date()
START = date(2026, 12, 10)
REVIEW = date(2027, 2, 1)


def text_of_law(**changes):
    """A text that founds a suspension, entered by the national team."""
    values = {
        "title": "La sécurité des soins n’est plus assurée",
        "source": "arrêté d’essai du 1er novembre 2026",
        "articles": "son article 4",
        "reason": "que le label peut être suspendu quand la sécurité des soins n’est plus assurée",
        "help_text": "En cas d’urgence.",
        "adversarial": False,
        "since": date(2026, 11, 1),
        "mandate": make.mandate(AuthorityKind.NATIONAL),
        "at": NOW - timedelta(days=10),
    }
    return enter_ground(**{**values, **changes})


class World:
    """A label, the people of both sides, and the acts of this file with their usual values."""

    def __init__(self):
        self.structure = make.structure()
        self.owner = make.membership(self.structure)
        self.label = make_label(self.structure, owner=self.owner, at=NOW - timedelta(days=60))
        self.ars = make.mandate(AuthorityKind.ARS, signs=True)
        self.prefet = make.mandate(AuthorityKind.PREFECTURE, signs=True)

    def terms(self, **changes):
        values = {
            "facts": "Le 20 novembre 2026, aucun médecin n’était présent.",
            "expected": "transmettre le contrat d’un médecin",
            "effect_date": START,
            "review_date": REVIEW,
        }
        return Terms(**{**values, **changes})

    def propose(self, ground, *, at=NOW, mandate=None, version=None, **changes):
        return suspensions.propose_suspension(
            label=self.label,
            ground=ground,
            terms=self.terms(**changes),
            mandate=mandate or self.ars,
            version=self.label.version if version is None else version,
            at=at,
        )

    def sign(self, act, at=NOW):
        for mandate in (self.ars, self.prefet):
            sign_decision(decision=act.decision, mandate=mandate, content_hash=act.decision.content_hash, at=at)
        act.refresh_from_db()
        return act

    def read(self, act, at=NOW):
        label_acts.read_act(act=act, membership=self.owner, at=at)
        self.label.refresh_from_db()
        act.refresh_from_db()
        return act

    def suspend(self, *, at=NOW, **changes):
        ground = suspensions.suspension_grounds(TODAY).first() or text_of_law()
        return self.read(self.sign(self.propose(ground, at=at, **changes), at=at), at=at)

    def lift(self, *, at, effect_date=None, facts="Le contrat a été transmis."):
        return suspensions.propose_lifting(
            label=self.label,
            facts=facts,
            effect_date=effect_date,
            mandate=self.ars,
            version=self.label.version,
            at=at,
        )

    @property
    def chain(self):
        return list(Event.objects.about(Subject.LABEL, self.label.pk).values_list("action", flat=True))

    def refused(self, call, sentence):
        def picture():
            rows = [
                list(kind.objects.order_by("pk").values())
                for kind in (Label, Suspension, Lifting, AdversarialProcedure)
            ]
            return rows, Decision.objects.count(), self.chain

        before = picture()
        with pytest.raises(RefusedError, match=sentence):
            call()
        assert picture() == before


@pytest.fixture
def world(db):
    return World()


# The text -------------------------------------------------------------------------------------------------------------


def test_without_a_text_nothing_is_suspended_and_the_agent_knows_who_can_enter_it(world):
    assert not EndingGround.objects.filter(act=EndingAct.SUSPEND).exists()
    world.refused(lambda: world.propose(None), "L’équipe nationale peut entrer ce texte")
    ending = EndingGround.objects.get(code="demande-du-titulaire")
    world.refused(lambda: world.propose(ending), "ne fonde pas une suspension")


def test_a_text_is_entered_by_the_national_team_with_its_source(world):
    ground = text_of_law()
    assert list(suspensions.suspension_grounds(TODAY)) == [ground]
    assert ground not in endings.grounds_for(world.label, on=TODAY)
    event = Event.objects.about(Subject.GROUND, ground.pk).get()
    assert (event.action, event.data) == ("create", {"since": "2026-11-01", "adversarial": False})
    with pytest.raises(RefusedError, match="équipe nationale"):
        text_of_law(mandate=world.ars)
    with pytest.raises(RefusedError, match="Chaque partie"):
        text_of_law(source=" ")
    assert suspensions.suspension_grounds(TODAY).count() == 1
    world.refused(lambda: endings_on_request(world, ground), "ne met pas fin au label")


def endings_on_request(world, ground):
    return endings.propose_ending_on_request(
        label=world.label,
        ground=ground,
        mandate=world.ars,
        facts="essai",
        effect_date=START,
        version=world.label.version,
        at=NOW,
    )


def test_a_text_that_is_closed_founds_nothing_more(world):
    ground = text_of_law()
    national = make.mandate(AuthorityKind.NATIONAL)
    with pytest.raises(RefusedError, match="au plus tôt"):
        end_ground(ground=ground, last_day=TODAY - timedelta(days=1), mandate=national, at=NOW)
    end_ground(ground=ground, last_day=TODAY, mandate=national, at=NOW)
    ground.refresh_from_db()
    assert not suspensions.suspension_grounds(TODAY + timedelta(days=1)).exists()
    world.refused(lambda: world.propose(ground, at=NOW + timedelta(days=1)), "plus applicable")
    with pytest.raises(RefusedError, match="déjà clos"):
        end_ground(ground=ground, last_day=TODAY, mandate=national, at=NOW)


# The act --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"facts": " "}, "Écrivez les faits"),
        ({"expected": " "}, "ce que la structure doit faire"),
        ({"effect_date": None}, "premier jour suspendu"),
        ({"effect_date": TODAY}, "que pour l’avenir"),
        ({"effect_date": date(2030, 1, 1)}, "déjà terminé"),
        ({"last_date": START - timedelta(days=1)}, "vient après le premier"),
        ({"review_date": START}, "pendant la suspension"),
        ({"last_date": date(2026, 12, 31)}, "pendant la suspension"),
    ],
)
def test_terms_that_do_not_hold(world, changes, sentence):
    ground = text_of_law()
    world.refused(lambda: world.propose(ground, **changes), sentence)


def test_who_may_not_propose_one(world):
    ground = text_of_law()
    elsewhere = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Valfictie", region="R2"))
    world.refused(lambda: world.propose(ground, mandate=elsewhere), "ne couvre pas")
    world.refused(lambda: world.propose(ground, mandate=make.mandate(AuthorityKind.NATIONAL)), "de lire ce dossier")
    with pytest.raises(StaleError):
        world.propose(ground, version=99)


def test_the_act_says_the_text_the_days_and_what_is_expected(world):
    decision = world.propose(text_of_law(), last_date=date(2027, 3, 31)).decision
    content = json.loads(decision.content)
    assert (decision.kind, decision.required) == ("label_suspended", ["ars", "prefet"])
    visas, articles = " ".join(content["visas"]), " ".join(content["articles"]).replace("\u00a0", " ")
    assert "arrêté d’essai du 1er novembre 2026" in visas
    assert "est suspendu à compter du 10 décembre 2026" in articles
    assert "jusqu’au 31 mars 2027 inclus" in articles
    assert "transmettre le contrat d’un médecin" in articles
    assert ("est notifié à la structure" in articles, "recueil" in articles) == (True, False)
    assert "au plus tard le 1er février 2027" in articles
    assert "tribunal administratif de Valfictif" in articles
    with pytest.raises(RefusedError, match="se signe seul"):
        check_selection({decision.pk: decision.content_hash}, world.ars)


def test_it_changes_nothing_before_its_notification_and_keeps_the_place_after(world):
    quota = make.quota(used=1)
    act = world.sign(world.propose(text_of_law()))
    assert (act.signed_date, act.applied_at, act.period) == (TODAY, None, None)
    assert Label.objects.in_force(START).exists()
    world.read(act)
    assert (act.period.lower, act.period.upper) == (START, None)
    assert (world.label.valid.upper, world.label.withdrawn_at) == (date(2029, 9, 23), None)
    assert world.chain[-3:] == ["propose_suspension", "sign_suspension", "suspend"]
    for day, found in ((START - timedelta(days=1), 1), (START, 0), (START + timedelta(days=300), 0)):
        assert Label.objects.in_force(day).count() == found
        assert Label.objects.held(day).count() == 1
    quota.refresh_from_db()
    assert quota.used == 1
    assert labels.status(world.label, START).label == "Suspendu"
    assert labels.status(world.label, START, public=True).label == "Label suspendu"
    assert STRUCTURES.rows(START).get().statut == "suspendu"
    assert STRUCTURES.rows(TODAY).get().statut == "en vigueur"


def test_read_after_its_first_day_it_begins_the_next_one_and_after_its_last_it_suspends_nothing(world):
    act = world.sign(world.propose(text_of_law(), last_date=date(2027, 2, 10)))
    told = NOW.replace(year=2027, month=1, day=5)
    world.read(act, at=told)
    assert (act.period.lower, act.period.upper) == (date(2027, 1, 6), date(2027, 2, 11))
    other = World()
    late = other.sign(other.propose(suspensions.suspension_grounds(TODAY).get(), last_date=date(2027, 2, 10)))
    other.read(late, at=NOW.replace(year=2027, month=2, day=10))
    assert late.period.isempty
    assert Label.objects.in_force(date(2027, 2, 11)).filter(pk=other.label.pk).exists()


def test_the_structure_is_heard_first_when_the_text_asks_it(world):
    ground = text_of_law(adversarial=True)
    world.refused(lambda: world.propose(ground), "d’abord entendue")
    procedure = procedures.open_procedure(
        label=world.label,
        ground=ground,
        facts="Aucun médecin.",
        effect_date=START,
        deadline=TODAY + timedelta(days=15),
        mandate=world.ars,
        version=world.label.version,
        at=NOW,
    )
    letter = procedure.letter.replace("\u00a0", " ")
    assert "de suspendre le label" in letter
    assert "arrêté d’essai du 1er novembre 2026, son article 4" in letter

    def present(at, **changes):
        procedure.refresh_from_db()
        terms = world.terms(effect_date=date(2027, 1, 2), **changes)
        return suspensions.propose_suspension_after_procedure(
            procedure=procedure, terms=terms, mandate=world.ars, version=procedure.version, at=at
        )

    world.refused(lambda: present(NOW), "a jusqu’au")
    later = NOW + timedelta(days=20)
    procedures.answer_procedure(
        procedure=procedure, membership=world.owner, answer="Elle arrive.", hearing=False, version=1, at=NOW
    )
    world.refused(lambda: present(later), "Répondez aux observations")
    act = world.sign(present(later, reply="Le contrat n’est pas signé."), at=later)
    procedure.refresh_from_db()
    assert procedure.closed_at == later
    assert "Le contrat n’est pas signé" in act.decision.content


def test_a_signatory_who_declines_drops_it_and_one_act_at_a_time_is_in_progress(world):
    ground = text_of_law()
    act = world.propose(ground)
    world.refused(lambda: world.propose(ground), "déjà à la signature")
    request = EndingGround.objects.get(code="demande-du-titulaire")
    world.refused(lambda: endings_on_request(world, request), "déjà à la signature")
    decline_decision(decision=act.decision, mandate=world.prefet, reason="Un remplaçant est là.", at=NOW)
    act.refresh_from_db()
    assert (act.dropped_at, world.chain[-1]) == (NOW, "drop_suspension")
    world.suspend()
    world.refused(
        lambda: world.propose(ground, at=NOW + timedelta(days=30), effect_date=date(2027, 1, 5)), "déjà suspendu"
    )


def test_a_suspended_label_may_still_end(world):
    world.suspend()
    request = EndingGround.objects.get(code="demande-du-titulaire")
    at = NOW + timedelta(days=30)
    ending = endings.propose_ending_on_request(
        label=world.label,
        ground=request,
        mandate=world.ars,
        facts="essai",
        effect_date=date(2027, 3, 1),
        version=world.label.version,
        at=at,
    )
    world.read(world.sign(ending, at=at), at=at)
    assert labels.status(world.label, date(2027, 2, 28)).label == "Suspendu"
    assert "abrogé" in labels.status(world.label, date(2027, 3, 1)).label


def test_by_letter_or_left_unread_it_takes_effect_all_the_same(world):
    Application.objects.filter(pk=world.label.application_id).update(notification_consent=False)
    world.label = Label.objects.select_related("structure", "departement", "decision", "application").get()
    world.sign(world.propose(text_of_law()))
    act = label_acts.latest_act(Suspension, world.label)
    label_acts.record_act_letter(act=act, mandate=world.ars, received_on=TODAY, at=NOW)
    assert act.period.lower == START
    assert Notification.objects.get(decision=act.decision).channel == NotificationChannel.LETTER
    other = World()
    unread = other.sign(other.propose(suspensions.suspension_grounds(TODAY).get()))
    presume_notified(at=NOW + timedelta(days=15))
    assert label_acts.apply_notified_acts(at=NOW + timedelta(days=15)) == 1
    unread.refresh_from_db()
    assert unread.period.lower == START


# Lifted, or over ------------------------------------------------------------------------------------------------------


def test_a_lifting_is_signed_by_both_and_gives_the_label_back_once_notified(world):
    world.refused(lambda: world.lift(at=NOW), "n’est pas suspendu")
    suspension = world.suspend()
    at = NOW + timedelta(days=40)
    world.refused(lambda: world.lift(at=at, facts=" "), "ce qui a été constaté")
    world.refused(lambda: world.lift(at=at, effect_date=TODAY), "pas pour le passé")
    lifting = world.sign(world.lift(at=at), at=at)
    assert lifting.decision.kind == "label_reinstated"
    assert labels.status(world.label, at.date()).label == "Suspendu"
    world.read(lifting, at=at + timedelta(days=2))
    suspension.refresh_from_db()
    back = (at + timedelta(days=2)).date()
    assert (suspension.period.lower, suspension.period.upper) == (START, back)
    assert (lifting.was_period.lower, lifting.was_period.upper) == (START, None)
    assert world.chain[-1] == "lift"
    assert [Label.objects.in_force(day).count() for day in (back - timedelta(days=1), back)] == [0, 1]


def test_lifted_before_its_first_day_it_suspends_nothing(world):
    suspension = world.suspend()
    at = NOW + timedelta(days=3)
    world.read(world.sign(world.lift(at=at), at=at), at=at)
    suspension.refresh_from_db()
    assert suspension.period.isempty
    world.suspend(at=NOW + timedelta(days=5))


def test_who_was_in_force_is_known_as_it_was_known(world):
    world.suspend()
    lifted = NOW + timedelta(days=40)
    world.read(world.sign(world.lift(at=lifted), at=lifted), at=lifted)

    def known(day, at):
        return known_in_force(Label.objects.all(), on=day, known_at=at).count()

    before, after = NOW - timedelta(seconds=1), lifted - timedelta(seconds=1)
    in_january = date(2027, 1, 15)
    assert [known(in_january, at) for at in (before, after, lifted)] == [1, 0, 1]
    assert [known(START, at) for at in (before, after, lifted)] == [1, 0, 0]


def test_it_ends_by_itself_after_its_last_day_and_the_structure_is_told(world):
    suspension = world.suspend(last_date=date(2027, 2, 10))
    assert suspensions.follow_suspensions(at=NOW.replace(year=2027, month=1, day=24)) == 0
    soon = NOW.replace(year=2027, month=1, day=25)
    assert [suspensions.follow_suspensions(at=soon), suspensions.follow_suspensions(at=soon)] == [1, 0]
    assert world.chain[-1] == "remind_review"
    assert labels.status(world.label, date(2027, 2, 10)).label == "Suspendu"
    assert labels.status(world.label, date(2027, 2, 11)).in_force
    over = NOW.replace(year=2027, month=2, day=11)
    assert [suspensions.follow_suspensions(at=over), suspensions.follow_suspensions(at=over)] == [1, 0]
    assert Event.objects.about(Subject.LABEL, world.label.pk).last().data == {"suspension": suspension.pk}


# What the database refuses --------------------------------------------------------------------------------------------


def fails(name, call):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        call()


def test_the_database_keeps_the_rules(world):
    ground = text_of_law()
    fails("ending_ground_suspension_has_source", lambda: EndingGround.objects.filter(pk=ground.pk).update(source=""))
    act = world.propose(ground)
    row = Suspension.objects.filter(pk=act.pk)
    period = make.DateRange(START, None)
    fails("signed by every required capacity", lambda: row.update(signed_date=TODAY))
    fails("stays as it was proposed", lambda: row.update(review_date=TODAY))
    fails("never deleted", row.delete)
    copy = {field.attname: getattr(act, field.attname) for field in Suspension._meta.fields if field.name != "id"}
    copy["decision_id"] = other_decision(world.label).pk
    for name, changes in {
        "suspension_one_pending_per_label": {},
        "suspension_has_first_day": {"effect_date": None, "dropped_at": NOW},
        "suspension_says_what_is_expected": {"expected": "", "dropped_at": NOW},
        "suspension_ends_after_its_start": {"last_date": TODAY, "dropped_at": NOW},
        "a ground that founds it": {"ground_id": EndingGround.objects.get(code="fraude").pk},
    }.items():
        fails(name, lambda changes=changes: Suspension.objects.create(**{**copy, **changes}))
    fails("suspension_applied_once_signed", lambda: force(act, applied_at=NOW, period=period))
    world.sign(act)
    fails("once notified", lambda: row.update(applied_at=NOW, period=period))
    fails("suspension_period_iff_applied", lambda: row.update(period=period))
    fails("suspension_signed_is_not_dropped", lambda: row.update(dropped_at=NOW))
    world.read(act)
    fails("by its lifting only", lambda: row.update(period=make.DateRange(START, REVIEW)))
    lifting = world.lift(at=NOW + timedelta(days=40))
    lifted = Lifting.objects.filter(pk=lifting.pk)
    fails("signed by every required capacity", lambda: lifted.update(signed_date=TODAY))
    fails("stays as it was proposed", lambda: lifted.update(effect_date=REVIEW))
    fails("never deleted", lifted.delete)
    fails("of its label", lambda: lifted.update(label=World().label))
    world.sign(lifting, at=NOW + timedelta(days=40))
    fails("once notified", lambda: lifted.update(applied_at=NOW, was_period=act.period))
    fails("lifting_keeps_what_was_suspended", lambda: lifted.update(was_period=act.period))


def force(act, **fields):
    Notification.objects.create(decision=act.decision, recipient=None, channel="letter", sent_at=NOW, notified_at=NOW)
    Suspension.objects.filter(pk=act.pk).update(**fields)


# On screen ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    now = {"at": NOW}
    monkeypatch.setattr("django.utils.timezone.now", lambda: now["at"])
    return now


def text(response):
    return response.text.replace("\u00a0", " ").replace("&nbsp;", " ").replace("&#x27;", "’")


def address(name, world, *more):
    return reverse(name, args=[world.label.number, *more])


def posted(world, ground, **changes):
    return {
        "mandate": world.ars.pk,
        "version": world.label.version,
        "ground": ground.pk if ground else "",
        "facts": "Aucun médecin.",
        "effect_date": START.isoformat(),
        "expected": "transmettre le contrat d’un médecin",
        "review_date": REVIEW.isoformat(),
        "deadline": "2026-12-08",
        **changes,
    }


def test_the_page_says_who_can_enter_the_text_and_refuses_a_form_posted_without_one(world, clock):
    agent = signed_in(world.ars.user)
    assert address("label-suspend", world) in agent.get(world.label.get_absolute_url()).text
    page = text(agent.get(address("label-suspend", world)))
    assert "L’équipe nationale peut entrer ce texte" in page
    assert "<textarea" not in page
    assert agent.post(address("label-suspend", world), posted(world, None)).status_code == 409
    assert not Suspension.objects.exists()


def test_the_national_team_enters_a_text_and_closes_it(world, clock):
    national = make.mandate(AuthorityKind.NATIONAL)
    client, page = signed_in(national.user), reverse("suspension-grounds")
    assert "Aucun texte n’est entré" in text(client.get(page))
    entry = {
        "mandate": national.pk,
        "title": "Sécurité des soins",
        "source": "arrêté d’essai",
        "articles": "son article 4",
        "reason": "que le label peut être suspendu",
        "help_text": "En urgence.",
        "since": "2026-11-01",
    }
    missing = client.post(page, {**entry, "source": ""})
    assert (missing.status_code, EndingGround.objects.filter(act="suspend").count()) == (422, 0)
    assert client.post(page, entry).status_code == 302
    ground = EndingGround.objects.get(act="suspend")
    assert (ground.adversarial, ground.valid.lower) == (False, date(2026, 11, 1))
    closing = {"mandate": national.pk, "ground": ground.pk, f"{ground.pk}-last_day": "2026-11-01"}
    assert client.post(page, closing).status_code == 409
    assert client.post(page, {**closing, f"{ground.pk}-last_day": "2026-12-31"}).status_code == 302
    assert "jusqu’à la veille du 1er janvier 2027" in text(client.get(page))


def test_the_whole_way_of_a_suspension(world, clock):
    ground = text_of_law()
    agent, owner, public = signed_in(world.ars.user), signed_in(world.owner.user), PortalClient()
    page = world.label.get_absolute_url()
    optional = re.findall(r"(\S+ \S+ \S+)\s+\(Optionnel\)", agent.get(address("label-suspend", world)).text)
    assert optional == ["Dernier jour suspendu"]
    incomplete = agent.post(address("label-suspend", world), posted(world, ground, expected="", review_date=""))
    assert (incomplete.status_code, Suspension.objects.count()) == (422, 0)
    read = text(agent.post(address("label-suspend", world), posted(world, ground)))
    deliver_mail()
    assert (Suspension.objects.count(), mail.outbox) == (0, [])
    assert "est suspendu à compter du 10 décembre 2026" in read
    assert "Présenter la suspension à la signature" in read
    changed = agent.post(address("label-suspend", world), posted(world, ground, etape="modifier"))
    assert "transmettre le contrat d’un médecin" in text(changed)
    assert "Erreur" not in text(changed)
    stale = agent.post(address("label-suspend", world), posted(world, ground, version=99, etape="faire"))
    assert (stale.status_code, Suspension.objects.count()) == (409, 0)
    assert agent.post(address("label-suspend", world), posted(world, ground, etape="faire")).url == page
    assert "Une suspension de ce label est à la signature" in text(agent.get(page))
    assert owner.get(address("label-suspension", world)).status_code == 404
    assert "1 suspension" in text(signed_in(world.prefet.user).get(reverse("parapheur")))
    act = world.sign(Suspension.objects.get())
    deliver_mail()
    assert "un acte peut être lu" in mail.outbox[-1].subject
    assert "suspen" not in mail.outbox[-1].body
    assert "Lire l’acte qui porte sur le label" in text(owner.get("/compte/"))
    announced = text(owner.get(address("label-to-read", world)))
    assert "Un acte est disponible" in announced
    assert "suspen" not in announced.lower()
    assert owner.post(address("label-to-read", world)).url == address("label-suspension", world)
    deliver_mail()
    assert "suspension de votre label" in mail.outbox[-1].subject
    assert "à compter du 10 décembre 2026 : jusque-là" in mail.outbox[-1].body.replace("\u00a0", " ")
    for reader in (owner, agent):
        to_come = text(reader.get(page))
        assert "Ce label sera suspendu à compter du 10 décembre 2026" in to_come
        assert "ne le trouve plus" not in to_come
    assert "Avant le 10 décembre 2026, premier jour de la suspension" in text(owner.get("/compte/"))
    shown = text(owner.get(address("label-suspension", world)))
    assert "Le label sera suspendu" in shown
    assert "À compter du 10 décembre 2026, jusqu’à sa levée" in shown
    assert "Pour lever la suspension : transmettre le contrat d’un médecin" in shown
    assert "Former un recours gracieux dans le portail" in shown
    assert (
        reverse("appeals", args=[world.label.application.number]) in owner.get(address("label-suspension", world)).text
    )
    assert public.get(address("place", world)).status_code == 200

    clock["at"] = NOW + timedelta(days=30)
    assert "Depuis le 10 décembre 2026. Pour lever la suspension" in text(owner.get("/compte/"))
    assert "Suspendu depuis le 10 décembre 2026" in text(owner.get(page))
    assert "Faire lever la suspension" in text(owner.get("/compte/"))
    assert "Réexamen le 1er février 2027" in text(agent.get(page))
    assert ">Suspendu<" in text(agent.get(reverse("applications"), {"vue": "tous"}))
    verified = text(public.get(address("verify-label", world)))
    assert "Label suspendu" in verified
    assert "<dt>Suspendu depuis le</dt><dd>10 décembre 2026" in verified
    assert world.structure.name not in text(public.get(reverse("places")))
    assert owner.get(address("label-certificate", world)).url == page
    assert render_missing_documents(at=clock["at"]) == 1  # the accusé de réception of its file, and nothing else
    csv = agent.get(reverse("labels"), {"on": "2026-12-22", "format": "csv"}).text
    assert world.label.number not in csv

    world.label.refresh_from_db()
    form = {"mandate": world.ars.pk, "version": world.label.version}
    assert agent.post(address("label-lift", world), {**form, "facts": ""}).status_code == 422
    form |= {"facts": "Contrat reçu le 20 décembre."}
    assert "Présenter la levée à la signature" in text(agent.post(address("label-lift", world), form))
    assert not Lifting.objects.exists()
    assert "Contrat reçu le 20 décembre." in text(
        agent.post(address("label-lift", world), {**form, "etape": "modifier"})
    )
    assert agent.post(address("label-lift", world), {**form, "etape": "faire"}).url == page
    lifting = world.sign(Lifting.objects.get(), at=clock["at"])
    assert "Un acte lève la suspension" in text(agent.get(page))
    owner.post(address("label-lifting", world))
    lifting.refresh_from_db()
    assert lifting.applied_at is not None
    assert "La suspension est levée" in text(owner.get(address("label-lifting", world)))
    assert "Label en cours" in text(owner.get(page))
    assert world.structure.name in text(public.get(reverse("places")))
    assert act.label_id == world.label.pk


def test_an_adversarial_suspension_goes_through_the_page_of_the_procedure(world, clock):
    ground = text_of_law(adversarial=True)
    agent, owner = signed_in(world.ars.user), signed_in(world.owner.user)
    asked = posted(world, ground, expected="", review_date="")
    assert "Nous envisageons de suspendre le label" in text(agent.post(address("label-suspend", world), asked))
    assert not AdversarialProcedure.objects.exists()
    response = agent.post(address("label-suspend", world), {**asked, "etape": "faire"})
    assert response.url == address("label-procedure", world)
    deliver_mail()
    assert "la suspension de votre label est envisagée" in mail.outbox[-1].subject
    assert "La suspension de votre label est envisagée" in text(owner.get(address("label-procedure", world)))
    assert "la suspension du label" in text(owner.get("/compte/"))
    clock["at"] = NOW + timedelta(days=20)
    form = {
        "mandate": world.ars.pk,
        "version": 1,
        "facts": "Aucun médecin.",
        "expected": "transmettre le contrat",
        "effect_date": "2027-01-02",
        "review_date": "2027-03-01",
    }
    presented = agent.post(address("label-act", world, "presenter"), {**form, "expected": ""})
    assert (presented.status_code, Suspension.objects.count()) == (422, 0)
    assert "Présenter la suspension à la signature" in text(agent.post(address("label-act", world, "presenter"), form))
    assert not Suspension.objects.exists()
    assert agent.post(address("label-act", world, "presenter"), {**form, "etape": "faire"}).status_code == 302
    assert Suspension.objects.get().procedure == AdversarialProcedure.objects.get()


def test_the_mails_of_the_days_that_come(world, clock):
    world.suspend(last_date=date(2027, 2, 10))
    for month, day, subject, to in (
        (1, 25, "une suspension à réexaminer", "service@exemple.invalid"),
        (2, 11, "de nouveau en vigueur", world.owner.user.email),
    ):
        clock["at"] = NOW.replace(year=2027, month=month, day=day)
        suspensions.follow_suspensions(at=clock["at"])
        mail.outbox.clear()
        deliver_mail()
        assert any(subject in message.subject and message.to == [to] for message in mail.outbox)
