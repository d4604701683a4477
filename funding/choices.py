"""Closed lists of the funding application."""

from django.db.models import TextChoices


class Origin(TextChoices):
    """Whether credits are new, or already programmed and carried out under the banner: never added together."""

    NEW = "new", "crédits nouveaux"
    REALLOCATED = "reallocated", "crédits réaffectés"


class GrantState(TextChoices):
    """States of a grant (DESIGN §5)."""

    PROPOSED = "proposed", "proposée"
    AWAITING_SIGNATURES = "awaiting_signatures", "à la signature"
    COMMITTED = "committed", "engagée"
    SUSPENDED = "suspended", "gelée"
    CLOSED = "closed", "soldée"
    CANCELLED = "cancelled", "annulée"
    CLAWED_BACK = "clawed_back", "à reverser"


class MovementKind(TextChoices):
    """Lines of the ledger of an envelope."""

    OPENING = "opening", "ouverture"
    DELEGATION = "delegation", "délégation"
    RESERVATION = "reservation", "réservation"
    COMMITMENT = "commitment", "engagement"
    RELEASE = "release", "libération"
