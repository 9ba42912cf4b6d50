"""Filters: which clients a gesture on a chart keeps. They are said in values, and so outlive the chart's scale."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from data.compiling import column as array_of
from data.compiling import compiled
from data.errors import InvalidOption
from explain.crossfilter.survey import in_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from explain.crossfilter.axes import AxisKey
    from explain.crossfilter.columns import Column
    from explain.crossfilter.population import Population

MOST_CORNERS = 400
_FINENESS = 3
_SLABS = 256


@dataclass(frozen=True, slots=True)
class Range:
    """Clients whose value lies between two bounds.

    Attributes
    ----------
    column : key of a column that measures.
    low, high : bounds, inclusive, in the column's unit, rounded to float32 as its values are; an infinite bound also
        keeps infinite values.
    missing : whether clients without a value are kept too.

    Raises
    ------
    InvalidOption
        A bound that is not a number, or the low one above the high one.
    """

    column: str
    low: float = -np.inf
    high: float = np.inf
    missing: bool = False

    def __post_init__(self) -> None:
        with np.errstate(over="ignore"):
            low, high = float(np.float32(self.low)), float(np.float32(self.high))
        if not low <= high:  # false for NaN too
            raise InvalidOption(
                f"A range of {self.column} goes from a low to a high value, got {self.low!r} to {self.high!r}. "
                "Give two numbers in ascending order."
            )
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)


@dataclass(frozen=True, slots=True)
class Categories:
    """Clients who have one of some categories. Without any name it is also the filter of a measure's missing values.

    Attributes
    ----------
    column : key of a column of categories; where there are no names, of any column.
    names : the categories kept, as the column names them; one that it doesn't have keeps nobody.
    missing : whether clients without a value are kept too.
    """

    column: str
    names: tuple[str, ...] = ()
    missing: bool = False


Side: TypeAlias = Range | Categories


@dataclass(frozen=True, slots=True)
class Box:
    """Clients in a rectangle of two columns: those that both sides keep."""

    across: Side
    up: Side


@dataclass(frozen=True, slots=True)
class Lasso:
    """Clients drawn inside a polygon, by the rule of even and odd; whoever has no place on an axis is outside.

    Attributes
    ----------
    across, up : the axes it was drawn on.
    corners : (x, y) in places of these axes, three at least, MOST_CORNERS at most; the last is joined to the first.
        They are rounded to a power of ten, a thousandth of the lasso's width and of its height at most.

    Raises
    ------
    InvalidOption
        Too few corners or too many, or one that is not finite.
    """

    across: AxisKey
    up: AxisKey
    corners: tuple[tuple[float, float], ...] = field(default=())

    def __post_init__(self) -> None:
        if not 3 <= len(self.corners) <= MOST_CORNERS:
            raise InvalidOption(f"A lasso has from 3 to {MOST_CORNERS} corners, got {len(self.corners)}.")
        if not np.isfinite(self.corners).all():
            raise InvalidOption("The corners of a lasso are finite; draw it inside the plot.")
        across, up = (_rounded([float(corner[side]) for corner in self.corners]) for side in (0, 1))
        object.__setattr__(self, "corners", tuple(zip(across, up, strict=True)))


Filter: TypeAlias = Range | Categories | Box | Lasso


def columns_of(kept: Filter) -> tuple[str, ...]:
    """Return the keys of the columns that a filter reads."""
    if isinstance(kept, Box):
        return kept.across.column, kept.up.column
    return (kept.across.column, kept.up.column) if isinstance(kept, Lasso) else (kept.column,)


def passes(kept: Filter, population: Population) -> NDArray[np.bool_]:
    """Return which clients a filter keeps, (n,) bool.

    Raises
    ------
    UnknownColumn
        A column that the population doesn't have.
    InvalidOption
        A range of a column of categories, or categories of one that measures.
    """
    out = np.empty(len(population), dtype=np.bool_)
    passes_into(kept, population, out)
    return out


def passes_into(kept: Filter, population: Population, out: NDArray[np.bool_], *, also: bool = False) -> None:
    """Write which clients a filter keeps into `out`, (n,) bool; `also` keeps only those who are kept there already.

    Raises
    ------
    UnknownColumn, InvalidOption
        As `passes` says; `out` is then as it was, but for a box whose second side is at fault.
    """
    bits = out.view(np.uint8)
    if isinstance(kept, Box):
        passes_into(kept.across, population, out, also=also)
        passes_into(kept.up, population, out, also=True)
    elif isinstance(kept, Lasso):
        across, up = population.axis(kept.across).places, population.axis(kept.up).places
        corners = np.array(kept.corners, dtype=np.float64)
        ends = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
        sides, starts = _slabs(corners)
        draw = _kernels()[2]
        in_blocks(len(out), lambda a, b: draw(across[a:b], up[a:b], ends, sides, starts, np.uint8(also), bits[a:b]))
    elif isinstance(kept, Range):
        values = _of_kind(population.column(kept.column), measure=True).values
        low, high = np.float32(kept.low), np.float32(kept.high)
        within = _kernels()[0]
        in_blocks(
            len(out),
            lambda a, b: within(values[a:b], low, high, np.uint8(kept.missing), np.uint8(also), bits[a:b]),
        )
    else:
        column = population.column(kept.column)
        if kept.names:
            _of_kind(column, measure=False)
        wanted = np.array(
            [*(name in kept.names for name in column.categories or ()), kept.missing, False], dtype=np.uint8
        )
        look_up = _kernels()[1]
        in_blocks(len(out), lambda a, b: look_up(column.values[a:b], wanted, np.uint8(also), bits[a:b]))


def _of_kind(column: Column, *, measure: bool) -> Column:
    if (column.categories is None) == measure:
        return column
    if measure:
        names = ", ".join((column.categories or ())[:5])
        raise InvalidOption(f"{column.key} is of categories, such as {names}: give some of these, not a range.")
    raise InvalidOption(f"{column.key} is a measure and has no categories: give a range of its values.")


def _rounded(places: list[float]) -> list[float]:
    """Return coordinates rounded to a decimal; rounding them again changes nothing."""
    while True:
        extent = max(places) - min(places)
        if not (extent > 0 and math.isfinite(extent)):
            return [place + 0.0 for place in places]
        rounded = [round(place, _FINENESS - math.floor(math.log10(extent))) + 0.0 for place in places]
        if rounded == places:
            return rounded
        places = rounded


def _slabs(corners: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the polygon's sides by the horizontal slab that they reach into.

    Returns
    -------
    sides : (S, 5) float64, lower and upper end (y), the first corner's x and y, slope (x by y).
    starts : (_SLABS + 1,) int64, where each slab's sides begin.
    """
    others = np.roll(corners, -1, axis=0)
    rising = corners[:, 1] != others[:, 1]
    one, other = corners[rising], others[rising]
    slope = (other[:, 0] - one[:, 0]) / (other[:, 1] - one[:, 1])
    sides = np.stack(
        [np.minimum(one[:, 1], other[:, 1]), np.maximum(one[:, 1], other[:, 1]), one[:, 0], one[:, 1], slope], axis=1
    )
    low, high = corners[:, 1].min(), corners[:, 1].max()
    if not high > low:
        return np.zeros((0, 5)), np.zeros(_SLABS + 1, dtype=np.int64)
    scale = _SLABS / (high - low)
    first = np.clip(((sides[:, 0] - low) * scale).astype(np.int64), 0, _SLABS - 1)
    last = np.clip(((sides[:, 1] - low) * scale).astype(np.int64), 0, _SLABS - 1)
    by_slab = [np.flatnonzero((first <= slab) & (slab <= last)) for slab in range(_SLABS)]
    starts = np.concatenate([[0], np.cumsum([len(own) for own in by_slab])]).astype(np.int64)
    return np.ascontiguousarray(sides[np.concatenate(by_slab)]), starts


def _within(
    values: NDArray[np.float32], low: float, high: float, missing: int, also: int, out: NDArray[np.uint8]
) -> None:
    before = np.uint8(1 - also)
    for place in range(len(values)):
        value = values[place]
        kept = np.uint8((value >= low) & (value <= high)) | (np.uint8(value != value) & missing)
        out[place] = kept & (out[place] | before)


def _look_up(values: NDArray[np.float32], wanted: NDArray[np.uint8], also: int, out: NDArray[np.uint8]) -> None:
    """Look each client's number up in `wanted`, whose last two are for those without one and for any other number."""
    last = len(wanted) - 2
    before = np.uint8(1 - also)
    for place in range(len(values)):
        value = values[place]
        known = (value >= 0) & (value < last)
        number = np.int64(value) if known else last + np.int64(value == value)  # no branch: it can't be foreseen
        out[place] = wanted[number] & (out[place] | before)


def _draw(
    across: NDArray[np.float32],
    up: NDArray[np.float32],
    ends: NDArray[np.float64],
    sides: NDArray[np.float64],
    starts: NDArray[np.int64],
    also: int,
    out: NDArray[np.uint8],
) -> None:
    """Count the sides to the right of each client in the bounding box: an odd number of them is inside."""
    left, bottom, right, top = ends
    slabs = len(starts) - 1
    scale = slabs / (top - bottom) if top > bottom else 0.0
    before = np.uint8(1 - also)
    for place in range(len(across)):
        x, y = np.float64(across[place]), np.float64(up[place])
        kept = np.uint8(0)
        if x >= left and x <= right and y >= bottom and y <= top:
            slab = np.int64((y - bottom) * scale)
            if slab == slabs:
                slab -= 1
            for side in range(starts[slab], starts[slab + 1]):
                beside = (sides[side, 0] <= y) & (y < sides[side, 1])
                kept ^= np.uint8(beside & (x < sides[side, 2] + (y - sides[side, 3]) * sides[side, 4]))
        out[place] = kept & (out[place] | before)


@functools.cache
def _kernels() -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    values, out = array_of("float32"), array_of("uint8", written=True)
    bound, flag, double = array_of("float32", 0), array_of("uint8", 0), array_of("float64")
    return (
        compiled(_within, values, bound, bound, flag, flag, out),
        compiled(_look_up, values, array_of("uint8"), flag, out),
        compiled(_draw, values, values, double, array_of("float64", 2), array_of("int64"), flag, out),
    )
