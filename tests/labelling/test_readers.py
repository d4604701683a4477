"""Who reads what of a file: bodies and elected people read its outline, agents and the structure all its answers."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.urls import reverse

from francesante.lib.french import long_date
from labelling.choices import ApplicationState as State
from labelling.choices import BodyKind, Rule, Verdict
from labelling.models import ConsultedBody, FileReading
from labelling.services import reviews
from labelling.services.decisions import propose_label
from labelling.services.labels import last_day
from labelling.services.messages import send_message
from labelling.services.notes import write_note
from labelling.services.opinions import ask_opinions
from territories.choices import AuthorityKind, Role
from territories.services.decisions import sign_decision
from tests import factories as make
from tests.labelling.worlds import make_label
from tests.plugins.signed_in import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
NOW = make.NOW
LIST, HOME = "/dossiers/", "/compte/"
EVERY_COLUMN = ("dossier", "structure", "etat", "suite", "ars", "prefecture", "avis", "echeance", "instruit")
ANSWERS = {
    "contact": {
        "name": "Dr Flore Maquette",
        "role": "gérante",
        "phone": "0199000001",
        "email": "flore@exemple.invalid",
    },
    "hours": {"mon": [["09:00", "12:00"]], "tue": [["09:00", "12:00"]]},
    "stops": [
        {
            "place": "place du Marché",
            "commune": "98001",
            "commune_name": "Valfictif",
            "day": "thu",
            "start": "14:00",
            "end": "17:00",
            "weeks": 2,
        }
    ],
    "closures": [{"start": "2027-08-01", "end": "2027-08-15", "replaced": True}],
    "team": [
        {
            "profession": "doctor",
            "name": "Dr Achille Ébauche",
            "rpps": "",
            "sector": "1",
            "half_days": [0, 1],
            "on_site": True,
            "minutes": None,
        }
    ],
    "fees": {"overrun": False, "third_party": True, "sector": "", "details": "Tiers payant intégral le samedi."},
    "on_call": {"pdsa": True, "sas": None, "details": "Une garde par mois."},
}
UNTOLD = (
    # People.
    "Essayeuse",
    "Paramètre",
    "Titulaire-Fictive",
    "titulaire@exemple.invalid",
    "Maquette",
    "flore@exemple.invalid",
    "Ébauche",
    # What people wrote.
    "Bonjour à tous",
    "Note pour mes collègues",
    "Planning vérifié",
    # Where the instruction stands.
    "apprécier",
    "partager",
    "partagée",
    "ignature",
    "signée",
    "Désaccord",
    "endoss",
)


@pytest.fixture
def ars():
    person = make.user("essayeuse@exemple.invalid", first_name="Zoé", last_name="Essayeuse")
    return make.mandate(AuthorityKind.ARS, person=person, signs=True)


@pytest.fixture
def prefet():
    person = make.user("parametre@exemple.invalid", first_name="Ulysse", last_name="Paramètre")
    return make.mandate(AuthorityKind.PREFECTURE, person=person, signs=True)


@pytest.fixture
def owner():
    return make.membership(
        make.structure(), make.user("titulaire@exemple.invalid", first_name="Iris", last_name="Titulaire-Fictive")
    )


@pytest.fixture
def file(ars, owner):
    """A file that an agent took up, assessed in whole, wrote about and to."""
    application = make.application(owner.structure, state=State.SUBMITTED, answers=ANSWERS)
    reviews.take_up(application=application, mandate=ars, version=1, at=NOW)
    for criterion in application.specification.criteria.filter(kind="criterion").order_by("position"):
        reviews.assess(
            application=application,
            criterion=criterion,
            verdict=Verdict.MET,
            reason="Planning vérifié.",
            mandate=ars,
            version=application.version,
            at=NOW,
        )
        application.refresh_from_db()
    send_message(application=application, author=ars, text="Bonjour à tous", answer_expected=True, at=NOW)
    write_note(application=application, text="Note pour mes collègues", criterion=None, joint=True, mandate=ars, at=NOW)
    return application


@pytest.fixture(params=[(AuthorityKind.CAISSE, Role.PARTNER), (AuthorityKind.COLLECTIVITE, Role.OBSERVER)])
def outsider(request):
    kind, role = request.param
    return make.mandate(kind, role=role)


def main_of(response):
    assert response.status_code == 200
    return response.content.decode().partition('id="contenu"')[2].partition("<footer")[0].replace("\u00a0", " ")


def export(client):
    return client.get(LIST, {"export": "csv", "col": EVERY_COLUMN})


def everything(client, file):
    """What a reader of a territory reads of a file: its page, the list with every column, the home, the export."""
    pages = [client.get(file.get_absolute_url()), client.get(LIST, {"col": EVERY_COLUMN}), client.get(HOME)]
    return re.sub(
        r'name="csrfmiddlewaretoken" value="\w+"', "", "".join([*map(main_of, pages), export(client).content.decode()])
    )


def told(client, file):
    # The views of the list and their counts are the same for everybody.
    text = re.sub(r"À la signature|(?<=a-signer\">)Signature", "", everything(client, file))
    return [word for word in UNTOLD if word in text]


def test_nothing_of_the_instruction_nor_of_people_is_told_to_who_is_outside(file, ars, prefet, outsider):
    client = signed_in(outsider.user)
    assert told(client, file) == []
    page = main_of(client.get(file.get_absolute_url()))
    assert "L’ARS et la préfecture examinent le dossier, critère par critère." in page
    assert "un médecin, 2 demi-journées" in page
    assert "Dossier pris en charge" in page
    assert "<form" not in page
    reviews.share_assessment(application=file, mandate=ars, version=file.version, at=NOW)
    file.refresh_from_db()
    assert told(client, file) == []
    reviews.endorse(application=file, mandate=prefet, version=file.version, at=NOW)
    file.refresh_from_db()
    make.quota()
    decision = propose_label(application=file, mandate=ars, version=file.version, at=NOW).decision
    file.refresh_from_db()
    assert file.state == State.AWAITING_SIGNATURES
    before = everything(client, file)
    assert "La décision se lira ici après sa notification à la structure." in before
    sign_decision(decision=decision, mandate=ars, content_hash=decision.content_hash, at=NOW)
    assert everything(client, file) == before, "one signature changes nothing"
    assert told(client, file) == []


def test_the_same_words_are_read_on_the_page_the_list_the_home_and_in_the_export(file, outsider):
    client = signed_in(outsider.user)
    sentence = "L’ARS et la préfecture examinent le dossier, critère par critère."
    for page in (client.get(file.get_absolute_url()), client.get(LIST, {"col": EVERY_COLUMN}), client.get(HOME)):
        assert sentence in main_of(page)
    (row,) = csv.DictReader(io.StringIO(export(client).content.decode()))
    assert (row["etat"], row["suite"]) == ("En instruction", sentence)
    assert (row["ars"], row["prefecture"], row["instruit_par"]) == ("", "", "")


def test_who_is_outside_neither_filters_nor_sorts_by_the_agent(file, ars, prefet, outsider):
    client = signed_in(outsider.user)
    for words in ({"agent": str(ars.user_id)}, {"agent": "personne"}, {"tri": "instruit"}):
        assert client.get(LIST, words).context["address"].pairs == [("vue", "tous")]
    assert '<select class="fr-select" name="agent"' not in main_of(client.get(LIST))
    assert "Zoé Essayeuse" in main_of(signed_in(make.mandate(AuthorityKind.ARS).user).get(LIST)), (
        "insiders choose among the agents"
    )


def test_a_body_is_led_to_the_opinion_asked_of_it_and_its_reading_is_recorded(file, ars):
    partner = make.mandate(AuthorityKind.CAISSE, role=Role.PARTNER)
    observer = make.mandate(AuthorityKind.CAISSE, role=Role.OBSERVER)
    body = ConsultedBody.objects.create(
        name="la CPAM de Valfictie", kind=BodyKind.CAISSE, departement=file.departement, authority=partner.authority
    )
    (opinion,) = ask_opinions(
        application=file,
        bodies=[body],
        question="Ce lieu appelle-t-il une réserve ?",
        parts=[],
        due_date=NOW.date() + timedelta(days=15),
        mandate=ars,
        at=NOW,
    )
    address = reverse("opinion", args=[opinion.pk])
    assert address in main_of(signed_in(partner.user).get(file.get_absolute_url()))
    assert address not in main_of(signed_in(observer.user).get(file.get_absolute_url()))
    assert set(FileReading.objects.values_list("user", flat=True)) == {partner.user_id, observer.user_id}


def test_insiders_and_the_structure_read_all_the_answers_others_do_not(file, ars, owner, outsider):
    words = (
        "Tiers payant intégral le samedi.",
        "Une garde par mois.",
        "place du Marché",
        "du 01/08/2027 au 15/08/2027",
    )
    for person, title in [
        (ars.user, "Toutes les réponses de la structure"),
        (make.mandate(AuthorityKind.NATIONAL).user, "Toutes les réponses de la structure"),
        (owner.user, "Vos réponses"),
    ]:
        page = main_of(signed_in(person).get(file.get_absolute_url()))
        assert f"<summary>{title}</summary>" in page
        assert [word for word in words if word not in page] == []
    page = main_of(signed_in(outsider.user).get(file.get_absolute_url()))
    assert [word for word in words if word in page] == []


def test_the_open_criterion_shows_the_answers_of_its_task(file, ars):
    code = file.specification.criteria.get(rule=Rule.NO_OVERRUN).code
    client = signed_in(ars.user)
    page = main_of(client.get(file.get_absolute_url(), {"critere": code}))
    opened = page.partition('class="fs-openrow"')[2].partition("<form")[0]
    assert "Réponses de la structure&nbsp;: tarifs" in opened
    assert "Tiers payant intégral le samedi." in opened
    assert "Une garde par mois." not in opened


def test_whose_move_it_is_is_written_not_only_coloured(file, ars, prefet):
    for mandate, reads in [(ars, True), (prefet, False), (make.mandate(AuthorityKind.NATIONAL), False)]:
        client = signed_in(mandate.user)
        for address in (LIST, HOME):
            assert (">à vous</span>" in main_of(client.get(address))) == reads


def test_the_bar_of_a_file_agrees_with_what_keeps_it_from_being_shared(file, ars, prefet):
    second = file.specification.criteria.get(position=2)
    file.assessments.filter(criterion=second).update(verdict=Verdict.TO_CLARIFY)
    page = main_of(signed_in(ars.user).get(file.get_absolute_url()))
    assert "Il reste le critère 2 à préciser." in page
    assert "ARS : 1 critère à préciser." in page
    assert "appréciation à partager" not in page
    assert "à préciser" not in main_of(signed_in(prefet.user).get(file.get_absolute_url())), "nothing before sharing"


def test_the_last_day_of_a_label_is_the_same_on_every_page_of_its_structure(owner):
    label = make_label(owner.structure, owner=owner)
    client = signed_in(owner.user)
    words = f"Label du 22 novembre 2026 au {long_date(last_day(label))}.".replace("\u00a0", " ")
    assert words == "Label du 22 novembre 2026 au 21 novembre 2029."
    for address in (label.application.get_absolute_url(), LIST, HOME):
        assert words in main_of(client.get(address))
