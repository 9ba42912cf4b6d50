"""Bins: into which bar of a histogram every client falls."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data.compiling import column as array_of
from data.compiling import compiled
from data.errors import InvalidOption
from explain.crossfilter.filters import Categories, Range
from explain.crossfilter.survey import few, in_blocks, least_value, survey, upper_halves, value_before

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from explain.crossfilter.axes import Axis, AxisKey
    from explain.crossfilter.columns import Column
    from explain.crossfilter.filters import Side

BINS = 40
MOST_BINS = 255
_ALL_SHOWN = 12
"""Whole numbers from the least to the greatest up to which none is put together with others further out."""


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """The bins of one axis. Bin i holds the values v with low[i] <= v <= high[i]; the bins of a measure leave no gap.

    The first bin of a measure begins at minus infinity and the last one ends at infinity, so that every value is in
    one; `edges` tells where they are drawn. A category has a bin of its own.

    Attributes
    ----------
    key : of the axis.
    edges : (B + 1,) float64, ascending, places between which bins are drawn; for categories -0.5, 0.5, 1.5, ...
    low, high : (B,) float64, least and greatest float32 value of each bin, in the column's unit; a category's number.
    categories : (B,) names, None for a measure.
    index : (n,) uint8, read only, each client's bin; B where there is no value.
    """

    key: AxisKey
    edges: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    categories: tuple[str, ...] | None
    index: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.low)

    def bin_of(self, value: float) -> int:
        """Return the bin of a value, len(self) where it is NaN, or where no category has that number."""
        with np.errstate(over="ignore"):
            own = float(np.float32(value))
        if math.isnan(own):
            return len(self)
        if self.categories is not None:
            return int(own) if own in range(len(self)) else len(self)
        return int(np.searchsorted(self.low[1:], own, side="right"))

    def side(self, first: int, last: int, *, missing: bool = False) -> Side:
        """Return the filter that keeps bins `first` to `last`, both included, and those without a value if asked.

        Bin len(self) is of those without a value: as the last one it keeps them too, as the first one them alone.

        Raises
        ------
        InvalidOption
            Bins that there are not, or in the wrong order.
        """
        count = len(self)
        if not 0 <= first <= last <= count:
            raise InvalidOption(f"{self.key.column} has bins 0 to {count}, got {first} to {last}: give them in order.")
        missing = missing or last == count
        last = min(last, count - 1)
        if self.categories is not None or first > last:
            return Categories(self.key.column, (self.categories or ())[first : last + 1], missing)
        return Range(self.key.column, float(self.low[first]), float(self.high[last]), missing)


def bins(column: Column, axis: Axis, count: int = BINS) -> Bins:
    """Return the bins of an axis: at most `count` for a measure, whole numbers in bins of a whole width.

    On a linear scale the furthest clients, those beyond `axis.usual`, are in the outer bins, unless there are few whole
    numbers. On a quantile scale the bins hold as many clients each as can be where those with one value are never
    parted. On a log scale each value has its own bin where there are no more of them than bins.

    Raises
    ------
    InvalidOption
        A count that is not from 1 to MOST_BINS.
    """
    if not 1 <= count <= MOST_BINS:
        raise InvalidOption(f"A measure is shown in 1 to {MOST_BINS} bins, got {count}.")
    if axis.categories is not None:
        numbers = np.arange(len(axis.categories), dtype=np.float64)
        index = _index(column.values, numbers[1:].astype(np.float32), len(numbers))
        return _made(axis, np.arange(len(numbers) + 1, dtype=np.float64) - 0.5, numbers, numbers.copy(), index)
    edges, starts = _starts(column, axis, count)
    first = np.concatenate([[True], starts[1:] > np.maximum.accumulate(starts[:-1])]) if starts.size else starts
    edges, starts = np.append(edges[:-1][first], edges[-1]), starts[first]
    low: NDArray[np.float64] = np.concatenate([[-np.inf], starts[1:]])
    high = np.array([*(value_before(start) for start in starts[1:]), np.inf])
    return _made(axis, edges, low, high, _index(column.values, low[1:].astype(np.float32), len(low)))


def _made(
    axis: Axis,
    edges: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    index: NDArray[np.uint8],
) -> Bins:
    for array in (edges, low, high, index):
        array.setflags(write=False)
    return Bins(axis.key, edges, low, high, axis.categories, index)


def _starts(column: Column, axis: Axis, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the edges of at most `count` bins, and the least value of each, which of the first is of no account."""
    found = survey(column.values)
    if axis.ordered is not None:
        return _of_like_many(axis.ordered, count)
    if not found.finite or found.least == found.greatest:
        return np.array(axis.usual), np.array([found.least])
    low, high = axis.usual
    if axis.key.scale == "linear" and found.whole:
        if axis.spread:
            low, high = low + 0.5, high - 0.5
        if found.greatest - found.least < min(_ALL_SHOWN, count):
            low, high = found.least, found.greatest
        width = float(math.ceil((high - low + 1) / count))
        starts = low + width * np.arange(math.ceil((high - low + 1) / width) + 1, dtype=np.float64)
        return starts - 0.5, np.array([_at_least(start) for start in starts[:-1]])
    values = few(column.values, count) if axis.key.scale == "log" else None
    if values is not None:
        places, own = np.unique([axis.place_of(float(value)) for value in values], return_index=True)
        edges: NDArray[np.float64] = np.concatenate([[low], (places[1:] + places[:-1]) / 2, [high]])
        return edges, values[own].astype(np.float64)
    edges = np.linspace(low, high, count + 1, dtype=np.float64)
    return edges, np.array([axis.least_from(float(edge)) for edge in edges[:-1]])


def _of_like_many(there: NDArray[np.float32], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not there.size:
        return np.array([0.0, 1.0]), np.array([np.nan])
    starts = np.unique(there[np.arange(count) * there.size // count])
    edges = np.searchsorted(there, starts, side="left") / there.size
    return np.append(edges, 1.0), starts.astype(np.float64)


def _at_least(value: float) -> float:
    return least_value(lambda own: own >= value)


def _index(values: NDArray[np.float32], cuts: NDArray[np.float32], missing: int) -> NDArray[np.uint8]:
    """Return how many of the ascending cuts each value has reached, `missing` where there is none."""
    index, run = np.empty(len(values), dtype=np.uint8), _indexing()
    reached = np.searchsorted(upper_halves(cuts), np.arange(65536), side="left").astype(np.uint8)
    padded = np.append(cuts, np.float32(np.nan))
    in_blocks(len(values), lambda a, b: run(values[a:b], padded, reached, np.uint8(missing), index[a:b]))
    return index


def _find(
    values: NDArray[np.float32],
    cuts: NDArray[np.float32],
    reached: NDArray[np.uint8],
    missing: int,
    index: NDArray[np.uint8],
) -> None:
    """Count the cuts reached: those with a lesser upper half of bits, and then one by one; the last one never is."""
    bits = values.view(np.uint32)
    sign = np.uint32(0x80000000)
    for place in range(len(values)):
        value, own = values[place], bits[place]
        order = own ^ np.uint32(0xFFFFFFFF) if own & sign else own | sign
        number = np.int64(reached[order >> np.uint32(16)])
        while cuts[number] <= value:
            number += 1
        index[place] = np.uint8(number) if value == value else missing


@functools.cache
def _indexing() -> Callable[..., None]:
    values, numbers = array_of("float32"), array_of("uint8")
    return compiled(_find, values, values, numbers, array_of("uint8", 0), array_of("uint8", written=True))
