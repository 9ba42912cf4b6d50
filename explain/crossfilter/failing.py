"""Which filters every client fails: one bit a filter, so that a gesture changes one bit of everybody, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from data.errors import InvalidOption
from explain.crossfilter import tallies
from explain.crossfilter.filters import passes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from explain.crossfilter.filters import Filter
    from explain.crossfilter.population import Population

Others: TypeAlias = "frozenset[tuple[str, Filter]]"
"""Some filters, by the chart that made them."""


class Failing:
    """What one session's filters leave of all clients.

    Parameters
    ----------
    population : of the n clients.

    Attributes
    ----------
    bits : (n,) uint16, a bit set where the client fails the filter that the bit is of.
    """

    def __init__(self, population: Population) -> None:
        self._population = population
        self.bits: NDArray[np.uint16] = np.zeros(len(population), np.uint16)
        self._filters: dict[str, Filter] = {}
        self._bit: dict[str, int] = {}

    def follow(self, filters: Iterable[tuple[str, Filter]]) -> None:
        """Bring the bits to some filters, by the chart that made them; where one can't be, all stay as they were.

        Raises
        ------
        UnknownColumn
            A column that there is not.
        InvalidOption
            A filter that its column doesn't allow, or more filters than there are bits.
        """
        wanted = dict(filters)
        if len(wanted) > tallies.FILTERS:
            raise InvalidOption(
                f"At most {tallies.FILTERS} charts filter at once, got {len(wanted)}: undo some filters."
            )
        changed = {chart: kept for chart, kept in wanted.items() if self._filters.get(chart) != kept}
        keeps = {chart: passes(kept, self._population) for chart, kept in changed.items()}
        for chart in self._filters.keys() - wanted.keys():
            tallies.mark(self.bits, self._bit.pop(chart), None)
        for chart, kept in keeps.items():
            if chart not in self._bit:
                taken = set(self._bit.values())
                self._bit[chart] = next(1 << bit for bit in range(tallies.FILTERS) if 1 << bit not in taken)
            tallies.mark(self.bits, self._bit[chart], kept)
        self._filters = wanted

    def others(self, chart: str) -> Others:
        """Return the filters of all charts but one, which need not have any."""
        return frozenset(made for made in self._filters.items() if made[0] != chart)

    def mask(self, filters: Others) -> int:
        """Return the bits of some of these filters."""
        return sum(self._bit[chart] for chart, _ in filters)
