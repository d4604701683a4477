"""The thread, through the browser: from a structure without account to the label on the map and the edition that counts it.

Every page on the way is checked by axe, and its console must stay silent. With ``SCREENSHOTS=folder``, each is kept.
"""

import os
import re
from datetime import date
from pathlib import Path

import pytest
from django.core import mail
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import expect

from funding.models import BudgetLine, Envelope, Grant
from funding.tasks import deliver_mail as deliver_funding_mail
from indicators.models import Observation
from indicators.services.editions import compute_edition
from labelling.models import Application, Label
from labelling.tasks import deliver_mail, render_documents
from territories.choices import AuthorityKind, Subject
from territories.models import Commune, Departement, Event
from territories.services.events import broken_link
from tests import factories as make

pytestmark = pytest.mark.browser
CODE = re.compile(r"(\d{3})[\s\u00a0](\d{3})")


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, browser, server, axe, user=None):
        self.context = browser.new_context(
            base_url=server.url,
            locale="fr-FR",
            timezone_id="Europe/Paris",
            reduced_motion="reduce",
            viewport={"width": 1280, "height": 900},
        )
        self.page = self.context.new_page()
        self.axe = axe
        self.user = user
        self.errors = []
        self.page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def sign_in(self):
        page = self.page
        page.goto("/connexion/")
        page.get_by_label("Adresse électronique").fill(self.user.email)
        page.get_by_label("Mot de passe").fill(make.PASSWORD)
        self.press("Se connecter", within=page.locator("main"))
        if "/connexion/code/" in page.url:
            self.type_code()
            self.press("Continuer")
        return self

    def type_code(self):
        """Type the code of now; the test forgets that the same code served a moment ago."""
        device = TOTPDevice.objects.get(user=self.user)
        TOTPDevice.objects.filter(pk=device.pk).update(last_t=-1)
        self.page.get_by_label("Code de sécurité").fill(f"{totp(device.bin_key, device.step, device.t0):06d}")

    def press(self, name, within=None):
        (within or self.page.locator("main")).get_by_role("button", name=name, exact=True).first.click()

    def follow(self, name):
        self.page.locator("main").get_by_role("link", name=name).first.click()

    def look(self, name):
        """Check the page as it stands, and keep its image when asked to."""
        assert self.axe(self.page) == [], f"{name}, {self.page.url}"
        assert self.errors == [], f"{name}, {self.page.url}"
        if folder := os.environ.get("SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            for width in (1280, 390):
                self.page.set_viewport_size({"width": width, "height": 900})
                self.page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
            self.page.set_viewport_size({"width": 1280, "height": 900})

    def says(self, text):
        """Wait for a text: the page that a press leads to may not be there yet."""
        words = re.compile(r"\s+".join(map(re.escape, text.split())))
        expect(self.page.locator("main")).to_contain_text(words)


@pytest.fixture
def hall(reference_rows, committed_db):
    """Hérault: its authorities, an open wave, an envelope, and a place of care in the register."""
    place = Departement.objects.get(code="34")
    for kind in (AuthorityKind.ARS, AuthorityKind.PREFECTURE):
        make.authority(kind, place)
    agents = {
        "ars": make.mandate(AuthorityKind.ARS, on=place),
        "préfecture": make.mandate(AuthorityKind.PREFECTURE, on=place),
        "dg": make.mandate(AuthorityKind.ARS, on=place, signs=True),
        "préfète": make.mandate(AuthorityKind.PREFECTURE, on=place, signs=True),
        "national": make.mandate(AuthorityKind.NATIONAL),
    }
    for mandate in agents.values():
        TOTPDevice.objects.create(user=mandate.user, name="essai", confirmed=True)
    today = timezone.localdate()
    make.wave(period=make.DateRange(today.replace(day=1), date(today.year + 1, 12, 31)))
    make.quota(place)
    Envelope.objects.create(
        line=BudgetLine.objects.get(code="fir"), year=today.year, departement=place, ceiling=100_000
    )
    line = make.register_line(Commune.objects.get(code="34172"))
    return agents, line


@pytest.mark.asks_interest
def test_the_thread(hall, live_server, chromium, axe_violations):
    agents, line = hall

    everybody = []

    def person(user=None):
        everybody.append(Person(chromium, live_server, axe_violations, user))
        return everybody[-1]

    structure = person()
    application = _applies(structure, line)
    people = {name: person(mandate.user) for name, mandate in agents.items()}
    _is_reviewed(people["ars"].sign_in(), people["préfecture"].sign_in(), application)
    for name in ("dg", "préfète"):
        _signs(people[name].sign_in(), name)
    render_documents()
    deliver_mail()
    label = _is_notified(structure, application)
    _is_public(person(), label)
    _is_funded(people["ars"], people["dg"], structure, label)
    _is_counted(people["national"].sign_in(), label)
    actions = list(Event.objects.about(Subject.APPLICATION, application.pk).values_list("action", flat=True))
    assert actions == ["start", "submit", "take_up", *["assess"] * 5, "share", "endorse", "propose", "grant"]
    assert broken_link(Subject.APPLICATION, application.pk) is None
    assert broken_link(Subject.DECISION, label.decision_id) is None
    for somebody in everybody:
        somebody.context.close()


def _applies(me, line):
    page = me.page
    page.goto("/")
    me.look("accueil")
    page.goto("/candidater/?type=msp")
    me.look("candidater")
    page.goto("/candidater/compte/")
    page.get_by_label("Adresse électronique professionnelle").fill("flore.maquette@structure.invalid")
    page.get_by_label("Civilité").select_option(index=1)
    page.get_by_label("Prénom").fill("Flore")
    page.get_by_label("Nom", exact=True).fill("Maquette")
    page.get_by_label("Mot de passe", exact=False).first.fill(make.PASSWORD)
    page.locator("main form button[type=submit]").click()
    me.look("compte-demande")
    link = re.search(r"http\S+/candidater/compte/\S+", mail.outbox[-1].body)
    page.goto(link[0][link[0].index("/candidater") :])
    page.get_by_label("Mot de passe choisi à l’inscription").fill(make.PASSWORD)
    page.locator("main form button[type=submit]").click()
    # The register knows the place: a code goes to its address.
    page.goto("/candidater/structure/")
    page.get_by_label("Numéro FINESS, SIRET ou nom de la structure").fill(line.number)
    me.press("Chercher")
    me.look("registre")
    me.follow(line.name)
    me.look("revendiquer")
    me.press("Recevoir le code")
    assert mail.outbox[-1].to == [line.email]
    page.get_by_label("Code reçu par courriel").fill("".join(CODE.search(mail.outbox[-1].body).groups()))
    me.press("Confirmer")
    if "/dossiers/FS-" not in page.url:
        page.goto("/dossiers/")
        me.look("mes-dossiers")
        page.locator("main").get_by_role("button", name=re.compile("candidature", re.IGNORECASE)).first.click()
    application = Application.objects.get(structure__finess=line.number)
    page.goto(application.get_absolute_url())
    me.look("taches")
    _answers(me, application)
    me.says("Constats automatiques")
    me.look("relire")
    page.locator("label[for=consent]").click()
    me.press("Déposer ma candidature")
    me.look("depose")
    deliver_mail()
    receipt = [message for message in mail.outbox if message.to == ["flore.maquette@structure.invalid"]][-1]
    assert application.number in receipt.subject + receipt.body
    pdf = me.context.request.get(f"{application.get_absolute_url()}accuse.pdf")
    assert pdf.body().startswith(b"%PDF")
    application.refresh_from_db()
    assert application.state == "submitted"
    assert application.silence_date is not None
    return application


def _answers(me, application):
    page, root = me.page, application.get_absolute_url()
    page.goto(f"{root}identite/")
    me.says("FINESS")
    page.get_by_text("C’est exact", exact=True).click()
    page.get_by_label("Prénom et nom").fill("Dr Flore Maquette")
    page.get_by_label("Adresse électronique professionnelle").fill("flore.maquette@structure.invalid")
    me.look("etape-identite")
    me.press("Enregistrer et continuer", page.locator("main .fr-btns-group"))
    # Four days first: the machine says so, and why.
    page.get_by_label("Lundi matin, ouverture").fill("8h30")
    page.get_by_label("Lundi matin, fermeture").fill("1230")
    page.get_by_label("Lundi après-midi, ouverture").fill("13:30")
    page.get_by_label("Lundi après-midi, fermeture").fill("18:30")
    me.press("Recopier du mardi au vendredi")
    page.locator("label", has_text=re.compile("Fermé.*vendredi")).first.click()
    page.locator("#constat").get_by_text("4\u00a0jours").first.wait_for()
    me.look("etape-horaires")
    page.locator("label", has_text=re.compile("Fermé.*vendredi")).first.click()
    me.press("Enregistrer et continuer", page.locator("main .fr-btns-group"))
    for row, profession in enumerate(["doctor", "nurse"]):
        me.press("Ajouter un professionnel")
        fields = page.locator("fieldset.fs-row").nth(row)
        fields.get_by_label("Profession").select_option(profession)
        if profession == "doctor":
            fields.get_by_label(re.compile("Secteur")).select_option("1")
        fields.get_by_text("Sur place", exact=True).click()
        for half in range(0, 6, 2):
            page.locator(f"label[for=id_m{row}_h{half}]").click()
    me.look("etape-equipe")
    me.press("Enregistrer et continuer", page.locator("main .fr-btns-group"))
    page.locator("label[for=id_overrun_1]").click()
    page.locator("label[for=id_third_party_0]").click()
    me.look("etape-tarifs")
    me.press("Enregistrer et continuer", page.locator("main .fr-btns-group"))
    page.locator("label[for=id_pdsa_1]").click()
    page.locator("label[for=id_sas_0]").click()
    me.look("etape-permanence")
    me.press("Enregistrer et continuer", page.locator("main .fr-btns-group"))
    page.locator("label[for=id_appointment_48h]").click()
    page.locator("label[for=id_support]").click()
    me.look("etape-engagements")
    me.press("Enregistrer et continuer", page.locator("main .fr-btns-group"))


def _is_reviewed(ars, prefecture, application):
    page = ars.page
    ars.look("ars-accueil")
    page.goto("/dossiers/")
    ars.says(application.number)
    ars.look("ars-dossiers")
    page.goto(application.get_absolute_url())
    # Asked once per structure, before any act.
    ars.look("ars-interet")
    ars.press("Je n’ai aucun lien d’intérêt avec cette structure")
    ars.press("Prendre en charge")
    ars.look("ars-dossier")
    # The préfecture reads nothing of the assessment before it is shared.
    for position in range(5):
        page.locator("label[for=id_verdict_0]").click()
        if position == 0:
            page.get_by_label("Motif").fill("Un médecin généraliste reçoit trois demi-journées.")
        ars.press("Enregistrer, critère suivant")
    prefecture.page.goto(application.get_absolute_url())
    prefecture.press("Je n’ai aucun lien d’intérêt avec cette structure")
    assert "Un médecin généraliste reçoit" not in prefecture.page.content()
    page.locator("main").get_by_role("button", name=re.compile("^Partager")).click()
    ars.look("ars-partage")
    prefecture.page.goto(application.get_absolute_url())
    assert "Un médecin généraliste reçoit" in prefecture.page.content()
    prefecture.look("prefecture-dossier")
    prefecture.page.locator(".fs-filebar__action").get_by_role("button").click()
    page.goto(application.get_absolute_url())
    ars.look("ars-projet")
    page.locator(".fs-filebar__action").get_by_role("button", name=re.compile("signature")).click()
    application.refresh_from_db()
    assert application.state == "awaiting_signatures"


def _signs(me, name):
    page = me.page
    page.goto("/compte/parapheur/")
    me.look(f"parapheur-{name}")
    page.locator("main").get_by_role("link", name=re.compile("Lire|Maison de santé")).first.click()
    me.look(f"decision-{name}")
    me.type_code()
    me.press("Signer")
    me.says("signé")


def _is_notified(me, application):
    application.refresh_from_db()
    label = Label.objects.get(application=application)
    assert label.notified_at is None
    # Nobody learns from the map, nor from the mail.
    assert me.context.request.get(f"/lieux/{label.number}/").status == 404
    announced = [message for message in mail.outbox if "flore.maquette@structure.invalid" in message.to][-1]
    assert "accord" not in announced.subject + announced.body
    page = me.page
    page.goto(application.get_absolute_url())
    me.look("decision-a-lire")
    page.goto(f"{application.get_absolute_url()}decision/")
    me.press("Lire la décision")
    me.look("decision-lue")
    pdf = me.context.request.get(f"{application.get_absolute_url()}decision.pdf")
    assert pdf.body().startswith(b"%PDF")
    label.refresh_from_db()
    assert label.notified_at is not None
    page.goto("/compte/")
    me.look("mon-espace")
    return label


def _is_public(visitor, label):
    page = visitor.page
    page.goto("/lieux/?q=Montpellier")
    visitor.says(label.structure.name)
    visitor.look("lieux")
    page.goto(f"/lieux/{label.number}/")
    visitor.says("Labellisé France Santé")
    visitor.look("lieu")
    for address, name in {
        "/": "accueil-carte",
        "/territoires/": "territoires",
        "/territoires/34/": "portrait",
        "/indicateurs/": "indicateurs",
        "/donnees/": "donnees",
        "/donnees/structures-labellisees/": "jeu-de-donnees",
        "/cahier-des-charges/": "cahier-des-charges",
        "/accessibilite/": "accessibilite",
    }.items():
        page.goto(address)
        visitor.look(name)
    records = visitor.context.request.get("/api/v1/datasets/structures-labellisees/records/").json()
    assert [row["code_label"] for row in records["results"]] == [label.number]
    export = visitor.context.request.get("/api/v1/datasets/structures-labellisees/exports/csv").text()
    assert export.count("\n") == 2
    assert label.number in export


def _is_funded(ars, dg, structure, label):
    page = ars.page
    page.goto("/financements/")
    ars.look("financements")
    page.goto(f"/financements/labels/{label.number}/attribuer/")
    page.get_by_label("Enveloppe").select_option(index=1)
    page.get_by_label("Montant").fill("150 000")
    page.get_by_label("Objet").fill("Secrétariat et coordination")
    ars.press("Proposer l’attribution")
    ars.says("150 000,00 €")
    # The refusal itself: the browser writes its status (422) in the console.
    ars.errors.clear()
    ars.look("enveloppe-insuffisante")
    page.goto(f"/financements/labels/{label.number}/attribuer/")
    page.get_by_label("Enveloppe").select_option(index=1)
    page.get_by_label("Montant").fill("50 000")
    page.get_by_label("Objet").fill("Secrétariat et coordination")
    ars.press("Proposer l’attribution")
    ars.look("attribution")
    ars.press("Présenter à la signature")
    dg.page.goto("/compte/parapheur/")
    dg.page.locator("main").get_by_role("link", name=re.compile("Lire|Maison de santé")).first.click()
    dg.type_code()
    dg.press("Signer")
    grant = Grant.objects.get(label=label, state="committed")
    grant.envelope.refresh_from_db()
    assert (grant.envelope.reserved, grant.envelope.committed) == (0, 50_000)
    deliver_funding_mail()
    structure.page.goto("/financements/")
    structure.says("50 000")
    structure.look("structure-financements")


def _is_counted(national, label):
    national.page.goto("/pilotage/")
    national.look("pilotage")
    national.page.goto("/pilotage/34/")
    national.look("pilotage-departement")
    today = timezone.localdate()
    quarter = f"{today.year}T{(today.month + 2) // 3}"
    edition = compute_edition(quarter=quarter, at=timezone.now()).edition
    counted = Observation.objects.filter(edition=edition, level="departement", value=1).values_list(
        "territory", flat=True
    )
    assert set(counted) == {label.departement_id}
