"""What happens where: which lines become labelled places, and which invented ones are in every other state.

The big scenario stands on a real extract of FINESS: forty départements, some past their target, some under the floor,
sixty-one at zero. The small one stands on the project's own invented register.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, cycle, islice
from random import Random

from indicators.services.demo.calendar import OPEN_WAVE, WAVES
from indicators.services.demo.files import RESERVING, Fate, Plan, plan
from indicators.services.demo.people import account_email, owner_email
from indicators.services.demo.places import Inventor, is_invented, is_plausible, lines_by_departement
from labelling.models import RegisterLine
from territories.models import Departement

HOME = "34"
"""The département of the accounts that are shown."""
CAPPED = ("31", "30")
"""Départements whose open wave has a ceiling, reached: files wait there."""
OTHER_DEPARTEMENTS = 27
LABELS = 1_000
LEVELS = (25, 22, 14, 21, 6, 16, 12, 24, 20, 9, 15, 13, 5, 26, 18, 3, 23, 14, 8, 12, 27, 4, 16, 7, 21, 13, 5)
"""Places aimed at in the départements beyond Occitanie: for a cumulated target of 24, every class of the map."""
_WAVE_SHARES = (50, 20, 22, 8)
"""How the labels of a département spread over the four waves, in percent."""
_OPEN_FATES = (
    (Fate.DRAFT, 22),
    (Fate.SUBMITTED, 34),
    (Fate.STARTED, 34),
    (Fate.SHARED, 20),
    (Fate.ENDORSED, 10),
    (Fate.AWAITING_BOTH, 14),
    (Fate.AWAITING_PREFET, 12),
    (Fate.AWAITING_ARS, 8),
    (Fate.DISAGREEMENT, 5),
    (Fate.UNREAD, 8),
    (Fate.REFUSED, 12),
    (Fate.ABANDONED, 5),
)
_AT_HOME = (
    (Fate.DRAFT, 2),
    (Fate.SUBMITTED, 3),
    (Fate.STARTED, 4),
    (Fate.SHARED, 2),
    (Fate.ENDORSED, 1),
    (Fate.AWAITING_BOTH, 3),
    (Fate.AWAITING_PREFET, 2),
    (Fate.AWAITING_ARS, 1),
    (Fate.DISAGREEMENT, 1),
    (Fate.UNREAD, 1),
    (Fate.REFUSED, 1),
    (Fate.ABANDONED, 1),
)
"""The work that waits for the accounts that are shown."""


@dataclass
class Scenario:
    """The plans to play, in order, and the ceilings that their waiting lists need."""

    plans: list[Plan] = field(default_factory=list)
    ceilings: dict[str, int] = field(default_factory=dict)

    def settle(self) -> "Scenario":
        """Order the plans by date, those that wait for a place last, and close the ceilings on what holds places."""
        self.plans.sort(key=lambda planned: (planned.fate == Fate.WAITING, planned.began_at))
        for code in {planned.departement for planned in self.plans if planned.fate == Fate.WAITING}:
            self.ceilings[code] = sum(
                planned.fate in RESERVING or (planned.fate == Fate.LABELLED and planned.wave is OPEN_WAVE)
                for planned in self.plans
                if planned.departement == code
            )
        self._name_owners()
        return self

    def _name_owners(self) -> None:
        """Give each place its owner: at home, the shown accounts have an old label and a draft."""
        for rank, planned in enumerate(self.plans):
            planned.owner = owner_email(rank)
        for key, fate in (("owner_label", Fate.LABELLED), ("owner_draft", Fate.DRAFT)):
            here = (row for row in self.plans if row.fate == fate and row.departement == HOME and is_invented(row.line))
            next(here).owner = account_email(key)

    def labels(self) -> Counter[str]:
        """Return how many labels each département will have."""
        return Counter(row.departement for row in self.plans if row.fate in {Fate.LABELLED, Fate.UNREAD})

    def by_departement(self) -> list[list[Plan]]:
        """Return the plans of each département, in order; the département with most to do first."""
        groups: dict[str, list[Plan]] = {}
        for planned in self.plans:
            groups.setdefault(planned.departement, []).append(planned)
        return sorted(groups.values(), key=len, reverse=True)


def big_scenario(lines: Iterable[RegisterLine], rng: Random) -> Scenario:
    """Build the scenario of about a thousand labels on the lines of a real extract."""
    inventor = Inventor()
    groups = lines_by_departement(line for line in lines if is_plausible(line))
    wanted = _wanted(groups)
    departements = Departement.objects.select_related("region").in_bulk(list(wanted))
    scenario = Scenario()
    for code, count in wanted.items():
        real = groups[code][:]
        rng.shuffle(real)
        invented = max(count - len(real), 2)
        chosen = [*real[: count - invented], *(inventor.line(departements[code]) for _ in range(invented))]
        scenario.plans += _labelled(chosen, rng, in_open_wave=2 if code in CAPPED else 0)
    places = cycle(list(wanted))
    for fate, count in _OPEN_FATES:
        scenario.plans += [
            plan(inventor.line(departements[code]), fate, OPEN_WAVE, rng) for code in islice(places, count)
        ]
    for fate, count in _AT_HOME:
        scenario.plans += [plan(inventor.line(departements[HOME]), fate, OPEN_WAVE, rng) for _ in range(count)]
    for code in CAPPED:
        scenario.plans += [plan(inventor.line(departements[code]), Fate.WAITING, OPEN_WAVE, rng) for _ in range(2)]
    inventor.save()
    return scenario.settle()


def _wanted(groups: Mapping[str, list[RegisterLine]]) -> dict[str, int]:
    """Return how many labels each département gets: the région of the accounts in full, then the levels of the others."""
    home_region = {
        code for code, lines in groups.items() if lines[0].commune.departement.region_id == _region_of(groups)
    }
    others = sorted(set(groups) - home_region, key=lambda code: (-len(groups[code]), code))[:OTHER_DEPARTEMENTS]
    wanted = dict(zip(others, LEVELS, strict=True))
    left = LABELS - sum(wanted.values())
    total = sum(len(groups[code]) for code in home_region)
    for code in sorted(home_region):
        wanted[code] = max(2, round(left * len(groups[code]) / total))
    return dict(sorted(wanted.items()))


def _region_of(groups: Mapping[str, list[RegisterLine]]) -> str:
    return groups[HOME][0].commune.departement.region_id


def small_scenario(lines: Iterable[RegisterLine], rng: Random) -> Scenario:
    """Build the scenario of some fifty labels on invented lines: at home, one file in every state."""
    groups = lines_by_departement(line for line in lines if is_invented(line))
    scenario = Scenario()
    here = groups.pop(HOME)
    fates = [*(fate for fate, _ in _AT_HOME), Fate.AWAITING_BOTH, Fate.STARTED]
    scenario.plans += [plan(line, fate, OPEN_WAVE, rng) for line, fate in zip(here, fates, strict=False)]
    scenario.plans += _labelled(here[len(fates) :], rng)
    elsewhere = chain([Fate.WAITING], cycle([Fate.SUBMITTED, Fate.STARTED, Fate.SHARED, Fate.AWAITING_PREFET]))
    for lines_there in groups.values():
        kept = len(lines_there) - len(lines_there) // 4
        rest = list(zip(lines_there[kept:], elsewhere, strict=False))
        capped = any(fate == Fate.WAITING for _, fate in rest)
        scenario.plans += _labelled(lines_there[:kept], rng, in_open_wave=1 if capped else 0)
        scenario.plans += [plan(line, fate, OPEN_WAVE, rng) for line, fate in rest]
    return scenario.settle()


def _labelled(lines: list[RegisterLine], rng: Random, *, in_open_wave: int = 0) -> list[Plan]:
    """Spread labelled places over the waves; ``in_open_wave`` of them at least fall in the open one."""
    waves = rng.choices(WAVES, weights=_WAVE_SHARES, k=len(lines))
    waves[:in_open_wave] = [OPEN_WAVE] * in_open_wave
    return [plan(line, Fate.LABELLED, wave, rng) for line, wave in zip(lines, waves, strict=True)]
