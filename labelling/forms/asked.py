"""Questions that are asked and may wait: not marked « optionnel », and not refused when they are left empty."""

from typing import Any

from django import forms

from francesante.lib.free_text import FreeTextField


class Asked:
    """Mixin of a field: an empty answer is accepted, though the field is not shown as optional."""

    def validate(self, value: Any) -> None:
        """Check a given answer only."""
        if value not in self.empty_values and value is not False:  # type: ignore[attr-defined]
            super().validate(value)  # type: ignore[misc]


class AskedChoiceField(Asked, forms.ChoiceField):
    """One answer among several, now or later."""


class AskedMultipleChoiceField(Asked, forms.MultipleChoiceField):
    """Several answers, now or later."""


class AskedBooleanField(Asked, forms.BooleanField):
    """A box to tick, now or later."""


class AskedIntegerField(Asked, forms.IntegerField):
    """A number, now or later."""


class AskedDecimalField(Asked, forms.DecimalField):
    """A figure, now or later."""


class AskedCharField(Asked, forms.CharField):
    """A text, now or later."""


class AskedFreeTextField(Asked, FreeTextField):
    """A text written freely, now or later."""


class AskedDateField(Asked, forms.DateField):
    """A day, now or later."""
