"""Which file a reader may open, and by what access: the door of every page of a file."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from labelling.choices import MembershipRole
from labelling.models import Application, Membership
from labelling.services import applications as service


def visible_file(request: HttpRequest, number: str) -> Application:
    """Return a file that the reader may open, or raise 404."""
    rows = Application.objects.for_user(request.user).select_related(
        "structure__commune", "structure__register_line", "departement__region", "specification", "wave", "decision"
    )
    return get_object_or_404(rows, number=number)


def own_file(request: HttpRequest, number: str) -> tuple[Application, Membership]:
    """Return a file and the reader's access to its structure: 404 out of scope, 403 for an agent."""
    application = visible_file(request, number)
    membership = service.membership_for(application, request.user.pk)
    if membership is None:
        raise PermissionDenied("Cette page est réservée aux personnes qui agissent pour la structure.")
    return application, membership


def require_owner(membership: Membership, act: str) -> None:
    """Raise 403, with the sentence to show, unless the access is the owner's."""
    if membership.role != MembershipRole.OWNER:
        raise PermissionDenied(
            f"Votre compte permet de remplir le dossier ; seul le responsable de la structure peut {act}."
        )
