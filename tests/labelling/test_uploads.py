"""What a sent file really is: each kind recognised by opening it, each refusal with its sentence."""

from datetime import date

import pytest

from francesante.lib.identifiers import holds_nir
from francesante.lib.workflow import RefusedError
from labelling.choices import EvidenceType
from labelling.rules.uploads import TO_PDF, Limits, age_in_words, display_name, examine
from tests import samples

LIMITS = Limits(max_bytes=20 * 1024 * 1024, max_pages=100)
WHAT_TO_SEND = "Envoyez un PDF, un JPEG ou un PNG de 20 Mo au plus."


def refusal(name, content, limits=LIMITS):
    with pytest.raises(RefusedError) as caught:
        examine(name, content, limits)
    return str(caught.value).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("planning.pdf", samples.pdf(), EvidenceType.PDF),
        ("deux pages.PDF", samples.pdf("une", "deux"), EvidenceType.PDF),
        ("marque.pdf", b"\xef\xbb\xbf\n" + samples.pdf(), EvidenceType.PDF),
        ("horaires.jpg", samples.image(), EvidenceType.JPEG),
        ("horaires.jpeg", samples.image(size=(3000, 2000)), EvidenceType.JPEG),
        ("affiche.png", samples.image("PNG"), EvidenceType.PNG),
        # The name does not decide: a photograph named .pdf is a photograph.
        ("photo.pdf", samples.image(), EvidenceType.JPEG),
        ("sans-extension", samples.pdf(), EvidenceType.PDF),
        ("lien.pdf", samples.pdf_with_action("/URI", URI="https://exemple.invalid/"), EvidenceType.PDF),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_kept(name, content, kind):
    assert examine(name, content, LIMITS) == kind


def test_a_zip_named_pdf_says_what_it_is():
    assert refusal("planning.pdf", samples.archive()) == (
        f"« planning.pdf » n’est pas un PDF : c’est une archive ZIP renommée. Il n’a pas été enregistré. {WHAT_TO_SEND}"
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("p.pdf", samples.archive("word/document.xml"), "n’est pas un PDF : c’est un document Word renommé."),
        ("p.docx", samples.archive("word/document.xml"), "ne peut pas être ajouté : c’est un document Word."),
        ("p.xlsx", samples.archive("xl/workbook.xml"), "ne peut pas être ajouté : c’est un classeur Excel."),
        ("p.jpg", b"MZ\x90\0\x03", "n’est pas un JPEG : c’est un programme renommé."),
        ("p.png", b"#!/bin/sh\n", "n’est pas un PNG : c’est un programme renommé."),
        ("p.pdf", b"<!DOCTYPE html><html></html>", "n’est pas un PDF : c’est une page web renommée."),
        ("p.pdf", b"<html>%PDF-1.7", "n’est pas un PDF : c’est une page web renommée."),
        ("p.png", b"<svg xmlns='x'/>", "n’est pas un PNG : c’est une image SVG renommée."),
        ("p.pdf", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "n’est pas un PDF : c’est un ancien document Word ou Excel"),
        ("IMG.heic", b"\0\0\0\x18ftypheic\0\0\0\0", "ne peut pas être ajouté : c’est une photo HEIC (iPhone)."),
        ("f.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0", "ne peut pas être ajouté : c’est une vidéo."),
        ("p.gif", b"GIF89a", "ne peut pas être ajouté : c’est une image GIF."),
        ("p.pdf", b"bonjour", "n’est pas un PDF : c’est un texte renommé."),
        ("p.pdf", b"\1\2\0\3\4", "n’est pas un PDF : c’est un fichier que le portail ne reconnaît pas."),
    ],
)
def test_what_people_send_instead_is_named(name, content, said):
    sentence = refusal(name, content)
    assert said in sentence
    how = f"{TO_PDF} " if "Word" in said or "Excel" in said else ""
    assert sentence.endswith(f"Il n’a pas été enregistré. {how}{WHAT_TO_SEND}")


def test_empty_and_too_large():
    assert refusal("vide.pdf", b"").startswith("« vide.pdf » est vide : il n’a pas été enregistré.")
    small = Limits(max_bytes=1024 * 1024, max_pages=2)
    assert refusal("gros.pdf", b"%PDF-" + bytes(1024 * 1024), small).startswith("« gros.pdf » dépasse 1 Mo")
    assert "a 3 pages : il n’a pas été enregistré. Envoyez les pages utiles, 2 au plus." in refusal(
        "long.pdf", samples.pdf("a", "b", "c"), small
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("coupe.pdf", samples.pdf()[:200]),
        ("faux.pdf", b"%PDF-1.7\nrien"),
        ("coupe.jpg", samples.image(size=(800, 600))[:400]),
        ("faux.jpg", b"\xff\xd8\xff\xe0" + bytes(50)),
        ("coupe.png", samples.image("PNG", (800, 600))[:100]),
        ("abime.png", samples.image("PNG").replace(b"IDAT", b"IDAX", 1)),
    ],
)
def test_what_does_not_open_is_refused(name, content):
    assert "ne s’ouvre pas : il est abîmé ou incomplet" in refusal(name, content)


def test_an_image_that_would_fill_the_memory_is_refused():
    assert "millions de points" in refusal("immense.png", samples.image("PNG", (20000, 6000)))


@pytest.mark.parametrize("password", ["secret", ""])
def test_an_encrypted_pdf_is_refused(password):
    sentence = refusal("ferme.pdf", samples.encrypted_pdf(password))
    assert "est protégé par un mot de passe ou par des restrictions" in sentence
    assert "Imprimez-le en PDF" in sentence


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (samples.pdf_with_action("/JavaScript", JS="app.alert(1)"), "contient un programme (JavaScript)"),
        (samples.pdf_with_action("/Launch", F="cmd.exe"), "ouvre un autre programme"),
        (samples.pdf_with_action("/SubmitForm", F="https://exemple.invalid"), "envoie des données ailleurs"),
        (samples.pdf_with_attachment(), "contient d’autres fichiers"),
    ],
    ids=["javascript", "launch", "submit", "attachment"],
)
def test_a_pdf_that_does_something_is_refused(content, said):
    sentence = refusal("actif.pdf", content)
    assert f"« actif.pdf » {said} : il n’a pas été enregistré." in sentence


def test_a_social_security_number_is_told_with_its_page():
    assert refusal("liste.pdf", samples.pdf("Bonjour", f"Mme Exemplaire, {samples.NIR}")) == (
        "Ce document semble contenir un numéro de sécurité sociale (page 2). Le portail n’accepte aucune donnée de patient ; le "
        "fichier n’a pas été conservé. Masquez ces données, puis renvoyez-le."
    )
    assert "(page 1)" in refusal("formulaire.pdf", samples.pdf_form(samples.NIR.replace(" ", "")))


@pytest.mark.parametrize(
    "line",
    [
        "IDFRAEXEMPLE<<<<<<<<<<<<<<<<<<<<951067",
        "IDFRAX0X00X00X4<<<<<<<<<<<<<<<",
        "P<FRAEXEMPLE<<PRUNE<<<<<<<<<<<<<<<<<<<<<<<<<",
        "P<D<<EXEMPLE<<PRUNE<<<<<<<<<<<<<<<<<<<<<<<<<",
        "P < F R A E X E M P L E < < P R U N E < < < < < < < < < < < <",
    ],
)
def test_an_identity_paper_is_told_with_its_page(line):
    assert refusal("dossier.pdf", samples.pdf("Bonjour", line)) == (
        "Ce document semble contenir une pièce d’identité (page 2). Elle n’est ni nécessaire ni acceptée ; le fichier n’a pas été "
        "conservé. Retirez cette page, puis renvoyez-le."
    )


@pytest.mark.parametrize(
    "line", ["PLANNING DES MEDECINS << NOVEMBRE 2026 >> A AFFICHER", "IDFRA", "if x << 2", "PRESENCES<<<"]
)
def test_other_lines_are_no_identity_paper(line):
    assert examine("planning.pdf", samples.pdf(line), LIMITS) == EvidenceType.PDF


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("295109912611193", True),
        ("N° : 2 95 10 99 126 111 93.", True),
        ("2 9 5 1 0 9 9 1 2 6 1 1 1 9 3", True),
        ("2\u00a095\u00a010\u00a099\u00a0126\u00a0111\u00a093", True),
        ("2 53 07 2B 073 004 70", True),
        ("295109912611199", False),  # a wrong key
        ("2951099126111", False),  # no key
        ("FR7630004000031234567890143", False),
        ("SIRET 210 001 234 00015, FINESS 010000024, tél. 01 99 00 00 00", False),
        ("1 200 300 450 12 15 20 45 30", False),
    ],
)
def test_a_nir_is_known_by_its_form_and_its_key(text, held):
    assert holds_nir(text) is held


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("planning.pdf", "planning.pdf"),
        (r"C:\Documents\planning.pdf", "planning.pdf"),
        ("../../etc/passwd", "passwd"),
        ("a\nb\0.pdf", "ab.pdf"),
        ("é" * 300 + ".pdf", "é" * 146 + ".pdf"),
        ("", "fichier sans nom"),
    ],
)
def test_a_name_is_only_shown(sent, shown):
    assert display_name(sent) == shown


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 22), "aujourd’hui"),
        (date(2026, 11, 21), "hier"),
        (date(2026, 11, 12), "il y a 10 jours"),
        (date(2026, 9, 23), "il y a 60 jours"),
        (date(2026, 9, 22), "il y a 2 mois"),
        (date(2025, 11, 22), "il y a 12 mois"),
        (date(2023, 12, 1), "il y a 2 ans"),
    ],
)
def test_an_age_is_told_as_people_do(day, said):
    assert age_in_words(day, date(2026, 11, 22)).replace("\u00a0", " ") == said
