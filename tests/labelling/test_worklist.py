"""The agents' work list: views, filters, columns, exports, search, saved views, assignment, and the way from file to file."""

import csv
import gzip
import io
import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import ApplicationState as State
from labelling.choices import StructureKind, Verdict
from labelling.models import Application, CriterionAssessment, InformationRequest, SavedView
from labelling.services.assignment import assign, colleagues_of
from labelling.services.worklist import MOST_SAVED_VIEWS, save_view
from labelling.views.worklist_address import COLUMNS, PAGE
from territories.choices import AuthorityKind, Capacity, Role, Subject
from territories.models import CommuneVintage, Epci, Event
from tests import factories as make
from tests.plugins.signed_in import PortalClient

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
NOW = make.NOW
LIST = "/dossiers/"


@pytest.fixture
def agent_client():
    def signed_in(mandate):
        client = PortalClient()
        client.force_login(mandate.user)
        return client

    return signed_in


@pytest.fixture
def agent(agent_client, ars):
    return agent_client(ars)


def named(name, **fields):
    return make.structure(make.register_line(name=name, **fields))


def submitted(name="Cabinet du Pont (fictif)", in_=None, **fields):
    line = {"kind": fields.pop("kind")} if "kind" in fields else {}
    return make.application(named(name, in_=in_, **line), state=State.SUBMITTED, **fields)


def under_review(ars, name="Maison de santé du Lavoir (fictive)", verdicts=5, **fields):
    application = make.application(named(name), state=State.UNDER_REVIEW, ars_reviewer=ars, **fields)
    for criterion in application.specification.criteria.filter(kind="criterion", position__lte=verdicts):
        CriterionAssessment.objects.create(
            application=application,
            criterion=criterion,
            capacity=Capacity.ARS,
            verdict=Verdict.MET,
            mandate=ars,
            assessed_at=NOW,
        )
    return application


def numbers(response):
    return [row.application.number for row in response.context["rows"]]


def queries(call):
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


# Views -------------------------------------------------------------------------------------------------------------


def test_each_count_is_the_number_of_its_rows(agent, ars, prefecture):
    submitted()
    under_review(ars, verdicts=2)
    answered = under_review(ars, verdicts=5)
    under_review(ars, shared_at=NOW)
    under_review(ars, shared_at=NOW, endorsed_at=NOW)
    soon = under_review(ars, silence_date=NOW.date() + timedelta(days=15))
    InformationRequest.objects.create(
        application=answered,
        criterion=answered.specification.criteria.first(),
        capacity=Capacity.ARS,
        question="Le mercredi ?",
        prepared_at=NOW,
        prepared_by=ars,
        sent_at=NOW,
        sent_by=ars,
        deadline=NOW.date() + timedelta(days=21),
        notified_at=NOW,
        reply="Oui.",
        ready_at=NOW,
        answered_at=NOW,
        answered_by=make.membership(answered.structure),
    )
    make.application(named("Brouillon (fictif)"))
    views = {view["key"]: view["count"] for view in agent.get(LIST).context["views"]}
    assert views == {
        "a-moi": 5,
        "a-affecter": 1,
        "suivis": 0,
        "reponses-recues": 1,
        "a-repondre": 0,
        "a-partager": 2,
        "a-endosser": 0,
        "a-presenter": 1,
        "desaccord": 0,
        "avis-en-retard": 0,
        "recours": 0,
        "a-notifier": 0,
        "a-commencer": 1,
        "a-signer": 0,
        "bientot": 1,
        "tous": 6,
    }
    for key, count in views.items():
        assert len(numbers(agent.get(LIST, {"vue": key}))) == count, key
    assert numbers(agent.get(LIST))[0] == soon.number, "the most urgent first"


def test_the_other_authority_has_its_own_turn(agent_client, ars, prefecture):
    waiting = under_review(ars, shared_at=NOW)
    under_review(ars)
    client = agent_client(prefecture)
    assert numbers(client.get(LIST, {"vue": "a-endosser"})) == [waiting.number]
    page = client.get(LIST).content.decode()
    assert "en cours" in page, "what is not shared is not counted for the other authority"
    assert "à endosser" in page


def test_the_list_is_the_territory_acted_for(agent, agent_client, ars):
    elsewhere = make.departement("97", "Valfictie", region="R2")
    submitted("Maison lointaine (fictive)", in_=make.commune("97001", "Loin", in_=elsewhere))
    here = submitted()
    make.mandate(AuthorityKind.PREFECTURE, person=ars.user, on=elsewhere)
    assert numbers(agent.get(LIST)) == [here.number]
    assert len(numbers(agent_client(make.mandate(AuthorityKind.NATIONAL)).get(LIST))) == 2


def test_an_empty_view_teaches(agent):
    assert "Aucune candidature n’est encore déposée" in agent.get(LIST).content.decode()
    assert "Rien à faire dans cette vue" in agent.get(LIST, {"vue": "a-moi"}).content.decode()
    assert "Aucun dossier ne répond" in agent.get(LIST, {"q": "rien"}).content.decode()


@pytest.mark.parametrize("kind", [AuthorityKind.ARS, AuthorityKind.NATIONAL])
def test_the_list_asks_the_database_as_much_for_two_rows_as_for_twenty(agent_client, ars, kind):
    reader = ars if kind == AuthorityKind.ARS else make.mandate(kind)
    client = agent_client(reader)
    save_view(mandate=reader, name="À Valfictif", query="vue=tous&q=valfictif&epci=980000001")

    def read():
        client.get(LIST, {"col": ["epci", "finess", "vague", "recu"], "q": "lavoir"})

    for _ in range(2):
        under_review(ars, shared_at=NOW)
    small = queries(read)
    save_view(mandate=reader, name="Encore une", query="vue=bientot&type=msp")
    for _ in range(18):
        under_review(ars, shared_at=NOW)
    assert queries(read) == small <= 24


def test_a_whole_page_with_every_column_is_light(agent, ars):
    for number in range(PAGE + 1):
        under_review(ars, f"Maison de santé du Lavoir {number} (fictive)", shared_at=NOW)
    page = agent.get(LIST, {"col": list(COLUMNS)})
    assert len(page.context["rows"]) == PAGE
    assert len(gzip.compress(page.content)) <= 40 * 1024


# Search ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("trois etangs", ["MSP des Trois Étangs (fictive)"]),
        ("Étang", ["MSP des Trois Étangs (fictive)"]),
        ("trois etengs", ["MSP des Trois Étangs (fictive)"]),
        ("etengs", ["MSP des Trois Étangs (fictive)"]),
        ("ebauche", ["CDS de la Passerelle (fictif)"]),
        ("ebuche", ["CDS de la Passerelle (fictif)"]),
        ("passerelle ebauche", ["CDS de la Passerelle (fictif)"]),
        ("ebauche pasesrelle", ["CDS de la Passerelle (fictif)"]),
        ("passerele étangs", []),
        ("inconnu", []),
        ("!!", []),
    ],
)
def test_search_ignores_accents_and_typing_errors(agent, text, found):
    submitted("MSP des Trois Étangs (fictive)")
    submitted("CDS de la Passerelle (fictif)", in_=make.commune("98002", "Ébauche"))
    rows = agent.get(LIST, {"q": text}).context["rows"]
    assert [row.application.structure.name for row in rows] == found


def test_what_is_written_is_found_before_what_looks_like_it(agent):
    right = submitted("Maison du Lavoir (fictive)")
    alike = submitted("Maison du Savoir (fictive)")
    assert numbers(agent.get(LIST, {"q": "lavoir"})) == [right.number]
    right.structure.labels.all()
    assert numbers(agent.get(LIST, {"q": "savoir"})) == [alike.number]
    assert sorted(numbers(agent.get(LIST, {"q": "ravoir"}))) == sorted([right.number, alike.number])


def test_a_number_or_a_finess_is_exact(agent):
    first, second = submitted(), submitted()
    assert numbers(agent.get(LIST, {"q": f" {first.number.lower()}"})) == [first.number]
    finess = second.structure.finess
    assert numbers(agent.get(LIST, {"q": f"{finess[:2]} {finess[2:]}"})) == [second.number]
    assert numbers(agent.get(LIST, {"q": "FS-98-2026-0000"})) == [], "a number that is no file's is not another's"


def test_the_end_of_a_number_or_the_beginning_of_a_finess_is_enough(agent):
    first, second = submitted(), submitted()
    assert numbers(agent.get(LIST, {"q": first.number.removeprefix("FS-98-")})) == [first.number]
    assert set(numbers(agent.get(LIST, {"q": first.structure.finess[:4]}))) == {first.number, second.number}


# Filters -----------------------------------------------------------------------------------------------------------


def test_filters_are_kept_by_the_address_and_nonsense_is_ignored(agent):
    submitted("Cabinet (fictif)", kind=StructureKind.CABINET)
    msp = submitted("Maison (fictive)", kind=StructureKind.MSP)
    response = agent.get(LIST, {"type": "msp", "etat": "submitted", "tri": "-structure"})
    assert numbers(response) == [msp.number]
    assert [chip["label"] for chip in response.context["chips"]] == ["déposée", "maison de santé"]
    assert [chip["url"] for chip in response.context["chips"]] == [
        "?vue=tous&type=msp&tri=-structure",
        "?vue=tous&etat=submitted&tri=-structure",
    ]
    wrong = {
        "type": "x",
        "etat": "y",
        "tri": "z",
        "vue": "w",
        "page": "999",
        "epci": "a",
        "vague": "a",
        "agent": "a",
        "col": "b",
        "dep": "?",
    }
    assert len(numbers(agent.get(LIST, wrong))) == 2


def test_filters_by_epci_wave_and_reviewer(agent, ars):
    epci = Epci.objects.create(code="980000001", name="CC du Pays fictif", kind="CC", sort_key="cc du pays fictif")
    inside = make.commune("98003", "Prototype")
    CommuneVintage.objects.filter(commune=inside).update(epci=epci)
    make.wave(5, make.DateRange(make.date(2027, 1, 1), make.date(2027, 6, 1)))
    here = submitted(in_=inside)
    later = submitted("Cabinet tardif (fictif)", wave=make.wave(5))
    mine = under_review(ars)
    for words, found, chip in [
        ({"epci": "980000001"}, [here], "CC du Pays fictif"),
        ({"vague": "5"}, [later], "5. vague d’essai"),
        ({"agent": str(ars.user_id)}, [mine], "instruit par moi"),
        ({"agent": "personne"}, [here, later], "sans agent"),
    ]:
        response = agent.get(LIST, words)
        assert sorted(numbers(response)) == sorted(row.number for row in found), words
        assert [one["label"] for one in response.context["chips"]] == [chip]
        assert "Tout effacer" in response.content.decode()
    assert response.context["options"]["epci"] == [("980000001", "CC du Pays fictif")]


def test_the_epcis_offered_are_those_of_the_departement_and_the_one_asked_is_named(agent):
    for code, name in [("98", "Pays fictif"), ("97", "Pays d'Ailleurs")]:
        epci = Epci.objects.create(code=f"{code}0000001", name=f"CC du {name}", kind="CC", sort_key=name)
        inside = make.commune(f"{code}003", f"Prototype {code}", make.departement(code, f"Département {code}"))
        CommuneVintage.objects.filter(commune=inside).update(epci=epci)
        submitted(f"Cabinet {code} (fictif)", in_=inside)
    here, elsewhere = ("980000001", "CC du Pays fictif"), ("970000001", "CC du Pays d’Ailleurs")
    assert agent.get(LIST).context["options"]["epci"] == [elsewhere, here]
    assert agent.get(LIST, {"dep": "98"}).context["options"]["epci"] == [here]
    asked = agent.get(LIST, {"dep": "98", "epci": elsewhere[0]}).context
    assert (asked["rows"], asked["options"]["epci"]) == ([], [here, elsewhere])
    assert elsewhere[1] in [chip["label"] for chip in asked["chips"]]


def test_columns_sort_both_ways(agent):
    names = ["A (fictif)", "B (fictif)", "C (fictif)"]
    for name in names:
        submitted(name)
    for sort, expected in [("structure", names), ("-structure", names[::-1])]:
        response = agent.get(LIST, {"tri": sort})
        assert [row.application.structure.name for row in response.context["rows"]] == expected
        direction = "descending" if sort.startswith("-") else "ascending"
        assert f'aria-sort="{direction}"' in response.content.decode()


@pytest.mark.parametrize("text", ["a" * 300, "maison\x00"])
def test_a_search_that_cannot_be_made_is_said(agent, text):
    submitted()
    page = agent.get(LIST, {"q": text}).content.decode()
    assert "Votre recherche n’a pas été faite" in page
    assert "Votre recherche n’a pas été faite" not in agent.get(LIST, {"q": "maison"}).content.decode()


def test_who_may_not_know_the_sense_of_decisions_can_neither_filter_nor_sort_by_it(agent_client):
    reader = agent_client(make.mandate(AuthorityKind.COLLECTIVITE, role=Role.PARTNER))
    submitted()
    for words in ({"etat": "submitted"}, {"etat": "refused"}, {"tri": "etat"}):
        response = reader.get(LIST, words)
        assert len(numbers(response)) == 1
        assert response.context["address"].pairs == [("vue", "tous")]
        assert 'name="acte"' not in response.content.decode(), "who does not instruct has no bar of acts"


# Columns and exports -----------------------------------------------------------------------------------------------


def heads(response):
    return [column["name"] for column in response.context["columns"]]


def test_columns_are_chosen_in_one_order_and_stay_in_every_link(agent):
    submitted()
    response = agent.get(LIST, {"col": ["recu", "finess", "inconnue"]})
    assert heads(response) == ["structure", "finess", "recu"]
    page = response.content.decode()
    assert "02/12/2026" not in page
    assert "12/11/2026" in page, "the day of receipt"
    assert "col=structure&col=finess&col=recu" in response.context["csv"]
    assert heads(agent.get(LIST)) == [
        "dossier",
        "structure",
        "type",
        "etat",
        "ars",
        "prefecture",
        "avis",
        "echeance",
        "instruit",
    ]


def test_the_export_is_what_is_shown(agent, ars):
    under_review(ars, name="=cmd()|MSP (fictive)")
    under_review(ars, name="MSP du Moulin (fictive)")
    submitted("Cabinet (fictif)", kind=StructureKind.CABINET)
    words = {"type": "msp", "tri": "structure", "col": ["ars", "echeance", "finess"]}
    plain = agent.get(LIST, {**words, "export": "csv"})
    assert plain["Content-Type"] == "text/csv; charset=utf-8"
    assert plain["Content-Disposition"] == 'attachment; filename="dossiers-2026-11-22.csv"'
    rows = list(csv.DictReader(io.StringIO(plain.content.decode())))
    assert list(rows[0]) == [
        "structure",
        "commune",
        "code_commune",
        "finess",
        "ars",
        "rejet_implicite_le",
        "jours_restants",
    ]
    assert [row["structure"] for row in rows] == ["'=cmd()|MSP (fictive)", "MSP du Moulin (fictive)"]
    assert (rows[1]["ars"], rows[1]["rejet_implicite_le"], rows[1]["jours_restants"]) == ("5/5", "2027-01-12", "51")

    excel = agent.get(LIST, {**words, "export": "csv", "dialecte": "excel"}).content.decode()
    assert excel.startswith("\ufeffstructure;commune;code_commune;finess;")
    assert list(csv.DictReader(io.StringIO(excel.removeprefix("\ufeff")), delimiter=";")) == rows

    book = load_workbook(io.BytesIO(agent.get(LIST, {**words, "export": "xlsx"}).content))
    sheet = list(book.active.iter_rows())
    assert [cell.value for cell in sheet[0]] == list(rows[0])
    assert [cell.data_type for cell in sheet[1]][:1] == ["s"], "a text, not a formula"
    assert sheet[2][5].value.date().isoformat() == "2027-01-12"
    assert sheet[2][6].value == 51


def test_an_export_holds_every_row_and_asks_as_much_for_few_as_for_many(agent, ars):
    def export():
        return agent.get(LIST, {"export": "csv", "col": ["epci", "etat", "instruit"]})

    under_review(ars, shared_at=NOW)
    small = queries(export)
    for _ in range(59):
        under_review(ars, shared_at=NOW)
    assert queries(export) == small
    assert len(list(csv.reader(io.StringIO(export().content.decode())))) == 61, "more than a page"


# Saved views ---------------------------------------------------------------------------------------------------------


def test_a_view_is_saved_counted_found_again_and_deleted(agent, ars):
    wanted = submitted("Maison (fictive)", kind=StructureKind.MSP)
    submitted("Cabinet (fictif)", kind=StructureKind.CABINET)
    shown = agent.get(LIST, {"type": "msp", "col": ["finess"], "tri": "-dossier", "n": "1"})
    agent.post(reverse("saved-view-add"), {"name": "  Mes   maisons ", "query": shown.context["address"].query})
    response = agent.get(LIST)
    (view,) = response.context["own_views"]
    assert (view["row"].name, view["count"], view["current"]) == ("Mes maisons", 1, False)
    opened = agent.get(f"{LIST}{view['url']}")
    assert numbers(opened) == [wanted.number]
    assert heads(opened) == ["structure", "finess"]
    assert opened.context["own_views"][0]["current"]
    assert opened.context["view_label"] == "Mes maisons"
    searched = agent.get(LIST, {"q": "maison"}).context
    assert [one["label"] for one in searched["views"]].count("Mes maisons") == 0, "a view of one's own is told once"
    submitted("Autre maison (fictive)", kind=StructureKind.MSP)
    assert agent.get(LIST).context["own_views"][0]["count"] == 2, "the count is today's"
    agent.post(reverse("saved-view-delete", args=[view["row"].pk]))
    assert not SavedView.objects.exists()


def test_a_saved_view_is_its_persons_alone(agent, agent_client, ars):
    colleague = make.mandate(AuthorityKind.ARS)
    row = save_view(mandate=colleague, name="À elle", query="vue=tous")
    assert agent.get(LIST).context["own_views"] == []
    assert agent.post(reverse("saved-view-delete", args=[row.pk])).status_code == 404
    assert SavedView.objects.get() == row
    save_view(mandate=ars, name="À elle", query="vue=tous")


def test_a_name_is_used_once_and_views_are_few(agent, ars):
    save_view(mandate=ars, name="Urgences", query="vue=bientot")
    with pytest.raises(RefusedError, match="Vous avez déjà une vue « urgences »"):
        save_view(mandate=ars, name="urgences", query="vue=tous")
    response = agent.post(reverse("saved-view-add"), {"name": " ", "query": "vue=a-moi"}, follow=True)
    assert "Donnez un nom à cette vue." in response.content.decode()
    assert response.request["QUERY_STRING"] == "vue=a-moi"
    for number in range(MOST_SAVED_VIEWS - 1):
        save_view(mandate=ars, name=f"Vue {number}", query="vue=tous")
    with pytest.raises(RefusedError, match="Supprimez-en une"):
        save_view(mandate=ars, name="De trop", query="vue=tous")
    assert SavedView.objects.count() == MOST_SAVED_VIEWS


@pytest.mark.parametrize(
    ("fields", "constraint"), [({"name": "Urgences"}, "saved_view_name_unique"), ({"name": ""}, "saved_view_is_named")]
)
def test_saved_views_are_bound_by_the_database(ars, fields, constraint):
    SavedView.objects.create(user=ars.user, name="Urgences")
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        SavedView.objects.create(user=ars.user, **fields)


# From file to file -----------------------------------------------------------------------------------------------------


def test_a_file_knows_its_place_in_the_list_it_was_opened_from(agent, ars):
    files = [under_review(ars, name=f"Maison {letter} (fictive)") for letter in "ABC"]
    submitted("Maison D (fictive)")
    page = agent.get(LIST, {"vue": "a-moi", "tri": "structure"}).content.decode()
    link = re.search(rf'href="({re.escape(files[1].get_absolute_url())}[^"]+)"', page)[1].replace("&amp;", "&")
    place = agent.get(link).context["place"]
    assert (place["rank"], place["total"], place["view"]) == (2, 3, "À moi")
    assert place["previous"].startswith(files[0].get_absolute_url())
    assert place["next"].startswith(files[2].get_absolute_url())
    assert place["back"] == f"/dossiers/?vue=a-moi&tri=structure#{files[1].number}"
    last = agent.get(place["next"]).context["place"]
    assert (last["rank"], last["next"]) == (3, "")
    assert agent.get(files[0].get_absolute_url()).context["place"] is None


def test_a_file_that_leaves_its_list_still_leads_to_the_next(agent, ars):
    files = [under_review(ars, name=f"Maison {letter} (fictive)") for letter in "ABC"]
    followed = "vue=a-partager&tri=structure"
    answer = agent.post(
        reverse("application-act", args=[files[1].number, "partager"]),
        {"mandate": ars.pk, "version": files[1].version, "liste": followed},
    )
    assert answer["Location"] == f"{files[1].get_absolute_url()}?liste=vue%3Da-partager%26tri%3Dstructure"
    page = agent.get(answer["Location"])
    assert page.context["place"]["rank"] is None
    assert page.context["place"]["total"] == 2
    assert page.context["place"]["next"].startswith(files[2].get_absolute_url())
    assert "sorti de cette liste (2)" in page.content.decode()


def test_an_act_goes_back_to_its_row_and_keeps_the_list(agent, ars):
    application = under_review(ars, verdicts=0)
    code = application.specification.criteria.order_by("position").first().code
    answer = agent.post(
        reverse("application-act", args=[application.number, "apprecier"]),
        {
            "mandate": ars.pk,
            "version": application.version,
            "criterion": code,
            "verdict": "met",
            "reason": "",
            "liste": "vue=a-moi",
        },
    )
    following = application.specification.criteria.get(position=2).code
    assert answer["Location"] == (
        f"{application.get_absolute_url()}?critere={following}&liste=vue%3Da-moi#critere-{following}"
    )


def test_a_list_that_means_nothing_is_ignored(agent, ars):
    application = under_review(ars)
    page = agent.get(application.get_absolute_url(), {"liste": "tri=x&vue=<b>&%%%&q=" + "a" * 900})
    assert page.status_code == 200
    assert (page.context["place"]["rank"], page.context["place"]["query"]) == (1, "vue=tous")


# Assignment ----------------------------------------------------------------------------------------------------------


def chain(application):
    return Event.objects.about(Subject.APPLICATION, application.pk)


def test_a_file_is_entrusted_to_a_colleague_who_finds_it(agent, agent_client, ars, prefecture):
    application = submitted()
    colleague = make.mandate(AuthorityKind.ARS)
    page = agent.get(application.get_absolute_url()).content.decode()
    assert colleague.user.full_name in page
    assert prefecture.user.full_name not in page
    agent.post(
        reverse("application-act", args=[application.number, "affecter"]),
        {"mandate": ars.pk, "version": application.version, "to": colleague.pk},
    )
    application.refresh_from_db()
    assert application.ars_reviewer == colleague
    assert (application.state, application.version) == (State.SUBMITTED, 2)
    event = chain(application).get()
    assert (event.action, event.actor_id, event.data) == ("assign", ars.pk, {"to": colleague.pk})
    assert numbers(agent_client(colleague).get(LIST, {"vue": "a-moi"})) == [application.number]
    assert "Dossier affecté à un agent" in agent.get(application.get_absolute_url()).content.decode()


def outsiders():
    """Who a file of the département 98 cannot be entrusted to by its ARS, and what is said."""
    elsewhere = make.departement("97", "Valfictie", region="R2")
    ended = make.DateRange(make.date(2025, 10, 1), make.date(2026, 11, 1))
    return [
        (make.mandate(AuthorityKind.PREFECTURE), "agent d’instruction de votre autorité"),
        (make.mandate(AuthorityKind.ARS, on=elsewhere), "agent d’instruction de votre autorité"),
        (make.mandate(AuthorityKind.ARS, role=Role.OBSERVER), "agent d’instruction de votre autorité"),
        (make.mandate(AuthorityKind.ARS, valid=ended), "n’a pas, à ce jour, d’habilitation"),
        (make.mandate(AuthorityKind.ARS, person=make.user(is_active=False)), "n’a pas, à ce jour, d’habilitation"),
    ]


def test_a_file_is_entrusted_only_to_who_may_instruct_it(ars):
    application = submitted()
    for person, sentence in outsiders():
        with pytest.raises(RefusedError, match=sentence):
            assign(application=application, mandate=ars, to=person, version=1, at=NOW)
        assert person not in colleagues_of(ars, application.departement)
    assert Application.objects.filter(ars_reviewer__isnull=True, version=1).count() == 1
    assert not chain(application).exists()


def test_each_authority_entrusts_a_file_to_an_agent_of_its_own(agent, agent_client, ars, prefecture):
    application = under_review(ars)
    colleague = make.mandate(AuthorityKind.PREFECTURE)
    clerk = agent_client(colleague)
    assert numbers(clerk.get(LIST, {"vue": "a-affecter"})) == [application.number]
    assert numbers(clerk.get(LIST, {"agent": "personne"})) == [application.number]
    assign(application=application, mandate=prefecture, to=colleague, version=1, at=NOW)
    assert (application.ars_reviewer, application.prefecture_reviewer) == (ars, colleague)
    for client, mandate in [(agent, ars), (clerk, colleague)]:
        assert numbers(client.get(LIST, {"vue": "a-moi"})) == [application.number]
        assert numbers(client.get(LIST, {"agent": mandate.user_id})) == [application.number]
        for words in ({"vue": "a-affecter"}, {"agent": "personne"}):
            assert numbers(client.get(LIST, words)) == []
        (row,) = client.get(LIST).context["rows"]
        assert row.reviewers == {Capacity.ARS: ars.user.full_name, Capacity.PREFET: colleague.user.full_name}
        page = client.get(application.get_absolute_url()).context
        assert page["own_reviewer"] == mandate
        assert [person for _, _, person in page["progress"]] == [
            f"P.\u00a0{row.user.last_name}" for row in (ars, colleague)
        ]
    # The other authority's agents are not a choice of the filter.
    assert [key for key, _ in agent.get(LIST).context["options"]["agent"]] == ["personne", str(ars.user_id)]
    assert numbers(agent.get(LIST, {"agent": colleague.user_id})) == []


def test_a_file_is_not_entrusted_twice_nor_from_a_stale_page_nor_by_who_only_reads(ars):
    application = under_review(ars)
    with pytest.raises(RefusedError, match="instruit déjà ce dossier"):
        assign(application=application, mandate=ars, to=ars, version=1, at=NOW)
    with pytest.raises(StaleError):
        assign(application=application, mandate=ars, to=make.mandate(AuthorityKind.ARS), version=2, at=NOW)
    observer = make.mandate(AuthorityKind.ARS, role=Role.OBSERVER)
    with pytest.raises(RefusedError, match="non de l’instruire"):
        assign(application=application, mandate=observer, to=ars, version=1, at=NOW)
    application.refresh_from_db()
    assert (application.ars_reviewer, application.version) == (ars, 1)
    assert not chain(application).exists()


@pytest.mark.parametrize("left", ["mandate", "account"])
def test_who_left_no_longer_holds_a_file(agent, ars, left):
    ended = make.DateRange(make.date(2025, 10, 1), make.date(2026, 11, 1))
    gone = (
        make.mandate(AuthorityKind.ARS, valid=ended)
        if left == "mandate"
        else make.mandate(AuthorityKind.ARS, person=make.user(is_active=False))
    )
    application = under_review(gone)
    for words in ({"vue": "a-affecter"}, {"agent": "personne"}):
        assert numbers(agent.get(LIST, words)) == [application.number]
    (row,) = agent.get(LIST).context["rows"]
    assert row.own_reviewer == "–"
    assert [key for key, _ in agent.get(LIST).context["options"]["agent"]] == ["personne"]
    page = agent.get(application.get_absolute_url())
    assert page.context["own_reviewer"] is None
    assert "Personne de votre autorité n’instruit ce dossier" in page.content.decode()
    assign(application=application, mandate=ars, to=ars, version=1, at=NOW)
    assert numbers(agent.get(LIST, {"vue": "a-moi"})) == [application.number]


def test_the_export_names_ones_own_instructor_then_both(agent, agent_client, ars, prefecture):
    under_review(ars, prefecture_reviewer=prefecture)
    for client, own in [(agent, ars), (agent_client(prefecture), prefecture)]:
        text = client.get(LIST, {"export": "csv", "col": ["instruit"]}).content.decode()
        (line,) = csv.DictReader(io.StringIO(text))
        assert line["instruit_par"] == own.user.full_name
        assert (line["instruit_ars"], line["instruit_prefecture"]) == (
            ars.user.full_name,
            prefecture.user.full_name,
        )


def test_the_list_is_sorted_by_ones_own_instructor(agent_client, ars, prefecture):
    people = [make.user(last_name=name) for name in ("Aube", "Brume")]
    first, second = (make.mandate(AuthorityKind.PREFECTURE, person=person) for person in people)
    late, early = under_review(ars, prefecture_reviewer=second), under_review(ars, prefecture_reviewer=first)
    client = agent_client(prefecture)
    assert numbers(client.get(LIST, {"tri": "instruit"})) == [early.number, late.number]
    assert numbers(client.get(LIST, {"tri": "-instruit"})) == [late.number, early.number]
    page = client.get(early.get_absolute_url(), {"liste": "vue=tous&tri=instruit"})
    assert (page.context["place"]["rank"], page.context["place"]["total"]) == (1, 2)


def test_the_database_keeps_a_file_from_the_hands_of_another_authority(ars, prefecture):
    application = under_review(ars)
    observer = make.mandate(AuthorityKind.PREFECTURE, role=Role.OBSERVER)
    for wrong in ({"ars_reviewer": prefecture}, {"prefecture_reviewer": ars}, {"prefecture_reviewer": observer}):
        with pytest.raises(IntegrityError, match="an agent of each authority"), transaction.atomic():
            Application.objects.filter(pk=application.pk).update(**wrong)


def test_nobody_is_entrusted_by_a_key_that_is_no_colleagues(agent, ars, prefecture):
    application = submitted()
    for key in (prefecture.pk, "", "x", 10**17):
        answer = agent.post(
            reverse("application-act", args=[application.number, "affecter"]),
            {"mandate": ars.pk, "version": 1, "to": key},
        )
        assert answer.status_code == 409
        assert "Choisissez un agent de votre autorité" in answer.content.decode()
    assert not chain(application).exists()
