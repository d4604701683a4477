"""The end of a label: heard, reasoned, signed by both, effective once notified, and what the public reads meanwhile."""

import json
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import EndingAct, Interest, MembershipRole
from labelling.models import AdversarialProcedure, Application, Ending, EndingGround, InterestDeclaration, Label
from labelling.services import acts, endings, label_acts, labels, procedures
from labelling.services.ending_drafts import KIND_OF_ACT
from territories.choices import AuthorityKind, Capacity, NotificationChannel, Subject
from territories.models import Decision, Event, Notification
from territories.services.decisions import FAVOURABLE, decline_decision, propose_decision, sign_decision
from territories.services.events import record_event
from territories.services.notifications import presume_notified
from territories.services.selections import check_selection
from tests import factories as make
from tests.labelling.worlds import make_label
from tests.plugins.committed import at_once

NOW = make.NOW
TODAY = NOW.date()
LATER = NOW + timedelta(days=20)
END = date(2027, 3, 1)


class World:
    """A label, the people of both sides, and the acts of this file with their usual values."""

    def __init__(self):
        self.structure = make.structure()
        self.owner = make.membership(self.structure)
        self.label = make_label(self.structure, owner=self.owner, at=NOW - timedelta(days=60))
        self.ars = make.mandate(AuthorityKind.ARS, signs=True)
        self.prefet = make.mandate(AuthorityKind.PREFECTURE, signs=True)

    def open(self, code="condition-non-remplie", **changes):
        ground = EndingGround.objects.get(code=code)
        values = {
            "label": self.label,
            "ground": ground,
            "facts": "L’infirmier est parti le 4 octobre 2026.",
            "effect_date": END,
            "deadline": date(2026, 12, 8),
            "mandate": self.ars,
            "version": self.label.version,
            "at": NOW,
        }
        return procedures.open_procedure(**{**values, **changes})

    def answer(self, procedure, **changes):
        values = {"membership": self.owner, "answer": "Un infirmier arrive en mars.", "hearing": False, "at": NOW}
        return procedures.answer_procedure(procedure=procedure, version=procedure.version, **{**values, **changes})

    def propose(self, procedure, **changes):
        procedure.refresh_from_db()
        values = {
            "mandate": self.ars,
            "facts": procedure.facts,
            "reply": "Le recrutement n’est pas signé." if procedure.answered_at else "",
            "effect_date": END,
            "version": procedure.version,
            "at": LATER,
        }
        return endings.propose_ending_after_procedure(procedure=procedure, **{**values, **changes})

    def on_request(self, **changes):
        values = {
            "label": self.label,
            "ground": EndingGround.objects.get(code="demande-du-titulaire"),
            "mandate": self.ars,
            "facts": "La structure a demandé la fin de son label par lettre du 10 novembre 2026.",
            "effect_date": END,
            "version": self.label.version,
            "at": NOW,
        }
        return endings.propose_ending_on_request(**{**values, **changes})

    def sign(self, ending, at=LATER):
        for mandate in (self.ars, self.prefet):
            sign_decision(decision=ending.decision, mandate=mandate, content_hash=ending.decision.content_hash, at=at)
        ending.refresh_from_db()
        return ending

    def read(self, ending, at=LATER):
        ending.refresh_from_db()
        label_acts.read_act(act=ending, membership=self.owner, at=at)
        self.label.refresh_from_db()
        ending.refresh_from_db()

    @property
    def chain(self):
        return list(Event.objects.about(Subject.LABEL, self.label.pk).values_list("action", flat=True))

    def refused(self, call, sentence):
        def picture():
            return (
                Label.objects.values().get(pk=self.label.pk),
                list(AdversarialProcedure.objects.order_by("pk").values()),
                list(Ending.objects.order_by("pk").values()),
                Decision.objects.count(),
                self.chain,
            )

        before = picture()
        with pytest.raises(RefusedError, match=sentence):
            call()
        assert picture() == before


@pytest.fixture
def world(db):
    return World()


# The grounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_shipped_grounds_cite_their_articles_and_their_limits():
    from_code = {
        "condition-non-remplie": ("abrogate", None, True, "L. 242-2"),
        "illegalite-abrogation": ("abrogate", 4, True, "L. 242-1"),
        "illegalite-retrait": ("withdraw", 4, True, "L. 242-1"),
        "fraude": ("withdraw", None, True, "L. 241-2"),
        "demande-du-titulaire": ("abrogate", None, False, "L. 242-4"),
    }
    rows = EndingGround.objects.applicable(TODAY)
    assert {row.code for row in rows} == set(from_code)
    for row in rows:
        act, months, adversarial, article = from_code[row.code]
        assert (row.act, row.months, row.adversarial) == (act, months, adversarial)
        assert article in row.articles
        assert article in row.reason


def test_an_ending_is_never_signed_in_a_batch(world):
    assert not FAVOURABLE & set(KIND_OF_ACT.values())
    ending = world.on_request()
    with pytest.raises(RefusedError, match="se signe seul"):
        check_selection({ending.decision_id: ending.decision.content_hash}, world.ars)


# The adversarial step -----------------------------------------------------------------------------------------------


def test_the_letter_says_what_why_and_how_to_answer(world):
    procedure = world.open()
    letter = procedure.letter.replace("\u00a0", " ")
    for words in (
        f"de mettre fin au label {world.label.number} à compter du 1er mars 2027",
        "L’infirmier est parti le 4 octobre 2026.",
        "L. 242-2, 1°",
        "Rien n’est décidé.",
        "avant le 8 décembre 2026",
        "à être entendu",
    ):
        assert words in letter
    assert world.chain[-1] == "open_procedure"
    world.label.refresh_from_db()
    assert labels.status(world.label, TODAY).in_force


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"facts": "  "}, "Écrivez les faits"),
        ({"deadline": date(2026, 12, 6)}, "au moins jusqu’au 7.décembre.2026"),
        ({"effect_date": None}, "premier jour sans label"),
        ({"effect_date": TODAY}, "que pour l’avenir"),
        ({"effect_date": date(2030, 1, 1)}, "déjà terminé"),
        ({"code": "demande-du-titulaire"}, "ne demande pas de procédure"),
        ({"code": "illegalite-retrait", "at": NOW + timedelta(days=90)}, "ne vaut que jusqu’au 23.janvier.2027"),
    ],
)
def test_what_may_not_be_opened(world, changes, sentence):
    world.refused(lambda: world.open(**changes), sentence)


def test_who_may_not_open_one(world):
    elsewhere = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Valfictie", region="R2"))
    world.refused(lambda: world.open(mandate=elsewhere), "ne couvre pas")
    world.refused(lambda: world.open(mandate=make.mandate(AuthorityKind.NATIONAL)), "de lire ce dossier")
    with pytest.raises(StaleError):
        world.open(version=99)
    world.open()
    with pytest.raises(IntegrityError, match="procedure_one_open_per_label"), transaction.atomic():
        AdversarialProcedure.objects.create(
            label=world.label,
            ground=EndingGround.objects.get(code="fraude"),
            facts="x",
            letter="x",
            deadline=END,
            opened_at=NOW,
            opened_by=world.ars,
        )
    world.refused(world.open, "déjà ouverte")


def test_the_answer_is_kept_as_it_was_written(world):
    procedure = world.open()
    world.refused(lambda: world.answer(procedure, answer=" "), "Écrivez vos observations")
    editor = make.membership(world.structure, role=MembershipRole.EDITOR)
    world.refused(lambda: world.answer(procedure, membership=editor), "Le responsable")
    world.refused(lambda: world.answer(procedure, membership=make.membership()), "Le responsable")
    written = "Un infirmier arrive en mars.\n\nVoir le contrat."
    world.answer(procedure, answer=written)
    procedure.refresh_from_db()
    assert (procedure.answer, procedure.answered_by, procedure.answered_at) == (written, world.owner, NOW)
    world.refused(lambda: world.answer(procedure), "déjà reçues")


def test_a_procedure_closed_without_an_act_leaves_the_label(world):
    procedure = world.open()
    procedures.close_procedure(procedure=procedure, mandate=world.prefet, version=1, at=LATER)
    world.refused(lambda: world.answer(procedure), "n’attend plus")
    world.refused(lambda: world.propose(procedure), "close")
    world.label.refresh_from_db()
    assert labels.status(world.label, LATER.date()).in_force
    world.open(at=LATER, deadline=date(2027, 1, 10))


# The act --------------------------------------------------------------------------------------------------------------


def test_nothing_is_proposed_before_the_structure_was_heard(world):
    procedure = world.open()
    world.refused(lambda: world.propose(procedure, at=NOW + timedelta(days=1)), "a jusqu’au")
    world.answer(procedure, hearing=True)
    world.refused(lambda: world.propose(procedure), "demandé à être entendue")
    record = {"procedure": procedure, "mandate": world.ars, "at": LATER}
    world.refused(
        lambda: procedures.record_hearing(**record, heard_on=TODAY - timedelta(days=1), version=2), "entre la lettre"
    )
    procedures.record_hearing(**record, heard_on=date(2026, 12, 1), version=2)
    world.refused(lambda: world.propose(procedure, reply=" "), "Répondez aux observations")
    content = json.loads(world.propose(procedure).decision.content)
    visas, reasons = " ".join(content["visas"]), " ".join(content["reasons"])
    assert "Vu les observations de la structure, reçues le 22\u00a0novembre\u00a02026" in visas
    assert "Vu l’audition de la structure, le 1er\u00a0décembre\u00a02026" in visas
    assert "Le recrutement n’est pas signé" in reasons


def test_observations_that_come_while_the_act_is_written_stop_it(world):
    procedure = world.open()
    seen = procedure.version
    world.answer(procedure)
    with pytest.raises(StaleError):
        world.propose(procedure, version=seen)
    assert not Ending.objects.exists()


def test_the_act_is_reasoned_in_law_and_in_fact(world):
    decision = world.propose(world.open()).decision
    content = json.loads(decision.content)
    assert decision.required == ["ars", "prefet"]
    assert (decision.kind, decision.subject_type, decision.subject_id) == ("label_abrogated", "label", world.label.pk)
    assert content["title"].startswith("Arrêté conjoint portant abrogation du label France Santé")
    assert any("L. 121-1, L. 122-1" in visa and "L. 242-2" in visa for visa in content["visas"])
    assert any("Vu la lettre du 22\u00a0novembre\u00a02026" in visa for visa in content["visas"])
    assert any("L’infirmier est parti le 4 octobre 2026" in reason for reason in content["reasons"])
    assert any("n’a pas présenté" in reason for reason in content["reasons"])
    assert any("L. 242-2" in reason for reason in content["reasons"])
    assert "est abrogé à compter du 1er\u00a0mars\u00a02027" in content["articles"][0]
    assert any("tribunal administratif de Valfictif" in article for article in content["articles"])
    said = " ".join(content["articles"])
    assert ("est notifié à la structure" in said, "recueil" in said) == (True, False), (
        "an individual act is not published"
    )


def test_an_abrogation_changes_nothing_before_its_notification_and_only_the_future_after(world):
    quota = make.quota(used=1)
    ending = world.sign(world.propose(world.open()))
    world.label.refresh_from_db()
    assert (ending.signed_date, ending.applied_at) == (LATER.date(), None)
    assert world.label.valid.upper == date(2029, 9, 23)
    assert AdversarialProcedure.objects.get().closed_at == LATER
    world.read(ending, at=LATER + timedelta(days=1))
    assert (world.label.valid.upper, world.label.withdrawn_at) == (END, None)
    assert ending.was_valid.upper == date(2029, 9, 23)
    assert world.chain[-2:] == ["sign_ending", "abrogate"]
    assert labels.status(world.label, END - timedelta(days=1)).in_force
    assert labels.status(world.label, END).label == "Label abrogé à compter du 1er\u00a0mars\u00a02027"
    assert (
        labels.status(world.label, END, public=True).label == "N’est plus labellisé depuis le 1er\u00a0mars\u00a02027"
    )
    quota.refresh_from_db()
    assert quota.used == 1
    version = world.label.version
    world.read(ending, at=LATER + timedelta(days=2))
    assert world.label.version == version


def test_an_abrogation_notified_after_its_date_takes_effect_the_next_day(world):
    ending = world.sign(world.on_request(effect_date=date(2026, 12, 1)))
    told = LATER + timedelta(days=3)
    world.read(ending, at=told)
    assert world.label.valid.upper == told.date() + timedelta(days=1)


def test_a_withdrawal_gives_the_place_back_once_notified(world):
    quota = make.quota(used=1)
    events = Event.objects.about(Subject.APPLICATION, world.label.application_id)
    assert not events.filter(action="propose").exists()
    reserve(world.label.application, quota)
    ending = world.sign(world.propose(world.open("fraude", effect_date=None), effect_date=None))
    assert ending.decision.kind == "label_withdrawn"
    assert "réputé n’avoir jamais été accordé" in json.loads(ending.decision.content)["articles"][0]
    quota.refresh_from_db()
    assert (quota.used, Label.objects.in_force(TODAY).count()) == (1, 1)
    world.read(ending)
    quota.refresh_from_db()
    assert (quota.used, world.label.withdrawn_at) == (0, LATER)
    assert Label.objects.in_force(TODAY).count() == 0


def reserve(application, quota):
    """The event that a proposal through the real way leaves."""
    record_event(
        subject_type=Subject.APPLICATION,
        subject_id=application.pk,
        action="propose",
        actor=None,
        at=NOW,
        data={"quota": quota.pk},
    )


def test_four_months_are_counted_to_the_last_signature(world):
    procedure = world.open("illegalite-retrait", effect_date=None)
    ending = world.propose(procedure, effect_date=None)
    assert ending.limit_date == date(2027, 1, 23)
    late = NOW.replace(year=2027, month=1, day=24)
    sign_decision(decision=ending.decision, mandate=world.ars, content_hash=ending.decision.content_hash, at=LATER)
    world.refused(
        lambda: sign_decision(
            decision=ending.decision, mandate=world.prefet, content_hash=ending.decision.content_hash, at=late
        ),
        "ne peut plus être signé",
    )
    assert ending.decision.signatures.count() == 1


def test_one_signature_ends_nothing_and_a_signatory_who_declines_drops_the_act(world):
    ending = world.propose(world.open())
    sign_decision(decision=ending.decision, mandate=world.ars, content_hash=ending.decision.content_hash, at=LATER)
    world.refused(world.on_request, "déjà à la signature")
    decline_decision(decision=ending.decision, mandate=world.prefet, reason="Un recrutement est en cours.", at=LATER)
    ending.refresh_from_db()
    assert ending.dropped_at == LATER
    assert world.chain[-1] == "drop_ending"
    procedure = AdversarialProcedure.objects.get()
    assert procedure.closed_at is None
    assert world.propose(procedure).decision_id != ending.decision_id


def test_a_letter_notifies_and_gives_effect(world):
    Application.objects.filter(pk=world.label.application_id).update(notification_consent=False)
    world.label = Label.objects.select_related("structure", "departement", "decision", "application").get()
    ending = world.sign(world.on_request())
    assert not Notification.objects.filter(decision=ending.decision).exists()
    ending = label_acts.latest_act(Ending, world.label)
    letter = {"act": ending, "mandate": world.ars, "at": LATER + timedelta(days=5)}
    world.refused(lambda: label_acts.record_act_letter(**letter, received_on=TODAY), "entre celle de l’acte")
    label_acts.record_act_letter(**letter, received_on=LATER.date() + timedelta(days=2))
    world.label.refresh_from_db()
    assert world.label.valid.upper == END
    assert Notification.objects.get(decision=ending.decision).channel == NotificationChannel.LETTER
    world.refused(lambda: label_acts.record_act_letter(**letter, received_on=LATER.date()), "Aucun acte")


def test_an_act_left_unread_takes_effect_when_it_is_presumed_notified(world):
    ending = world.sign(world.on_request())
    soon, after = LATER + timedelta(days=14), LATER + timedelta(days=15)
    presume_notified(at=soon)
    assert label_acts.apply_notified_acts(at=soon) == 0
    presume_notified(at=after)
    assert label_acts.apply_notified_acts(at=after) == 1
    assert label_acts.apply_notified_acts(at=after) == 0
    world.label.refresh_from_db()
    assert world.label.valid.upper == END
    ending.refresh_from_db()
    assert ending.applied_at == after


def test_only_an_owner_is_notified_in_the_portal(world):
    ending = world.sign(world.on_request())
    editor = make.membership(world.structure, role=MembershipRole.EDITOR)
    for reader in (editor, make.membership()):
        world.refused(lambda reader=reader: label_acts.read_act(act=ending, membership=reader, at=LATER), "responsable")


def test_two_agents_who_end_a_label_at_once_end_it_once(committed_db):
    world = World()
    two = [world.on_request, lambda: world.on_request(mandate=world.prefet)]
    outcomes = at_once(*two)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Ending", "RefusedError"]
    assert Ending.objects.count() == 1


def test_a_reader_and_the_presumption_at_once_give_one_effect(committed_db):
    world = World()
    ending = world.sign(world.on_request())
    after = LATER + timedelta(days=16)
    at_once(
        lambda: label_acts.read_act(act=ending, membership=world.owner, at=after),
        lambda: (presume_notified(at=after), label_acts.apply_notified_acts(at=after)),
    )
    assert world.chain.count("abrogate") == 1


# What the database refuses ---------------------------------------------------------------------------------------------


def fails(name, call):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        call()


def test_the_database_keeps_the_rules(world):
    fraud = EndingGround.objects.get(code="fraude")
    request = EndingGround.objects.get(code="demande-du-titulaire")
    copy = {field.name: getattr(request, field.name) for field in EndingGround._meta.fields if field.name != "id"}
    fails("ending_ground_one_at_a_time", lambda: EndingGround.objects.create(**copy))
    fails("ending_ground_act_known", lambda: EndingGround.objects.filter(pk=fraud.pk).update(act="forget"))
    procedure = world.open("fraude", effect_date=None)
    rows = AdversarialProcedure.objects.filter(pk=procedure.pk)
    fails("procedure_states_facts", lambda: rows.update(facts=""))
    fails("procedure_answer_has_author", lambda: rows.update(answered_at=NOW))
    fails("procedure_answer_is_dated", lambda: rows.update(answer="x"))
    decision = other_decision(world.label)
    fails("heard first", lambda: Ending.objects.create(label=world.label, ground=fraud, decision=decision))
    ending = world.propose(procedure, effect_date=None)
    fails(
        "ending_one_pending_per_label",
        lambda: Ending.objects.create(label=world.label, ground=request, decision=decision),
    )
    row = Ending.objects.filter(pk=ending.pk)
    fails("signed by every required capacity", lambda: row.update(signed_date=TODAY))
    fails("ending_applied_once_signed", lambda: row.update(applied_at=NOW, was_valid=world.label.valid))
    world.sign(ending)
    fails("ending_keeps_what_was_valid", lambda: row.update(applied_at=NOW))
    fails("ending_signed_is_not_dropped", lambda: row.update(dropped_at=NOW))
    fails("ending_signed_within_its_limit", lambda: row.update(limit_date=TODAY))


def other_decision(label):
    return propose_decision(
        kind=KIND_OF_ACT[EndingAct.ABROGATE],
        subject_type=Subject.LABEL,
        subject_id=label.pk,
        departement=label.departement,
        title="essai",
        content={"n": Decision.objects.count()},
        mandate=None,
        at=NOW,
        required=[Capacity.ARS],
    )


def test_the_act_is_rendered_as_any_other(world):
    ending = world.sign(world.propose(world.open()))
    acts.render_missing_acts()
    ending.decision.refresh_from_db()
    assert bytes(ending.decision.pdf).startswith(b"%PDF")


def test_whoever_stands_aside_neither_opens_nor_signs_the_end(world):
    InterestDeclaration.objects.create(
        user=world.prefet.user,
        structure=world.structure,
        interest=Interest.RECUSED,
        mandate=world.prefet,
        declared_at=NOW,
    )
    world.refused(lambda: world.open(mandate=world.prefet), "déport")
    decision = world.on_request().decision
    signed = {"decision": decision, "content_hash": decision.content_hash, "at": LATER}
    world.refused(lambda: sign_decision(mandate=world.prefet, **signed), "déporté")
    sign_decision(mandate=world.ars, **signed)
