"""Who takes an act, as the act and its letter name them."""

import pytest

from labelling.rules.authors import authors, signatories

NAMES = {"ars": "ARS Occitanie", "prefet": "Préfecture de l’Hérault"}


@pytest.mark.parametrize(
    ("capacities", "names", "line"),
    [
        (["prefet", "ars"], NAMES, "Le directeur général de l’ARS Occitanie et le préfet de l’Hérault,"),
        (["prefet"], NAMES, "Le préfet de l’Hérault,"),
        (
            ["ars"],
            {"ars": "Agence régionale de santé Fictive"},
            "Le directeur général de l’agence régionale de santé Fictive,",
        ),
        (["prefet"], {"prefet": "Préfecture des Alpes-Maritimes"}, "Le préfet des Alpes-Maritimes,"),
        (["ars", "prefet"], {}, "Le directeur général de l’ARS et le préfet,"),
    ],
)
def test_the_line_of_an_act_names_those_who_sign_it(capacities, names, line):
    assert authors(capacities, names) == line


def test_a_letter_names_the_authorities_of_a_content():
    rows = [{"capacity": capacity, "name": name} for capacity, name in NAMES.items()]
    assert signatories(rows) == "L’ARS Occitanie et le préfet de l’Hérault"
    assert signatories(rows[1:]) == "Le préfet de l’Hérault"
    assert signatories([]) == "L’ARS et la préfecture"
