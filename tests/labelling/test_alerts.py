"""Registers that say otherwise than the file of a label: compared, shown to the services, settled until they change."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from francesante.lib.workflow import RefusedError
from labelling.choices import Register, Rule
from labelling.models import AlertSettlement, InterestDeclaration, Label, RegisterLine
from labelling.rules.alerts import AGAINST, closed_sentence, contradiction, in_a_sentence, missing_sentence, source
from labelling.rules.answers import Answers, Fees, Member, OnCall, parse
from labelling.services import alerts as service
from labelling.services.registers import import_register
from territories.choices import AuthorityKind, Subject
from territories.models import Event
from tests import factories as make
from tests.labelling.worlds import make_label, withdraw
from tests.plugins.committed import at_once
from tests.plugins.signed_in import signed_in

pytestmark = pytest.mark.usefixtures("today")
NOW = make.NOW
TODAY = NOW.date()
HEADER = "finess_et,categorie_code,rs,commune,registre,millesime,medecins,infirmiers,jours_ouverture,secteur,pdsa,sas"
MORNING = [["08:00", "12:00"]]
ANSWERS = {
    "hours": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), MORNING),
    "team": [
        {"profession": "doctor", "sector": "1", "half_days": [0, 1, 2]},
        {"profession": "nurse", "half_days": [0]},
    ],
    "on_call": {"pdsa": True, "sas": None},
}
AGREED = "2,1,5,1,oui,"


# Pure ------------------------------------------------------------------------------------------------------------------

FILE = parse(ANSWERS)
SIX_DAYS = parse({"hours": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), MORNING)})
BOTH = parse({**ANSWERS, "on_call": {"pdsa": True, "sas": True}})
PARAMETERS = {"min_days": 5}
NEARBY = Answers(team=(Member("doctor", sector="1"), Member("nurse", on_site=False, minutes=8)))


@pytest.mark.parametrize(
    ("rule", "facts", "answers", "said"),
    [
        (Rule.NURSE, {"nurses": 0}, FILE, {"nurses": 0}),
        (Rule.NURSE, {"nurses": 3}, FILE, None),
        (Rule.NURSE, {"nurses": 0}, NEARBY, None),
        (Rule.DOCTOR, {"doctors": 0}, FILE, {"doctors": 0}),
        (Rule.DOCTOR, {"doctors": 0}, Answers(), None),
        (Rule.OPEN_DAYS, {"open_days": 4}, FILE, {"open_days": 4}),
        (Rule.OPEN_DAYS, {"open_days": 6}, FILE, None),
        (Rule.OPEN_DAYS, {"open_days": 5}, SIX_DAYS, None),
        (Rule.OPEN_DAYS, {"open_days": 4}, SIX_DAYS, {"open_days": 4}),
        (Rule.OPEN_DAYS, {"open_days": 4}, Answers(), None),
        (Rule.NO_OVERRUN, {"sector": "2"}, FILE, {"sector": "2"}),
        (Rule.NO_OVERRUN, {"sector": "1"}, Answers(fees=Fees(sector="2")), None),
        (Rule.NO_OVERRUN, {"sector": "2"}, Answers(fees=Fees(sector="optam")), {"sector": "2"}),
        (Rule.NO_OVERRUN, {"sector": "2"}, Answers(), None),
        (Rule.ON_CALL, {"pdsa": False, "sas": False}, FILE, {"pdsa": False}),
        (Rule.ON_CALL, {"pdsa": False, "sas": True}, FILE, None),
        (Rule.ON_CALL, {"pdsa": False}, BOTH, None),
        (Rule.ON_CALL, {"pdsa": False, "sas": False}, BOTH, {"pdsa": False, "sas": False}),
        (Rule.ON_CALL, {"sas": True}, Answers(on_call=OnCall(sas=False)), None),
        (Rule.COMMITMENT, {"sector": "2"}, FILE, None),
        (Rule.NURSE, {"sector": "2"}, FILE, None),
    ],
)
def test_only_what_speaks_against_the_label_is_an_alert(rule, facts, answers, said):
    found = contradiction(rule, PARAMETERS, facts, answers)
    assert (found and dict(found.said)) == said
    # What the database leaves out could not have been one.
    assert all(value in AGAINST.get(key, range(PARAMETERS["min_days"])) for key, value in (said or {}).items())


@pytest.mark.parametrize(
    ("rule", "facts", "words"),
    [
        (Rule.NO_OVERRUN, {"sector": "2"}, "indique un secteur 2, le dossier indiquait un secteur 1."),
        (Rule.NURSE, {"nurses": 0}, "n’indique aucun infirmier, le dossier indiquait 1 infirmier."),
        (
            Rule.OPEN_DAYS,
            {"open_days": 4},
            "indique 4 jours d’ouverture par semaine, le dossier indiquait 5 jours d’ouverture par semaine.",
        ),
        (
            Rule.ON_CALL,
            {"pdsa": False, "sas": False},
            "n’indique pas de participation à la PDSA ni au SAS, le dossier indiquait une participation à la PDSA et au SAS.",
        ),
    ],
)
def test_the_sentence(rule, facts, words):
    sentence = in_a_sentence(Register.AMELI, date(2026, 9, 30), contradiction(rule, PARAMETERS, facts, BOTH))
    assert sentence.replace("\u00a0", " ") == f"Le fichier Ameli de septembre 2026 {words}"


def test_the_sentences_of_the_place():
    closed = closed_sentence(Register.FINESS, date(2026, 11, 20), date(2026, 11, 3)).replace("\u00a0", " ")
    assert closed == "Le fichier FINESS de novembre 2026 indique cette structure fermée depuis le 3 novembre 2026."
    gone = missing_sentence(Register.FINESS, date(2026, 10, 1), date(2026, 9, 1)).replace("\u00a0", " ")
    assert gone == "Le fichier FINESS d’octobre 2026 ne connaît plus cette structure, vue le 1er septembre 2026."
    assert "transmise par une ARS en août" in source(Register.LIST, date(2026, 8, 1)).replace("\u00a0", " ")


# Computed -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def label(db):
    return make_label(answers=ANSWERS)


@pytest.fixture
def ars(label):
    return make.mandate(AuthorityKind.ARS)


@pytest.fixture
def ameli(tmp_path, label):
    def imported(facts, day="2026-10-31", at=NOW, of=label):
        path = tmp_path / "ameli.csv"
        number = of.structure.finess
        path.write_text(f"{HEADER}\n{number},,MSP des Étangs (fictive),98001,ameli,{day},{facts}\n")
        import_register(path=path, at=at)

    return imported


def sentences(label):
    return [alert.sentence.replace("\u00a0", " ") for alert in service.alerts_of(label, on=TODAY)]


def settle(label, mandate, *, key=None, outcome="contacted", note="Appelée le 20 novembre.", at=NOW):
    key = service.alerts_of(label, on=TODAY)[0].key if key is None else key
    return service.settle_alert(label=label, key=key, outcome=outcome, note=note, mandate=mandate, at=at)


def refused(label, sentence, call):
    before = (AlertSettlement.objects.count(), Event.objects.about(Subject.LABEL, label.pk).count())
    with pytest.raises(RefusedError, match=sentence):
        call()
    assert (AlertSettlement.objects.count(), Event.objects.about(Subject.LABEL, label.pk).count()) == before


def test_a_nurse_gone_and_a_day_less(label, ameli):
    assert sentences(label) == []
    ameli(AGREED)
    assert sentences(label) == []
    ameli("2,0,4,1,oui,", "2026-11-15")
    alerts = service.alerts_of(label, on=TODAY)
    assert [alert.criterion.rule for alert in alerts] == [Rule.NURSE, Rule.OPEN_DAYS]
    assert [alert.before.replace("\u00a0", " ") for alert in alerts] == [
        "1 infirmier jusqu’au 31/10/2026",
        "5 jours par semaine jusqu’au 31/10/2026",
    ]


@pytest.mark.parametrize(
    ("facts", "said", "rules"),
    [
        ({"pdsa": False}, {"pdsa": True}, [Rule.ON_CALL]),
        ({"sas": False}, {"sas": True}, [Rule.ON_CALL]),
        ({"pdsa": False}, {"pdsa": None}, []),
        ({"pdsa": False}, {}, []),
        ({"pdsa": False, "nurses": 0}, {}, [Rule.NURSE]),
        ({"pdsa": False, "open_days": 3}, {}, [Rule.OPEN_DAYS]),
        ({"pdsa": False, "sector": "2"}, {}, [Rule.NO_OVERRUN]),
    ],
)
def test_a_participation_that_no_file_claims_is_not_denied(db, facts, said, rules):
    label = make_label(answers={**ANSWERS, "on_call": said})
    RegisterLine.objects.update(facts=facts)
    assert [alert.criterion.rule for alert in service.alerts_of(label, on=TODAY)] == rules


def test_a_closed_or_vanished_place_says_nothing_else(label):
    RegisterLine.objects.update(closed_on=date(2026, 11, 3), facts={"nurses": 0})
    assert [alert.criterion for alert in service.alerts_of(label, on=TODAY)] == [None]
    assert "fermée depuis le 3 novembre 2026" in sentences(label)[0]
    RegisterLine.objects.update(closed_on=None, missing_since=TODAY)
    assert "ne connaît plus cette structure" in sentences(label)[0]


def test_the_former_line_of_a_place_that_changed_its_number_is_not_its_own(label):
    RegisterLine.objects.update(closed_on=date(2026, 11, 3))
    label.structure.finess = make.luhn_finess(98_555_555)
    label.structure.save()
    assert sentences(label) == []


def test_the_annuaire_closes_a_place_that_has_no_other_number(label):
    siret = "89012345800014"
    make.register_line(register="annuaire", number=siret, siret=siret, closed_on=date(2026, 11, 3))
    label.structure.siret = siret
    label.structure.save()
    assert sentences(label) == []
    label.structure.finess = None
    label.structure.save()
    assert sentences(label) == [
        "L’Annuaire des entreprises en novembre 2026 indique cette structure fermée depuis le 3 novembre 2026."
    ]


def test_an_exempted_kind_and_a_label_that_ended_have_no_alert(label, ameli):
    ameli("2,0,5,1,oui,")
    Label.objects.update(notified_at=None)
    assert sentences(label) == []
    Label.objects.update(notified_at=NOW)
    withdraw()
    assert sentences(label) == []


# Settled --------------------------------------------------------------------------------------------------------------


def test_settled_it_comes_back_only_when_the_register_changes(label, ars, ameli):
    ameli("2,0,5,1,oui,", "2026-10-31")
    row = settle(label, ars)
    assert "n’indique aucun infirmier" in row.sentence
    event = Event.objects.about(Subject.LABEL, label.pk).last()
    assert (event.action, event.data) == ("settle_alert", {"settlement": row.pk, "outcome": "contacted"})
    assert sentences(label) == []
    ameli("2,0,5,1,oui,", "2026-11-15", NOW + timedelta(hours=1))
    assert sentences(label) == []
    ameli("2,0,4,1,oui,", "2026-11-16", NOW + timedelta(hours=2))
    assert [alert.criterion.rule for alert in service.alerts_of(label, on=TODAY)] == [Rule.OPEN_DAYS]
    ameli("2,1,5,1,oui,", "2026-11-17", NOW + timedelta(hours=3))
    assert sentences(label) == []
    ameli("2,0,5,1,oui,", "2026-11-18", NOW + timedelta(hours=4))
    assert [alert.criterion.rule for alert in service.alerts_of(label, on=TODAY)] == [Rule.NURSE]


def test_what_is_refused(label, ars, ameli):
    ameli("2,0,5,1,oui,")
    key = service.alerts_of(label, on=TODAY)[0].key
    refused(label, "Écrivez une note", lambda: settle(label, ars, note=" "))
    refused(label, "Dites ce qui a été fait", lambda: settle(label, ars, outcome="rien"))
    refused(label, "dit autre chose", lambda: settle(label, ars, key="1-2-abc"))
    elsewhere = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Valfictie", region="R2"))
    refused(label, "ne couvre pas", lambda: settle(label, elsewhere))
    refused(label, "de lire ce dossier", lambda: settle(label, make.mandate(AuthorityKind.NATIONAL)))
    aside = make.mandate(AuthorityKind.PREFECTURE)
    InterestDeclaration.objects.create(
        user=aside.user, structure=label.structure, interest="recused", mandate=aside, declared_at=NOW
    )
    refused(label, "déporté", lambda: settle(label, aside))
    settle(label, ars, key=key)
    refused(label, "déjà réglée", lambda: settle(label, ars, key=key))


def test_two_agents_settle_once(committed_db):
    label = make_label(answers=ANSWERS)
    RegisterLine.objects.update(facts={"nurses": 0})
    key = service.alerts_of(label, on=TODAY)[0].key
    both = [make.mandate(AuthorityKind.ARS), make.mandate(AuthorityKind.PREFECTURE)]
    outcomes = at_once(*(lambda mandate=mandate: settle(label, mandate, key=key) for mandate in both))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlertSettlement", "RefusedError"]


def test_the_database_keeps_them(label, ars, ameli):
    ameli("2,0,5,1,oui,")
    row = settle(label, ars)
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        AlertSettlement.objects.filter(pk=row.pk).update(note="x")
    values = {"label": label, "line": row.line, "said": {}, "sentence": "x", "mandate": ars, "settled_at": NOW}
    with pytest.raises(IntegrityError, match="alert_settlement_has_note"), transaction.atomic():
        AlertSettlement.objects.create(**values, outcome="checked", note="")
    with pytest.raises(IntegrityError, match="alert_settlement_outcome_known"), transaction.atomic():
        AlertSettlement.objects.create(**values, outcome="rien", note="x")


# On screen ------------------------------------------------------------------------------------------------------------


def test_an_agent_settles_on_the_page_of_the_label(label, ars, ameli):
    ameli("2,0,5,2,oui,")
    client, address = signed_in(ars.user), reverse("label-alerts", args=[label.number])
    assert address in client.get(label.get_absolute_url()).text
    page = client.get(address)
    key = service.alerts_of(label, on=TODAY)[0].key
    assert f'value="{key}"' in page.text
    posted = {"mandate": ars.pk, "alert": key, f"{key}-outcome": "checked", f"{key}-note": "Le fichier est en retard."}
    empty = client.post(address, {**posted, f"{key}-note": ""})
    assert (empty.status_code, "Écrivez une note" in empty.text) == (422, True)
    assert client.post(address, posted).url == address
    again = client.post(address, posted)
    assert (again.status_code, "déjà réglée" in again.text) == (409, True)
    after = client.get(address).text
    assert "Le fichier est en retard." in after
    assert "un secteur" in after.replace("\u00a0", " ")
    assert f'value="{key}"' not in after


def test_the_structure_and_other_bodies_do_not_read_them(label, ars, ameli):
    ameli("2,0,5,1,oui,")
    owner = label.structure.memberships.get()
    for person in (owner.user, make.mandate(AuthorityKind.CAISSE).user):
        client = signed_in(person)
        assert "aucun infirmier" not in client.get(label.get_absolute_url()).text
        assert client.get(reverse("label-alerts", args=[label.number])).status_code == 403
    team = signed_in(make.mandate(AuthorityKind.NATIONAL).user)
    page = team.get(reverse("label-alerts", args=[label.number])).text
    assert "aucun infirmier" in page
    assert "Régler cette alerte" not in page


def test_the_list_of_a_territory_and_its_csv(label, ars, ameli):
    client, address = signed_in(ars.user), reverse("register-alerts")
    assert "0 alerte sur des labels" in client.get(address).text
    ameli("2,0,4,1,oui,")
    page = client.get(address).text
    assert "2 alertes sur des labels" in page
    assert reverse("label-alerts", args=[label.number]) in page
    lines = client.get(f"{address}?format=csv").content.decode().splitlines()
    assert lines[0].startswith("code_label,nom,code_commune")
    assert lines[1].startswith(f"{label.number},")
    assert len(lines) == 3
    elsewhere = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Valfictie", region="R2"))
    assert "0 alerte" in signed_in(elsewhere.user).get(address).text


def test_the_list_asks_as_much_for_one_as_for_four(label, django_assert_max_num_queries):
    client, address = signed_in(make.mandate(AuthorityKind.NATIONAL).user), reverse("register-alerts")
    RegisterLine.objects.update(facts={"nurses": 0})
    client.get(address)
    with django_assert_max_num_queries(30) as few:
        client.get(address)
    for _ in range(3):
        make_label(answers=ANSWERS)
    RegisterLine.objects.update(facts={"nurses": 0, "open_days": 2})
    with django_assert_max_num_queries(len(few)):
        assert client.get(address).context["page"].paginator.count == 8
