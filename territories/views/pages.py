"""Standing pages, and the answer to a form that came without its token."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from territories.services.retention import periods


@login_not_required
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """Lead to the icon: browsers ask for it here beside what is not a page of ours, a PDF or JSON."""
    return redirect(static("portal/favicon.svg"))


@login_not_required
@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """Show the accessibility statement (law of 11 February 2005, article 47)."""
    return render(request, "territories/accessibility.html")


@login_not_required
@require_safe
def legal(request: HttpRequest) -> HttpResponse:
    """Show who publishes the portal."""
    return render(request, "territories/legal.html")


@login_not_required
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Show what personal data the portal holds, why, and for how long."""
    return render(request, "territories/privacy.html", {"periods": periods()})


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001  # Django's signature
    """Say that nothing was lost, and how to send the form again."""
    return render(request, "territories/csrf_failure.html", status=403)
