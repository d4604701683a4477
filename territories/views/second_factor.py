"""The second factor: its code at sign-in, its activation, the recovery codes."""

from base64 import b32encode

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_otp import login as confirm_session
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from francesante.lib.workflow import RefusedError
from territories.forms import CodeForm, FreshCodeForm
from territories.models import User
from territories.services.accounts import (
    SECOND_FACTOR_DUE,
    begin_enrolment,
    confirm_code,
    confirm_enrolment,
    recovery_codes_left,
    remove_second_factor,
    renew_recovery_codes,
    second_factor_of,
)
from territories.views.accounts import safe_address


def _verified(request: HttpRequest, device: TOTPDevice | StaticDevice) -> None:
    confirm_session(request, device)
    request.session.pop(SECOND_FACTOR_DUE, None)
    request.session.cycle_key()


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """Ask for a code, once per session."""
    target = safe_address(request)
    user: User = request.user  # type: ignore[assignment]
    if user.is_verified():  # type: ignore[attr-defined]
        return redirect(target)
    if second_factor_of(user) is None:
        return redirect(f"{reverse('second-factor')}?{urlencode({'next': target})}")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            device = confirm_code(user=user, code=form.cleaned_data["code"], recovery=True)
        except RefusedError as refusal:
            form.add_error("code", str(refusal))
        else:
            _verified(request, device)
            if isinstance(device, StaticDevice):
                left = recovery_codes_left(user)
                messages.warning(
                    request,
                    f"Ce code de secours a servi : il vous en reste {left}. Si vous avez perdu votre téléphone, changez "
                    "d’application dans « Second facteur ».",
                )
            return redirect(target)
    return render(request, "territories/code.html", {"form": form, "next": target})


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Activate the second factor, change it, renew its recovery codes, or give it up when it is optional."""
    user: User = request.user  # type: ignore[assignment]
    target = safe_address(request)
    present = second_factor_of(user)
    if present and not user.is_verified():  # type: ignore[attr-defined]
        return redirect(f"{reverse('login-code')}?{urlencode({'next': reverse('second-factor')})}")
    form = FreshCodeForm(request.POST or None)
    action = request.POST.get("action", "")
    if request.method == "POST":
        try:
            match action:
                case "begin":
                    begin_enrolment(user=user)
                    return redirect(f"{reverse('second-factor')}?{urlencode({'next': target})}")
                case "confirm" if form.is_valid():
                    device, codes = confirm_enrolment(user=user, code=form.cleaned_data["code"])
                    _verified(request, device)
                    return render(request, "territories/recovery_codes.html", {"codes": codes, "next": target})
                case "renew" if form.is_valid():
                    confirm_code(user=user, code=form.cleaned_data["code"])
                    codes = renew_recovery_codes(user=user)
                    return render(request, "territories/recovery_codes.html", {"codes": codes, "next": target})
                case "remove" if form.is_valid():
                    confirm_code(user=user, code=form.cleaned_data["code"])
                    remove_second_factor(user=user)
                    messages.success(request, "Le second facteur est retiré. Votre mot de passe suffit à nouveau.")
                    return redirect("second-factor")
        except RefusedError as refusal:
            form.add_error("code", str(refusal))
    pending = TOTPDevice.objects.filter(user=user, confirmed=False).order_by("pk").last()
    context = {
        "form": form if action else FreshCodeForm(),
        "present": present,
        "pending": pending,
        "required": request.second_factor_due or bool(request.mandates) or user.is_staff,  # type: ignore[attr-defined]
        "left": recovery_codes_left(user),
        "next": target,
    }
    if pending:
        context |= {
            "qr": segno.make(pending.config_url, error="m").svg_data_uri(scale=6, border=2),
            "key": b32encode(pending.bin_key).decode(),
        }
    return render(request, "territories/second_factor.html", context)
