"""Contenders timed in turn, in rounds, so that load on the machine affects all of them alike."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from data.progress import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from data.progress import Report

QUANTILES = 21


@dataclass(frozen=True, slots=True)
class Plan:
    """How often to call: in each of `rounds` every contender makes `calls` calls, after `warm` that do not count."""

    rounds: int
    calls: int
    warm: int = 1


@dataclass(frozen=True, slots=True)
class Latency:
    """Wall-clock nanoseconds of each call, int64 (rounds * calls,)."""

    samples_ns: NDArray[np.int64]

    @property
    def p50_ns(self) -> int:
        """Median."""
        return int(np.percentile(self.samples_ns, 50))

    @property
    def p90_ns(self) -> int:
        """Ninth tenth."""
        return int(np.percentile(self.samples_ns, 90))

    @property
    def min_ns(self) -> int:
        """Least."""
        return int(self.samples_ns.min())

    def summary(self) -> dict[str, Any]:
        """Return the count, the extremes and evenly spaced quantiles of the samples, JSON content."""
        quantiles = np.quantile(self.samples_ns, np.linspace(0, 1, QUANTILES))
        return {"count": len(self.samples_ns), "quantiles_ns": [int(value) for value in quantiles]}


def measure(
    contenders: Mapping[str, Callable[[int], object]], plan: Plan, report: Report = silent, step: str = "measuring"
) -> dict[str, Latency]:
    """Time contenders in turn.

    Parameters
    ----------
    contenders : by name; each is called with the number of the call, from 0, which tells it what to work on: every
        contender works on the same things in the same order. Who goes first changes with each round.
    plan : how often.

    Returns
    -------
    dict of Latency, by name.
    """
    names = list(contenders)
    samples: dict[str, list[int]] = {name: [] for name in names}
    clock = time.perf_counter_ns
    collecting = gc.isenabled()
    gc.disable()
    try:
        for number in range(plan.rounds):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                call, kept = contenders[name], samples[name]
                first = number * plan.calls
                for k in range(plan.warm):
                    call(first + k)
                for k in range(first, first + plan.calls):
                    start = clock()
                    call(k)
                    kept.append(clock() - start)
            report(step, (number + 1) / plan.rounds)
    finally:
        if collecting:
            gc.enable()
    return {name: Latency(np.array(kept, dtype=np.int64)) for name, kept in samples.items()}
