"""All the features of a partition of clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from data import schema
from data.errors import MissingTable
from data.features import application, bureau, card, instalments, pos, previous
from data.features.catalog import features

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CHILDREN = (previous, pos, instalments, card)


def build_features(tables: Mapping[str, pl.DataFrame | pl.LazyFrame]) -> pl.DataFrame:
    """Compute the features of every client of the application table.

    Parameters
    ----------
    tables : raw tables by their name in the schema, complete for the clients they hold; any but `application` may be
        absent. NaN counts as missing. Rows of clients or credits that are nowhere else are ignored.

    Returns
    -------
    DataFrame, one row per client, by ascending SK_ID_CURR (Int64, the first column), then Float32 columns, those of
    `features(absent_tables)` in its order. A missing value is NaN, never null, so that `to_numpy` of the Float32
    columns is the matrix that models read; values may be infinite.

    Raises
    ------
    MissingTable
        Where there is no `application` table.
    WrongColumn
        For a column that is not there or can't be read, and for a client without an id or with several applications.
    UnknownColumn
        For a table that the schema doesn't have.
    """
    given = {schema.table(name).name: frame for name, frame in tables.items()}
    if application.TABLE not in given:
        raise MissingTable(
            f"There is no {application.TABLE} table; got {', '.join(given) or 'no table'}. "
            "It lists the clients, so nothing can be computed without it."
        )
    names = [feature.name for feature in features(set(schema.tables()) - set(given))]
    single = pl.selectors.float().cast(pl.Float32)
    whole = application.reduce(given[application.TABLE]).with_columns(single)
    for block in _reduced(given):
        whole = whole.join(block.with_columns(single).collect(), on=schema.CLIENT_ID, how="left", maintain_order="left")
    return whole.select(schema.CLIENT_ID, pl.col(names).fill_null(float("nan")))


def _reduced(given: Mapping[str, pl.DataFrame | pl.LazyFrame]) -> Iterator[pl.LazyFrame]:
    if bureau.TABLE in given:
        yield bureau.reduce(given[bureau.TABLE], given.get(bureau.BALANCE))
    for child in _CHILDREN:
        if child.TABLE in given:
            yield child.reduce(given[child.TABLE])
