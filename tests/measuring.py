"""Timing methods side by side: interleaved rounds, medians, 95th percentiles and ratios."""

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median, quantiles
from time import perf_counter

ROUNDS = 5
ENOUGH = 20
"""Rounds from which a 95th percentile says something."""


@dataclass
class Measure:
    """One measure: what is measured, and the seconds of each method in each round; the first method is ours."""

    title: str
    detail: str
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def ratio(self, name: str) -> float:
        """How many times slower than ours a method is (median over the rounds)."""
        ours = next(iter(self.seconds.values()))
        return median(other / own for other, own in zip(self.seconds[name], ours, strict=True))


def measure(title: str, detail: str, methods: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> Measure:
    """Time methods, interleaved, after one round to warm up.

    What a measure holds around it is set aside, as the web server does of what it loaded: a full garbage collection
    would go through it.
    """
    found = Measure(title, detail, {name: [] for name in methods})
    gc.collect()
    gc.freeze()
    for number in range(rounds + 1):
        for name, method in methods.items():
            started = perf_counter()
            method()
            if number:
                found.seconds[name].append(perf_counter() - started)
    return found


def once(title: str, detail: str, method: Callable[[], object], name: str = "une fois") -> Measure:
    """Time a method that cannot be done twice."""
    started = perf_counter()
    method()
    return Measure(title, detail, {name: [perf_counter() - started]})


def show(found: list[Measure]) -> None:
    """Print the table: method, median, 95th percentile when there are enough rounds, ratio to ours."""
    out = sys.stdout.write
    for one in found:
        out(f"\n{one.title}   ({one.detail})\n")
        for number, (name, seconds) in enumerate(one.seconds.items()):
            late = f"   p95 {1000 * quantiles(seconds, n=20)[-1]:.1f} ms" if len(seconds) >= ENOUGH else ""
            ratio = f"   × {one.ratio(name):.1f}" if number else ""
            out(f"  {name:<46}{1000 * median(seconds):>10.1f} ms{late}{ratio}\n")
