"""Rows of a table reduced to one row per client: the statistics that features name, in one group-by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from data.features.feature import NAN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from data.features.feature import Feature

_SIZE = "size"


def reduce_rows(
    rows: pl.LazyFrame, key: str, features: Iterable[Feature], subsets: Mapping[str, tuple[str, str]] | None = None
) -> pl.LazyFrame:
    """Compute features for every value of `key`.

    Categories are counted, never spread into one-hot columns, and every feature is made of few statistics per group.

    Parameters
    ----------
    rows : a table read by `read_columns`, derived columns included. A feature reads the column it names: numbers are
        Float64, categories String.
    key : the identifier that groups rows; rows where it is null are dropped.
    features : what to compute.
    subsets : for each subset that features name, the column and the category that its rows have.

    Returns
    -------
    LazyFrame, one row per value of `key`, ascending: `key` and a Float64 column per feature under its name, null where
    missing.
    """
    subsets = subsets or {}
    wanted = tuple(features)
    restricted = {
        _column(feature): pl.when(_is(*subsets[feature.subset])).then(pl.col(feature.column))
        for feature in wanted
        if feature.subset is not None
    }
    statistics: dict[str, pl.Expr] = {_SIZE: pl.len()}
    for name, (column, category) in subsets.items():
        statistics[f"{name}:{_SIZE}"] = _is(column, category).sum()
    outputs = [_feature(feature, statistics).cast(pl.Float64).alias(feature.name) for feature in wanted]
    return (
        rows.filter(pl.col(key).is_not_null())
        .with_columns(**restricted)
        .sort(key, maintain_order=True)
        .group_by(key, maintain_order=True)
        .agg(**statistics)
        .select(key, *outputs)
    )


def _column(feature: Feature) -> str:
    return feature.column if feature.subset is None else f"{feature.subset}:{feature.column}"


def _is(column: str, category: str) -> pl.Expr:
    return pl.col(column) == category


def _feature(feature: Feature, statistics: dict[str, pl.Expr]) -> pl.Expr:
    """Return the feature as an expression on statistics of its group, adding to `statistics` those it needs."""
    if feature.aggregation in {"count", "size"}:
        return pl.col(_SIZE)
    if feature.category is not None:
        return _of_category(feature, statistics)
    return _of_numbers(feature, statistics)


def _of_category(feature: Feature, statistics: dict[str, pl.Expr]) -> pl.Expr:
    """Return what a feature tells of the indicator (0 or 1) of its category, from the number of rows that have it."""
    column, category = feature.column, feature.category
    assert category is not None
    name = f"{column}={category}"
    statistics[name] = pl.col(column).null_count() if category == NAN else _is(column, category).sum()
    count, size = pl.col(name).cast(pl.Float64), pl.col(_SIZE).cast(pl.Float64)
    match feature.aggregation:
        case "share":
            return count / size
        case "sum":
            return count
        case "min":
            return count == size
        case "max":
            return count > 0
        case "var":
            return pl.when(size > 1).then(count * (size - count) / (size * (size - 1)))
    raise ValueError(f"feature {feature.name}: {feature.aggregation} is not defined on a category")


def _of_numbers(feature: Feature, statistics: dict[str, pl.Expr]) -> pl.Expr:
    values = pl.col(_column(feature))
    name = f"{_column(feature)}~{feature.aggregation}"
    statistic = pl.col(name)
    match feature.aggregation:
        case "mean":
            statistics[name] = values.mean()
        case "min":
            statistics[name] = values.min()
        case "max":
            statistics[name] = values.max()
        case "var":
            statistics[name] = values.var(ddof=1)
            return _without_rounding(statistic, _column(feature), statistics)
        case "nunique":
            statistics[name] = values.n_unique() - (values.null_count() > 0).cast(pl.UInt32)
        case "sum":
            statistics[name] = values.sum()
            if feature.subset is not None:
                return pl.when(pl.col(f"{feature.subset}:{_SIZE}") > 0).then(statistic)
        case _:
            raise ValueError(f"feature {feature.name}: {feature.aggregation} is not defined on numbers")
    return statistic


def _without_rounding(variance: pl.Expr, column: str, statistics: dict[str, pl.Expr]) -> pl.Expr:
    """Return the variance, or exactly 0 where all values are equal and their mean was rounded off them."""
    statistics[f"{column}~min"] = pl.col(column).min()
    statistics[f"{column}~max"] = pl.col(column).max()
    equal = pl.col(f"{column}~min") == pl.col(f"{column}~max")
    return pl.when(equal & variance.is_finite()).then(0.0).otherwise(variance)
