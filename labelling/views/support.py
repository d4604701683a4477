"""Support asked of the national team: the list by age, a new request, and the exchange of one."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.workflow import RefusedError, StaleError, allows
from labelling.choices import SupportState
from labelling.forms.network import AskSupportForm, SupportMessageForm
from labelling.models import SupportRequest
from labelling.services import support as service
from labelling.services.shares import departements_of_mandate
from labelling.views.posted import posted_number
from labelling.workflow import SUPPORT
from territories.choices import Role
from territories.models import Mandate

TONES = {SupportState.OPEN: "warning", SupportState.ANSWERED: "success", SupportState.CLOSED: ""}


def _party(request: HttpRequest) -> Mandate:
    """Return the mandate of an agent of the ARS, of the préfecture or of the national team; a form posts its own."""
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None or not (mandate.role == Role.NATIONAL or (mandate.role == Role.AGENT and mandate.capacity)):
        raise PermissionDenied("L’appui se demande entre les services : ARS, préfectures et équipe nationale.")
    if request.method == "POST" and request.POST.get("mandate") != str(mandate.pk):
        raise PermissionDenied(
            "L’habilitation avec laquelle cette page vous était montrée n’est plus la vôtre. Rien n’a été enregistré ; "
            "rouvrez la page avec votre habilitation actuelle."
        )
    return mandate


@require_safe
def support_requests(request: HttpRequest) -> HttpResponse:
    """List the requests of the reader's territory: those that wait, the oldest first, then the others."""
    mandate = _party(request)
    rows = SupportRequest.objects.for_user(request.user).select_related("departement", "asked_by__authority")
    today = timezone.localdate()
    context = {
        "pending": [(row, (today - timezone.localdate(row.asked_at)).days) for row in rows.pending()],
        "others": [
            (row, TONES[SupportState(row.state)])
            for row in rows.exclude(state=SupportState.OPEN).order_by("-asked_at", "-pk")[:100]
        ],
        "may_ask": mandate.role == Role.AGENT,
        "trail": [("Pilotage", reverse("steering"))],
    }
    return render(request, "labelling/support/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def support_ask(request: HttpRequest) -> HttpResponse:
    """Ask for support."""
    mandate = _party(request)
    if mandate.role != Role.AGENT:
        raise PermissionDenied("L’appui se demande par l’ARS ou la préfecture ; l’équipe nationale y répond.")
    form = AskSupportForm(request.POST or None, departements=departements_of_mandate(mandate))
    if request.method == "POST" and form.is_valid():
        try:
            asked = service.ask_support(**form.cleaned_data, mandate=mandate, at=timezone.now())
        except RefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Votre demande est envoyée à l’équipe nationale : sa réponse se lira ici.")
            return redirect(asked)
    context = {"form": form, "trail": [("Demandes d’appui", reverse("support-requests"))]}
    return render(request, "labelling/support/ask.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def support_request(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one request and its exchange; write in it, or close it."""
    asked = get_object_or_404(
        SupportRequest.objects.for_user(request.user).select_related("departement", "asked_by__authority"), pk=pk
    )
    mandate = _party(request)
    closing = request.POST.get("act") == "close"
    form = SupportMessageForm(request.POST if request.method == "POST" and not closing else None)
    status = 422 if request.method == "POST" and not closing and not form.is_valid() else 200
    if request.method == "POST" and (closing or form.is_valid()):
        by = {"mandate": mandate, "version": posted_number(request, "version"), "at": timezone.now()}
        try:
            if closing:
                service.close_support(request=asked, **by)
            else:
                service.write_support(request=asked, text=form.cleaned_data["text"], **by)
        except StaleError:
            form.add_error(None, "Un message est arrivé pendant que vous écriviez : lisez-le, puis envoyez le vôtre.")
            asked.refresh_from_db()
            status = 409
        except RefusedError as refusal:
            form.add_error(None, str(refusal))
            status = 409
        else:
            messages.success(request, "La demande est close." if closing else "Votre message est envoyé.")
            return redirect(asked)
    context = {
        "asked": asked,
        "tone": TONES[SupportState(asked.state)],
        "thread": asked.messages.select_related("mandate__user", "mandate__authority").order_by("written_at", "pk"),
        "form": form if allows(SUPPORT, "close", state=asked.state, hat=mandate.hat) else None,
        "trail": [("Demandes d’appui", reverse("support-requests"))],
    }
    return render(request, "labelling/support/request.html", context, status=status)
