"""All the features of a partition of clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from data import schema
from data.errors import MissingTable
from data.features import application, bureau, card, instalments, pos, previous
from data.features.catalog import features
from data.id_index import IdIndex
from data.places import take

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from data.features.reduction import Reduced

_CHILDREN = (previous, pos, instalments, card)


@dataclass(frozen=True, slots=True)
class Features:
    """The features of clients.

    Attributes
    ----------
    ids : int64 (n,), SK_ID_CURR, ascending.
    names : the F features, those of `features(absent_tables)` in its order.
    columns : float32 (F, n), NaN where missing; values may be infinite.
    """

    ids: NDArray[np.int64]
    names: tuple[str, ...]
    columns: NDArray[np.float32]

    def frame(self) -> pl.DataFrame:
        """Return a row per client: SK_ID_CURR, Int64, then a Float32 column per feature."""
        columns = {name: pl.Series(name, column) for name, column in zip(self.names, self.columns, strict=True)}
        return pl.DataFrame({schema.CLIENT_ID: self.ids, **columns})


def build_features(tables: Mapping[str, pl.DataFrame | pl.LazyFrame]) -> Features:
    """Compute the features of every client of the application table.

    Parameters
    ----------
    tables : raw tables by their name in the schema, complete for the clients they hold; any but `application` may be
        absent. NaN counts as missing. Rows of clients or credits that are nowhere else are ignored.

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
    names = tuple(feature.name for feature in features(set(schema.tables()) - set(given)))
    line = {name: number for number, name in enumerate(names)}
    whole = application.reduce(given[application.TABLE])
    ids = whole[schema.CLIENT_ID].to_numpy()
    columns = np.empty((len(names), len(ids)), np.float32)
    with np.errstate(over="ignore"):  # beyond single precision is infinite
        for series in whole.drop(schema.CLIENT_ID):
            columns[line[series.name]] = series.to_numpy()
    for block in _reduced(given):
        at = IdIndex(block.keys).find(ids)
        for name, values in block.columns.items():
            take(values, at, columns[line[name]])
    return Features(ids, names, columns)


def _reduced(given: Mapping[str, pl.DataFrame | pl.LazyFrame]) -> Iterator[Reduced]:
    if bureau.TABLE in given:
        yield bureau.reduce(given[bureau.TABLE], given.get(bureau.BALANCE))
    for child in _CHILDREN:
        if child.TABLE in given:
            yield child.reduce(given[child.TABLE])
