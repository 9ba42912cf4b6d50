"""Features of the monthly balances of the client's earlier credit cards."""

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

TABLE = "credit_card_balance"
STATUS = "NAME_CONTRACT_STATUS"
AGGREGATIONS: tuple[Aggregation, ...] = ("min", "max", "mean", "sum", "var")


@functools.cache
def features() -> tuple[Feature, ...]:
    """Return the 141 features of credit_card_balance, in their fixed order."""
    columns = schema.table(TABLE).columns
    numbers = (
        Feature(f"CC_{column.name}_{how.upper()}", "card", TABLE, column.name, how)
        for column in columns
        if column.kind not in {"identifier", "category"}
        for how in AGGREGATIONS
    )
    indicators = (
        Feature(
            f"CC_{STATUS}_{value}_{how.upper()}",
            "card",
            TABLE,
            STATUS,
            "share" if how == "mean" else how,
            category=value,
        )
        for value in (*schema.table(TABLE).column(STATUS).categories, NAN)
        for how in AGGREGATIONS
    )
    return (*numbers, *indicators, Feature("CC_COUNT", "card", TABLE, "COUNT", "count"))


def reduce(table: pl.DataFrame | pl.LazyFrame) -> Reduced:
    """Compute the features of credit_card_balance.

    Parameters
    ----------
    table : the raw table.

    Returns
    -------
    Reduced
        By SK_ID_CURR, for every client that has a card balance.
    """
    names = [schema.CLIENT_ID, *(feature.column for feature in features() if feature.name != "CC_COUNT")]
    return reduce_rows(read_columns(table, TABLE, names).collect(), schema.CLIENT_ID, features())
