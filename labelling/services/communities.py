"""Communautés France Santé and the palette of services of a territory, kept by its agents; everybody reads them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Max

from francesante.lib.text import sort_key
from francesante.lib.workflow import RefusedError
from labelling.choices import OfferingKind
from labelling.models import Community, CommunityAction, Offering, Structure
from territories.choices import Role, Subject
from territories.models import CommuneVintage, Departement, Epci, Mandate
from territories.services.events import lock, record_event, write


@dataclass(frozen=True, slots=True)
class PaletteRow:
    """One EPCI of a département, and its services of each kind; none is a blank area."""

    epci: Epci
    services: list[tuple[OfferingKind, list[Offering]]]
    communities: list[Community]

    @property
    def blank(self) -> list[OfferingKind]:
        """Kinds that nobody is known to offer here."""
        return [kind for kind, offered in self.services if not offered]


def epcis_of(departement: Departement) -> list[Epci]:
    """Return the EPCI that have a commune in a département, in the order of their names; one may straddle several."""
    rows = CommuneVintage.objects.filter(departement=departement, epci__isnull=False)
    latest = rows.aggregate(year=Max("year"))["year"]
    return list(Epci.objects.filter(pk__in=rows.filter(year=latest).values("epci")).order_by("sort_key", "pk"))


def palette(departement: Departement) -> list[PaletteRow]:
    """Return the palette of a département, EPCI by EPCI, in a constant number of queries."""
    offered = (
        Offering.objects.offered().filter(departement=departement).prefetch_related("epcis").order_by("name", "pk")
    )
    communities = Community.objects.filter(departement=departement).prefetch_related("epcis").order_by("sort_key", "pk")
    by_place: dict[tuple[str, str], list[Offering]] = {}
    animated: dict[str, list[Community]] = {}
    for row in offered:
        for epci in row.epcis.all():
            by_place.setdefault((epci.pk, row.kind), []).append(row)
    for community in communities:
        for epci in community.epcis.all():
            animated.setdefault(epci.pk, []).append(community)
    return [
        PaletteRow(
            epci,
            [(kind, by_place.get((epci.pk, kind), [])) for kind in OfferingKind],
            animated.get(epci.pk, []),
        )
        for epci in epcis_of(departement)
    ]


@transaction.atomic
def save_offering(
    *,
    offering: Offering | None,
    departement: Departement,
    fields: Mapping[str, Any],
    epcis: Collection[Epci],
    mandate: Mandate,
    version: int,
    at: datetime,
) -> Offering:
    """Write a service of the palette: a new one, or one that is kept.

    ``fields`` are ``kind``, ``name``, ``provider`` and ``website``.

    Raises:
        RefusedError: the mandate does not keep this département's palette.
        StaleError: the service changed since ``version``.
    """
    _require_keeper(mandate, departement, at=at)
    if offering is None:
        row = Offering.objects.create(departement=departement, **fields)
    else:
        row = lock(offering)
        write(row, version=version, **fields)
    row.epcis.set(epcis)
    _record(row, Subject.OFFERING, "add" if offering is None else "change", mandate, at=at)
    return row


@transaction.atomic
def end_offering(*, offering: Offering, mandate: Mandate, version: int, at: datetime) -> Offering:
    """Take a service out of the palette; its row stays.

    Raises:
        RefusedError: already ended, or the mandate does not keep this département's palette.
        StaleError: the service changed since ``version``.
    """
    _require_keeper(mandate, offering.departement, at=at)
    row = lock(offering)
    if row.ended_at is not None:
        raise RefusedError("Ce service est déjà retiré de la palette.")
    write(row, version=version, ended_at=at)
    _record(row, Subject.OFFERING, "end", mandate, at=at)
    return row


def save_community(
    *,
    community: Community | None,
    departement: Departement,
    fields: Mapping[str, Any],
    epcis: Collection[Epci],
    members: Collection[Structure],
    mandate: Mandate,
    version: int,
    at: datetime,
) -> Community:
    """Write a community: its name, site, territory and member structures.

    Raises:
        RefusedError: the mandate does not keep this département, or the name is taken there.
        StaleError: the community changed since ``version``.
    """
    _require_keeper(mandate, departement, at=at)
    named = {**fields, "sort_key": sort_key(fields["name"])}
    try:
        with transaction.atomic():
            if community is None:
                row = Community.objects.create(departement=departement, **named)
            else:
                row = lock(community)
                write(row, version=version, **named)
            row.epcis.set(epcis)
            row.members.set(members)
            _record(row, Subject.COMMUNITY, "add" if community is None else "change", mandate, at=at)
    except IntegrityError as error:
        if "community_name_unique" in str(error):
            raise RefusedError("Une communauté de ce département porte déjà ce nom : complétez-la plutôt.") from error
        raise
    return row


@transaction.atomic
def add_action(
    *, community: Community, kind: str, title: str, start: date, end: date | None, mandate: Mandate, at: datetime
) -> CommunityAction:
    """Add an action of a community; ``end`` is its last day, nothing while it goes on.

    Raises:
        RefusedError: the mandate does not keep this département, or the action ends before it starts.
    """
    _require_keeper(mandate, community.departement, at=at)
    if end is not None and end < start:
        raise RefusedError("L’action se termine avant de commencer : vérifiez les deux dates. Rien n’a été enregistré.")
    row = lock(community)
    action = CommunityAction.objects.create(
        community=row, kind=kind, title=title.strip(), period=DateRange(start, end, "[]")
    )
    _record(row, Subject.COMMUNITY, "add_action", mandate, at=at, added=action.pk)
    return action


def may_keep(mandate: Mandate | None, departement: Departement) -> bool:
    """Tell whether a mandate keeps the palette and the communities of a département: what buttons ask."""
    return (
        mandate is not None
        and mandate.role == Role.AGENT
        and mandate.capacity is not None
        and mandate.covers(departement)
    )


def _require_keeper(mandate: Mandate, departement: Departement, *, at: datetime) -> None:
    if not may_keep(mandate, departement):
        raise RefusedError(
            f"La palette et les communautés de {departement} sont tenues par ses agents de l’ARS et de la préfecture. "
            "Rien n’a été enregistré."
        )
    if not mandate.is_active(at):
        raise RefusedError("Votre habilitation n’est pas en vigueur à ce jour : rien n’a été enregistré.")


def _record(
    row: Community | Offering, subject: Subject, action: str, mandate: Mandate, *, at: datetime, **data: Any
) -> None:
    record_event(subject_type=subject, subject_id=row.pk, action=action, actor=mandate, at=at, data=data)
