"""The badges explained: each is made by the rule that shows it, on an invented file. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta

from labelling.choices import ApplicationState as State
from labelling.rules.badges import OUTSIDER, STRUCTURE, Badge, Facts, badge
from territories.choices import Capacity

_TODAY = date(2026, 11, 24)
_SOON = _TODAY + timedelta(days=21)


def _file(state: State, **facts: object) -> Facts:
    return Facts(
        state=state,
        today=_TODAY,
        received_on=date(2026, 10, 4),
        silence_date=date(2026, 12, 4),
        to_assess=4,
        **facts,  # type: ignore[arg-type]
    )


_LATE = {"silence_date": date(2026, 11, 20)}
_READ = {"available_on": date(2026, 11, 10), "notified_on": date(2026, 11, 12)}
_LABEL = {"label_from": date(2026, 11, 12), "label_until": date(2029, 11, 11)}
_ASKED = {"asked": 2, "answer_by": _SOON, "paused_since": _TODAY, "reminded_on": _SOON - timedelta(days=3)}
_SIGNING = {"missing_capacities": (Capacity.PREFET,), "signing_since": _TODAY - timedelta(days=4)}

_FILES: Sequence[Facts] = (
    _file(State.DRAFT),
    _file(State.SUBMITTED),
    _file(State.UNDER_REVIEW),
    _file(State.UNDER_REVIEW, **_ASKED),
    _file(State.UNDER_REVIEW, received=2),
    _file(State.UNDER_REVIEW, waiting=True),
    _file(State.UNDER_REVIEW, waiting=True, place_free=True),
    Facts(state=State.UNDER_REVIEW, today=_TODAY, received_on=date(2026, 9, 20), to_assess=4, **_LATE),  # type: ignore[arg-type]
    Facts(
        state=State.UNDER_REVIEW,
        today=_TODAY,
        received_on=date(2026, 9, 20),
        to_assess=4,
        reasons_by=_SOON,
        **_LATE,  # type: ignore[arg-type]
    ),
    _file(State.DISAGREEMENT, concert_by=_SOON),
    _file(State.AWAITING_SIGNATURES, **_SIGNING),
    _file(State.LABELLED, available_on=date(2026, 11, 10), **_LABEL),
    _file(State.LABELLED, by_letter=True, **_LABEL),
    _file(State.LABELLED, **_READ, **_LABEL),
    _file(
        State.LABELLED,
        suspended_since=date(2026, 11, 20),
        review_on=_SOON,
        expected="dire quand l’infirmière est remplacée.",
        **_READ,
        **_LABEL,
    ),
    _file(State.REFUSED, **_READ),
    _file(State.REFUSED, **_READ, answer_appeal_by=_SOON),
    _file(State.REFUSED, **_READ, answer_appeal_by=_TODAY - timedelta(days=1)),
    _file(State.ABANDONED, ended_on=date(2026, 11, 2)),
    _file(State.CLOSED),
)
"""Files in every state, and in the facts that matter more than a state, in the order of the path."""

READERS = (STRUCTURE, OUTSIDER, "ars")


def legend(reader: str) -> list[Badge]:
    """Return the badges that a reader may meet, each once, in the order of the path."""
    found: dict[str, Badge] = {}
    for facts in _FILES:
        if facts.state == State.DRAFT and reader != STRUCTURE:
            continue  # Nobody else sees a draft.
        one = badge(facts, reader)
        found.setdefault(one.label, one)
    return list(found.values())
