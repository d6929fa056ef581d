"""Timing two ways of doing one job in the same run: only their ratio means something on another machine."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

RUNS = 5


@dataclass(frozen=True, slots=True)
class Ratio:
    """Best times in milliseconds of ours and of the reference."""

    name: str
    ours: float
    reference: float

    def __str__(self) -> str:
        return f"{self.name:<44} {self.ours:>9.3f} ms {self.reference:>9.3f} ms {self.ours / self.reference:>7.2f}x"


HEADER = f"{'':<44} {'ours':>12} {'reference':>12} {'ratio':>8}"


def compare(
    name: str,
    ours: Callable[[], object],
    reference: Callable[[], object],
    calls: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Ratio:
    """Time both in turns, so that a busy machine hits them alike, and return the best of each.

    ``calls`` is how often each is called for one time, for jobs of microseconds. ``clock`` gives seconds: of the day,
    or those of the processor, where both ways only compute.
    """
    best = [float("inf"), float("inf")]
    for _ in range(RUNS):
        for side, work in enumerate((ours, reference)):
            best[side] = min(best[side], _milliseconds(work, calls, clock))
    return Ratio(name, *best)


def _milliseconds(work: Callable[[], object], calls: int, clock: Callable[[], float]) -> float:
    gc.collect()
    start = clock()
    for _ in range(calls):
        work()
    return (clock() - start) / calls * 1000
