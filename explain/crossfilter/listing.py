"""The clients of a selection as a table, a page at a time: sorted by any column without sorting all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from data.errors import InvalidOption
from data.schema import CLIENT_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from explain.crossfilter.population import Column, Population

BY_ID = "id"
"""The order of clients by their id; any other order is the key of a column."""
PAGE = 25
MOST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """One client of a list.

    Attributes
    ----------
    client : SK_ID_CURR.
    position : row of the population.
    values : by the key of each column asked for: the number of a measure, exactly its float32, infinite ones included;
        the name of a category; None where there is none.
    """

    client: int
    position: int
    values: Mapping[str, float | str | None]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the clients of a selection.

    Attributes
    ----------
    total : clients of the selection.
    page : which page this is, from 0.
    pages : how many there are, at least 1: the page of an empty selection is empty.
    size : rows of a full page.
    columns : keys of the columns shown.
    rows : the clients of this page, in order.
    """

    total: int
    page: int
    pages: int
    size: int
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def first(self) -> int:
        """Rank of the first row among all clients of the selection, from 1; 0 where there is none."""
        return self.page * self.size + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """Rank of the last row, from 1; 0 where there is none."""
        return self.page * self.size + len(self.rows)

    def frame(self) -> pl.DataFrame:
        """Return one row a client: SK_ID_CURR, and the value of each column, numbers or text."""
        return pl.DataFrame(
            {
                CLIENT_ID: pl.Series([row.client for row in self.rows], dtype=pl.Int64),
                **{key: [row.values[key] for row in self.rows] for key in self.columns},
            }
        )


def listing(
    population: Population,
    mask: NDArray[np.bool_],
    columns: Sequence[str],
    order: str = BY_ID,
    descending: bool = False,
    page: int = 0,
    size: int = PAGE,
) -> Listing:
    """Return a page of the clients of a selection.

    Clients with the same value are in ascending order of id, in either direction, and those without a value come last.
    Categories are in the order of their column. Only the page is sorted, so that any page takes as long as the first.

    Parameters
    ----------
    population : all n clients.
    mask : (n,) bool, which of them are selected.
    columns : keys of the columns to show; one named twice is shown once.
    order : BY_ID, or the key of a column, whether it is shown or not.
    descending : whether the greatest come first.
    page : from 0; beyond the last one, the last one is returned.
    size : rows a page, from 1 to MOST_ROWS.

    Raises
    ------
    UnknownColumn
        A column that the population doesn't have.
    InvalidOption
        A page below 0, a size outside its range, or a mask of other clients.
    """
    if page < 0 or not 1 <= size <= MOST_ROWS:
        raise InvalidOption(f"A list has pages from 0, of 1 to {MOST_ROWS} rows; asked for page {page} of {size} rows.")
    chosen = positions_of(population, mask)
    shown = [population.column(key) for key in dict.fromkeys(columns)]
    pages = max(1, -(-chosen.size // size))
    at = min(page, pages - 1)
    start, stop = at * size, min((at + 1) * size, chosen.size)
    if order == BY_ID:
        found = chosen[::-1][start:stop] if descending else chosen[start:stop]
    else:
        values = population.column(order).values[chosen]
        found = chosen[ranked(-values if descending else values, start, stop)]
    return Listing(
        total=chosen.size,
        page=at,
        pages=pages,
        size=size,
        columns=tuple(column.key for column in shown),
        rows=_rows(population, shown, found),
    )


def positions_of(population: Population, mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the rows of the clients of a selection, ascending; raise InvalidOption for a mask of other clients."""
    if mask.shape != (len(population),) or mask.dtype != np.bool_:
        raise InvalidOption(
            f"A selection says yes or no of each of {len(population)} clients; got {mask.dtype} of shape {mask.shape}."
        )
    return np.flatnonzero(mask)


def ranked(values: NDArray[np.float32], start: int, stop: int) -> NDArray[np.intp]:
    """Return places `start` to `stop`, half open, of `np.argsort(values, kind="stable")`, without sorting the others.

    What is NaN comes last. It takes a few passes over the values, whatever the places.
    """
    if start >= stop:
        return np.zeros(0, dtype=np.intp)
    missing = np.isnan(values)
    present = values.size - int(np.count_nonzero(missing))
    found: list[NDArray[np.intp]] = []
    if start < present:
        last = min(stop, present) - 1
        parted = np.partition(values, (start, last))  # NaN sorts last
        low, high = parted[start], parted[last]
        found.append(_between(values, low, high, start, last + 1))
    if stop > present:
        found.append(np.flatnonzero(missing)[max(start - present, 0) : stop - present])
    return np.concatenate(found)


def _between(values: NDArray[np.float32], low: np.float32, high: np.float32, start: int, stop: int) -> NDArray[np.intp]:
    """Return the places of ranks `start` to `stop` of values, `low` and `high` being the first and the last of them."""
    below = int(np.count_nonzero(values < low))
    firsts = np.flatnonzero(values == low)[start - below : stop - below]
    inside = np.flatnonzero((values > low) & (values < high))
    inside = inside[np.argsort(values[inside], kind="stable")]
    lasts = np.flatnonzero(values == high)[: stop - start - firsts.size - inside.size]
    return np.concatenate([firsts, inside, lasts])


def _rows(population: Population, columns: Sequence[Column], found: NDArray[np.intp]) -> tuple[Row, ...]:
    values = {column.key: _said(column, found) for column in columns}
    return tuple(
        Row(int(population.ids[position]), int(position), {key: said[number] for key, said in values.items()})
        for number, position in enumerate(found)
    )


def _said(column: Column, found: NDArray[np.intp]) -> list[float | str | None]:
    values = [None if math.isnan(value) else value for value in column.values[found].tolist()]
    if column.categories is None:
        return list(values)
    return [None if value is None else column.categories[int(value)] for value in values]
