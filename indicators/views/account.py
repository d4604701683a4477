"""The home of a signed-in person: what waits for them, by role."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from funding.choices import GrantState
from funding.models import Grant
from indicators.services.network import network_on
from indicators.services.steering import SOON, current_wave
from labelling.choices import ApplicationState as State
from labelling.models import Application, Label, Membership, Message, Opinion, Quota, Structure
from labelling.rules.badges import OPEN, STRUCTURE, Badge, badge, facts_of
from labelling.rules.clock import local_day
from labelling.services.answers_due import owed_facts
from labelling.services.attestations import late
from labelling.services.claims import claims_waiting_of, waiting_claims
from labelling.services.clocks import awaited
from labelling.services.digest import CALLING, WAITING, calling_for_an_act
from labelling.services.drafting import authorities_of
from labelling.services.label_alerts import alerts_on
from labelling.services.labels import label_facts
from labelling.services.reviews import is_insider
from labelling.services.worklist import counts_of, files_of, ordered, views_of, with_details
from labelling.services.worklist_filters import INSTRUCTION, UNDER_WAY
from labelling.views.contested import tasks_of_file
from labelling.views.labels import tasks_of
from labelling.views.worklist_rows import rows_of
from territories.choices import AuthorityKind, Role
from territories.models import Decision, Mandate

URGENT = 8
MAX_TASKS = 3
OF_FILES = {
    "reponses-recues": "avec une réponse reçue",
    "a-repondre": "avec un message sans réponse",
    "a-notifier": "à notifier par lettre",
    "desaccord": "en désaccord",
    "avis-en-retard": "avec un avis en retard",
    "recours": "avec un recours ou des motifs en attente",
    "bientot": "à échéance sous 15\u00a0j",
}
"""What is said of the files of a view after their number; its label in lower case when absent."""
OURS = {AuthorityKind.ARS: "l’ARS", AuthorityKind.PREFECTURE: "la préfecture"}


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show the home of the acting mandate, else that of the structures the person acts for."""
    mandate: Mandate | None = request.mandate  # type: ignore[attr-defined]
    if mandate is None:
        return _structure_home(request)
    return _agent_home(request, mandate)


# Agents, signatories, observers, national team ---------------------------------------------------------------------


def _agent_home(request: HttpRequest, mandate: Mandate) -> HttpResponse:
    now, today = timezone.now(), timezone.localdate()
    files = files_of(request.user, mandate)
    views = views_of(mandate, today)
    counts = counts_of(files, {**views, CALLING: calling_for_an_act(views)})
    request.to_do = counts[CALLING]  # type: ignore[attr-defined]
    links = {
        name: {"label": label, "count": counts[name], "url": f"{reverse('applications')}?vue={name}"}
        for name, (label, _) in views.items()
    }
    acts = mandate.role == Role.AGENT and mandate.authority.kind in OURS
    ours = [
        {**links[name], "words": OF_FILES.get(name, links[name]["label"].lower())}
        for name in WAITING
        if acts and name in links and links[name]["count"]
    ]
    urgent = ordered(with_details(files.filter(state__in=list(OPEN))), "echeance")[:URGENT]
    network = network_on(today) if mandate.role == Role.NATIONAL else None
    return render(
        request,
        "indicators/account_agent.html",
        {
            "today": today,
            "soon_date": today + SOON,
            "authority": OURS.get(AuthorityKind(mandate.authority.kind), ""),
            "acts": acts,
            "ours": ours,
            "waiting_for_us": counts[CALLING] if acts else 0,
            "overlap": sum(link["count"] for link in ours) > counts[CALLING],
            "mine": links.get("a-moi"),
            "soon": links["bientot"],
            "opinions": _opinions(mandate),
            "elsewhere": [
                links["a-signer"],
                *([] if acts else [links["a-commencer"]]),
                links["tous"],
            ],
            "to_sign": Decision.objects.awaiting(mandate).count() if mandate.can_sign else 0,
            "rows": rows_of(urgent, mandate, now),
            "claims": waiting_claims(mandate).count(),
            "alerts": len(alerts_on(Label.objects.for_user(request.user), on=today)) if acts else None,
            # Counted on a territory; of the whole country, its page counts.
            "late": None if network else len(late(Label.objects.for_user(request.user), on=today)),
            "may_list": is_insider(mandate),
            "strips": _strips(mandate, today),
            "network": network,
            "below_floor": sum(row.labels < row.floor for row in network.rows) if network else 0,
        },
    )


def _opinions(mandate: Mandate) -> list[Opinion] | None:
    """Return the opinions that a body has to give, the first due first; nothing for who is asked none."""
    if mandate.role != Role.PARTNER:
        return None
    waiting = Opinion.objects.of(mandate).waiting().select_related("application__structure__commune")
    return list(waiting.order_by("due_date", "pk"))


def _strips(mandate: Mandate, today: date) -> list[dict[str, Any]]:
    """Return the wave of each département acted for, at most a région of them; none for the whole country."""
    wave = current_wave(today)
    quotas = (
        Quota.objects.filter(wave=wave)
        .select_related("departement", "wave")
        .defer("departement__outline", "departement__inset_outline")
    )
    if mandate.departement_id:
        quotas = quotas.filter(departement=mandate.departement_id)
    elif mandate.region_id:
        quotas = quotas.filter(departement__region=mandate.region_id)
    else:
        return []
    in_progress = dict(
        Application.objects.filter(wave=wave, state__in=INSTRUCTION)
        .filter(departement__in=quotas.values("departement"))
        .values_list("departement")
        .annotate(count=Count("pk"))
        .order_by("departement")
    )
    return [
        {
            "quota": quota,
            "in_progress": (under_way := in_progress.get(quota.departement_id, 0)),
            # Each count, and the state of the files that it counts.
            "counts": [
                (quota.used, State.LABELLED),
                (quota.reserved, State.AWAITING_SIGNATURES),
                (under_way, UNDER_WAY),
            ],
        }
        for quota in quotas.order_by("departement__sort_key")
    ]


# Structures ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class File:
    """A file of the structure, in the words of its reader."""

    application: Application
    badge: Badge


@dataclass(frozen=True, slots=True)
class Home:
    """What one structure's block shows. Money and label appear once notified."""

    structure: Structure
    membership: Membership
    files: list[File]
    labels: list[Label]
    granted: Any
    paid: Any
    people: list[Membership]
    authorities: Any


def _structure_home(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    memberships = Membership.objects.of(request.user).select_related("structure__departement", "structure__commune")
    homes = [_home(membership, request.user, now) for membership in memberships.order_by("pk")]
    tasks = [*_messages_to_answer(memberships), *(task for home in homes for task in _tasks(home))]
    past = Mandate.objects.filter(user=request.user, valid__endswith__lte=timezone.localdate(now))
    ended = None if homes else past.select_related("authority").order_by("-valid__endswith", "-pk").first()
    context = {
        "homes": homes,
        "tasks": tasks[:MAX_TASKS],
        "claims": claims_waiting_of(request.user, at=now),  # type: ignore[arg-type]
        "ended": ended,
        "last_day": ended.valid.upper - timedelta(days=1) if ended else None,
    }
    return render(request, "indicators/account_structure.html", context)


def _messages_to_answer(memberships: QuerySet[Membership]) -> list[tuple[str, str]]:
    """Return the files on which the services expect an answer to a message: sentence and address."""
    waiting = Message.objects.awaiting_answer(by_services=True)
    files = Application.objects.filter(
        structure__in=memberships.values("structure"), pk__in=waiting.values("application")
    )
    return [
        (f"Répondre au message des services, dossier {number}", reverse("thread", args=[number]))
        for number in files.order_by("pk").values_list("number", flat=True)
    ]


def _home(membership: Membership, user: Any, now: datetime) -> Home:
    structure = membership.structure
    files = (
        Application.objects.for_user(user)
        .filter(structure=structure)
        .select_related("departement", "decision", "label", "specification")
        .defer("decision__content", "decision__pdf")
        .prefetch_related("requests", "decision__notifications", "label__suspensions")
        .order_by("-created_at", "-pk")
    )
    money = (
        Grant.objects.for_user(user)
        .filter(label__structure=structure)
        .exclude(state=GrantState.CANCELLED)
        .aggregate(granted=Sum("amount"), paid=Sum("paid"))
    )
    return Home(
        structure,
        membership,
        [_file(application, now) for application in files],
        list(Label.objects.for_user(user).published().filter(structure=structure).order_by("-valid", "pk")),
        money["granted"],
        money["paid"],
        list(
            structure.memberships.filter(ended_at__isnull=True)
            .select_related("user")
            .order_by(F("role").desc(), "started_at", "pk")
        ),
        authorities_of(structure.departement),
    )


def _file(application: Application, now: datetime) -> File:
    zone = application.departement.timezone
    more: dict[str, Any] = {}
    if application.decision is not None:
        notifications = application.decision.notifications.all()
        available = [row.sent_at for row in notifications]
        notified = [row.notified_at for row in notifications if row.notified_at]
        more = {
            "available_on": local_day(min(available), zone) if available else None,
            "notified_on": local_day(min(notified), zone) if notified else None,
        }
        if notified and application.state == State.LABELLED:
            more |= label_facts(application.label, local_day(now, zone))
    today = local_day(now, zone)
    more |= awaited(application, today=today).facts() | owed_facts(application, today=today)
    return File(application, badge(facts_of(application, today=today, **more), STRUCTURE))


def _tasks(home: Home) -> list[tuple[str, str]]:
    """Return what the structure can do now: sentence and address."""
    today = timezone.localdate()
    tasks = [task for label in home.labels for task in tasks_of(label, today)]
    for file in home.files:
        application = file.application
        tasks += tasks_of_file(application)
        if application.state == State.DRAFT:
            tasks.append(
                (f"Terminer et déposer la candidature de {home.structure.name}", application.get_absolute_url())
            )
        elif application.decision is not None and file.badge.tone == "warning":
            address = reverse("decision-letter", args=[application.number])
            tasks.append((f"Lire la décision rendue sur le dossier {application.number}", address))
        elif application.state == State.UNDER_REVIEW and file.badge.tone == "warning":
            address = reverse("application-requests", args=[application.number])
            tasks.append((f"Répondre aux services, dossier {application.number}", address))
    if not home.files and not home.labels:
        tasks.append((f"Commencer la candidature de {home.structure.name}", reverse("applications")))
    return tasks
