"""Models of the application, by subject."""

from labelling.models.alerts import AlertSettlement
from labelling.models.amendments import Amendment
from labelling.models.appeals import Appeal, ReasonsRequest
from labelling.models.applications import Application, CriterionAssessment
from labelling.models.attestations import Attestation
from labelling.models.baselines import Baseline
from labelling.models.communities import Community, CommunityAction, Offering
from labelling.models.disagreements import Closing, Concertation, NationalAdvice
from labelling.models.documents import Document
from labelling.models.endings import AdversarialProcedure, Ending, EndingGround
from labelling.models.evidence import Evidence, EvidenceTemplate
from labelling.models.fields import FieldValue, InternalField
from labelling.models.following import FollowedFile, NewsChoice, ToldNews
from labelling.models.interests import InterestDeclaration
from labelling.models.labels import Label
from labelling.models.messages import Message, MessageReading
from labelling.models.notes import Note
from labelling.models.opinions import ConsultedBody, ExpertGroup, Opinion, OpinionAnswer
from labelling.models.prospects import Dismissal, ProspectInvitation
from labelling.models.readings import FileReading
from labelling.models.registers import Completion, RegisterChange, RegisterImport, RegisterLine
from labelling.models.requests import AnswerDraft, AnswerRevision, InformationRequest
from labelling.models.retention import Purge
from labelling.models.specifications import Criterion, Quota, Specification, Wave
from labelling.models.structures import Claim, Membership, Site, Structure
from labelling.models.support import SupportMessage, SupportRequest
from labelling.models.suspensions import Lifting, Suspension
from labelling.models.tags import FileTag, Tag
from labelling.models.templates import DecisionTemplate, DraftAddition
from labelling.models.visits import Visit, VisitFinding
from labelling.models.worklist import BulkOutcome, BulkRun, Digest, SavedView

__all__ = [
    "AdversarialProcedure",
    "AlertSettlement",
    "Amendment",
    "AnswerDraft",
    "AnswerRevision",
    "Appeal",
    "Application",
    "Attestation",
    "Baseline",
    "BulkOutcome",
    "BulkRun",
    "Claim",
    "Closing",
    "Community",
    "CommunityAction",
    "Completion",
    "Concertation",
    "ConsultedBody",
    "Criterion",
    "CriterionAssessment",
    "DecisionTemplate",
    "Digest",
    "Dismissal",
    "Document",
    "DraftAddition",
    "Ending",
    "EndingGround",
    "Evidence",
    "EvidenceTemplate",
    "ExpertGroup",
    "FieldValue",
    "FileReading",
    "FileTag",
    "FollowedFile",
    "InformationRequest",
    "InterestDeclaration",
    "InternalField",
    "Label",
    "Lifting",
    "Membership",
    "Message",
    "MessageReading",
    "NationalAdvice",
    "NewsChoice",
    "Note",
    "Offering",
    "Opinion",
    "OpinionAnswer",
    "ProspectInvitation",
    "Purge",
    "Quota",
    "ReasonsRequest",
    "RegisterChange",
    "RegisterImport",
    "RegisterLine",
    "SavedView",
    "Site",
    "Specification",
    "Structure",
    "SupportMessage",
    "SupportRequest",
    "Suspension",
    "Tag",
    "ToldNews",
    "Visit",
    "VisitFinding",
    "Wave",
]
