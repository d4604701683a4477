"""The morning mail: a person says if they want it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labelling.choices import DigestFrequency
from labelling.forms.worklist import DigestForm
from labelling.services.digest import frequency_of, set_frequency
from labelling.views.worklist import agents_only


@require_http_methods(["GET", "HEAD", "POST"])
def digest(request: HttpRequest) -> HttpResponse:
    """Choose between a mail each morning and none."""
    mandate = agents_only(request)
    form = DigestForm(request.POST or None, initial={"frequency": frequency_of(mandate.user)})
    if request.method == "POST" and form.is_valid():
        chosen = DigestFrequency(form.cleaned_data["frequency"])
        set_frequency(mandate=mandate, frequency=chosen)
        never = chosen == DigestFrequency.NEVER
        messages.success(
            request,
            "Vous ne recevrez plus le courriel du matin. Les décisions et les échéances restent signalées une par une."
            if never
            else "Vous recevrez un courriel les matins où un dossier attend.",
        )
        return redirect("applications")
    context = {"form": form, "trail": [("Dossiers", reverse("applications"))]}
    return render(request, "labelling/worklist/digest.html", context)
