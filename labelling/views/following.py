"""Following a file, from its page: for oneself alone."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from francesante.lib.french import typeset
from labelling.services.following import follow, stop_following
from labelling.views.posted import posts_only
from labelling.views.review import posted_mandate
from labelling.views.scope import visible_file
from labelling.views.worklist_address import keep_following


@posts_only("application")
def file_follow(request: HttpRequest, number: str) -> HttpResponse:
    """Follow a file, or stop, then go back to it."""
    application = visible_file(request, number)
    now = timezone.now()
    mandate = posted_mandate(request, application, now)
    if request.POST.get("suivre") == "non":
        stop_following(application=application, mandate=mandate)
        said = "Vous ne suivez plus ce dossier."
    else:
        follow(application=application, mandate=mandate, at=now)
        said = "Vous suivez ce dossier : il est dans votre vue « Suivis », et votre courriel du matin en dira les nouvelles."
    messages.success(request, typeset(said))
    return keep_following(request, redirect(application))
