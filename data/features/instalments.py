"""Features of the instalments due and paid on the client's earlier credits."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import polars as pl

from data import schema
from data.features.feature import DERIVED, Feature
from data.features.reduction import Reduced, reduce_rows
from data.features.source_columns import quotient, read_columns

if TYPE_CHECKING:
    from data.features.feature import Aggregation

TABLE = "installments_payments"
NUMBERS: dict[str, tuple[Aggregation, ...]] = {
    "NUM_INSTALMENT_VERSION": ("nunique",),
    "DPD": ("max", "mean", "sum"),
    "DBD": ("max", "mean", "sum"),
    "PAYMENT_PERC": ("max", "mean", "sum", "var"),
    "PAYMENT_DIFF": ("max", "mean", "sum", "var"),
    "AMT_INSTALMENT": ("max", "mean", "sum"),
    "AMT_PAYMENT": ("min", "max", "mean", "sum"),
    "DAYS_ENTRY_PAYMENT": ("max", "mean", "sum"),
}


@functools.cache
def features() -> tuple[Feature, ...]:
    """Return the 26 features of installments_payments, in their fixed order."""
    numbers = (
        Feature(f"INSTAL_{name}_{how.upper()}", "instalments", TABLE, name, how)
        for name, aggregations in NUMBERS.items()
        for how in aggregations
    )
    return (*numbers, Feature("INSTAL_COUNT", "instalments", TABLE, "COUNT", "count"))


def reduce(table: pl.DataFrame | pl.LazyFrame) -> Reduced:
    """Compute the features of installments_payments.

    Days past due and days before due are never negative, and are 0 where nothing was paid.

    Parameters
    ----------
    table : the raw table.

    Returns
    -------
    Reduced
        By SK_ID_CURR, for every client that has an instalment.
    """
    names = [name for name in NUMBERS if f"{TABLE}.{name}" not in DERIVED]
    # the difference of two infinities is no number, and missing, while Polars takes a NaN for greater than all
    late = (pl.col("DAYS_ENTRY_PAYMENT") - pl.col("DAYS_INSTALMENT")).fill_nan(None)
    rows = read_columns(table, TABLE, [schema.CLIENT_ID, "DAYS_INSTALMENT", *names]).with_columns(
        DPD=pl.when(late > 0).then(late).otherwise(0.0),
        DBD=pl.when(late < 0).then(-late).otherwise(0.0),
        PAYMENT_PERC=quotient("AMT_PAYMENT", "AMT_INSTALMENT"),
        PAYMENT_DIFF=pl.col("AMT_INSTALMENT") - pl.col("AMT_PAYMENT"),
    )
    return reduce_rows(rows.collect(), schema.CLIENT_ID, features())
