"""A column cut into a few parts of like size, and the ranges of these parts that can be told as a filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explain.crossfilter.filters import Categories, Range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explain.crossfilter.columns import Column
    from explain.crossfilter.filters import Side

MOST_NAMED = 12
"""Categories that are a part of their own, the most frequent; the others are one part together."""


@dataclass(frozen=True, slots=True, eq=False)
class Division:
    """Some clients parted by one column. There are P parts, and clients without a value are part P where there are any.

    Attributes
    ----------
    column : key.
    index : (m,) uint8, part of each of the m clients.
    parts : P, at least 1 where anybody has a value.
    low, high : (P,) float64, least and greatest value of each part of a measure; empty for categories.
    names : the categories of each part; None for a measure.
    categories : all categories that the column has; None for a measure.
    missing : whether some have no value.
    """

    column: str
    index: NDArray[np.uint8]
    parts: int
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    names: tuple[tuple[str, ...], ...] | None
    categories: tuple[str, ...] | None
    missing: bool

    def __len__(self) -> int:
        return self.parts + self.missing

    def ranges(self) -> list[tuple[int, int, Side]]:
        """Return the first and the last part, both included, of every range that may be a side of a zone, and it.

        These are all contiguous parts of a measure, open at its ends; each single category, the others together and
        all of them; and those without a value, by themselves. The first one holds everyone with a value, if anybody
        has one.
        """
        last = self.parts - 1
        found: list[tuple[int, int, Side]] = []
        if self.parts:
            found.append((0, last, self._side(0, last)))
            for start in range(self.parts):
                stops = range(start, self.parts) if self.names is None else (start,)
                found.extend((start, stop, self._side(start, stop)) for stop in stops if (start, stop) != (0, last))
        if self.missing:
            found.append((self.parts, self.parts, Categories(self.column, (), missing=True)))
        return found

    def _side(self, start: int, stop: int) -> Side:
        if self.names is not None and self.categories is not None:
            # Only a single part, or all of them: then also the categories that nobody kept has.
            return Categories(self.column, self.names[start] if start == stop else self.categories)
        low = -np.inf if start == 0 else float(self.low[start])
        high = np.inf if stop == self.parts - 1 else float(self.high[stop])
        return Range(self.column, low, high)


def divide(column: Column, kept: NDArray[np.bool_] | None, most: int) -> Division:
    """Return the clients kept, parted by a column.

    A measure is cut at quantiles of the clients kept, equal values being in one part: into as many parts as it has
    values where these are at most `most`, else into at most `most`. Categories that nobody has are left out.

    Parameters
    ----------
    column : of n clients.
    kept : (n,) bool, whom to part; None for everyone.
    most : parts of a measure.
    """
    values = column.values if kept is None else column.values[kept]
    if column.categories is not None:
        return _by_category(column.key, column.categories, values)
    ordered = np.sort(values)  # what is missing comes last
    present = ordered.size - int(np.count_nonzero(np.isnan(values)))
    ordered = ordered[:present]
    highest = _cuts(ordered, most)
    lowest_at = np.concatenate([[0], np.searchsorted(ordered, highest[:-1], side="right")]) if highest.size else highest
    index = np.searchsorted(highest, values, side="left").astype(np.uint8)  # one past the last where it is missing
    return Division(
        column.key,
        index,
        highest.size,
        ordered[lowest_at.astype(np.intp)].astype(np.float64),
        highest.astype(np.float64),
        None,
        None,
        present < values.size,
    )


def _cuts(ordered: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Return the greatest value of each part."""
    if not ordered.size:
        return ordered
    few = [ordered[0]]
    while few[-1] < ordered[-1] and len(few) <= most:
        few.append(ordered[np.searchsorted(ordered, few[-1], side="right")])
    if len(few) <= most:
        return np.array(few, dtype=np.float32)
    at = (np.arange(1, most + 1) * ordered.size + most - 1) // most - 1
    return np.unique(ordered[at])


def _by_category(key: str, categories: tuple[str, ...], values: NDArray[np.float32]) -> Division:
    absent = np.isnan(values)
    numbers = np.where(absent, len(categories), values).astype(np.intp)
    clients = np.bincount(numbers, minlength=len(categories) + 1)[: len(categories)]
    frequent = np.argsort(-clients, kind="stable")[: int(np.count_nonzero(clients))]
    chosen = frequent if frequent.size <= MOST_NAMED + 1 else frequent[:MOST_NAMED]
    parts: list[tuple[str, ...]] = [(categories[number],) for number in chosen]
    if chosen.size < frequent.size:
        parts.append(tuple(categories[number] for number in sorted(frequent[MOST_NAMED:])))
    part_of = np.full(len(categories) + 1, len(parts), dtype=np.uint8)
    part_of[frequent] = np.minimum(np.arange(frequent.size), len(parts) - 1)
    nothing = np.zeros(0)
    return Division(key, part_of[numbers], len(parts), nothing, nothing, tuple(parts), categories, bool(absent.any()))
