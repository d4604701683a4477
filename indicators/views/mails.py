"""The text of mails, for the national team: the list, and the editor of one with its preview."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from francesante.lib.french import typeset
from francesante.lib.workflow import RefusedError
from indicators.forms import MailForm
from indicators.rules.mails import GROUPS, MAILS, invented
from labelling.views.national import national
from labelling.views.posted import posted_number
from territories.models import MailText, Mandate
from territories.rules.mails import SUBJECT
from territories.services import mails as service

USUAL = {SUBJECT: "l’objet d’origine, avec le numéro du dossier ou du label"}


@never_cache
@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """List the mails of the portal by addressee, with those that the national team wrote."""
    national(request)
    last = {row.name: row for row in MailText.objects.order_by("name", "version").select_related("written_by__user")}
    rows = [
        {
            "app": name.split("/")[0],
            "name": name.split("/")[1],
            "title": title,
            "to": to,
            "text": (text := last.get(name)),
            "written": bool(text and text.body),
            "sent": service.in_force(text, service.original(name)) if text else False,
        }
        for name, (title, to) in MAILS.items()
    ]
    context = {
        "groups": [(group, [row for row in rows if row["to"] == group]) for group in GROUPS],
        "trail": [("Pilotage", reverse("steering"))],
    }
    return render(request, "indicators/mails.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mail_edit(request: HttpRequest, app: str, name: str) -> HttpResponse:
    """Write the text of a mail with its preview on an invented case, or return to the original."""
    mandate = national(request)
    found = _original(app, name)
    last = service.last_text(found.name)
    now = last if last and last.body else None
    initial = {"subject": now.subject if now else f"{{{SUBJECT}}}", "body": now.body if now else found.body}
    if request.method != "POST":
        return _page(request, found, MailForm(initial=initial), initial)
    if request.POST.get("action") == "restore":
        return _restore(request, found, mandate, initial)
    return _write(request, found, mandate)


def _restore(request: HttpRequest, found: service.Original, mandate: Mandate, initial: dict[str, str]) -> HttpResponse:
    version = posted_number(request, "version")
    try:
        service.restore_original(name=found.name, mandate=mandate, version=version, at=timezone.now())
    except RefusedError as refusal:
        return _page(request, found, MailForm(initial=initial), initial, refusal=str(refusal), status=409)
    messages.success(request, "Le texte d’origine est de nouveau envoyé.")
    return redirect("mails")


def _write(request: HttpRequest, found: service.Original, mandate: Mandate) -> HttpResponse:
    form = MailForm(request.POST)
    said = {part: request.POST.get(part, "") for part in ("subject", "body")}
    if form.is_valid():
        for part, sentence in service.mistakes_in(found, **form.cleaned_data).items():
            form.add_error(part, typeset(sentence))
    if form.errors:
        return _page(request, found, form, said, status=422)
    if request.POST.get("action") == "preview":
        return _page(request, found, form, form.cleaned_data)
    version = posted_number(request, "version")
    try:
        service.write_text(name=found.name, **form.cleaned_data, mandate=mandate, version=version, at=timezone.now())
    except RefusedError as refusal:
        return _page(request, found, form, said, refusal=str(refusal), status=409)
    messages.success(request, "Le texte est enregistré : c’est lui qui est envoyé, dès maintenant.")
    return redirect("mails")


@never_cache
@require_POST
def mail_preview(request: HttpRequest, app: str, name: str) -> HttpResponse:
    """Give the preview of what is being typed, for the page that shows it beside the fields."""
    national(request)
    found = _original(app, name)
    said = {part: request.POST.get(part, "") for part in ("subject", "body")}
    return render(request, "indicators/_mail_preview.html", _preview(found, said))


def _original(app: str, name: str) -> service.Original:
    if f"{app}/{name}" not in MAILS:
        raise Http404
    return service.original(f"{app}/{name}")


def _preview(found: service.Original, said: dict[str, str]) -> dict[str, object]:
    wrong = service.mistakes_in(found, **said)
    usual = f"{MAILS[found.name][0].lower()}, FS-99-2026-0042"
    shown = None if wrong else service.fill(found, said["subject"], said["body"], usual, invented(found.name))
    return {"shown": shown, "mistakes": [typeset(sentence) for sentence in wrong.values()]}


def _page(
    request: HttpRequest,
    found: service.Original,
    form: MailForm,
    said: dict[str, str],
    *,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    app, name = found.name.split("/")
    versions = list(MailText.objects.filter(name=found.name).select_related("written_by__user").order_by("-version"))
    last = versions[0] if versions else None
    context = {
        "app": app,
        "name": name,
        "title": MAILS[found.name][0],
        "to": MAILS[found.name][1],
        "form": form,
        "version": last.version if last else 0,
        "written": bool(last and last.body),
        "outdated": bool(last and last.body and not service.in_force(last, found)),
        "versions": versions,
        "fields": [(one, row.meaning, row.needed) for one, row in found.fields.items()],
        "usual": USUAL.items(),
        "refusal": typeset(refusal),
        **_preview(found, said),
        "trail": [("Pilotage", reverse("steering")), ("Courriels", reverse("mails"))],
    }
    return render(request, "indicators/mail.html", context, status=status)
