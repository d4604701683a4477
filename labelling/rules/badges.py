"""State of a file in words, by reader (EXPERIENCE §4): the badge, and the one sentence that says whose turn it is.

Pure. The same state has another label and another tone for the structure and for the agents; nothing here tells the
sense of a decision to the structure before its notification.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from francesante.lib.french import NBSP, long_date, plural, short_date, typeset
from labelling.choices import ApplicationState as State
from labelling.rules.clock import appeal_deadline, days_left, has_passed, local_day
from territories.choices import Capacity

STRUCTURE = "structure"
"""Reader: a person with an account of the structure. Other readers are named by ``Mandate.hat``."""

HAT_OF_CAPACITY = {Capacity.ARS: "ars", Capacity.PREFET: "prefecture"}
OTHER_HAT = {"ars": "prefecture", "prefecture": "ars"}
AUTHORITY_OF_HAT = {"ars": "ARS", "prefecture": "Préfecture"}

OPEN = frozenset({State.SUBMITTED, State.UNDER_REVIEW, State.DISAGREEMENT, State.AWAITING_SIGNATURES})
DECIDED = frozenset({State.LABELLED, State.REFUSED})


@dataclass(frozen=True, slots=True)
class Badge:
    """``tone``: ``warning`` your move, ``info`` someone else's, ``success``, ``new``, or nothing for a neutral end."""

    tone: str
    label: str
    next_step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the words depend on. Everything but the state and the day may be unknown.

    Attributes:
        to_assess: criteria that the lead authority has not assessed yet.
        missing_capacities: capacities whose signature is still expected (``territories.choices.Capacity``).
        may_sign: the reader may sign now.
        available_on: day the decision was put at the structure's disposal.
        notified_on: day it read it, or was deemed to.
        ended_on: day of the désistement.
        label_from, label_until: first and last day of the label; no last day when it has no term.
    """

    state: str
    today: date
    received_on: date | None = None
    silence_date: date | None = None
    waiting: bool = False
    lead: str = "ars"
    shared: bool = False
    endorsed: bool = False
    to_assess: int | None = None
    missing_capacities: tuple[str, ...] = ()
    signing_since: date | None = None
    may_sign: bool = False
    available_on: date | None = None
    notified_on: date | None = None
    ended_on: date | None = None
    label_from: date | None = None
    label_until: date | None = None

    @property
    def silent(self) -> bool:
        """Whether silence has become a rejection; the file stays decidable."""
        return self.state in OPEN and self.silence_date is not None and has_passed(self.silence_date, self.today)

    @property
    def turn(self) -> str | None:
        """The hat whose move it is during the instruction, as a rule book names it."""
        if self.state not in {State.UNDER_REVIEW, State.DISAGREEMENT}:
            return None
        if self.shared and not self.endorsed:
            return OTHER_HAT[self.lead]
        return self.lead


def facts_of(application: Any, *, today: date, **more: Any) -> Facts:
    """Return the facts that an application carries itself; ``more`` adds the others by name.

    Needs ``application.departement`` (for its time zone) when the file is submitted.
    """
    received = application.submitted_at
    return Facts(
        state=application.state,
        today=today,
        received_on=local_day(received, application.departement.timezone) if received else None,
        silence_date=application.silence_date,
        waiting=application.waiting_since is not None,
        lead=HAT_OF_CAPACITY[Capacity(application.lead)],
        shared=application.shared_at is not None,
        endorsed=application.endorsed_at is not None,
        **more,
    )


def badge(facts: Facts, reader: str) -> Badge:
    """Return the badge of a file for a reader: :data:`STRUCTURE`, or the hat of a mandate."""
    found = _for_structure(facts) if reader == STRUCTURE else _for_agent(facts, reader)
    return replace(found, next_step=typeset(found.next_step))


_IN_PROGRESS = Badge("info", "Décision en cours", "L’instruction est terminée. La décision vous sera notifiée ici.")
_EXAMINED = Badge("info", "En instruction", "L’ARS et la préfecture examinent vos réponses, critère par critère.")
_STRUCTURE_BADGES = {
    State.DRAFT: Badge("", "Brouillon", "Rien n’est transmis avant le dépôt."),
    State.UNDER_REVIEW: _EXAMINED,
    State.DISAGREEMENT: _EXAMINED,
    State.AWAITING_SIGNATURES: _IN_PROGRESS,
    State.CLOSED: Badge("", "Sans suite", "Vous pouvez déposer un nouveau dossier."),
}
_CONSULTATION = "Concertation à consigner, puis reprise de l’instruction."
_AGENT_BADGES = {
    State.DRAFT: Badge("", "Brouillon", "La structure n’a pas déposé sa candidature."),
    State.SUBMITTED: Badge("new", "À prendre", "À prendre en charge ou à affecter."),
    State.DISAGREEMENT: Badge("warning", "Désaccord", _CONSULTATION),
    State.ABANDONED: Badge("", "Désistement", "Aucun acte attendu."),
    State.CLOSED: Badge("", "Sans suite", "Aucun acte attendu."),
}


def _for_structure(facts: Facts) -> Badge:
    if facts.state in DECIDED:
        return _decided_for_structure(facts)
    if facts.silent and facts.silence_date:
        until = long_date(appeal_deadline(facts.silence_date))
        return Badge("", "Rejet implicite", f"Votre dossier reste examiné. Recours possible jusqu’au {until}.")
    if facts.waiting and facts.state in OPEN:
        return Badge("info", "Liste d’attente", "Votre dossier n’est pas refusé ; le délai de réponse court.")
    if facts.state == State.SUBMITTED:
        received, until = long_date(facts.received_on), long_date(facts.silence_date)
        sentence = f"Reçu le {received}. Vous n’avez rien à faire ; réponse attendue avant le {until}."
        return Badge("info", "Déposé", sentence)
    if facts.state == State.ABANDONED:
        on = f"Enregistré le {long_date(facts.ended_on)}. " if facts.ended_on else ""
        return Badge("", "Désistement", f"{on}Vous pouvez déposer un nouveau dossier.")
    return _STRUCTURE_BADGES[State(facts.state)]


def _decided_for_structure(facts: Facts) -> Badge:
    if facts.available_on is None:
        return _IN_PROGRESS
    if facts.notified_on is None:
        return Badge("warning", "Décision à lire", "La décision est rendue. La lire ici vaut notification.")
    if facts.state == State.REFUSED:
        return Badge("", "Refusé", "Motifs, recours et suite : lire la décision.")
    return Badge("success", "Labellisé", _period(facts) or "Votre label est accordé.")


def _for_agent(facts: Facts, hat: str) -> Badge:
    if facts.silent:
        return Badge("warning", "Délai dépassé", f"Toujours décidable. {_missing_act(facts)}")
    if facts.waiting and facts.state in OPEN:
        return Badge("info", "Liste d’attente", "Plafond atteint : le dossier n’est pas refusé ; le délai court.")
    if found := _AGENT_BADGES.get(State(facts.state)):
        return found
    if facts.state == State.UNDER_REVIEW:
        return Badge("warning" if facts.turn == hat else "info", "En instruction", _missing_act(facts))
    if facts.state == State.AWAITING_SIGNATURES:
        return Badge("warning" if facts.may_sign else "info", "À signer", _missing_signatures(facts))
    tone, label = ("success", "Labellisé") if facts.state == State.LABELLED else ("", "Refusé")
    return Badge(tone, label, " ".join(filter(None, [_period(facts), _notification(facts)])))


def _missing_act(facts: Facts) -> str:
    """Say which act is missing, and whose."""
    if found := _AGENT_BADGES.get(State(facts.state)):
        return found.next_step
    if facts.state == State.AWAITING_SIGNATURES:
        return _missing_signatures(facts)
    lead, other = AUTHORITY_OF_HAT[facts.lead], AUTHORITY_OF_HAT[OTHER_HAT[facts.lead]]
    if facts.endorsed:
        return f"{lead} : projet de décision à présenter à la signature."
    if facts.shared:
        return f"{other} : position attendue sur l’appréciation partagée."
    if facts.to_assess == 0:
        return f"{lead} : appréciation à partager avec l’autre autorité."
    count = f"{facts.to_assess} critère{plural(facts.to_assess)}" if facts.to_assess else "critères"
    return f"{lead} : {count} à apprécier."


def _missing_signatures(facts: Facts) -> str:
    names = [Capacity(capacity).label for capacity in facts.missing_capacities]
    if not names:
        return "Signatures attendues."
    s = plural(len(names))
    sentence = f"Signature{s} attendue{s} : {', '.join(names)}"
    if facts.signing_since:
        days = days_left(facts.today, facts.signing_since)
        sentence += f", depuis {days}{NBSP}jour{plural(days)}" if days else ", depuis aujourd’hui"
    return f"{sentence}."


def _notification(facts: Facts) -> str:
    if facts.notified_on:
        until = short_date(appeal_deadline(facts.notified_on))
        return f"Notifié le {short_date(facts.notified_on)} ; recours jusqu’au {until}."
    if facts.available_on:
        return f"À disposition de la structure depuis le {short_date(facts.available_on)}, pas encore lu."
    return "Décision à mettre à la disposition de la structure."


def _period(facts: Facts) -> str:
    if facts.label_from is None:
        return ""
    if facts.label_until is None:
        return f"Label depuis le {long_date(facts.label_from)}."
    return f"Label du {long_date(facts.label_from)} au {long_date(facts.label_until)}."
