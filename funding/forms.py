"""Forms of money: they check shapes; services check the business."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.db.models import QuerySet
from dsfr.forms import DsfrBaseForm

from francesante.lib.free_text import FreeTextField
from francesante.lib.french import NBSP, euros
from francesante.lib.workflow import RefusedError
from funding.models import Envelope
from funding.services.envelopes import check_room, checked_amount

CEILING_OF_INPUT = Decimal("999999999.99")


class EurosField(forms.Field):
    """An amount as people write it: ``50 000``, ``50000,00``, ``50 000 €``. Exact, in euros."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    default_error_messages = {
        "invalid": "Écrivez un montant en euros, par exemple 50 000 ou 50 000,00.",
        "required": "Indiquez un montant.",
    }

    def to_python(self, value: Any) -> Decimal | None:
        """Return the amount, or nothing when the field is empty."""
        text = str(value or "").replace("€", "").replace(",", ".")
        text = "".join(text.split())
        if not text:
            return None
        try:
            amount = Decimal(text)
        except InvalidOperation as error:
            raise forms.ValidationError(self.error_messages["invalid"]) from error
        if not amount.is_finite() or abs(amount) > CEILING_OF_INPUT:
            raise forms.ValidationError(self.error_messages["invalid"])
        return amount

    def prepare_value(self, value: Any) -> Any:
        """Show an amount the French way."""
        return str(value).replace(".", ",") if isinstance(value, Decimal) else value


class EnvelopeChoiceField(forms.ModelChoiceField):
    """Envelopes, each with its origin and what is left."""

    def label_from_instance(self, envelope: Any) -> str:
        """Name an envelope in the list."""
        return f"{envelope.title}{NBSP}: reste {euros(envelope.available, 2)}"


class GrantForm(DsfrBaseForm):
    """What is proposed to a label."""

    envelope = EnvelopeChoiceField(
        queryset=Envelope.objects.none(),
        label="Enveloppe",
        empty_label="Choisir une enveloppe",
        help_text="Les signatures requises sont celles de la ligne budgétaire, rappelées ci-dessous.",
        error_messages={"required": "Choisissez une enveloppe."},
    )
    amount = EurosField(label="Montant", help_text="En euros, par exemple 50 000,00.")
    purpose = FreeTextField(
        label="Objet",
        max_length=250,
        help_text=f"Ce que le financement permet, en une phrase{NBSP}: elle figurera dans la décision. Aucune donnée de patient.",
        error_messages={"required": "Indiquez l’objet du financement."},
    )

    def __init__(self, *args: Any, envelopes: QuerySet[Envelope], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["envelope"].queryset = envelopes

    def clean_amount(self) -> Decimal:
        """Refuse beside the field what the service refuses of any amount."""
        try:
            return checked_amount(self.cleaned_data["amount"])
        except RefusedError as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def clean(self) -> dict[str, Any]:
        """Refuse beside the amount what the chosen envelope cannot hold."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "envelope" in data and "amount" in data:
            try:
                check_room(data["envelope"], data["amount"])
            except RefusedError as refusal:
                self.add_error("amount", str(refusal))
        return data


class PaymentForm(DsfrBaseForm):
    """A payment that was made."""

    amount = EurosField(label="Montant versé", help_text="En euros, par exemple 25 000,00.")
    reference = forms.CharField(
        label="Référence du versement",
        max_length=60,
        help_text="Celle de votre outil comptable. La même référence n’est enregistrée qu’une fois.",
        error_messages={"required": "Indiquez la référence du versement."},
    )
    paid_date = forms.DateField(
        label="Versé le",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Indiquez la date du versement.",
            "invalid": "Écrivez une date, par exemple 12/11/2026.",
        },
    )
