"""Features of the credits that other lenders reported to the credit bureau, and of their monthly balances."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from data import schema
from data.features.feature import NAN, Feature
from data.features.reduction import Reduced, reduce_rows
from data.features.source_columns import read_columns
from data.id_index import IdIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.features.feature import Aggregation, Subset

TABLE = "bureau"
BALANCE = "bureau_balance"
CREDIT_ID = "SK_ID_BUREAU"
NUMBERS: dict[str, tuple[Aggregation, ...]] = {
    "DAYS_CREDIT": ("min", "max", "mean", "var"),
    "DAYS_CREDIT_ENDDATE": ("min", "max", "mean"),
    "DAYS_CREDIT_UPDATE": ("mean",),
    "CREDIT_DAY_OVERDUE": ("max", "mean"),
    "AMT_CREDIT_MAX_OVERDUE": ("mean",),
    "AMT_CREDIT_SUM": ("max", "mean", "sum"),
    "AMT_CREDIT_SUM_DEBT": ("max", "mean", "sum"),
    "AMT_CREDIT_SUM_OVERDUE": ("mean",),
    "AMT_CREDIT_SUM_LIMIT": ("mean", "sum"),
    "AMT_ANNUITY": ("max", "mean"),
    "CNT_CREDIT_PROLONG": ("sum",),
}
MONTHS: tuple[tuple[str, str, Aggregation], ...] = (
    ("MONTHS_BALANCE_MIN", "MONTHS_BALANCE", "min"),
    ("MONTHS_BALANCE_MAX", "MONTHS_BALANCE", "max"),
    ("MONTHS_BALANCE_SIZE", "MONTHS_BALANCE_SIZE", "mean"),
    ("MONTHS_BALANCE_SIZE", "MONTHS_BALANCE_SIZE", "sum"),
)
"""What is known of the months of one credit, the column it comes from, and how the credits of a client are reduced."""

CATEGORIES = ("CREDIT_ACTIVE", "CREDIT_CURRENCY", "CREDIT_TYPE")
SUBSETS = {"active": ("CREDIT_ACTIVE", "Active"), "closed": ("CREDIT_ACTIVE", "Closed")}


@functools.cache
def features() -> tuple[Feature, ...]:
    """Return the 116 features of bureau and bureau_balance, in their fixed order."""
    table = schema.table(TABLE)
    shares = [
        Feature(f"BURO_{name}_{value}_MEAN", "bureau", TABLE, name, "share", category=value)
        for name in CATEGORIES
        for value in (*table.column(name).categories, NAN)
    ]
    status = [
        Feature(f"BURO_STATUS_{value}_MEAN_MEAN", "bureau", BALANCE, "STATUS", "share", category=value)
        for value in (*schema.table(BALANCE).column("STATUS").categories, NAN)
    ]
    return (
        *_numbers("BURO", None),
        *shares,
        *status,
        *_numbers("ACTIVE", "active"),
        *_numbers("CLOSED", "closed"),
    )


def _numbers(prefix: str, subset: Subset | None) -> tuple[Feature, ...]:
    own = (
        Feature(f"{prefix}_{name}_{how.upper()}", "bureau", TABLE, name, how, subset=subset)
        for name, aggregations in NUMBERS.items()
        for how in aggregations
    )
    months = (
        Feature(f"{prefix}_{known}_{how.upper()}", "bureau", BALANCE, column, how, subset=subset)
        for known, column, how in MONTHS
    )
    return (*own, *months)


def reduce(table: pl.DataFrame | pl.LazyFrame, balance: pl.DataFrame | pl.LazyFrame | None) -> Reduced:
    """Compute the features of bureau and, where it is there, bureau_balance.

    Parameters
    ----------
    table : the raw bureau table.
    balance : the raw bureau_balance table, or None where it is absent. Its rows of credits that are not in `table` are
        ignored.

    Returns
    -------
    Reduced
        By SK_ID_CURR, for every client that has a credit.
    """
    names = [schema.CLIENT_ID, CREDIT_ID, *CATEGORIES, *NUMBERS]
    rows = read_columns(table, TABLE, names).collect()
    if balance is None:
        return reduce_rows(rows, schema.CLIENT_ID, [f for f in features() if f.table == TABLE], SUBSETS)
    months = _reduce_balance(read_columns(balance, BALANCE, schema.table(BALANCE).column_names).collect())
    at = IdIndex(months.keys).find(rows[CREDIT_ID].fill_null(-1).to_numpy())
    rows = rows.with_columns(pl.Series(name, _taken(values, at)) for name, values in months.columns.items())
    return reduce_rows(rows, schema.CLIENT_ID, [_on_joined_rows(feature) for feature in features()], SUBSETS)


def _reduce_balance(rows: pl.DataFrame) -> Reduced:
    """Reduce months to one row per credit: the share of them in each status, the first, the last and their number."""
    shares = [
        Feature(_share_column(feature), "bureau", BALANCE, "STATUS", "share", category=feature.category)
        for feature in features()
        if feature.column == "STATUS"
    ]
    months = [
        Feature("MONTHS_BALANCE_MIN", "bureau", BALANCE, "MONTHS_BALANCE", "min"),
        Feature("MONTHS_BALANCE_MAX", "bureau", BALANCE, "MONTHS_BALANCE", "max"),
        Feature("MONTHS_BALANCE_SIZE", "bureau", BALANCE, "MONTHS_BALANCE", "size"),
    ]
    return reduce_rows(rows, CREDIT_ID, [*shares, *months])


def _taken(values: NDArray[np.float64], at: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the values at some places, NaN where a place is -1."""
    return np.append(values, np.nan)[at]


def _share_column(feature: Feature) -> str:
    return f"STATUS={feature.category}"


def _on_joined_rows(feature: Feature) -> Feature:
    """Return the feature as it reads bureau rows once `_reduce_balance` is joined to them."""
    if feature.table == TABLE:
        return feature
    if feature.column == "STATUS":
        return Feature(feature.name, "bureau", BALANCE, _share_column(feature), "mean")
    column = (
        feature.column if feature.column == "MONTHS_BALANCE_SIZE" else f"{feature.column}_{feature.aggregation.upper()}"
    )
    return Feature(feature.name, "bureau", BALANCE, column, feature.aggregation, subset=feature.subset)
