"""The form field of what people write freely: no patient data enters by it."""

from django import forms

from francesante.lib.identifiers import NIR_REFUSED, holds_nir


def _refuse_nir(text: str) -> None:
    if holds_nir(text):
        raise forms.ValidationError(NIR_REFUSED, code="nir")


class FreeTextField(forms.CharField):
    """A text that people write freely; one that holds a social security number is refused."""

    default_validators = [_refuse_nir]
