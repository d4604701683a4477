"""The transitional clause: pending files move by a traced act, and nothing that was said is lost."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from labelling.choices import ApplicationState as State
from labelling.choices import Verdict
from labelling.models import Application, CriterionAssessment, Specification
from labelling.notifications import messages_of
from labelling.services import reviews, specifications, transitions
from labelling.services.applications import changed_criteria
from labelling.services.transitions import apply_clauses, rebase
from labelling.tasks import apply_transitional_clauses
from territories.choices import AuthorityKind, Capacity, Subject
from territories.models import Event
from tests import factories as make

pytestmark = pytest.mark.django_db
NOW = make.NOW
CLAUSE = {"applies_to_pending": True, "transitional_clause": "Les dossiers en cours suivent ce texte."}
CHANGED, KEPT = "cinq-jours-sur-sept", "presence-medicale"


def published(*, at=NOW, same=False, **fields):
    """A next version: open four days of seven, unless only a help text changes."""
    team = make.mandate(AuthorityKind.NATIONAL)
    draft = specifications.prepare_version(mandate=team, at=at)
    change = {"help_text": "Une aide."} if same else {"text": "Ouverte quatre jours.", "parameters": {"min_days": 4}}
    draft.criteria.filter(code=CHANGED).update(**change)
    Specification.objects.filter(pk=draft.pk).update(**fields)
    return specifications.publish_version(specification=draft, mandate=team, revision=1, at=at)


def assessed(ars, state=State.UNDER_REVIEW, **fields):
    shared = {"shared_at": NOW - timedelta(days=2), "endorsed_at": NOW - timedelta(days=1)}
    file = make.application(state=state, **(shared | fields))
    for row in file.specification.criteria.filter(code__in=[CHANGED, KEPT]):
        CriterionAssessment.objects.create(
            application=file,
            criterion=row,
            capacity=Capacity.ARS,
            verdict=Verdict.MET,
            reason=f"Motif de {row.code}.",
            mandate=ars,
            assessed_at=NOW,
        )
    return file


def test_without_clause_a_pending_file_stays_on_its_version(ars):
    file = assessed(ars)
    published()
    assert apply_clauses(at=NOW) == 0
    file.refresh_from_db()
    assert (file.specification.version, file.version) == ("1.0", 1)


def test_with_it_the_file_moves_and_only_what_changed_is_made_again(ars):
    file = assessed(ars)
    new = published(**CLAUSE)
    assert apply_clauses(at=NOW) == 1
    file.refresh_from_db()
    assert (file.specification, file.version, file.state) == (new, 2, State.UNDER_REVIEW)
    assert (file.shared_at, file.endorsed_at) == (None, None)
    said = {line.criterion.code: line.lead for line in reviews.sheet(file)}
    assert said[KEPT].reason == "Motif de presence-medicale."
    assert said[CHANGED] is None
    aside = CriterionAssessment.ever.get(set_aside_at__isnull=False)
    assert (aside.criterion.code, aside.criterion.specification.version, aside.set_aside_at) == (CHANGED, "1.0", NOW)
    event = Event.objects.about(Subject.APPLICATION, file.pk).get()
    assert (event.action, event.actor_type) == ("rebase", "system")
    assert event.data["again"] == [CHANGED]
    assert KEPT in event.data["carried"]
    assert apply_clauses(at=NOW) == 0, "done once"


def test_a_help_text_alone_asks_for_nothing_again(ars):
    file = assessed(ars)
    published(same=True, **CLAUSE)
    assert apply_clauses(at=NOW) == 1
    file.refresh_from_db()
    assert file.endorsed_at is not None
    assert CriterionAssessment.objects.filter(application=file).count() == 2
    assert not CriterionAssessment.ever.filter(set_aside_at__isnull=False).exists()


@pytest.mark.parametrize("state", [State.SUBMITTED, State.DISAGREEMENT])
def test_other_pending_states_move_too(ars, state):
    file = assessed(ars, state=state)
    new = published(**CLAUSE)
    assert apply_clauses(at=NOW) == 1
    file.refresh_from_db()
    assert (file.specification, file.state) == (new, state)


@pytest.mark.parametrize("state", [State.ABANDONED, State.CLOSED, State.DRAFT])
def test_the_others_do_not(ars, state):
    file = make.application(state=state)
    new = published(**CLAUSE)
    assert apply_clauses(at=NOW) == 0
    assert not rebase(application_id=file.pk, specification=new, at=NOW)
    file.refresh_from_db()
    assert (file.specification.version, file.version) == ("1.0", 1)


def test_the_clause_waits_for_its_date_and_never_goes_back(ars):
    file = assessed(ars)
    day = timezone.localdate(NOW) + timedelta(days=10)
    new = published(applies_from=day, **CLAUSE)
    assert apply_clauses(at=NOW) == 0
    assert apply_clauses(at=NOW + timedelta(days=10)) == 1
    file.refresh_from_db()
    assert file.specification == new
    assert not rebase(application_id=file.pk, specification=make.specification(), at=NOW)


def test_a_clause_still_counts_after_a_later_version_without_one(ars):
    file = assessed(ars)
    second = published(**CLAUSE)
    published(at=NOW + timedelta(minutes=1), same=True)
    assert apply_clauses(at=NOW + timedelta(minutes=2)) == 1
    file.refresh_from_db()
    assert file.specification == second


def test_the_structure_and_both_authorities_are_told(ars):
    make.authority(AuthorityKind.PREFECTURE)
    file = assessed(ars)
    owner = make.membership(file.structure)
    published(**CLAUSE)
    apply_clauses(at=timezone.now())
    event = Event.objects.about(Subject.APPLICATION, file.pk).get()
    found = messages_of(event)
    assert [one.to for one in found] == [[owner.user.email], ["service@exemple.invalid"], ["service@exemple.invalid"]]
    for one in found:
        assert "Les dossiers en cours suivent ce texte." in one.body
        assert "/cahier-des-charges/1.0...1.1/" in one.body
        assert "Ouverture cinq jours sur sept" in one.body
    assert mail.outbox == []


def test_agents_read_again_what_was_set_aside(client, ars):
    file = assessed(ars)
    owner = make.membership(file.structure)
    published(**CLAUSE)
    apply_transitional_clauses()
    client.force_login(ars.user)
    page = client.get(file.get_absolute_url()).text
    assert "Motif de cinq-jours-sur-sept." in page
    assert "Nouveau cahier des charges, par sa clause transitoire" in page
    prefecture = make.mandate(AuthorityKind.PREFECTURE)
    client.force_login(prefecture.user)
    assert "Motif de cinq-jours-sur-sept." not in client.get(file.get_absolute_url()).text
    client.force_login(owner.user)
    page = client.get(file.get_absolute_url()).text
    assert "Motif de" not in page
    assert "Dossier jugé désormais sur le nouveau cahier des charges" in page


def test_one_assessment_still_stands_per_criterion(ars):
    file = assessed(ars)
    row = CriterionAssessment.objects.filter(application=file).first()
    with pytest.raises(IntegrityError, match="assessment_one_per_authority"), transaction.atomic():
        CriterionAssessment.objects.create(
            application=file,
            criterion=row.criterion,
            capacity=Capacity.ARS,
            verdict=Verdict.MET,
            mandate=ars,
            assessed_at=NOW,
        )


def test_a_draft_application_shows_first_what_changed(client):
    file = make.application()
    owner = make.membership(file.structure)
    published(same=True)
    newer = published(at=NOW + timedelta(minutes=1))
    assert [row.code for row in changed_criteria(file, newer)] == [CHANGED]
    client.force_login(owner.user)
    page = client.get(reverse("application-step", args=[file.number, "relire"])).text
    told = "Le cahier des charges 1.2 est paru depuis votre brouillon"
    assert told in page
    assert page.index("Ouverte quatre jours.") < page.index("Vos réponses")
    hub = client.get(file.get_absolute_url()).text
    assert told in hub
    assert reverse("specification-diff", args=["1.0", "1.2"]) in hub
    assert "4\u00a0jours." in hub, "what the rule asks is said too: a text may keep silent about its number"
    assert told in client.get(reverse("application-step", args=[file.number, "horaires"])).text
    assert told not in client.get(reverse("application-step", args=[file.number, "tarifs"])).text


def test_what_the_new_version_no_longer_asks_is_said_and_not_asked(client):
    file = make.application(answers={"commitments": {"appointment_48h": True}})
    owner = make.membership(file.structure)
    team = make.mandate(AuthorityKind.NATIONAL)
    draft = specifications.prepare_version(mandate=team, at=NOW)
    gone = draft.criteria.get(parameters={"answer": "support"})
    draft = specifications.remove_criterion(specification=draft, mandate=team, code=gone.code, revision=1, at=NOW)
    specifications.publish_version(specification=draft, mandate=team, revision=draft.revision, at=NOW)
    client.force_login(owner.user)
    step = reverse("application-step", args=[file.number, "engagements"])
    page = client.get(step).text
    assert 'name="appointment_48h"' in page
    assert 'name="support"' not in page
    hub = client.get(file.get_absolute_url()).text
    assert f"<strong>{gone.title}</strong>&nbsp;: n’est plus demandé." in hub
    review = client.get(reverse("application-step", args=[file.number, "relire"])).text
    assert "n’est plus demandé" in review
    assert gone.title not in review.partition("Vos réponses")[2], "neither asked nor missing"
    client.post(step, {"version": file.version, "appointment_48h": "on"})
    assert (
        "Terminer&nbsp;: Engagements" not in client.get(reverse("application-step", args=[file.number, "relire"])).text
    )
    assert Application.objects.get(pk=file.pk).specification.version == "1.0"


def test_one_file_that_cannot_move_does_not_keep_the_others(ars, monkeypatch, caplog):
    stuck, free = assessed(ars), assessed(ars)
    new = published(**CLAUSE)

    def refusing(*, application_id, **more):
        if application_id == stuck.pk:
            raise IntegrityError
        return rebase(application_id=application_id, **more)

    monkeypatch.setattr(transitions, "rebase", refusing)
    assert apply_clauses(at=NOW) == 1
    assert f"application {stuck.pk}" in caplog.text
    free.refresh_from_db()
    assert free.specification == new
    monkeypatch.undo()
    assert apply_clauses(at=NOW) == 1, "tried again"
