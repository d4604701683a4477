"""A task of a draft in a browser: kept as it is typed, and nothing lost with a connection or a session."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from labelling.services.applications import start_application
from tests import factories as make

pytestmark = pytest.mark.browser


@pytest.fixture
def owner(committed_db):
    make.specification()
    return make.membership()


@pytest.fixture
def hours(owner, page):
    """The task of opening hours of a draft, with its owner signed in."""
    draft = start_application(membership=owner, at=timezone.now())
    page.goto(reverse("application-step", args=[draft.number, "horaires"]))
    sign_in(page, owner)
    page.wait_for_load_state("networkidle")
    page.draft = draft
    return page


def sign_in(page, owner):
    page.get_by_label("Adresse électronique").fill(owner.user.email)
    page.get_by_label("Mot de passe").fill(make.PASSWORD)
    page.locator("main").get_by_role("button", name="Se connecter", exact=True).click()


def open_on_monday(page, start):
    page.locator("[name=mon_0_end]").fill("12h")
    page.locator("[name=mon_0_start]").fill(start)


def monday(draft):
    draft.refresh_from_db()
    return draft.answers["hours"].get("mon")


def test_what_is_typed_is_kept_and_a_pressed_button_waits_for_it(hours):
    open_on_monday(hours, "8h15")
    expect(hours.locator("#enregistrement")).to_contain_text("Enregistré le")
    assert monday(hours.draft) == [["08:15", "12:00"]]
    hours.locator("[name=mon_0_start]").fill("8h20")
    hours.locator("form.fs-step").get_by_role("button", name="Enregistrer et continuer").last.click()
    expect(hours).to_have_url(re.compile("equipe"))
    assert monday(hours.draft) == [["08:20", "12:00"]]
    hours.go_back()
    expect(hours.locator("#non-enregistre")).to_be_empty()


def test_what_a_button_changes_is_kept_too(hours):
    open_on_monday(hours, "8h15")
    expect(hours.locator("#enregistrement")).to_contain_text("Enregistré le")
    hours.locator("label[for=id_sat_closed]").click()
    hours.locator("[name=sat_0_start]").fill("9h")
    hours.locator("[name=sat_0_end]").fill("12h")
    expect(hours.locator("#id_sat_closed")).not_to_be_checked()
    hours.get_by_role("button", name="Recopier du mardi au vendredi").first.click()
    expect(hours.locator("main")).to_contain_text("Horaires du lundi recopiés")
    expect(hours.locator("[data-until-kept]")).to_have_count(0)
    hours.get_by_role("link", name="Revenir à la liste des tâches").click()
    expect(hours).not_to_have_url(re.compile("horaires"))
    hours.draft.refresh_from_db()
    assert hours.draft.answers["hours"]["fri"] == [["08:15", "12:00"]]
    assert hours.draft.answers["hours"]["sat"] == [["09:00", "12:00"]]


def test_a_lost_connection_loses_nothing(hours):
    hours.context.set_offline(True)
    open_on_monday(hours, "8h30")
    expect(hours.locator("#non-enregistre")).to_contain_text("Connexion perdue")
    hours.context.set_offline(False)
    expect(hours.locator("#enregistrement")).to_contain_text("Enregistré le")
    expect(hours.locator("#non-enregistre")).to_be_empty()
    assert monday(hours.draft) == [["08:30", "12:00"]]
    hours.console_errors.clear()


def test_a_lost_session_is_found_again(hours, owner):
    Session.objects.all().delete()
    hours.context.clear_cookies(name="sessionid")
    open_on_monday(hours, "8h45")
    hours.locator("#non-enregistre").get_by_role("link", name="Reconnectez-vous").click()
    assert monday(hours.draft) is None
    sign_in(hours, owner)
    expect(hours.locator("main")).to_contain_text("enregistré à")
    assert monday(hours.draft) == [["08:45", "12:00"]]
    assert hours.evaluate("Object.keys(sessionStorage).filter(key => key.startsWith('saisie:'))") == []
    hours.console_errors.clear()


def test_a_question_appears_with_the_answer_that_asks_it(hours):
    stops = hours.get_by_role("button", name="Ajouter un passage")
    expect(stops).to_be_hidden()
    hours.get_by_text("Oui", exact=True).click()
    expect(stops).to_be_visible()
    hours.goto(hours.url.replace("horaires", "equipe"))
    hours.get_by_role("button", name="Ajouter un professionnel").click()
    minutes = hours.get_by_label("Trajet en minutes, si à proximité")
    expect(minutes).to_be_hidden()
    hours.get_by_label("Profession").select_option("nurse")
    hours.get_by_text("À proximité", exact=True).click()
    expect(minutes).to_be_visible()
    expect(hours.get_by_label("Secteur, pour un médecin")).to_be_hidden()


def test_a_lost_session_is_found_again_by_the_button_too(hours, owner):
    Session.objects.all().delete()
    hours.context.clear_cookies(name="sessionid")
    open_on_monday(hours, "8h50")
    hours.locator("form.fs-step").get_by_role("button", name="Enregistrer et continuer").last.click()
    expect(hours.locator("main")).to_contain_text("Ce que vous avez écrit est gardé")
    sign_in(hours, owner)
    expect(hours.locator("[name=mon_0_start]")).to_have_value(re.compile("8h50|08:50"))
    hours.console_errors.clear()
