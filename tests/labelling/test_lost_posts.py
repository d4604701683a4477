"""What an agent posted after their session had ended waits for them; addresses that only receive forms lead somewhere."""

import pytest
from django.urls import reverse

from labelling.choices import ApplicationState as State
from labelling.models import CriterionAssessment, Note
from territories.choices import AuthorityKind
from territories.middleware import LOST_POST_MAX
from territories.services.accounts import LOST_POST
from tests import factories as make
from tests.plugins.signed_in import PortalClient

pytestmark = pytest.mark.django_db
REASON = "Le planning du mercredi manque."
WAITS = "Votre session avait pris fin"


@pytest.fixture(autouse=True)
def today(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: make.NOW)


@pytest.fixture
def ars():
    return make.mandate(AuthorityKind.ARS)


@pytest.fixture
def file(ars):
    return make.application(state=State.UNDER_REVIEW, ars_reviewer=ars)


@pytest.fixture
def criterion(file):
    """A criterion that the page would not open by itself."""
    return file.specification.criteria.filter(kind="criterion").order_by("position")[2]


def act(file, action="apprecier"):
    return reverse("application-act", args=[file.number, action])


def verdict(file, mandate, criterion, **fields):
    said = {"criterion": criterion.code, "verdict": "not_met", "reason": REASON}
    return {"mandate": mandate.pk, "version": file.version, **said, **fields}


# Kept ---------------------------------------------------------------------------------------------------------------


def test_a_verdict_posted_without_session_is_in_its_form_again(client, file, ars, criterion):
    lost = client.post(act(file), verdict(file, ars, criterion))
    assert lost.url == f"/connexion/?next={act(file)}"
    client.force_login(ars.user)
    page = client.get(act(file), follow=True)
    assert page.redirect_chain == [(file.get_absolute_url(), 302)]
    assert WAITS in page.text
    assert f'name="criterion" value="{criterion.code}"' in page.text
    assert f"{REASON}</textarea>" in page.text
    assert 'value="not_met" checked' in page.text
    assert f'<blockquote class="fr-ml-0 fr-mb-2w fs-text">{REASON}</blockquote>' in page.text
    assert not CriterionAssessment.objects.exists()


def test_it_waits_until_the_form_is_accepted(client, file, ars, criterion):
    client.post(act(file), verdict(file, ars, criterion))
    client.force_login(ars.user)
    refused = client.post(act(file), verdict(file, ars, criterion, verdict=""))
    assert refused.status_code == 422
    assert WAITS in client.get(file.get_absolute_url()).text
    client.post(act(file), verdict(file, ars, criterion))
    assert CriterionAssessment.objects.get().reason == REASON
    assert LOST_POST not in client.session
    assert WAITS not in client.get(file.get_absolute_url()).text


def test_another_criterion_asked_for_is_not_filled_with_it(client, file, ars, criterion):
    client.post(act(file), verdict(file, ars, criterion))
    client.force_login(ars.user)
    other = file.specification.criteria.filter(kind="criterion").order_by("position")[0]
    page = client.get(f"{file.get_absolute_url()}?critere={other.code}")
    assert f'name="criterion" value="{other.code}"' in page.text
    assert f"{REASON}</textarea>" not in page.text
    assert WAITS in page.text


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("note", [], "text"),
        ("thread", [], "text"),
        ("application-questions", [], "question"),
        ("disagreement-act", ["consigner"], "cr-text"),
        ("appeal-act", ["repondre"], "repondre-answer"),
    ],
)
def test_what_was_written_in_any_form_of_a_file_is_shown_on_its_page(client, file, ars, name, arguments, field):
    client.post(reverse(name, args=[file.number, *arguments]), {"mandate": ars.pk, field: "Appeler\nla <structure>."})
    client.force_login(ars.user)
    page = client.get(file.get_absolute_url())
    assert "Appeler<br>la &lt;structure&gt;.</blockquote>" in page.text
    assert not Note.objects.exists()


def test_it_is_shown_on_the_pages_of_its_file_only(client, file, ars):
    client.post(reverse("note", args=[file.number]), {"mandate": ars.pk, "text": "Appeler la structure."})
    client.force_login(ars.user)
    assert WAITS in client.get(reverse("thread", args=[file.number])).text
    assert WAITS not in client.get("/dossiers/").text


def test_its_author_sets_it_aside(client, file, ars, criterion):
    client.post(act(file), verdict(file, ars, criterion))
    client.force_login(ars.user)
    gone = client.post(reverse("lost-post-forget"), {"next": file.get_absolute_url()})
    assert gone.url == file.get_absolute_url()
    assert WAITS not in client.get(gone.url).text
    assert client.post(reverse("lost-post-forget"), {"next": "https://ailleurs.invalid/"}).url == reverse("account")


# For its author only ------------------------------------------------------------------------------------------------


def test_another_person_who_signs_in_erases_it(client, file, ars, criterion):
    client.post(act(file), verdict(file, ars, criterion))
    client.force_login(make.mandate(AuthorityKind.ARS, person=make.user("autre@ars.invalid")).user)
    page = client.get(file.get_absolute_url())
    assert page.status_code == 200
    assert REASON not in page.text
    assert LOST_POST not in client.session


def test_nobody_reads_it_before_the_second_factor(client, file, ars, criterion):
    client.post(act(file), verdict(file, ars, criterion))
    client.force_login(ars.user, verified=False)
    assert REASON not in client.get(file.get_absolute_url(), follow=True).text
    client.force_login(ars.user)
    assert REASON in client.get(file.get_absolute_url()).text


@pytest.mark.parametrize(
    "posted",
    [
        {"text": "Sans habilitation nommée."},
        {"mandate": "1", "interest": "none"},
        {"mandate": "1", "text": "un mot " * LOST_POST_MAX},
    ],
    ids=["no agent's form", "nothing written", "too long"],
)
def test_what_is_not_kept(client, file, posted):
    assert client.post(reverse("note", args=[file.number]), posted).status_code == 302
    assert LOST_POST not in client.session


# Addresses that only receive forms -----------------------------------------------------------------------------------


def test_opened_by_itself_an_address_of_a_form_leads_to_its_page(client, file, ars):
    client.force_login(ars.user)
    number = file.number
    for address, page in {
        act(file): "application",
        reverse("note", args=[number]): "application",
        reverse("interest", args=[number]): "application",
        reverse("thread-read", args=[number]): "thread",
        reverse("disagreement-act", args=[number, "consigner"]): "disagreement",
        reverse("appeal-act", args=[number, "repondre"]): "appeals",
    }.items():
        assert client.get(address).url == reverse(page, args=[number])
    assert client.get(reverse("label-act", args=["FS-98-0001", "clore"])).url == reverse("label", args=["FS-98-0001"])


def test_out_of_scope_it_leads_to_nothing(client, file):
    elsewhere = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Ailleurs", "R2"))
    client.force_login(elsewhere.user)
    assert client.get(act(file), follow=True).status_code == 404


# The page of a refused method ----------------------------------------------------------------------------------------


def test_a_refused_method_has_a_page(client, file, ars):
    client.force_login(ars.user)
    refused = client.put(act(file))
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD, POST")
    assert "Cette adresse ne s’ouvre pas" in refused.text
    assert f'href="{file.get_absolute_url()}">Ouvrir {file.number}</a>' in refused.text


def test_without_a_number_it_leads_home():
    refused = PortalClient().get(reverse("logout"))
    assert refused.status_code == 405
    assert "Revenir à l’accueil" in refused.text
    assert "Ouvrir" not in refused.text.partition("<main")[2].partition("</main>")[0]


def test_the_api_refuses_in_json(client):
    refused = client.post(reverse("api-datasets"))
    assert (refused.status_code, refused["Content-Type"]) == (405, "application/problem+json")
