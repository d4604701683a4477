"""Which file a reader may open, and by what access: the door of every page of a file."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from labelling.choices import MembershipRole
from labelling.models import Application, Label, Membership
from labelling.services import applications as service
from labelling.services.reviews import is_insider
from territories.models import Mandate


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody of one of the two sides of a file: of its structure, or of the services that judge it."""

    application: Application
    membership: Membership | None
    mandate: Mandate | None

    @property
    def author(self) -> Membership | Mandate | None:
        """What they would write with."""
        return self.membership or self.mandate

    @property
    def services(self) -> bool:
        """Whether they are of the services: whoever acts for the structure is of its side."""
        return self.membership is None

    @property
    def trail(self) -> list[tuple[str, str]]:
        """Where a page under the file's stands."""
        home = "Dossiers" if self.services else "Candidature"
        return [(home, reverse("applications")), (self.application.number, self.application.get_absolute_url())]


def visible_file(request: HttpRequest, number: str) -> Application:
    """Return a file that the reader may open, or raise 404."""
    rows = (
        Application.objects.for_user(request.user)
        .select_related(
            "structure__commune", "structure__register_line", "departement__region", "specification", "wave", "decision"
        )
        .defer("decision__pdf", "departement__outline", "departement__inset_outline")
    )
    return get_object_or_404(rows, number=number)


def own_file(request: HttpRequest, number: str) -> tuple[Application, Membership]:
    """Return a file and the reader's access to its structure: 404 out of scope, 403 for an agent."""
    application = visible_file(request, number)
    membership = service.membership_for(application, request.user.pk)
    if membership is None:
        raise PermissionDenied("Cette page est réservée aux personnes qui agissent pour la structure.")
    return application, membership


def file_reader(request: HttpRequest, number: str) -> Reader:
    """Return a file and the side of its reader: 404 out of scope, 403 for who is of neither side: caisse, collectivité."""
    application = visible_file(request, number)
    membership = service.membership_for(application, request.user.pk)
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if membership is None and not is_insider(mandate):
        raise PermissionDenied(
            "Les pièces et les échanges d’un dossier se lisent par la structure, l’ARS et la préfecture."
        )
    return Reader(application, membership, None if membership else mandate)


def require_owner(membership: Membership, act: str) -> None:
    """Raise 403, with the sentence to show, unless the access is the owner's."""
    if membership.role != MembershipRole.OWNER:
        raise PermissionDenied(
            f"Votre compte permet de remplir le dossier ; seul le responsable de la structure peut {act}."
        )


def visible_label(request: HttpRequest, number: str) -> Label:
    """Return a label that was notified and that the reader may open, or raise 404."""
    rows = (
        Label.objects.for_user(request.user)
        .published()
        .select_related("structure__commune", "departement__region", "decision", "application__specification", "wave")
    )
    return get_object_or_404(rows.defer("decision__pdf"), number=number)
