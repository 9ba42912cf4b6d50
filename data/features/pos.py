"""Features of the monthly balances of the client's earlier point-of-sale and cash loans."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from data import schema
from data.features.feature import NAN, Feature
from data.features.reduction import Reduced, reduce_rows
from data.features.source_columns import read_columns

if TYPE_CHECKING:
    import polars as pl

    from data.features.feature import Aggregation

TABLE = "POS_CASH_balance"
STATUS = "NAME_CONTRACT_STATUS"
NUMBERS: dict[str, tuple[Aggregation, ...]] = {
    "MONTHS_BALANCE": ("max", "mean", "size"),
    "SK_DPD": ("max", "mean"),
    "SK_DPD_DEF": ("max", "mean"),
}


@functools.cache
def features() -> tuple[Feature, ...]:
    """Return the 18 features of POS_CASH_balance, in their fixed order."""
    numbers = (
        Feature(f"POS_{name}_{how.upper()}", "pos", TABLE, name, how)
        for name, aggregations in NUMBERS.items()
        for how in aggregations
    )
    shares = (
        Feature(f"POS_{STATUS}_{value}_MEAN", "pos", TABLE, STATUS, "share", category=value)
        for value in (*schema.table(TABLE).column(STATUS).categories, NAN)
    )
    return (*numbers, *shares, Feature("POS_COUNT", "pos", TABLE, "COUNT", "count"))


def reduce(table: pl.DataFrame | pl.LazyFrame) -> Reduced:
    """Compute the features of POS_CASH_balance.

    Parameters
    ----------
    table : the raw table.

    Returns
    -------
    Reduced
        By SK_ID_CURR, for every client that has a balance.
    """
    rows = read_columns(table, TABLE, [schema.CLIENT_ID, *NUMBERS, STATUS]).collect()
    return reduce_rows(rows, schema.CLIENT_ID, features())
