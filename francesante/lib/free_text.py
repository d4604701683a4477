"""The form field of what people write freely: no patient data enters by it."""

from typing import Any

from django import forms

from francesante.lib.identifiers import NIR_REFUSED, holds_nir


def _refuse_nir(text: str) -> None:
    if holds_nir(text):
        raise forms.ValidationError(NIR_REFUSED, code="nir")


class FreeTextField(forms.CharField):
    """A text that people write freely; one that holds a social security number is refused.

    Several lines are never cut by the browser: the page counts them (``portal/counter.js``), and one that is too long is
    refused whole.
    """

    default_validators = [_refuse_nir]
    default_error_messages = {
        "max_length": "Ce texte compte %(show_value)d caractères, pour %(limit_value)d au plus : raccourcissez-le, il est "
        "gardé tel quel.",
    }

    def to_python(self, value: Any) -> Any:
        """Read a line break as one character, as the page counts it."""
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Tell a text of several lines its limit without letting the browser cut at it."""
        attrs: dict[str, Any] = super().widget_attrs(widget)
        if isinstance(widget, forms.Textarea) and "maxlength" in attrs:
            attrs["data-limit"] = attrs.pop("maxlength")
        return attrs
