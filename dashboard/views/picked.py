"""Which clients and which columns the lists, the segments and the files of the Portfolio page are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.crossfilter.comparing import counts_of
from explain.crossfilter.filters import passes_into

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explain.crossfilter.counts import Counts
    from explain.crossfilter.exploration import Exploration
    from explain.crossfilter.filters import Filter
    from explain.crossfilter.population import Population

LISTED = ("score", "decision", "level", "default")


def selected(population: Population, filters: tuple[tuple[str, Filter], ...]) -> NDArray[np.bool_]:
    """Return which clients all filters keep, (n,) bool; everyone where there is none.

    Raises
    ------
    UnknownColumn, InvalidOption
        A filter that the population doesn't allow.
    """
    mask = np.ones(len(population), dtype=np.bool_)
    for _, kept in filters:
        passes_into(kept, population, mask, also=True)
    return mask


def counted(population: Population, mask: NDArray[np.bool_]) -> Counts:
    """Return the counts, of shape (), of the clients selected."""
    return counts_of(population, np.flatnonzero(mask))


def columns_listed(exploration: Exploration) -> tuple[str, ...]:
    """Return the keys of the columns listed: the outcomes, then those explored, none twice."""
    pair = exploration.pair
    explored = (pair.across.column, pair.up.column, *(chart.column for chart in exploration.charts))
    return tuple(dict.fromkeys((*LISTED, *explored)))
