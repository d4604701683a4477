"""The form of a rule book: which act, from which states, by whom, to which state.

Pure: no ORM, no clock. Each application writes its table with :class:`Transition`; the engine that applies it
to rows, ``territories.services.events.perform``, is the only writer of ``state``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Guard = Callable[[Any], str | None]
"""Receives the row; returns the sentence of refusal, or nothing when the act may go on."""


class RefusedError(Exception):
    """An act was refused. ``str(error)`` is the French sentence shown to the person."""


class StaleError(RefusedError):
    """The row changed since the person saw it: nothing was applied, the input must be kept."""

    def __init__(self, sentence: str = "") -> None:
        super().__init__(
            sentence
            or "Ce dossier a changé pendant que vous y travailliez. Votre saisie n’a pas été appliquée ; "
            "relisez la page, puis recommencez."
        )


@dataclass(frozen=True, slots=True)
class Transition:
    """One line of a rule book.

    Attributes:
        sources: states from which the act is possible.
        target: state after it; equal to the source for an act that does not move the row when ``None``.
        who: hats (``Mandate.hat``, ``Membership.hat`` or ``"system"``) that may do it.
        refusal: sentence when the state or the hat does not allow it.
        guard: further condition on the row.
        elsewhere: by state that is no source, the sentence that says why there; ``refusal`` for the others.
    """

    sources: frozenset[str]
    target: str | None
    who: frozenset[str]
    refusal: str
    guard: Guard | None = None
    elsewhere: Mapping[str, str] = field(default_factory=dict)


Table = Mapping[str, Transition]


def check(table: Table, action: str, *, state: str, hat: str, row: Any = None) -> Transition:
    """Return the transition of ``action``, or raise :class:`RefusedError` with the sentence to show."""
    transition = table[action]
    if hat not in transition.who:
        raise RefusedError(transition.refusal)
    if state not in transition.sources:
        raise RefusedError(transition.elsewhere.get(state, transition.refusal))
    if transition.guard and row is not None and (sentence := transition.guard(row)):
        raise RefusedError(sentence)
    return transition


def allows(table: Table, action: str, *, state: str, hat: str, row: Any = None) -> bool:
    """Tell whether :func:`check` would let the act through: what buttons ask."""
    try:
        check(table, action, state=state, hat=hat, row=row)
    except RefusedError:
        return False
    return True
