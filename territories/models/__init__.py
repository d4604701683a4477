"""Models of the application, by subject."""

from territories.models.acts import (
    Decision,
    Delivery,
    Event,
    EventSeal,
    Notification,
    Signature,
    SignatureRefusal,
    SigningRule,
)
from territories.models.mails import MailText
from territories.models.paper import PaperOriginal
from territories.models.people import Authority, Invitation, Mandate, User
from territories.models.places import (
    Commune,
    CommuneVintage,
    Departement,
    Epci,
    EpciVintage,
    FormerCode,
    PostalCode,
    ReferenceLoad,
    Region,
)
from territories.models.runs import Run, RunOutcome, RunQuerySet, SignatureOutcome, SignatureRun, outcome_checks

__all__ = [
    "Authority",
    "Commune",
    "CommuneVintage",
    "Decision",
    "Delivery",
    "Departement",
    "Epci",
    "EpciVintage",
    "Event",
    "EventSeal",
    "FormerCode",
    "Invitation",
    "MailText",
    "Mandate",
    "Notification",
    "PaperOriginal",
    "PostalCode",
    "ReferenceLoad",
    "Region",
    "Run",
    "RunOutcome",
    "RunQuerySet",
    "Signature",
    "SignatureOutcome",
    "SignatureRefusal",
    "SignatureRun",
    "SigningRule",
    "User",
    "outcome_checks",
]
