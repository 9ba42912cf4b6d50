"""Where in two columns the risk is high or low, which combinations go with the score, and what they explain of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import polars as pl

from explain.crossfilter.counts import Counts, wilson
from explain.crossfilter.divisions import divide
from explain.crossfilter.filters import Box, passes, passes_into
from explain.crossfilter.population import DEFAULT, LABELLED, REFUSED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explain.crossfilter.divisions import Division
    from explain.crossfilter.exploration import Exploration
    from explain.crossfilter.filters import Side
    from explain.crossfilter.population import Population

Finding = Literal["risky", "safe", "low_score", "high_score"]
FINDINGS: tuple[Finding, ...] = get_args(Finding)
MOST_PARTS = 8
MOST_ZONES = 3
LEAST_SHARE, LEAST_CLIENTS = 0.01, 200
LEAST_SHARE_OF_FEW, FEW = 0.05, 2_000
LEAST_DIFFERENCE = 0.001
"""Between the mean score of a zone and that of everyone kept: less is not told."""
CLIENTS_A_CELL = 10
"""Clients for each cell there is, on average, from which what a grid explains is told: each client explains itself."""
SCORED = ("score", "pd", "decision", "level")
"""Columns that are made of the score: what goes with it there is no finding."""
_BITS = 8
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """A rectangle of two columns, and the clients kept who are in it.

    Attributes
    ----------
    box : its sides.
    counts : of shape ().
    default_interval : ends of Wilson's 95 % interval of its default rate, in [0, 1]; NaN where no outcome is known.
    """

    box: Box
    counts: Counts
    default_interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Explained:
    """Share of the variance of the score between the cells of a grid, in [0, 1].

    Attributes
    ----------
    both, across, up : by the two columns together, and by each alone; NaN where the score is constant, and where there
        are too few clients for that many cells.
    """

    both: float
    across: float
    up: float

    @property
    def added(self) -> float:
        """What the pair explains above the better of the two."""
        return self.both - max(self.across, self.up)


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """What is found in two columns, among the clients kept.

    Zones of one finding share no cell of the grid; the best one is first. Risk is not told where a column is the
    outcome itself, nor the score where one is made of it.

    Attributes
    ----------
    across, up : keys of the columns.
    kept : counts of shape (), of everyone kept.
    risky : with the highest lower end of the interval of the default rate, above the rate of everyone kept.
    safe : with the lowest upper end of it, below that rate.
    low_score, high_score : with the lowest and the highest mean score.
    explained : of the variance of the score, by the grid.
    """

    across: str
    up: str
    kept: Counts
    risky: tuple[Zone, ...]
    safe: tuple[Zone, ...]
    low_score: tuple[Zone, ...]
    high_score: tuple[Zone, ...]
    explained: Explained

    def of(self, finding: Finding) -> tuple[Zone, ...]:
        """Return the zones of one finding."""
        zones: tuple[Zone, ...] = getattr(self, finding)
        return zones

    def frame(self) -> pl.DataFrame:
        """Return one row a zone, after everyone kept (finding "kept").

        Its columns are finding, across, up (the sides, as they are written in Python; empty of everyone kept),
        clients, labelled, defaults, default_rate, default_low, default_high, share_refused and mean_score (all shares
        in [0, 1]).
        """
        low, high = self.kept.default_interval()
        rows = [_row("kept", "", "", self.kept, (float(low), float(high)))]
        rows += [
            _row(finding, repr(zone.box.across), repr(zone.box.up), zone.counts, zone.default_interval)
            for finding in FINDINGS
            for zone in self.of(finding)
        ]
        return pl.DataFrame(rows)


def kept_for(population: Population, exploration: Exploration, chart: str) -> NDArray[np.bool_] | None:
    """Return which clients the filters of the other charts keep, (n,) bool; None where no other chart filters.

    Raises
    ------
    UnknownColumn, InvalidOption
        As `filters.passes`.
    """
    others = [chosen for made_by, chosen in exploration.filters if made_by != chart]
    if not others:
        return None
    kept = passes(others[0], population)
    for chosen in others[1:]:
        passes_into(chosen, population, kept, also=True)
    return kept


def find_zones(population: Population, across: str, up: str, kept: NDArray[np.bool_] | None) -> Zones:
    """Return what is found in two columns among the clients kept.

    The grid parts measures into at most MOST_PARTS quantiles and categories as `divide` does, clients without a value
    apart. Every rectangle is tried whose sides are contiguous parts of a measure (never with those without a value),
    one category, all categories, the others together, or those without a value; and that holds at least LEAST_SHARE of
    the clients kept and LEAST_CLIENTS of them (LEAST_SHARE_OF_FEW where fewer than FEW are kept).

    The intervals are those of one rectangle; they don't allow for the best of many having been chosen.

    Parameters
    ----------
    across, up : keys of the columns.
    kept : (n,) bool, as `kept_for` gives it; None for everyone.

    Raises
    ------
    UnknownColumn
        A column that the population doesn't have.
    """
    columns, rows = (divide(population.column(key), kept, MOST_PARTS) for key in (across, up))
    outcome, score = population.outcome, population.score
    if kept is not None:
        outcome, score = outcome[kept], score[kept]
    cells = _cells(rows, columns, outcome, score)
    everyone = cells.total
    explained = Explained(np.nan, np.nan, np.nan)
    found: dict[Finding, tuple[Zone, ...]] = dict.fromkeys(FINDINGS, ())
    if score.size:
        tried = _Rectangles(rows, columns, cells)
        if "default" not in (across, up):
            rate = float(everyone.default_rate)
            low, high = tried.counts.default_interval()
            found["risky"] = tried.best(-low, low > rate + _ROUNDING)
            found["safe"] = tried.best(high, high < rate - _ROUNDING)
        if not {across, up} & set(SCORED):
            mean, means = float(everyone.mean_score), tried.counts.mean_score
            found["low_score"] = tried.best(means, means <= mean - LEAST_DIFFERENCE)
            found["high_score"] = tried.best(-means, means >= mean + LEAST_DIFFERENCE)
            explained = explained_by(columns.index, rows.index, score)
    return Zones(across, up, everyone, **found, explained=explained)


def explained_by(across: NDArray[np.uint8], up: NDArray[np.uint8], score: NDArray[np.float64]) -> Explained:
    """Return what two columns explain of the score's variance.

    Parameters
    ----------
    across, up : (m,) uint8, part of each client by either column.
    score : (m,) float64, in [0, 1].
    """
    if not score.size:
        return Explained(np.nan, np.nan, np.nan)
    apart = score - score.mean()
    width = int(across.max()) + 1
    cell = up.astype(np.intp) * width + across
    height = int(up.max()) + 1
    sizes = np.bincount(cell, minlength=width * height).reshape(height, width)
    sums = np.bincount(cell, weights=apart, minlength=width * height).astype(np.float64).reshape(height, width)
    total = float(apart @ apart)
    if total <= score.size * np.finfo(np.float64).eps ** 2 or score.min() == score.max():
        return Explained(np.nan, np.nan, np.nan)
    return Explained(
        _between(sizes, sums, total),
        _between(sizes.sum(0), sums.sum(0), total),
        _between(sizes.sum(1), sums.sum(1), total),
    )


class _Rectangles:
    """Every rectangle of a grid that may be a zone, with the counts of its clients.

    Attributes
    ----------
    counts : of shape (rectangles,).
    """

    def __init__(self, rows: Division, columns: Division, cells: Counts) -> None:
        self._up, self._across = rows.ranges(), columns.ranges()
        up, across = _members(len(rows), self._up), _members(len(columns), self._across)
        # A sum over every rectangle at once: the rows of each range of rows, then the columns of each range of columns.
        sums = {name: up @ getattr(cells, name) @ across.T for name in Counts.__dataclass_fields__}
        large = sums["clients"] >= least_clients(int(cells.total.clients))
        large[0, 0] = False  # everyone, or everyone with both values
        self._first, self._second = np.nonzero(large)
        self.counts = Counts(*(part[large] for part in sums.values()))

    def best(self, worth: NDArray[np.float64], allowed: NDArray[np.bool_]) -> tuple[Zone, ...]:
        """Return up to MOST_ZONES zones allowed that share no cell: those of least worth, of equals the largest."""
        chosen: list[int] = []
        for at in np.lexsort((-self.counts.clients, worth)):
            if len(chosen) == MOST_ZONES:
                break
            if allowed[at] and not any(self._meet(int(at), other) for other in chosen):
                chosen.append(int(at))
        return tuple(map(self._zone, chosen))

    def _meet(self, one: int, other: int) -> bool:
        return all(
            ranges[int(which[one])][0] <= ranges[int(which[other])][1]
            and ranges[int(which[other])][0] <= ranges[int(which[one])][1]
            for ranges, which in ((self._up, self._first), (self._across, self._second))
        )

    def _zone(self, at: int) -> Zone:
        counts = Counts(*(np.asarray(getattr(self.counts, name)[at]) for name in Counts.__dataclass_fields__))
        low, high = wilson(counts.defaults, counts.labelled)
        box = Box(self._across[int(self._second[at])][2], self._up[int(self._first[at])][2])
        return Zone(box, counts, (float(low), float(high)))


def least_clients(kept: int) -> int:
    """Return how many clients a zone has at least, of so many kept."""
    if kept < FEW:
        return max(1, int(np.ceil(LEAST_SHARE_OF_FEW * kept)))
    return max(LEAST_CLIENTS, int(np.ceil(LEAST_SHARE * kept)))


def _cells(rows: Division, columns: Division, outcome: NDArray[np.uint8], score: NDArray[np.float64]) -> Counts:
    """Return the counts of every cell, the lowest row first."""
    shape = len(rows), len(columns)
    cells = shape[0] * shape[1]
    cell = rows.index.astype(np.intp) * shape[1] + columns.index
    scores = np.bincount(cell, weights=score, minlength=cells).astype(np.float64)
    cell *= _BITS
    cell += outcome
    by_bits = np.bincount(cell, minlength=cells * _BITS).reshape(cells, _BITS).astype(np.int64)
    bits = np.arange(_BITS)
    known = (bits & LABELLED) > 0
    return Counts(
        clients=by_bits.sum(1).reshape(shape),
        refused=by_bits[:, (bits & REFUSED) > 0].sum(1).reshape(shape),
        labelled=by_bits[:, known].sum(1).reshape(shape),
        defaults=by_bits[:, known & ((bits & DEFAULT) > 0)].sum(1).reshape(shape),
        score=scores.reshape(shape),
    )


def _members(parts: int, ranges: list[tuple[int, int, Side]]) -> NDArray[np.int64]:
    """Return which parts are in each range, (ranges, parts)."""
    found = np.zeros((len(ranges), parts), dtype=np.int64)
    for at, (start, stop, _) in enumerate(ranges):
        found[at, start : stop + 1] = 1
    return found


def _between(sizes: NDArray[np.intp], sums: NDArray[np.float64], total: float) -> float:
    """Return the share of a total of squares that lies between cells, of which the sums about the mean are given."""
    there = sizes > 0
    if sizes.sum() < CLIENTS_A_CELL * np.count_nonzero(there):
        return np.nan
    return min(1.0, float((sums[there] ** 2 / sizes[there]).sum()) / total)


def _row(finding: str, across: str, up: str, counts: Counts, interval: tuple[float, float]) -> dict[str, object]:
    return {
        "finding": finding,
        "across": across,
        "up": up,
        "clients": int(counts.clients),
        "labelled": int(counts.labelled),
        "defaults": int(counts.defaults),
        "default_rate": float(counts.default_rate),
        "default_low": interval[0],
        "default_high": interval[1],
        "share_refused": float(counts.share_refused),
        "mean_score": float(counts.mean_score),
    }
