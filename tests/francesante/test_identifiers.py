"""Form and key of FINESS, SIRET and RPPS numbers."""

import pytest

from francesante.lib.identifiers import clean_finess, clean_siret, finess_key_holds, rpps_warning


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("010000024", "010000024"),
        ("010 000 024", "010000024"),
        ("010.000.024", "010000024"),
        ("01\u00a0000\u202f0024", "010000024"),
        ("970102018", "970102018"),
        ("2a0000014", "2A0000014"),
        ("2B0000099", "2B0000099"),
    ],
)
def test_a_finess_is_read_with_its_spaces_and_in_corsica(text, number):
    assert clean_finess(text) == number


@pytest.mark.parametrize("text", ["", "01000002", "0100000244", "2C0000014", "A10000024", "O10000024", "01000002A"])
def test_what_has_not_the_form_of_a_finess(text):
    with pytest.raises(ValueError, match="n’est pas un numéro FINESS : il en faut 9 chiffres"):
        clean_finess(text)


@pytest.mark.parametrize("text", ["010000025", "100000024", "970102081"])
def test_a_finess_with_a_wrong_key_is_refused(text):
    assert not finess_key_holds(text)
    with pytest.raises(ValueError, match="erreur de frappe : sa clé de contrôle ne correspond pas"):
        clean_finess(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("356 000 000 00048", "35600000000048"),
        # La Poste: the sum of the digits is a multiple of five, the key of Luhn does not hold.
        ("35600000049837", "35600000049837"),
        ("26010004500012", "26010004500012"),
        ("260100045\u00a000012", "26010004500012"),
    ],
)
def test_a_siret_is_read_with_the_exception_of_la_poste(text, number):
    assert clean_siret(text) == number


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "n’est pas un SIRET valable"),
        ("2601000450001", "n’est pas un SIRET valable"),
        ("2601000450001A", "n’est pas un SIRET valable"),
        ("26010004500013", "contient une erreur de frappe"),
        ("35600000049838", "contient une erreur de frappe"),
    ],
)
def test_a_siret_with_a_wrong_form_or_key_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        clean_siret(text)


@pytest.mark.parametrize("text", ["", "  ", "99700218896", "997 0021 8896", "899700218896"])
def test_a_rpps_that_holds_or_is_absent_is_not_spoken_of(text):
    assert rpps_warning(text) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("99700218897", "clé de contrôle"),
        ("899700218897", "clé"),
        ("123", "11 chiffres"),
        ("9970021889A", "11 chiffres"),
    ],
)
def test_a_rpps_that_looks_wrong_only_warns(text, words):
    assert words in rpps_warning(text)
