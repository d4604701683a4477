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
    AMELI = "ameli", "Ameli"
    ANNUAIRE = "annuaire", "Annuaire des entreprises"
    DECLARED = "declared", "déclaration du demandeur"


class PointSource(TextChoices):
    """Who says where a site stands."""

    REGISTER = "register", "registre"
    ADDRESS = "address", "adresse, située par la Base Adresse Nationale"
    COMMUNE = "commune", "mairie de la commune"


class RegisterForm(TextChoices):
    """Forms of register files that the portal reads; it tells them apart by their content."""

    FINESS_PLUS = "finess_plus", "FINESS+ (JSON quotidien)"
    NATIONAL = "national", "ancienne extraction nationale de FINESS"
    CSV = "csv", "CSV documenté"
    ANSWER = "answer", "réponse de l’Annuaire des entreprises"


class AnnuaireAnswer(TextChoices):
    """What became of a SIRET asked of the Annuaire des entreprises."""

    FOUND = "found", "connu, ouvert"
    CLOSED = "closed", "connu, fermé"
    UNKNOWN = "unknown", "inconnu"
    UNSHOWN = "unshown", "connu, dont le titulaire a demandé qu’il ne soit pas diffusé"
    SILENT = "silent", "service injoignable"
    TOO_MANY = "too_many", "trop de questions de la même personne"


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


class ClaimCheck(TextChoices):
    """How an agent verified that a person answers for a structure."""

    CALL = "call", "appel à la structure, au numéro d’un registre"
    DOCUMENT = "document", "document qui montre sa fonction"
    KNOWN = "known", "personne déjà connue du service dans cette fonction"
    VISIT = "visit", "rencontre sur place"


class ClaimRefusal(TextChoices):
    """Why a claim is rejected, in words for the person."""

    UNKNOWN = "unknown", "la structure ne confirme pas que vous agissez pour elle"
    UNREACHED = "unreached", "la structure n’a pas pu être jointe pour le confirmer"
    DOCUMENT = "document", "il manque un document qui montre votre fonction dans la structure"
    OTHER = "other", "la demande vise une autre structure que la vôtre"


class Route(TextChoices):
    """How a file began: the structure applied, or the authorities invited it."""

    CANDIDATURE = "candidature", "candidature"
    ACCELERATED = "accelerated", "labellisation accélérée"


class InvitationAddress(TextChoices):
    """Where the invitation of a structure goes: to the register's address, another one, or whoever answers for it."""

    REGISTER = "register", "adresse du registre"
    TYPED = "typed", "adresse saisie par un agent"
    OWNER = "owner", "responsable déjà connu du portail"


class DismissalReason(TextChoices):
    """Why an agent sets a place aside from those to be invited."""

    NOT_A_PLACE = "not_a_place", "n’est pas un lieu de premier recours"
    GONE = "gone", "n’exerce plus à cette adresse"
    DUPLICATE = "duplicate", "même lieu qu’une autre ligne"
    DECLINED = "declined", "contactée, ne souhaite pas le label"
    NOT_READY = "not_ready", "un critère du socle manque aujourd’hui"
    OTHER = "other", "autre motif"


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
    PERSON = "person", "appréciation d’un agent, sans constat automatique"


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


REASONED = (Verdict.NOT_MET, Verdict.NOT_APPLICABLE)
"""Verdicts that a decision may not print without their reason."""


class BulkAction(TextChoices):
    """What an agent does to several files at once."""

    ASSIGN = "assign", "affecter"
    SHARE = "share", "partager l’appréciation"
    ENDORSE = "endorse", "endosser l’appréciation"
    PROPOSE = "propose", "présenter le label à la signature"
    ASK = "ask", "demander un avis"
    TAG = "tag", "étiqueter"
    UNTAG = "untag", "retirer une étiquette"
    FILL = "fill", "renseigner une rubrique"


class FieldKind(TextChoices):
    """What the values of an internal field are."""

    TEXT = "text", "texte court"
    NUMBER = "number", "nombre"
    DATE = "date", "date"
    YES_NO = "yes_no", "oui ou non"
    CHOICE = "choice", "choix dans une liste"


class NewsKind(TextChoices):
    """What an agent may be told of the files they choose."""

    ANSWER = "answer", "réponse reçue"
    MESSAGE = "message", "message de la structure"
    EVIDENCE = "evidence", "pièce ajoutée"
    SHARE = "share", "appréciation partagée, position prise"
    OPINION = "opinion", "avis rendu"
    DISAGREEMENT = "disagreement", "désaccord et concertation"
    DECISION = "decision", "décision signée"
    DEADLINE = "deadline", "échéance proche ou passée"


class NewsScope(TextChoices):
    """Of which files an agent is told."""

    MINE = "mine", "mes dossiers"
    FOLLOWED = "followed", "mes dossiers et ceux que je suis"
    ALL = "all", "tous"
    NONE = "none", "aucun"


class DigestFrequency(TextChoices):
    """How often an agent is told by mail of what waits."""

    MORNING = "morning", "chaque matin"
    NEVER = "never", "aucun"


class ConcertationOutcome(TextChoices):
    """What two authorities that disagreed came to."""

    AGREEMENT = "agreement", "accord"
    NO_AGREEMENT = "no_agreement", "désaccord maintenu"


class TemplateKind(TextChoices):
    """The decisions whose text is data."""

    GRANTED = "label_granted", "attribution du label"
    REFUSED = "label_refused", "refus du label"
    REFUSED_ALONE = "label_refused_alone", "refus exprès d’une seule autorité"
    APPEAL_REJECTED = "appeal_rejected", "rejet d’un recours gracieux"
    APPEAL_ACCEPTED = "appeal_accepted", "recours gracieux accueilli"


class ClosingGround(TextChoices):
    """Why a file is closed without a decision. None of them judges the structure: that is a refusal's work."""

    STRUCTURE_CLOSED = "structure_closed", "la structure a fermé"
    DUPLICATE = "duplicate", "un autre dossier porte la même demande"
    NO_OBJECT = "no_object", "la demande n’a plus d’objet"
    MISTAKE = "mistake", "le dossier a été déposé par erreur"


class Contested(TextChoices):
    """What an appeal is against, as its sentences name it."""

    REFUSAL = "refusal", "le refus du label"
    SILENCE = "silence", "le rejet implicite"
    ENDING = "ending", "la fin du label"
    SUSPENSION = "suspension", "la suspension du label"


class AppealKind(TextChoices):
    """To whom an act is contested: its signatories, or the court."""

    GRACIEUX = "gracieux", "recours gracieux"
    CONTENTIEUX = "contentieux", "recours contentieux"


class AppealOutcome(TextChoices):
    """What an appeal came to."""

    REJECTED = "rejected", "rejeté"
    ACCEPTED = "accepted", "accueilli"
    NO_OBJECT = "no_object", "sans objet"


class EndingAct(TextChoices):
    """What an act does to a label before its term: end it for the future or from the start, or suspend it."""

    ABROGATE = "abrogate", "abrogation"
    WITHDRAW = "withdraw", "retrait"
    SUSPEND = "suspend", "suspension"


class AmendmentKind(TextChoices):
    """Why what a label says of its place changes, its decision untouched."""

    MISTAKE = "mistake", "erreur matérielle"
    HOLDER = "holder", "changement de titulaire"
    ADDRESS = "address", "changement d’adresse"


class AlertOutcome(TextChoices):
    """What an agent did of a register that says otherwise than the file of a label."""

    CHECKED = "checked", "vérifié, le dossier reste exact"
    CONTACTED = "contacted", "structure contactée"
    TAKEN_UP = "taken_up", "pris en compte, une suite est donnée"


class VisitReason(TextChoices):
    """Why a labelled place is visited."""

    SAMPLE = "sample", "échantillon"
    ALERT = "alert", "alerte d’un registre"
    COMPLAINT = "complaint", "signalement"


class VisitResult(TextChoices):
    """What was seen of a criterion on the spot."""

    MET = "met", "rempli"
    NOT_MET = "not_met", "non rempli"
    NOT_SEEN = "not_seen", "non vu"


class VisitConclusion(TextChoices):
    """What a visit comes to. It decides nothing."""

    COMPLIANT = "compliant", "conforme"
    TO_CORRECT = "to_correct", "à corriger"
    TO_EXAMINE = "to_examine", "à examiner"


class DocumentKind(TextChoices):
    """What the portal renders as PDF and keeps: about a file, or about a label."""

    RECEIPT = "receipt", "accusé de réception"
    CERTIFICATE = "certificate", "certificat"
    PLAQUE = "plaque", "plaque et règles d’usage"


class EvidenceOrigin(TextChoices):
    """Where a piece of evidence comes from; what a structure sends is a document."""

    DECLARED = "declared", "déclaration"
    DOCUMENT = "document", "document"
    REGISTER = "register", "extrait de registre"
    VISIT = "visit", "constat de visite"


class EvidenceType(TextChoices):
    """The only contents that are kept, as they were recognised by opening them."""

    PDF = "application/pdf", "PDF"
    JPEG = "image/jpeg", "JPEG"
    PNG = "image/png", "PNG"


class Scan(TextChoices):
    """What the antivirus says of a file, and the recogniser of its images; without either, it is not scanned and may be read."""

    NOT_SCANNED = "not_scanned", "sans analyse antivirus"
    WAITING = "waiting", "en cours d’analyse"
    CLEAN = "clean", "analysée, rien trouvé"
    INFECTED = "infected", "écartée par l’antivirus"
    PERSONAL = "personal", "écartée : données personnelles"


class RevisionKind(TextChoices):
    """Why the answers of a submitted file changed."""

    REPLY = "reply", "réponse à une demande de précisions"
    CORRECTION = "correction", "correction par un agent"


class BodyKind(TextChoices):
    """Bodies whose opinion may be asked on a file."""

    CAISSE = "caisse", "CPAM ou MSA"
    DEPARTEMENT = "departement", "conseil départemental"
    ELUS = "elus", "élus"
    URPS = "urps", "URPS"
    ORDRE = "ordre", "ordre professionnel"
    UFR = "ufr", "UFR de médecine"
    OTHER = "other", "autre organisme"


class OpinionPart(TextChoices):
    """What a consulted body may read of the answers: tasks of the file, by their name in its address."""

    HOURS = "horaires", "horaires"
    TEAM = "equipe", "équipe, sans les noms"
    FEES = "tarifs", "tarifs"
    ON_CALL = "permanence", "permanence des soins"
    COMMITMENTS = "engagements", "engagements"


class OpinionSense(TextChoices):
    """What a consulted body answers."""

    FAVOURABLE = "favourable", "favorable"
    RESERVED = "reserved", "favorable avec réserves"
    UNFAVOURABLE = "unfavourable", "défavorable"
    NONE = "none", "sans avis"


class Interest(TextChoices):
    """What an agent declares of a structure before instructing its files."""

    NONE = "none", "aucun lien d’intérêt"
    RECUSED = "recused", "se déporte"


class SupportKind(TextChoices):
    """What support is asked for (letter of October 2025, national team)."""

    SITING = "siting", "implantation d’un lieu"
    RECRUITMENT = "recruitment", "recrutement de soignants"
    FUNDING = "funding", "montage financier"
    COORDINATION = "coordination", "coordination des acteurs"
    DIGITAL = "digital", "numérique en santé"
    OTHER = "other", "autre"


class SupportState(TextChoices):
    """Whose turn it is in a request for support."""

    OPEN = "open", "attend une réponse"
    ANSWERED = "answered", "répondue"
    CLOSED = "closed", "close"


class OfferingKind(TextChoices):
    """The palette of services of a territory (letter of October 2025, third dimension of the network)."""

    MOBILE = "mobile", "France Santé mobile"
    EHEALTH = "ehealth", "accompagnement à la e-santé"
    PREVENTION = "prevention", "campagnes de prévention"
    ENGINEERING = "engineering", "appui en ingénierie"


class CommunityActionKind(TextChoices):
    """What a community does (letter of October 2025, communautés France Santé)."""

    COORDINATION = "coordination", "coordination autour des lieux"
    RECRUITMENT = "recruitment", "recrutement"
    PREVENTION = "prevention", "prévention"
    SCREENING = "screening", "dépistage"
    DIGITAL = "digital", "numérique"


class Retained(TextChoices):
    """What is kept for a time, then erased."""

    DRAFT = "draft", "brouillons laissés de côté"
    EVIDENCE = "evidence", "contenu des pièces des dossiers terminés"
    FILE = "file", "personnes nommées et textes écrits des dossiers terminés"
    CLAIM = "claim", "établissements décrits dont la demande a été écartée"
    SUPPORT = "support", "demandes d’appui closes"
    ACCOUNT = "account", "comptes qui ne servent plus"
    INVITATION = "invitation", "adresses des invitations passées"
    ATTEMPT = "attempt", "essais de connexion"
    MAIL = "mail", "courriels gardés sur disque"
    READING = "reading", "journal des lectures"
