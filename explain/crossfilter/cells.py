"""The clients of two columns by cell of a window, and which they are: compiled, in threads, the same for any number."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data.compiling import column, compiled
from explain.crossfilter.tallies import OUTCOMES, added, counts_of, parts

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from explain.crossfilter.axes import Axis
    from explain.crossfilter.counts import Counts
    from explain.crossfilter.population import Population
    from explain.pixels import Window

MOST_BANDS = 60
"""Bands that have a cell of their own; where there are more, some share one."""
_BLOCK = 1 << 14
_LANES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Clients in a window of two columns, in numbers.

    Attributes
    ----------
    across, up : edges of the cells, in places, ascending.
    counts : of shape (rows, columns), the lowest row first. A cell holds its lower edges; the last one both.
    placed : counts of shape (), of the clients who have a place on both axes, wherever it is.
    """

    across: NDArray[np.float64]
    up: NDArray[np.float64]
    counts: Counts
    placed: Counts


class Gathered(NamedTuple):
    """Some clients who are kept and in a window: where they are, and what colours them.

    Attributes
    ----------
    across, up : (m,) float32, places.
    colour : (m,) float32; empty where nothing colours them.
    """

    across: NDArray[np.float32]
    up: NDArray[np.float32]
    colour: NDArray[np.float32]


class _Counted(NamedTuple):
    """What a part of the clients adds, by outcome: in the cells, and of all that have a place."""

    clients: NDArray[np.int64]
    scores: NDArray[np.float64]
    placed: NDArray[np.int64]
    placed_scores: NDArray[np.float64]


def edges(axis: Axis, low: float, high: float, count: int) -> NDArray[np.float64]:
    """Return the edges of the cells of an axis between two places.

    They are equal parts of what is between, `count` of them. Where clients are spread in bands about whole numbers,
    they are the bands that are touched, whole, so that no value is cut in two; of more than MOST_BANDS as many go into
    a cell as it takes.
    """
    if axis.categories is None and not axis.spread:
        return np.linspace(low, high, count + 1)
    first, last = math.floor(max(low, axis.full[0]) + 0.5), math.ceil(min(high, axis.full[1]) - 0.5)
    if last < first:  # beyond them all
        first = last = round((low + high) / 2)
    together = math.ceil((last - first + 1) / MOST_BANDS)
    cells = math.ceil((last - first + 1) / together)
    return first - 0.5 + together * np.arange(cells + 1, dtype=np.float64)


def begin_cells(
    axes: tuple[Axis, Axis],
    window: Window,
    shape: tuple[int, int],
    population: Population,
    failing: NDArray[np.uint16],
    others: int,
    placed: Counts | None,
    pool: Executor,
) -> Callable[[], Cells]:
    """Begin to count, and return what waits for the cells of a window.

    Parameters
    ----------
    axes : the one across and the one up.
    window : of positive width and height, in places.
    shape : columns and rows, where an axis isn't one of bands.
    population : of the n clients.
    failing : (n,) uint16, bits of the filters that each client fails.
    others : bits of the filters that a client must pass to be counted; 0 counts everyone.
    placed : `Cells.placed` where it is known: it doesn't depend on the window.
    pool : in which the parts are counted.
    """
    across, up = axes
    columns = edges(across, window.left, window.right, shape[0])
    rows = edges(up, window.bottom, window.top, shape[1])
    size = (len(rows) - 1) * (len(columns) - 1)
    lanes = _LANES if placed is None else 0

    def survey(part: tuple[int, int]) -> _Counted:
        found = _Counted(
            np.zeros((size, OUTCOMES), np.int64),
            np.zeros((size, OUTCOMES)),
            np.zeros((lanes, OUTCOMES), np.int64),
            np.zeros((lanes, OUTCOMES)),
        )
        _surveying()(
            failing, np.uint16(others), across.places, up.places, population.outcome, population.score,
            columns, rows, *part, *found,
        )  # fmt: skip
        return found

    surveying = pool.map(survey, parts(len(population)))

    def surveyed() -> Cells:
        found = list(surveying)
        clients, scores = added([part[:2] for part in found])
        has, has_scores = added([part[2:] for part in found])
        whole = len(rows) - 1, len(columns) - 1, OUTCOMES
        return Cells(
            columns,
            rows,
            counts_of(clients.reshape(whole), scores.reshape(whole)),
            counts_of(has.sum(axis=0), has_scores.sum(axis=0)) if placed is None else placed,
        )

    return surveyed


def gather(
    places: tuple[NDArray[np.float32], NDArray[np.float32]],
    colour: NDArray[np.float32] | None,
    window: Window,
    failing: NDArray[np.uint16],
    others: int,
) -> Gathered:
    """Return the clients whom the others' filters keep, and who are in the window (its edges included).

    Parameters
    ----------
    places : (m,) float32, across and up.
    colour : (m,) float32, what colours them.
    window, failing, others : as `begin_cells` takes them, of the same clients.
    """
    clients, nothing = len(failing), np.zeros(0, np.float32)
    shades = nothing if colour is None else colour
    found = Gathered(np.empty(clients, np.float32), np.empty(clients, np.float32), np.empty(len(shades), np.float32))
    count = np.zeros(1, np.int64)
    _gathering()(failing, np.uint16(others), *places, shades, np.array(window, np.float64), *found, count)
    return Gathered(*(array[: int(count[0])] for array in found))


def positions(
    axes: tuple[Axis, Axis],
    window: Window,
    failing: NDArray[np.uint16],
    others: int,
    pool: Executor,
) -> NDArray[np.intp]:
    """Return the positions of the clients that `gather` would, ascending."""
    across, up = axes[0].places, axes[1].places

    def find(part: tuple[int, int]) -> NDArray[np.intp]:
        x, y = across[slice(*part)], up[slice(*part)]
        seen = (x >= window.left) & (x <= window.right) & (y >= window.bottom) & (y <= window.top)
        chosen = part[0] + np.flatnonzero(seen)
        kept: NDArray[np.intp] = chosen[(failing[chosen] & np.uint16(others)) == 0]
        return kept

    return np.concatenate(list(pool.map(find, parts(len(failing)))))


def prepare() -> None:
    """Compile what counts and gathers, where it isn't yet."""
    _surveying()
    _gathering()


def _survey(  # noqa: C901 (in one function, the loops are compiled as one)
    failing: NDArray[np.uint16],
    others: np.uint16,
    across: NDArray[np.float32],
    up: NDArray[np.float32],
    outcome: NDArray[np.uint8],
    score: NDArray[np.float64],
    columns: NDArray[np.float64],
    rows: NDArray[np.float64],
    start: int,
    stop: int,
    clients: NDArray[np.int64],
    scores: NDArray[np.float64],
    placed: NDArray[np.int64],
    placed_scores: NDArray[np.float64],
) -> None:
    """Count the clients of a part by cell, row by row, and all that are placed.

    These are counted in lanes, so that no sum waits for the one before.
    """
    many_columns, many_rows = len(columns) - 1, len(rows) - 1
    left, right, bottom, top = columns[0], columns[many_columns], rows[0], rows[many_rows]
    per_column, per_row = many_columns / (right - left), many_rows / (top - bottom)
    kept = np.empty(_BLOCK, np.int64)
    everyone, totals = others == 0, placed.size > 0
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        if totals:
            count = 0
            for client in range(first, last):
                kept[count] = client
                has = (across[client] == across[client]) & (up[client] == up[client])
                count += has if everyone else has & ((failing[client] & others) == 0)
            for number in range(count):
                client = kept[number]
                lane, bits = number & 3, outcome[client] & np.uint8(7)
                placed[lane, bits] += 1
                placed_scores[lane, bits] += score[client]
        count = 0
        for client in range(first, last):
            kept[count] = client
            x, y = across[client], up[client]
            inside = (left <= x) & (x <= right) & (bottom <= y) & (y <= top)
            count += inside if everyone else inside & ((failing[client] & others) == 0)
        for number in range(count):
            client = kept[number]
            x, y = np.float64(across[client]), np.float64(up[client])
            c = min(int((x - left) * per_column), many_columns - 1)
            if x < columns[c]:
                c -= 1
            elif c < many_columns - 1 and x >= columns[c + 1]:
                c += 1
            r = min(int((y - bottom) * per_row), many_rows - 1)
            if y < rows[r]:
                r -= 1
            elif r < many_rows - 1 and y >= rows[r + 1]:
                r += 1
            cell, bits = np.uint64(r * many_columns + c), outcome[client] & np.uint8(7)
            clients[cell, bits] += 1
            scores[cell, bits] += score[client]


def _gather(
    failing: NDArray[np.uint16],
    others: np.uint16,
    across: NDArray[np.float32],
    up: NDArray[np.float32],
    colour: NDArray[np.float32],
    window: NDArray[np.float64],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    shades: NDArray[np.float32],
    found: NDArray[np.int64],
) -> None:
    left, right, bottom, top = window[0], window[1], window[2], window[3]
    coloured, everyone = shades.size > 0, others == 0
    count = 0
    for client in range(failing.size):
        here, there = across[client], up[client]
        x[count], y[count] = here, there
        if coloured:
            shades[count] = colour[client]
        seen = (left <= here) & (here <= right) & (bottom <= there) & (there <= top)
        count += seen if everyone else seen & ((failing[client] & others) == 0)
    found[0] = count


@functools.cache
def _surveying() -> Callable[..., None]:
    clients, scores = column("int64", 2, written=True), column("float64", 2, written=True)
    return compiled(
        _survey,
        column("uint16"),
        column("uint16", 0),
        column("float32"),
        column("float32"),
        column("uint8"),
        column("float64"),
        column("float64"),
        column("float64"),
        column("int64", 0),
        column("int64", 0),
        clients,
        scores,
        clients,
        scores,
    )


@functools.cache
def _gathering() -> Callable[..., None]:
    values, written = column("float32"), column("float32", written=True)
    return compiled(
        _gather,
        column("uint16"),
        column("uint16", 0),
        values,
        values,
        values,
        column("float64"),
        written,
        written,
        written,
        column("int64", written=True),
    )
