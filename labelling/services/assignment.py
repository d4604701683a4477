"""Who instructs a file, for each of the two authorities: entrusted by an agent to a colleague of the same authority.

Who left, or whose mandate has ended, no longer holds a file: it is to be entrusted again.
"""

from collections.abc import Set as AbstractSet
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from francesante.lib.workflow import RefusedError, StaleError, allows, check
from labelling.models import Application
from labelling.models.applications import REVIEWERS
from labelling.services.interests import stood_aside
from labelling.services.reviews import require_reviewer
from labelling.workflow import TRANSITIONS
from territories.choices import Capacity, Role, Subject
from territories.models import Departement, Mandate
from territories.services.events import lock, perform


def reviewer(application: Application, capacity: Capacity, *, on: date) -> Mandate | None:
    """Return who instructs a file for an authority on a day; needs both reviewers selected with their ``user``."""
    held: Mandate | None = getattr(application, REVIEWERS[capacity])
    return held if held is not None and on in held.valid and held.user.is_active else None


def in_hand(capacity: Capacity | None, *, on: date, of: int | str | None = None) -> Q:
    """Return the filter of the files that somebody, or the person ``of``, instructs on a day for an authority.

    Without authority (the national team): for either.
    """
    if capacity is None:
        return in_hand(Capacity.ARS, on=on, of=of) | in_hand(Capacity.PREFET, on=on, of=of)
    field = REVIEWERS[capacity]
    held = Q(**{f"{field}__valid__contains": on, f"{field}__user__is_active": True})
    return held if of is None else held & Q(**{f"{field}__user": of})


def in_nobodys_hands(capacity: Capacity | None, *, on: date) -> Q:
    """Return the filter of the files that nobody instructs on a day for an authority; without authority, for neither."""
    if capacity is None:
        return in_nobodys_hands(Capacity.ARS, on=on) & in_nobodys_hands(Capacity.PREFET, on=on)
    field = REVIEWERS[capacity]
    left = ~Q(**{f"{field}__valid__contains": on}) | Q(**{f"{field}__user__is_active": False})
    return Q(**{f"{field}__isnull": True}) | left


def colleagues_of(mandate: Mandate, departement: Departement | None = None) -> QuerySet[Mandate]:
    """Return the mandates of instruction of the same authority, the own one included, in the order of names.

    With a département, only those that cover it.
    """
    rows = Mandate.objects.active(timezone.localdate()).filter(
        authority=mandate.authority_id, role=Role.AGENT, user__is_active=True
    )
    if departement is not None:
        rows = rows.filter(
            Q(departement=departement.pk)
            | Q(departement__isnull=True, region=departement.region_id)
            | Q(departement__isnull=True, region__isnull=True)
        )
    return rows.select_related("user", "authority", "region", "departement").order_by(
        "user__last_name", "user__first_name", "pk"
    )


def colleagues_for(application: Application, mandate: Mandate) -> list[Mandate]:
    """Return the colleagues to whom a reviewer may entrust a file; nobody when the rule book lets no file move."""
    if not allows(TRANSITIONS, "assign", state=application.state, hat=mandate.hat, row=application):
        return []
    return list(colleagues_of(mandate, application.departement))


def colleague(mandate: Mandate, pk: int) -> Mandate:
    """Return a colleague of the same authority, by the key that a form posts.

    Raises:
        RefusedError: nobody there has it.
    """
    found = colleagues_of(mandate).filter(pk=pk).first()
    if found is None:
        raise RefusedError("Choisissez un agent de votre autorité. Rien n’a été enregistré.")
    return found


@transaction.atomic
def assign(*, application: Application, mandate: Mandate, to: Mandate, version: int, at: datetime) -> Application:
    """Entrust a file to a colleague, or take it oneself; neither its state nor who instructs it elsewhere moves.

    Raises:
        RefusedError: the mandate may not instruct, the file is decided, or the colleague may not instruct it.
        StaleError: the file changed since ``version``.
    """
    capacity = require_reviewer(application, mandate, at=at)
    current = lock(application)
    if current.version != version:
        raise StaleError
    check_assign(current, mandate, to, aside=stood_aside(to), at=at)
    perform(
        application,
        "assign",
        table=TRANSITIONS,
        subject_type=Subject.APPLICATION,
        actor=mandate,
        at=at,
        version=version,
        data={"to": to.pk},
        **{REVIEWERS[capacity]: to},
    )
    return application


def check_assign(
    application: Application, mandate: Mandate, to: Mandate, *, aside: AbstractSet[int], at: datetime
) -> None:
    """Ask if a reviewer may entrust this file to a colleague: the act does, under its lock; a selection, beforehand.

    ``aside`` holds the structures from which the colleague stands aside.

    Raises:
        RefusedError: why not.
    """
    check(TRANSITIONS, "assign", state=application.state, hat=mandate.hat, row=application)
    if to.authority_id != mandate.authority_id or to.role != Role.AGENT:
        raise RefusedError("Un dossier se confie à un agent d’instruction de votre autorité.")
    if not to.user.is_active or not to.is_active(at) or not to.covers(application.departement):
        raise RefusedError(
            f"{to.user.full_name} n’a pas, à ce jour, d’habilitation d’instruction pour {application.departement}. "
            "Choisissez un autre agent."
        )
    if application.structure_id in aside:
        raise RefusedError(f"{to.user.full_name} s’est déporté de cette structure : choisissez un autre agent.")
    holder = reviewer(application, to.capacity, on=timezone.localdate(at)) if to.capacity else None
    if holder is not None and holder.user_id == to.user_id:
        raise RefusedError(f"{to.user.full_name} instruit déjà ce dossier.")
