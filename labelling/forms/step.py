"""What the forms of the tasks share: from the answers of a file to fields, and back.

A field whose question is asked by another answer is always there, and posted even while it is not shown, so that nothing
typed is lost: ``asked`` tells the page when it is shown (:mod:`labelling.rules.conditions`). Each form gives ``values()``,
the keys of ``Application.answers`` it writes. Called on a form that is not valid, it gives what could be read: the
autosave's finding uses it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dsfr.forms import DsfrBaseForm

from labelling.forms.rows import ROWS, focus_after
from labelling.rules.answers import Answers
from labelling.rules.conditions import ASKED_WHEN

_POSTED = {True: "oui", False: "non"}


@dataclass(frozen=True, slots=True)
class Asked:
    """When a field is asked: ``when`` as the page's script reads it (``portal/asked.js``), and whether it is ``now``."""

    when: str
    now: bool


class StepForm(DsfrBaseForm):
    """Base of the tasks' forms; ``answers`` are those of the file as it is kept.

    ``kind`` is the type of the structure, and ``shortened`` the kind of rows that a button just took one from.
    """

    use_required_attribute = False

    def __init__(self, data: Any = None, *, answers: Answers, kind: str = "") -> None:
        self.answers, self.kind = answers, kind
        super().__init__(data)
        for name, value in self.initial_values().items():
            self.fields[name].initial = value
        self.shortened = focus_after(data, self.fields)

    def initial_values(self) -> dict[str, Any]:
        """Return the fields as the kept answers fill them."""
        return {}

    def conditions(self) -> Mapping[str, tuple[str, str]]:
        """Return, by field that another answer makes asked, its question and the start of the names of those it reads."""
        return {}

    @property
    def asked(self) -> dict[str, Asked]:
        """When each of these fields is asked; one that holds a mistake is shown anyway."""
        return {name: self._asked(name, *condition) for name, condition in self.conditions().items()}

    def _asked(self, name: str, question: str, prefix: str) -> Asked:
        wanted = {f"{prefix}{key}": _POSTED.get(value, value) for key, value in ASKED_WHEN[question].items()}
        now = all(self._holds(key, value) for key, value in wanted.items())
        wrong = any(error.startswith(ROWS.get(name, name)) for error in self.errors)
        return Asked(" ".join(f"{key}={value}" for key, value in wanted.items()), now or wrong)

    def _holds(self, name: str, value: str) -> bool:
        """Tell whether a field has a value; a name that no field has is the start of several, one of which is enough."""
        names = [name] if name in self.fields else [field for field in self.fields if field.startswith(f"{name}_")]
        return any(self[field].value() == value for field in names)

    @property
    def titles(self) -> Mapping[str, str]:
        """The row of each field whose label does not say it, for the list of what is to be corrected."""
        return {}

    def values(self) -> dict[str, Any]:
        """Return what to keep; on an invalid form, what could be read."""
        raise NotImplementedError

    def read(self, name: str) -> Any:
        """Return a cleaned value, or an empty one when it is wrong or absent."""
        return self.cleaned_data.get(name, "")
