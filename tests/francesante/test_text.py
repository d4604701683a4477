import pytest

from francesante.lib.text import sort_key


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
