"""The photos and documents of a visit on screen: added on the spot, read by both sides once the report is sent."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import Scan
from labelling.forms.evidence import WITHOUT_PEOPLE
from labelling.forms.visits import VisitPieceForm
from labelling.models import Evidence, Label, Visit
from labelling.rules.clock import local_day
from labelling.services import evidence as evidence_service
from labelling.services import visit_pieces as service
from labelling.services.attestations import criteria_of
from labelling.services.reviews import is_insider
from labelling.views.endings import label_trail, membership_of, posted_mandate, refusal_to_act
from labelling.views.evidence import TOO_LARGE, Piece, file_response, refused_upload
from labelling.views.posted import posted_number
from labelling.views.scope import visible_label

UNPROCESSABLE, CONFLICT = 422, 409


def visible_visit(request: HttpRequest, number: str, pk: int) -> tuple[Label, Visit]:
    """Return a visit that the reader may know of: the structure once its report is sent, the services at once."""
    label = visible_label(request, number)
    rows = Visit.objects.select_related("planned_by__user", "planned_by__authority", "answered_by__user")
    row = get_object_or_404(rows, label=label, pk=pk)
    row.label = label
    if is_insider(request.mandate):  # type: ignore[attr-defined]
        return label, row
    if membership_of(request, label) is None:
        raise PermissionDenied("Les visites se lisent par la structure, l’ARS et la préfecture.")
    if row.sent_at is None:
        raise Http404
    return label, row


def visit_pieces_of(label: Label, row: Visit) -> dict[str, list[Piece]]:
    """Return the pieces of a visit that are kept, by the code of their criterion, that of the whole visit being empty."""
    today = local_day(timezone.now(), label.departement.timezone)
    found: dict[str, list[Piece]] = {}
    for piece in row.pieces.kept().with_people().order_by("pk"):
        found.setdefault(piece.criterion_code, []).append(Piece(piece, today))
    return found


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def visit_pieces(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """List the pieces of a visit; add one, or remove one, while its report is not sent."""
    label, row = visible_visit(request, number, pk)
    now = timezone.now()
    if sentence := refusal_to_act(label, request.mandate, now):  # type: ignore[attr-defined]
        raise PermissionDenied(sentence)
    if not row.is_open:
        messages.info(request, "Ce compte rendu ne change plus : ses pièces non plus.")
        return redirect("visit", label.number, row.pk)
    if request.method == "POST" and "remove" in request.POST:
        return _remove(request, label, row)
    form = _form(request, label)
    status = 200
    if request.method == "POST":
        status = UNPROCESSABLE
        if sentence := refused_upload(request):
            form.errors.pop("file", None)
            form.add_error("file", sentence)
            status = TOO_LARGE
        elif form.is_valid() and (response := _add(request, label, row, form)):
            return response
    pieces = visit_pieces_of(label, row)
    context = {
        "label": label,
        "structure": label.structure,
        "visit": row,
        "pieces": [piece for group in pieces.values() for piece in group],
        "form": form,
        "limits": evidence_service.limits().sentence,
        "without_people": f"{WITHOUT_PEOPLE} Aucun visage reconnaissable.",
        "trail": [*label_trail(request, label), ("Visite", row.get_absolute_url())],
    }
    return render(request, "labelling/visit/pieces.html", context, status=status)


def _form(request: HttpRequest, label: Label) -> VisitPieceForm:
    criteria = [(row.code, f"{row.position}. {row.title}") for row in criteria_of(label)]
    posted = (request.POST, request.FILES) if request.method == "POST" else ()
    return VisitPieceForm(*posted, criteria=criteria, initial={"criterion": request.GET.get("critere", "")})


def _add(request: HttpRequest, label: Label, row: Visit, form: VisitPieceForm) -> HttpResponse | None:
    """Keep the file and lead back to the page, for the next one; refused, say why at its field."""
    mandate = posted_mandate(request, label)
    sent = form.cleaned_data["file"]
    criterion = next((one for one in criteria_of(label) if one.code == form.cleaned_data["criterion"]), None)
    try:
        piece = service.add_visit_piece(
            visit=row,
            criterion=criterion,
            name=sent.name or "",
            content=sent.read(),
            mandate=mandate,
            at=timezone.now(),
        )
    except RefusedError as refusal:
        form.add_error("file", str(refusal))
        return None
    waiting = " Elle pourra être lue dès que l’antivirus l’aura analysée." if piece.scan == Scan.WAITING else ""
    messages.success(request, typeset(f"La pièce « {piece.name} » est ajoutée.{waiting}"))
    return redirect("visit-pieces", label.number, row.pk)


def _remove(request: HttpRequest, label: Label, row: Visit) -> HttpResponse:
    mandate = posted_mandate(request, label)
    piece = get_object_or_404(row.pieces, pk=posted_number(request, "remove"))
    try:
        service.remove_visit_piece(visit=row, piece=piece, mandate=mandate, at=timezone.now())
    except RefusedError as refusal:
        messages.error(request, typeset(str(refusal)))
    else:
        messages.success(request, typeset(f"La pièce « {piece.name} » est retirée : son contenu est effacé."))
    return redirect("visit-pieces", label.number, row.pk)


@never_cache
@require_safe
def visit_piece(request: HttpRequest, number: str, pk: int, piece: int) -> HttpResponse | FileResponse:
    """Give the bytes of a piece of a visit to who may read its report."""
    _, row = visible_visit(request, number, pk)
    return file_response(request, get_object_or_404(Evidence, visit=row, pk=piece))
