"""The rule book of an application: which act, from which states, by whom, to which state (DESIGN §5).

Hats: ``owner`` and ``editor`` for a structure's accounts; ``ars`` and ``prefecture`` for agents; ``system`` for the
portal itself, which applies the effects of signatures.
"""

from collections.abc import Mapping
from typing import Any

from francesante.lib.workflow import Transition
from labelling.choices import ApplicationState as State

_STRUCTURE = frozenset({"owner", "editor"})
_AGENTS = frozenset({"ars", "prefecture"})
_SYSTEM = frozenset({"system"})

FINAL = frozenset({State.LABELLED, State.REFUSED, State.ABANDONED, State.CLOSED})
PAST_DRAFT = [state for state in State if state != State.DRAFT]
"""States in which ``submitted_at`` is set. An abandoned draft is deleted, not kept."""
DECIDED_OR_SIGNING = [State.AWAITING_SIGNATURES, State.LABELLED, State.REFUSED]
"""States in which ``decision`` is set."""


def _shared_and_endorsed(application: Any) -> str | None:
    if application.shared_at is None:
        return "L’appréciation du chef de file n’est pas encore partagée avec l’autre autorité."
    if application.endorsed_at is None:
        return "L’autre autorité n’a pas encore pris position sur l’appréciation partagée."
    return None


def _not_shared(application: Any) -> str | None:
    return None if application.shared_at is None else "L’appréciation est déjà partagée avec l’autre autorité."


def _shared(application: Any) -> str | None:
    return "L’appréciation n’est pas encore partagée." if application.shared_at is None else None


TRANSITIONS: Mapping[str, Transition] = {
    "submit": Transition(
        sources=frozenset({State.DRAFT}),
        target=State.SUBMITTED,
        who=frozenset({"owner"}),
        refusal="Ce dossier est déjà déposé, ou votre compte ne permet pas de le déposer : le responsable de la structure "
        "peut le faire.",
    ),
    "take_up": Transition(
        sources=frozenset({State.SUBMITTED}),
        target=State.UNDER_REVIEW,
        who=_AGENTS,
        refusal="Ce dossier n’attend pas d’être pris en charge, ou votre habilitation ne permet pas de l’instruire.",
    ),
    "assess": Transition(
        sources=frozenset({State.UNDER_REVIEW, State.DISAGREEMENT}),
        target=None,
        who=_AGENTS,
        refusal="Un critère s’apprécie pendant l’instruction, par un agent de l’ARS ou de la préfecture.",
    ),
    "share": Transition(
        sources=frozenset({State.UNDER_REVIEW}),
        target=None,
        who=_AGENTS,
        refusal="L’appréciation se partage pendant l’instruction, par un agent de l’autorité chef de file.",
        guard=_not_shared,
    ),
    "endorse": Transition(
        sources=frozenset({State.UNDER_REVIEW}),
        target=None,
        who=_AGENTS,
        refusal="L’appréciation se reprend pendant l’instruction, par un agent de l’autre autorité.",
        guard=_shared,
    ),
    "propose": Transition(
        sources=frozenset({State.UNDER_REVIEW}),
        target=State.AWAITING_SIGNATURES,
        who=_AGENTS,
        refusal="Un projet de décision se présente à la signature pendant l’instruction, par un agent.",
        guard=_shared_and_endorsed,
    ),
    "grant": Transition(
        sources=frozenset({State.AWAITING_SIGNATURES}),
        target=State.LABELLED,
        who=_SYSTEM,
        refusal="Le label n’est accordé que par la dernière signature requise.",
    ),
    "refuse": Transition(
        sources=frozenset({State.AWAITING_SIGNATURES}),
        target=State.REFUSED,
        who=_SYSTEM,
        refusal="Le refus n’est acquis que par la dernière signature requise.",
    ),
    "disagree": Transition(
        sources=frozenset({State.AWAITING_SIGNATURES}),
        target=State.DISAGREEMENT,
        who=_SYSTEM,
        refusal="Un désaccord naît d’un signataire qui ne signe pas.",
    ),
    "resume": Transition(
        sources=frozenset({State.DISAGREEMENT}),
        target=State.UNDER_REVIEW,
        who=_AGENTS,
        refusal="L’instruction reprend après une concertation, par un agent.",
    ),
    "reopen": Transition(
        sources=frozenset({State.REFUSED}),
        target=State.UNDER_REVIEW,
        who=_AGENTS,
        refusal="Seul un refus peut être rouvert, par un agent, à la suite d’un recours.",
    ),
    "abandon": Transition(
        sources=frozenset({State.SUBMITTED, State.UNDER_REVIEW, State.DISAGREEMENT}),
        target=State.ABANDONED,
        who=frozenset({"owner"}),
        refusal="Le désistement est possible jusqu’à la mise à la signature, par le responsable de la structure.",
    ),
    "close": Transition(
        sources=frozenset({State.SUBMITTED, State.UNDER_REVIEW}),
        target=State.CLOSED,
        who=_AGENTS,
        refusal="Le classement sans suite est possible pendant l’instruction, par un agent.",
    ),
}
