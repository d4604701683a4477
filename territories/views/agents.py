"""A table of agents to invite: read, shown line by line, then carried out."""

import csv

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.french import typeset
from territories.forms import MAX_AGENTS_TABLE, AgentsTableForm
from territories.models import Mandate
from territories.notifications import promise_of, send_invitation
from territories.readers.agents_table import COLUMNS, EXAMPLE, AgentsTableError, decode, read_agents_table
from territories.services.agents import Outcome, Planned, Sent, import_agents, plan_agents
from territories.services.mandates import authorities_to_invite_for, may_invite

WORDS = {Outcome.INVITED: "À inviter", Outcome.UNCHANGED: "Rien à faire", Outcome.REFUSED: "Refusée"}
DONE = {**WORDS, Outcome.INVITED: "Invitée"}
UNSENT = (
    "Invitation enregistrée, mais le courriel n’est pas parti : invitez cette adresse à nouveau dans quelques minutes."
)


def _inviter(request: HttpRequest) -> Mandate:
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None:
        raise Http404
    if not may_invite(mandate, at=timezone.now()):
        raise PermissionDenied(
            "Le titulaire de la signature de votre autorité et l’équipe nationale peuvent inviter ; votre habilitation ne le "
            "permet pas."
        )
    return mandate


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def agents_import(request: HttpRequest) -> HttpResponse:
    """Read a table and show what each line would do; then, confirmed, invite."""
    mandate = _inviter(request)
    if request.method != "POST":
        return _page(request, mandate, AgentsTableForm())
    if "table" in request.POST:
        return _apply(request, mandate, request.POST["table"])
    form = AgentsTableForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, mandate, form, status=422)
    text = decode(form.cleaned_data["file"].read())
    try:
        plan = plan_agents(read_agents_table(text), mandate=mandate, at=timezone.now())
    except AgentsTableError as error:
        form.add_error("file", str(error))
        return _page(request, mandate, form, status=422)
    return _page(request, mandate, AgentsTableForm(), plan=plan, table=text)


def _apply(request: HttpRequest, mandate: Mandate, text: str) -> HttpResponse:
    if len(text) > MAX_AGENTS_TABLE:
        raise BadRequest("Ce tableau est trop long. Rien n’a été enregistré.")
    try:
        rows = read_agents_table(text)
    except AgentsTableError as error:
        raise BadRequest(f"{error} Rien n’a été enregistré.") from error
    done = import_agents(rows, mandate=mandate, at=timezone.now())
    unsent = {planned.line for planned, sent in done if sent and not _mailed(sent)}
    return _page(request, mandate, AgentsTableForm(), done=[planned for planned, _ in done], unsent=unsent)


def _mailed(sent: Sent) -> bool:
    try:
        send_invitation(sent.invitation, token=sent.token, promise=promise_of(sent.invitation))
    except OSError:
        return False
    return True


def _page(
    request: HttpRequest,
    mandate: Mandate,
    form: AgentsTableForm,
    *,
    plan: list[Planned] | None = None,
    done: list[Planned] | None = None,
    unsent: set[int] | None = None,
    table: str = "",
    status: int = 200,
) -> HttpResponse:
    rows = done if done is not None else plan or []
    words = DONE if done is not None else WORDS
    late = unsent or set()
    context = {
        "form": form,
        "table": table,
        "done": done is not None,
        "rows": [
            (row, "Courriel non parti", typeset(UNSENT))
            if row.line in late
            else (row, words[row.outcome], typeset(row.sentence))
            for row in rows
        ],
        "counts": {str(one): sum(row.outcome == one for row in rows) for one in Outcome},
        "columns": COLUMNS,
        "authorities": authorities_to_invite_for(mandate).order_by("kind", "name"),
    }
    return render(request, "territories/agents.html", context, status=status)


@require_safe
def agents_example(request: HttpRequest) -> HttpResponse:
    """Give a table of invented lines to start from, as a French spreadsheet opens it."""
    _inviter(request)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="agents-exemple.csv"'
    response.write("\ufeff")
    writer = csv.DictWriter(response, COLUMNS, delimiter=";")
    writer.writeheader()
    writer.writerows(EXAMPLE)
    return response
