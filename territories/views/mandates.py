"""The mandates of a person: which one they act with, and whom they invite."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from francesante.lib.workflow import RefusedError
from territories.choices import Role
from territories.forms import InviteForm
from territories.models import Invitation, Mandate
from territories.notifications import promise_of, send_invitation
from territories.services.mandates import ACTING_MANDATE, invite_agent, may_invite
from territories.views.accounts import safe_address


@require_http_methods(["GET", "HEAD", "POST"])
def mandates(request: HttpRequest) -> HttpResponse:
    """List the person's mandates, and choose the acting one."""
    target = safe_address(request, "suite")
    if request.method == "POST":
        active = {str(mandate.pk): mandate for mandate in request.mandates}  # type: ignore[attr-defined]
        chosen = active.get(request.POST.get(ACTING_MANDATE, ""))
        if chosen is None:
            messages.error(request, "Cette habilitation n’est plus en vigueur : vous agissez toujours comme avant.")
            return redirect("mandates")
        request.session[ACTING_MANDATE] = chosen.pk
        messages.success(request, f"Vous agissez maintenant pour : {chosen.authority}, {chosen.territory_name}.")
        return redirect(target)
    now = timezone.now()
    rows = [
        {"mandate": mandate, "active": mandate.is_active(now), "signs": mandate.may_sign(now)}
        for mandate in Mandate.objects.of(request.user)  # type: ignore[arg-type]
    ]
    context = {
        "rows": rows,
        "suite": target,
        "may_invite": may_invite(request.mandate, at=now),  # type: ignore[attr-defined]
    }
    return render(request, "territories/mandates.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def invite_person(request: HttpRequest) -> HttpResponse:
    """Invite somebody to act for an authority, within the territory of the acting mandate."""
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    now = timezone.now()
    if mandate is None:
        raise Http404
    if not may_invite(mandate, at=now):
        raise PermissionDenied(
            "Le titulaire de la signature de votre autorité et l’équipe nationale peuvent inviter ; votre habilitation ne le "
            "permet pas."
        )
    form = InviteForm(request.POST or None, mandate=mandate, today=timezone.localdate(now))
    if request.method == "POST" and form.is_valid():
        data = {**form.cleaned_data, "role": Role(form.cleaned_data["role"])}
        try:
            invitation, token = invite_agent(mandate=mandate, at=now, **data)
        except RefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            return _send(request, invitation, token)
    return render(request, "territories/invite.html", {"form": form})


def _send(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    try:
        send_invitation(invitation, token=token, promise=promise_of(invitation))
    except OSError:
        messages.error(
            request,
            f"L’invitation de {invitation.email} est enregistrée, mais le courriel n’a pas pu partir. Invitez à nouveau cette "
            "adresse dans quelques minutes : le nouveau lien remplacera celui-ci.",
        )
    else:
        messages.success(
            request, f"L’invitation est partie à {invitation.email}. Son lien sert une seule fois, pendant sept jours."
        )
    return redirect("mandates")
