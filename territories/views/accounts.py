"""Sign-in, lock-out, passwords."""

import math
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from territories.forms import PasswordChangeForm, PasswordResetForm, SetPasswordForm, SignInForm
from territories.services import lost_posts
from territories.services.accounts import SECOND_FACTOR_DUE, second_factor_of


def safe_address(request: HttpRequest, name: str = "next", default: str = "") -> str:
    """Return the address that a request asks to go back to, when it is one of this portal; else the default."""
    asked = request.POST.get(name) or request.GET.get(name) or ""
    safe = url_has_allowed_host_and_scheme(asked, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return asked if safe and asked.startswith("/") else default or resolve_url(settings.LOGIN_REDIRECT_URL)


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for the address and the password; the second factor is asked for by its middleware."""
    target = safe_address(request)
    if request.method != "POST" and request.user.is_authenticated:
        return redirect(target)
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = authenticate(request, **form.cleaned_data)
        if user is not None:
            login(request, user)
            if second_factor_of(user):  # type: ignore[arg-type]
                request.session[SECOND_FACTOR_DUE] = True
            return redirect(target)
        form.add_error(
            None,
            "Cette adresse et ce mot de passe ne vont pas ensemble. Vérifiez l’un et l’autre ; après cinq essais, la "
            "connexion s’arrête un quart d’heure. Vous pouvez aussi choisir un nouveau mot de passe.",
        )
    context = {"form": form, "next": target, "kept": bool(lost_posts.waiting(request.session))}
    return render(request, "territories/sign_in.html", context)


def locked_out(request: HttpRequest, _response: HttpResponse | None = None, _credentials: Any = None) -> HttpResponse:
    """Say how long the lock-out lasts; called by axes in the place of the answer."""
    minutes = math.ceil(settings.AXES_COOLOFF_TIME.total_seconds() / 60)
    return render(
        request, "territories/locked_out.html", {"minutes": minutes, "tries": settings.AXES_FAILURE_LIMIT}, status=429
    )


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, and have the browser forget what it kept for it (``portal/autosave.js``), and whose it was."""
    logout(request)
    messages.success(request, "Vous êtes déconnecté. Fermez aussi cette fenêtre si l’ordinateur est partagé.")
    response = redirect(settings.LOGOUT_REDIRECT_URL)
    response["Clear-Site-Data"] = '"storage"'
    response.delete_cookie(lost_posts.ACCOUNT_COOKIE)
    return response


@require_POST
def lost_post_forget(request: HttpRequest) -> HttpResponse:
    """Forget what waits for the page that asks it, once its author took it back."""
    page = safe_address(request)
    rows: list[lost_posts.LostPost] = request.lost_posts  # type: ignore[attr-defined]
    lost_posts.forget(request.session, [row for row in rows if row.concerns(page)])
    return redirect(page)


password_reset = auth_views.PasswordResetView.as_view(
    template_name="territories/password_reset.html",
    email_template_name="emails/territories/password_reset.txt",
    subject_template_name="emails/territories/password_reset_subject.txt",
    form_class=PasswordResetForm,
    extra_email_context={"portal": settings.PUBLIC_URL, "hours": settings.PASSWORD_RESET_TIMEOUT // 3600},
    success_url=reverse_lazy("password-reset-sent"),
)
password_reset_sent = auth_views.PasswordResetDoneView.as_view(template_name="territories/password_reset_sent.html")
password_reset_confirm = auth_views.PasswordResetConfirmView.as_view(
    template_name="territories/password_reset_confirm.html",
    form_class=SetPasswordForm,
    success_url=reverse_lazy("password-reset-done"),
)
password_reset_done = auth_views.PasswordResetCompleteView.as_view(template_name="territories/password_reset_done.html")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password_change(request: HttpRequest) -> HttpResponse:
    """Change the password, knowing the present one; the other sessions of the account end."""
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(
            request, "Votre mot de passe est changé. Vos autres connexions, s’il y en avait, sont fermées."
        )
        return redirect("account")
    return render(request, "territories/password_change.html", {"form": form})
