"""The answer to an appeal as the structure reads it: an explicit step, because reading is the notification; then its PDF."""

import json

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import AppealOutcome, MembershipRole
from labelling.models import Membership
from labelling.rules.clock import local_day
from labelling.services import appeal_answers as answers
from labelling.services import appeals as service
from labelling.views.appeals import reader_of
from labelling.views.contested import Row, row_of


def _answered(request: HttpRequest, number: str, pk: int) -> tuple[Row, Membership | None]:
    """Return an appeal whose answer is signed, with the access it is read by; 404 while none is."""
    application, membership, _ = reader_of(request, number)
    appeal = service.appeals_of(application).filter(pk=pk, settled_at__isnull=False).first()
    if appeal is None or appeal.answer_decision is None or appeal.outcome == AppealOutcome.NO_OBJECT:
        raise Http404
    today = local_day(timezone.now(), application.departement.timezone)
    return row_of(appeal, today, structure=membership is not None), membership


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def appeal_answer(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Announce the answer to an appeal, record its reading, then show it: sense, reasons, effect, remedies."""
    row, membership = _answered(request, number, pk)
    if request.method == "POST":
        if membership is None:
            raise PermissionDenied(
                "La réponse est notifiée à la structure : sa lecture par un agent n’est pas une notification."
            )
        try:
            answers.read_answer(appeal=row.appeal, membership=membership, at=timezone.now())
        except RefusedError as refusal:
            messages.error(request, typeset(str(refusal)))
        return redirect("appeal-answer", number, pk)
    appeal = row.appeal
    act = appeal.answer_decision
    context = {
        "application": appeal.application,
        "row": row,
        "appeal": appeal,
        "decision": act,
        "content": json.loads(act.content),  # type: ignore[union-attr]
        "may_open": membership is not None and membership.role == MembershipRole.OWNER,
        "by_letter": not appeal.application.notification_consent,
        "signatures": act.signatures.select_related("mandate__authority").order_by("capacity"),  # type: ignore[union-attr]
        "trail": [
            ("Mes dossiers" if membership else "Dossiers", reverse("applications")),
            (number, appeal.application.get_absolute_url()),
            ("Recours", reverse("appeals", args=[number])),
        ],
    }
    return render(request, "labelling/appeal/answer.html", context)


@never_cache
@require_safe
def appeal_answer_pdf(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Give the answer in PDF, byte for byte as it is kept."""
    row, _ = _answered(request, number, pk)
    if not row.told:
        raise PermissionDenied("L’acte se lit après sa notification : ouvrez d’abord la page de la réponse.")
    pdf = row.appeal.answer_decision.pdf  # type: ignore[union-attr]
    if pdf is None:
        raise Http404
    headers = {"Content-Disposition": f'inline; filename="reponse-recours-{number}.pdf"'}
    return HttpResponse(bytes(pdf), content_type="application/pdf", headers=headers)
