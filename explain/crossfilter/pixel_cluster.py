"""Pictures of millions of clients by Dask: datashader's own support for its collections, here or on a cluster.

The clients are cut into blocks, each of which becomes one part of a dask frame where it is computed. The workers of a
cluster open the portfolio's files themselves: of each block they are sent where it begins and ends, and, where filters
leave clients out, one bit a client. Only a population that is in no file has its columns sent.
"""

from __future__ import annotations

import contextlib
import functools
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from data.errors import ClusterError
from data.scheduling import software
from explain.crossfilter.picture import places_of, values_on
from explain.pixels import Layers, Places, canvas, frame, layers_of, reduction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from explain.crossfilter.axes import Axis, AxisKey
    from explain.crossfilter.picture import Colour
    from explain.crossfilter.population import Population
    from explain.pixels import Kind, Window

DASK_FROM = 5_000_000
"""Clients from which on pictures are Dask's, where there is a scheduler."""
CLIENTS_A_BLOCK = 1 << 20

_Columns: TypeAlias = "tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32] | None]"


@dataclass(frozen=True, slots=True, eq=False)
class _There:
    """The columns of a picture, where a worker finds them.

    Attributes
    ----------
    elsewhere : opens the population.
    across, up, colour : keys of the axes, and where the colour's values are.
    software : what a worker must run.
    """

    elsewhere: Callable[[], Population]
    across: AxisKey
    up: AxisKey
    colour: AxisKey | None
    software: tuple[tuple[str, str], ...]

    def columns(self) -> _Columns:
        _check_software(self.software)
        population = _opened(self.elsewhere)
        colour = None if self.colour is None else values_on(self.colour, population)
        return population.axis(self.across).places, population.axis(self.up).places, colour


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Some clients, one after the other, and which of them are kept.

    Attributes
    ----------
    columns : where they are found, or their own places and values.
    start, stop : the first client, and the one after the last.
    kept : a bit a client, set where it is kept; None keeps all.
    codes : as `Colour` has them.
    window : of the picture.
    name : tells Dask this block from any other, without reading it.
    """

    columns: _There | _Columns
    start: int
    stop: int
    kept: NDArray[np.uint8] | None
    codes: NDArray[np.int8] | None
    window: Window
    name: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __dask_tokenize__(self) -> str:
        return self.name

    def frame(self) -> Any:
        """Return the pandas frame of the clients kept."""
        if isinstance(self.columns, _There):
            across, up, colour = (
                None if found is None else found[self.start : self.stop] for found in self.columns.columns()
            )
        else:
            across, up, colour = self.columns
        assert across is not None
        assert up is not None
        failing, others = np.zeros(self.stop - self.start, np.uint16), 0
        if self.kept is not None:
            others = 1
            np.subtract(1, np.unpackbits(self.kept, count=failing.size), out=failing)
        return frame(places_of((across, up), colour, self.codes, self.window, failing, others))


def layers_by_dask(
    axes: tuple[Axis, Axis],
    colour: Colour,
    window: Window,
    pixels: tuple[int, int],
    population: Population,
    failing: NDArray[np.uint16],
    others: int,
    clients_a_block: int = CLIENTS_A_BLOCK,
) -> Layers:
    """Return the clients by pixel, computed by Dask: the same numbers, sums of ranks to within their rounding.

    Parameters
    ----------
    axes, colour, window, pixels, failing, others : as `picture.begin` takes them.
    population : of the n clients, with a scheduler.
    clients_a_block : how many clients a block has at most.

    Raises
    ------
    ClusterError
        The cluster can't be reached, or can't do the work.
    """
    import dask.dataframe

    dd: Any = dask.dataframe  # its functions have no types
    kind: Kind = "clients" if colour.values is None else "ranks" if colour.codes is None else "codes"
    blocks = list(_blocks(axes, colour, window, population, failing, others, clients_a_block))
    shade = {"clients": None, "ranks": np.zeros(0, np.float32), "codes": np.zeros(0, np.int8)}[kind]
    meta = frame(Places(np.zeros(0, np.float32), np.zeros(0, np.float32), shade))
    with _computing(population):
        clients = dd.from_map(_Block.frame, blocks, meta=meta)
        found = canvas(window, pixels).points(clients, "across", "up", agg=reduction(kind))
    return layers_of(found, kind)


def _blocks(
    axes: tuple[Axis, Axis],
    colour: Colour,
    window: Window,
    population: Population,
    failing: NDArray[np.uint16],
    others: int,
    clients_a_block: int,
) -> Iterator[_Block]:
    across, up = axes
    there = None
    if population.cluster is not None and population.elsewhere is not None:
        there = _There(population.elsewhere, across.key, up.key, colour.axis, tuple(software().items()))
    count = max(-(-len(population) // clients_a_block), 1)
    for block in range(count):
        start, stop = block * len(population) // count, (block + 1) * len(population) // count
        kept = None if others == 0 else np.packbits((failing[start:stop] & np.uint16(others)) == 0)
        shades = None if colour.values is None else colour.values[start:stop]
        own = there or (across.places[start:stop], up.places[start:stop], shades)
        yield _Block(own, start, stop, kept, colour.codes, window)


def _computing(population: Population) -> contextlib.AbstractContextManager[None]:
    if population.cluster is None:
        return contextlib.nullcontext()
    return population.cluster.computing()


@functools.lru_cache(2)
def _opened(elsewhere: Callable[[], Population]) -> Population:
    return elsewhere()


@functools.lru_cache(2)
def _check_software(wanted: tuple[tuple[str, str], ...]) -> None:
    """Raise ClusterError unless this process runs what is wanted: a worker may have come later than the others."""
    here = software()
    other = [name for name, version in wanted if here.get(name) != version]
    if other:
        raise ClusterError(
            f"A worker runs another version of {', '.join(other)} than the dashboard. Bring its folder and its "
            "environment to the same version and start it again."
        )
