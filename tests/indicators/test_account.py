"""The home of a signed-in person, by role, through HTTP."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from francesante.lib.french import long_date
from labelling.choices import ApplicationState as State
from labelling.choices import MembershipRole
from labelling.services.claims import start_claim
from labelling.services.digest import digest_of
from territories.choices import AuthorityKind, NotificationChannel, Role
from territories.models import Notification
from tests import factories as make
from tests.indicators.worlds import label

pytestmark = pytest.mark.django_db
ACCOUNT = "/compte/"


@pytest.fixture
def here(now):
    return make.departement("99", "Valfictie")


def place(on, number=1):
    return make.structure(make.register_line(make.commune(f"{on.code}{number:03d}", in_=on)))


def home(client, person):
    client.force_login(person)
    response = client.get(ACCOUNT)
    assert response.status_code == 200
    return response


def primary_buttons(html):
    return html.count('class="fr-btn"')


def test_nobody_is_sent_to_sign_in(client):
    assert client.get(ACCOUNT)["Location"].startswith("/connexion/")


def test_a_person_without_a_structure_is_told_how_to_find_theirs(client, here):
    html = home(client, make.user()).content.decode()
    assert reverse("claim-search") in html
    assert primary_buttons(html) == 1


def test_a_claim_that_waits_is_told_to_both_sides(client, here):
    line = make.register_line(make.commune("99001", in_=here))
    person, agent = make.user(), make.mandate(AuthorityKind.PREFECTURE, on=here)
    assert "Accès à confirmer" not in home(client, agent.user).content.decode()
    start_claim(user=person, line=line, without_code=True, at=timezone.now())
    html = home(client, person).content.decode()
    assert "Votre demande d’accès attend une confirmation" in html
    assert primary_buttons(html) == 0
    html = home(client, agent.user).content.decode()
    assert f'<a href="{reverse("claims")}">Accès à confirmer&nbsp;: 1</a>' in html
    elsewhere = make.mandate(AuthorityKind.PREFECTURE, on=make.departement("97", "Ailleurs", region="R2"))
    assert "Accès à confirmer" not in home(client, elsewhere.user).content.decode()


def test_who_no_longer_acts_for_an_authority_is_told_so(client, here):
    yesterday = timezone.localdate() - timedelta(days=1)
    mandate = make.mandate(AuthorityKind.PREFECTURE, on=here, valid=(date(2025, 10, 1), timezone.localdate()))
    html = home(client, mandate.user).content.decode()
    assert "Votre habilitation a pris fin" in html
    assert f"jusqu’au {long_date(yesterday)}" in html
    assert reverse("claim-search") not in html
    assert primary_buttons(html) == 0


def test_a_structure_sees_its_task_its_file_and_its_people(client, here):
    structure = place(here)
    owner = make.membership(structure)
    editor = make.membership(structure, role=MembershipRole.EDITOR)
    draft = make.application(structure)
    make.authority(AuthorityKind.ARS, here)
    make.authority(AuthorityKind.PREFECTURE, here)
    response = home(client, owner.user)
    html = response.content.decode()
    assert response.context["tasks"] == [
        (f"Terminer et déposer la candidature de {structure.name}", draft.get_absolute_url())
    ]
    assert "Brouillon" in html
    assert editor.user.full_name in html
    assert "Préfecture de Valfictie" in html
    assert reverse("structure-access", args=[structure.pk]) in html
    assert primary_buttons(html) == 1


def test_a_structure_without_a_file_is_invited_to_apply(client, here):
    response = home(client, make.membership(place(here)).user)
    assert response.context["tasks"][0][1] == reverse("applications")


def test_a_structure_reads_nothing_of_its_decision_before_the_notification(client, here):
    structure = place(here)
    owner = make.membership(structure)
    granted = label(here, place=structure, notified=False)
    before = home(client, owner.user).content.decode()
    assert granted.number not in before
    assert "Labellisé" not in before
    notification = Notification.objects.create(
        decision=granted.decision,
        recipient=owner.user,
        channel=NotificationChannel.PORTAL,
        sent_at=make.NOW - timedelta(days=1),
    )
    available = home(client, owner.user)
    assert available.context["tasks"][0][1] == reverse("decision-letter", args=[granted.application.number])
    assert "Labellisé" not in available.content.decode()
    notification.notified_at = granted.notified_at = make.NOW
    notification.save()
    granted.save()
    after = home(client, owner.user).content.decode()
    assert granted.number in after
    assert "Labellisé" in after


def test_a_structure_sees_nothing_of_another(client, here):
    other = make.application(place(here, 2))
    html = home(client, make.membership(place(here)).user).content.decode()
    assert other.number not in html
    assert other.structure.name not in html


def test_an_agent_sees_what_waits_for_the_authority_and_the_most_urgent_files(client, here):
    files = [
        make.application(place(here, number), state=State.SUBMITTED, silence_date=date(2026, 12, number))
        for number in range(1, 11)
    ]
    make.application(place(here, 11), state=State.UNDER_REVIEW, silence_date=date(2026, 11, 30))
    make.quota(here, floor=10, target=15, used=2)
    response = home(client, make.mandate(AuthorityKind.ARS, on=here).user)
    html = response.content.decode()
    assert response.context["waiting_for_us"] == 11, "each once, though seven are to begin and due soon"
    assert "11 dossiers" in html
    assert "10 à commencer" in html
    assert "8 à échéance sous 15\u00a0j" in html
    assert "Un dossier peut y figurer à plusieurs titres." in html
    assert len(response.context["rows"]) == 8
    assert response.context["rows"][0].application.silence_date == date(2026, 11, 30)
    assert response.context["rows"][1].application == files[0]
    (strip,) = response.context["strips"]
    assert (strip["quota"].used, strip["in_progress"]) == (2, 11)
    listed = client.get(
        f"{reverse('applications')}?vue=tous&vague={strip['quota'].wave.number}&dep={here.pk}&etat=instruction"
    )
    assert listed.context["page"].paginator.count == strip["in_progress"]
    assert f'etat=instruction">{strip["in_progress"]}</a>' in html
    assert "Attestations en retard&nbsp;: 0" in html
    assert primary_buttons(html) == 1


def test_the_page_and_the_morning_mail_count_the_same(client, here):
    now = timezone.now()
    for number, state in enumerate([State.SUBMITTED, State.UNDER_REVIEW, State.DISAGREEMENT, State.ABANDONED], start=1):
        make.application(place(here, number), state=state, silence_date=now.date() + timedelta(days=20 * number))
    ars = make.mandate(AuthorityKind.ARS, on=here)
    response = home(client, ars.user)
    (section,) = digest_of(ars.user, at=now)
    assert response.context["waiting_for_us"] == section.files == 2
    told = [(link["label"], link["count"]) for link in response.context["ours"]]
    assert told == [(label, count) for label, count, _ in section.views] == [("À commencer", 1), ("Désaccord", 1)]
    assert "1 en désaccord" in response.content.decode()


def test_every_count_is_the_length_of_its_list(client, here):
    for number, state in enumerate([State.SUBMITTED, State.SUBMITTED, State.UNDER_REVIEW], start=1):
        make.application(place(here, number), state=state, silence_date=date(2026, 12, 1))
    response = home(client, make.mandate(AuthorityKind.PREFECTURE, on=here).user)
    links = [
        *response.context["ours"],
        *response.context["elsewhere"],
        response.context["soon"],
        response.context["mine"],
    ]
    assert sum(link["count"] for link in links) > 0
    for link in links:
        assert client.get(link["url"]).context["page"].paginator.count == link["count"], link["label"]


def test_a_signatory_starts_with_the_parapheur(client, here):
    html = home(client, make.mandate(AuthorityKind.PREFECTURE, on=here, signs=True).user).content.decode()
    assert "Aucune décision n’attend votre signature" in html
    assert html.index("Parapheur</h2>") < html.index("Dossiers</h2>")


def test_an_observer_reads_without_being_told_to_act(client, here):
    make.application(place(here), state=State.SUBMITTED)
    response = home(client, make.mandate(AuthorityKind.CAISSE, on=here, role=Role.OBSERVER).user)
    assert response.context["ours"] == []
    assert "attendent" not in response.content.decode()
    assert len(response.context["rows"]) == 1


def test_the_national_team_is_led_to_steering(client, here):
    make.quota(here, floor=10, target=15)
    html = home(client, make.mandate(AuthorityKind.NATIONAL).user).content.decode()
    assert "Ouvrir le pilotage" in html
    assert "1 département</a> est sous le plancher" in html
    assert primary_buttons(html) == 1


def test_another_region_is_not_shown(client, here):
    elsewhere = make.departement("97", "Ébauche", region="R2")
    hidden = make.application(place(elsewhere), state=State.SUBMITTED)
    html = home(client, make.mandate(AuthorityKind.ARS, on=here).user).content.decode()
    assert hidden.structure.name not in html
