"""Columns of a raw table as features read them: Float64 numbers, missing where null or NaN, String categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from data import schema
from data.errors import WrongColumn, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data.schema import Column

NO_DATE = 365243
"""What stands for "no date" in columns that count days."""


def read_columns(frame: pl.DataFrame | pl.LazyFrame, table: str, names: Iterable[str]) -> pl.LazyFrame:
    """Select the named columns of a raw table and give each the dtype that features are computed in.

    Parameters
    ----------
    frame : the raw table; it may hold further columns.
    table : its name in the schema.
    names : the columns to read.

    Returns
    -------
    LazyFrame of the named columns: identifiers Int64, categories String, any other Float64, missing where it is null
    or NaN; 365243 is null in the columns where it stands for no date. Other missing codes, such as -1, stay: the
    well-known features count them as values.

    Raises
    ------
    WrongColumn
        For a column that is not there, or of a dtype that can't hold what the schema says.
    """
    lazy = frame.lazy()
    found = lazy.collect_schema()
    columns = [schema.table(table).column(name) for name in dict.fromkeys(names)]
    for column in columns:
        if column.name not in found:
            raise WrongColumn(f"Table {table} has no column {column.name}.{did_you_mean(column.name, found.names())}")
        _check_dtype(column, found[column.name])
    return lazy.select(_values(column, found[column.name]) for column in columns)


def quotient(numerator: str, denominator: str) -> pl.Expr:
    """Return numerator / denominator, Float64: missing, null or NaN, where either is or for 0/0, infinite for x/0."""
    return pl.col(numerator) / pl.col(denominator)


def _check_dtype(column: Column, dtype: pl.DataType) -> None:
    if dtype == pl.Null():
        return
    if column.kind == "category":
        fits = isinstance(dtype, pl.String | pl.Categorical | pl.Enum)
    else:
        fits = dtype.is_numeric() or isinstance(dtype, pl.Boolean)
    if not fits:
        allowed = "text" if column.kind == "category" else "numbers"
        raise WrongColumn(
            f"Column {column.name} of table {column.table} should hold {allowed}, but is of dtype {dtype}."
        )


def _values(column: Column, dtype: pl.DataType) -> pl.Expr:
    value = pl.col(column.name)
    if column.kind == "category":
        return value.cast(pl.String)
    if column.kind == "identifier":
        return (value.fill_nan(None) if dtype.is_float() else value).cast(pl.Int64)
    number = value.cast(pl.Float64)
    if NO_DATE not in column.missing_codes:
        return number
    return pl.when(number != NO_DATE).then(number).alias(column.name)
