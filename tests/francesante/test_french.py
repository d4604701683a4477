"""French in pages: hours of opening, authorities with their article."""

import pytest

from francesante.lib.french import opening_hours, with_article


def test_opening_hours_are_those_of_people():
    said = opening_hours([("08:30", "12:00"), ("14:00", "18:05")])
    assert said.replace("\u00a0", " ") == "8 h 30 – 12 h, 14 h – 18 h 05"
    assert opening_hours([]) == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ARS Occitanie", "l’ARS Occitanie"),
        ("Préfecture de l’Hérault", "la préfecture de l’Hérault"),
        ("Équipe nationale France Santé", "l’équipe nationale France Santé"),
        ("Conseil départemental de l’Aude", "le conseil départemental de l’Aude"),
        ("Caisse primaire d’assurance maladie du Gard", "la caisse primaire d’assurance maladie du Gard"),
        ("Autre organisme", "Autre organisme"),
    ],
)
def test_an_authority_takes_its_article(name, said):
    assert with_article(name) == said
