"""The morning mail: a person says if they want it, and what of."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from labelling.choices import DigestFrequency
from labelling.forms.worklist import DigestForm
from labelling.services.digest import set_frequency, settings_of
from labelling.services.following import choices_of, choose_news
from labelling.views.worklist import agents_only


@require_http_methods(["GET", "HEAD", "POST"])
def digest(request: HttpRequest) -> HttpResponse:
    """Choose between a mail each morning and none, the news that it tells, and what does not wait for it."""
    mandate = agents_only(request)
    now = settings_of(mandate.user)
    initial = {
        "frequency": now.frequency,
        "deadlines_at_once": now.deadlines_at_once,
        "signatures_at_once": now.signatures_at_once,
        **{f"news_{kind}": scope for kind, scope in choices_of(mandate.user).items()},
    }
    form = DigestForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        chosen = DigestFrequency(said["frequency"])
        choose_news(mandate=mandate, choices=form.choices())
        set_frequency(
            mandate=mandate,
            frequency=chosen,
            deadlines_at_once=said["deadlines_at_once"],
            signatures_at_once=said["signatures_at_once"],
        )
        never = chosen == DigestFrequency.NEVER
        messages.success(
            request,
            "Vous ne recevrez plus le courriel du matin. Ce que vous avez choisi d’apprendre aussitôt vous est encore écrit."
            if never
            else "Vos choix sont enregistrés. Vous recevrez un courriel les matins où quelque chose attend.",
        )
        return redirect("applications")
    context = {"form": form, "signs": mandate.can_sign, "trail": [("Dossiers", reverse("applications"))]}
    return render(request, "labelling/worklist/digest.html", context)
