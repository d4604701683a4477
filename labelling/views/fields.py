"""Internal fields: those of an authority on one page, and their values on a file, written from its own."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from francesante.lib.french import joined, typeset
from francesante.lib.workflow import RefusedError
from labelling.forms.fields import InternalFieldForm, ValuesForm
from labelling.models import InternalField
from labelling.models.fields import MOST_CHOICES, MOST_FIELDS
from labelling.rules.fields import split_word, written
from labelling.services import fields as service
from labelling.services.fields import ChangedMeanwhileError
from labelling.views.panels import field_rows, values_form
from labelling.views.posted import posted_number, posts_only
from labelling.views.review import posted_mandate
from labelling.views.scope import visible_file
from labelling.views.worklist import agents_only
from labelling.views.worklist_address import keep_following
from territories.models import Mandate

ACTS = ("retire", "restore", "up", "down", "choice")
"""What a button of a line posts, with the key of the field."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def fields(request: HttpRequest) -> HttpResponse:
    """Keep the fields of one's authority: add one, add a choice, order them, retire or restore one."""
    mandate = agents_only(request)
    now = timezone.now()
    form, refusal, status = InternalFieldForm(), "", 200
    if request.method == "POST":
        act = next((name for name in ACTS if name in request.POST), "")
        form, status = (form, 409) if act else (InternalFieldForm(request.POST), 422)
        try:
            if act:
                field = get_object_or_404(service.kept_fields(mandate), pk=posted_number(request, act))
                said = _act(request, act, field, mandate, now)
            elif form.is_valid():
                field = service.make_field(mandate=mandate, **form.cleaned_data, at=now)
                said = f"La rubrique « {field.name} » est créée : remplissez-la depuis la page d’un dossier."
            else:
                said = ""
        except RefusedError as error:
            refusal, status = typeset(str(error)), 409
        else:
            if said:
                messages.success(request, typeset(said))
                return redirect("fields")
    rows = list(service.kept_fields(mandate))
    context = {
        "rows": [row for row in rows if row.retired_at is None],
        "retired": [row for row in rows if row.retired_at is not None],
        "authority": mandate.authority,
        "form": form,
        "refusal": refusal,
        "most": MOST_FIELDS,
        "most_choices": MOST_CHOICES,
        "trail": [("Dossiers", reverse("applications"))],
    }
    return render(request, "labelling/worklist/fields.html", context, status=status)


def _act(request: HttpRequest, act: str, field: InternalField, mandate: Mandate, now: datetime) -> str:
    """Do what a button of a line says, and return the sentence that tells it."""
    by: dict[str, Any] = {"field": field, "mandate": mandate, "at": now}
    name = f"« {field.name} »"

    def retire() -> str:
        kept = service.retire_field(**by)
        return (
            f"La rubrique {name} est retirée ; ses valeurs sont gardées."
            if kept
            else f"La rubrique {name} est supprimée."
        )

    def choice() -> str:
        added = service.add_choice(choice=request.POST.get("added", ""), **by).choices[-1]
        return f"Le choix « {added} » est ajouté à {name}."

    def moved(step: int) -> str:
        return f"La rubrique {name} est à la place {service.move_field(step=step, **by).position}."

    def restore() -> str:
        service.restore_field(**by)
        return f"La rubrique {name} est rétablie, avec ses valeurs."

    acts: dict[str, Callable[[], str]] = {
        "retire": retire,
        "restore": restore,
        "choice": choice,
        "up": lambda: moved(-1),
        "down": lambda: moved(1),
    }
    return acts[act]()


@posts_only("application")
def file_fields(request: HttpRequest, number: str) -> HttpResponse:
    """Write the values that changed on the page of a file, then go back to it.

    Somebody wrote meanwhile: nothing is kept, and the page says beside each input what it would replace.
    """
    application = visible_file(request, number)
    now = timezone.now()
    mandate = posted_mandate(request, application, now)
    lines = service.sheet(application, mandate)
    form = values_form(lines, request.POST)
    was = {line.field.pk: request.POST.get(f"was-{line.field.word}", "") for line in lines}
    refusal, replaced, status = "", [], 422
    if form.is_valid():
        try:
            said = form.said() | _out_of_use(request, form)
            names = service.fill(application=application, said=said, was=was, mandate=mandate, at=now)
        except ChangedMeanwhileError as error:
            refusal, replaced, status = str(error), list(error.lines), 409
            was |= {line.field.pk: written(line.value) for line in replaced}
        except RefusedError as error:
            refusal, status = str(error), 409
        else:
            messages.success(request, typeset(_told(names)))
            return keep_following(request, redirect(f"{application.get_absolute_url()}#rubriques"))
    context = {
        "application": application,
        "form": form,
        "rows": field_rows(form, lines, was, replaced=replaced),
        "refusal": typeset(refusal),
        "trail": [("Dossiers", reverse("applications")), (number, application.get_absolute_url())],
    }
    return render(request, "labelling/review/fields.html", context, status=status)


def _out_of_use(request: HttpRequest, form: ValuesForm) -> dict[int, str]:
    """Return what was written on the page in fields retired since: it is refused, and not dropped unsaid."""
    words = [word for word in request.POST if split_word(word) == (word, "") and word not in form.fields]
    return {
        int(word[1:]): request.POST[word] for word in words if request.POST[word] != request.POST.get(f"was-{word}")
    }


def _told(names: Sequence[str]) -> str:
    if not names:
        return "Rien n’a changé dans les rubriques internes."
    return f"{joined([f'« {name} »' for name in names])} : enregistré. La structure ne le voit pas."
