"""Before an account: what the label is, the pre-check in three questions, and the opening of an account."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.workflow import RefusedError
from labelling.choices import CriterionKind, Finding
from labelling.forms.apply import ConfirmForm, PrecheckForm, RegistrationForm
from labelling.models import Specification
from labelling.notifications.direct import send_registration_link
from labelling.rules.criteria import Assessed, assess_all
from labelling.rules.steps import STEPS
from labelling.services.registration import begin_registration, finish_registration, registration_of

NOT_SENT = "Le courriel n’a pas pu partir : le serveur d’envoi ne répond pas. Recommencez dans quelques minutes."


@login_not_required
@require_safe
def apply(request: HttpRequest) -> HttpResponse:
    """Say what the label is, and answer three questions with one sentence per criterion."""
    asked = "kind" in request.GET
    form = PrecheckForm(request.GET if asked else None)
    specification = Specification.objects.applicable(timezone.localdate()).last()
    criteria = specification.criteria.order_by("position") if specification else []
    found: list[Assessed] = []
    if asked and form.is_valid():
        answers = form.answers()
        found = assess_all(
            [row for row in criteria if row.kind == CriterionKind.CRITERION],
            answers,
            structure_kind=form.cleaned_data["kind"],
            to_submit=True,
        )
    said = [one for one in found if one.finding != Finding.UNANSWERED]
    later = [one for one in found if one.finding == Finding.UNANSWERED]
    context = {
        "form": form,
        "found": said,
        "later": later,
        "specification": specification,
        "criteria": criteria,
        "tasks": len(STEPS),
        "silence": settings.SILENCE_MONTHS,
    }
    return render(request, "labelling/apply/apply.html", context)


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def registration_start(request: HttpRequest) -> HttpResponse:
    """Ask who opens an account, then send the link that opens it. The answer never says whether the address is known."""
    if request.user.is_authenticated:
        return redirect("claim-search")
    form = RegistrationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            token = begin_registration(**form.cleaned_data)
            send_registration_link(email=form.cleaned_data["email"], token=token)
        except RefusedError as refusal:
            form.add_error(None, str(refusal))
        except OSError:
            form.add_error(None, NOT_SENT)
        else:
            return render(request, "labelling/apply/registration_sent.html", {"email": form.cleaned_data["email"]})
    return render(request, "labelling/apply/registration.html", {"form": form})


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def registration(request: HttpRequest, token: str) -> HttpResponse:
    """Open the account of a link: the password is asked again, then the person is signed in."""
    waiting = registration_of(token)
    if waiting is None:
        return render(request, "labelling/apply/registration_gone.html", status=410)
    form = ConfirmForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = finish_registration(token=token, password=form.cleaned_data["password"], at=timezone.now())
        except RefusedError as refusal:
            form.add_error("password", str(refusal))
        else:
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            messages.success(request, "Votre compte est ouvert. Retrouvez maintenant votre structure dans le registre.")
            return redirect("claim-search")
    return render(request, "labelling/apply/registration_confirm.html", {"form": form, "waiting": waiting})
