"""Acts on a selection: who can pass and why not, a transaction per file, what became of each, and the worker that dies."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from kombu.exceptions import OperationalError

from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState as State
from labelling.choices import BodyKind, BulkAction, CriterionKind, FieldKind, Interest, Verdict
from labelling.models import (
    Application,
    BulkOutcome,
    BulkRun,
    ConsultedBody,
    CriterionAssessment,
    ExpertGroup,
    FieldValue,
    FileTag,
    InterestDeclaration,
    Label,
    Opinion,
    Quota,
)
from labelling.services import bulk
from labelling.services.decisions import propose_label
from labelling.services.fields import Filling, fill, make_field
from labelling.services.interests import declare_interest
from labelling.services.opinions import QUESTION, Question, ask_opinions
from labelling.services.quotas import forecast
from labelling.services.tags import make_tag, put_tag
from labelling.services.worklist import files_of
from labelling.tasks import carry_out_bulk, carry_out_bulks, forget_bulks
from territories.choices import AuthorityKind, Capacity, Role, RunResult, Subject
from territories.models import Event
from tests import factories as make
from tests.plugins.committed import at_once
from tests.plugins.signed_in import PortalClient

pytestmark = pytest.mark.usefixtures("today")
NOW = make.NOW
PAGE = "/dossiers/lot/"


def signed_in(mandate):
    client = PortalClient()
    client.force_login(mandate.user)
    return client


def under_review(ars, verdicts=5, verdict=Verdict.MET, **fields):
    application = make.application(state=State.UNDER_REVIEW, ars_reviewer=ars, **fields)
    criteria = application.specification.criteria.filter(kind=CriterionKind.CRITERION, position__lte=verdicts)
    for criterion in criteria:
        CriterionAssessment.objects.create(
            application=application,
            criterion=criterion,
            capacity=Capacity.ARS,
            verdict=verdict,
            reason="" if verdict == Verdict.MET else "Poste vacant.",
            mandate=ars,
            assessed_at=NOW,
        )
    return application


def endorsed(ars, **fields):
    return under_review(ars, shared_at=NOW - timedelta(days=2), endorsed_at=NOW - timedelta(days=1), **fields)


def start(mandate, action, files, assignee=None, terms=None, **more):
    return bulk.start_run(
        **{
            "key": uuid4(),
            "action": action,
            "files": files_of(mandate.user, mandate),
            "shown": {file.pk: file.version for file in files},
            "mandate": mandate,
            "terms": terms or bulk.Terms(assignee=assignee),
            "declares": True,
            "at": NOW,
            **more,
        }
    )


def results(run):
    return {row.application_id: (row.result, row.sentence) for row in run.outcomes.order_by("pk")}


def acts(*files):
    return Event.objects.filter(subject_type=Subject.APPLICATION, subject_id__in=[file.pk for file in files]).count()


def posted(page, **more):
    """What the form of the preview sends."""
    context = page.context
    fields = {
        "mandate": context["acting_mandate"].pk,
        "acte": context["action"],
        "liste": context["selection"].address.query,
        "key": context["key"],
        "rows": context["rows"],
        "declares": 1,
    }
    to = context["terms"].assignee
    return {**fields, **({"a": to.pk} if to else {}), **more}


# Beforehand ----------------------------------------------------------------------------------------------------------


def reasons(mandate, action, files, assignee=None, terms=None):
    rows = Application.objects.filter(pk__in=[file.pk for file in files]).order_by("pk")
    terms = terms or bulk.Terms(assignee=assignee)
    return [row.refusal for row in bulk.candidates(rows, action, mandate, terms=terms, at=NOW)]


def body(name="l’URPS médecins", **fields):
    values = {"kind": BodyKind.URPS, "departement": make.departement(), "email": "urps@exemple.invalid", **fields}
    return ConsultedBody.objects.create(name=name, **values)


def question(*bodies):
    return Question(bodies, "Ce lieu appelle-t-il une réserve ?", NOW.date() + timedelta(days=15))


def tag(mandate, name="visite prévue", **fields):
    return make_tag(mandate=mandate, name=name, note="", joint=fields.pop("joint", False), at=NOW)


def test_the_reasons_are_those_of_the_act_itself(ars, prefecture):
    """The page and the run ask the same questions: what the page lets through passes, what it stops is refused alike."""
    files = [
        make.application(state=State.SUBMITTED),
        under_review(ars, verdicts=3),
        under_review(ars),
        under_review(ars, lead=Capacity.PREFET),
        under_review(ars, shared_at=NOW),
        endorsed(ars),
        endorsed(ars, verdict=Verdict.NOT_MET),
    ]
    aside = endorsed(ars)
    for mandate in (ars, prefecture):
        declare_interest(application=aside, mandate=mandate, interest=Interest.RECUSED, at=NOW)
    awaited = body()
    ask_opinions(
        application=files[1],
        bodies=[awaited],
        question="Un avis ?",
        parts=[],
        due_date=NOW.date() + timedelta(days=9),
        mandate=ars,
        at=NOW,
    )
    word = tag(ars)
    put_tag(application=files[0], tag=word, mandate=ars, at=NOW)
    column = make_field(mandate=ars, name="comité", note="", kind=FieldKind.TEXT, choices=[], joint=False, at=NOW)
    fill(application=files[0], said={column.pk: "salle 1"}, was={}, mandate=ars, at=NOW)
    needs = {
        BulkAction.ASSIGN: bulk.Terms(assignee=make.mandate(AuthorityKind.ARS)),
        BulkAction.ASK: bulk.Terms(question=question(awaited)),
        BulkAction.TAG: bulk.Terms(tag=word),
        BulkAction.UNTAG: bulk.Terms(tag=word),
        BulkAction.FILL: bulk.Terms(filling=Filling(column, "salle 3")),
    }
    passed = {}
    for action in BulkAction:
        for mandate in (ars, prefecture):
            terms = needs.get(action)
            said = reasons(mandate, action, [*files, aside], terms=terms)
            with transaction.atomic():
                run = bulk.carry_out(run=start(mandate, action, [*files, aside], terms=terms))
                done = [sentence for _, sentence in results(run).values()]
                transaction.set_rollback(True)
            assert done == said, (action, mandate.hat)
            passed[action, mandate.hat] = [number for number, sentence in enumerate(said) if not sentence]
    assert passed == {
        (BulkAction.ASSIGN, "ars"): [0, 1, 2, 3, 4, 5, 6],
        (BulkAction.ASSIGN, "prefecture"): [],
        (BulkAction.SHARE, "ars"): [2],
        (BulkAction.SHARE, "prefecture"): [],
        (BulkAction.ENDORSE, "ars"): [],
        (BulkAction.ENDORSE, "prefecture"): [4],
        (BulkAction.PROPOSE, "ars"): [5],
        (BulkAction.PROPOSE, "prefecture"): [],
        (BulkAction.ASK, "ars"): [0, 2, 3, 4, 5, 6],
        (BulkAction.ASK, "prefecture"): [0, 2, 3, 4, 5, 6],
        (BulkAction.TAG, "ars"): [1, 2, 3, 4, 5, 6],
        (BulkAction.TAG, "prefecture"): [],
        (BulkAction.UNTAG, "ars"): [0],
        (BulkAction.UNTAG, "prefecture"): [],
        (BulkAction.FILL, "ars"): [1, 2, 3, 4, 5, 6],
        (BulkAction.FILL, "prefecture"): [],
    }


def test_a_label_in_force_stops_a_second_one_beforehand(ars):
    application = endorsed(ars)
    other = endorsed(ars)
    label = Label(
        number="L-98-2026-0001", structure=application.structure, valid=make.DateRange(make.date(2026, 1, 1), None)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "_standing", lambda *_: {application.structure_id: label})
        first, second = reasons(ars, BulkAction.PROPOSE, [application, other])
    assert "porte déjà le label L-98-2026-0001" in first
    assert second == ""


def test_the_preview_asks_the_database_as_much_for_two_files_as_for_forty(ars):
    client = signed_in(ars)
    client.get(reverse("applications"))  # the number beside « Dossiers » is kept for a minute

    def queries(files):
        with CaptureQueriesContext(connection) as captured:
            page = client.get(PAGE, {"acte": "propose", "d": [file.pk for file in files]})
        assert len(page.context["passing"]) == len(files)
        return len(captured)

    few = [endorsed(ars) for _ in range(2)]
    small = queries(few)
    many = few + [endorsed(ars) for _ in range(38)]
    assert queries(many) == small <= 24


def test_a_question_is_previewed_asked_and_told_file_by_file(ars):
    client, here, elsewhere = signed_in(ars), body(), make.departement("97", "Valfictie", region="R1")
    far_body = body("l’ordre des infirmiers", departement=elsewhere, email="ordre@exemple.invalid")
    near = under_review(ars)
    far = under_review(ars, of=make.structure(make.register_line(make.commune("97001", "Loin", in_=elsewhere))))
    decided = make.application(state=State.CLOSED)
    chosen = {"acte": "ask", "d": [near.pk, far.pk, decided.pk], "liste": "vue=tous"}
    page = client.get(PAGE, chosen)
    assert "Demander un avis&nbsp;: 3 dossiers</h1>" in page.content.decode()
    assert page.context["form"]["question"].value() == QUESTION
    wrong = client.post(PAGE, {**chosen, "question": "Un avis ?", "due_date": NOW.date().isoformat()})
    assert "choisissez un jour à partir de demain" in wrong.content.decode()
    assert "key" not in wrong.context
    group = ExpertGroup.objects.create(departement=make.departement(), name="Premier recours")
    group.bodies.set([here])
    due = NOW.date() + timedelta(days=20)
    said = {"question": "Un avis ?", "due_date": due.isoformat(), "groups": [group.pk], "bodies": [far_body.pk]}
    page = client.post(PAGE, {**chosen, **said})
    assert dict(page.context["passing"]) == {near: here.name, far: far_body.name}
    assert [file for file, _ in page.context["refused"]] == [decided]
    assert not Opinion.objects.exists()
    sent = {**said, "groups": [], "bodies": [here.pk, far_body.pk]}
    answer = client.post(PAGE, posted(page, **sent), follow=True)
    assert "2 dossiers envoyés pour avis" in answer.content.decode()
    assert {(row.application, row.body, row.question, row.due_date) for row in Opinion.objects.all()} == {
        (near, here, "Un avis ?", due),
        (far, far_body, "Un avis ?", due),
    }
    again = client.post(PAGE, {**chosen, **said})
    assert "Les organismes choisis ont déjà été consultés sur ce dossier." in again.content.decode()
    assert again.context["passing"] == []


def test_a_question_asks_the_database_as_much_for_two_files_as_for_forty(ars):
    client = signed_in(ars)
    client.get(reverse("applications"))  # the number beside « Dossiers » is kept for a minute
    asked = [
        body(),
        body("la CPAM", email="", authority=make.mandate(AuthorityKind.CAISSE, role=Role.PARTNER).authority),
    ]
    said = {"question": "Un avis ?", "due_date": "2027-01-10", "bodies": [row.pk for row in asked], "acte": "ask"}

    def queries(files):
        with CaptureQueriesContext(connection) as captured:
            page = client.post(PAGE, {**said, "d": [file.pk for file in files]})
        assert len(page.context["passing"]) == len(files)
        return len(captured)

    few = [under_review(ars) for _ in range(2)]
    small = queries(few)
    assert queries(few + [under_review(ars) for _ in range(38)]) == small <= 34


def test_files_are_tagged_and_untagged_in_one_go(ars):
    client, files = signed_in(ars), [under_review(ars), make.application(state=State.CLOSED)]
    chosen = {"acte": "tag", "d": [file.pk for file in files]}
    assert "pas encore d’étiquette" in client.get(PAGE, chosen).content.decode()
    word = tag(ars)
    for more, said, left in [({}, "2 dossiers étiquetés", 2), ({"retirer": 1}, "sans l’étiquette désormais", 0)]:
        page = client.get(PAGE, {**chosen, "etiquette": word.pk, **more})
        assert page.context["undeclared"] == 0
        done = client.post(PAGE, posted(page, etiquette=word.pk), follow=True)
        assert said in done.content.decode()
        assert FileTag.objects.filter(tag=word).count() == left


def test_a_field_is_filled_where_it_is_blank_and_nowhere_written_over(ars):
    client, files = signed_in(ars), [under_review(ars), make.application(state=State.CLOSED)]
    chosen = {"acte": "fill", "d": [file.pk for file in files]}
    assert "pas encore de rubrique" in client.get(PAGE, chosen).content.decode()
    row = make_field(mandate=ars, name="comité", note="", kind=FieldKind.DATE, choices=[], joint=False, at=NOW)
    assert client.get(PAGE, chosen | {"rubrique": row.word}).context["terms"] is None
    fill(application=files[1], said={row.pk: make.date(2026, 12, 4)}, was={}, mandate=ars, at=NOW)
    asked = chosen | {"rubrique": row.word, "mandate": ars.pk}
    assert "Indiquez une valeur" in client.post(PAGE, asked | {"valeur": ""}).content.decode()
    page = client.post(PAGE, asked | {"valeur": "11/12/2026"})
    ((kept, why),) = page.context["refused"]
    assert (kept, "déjà renseignée" in why, page.context["undeclared"]) == (files[1], True, 0)
    done = client.post(PAGE, posted(page, rubrique=row.word, valeur="2026-12-11"), follow=True)
    assert "1 dossier renseigné" in done.content.decode()
    assert dict(FieldValue.objects.values_list("application", "day")) == {
        files[0].pk: make.date(2026, 12, 11),
        files[1].pk: make.date(2026, 12, 4),
    }
    for value in ({"field": None}, {"value": ""}):
        with pytest.raises(IntegrityError, match=r"bulk_run_(field|value)_iff_fill"), transaction.atomic():
            BulkRun.objects.update(**value)


def test_the_preview_counts_the_places_left_under_a_ceiling(ars):
    files = [endorsed(ars) for _ in range(3)]
    make.quota(ceiling=15, ceiling_act="arrêté d’essai", reserved=1, used=12)
    page = signed_in(ars).get(PAGE, {"acte": "propose", "d": [file.pk for file in files]})
    shown = page.content.decode().replace("\u00a0", " ").replace("&nbsp;", " ")
    assert "2 places libres sous le plafond pour 3 dossiers. 1 entrera en liste d’attente, sans être refusé." in shown
    assert "Présenter le label à la signature : 2 à présenter, 1 vers la liste d’attente" in shown


def test_a_full_ceiling_presents_nothing_and_says_so_before_and_after(ars):
    client = signed_in(ars)
    files = [endorsed(ars) for _ in range(3)]
    make.quota(ceiling=15, ceiling_act="arrêté d’essai", reserved=1, used=14)
    page = client.get(PAGE, {"acte": "propose", "d": [file.pk for file in files]})
    shown = page.content.decode().replace("\u00a0", " ").replace("&nbsp;", " ")
    assert "0 à présenter, 3 vers la liste d’attente" in shown
    assert "aucune place libre sous le plafond pour 3 dossiers. Tous entreront en liste d’attente" in shown
    assert "Inscrire en liste d’attente : 3 dossiers" in shown
    done = client.post(PAGE, posted(page), follow=True).content.decode()
    assert "Aucun dossier présenté à la signature, 3 vers la liste d’attente" in done
    assert ", 3 non" not in done


def test_the_forecast_is_what_the_acts_then_do(ars):
    files = [endorsed(ars, submitted_at=NOW - timedelta(days=day)) for day in range(6)]
    for file, days in ((files[1], 3), (files[4], 5), (files[5], 4)):
        type(file).objects.filter(pk=file.pk).update(waiting_since=NOW - timedelta(days=days))
    make.quota(ceiling=4, ceiling_act="arrêté d’essai", reserved=0, used=1)
    chosen = [file for file in files if file != files[5]]
    for file in chosen:
        file.refresh_from_db()
    (said,) = forecast(chosen)
    assert (said.free, said.older) == (3, 0)
    run = bulk.carry_out(run=start(ars, BulkAction.PROPOSE, chosen))
    by_file = {row.application_id: row.result == RunResult.DONE for row in run.outcomes.all()}
    assert {pk for pk, done in by_file.items() if done} == said.presented
    assert {pk for pk, done in by_file.items() if not done} == said.waiting
    assert said.presented, "places were left"


# The pages -----------------------------------------------------------------------------------------------------------


def test_from_the_list_to_the_outcome_of_each_file(ars):
    client = signed_in(ars)
    ready, unready = under_review(ars), under_review(ars, verdicts=2)
    page = client.get(PAGE, {"acte": "share", "d": [ready.pk, unready.pk], "liste": "vue=a-moi"})
    html = page.content.decode()
    assert "<title>Partager l’appréciation, 1 peut passer, 1 non" in html
    assert "Il reste les critères 3, 4 et 5 à apprécier." in html
    assert "5 remplis" in html
    assert html.count('class="fr-btn"') == 1
    assert acts(ready, unready) == 0, "a page that is read does nothing"
    answer = client.post(PAGE, posted(page), follow=True)
    html = answer.content.decode()
    assert "<title>1 dossier partagé –" in html
    assert ready.number in html
    ready.refresh_from_db()
    assert ready.shared_at == NOW
    assert InterestDeclaration.objects.filter(structure=ready.structure, interest=Interest.NONE).count() == 1
    listed = client.get(reverse("bulk-runs")).content.decode()
    assert "Partager l’appréciation" in listed


def test_what_cannot_pass_is_said_last_by_reason_and_by_state(ars):
    ready, signing = endorsed(ars), endorsed(ars)
    others = [signing, make.application(state=State.CLOSED), make.application(state=State.CLOSED)]
    propose_label(application=signing, mandate=ars, version=signing.version, at=NOW)
    page = signed_in(ars).get(PAGE, {"acte": "propose", "d": [file.pk for file in (ready, *others)]})
    assert [(reason, len(files)) for reason, files in page.context["reasons"]] == [
        ("Ce dossier est classé sans suite.", 2),
        ("Ce dossier est déjà à la signature.", 1),
    ]
    html = page.content.decode()
    assert html.index(ready.number) < html.index("Ne peuvent pas passer") < html.index(signing.number)


def test_the_title_tells_what_did_not_pass(ars):
    client = signed_in(ars)
    first, second = under_review(ars), under_review(ars)
    page = client.get(PAGE, {"acte": "share", "d": [first.pk, second.pk]})
    Application.objects.filter(pk=second.pk).update(version=2)
    html = client.post(PAGE, posted(page), follow=True).content.decode()
    assert "<title>1 dossier partagé, 1 non –" in html
    assert "Ce dossier a changé depuis la page où vous l’avez choisi" in html
    Application.objects.filter(pk=second.pk).update(version=3)
    page = client.get(PAGE, {"acte": "share", "d": [first.pk]})
    assert "aucun dossier ne peut passer, 1 non" in page.content.decode()


def test_the_whole_list_is_a_selection(ars):
    client = signed_in(ars)
    for _ in range(3):
        under_review(ars)
    make.application(state=State.SUBMITTED)
    page = client.get(PAGE, {"acte": "share", "tous": "1", "liste": "vue=a-partager", "d": "1"})
    assert len(page.context["passing"]) == 3
    assert page.context["selection"].back == "/dossiers/?vue=a-partager"


def test_an_assignment_first_asks_to_whom(ars, prefecture):
    client = signed_in(ars)
    colleague = make.mandate(AuthorityKind.ARS)
    files = [make.application(state=State.SUBMITTED) for _ in range(2)]
    words = {"acte": "assign", "d": [file.pk for file in files]}
    page = client.get(PAGE, words)
    html = page.content.decode()
    assert "à qui" in html
    assert colleague.user.full_name in html
    assert prefecture.user.full_name not in html
    assert html.count('class="fr-btn"') == 1
    page = client.get(PAGE, {**words, "a": colleague.pk})
    html = client.post(PAGE, posted(page, declares=""), follow=True).content.decode()
    assert "<title>2 dossiers affectés –" in html
    assert Application.objects.filter(ars_reviewer=colleague).count() == 2
    assert not InterestDeclaration.objects.exists(), "who entrusts a file to another declares nothing"
    page = client.get(PAGE, {**words, "a": prefecture.pk})
    assert "asked" not in page.context, "a colleague of another authority is nobody"


def test_interests_are_declared_before_the_act(ars):
    client = signed_in(ars)
    application = under_review(ars)
    page = client.get(PAGE, {"acte": "share", "d": application.pk})
    assert "Je n’ai aucun lien d’intérêt avec cette structure" in page.content.decode()
    data = posted(page)
    del data["declares"]
    refused = client.post(PAGE, data, follow=True)
    assert "dites si un lien d’intérêt vous attache" in refused.content.decode()
    assert not BulkRun.objects.exists()
    assert acts(application) == 0
    declare_interest(application=application, mandate=ars, interest=Interest.NONE, at=NOW)
    page = client.get(PAGE, {"acte": "share", "d": application.pk})
    assert "aucun lien d’intérêt" not in page.content.decode()


@pytest.mark.parametrize(
    "words", [{}, {"acte": "share"}, {"acte": "wrong", "d": "1"}, {"acte": "share", "d": ["x", "9" * 30]}]
)
def test_nothing_chosen_leads_back_to_the_list(ars, words):
    answer = signed_in(ars).get(PAGE, {**words, "liste": "vue=bientot"})
    assert answer["Location"] == "/dossiers/?vue=bientot"


@pytest.mark.parametrize("change", [{"key": "x"}, {"acte": "x"}, {"rows": ""}, {"rows": "a:b 1 2:"}])
def test_a_form_that_is_not_whole_starts_nothing(ars, change):
    client = signed_in(ars)
    page = client.get(PAGE, {"acte": "share", "d": under_review(ars).pk})
    assert client.post(PAGE, posted(page, **change)).status_code == 302
    assert not BulkRun.objects.exists()


def test_files_out_of_reach_are_left_out(ars):
    elsewhere = make.departement("97", "Valfictie", region="R2")
    far = make.application(
        make.structure(make.register_line(make.commune("97001", "Loin", in_=elsewhere))), state=State.SUBMITTED
    )
    assert signed_in(ars).get(PAGE, {"acte": "share", "d": far.pk}).status_code == 302
    with pytest.raises(RefusedError, match="à votre portée"):
        start(ars, BulkAction.SHARE, [far])
    assert not BulkRun.objects.exists()


def test_a_run_is_read_by_its_person_alone(ars):
    run = bulk.carry_out(run=start(ars, BulkAction.SHARE, [under_review(ars)]))
    assert signed_in(ars).get(run.get_absolute_url()).status_code == 200
    assert signed_in(make.mandate(AuthorityKind.ARS)).get(run.get_absolute_url()).status_code == 404
    assert signed_in(make.mandate(AuthorityKind.ARS, role=Role.OBSERVER)).get(PAGE).status_code == 403


def test_a_long_run_shows_its_progress_until_it_is_done(ars, monkeypatch):
    given = []
    monkeypatch.setattr("labelling.views.bulk.hand_over", lambda _, run: given.append(run))
    client = signed_in(ars)
    files = [make.application(state=State.SUBMITTED) for _ in range(bulk.AT_ONCE + 1)]
    page = client.get(PAGE, {"acte": "assign", "d": [file.pk for file in files], "a": ars.pk})
    answer = client.post(PAGE, posted(page), follow=True)
    (run,) = given
    html = answer.content.decode()
    assert "0 dossier sur 26" in html
    assert 'hx-trigger="every 2s"' in html
    polled = client.get(run.get_absolute_url(), headers={"HX-Request": "true"})
    assert "<html" not in polled.content.decode()
    carry_out_bulk(run=run.pk)
    polled = client.get(run.get_absolute_url(), headers={"HX-Request": "true"})
    assert polled["HX-Refresh"] == "true"
    assert "<title>26 dossiers affectés –" in client.get(run.get_absolute_url()).content.decode()


def test_a_long_run_goes_to_a_worker_and_a_short_one_does_not(ars, monkeypatch):
    sent = []
    monkeypatch.setattr("labelling.views.bulk.hand_over", lambda _, run: sent.append(run))
    client = signed_in(ars)
    page = client.get(PAGE, {"acte": "assign", "d": make.application(state=State.SUBMITTED).pk, "a": ars.pk})
    client.post(PAGE, posted(page))
    assert sent == []
    assert BulkRun.objects.get().finished_at == NOW


def test_a_worker_is_called_by_its_name(ars):
    """Tests run tasks at once: what the page sends reaches the task."""
    client = signed_in(ars)
    files = [make.application(state=State.SUBMITTED) for _ in range(bulk.AT_ONCE + 1)]
    page = client.get(PAGE, {"acte": "assign", "d": [file.pk for file in files], "a": ars.pk})
    client.post(PAGE, posted(page))
    assert BulkRun.objects.get().finished_at == NOW
    assert Application.objects.filter(ars_reviewer=ars).count() == bulk.AT_ONCE + 1


def test_without_broker_the_run_waits_for_the_next_round(ars, monkeypatch):
    def unreachable(*_, **__):
        raise OperationalError

    client = signed_in(ars)
    files = [make.application(state=State.SUBMITTED) for _ in range(bulk.AT_ONCE + 1)]
    page = client.get(PAGE, {"acte": "assign", "d": [file.pk for file in files], "a": ars.pk})
    monkeypatch.setattr("celery.canvas.Signature.apply_async", unreachable)
    assert "0 dossier sur 26" in client.post(PAGE, posted(page), follow=True).content.decode()
    carry_out_bulks()
    assert BulkRun.objects.get().finished_at == NOW


# The run -------------------------------------------------------------------------------------------------------------


def test_labels_beyond_the_ceiling_wait_and_the_outcome_says_so(ars):
    files = [endorsed(ars) for _ in range(3)]
    make.quota(ceiling=15, ceiling_act="arrêté d’essai", reserved=1, used=12)
    run = bulk.carry_out(run=start(ars, BulkAction.PROPOSE, files))
    first, second, third = results(run).values()
    assert first == second == (RunResult.DONE, "")
    assert third[0] == RunResult.NOT_DONE
    assert "Plafond atteint" in third[1]
    files[2].refresh_from_db()
    assert (files[2].state, files[2].waiting_since) == (State.UNDER_REVIEW, NOW)
    assert Quota.objects.get().reserved == 3


def test_sent_twice_a_page_starts_one_run(ars):
    client = signed_in(ars)
    application = under_review(ars)
    page = client.get(PAGE, {"acte": "share", "d": application.pk})
    first, second = client.post(PAGE, posted(page)), client.post(PAGE, posted(page))
    assert first["Location"] == second["Location"]
    assert BulkOutcome.objects.get().result == RunResult.DONE
    assert acts(application) == 1


def test_a_failure_of_the_portal_is_told_and_stops_nobody_else(ars, monkeypatch, caplog):
    files = [under_review(ars) for _ in range(3)]
    real = bulk.share_assessment

    def breaks(*, application, **by):
        real(application=application, **by)
        if application.pk == files[1].pk:
            raise ZeroDivisionError

    monkeypatch.setattr(bulk, "share_assessment", breaks)
    run = bulk.carry_out(run=start(ars, BulkAction.SHARE, files))
    assert [result for result, _ in results(run).values()] == ["done", "not_done", "done"]
    assert "Une erreur du portail" in results(run)[files[1].pk][1]
    files[1].refresh_from_db()
    assert (files[1].shared_at, files[1].version, acts(files[1])) == (None, 1, 0), "nothing of it is left"
    assert str(run.outcomes.get(application=files[1])) in caplog.text


def test_a_worker_that_dies_leaves_the_rest_to_the_next_one(ars, monkeypatch):
    files = [under_review(ars) for _ in range(4)]
    run = start(ars, BulkAction.SHARE, files)
    real = bulk.share_assessment

    def dies(*, application, **by):
        real(application=application, **by)
        if application.pk == files[2].pk:
            raise KeyboardInterrupt

    monkeypatch.setattr(bulk, "share_assessment", dies)
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        bulk.carry_out(run=run)
    # As after a crash: what was committed stays, the file in hand comes back whole.
    monkeypatch.undo()
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    carry_out_bulks()
    run.refresh_from_db()
    assert run.finished_at == NOW
    assert [result for result, _ in results(run).values()] == ["done"] * 4
    assert acts(*files) == 4
    carry_out_bulks()
    assert acts(*files) == 4, "done once"


def test_a_mandate_that_ended_since_then_does_nothing(ars):
    application = under_review(ars)
    run = start(ars, BulkAction.SHARE, [application])
    ars.valid = make.DateRange(make.date(2025, 10, 1), make.date(2026, 11, 22))
    ars.save()
    bulk.carry_out(run=run)
    ((result, sentence),) = results(run).values()
    assert result == RunResult.NOT_DONE
    assert "n’est pas en vigueur" in sentence
    assert acts(application) == 0


def test_two_workers_share_a_run_and_each_file_is_done_once(committed_db):
    ars = make.mandate(AuthorityKind.ARS)
    files = [under_review(ars) for _ in range(8)]
    run = start(ars, BulkAction.SHARE, files)
    outcomes = at_once(*[lambda: bulk.carry_out(run=run)] * 3)
    assert all(isinstance(outcome, BulkRun) for outcome in outcomes)
    run.refresh_from_db()
    assert run.finished_at is not None
    assert {result for result, _ in results(run).values()} == {RunResult.DONE}
    assert acts(*files) == 8


def test_outcomes_are_forgotten_after_thirty_days(ars):
    old, recent, unfinished = (
        start(ars, BulkAction.SHARE, [under_review(ars)], at=NOW - timedelta(days=days)) for days in (31, 29, 31)
    )
    for run in (old, recent):
        bulk.carry_out(run=run)
    forget_bulks()
    assert set(BulkRun.objects.all()) == {recent, unfinished}
    assert BulkOutcome.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"result": "done"}, "bulk_outcome_done_at_iff_handled"),
        ({"done_at": NOW}, "bulk_outcome_done_at_iff_handled"),
        ({"result": "not_done", "done_at": NOW}, "bulk_outcome_reason_iff_not_done"),
        ({"sentence": "Motif."}, "bulk_outcome_reason_iff_not_done"),
        ({"result": "perhaps"}, "bulk_outcome_result_known"),
    ],
)
def test_outcomes_are_bound_by_the_database(ars, fields, constraint):
    run = start(ars, BulkAction.SHARE, [under_review(ars)])
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        run.outcomes.update(**fields)


def test_runs_are_bound_by_the_database(ars):
    values = {"mandate": ars, "created_at": NOW}
    run = BulkRun.objects.create(key=uuid4(), action=BulkAction.SHARE, **values)
    application = under_review(ars)
    run.outcomes.create(application=application, version=1)
    for constraint, make_row in [
        ("bulk_run_action_known", lambda: BulkRun.objects.create(key=uuid4(), action="delete", **values)),
        (
            "bulk_run_assignee_iff_assign",
            lambda: BulkRun.objects.create(key=uuid4(), action=BulkAction.ASSIGN, **values),
        ),
        (
            "bulk_run_assignee_iff_assign",
            lambda: BulkRun.objects.create(key=uuid4(), action=BulkAction.SHARE, assignee=ars, **values),
        ),
        ("labelling_bulkrun_key_key", lambda: BulkRun.objects.create(key=run.key, action=BulkAction.SHARE, **values)),
        ("bulk_outcome_once_per_file", lambda: run.outcomes.create(application=application, version=1)),
    ]:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            make_row()
