"""The address of the work list: view, filters, sort and columns, made of known words only.

It is what is mailed, saved under a name, exported, selected from, and followed from file to file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone

from labelling.forms.fields import FieldFilterForm
from labelling.forms.worklist import WorkListForm
from labelling.models import Application, InternalField
from labelling.rules.fields import WITH, WITHOUT, split_word
from labelling.services.fields import Fields, value_of
from labelling.services.reviews import is_insider
from labelling.services.worklist import DEFAULT_SORT, EVERYTHING, SORTS, View, files_of, ordered, position_of, views_of
from labelling.services.worklist_filters import filter_of
from territories.models import Mandate

PAGE = 50
COLUMNS: Mapping[str, str] = {
    "dossier": "Dossier",
    "structure": "Structure",
    "finess": "FINESS",
    "departement": "Département",
    "epci": "EPCI",
    "type": "Type",
    "etat": "État",
    "suite": "Prochaine étape",
    "ars": "ARS",
    "prefecture": "Préfecture",
    "avis": "Avis",
    "etiquettes": "Étiquettes",
    "vague": "Vague",
    "recu": "Reçu le",
    "echeance": "Rejet implicite",
    "instruit": "Instruit par",
}
"""The columns, in the one order in which they are shown and exported, before the internal fields that were chosen; tags are shown
beside the structure."""
BESIDE = frozenset({"etiquettes"})
"""Columns of the export that the page shows in another's cell."""
ALWAYS = "structure"
"""The column by which a line is known; it is always shown."""
DEFAULT_COLUMNS = (
    "dossier",
    "structure",
    "type",
    "etat",
    "ars",
    "prefecture",
    "avis",
    "etiquettes",
    "echeance",
    "instruit",
)
TELLING = {"etat", "agent", "instruit", "etiquette", "nouveau", "parmi"}
"""What would tell the sense of a decision before its notification, who instructs or what they note: the filters and sorts
of insiders only."""


@dataclass(frozen=True, slots=True)
class Address:
    """What an address of the list says to the holder of a mandate; ``kept`` are its filters."""

    view: str
    sort: str
    kept: Mapping[str, str]
    columns: tuple[str, ...]
    fields: Fields

    @property
    def mandate(self) -> Mandate:
        """Whose list it is."""
        return self.fields.mandate

    @property
    def chosen(self) -> list[InternalField]:
        """The internal fields among its columns."""
        return [self.fields.by_word[name] for name in self.columns if split_word(name)]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Its words, without those that go without saying."""
        pairs = [("vue", self.view), *self.kept.items()]
        if self.sort != DEFAULT_SORT:
            pairs.append(("tri", self.sort))
        if self.columns != DEFAULT_COLUMNS:
            pairs += [("col", name) for name in self.columns]
        return pairs

    @property
    def query(self) -> str:
        """The address as it is written after the question mark."""
        return urlencode(self.pairs)

    def url(self, *, without: str = "", **more: Any) -> str:
        """Return a link to the list, with other words or without one."""
        changed = {without, *more}
        return f"?{urlencode([*[pair for pair in self.pairs if pair[0] not in changed], *more.items()])}"

    def hidden(self, *without: str) -> list[tuple[str, str]]:
        """Return the words that a form with fields of its own sends along."""
        return [pair for pair in self.pairs if pair[0] not in without]

    def filter(self, files: QuerySet[Application], views: Mapping[str, View]) -> Q:
        """Return the filter of the files that this address shows among ``files``."""
        return views[self.view][1] & filter_of(files, self.kept, self.fields, timezone.localdate())

    def ordered(self, files: QuerySet[Application]) -> QuerySet[Application]:
        """Return files in the order that this address asks for."""
        return ordered(self.sortable(files), self.sort, self.mandate.capacity)

    def sortable(self, files: QuerySet[Application]) -> QuerySet[Application]:
        """Return files with the value by which they are sorted, when it is an internal field's."""
        name = self.sort.removeprefix("-")
        return files.alias(**{name: value_of(self.fields.by_word[name], self.mandate)}) if split_word(name) else files


def field_filters(data: Any, fields: Fields) -> FieldFilterForm:
    """Return the form of the filters by internal field."""
    return FieldFilterForm(data, fields=fields.names.items())


def _names_fields(data: QueryDict) -> bool:
    """Tell whether an address names internal fields: else nobody reads which there are."""
    words = [*data, *data.getlist("col"), data.get("tri", "").removeprefix("-")]
    return any(word in {WITH, WITHOUT} or split_word(word) for word in words)


def read_address(data: QueryDict, mandate: Mandate, views: Mapping[str, View], fields: Fields | None = None) -> Address:
    """Read an address; what is unknown is ignored. ``fields`` are those of the mandate, when several are read."""
    fields = fields or Fields(mandate)
    own = fields.by_word if _names_fields(data) else {}
    kept = WorkListForm(data).kept() | (field_filters(data, fields).kept() if own else {})
    view, sort = data.get("vue", ""), data.get("tri", "")
    sort = sort if sort.removeprefix("-") in {*SORTS, *own} else DEFAULT_SORT
    if not is_insider(mandate):
        kept = {name: value for name, value in kept.items() if name not in TELLING}
        sort = DEFAULT_SORT if sort.removeprefix("-") in TELLING else sort
    asked = set(data.getlist("col")) & {*COLUMNS, *own}
    columns = tuple(name for name in (*COLUMNS, *own) if name in asked or name == ALWAYS) if asked else DEFAULT_COLUMNS
    return Address(view if view in views else EVERYTHING, sort, kept, columns, fields)


def read_query(query: str, mandate: Mandate, views: Mapping[str, View], fields: Fields | None = None) -> Address:
    """Read an address that was kept, or that came along with a file."""
    return read_address(QueryDict(query[:500]), mandate, views, fields)


# Following a list from file to file ------------------------------------------------------------------------------------

FOLLOWED = "liste"
"""Name of the word by which a link to a file, or a form on its page, carries the address of the list."""


def place_in_list(request: HttpRequest, application: Application) -> dict[str, Any] | None:
    """Return where a file is in the list it was opened from, and the links to the files beside it."""
    followed = request.POST.get(FOLLOWED) or request.GET.get(FOLLOWED)
    if not followed:
        return None
    mandate: Mandate = request.mandate  # type: ignore[attr-defined]
    files, views = files_of(request.user, mandate), views_of(mandate, timezone.localdate())
    address = read_query(followed, mandate, views)
    position = position_of(
        application, address.sortable(files), address.filter(files, views), address.sort, mandate.capacity
    )
    page = {"page": (position.rank - 1) // PAGE + 1} if position.rank and position.rank > PAGE else {}
    return {
        "query": address.query,
        "view": views[address.view][0],
        "rank": position.rank,
        "total": position.total,
        "previous": followed_link(position.previous, address) if position.previous else "",
        "next": followed_link(position.next, address) if position.next else "",
        "back": f"{reverse('applications')}{address.url(**page)}#{application.number}",
    }


def followed_link(number: str, address: Address) -> str:
    """Return the address of a file as a list opens it."""
    return f"{reverse('application', args=[number])}?{urlencode({FOLLOWED: address.query})}"


def keep_following(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """Return the answer to an act; one that goes back to the file takes the address of the list along."""
    followed = request.POST.get(FOLLOWED, "")
    if followed and "Location" in answer:
        path, query, anchor = urlsplit(answer["Location"])[2:5]
        words = [*parse_qsl(query), (FOLLOWED, followed[:500])]
        answer["Location"] = urlunsplit(("", "", path, urlencode(words), anchor))
    return answer
