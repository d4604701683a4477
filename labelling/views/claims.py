"""Finding one's structure in the register, being recognised for it, and who has access to it."""

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.french import typeset
from francesante.lib.proxies import client_address
from francesante.lib.workflow import RefusedError
from labelling.choices import AnnuaireAnswer, ClaimCheck, ClaimRefusal, ClaimState, MembershipRole
from labelling.forms.apply import CodeForm, DescribeForm, InviteEditorForm, KindForm, SearchForm
from labelling.models import Claim, Membership, RegisterLine, Structure
from labelling.notifications.direct import send_code
from labelling.services import access
from labelling.services.claims import (
    claims_of_structure,
    claims_waiting_of,
    confirm_by_code,
    has_owner,
    masked_email,
    settle_claim,
    start_claim,
    structures_of,
    waiting_claims,
)
from labelling.services.establishments import LookUp, claim_described, claim_found, look_up
from labelling.services.register_search import MAX_RESULTS, Search, claimable, places_of, search_register
from labelling.views.apply import NOT_SENT
from labelling.views.posted import posted_number
from territories.choices import Role
from territories.models import Invitation
from territories.notifications import promise_of, send_invitation

ASKED = typeset(
    "Votre demande est enregistrée. Elle sera confirmée par le responsable de la structure ou par un agent ; vous serez "
    "prévenu par courriel."
)


@login_not_required
@require_safe
def claim_search(request: HttpRequest) -> HttpResponse:
    """Search the register by number or by name and commune."""
    asked = "q" in request.GET
    form = SearchForm(request.GET if asked else None)
    found, looked = Search([]), None
    if asked and form.is_valid():
        found = search_register(text=form.cleaned_data["q"], commune=form.cleaned_data["commune"])
        if found.unknown_siret:
            looked = look_up(found.unknown_siret, who=_who(request), at=timezone.now())
            found = Search(_places(looked), looked.sentence)
    context = {
        "form": form,
        "asked": asked and form.is_valid(),
        "lines": found.lines,
        "most": MAX_RESULTS,
        "looked": None if found.lines else looked,
        "sentence": typeset(found.sentence),
    }
    return render(request, "labelling/apply/claim_search.html", context)


def _who(request: HttpRequest) -> str:
    """Return who is counted for the questions that the portal asks elsewhere."""
    return f"user:{request.user.pk}" if request.user.is_authenticated else f"address:{client_address(request)}"


def _places(looked: LookUp) -> list[RegisterLine]:
    """Return the places of care that the Annuaire names by their FINESS number: their own register knows more."""
    return places_of(looked.found.finess) if looked.found and looked.found.finess else []


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def claim_siret(request: HttpRequest, siret: str) -> HttpResponse:
    """Claim the establishment of a SIRET that no register of places of care has: as the Annuaire knows it, or described."""
    now = timezone.now()
    known = search_register(text=siret)
    if not known.unknown_siret:
        if len(known.lines) == 1:
            return redirect("claim", line=known.lines[0].pk)
        return redirect(f"{reverse('claim-search')}?{urlencode({'q': siret})}")
    looked = look_up(known.unknown_siret, who=_who(request), at=now)
    if places := _places(looked):
        return redirect("claim", line=places[0].pk)
    # Described while the Annuaire was silent, a structure stays as it was described should it answer meanwhile.
    described = looked.may_be_described or "name" in request.POST
    form = _siret_form(request, looked, described=described)
    if form is not None and form.is_valid() and _claim_siret(request, looked, form, described=described):
        return redirect("applications")
    context = {
        "siret": looked.siret,
        "line": looked.line if form is None or not described else None,
        "sentence": typeset(looked.sentence),
        "form": form,
        "warned": looked.answer not in {AnnuaireAnswer.FOUND, AnnuaireAnswer.UNSHOWN},
    }
    return render(request, "labelling/apply/claim_siret.html", context)


def _siret_form(request: HttpRequest, looked: LookUp, *, described: bool) -> KindForm | None:
    if looked.answer == AnnuaireAnswer.CLOSED:
        return None
    if described:
        return DescribeForm(request.POST or None)
    return KindForm(request.POST or None, initial={"kind": looked.line.kind if looked.line else ""})


def _claim_siret(request: HttpRequest, looked: LookUp, form: KindForm, *, described: bool) -> bool:
    now, user = timezone.now(), request.user
    try:
        if described:
            claim_described(user=user, siret=looked.siret, answer=looked.answer, at=now, **form.cleaned_data)  # type: ignore[arg-type]
        else:
            claim_found(user=user, found=looked, kind=form.cleaned_data["kind"], at=now)  # type: ignore[arg-type]
    except RefusedError as refusal:
        form.add_error(None, typeset(str(refusal)))
        return False
    messages.success(request, ASKED)
    return True


def _line(request: HttpRequest, pk: int) -> RegisterLine:
    return get_object_or_404(claimable(request.user).select_related("commune__departement", "structure"), pk=pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: HttpRequest, line: int) -> HttpResponse:
    """Show a line with its source and date, and claim it: a code is sent, or somebody is asked to confirm."""
    row = _line(request, line)
    if request.method == "POST":
        return _start(request, row)
    mine = Claim.objects.filter(user=request.user.pk, line=row).order_by("-pk").first()
    context = {
        "line": row,
        "masked": masked_email(row.email) if row.email else "",
        "owned": has_owner(row),
        "member": Membership.objects.of(request.user).filter(structure__in=structures_of(row)).exists(),
        "waiting": next((one for one in claims_waiting_of(request.user, at=timezone.now()) if one.claim == mine), None),  # type: ignore[arg-type]
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
        messages.success(request, ASKED)
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
    row = _line(request, line)
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
    trail = [("Dossiers", reverse("applications"))]
    context = {
        "claims": waiting_claims(mandate),
        "trail": trail,
        "checks": ClaimCheck.choices,
        "reasons": ClaimRefusal.choices,
    }
    return render(request, "labelling/apply/claims.html", context)


def _settle(request: HttpRequest, row: Claim, by: object) -> None:
    accept = request.POST.get("decision") == "confirmer"
    try:
        settle_claim(
            claim=row,
            by=by,  # type: ignore[arg-type]
            accept=accept,
            checked=request.POST.get("verifie", ""),
            reason=request.POST.get("motif", ""),
            at=timezone.now(),
        )
    except RefusedError as refusal:
        messages.error(request, typeset(str(refusal)))
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
        "reasons": ClaimRefusal.choices,
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
