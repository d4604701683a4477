"""The single-use link of an invitation."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from francesante.lib.workflow import RefusedError
from territories.forms import PersonForm
from territories.models import Invitation, User
from territories.notifications import promise_of
from territories.services.accounts import InvitationState, Person, accept_invitation, state_of, token_hash


@login_not_required
@never_cache
@sensitive_post_parameters("password", "password_again")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str, then: str = "account") -> HttpResponse:
    """Open an account with a link, or add what it promises to the account of its address; then go to a page."""
    row = Invitation.objects.filter(token_hash=token_hash(token)).first()
    if row is None:
        return _refused(request, "unknown", status=404)
    state = state_of(row, at=timezone.now())
    if state != InvitationState.OPEN:
        return _refused(request, state.value, status=410, row=row)
    if request.user.is_authenticated and request.user.email != row.email:
        return _refused(request, "other", status=403, row=row)
    form = None
    sign_in = ""
    if not request.user.is_authenticated:
        if User.objects.filter(email=row.email).exists():
            sign_in = f"{reverse('login')}?{urlencode({'next': request.path})}"
        else:
            known = row.mandate_fields or {}
            names = {name: known[name] for name in ("first_name", "last_name") if name in known}
            form = PersonForm(request.POST or None, email=row.email, initial=names)
    context = {"row": row, "promise": promise_of(row), "form": form, "sign_in": sign_in, "then": then}
    if request.method == "POST" and not sign_in and (form is None or form.is_valid()):
        return _accept(request, token, context)
    return render(request, "territories/invitation.html", context)


def _accept(request: HttpRequest, token: str, context: dict) -> HttpResponse:
    form: PersonForm | None = context["form"]
    try:
        if form is None:
            accept_invitation(token=token, at=timezone.now(), user=request.user)  # type: ignore[arg-type]
        else:
            data = form.cleaned_data
            person = Person(
                civility=data["civility"],
                first_name=data["first_name"],
                last_name=data["last_name"],
                password=data["password"],
            )
            user = accept_invitation(token=token, at=timezone.now(), person=person)
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    except RefusedError as refusal:
        if form is None:
            messages.error(request, str(refusal))
        else:
            form.add_error(None, str(refusal))
        return render(request, "territories/invitation.html", context, status=409)
    messages.success(request, "Bienvenue. Votre invitation est acceptée.")
    return redirect(context["then"])


def _refused(request: HttpRequest, why: str, *, status: int, row: Invitation | None = None) -> HttpResponse:
    return render(request, "territories/invitation_refused.html", {"why": why, "row": row}, status=status)
