"""The decision as the structure reads it: an explicit step, because reading is the notification; then the act in PDF."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from francesante.lib.french import plural, typeset
from francesante.lib.workflow import RefusedError
from labelling.choices import MembershipRole
from labelling.models import Application, Label, Membership
from labelling.rules.authors import signatories
from labelling.rules.clock import appeal_deadline, local_day
from labelling.services import acts
from labelling.services.applications import may_start
from labelling.services.drafting import authorities_of
from labelling.services.reviews import is_insider
from territories.choices import DecisionKind, DecisionState, Subject
from territories.models import Decision, Mandate


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader may know of the decision of a file."""

    application: Application
    decision: Decision | None
    membership: Membership | None
    notified_at: datetime | None
    insider: bool

    @property
    def is_signed(self) -> bool:
        """Whether the act exists."""
        return self.decision is not None and self.decision.signed_at is not None

    @property
    def may_read(self) -> bool:
        """The authorities read a signed act; the structure and the others, once it is notified."""
        return self.is_signed and (self.insider or self.notified_at is not None)

    def require_not_withheld(self) -> None:
        """Ask that the reader may know why: a refusal tells its reasons to the structure and both authorities only."""
        outsider = self.membership is None and not self.insider
        if outsider and self.may_read and self.decision and self.decision.kind == DecisionKind.LABEL_REFUSED:
            raise PermissionDenied(
                "Les motifs d’un refus sont connus de la structure, de l’ARS et de la préfecture. La page du dossier dit le sens "
                "de la décision et sa date."
            )


def _reading(request: HttpRequest, number: str, pk: int | None = None) -> Reading:
    """Return what a reader may know of the decision of a file, or of another signed one about it (``pk``)."""
    files = Application.objects.for_user(request.user).select_related(
        "decision", "structure__commune", "departement", "specification"
    )
    application = get_object_or_404(files, number=number)
    membership = Membership.objects.of(request.user).filter(structure=application.structure_id).first()
    decision = application.decision
    if pk is not None:
        signed = Decision.objects.filter(subject_type=Subject.APPLICATION, subject_id=application.pk)
        decision = get_object_or_404(signed.filter(state=DecisionState.SIGNED), pk=pk)
    rows = decision.notifications.filter(notified_at__isnull=False) if decision else []
    dates = [row.notified_at for row in rows if row.notified_at]
    insider = membership is None and is_insider(request.mandate)  # type: ignore[attr-defined]
    return Reading(application, decision, membership, min(dates) if dates else None, insider)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def decision_letter(request: HttpRequest, number: str) -> HttpResponse:
    """Announce the decision, record its reading, then show it: sense, reasons, effect, remedies, what next."""
    reading = _reading(request, number)
    if request.method == "POST":
        return _read(request, reading)
    return _show(request, reading, number)


@never_cache
@require_safe
def former_decision(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Show a decision of the file that an appeal undid, as it was notified."""
    return _show(request, _reading(request, number, pk), number)


def _show(request: HttpRequest, reading: Reading, number: str) -> HttpResponse:
    reading.require_not_withheld()
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    trail = [
        ("Dossiers" if mandate else "Mes dossiers", reverse("applications")),
        (number, reading.application.get_absolute_url()),
    ]
    if not reading.may_read:
        context = {
            "application": reading.application,
            "is_signed": reading.is_signed and reading.membership is not None,
            "may_open": reading.membership is not None and reading.membership.role == MembershipRole.OWNER,
            "by_letter": not reading.application.notification_consent,
            "trail": trail,
        }
        return render(request, "labelling/decision/announced.html", context)
    return render(request, "labelling/decision/letter.html", {**_letter(reading), "trail": trail})


def _read(request: HttpRequest, reading: Reading) -> HttpResponse:
    if reading.membership is None:
        raise PermissionDenied(
            "La décision est notifiée à la structure : sa lecture par un agent n’est pas une notification."
        )
    try:
        acts.read_decision(application=reading.application, membership=reading.membership, at=timezone.now())
    except RefusedError as refusal:
        messages.error(request, typeset(str(refusal)))
    return redirect("decision-letter", reading.application.number)


def _letter(reading: Reading) -> dict[str, Any]:
    application, decision = reading.application, reading.decision
    content = json.loads(decision.content)  # type: ignore[union-attr]
    refused = decision.kind == DecisionKind.LABEL_REFUSED  # type: ignore[union-attr]
    undone = decision.pk != application.decision_id  # type: ignore[union-attr]
    is_owner = reading.membership is not None and reading.membership.role == MembershipRole.OWNER
    zone = application.departement.timezone
    label = Label.objects.filter(application=application).first()
    return {
        "application": application,
        "structure": application.structure,
        "decision": decision,
        "content": content,
        "granted": decision.kind == DecisionKind.LABEL_GRANTED,  # type: ignore[union-attr]
        "counted": counted([row["verdict"] for row in content["criteria"]]),
        "aside": any(row["verdict"] == "Sans objet" for row in content["criteria"]),
        "signatures": decision.signatures.select_related("mandate__authority").order_by("capacity"),  # type: ignore[union-attr]
        "label": label,
        "last_day": label.valid.upper - timedelta(days=1) if label else None,
        "notified_at": reading.notified_at,
        "deadline": appeal_deadline(local_day(reading.notified_at, zone)) if reading.notified_at else None,
        "court": content.get("remedies", {}).get("court", ""),
        "has_pdf": bool(decision.pdf_hash),  # type: ignore[union-attr]
        "is_agent": reading.membership is None,
        "undone": undone,
        "names": signatories(content["authorities"]),
        "may_apply": refused and not undone and is_owner and may_start(application.structure, at=timezone.now()),
        "support": [row for row in authorities_of(application.departement).values() if row.email] if refused else [],
        "alone": len(decision.required) == 1,  # type: ignore[union-attr]
    }


def counted(verdicts: Sequence[str]) -> str:
    """Say how many criteria are not met, and what of the others: those set aside are not met ones."""
    said = Counter(verdicts)
    missing, aside = said["Non rempli"], said["Sans objet"]
    met = len(verdicts) - missing - aside
    are_not = "ne sont pas remplis" if missing > 1 else "n’est pas rempli"
    some = f"{missing} critère{plural(missing)} sur {len(verdicts)} {are_not}"
    if not met and not aside:
        return some
    the_others = "les autres le sont" if met > 1 else "l’autre l’est"
    if aside:
        apart = f"{aside} {'sont' if aside > 1 else 'est'} sans objet"
        the_others = f"{met} {'le sont' if met > 1 else 'l’est'}, {apart}" if met else apart
    return typeset(f"{some} ; {the_others}")


@never_cache
@require_safe
def decision_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """Give the act in PDF, byte for byte as it is kept."""
    return _pdf(_reading(request, number), number)


@never_cache
@require_safe
def former_decision_pdf(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Give the act in PDF of a decision that an appeal undid."""
    return _pdf(_reading(request, number, pk), number)


def _pdf(reading: Reading, number: str) -> HttpResponse:
    reading.require_not_withheld()
    if not reading.may_read:
        raise PermissionDenied(
            "L’acte se lit après la notification de la décision : ouvrez d’abord la page de la décision."
        )
    decision = reading.decision
    if decision is None or decision.pdf is None:
        raise Http404
    response = HttpResponse(bytes(decision.pdf), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="decision-{number}.pdf"'
    return response
