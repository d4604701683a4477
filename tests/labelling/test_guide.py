"""Help: a page by role, whose badges are those of the rule book, every one of them."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from labelling.rules.legend import READERS, legend
from labelling.views.guide import ROLES
from territories.choices import AuthorityKind, Role
from tests import factories as make


def _labels_of_the_rule_book():
    tree = ast.parse((Path(settings.BASE_DIR) / "labelling/rules/badges.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Badge"]
    return {call.args[1].value for call in calls if isinstance(call.args[1], ast.Constant)}


def test_every_badge_is_explained_to_somebody():
    explained = {one.label for reader in READERS for one in legend(reader)}
    # A draft is no badge for an agent, who never sees one; labelled and refused are said from variables.
    assert _labels_of_the_rule_book() | {"Labellisé", "Refusé"} == explained


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_its_page(client, role):
    page = client.get(reverse("help-role", args=[role])).text
    assert "Ce que disent les états" in page
    for one in legend(ROLES[role][1]):
        assert one.label in page
        assert one.next_step in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "fields", "role"),
    [
        (AuthorityKind.ARS, {}, "instruction"),
        (AuthorityKind.PREFECTURE, {"signs": True}, "signature"),
        (AuthorityKind.COLLECTIVITE, {"role": Role.PARTNER}, "avis"),
        (AuthorityKind.CAISSE, {"role": Role.OBSERVER}, "lecture"),
        (AuthorityKind.NATIONAL, {}, "national"),
    ],
)
def test_the_help_of_the_header_is_that_of_the_reader(client, kind, fields, role):
    client.force_login(make.mandate(kind, **fields).user)
    page = client.get(reverse("help"))
    assert page.context["role"] == role
    assert f'href="{reverse("help")}"' in page.text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "reader",
    [
        make.membership,
        lambda: make.mandate(AuthorityKind.ARS),
        lambda: make.mandate(AuthorityKind.PREFECTURE, signs=True),
        lambda: make.mandate(AuthorityKind.CAISSE, role=Role.OBSERVER),
        lambda: make.mandate(AuthorityKind.COLLECTIVITE, role=Role.PARTNER),
        lambda: make.mandate(AuthorityKind.NATIONAL),
    ],
    ids=["structure", "agent", "signatory", "observer", "partner", "national"],
)
def test_the_links_of_every_page_open_for_who_reads_them(client, reader):
    client.force_login(reader().user)
    pages = [client.get(reverse("help-role", args=[role])).text for role in ROLES]
    links = {
        link
        for page in pages
        for link in re.findall(r'href="(/[^"#]*)"', page.partition("<main")[2].partition("</main")[0])
    }
    assert {link: status for link in links if (status := client.get(link, follow=True).status_code) != 200} == {}


@pytest.mark.django_db
def test_a_structure_has_its_help_in_the_navigation_and_an_unknown_role_is_404(client):
    client.force_login(make.membership().user)
    page = client.get(reverse("help"))
    assert (page.context["role"], page.text.count(f'href="{reverse("help")}"')) == ("structure", 1)
    assert client.get("/aide/inconnu/").status_code == 404
