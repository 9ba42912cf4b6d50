"""Rows of a table reduced to one row per client: the statistics that features name, from one pass over each column.

Rows are brought into groups, one per client, in the order of their source inside each; what is told of a group is then
told of a stretch of every column (`data.features.stretches`). It depends on the rows of the group alone.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from data.features.feature import NAN
from data.features.stretches import count_codes, count_distinct, describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from data.features.feature import Feature
    from data.features.stretches import Described

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
    if rows[key].null_count():
        rows = rows.filter(pl.col(key).is_not_null())
    groups = _Groups(rows, key, wanted, subsets or {})
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
        self._starts = np.flatnonzero(first)
        self._sizes = np.diff(self._starts, append=len(ids))
        self.keys: NDArray[np.int64] = ids[self._starts]
        self._rows = rows
        self._subsets = subsets
        self._categories: dict[str, list[str]] = {}
        self._varying: set[tuple[str, str | None]] = set()
        for one in features:
            if one.category is None and one.aggregation == "var":
                self._varying.add((one.column, one.subset))
        for column, category in [*((one.column, one.category) for one in features), *subsets.values()]:
            known = self._categories.setdefault(column, [])
            if category is not None and category != NAN and category not in known:
                known.append(category)
        self._described: dict[tuple[str, str | None], Described] = {}
        self._counts: dict[str, NDArray[np.int64]] = {}
        self._coded: dict[str, NDArray[np.uint16]] = {}

    def feature(self, feature: Feature) -> Floats:
        """Return a feature of every group, float64 (m,), NaN where missing."""
        if feature.aggregation in {"count", "size"}:
            return self._sizes.astype(np.float64)
        if feature.category is not None:
            return self._of_category(feature)
        if feature.aggregation == "nunique":
            return count_distinct(self._values(feature.column), self._starts)
        subset = feature.subset
        numbers = self._describe(feature)
        match feature.aggregation:
            case "mean":
                return numbers.sum / numbers.count
            case "min":
                return numbers.least
            case "max":
                return numbers.greatest
            case "var":
                return numbers.variance
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
        size = self._sizes.astype(np.float64)
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

    def _describe(self, feature: Feature) -> Described:
        one = (feature.column, feature.subset)
        if one not in self._described:
            self._described[one] = describe(
                self._values(feature.column),
                self._starts,
                None if feature.subset is None else self._belongs[feature.subset],
                variance=one in self._varying,
            )
        return self._described[one]

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
            self._counts[column] = count_codes(self._codes(column), self._starts, len(known) + 2)
        return self._counts[column][:, len(known) if category == NAN else known.index(category)]

    def _codes(self, column: str) -> NDArray[np.uint16]:
        """Return the category of each row: its rank among those wanted, then one for missing and one for others."""
        if column not in self._coded:
            known = self._categories[column]
            values = self._rows[column]
            codes = values.cast(pl.Enum(known), strict=False).to_physical().cast(pl.UInt16)
            if codes.null_count() > values.null_count():
                codes = codes.set(codes.is_null() & values.is_not_null(), len(known) + 1)
            self._coded[column] = self._sorted(codes.fill_null(len(known)).to_numpy())
        return self._coded[column]

    def _values(self, column: str) -> Floats:
        """Return the numbers of each row, NaN where missing."""
        return self._sorted(self._rows[column].fill_null(np.nan).to_numpy())

    def _sorted(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if self._order is None else values[self._order]
