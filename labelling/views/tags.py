"""Tags: the vocabulary of an authority on one page, and the tags of a file from its own."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from labelling.forms.tags import TagForm
from labelling.services import tags as service
from labelling.views.posted import posted_number, posts_only
from labelling.views.review import posted_mandate
from labelling.views.scope import visible_file
from labelling.views.worklist import agents_only


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tags(request: HttpRequest) -> HttpResponse:
    """Keep the vocabulary of one's authority: add a tag, retire one that no file carries."""
    mandate = agents_only(request)
    now = timezone.now()
    form, refusal, status = TagForm(), "", 200
    if request.method == "POST":
        retires = "retire" in request.POST
        form, status = (form, 409) if retires else (TagForm(request.POST), 422)
        try:
            if retires:
                tag = get_object_or_404(service.vocabulary(mandate), pk=posted_number(request, "retire"))
                service.retire_tag(tag=tag, mandate=mandate, at=now)
                said = f"L’étiquette « {tag.name} » est retirée."
            elif form.is_valid():
                tag = service.make_tag(mandate=mandate, **form.cleaned_data, at=now)
                said = f"L’étiquette « {tag.name} » est créée : posez-la depuis un dossier, ou en lot depuis la liste."
            else:
                said = ""
        except RefusedError as error:
            refusal, status = typeset(str(error)), 409
        else:
            if said:
                messages.success(request, typeset(said))
                return redirect("tags")
    context = {
        "rows": service.vocabulary(mandate),
        "authority": mandate.authority,
        "form": form,
        "refusal": refusal,
        "trail": [("Dossiers", reverse("applications"))],
    }
    return render(request, "labelling/worklist/tags.html", context, status=status)


@posts_only("application")
def file_tag(request: HttpRequest, number: str) -> HttpResponse:
    """Put a tag on a file, or take it off, then go back to the file."""
    application = visible_file(request, number)
    now = timezone.now()
    mandate = posted_mandate(request, application, now)
    takes_off = "retirer" in request.POST
    key = posted_number(request, "retirer" if takes_off else "etiquette")
    try:
        tag = service.offered_tag(mandate, key)
        act = service.take_off if takes_off else service.put_tag
        act(application=application, tag=tag, mandate=mandate, at=now)
    except RefusedError as refusal:
        messages.error(request, typeset(str(refusal)))
    else:
        done = "retirée" if takes_off else "posée"
        messages.success(request, typeset(f"Étiquette « {tag.name} » {done}. La structure ne la voit pas."))
    return redirect(f"{application.get_absolute_url()}#etiquettes")
