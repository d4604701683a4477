"""What the forms of the tasks share: from the answers of a file to fields, and back.

Each gives ``values()``, the keys of ``Application.answers`` it writes. Called on a form that is not valid, it gives what
could be read: the autosave's finding uses it.
"""

from typing import Any

from dsfr.forms import DsfrBaseForm

from labelling.forms.rows import focus_after
from labelling.rules.answers import Answers


class StepForm(DsfrBaseForm):
    """Base of the tasks' forms; ``answers`` are those of the file as it is kept.

    ``shortened`` is the kind of rows that a button just took one from.
    """

    use_required_attribute = False

    def __init__(self, data: Any = None, *, answers: Answers) -> None:
        self.answers = answers
        super().__init__(data)
        for name, value in self.initial_values().items():
            self.fields[name].initial = value
        self.shortened = focus_after(data, self.fields)

    def initial_values(self) -> dict[str, Any]:
        """Return the fields as the kept answers fill them."""
        return {}

    def values(self) -> dict[str, Any]:
        """Return what to keep; on an invalid form, what could be read."""
        raise NotImplementedError

    def read(self, name: str) -> Any:
        """Return a cleaned value, or an empty one when it is wrong or absent."""
        return self.cleaned_data.get(name, "")
