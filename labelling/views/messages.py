"""The thread of a file: what the structure and the services wrote, and the form that adds a message."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState
from labelling.forms.evidence import WITHOUT_PEOPLE
from labelling.forms.messages import MessageForm
from labelling.models import Application, Message
from labelling.rules.clock import local_day
from labelling.services import evidence
from labelling.services import messages as service
from labelling.services.readings import record_reading
from labelling.views.evidence import TOO_LARGE, refused_upload
from labelling.views.posted import lost_initial, posts_only
from labelling.views.scope import Reader, file_reader


@dataclass(frozen=True, slots=True)
class Line:
    """One message as one side reads it."""

    row: Message
    mine: bool
    expected: bool

    @property
    def read(self) -> bool:
        """Whether somebody of the side it was written to has read it."""
        return hasattr(self.row, "reading")


@dataclass(frozen=True, slots=True)
class Thread:
    """The messages of a file, for one side: what is new, and what expects its answer."""

    lines: Sequence[Line]

    @property
    def unread(self) -> int:
        """How many of the other side's messages nobody of this side has read."""
        return sum(not line.mine and not line.read for line in self.lines)

    @property
    def to_answer(self) -> Line | None:
        """The oldest message that waits for this side's answer."""
        return next((line for line in self.lines if line.expected and not line.mine), None)

    @property
    def last(self) -> Line | None:
        """The latest message."""
        return self.lines[-1] if self.lines else None


def thread_of(application: Application, *, services: bool) -> Thread:
    """Return the thread of a file for one side."""
    rows = list(application.messages.with_people().order_by("pk"))
    last = {side: max((row.pk for row in rows if row.by_services == side), default=0) for side in (True, False)}
    return Thread(
        [
            Line(row, row.by_services == services, row.answer_expected and last[not row.by_services] < row.pk)
            for row in rows
        ]
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def thread(request: HttpRequest, number: str) -> HttpResponse:
    """Show the messages of a file, and send one."""
    reader = file_reader(request, number)
    form = _form(request, reader)
    if request.method != "POST":
        if reader.mandate is not None:
            record_reading(application=reader.application, mandate=reader.mandate, at=timezone.now())
        return _page(request, reader, form)
    _require_author(reader)
    if sentence := refused_upload(request):
        form.add_error("file" if "file" in form.fields else None, sentence)
        return _page(request, reader, form, status=TOO_LARGE)
    if not form.is_valid():
        return _page(request, reader, form, status=422)
    try:
        service.send_message(application=reader.application, author=reader.author, at=timezone.now(), **form.values())
    except RefusedError as refusal:
        form.add_error(None, str(refusal))
        return _page(request, reader, form, status=422)
    messages.success(
        request,
        "Votre message est envoyé à la structure."
        if reader.services
        else "Votre message est envoyé aux services en charge de votre dossier.",
    )
    return redirect("thread", number)


@posts_only("thread")
def thread_read(request: HttpRequest, number: str) -> HttpResponse:
    """Mark as read what the other side wrote: the page posts it once shown, or a button does."""
    reader = file_reader(request, number)
    _require_author(reader)
    service.read_messages(application=reader.application, author=reader.author, at=timezone.now())
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse()
    return redirect("thread", number)


def _require_author(reader: Reader) -> None:
    try:
        evidence.require_author(reader.application, reader.author, at=timezone.now())
    except RefusedError as refusal:
        raise PermissionDenied(str(refusal)) from refusal


def _may_write(reader: Reader) -> bool:
    try:
        _require_author(reader)
    except PermissionDenied:
        return False
    return reader.application.state != ApplicationState.DRAFT


def _form(request: HttpRequest, reader: Reader) -> MessageForm:
    now = timezone.now()
    posted = (request.POST, request.FILES) if request.method == "POST" else ()
    return MessageForm(
        *posted,
        with_file=not evidence.why_not_complete(reader.application, reader.author, at=now),
        today=local_day(now, reader.application.departement.timezone),
        initial=lost_initial(request) if _may_write(reader) else {},
    )


def _page(request: HttpRequest, reader: Reader, form: MessageForm, *, status: int = 200) -> HttpResponse:
    context = {
        "application": reader.application,
        "reader": reader,
        "thread": thread_of(reader.application, services=reader.services),
        "form": form,
        "may_write": _may_write(reader),
        "limits": evidence.limits().sentence,
        "without_people": WITHOUT_PEOPLE,
        "trail": reader.trail,
    }
    return render(request, "labelling/messages/thread.html", context, status=status)
