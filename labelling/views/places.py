"""The public places: find one near a commune, and the page of each label."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from francesante.lib.french import DAYS as DAY_NAMES
from francesante.lib.french import opening_hours
from francesante.lib.geocoding import Address
from francesante.lib.proxies import client_address
from labelling.choices import StructureKind
from labelling.models import Label, Site
from labelling.rules.answers import DAYS, WEEKS, Period, parse
from labelling.rules.distance import great_circle_km
from labelling.services.labels import LabelStatus, last_day, status
from labelling.services.points import address_meant, looks_like_address, means_commune
from territories.models import Commune

PAGE = 20
LONGEST_TEXT = 100
FRENCH_PHONE = 10


@dataclass(frozen=True, slots=True)
class Found:
    """One place of the list: its label, its site nearest to the commune, and how far that is."""

    label: Label
    site: Site
    distance: float | None
    today: str

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
        return f"{self.distance:.0f}\u00a0km"


def in_pairs(phone: str) -> str:
    """``0199000001`` → ``01 99 00 00 01``; anything else as it is."""
    if len(phone) == FRENCH_PHONE and phone.isdigit():
        return "\u00a0".join(phone[start : start + 2] for start in range(0, FRENCH_PHONE, 2))
    return phone


@login_not_required
@require_safe
def places(request: HttpRequest) -> HttpResponse:
    """List the labels in force and notified, nearest first when a commune is given."""
    today = timezone.localdate()
    text = request.GET.get("q", "").strip()[:LONGEST_TEXT]
    kind = request.GET.get("type", "")
    kind = kind if kind in StructureKind.values else ""
    saturday = request.GET.get("samedi") == "1"
    commune, others = _commune(request.GET.get("commune", ""), text)
    meant = None
    if not request.GET.get("commune") and looks_like_address(text) and not means_commune([*filter(None, [commune])]):
        meant = address_meant(text, who=client_address(request) or "")
        commune, others = (meant.commune, []) if meant else (commune, others)
    sites = _sites(today, kind=kind, saturday=saturday)
    if text and commune is None:
        sites = sites.none()
    origin = (meant and meant.address) or commune
    ranked = _nearest(sites, origin) if origin is not None and origin.latitude is not None else _by_name(sites)
    page = Paginator(ranked, PAGE).get_page(request.GET.get("page"))
    # An address is located again from its text, which the cache knows.
    code = commune.code if commune and not meant else ""
    kept = {"q": text, "type": kind, "samedi": "1" if saturday else "", "commune": code}
    address = {name: value for name, value in kept.items() if value}
    context = {
        "text": text,
        "commune": commune,
        "meant": meant,
        "without_point": origin is not None and origin.latitude is None,
        "others": [(other, f"?{urlencode({**address, 'q': other.name, 'commune': other.code})}") for other in others],
        "kind": kind,
        "kinds": StructureKind.choices,
        "saturday": saturday,
        "page": page,
        "rows": _found(page.object_list, today),
        "nothing": not Label.objects.in_force(today).published().exists(),
        "previous": f"?{urlencode({**address, 'page': page.number - 1})}",
        "next": f"?{urlencode({**address, 'page': page.number + 1})}",
        "without_filters": f"?{urlencode({key: address[key] for key in ('q', 'commune') if key in address})}",
    }
    return render(request, "labelling/places/list.html", context)


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


def _sites(today: date, *, kind: str, saturday: bool) -> QuerySet[Site]:
    labels = Label.objects.in_force(today).published().filter(structure=OuterRef("structure"))
    sites = Site.objects.filter(Exists(labels))
    if kind:
        sites = sites.filter(structure__kind=kind)
    if saturday:
        sites = sites.filter(hours__sat__0__isnull=False)
    return sites


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


def _found(ranked: list[Ranked], today: date) -> list[Found]:
    sites = Site.objects.select_related("structure", "commune__departement").in_bulk([pk for pk, _ in ranked])
    structures = [site.structure_id for site in sites.values()]
    labels = {
        label.structure_id: label
        for label in Label.objects.in_force(today).published().filter(structure__in=structures)
    }
    return [
        Found(labels[sites[pk].structure_id], sites[pk], distance, _today(sites[pk], today)) for pk, distance in ranked
    ]


def _hours(site: Site) -> dict[str, tuple[Period, ...]]:
    return dict(parse({"hours": site.hours}).hours)


def _today(site: Site, today: date) -> str:
    """Say when a site is open today."""
    hours = _hours(site)
    if not hours:
        return "horaires non renseignés"
    if site.weeks > 1:
        return f"passage {WEEKS[site.weeks]}, le {', le '.join(DAYS[day] for day in hours)}"
    periods = hours.get(list(DAYS)[today.weekday()])
    return f"aujourd’hui {opening_hours(periods)}" if periods else "fermé aujourd’hui"


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
    today = timezone.localdate()
    state: LabelStatus = status(label, today, public=True)
    sites = [
        (
            site,
            [
                (name.capitalize(), opening_hours(_hours(site)[day]) if _hours(site).get(day) else "fermé")
                for day, name in DAYS.items()
            ],
            WEEKS[site.weeks] if site.weeks > 1 else "",
        )
        for site in label.structure.sites.select_related("commune").order_by("-is_main", "pk")
    ]
    context = {
        "label": label,
        "structure": label.structure,
        "status": state,
        "last_day": last_day(label),
        "sites": sites,
        "phone": in_pairs(label.structure.phone),
        "weekday": DAY_NAMES[today.weekday()].capitalize(),
        "trail": [("Trouver un lieu", reverse("places"))],
    }
    return render(request, "labelling/places/place.html", context)
