"""The palette of services and the communities of a département: blank areas, keepers, history."""

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import CommunityActionKind, OfferingKind
from labelling.models import Community, CommunityAction, Offering
from labelling.services.communities import add_action, end_offering, palette, save_community, save_offering
from territories.choices import AuthorityKind, Role, Subject
from territories.models import CommuneVintage, Epci, Event
from tests import factories as make

NOW = timezone.now()
SERVICE = {"kind": "mobile", "name": "Bus du Verger", "provider": "Association d’essai", "website": ""}


def epci(number, place):
    row, _ = Epci.objects.get_or_create(
        code=f"20000000{number}",
        defaults={"name": f"CC d’essai {number}", "kind": "CC", "sort_key": f"cc d essai {number}"},
    )
    town = make.commune(f"{place.pk}00{number}", f"Essai {number}", place)
    CommuneVintage.objects.update_or_create(
        commune=town, year=2026, defaults={"departement": place, "epci": row, "population": 1000}
    )
    return row


@pytest.fixture
def place(db):
    return make.departement()


@pytest.fixture
def keeper(place):
    return make.mandate(AuthorityKind.PREFECTURE, on=place)


@pytest.fixture
def offering(place, keeper):
    return save_offering(
        offering=None, departement=place, fields=SERVICE, epcis=[epci(1, place)], mandate=keeper, version=0, at=NOW
    )


def test_blank_areas_are_counted(place, offering):
    epci(2, place)
    first, second = palette(place)
    assert [kind for kind in OfferingKind if kind not in first.blank] == [OfferingKind.MOBILE]
    assert len(second.blank) == len(OfferingKind)


def test_the_number_of_queries_does_not_depend_on_the_territory(place, keeper, offering):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            palette(place)
        return len(captured)

    before = queries()
    for number in range(2, 6):
        save_offering(
            offering=None,
            departement=place,
            fields={**SERVICE, "name": f"Bus {number}"},
            epcis=[epci(number, place)],
            mandate=keeper,
            version=0,
            at=NOW,
        )
    assert queries() == before


def test_a_service_is_corrected_then_ended_and_its_row_stays(place, keeper, offering):
    save_offering(
        offering=offering,
        departement=place,
        fields={**SERVICE, "name": "Bus du Lavoir"},
        epcis=[epci(2, place)],
        mandate=keeper,
        version=1,
        at=NOW,
    )
    offering.refresh_from_db()
    with pytest.raises(StaleError):
        end_offering(offering=offering, mandate=keeper, version=1, at=NOW)
    end_offering(offering=offering, mandate=keeper, version=2, at=NOW)
    with pytest.raises(RefusedError, match="déjà retiré"):
        end_offering(offering=offering, mandate=keeper, version=3, at=NOW)
    assert Offering.objects.get().name == "Bus du Lavoir"
    assert all(OfferingKind.MOBILE in row.blank for row in palette(place))
    actions = [event.action for event in Event.objects.about(Subject.OFFERING, offering.pk)]
    assert actions == ["add", "change", "end"]


@pytest.mark.parametrize("role", [Role.OBSERVER, Role.PARTNER])
def test_only_agents_of_the_territory_keep_it(place, role):
    outside = make.mandate(AuthorityKind.ARS, on=make.departement("97", "Ailleurs", "R2"))
    reader = make.mandate(AuthorityKind.COLLECTIVITE, role=role, on=place)
    for mandate in (outside, reader, make.mandate(AuthorityKind.NATIONAL)):
        with pytest.raises(RefusedError, match="sont tenues par"):
            save_offering(
                offering=None,
                departement=place,
                fields=SERVICE,
                epcis=[epci(1, place)],
                mandate=mandate,
                version=0,
                at=NOW,
            )
    assert not Offering.objects.exists()


def test_a_community_has_a_territory_members_and_actions(place, keeper):
    member = make.structure()
    fields = {"name": "Communauté du Verger (fictive)", "website": ""}
    known = {"departement": place, "epcis": [epci(1, place)], "members": [member], "mandate": keeper, "at": NOW}
    community = save_community(community=None, fields=fields, version=0, **known)
    with pytest.raises(RefusedError, match="porte déjà ce nom"):
        save_community(community=None, fields=fields, version=0, **known)
    add_action(
        community=community,
        kind=CommunityActionKind.PREVENTION,
        title="Nutrition",
        start=date(2026, 9, 1),
        end=None,
        mandate=keeper,
        at=NOW,
    )
    with pytest.raises(RefusedError, match="avant de commencer"):
        add_action(
            community=community,
            kind=CommunityActionKind.PREVENTION,
            title="Nutrition",
            start=date(2026, 9, 2),
            end=date(2026, 9, 1),
            mandate=keeper,
            at=NOW,
        )
    assert (Community.objects.count(), CommunityAction.objects.count()) == (1, 1)
    assert palette(place)[0].communities == [community]


@pytest.mark.parametrize(
    ("model", "name", "fields"),
    [
        (Offering, "offering_kind_known", {"kind": "x"}),
        (Offering, "offering_names_its_provider", {"provider": ""}),
        (CommunityAction, "community_action_kind_known", {"kind": "x"}),
    ],
)
def test_the_database_keeps_the_lists(place, keeper, offering, model, name, fields):
    community = Community.objects.create(name="Essai", sort_key="essai", departement=place)
    CommunityAction.objects.create(
        community=community, kind="prevention", title="Essai", period=make.DateRange(date(2026, 9, 1), None)
    )
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        model.objects.update(**fields)


def test_the_pages(client, place, keeper, offering):
    address = reverse("palette", args=[place.pk])
    public = client.get(address).text
    assert "Bus du Verger" in public
    assert "aucun service connu" in public
    assert "Ajouter un service" not in public
    client.force_login(keeper.user)
    assert "Ajouter un service" in client.get(address).text
    new = {**SERVICE, "kind": "ehealth", "name": "Conseil numérique", "epcis": ["200000001"], "mandate": keeper.pk}
    assert client.post(reverse("offering-new", args=[place.pk]), {**new, "epcis": []}).status_code == 422
    assert client.post(reverse("offering-new", args=[place.pk]), {**new, "mandate": 0}).status_code == 403
    assert "Conseil numérique" in client.post(reverse("offering-new", args=[place.pk]), new, follow=True).text
    edit = reverse("offering", args=[place.pk, offering.pk])
    assert "rouvrez-la" in client.post(edit, {**new, "version": 9}).text
    gone = client.post(edit, {"act": "end", "mandate": keeper.pk, "version": 1}, follow=True).text
    assert "est retiré de la palette" in gone
    community = {"name": "Communauté d’essai", "website": "", "epcis": ["200000001"], "mandate": keeper.pk}
    assert "Communauté d’essai" in client.post(reverse("community-new", args=[place.pk]), community, follow=True).text
    row = Community.objects.get()
    action = {"kind": "screening", "title": "Dépistage", "start": "2026-09-01", "end": "", "mandate": keeper.pk}
    shown = client.post(reverse("community-action", args=[place.pk, row.pk]), action, follow=True).text
    assert "Dépistage" in shown
