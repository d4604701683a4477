import pytest

from francesante.lib.text import readable, sort_key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Saint-Étienne", "saint etienne"),
        ("L'Haÿ-les-Roses", "l hay les roses"),
        ("L’Haÿ-les-Roses", "l hay les roses"),
        ("Œuilly", "oeuilly"),
        ("ŒUILLY", "oeuilly"),
        ("Lætitia", "laetitia"),
        ("E\u0301vry", "evry"),
        ("Faucigny - Glières (fictive)", "faucigny glieres fictive"),
        ("  Val’Aïgo\u00a0 ", "val aigo"),
        ("Ça_là", "ca la"),
        ("2A004", "2a004"),
        ("–", ""),
        ("", ""),
    ],
)
def test_sort_key(text, key):
    assert sort_key(text) == key
    assert sort_key(key) == key


def test_sort_key_gives_the_french_order_under_plain_comparison():
    names = ["zoe", "Émile", "Eva", "côté", "cote", "Abel", "éric", "L’Île", "Lille"]
    assert sorted(names, key=sort_key) == ["Abel", "côté", "cote", "Émile", "éric", "Eva", "L’Île", "Lille", "zoe"]


@pytest.mark.parametrize(
    ("register", "people"),
    [
        ("MSP DE L'ILE", "MSP de l’Ile"),
        ("MAISON DE SANTE PLURIPROFESSIONNELLE PAULINE MODELE", "Maison de santé pluriprofessionnelle Pauline Modele"),
        ("LA MAISON DE SANTÉ", "La maison de santé"),
        ("CH LOUIS XIV DE SAINT-FICTIF", "CH Louis XIV de Saint-Fictif"),
        ("43 R DE L'ISLE", "43 rue de l’Isle"),
        ("12 BIS AV DU 11 NOVEMBRE 1918", "12 Bis avenue du 11 Novembre 1918"),
        ("CPTS D'ICI", "CPTS d’Ici"),
        ("Maison de santé du Lavoir (fictive)", "Maison de santé du Lavoir (fictive)"),
        ("", ""),
    ],
)
def test_a_name_in_capitals_is_set_as_people_write_it(register, people):
    assert readable(register) == people
    assert readable(people) == people
