"""Closing a file without a decision: a page of its own, with what it means and what the structure will read."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError, allows
from labelling.forms.disagreements import ClosingForm
from labelling.services.closing import close_application
from labelling.services.reviews import require_reviewer
from labelling.views.posted import posted_number
from labelling.views.scope import visible_file
from labelling.workflow import TRANSITIONS
from territories.models import Mandate


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def application_close(request: HttpRequest, number: str) -> HttpResponse:
    """Say why a file is closed, then close it."""
    application = visible_file(request, number)
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    now = timezone.now()
    if mandate is None:
        raise PermissionDenied("Un classement sans suite revient à un agent de l’ARS ou de la préfecture.")
    try:
        require_reviewer(application, mandate, at=now)
    except RefusedError as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    form = ClosingForm(request.POST or None)
    refused, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            version = posted_number(request, "version")
            try:
                close_application(
                    application=application, mandate=mandate, **form.cleaned_data, version=version, at=now
                )
            except RefusedError as refusal:
                refused, status = str(refusal), 409
            else:
                messages.success(
                    request, "Le dossier est classé sans suite. La structure en est prévenue par courriel."
                )
                return redirect(application)
    context = {
        "application": application,
        "form": form,
        "refusal": typeset(refused),
        "may_close": allows(TRANSITIONS, "close", state=application.state, hat=mandate.hat, row=application),
        "trail": [("Dossiers", reverse("applications")), (number, application.get_absolute_url())],
    }
    return render(request, "labelling/disagreement/close.html", context, status=status)
