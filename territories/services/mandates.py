"""Mandates: which one a person acts with, and who may invite whom to act for an authority."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet

from francesante.lib.french import long_date
from francesante.lib.workflow import RefusedError
from territories.choices import CAPACITY_OF_AUTHORITY, AuthorityKind, Role, SigningAs, Subject
from territories.models import Authority, Departement, Invitation, Mandate
from territories.rules.signing import SigningRight
from territories.services.accounts import invite
from territories.services.events import lock, record_event

ACTING_MANDATE = "mandate"
"""Key of the session, and name of the hidden field of forms, that hold the acting mandate."""

INVITED_ROLES = (Role.AGENT, Role.PARTNER, Role.OBSERVER)


def why_ended(mandate: Mandate | None, *, signing: bool = False) -> str:
    """Return what to say of a form shown with a mandate that is no longer in force, ``None`` when it is not the reader's.

    ``signing``: the form was a signature.
    """
    ended = f"a pris fin le {long_date(day)}" if mandate and (day := mandate.last_day) else "n’est plus en vigueur"
    if mandate is not None and mandate.can_sign and signing:
        what = "Votre droit de signer" if mandate.signing_as == SigningAs.HOLDER else "Votre délégation de signature"
        return (
            f"{what} {ended}. La décision n’est pas signée. Une nouvelle délégation vaut à partir de sa publication ; "
            "l’administrateur de votre service peut l’enregistrer."
        )
    return (
        f"L’habilitation avec laquelle cette page a été ouverte {ended} : rien n’a été enregistré. L’administrateur de votre "
        "service peut en enregistrer une nouvelle."
    )


def may_invite(mandate: Mandate | None, *, at: datetime) -> bool:
    """Tell whether a mandate may open others: the national team, and the holder of an authority's signature."""
    return mandate is not None and mandate.is_active(at) and _may_open(mandate)


def _may_open(mandate: Mandate) -> bool:
    return mandate.role == Role.NATIONAL or mandate.signing_as == SigningAs.HOLDER


def authorities_to_invite_for(mandate: Mandate) -> QuerySet[Authority]:
    """Return the authorities for which a mandate may open others."""
    if mandate.role == Role.NATIONAL:
        return Authority.objects.select_related("region", "departement")
    return Authority.objects.filter(pk=mandate.authority_id).select_related("region", "departement")


def promised_mandate(
    *,
    mandate: Mandate,
    authority: Authority,
    role: Role,
    departement: Departement | None,
    start_date: date,
    end_date: date | None,
    at: datetime,
    signing: SigningRight | None = None,
) -> dict[str, Any]:
    """Return what an invitation promises: a mandate for an authority, on its territory or on one of its départements.

    The period runs from ``start_date`` to ``end_date``, excluded. The right to sign is promised by the national team alone,
    with its act and its publication.

    Raises:
        RefusedError: the mandate may not open this one.
    """
    if not may_invite(mandate, at=at) or not authorities_to_invite_for(mandate).filter(pk=authority.pk).exists():
        raise RefusedError(
            "Votre habilitation ne permet pas d’inviter pour cette autorité. Le titulaire de la signature de l’autorité ou "
            "l’équipe nationale peut le faire."
        )
    if (role == Role.NATIONAL) != (authority.kind == AuthorityKind.NATIONAL):
        raise RefusedError("Le pilotage national est le rôle de l’équipe nationale, et son seul rôle.")
    if role == Role.NATIONAL and mandate.role != Role.NATIONAL:
        raise RefusedError("Seule l’équipe nationale invite à un rôle national.")
    if role not in (*INVITED_ROLES, Role.NATIONAL):
        raise RefusedError("Choisissez un rôle de la liste.")
    if end_date is not None and end_date <= start_date:
        raise RefusedError("La fin de l’habilitation doit venir après son début.")
    departement = departement or authority.departement
    if departement is not None and (not mandate.covers(departement) or not _within(authority, departement)):
        raise RefusedError(f"Le département {departement} n’est pas dans le territoire de cette autorité.")
    if departement is None and mandate.departement_id:
        raise RefusedError("Votre habilitation ne couvre qu’un département : choisissez-le.")
    if signing is not None:
        _require_signing(mandate, authority, role, signing)
    return {
        "authority": authority.pk,
        "role": str(role),
        "region": authority.region_id,
        "departement": departement.pk if departement else None,
        "from": start_date.isoformat(),
        "until": end_date.isoformat() if end_date else None,
        "granted_by": mandate.pk,
        **({"signing": signing.fields()} if signing else {}),
    }


def _require_signing(mandate: Mandate, authority: Authority, role: Role, signing: SigningRight) -> None:
    if mandate.role != Role.NATIONAL:
        raise RefusedError("Le droit de signer s’enregistre par l’équipe nationale, avec l’acte et sa publication.")
    if role != Role.AGENT or AuthorityKind(authority.kind) not in CAPACITY_OF_AUTHORITY:
        raise RefusedError("Le droit de signer va avec un rôle d’instruction, dans une ARS ou une préfecture.")
    if signing.published_date < signing.act_date:
        raise RefusedError("L’acte qui donne le droit de signer est publié le jour où il est pris, ou après.")


def invite_agent(
    *,
    mandate: Mandate,
    email: str,
    authority: Authority,
    role: Role,
    departement: Departement | None,
    start_date: date,
    end_date: date | None,
    at: datetime,
) -> tuple[Invitation, str]:
    """Invite a person to act for an authority, without the right to sign; return the secret of the link.

    Raises:
        RefusedError: the mandate may not open this one.
    """
    promise = promised_mandate(
        mandate=mandate,
        authority=authority,
        role=role,
        departement=departement,
        start_date=start_date,
        end_date=end_date,
        at=at,
    )
    return invite(email=email, at=at, invited_by=mandate.user, mandate_fields=promise)


def _within(authority: Authority, departement: Departement) -> bool:
    if authority.departement_id:
        return authority.departement_id == departement.pk
    return authority.region_id is None or authority.region_id == departement.region_id


def record_administration(*, mandate: Mandate, administrator_id: int, changed: Sequence[str], at: datetime) -> None:
    """Record that a technical administrator opened a mandate, or changed its period or its right to sign.

    The caller saved the mandate in the same transaction.
    """
    lock(mandate)
    record_event(
        subject_type=Subject.MANDATE,
        subject_id=mandate.pk,
        action="administer",
        actor=None,
        at=at,
        data={"administrator": administrator_id, "changed": sorted(changed)},
    )


def signatories_beside(mandate: Mandate, *, on: date) -> QuerySet[Mandate]:
    """Return the rights to sign in force in the same authority, on a territory that meets this mandate's."""
    meeting = Q(region__isnull=True, departement__isnull=True)
    if mandate.departement is not None:
        meeting |= Q(departement=mandate.departement) | Q(region=mandate.departement.region_id)
    elif mandate.region_id:
        meeting |= Q(region=mandate.region_id) | Q(departement__region=mandate.region_id)
    else:
        meeting = Q()
    return (
        Mandate.objects.active(on)
        .filter(meeting, authority=mandate.authority_id, signing_published_date__lte=on, user__is_active=True)
        .exclude(signing_as="")
        .select_related("user", "region", "departement")
        .order_by("user__last_name", "pk")
    )
