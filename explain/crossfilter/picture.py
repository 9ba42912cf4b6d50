"""Clients of two columns by pixel, in parts: gathered where filters leave some out, and counted by datashader."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from data.compiling import column as array_of
from data.compiling import compiled
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.cells import gather
from explain.pixels import CODES, Places, added, count, grid_of, without_ranks
from models.policy import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from explain.crossfilter.axes import Axis
    from explain.crossfilter.columns import Column
    from explain.crossfilter.counts import Counts
    from explain.crossfilter.population import Population
    from explain.pixels import Grid, Layers, Window

MOST_COLOURS = 10
"""Categories that have a colour of their own; of more, the last colour is of the others together."""
CLIENTS_A_PICTURE = 1 << 20
"""Clients that one call of datashader counts, at the least; of fewer than two such parts there is one."""
MOST_PICTURES = 4
"""Parts at most: each has pixels of its own, which are made and added."""
MISSING = CODES - 1


@dataclass(frozen=True, slots=True, eq=False)
class Colour:
    """What colours the clients.

    Attributes
    ----------
    values : (n,) float32, ranks, or numbers of categories; None where nothing colours them.
    axis : where the values are: on a quantile scale the places of that axis, else the values of its column.
    codes : int8, the code of each category, MISSING the last; None for ranks.
    names : names of the codes, "" for the others together; empty for ranks.
    reversed : whether a rank is 1 less the value.
    most : the value whose rank is 1.
    """

    values: NDArray[np.float32] | None = None
    axis: AxisKey | None = None
    codes: NDArray[np.int8] | None = None
    names: tuple[str, ...] = ()
    reversed: bool = False
    most: float = 1.0


def colour_of(key: str | None, population: Population, everyone: Callable[[AxisKey], Counts]) -> Colour:
    """Return what a column colours clients by; raise UnknownColumn where there is none of that key.

    "default", "score", "decision" and "level" colour by whether somebody defaulted, by the score, by whether somebody
    is refused, and by the level from 0, the highest risk, to 1. Any other measure colours by the share of clients who
    have less, as its quantile axis has it, and any other categories by category.

    Parameters
    ----------
    key : of the column; None for no colour.
    population : of all clients.
    everyone : counts of all clients by bin of an axis.
    """
    if key is None:
        return Colour()
    column = population.column(key)
    if key in ("default", "score"):
        return Colour(column.values, AxisKey(key))
    if key == "decision":
        return Colour(column.values, AxisKey(key), reversed=True)
    if key == "level":
        return Colour(column.values, AxisKey(key), most=len(LEVELS) - 1)
    if column.categories is None:
        ranked = AxisKey(key, "quantile")
        return Colour(values_on(ranked, population), ranked)
    return _by_category(column, column.categories, everyone(AxisKey(key)))


def values_on(axis: AxisKey, population: Population) -> NDArray[np.float32]:
    """Return the values of a colour, (n,) float32, as `Colour.axis` tells where they are."""
    return population.axis(axis).places if axis.scale == "quantile" else population.column(axis.column).values


def picture_parts(clients: int) -> Iterator[tuple[int, int]]:
    """Yield the first client and the one after the last of every part that datashader is given."""
    parts = min(max(clients // CLIENTS_A_PICTURE, 1), MOST_PICTURES)
    for part in range(parts):
        yield part * clients // parts, (part + 1) * clients // parts


def begin(
    axes: tuple[Axis, Axis],
    colour: Colour,
    window: Window,
    pixels: tuple[int, int],
    failing: NDArray[np.uint16],
    others: int,
    pool: Executor,
) -> Callable[[], Layers]:
    """Begin to count, and return what waits for the clients by pixel.

    Parameters
    ----------
    axes : the one across and the one up.
    colour : what colours the clients.
    window : of positive width and height, in places.
    pixels : width and height.
    failing : (n,) uint16, bits of the filters that each client fails.
    others : bits of the filters that a client must pass to be counted; 0 counts everyone.
    pool : in which the parts are counted.
    """
    across, up = axes[0].places, axes[1].places

    def part_of(part: tuple[int, int]) -> Layers:
        chosen = slice(*part)
        places = across[chosen], up[chosen]
        shades = None if colour.values is None else colour.values[chosen]
        return count(places_of(places, shades, colour.codes, window, failing[chosen], others), window, pixels)

    counting = pool.map(part_of, picture_parts(len(across)))
    return lambda: added(counting)


def places_of(
    places: tuple[NDArray[np.float32], NDArray[np.float32]],
    values: NDArray[np.float32] | None,
    codes: NDArray[np.int8] | None,
    window: Window,
    failing: NDArray[np.uint16],
    others: int,
) -> Places:
    """Return where those of some clients are whom the others' filters keep, and what they are counted by.

    Parameters
    ----------
    places : (m,) float32, across and up.
    values : (m,) float32, as `Colour` has them.
    codes : as `Colour` has them.
    window, failing, others : as `begin` takes them, of the same clients.
    """
    if others == 0 and codes is None:
        return Places(*places, values)
    kept = gather(places, values, window, failing, others)
    if codes is None:
        return Places(kept.across, kept.up, None if values is None else kept.colour)
    found = np.empty(kept.colour.size, np.int8)
    _coding()(kept.colour, codes, found)
    return Places(kept.across, kept.up, found)


def finished(layers: Layers, colour: Colour, window: Window) -> tuple[Grid, NDArray[np.uint32] | None]:
    """Return clients and their ranks by pixel, and clients by pixel and category where these colour them."""
    if colour.codes is not None:
        by_category = layers.clients[..., : len(colour.names)]
        known = np.zeros(by_category.shape[:2], np.int64)
        for code in range(len(colour.names)):
            known += by_category[..., code]
        grid = without_ranks(window, known + layers.clients[..., MISSING])
        return replace(grid, known=known), by_category.copy()
    grid = grid_of(layers, window)
    if colour.reversed:
        return replace(grid, ranks=grid.known - grid.ranks), None
    if colour.most != 1:
        return replace(grid, ranks=grid.ranks / colour.most), None
    return grid, None


def prepare() -> None:
    """Compile what finds codes, where it isn't yet."""
    _coding()


def _by_category(column: Column, names: tuple[str, ...], everyone: Counts) -> Colour:
    """Return categories as codes, in their usual order; of too many, the most frequent and the others together."""
    codes = np.full(len(names) + 1, MISSING, np.int8)
    if len(names) <= MOST_COLOURS:
        codes[:-1] = np.arange(len(names))
        return Colour(column.values, AxisKey(column.key), codes, names)
    frequent = np.sort(np.argsort(-everyone.clients[: len(names)], kind="stable")[: MOST_COLOURS - 1])
    codes[:-1] = MOST_COLOURS - 1
    codes[frequent] = np.arange(MOST_COLOURS - 1)
    return Colour(column.values, AxisKey(column.key), codes, (*(names[number] for number in frequent), ""))


def _code(numbers: NDArray[np.float32], codes: NDArray[np.int8], found: NDArray[np.int8]) -> None:
    missing = codes.size - 1
    for client in range(numbers.size):
        number = numbers[client]
        found[client] = codes[np.int64(number) if (number >= 0) & (number < missing) else missing]


@functools.cache
def _coding() -> Callable[..., None]:
    return compiled(_code, array_of("float32"), array_of("int8"), array_of("int8", written=True))
