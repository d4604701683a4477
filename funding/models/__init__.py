"""Models of the application."""

from funding.models.money import BudgetLine, Envelope, EnvelopeMovement, Grant, Payment, without_grant

__all__ = ["BudgetLine", "Envelope", "EnvelopeMovement", "Grant", "Payment", "without_grant"]
