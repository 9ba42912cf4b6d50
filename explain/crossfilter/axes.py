"""Axes: where every client lies along a column, on a scale of one's choice."""

from __future__ import annotations

import functools
import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from data.compiling import column as array_of
from data.compiling import compiled
from data.errors import InvalidOption, did_you_mean
from explain.crossfilter.columns import CONTRIBUTION, OUTCOMES
from explain.crossfilter.filters import Categories, Range
from explain.crossfilter.survey import (
    at_shares,
    few,
    in_blocks,
    least_value,
    ordered,
    survey,
    value_before,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from explain.crossfilter.columns import Column
    from explain.crossfilter.filters import Side

Scale = Literal["linear", "log", "quantile"]
SCALES: tuple[Scale, ...] = get_args(Scale)
SPREAD = 0.4
FEW = 30
"""Different whole numbers up to which the clients with one of them are spread."""
_MOST_SPREAD = 2.0**16
_OUTSIDE = 0.005
_UNIT_AT = 0.1
_SKEWED, _MAGNITUDES = 5.0, 100.0
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class AxisKey:
    """Which axis: a column, by its key, and the scale, which a column of categories ignores."""

    column: str
    scale: Scale = "linear"


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Where every client lies along a column.

    A measure on a "linear" scale lies at its value; on a "log" one at sign(v) * log10(1 + |v| / unit), so that zero and
    negative values have their place too; on a "quantile" one at the share of clients with a value that have less, half
    of those with the same included. On a linear scale, values that are at most FEW whole numbers, and categories, which
    are numbered from 0, are spread by at most SPREAD to each side, by the client's position and the column alone, so
    that they can be seen side by side.

    Attributes
    ----------
    key : which axis.
    places : (n,) float32, read only; NaN where there is no finite value (on a quantile scale infinite ones have a
        place).
    categories : names of the categories, None for a measure.
    spread : half the width over which clients with one value are spread; 0 where they aren't.
    usual : the least and the greatest place to show first, on a linear scale without the furthest 0.5 % of clients on
        each side; apart even where all are alike.
    full : the same with every client.
    unit : of the log scale, a power of ten in the column's unit; 1 on another.
    ordered : of a quantile scale, the values that are there, sorted, float32; None on another.
    whole : whether all finite values are whole numbers; bounds are then whole too.
    """

    key: AxisKey
    places: NDArray[np.float32]
    categories: tuple[str, ...] | None
    spread: float
    usual: tuple[float, float]
    full: tuple[float, float]
    unit: float = 1.0
    ordered: NDArray[np.float32] | None = None
    whole: bool = False

    def place_of(self, value: float) -> float:
        """Return where a value lies (a category: its number), without any spread; NaN where it has no place."""
        with np.errstate(over="ignore"):
            own = float(np.float32(value))
        if self.categories is not None:
            return own if own in range(len(self.categories)) else float("nan")
        if self.ordered is not None:
            if not self.ordered.size or math.isnan(own):
                return float("nan")
            return _middle(self.ordered, own)
        if not math.isfinite(own):
            return float("nan")
        return _log_place(own, self.unit) if self.key.scale == "log" else own

    def value_at(self, place: float) -> float:
        """Return the value at a place, the nearest there is on a quantile scale; the number of a category.

        Where whole numbers are spread, it is the number of the band that the place is in.
        """
        if self.categories is not None:
            return float(min(max(round(place), 0), max(len(self.categories) - 1, 0)))
        if self.ordered is not None:
            last = self.ordered.size - 1
            return float(self.ordered[min(max(int(place * (last + 1)), 0), last)]) if last >= 0 else float("nan")
        if self.key.scale == "log":
            return math.copysign(self.unit * (10.0 ** min(abs(place), 80.0) - 1.0), place)
        return float(round(place)) if self.spread and abs(place - round(place)) <= self.spread else float(place)

    def side(self, low: float, high: float) -> Side:
        """Return the filter of what is drawn between two places, in either order; an end beyond `full` is left open.

        On categories, and on a measure whose values are spread, it keeps the bands that it touches. Where nothing can
        be between the two places it keeps nobody: it is of no categories then, on a measure too.

        Raises
        ------
        InvalidOption
            A place that is not finite.
        """
        if not (math.isfinite(low) and math.isfinite(high)):
            raise InvalidOption(f"Places along {self.key.column} are finite, got {low!r} to {high!r}.")
        low, high = min(low, high), max(low, high)
        least, greatest = self._values_between(low, high)
        if self.categories is not None:
            return Categories(self.key.column, self.categories[max(int(least), 0) : max(int(greatest) + 1, 0)])
        if not least <= greatest or high < self.full[0] or low > self.full[1]:
            return Categories(self.key.column)
        return Range(
            self.key.column,
            -math.inf if low < self.full[0] else least,
            math.inf if high > self.full[1] else greatest,
        )

    def span(self, side: Side) -> tuple[float, float] | None:
        """Return between which places a filter of this column is drawn, cut to `full`; None where nowhere."""
        if isinstance(side, Categories):
            own = self.categories or ()
            numbers = [number for number, name in enumerate(own) if name in side.names]
            return (min(numbers) - 0.5, max(numbers) + 0.5) if numbers else None
        if self.categories is not None:
            return None
        if self.ordered is not None:
            start, stop = _between(self.ordered, side.low, side.high)
            return (start / self.ordered.size, stop / self.ordered.size) if start < stop else None
        low, high = (bound if math.isinf(bound) else self.place_of(bound) for bound in (side.low, side.high))
        if self.spread:
            low = low if math.isinf(low) else math.ceil(low) - 0.5
            high = high if math.isinf(high) else math.floor(high) + 0.5
        low, high = max(low, self.full[0]), min(high, self.full[1])
        return (low, high) if low <= high else None

    def least_from(self, place: float) -> float:
        """Return the least value whose place is at or above a place, on a quantile scale of those there are.

        It is infinite where there is none.
        """
        if self.ordered is not None:
            start = self._first_from(place)
            return float(self.ordered[start]) if start < self.ordered.size else math.inf
        if self.key.scale == "log":
            least = least_value(lambda value: not _log_place(value, self.unit) < place)
        else:
            least = least_value(lambda value: value >= place)
        return float(math.ceil(least)) if self.whole and math.isfinite(least) else least

    def _values_between(self, low: float, high: float) -> tuple[float, float]:
        """Return the least and the greatest value there can be between two places; NaN where there can be none."""
        if self.spread:
            return math.ceil(low - self.spread - _TINY), math.floor(high + self.spread + _TINY)
        beyond = float(np.nextafter(high, np.inf))
        if self.ordered is not None:
            start, stop = self._first_from(low), self._first_from(beyond)
            return (float(self.ordered[start]), float(self.ordered[stop - 1])) if start < stop else (math.nan, math.nan)
        least, greatest = self.least_from(low), value_before(self.least_from(beyond))
        return least, float(math.floor(greatest)) if self.whole and math.isfinite(greatest) else greatest

    def _first_from(self, place: float) -> int:
        """Return where, in sorted order, those begin whose place is at or above a place."""
        values = self.ordered
        if values is None:
            return 0
        size = values.size
        start = min(max(int(place * size), 0), size)
        if start < size:
            start = int(np.searchsorted(values, values[start], side="left"))
        while start > 0 and _middle(values, float(values[start - 1])) >= place:
            start = int(np.searchsorted(values, values[start - 1], side="left"))
        while start < size and _middle(values, float(values[start])) < place:
            start = int(np.searchsorted(values, values[start], side="right"))
        return start


def usual_scale(column: Column) -> Scale:
    """Return the scale on which a column is easiest to read: "log" for a very skewed measure, else "linear".

    Very skewed is a measure of more than FEW values, of which the furthest hundredth on one side begins 5 times as far
    from the median as that on the other, and whose sizes other than 0 are 100 times as great at their last hundredth as
    at their first decile. Outcomes and contributions are read on a linear scale.
    """
    linear = column.key in OUTCOMES or column.key.startswith(CONTRIBUTION) or column.categories is not None
    if linear or few(column.values, FEW) is not None:
        return "linear"
    low, middle, high = at_shares(column.values, (0.01, 0.5, 0.99))
    near, far = sorted((middle - low, high - middle))
    if not far > 0 or far < _SKEWED * near:
        return "linear"
    small, large = at_shares(column.values, (_UNIT_AT, 0.99), sizes=True)
    return "log" if large >= _MAGNITUDES * small else "linear"


def axis(column: Column, scale: Scale) -> Axis:
    """Return the axis of a column; raise InvalidOption for a scale that isn't one of SCALES."""
    if scale not in SCALES:
        raise InvalidOption(f"An axis is {' or '.join(SCALES)}, got {scale!r}.{did_you_mean(str(scale), SCALES)}")
    key = AxisKey(column.key, scale)
    if column.categories is not None:
        ends = -0.5, max(len(column.categories), 1) - 0.5
        return Axis(key, _spread(column), column.categories, SPREAD, ends, ends)
    return {"linear": _linear, "log": _logarithmic, "quantile": _quantile}[scale](key, column)


def _linear(key: AxisKey, column: Column) -> Axis:
    values = column.values
    found = survey(values)
    if not found.finite:
        return Axis(key, _nowhere(len(values)), None, 0.0, (-0.5, 0.5), (-0.5, 0.5))
    full = found.least, found.greatest
    low, high = at_shares(values, (_OUTSIDE, 1.0 - _OUTSIDE))
    usual = (low, high) if low < high else full
    near = max(abs(found.least), abs(found.greatest)) <= _MOST_SPREAD
    if found.whole and near and few(values, FEW) is not None:
        usual, full = (usual[0] - 0.5, usual[1] + 0.5), (full[0] - 0.5, full[1] + 0.5)
        return Axis(key, _spread(column), None, SPREAD, usual, full, whole=True)
    if full[0] == full[1]:
        half = max(0.5, abs(full[0]) * 1e-6)
        usual = full = full[0] - half, full[1] + half
    places = values
    if found.infinite:
        places = np.where(np.isfinite(values), values, np.float32(np.nan))
        places.setflags(write=False)
    return Axis(key, places, None, 0.0, usual, full, whole=found.whole)


def _logarithmic(key: AxisKey, column: Column) -> Axis:
    found = survey(column.values)
    if not found.finite:
        return Axis(key, _nowhere(len(column.values)), None, 0.0, (-0.5, 0.5), (-0.5, 0.5))
    unit = _unit(at_shares(column.values, (_UNIT_AT,), sizes=True)[0])
    full = _log_place(found.least, unit), _log_place(found.greatest, unit)
    if full[0] == full[1]:
        full = full[0] - 0.5, full[1] + 0.5
    places, run = np.empty(len(column.values), dtype=np.float32), _placing()[0]
    in_blocks(len(places), lambda start, stop: run(column.values[start:stop], unit, places[start:stop]))
    places.setflags(write=False)
    return Axis(key, places, None, 0.0, full, full, unit, whole=found.whole)


def _unit(small: float) -> float:
    """Return the power of ten at or below a size, the first decile of those other than 0; 1 where there is none."""
    if math.isnan(small):
        return 1.0
    return float(10.0 ** min(max(math.floor(math.log10(small)), -30), 30))


def _quantile(key: AxisKey, column: Column) -> Axis:
    values = column.values
    there, clients = ordered(values)
    there.setflags(write=False)
    if not there.size:
        return Axis(key, _nowhere(len(values)), None, 0.0, (0.0, 1.0), (0.0, 1.0), ordered=there)
    places = np.full(len(values), np.nan, dtype=np.float32)
    _placing()[1](there, clients, places)
    places.setflags(write=False)
    return Axis(key, places, None, 0.0, (0.0, 1.0), (0.0, 1.0), ordered=there)


def _nowhere(clients: int) -> NDArray[np.float32]:
    places = np.full(clients, np.nan, dtype=np.float32)
    places.setflags(write=False)
    return places


def _spread(column: Column) -> NDArray[np.float32]:
    """Return whole values, each at most SPREAD from where it is; two columns spread a client differently."""
    places, run = np.empty(len(column.values), dtype=np.float32), _placing()[2]
    seed = np.uint32(zlib.crc32(column.key.encode()))
    in_blocks(
        len(places), lambda start, stop: run(column.values[start:stop], np.int64(start), seed, places[start:stop])
    )
    places.setflags(write=False)
    return places


def _between(there: NDArray[np.float32], low: float, high: float) -> tuple[int, int]:
    return (
        int(np.searchsorted(there, np.float32(low), side="left")),
        int(np.searchsorted(there, np.float32(high), side="right")),
    )


def _middle(there: NDArray[np.float32], value: float) -> float:
    """Return the share of sorted values below one, half of the equal ones included."""
    start, stop = _between(there, value, value)
    return float(np.float32((start + stop) / 2 / there.size))


def _log_place(value: float, unit: float) -> float:
    if not math.isfinite(value):
        return value
    return float(np.float32(math.copysign(math.log10(1.0 + abs(value) / unit), value)))


def _place_in_logs(values: NDArray[np.float32], unit: float, out: NDArray[np.float32]) -> None:
    for place in range(len(values)):
        value = np.float64(values[place])
        if np.isfinite(value):
            out[place] = np.float32(math.copysign(math.log10(1.0 + abs(value) / unit), value))
        else:
            out[place] = np.float32(np.nan)


def _place_in_ranks(there: NDArray[np.float32], clients: NDArray[np.uint32], out: NDArray[np.float32]) -> None:
    """Give each client of the sorted values the middle of the ranks of its equals, as `_middle` does."""
    start, size = 0, len(there)
    while start < size:
        stop = start + 1
        while stop < size and there[stop] == there[start]:
            stop += 1
        middle = np.float32((start + stop) / 2 / size)
        for place in range(start, stop):
            out[clients[place]] = middle
        start = stop


def _spread_out(values: NDArray[np.float32], first: int, seed: int, out: NDArray[np.float32]) -> None:
    """Move each value by a number that its position and the seed alone make (the mixer of MurmurHash3)."""
    for place in range(len(values)):
        mixed = np.uint32(np.uint32((first + place) * 0x9E3779B1) ^ seed)
        mixed = np.uint32((mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x85EBCA6B))
        mixed = np.uint32((mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35))
        mixed = np.uint32(mixed ^ (mixed >> np.uint32(16)))
        share = np.float32(mixed) * np.float32(2.0**-31) - np.float32(1.0)
        value = values[place]
        out[place] = value + np.float32(SPREAD) * share if np.isfinite(value) else np.float32(np.nan)


@functools.cache
def _placing() -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    values, out = array_of("float32"), array_of("float32", written=True)
    return (
        compiled(_place_in_logs, values, array_of("float64", 0), out),
        compiled(_place_in_ranks, values, array_of("uint32"), out),
        compiled(_spread_out, values, array_of("int64", 0), array_of("uint32", 0), out),
    )
