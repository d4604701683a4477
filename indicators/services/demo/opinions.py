"""The opinions of the demonstration: whom one département consults, and what was asked on its first files in hand."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from indicators.services.demo.files import STANDS_AT
from indicators.services.demo.people import Team
from labelling.choices import ApplicationState, BodyKind, OpinionPart, OpinionSense
from labelling.models import Application, ConsultedBody, Opinion
from labelling.rules.clock import local_day
from labelling.services.consulted import add_body, keep_group
from labelling.services.opinions import QUESTION, ask_opinions, default_due, give_opinion
from territories.choices import AuthorityKind, Role, Subject
from territories.models import Departement, Event, Mandate

GROUP = "Comité départemental (fictif)"


@transaction.atomic
def ask_demo_opinions(departement: Departement, team: Team) -> None:
    """Ask opinions in the département whose caisse has a correspondent; asked already, nothing is done."""
    partner = Mandate.objects.filter(role=Role.PARTNER, departement=departement).select_related("authority").first()
    if partner is None or ConsultedBody.objects.exists():
        return
    ars = team.agents[AuthorityKind.ARS]
    caisse, urps, ordre = _bodies(departement, partner, ars)
    files = Application.objects.filter(departement=departement, state=ApplicationState.UNDER_REVIEW)
    first, second, *_ = [
        *files.select_related("departement", "structure").order_by("submitted_at", "pk")[:2],
        None,
        None,
    ]
    if first is not None:
        asked = _ask(first, ars, [caisse, urps, ordre], _after(first), days=4)
        give_opinion(
            opinion=asked[0],
            rank=0,
            sense=OpinionSense.FAVOURABLE,
            text="Les horaires déclarés concordent avec l’activité facturée (avis inventé).",
            confidential=False,
            mandate=partner,
            at=_after(first, timedelta(days=2)),
        )
    if second is not None:
        _ask(second, ars, [caisse], max(_after(second), STANDS_AT - timedelta(days=1)), days=0)


def _bodies(departement: Departement, partner: Mandate, ars: Mandate) -> list[ConsultedBody]:
    place: dict[str, Any] = {
        "departement": departement,
        "region": None,
        "mandate": ars,
        "at": STANDS_AT - timedelta(days=90),
    }
    name = partner.authority.name
    caisse = add_body(
        kind=BodyKind.CAISSE, name=f"la {name[:1].lower()}{name[1:]}", authority=partner.authority, email="", **place
    )
    urps = add_body(
        kind=BodyKind.URPS, name="l’URPS médecins (fictive)", authority=None, email="urps@avis.invalid", **place
    )
    ordre = add_body(
        kind=BodyKind.ORDRE, name="l’ordre des infirmiers (fictif)", authority=None, email="ordre@avis.invalid", **place
    )
    keep_group(
        name=GROUP,
        departement=departement,
        bodies=[caisse, urps, ordre],
        mandate=ars,
        at=STANDS_AT - timedelta(days=90),
    )
    return [caisse, urps, ordre]


def _after(application: Application, delay: timedelta = timedelta(hours=3)) -> datetime:
    """Return a moment after the last act on a file, not later than what the demonstration shows."""
    last = Event.objects.about(Subject.APPLICATION, application.pk).last()
    since = last.at if last else STANDS_AT
    return max(since, min(since + delay, STANDS_AT - timedelta(minutes=20)))


def _ask(
    application: Application, mandate: Mandate, bodies: list[ConsultedBody], at: datetime, *, days: int
) -> list[Opinion]:
    usual = default_due(application.departement, at=at)
    short = local_day(at, application.departement.timezone) + timedelta(days=days)
    return ask_opinions(
        application=application,
        bodies=bodies,
        question=QUESTION,
        parts=OpinionPart.values,
        due_date=short if days else usual,
        mandate=mandate,
        at=at,
    )
