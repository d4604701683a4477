"""Writing a working note from the page of a file; refused, on a page that keeps the input."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from labelling.forms.notes import JOINT
from labelling.services.notes import write_note
from labelling.views.panels import note_form
from labelling.views.posted import posts_only
from labelling.views.review import posted_mandate
from labelling.views.scope import visible_file


@posts_only("application")
def note(request: HttpRequest, number: str) -> HttpResponse:
    """Keep a note, then go back to the file."""
    application = visible_file(request, number)
    now = timezone.now()
    mandate = posted_mandate(request, application, now)
    form = note_form(application, mandate, request.POST)
    refusal, status = "", 422
    if form.is_valid():
        said = form.cleaned_data
        try:
            write_note(
                application=application,
                criterion=said["criterion"],
                text=said["text"],
                joint=said["reader"] == JOINT,
                mandate=mandate,
                at=now,
            )
        except RefusedError as error:
            refusal, status = str(error), 409
        else:
            messages.success(request, "La note est enregistrée.")
            return redirect(f"{application.get_absolute_url()}#notes")
    context = {
        "application": application,
        "form": form,
        "refusal": typeset(refusal),
        "trail": [("Dossiers", reverse("applications")), (number, application.get_absolute_url())],
    }
    return render(request, "labelling/notes/note.html", context, status=status)
