"""The public places: find one near a commune, and the page of each label."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from francesante.lib.french import DAYS as DAY_NAMES
from francesante.lib.french import grouped, opening_hours
from francesante.lib.geocoding import Address
from francesante.lib.proxies import client_address
from labelling.choices import StructureKind
from labelling.models import Label, Site
from labelling.rules.answers import DAYS, WEEKS, Closure, Hours, parse
from labelling.rules.distance import great_circle_km
from labelling.rules.openings import Opening, opening
from labelling.rules.words import fees_for_patients
from labelling.services.attestations import freshness
from labelling.services.drafting import authorities_of
from labelling.services.labels import LabelStatus, last_day, status
from labelling.services.points import address_meant, looks_like_address, means_commune
from labelling.services.surroundings import PlacesMap, map_of_places
from territories.choices import Capacity
from territories.models import Authority, Commune, Departement

PAGE = 20
NEAR_KM = 100
"""How far the places around a commune are listed, as the crow flies; a page of the nearest when there is none."""
LONGEST_TEXT = 100
FRENCH_PHONE = 10
OPEN_NOW, OPEN_TODAY, SATURDAY = "maintenant", "aujourdhui", "samedi"
WHEN: Mapping[str, str] = {
    OPEN_NOW: "Ouvert maintenant",
    OPEN_TODAY: "Ouvert aujourd’hui",
    SATURDAY: "Ouvert le samedi",
}
"""The choices of opening; the first two are judged on the clock of each place."""


@dataclass(frozen=True, slots=True)
class Found:
    """One place of the list: its label, its site nearest to the commune, and how far that is."""

    label: Label
    site: Site
    distance: float | None
    opening: Opening

    @property
    def phone(self) -> str:
        """The telephone of the structure, in pairs."""
        return in_pairs(self.site.structure.phone)

    @property
    def kilometres(self) -> str:
        """The distance as people say it: 800 m, 7 km."""
        if self.distance is None:
            return ""
        if self.distance < 1:
            return f"{round(self.distance, 1) * 1000:.0f}\u00a0m" if self.distance >= 0.1 else "sur place"  # noqa: PLR2004
        return f"{grouped(self.distance)}\u00a0km"


def in_pairs(phone: str) -> str:
    """``0199000001`` → ``01 99 00 00 01``; anything else as it is."""
    if len(phone) == FRENCH_PHONE and phone.isdigit():
        return "\u00a0".join(phone[start : start + 2] for start in range(0, FRENCH_PHONE, 2))
    return phone


@login_not_required
@require_safe
def places(request: HttpRequest) -> HttpResponse:
    """List the labels in force and notified, nearest first when a commune is given."""
    now = timezone.now()
    today = timezone.localdate(now)
    text = request.GET.get("q", "").strip()[:LONGEST_TEXT]
    kind = request.GET.get("type", "")
    kind = kind if kind in StructureKind.values else ""
    when = request.GET.get("ouvert", "")
    when = when if when in WHEN else ""
    commune, others = _commune(request.GET.get("commune", ""), text)
    meant = None
    if not request.GET.get("commune") and looks_like_address(text) and not means_commune([*filter(None, [commune])]):
        meant = address_meant(text, who=client_address(request) or "")
        commune, others = (meant.commune, []) if meant else (commune, others)
    sites = _sites(today, kind=kind)
    sites = sites.none() if text and commune is None else _open(sites, when, now)
    origin = (meant and meant.address) or commune
    located = origin is not None and origin.latitude is not None
    ranked = _nearest(sites, origin) if located else _by_name(sites)  # type: ignore[arg-type]
    near = sum(distance is not None and distance <= NEAR_KM for _, distance in ranked)
    ranked = ranked[: near or PAGE] if located else ranked
    page = Paginator(ranked, PAGE).get_page(request.GET.get("page"))
    rows = _found(page.object_list, now)
    # An address is located again from its text, which the cache knows.
    code = commune.code if commune and not meant else ""
    kept = {"q": text, "type": kind, "ouvert": when, "commune": code}
    address = {name: value for name, value in kept.items() if value}
    context = {
        "text": text,
        "commune": commune,
        "meant": meant,
        "without_point": origin is not None and origin.latitude is None,
        "others": [(other, f"?{urlencode({**address, 'q': other.name, 'commune': other.code})}") for other in others],
        "kind": kind,
        "kinds": StructureKind.choices,
        "when": when,
        "whens": WHEN.items(),
        "by_the_clock": when in (OPEN_NOW, OPEN_TODAY),
        "now": now,
        "page": page,
        "rows": rows,
        "near": near,
        "near_km": NEAR_KM,
        "map": _map(origin, commune, rows, page.start_index()) if rows else None,
        "nothing": not Label.objects.in_force(today).published().exists(),
        "previous": f"?{urlencode({**address, 'page': page.number - 1})}",
        "next": f"?{urlencode({**address, 'page': page.number + 1})}",
        "without_filters": f"?{urlencode({key: address[key] for key in ('q', 'commune') if key in address})}",
    }
    return render(request, "labelling/places/list.html", context)


def _map(origin: Commune | Address | None, commune: Commune | None, rows: list[Found], first: int) -> PlacesMap | None:
    """Return the map of the places of a page around what was searched."""
    if origin is None or commune is None or origin.latitude is None or origin.longitude is None:
        return None
    ranked = [(rank, row.site) for rank, row in enumerate(rows, start=first)]
    return map_of_places((origin.latitude, origin.longitude), commune.departement_id, ranked)


def _commune(code: str, text: str) -> tuple[Commune | None, list[Commune]]:
    """Return the commune meant, and the others it could have been; one that merged leads to its successor."""
    found = list(Commune.objects.search(text, 6).select_related("departement")) if text else []
    if code:
        chosen = Commune.objects.filter(pk=code).select_related("departement", "successor__departement").first()
        while chosen is not None and chosen.successor is not None:
            chosen = chosen.successor
        if chosen is not None:
            return chosen, [other for other in found if other.pk != chosen.pk]
    return (found[0], found[1:]) if found else (None, [])


def _sites(today: date, *, kind: str) -> QuerySet[Site]:
    labels = Label.objects.in_force(today).published().filter(structure=OuterRef("structure"))
    sites = Site.objects.filter(Exists(labels))
    return sites.filter(structure__kind=kind) if kind else sites


def _open(sites: QuerySet[Site], when: str, now: datetime) -> QuerySet[Site]:
    """Keep the sites that are open as asked; now and today are those of each place, overseas too."""
    if when == SATURDAY:
        return sites.filter(hours__sat__0__isnull=False)
    if not when:
        return sites
    clocks = {
        zone: now.astimezone(ZoneInfo(zone))
        for zone in Departement.objects.values_list("timezone", flat=True).distinct()
    }
    of_the_day = Q(pk__in=[])
    for zone, clock in clocks.items():
        of_the_day |= Q(commune__departement__timezone=zone, hours__has_key=list(DAYS)[clock.weekday()])
    candidates = list(
        sites.filter(of_the_day).values_list("pk", "structure", "hours", "weeks", "commune__departement__timezone")
    )
    closures = _closures(structure for _, structure, *_ in candidates)
    kept: Callable[[Opening], bool] = (lambda one: one.now) if when == OPEN_NOW else (lambda one: one.today)
    return sites.filter(
        pk__in=[
            pk
            for pk, structure, hours, weeks, zone in candidates
            if kept(opening(_read(hours), clocks[zone], weeks=weeks, closures=closures.get(structure, ())))
        ]
    )


def _closures(structures: Iterable[int]) -> dict[int, tuple[Closure, ...]]:
    """Return the closures that labelled structures declared in the file of their label, for those that declared some."""
    rows = Label.objects.published().filter(
        structure__in=set(structures), withdrawn_at__isnull=True, application__answers__closures__0__isnull=False
    )
    # In the order of labels: the last one speaks.
    found = rows.order_by("valid", "pk").values_list("structure", F("application__answers__closures"))
    return {structure: parse({"closures": closures}).closures for structure, closures in found}


Ranked = tuple[int, float | None]
"""Key of a site, and its distance in kilometres when it is known."""


def _by_name(sites: QuerySet[Site]) -> list[Ranked]:
    """One site by structure, its main one first, in the order of communes and names."""
    rows = sites.order_by("commune__sort_key", "structure__sort_key", "structure", "-is_main", "pk")
    return _first_of_each((pk, structure, None) for pk, structure in rows.values_list("pk", "structure"))


def _nearest(sites: QuerySet[Site], origin: Commune | Address) -> list[Ranked]:
    """One site by structure, the nearest; a site without a point stands at the centre of its commune."""
    points = [
        (pk, structure, (latitude, longitude) if latitude is not None else (its_latitude, its_longitude))
        for pk, structure, latitude, longitude, its_latitude, its_longitude in sites.filter(
            Q(latitude__isnull=False) | Q(commune__latitude__isnull=False)
        ).values_list("pk", "structure", "latitude", "longitude", "commune__latitude", "commune__longitude")
    ]
    distances = great_circle_km((origin.latitude, origin.longitude), [point for *_, point in points])  # type: ignore[arg-type]
    rows = sorted((distance, pk, structure) for distance, (pk, structure, _) in zip(distances, points, strict=True))
    return _first_of_each((pk, structure, distance) for distance, pk, structure in rows)


def _first_of_each(rows: Any) -> list[Ranked]:
    seen: set[int] = set()
    kept = []
    for pk, structure, distance in rows:
        if structure not in seen:
            seen.add(structure)
            kept.append((pk, distance))
    return kept


def _found(ranked: list[Ranked], now: datetime) -> list[Found]:
    sites = Site.objects.select_related("structure", "commune__departement").in_bulk([pk for pk, _ in ranked])
    structures = [site.structure_id for site in sites.values()]
    closures = _closures(structures)
    today = timezone.localdate(now)
    labels = {
        label.structure_id: label
        for label in Label.objects.in_force(today).published().filter(structure__in=structures)
    }
    return [
        Found(labels[site.structure_id], site, distance, _opening(site, now, closures.get(site.structure_id, ())))
        for site, distance in ((sites[pk], distance) for pk, distance in ranked)
    ]


def _read(hours: Any) -> Hours:
    return parse({"hours": hours}).hours


def _opening(site: Site, now: datetime, closures: tuple[Closure, ...]) -> Opening:
    """Say when a site is open, on its own clock."""
    clock = now.astimezone(ZoneInfo(site.commune.departement.timezone))
    return opening(_read(site.hours), clock, weeks=site.weeks, closures=closures)


@login_not_required
@require_safe
def place(request: HttpRequest, number: str) -> HttpResponse:
    """Show the public page of a label: who, where, when, and whether the label is in force."""
    label = get_object_or_404(
        Label.objects.published().select_related(
            "structure__commune__departement", "departement", "application__specification"
        ),
        number=number,
    )
    clock = timezone.now().astimezone(ZoneInfo(label.departement.timezone))
    today = clock.date()
    state: LabelStatus = status(label, today, public=True)
    answers = parse(label.application.answers)
    sites = [
        {
            "site": site,
            "hours": [
                (name.capitalize(), opening_hours(hours[day]) if hours.get(day) else "fermé")
                for day, name in DAYS.items()
            ],
            "rhythm": WEEKS[site.weeks] if site.weeks > 1 else "",
            "opening": _opening(site, clock, answers.closures),
        }
        for site in label.structure.sites.select_related("commune__departement").order_by("-is_main", "pk")
        for hours in [_read(site.hours)]
    ]
    service = authorities_of(label.departement).get(Capacity.ARS)
    context = {
        "label": label,
        "structure": label.structure,
        "status": state,
        "last_day": last_day(label),
        "sites": sites,
        "closures": [one for one in answers.closures if one.end >= today],
        "fees": fees_for_patients(answers),
        "freshness": freshness(label, on=today),
        "service": service,
        "report": _report(label, service) if service else "",
        "phone": in_pairs(label.structure.phone),
        "weekday": DAY_NAMES[today.weekday()].capitalize(),
        "trail": [("Trouver un lieu", reverse("places"))],
    }
    return render(request, "labelling/places/place.html", context)


def _report(label: Label, service: Authority) -> str:
    """Return the address of a mail to the service in charge that already says which page it is about."""
    page = f"{settings.PUBLIC_URL}{reverse('place', args=[label.number])}"
    subject = f"Erreur signalée sur un lieu France Santé, label {label.number}"
    body = f"Page : {page}\r\n\r\nCe qui est inexact :\r\n"
    return f"mailto:{service.email}?subject={quote(subject)}&body={quote(body)}" if service.email else ""
