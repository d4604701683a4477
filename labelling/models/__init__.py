"""Models of the application, by subject."""

from labelling.models.applications import Application, CriterionAssessment, Label
from labelling.models.specifications import Criterion, Quota, Specification, Wave
from labelling.models.structures import Claim, Membership, RegisterLine, Site, Structure

__all__ = [
    "Application",
    "Claim",
    "Criterion",
    "CriterionAssessment",
    "Label",
    "Membership",
    "Quota",
    "RegisterLine",
    "Site",
    "Specification",
    "Structure",
    "Wave",
]
