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
OUTSIDER = "outsider"
"""Reader: a mandate of neither authority, which knows nothing of the instruction: caisse, collectivité."""

HAT_OF_CAPACITY = {Capacity.ARS: "ars", Capacity.PREFET: "prefecture"}
OTHER_HAT = {"ars": "prefecture", "prefecture": "ars"}
AUTHORITY_OF_HAT = {"ars": "ARS", "prefecture": "Préfecture"}

OPEN = frozenset({State.SUBMITTED, State.UNDER_REVIEW, State.DISAGREEMENT, State.AWAITING_SIGNATURES})
DECIDED = frozenset({State.LABELLED, State.REFUSED})


@dataclass(frozen=True, slots=True)
class Badge:
    """``tone``: ``warning`` your move, ``info`` someone else's, ``success``, ``new``, or nothing for a neutral end.

    ``yours``: an agent reads that the move is its authority's, as the tone says by its colour.
    """

    tone: str
    label: str
    next_step: str
    yours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the words depend on. Everything but the state and the day may be unknown.

    Attributes:
        to_assess: criteria that the lead authority has not assessed yet.
        to_clarify: criteria that it left to be clarified, as far as the reader may know.
        missing_capacities: capacities whose signature is still expected (``territories.choices.Capacity``).
        may_sign: the reader may sign now.
        by_letter: the structure did not consent to be notified in the portal.
        waiting, place_free: on the waiting list; a place came free for it, which its lead may take.
        available_on: day the decision was put at the structure's disposal.
        notified_on: day it read it, or was deemed to.
        ended_on: day of the désistement.
        concert_by: day before which a disagreement has its concertation recorded.
        concerted: both authorities confirmed the record of their concertation.
        answer_appeal_by: last day to answer an appeal to the signatories, before silence rejects it.
        reasons_by: last day to communicate the reasons of the implicit rejection, while they are asked for.
        contest_until: last day to contest the implicit rejection, once reasons that were communicated put it off.
        asked: questions that wait for the structure; ``answer_by`` the first of their deadlines, ``reminded_on`` the day of
            the reminder before it.
        paused_since, resumes: the pause that required pieces make in the clock today.
        received: answers that the reader's authority asked for, and has not read.
        label_from, label_until: first and last day of the label; no last day when it has no term.
        suspended_since, review_on, expected: the suspension that the label is under: its first day, the day before which
            it is reviewed, and what the structure has to do.
    """

    state: str
    today: date
    received_on: date | None = None
    silence_date: date | None = None
    waiting: bool = False
    place_free: bool = False
    by_letter: bool = False
    lead: str = "ars"
    shared: bool = False
    endorsed: bool = False
    to_assess: int | None = None
    to_clarify: int = 0
    missing_capacities: tuple[str, ...] = ()
    signing_since: date | None = None
    may_sign: bool = False
    available_on: date | None = None
    notified_on: date | None = None
    ended_on: date | None = None
    concert_by: date | None = None
    concerted: bool = False
    answer_appeal_by: date | None = None
    reasons_by: date | None = None
    contest_until: date | None = None
    asked: int = 0
    answer_by: date | None = None
    reminded_on: date | None = None
    paused_since: date | None = None
    resumes: date | None = None
    received: int = 0
    label_from: date | None = None
    label_until: date | None = None
    suspended_since: date | None = None
    review_on: date | None = None
    expected: str = ""

    @property
    def silent(self) -> bool:
        """Whether silence has become a rejection; the file stays decidable."""
        return self.state in OPEN and self.silence_date is not None and has_passed(self.silence_date, self.today)

    @property
    def incomplete(self) -> bool:
        """Whether the instruction waits for answers of the structure: not a state, a fact."""
        return self.state == State.UNDER_REVIEW and self.asked > 0 and self.answer_by is not None

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
        place_free=application.place_free_at is not None,
        by_letter=not application.notification_consent,
        lead=HAT_OF_CAPACITY[Capacity(application.lead)],
        shared=application.shared_at is not None,
        endorsed=application.endorsed_at is not None,
        **more,
    )


def badge(facts: Facts, reader: str) -> Badge:
    """Return the badge of a file for a reader: :data:`STRUCTURE`, :data:`OUTSIDER`, or the hat of a mandate."""
    if reader == STRUCTURE:
        found = _for_structure(facts)
    elif reader == OUTSIDER:
        found = _for_outsider(facts)
    else:
        found = _for_agent(facts, reader)
        found = replace(found, yours=_is_yours(found, facts, reader))
    return replace(found, next_step=typeset(found.next_step))


def _is_yours(found: Badge, facts: Facts, hat: str) -> bool:
    """A late file alarms both authorities; it is for the one that would have to act if it were not late."""
    if found.tone != "warning" or hat not in OTHER_HAT:
        return False
    return not facts.silent or _for_agent(replace(facts, silence_date=None), hat).tone in {"warning", "new"}


_IN_PROGRESS = Badge("info", "Décision en cours", "L’instruction est terminée. La décision vous sera notifiée ici.")
_BY_LETTER = replace(
    _IN_PROGRESS, next_step="L’instruction est terminée. La décision vous sera notifiée par lettre recommandée."
)
_EXAMINED = Badge("info", "En instruction", "L’ARS et la préfecture examinent vos réponses, critère par critère.")
_STRUCTURE_BADGES = {
    State.DRAFT: Badge("", "Brouillon", "Rien n’est transmis avant le dépôt."),
    State.UNDER_REVIEW: _EXAMINED,
    State.DISAGREEMENT: _EXAMINED,
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
    if found := _fact_for_structure(facts):
        return found
    if facts.state == State.SUBMITTED:
        received, until = long_date(facts.received_on), long_date(facts.silence_date)
        sentence = f"Reçu le {received}. Vous n’avez rien à faire ; réponse attendue au plus tard le {until}."
        return Badge("info", "Déposé", sentence)
    if facts.state == State.ABANDONED:
        on = f"Enregistré le {long_date(facts.ended_on)}. " if facts.ended_on else ""
        return Badge("", "Désistement", f"{on}Vous pouvez déposer un nouveau dossier.")
    if facts.state == State.AWAITING_SIGNATURES:
        return _in_progress(facts)
    return _STRUCTURE_BADGES[State(facts.state)]


def _in_progress(facts: Facts) -> Badge:
    return _BY_LETTER if facts.by_letter else _IN_PROGRESS


def _fact_for_structure(facts: Facts) -> Badge | None:
    """What is not a state, and matters more."""
    if facts.silent and facts.silence_date:
        return Badge(
            "", "Rejet implicite", f"Votre dossier reste examiné. {_remedy(facts, facts.silence_date)}".strip()
        )
    if facts.incomplete:
        return Badge("warning", "À compléter", _to_send(facts))
    if facts.waiting and facts.state in OPEN:
        return Badge("info", "Liste d’attente", "Votre dossier n’est pas refusé ; le délai de réponse court.")
    return None


def _remedy(facts: Facts, silence: date) -> str:
    """Say what the structure may still do against an implicit rejection, or what it waits for."""
    if facts.reasons_by:
        return f"Motifs attendus au plus tard le {long_date(facts.reasons_by)}."
    if facts.answer_appeal_by and not has_passed(facts.answer_appeal_by, facts.today):
        return f"Réponse à votre recours attendue au plus tard le {long_date(facts.answer_appeal_by)}."
    until = facts.contest_until or appeal_deadline(silence)
    return "" if has_passed(until, facts.today) else f"Recours possible jusqu’au {long_date(until)}."


def _decided_for_structure(facts: Facts) -> Badge:
    if facts.available_on is None:
        return _in_progress(facts)
    if facts.notified_on is None:
        return Badge("warning", "Décision à lire", "La décision est rendue. La lire ici vaut notification.")
    if facts.state == State.REFUSED:
        return Badge("", "Refusé", "Motifs, recours et suite : lire la décision.")
    if facts.suspended_since:
        since = long_date(facts.suspended_since)
        return Badge("warning", "Suspendu", f"Depuis le {since}. Pour lever la suspension : {facts.expected}")
    return Badge("success", "Labellisé", _period(facts) or "Votre label est accordé.")


_UNDISCLOSED = Badge("info", "Décision en cours", "La décision se lira ici après sa notification à la structure.")
_IN_REVIEW = Badge("info", "En instruction", "L’ARS et la préfecture examinent le dossier, critère par critère.")
_OUTSIDER_BADGES = {
    State.UNDER_REVIEW: _IN_REVIEW,
    State.DISAGREEMENT: _IN_REVIEW,
    State.AWAITING_SIGNATURES: _UNDISCLOSED,
}


def _for_outsider(facts: Facts) -> Badge:
    """What the structure knows of its file, in words for somebody else, without what only it has to do."""
    state = State(facts.state)
    if state in DECIDED:
        if facts.notified_on is None:
            return _UNDISCLOSED
        if facts.suspended_since:
            return Badge("", "Suspendu", f"Label suspendu depuis le {long_date(facts.suspended_since)}.")
        tone, label = ("success", "Labellisé") if state == State.LABELLED else ("", "Refusé")
        return Badge(tone, label, " ".join(filter(None, [_period(facts), _notification(facts)])))
    if facts.silent:
        return Badge(
            "", "Rejet implicite", f"Délai passé le {long_date(facts.silence_date)} ; le dossier reste examiné."
        )
    if state == State.SUBMITTED:
        return Badge("info", "Déposé", f"Réponse attendue au plus tard le {long_date(facts.silence_date)}.")
    return _OUTSIDER_BADGES.get(state) or _AGENT_BADGES[state]


def _for_agent(facts: Facts, hat: str) -> Badge:
    if found := _fact_for_agent(facts, hat):
        return found
    if found := _by_state(facts):
        return found
    if facts.state == State.UNDER_REVIEW:
        return Badge("warning" if facts.turn == hat else "info", "En instruction", missing_act(facts))
    if facts.state == State.AWAITING_SIGNATURES:
        return Badge("warning" if facts.may_sign else "info", "À signer", _missing_signatures(facts))
    if facts.answer_appeal_by:
        return _appealed(facts.answer_appeal_by, facts.today, hat)
    return _decided_for_agent(facts, hat)


def _decided_for_agent(facts: Facts, hat: str) -> Badge:
    if facts.by_letter and facts.notified_on is None:
        sentence = "Décision signée : lettre recommandée à envoyer, puis date de sa réception à enregistrer."
        return Badge("warning" if hat in OTHER_HAT else "info", "À notifier", sentence)
    tone, label = ("success", "Labellisé") if facts.state == State.LABELLED else ("", "Refusé")
    return Badge(tone, label, " ".join(filter(None, [_period(facts), _notification(facts)])))


def _appealed(until: date, today: date, hat: str) -> Badge:
    if has_passed(until, today):
        return Badge(
            "", "Recours rejeté", f"Sans réponse au {short_date(until)} : réputé rejeté, peut encore être accueilli."
        )
    tone = "warning" if hat in OTHER_HAT else "info"
    return Badge(tone, "Recours", f"Réponse attendue jusqu’au {short_date(until)} ; le silence vaudra rejet.")


def _by_state(facts: Facts) -> Badge | None:
    if facts.suspended_since and not facts.answer_appeal_by:
        return Badge("warning", "Suspendu", f"Réexamen le {long_date(facts.review_on)}.")
    found = _AGENT_BADGES.get(State(facts.state))
    if found is None or facts.concert_by is None:
        return found
    if facts.concerted:
        return replace(found, next_step="Concertation consignée : reprise de l’instruction, ou refus exprès.")
    late = " (échéance passée)" if has_passed(facts.concert_by, facts.today) else ""
    return replace(found, next_step=f"Concertation à consigner avant le {short_date(facts.concert_by)}{late}.")


def _fact_for_agent(facts: Facts, hat: str) -> Badge | None:
    """What is not a state, and matters more."""
    if found := _late(facts, hat):
        return found
    if facts.state == State.UNDER_REVIEW and facts.received:
        s = plural(facts.received)
        return Badge("new", "Réponses reçues", f"{facts.received} réponse{s} de la structure à lire.")
    if facts.incomplete:
        return Badge("info", "Compléments", f"Attendus le {_awaited(facts)}")
    if facts.place_free and facts.state == State.UNDER_REVIEW:
        lead = AUTHORITY_OF_HAT[facts.lead]
        sentence = f"{lead} : une place s’est libérée, présenter de nouveau le label à la signature."
        return Badge("warning" if hat == facts.lead else "info", "Place libre", sentence)
    if facts.waiting and facts.state in OPEN:
        return Badge("info", "Liste d’attente", "Plafond atteint : le dossier n’est pas refusé ; le délai court.")
    return None


def _late(facts: Facts, hat: str) -> Badge | None:
    """What silence made, which a decision may still replace; and first what the services owe the structure since then."""
    if facts.reasons_by:
        late = " (échéance passée)" if has_passed(facts.reasons_by, facts.today) else ""
        sentence = f"À communiquer au plus tard le {short_date(facts.reasons_by)}{late}. Toujours décidable."
        return Badge("warning" if hat in OTHER_HAT else "info", "Motifs demandés", sentence)
    if facts.silent and facts.answer_appeal_by and not has_passed(facts.answer_appeal_by, facts.today):
        return _appealed(facts.answer_appeal_by, facts.today, hat)
    return Badge("warning", "Délai dépassé", f"Toujours décidable. {missing_act(facts)}") if facts.silent else None


def missing_act(facts: Facts) -> str:
    """Say which act is missing, and whose."""
    if found := _by_state(facts):
        return found.next_step
    if facts.state == State.AWAITING_SIGNATURES:
        return _missing_signatures(facts)
    if facts.incomplete:
        return f"Structure : compléments attendus le {_awaited(facts)}"
    return _missing_in_review(facts)


def _missing_in_review(facts: Facts) -> str:
    lead, other = AUTHORITY_OF_HAT[facts.lead], AUTHORITY_OF_HAT[OTHER_HAT[facts.lead]]
    if facts.endorsed:
        return f"{lead} : projet de décision à présenter à la signature."
    if facts.shared:
        return f"{other} : position attendue sur l’appréciation partagée."
    if facts.to_assess is None:
        return f"{lead} : critères à apprécier."
    counts = {"à apprécier": facts.to_assess, "à préciser": facts.to_clarify}
    left = [f"{count} critère{plural(count)} {what}" for what, count in counts.items() if count]
    return f"{lead} : {' et '.join(left) or 'appréciation à partager avec l’autre autorité'}."


def _to_send(facts: Facts) -> str:
    s = plural(facts.asked)
    pause = " ; délai en pause" if facts.paused_since else ""
    return f"{facts.asked} précision{s} à envoyer au plus tard le {long_date(facts.answer_by)}{pause}."


def _awaited(facts: Facts) -> str:
    """Say the day on which answers are awaited, and that of the reminder, if it is to come."""
    words = short_date(facts.answer_by)
    if facts.reminded_on and facts.today < facts.reminded_on:
        words += f" ; relance automatique le {short_date(facts.reminded_on)}"
    return f"{words}."


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
