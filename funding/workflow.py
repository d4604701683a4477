"""The rule book of a grant (DESIGN §5)."""

from collections.abc import Mapping

from francesante.lib.workflow import Transition
from funding.choices import GrantState as State

_AGENTS = frozenset({"ars", "prefecture"})
_SYSTEM = frozenset({"system"})

RESERVING = [State.AWAITING_SIGNATURES]
"""States in which the amount is reserved on the envelope."""
COMMITTING = [State.COMMITTED, State.SUSPENDED, State.CLOSED, State.CLAWED_BACK]
"""States in which the amount is committed on the envelope."""
DECIDED_OR_SIGNING = RESERVING + COMMITTING

TRANSITIONS: Mapping[str, Transition] = {
    "present": Transition(
        sources=frozenset({State.PROPOSED}),
        target=State.AWAITING_SIGNATURES,
        who=_AGENTS,
        refusal="Cette attribution n’attend pas d’être présentée à la signature, ou votre habilitation ne le permet pas.",
    ),
    "commit": Transition(
        sources=frozenset({State.AWAITING_SIGNATURES}),
        target=State.COMMITTED,
        who=_SYSTEM,
        refusal="Une attribution n’est engagée que par la dernière signature requise.",
    ),
    "decline": Transition(
        sources=frozenset({State.AWAITING_SIGNATURES}),
        target=State.PROPOSED,
        who=_SYSTEM,
        refusal="Une attribution ne revient à l’état proposé que si un signataire ne signe pas.",
    ),
    "cancel": Transition(
        sources=frozenset({State.PROPOSED}),
        target=State.CANCELLED,
        who=_AGENTS,
        refusal="Seule une attribution proposée peut être annulée par un agent.",
    ),
}
