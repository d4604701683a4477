"""The technical administration: nobody enters without the second factor, and nobody signs in there."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect  # noqa: TID251  # an interface, outside the applications
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme


class PortalAdminSite(AdminSite):
    """Django's site, reached through the portal's own sign-in."""

    site_header = "Administration technique"
    site_title = "France Santé"
    index_title = "Référentiels, comptes et actes"

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person is a technical administrator who confirmed the second factor."""
        return super().has_permission(request) and request.user.is_verified()  # type: ignore[union-attr]

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002
        """Send to the portal's sign-in, which knows the lock-out and the second factor."""
        target = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
            target = reverse("admin:index")
        if self.has_permission(request):
            return HttpResponseRedirect(target)
        if request.user.is_authenticated:
            raise PermissionDenied("L’administration technique est réservée aux administrateurs du portail.")
        return redirect_to_login(target)
