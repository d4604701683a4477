"""What registers say of the criteria: read from the documented CSV, kept when it changes, shown beside each criterion."""

from datetime import date

import pytest
from django.urls import reverse

from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState, Register, RegisterForm, Rule
from labelling.models import RegisterChange, RegisterImport, RegisterLine
from labelling.rules.answers import Answers, Fees, Member, OnCall
from labelling.rules.register_facts import agrees, answers_from, covers, fact_in_words, favourable, in_words
from labelling.services.claims import start_claim
from labelling.services.register_search import lines_about, search_register
from labelling.services.registers import import_register
from territories.choices import AuthorityKind
from tests import factories as make

HEADER = "finess_et,categorie_code,rs,commune,registre,millesime,medecins,infirmiers,jours_ouverture,secteur,pdsa,sas"


@pytest.fixture
def ameli(tmp_path, db):
    make.commune()

    def imported(number, facts, day="2026-10-31"):
        path = tmp_path / "ameli.csv"
        path.write_text(f"{HEADER}\n{number},,MSP des Étangs (fictive),98001,ameli,{day},{facts}\n")
        return import_register(path=path, at=make.NOW)

    return imported


# Pure ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "facts", "words"),
    [
        (Rule.DOCTOR, {"doctors": 2}, "2\u00a0médecins"),
        (Rule.DOCTOR, {"doctors": 0}, "aucun médecin"),
        (Rule.NURSE, {"nurses": 1}, "1\u00a0infirmier"),
        (Rule.OPEN_DAYS, {"open_days": 5}, "5\u00a0jours par semaine"),
        (Rule.NO_OVERRUN, {"sector": "optam"}, "secteur 2 avec OPTAM"),
        (Rule.ON_CALL, {"pdsa": False, "sas": True}, "ne participe pas à la PDSA, participe au SAS"),
        (Rule.ON_CALL, {"sector": "1"}, ""),
        (Rule.COMMITMENT, {"sector": "1"}, ""),
        (Rule.PERSON, {"doctors": 2}, ""),
    ],
)
def test_facts_in_words(rule, facts, words):
    assert in_words(rule, facts) == words
    assert covers(rule, facts) == bool(words)


TEAM = (Member("doctor", sector="1"), Member("nurse"))


@pytest.mark.parametrize(
    ("rule", "facts", "answers", "same"),
    [
        (Rule.DOCTOR, {"doctors": 3}, Answers(team=TEAM), True),
        (Rule.NURSE, {"nurses": 0}, Answers(team=TEAM), False),
        (Rule.NURSE, {"nurses": 0}, Answers(), None),
        (Rule.OPEN_DAYS, {"open_days": 1}, Answers(hours={"mon": (("08:00", "12:00"),)}), True),
        (Rule.OPEN_DAYS, {"open_days": 5}, Answers(hours={"mon": (("08:00", "12:00"),)}), False),
        (Rule.OPEN_DAYS, {"open_days": 5}, Answers(), None),
        (Rule.NO_OVERRUN, {"sector": "2"}, Answers(team=TEAM), False),
        (Rule.NO_OVERRUN, {"sector": "1"}, Answers(fees=Fees(sector="1")), True),
        (Rule.NO_OVERRUN, {"sector": "1"}, Answers(), None),
        (Rule.ON_CALL, {"sas": True}, Answers(on_call=OnCall(sas=True)), True),
        (Rule.ON_CALL, {"sas": True, "pdsa": True}, Answers(on_call=OnCall(sas=True, pdsa=False)), False),
        (Rule.ON_CALL, {"sas": True}, Answers(on_call=OnCall(pdsa=True)), None),
        (Rule.DOCTOR, {}, Answers(team=TEAM), None),
    ],
)
def test_facts_and_answers_compared(rule, facts, answers, same):
    assert agrees(rule, facts, answers) is same


def test_facts_become_answers_to_confirm():
    assert answers_from({"sector": "1", "sas": True, "doctors": 2}) == {
        "fees": {"sector": "1"},
        "on_call": {"sas": True},
    }
    assert answers_from({}) == {}
    assert favourable({"open_days": 4, "sector": "1"}) == ["secteur 1"]
    assert fact_in_words("sector", None) == "rien"


# The documented CSV ----------------------------------------------------------------------------------------------


def test_facts_are_read_and_what_is_not_readable_is_not_said(ameli):
    ameli("X1", "2,1,5,1,non,oui")
    assert RegisterLine.objects.get().facts == {
        "doctors": 2,
        "nurses": 1,
        "open_days": 5,
        "sector": "1",
        "pdsa": False,
        "sas": True,
    }
    ameli("X2", "deux,,8,3,peut-être,")
    assert RegisterLine.objects.get(number="X2").facts == {}
    assert RegisterImport.objects.last().form == RegisterForm.CSV


def test_a_register_that_changes_its_mind_leaves_what_it_said(ameli):
    ameli("X1", "2,1,5,1,non,oui")
    report = ameli("X1", "2,0,5,2,,oui", day="2026-11-15")
    assert report.changed == 1
    said = {row.field: (row.old, row.new, row.old_as_of, row.as_of) for row in RegisterChange.objects.all()}
    days = (date(2026, 10, 31), date(2026, 11, 15))
    assert said == {
        "facts.nurses": (1, 0, *days),
        "facts.sector": ("1", "2", *days),
        "facts.pdsa": (False, None, *days),
    }
    assert ameli("X1", "2,0,5,2,,oui", day="2026-11-15").unchanged == 1
    assert ameli("X1", "2,1,5,1,non,oui", day="2026-10-01").older == 1
    assert RegisterChange.objects.count() == 3


def test_a_csv_never_makes_a_line_disappear(ameli):
    ameli("X1", ",,,,,")
    assert ameli("X2", ",,,,,", day="2026-11-15").disappeared == 0
    assert RegisterLine.objects.standing().count() == 2


def test_a_register_of_facts_is_not_a_place_to_claim(ameli):
    ameli("X1", "2,1,5,1,non,oui")
    assert search_register(text="etangs").lines == []


def test_a_closing_day_in_the_csv(tmp_path, db):
    make.commune()
    number = make.luhn_finess(98_700_050)
    path = tmp_path / "liste.csv"
    path.write_text(
        f"finess_et,categorie_code,rs,commune,millesime,fermeture\n{number},603,MSP,98001,2026-11-01,2026-10-15\n"
    )
    import_register(path=path, at=make.NOW)
    line = RegisterLine.objects.get()
    assert line.closed_on == date(2026, 10, 15)
    with pytest.raises(RefusedError, match="est fermée depuis le 15"):
        start_claim(user=make.user(), line=line, at=make.NOW)


# The page of the file --------------------------------------------------------------------------------------------


@pytest.fixture
def file(db):
    line = make.register_line()
    structure = make.structure(line, siret="35600000000048")
    answers = {"fees": {"sector": "1"}, "hours": {"mon": [["08:00", "12:00"]]}}
    return make.application(structure, state=ApplicationState.UNDER_REVIEW, answers=answers)


@pytest.fixture
def page(client, file):
    client.force_login(make.mandate(AuthorityKind.ARS).user)
    return lambda: " ".join(client.get(reverse("application", args=[file.number])).text.split())


def test_a_register_that_covers_no_criterion_says_none(page):
    text = page()
    assert "FINESS, 20/11/2026&nbsp;: concorde" in text
    assert "non couvert" not in text
    assert text.count('data-label="Registre"><div> <span class="fs-muted">aucun</span>') >= 5


def test_what_the_structure_contests_does_not_agree_and_an_old_line_says_so(client, db):
    structure = make.structure(make.register_line(), siret="35600000000048")
    RegisterLine.objects.update(as_of=date(2023, 12, 31))
    answers = {"identity": {"exact": False, "correction": "12 rue Neuve."}}
    contested = make.application(structure, state=ApplicationState.UNDER_REVIEW, answers=answers)
    client.force_login(make.mandate(AuthorityKind.ARS).user)
    text = " ".join(client.get(contested.get_absolute_url()).text.split())
    assert "FINESS, 31/12/2023 (<strong>plus d’un an</strong>)&nbsp;: <strong>contestée</strong>" in text
    assert "concorde" not in text


def test_what_a_register_says_is_compared_and_its_former_word_kept(page, file, ameli):
    number = file.structure.finess
    ameli(number, "2,1,5,2,,", day="2026-10-31")
    ameli(number, "2,1,5,1,,", day="2026-11-15")
    text = page()
    assert "Ameli, 15/11/2026&nbsp;: secteur 1, concorde" in text
    assert "auparavant secteur 2 jusqu’au 31/10/2026" in text
    assert "Ameli, 15/11/2026&nbsp;: 5 jours par semaine, <strong>diffère</strong>" in text


def test_what_a_register_wrote_before_of_the_structure_is_told(page, file, tmp_path):
    line = file.structure.register_line
    path = tmp_path / "liste.csv"
    path.write_text(
        f"finess_et,categorie_code,rs,adresse,cp,commune,millesime\n{line.number},603,{line.name},9 rue Neuve,98001,98001,2026-11-21\n"
    )
    import_register(path=path, at=make.NOW)
    assert "FINESS écrivait jusqu’au 20/11/2026 : adresse « 2 place du Lavoir »." in page()


def test_another_register_is_found_by_siret(file):
    other = make.register_line(register=Register.AMELI, number="X1", siret="35600000000048", kind="")
    assert lines_about(file.structure) == [file.structure.register_line, other]


def test_a_closed_or_missing_place_is_told(page, file):
    line = file.structure.register_line
    RegisterLine.objects.filter(pk=line.pk).update(closed_on=date(2026, 10, 31))
    text = page()
    assert "fermé depuis le 31/10/2026, <strong>diffère</strong>" in text
    assert "FINESS dit cette structure fermée depuis le 31/10/2026." in text
    RegisterLine.objects.filter(pk=line.pk).update(closed_on=None, missing_since=date(2026, 11, 21))
    assert "FINESS ne la connaît plus depuis le 21/11/2026 (vue le 20/11/2026)." in page()


def test_a_rpps_that_looks_wrong_is_saved_with_a_warning(client, db):
    owner = make.membership()
    draft = make.application(owner.structure)
    client.force_login(owner.user)
    address = reverse("application-step", args=[draft.number, "equipe"])
    posted = {"version": 1, "team_count": "1", "m0_profession": "doctor", "m0_rpps": "123", "act": "stay"}
    assert client.post(address, posted).status_code == 302
    draft.refresh_from_db()
    assert draft.answers["team"][0]["rpps"] == "123"
    assert "Vérifiez ce RPPS\u00a0: il compte d’ordinaire 11 chiffres." in client.get(address).text
