"""Whom the agents of a territory consult: the bodies, and the groups of experts that are asked in one click."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from francesante.lib.workflow import RefusedError
from labelling.models import ConsultedBody, ExpertGroup
from territories.choices import AuthorityKind, Role
from territories.models import Authority, Departement, Mandate, Region

CONSULTED_AUTHORITIES = (AuthorityKind.CAISSE, AuthorityKind.COLLECTIVITE)
"""Authorities of the portal that answer with a partner's mandate; the others instruct."""


def departements_kept(mandate: Mandate) -> QuerySet[Departement]:
    """Return the départements whose bodies and groups the agents of a mandate keep."""
    rows = Departement.objects.order_by("sort_key", "code")
    if mandate.departement_id:
        return rows.filter(pk=mandate.departement_id)
    return rows.filter(region=mandate.region_id) if mandate.region_id else rows


def bodies_kept(mandate: Mandate) -> QuerySet[ConsultedBody]:
    """Return the bodies consulted on the territory of a mandate."""
    codes = departements_kept(mandate)
    rows = ConsultedBody.objects.filter(retired_at__isnull=True).filter(
        Q(departement__in=codes) | Q(region__in=codes.values("region"))
    )
    return rows.select_related("departement", "region", "authority").order_by("kind", "name", "pk")


def groups_kept(mandate: Mandate) -> QuerySet[ExpertGroup]:
    """Return the groups of experts on the territory of a mandate, with their bodies."""
    rows = ExpertGroup.objects.filter(departement__in=departements_kept(mandate))
    return rows.select_related("departement").prefetch_related("bodies").order_by("departement", "name", "pk")


def authorities_to_consult(mandate: Mandate) -> QuerySet[Authority]:
    """Return the authorities of the portal, on the territory of a mandate, whose opinion may be asked."""
    codes = departements_kept(mandate)
    territory = Q(departement__in=codes) | Q(region__in=codes.values("region"))
    return Authority.objects.filter(territory, kind__in=CONSULTED_AUTHORITIES).order_by("name")


def add_body(
    *,
    kind: str,
    name: str,
    departement: Departement | None,
    region: Region | None,
    authority: Authority | None,
    email: str,
    mandate: Mandate,
    at: datetime,
) -> ConsultedBody:
    """Add a body to those consulted in a département, or in a région.

    Raises:
        RefusedError: the mandate does not keep this territory, or the body is there already.
    """
    _require_keeper(mandate, at=at)
    regions = departements_kept(mandate).values_list("region", flat=True)
    if departement is not None and not mandate.covers(departement):
        raise RefusedError(f"Votre habilitation ne couvre pas le département {departement}.")
    if region is not None and region.pk not in set(regions):
        raise RefusedError(f"Votre habilitation ne couvre pas la région {region}.")
    if authority is not None and not authorities_to_consult(mandate).filter(pk=authority.pk).exists():
        raise RefusedError("Cette autorité ne rend pas d’avis sur votre territoire.")
    try:
        with transaction.atomic():
            return ConsultedBody.objects.create(
                kind=kind,
                name=name.strip(),
                departement=departement,
                region=region,
                authority=authority,
                email=email.strip().lower(),
            )
    except IntegrityError as error:
        if "body_name_unique" in str(error):
            raise RefusedError(
                "Un organisme de ce nom est déjà consulté sur ce territoire. Rien n’a été ajouté."
            ) from error
        raise


@transaction.atomic
def retire_body(*, body: ConsultedBody, mandate: Mandate, at: datetime) -> None:
    """Stop consulting a body: requests already made go on, and groups no longer hold it.

    Raises:
        RefusedError: the mandate does not keep this body.
    """
    _require_keeper(mandate, at=at)
    if not bodies_kept(mandate).filter(pk=body.pk).exists():
        raise RefusedError("Cet organisme n’est plus consulté, ou n’est pas de votre territoire.")
    for group in ExpertGroup.objects.filter(bodies=body).order_by("pk"):
        group.bodies.remove(body)
    ConsultedBody.objects.filter(pk=body.pk).update(retired_at=at)


@transaction.atomic
def keep_group(
    *, name: str, departement: Departement, bodies: Iterable[ConsultedBody], mandate: Mandate, at: datetime
) -> ExpertGroup:
    """Make a group of experts of a département; a group of this name gets these bodies instead of its own.

    Raises:
        RefusedError: the mandate does not keep this territory, nobody is named, or a body serves another territory.
    """
    _require_keeper(mandate, at=at)
    if not mandate.covers(departement):
        raise RefusedError(f"Votre habilitation ne couvre pas le département {departement}.")
    members = {body.pk for body in bodies}
    if not members:
        raise RefusedError("Un groupe réunit au moins un organisme : choisissez-les, puis recommencez.")
    if members - {body.pk for body in ConsultedBody.objects.serving(departement)}:
        raise RefusedError("Un organisme choisi n’est pas consulté dans ce département. Rien n’a été enregistré.")
    group, _ = ExpertGroup.objects.get_or_create(name=name.strip(), departement=departement)
    group.bodies.set(members)
    return group


@transaction.atomic
def remove_group(*, group: ExpertGroup, mandate: Mandate, at: datetime) -> None:
    """Delete a group of experts: its bodies stay, and the requests made too.

    Raises:
        RefusedError: the mandate does not keep this territory.
    """
    _require_keeper(mandate, at=at)
    if not mandate.covers(group.departement):
        raise RefusedError(f"Votre habilitation ne couvre pas le département {group.departement}.")
    group.delete()


def _require_keeper(mandate: Mandate, *, at: datetime) -> None:
    if mandate.role != Role.AGENT or mandate.capacity is None or not mandate.is_active(at):
        raise RefusedError("La liste des organismes consultés est tenue par les agents de l’ARS et de la préfecture.")
