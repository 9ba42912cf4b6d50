"""Pairs of columns worth opening: those that together say more about the score than either alone."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data.cores import threads
from explain.crossfilter.divisions import divide
from explain.crossfilter.zones import Explained, explained_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.crossfilter.population import Population

PARTS = 10
MOST_FEATURES = 12


@dataclass(frozen=True, slots=True)
class TellingPair:
    """Two features, and what they explain of the score's variance over everyone.

    Attributes
    ----------
    across, up : keys; `across` is the one of the two that weighs more.
    explained : by a grid of at most PARTS x PARTS quantiles, and by each alone.
    """

    across: str
    up: str
    explained: Explained

    @property
    def added(self) -> float:
        """What the two explain above the better of them."""
        return self.explained.added


def telling_pairs(population: Population, features: Sequence[str]) -> tuple[TellingPair, ...]:
    """Return every pair of the heaviest features, the one first whose grid explains most above the better of the two.

    Pairs of which nothing can be told, the score being constant or the clients too few, are left out; of equals the one
    first that explains more in all.

    Parameters
    ----------
    features : keys, the heaviest first; the first MOST_FEATURES count.

    Raises
    ------
    UnknownColumn
        A feature that the population doesn't have.
    """
    chosen = list(dict.fromkeys(features))[:MOST_FEATURES]
    if not len(population):
        return ()
    with ThreadPoolExecutor(threads()) as pool:
        divisions = list(pool.map(lambda key: divide(population.column(key), None, PARTS), chosen))
        pairs = list(itertools.combinations(divisions, 2))
        explained = pool.map(lambda pair: explained_by(pair[0].index, pair[1].index, population.score), pairs)
        found = [TellingPair(a.column, b.column, one) for (a, b), one in zip(pairs, explained, strict=True)]
    told = [pair for pair in found if not np.isnan(pair.added)]
    return tuple(sorted(told, key=lambda pair: (-pair.added, -pair.explained.both)))
