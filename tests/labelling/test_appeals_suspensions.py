"""Against the suspension of a label: contested, answered or judged, and the label as if it had never been suspended."""

import re
from datetime import date, datetime, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import AppealKind, AppealOutcome, MembershipRole
from labelling.models import Appeal, Application, EndingGround, Label, Lifting, Suspension
from labelling.services import appeal_answers, appeals, endings, labels, restorations
from labelling.services.answers_due import warn_of_answers
from labelling.services.contested import deadline_of, targets_of
from labelling.services.suspensions import suspension_of
from labelling.tasks import send
from territories.choices import DecisionState, Role, Subject
from territories.models import Event
from territories.services.decisions import decline_decision, sign_decision
from tests import factories as make
from tests.labelling.test_appeals import COURT, TEXT, page
from tests.labelling.test_suspensions import NOW, START, World, text_of_law
from tests.plugins.committed import at_once

__all__ = ["page"]
READ = NOW
SIGNED = NOW + timedelta(days=30)
TOLD = NOW + timedelta(days=35)


class Suspended(World):
    """A label suspended from 10 December 2026, read on 22 November, and the acts of this file with their usual values."""

    def __init__(self):
        super().__init__()
        self.suspension = self.suspend()
        self.before = self.suspension.period
        self.file = Application.objects.get(pk=self.label.application_id)

    def lodge(self, at=READ + timedelta(days=1), member=None, **fields):
        by = {"membership": member or self.owner, "version": self.file.version, "at": at, **fields}
        return appeals.lodge_appeal(application=self.file, text=TEXT, **by)

    def record(self, **fields):
        values = {"received_date": READ.date(), "text": TEXT, "version": self.file.version, "at": SIGNED, **fields}
        return appeals.record_appeal(application=self.file, **{"mandate": self.ars, **values})

    def judge(self, row, outcome, at=SIGNED):
        by = {"mandate": self.ars, "version": self.file.version, "at": at}
        appeals.record_judgment(application=self.file, appeal=row.pk, outcome=outcome, answer="Jugé.", **by)
        self.refresh()

    def present_answer(self, row, outcome=AppealOutcome.ACCEPTED, at=SIGNED):
        by = {"application": self.file, "appeal": row.pk, "mandate": self.ars, "at": at}
        appeal_answers.draft_answer(outcome=outcome, answer="Motif.", version=self.file.version, **by)
        return appeal_answers.propose_answer(version=self.file.version, **by)

    def settle(self, row, outcome=AppealOutcome.ACCEPTED, at=SIGNED):
        decision = self.present_answer(row, outcome, at)
        for mandate in (self.ars, self.prefet):
            sign_decision(decision=decision, mandate=mandate, content_hash=decision.content_hash, at=at)
        row.refresh_from_db()
        self.refresh()
        return decision

    def told(self, row, at=TOLD):
        appeal_answers.read_answer(appeal=row, membership=self.owner, at=at)
        self.refresh()

    def end(self, at):
        """End the label on request, and have the act read at once."""
        ending = endings.propose_ending_on_request(
            label=self.label,
            ground=EndingGround.objects.get(code="demande-du-titulaire"),
            mandate=self.ars,
            facts="La structure l’a demandé.",
            effect_date=date(2027, 3, 1),
            version=self.label.version,
            at=at,
        )
        return self.read(self.sign(ending, at=at), at=at)

    def refresh(self):
        for row in (self.label, self.suspension, self.file):
            row.refresh_from_db()

    @property
    def in_force(self):
        return Label.objects.in_force(TOLD.date()).filter(pk=self.label.pk).exists()


@pytest.fixture
def suspended(db):
    return Suspended()


def test_it_is_contested_from_its_reading(suspended):
    row = suspended.lodge()
    assert (row.suspension, row.decision, row.against) == (
        suspended.suspension,
        suspended.suspension.decision,
        "suspension",
    )
    assert row.deadline == date(2027, 1, 23), "read on 22 November: two clear months"
    (target,) = targets_of(suspended.file, on=READ.date())
    court = deadline_of(suspended.file, target, AppealKind.CONTENTIEUX)
    assert court == date(2027, 3, 24), "prolonged by the appeal of 23 November"
    with pytest.raises(RefusedError, match="déjà en cours"):
        suspended.lodge()
    editor = make.membership(suspended.structure, role=MembershipRole.EDITOR)
    for member, said in ((editor, "responsable"), (make.membership(), "responsable")):
        with pytest.raises(RefusedError, match=said):
            suspended.lodge(member=member)
    with pytest.raises(StaleError):
        suspended.lodge(version=suspended.file.version + 1)
    with pytest.raises(RefusedError, match="non de l’instruire"):
        suspended.record(kind=AppealKind.GRACIEUX, mandate=make.mandate(role=Role.OBSERVER))
    assert Appeal.objects.count() == 1


def test_signed_and_not_read_it_is_contested_by_nobody(db):
    world = World()
    file = world.label.application
    world.sign(world.propose(text_of_law()))
    with pytest.raises(RefusedError, match="Rien n’est à contester"):
        appeals.lodge_appeal(application=file, membership=world.owner, text=TEXT, version=file.version, at=NOW)


@pytest.mark.parametrize(("day", "late"), [(date(2027, 1, 23), False), (date(2027, 1, 24), True)])
def test_a_late_appeal_is_said_late(suspended, day, late):
    at = datetime.combine(day, NOW.timetz())
    assert suspended.record(kind=AppealKind.GRACIEUX, received_date=day, at=at).is_late == late


def test_an_appeal_rejected_leaves_the_label_suspended(suspended):
    row = suspended.lodge()
    decision = suspended.settle(row, AppealOutcome.REJECTED)
    suspended.told(row)
    assert "La suspension demeure" in decision.content
    assert (suspended.suspension.period, suspended.suspension.undone_at, suspended.in_force) == (
        suspended.before,
        None,
        False,
    )


def test_accepted_it_never_was_once_the_answer_is_read(suspended):
    row = suspended.lodge()
    decision = suspended.settle(row)
    said = decision.content.replace("\u00a0", " ")
    assert (
        f"La suspension est retirée : à la notification du présent arrêté, le label n° {suspended.label.number}" in said
    )
    assert "réputé n’avoir jamais été suspendu" in said
    assert (suspended.in_force, suspended.suspension.period) == (False, suspended.before), "nobody learns from the map"
    assert restorations.restore_labels(at=SIGNED) == 0
    suspended.told(row)
    assert suspended.suspension.period.isempty
    assert (suspended.suspension.undone_at, suspended.suspension.undone_period) == (TOLD, suspended.before)
    assert suspended.in_force
    assert suspension_of(suspended.label, START) is None, "from its first day"
    assert suspended.chain[-1] == "restore"
    assert restorations.restore_labels(at=TOLD) == 0
    assert targets_of(suspended.file, on=TOLD.date()) == []


def test_what_was_known_between_the_two_stays_so(suspended):
    row = suspended.lodge()
    suspended.settle(row)
    suspended.told(row)

    def known(at, day=START + timedelta(days=3)):
        return labels.known_in_force(Label.objects.filter(pk=suspended.label.pk), on=day, known_at=at).exists()

    assert known(READ - timedelta(minutes=1))
    assert not known(READ + timedelta(days=1))
    assert not known(TOLD - timedelta(minutes=1))
    assert known(TOLD + timedelta(minutes=1))


def test_a_judgment_undoes_it_at_once(suspended):
    gracieux = suspended.lodge()
    answer = suspended.present_answer(gracieux)
    suspended.judge(suspended.record(**COURT), AppealOutcome.ACCEPTED)
    assert (suspended.suspension.undone_at, suspended.suspension.period.isempty) == (SIGNED, True)
    gracieux.refresh_from_db()
    answer.refresh_from_db()
    assert (gracieux.outcome, answer.state) == ("no_object", DecisionState.REPLACED)


def test_lifted_meanwhile_it_may_still_be_undone_from_its_first_day(suspended):
    row = suspended.lodge()
    back = START + timedelta(days=8)
    lifting = suspended.lift(at=NOW + timedelta(days=20), effect_date=back)
    suspended.read(suspended.sign(lifting, at=NOW + timedelta(days=20)), at=NOW + timedelta(days=20))
    suspended.refresh()
    lifted = suspended.suspension.period
    suspended.settle(row)
    suspended.told(row)
    assert (lifted.upper, suspended.suspension.undone_period) == (back, lifted)

    def known(at, day):
        return labels.known_in_force(Label.objects.filter(pk=suspended.label.pk), on=day, known_at=at).exists()

    late = back + timedelta(days=1)
    assert not known(NOW + timedelta(days=10), late), "nobody knew yet that it would be lifted"
    assert known(NOW + timedelta(days=21), late)
    assert not known(NOW + timedelta(days=21), START), "lifted, it had been suspended"
    assert known(TOLD + timedelta(minutes=1), START), "undone, it had not"


@pytest.mark.parametrize("signed", [True, False])
def test_a_lifting_in_progress_has_nothing_left_to_lift(suspended, signed):
    judged = suspended.record(**COURT)
    lifting = suspended.lift(at=SIGNED)
    if signed:
        suspended.sign(lifting, at=SIGNED)
    suspended.judge(judged, AppealOutcome.ACCEPTED)
    lifting.refresh_from_db()
    lifting.decision.refresh_from_db()
    assert (lifting.dropped_at is None, lifting.decision.state) == (
        signed,
        DecisionState.SIGNED if signed else DecisionState.REPLACED,
    )
    if signed:
        suspended.read(lifting, at=TOLD)
        suspended.refresh()
    assert suspended.suspension.period.isempty
    assert suspended.suspension.undone_period == suspended.before
    known = labels.known_in_force(
        Label.objects.filter(pk=suspended.label.pk), on=START, known_at=NOW + timedelta(days=1)
    )
    assert not known.exists(), "what was known before stays, whatever was lifted since"


def test_a_label_has_several_contested_acts_each_with_its_delays(suspended):
    at = NOW + timedelta(days=40)
    ending = suspended.end(at)
    first, second = targets_of(suspended.file, on=at.date())
    assert [first.against, second.against] == ["ending", "suspension"]
    assert (first.deadline, second.deadline) == (date(2027, 3, 2), date(2027, 1, 23))
    with pytest.raises(RefusedError, match="Plusieurs actes peuvent être contestés"):
        suspended.lodge(at=at)
    with pytest.raises(StaleError, match="n’est plus à contester"):
        suspended.lodge(at=at, contested=suspended.label.decision_id)
    of_suspension = suspended.lodge(at=at, contested=suspended.suspension.decision_id)
    of_ending = suspended.lodge(at=at, contested=ending.decision_id)
    assert (of_suspension.is_late, of_ending.is_late) == (False, False)
    assert [of_suspension.deadline, of_ending.deadline] == [second.deadline, first.deadline]
    suspended.settle(of_suspension, at=at)
    suspended.told(of_suspension, at=at)
    ending.refresh_from_db()
    of_ending.refresh_from_db()
    assert (suspended.suspension.undone_at, ending.undone_at, of_ending.settled_at) == (at, None, None)
    assert suspended.label.valid.upper == date(2027, 3, 1), "the end stands"


def test_a_signatory_who_declines_sends_the_answer_back(suspended):
    row = suspended.lodge()
    decision = suspended.present_answer(row)
    decline_decision(decision=decision, mandate=suspended.prefet, reason="À revoir.", at=SIGNED)
    row.refresh_from_db()
    assert (row.settled_at, suspended.suspension.undone_at) == (None, None)
    assert appeal_answers.refusal_to_answer(Appeal.objects.get(pk=row.pk)).reason == "À revoir."


def test_the_reader_and_the_night_undo_it_once(committed_db):
    world = Suspended()
    row = world.lodge()
    world.settle(row)
    again = Appeal.objects.select_related("application", "ending", "suspension", "answer_decision").get(pk=row.pk)
    at_once(
        lambda: appeal_answers.read_answer(appeal=again, membership=world.owner, at=TOLD),
        lambda: restorations.restore_labels(at=TOLD),
    )
    restorations.restore_labels(at=TOLD)
    world.refresh()
    assert world.suspension.undone_period == world.before
    assert world.chain.count("restore") == 1


def test_a_lifting_signed_at_the_instant_of_the_judgment(committed_db):
    world = Suspended()
    judged = world.record(**COURT)
    lifting = world.lift(at=SIGNED)
    act = lifting.decision
    sign_decision(decision=act, mandate=world.ars, content_hash=act.content_hash, at=SIGNED)
    results = at_once(
        lambda: sign_decision(decision=act, mandate=world.prefet, content_hash=act.content_hash, at=SIGNED),
        lambda: world.judge(judged, AppealOutcome.ACCEPTED),
    )
    world.refresh()
    lifting.refresh_from_db()
    act.refresh_from_db()
    assert world.suspension.undone_at == SIGNED, results
    assert (act.state == DecisionState.SIGNED) == (lifting.signed_date is not None) == (lifting.dropped_at is None)


def test_the_database_undoes_a_suspension_only_by_an_appeal(suspended):
    rows = Suspension.objects.filter(pk=suspended.suspension.pk)
    empty = make.DateRange(empty=True)
    undone = {"undone_at": TOLD, "undone_period": suspended.before, "period": empty}
    for change, said in (
        (undone, "undone by an appeal that was accepted"),
        ({"undone_at": TOLD}, "undone by an appeal that was accepted"),
        ({"undone_period": suspended.before}, "suspension_undone_keeps_its_days"),
        ({"period": empty}, "shortened by its lifting only"),
    ):
        with pytest.raises(IntegrityError, match=said), transaction.atomic():
            rows.update(**change)
    row = suspended.lodge()
    suspended.settle(row)
    with pytest.raises(IntegrityError, match="accepted and notified"), transaction.atomic():
        rows.update(**undone)
    with pytest.raises(IntegrityError, match="is against its act"), transaction.atomic():
        Appeal.objects.create(
            application=suspended.file,
            decision=suspended.label.decision,
            suspension=suspended.suspension,
            kind="gracieux",
            received_date=READ.date(),
            text="x",
            mandate=suspended.ars,
            recorded_at=SIGNED,
        )
    suspended.told(row)
    with pytest.raises(IntegrityError, match="undone stays so"), transaction.atomic():
        rows.update(period=suspended.before, undone_at=None, undone_period=None)
    assert Lifting.objects.count() == 0


def test_those_who_must_answer_are_warned_and_told_what_is_contested(suspended):
    suspended.lodge()
    mail.outbox.clear()
    event = Event.objects.about(Subject.APPLICATION, suspended.file.pk).get(action="lodge_appeal")
    assert event.data["against"] == "suspension"
    send(event)
    assert len(mail.outbox) == 3, "both authorities, and the receipt"
    assert any("la suspension du label" in one.body for one in mail.outbox)
    assert warn_of_answers(at=datetime.combine(date(2027, 1, 20), NOW.timetz())) == 1


def test_the_pages_lead_from_the_label_to_its_appeal(suspended, page, monkeypatch):
    structure, agent = page(suspended.owner), page(suspended.ars)
    day = NOW + timedelta(days=20)
    monkeypatch.setattr("django.utils.timezone.now", lambda: day)
    url = reverse("appeals", args=[suspended.file.number])
    act = reverse("label-suspension", args=[suspended.label.number])
    for address in (suspended.label.get_absolute_url(), act):
        assert f'href="{url}?acte={suspended.suspension.decision_id}"' in structure.get(address).content.decode()
    shown = structure.get(url).content.decode()
    assert "Suspension du label à compter du 10\u00a0décembre\u00a02026" in shown
    assert "jusqu’au <strong>23\u00a0janvier\u00a02027" in shown
    post = {"version": suspended.file.version, "former-text": TEXT}
    assert agent.post(reverse("appeal-act", args=[suspended.file.number, "former"]), post).status_code == 403
    assert structure.post(reverse("appeal-act", args=[suspended.file.number, "former"]), post).status_code == 302
    suspended.file.refresh_from_db()
    assert "contre la suspension du label" in agent.get(suspended.file.get_absolute_url()).content.decode()
    listed = agent.get("/dossiers/", {"vue": "recours", "col": "suite"}).content.decode()
    assert "Réponse attendue jusqu’au 12/02/2027" in listed
    row = suspended.file.appeals.get()
    suspended.settle(row, at=day)
    monkeypatch.setattr("django.utils.timezone.now", lambda: day + timedelta(days=1))
    answer = reverse("appeal-answer", args=[suspended.file.number, row.pk])
    assert structure.post(answer).status_code == 302
    assert "Le recours est accueilli" in structure.get(answer).content.decode()
    assert (
        "il est réputé n’avoir jamais été suspendu"
        in structure.get(suspended.label.get_absolute_url()).content.decode()
    )
    assert "La suspension est annulée" in structure.get(act).content.decode()


def test_two_acts_are_chosen_among_and_answered_apart(suspended, page, monkeypatch):
    at = NOW + timedelta(days=20)
    ending = suspended.end(at)
    monkeypatch.setattr("django.utils.timezone.now", lambda: at)
    structure, agent = page(suspended.owner), page(suspended.ars)
    monkeypatch.setattr("django.utils.timezone.now", lambda: at)
    url = reverse("appeals", args=[suspended.file.number])
    lodge = reverse("appeal-act", args=[suspended.file.number, "former"])
    chosen = structure.get(url, {"acte": suspended.suspension.decision_id}).content.decode()
    (radio,) = [tag for tag in re.findall(r"<input[^>]*>", chosen) if "former-contested" in tag and "checked" in tag]
    assert f'value="{suspended.suspension.decision_id}"' in radio
    post = {"version": suspended.file.version, "former-text": TEXT}
    unchosen = structure.post(lodge, post)
    assert (unchosen.status_code, Appeal.objects.count()) == (422, 0)
    assert "Choisissez l’acte que vise le recours." in unchosen.content.decode()
    for act in (suspended.suspension, ending):
        suspended.file.refresh_from_db()
        post = {"version": suspended.file.version, "former-text": TEXT, "former-contested": act.decision_id}
        assert structure.post(lodge, post).status_code == 302
    shown = agent.get(url).content.decode()
    identifiers = [part.split('"')[0] for part in shown.split(' id="')[1:]]
    assert len(identifiers) == len(set(identifiers)), "two answers on one page"
    suspended.file.refresh_from_db()
    row = Appeal.objects.get(ending=ending)
    said = {
        "version": suspended.file.version,
        "mandate": suspended.ars.pk,
        "appeal": row.pk,
        "repondre-outcome": "rejected",
        "repondre-answer": "Motif.",
    }
    assert agent.post(reverse("appeal-act", args=[suspended.file.number, "repondre"]), said).status_code == 302
    assert Appeal.objects.get(ending=ending).outcome == "rejected"
    assert Appeal.objects.get(suspension=suspended.suspension).outcome == ""
    assert agent.get(url).content.decode().count("Le projet d’acte") == 1


def test_each_suspension_of_a_label_is_contested_and_read_by_itself(suspended, page, monkeypatch):
    at = NOW + timedelta(days=20)
    suspended.read(suspended.sign(suspended.lift(at=at), at=at), at=at)
    again = suspended.suspend(at=at, effect_date=at.date() + timedelta(days=10), expected="rendre les clés")
    monkeypatch.setattr("django.utils.timezone.now", lambda: at)
    targets = targets_of(suspended.file, on=at.date())
    assert [one.suspension for one in targets] == [again, suspended.suspension]
    structure = page(suspended.owner)
    monkeypatch.setattr("django.utils.timezone.now", lambda: at)
    shown = structure.get(reverse("appeals", args=[suspended.file.number])).content.decode()
    act = reverse("label-suspension", args=[suspended.label.number])
    for one, other in ((again, suspended.suspension), (suspended.suspension, again)):
        assert f'href="{act}?acte={one.decision_id}"' in shown
        read = structure.get(act, {"acte": one.decision_id}).content.decode()
        assert (one.expected in read, other.expected in read) == (True, False)
        assert f"{reverse('appeals', args=[suspended.file.number])}?acte={one.decision_id}" in read
    assert structure.get(act, {"acte": suspended.label.decision_id}).status_code == 404
    stranger = page(make.membership())
    assert stranger.get(act, {"acte": again.decision_id}).status_code == 404
    row = suspended.lodge(at=at, contested=suspended.suspension.decision_id)
    suspended.settle(row, at=at)
    suspended.told(row, at=at)
    again.refresh_from_db()
    assert (again.undone_at, again.period.isempty) == (None, False), "the other one stands"
