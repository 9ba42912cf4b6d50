"""What the pages need before they are quick: compiled and computed off the path of any request.

Datashader compiles its code anew in every process (some seconds of processor for each set of reductions and types),
and a feature is ranked over all clients once.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from dashboard.surroundings import surroundings
from explain import importance, pixels
from explain.crossfilter import cells, picture, tallies
from explain.crossfilter.exploration import Explorer, Wanted
from explain.pixels import Window, aggregate

if TYPE_CHECKING:
    from dashboard.services import Services


def warm_up(services: Services) -> None:
    """Compile what draws clients, and compute what is computed once and what the first plots show."""
    few = np.linspace(0.0, 1.0, 4, dtype=np.float32)
    aggregate(few, few, few, Window(0.0, 1.0, 0.0, 1.0), 4, 4)
    importance.prepare()
    surroundings(services.file_at(0), services)
    _ = services.explanations.named_counts
    explore(services)
    data = services.plots
    data.swarms(data.strongest)
    data.parts(data.strongest)
    for name in data.strongest:
        data.interactions(name)
    services.portfolio.features.let_go()


def explore(services: Services) -> None:
    """Compile what the Portfolio page computes, and compute what it shows first, before anybody asks."""
    for part in (tallies, cells, picture, pixels):
        part.prepare()
    explorer, first = Explorer(services.population), services.first_exploration
    shown = explorer.explore(Wanted(first))
    chart = shown.distributions[0].bins
    explorer.explore(Wanted(first.filtered(chart.key.column, chart.side(0, len(chart) // 2))))
    _ = services.telling_pairs


def warm_up_beside(services: Services) -> threading.Thread:
    """Do the same on a thread of its own, started here; the process may end before it has."""
    thread = threading.Thread(target=warm_up, args=(services,), name="warm-up", daemon=True)
    thread.start()
    return thread
