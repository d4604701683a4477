"""The journal of a file: its events and those of its decisions, in French, with who did them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from labelling.models import Application, Membership
from territories.choices import ActorKind, Capacity, DecisionKind, Subject
from territories.models import Decision, Event, Mandate

SENTENCES: Mapping[tuple[str, str], str] = {
    (Subject.APPLICATION, "start"): "Brouillon ouvert",
    (Subject.APPLICATION, "submit"): "Candidature déposée",
    (Subject.APPLICATION, "take_up"): "Dossier pris en charge",
    (Subject.APPLICATION, "share"): "Appréciation partagée avec l’autre autorité",
    (Subject.APPLICATION, "endorse"): "Position prise sur l’appréciation partagée",
    (Subject.APPLICATION, "wait"): "Plafond atteint : entrée en liste d’attente",
    (Subject.APPLICATION, "grant"): "Label accordé",
    (Subject.APPLICATION, "refuse"): "Label refusé",
    (Subject.APPLICATION, "disagree"): "Désaccord : concertation ouverte",
    (Subject.APPLICATION, "resume"): "Instruction reprise après la concertation",
    (Subject.APPLICATION, "reopen"): "Dossier rouvert à la suite d’un recours",
    (Subject.APPLICATION, "abandon"): "Désistement de la structure",
    (Subject.APPLICATION, "close"): "Classement sans suite",
    (Subject.DECISION, "decline"): "Décision non signée",
    (Subject.DECISION, "complete"): "Décision prise : toutes les signatures sont réunies",
    (Subject.DECISION, "replace"): "Décision remplacée par une version corrigée",
    (Subject.DECISION, "notify"): "Décision notifiée",
    (Subject.DECISION, "presume_notified"): "Décision réputée notifiée, faute de lecture dans le délai",
}
HIDDEN = frozenset({(Subject.DECISION, "propose"), (Subject.APPLICATION, "save")})
"""Said already by another line, or of no use to a reader."""


NEUTRAL = frozenset(
    {"start", "submit", "take_up", "resume", "reopen", "abandon", "close", "notify", "presume_notified"}
)
"""What anyone who may read the file may know."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal."""

    at: datetime
    sentence: str
    who: str


def journal(application: Application, *, full: bool) -> list[Entry]:
    """Return the events of a file and of its decisions, the latest first. Verdicts are never told here.

    Without ``full``, nothing tells what is decided, nor that something is.
    """
    decisions = list(
        Decision.objects.filter(subject_type=Subject.APPLICATION, subject_id=application.pk).values_list(
            "pk", flat=True
        )
    )
    events = Event.objects.filter(
        Q(subject_type=Subject.APPLICATION, subject_id=application.pk)
        | Q(subject_type=Subject.DECISION, subject_id__in=decisions)
    ).order_by("-at", "-pk")
    shown = [
        event
        for event in events
        if (event.subject_type, event.action) not in HIDDEN and (full or event.action in NEUTRAL)
    ]
    names = names_of(shown)
    return [
        Entry(event.at, sentence_of(event), names.get((event.actor_type, event.actor_id), "Portail")) for event in shown
    ]


def names_of(events: Iterable[Event]) -> dict[tuple[str, int | None], str]:
    """Return the names of the actors of events, in two queries: events hold ids only."""
    by_kind: dict[str, set[int]] = {ActorKind.MANDATE: set(), ActorKind.MEMBERSHIP: set()}
    for event in events:
        if event.actor_id is not None:
            by_kind[event.actor_type].add(event.actor_id)
    mandates = Mandate.objects.filter(pk__in=by_kind[ActorKind.MANDATE]).select_related("user", "authority")
    memberships = Membership.objects.filter(pk__in=by_kind[ActorKind.MEMBERSHIP]).select_related("user")
    return {
        **{(ActorKind.MANDATE, row.pk): f"{row.user.full_name}, {row.authority.name}" for row in mandates},
        **{(ActorKind.MEMBERSHIP, row.pk): f"{row.user.full_name}, pour la structure" for row in memberships},
    }


def sentence_of(event: Event) -> str:
    """Return what an event did, in French."""
    match event.subject_type, event.action:
        case Subject.APPLICATION, "assess":
            return f"Critère {event.data.get('position', '')} apprécié"
        case Subject.APPLICATION, "propose":
            label = event.data.get("kind") == DecisionKind.LABEL_GRANTED
            return f"Projet de décision présenté à la signature ({'label' if label else 'refus'})"
        case Subject.DECISION, "sign":
            return f"Décision signée en qualité de {Capacity(event.data['capacity']).label}"
        case Subject.DECISION, "make_available":
            letter = event.data.get("channel") == "letter"
            return "Lettre recommandée enregistrée" if letter else "Décision mise à disposition de la structure"
        case key:
            return SENTENCES.get(key, event.action)
