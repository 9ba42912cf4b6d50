"""What is told of every stretch of a column, in one pass over it: compiled, once for a machine.

The sums are Kahan's and the variances Welford's, as in pandas: exact where values cancel out or are all but equal.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data.compiling import column, compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Described:
    """The numbers of every stretch, float64 (m,) each; NaN where there are none, or too few for a variance.

    Attributes
    ----------
    count : how many there are.
    sum : 0 where there are none.
    least, greatest : the extremes.
    variance : that of a sample, missing below two; NaN everywhere where it wasn't asked for.
    """

    count: Floats
    sum: Floats
    least: Floats
    greatest: Floats
    variance: Floats


def prepare() -> None:
    """Compile what is compiled, or read it from the disk where that was done before; else the first call does so."""
    _compiled()


def describe(
    values: Floats, starts: NDArray[np.int64], kept: NDArray[np.bool_] | None = None, *, variance: bool = False
) -> Described:
    """Describe every stretch of a column.

    Parameters
    ----------
    values : float64 (n,), C-contiguous; a NaN is missing.
    starts : int64 (m,), where each stretch begins, ascending from 0; it ends where the next begins.
    kept : bool (n,), which values count; all unless given.
    variance : whether the variance is wanted.
    """
    found = np.empty((5, len(starts)))
    everything = np.empty(0, np.bool_)
    _compiled().describe(values, starts, everything if kept is None else kept, variance, found)
    return Described(*found)


def count_codes(codes: NDArray[np.uint16], starts: NDArray[np.int64], kinds: int) -> NDArray[np.int64]:
    """Return how often each code, from 0 to `kinds` - 1, stands in every stretch of a column, int64 (m, kinds)."""
    counts = np.zeros((len(starts), kinds), np.int64)
    _compiled().count_codes(codes, starts, counts)
    return counts


def count_distinct(values: Floats, starts: NDArray[np.int64]) -> Floats:
    """Return how many different numbers stand in every stretch of a column, float64 (m,); a NaN is missing."""
    found = np.empty(len(starts))
    _compiled().count_distinct(values, starts, found)
    return found


def _describe(
    values: Floats, starts: NDArray[np.int64], kept: NDArray[np.bool_], variance: bool, found: Floats
) -> None:
    everything = len(kept) == 0
    for stretch in range(len(starts)):
        stop = starts[stretch + 1] if stretch + 1 < len(starts) else len(values)
        count = 0
        total = 0.0
        lost = 0.0
        mean = 0.0
        squares = 0.0
        least = np.inf
        greatest = -np.inf
        for row in range(starts[stretch], stop):
            value = values[row]
            if np.isnan(value) or not (everything or kept[row]):
                continue
            count += 1
            least = min(least, value)
            greatest = max(greatest, value)
            step = value - lost
            grown = total + step
            lost = (grown - total) - step
            total = grown
            if np.isnan(lost):  # an infinity has nothing to lose
                lost = 0.0
            if variance:
                before = value - mean
                mean += before / count
                squares += (value - mean) * before
        found[0, stretch] = count
        found[1, stretch] = total
        found[2, stretch] = least if count else np.nan
        found[3, stretch] = greatest if count else np.nan
        found[4, stretch] = squares / (count - 1) if variance and count > 1 else np.nan


def _count_codes(codes: NDArray[np.uint16], starts: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
    for stretch in range(len(starts)):
        stop = starts[stretch + 1] if stretch + 1 < len(starts) else len(codes)
        for row in range(starts[stretch], stop):
            counts[stretch, codes[row]] += 1


def _count_distinct(values: Floats, starts: NDArray[np.int64], found: Floats) -> None:
    for stretch in range(len(starts)):
        stop = starts[stretch + 1] if stretch + 1 < len(starts) else len(values)
        some = np.sort(values[starts[stretch] : stop])  # a NaN comes last
        count = 0
        for row in range(len(some)):
            if not np.isnan(some[row]) and (row == 0 or some[row] != some[row - 1]):
                count += 1
        found[stretch] = count


class _Compiled(NamedTuple):
    describe: Callable[..., None]
    count_codes: Callable[..., None]
    count_distinct: Callable[..., None]


@functools.cache
def _compiled() -> _Compiled:
    numbers, starts = column("float64"), column("int64")
    found = column("float64", 2, written=True)
    return _Compiled(
        compiled(_describe, numbers, starts, column("boolean"), column("boolean", 0), found),
        compiled(_count_codes, column("uint16"), starts, column("int64", 2, written=True)),
        compiled(_count_distinct, numbers, starts, column("float64", written=True)),
    )
