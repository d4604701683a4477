"""The agents' work list: the files it holds, its views named by what to do, its order, and the views that people name.

Every count of a view, wherever it is shown, comes from :func:`views_of` and :func:`counts_of`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
    Window,
)
from django.db.models.functions import Coalesce, Lag, Lead, RowNumber

from francesante.lib.workflow import RefusedError
from labelling.choices import ApplicationState as State
from labelling.choices import CriterionKind, Verdict
from labelling.models import (
    Application,
    Concertation,
    Criterion,
    CriterionAssessment,
    InformationRequest,
    Message,
    SavedView,
)
from labelling.models.applications import REVIEWERS
from labelling.rules.badges import OPEN
from labelling.services.answers_due import pending_appeals, pending_reasons
from labelling.services.assignment import in_hand, in_nobodys_hands
from labelling.services.following import followed
from labelling.services.opinions import late_opinions
from labelling.services.worklist_filters import INSTRUCTION, latest_vintages
from territories.choices import Capacity, Role, Subject
from territories.models import Mandate, Notification, SignatureRefusal, User

SOON = timedelta(days=15)
EVERYTHING = "tous"
"""The view that holds every file."""

SORTS: Mapping[str, tuple[str, ...]] = {
    "dossier": ("number",),
    "structure": ("structure__sort_key",),
    "finess": ("structure__finess",),
    "departement": ("departement__sort_key",),
    "type": ("structure__kind", "structure__sort_key"),
    "etat": ("stage", "silence_date"),
    "vague": ("wave__number", "silence_date"),
    "recu": ("submitted_at",),
    "echeance": ("decided", "silence_date"),
    "instruit": ("reviewer_last_name", "reviewer_first_name"),
}
DEFAULT_SORT = "echeance"

View = tuple[str, Q]
"""A view of the list: its label and its filter."""


# Scope ---------------------------------------------------------------------------------------------------------------


def files_of(user: Any, mandate: Mandate) -> QuerySet[Application]:
    """Return the submitted files that a person may read, on the territory they act for."""
    return Application.objects.for_user(user).exclude(state=State.DRAFT).filter(_territory(mandate))


def _territory(mandate: Mandate) -> Q:
    if mandate.departement_id:
        return Q(departement=mandate.departement_id)
    return Q(departement__region=mandate.region_id) if mandate.region_id else Q()


def with_details(files: QuerySet[Application]) -> QuerySet[Application]:
    """Load with each file all that its line shows, in a constant number of queries."""
    return (
        files.select_related(
            "structure__commune",
            "departement",
            "decision",
            "label",
            *[f"{field}__user" for field in REVIEWERS.values()],
        )
        .defer("decision__content", "decision__pdf", "departement__outline", "departement__inset_outline")
        .prefetch_related(
            "assessments", "requests", "decision__signatures", "decision__notifications", "label__suspensions"
        )
        .annotate(
            asked=_asked(),
            declined_at=_declined_at(),
            concerted=_concerted(),
            appealed_on=_appealed_on(),
            reasons_asked_on=_reasons_asked_on(),
        )
    )


def with_epci(files: QuerySet[Application]) -> QuerySet[Application]:
    """Add ``epci``, the name of the EPCI of the structure's commune; nothing in the islands that have none."""
    mine = latest_vintages().filter(commune=OuterRef("structure__commune"))
    return files.annotate(epci=Subquery(mine.values("epci__name")[:1]))


def _last_declined(application: OuterRef) -> Subquery:
    refusals = SignatureRefusal.objects.filter(
        decision__subject_type=Subject.APPLICATION, decision__subject_id=application
    )
    return Subquery(refusals.order_by("-declined_at").values("declined_at")[:1])


def _declined_at() -> Case:
    """When a signatory declined, for the files in disagreement; the others cost nothing."""
    return Case(When(state=State.DISAGREEMENT, then=_last_declined(OuterRef("pk"))))


def _concerted() -> Case:
    """Whether both authorities have held the record of a concertation since then."""
    since = _last_declined(OuterRef(OuterRef("pk")))
    records = Concertation.objects.filter(application=OuterRef("pk"), confirmed_at__gte=since)
    return Case(When(state=State.DISAGREEMENT, then=Exists(records)), default=Value(value=False))


def _appealed_on() -> Subquery:
    """When the first appeal to the signatories that awaits its answer was received."""
    pending = pending_appeals().filter(application=OuterRef("pk")).order_by("received_date")
    return Subquery(pending.values("received_date")[:1])


def _reasons_asked_on() -> Case:
    """When the reasons of an implicit rejection that are still to be given were asked for."""
    pending = pending_reasons().filter(application=OuterRef("pk")).order_by("received_date")
    return Case(When(state__in=list(OPEN), then=Subquery(pending.values("received_date")[:1])))


def _asked() -> Coalesce:
    criteria = Criterion.objects.filter(specification=OuterRef("specification"), kind=CriterionKind.CRITERION)
    return _count(criteria, by="specification")


def _count(rows: QuerySet[Any], *, by: str) -> Coalesce:
    return Coalesce(Subquery(rows.order_by().values(by).annotate(n=Count("pk")).values("n")), 0)


# Views ---------------------------------------------------------------------------------------------------------------


def views_of(mandate: Mandate, today: date) -> dict[str, View]:
    """Return the views a mandate has, by their name in the address."""
    own: dict[str, View] = {}
    if mandate.role == Role.AGENT and mandate.capacity:
        mine = Q(lead=mandate.capacity)
        review = Q(state=State.UNDER_REVIEW)
        complete = ~Q(pk__in=InformationRequest.objects.open().values("application"))
        unanswered = Message.objects.awaiting_answer(by_services=False)
        own = {
            "a-moi": (
                "À moi",
                Q(state__in=INSTRUCTION) & in_hand(mandate.capacity, on=today, of=mandate.user_id),
            ),
            "a-affecter": ("À affecter", Q(state__in=INSTRUCTION) & in_nobodys_hands(mandate.capacity, on=today)),
            "suivis": ("Suivis", followed(mandate)),
            "reponses-recues": ("Réponses reçues", Q(pk__in=_received(mandate).values("application"))),
            "a-repondre": ("Messages à répondre", Q(pk__in=unanswered.values("application"))),
            "a-partager": ("À partager", complete & Q(pk__in=_clear_to_share(mandate).values("pk"))),
            "a-endosser": ("À endosser", review & ~mine & Q(shared_at__isnull=False, endorsed_at__isnull=True)),
            "a-presenter": (
                "À présenter",
                complete & review & mine & Q(endorsed_at__isnull=False) & _with_a_place(),
            ),
            "a-notifier": ("À notifier", _to_notify()),
            "desaccord": ("Désaccord", Q(state=State.DISAGREEMENT)),
            "avis-en-retard": ("Avis en retard", late_opinions(today)),
            "recours": ("Recours et motifs", _owed()),
        }
    return {
        **own,
        "a-commencer": ("À commencer", Q(state=State.SUBMITTED)),
        "a-signer": ("À la signature", Q(state=State.AWAITING_SIGNATURES)),
        "bientot": ("Échéance sous 15\u00a0j", Q(state__in=list(OPEN), silence_date__lte=today + SOON)),
        EVERYTHING: ("Tous", Q()),
    }


def _with_a_place() -> Q:
    """Return the filter that leaves out what waits for a place: nothing can be done of it until one comes free."""
    return Q(waiting_since__isnull=True) | Q(place_free_at__isnull=False)


def _to_notify() -> Q:
    """Return the filter of the files whose signed decision waits for the receipt of its registered letter."""
    told = Notification.objects.filter(notified_at__isnull=False).values("decision")
    return Q(state__in=[State.LABELLED, State.REFUSED], notification_consent=False) & ~Q(decision__in=told)


def _owed() -> Q:
    """Return the filter of the files whose structure waits for the answer to an appeal, or for reasons."""
    return Q(pk__in=pending_appeals().values("application")) | Q(pk__in=pending_reasons().values("application"))


def _received(mandate: Mandate) -> QuerySet[InformationRequest]:
    return InformationRequest.objects.received().filter(capacity=mandate.capacity)


def _clear_to_share(mandate: Mandate) -> QuerySet[Application]:
    """Files on whose every criterion the lead said something other than « à préciser », still to be shared."""
    own = Application.objects.filter(
        _territory(mandate), state=State.UNDER_REVIEW, lead=mandate.capacity, shared_at__isnull=True
    )
    said = CriterionAssessment.objects.filter(application=OuterRef("pk"), capacity=mandate.capacity)
    clear = _count(said.exclude(verdict=Verdict.TO_CLARIFY), by="application")
    return own.alias(asked=_asked(), clear=clear).filter(clear__gte=F("asked"))


def counts_of(files: QuerySet[Application], views: Mapping[str, View]) -> dict[str, int]:
    """Return how many files each view holds, in one query."""
    aliases = {key: f"n{number}" for number, key in enumerate(views)}
    counts = files.aggregate(**{aliases[key]: Count("pk", filter=held) for key, (_, held) in views.items()})
    return {key: counts[alias] for key, alias in aliases.items()}


# Order ---------------------------------------------------------------------------------------------------------------


def ordered(files: QuerySet[Application], sort: str, capacity: Capacity | None = None) -> QuerySet[Application]:
    """Return the files in the order of a column (``-`` before its name: backwards), then by key.

    A column may be an internal field, whose value the files then have under its word. Who instructs them is, in that order,
    the one of the reader's authority, whose ``capacity`` is given; of the ARS else.
    """
    return _ranked(files, capacity).order_by(*_order(sort))


def _ranked(files: QuerySet[Application], capacity: Capacity | None) -> QuerySet[Application]:
    reviewer = REVIEWERS[capacity or Capacity.ARS]
    stages = [When(state=state, then=Value(rank)) for rank, state in enumerate(State)]
    return files.alias(
        decided=Case(When(state__in=list(OPEN), then=Value(0)), default=Value(1), output_field=IntegerField()),
        stage=Case(*stages, default=Value(len(stages)), output_field=IntegerField()),
        reviewer_last_name=F(f"{reviewer}__user__last_name"),
        reviewer_first_name=F(f"{reviewer}__user__first_name"),
    )


def _order(sort: str) -> list[Any]:
    backwards, name = sort.startswith("-"), sort.removeprefix("-")
    keys: list[Any] = [
        F(key).desc(nulls_last=True) if backwards and key != "decided" else F(key).asc(nulls_last=True)
        for key in SORTS.get(name, (name,))
    ]
    return [*keys, F("pk").asc()]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a file is in a list: its rank (nothing once it has left the list), and the numbers beside it."""

    rank: int | None
    total: int
    previous: str
    next: str


def position_of(
    application: Application, files: QuerySet[Application], view: Q, sort: str, capacity: Capacity | None = None
) -> Position:
    """Return the place of a file among those of a view. One that left the view keeps its neighbours."""
    listed = files.filter(view).values("pk")
    order = _order(sort)
    rows = _ranked(files.filter(Q(pk__in=listed) | Q(pk=application.pk)), capacity).annotate(
        rank=Window(RowNumber(), order_by=order),
        before=Window(Lag("number", default=Value("")), order_by=order),
        after=Window(Lead("number", default=Value("")), order_by=order),
        total=Window(Count("pk")),
        # As a window, it is compared once the others are computed on the whole list.
        own=Window(Max("pk"), partition_by=[F("pk")]),
        in_list=Case(When(pk__in=listed, then=Value(1)), default=Value(0), output_field=IntegerField()),
    )
    row = rows.filter(own=application.pk).values("rank", "before", "after", "total", "in_list").first()
    if row is None:
        return Position(None, 0, "", "")
    rank = row["rank"] if row["in_list"] else None
    return Position(rank, row["total"] - (1 - row["in_list"]), row["before"], row["after"])


# Saved views ---------------------------------------------------------------------------------------------------------

MOST_SAVED_VIEWS = 12


def saved_views_of(user: Any) -> QuerySet[SavedView]:
    """Return the views that a person named, in the order they made them."""
    return SavedView.objects.filter(user=user).order_by("pk")


@transaction.atomic
def save_view(*, mandate: Mandate, name: str, query: str) -> SavedView:
    """Keep the address of a list under a name, for the person alone.

    Raises:
        RefusedError: the name is taken, or there are as many views as the page can show.
    """
    name = " ".join(name.split())
    # The person's row is the lock of their views: their number and their names are read once.
    mine = saved_views_of(User.objects.select_for_update().get(pk=mandate.user_id))
    if mine.filter(name__iexact=name).exists():
        raise RefusedError(
            f"Vous avez déjà une vue « {name} ». Elle est gardée telle quelle ; donnez un autre nom à celle-ci."
        )
    if mine.count() >= MOST_SAVED_VIEWS:
        raise RefusedError(
            f"Vous avez déjà {MOST_SAVED_VIEWS} vues : rien n’a été enregistré. Supprimez-en une, puis recommencez."
        )
    return SavedView.objects.create(user_id=mandate.user_id, name=name, query=query)
