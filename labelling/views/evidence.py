"""The pieces of a file: their list with the form that adds one, their bytes, their removal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.french import joined, typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import CriterionKind, EvidenceType, Scan
from labelling.forms.evidence import WHOLE_FILE, WITHOUT_PEOPLE, EvidenceForm
from labelling.models import Application, Criterion, Evidence, EvidenceTemplate
from labelling.rules.asked_pieces import AskedPiece, accepted_months, asked_pieces, is_stale, too_old
from labelling.rules.clock import local_day
from labelling.rules.steps import Step
from labelling.rules.uploads import EXTENSIONS, age_in_words, display_name, too_large
from labelling.services import evidence as service
from labelling.services import recognition
from labelling.services.readings import record_reading
from labelling.views.scope import Reader, file_reader

TOO_LARGE = 413
POLICY = "default-src 'none'; frame-ancestors 'self'"
"""Of the bytes themselves: nothing in them runs, loads or is framed elsewhere."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece as a page shows it, on a day; ``months`` is the age that its criterion accepts, 0 when it says none."""

    row: Evidence
    today: date
    months: int = 0

    @property
    def age(self) -> str:
        """How old the document is."""
        return age_in_words(self.row.document_date, self.today)

    @property
    def is_old(self) -> bool:
        """Whether the page says so: older than its criterion accepts; without such an age, than documents usually are."""
        if self.months:
            return is_stale(self.row.document_date, self.today, self.months)
        return (self.today - self.row.document_date).days > settings.EVIDENCE_OLD_DAYS

    @property
    def old(self) -> str:
        """What is said of one that is."""
        return too_old(self.months)

    @property
    def size(self) -> str:
        """Its size, in words."""
        return service.size_in_words(self.row.size)


@dataclass(frozen=True, slots=True)
class Group:
    """The pieces of one criterion, or of the whole file, and those that the criterion asks for."""

    criterion: Criterion | None
    pieces: list[Piece]

    @property
    def asked(self) -> list[AskedPiece]:
        """What is asked, as a list to check."""
        return asked_pieces(self.criterion.evidence_asked) if self.criterion else []

    @property
    def template(self) -> EvidenceTemplate | None:
        """The model to be filled in, if there is one; needs the criterion's selected."""
        return getattr(self.criterion, "template", None)


@dataclass(frozen=True, slots=True)
class Panel:
    """What a page of the file shows of its pieces; ``beside`` is the one displayed next to the open criterion."""

    by_code: dict[str, list[Piece]]
    count: int
    may_add: bool
    beside: Piece | None = None


def pieces_of(application: Application) -> list[Piece]:
    """Return every piece of a file, those removed included, in the order they came."""
    today = local_day(timezone.now(), application.departement.timezone)
    rows = application.evidence.of_files().with_people().order_by("pk")
    return [Piece(row, today, _months_of(row)) for row in rows]


def _months_of(row: Evidence) -> int:
    return accepted_months(asked_pieces(row.criterion.evidence_asked)) if row.criterion else 0


def by_code(pieces: Iterable[Piece]) -> dict[str, list[Piece]]:
    """Return the pieces that are kept, by the code of their criterion, that of the whole file being empty."""
    found: dict[str, list[Piece]] = {}
    for piece in pieces:
        if piece.row.file:
            found.setdefault(piece.row.criterion_code, []).append(piece)
    return found


def evidence_panel(request: HttpRequest, reader: Reader, opened: Criterion | None = None) -> Panel:
    """Return what the page of a file shows of its pieces, beside the criterion that is open."""
    application = reader.application
    groups = by_code(pieces_of(application))
    readable = [piece for piece in groups.get(opened.code, []) if piece.row.is_readable] if opened else []
    asked = request.GET.get("piece", "")
    return Panel(
        by_code=groups,
        count=sum(len(pieces) for pieces in groups.values()),
        may_add=not service.why_not_complete(application, reader.author, at=timezone.now()),
        beside=next((piece for piece in readable if str(piece.row.pk) == asked), next(iter(readable), None)),
    )


def evidence_of_step(application: Application, step: Step) -> list[Group]:
    """Return the criteria that one task of a draft answers and that pieces may support, with those there are."""
    criteria = application.specification.criteria.filter(rule__in=step.rules, kind=CriterionKind.CRITERION)
    rows = criteria.select_related("template").order_by("position")
    groups = by_code(pieces_of(application))
    found = [Group(criterion, groups.get(criterion.code, [])) for criterion in rows]
    return [group for group in found if group.asked or group.template or group.pieces]


# The page -------------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def evidence_list(request: HttpRequest, number: str) -> HttpResponse:
    """List the pieces of a file by criterion, and add one."""
    reader = file_reader(request, number)
    if request.method != "POST":
        return _page(request, reader, _form(request, reader))
    try:
        service.require_author(reader.application, reader.author, at=timezone.now())
    except RefusedError as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    form = _form(request, reader)
    if sentence := refused_upload(request):
        form.errors.pop("file", None)
        form.add_error("file", sentence)
        return _page(request, reader, form, status=TOO_LARGE)
    if not form.is_valid():
        return _page(request, reader, form, status=422)
    criterion = _criteria(reader).filter(code=form.cleaned_data["criterion"]).first()
    added = _add_each(reader, form, criterion)
    if form.errors:
        return _page(request, reader, form, added=added, status=422)
    what = f"Critère {criterion.position}" if criterion else "Tout le dossier"
    messages.success(request, typeset(f"{what} : {_added_in_words(added)}"))
    return redirect("evidence-list", number)


def _add_each(reader: Reader, form: EvidenceForm, criterion: Criterion | None) -> list[Evidence]:
    """Add the files one by one, and return those that are added; why another is not is an error of its form."""
    added = []
    values = form.values()
    for sent in values.pop("sent"):
        try:
            row = service.add_evidence(
                application=reader.application,
                author=reader.author,
                criterion=criterion,
                sent=sent,
                at=timezone.now(),
                **values,
            )
        except RefusedError as refusal:
            form.add_error("file", str(refusal))
        else:
            added.append(row)
    return added


def _added_in_words(rows: Sequence[Evidence]) -> str:
    names, many = joined([f"« {row.name} »" for row in rows]), len(rows) > 1
    said = f"les pièces {names} sont ajoutées." if many else f"la pièce {names} est ajoutée."
    if rows[0].scan != Scan.WAITING:
        return said
    who = "Elles pourront être lues une fois analysées" if many else "Elle pourra être lue une fois analysée"
    return f"{said} {who}, dans une minute ou deux."


def refused_upload(request: HttpRequest) -> str:
    """Return the sentence about a file that was too large to be received, or nothing."""
    name = getattr(request, "refused_upload", None)
    return "" if name is None else str(too_large(display_name(name), service.limits()))


def _criteria(reader: Reader) -> QuerySet[Criterion]:
    specification = reader.application.specification
    criteria = specification.criteria.filter(kind=CriterionKind.CRITERION)
    return criteria.select_related("template").order_by("position")


def _form(request: HttpRequest, reader: Reader) -> EvidenceForm:
    asked = request.GET.get("critere", WHOLE_FILE)
    posted = (request.POST, request.FILES) if request.method == "POST" else ()
    return EvidenceForm(
        *posted,
        criteria=[(row.code, f"{row.position}. {row.title}") for row in _criteria(reader)],
        by_services=reader.services,
        today=local_day(timezone.now(), reader.application.departement.timezone),
        initial={"criterion": asked},
    )


def _page(
    request: HttpRequest,
    reader: Reader,
    form: EvidenceForm,
    *,
    added: Sequence[Evidence] = (),
    status: int = 200,
) -> HttpResponse:
    application = reader.application
    pieces = pieces_of(application)
    groups = by_code(pieces)
    listed = [Group(criterion, groups.pop(criterion.code, [])) for criterion in _criteria(reader)]
    # Pieces of a criterion that a later version no longer has are those of the whole file.
    whole = [piece for rest in groups.values() for piece in rest]
    why_not = service.why_not_complete(application, reader.author, at=timezone.now())
    context = {
        "application": application,
        "reader": reader,
        "groups": [*listed, Group(None, whole)],
        "added": typeset(_added_in_words(added)) if added else "",
        "gone": [piece for piece in pieces if not piece.row.file],
        "count": sum(bool(piece.row.file) for piece in pieces),
        "form": form,
        "may_add": not why_not,
        "why_not": typeset(why_not),
        "limits": service.limits().sentence,
        "without_people": WITHOUT_PEOPLE,
        "antivirus": bool(settings.CLAMD_URL),
        "images_read": recognition.is_on(),
        "trail": reader.trail,
    }
    return render(request, "labelling/evidence/list.html", context, status=status)


# One piece ------------------------------------------------------------------------------------------------------------


@never_cache
@require_safe
@xframe_options_sameorigin
def evidence_file(request: HttpRequest, number: str, pk: int) -> HttpResponse | FileResponse:
    """Give the bytes of a piece, to be shown in the page of the file or in a window of their own."""
    reader = file_reader(request, number)
    row = get_object_or_404(reader.application.evidence.of_files(), pk=pk)
    response = file_response(request, row)
    if reader.mandate is not None:
        record_reading(application=reader.application, mandate=reader.mandate, at=timezone.now())
    return response


def file_response(request: HttpRequest, row: Evidence) -> FileResponse:
    """Return the bytes of a piece, under the policy that keeps them from doing anything.

    Raises:
        PermissionDenied: they are withheld until scanned, or no longer kept.
        Http404: they are not where they should be.
    """
    try:
        stream = service.open_bytes(row)
    except RefusedError as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    except FileNotFoundError as error:
        raise Http404 from error
    response = FileResponse(
        stream, content_type=row.content_type, filename=download_name(row), as_attachment="telecharger" in request.GET
    )
    return shielded(response)


def shielded(response: FileResponse) -> FileResponse:
    """Keep the bytes that somebody sent from running, loading or being taken for something else."""
    response["X-Content-Type-Options"] = "nosniff"
    # Chromium's PDF reader does not open inside a sandbox; it is one of its own.
    response["Content-Security-Policy"] = (
        POLICY if response["Content-Type"] == EvidenceType.PDF else f"{POLICY}; sandbox"
    )
    return response


def download_name(row: Evidence) -> str:
    """Return the name a piece is saved under: its own, ending as its content does."""
    endings = EXTENSIONS[EvidenceType(row.content_type)]
    return row.name if row.name.lower().endswith(endings) else f"{row.name}{endings[0]}"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def evidence_remove(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Remove a piece: a page of its own, with what it means."""
    reader = file_reader(request, number)
    rows = reader.application.evidence.of_files().select_related("criterion", "application__departement")
    row = get_object_or_404(rows, pk=pk)
    if row.by_services != reader.services:
        raise PermissionDenied("Une pièce se retire par le côté qui l’a ajoutée : la structure, ou les services.")
    if request.method != "POST":
        context = {"application": reader.application, "row": row, "trail": reader.trail, "reader": reader}
        return render(request, "labelling/evidence/remove.html", context)
    try:
        service.remove_evidence(evidence=row, author=reader.author, at=timezone.now())
    except RefusedError as refusal:
        messages.error(request, typeset(str(refusal)))
    else:
        messages.success(request, typeset(f"La pièce « {row.name} » est retirée : son contenu est effacé."))
    return redirect("evidence-list", number)
