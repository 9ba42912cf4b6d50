"""Two segments side by side: who is in them, how they turn out, and what sets the one apart from the other."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from data.compiling import column as array_of
from data.compiling import compiled
from data.cores import threads
from explain.crossfilter.counts import Counts
from explain.crossfilter.listing import positions_of
from explain.crossfilter.population import DEFAULT, LABELLED, REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from explain.crossfilter.population import Column, Population


@dataclass(frozen=True, slots=True)
class Difference:
    """How the clients of two segments, a and b, differ in one column. Whoever has no value is counted apart.

    Attributes
    ----------
    column : its key.
    clients : of a and of b, with a value.
    missing : share in [0, 1] of a and of b without one; NaN where the segment is empty.
    delta : Cliff's delta of a measure, in [-1, 1]: the chance that a client of a has more than one of b, less the
        chance that it has less, both drawn from those with a value; infinities are values. None for categories, and
        where one of the two has no value.
    medians : of a measure, in the column's unit; the lower of the middle two where their mean is no number. None for
        categories, NaN where there is no value.
    distance : total variation distance of categories, in [0, 1]: the share of one segment that would have to be of
        another category for the two to be alike. None for a measure, and where one of the two has no value.
    category : the category whose shares differ most, the first of several; None where `distance` is.
    shares : of that category, in [0, 1], among the clients of a and of b with a value; None where `distance` is.

    Source: N. Cliff, "Dominance statistics: ordinal analyses to answer ordinal questions", 1993,
    doi:10.1037/0033-2909.114.3.494.
    """

    column: str
    clients: tuple[int, int]
    missing: tuple[float, float]
    delta: float | None = None
    medians: tuple[float, float] | None = None
    distance: float | None = None
    category: str | None = None
    shares: tuple[float, float] | None = None

    @property
    def auc(self) -> float | None:
        """Chance, in [0, 1], that a client of a has more than one of b, half of those with the same counted."""
        return None if self.delta is None else (self.delta + 1.0) / 2.0

    @property
    def missing_gap(self) -> float:
        """Share of a without a value less that of b, in [-1, 1]; 0 where one of them is empty."""
        gap = self.missing[0] - self.missing[1]
        return gap if np.isfinite(gap) else 0.0

    @property
    def strength(self) -> float:
        """How far the two are apart, in [0, 1]: in their values, or in how many have one, whichever is more."""
        return max(self._in_values, abs(self.missing_gap))

    @property
    def mostly_missing(self) -> bool:
        """Whether the two are further apart in how many have a value than in the values."""
        return abs(self.missing_gap) > self._in_values

    @property
    def _in_values(self) -> float:
        return abs(self.delta or self.distance or 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class SegmentComparison:
    """Two segments, a and b, side by side. Their names are the caller's.

    Attributes
    ----------
    a, b, both, everyone : counts of shape (), of the clients of a, of b, of both at once, and of the whole population.
    differences : one a column asked for, the strongest first, then in the order asked for.
    """

    a: Counts
    b: Counts
    both: Counts
    everyone: Counts
    differences: tuple[Difference, ...]

    @property
    def overlap(self) -> bool:
        """Whether some clients are in both: the two are not independent then, and no interval is told."""
        return bool(self.both.clients)

    @property
    def risk_difference(self) -> float:
        """Default rate of a less that of b, in [-1, 1]; NaN where one of them has nobody whose outcome is known."""
        return float(self.a.default_rate - self.b.default_rate)

    @property
    def risk_interval(self) -> tuple[float, float] | None:
        """The ends of the 95 % interval of `risk_difference`; None where the two overlap, or where it is NaN.

        Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions", 1998,
        method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
        """
        if self.overlap or np.isnan(self.risk_difference):
            return None
        rate_a, rate_b = float(self.a.default_rate), float(self.b.default_rate)
        (low_a, high_a), (low_b, high_b) = (map(float, one.default_interval()) for one in (self.a, self.b))
        difference = rate_a - rate_b
        low = difference - np.hypot(rate_a - low_a, high_b - rate_b)
        high = difference + np.hypot(high_a - rate_a, rate_b - low_b)
        return max(float(low), -1.0), min(float(high), 1.0)

    @property
    def score_difference(self) -> float:
        """Mean score of a less that of b, in [-1, 1]; NaN where one of them is empty."""
        return float(self.a.mean_score - self.b.mean_score)

    def frame(self) -> pl.DataFrame:
        """Return one row a column, the strongest difference first: what `Difference` holds, null where it is None."""
        return pl.DataFrame(
            [
                {
                    "column": one.column,
                    "strength": one.strength,
                    "clients_a": one.clients[0],
                    "clients_b": one.clients[1],
                    "missing_a": one.missing[0],
                    "missing_b": one.missing[1],
                    "delta": one.delta,
                    "auc": one.auc,
                    "median_a": None if one.medians is None else one.medians[0],
                    "median_b": None if one.medians is None else one.medians[1],
                    "distance": one.distance,
                    "category": one.category,
                    "share_a": None if one.shares is None else one.shares[0],
                    "share_b": None if one.shares is None else one.shares[1],
                }
                for one in self.differences
            ],
            schema={
                **dict.fromkeys(("column",), pl.String), "strength": pl.Float64,
                **dict.fromkeys(("clients_a", "clients_b"), pl.Int64),
                **dict.fromkeys(
                    ("missing_a", "missing_b", "delta", "auc", "median_a", "median_b", "distance"), pl.Float64
                ),
                "category": pl.String, "share_a": pl.Float64, "share_b": pl.Float64,
            },
        )  # fmt: skip


def compare(
    population: Population, a: NDArray[np.bool_], b: NDArray[np.bool_], features: Sequence[str]
) -> SegmentComparison:
    """Return two segments side by side.

    To set a segment against everybody else, give `~a` as b.

    Parameters
    ----------
    population : all n clients.
    a, b : (n,) bool, the clients of each; they may overlap.
    features : keys of the columns to compare them in; one named twice is compared once.

    Raises
    ------
    UnknownColumn
        A column that the population doesn't have.
    InvalidOption
        A mask of other clients.
    """
    places = positions_of(population, a), positions_of(population, b)
    _compiled()

    def one(key: str) -> Difference:
        return _difference(population.column(key), places)

    with ThreadPoolExecutor(threads()) as pool:
        differences = list(pool.map(one, dict.fromkeys(features)))
    return SegmentComparison(
        a=counts_of(population, places[0]),
        b=counts_of(population, places[1]),
        both=counts_of(population, np.flatnonzero(a & b)),
        everyone=counts_of(population, slice(None)),
        differences=tuple(sorted(differences, key=lambda found: -found.strength)),
    )


def counts_of(population: Population, chosen: NDArray[np.intp] | slice) -> Counts:
    """Return the counts, of shape (), of the clients at some rows."""
    outcome = population.outcome[chosen]
    labelled = (outcome & LABELLED) != 0
    return Counts(
        clients=np.asarray(outcome.size),
        refused=np.asarray(np.count_nonzero(outcome & REFUSED)),
        labelled=np.asarray(np.count_nonzero(labelled)),
        defaults=np.asarray(np.count_nonzero(labelled & ((outcome & DEFAULT) != 0))),
        score=np.asarray(population.score[chosen].sum()),
    )


def _difference(column: Column, places: tuple[NDArray[np.intp], NDArray[np.intp]]) -> Difference:
    a, b = (column.values[chosen] for chosen in places)
    if column.categories is None:
        return _of_a_measure(column.key, a, b)
    return _of_categories(column.key, column.categories, a, b)


def _of_a_measure(key: str, a: NDArray[np.float32], b: NDArray[np.float32]) -> Difference:
    known_a, known_b = _ordered(a), _ordered(b)
    return Difference(
        key,
        clients=(known_a.size, known_b.size),
        missing=(_missing(known_a.size, a.size), _missing(known_b.size, b.size)),
        delta=cliffs_delta(known_a, known_b) if known_a.size and known_b.size else None,
        medians=(_median(known_a), _median(known_b)),
    )


def _of_categories(key: str, categories: tuple[str, ...], a: NDArray[np.float32], b: NDArray[np.float32]) -> Difference:
    counts_a, counts_b = (_by_category(values, len(categories)) for values in (a, b))
    known_a, known_b = int(counts_a.sum()), int(counts_b.sum())
    found = Difference(key, clients=(known_a, known_b), missing=(_missing(known_a, a.size), _missing(known_b, b.size)))
    if not (known_a and known_b):
        return found
    shares_a, shares_b = counts_a / known_a, counts_b / known_b
    gaps = np.abs(shares_a - shares_b)
    most = int(gaps.argmax())
    return replace(
        found,
        distance=float(gaps.sum() / 2.0),
        category=categories[most],
        shares=(float(shares_a[most]), float(shares_b[most])),
    )


def cliffs_delta(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the share of the pairs in which a value of `a` is more than one of `b`, less that in which it is less.

    Parameters
    ----------
    a, b : float32 (m,) and (k,), ascending, neither empty nor with NaN.
    """
    found = np.zeros(2, dtype=np.int64)
    _compiled()(np.ascontiguousarray(a), np.ascontiguousarray(b), found)
    return (int(found[0]) - int(found[1])) / (a.size * b.size)


def _pairs(a: NDArray[np.float32], b: NDArray[np.float32], out: NDArray[np.int64]) -> None:
    """Count the pairs in which the value of `a` is more, and those in which it is less, exactly, in one pass."""
    below = level = 0
    for value in a:
        while below < len(b) and b[below] < value:
            below += 1
        level = max(level, below)
        while level < len(b) and b[level] == value:
            level += 1
        out[0] += below
        out[1] += len(b) - level


@functools.cache
def _compiled() -> Callable[..., None]:
    values = array_of("float32")
    return compiled(_pairs, values, values, array_of("int64", written=True))


def _ordered(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the values there are, ascending."""
    ordered = np.sort(values)
    return ordered[: values.size - int(np.count_nonzero(np.isnan(values)))]


def _by_category(values: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return how many clients have each category."""
    return np.bincount(values[~np.isnan(values)].astype(np.intp), minlength=count).astype(np.int64)


def _missing(known: int, clients: int) -> float:
    return (clients - known) / clients if clients else float("nan")


def _median(ordered: NDArray[np.float32]) -> float:
    if not ordered.size:
        return float("nan")
    low, high = float(ordered[(ordered.size - 1) // 2]), float(ordered[ordered.size // 2])
    return low if low == high or (np.isinf(low) and np.isinf(high)) else low / 2 + high / 2
