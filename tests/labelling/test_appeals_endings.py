"""Against the end of a label: contested, answered or judged, and the label that finds its validity again."""

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError
from labelling.choices import AppealKind, AppealOutcome, MembershipRole
from labelling.models import Application, Ending, EndingGround, Label, Quota
from labelling.services import appeal_answers, appeals, labels, restorations
from labelling.services.contested import deadline_of, targets_of
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from territories.services.decisions import sign_decision
from tests import factories as make
from tests.labelling.test_appeals import COURT, TEXT, page
from tests.labelling.test_endings import END, LATER, NOW, World
from tests.labelling.worlds import make_label, withdraw
from tests.plugins.committed import at_once

__all__ = ["page"]
READ = LATER + timedelta(days=2)
SIGNED = LATER + timedelta(days=30)
TOLD = LATER + timedelta(days=35)


class Ended(World):
    """A label that ended, and the acts of this file with their usual values."""

    def __init__(self, *, withdrawn=False):
        super().__init__()
        self.before = self.label.valid
        if withdrawn:
            procedure = self.open("fraude", effect_date=None)
            self.answer(procedure)
            ending = self.propose(procedure, effect_date=None)
        else:
            ending = self.on_request()
        self.ending = self.sign(ending)
        self.read(self.ending, at=READ)
        self.file = Application.objects.get(pk=self.label.application_id)

    def lodge(self, at=READ + timedelta(days=1), member=None):
        by = {"membership": member or self.owner, "version": self.file.version, "at": at}
        return appeals.lodge_appeal(application=self.file, text=TEXT, **by)

    def record(self, **fields):
        values = {"received_date": READ.date(), "text": TEXT, "version": self.file.version, "at": SIGNED, **fields}
        return appeals.record_appeal(application=self.file, mandate=self.ars, **values)

    def judge(self, row, outcome):
        by = {"mandate": self.ars, "version": self.file.version, "at": SIGNED}
        appeals.record_judgment(application=self.file, appeal=row.pk, outcome=outcome, answer="Jugé.", **by)
        self.refresh()

    def present(self, row, outcome=AppealOutcome.ACCEPTED, at=SIGNED):
        by = {"application": self.file, "appeal": row.pk, "mandate": self.ars, "at": at}
        appeal_answers.draft_answer(outcome=outcome, answer="Motif.", version=self.file.version, **by)
        return appeal_answers.propose_answer(version=self.file.version, **by)

    def settle(self, row, outcome=AppealOutcome.ACCEPTED, at=SIGNED):
        decision = self.present(row, outcome, at)
        for mandate in (self.ars, self.prefet):
            sign_decision(decision=decision, mandate=mandate, content_hash=decision.content_hash, at=at)
        self.file.refresh_from_db()
        row.refresh_from_db()
        self.refresh()
        return decision

    def told(self, row, at=TOLD):
        appeal_answers.read_answer(appeal=row, membership=self.owner, at=at)
        self.refresh()

    def refresh(self):
        self.label.refresh_from_db()
        self.ending.refresh_from_db()


@pytest.fixture
def abrogated(db):
    return Ended()


@pytest.fixture
def withdrawn(db):
    return Ended(withdrawn=True)


def test_it_is_contested_from_its_reading(abrogated):
    row = abrogated.lodge()
    assert (row.ending, row.decision, row.against) == (abrogated.ending, abrogated.ending.decision, "ending")
    assert row.deadline == date(2027, 2, 15), "read on 14 December"
    (target,) = targets_of(abrogated.file, on=READ.date())
    court = deadline_of(abrogated.file, target, AppealKind.CONTENTIEUX)
    assert court == date(2027, 4, 16), "prolonged by the appeal of 15 December"
    with pytest.raises(RefusedError, match="déjà en cours"):
        abrogated.lodge()
    editor = make.membership(abrogated.structure, role=MembershipRole.EDITOR)
    with pytest.raises(RefusedError, match="responsable"):
        abrogated.lodge(member=editor)


def test_a_label_in_force_has_nothing_to_contest(db):
    world = World()
    file = world.label.application
    world.sign(world.on_request())
    with pytest.raises(RefusedError, match="Rien n’est à contester"):
        appeals.lodge_appeal(application=file, membership=world.owner, text=TEXT, version=file.version, at=LATER)


@pytest.mark.parametrize(("day", "late"), [(date(2027, 2, 15), False), (date(2027, 2, 16), True)])
def test_a_late_appeal_is_said_late(abrogated, day, late):
    at = datetime.combine(day, NOW.timetz())
    assert abrogated.record(kind=AppealKind.GRACIEUX, received_date=day, at=at).is_late == late


def test_an_appeal_rejected_leaves_the_label_ended(abrogated):
    valid = abrogated.label.valid
    row = abrogated.lodge()
    decision = abrogated.settle(row, AppealOutcome.REJECTED)
    abrogated.told(row)
    assert "L’abrogation demeure" in decision.content
    assert (abrogated.label.valid, abrogated.ending.undone_at) == (valid, None)


def test_an_abrogation_is_undone_once_the_answer_is_read(abrogated):
    row = abrogated.lodge()
    ended = abrogated.label.valid
    decision = abrogated.settle(row)
    assert f"label n° {abrogated.label.number} est rétabli" in decision.content.replace("\u00a0", " ")
    assert abrogated.label.valid == ended, "nobody learns of it from the map"
    assert restorations.restore_labels(at=SIGNED) == 0
    abrogated.told(row)
    assert (abrogated.label.valid, abrogated.ending.undone_at) == (abrogated.before, TOLD)
    assert abrogated.ending.ended_valid == ended
    assert abrogated.chain[-1] == "restore"
    assert labels.status(abrogated.label, END).in_force
    assert restorations.restore_labels(at=TOLD) == 0
    assert targets_of(abrogated.file, on=TOLD.date()) == []


def test_what_was_known_between_the_two_stays_so(abrogated):
    row = abrogated.lodge()
    abrogated.settle(row)
    abrogated.told(row)
    day = END + timedelta(days=10)

    def known(at):
        rows = labels.known_in_force(Label.objects.filter(pk=abrogated.label.pk), on=day, known_at=at)
        return [one.known_valid for one in rows]

    assert known(READ - timedelta(minutes=1)) == [abrogated.before]
    assert known(READ + timedelta(days=1)) == []
    assert known(TOLD - timedelta(minutes=1)) == []
    assert known(TOLD + timedelta(minutes=1)) == [abrogated.before]


def test_a_withdrawal_undone_takes_its_place_again(withdrawn):
    quota = make.quota()
    label = withdrawn.label
    events = Event.objects.about(Subject.APPLICATION, label.application_id)
    assert not events.filter(action="propose").exists()
    row = withdrawn.lodge()
    withdrawn.settle(row)
    before = label.withdrawn_at
    withdrawn.told(row)
    assert (before is not None, label.withdrawn_at, withdrawn.ending.ended_valid) == (True, None, None)
    known = labels.known_in_force(Label.objects.filter(pk=label.pk), on=READ.date(), known_at=SIGNED)
    assert not known.exists(), "while it was withdrawn, nothing was known"
    quota.refresh_from_db()
    assert quota.used == 0, "it had taken none"


def test_the_place_of_a_withdrawn_label_may_be_gone(withdrawn, monkeypatch):
    quota = make.quota(ceiling=1, ceiling_act="arrêté d’essai", used=1)
    monkeypatch.setattr("labelling.services.quotas._reservation", lambda _: quota.pk)
    row = withdrawn.lodge()
    withdrawn.refused(lambda: withdrawn.present(row), "Plafond atteint")
    Quota.objects.filter(pk=quota.pk).update(ceiling=2)
    withdrawn.settle(row)
    Quota.objects.filter(pk=quota.pk).update(used=2)
    withdrawn.told(row)
    assert withdrawn.label.withdrawn_at is not None
    Quota.objects.filter(pk=quota.pk).update(used=1)
    assert restorations.restore_labels(at=TOLD) == 1
    quota.refresh_from_db()
    withdrawn.refresh()
    assert (quota.used, withdrawn.label.withdrawn_at) == (2, None)


def test_two_labels_are_never_valid_at_once(abrogated, page):
    row = abrogated.lodge()
    abrogated.settle(row)
    other = make_label(abrogated.structure, owner=abrogated.owner, at=NOW + timedelta(days=150))
    assert other.valid.lower >= END
    abrogated.told(row)
    assert abrogated.ending.undone_at is None
    assert abrogated.label.valid != abrogated.before
    shown = page(abrogated.ars).get(reverse("appeals", args=[abrogated.file.number])).content.decode()
    assert "Le label n’est pas encore rétabli" in shown
    assert other.number in shown
    withdraw(other, at=TOLD)
    assert restorations.restore_labels(at=TOLD) == 1
    abrogated.refresh()
    assert abrogated.label.valid == abrogated.before


def test_nothing_is_accepted_while_another_label_stands(abrogated):
    row = abrogated.lodge()
    decision = abrogated.present(row)
    sign_decision(decision=decision, mandate=abrogated.ars, content_hash=decision.content_hash, at=SIGNED)
    make_label(abrogated.structure, owner=abrogated.owner, at=NOW + timedelta(days=150))
    by = {"decision": decision, "mandate": abrogated.prefet, "content_hash": decision.content_hash, "at": SIGNED}
    abrogated.refused(lambda: sign_decision(**by), "deux labels ne sont jamais valides à la fois")
    row.refresh_from_db()
    assert row.settled_at is None


def test_a_judgment_undoes_it_at_once(abrogated):
    gracieux = abrogated.lodge()
    abrogated.judge(abrogated.record(**COURT), AppealOutcome.ACCEPTED)
    assert (abrogated.label.valid, abrogated.ending.undone_at) == (abrogated.before, SIGNED)
    gracieux.refresh_from_db()
    assert gracieux.outcome == "no_object"


def test_a_later_ending_is_undone_first(abrogated, page):
    gracieux, judged = abrogated.lodge(), abrogated.record(**COURT)
    later = abrogated.on_request(at=SIGNED, effect_date=date(2027, 2, 1))
    abrogated.read(abrogated.sign(later, at=SIGNED), at=SIGNED)
    between = later.was_valid
    abrogated.refused(lambda: abrogated.present(gracieux), "Un acte plus récent")
    abrogated.judge(judged, AppealOutcome.ACCEPTED)
    assert (abrogated.ending.undone_at, abrogated.label.valid.upper) == (None, date(2027, 2, 1))
    shown = page(abrogated.ars).get(reverse("appeals", args=[abrogated.file.number])).content.decode()
    assert "Un acte plus récent met fin lui aussi au label" in shown
    # Two acts now end it: an appeal says which one it is against.
    abrogated.refused(lambda: abrogated.record(**COURT, received_date=SIGNED.date()), "Plusieurs actes peuvent être")
    against = {"received_date": SIGNED.date(), "contested": later.decision_id}
    abrogated.judge(abrogated.record(**COURT, **against), AppealOutcome.ACCEPTED)
    assert abrogated.label.valid == between
    assert restorations.restore_labels(at=TOLD) == 1
    abrogated.refresh()
    assert (abrogated.label.valid, abrogated.ending.undone_at) == (abrogated.before, TOLD)


def test_a_label_restored_may_end_again(abrogated):
    row = abrogated.lodge()
    abrogated.settle(row)
    abrogated.told(row)
    again = abrogated.on_request(at=TOLD)
    abrogated.sign(again, at=TOLD)
    abrogated.read(again, at=TOLD)
    assert abrogated.label.valid.upper == END
    assert targets_of(abrogated.file, on=TOLD.date())[0].ending == again
    assert abrogated.file.state == "labelled"


def test_the_reader_and_the_night_restore_it_once(committed_db):
    world = Ended()
    row = world.lodge()
    world.settle(row)
    again = type(row).objects.select_related("application", "ending", "answer_decision").get(pk=row.pk)
    at_once(
        lambda: appeal_answers.read_answer(appeal=again, membership=world.owner, at=TOLD),
        lambda: restorations.restore_labels(at=TOLD),
    )
    restorations.restore_labels(at=TOLD)
    world.refresh()
    assert world.label.valid == world.before
    assert world.chain.count("restore") == 1


def test_the_database_undoes_an_ending_only_by_an_appeal(abrogated):
    rows = Ending.objects.filter(pk=abrogated.ending.pk)
    with pytest.raises(IntegrityError, match="undone by an appeal that was accepted"), transaction.atomic():
        rows.update(undone_at=TOLD)
    with pytest.raises(IntegrityError, match="ending_ended_valid_once_undone"), transaction.atomic():
        rows.update(ended_valid=abrogated.before)
    ground = EndingGround.objects.get(code="demande-du-titulaire")
    other = make_label(at=NOW - timedelta(days=60))
    row = abrogated.lodge()
    with pytest.raises(IntegrityError, match="stays as it was lodged"), transaction.atomic():
        type(row).objects.filter(pk=row.pk).update(ending=None)
    with pytest.raises(IntegrityError, match="is against its act"), transaction.atomic():
        type(row).objects.create(
            application=abrogated.file,
            decision=other.decision,
            ending=abrogated.ending,
            kind="gracieux",
            received_date=READ.date(),
            text="x",
            mandate=abrogated.ars,
            recorded_at=SIGNED,
        )
    assert ground.pk


def test_the_pages_lead_from_the_label_to_its_appeal(abrogated, page, monkeypatch):
    structure, agent = page(abrogated.owner), page(abrogated.ars)
    monkeypatch.setattr("django.utils.timezone.now", lambda: READ + timedelta(days=1))
    url = reverse("appeals", args=[abrogated.file.number])
    for address in (abrogated.label.get_absolute_url(), reverse("label-ending", args=[abrogated.label.number])):
        assert f'href="{url}' in structure.get(address).content.decode()
    shown = structure.get(url).content.decode()
    assert "Abrogation du label, acte du" in shown
    assert "jusqu’au <strong>15\u00a0février\u00a02027" in shown
    posted = {"version": abrogated.file.version, "former-text": TEXT}
    assert structure.post(reverse("appeal-act", args=[abrogated.file.number, "former"]), posted).status_code == 302
    abrogated.file.refresh_from_db()
    assert "contre la fin du label" in agent.get(abrogated.file.get_absolute_url()).content.decode()
    assert "Répondre au recours" in agent.get(abrogated.file.get_absolute_url()).content.decode()
    listed = agent.get("/dossiers/", {"vue": "recours", "col": "suite"}).content.decode()
    assert "Réponse attendue jusqu’au 15/02/2027" in listed
    row = abrogated.file.appeals.get()
    abrogated.settle(row, at=READ + timedelta(days=2))
    monkeypatch.setattr("django.utils.timezone.now", lambda: READ + timedelta(days=3))
    answer = reverse("appeal-answer", args=[abrogated.file.number, row.pk])
    assert structure.post(answer).status_code == 302
    assert "Le recours est accueilli" in structure.get(answer).content.decode()
    assert (
        "il est rétabli comme s’il n’avait pas cessé"
        in structure.get(abrogated.label.get_absolute_url()).content.decode()
    )
    assert (
        "La fin du label est annulée"
        in structure.get(reverse("label-ending", args=[abrogated.label.number])).content.decode()
    )


def test_who_reads_what(abrogated, page):
    url = reverse("appeals", args=[abrogated.file.number])
    assert page(make.mandate(AuthorityKind.CAISSE)).get(url).status_code == 403
    assert page(make.membership()).get(url).status_code == 404
