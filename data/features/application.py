"""Features of the application itself: its numbers, its categories one by one, and five ratios."""

from __future__ import annotations

import functools

import polars as pl

from data import schema
from data.errors import WrongColumn
from data.features.feature import Feature
from data.features.source_columns import quotient, read_columns

TABLE = "application"
BINARIES = {"CODE_GENDER": ("F", "M"), "FLAG_OWN_CAR": ("N", "Y"), "FLAG_OWN_REALTY": ("N", "Y")}
"""Categories written as one column: the first is 0, the second 1, any other missing."""

RATIOS = {
    "DAYS_EMPLOYED_PERC": ("DAYS_EMPLOYED", "DAYS_BIRTH"),
    "INCOME_CREDIT_PERC": ("AMT_INCOME_TOTAL", "AMT_CREDIT"),
    "INCOME_PER_PERSON": ("AMT_INCOME_TOTAL", "CNT_FAM_MEMBERS"),
    "ANNUITY_INCOME_PERC": ("AMT_ANNUITY", "AMT_INCOME_TOTAL"),
    "PAYMENT_RATE": ("AMT_ANNUITY", "AMT_CREDIT"),
}
"""Ratios by name: the numerator and the denominator."""


@functools.cache
def features() -> tuple[Feature, ...]:
    """Return the 245 features of the application table, in their fixed order."""
    columns = [
        column for column in schema.table(TABLE).columns if column.kind != "identifier" and column.name != schema.TARGET
    ]
    values = [column.name for column in columns if column.kind != "category" or column.name in BINARIES]
    categories = [
        (column.name, category)
        for column in columns
        if column.kind == "category" and column.name not in BINARIES
        for category in column.categories
    ]
    return (
        *(Feature(name, "application", TABLE, name, "value") for name in values),
        *(Feature(f"{name}_{value}", "application", TABLE, name, "is", category=value) for name, value in categories),
        *(Feature(name, "application", TABLE, name, "value") for name in RATIOS),
    )


def reduce(table: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Compute the features of the application table.

    Parameters
    ----------
    table : the raw application table, (n rows).

    Returns
    -------
    DataFrame, (n, 246): SK_ID_CURR, ascending, and Float64 features, null or NaN where missing. A category that is
    missing or unknown sets no indicator.

    Raises
    ------
    WrongColumn
        For a column that is not there or can't be read, and for a client without an id or with several applications.
    """
    needed = [schema.CLIENT_ID, *(feature.column for feature in features() if feature.name not in RATIOS)]
    read = read_columns(table, TABLE, needed)
    indicators = [
        (pl.col(feature.column) == feature.category).fill_null(value=False).alias(feature.name)
        for feature in features()
        if feature.category is not None
    ]
    binaries = [
        pl.when(pl.col(name) == one).then(1.0).when(pl.col(name) == zero).then(0.0).alias(name)
        for name, (zero, one) in BINARIES.items()
    ]
    ratios = [quotient(*parts).alias(name) for name, parts in RATIOS.items()]
    names = [feature.name for feature in features()]
    found = (
        read.sort(schema.CLIENT_ID)
        .with_columns(*indicators, *binaries, *ratios)
        .select(schema.CLIENT_ID, pl.col(names).cast(pl.Float64))
        .collect()
    )
    _check_clients(found[schema.CLIENT_ID])
    return found


def _check_clients(ids: pl.Series) -> None:
    if ids.null_count():
        raise WrongColumn(
            f"Column {schema.CLIENT_ID} of table {TABLE} is empty on {ids.null_count()} row(s). "
            "Every row needs a client; fill it in or remove the row."
        )
    repeated = ids.filter(ids == ids.shift(1)).unique(maintain_order=True)
    if len(repeated):
        examples = ", ".join(map(str, repeated.head(5)))
        raise WrongColumn(
            f"Column {schema.CLIENT_ID} of table {TABLE} names {len(repeated)} client(s) more than once: {examples}. "
            "A client has one application; remove the other rows."
        )
