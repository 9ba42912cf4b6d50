"""Rows of a table reduced to one row per client: the statistics that features name, each in one pass over its column.

Rows are brought into groups, one per client, in the order of their source inside each; a statistic is then a reduction
of every group's stretch of a column (`numpy.ufunc.reduceat`). It depends on the rows of the group alone.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from data.features.feature import NAN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from data.features.feature import Feature

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reduced:
    """The features of groups of rows.

    Attributes
    ----------
    keys : int64 (m,), what the rows of each group have in common, ascending.
    columns : the features by name, float64 (m,), NaN where missing.
    """

    keys: NDArray[np.int64]
    columns: dict[str, Floats]


def reduce_rows(
    rows: pl.DataFrame, key: str, features: Iterable[Feature], subsets: Mapping[str, tuple[str, str]] | None = None
) -> Reduced:
    """Compute features for every value of `key`.

    Categories are counted, never spread into one-hot columns, and what several features need is computed once.

    Parameters
    ----------
    rows : a table read by `read_columns`, derived columns included. A feature reads the column it names: numbers are
        Float64, a NaN being missing as a null is, categories String.
    key : the identifier that groups rows, Int64; rows where it is null are dropped.
    features : what to compute.
    subsets : for each subset that features name, the column and the category that its rows have.
    """
    wanted = tuple(features)
    groups = _Groups(rows.filter(pl.col(key).is_not_null()), key, wanted, subsets or {})
    if not len(groups.keys):
        return Reduced(groups.keys, {feature.name: np.empty(0) for feature in wanted})
    with np.errstate(all="ignore"):
        return Reduced(groups.keys, {feature.name: groups.feature(feature) for feature in wanted})


class _Groups:
    """Rows in the order of their key."""

    def __init__(
        self, rows: pl.DataFrame, key: str, features: Iterable[Feature], subsets: Mapping[str, tuple[str, str]]
    ) -> None:
        ids = rows[key].to_numpy()
        self._order: NDArray[np.intp] | None = None
        if not (ids[:-1] <= ids[1:]).all():
            self._order = np.argsort(ids, kind="stable")
            ids = ids[self._order]
        first = np.ones(len(ids), bool)
        np.not_equal(ids[:-1], ids[1:], out=first[1:])
        self.starts = np.flatnonzero(first)
        self.sizes = np.diff(self.starts, append=len(ids))
        self.keys: NDArray[np.int64] = ids[self.starts]
        self._rows = rows
        self._subsets = subsets
        self._categories: dict[str, list[str]] = {}
        for column, category in [*((one.column, one.category) for one in features), *subsets.values()]:
            known = self._categories.setdefault(column, [])
            if category is not None and category != NAN and category not in known:
                known.append(category)
        self._numbers: dict[tuple[str, str | None], _Numbers] = {}
        self._counts: dict[str, NDArray[np.int64]] = {}

    def feature(self, feature: Feature) -> Floats:
        """Return a feature of every group, float64 (m,), NaN where missing."""
        if feature.aggregation in {"count", "size"}:
            return self.sizes.astype(np.float64)
        if feature.category is not None:
            return self._of_category(feature)
        subset = feature.subset
        numbers = self._numbers_of(feature.column, subset)
        match feature.aggregation:
            case "mean":
                return numbers.mean
            case "min":
                return numbers.least
            case "max":
                return numbers.greatest
            case "var":
                return numbers.variance
            case "nunique":
                return numbers.distinct
            case "sum" if subset is None:
                return numbers.sum
            case "sum" if subset is not None:
                return np.where(self._count(*self._subsets[subset]) > 0, numbers.sum, np.nan)
        raise ValueError(f"feature {feature.name}: {feature.aggregation} is not defined on numbers")

    def _of_category(self, feature: Feature) -> Floats:
        """Return what a feature tells of the indicator (0 or 1) of its category, from the number of rows that have it.

        The variance is that of a sample of zeros and ones.
        """
        assert feature.category is not None
        count = self._count(feature.column, feature.category).astype(np.float64)
        size = self.sizes.astype(np.float64)
        match feature.aggregation:
            case "share":
                return count / size
            case "sum":
                return count
            case "min":
                return np.equal(count, size).astype(np.float64)
            case "max":
                return np.greater(count, 0).astype(np.float64)
            case "var":
                variance: Floats = np.where(size > 1, count * (size - count) / (size * (size - 1)), np.nan)
                return variance
        raise ValueError(f"feature {feature.name}: {feature.aggregation} is not defined on a category")

    def _numbers_of(self, column: str, subset: str | None) -> _Numbers:
        if (column, subset) not in self._numbers:
            values = self._sorted(self._rows[column].to_numpy())
            if subset is not None:
                values = np.where(self._belongs[subset], values, np.nan)
            self._numbers[column, subset] = _Numbers(values, self.starts, self.sizes)
        return self._numbers[column, subset]

    @functools.cached_property
    def _belongs(self) -> dict[str, NDArray[np.bool_]]:
        return {
            name: self._codes(column) == self._categories[column].index(category)
            for name, (column, category) in self._subsets.items()
        }

    def _count(self, column: str, category: str) -> NDArray[np.int64]:
        """Return how many rows of each group have a category, int64 (m,)."""
        known = self._categories[column]
        if column not in self._counts:
            kinds = len(known) + 2
            groups = np.repeat(np.arange(len(self.keys)) * kinds, self.sizes)
            counts = np.bincount(groups + self._codes(column), minlength=len(self.keys) * kinds)
            self._counts[column] = counts.reshape(-1, kinds)
        return self._counts[column][:, len(known) if category == NAN else known.index(category)]

    def _codes(self, column: str) -> NDArray[np.intp]:
        """Return the category of each row: its rank among those wanted, then one for missing and one for others."""
        known = self._categories[column]
        values = self._rows[column]
        codes = values.cast(pl.Enum(known), strict=False).to_physical().cast(pl.Int64)
        if codes.null_count() > values.null_count():
            codes = codes.set(codes.is_null() & values.is_not_null(), len(known) + 1)
        return self._sorted(codes.fill_null(len(known)).to_numpy())

    def _sorted(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if self._order is None else values[self._order]


class _Numbers:
    """The numbers of a column by group: `starts`, int (m,), says where each begins, `sizes` how many rows it has.

    A NaN is missing. Every statistic is float64 (m,), NaN where it is not defined.
    """

    def __init__(self, values: Floats, starts: NDArray[np.intp], sizes: NDArray[np.intp]) -> None:
        self._values = values
        self._starts = starts
        self._sizes = sizes
        missing = np.isnan(values)
        self._missing = missing if missing.any() else None

    @functools.cached_property
    def count(self) -> Floats:
        """How many there are."""
        sizes = self._sizes.astype(np.float64)
        if self._missing is None:
            return sizes
        missing: Floats = np.add.reduceat(self._missing, self._starts, dtype=np.float64)
        return sizes - missing

    @functools.cached_property
    def sum(self) -> Floats:
        """0 where there are none."""
        return self._sums(self._values)

    @functools.cached_property
    def mean(self) -> Floats:
        """Their mean."""
        return self.sum / self.count

    @functools.cached_property
    def least(self) -> Floats:
        """The least."""
        least: Floats = np.fmin.reduceat(self._values, self._starts)
        return least

    @functools.cached_property
    def greatest(self) -> Floats:
        """The greatest."""
        greatest: Floats = np.fmax.reduceat(self._values, self._starts)
        return greatest

    @functools.cached_property
    def variance(self) -> Floats:
        """That of a sample; exactly 0 where all are equal, though their mean may be rounded off them."""
        variance = self._sums((self._values - np.repeat(self.mean, self._sizes)) ** 2) / (self.count - 1)
        variance[self.count < 2] = np.nan
        variance[(self.least == self.greatest) & np.isfinite(variance)] = 0.0
        return variance

    @functools.cached_property
    def distinct(self) -> Floats:
        """How many different ones there are."""
        groups = np.repeat(np.arange(len(self._starts)), self._sizes)
        pairs = pl.DataFrame({"group": groups, "value": self._values}).filter(pl.col("value").is_not_nan()).unique()
        return np.bincount(pairs["group"].to_numpy(), minlength=len(self._starts)).astype(np.float64)

    def _sums(self, values: Floats) -> Floats:
        """Return the sums of values that are missing where the numbers are."""
        sums: Floats = np.add.reduceat(
            values if self._missing is None else np.where(self._missing, 0.0, values), self._starts
        )
        return sums
