"""The journal of a file: its events and those of its decisions, in French, with who did them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from francesante.lib.french import plural, typeset
from labelling.choices import AppealKind, Retained
from labelling.models import Application, ConsultedBody, Membership
from labelling.rules.steps import BY_SLUG
from territories.choices import ActorKind, Capacity, DecisionKind, Subject
from territories.models import Decision, Event, Mandate

SENTENCES: Mapping[tuple[str, str], str] = {
    (Subject.APPLICATION, "start"): "Brouillon ouvert",
    (Subject.APPLICATION, "remind_draft"): "Rappel du brouillon à la structure",
    (Subject.APPLICATION, "remind_wave"): "Rappel de la fin de la vague à la structure",
    (Subject.APPLICATION, "announce_purge"): "Effacement prochain annoncé à la structure",
    (Subject.APPLICATION, "submit"): "Candidature déposée",
    (Subject.APPLICATION, "invite"): "Structure invitée à confirmer ce que les registres savent",
    (Subject.APPLICATION, "remind_invited"): "Structure relancée pour confirmer",
    (Subject.APPLICATION, "end_invitation"): "Invitation terminée sans réponse",
    (Subject.APPLICATION, "take_up"): "Dossier pris en charge",
    (Subject.APPLICATION, "assign"): "Dossier affecté à un agent",
    (Subject.APPLICATION, "read_request"): "Demande de précisions lue par la structure",
    (Subject.APPLICATION, "answer"): "Réponses de la structure reçues",
    (Subject.APPLICATION, "withdraw_request"): "Demande de précision retirée",
    (Subject.APPLICATION, "expire_request"): "Échéance passée sans réponse : dossier examiné en l’état",
    (Subject.APPLICATION, "remind_request"): "Rappel envoyé à la structure avant l’échéance de ses réponses",
    (Subject.APPLICATION, "read_answers"): "Réponses modifiées lues",
    (Subject.APPLICATION, "silence"): "Délai écoulé sans décision : rejet implicite, le dossier reste examiné",
    (Subject.APPLICATION, "share"): "Appréciation partagée avec l’autre autorité",
    (Subject.APPLICATION, "endorse"): "Position prise sur l’appréciation partagée",
    (Subject.APPLICATION, "wait"): "Plafond atteint : entrée en liste d’attente",
    (Subject.APPLICATION, "place_free"): "Place libre : le label peut être présenté de nouveau à la signature",
    (Subject.APPLICATION, "place_gone"): "La place libre ne l’est plus : le dossier garde son rang",
    (Subject.APPLICATION, "grant"): "Label accordé",
    (Subject.APPLICATION, "refuse"): "Label refusé",
    (Subject.APPLICATION, "disagree"): "Désaccord : concertation ouverte",
    (Subject.APPLICATION, "resume"): "Instruction reprise après la concertation",
    (Subject.APPLICATION, "record_concertation"): "Concertation consignée",
    (Subject.APPLICATION, "confirm_concertation"): "Compte rendu de concertation confirmé",
    (Subject.APPLICATION, "advise"): "Avis de l’équipe nationale",
    (Subject.APPLICATION, "propose_alone"): "Refus exprès présenté à la signature d’une seule autorité",
    (Subject.APPLICATION, "take_back"): "Projet de décision repris avant toute signature",
    (Subject.APPLICATION, "add_to_draft"): "Projet de décision complété",
    (Subject.APPLICATION, "answer_appeal"): "Projet de réponse à un recours rédigé",
    (Subject.APPLICATION, "propose_answer"): "Réponse à un recours présentée à la signature",
    (
        Subject.APPLICATION,
        "return_answer",
    ): "Réponse à un recours non signée : elle revient à l’autorité qui l’a rédigée",
    (Subject.APPLICATION, "reject_appeal"): "Recours rejeté",
    (Subject.APPLICATION, "accept_appeal"): "Recours accueilli",
    (Subject.APPLICATION, "record_judgment"): "Jugement enregistré",
    (Subject.APPLICATION, "drop_appeal"): "Recours devenu sans objet",
    (Subject.APPLICATION, "reopen"): "Dossier rouvert à la suite d’un recours",
    (Subject.APPLICATION, "restart"): "Rejet implicite retiré à la suite d’un recours : un nouveau délai court",
    (Subject.APPLICATION, "ask_reasons"): "Motifs du rejet implicite demandés par la structure",
    (Subject.APPLICATION, "give_reasons"): "Motifs du rejet implicite donnés",
    (Subject.APPLICATION, "receive_reasons"): "Motifs du rejet implicite reçus par la structure",
    (Subject.APPLICATION, "presume_reasons"): "Motifs du rejet implicite réputés communiqués, faute d’avoir été lus",
    (Subject.APPLICATION, "add_evidence"): "Pièce ajoutée",
    (Subject.APPLICATION, "remove_evidence"): "Pièce retirée, contenu effacé",
    (Subject.APPLICATION, "infected_evidence"): "Pièce écartée par l’antivirus, contenu effacé",
    (Subject.APPLICATION, "personal_evidence"): "Pièce écartée pour des données personnelles, contenu effacé",
    (Subject.APPLICATION, "message"): "Message envoyé",
    (Subject.APPLICATION, "ask_opinion"): "Avis demandé",
    (Subject.APPLICATION, "give_opinion"): "Avis rendu",
    (Subject.APPLICATION, "revise_opinion"): "Avis revu",
    (Subject.APPLICATION, "revoke_opinion"): "Demande d’avis annulée",
    (Subject.APPLICATION, "remind_opinion"): "Relance pour un avis",
    (Subject.APPLICATION, "give_back"): "Agent déporté : dossier rendu à son service",
    (Subject.APPLICATION, "abandon"): "Désistement de la structure",
    (Subject.APPLICATION, "close"): "Classement sans suite",
    (Subject.DECISION, "file_paper"): "Original papier déposé",
    (Subject.DECISION, "confirm_paper"): "Original papier confirmé",
    (Subject.DECISION, "reject_paper"): "Original papier écarté",
    (Subject.DECISION, "decline"): "Décision non signée",
    (Subject.DECISION, "complete"): "Décision prise : toutes les signatures sont réunies",
    (Subject.DECISION, "replace"): "Décision remplacée par une version corrigée",
    (Subject.DECISION, "withdraw"): "Projet retiré de la signature : ce sur quoi il portait est réglé autrement",
    (Subject.DECISION, "notify"): "Décision notifiée",
    (Subject.DECISION, "presume_notified"): "Décision réputée notifiée, faute de lecture dans le délai",
}
HIDDEN = frozenset({(Subject.DECISION, "propose"), (Subject.DECISION, "take_back"), (Subject.APPLICATION, "save")})
"""Said already by another line, or of no use to a reader."""


NEUTRAL = frozenset(
    {"submit", "take_up", "reopen", "abandon", "close", "silence", "restart", "notify", "presume_notified"}
)
"""What anyone who may read the file may know."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal."""

    at: datetime
    sentence: str
    who: str


def journal(application: Application) -> list[Entry]:
    """Return the events of a file and of its decisions, the latest first. Verdicts are never told here."""
    shown = [event for event in _events(application) if (event.subject_type, event.action) not in HIDDEN]
    names = names_of(shown)
    bodies = ConsultedBody.objects.in_bulk({event.data["body"] for event in shown if "body" in event.data})
    return [
        Entry(
            event.at,
            f"{sentence_of(event)}\u00a0: {bodies[event.data['body']]}" if "body" in event.data else sentence_of(event),
            names.get((event.actor_type, event.actor_id), "Portail"),
        )
        for event in shown
    ]


def neutral_journal(application: Application) -> list[tuple[datetime, str]]:
    """Return when what anyone may know happened, the latest first: neither names, nor what the services think."""
    return [(event.at, sentence_of(event)) for event in _events(application) if event.action in NEUTRAL]


def _events(application: Application) -> QuerySet[Event]:
    appeals = list(application.appeals.values_list("pk", flat=True))
    about = Q(subject_type=Subject.APPLICATION, subject_id=application.pk)
    about |= Q(subject_type=Subject.APPEAL, subject_id__in=appeals)
    decisions = list(Decision.objects.filter(about).values_list("pk", flat=True))
    return Event.objects.filter(
        Q(subject_type=Subject.APPLICATION, subject_id=application.pk)
        | Q(subject_type=Subject.DECISION, subject_id__in=decisions)
    ).order_by("-at", "-pk")


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
    key = (str(event.subject_type), event.action)
    computed = _COMPUTED.get(key)
    return typeset(computed(event.data)) if computed else SENTENCES.get(key, event.action)


def _asked(data: Mapping[str, Any]) -> str:
    s = plural(len(data["requests"]))
    return f"{len(data['requests'])} précision{s} demandée{s} à la structure"


def _proposed(data: Mapping[str, Any]) -> str:
    label = data.get("kind") == DecisionKind.LABEL_GRANTED
    return f"Projet de décision présenté à la signature ({'label' if label else 'refus'})"


def _made_available(data: Mapping[str, Any]) -> str:
    letter = data.get("channel") == "letter"
    return "Lettre recommandée enregistrée" if letter else "Décision mise à disposition de la structure"


def _rebased(data: Mapping[str, Any]) -> str:
    again = len(data.get("again", ()))
    more = f" : {again} critère{plural(again)} à apprécier de nouveau" if again else ""
    return f"Nouveau cahier des charges, par sa clause transitoire{more}"


def _answer_near(data: Mapping[str, Any]) -> str:
    what = "donner les motifs demandés" if "reasons" in data else "répondre à un recours"
    return f"Alerte à {data['days']} jours du dernier jour pour {what}"


def _appealed(data: Mapping[str, Any]) -> str:
    kind = AppealKind(data["kind"]).label.capitalize()
    return f"{kind} enregistré{', hors délai' if data.get('late') else ''}"


_COMPUTED: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], str]] = {
    (Subject.APPLICATION, "assess"): lambda data: f"Critère {data.get('position', '')} apprécié",
    (Subject.APPLICATION, "ask"): _asked,
    (Subject.APPLICATION, "correct"): lambda data: f"Réponses corrigées : {BY_SLUG[data['step']].title.lower()}",
    (Subject.APPLICATION, "warn_silence"): lambda data: f"Alerte à {data['days']} jours du rejet implicite",
    (Subject.APPLICATION, "warn_answer"): _answer_near,
    (Subject.APPLICATION, "propose"): _proposed,
    (Subject.APPLICATION, "lodge_appeal"): _appealed,
    (Subject.APPLICATION, "purge"): lambda data: f"Effacé au terme de sa conservation : {Retained(data['what']).label}",
    (Subject.APPLICATION, "rebase"): _rebased,
    (Subject.DECISION, "sign"): lambda data: f"Décision signée en qualité de {Capacity(data['capacity']).label}",
    (Subject.DECISION, "make_available"): _made_available,
}
"""Sentences that depend on what the event holds."""
