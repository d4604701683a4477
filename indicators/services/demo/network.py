"""What surrounds the places of the demonstration: two services of the palette, a community, two requests for support."""

from datetime import timedelta

from django.db import transaction

from indicators.services.demo.files import STANDS_AT
from indicators.services.demo.people import Team, people_of_demo
from indicators.services.demo.scenario import HOME
from labelling.choices import CommunityActionKind, OfferingKind, SupportKind
from labelling.models import Label, Structure, SupportRequest
from labelling.services.communities import add_action, epcis_of, save_community, save_offering
from labelling.services.support import ask_support, write_support
from territories.choices import AuthorityKind
from territories.models import Departement

SERVICES = (
    (OfferingKind.MOBILE, "Bus de dépistage des Garrigues (fictif)", "Association Exemple"),
    (OfferingKind.EHEALTH, "Ateliers Mon espace santé (fictifs)", "Caisse d’essai"),
)


@transaction.atomic
def surround(departement: Departement, team: Team) -> None:
    """Give the département shown its palette, its community and its requests; already there, nothing is done."""
    if departement.pk != HOME or SupportRequest.objects.exists():
        return
    ars, prefecture = team.agents[AuthorityKind.ARS], team.agents[AuthorityKind.PREFECTURE]
    places = epcis_of(departement)
    for rank, (kind, name, provider) in enumerate(SERVICES):
        save_offering(
            offering=None,
            departement=departement,
            fields={"kind": kind, "name": name, "provider": provider, "website": ""},
            epcis=places[rank * 3 : rank * 3 + 5],
            mandate=prefecture,
            version=0,
            at=STANDS_AT - timedelta(days=40 - rank),
        )
    labelled = Label.objects.in_force(STANDS_AT.date()).published().filter(departement=departement)
    community = save_community(
        community=None,
        departement=departement,
        fields={"name": "Communauté France Santé des Trois Étangs (fictive)", "website": ""},
        epcis=places[:4],
        members=list(Structure.objects.filter(pk__in=labelled.values("structure"), fictional=True).order_by("pk")[:4]),
        mandate=ars,
        version=0,
        at=STANDS_AT - timedelta(days=30),
    )
    add_action(
        community=community,
        kind=CommunityActionKind.SCREENING,
        title="Journées de dépistage dans les villages",
        start=(STANDS_AT - timedelta(days=20)).date(),
        end=None,
        mandate=ars,
        at=STANDS_AT - timedelta(days=25),
    )
    _support(departement, team)


def _support(departement: Departement, team: Team) -> None:
    ars, prefecture = team.agents[AuthorityKind.ARS], team.agents[AuthorityKind.PREFECTURE]
    answered = ask_support(
        departement=departement,
        kind=SupportKind.FUNDING,
        title="Cofinancer les travaux d’une maison de santé",
        text="La commune cherche un plan de financement : quels dispositifs se cumulent, et dans quel ordre les demander ?",
        mandate=prefecture,
        at=STANDS_AT - timedelta(days=16),
    )
    write_support(
        request=answered,
        text="Un modèle de plan de financement vous est proposé ; nous l’adaptons avec vous quand vous voulez.",
        mandate=people_of_demo().national,
        version=answered.version,
        at=STANDS_AT - timedelta(days=12),
    )
    ask_support(
        departement=departement,
        kind=SupportKind.SITING,
        title="Tournée d’un médicobus au nord du département",
        text="Trois communes sont à plus de 30 minutes d’un lieu. Où faire passer la tournée, et à quel rythme ?",
        mandate=ars,
        at=STANDS_AT - timedelta(days=9),
    )
