"""The door of the pages of the national team."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from territories.choices import Role
from territories.models import Mandate


def national(request: HttpRequest) -> Mandate:
    """Return the national mandate that the reader acts with; a form must post the one it was shown with.

    Raises:
        PermissionDenied: the reader acts with another mandate, or with none.
    """
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None or mandate.role != Role.NATIONAL:
        raise PermissionDenied(
            "Le cahier des charges et le calendrier sont tenus par l’équipe nationale. Vous les lisez sur leurs pages "
            "publiques."
        )
    if request.method == "POST" and request.POST.get("mandate") != str(mandate.pk):
        raise PermissionDenied(
            "L’habilitation avec laquelle cette page vous était montrée n’est plus la vôtre. Rien n’a été enregistré ; "
            "rouvrez la page avec votre habilitation actuelle."
        )
    return mandate
