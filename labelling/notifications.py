"""Mails about labels: from an event, who is told what. Two more are sent by pages at once: a code, and a link.

Nothing tells a structure the sense of a decision before it reads it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from labelling.choices import MembershipRole
from labelling.documents.receipt import render_receipt
from labelling.models import Application, Claim, Membership
from labelling.rules.clock import appeal_deadline, local_day
from labelling.services.drafting import authorities_of
from territories.choices import CAPACITY_OF_AUTHORITY, Capacity, DecisionKind, Subject
from territories.models import Authority, Decision, Event, Mandate, Notification, User

CONSUMER = "labelling.mail"
SUBJECTS = (Subject.APPLICATION, Subject.DECISION, Subject.CLAIM)
LABEL_DECISIONS = (DecisionKind.LABEL_GRANTED, DecisionKind.LABEL_REFUSED)


def messages_of(event: Event) -> list[EmailMessage]:
    """Return the mails that an event calls for, ready to be sent, possibly none."""
    found = _MESSAGES.get((str(event.subject_type), event.action))
    return found(event) if found and timezone.now() - event.at < settings.MAIL_MAX_AGE else []


# Sent by pages -----------------------------------------------------------------------------------------------------


def send_code(claim: Claim, code: str) -> None:
    """Send the code of a claim to the address that the register knows; the code is kept nowhere else.

    Raises:
        OSError: the mail server does not answer.
    """
    context = {"claim": claim, "line": claim.line, "code": f"{code[:3]} {code[3:]}"}
    _mail("claim_code", "votre code de confirmation", [claim.line.email], context).send()


def send_registration_link(*, email: str, token: str) -> None:
    """Send the link that opens an account, or, without token, say that the address already has one.

    Raises:
        OSError: the mail server does not answer.
    """
    if token:
        context = {"url": _address("registration", token)}
        _mail("registration", "confirmez votre adresse", [email], context).send()
    else:
        context = {"url": _address("login"), "reset": _address("password-reset")}
        _mail("registration_known", "vous avez déjà un compte", [email], context).send()


# Applications --------------------------------------------------------------------------------------------------------


def _submitted(event: Event) -> list[EmailMessage]:
    application = _application(event)
    authorities = list(authorities_of(application.departement).values())
    context = _about(application) | {"authorities": authorities}
    receipts = []
    for person in _people(application):
        mail = _mail("submitted", f"accusé de réception {application.number}", [person.email], context)
        mail.attach(f"accuse-{application.number}.pdf", render_receipt(application, authorities), "application/pdf")
        receipts.append(mail)
    return [*receipts, *_to_services("received", f"nouveau dossier {application.number}", authorities, context)]


def _shared(event: Event) -> list[EmailMessage]:
    application = _application(event)
    authorities = authorities_of(application.departement)
    others = [row for capacity, row in authorities.items() if capacity != application.lead]
    return _to_services("shared", f"appréciation partagée, {application.number}", others, _about(application))


def _abandoned(event: Event) -> list[EmailMessage]:
    application = _application(event)
    authorities = authorities_of(application.departement).values()
    return _to_services("abandoned", f"désistement, {application.number}", authorities, _about(application))


def _closed(event: Event) -> list[EmailMessage]:
    application = _application(event)
    subject = f"votre dossier {application.number} est classé"
    return [_mail("closed", subject, [row.email], _about(application)) for row in _people(application)]


# Decisions ------------------------------------------------------------------------------------------------------------


def _proposed(event: Event) -> list[EmailMessage]:
    decision = _label_decision(event)
    if decision is None:
        return []
    context = {"decision": decision, "url": _address("decision", decision.pk)}
    return [
        _mail("to_sign", "une décision à votre signature", [person.email], context) for person in _signatories(decision)
    ]


def _declined(event: Event) -> list[EmailMessage]:
    decision = _label_decision(event)
    if decision is None:
        return []
    application = Application.objects.select_related("structure", "departement").get(pk=decision.subject_id)
    authorities = authorities_of(decision.departement).values()
    return _to_services("declined", f"une signature refusée, {application.number}", authorities, _about(application))


def _available(event: Event) -> list[EmailMessage]:
    return _to_reader(event, "available", "une décision peut être lue")


def _notified(event: Event) -> list[EmailMessage]:
    return _to_reader(event, "notified", "votre décision et vos recours")


def _to_reader(event: Event, name: str, subject: str) -> list[EmailMessage]:
    """Write to the one addressee that the event names; a letter has none here."""
    decision = _label_decision(event)
    row = Notification.objects.filter(pk=event.data.get("notification"), recipient__is_active=True).first()
    if decision is None or row is None or row.recipient is None:
        return []
    application = Application.objects.select_related("structure", "departement").get(pk=decision.subject_id)
    context = _about(application) | {
        "letter": _address("decision-letter", application.number),
        "granted": decision.kind == DecisionKind.LABEL_GRANTED,
        "presumed": event.action == "presume_notified",
        "authorities": list(authorities_of(application.departement).values()),
    }
    if row.notified_at:
        read_on = local_day(row.notified_at, application.departement.timezone)
        context |= {"read_on": read_on, "appeal_until": appeal_deadline(read_on)}
    return [_mail(name, subject, [row.recipient.email], context)]


# Claims ---------------------------------------------------------------------------------------------------------------


def _claim_asked(event: Event) -> list[EmailMessage]:
    claim = _claim(event)
    owners = Membership.objects.filter(
        structure__register_line=claim.line, role=MembershipRole.OWNER, ended_at__isnull=True, user__is_active=True
    ).select_related("user")
    context = {"line": claim.line, "url": _address("claims")}
    told = [
        _mail(
            "claim_asked",
            "une personne demande l’accès à votre structure",
            [row.user.email],
            context | {"url": _address("structure-access", row.structure_id)},
        )
        for row in owners
    ]
    authorities = authorities_of(claim.line.commune.departement).values()
    return [*told, *_to_services("claim_asked", "une structure à confirmer", authorities, context)]


def _claim_confirmed(event: Event) -> list[EmailMessage]:
    claim = _claim(event)
    context = {"line": claim.line, "url": _address("applications")}
    return [_mail("claim_confirmed", "votre accès est ouvert", [claim.user.email], context)]


def _claim_rejected(event: Event) -> list[EmailMessage]:
    claim = _claim(event)
    authorities = list(authorities_of(claim.line.commune.departement).values())
    context = {"line": claim.line, "authorities": authorities}
    return [_mail("claim_rejected", "votre demande d’accès n’est pas confirmée", [claim.user.email], context)]


# Shared ---------------------------------------------------------------------------------------------------------------


def _mail(name: str, subject: str, to: list[str], context: Mapping[str, Any]) -> EmailMessage:
    body = render_to_string(f"emails/labelling/{name}.txt", {**context, "portal": settings.PUBLIC_URL})
    return EmailMessage(f"France Santé – {subject}", body, to=to)


def _to_services(
    name: str, subject: str, authorities: Iterable[Authority], context: Mapping[str, Any]
) -> list[EmailMessage]:
    return [_mail(name, subject, [row.email], {**context, "authority": row}) for row in authorities if row.email]


def _address(name: str, *args: Any) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=args)}"


def _application(event: Event) -> Application:
    return Application.objects.select_related("structure__commune", "departement__region", "specification").get(
        pk=event.subject_id
    )


def _about(application: Application) -> dict[str, Any]:
    received = application.submitted_at
    return {
        "application": application,
        "structure": application.structure,
        "received_on": local_day(received, application.departement.timezone) if received else None,
        "url": _address("application", application.number),
    }


def _people(application: Application) -> list[User]:
    """Return the people who act for the structure of a file."""
    rows = Membership.objects.filter(
        structure=application.structure_id, ended_at__isnull=True, user__is_active=True
    ).select_related("user")
    return [row.user for row in rows.order_by("pk")]


def _label_decision(event: Event) -> Decision | None:
    return Decision.objects.filter(pk=event.subject_id, kind__in=LABEL_DECISIONS).select_related("departement").first()


def _signatories(decision: Decision) -> list[User]:
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


def _claim(event: Event) -> Claim:
    return Claim.objects.select_related("user", "line__commune__departement").get(pk=event.subject_id)


_MESSAGES: Mapping[tuple[str, str], Callable[[Event], list[EmailMessage]]] = {
    (Subject.APPLICATION, "submit"): _submitted,
    (Subject.APPLICATION, "share"): _shared,
    (Subject.APPLICATION, "abandon"): _abandoned,
    (Subject.APPLICATION, "close"): _closed,
    (Subject.DECISION, "propose"): _proposed,
    (Subject.DECISION, "decline"): _declined,
    (Subject.DECISION, "make_available"): _available,
    (Subject.DECISION, "notify"): _notified,
    (Subject.DECISION, "presume_notified"): _notified,
    (Subject.CLAIM, "ask"): _claim_asked,
    (Subject.CLAIM, "confirm"): _claim_confirmed,
    (Subject.CLAIM, "reject"): _claim_rejected,
}
"""Acts that somebody is told about; the others wait on pages."""
