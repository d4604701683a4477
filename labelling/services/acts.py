"""A signed decision reaches its addressee: offered, read or received by letter, and its act as PDF."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Greatest

from francesante.lib.canonical import sha256_hex
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import MembershipRole
from labelling.documents.decision import render_act
from labelling.models import Application, Membership
from labelling.rules.clock import local_day
from labelling.services.labels import publish_notified
from labelling.services.reviews import require_reviewer
from territories.choices import DecisionState, NotificationChannel
from territories.models import Decision, Mandate, Notification, User
from territories.services.events import lock, write
from territories.services.notifications import make_available, mark_read


def offer_decision(application: Application, decision: Decision, *, at: datetime) -> None:
    """Put a signed decision at the disposal of the structure's owners, who accepted to be notified in the portal."""
    if application.notification_consent:
        for user in owners(application):
            make_available(decision=decision, recipient=user, channel=NotificationChannel.PORTAL, at=at)


def owners(application: Application) -> list[User]:
    """Return the people who answer for the structure of a file."""
    members = Membership.objects.filter(
        structure=application.structure_id, role=MembershipRole.OWNER, ended_at__isnull=True, user__is_active=True
    )
    return [member.user for member in members.select_related("user").order_by("pk")]


@transaction.atomic
def read_decision(*, application: Application, membership: Membership, at: datetime) -> Notification:
    """Record that an owner reads the decision: this is its notification, and the label may be published.

    Raises:
        RefusedError: the reader is not an owner of the structure, or no decision was put at their disposal.
    """
    if membership.structure_id != application.structure_id or membership.role != MembershipRole.OWNER:
        raise RefusedError(
            "La décision est notifiée au responsable de la structure : dès qu’il l’aura lue, vous pourrez la lire aussi."
        )
    decision = application.decision
    if decision is None or decision.state != DecisionState.SIGNED or not application.notification_consent:
        raise RefusedError("Aucune décision n’est à lire ici pour ce dossier.")
    # An owner who joined since then reads it too: their own notification is dated of their own reading.
    notification = make_available(
        decision=decision, recipient=membership.user, channel=NotificationChannel.PORTAL, at=at, actor=membership
    )
    notification = mark_read(notification=notification, at=at, actor=membership)
    publish_notified(at=at, decision=decision)
    return notification


@transaction.atomic
def record_letter(
    *, application: Application, mandate: Mandate, received_on: date, version: int, at: datetime
) -> Application:
    """Record the day on which the registered letter with the decision was received: its notification.

    Raises:
        RefusedError: the mandate may not, no signed decision, or a day before the act or still to come.
        StaleError: the file changed since ``version``.
    """
    require_reviewer(application, mandate, at=at)
    current = lock(application)
    if current.version != version:
        raise StaleError
    decision = current.decision
    if decision is None:
        raise RefusedError("Aucune décision signée n’est à notifier pour ce dossier.")
    notify_by_letter(decision, mandate, zone=current.departement.timezone, received_on=received_on, at=at)
    write(application, version=version)
    publish_notified(at=at, decision=decision)
    return application


def notify_by_letter(decision: Decision, mandate: Mandate, *, zone: str, received_on: date, at: datetime) -> None:
    """Record the day on which the registered letter with a signed decision was received: its notification.

    Raises:
        RefusedError: the decision is not signed, or a day before the act or still to come.
    """
    if decision.signed_at is None:
        raise RefusedError("Aucune décision signée n’est à notifier pour ce dossier.")
    if not local_day(decision.signed_at, zone) <= received_on <= local_day(at, zone):
        raise RefusedError(
            "La date de réception se situe entre celle de l’acte et aujourd’hui. Rien n’a été enregistré ; vérifiez "
            "l’avis de réception."
        )
    noon = datetime(received_on.year, received_on.month, received_on.day, 12, tzinfo=ZoneInfo(zone))
    received_at = min(at, max(decision.signed_at, noon))
    notification = make_available(
        decision=decision, recipient=None, channel=NotificationChannel.LETTER, at=received_at, actor=mandate
    )
    mark_read(notification=notification, at=received_at, actor=mandate)


def render_missing_acts(*, batch: int = 50) -> int:
    """Render the acts that were signed and have no PDF yet, and return their number.

    The most recently notified or signed come first, since somebody may be about to read them: an act of today does not
    wait behind a backlog, which the next runs go through.
    """
    signed = Decision.objects.filter(state=DecisionState.SIGNED, pdf__isnull=True)
    signed = signed.annotate(fresh_at=Greatest("signed_at", Max("notifications__notified_at")))
    signed = signed.order_by("-fresh_at", "-pk")
    rendered = 0
    for decision in signed.defer("pdf")[:batch]:
        store_act(decision=decision)
        rendered += 1
    return rendered


def store_act(*, decision: Decision) -> Decision:
    """Render a signed decision as PDF and keep its bytes with their own SHA-256; done twice, the first one stays.

    Raises:
        RefusedError: the decision is not signed by everyone.
    """
    if decision.signed_at is None:
        raise RefusedError("Seule une décision signée par toutes les autorités a un acte en PDF.")
    signatures = decision.signatures.select_related("mandate__authority", "mandate__departement").order_by("signed_at")
    pdf = render_act(decision, list(signatures))
    Decision.objects.filter(pk=decision.pk, pdf__isnull=True).update(pdf=pdf, pdf_hash=sha256_hex(pdf))
    decision.refresh_from_db()
    return decision
