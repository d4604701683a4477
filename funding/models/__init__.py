"""Models of the application."""

from funding.models.money import BudgetLine, Envelope, EnvelopeMovement, Grant, Payment

__all__ = ["BudgetLine", "Envelope", "EnvelopeMovement", "Grant", "Payment"]
