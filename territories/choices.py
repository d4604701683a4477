"""Closed lists of the application: who acts, in what capacity, on what."""

from django.db.models import TextChoices


class AuthorityKind(TextChoices):
    """Kinds of public bodies that act in the portal."""

    ARS = "ars", "agence régionale de santé"
    PREFECTURE = "prefecture", "préfecture"
    NATIONAL = "national", "équipe nationale"
    CAISSE = "caisse", "caisse d’assurance maladie"
    COLLECTIVITE = "collectivite", "collectivité"


class Role(TextChoices):
    """What a mandate allows: instruct, give opinions, read, or steer the whole network."""

    AGENT = "agent", "instruction"
    PARTNER = "partner", "avis"
    OBSERVER = "observer", "lecture"
    NATIONAL = "national", "pilotage national"


class Capacity(TextChoices):
    """In whose name an act is signed."""

    ARS = "ars", "directeur général de l’ARS"
    PREFET = "prefet", "préfet de département"


CAPACITY_OF_AUTHORITY = {AuthorityKind.ARS: Capacity.ARS, AuthorityKind.PREFECTURE: Capacity.PREFET}
"""The capacity in which a signatory of an authority signs."""


class SigningAs(TextChoices):
    """By what title a person signs for the capacity."""

    HOLDER = "holder", "titulaire"
    DELEGATE = "delegate", "par délégation"
    SUBSTITUTE = "substitute", "par suppléance"
    INTERIM = "interim", "par intérim"


class Subject(TextChoices):
    """What an event or a decision is about."""

    APPLICATION = "application", "candidature"
    LABEL = "label", "label"
    STRUCTURE = "structure", "structure"
    GRANT = "grant", "attribution"
    ENVELOPE = "envelope", "enveloppe"
    EDITION = "edition", "édition"
    DECISION = "decision", "décision"
    MANDATE = "mandate", "habilitation"
    CLAIM = "claim", "revendication"
    SPECIFICATION = "specification", "cahier des charges"
    WAVE = "wave", "vague"
    QUOTA = "quota", "quota"
    REGISTER_LINE = "register_line", "ligne de registre"
    TEMPLATE = "template", "modèle de décision"
    SUPPORT = "support", "demande d’appui"
    COMMUNITY = "community", "communauté France Santé"
    OFFERING = "offering", "service France Santé"
    APPEAL = "appeal", "recours"
    ACCOUNT = "account", "compte"
    MAIL_TEXT = "mail_text", "texte de courriel"
    GROUND = "ground", "motif d’un acte sur un label"


class ActorKind(TextChoices):
    """What an event was done with: a mandate, a membership, or by the portal itself."""

    MANDATE = "mandate", "habilitation"
    MEMBERSHIP = "membership", "compte de structure"
    SYSTEM = "system", "portail"


class DecisionKind(TextChoices):
    """The sense of a decision."""

    LABEL_GRANTED = "label_granted", "labellisation"
    LABEL_REFUSED = "label_refused", "refus de labellisation"
    LABEL_ABROGATED = "label_abrogated", "abrogation du label"
    LABEL_WITHDRAWN = "label_withdrawn", "retrait du label"
    LABEL_SUSPENDED = "label_suspended", "suspension du label"
    LABEL_REINSTATED = "label_reinstated", "levée de la suspension"
    GRANT_AWARDED = "grant_awarded", "attribution d’un financement"
    APPEAL_REJECTED = "appeal_rejected", "rejet d’un recours gracieux"
    APPEAL_ACCEPTED = "appeal_accepted", "recours gracieux accueilli"


class DecisionState(TextChoices):
    """Life of a decision: offered to signature, then signed, declined, replaced, or taken back before any signature."""

    PROPOSED = "proposed", "à la signature"
    SIGNED = "signed", "signée"
    DECLINED = "declined", "non signée"
    REPLACED = "replaced", "remplacée"
    TAKEN_BACK = "taken_back", "reprise par le service"


class SignatureMeans(TextChoices):
    """How a signature was given."""

    PORTAL = "portal", "dans le portail"
    PAPER = "paper", "sur un original papier"


class RunResult(TextChoices):
    """What became of one row of an act on several."""

    WAITING = "waiting", "à faire"
    DONE = "done", "fait"
    NOT_DONE = "not_done", "non fait"


class NotificationChannel(TextChoices):
    """How a decision reaches its addressee."""

    PORTAL = "portal", "dans le portail"
    LETTER = "letter", "lettre recommandée"


class EpciKind(TextChoices):
    """Natures of EPCI with a tax of their own (DGCL)."""

    COMMUNES = "CC", "communauté de communes"
    AGGLOMERATION = "CA", "communauté d’agglomération"
    URBAN = "CU", "communauté urbaine"
    METROPOLE = "ME", "métropole"
