"""Make the frames of a block: the schema's columns in the published order, with its dtypes and nulls."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from data import schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def frame(table: str, columns: Mapping[str, NDArray[Any]]) -> pl.DataFrame:
    """Return the frame of a table.

    `columns` holds an array for each column of the schema (but TARGET may be absent): codes of the schema's categories
    for a category, -1 being null; integers; or floats whose NaN is null.
    """
    series = []
    for column in schema.table(table).columns:
        if column.name not in columns and column.name == schema.TARGET:
            continue
        values = columns[column.name]
        if column.kind in ("real", "integer") and not column.missing_codes and column.minimum is not None:
            # a rare draw beyond the largest value ever seen
            values = np.clip(values, column.minimum, np.inf if column.maximum is None else column.maximum)
        if column.kind == "category":
            positions = np.where(values < 0, len(column.categories), values).astype(np.uint32)
            series.append(_names(column.categories).gather(positions).alias(column.name))
        elif column.kind == "real":
            series.append(pl.Series(column.name, values.astype(np.float64, copy=False)).fill_nan(None))
        elif values.dtype.kind == "f":
            series.append(pl.Series(column.name, values).fill_nan(None).cast(pl.Int64))
        else:
            series.append(pl.Series(column.name, values.astype(np.int64, copy=False)))
    return pl.DataFrame(series)


@functools.cache
def _names(categories: tuple[str, ...]) -> pl.Series:
    return pl.Series([*categories, None], dtype=pl.String)
