"""The accelerated route: places to invite, one place and its invitation, and the structure's short form."""

import csv
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.french import typeset
from francesante.lib.spreadsheets import harmless
from francesante.lib.workflow import RefusedError, StaleError
from labelling.choices import CriterionKind, MembershipRole
from labelling.forms.prospects import ConfirmForm, DismissForm, InviteForm, ProspectListForm
from labelling.models import Application, Membership, ProspectInvitation, RegisterLine
from labelling.notifications.direct import send_structure_invitation
from labelling.rules.answers import WORKING_DAYS, Answers, Contact, parse
from labelling.rules.badges import Badge
from labelling.rules.conditions import exempt
from labelling.rules.prospects import Likelihood
from labelling.rules.steps import TO_FILL
from labelling.rules.words import answers_in_words
from labelling.services import applications as service
from labelling.services import invitations
from labelling.services import prospects as places
from labelling.services.claims import has_owner
from labelling.services.prospects import Prospect
from labelling.views.apply import NOT_SENT
from labelling.views.posted import posted_number
from labelling.views.scope import own_file
from labelling.views.steps import changed_rows
from territories.models import Departement, Mandate
from territories.views.invitations import invitation as open_link

PAGE = 50
VIEWS = {"a-inviter": "À inviter", "invites": "Invitées", "ecartees": "Écartées"}


# Agents --------------------------------------------------------------------------------------------------------------


def _inviter(request: HttpRequest) -> Mandate:
    """Return the mandate of an agent who may invite: 404 for who has none, 403 for the others."""
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None:
        raise Http404
    if not places.may_invite(mandate):
        raise PermissionDenied("Les structures à inviter se lisent par un agent de l’ARS ou de la préfecture.")
    return mandate


@require_safe
def prospects(request: HttpRequest) -> HttpResponse:
    """List the places of the territory to invite, with the reasons, those invited, and those set aside."""
    mandate = _inviter(request)
    now = timezone.now()
    today = timezone.localdate(now)
    lines = places.lines_within(mandate)
    form = ProspectListForm(request.GET)
    kept = form.kept()
    departements = _departements(mandate)
    departement = request.GET.get("dep", "")
    if departement in {row.pk for row in departements}:
        kept["dep"] = departement
    everyone = places.to_invite(
        lines, on=today, departement=kept.get("dep", ""), kind=kept.get("type", ""), text=kept.get("q", "")
    )
    found = everyone if "tous" in kept else [one for one in everyone if not one.weighed.specialised]
    if request.GET.get("export") == "csv":
        return _csv(found)
    invited, aside = invitations.invited_within(lines), places.dismissed(lines)
    view = request.GET.get("vue", "")
    view = view if view in VIEWS else "a-inviter"
    rows: Any = {"a-inviter": found, "invites": invited, "ecartees": aside}[view]
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    counts = {"a-inviter": len(found), "invites": invited.count(), "ecartees": aside.count()}
    context = {
        "form": form,
        "departements": departements,
        "departement": kept.get("dep", ""),
        "view": view,
        "views": [
            {"key": key, "label": label, "count": counts[key], "current": key == view} for key, label in VIEWS.items()
        ],
        "filtered": bool(kept),
        "page": page,
        "rows": [(row, _badge(row)) for row in page.object_list] if view == "invites" else page.object_list,
        "groups": _groups(page.object_list) if view == "a-inviter" else [],
        "specialised": sum(one.weighed.specialised for one in everyone),
        "export": f"?{urlencode({**kept, 'export': 'csv'})}",
        "previous": f"?{urlencode({'vue': view, **kept, 'page': page.number - 1})}",
        "next": f"?{urlencode({'vue': view, **kept, 'page': page.number + 1})}",
    }
    return render(request, "labelling/prospects/list.html", context)


def _groups(found: Iterable[Prospect]) -> list[tuple[Likelihood, tuple[str, ...], list[Prospect]]]:
    """Put together the places that follow one another with the same likelihood and the same shared doubts."""
    return [
        (likelihood, shared, list(rows))
        for (likelihood, shared), rows in groupby(found, key=lambda one: (one.weighed.likelihood, one.weighed.shared))
    ]


def _departements(mandate: Mandate) -> list[Departement]:
    """The départements to choose between, when the territory has several."""
    if mandate.departement_id or not mandate.region_id:
        return []
    return list(Departement.objects.filter(region=mandate.region_id).order_by("code"))


def _badge(row: ProspectInvitation) -> Badge:
    return Badge("", "Invité", typeset(invitations.until(row)))


def _csv(found: list[Prospect]) -> HttpResponse:
    today = timezone.localdate().isoformat()
    name = f'attachment; filename="prospects-{today}.csv"'
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name})
    writer = csv.writer(response)
    writer.writerow(
        "registre numero nom type code_commune commune code_departement telephone courriel vraisemblance raisons reserves "
        "situation_au".split()
    )
    for one in found:
        line = one.line
        cells = [
            *(line.register, line.number, line.name, line.kind, line.commune_id, line.commune.name),
            *(line.commune.departement_id, line.phone, line.email, one.weighed.likelihood.value),
            *(" ; ".join(one.weighed.reasons), " ; ".join(one.weighed.doubts), line.as_of.isoformat()),
        ]
        writer.writerow([harmless(cell) for cell in cells])
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def prospect(request: HttpRequest, line: int) -> HttpResponse:
    """Show what the registers say of a place; invite it, remind it, set it aside or put it back."""
    mandate = _inviter(request)
    row = get_object_or_404(places.lines_within(mandate).select_related("structure"), pk=line)
    act = request.POST.get("act", "")
    invite = InviteForm(request.POST if act == "invite" else None, line=row)
    dismiss = DismissForm(request.POST if act == "dismiss" else None)
    status = 200
    if request.method == "POST":
        answer = _act(request, row, mandate, act, invite=invite, dismiss=dismiss)
        if answer is not None:
            return answer
        status = 422
    today = timezone.localdate()
    open_one = invitations.invited_within(RegisterLine.objects.filter(pk=row.pk)).first()
    aside = places.dismissed(RegisterLine.objects.filter(pk=row.pk)).first()
    context = {
        "line": row,
        "weighed": places.weighed(row, on=today),
        "registers": places.registers_of(row),
        "invitation": open_one,
        "badge": _badge(open_one) if open_one else None,
        "aside": aside,
        "may_be_invited": places.is_to_invite(row, on=today),
        "owned": has_owner(row),
        "invite": invite,
        "dismiss": dismiss,
        "invitation_days": settings.PROSPECT_INVITATION_DAYS,
        "reminder_days": settings.PROSPECT_REMINDER_DAYS,
        "trail": [("Dossiers", reverse("applications")), ("Structures à inviter", reverse("prospects"))],
    }
    return render(request, "labelling/prospects/prospect.html", context, status=status)


def _act(
    request: HttpRequest, row: RegisterLine, mandate: Mandate, act: str, *, invite: InviteForm, dismiss: DismissForm
) -> HttpResponse | None:
    """Do what was posted and go on; nothing when a form is to be corrected."""
    now = timezone.now()
    try:
        match act:
            case "invite":
                owned = has_owner(row)
                if not owned and not invite.is_valid():
                    return None
                address = "" if owned else invite.address
                _send(request, invitations.invite_structure(line=row, mandate=mandate, email=address, at=now))
            case "remind":
                found = get_object_or_404(invitations.invited_within(RegisterLine.objects.filter(pk=row.pk)))
                _send(request, invitations.remind_invited(invitation=found, mandate=mandate, at=now), again=True)
            case "dismiss":
                if not dismiss.is_valid():
                    return None
                places.dismiss(line=row, mandate=mandate, at=now, **dismiss.cleaned_data)
                messages.success(request, typeset(f"{row.name} est écartée. Vous pourrez la remettre dans la liste."))
                return redirect("prospects")
            case "restore":
                places.restore(line=row, mandate=mandate, at=now)
                messages.success(request, f"{row.name} est de nouveau dans la liste.")
            case _:
                raise Http404
    except RefusedError as refusal:
        messages.error(request, typeset(str(refusal)))
    return redirect("prospect", line=row.pk)


def _send(request: HttpRequest, sending: invitations.Sending, *, again: bool = False) -> None:
    try:
        send_structure_invitation(sending, reminder=again)
    except OSError:
        messages.error(request, f"{NOT_SENT} L’invitation est enregistrée : relancez-la depuis cette page.")
        return
    to = ", ".join(sending.to)
    messages.success(
        request, typeset(f"{'Le rappel' if again else 'L’invitation'} est {'parti' if again else 'partie'} à {to}.")
    )


# The structure -------------------------------------------------------------------------------------------------------


@login_not_required
def structure_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Open the account of an invited structure with its link, then go to what it is asked to confirm."""
    return open_link(request, token, then="structure-welcome")


@never_cache
@require_safe
def structure_welcome(request: HttpRequest) -> HttpResponse:
    """Go to the short form that an invited structure confirms."""
    user: Any = request.user
    application = invitations.welcome(user)
    if application is None:
        messages.info(
            request,
            "Aucune invitation n’attend votre réponse : une autre personne répond peut-être déjà de la structure, ou le "
            "délai est passé.",
        )
        return redirect("applications")
    return redirect("application-confirm", number=application.number)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def application_confirm(request: HttpRequest, number: str) -> HttpResponse:
    """Show the short form of an invited structure, and hand the file in with it."""
    row, membership = own_file(request, number)
    now = timezone.now()
    open_one = invitations.invitation_of(row, at=now)
    if open_one is None:
        messages.info(request, "Cette page répondait à une invitation : le dossier se remplit ou se lit désormais ici.")
        return redirect(row)
    answers = _known(row, membership)
    data, announce = _changed(request) if request.method == "POST" else (None, "")
    criteria = row.specification.criteria_in_order
    spared = exempt(criteria, row.structure.kind)
    form = ConfirmForm(data, answers=answers, spared=spared)
    trouble, status = "", 200
    if announce:
        form.unchecked()
    elif data is not None:
        trouble, status = _confirm(request, row, membership, form, now)
        if not status:
            return redirect(row)
    context = {
        "application": row,
        "structure": row.structure,
        "line": open_one.line,
        "invitation": open_one,
        "form": form,
        "announce": announce,
        "trouble": typeset(trouble),
        "kept": [(step, answers_in_words(step, answers, spared)) for step in TO_FILL if step.slug not in _asked(form)],
        "half_days": [name[:3].capitalize() for name in WORKING_DAYS],
        "commitments": [one for one in criteria if one.kind == CriterionKind.COMMITMENT],
        "exempts": {one.code for one in criteria if row.structure.kind in one.exempt_kinds},
        "specification": service.latest_specification(),
        "owner": membership.role == MembershipRole.OWNER,
        "consent": request.POST.get("consent") == "on",
    }
    return render(request, "labelling/prospects/confirm.html", context, status=status)


def _known(row: Application, membership: Membership) -> Answers:
    """Return the answers of the draft, followed by whoever reads the page when nobody is named yet."""
    answers = parse(row.answers)
    if answers.contact.name:
        return answers
    user = membership.user
    known = Contact(name=user.full_name, email=user.email, phone=row.structure.phone)
    return parse({**answers.as_json(), "contact": {"name": known.name, "email": known.email, "phone": known.phone}})


def _asked(form: ConfirmForm) -> set[str]:
    return {part.step.slug for part in form.parts}


def _changed(request: HttpRequest) -> tuple[Any, str]:
    """Apply a button that changes the page without keeping anything; return the input and what to announce."""
    for step in TO_FILL:
        changed, announce = changed_rows(request.POST, step)
        if changed is not None:
            return changed, announce
    return request.POST, ""


def _confirm(
    request: HttpRequest, row: Application, membership: Membership, form: ConfirmForm, now: datetime
) -> tuple[str, int]:
    """Hand the file in; return what went wrong and the status of the page, none when it is done."""
    if not form.is_valid():
        return "", 422
    latest = service.latest_specification()
    shown = type(latest).objects.published().filter(pk=posted_number(request, "specification")).first()
    try:
        invitations.confirm_invited(
            application=row,
            membership=membership,
            answers=form.values(),
            specification=shown or latest,
            consent=request.POST.get("consent") == "on",
            version=posted_number(request, "version"),
            at=now,
        )
    except StaleError as stale:
        row.refresh_from_db()
        return str(stale), 409
    except RefusedError as refusal:
        row.refresh_from_db()
        return str(refusal), 422
    messages.success(
        request, f"Votre candidature {row.number} est déposée. L’accusé de réception vous est envoyé par courriel."
    )
    return "", 0
