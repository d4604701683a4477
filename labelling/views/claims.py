"""Finding one's structure in the register, being recognised for it, and who has access to it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import ClaimState, MembershipRole
from labelling.forms.apply import CodeForm, InviteEditorForm, SearchForm
from labelling.models import Claim, Membership, RegisterLine, Structure
from labelling.notifications.direct import send_code
from labelling.services import access
from labelling.services.claims import (
    claims_of_structure,
    confirm_by_code,
    has_owner,
    masked_email,
    settle_claim,
    start_claim,
    waiting_claims,
)
from labelling.services.register_search import Search, search_register
from labelling.views.apply import NOT_SENT
from labelling.views.posted import posted_number
from territories.choices import Role
from territories.models import Invitation
from territories.notifications import promise_of, send_invitation


@login_not_required
@require_safe
def claim_search(request: HttpRequest) -> HttpResponse:
    """Search the register by number or by name and commune."""
    asked = "q" in request.GET
    form = SearchForm(request.GET if asked else None)
    found = Search([])
    if asked and form.is_valid():
        found = search_register(text=form.cleaned_data["q"], commune=form.cleaned_data["commune"])
    context = {
        "form": form,
        "asked": asked and form.is_valid(),
        "lines": found.lines,
        "sentence": typeset(found.sentence),
    }
    return render(request, "labelling/apply/claim_search.html", context)


def _line(pk: int) -> RegisterLine:
    return get_object_or_404(RegisterLine.objects.select_related("commune__departement", "structure"), pk=pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: HttpRequest, line: int) -> HttpResponse:
    """Show a line with its source and date, and claim it: a code is sent, or somebody is asked to confirm."""
    row = _line(line)
    if request.method == "POST":
        return _start(request, row)
    mine = Claim.objects.filter(user=request.user.pk, line=row).order_by("-pk").first()
    context = {
        "line": row,
        "masked": masked_email(row.email) if row.email else "",
        "owned": has_owner(row),
        "member": Membership.objects.of(request.user).filter(structure__register_line=row).exists(),
        "waiting": mine if mine and mine.state == ClaimState.WAITING_AGENT else None,
        "sent": mine if mine and mine.state == ClaimState.CODE_SENT else None,
    }
    return render(request, "labelling/apply/claim.html", context)


def _start(request: HttpRequest, row: RegisterLine) -> HttpResponse:
    try:
        begun, code = start_claim(
            user=request.user,  # type: ignore[arg-type]
            line=row,
            without_code="sans_code" in request.POST,
            at=timezone.now(),
        )
    except RefusedError as refusal:
        messages.error(request, str(refusal))
        return redirect("claim", line=row.pk)
    if not code:
        messages.success(
            request,
            "Votre demande est enregistrée. Elle sera confirmée par le responsable de la structure ou par un agent ; vous "
            "serez prévenu par courriel.",
        )
        return redirect("applications")
    try:
        send_code(begun, code)
    except OSError:
        messages.error(request, NOT_SENT)
        return redirect("claim", line=row.pk)
    return redirect("claim-code", line=row.pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def claim_code(request: HttpRequest, line: int) -> HttpResponse:
    """Ask for the code; the right one makes the person the owner of the structure's account."""
    row = _line(line)
    waiting = Claim.objects.filter(user=request.user.pk, line=row, state=ClaimState.CODE_SENT).first()
    if waiting is None:
        return redirect("claim", line=row.pk)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            membership = confirm_by_code(
                claim=waiting,
                user=request.user,  # type: ignore[arg-type]
                code=form.cleaned_data["code"],
                at=timezone.now(),
            )
        except RefusedError as refusal:
            form.add_error("code", typeset(str(refusal)))
        else:
            messages.success(request, f"Vous êtes responsable de {membership.structure} dans le portail.")
            return redirect("applications")
    context = {"line": row, "form": form, "masked": masked_email(row.email), "claim": waiting}
    return render(request, "labelling/apply/claim_code.html", context)


# Agents ----------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def claims(request: HttpRequest) -> HttpResponse:
    """List the claims that an agent of the territory may settle, and settle one."""
    mandate = request.mandate  # type: ignore[attr-defined]
    if mandate is None:
        raise Http404
    if mandate.role != Role.AGENT:
        raise PermissionDenied("Les demandes d’accès se règlent par un agent de l’ARS ou de la préfecture.")
    if request.method == "POST":
        row = get_object_or_404(waiting_claims(mandate), pk=posted_number(request, "claim"))
        _settle(request, row, mandate)
        return redirect("claims")
    return render(request, "labelling/apply/claims.html", {"claims": waiting_claims(mandate)})


def _settle(request: HttpRequest, row: Claim, by: object) -> None:
    accept = request.POST.get("decision") == "confirmer"
    try:
        settle_claim(claim=row, by=by, accept=accept, at=timezone.now())  # type: ignore[arg-type]
    except RefusedError as refusal:
        messages.error(request, str(refusal))
        return
    done = "Accès confirmé" if accept else "Demande rejetée"
    messages.success(request, typeset(f"{done} : {row.user}, {row.line.name}. La personne est prévenue par courriel."))


# Access to a structure -------------------------------------------------------------------------------------------


def _membership(request: HttpRequest, pk: int) -> tuple[Structure, Membership]:
    structure = get_object_or_404(Structure.objects.for_user(request.user), pk=pk)
    membership = Membership.objects.of(request.user).filter(structure=structure).select_related("user").first()
    if membership is None:
        raise PermissionDenied("Cette page est réservée aux personnes qui agissent pour la structure.")
    return structure, membership


@require_http_methods(["GET", "HEAD", "POST"])
def structure_access(request: HttpRequest, pk: int) -> HttpResponse:
    """List who acts for a structure; its owner invites, cancels an invitation, ends an access, settles a claim, hands over."""
    structure, membership = _membership(request, pk)
    owner = membership.role == MembershipRole.OWNER
    if request.method == "POST" and not owner:
        raise PermissionDenied("Seul le responsable de la structure change les accès.")
    form = InviteEditorForm(request.POST if request.POST.get("act") == "invite" else None)
    if request.method == "POST":
        if request.POST.get("act") == "end":
            return _end(request, structure, membership)
        if request.POST.get("act") == "hand_over":
            return _hand_over(request, structure, membership)
        if request.POST.get("act") == "settle":
            row = get_object_or_404(claims_of_structure(structure), pk=posted_number(request, "claim"))
            _settle(request, row, membership)
            return redirect("structure-access", pk=structure.pk)
        if request.POST.get("act") == "cancel":
            return _cancel(request, structure, membership)
        if form.is_valid() and _invite(request, membership, form):
            return redirect("structure-access", pk=structure.pk)
    people = Membership.objects.filter(structure=structure, ended_at__isnull=True).select_related("user").order_by("pk")
    context = {
        "structure": structure,
        "membership": membership,
        "people": people,
        "owner": owner,
        "form": form,
        "claims": claims_of_structure(structure) if owner else [],
        "invitations": access.pending_invitations(structure, at=timezone.now()) if owner else [],
    }
    return render(request, "labelling/apply/access.html", context)


def _invite(request: HttpRequest, membership: Membership, form: InviteEditorForm) -> bool:
    try:
        invited = access.invite_editor(membership=membership, email=form.cleaned_data["email"], at=timezone.now())
    except RefusedError as refusal:
        form.add_error("email", str(refusal))
        return False
    invitation = invited.invitation
    try:
        send_invitation(invitation, token=invited.token, promise=promise_of(invitation))
    except OSError:
        # What did not leave is not shown as pending.
        access.cancel_editor_invitation(membership=membership, invitation=invitation, at=timezone.now())
        form.add_error("email", NOT_SENT)
        return False
    if invited.renewed:
        done = (
            f"{invitation.email} avait déjà une invitation en attente : elle est renouvelée. Seul le nouveau lien sert."
        )
    else:
        done = f"L’invitation est partie à {invitation.email}. Son lien sert une seule fois."
    messages.success(request, typeset(done))
    return True


def _cancel(request: HttpRequest, structure: Structure, membership: Membership) -> HttpResponse:
    rows = Invitation.objects.filter(membership_fields__structure=structure.pk, membership_fields__has_key="by")
    row = get_object_or_404(rows, pk=posted_number(request, "invitation"))
    try:
        access.cancel_editor_invitation(membership=membership, invitation=row, at=timezone.now())
    except RefusedError as refusal:
        messages.error(request, typeset(str(refusal)))
    else:
        messages.success(request, typeset(f"L’invitation de {row.email} est annulée : son lien ne sert plus."))
    return redirect("structure-access", pk=structure.pk)


def _end(request: HttpRequest, structure: Structure, membership: Membership) -> HttpResponse:
    target = get_object_or_404(Membership, pk=posted_number(request, "membership"), structure=structure)
    try:
        access.end_access(membership=membership, of=target, at=timezone.now())
    except RefusedError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"L’accès de {target.user} est terminé.")
    return redirect("structure-access", pk=structure.pk)


def _hand_over(request: HttpRequest, structure: Structure, membership: Membership) -> HttpResponse:
    target = get_object_or_404(Membership, pk=posted_number(request, "membership"), structure=structure)
    try:
        access.hand_over(membership=membership, to=target, at=timezone.now())
    except RefusedError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request,
            f"{target.user} est maintenant responsable de la structure. Vous gardez l’accès pour remplir les dossiers.",
        )
    return redirect("structure-access", pk=structure.pk)


@require_POST
def accept_access(request: HttpRequest) -> HttpResponse:
    """Take at once the accesses that accepted invitations promise; a task gives them anyway."""
    given = access.give_promised_access(user=request.user, at=timezone.now())  # type: ignore[arg-type]
    for membership in given:
        messages.success(request, typeset(f"Vous avez maintenant accès à {membership.structure}."))
    return redirect("applications")
