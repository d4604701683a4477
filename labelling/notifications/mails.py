"""What every mail is made of: its template, its addressees, the addresses of its pages."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from labelling.models import (
    Application,
    Claim,
    Membership,
)
from labelling.rules.clock import local_day
from territories.choices import CAPACITY_OF_AUTHORITY, Capacity, DecisionKind
from territories.models import Authority, Decision, Event, Mandate, User
from territories.services.mails import compose as text_of

LABEL_DECISIONS = (DecisionKind.LABEL_GRANTED, DecisionKind.LABEL_REFUSED)
LABEL_ACTS: Mapping[str, str] = {
    DecisionKind.LABEL_ABROGATED: "label-ending",
    DecisionKind.LABEL_WITHDRAWN: "label-ending",
    DecisionKind.LABEL_SUSPENDED: "label-suspension",
    DecisionKind.LABEL_REINSTATED: "label-lifting",
}
"""Acts on a label, and the page of each."""
ANSWERS = (DecisionKind.APPEAL_REJECTED, DecisionKind.APPEAL_ACCEPTED)

Messages = Mapping[tuple[str, str], Callable[[Event], list[EmailMessage]]]
"""The mails that each act on each subject calls for."""


def compose(name: str, subject: str, to: list[str], context: Mapping[str, Any]) -> EmailMessage:
    """Return a mail made of its text, with the address of the portal."""
    said, body = text_of(f"labelling/{name}", subject, {**context, "portal": settings.PUBLIC_URL})
    return EmailMessage(f"France Santé – {said}", body, to=to)


def to_services(
    name: str, subject: str, authorities: Iterable[Authority], context: Mapping[str, Any]
) -> list[EmailMessage]:
    """Return one mail by authority that has an address."""
    return [compose(name, subject, [row.email], {**context, "authority": row}) for row in authorities if row.email]


def address_of(name: str, *args: Any) -> str:
    """Return the whole address of a page."""
    return f"{settings.PUBLIC_URL}{reverse(name, args=args)}"


def file_of(event: Event) -> Application:
    """Return the file that an event is about."""
    return Application.objects.select_related("structure__commune", "departement__region", "specification").get(
        pk=event.subject_id
    )


def about_file(application: Application) -> dict[str, Any]:
    """Return what the mails about a file say of it."""
    received = application.submitted_at
    return {
        "application": application,
        "structure": application.structure,
        "received_on": local_day(received, application.departement.timezone) if received else None,
        "url": address_of("application", application.number),
    }


def people_of(application: Application) -> list[User]:
    """Return the people who act for the structure of a file."""
    rows = Membership.objects.filter(
        structure=application.structure_id, ended_at__isnull=True, user__is_active=True
    ).select_related("user")
    return [row.user for row in rows.order_by("pk")]


def label_decision_of(event: Event, kinds: Iterable[str] = LABEL_DECISIONS) -> Decision | None:
    """Return the decision that an event is about when it is of these kinds, else nothing."""
    return Decision.objects.filter(pk=event.subject_id, kind__in=kinds).select_related("departement").first()


def signatories_of(decision: Decision) -> list[User]:
    """Return the people who may sign a decision now, each once."""
    now = timezone.now()
    kinds = [kind for kind, capacity in CAPACITY_OF_AUTHORITY.items() if Capacity(capacity) in decision.required]
    mandates = (
        Mandate.objects.active(timezone.localdate(now))
        .exclude(signing_as="")
        .filter(
            Q(departement=decision.departement_id)
            | Q(departement__isnull=True, region=decision.departement.region_id)
            | Q(departement__isnull=True, region__isnull=True),
            authority__kind__in=kinds,
            user__is_active=True,
        )
        .select_related("user", "departement")
    )
    people = {mandate.user_id: mandate.user for mandate in mandates.order_by("pk") if mandate.may_sign(now)}
    return list(people.values())


def claim_of(event: Event) -> Claim:
    """Return the claim that an event is about."""
    return Claim.objects.select_related("user", "line__commune__departement").get(pk=event.subject_id)
