"""Where the files of a territory wait, and who can move them. Pure.

The rule, in one sentence: a file waits at one stage (at the signature, at each missing signatory) since the last act
on it; a territory waits at the stage that holds the most files × days, a file counting one day at least; between two
equal stages, the earlier one of the path.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from labelling.choices import ApplicationState as State
from territories.choices import Capacity


@dataclass(frozen=True, slots=True)
class Stage:
    """One place where files wait. ``label`` names who must do what; ``party`` is who it waits for."""

    key: str
    label: str
    party: str


TAKE_UP = Stage("a-prendre", "prise en charge par les services", "services")
REVIEW = Stage("a-apprecier", "appréciation du chef de file", "chef de file")
ENDORSE = Stage("a-endosser", "position de l’autre autorité", "autre autorité")
PROPOSE = Stage("a-presenter", "présentation à la signature", "chef de file")
SIGN_ARS = Stage("signature-ars", "signature de l’ARS", "ARS")
SIGN_PREFET = Stage("signature-prefet", "signature du préfet", "préfet")
CONCERT = Stage("desaccord", "concertation après un désaccord", "ARS et préfet")
STAGES = (TAKE_UP, REVIEW, ENDORSE, PROPOSE, SIGN_ARS, SIGN_PREFET, CONCERT)
"""In the order of the path."""

_SIGNATURE = {Capacity.ARS: SIGN_ARS, Capacity.PREFET: SIGN_PREFET}


@dataclass(frozen=True, slots=True)
class OpenFile:
    """What the rule needs of an open file: ``since`` is the day of the last act on it."""

    state: str
    shared: bool
    endorsed: bool
    missing: Sequence[str]
    since: date


@dataclass(frozen=True, slots=True)
class Waiting:
    """The files of one stage: how many, the sum of their days and their median."""

    stage: Stage
    files: int
    days: int
    median_days: int


def stages_of(file: OpenFile) -> list[Stage]:
    """Return where an open file waits: one stage, or one per missing signature; none once it is decided."""
    match file.state:
        case State.SUBMITTED:
            return [TAKE_UP]
        case State.UNDER_REVIEW:
            return [PROPOSE if file.endorsed else ENDORSE if file.shared else REVIEW]
        case State.AWAITING_SIGNATURES:
            return [_SIGNATURE[Capacity(capacity)] for capacity in sorted(file.missing)]
        case State.DISAGREEMENT:
            return [CONCERT]
    return []


def waiting(files: Iterable[OpenFile], *, on: date) -> list[Waiting]:
    """Return the stages that hold files, in the order of the path."""
    days: dict[Stage, list[int]] = {stage: [] for stage in STAGES}
    for file in files:
        for stage in stages_of(file):
            days[stage].append(max((on - file.since).days, 1))
    return [Waiting(stage, len(found), sum(found), round(median(found))) for stage, found in days.items() if found]


def bottleneck(stages: Sequence[Waiting]) -> Waiting | None:
    """Return the stage holding the most files × days, or nothing when no file is open."""
    return max(stages, key=lambda stage: stage.days, default=None)
