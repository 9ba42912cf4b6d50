"""Features of the applications that the client made before: all of them, the approved ones and the refused ones."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from data import schema
from data.features.feature import NAN, Feature
from data.features.reduction import Reduced, reduce_rows
from data.features.source_columns import quotient, read_columns

if TYPE_CHECKING:
    import polars as pl

    from data.features.feature import Aggregation, Subset

TABLE = "previous_application"
ASKED_TO_GRANTED = "APP_CREDIT_PERC"
NUMBERS: dict[str, tuple[Aggregation, ...]] = {
    "AMT_ANNUITY": ("min", "max", "mean"),
    "AMT_APPLICATION": ("min", "max", "mean"),
    "AMT_CREDIT": ("min", "max", "mean"),
    ASKED_TO_GRANTED: ("min", "max", "mean", "var"),
    "AMT_DOWN_PAYMENT": ("min", "max", "mean"),
    "AMT_GOODS_PRICE": ("min", "max", "mean"),
    "HOUR_APPR_PROCESS_START": ("min", "max", "mean"),
    "RATE_DOWN_PAYMENT": ("min", "max", "mean"),
    "DAYS_DECISION": ("min", "max", "mean"),
    "CNT_PAYMENT": ("mean", "sum"),
}
SUBSETS = {"approved": ("NAME_CONTRACT_STATUS", "Approved"), "refused": ("NAME_CONTRACT_STATUS", "Refused")}


@functools.cache
def features() -> tuple[Feature, ...]:
    """Return the 249 features of previous_application, in their fixed order."""
    shares = (
        Feature(f"PREV_{column.name}_{value}_MEAN", "previous", TABLE, column.name, "share", category=value)
        for column in schema.table(TABLE).columns
        if column.kind == "category"
        for value in (*column.categories, NAN)
    )
    return (*_numbers("PREV", None), *shares, *_numbers("APPROVED", "approved"), *_numbers("REFUSED", "refused"))


def _numbers(prefix: str, subset: Subset | None) -> tuple[Feature, ...]:
    return tuple(
        Feature(f"{prefix}_{name}_{how.upper()}", "previous", TABLE, name, how, subset=subset)
        for name, aggregations in NUMBERS.items()
        for how in aggregations
    )


def reduce(table: pl.DataFrame | pl.LazyFrame) -> Reduced:
    """Compute the features of previous_application.

    Parameters
    ----------
    table : the raw table.

    Returns
    -------
    Reduced
        By SK_ID_CURR, for every client that applied before. A credit of 0 makes APP_CREDIT_PERC infinite, and with it
        the client's mean, while the variance is missing.
    """
    names = [schema.CLIENT_ID, *(feature.column for feature in features() if feature.column != ASKED_TO_GRANTED)]
    rows = read_columns(table, TABLE, names).with_columns(
        quotient("AMT_APPLICATION", "AMT_CREDIT").alias(ASKED_TO_GRANTED)
    )
    return reduce_rows(rows.collect(), schema.CLIENT_ID, features(), SUBSETS)
