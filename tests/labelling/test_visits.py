"""Visits of labelled places: planned, reported criterion by criterion, sent, answered once; they decide nothing."""

from datetime import date, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import MembershipRole
from labelling.models import InterestDeclaration, Visit, VisitFinding
from labelling.services import visits as service
from labelling.services.attestations import criteria_of
from labelling.services.visits import Report, Seen
from labelling.tasks import deliver_mail
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from tests import factories as make
from tests.labelling.worlds import make_label, withdraw
from tests.plugins.committed import at_once
from tests.plugins.signed_in import signed_in

pytestmark = pytest.mark.usefixtures("today")
NOW = make.NOW
TODAY = NOW.date()
DAY = timedelta(days=1)
DEADLINE = TODAY + 15 * DAY


class World:
    """A label, the people of both sides, and the acts of this file with their usual values."""

    def __init__(self):
        self.owner = make.membership()
        self.label = make_label(self.owner.structure, owner=self.owner, at=NOW - 60 * DAY)
        self.ars = make.mandate(AuthorityKind.ARS)
        self.prefecture = make.mandate(AuthorityKind.PREFECTURE)
        self.codes = [row.code for row in criteria_of(self.label)]

    def plan(self, **changes):
        values = {"reason": "sample", "planned_date": TODAY, "agents": [self.ars], "mandate": self.ars, "at": NOW}
        return service.plan_visit(label=self.label, **{**values, **changes})

    def write(self, visit, *, mandate=None, version=None, at=NOW, **changes):
        seen = {code: Seen("met", "Vu.") for code in self.codes}
        report = Report(**{"visited_date": TODAY, "seen": seen, "conclusion": "compliant", **changes})
        version = visit.version if version is None else version
        return service.write_report(visit=visit, report=report, mandate=mandate or self.ars, version=version, at=at)

    def send(self, visit, **changes):
        values = {"mandate": self.prefecture, "version": visit.version, "at": NOW}
        return service.send_report(visit=visit, **{**values, **changes})

    def sent(self):
        return self.send(self.write(self.plan()))

    def answer(self, visit, **changes):
        values = {"membership": self.owner, "answer": "Un infirmier arrive.", "version": visit.version, "at": NOW}
        return service.answer_report(visit=visit, **{**values, **changes})

    @property
    def chain(self):
        return list(Event.objects.about(Subject.LABEL, self.label.pk).values_list("action", flat=True))

    def refused(self, call, sentence):
        def picture():
            rows = list(Visit.objects.order_by("pk").values())
            return rows, list(VisitFinding.objects.order_by("pk").values()), self.chain

        before = picture()
        with pytest.raises(RefusedError, match=sentence):
            call()
        assert picture() == before


@pytest.fixture
def world(db):
    return World()


# The acts ---------------------------------------------------------------------------------------------------------------


def test_a_visit_from_its_planning_to_its_answer(world):
    visit = world.plan(agents=[world.ars, world.prefecture])
    assert {row.result for row in visit.findings.all()} == {"not_seen"}
    assert visit.findings.count() == len(world.codes)
    world.write(visit, conclusion="", seen={code: Seen("not_seen") for code in world.codes})
    nurse = {**{code: Seen("met") for code in world.codes}, world.codes[1]: Seen("not_met", " Aucun infirmier vu. ")}
    world.write(visit, seen=nurse, mandate=world.prefecture, conclusion="to_correct", correct_before=TODAY + 30 * DAY)
    world.send(visit)
    assert (visit.sent_at, visit.deadline) == (NOW, DEADLINE)
    world.answer(visit, at=NOW + 15 * DAY)
    visit.refresh_from_db()
    assert (visit.answer, visit.answered_by) == ("Un infirmier arrive.", world.owner)
    assert visit.findings.get(result="not_met").observed == "Aucun infirmier vu."
    assert world.chain[-5:] == ["plan_visit", "write_visit", "write_visit", "send_visit", "answer_visit"]
    before = world.label.version
    world.label.refresh_from_db()
    assert world.label.version == before
    assert world.plan().is_open


def test_what_may_not_be_planned(world):
    world.refused(lambda: world.plan(planned_date=TODAY - DAY), "à venir")
    world.refused(lambda: world.plan(agents=[]), "au moins un agent")
    world.refused(lambda: world.plan(reason="rien"), "Choisissez un motif")
    national = make.mandate(AuthorityKind.NATIONAL)
    world.refused(lambda: world.plan(mandate=national), "de lire ce dossier")
    world.refused(lambda: world.plan(agents=[national]), "ne peut pas instruire dans ce département")
    elsewhere = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Valfictie", region="R2"))
    world.refused(lambda: world.plan(mandate=elsewhere), "ne couvre pas")
    InterestDeclaration.objects.create(
        user=world.prefecture.user,
        structure=world.label.structure,
        interest="recused",
        mandate=world.prefecture,
        declared_at=NOW,
    )
    world.refused(lambda: world.plan(agents=[world.prefecture]), "s’est déporté")
    world.plan()
    world.refused(world.plan, "déjà prévue")
    withdraw()
    world.refused(world.plan, "n’est pas en cours")


def test_what_a_report_may_not_say(world):
    visit = world.plan()
    seen = {code: Seen("met") for code in world.codes}
    world.refused(lambda: world.write(visit, visited_date=TODAY + DAY), "à venir")
    world.refused(lambda: world.write(visit, visited_date=TODAY - 100 * DAY), "n’était pas labellisé")
    world.refused(lambda: world.write(visit, seen={}), "chaque critère")
    world.refused(lambda: world.write(visit, seen={**seen, world.codes[0]: Seen("not_met", " ")}), "observé")
    world.refused(lambda: world.write(visit, conclusion="to_correct"), "avant quelle date")
    world.refused(lambda: world.write(visit, correct_before=TODAY + DAY), "avant quelle date")
    late = {"conclusion": "to_correct", "correct_before": TODAY}
    world.refused(lambda: world.write(visit, **late), "après la visite")
    world.refused(lambda: world.send(visit), "n’est pas terminé")
    with pytest.raises(StaleError):
        world.write(visit, version=99)
    world.write(visit, conclusion="")
    world.refused(lambda: world.send(visit), "n’est pas terminé")


def test_once_sent_or_cancelled_it_does_not_change(world):
    visit = world.sent()
    world.refused(lambda: world.write(visit), "déjà envoyé")
    world.refused(lambda: world.send(visit), "déjà envoyé")
    world.refused(lambda: service.cancel_visit(visit=visit, mandate=world.ars, version=visit.version, at=NOW), "envoyé")
    other = world.plan()
    service.cancel_visit(visit=other, mandate=world.prefecture, version=other.version, at=NOW)
    assert world.chain[-1] == "cancel_visit"
    world.refused(lambda: world.write(other), "annulée")
    world.refused(lambda: world.answer(other), "Aucun compte rendu")


def test_who_answers_when_and_once(world):
    visit = world.sent()
    editor = make.membership(world.owner.structure, role=MembershipRole.EDITOR)
    world.refused(lambda: world.answer(visit, membership=editor), "responsable")
    world.refused(lambda: world.answer(visit, membership=make.membership()), "responsable")
    world.refused(lambda: world.answer(visit, answer=" "), "Écrivez votre réponse")
    world.refused(lambda: world.answer(visit, at=NOW + 16 * DAY), "était attendue jusqu’au 7.décembre.2026")
    with pytest.raises(StaleError):
        world.answer(visit, version=99)
    world.answer(visit)
    world.refused(lambda: world.answer(visit), "déjà reçue")


def test_two_agents_plan_once_and_a_report_is_sent_once(committed_db):
    world = World()
    outcomes = at_once(world.plan, lambda: world.plan(mandate=world.prefecture))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["RefusedError", "Visit"]
    visit = world.write(Visit.objects.select_related("label__application__structure").get())
    version = visit.version
    twice = at_once(
        lambda: world.send(Visit.objects.get(pk=visit.pk), version=version),
        lambda: world.write(Visit.objects.get(pk=visit.pk), version=version, notes="trop tard ?"),
    )
    assert {"Visit"} < {type(outcome).__name__ for outcome in twice} <= {"Visit", "RefusedError", "StaleError"}


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("visit_reason_known", {"reason": "rien"}),
        ("visit_conclusion_known", {"conclusion": "rien"}),
        ("visit_corrections_are_dated", {"conclusion": "to_correct"}),
        ("visit_corrections_are_dated", {"conclusion": "compliant", "correct_before": TODAY}),
        ("visit_sent_is_complete", {"sent_at": NOW, "deadline": TODAY}),
        ("visit_sent_has_deadline", {"deadline": TODAY}),
        ("visit_answers_what_was_sent", {"answer": "x"}),
        ("visit_answer_has_author", {"answered_at": NOW, "answer": "x"}),
    ],
)
def test_the_constraints_of_a_visit(world, name, fields):
    visit = world.plan()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Visit.objects.filter(pk=visit.pk).update(**fields)


def test_the_database_keeps_what_the_structure_read(world):
    visit = world.plan()
    finding = visit.findings.first()
    changes = {"visit_finding_result_known": {"result": "x"}, "visit_finding_not_met_is_told": {"result": "not_met"}}
    for name, fields in changes.items():
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            VisitFinding.objects.filter(pk=finding.pk).update(**fields)
    with pytest.raises(IntegrityError, match="visit_finding_once"), transaction.atomic():
        VisitFinding.objects.create(visit=visit, criterion=finding.criterion)
    with pytest.raises(IntegrityError, match="visit_one_open_per_label"), transaction.atomic():
        Visit.objects.create(
            label=world.label, reason="sample", planned_date=TODAY, planned_at=NOW, planned_by=world.ars
        )
    world.send(world.write(visit))
    for rows, fields in ((Visit.objects, {"notes": "x"}), (VisitFinding.objects, {"observed": "x"})):
        with pytest.raises(IntegrityError, match="sent or cancelled"), transaction.atomic():
            rows.update(**fields)
    world.answer(visit)
    with pytest.raises(IntegrityError, match="answer to a visit is kept"), transaction.atomic():
        Visit.objects.update(answer="x")
    for rows in (VisitFinding.objects, Visit.objects):
        with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic():
            rows.all()._raw_delete("default")


# On screen ------------------------------------------------------------------------------------------------------------


def address(name, visit, **more):
    return reverse(name, kwargs={"number": visit.label.number, "pk": visit.pk, **more})


def filled(world, visit, mandate, **changes):
    results = {f"{code}-result": "met" for code in world.codes} | {f"{code}-observed": "" for code in world.codes}
    posted = {"mandate": mandate.pk, "version": visit.version, "visited_date": TODAY.isoformat(), **results}
    return {**posted, "conclusion": "", **changes}


def test_an_agent_plans_writes_and_sends(world):
    client = signed_in(world.ars.user)
    new = reverse("visit-new", args=[world.label.number])
    assert new in client.get(world.label.get_absolute_url()).text
    assert world.prefecture.user.full_name in client.get(f"{new}?motif=alert").text
    empty = client.post(new, {"mandate": world.ars.pk})
    assert (empty.status_code, "Choisissez au moins un agent" in empty.text) == (422, True)
    asked = {"mandate": world.ars.pk, "reason": "alert", "planned_date": TODAY.isoformat(), "agents": [world.ars.pk]}
    there = client.post(new, asked).url
    visit = Visit.objects.get()
    grid = client.get(there).text
    assert "☐ rempli" in grid
    assert grid.count('class="fr-btn"') == 1
    assert new not in client.get(world.label.get_absolute_url()).text
    assert client.post(new, asked).status_code == 409
    page, first = address("visit-report", visit), world.codes[0]
    assert f"{criteria_of(world.label)[0].title} : constat" in client.get(page).text.replace("\u00a0", " ")
    silent = client.post(page, filled(world, visit, world.ars, **{f"{first}-result": "not_met"}))
    assert (silent.status_code, "Dites ce qui a été observé" in silent.text) == (422, True)
    undated = client.post(page, filled(world, visit, world.ars, conclusion="to_correct"))
    assert (undated.status_code, "avant quelle date" in undated.text) == (422, True)
    told = {f"{first}-result": "not_met", f"{first}-observed": "Porte close à 10 h."}
    assert client.post(page, filled(world, visit, world.ars, **told)).url == there
    stale = client.post(page, filled(world, visit, world.ars, notes="Ma note", **told))
    assert (stale.status_code, "Ma note" in stale.text, "remplacerait" in stale.text) == (409, True, True)
    visit.refresh_from_db()
    assert f'name="version" value="{visit.version}"' in stale.text
    early = client.post(
        address("visit-act", visit, action="envoyer"), {"mandate": world.ars.pk, "version": visit.version}
    )
    assert (early.status_code, "n’est pas terminé" in early.text) == (409, True)
    done = {**told, "conclusion": "to_correct", "correct_before": "2026-12-31"}
    client.post(page, filled(world, visit, world.ars, **done))
    visit.refresh_from_db()
    sending = client.post(
        address("visit-act", visit, action="envoyer"), {"mandate": world.ars.pk, "version": visit.version}
    )
    assert sending.url == there
    assert reverse("label-end", args=[world.label.number]) in client.get(there).text
    assert client.get(page).url == there


def test_the_structure_reads_what_was_sent_and_answers_once(world):
    visit = world.plan(reason="complaint")
    client, there = signed_in(world.owner.user), address("visit", visit)
    assert client.get(there).status_code == 404
    assert there not in client.get(world.label.get_absolute_url()).text
    world.send(world.write(visit))
    deliver_mail()
    told = [message for message in mail.outbox if "compte rendu d’une visite" in message.subject]
    assert [message.to for message in told] == [[world.owner.user.email]]
    assert there in told[0].body
    assert there in client.get(world.label.get_absolute_url()).text
    page = client.get(there)
    assert "Vous pouvez répondre une fois" in page.text
    assert "ignalement" not in page.text
    posted = {"version": visit.version, "answer": "Nous corrigeons."}
    assert client.post(there, {**posted, "answer": ""}).status_code == 422
    assert client.post(there, posted).url == there
    assert client.post(there, posted).status_code == 409
    deliver_mail()
    services = [message for message in mail.outbox if "une réponse à une visite" in message.subject]
    assert len(services) == 2
    assert "Nous corrigeons" not in services[0].body
    assert "Nous corrigeons." in signed_in(world.prefecture.user).get(there).text


def test_who_else_reads_nothing_or_only_reads(world):
    visit = world.sent()
    assert signed_in(make.mandate(AuthorityKind.CAISSE).user).get(address("visit", visit)).status_code == 403
    team = signed_in(make.mandate(AuthorityKind.NATIONAL).user)
    assert team.get(address("visit", visit)).status_code == 200
    assert team.get(address("visit-report", visit)).status_code == 403
    editor = make.membership(world.owner.structure, role=MembershipRole.EDITOR)
    client = signed_in(editor.user)
    assert "Le responsable de la structure répond" in client.get(address("visit", visit)).text
    assert client.post(address("visit", visit), {"version": visit.version, "answer": "x"}).status_code == 403
    other = make_label(at=NOW - 60 * DAY)
    wrong = reverse("visit", kwargs={"number": other.number, "pk": visit.pk})
    assert team.get(wrong).status_code == 404


def test_an_answer_comes_until_its_deadline(world, monkeypatch):
    visit = world.sent()
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW + 16 * DAY)
    page = signed_in(world.owner.user).get(address("visit", visit)).text
    assert "Aucune réponse avant le" in page
    assert "Envoyer ma réponse" not in page
    assert date(2026, 12, 7) == visit.deadline
