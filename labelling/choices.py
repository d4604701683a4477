"""Closed lists of the labelling application."""

from django.db.models import TextChoices


class StructureKind(TextChoices):
    """Types of places of care that may ask for the label (DOMAIN §1.3)."""

    MSP = "msp", "maison de santé"
    CDS = "cds", "centre de santé"
    CABINET = "cabinet", "cabinet médical de groupe"
    HOSPITAL = "hospital", "hôpital de proximité"
    MOBILE = "mobile", "médicobus"
    OTHER = "other", "autre lieu de soins de proximité"


class Register(TextChoices):
    """Where a prefilled line comes from."""

    FINESS = "finess", "FINESS"
    LIST = "list", "liste transmise par une ARS"


class MembershipRole(TextChoices):
    """What a structure's account may do: everything, or fill the file in."""

    OWNER = "owner", "responsable"
    EDITOR = "editor", "rédaction"


class ClaimState(TextChoices):
    """Life of a claim on a structure."""

    CODE_SENT = "code_sent", "code envoyé"
    WAITING_AGENT = "waiting_agent", "en attente d’un agent"
    CONFIRMED = "confirmed", "confirmée"
    REJECTED = "rejected", "rejetée"


class Route(TextChoices):
    """How a file began: the structure applied, or the authorities invited it."""

    CANDIDATURE = "candidature", "candidature"
    ACCELERATED = "accelerated", "labellisation accélérée"


class ApplicationState(TextChoices):
    """States of an application (DESIGN §5)."""

    DRAFT = "draft", "brouillon"
    SUBMITTED = "submitted", "déposée"
    UNDER_REVIEW = "under_review", "en instruction"
    AWAITING_SIGNATURES = "awaiting_signatures", "à la signature"
    DISAGREEMENT = "disagreement", "désaccord"
    LABELLED = "labelled", "labellisée"
    REFUSED = "refused", "refusée"
    ABANDONED = "abandoned", "désistement"
    CLOSED = "closed", "sans suite"


class CriterionKind(TextChoices):
    """A criterion is assessed; a commitment is only subscribed to."""

    CRITERION = "criterion", "critère"
    COMMITMENT = "commitment", "engagement"


class Rule(TextChoices):
    """The pure rule that pre-checks a criterion (``labelling.rules.criteria``)."""

    DOCTOR = "doctor", "présence médicale"
    NURSE = "nurse", "présence infirmière"
    OPEN_DAYS = "open_days", "jours d’ouverture"
    NO_OVERRUN = "no_overrun", "absence de dépassements d’honoraires"
    ON_CALL = "on_call", "PDSA ou SAS"
    COMMITMENT = "commitment", "engagement"


class Finding(TextChoices):
    """What the machine says of a criterion. It never decides."""

    SEEMS_MET = "seems_met", "semble respecté"
    SEEMS_NOT_MET = "seems_not_met", "semble non respecté"
    TO_CHECK = "to_check", "à vérifier par un agent"
    UNANSWERED = "unanswered", "non renseigné"


class Verdict(TextChoices):
    """What people say of a criterion."""

    MET = "met", "rempli"
    NOT_MET = "not_met", "non rempli"
    TO_CLARIFY = "to_clarify", "à préciser"
    NOT_APPLICABLE = "not_applicable", "sans objet"
