"""The engine alone, in this process: every step of every gesture on six linked charts, one after the other."""

from __future__ import annotations

import contextlib
import gc
import time
from typing import TYPE_CHECKING

from bench.scoring.portfolio_gestures import FIRST_PAINT, first_view, gestures
from bench.scoring.portfolio_population import few_of
from bench.scoring.portfolio_samples import Samples
from data.progress import silent
from explain.crossfilter.exploration import Explorer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.scoring.portfolio_gestures import Scene
    from data.progress import Report
    from explain.crossfilter.exploration import Wanted
    from explain.crossfilter.population import Population

COMPILED_ON = 2000


class Null:
    """Explores nothing: what the harness itself costs."""

    def __init__(self, population: Population) -> None:
        """Take the population and leave it."""

    def explore(self, wanted: Wanted) -> Wanted:
        """Return what is wanted."""
        return wanted


def drive(
    population: Population,
    shown: Scene,
    rounds: int,
    report: Report = silent,
    step: str = "",
    contender: type[Explorer | Null] = Explorer,
) -> Samples:
    """Time every step of some rounds of gestures, after one on few clients that doesn't count: it only compiles.

    A round begins with the first view of a new visitor, on a population that others have explored: what it has computed
    of a column is kept. A colour that nobody has chosen yet is computed then, within its gesture's time.
    """
    _round(few_of(population, shown.columns, COMPILED_ON), shown, 0, Samples(), contender)
    contender(population).explore(first_view(shown))
    samples = Samples()
    with uncollected():
        for number in range(rounds):
            _round(population, shown, number, samples, contender)
            gc.collect()
            report(step, (number + 1) / rounds)
    return samples


def _round(
    population: Population, shown: Scene, number: int, samples: Samples, contender: type[Explorer | Null]
) -> None:
    clock = time.perf_counter_ns
    begun = clock()
    explorer = contender(population)
    explorer.explore(first_view(shown))
    samples.add(FIRST_PAINT, clock() - begun)
    for made in gestures(population, shown, number):
        begun = clock()
        explorer.explore(made.wanted)
        samples.add(made.kind, clock() - begun)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from running within what is timed."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
