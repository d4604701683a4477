"""The page of a label for the structure that holds it and the agents of its territory, and the papers it gives."""

import csv
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from francesante.lib.french import long_date, typeset
from francesante.lib.spreadsheets import harmless
from labelling.choices import ApplicationState, DocumentKind, EndingAct
from labelling.forms.labels import KnownForm
from labelling.models import Application, Document, Label, Membership
from labelling.rules.badges import OPEN
from labelling.rules.clock import local_day
from labelling.services.attestations import expected
from labelling.services.documents import label_document
from labelling.services.drafting import authorities_of
from labelling.services.label_acts import pending_act
from labelling.services.labels import known_in_force, last_day, status
from labelling.services.renewals import renewal_date, standing_label
from labelling.services.reviews import is_insider
from labelling.services.suspensions import suspension_of, suspension_to_lift
from labelling.views.additionality import additionality_of
from labelling.views.alerts import register_alerts_of
from labelling.views.amendments import amendments_of
from labelling.views.attestations import attestations_of
from labelling.views.endings import ending_facts, refusal_to_act
from labelling.views.scope import visible_label
from labelling.views.suspensions import suspension_facts
from labelling.views.visits import visits_of

WAITING = 202
PAGE = 50
WORDS: Mapping[DocumentKind, tuple[str, str]] = {
    DocumentKind.CERTIFICATE: ("votre certificat", "certificat"),
    DocumentKind.PLAQUE: ("votre plaque", "plaque"),
    DocumentKind.RECEIPT: ("votre accusé de réception", "accuse"),
}
"""What a document is called while it is prepared, and how its file is named."""


def label_of(application: Application) -> Label | None:
    """Return the label of a file, once notified: what its page links to."""
    return Label.objects.published().filter(application=application).first()


@require_safe
def labels_known(request: HttpRequest) -> HttpResponse:
    """Tell who was labelled on a day, as it was known on another: a page of the list, or the whole list as CSV."""
    if request.mandate is None:  # type: ignore[attr-defined]
        raise PermissionDenied("Cette liste est tenue pour les services : les lieux labellisés sont publics.")
    today = timezone.localdate()
    asked = {name: request.GET[name] for name in ("on", "known", "voie", "dep") if name in request.GET}
    form = KnownForm({"on": today.isoformat(), "known": today.isoformat(), **asked})
    labels = Label.objects.none()
    if form.is_valid():
        on, known = form.cleaned_data["on"], form.cleaned_data["known"]
        midnight = datetime.combine(known + timedelta(days=1), time(), tzinfo=timezone.get_default_timezone())
        labels = (
            known_in_force(Label.objects.for_user(request.user), on=on, known_at=midnight)
            .select_related("structure__commune", "application__specification")
            .order_by("departement__sort_key", "structure__sort_key", "pk")
        )
        if route := form.cleaned_data["voie"]:
            labels = labels.filter(application__route=route)
        if code := form.cleaned_data["dep"]:
            labels = labels.filter(departement=code)
        if request.GET.get("format") == "csv":
            return _csv(labels, f"labels-{on.isoformat()}-su-{known.isoformat()}.csv")
    page = Paginator(labels, PAGE).get_page(request.GET.get("page"))
    address = {name: value for name in ("on", "known", "voie", "dep") if (value := form[name].value())}
    context = {
        "form": form,
        "page": page,
        "csv": f"?{urlencode({**address, 'format': 'csv'})}",
        "previous": f"?{urlencode({**address, 'page': page.number - 1})}",
        "next": f"?{urlencode({**address, 'page': page.number + 1})}",
        "trail": [("Dossiers", reverse("applications"))],
    }
    return render(request, "labelling/label/known.html", context)


def _csv(labels: QuerySet[Label], name: str) -> HttpResponse:
    """UTF-8, comma, ISO dates, codes as text, as in the open data; and no text that a spreadsheet would run."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    rows = csv.writer(response)
    rows.writerow(
        ["code_label", "nom", "code_commune", "code_departement", "date_debut", "premier_jour_sans_label", "voie"]
    )
    for label in labels.iterator(chunk_size=1000):
        valid = label.known_valid  # type: ignore[attr-defined]
        structure = label.structure
        until = valid.upper.isoformat() if valid.upper else ""
        rows.writerow(
            [
                label.number,
                harmless(structure.name),
                structure.commune_id,
                label.departement_id,
                valid.lower.isoformat(),
                until,
                label.application.get_route_display(),
            ]
        )
    return response


@never_cache
@require_safe
def label_page(request: HttpRequest, number: str) -> HttpResponse:
    """Show a label: its status, its dates, its papers, and what comes next."""
    label = visible_label(request, number)
    today = local_day(timezone.now(), label.departement.timezone)
    membership = Membership.objects.of(request.user).filter(structure=label.structure_id).first()
    mandate = request.mandate  # type: ignore[attr-defined]
    context = {
        "label": label,
        "structure": label.structure,
        "membership": membership,
        "status": status(label, today),
        "last_day": last_day(label),
        "alive": label.withdrawn_at is None and (label.valid.upper is None or today < label.valid.upper),
        "authorities": authorities_of(label.departement).values(),
        **ending_facts(request, label, today),
        **suspension_facts(request, label, today),
        **_renewal(label, today),
        **attestations_of(label, today),
        **register_alerts_of(request, label, today),
        **visits_of(request, label),
        **additionality_of(request, label),
        "inside": membership is not None or is_insider(mandate),
        "amendments": amendments_of(label),
        "may_amend": not refusal_to_act(label, mandate, timezone.now()),
        "trail": [("Dossiers", reverse("applications"))] if mandate else [("Mon espace", reverse("account"))],
    }
    return render(request, "labelling/label/label.html", context)


def _renewal(label: Label, today: date) -> dict[str, Any]:
    """Return when the label may be renewed, and what was already asked."""
    opens = renewal_date(label)
    standing = standing_label(label.structure, on=today)
    # A new label not notified yet is still, for its holder, a file that is examined.
    in_progress = Q(state__in=[ApplicationState.DRAFT, *OPEN]) | Q(label__isnull=False, label__notified_at__isnull=True)
    asked = label.structure.applications.filter(in_progress).order_by("pk").last()
    renewable = standing is None or standing.pk == label.pk
    return {
        "renewal_opens": opens if renewable else None,
        "renewal_is_open": renewable and opens is not None and today >= opens,
        "asked": asked,
        "next_label": standing if not renewable and standing and standing.notified_at else None,
    }


def act_to_read(label: Label) -> list[tuple[str, str]]:
    """Return the act on a label that waits for its holder to read it, if there is one: sentence and address."""
    act = pending_act(label)
    if act is None or act.signed_date is None or not label.application.notification_consent:
        return []
    return [(f"Lire l’acte qui porte sur le label {label.number}", reverse("label-to-read", args=[label.number]))]


def tasks_of(label: Label, on: date) -> list[tuple[str, str]]:
    """Return what else the holder of a label may do for it today: sentence and address, the most urgent first."""
    tasks = []
    procedure = (
        label.procedures.filter(closed_at__isnull=True, answered_at__isnull=True).select_related("ground").first()
    )
    if procedure is not None:
        until = long_date(procedure.deadline)
        address = reverse("label-procedure", args=[label.number])
        what = "la suspension" if procedure.ground.act == EndingAct.SUSPEND else "la fin"
        tasks.append((f"Répondre avant le {until} : {what} du label {label.number} est envisagée", address))
    if label.withdrawn_at is not None or on not in label.valid:
        return tasks
    if suspension := suspension_to_lift(label, on):
        now = on in suspension.period
        first = long_date(suspension.period.lower)
        what = "Faire lever la suspension" if now else f"Avant le {first}, premier jour de la suspension"
        tasks.append((f"{what} du label {label.number} : {suspension.expected}", label.get_absolute_url()))
    if due := expected(label, on=on):
        address = reverse("label-attestation", args=[label.number])
        tasks.append((f"Attester pour le label {label.number}, avant le {long_date(due)}", address))
    renewal = _renewal(label, on)
    if renewal["renewal_is_open"] and renewal["asked"] is None:
        until = long_date(last_day(label))
        tasks.append((f"Renouveler le label {label.number}, qui se termine le {until}", label.get_absolute_url()))
    return [(typeset(sentence), address) for sentence, address in tasks]


@require_safe
def label_certificate(request: HttpRequest, number: str) -> HttpResponse:
    """Give the certificate of a label that has not ended."""
    return _paper(request, visible_label(request, number), DocumentKind.CERTIFICATE)


@require_safe
def label_plaque(request: HttpRequest, number: str) -> HttpResponse:
    """Give the plaque of a label that has not ended, with its rules of use."""
    return _paper(request, visible_label(request, number), DocumentKind.PLAQUE)


def _paper(request: HttpRequest, label: Label, kind: DocumentKind) -> HttpResponse:
    today = local_day(timezone.now(), label.departement.timezone)
    if label.withdrawn_at is not None or (label.valid.upper is not None and today >= label.valid.upper):
        messages.info(request, "Ce label a pris fin : il n’a plus ni certificat ni plaque.")
        return redirect(label)
    if suspension := suspension_of(label, today):
        since = long_date(suspension.period.lower)
        messages.info(request, typeset(f"Label suspendu depuis le {since} : ni certificat ni plaque jusqu’à sa levée."))
        return redirect(label)
    return document_response(request, label_document(label, kind), kind, label.number, back=label.get_absolute_url())


def document_response(
    request: HttpRequest, document: Document | None, kind: DocumentKind, number: str, *, back: str
) -> HttpResponse:
    """Give a document byte for byte as it is kept; not rendered yet, say so and offer to look again."""
    prepared, name = WORDS[kind]
    if document is None:
        context: dict[str, Any] = {"document": prepared, "back": back, "trail": None}
        return render(request, "labelling/label/waiting.html", context, status=WAITING)
    headers = {"Content-Disposition": f'inline; filename="{name}-{number}.pdf"'}
    return HttpResponse(bytes(document.content), content_type="application/pdf", headers=headers)
