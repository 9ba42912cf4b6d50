"""One session's exploration: what is asked of all clients, and what is shown of them."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from data.cores import threads
from data.errors import InvalidOption
from data.kept import Kept
from explain.crossfilter import picture
from explain.crossfilter.cells import begin_cells, positions
from explain.crossfilter.failing import Failing
from explain.crossfilter.pixel_cluster import DASK_FROM, layers_by_dask
from explain.crossfilter.tallies import Bars, tally
from explain.pixels import Grid, Window, without_ranks
from models.policy import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from concurrent.futures import Executor

    import numpy as np
    from numpy.typing import NDArray

    from explain.crossfilter.axes import Axis, AxisKey
    from explain.crossfilter.bins import Bins
    from explain.crossfilter.cells import Cells
    from explain.crossfilter.counts import Counts
    from explain.crossfilter.failing import Others
    from explain.crossfilter.filters import Filter
    from explain.crossfilter.picture import Colour
    from explain.crossfilter.population import Population
    from explain.pixels import Layers

PAIR = "pair"
"""The chart of two columns, as filters are keyed by it. A distribution's key is that of its column."""
DENSITY = "density"
MOST_CHARTS = 12
MOST_NEAR = 200
CELLS = (36, 24)
MOST_PIXELS = 4096
"""Of a picture's width, and of its height."""
_NARROWEST = 2.0**-36
_LEVELS = ""
_Result = TypeVar("_Result")


class Pair(NamedTuple):
    """Two columns shown against each other.

    Attributes
    ----------
    across, up : the axes.
    colour : what colours the clients: DENSITY, or the key of a column, "default", "score", "decision" and "level" among
        them.
    """

    across: AxisKey
    up: AxisKey
    colour: str = "default"


@dataclass(frozen=True, slots=True)
class Exploration:
    """What a visitor explores.

    Attributes
    ----------
    pair : two columns against each other.
    charts : the distributions, in order, at most MOST_CHARTS, of different columns.
    filters : by the chart that made them, in the order in which they were made; every chart here is shown. Where charts
        were taken away their filters went with them.
    """

    pair: Pair
    charts: tuple[AxisKey, ...] = ()
    filters: tuple[tuple[str, Filter], ...] = ()

    def filter_of(self, chart: str) -> Filter | None:
        """Return a chart's own filter, None where it has none."""
        return dict(self.filters).get(chart)

    def filtered(self, chart: str, kept: Filter | None) -> Exploration:
        """Return the same with a chart's filter replaced (its place stays), added at the end, or with None removed."""
        filters = dict(self.filters)
        if kept is None:
            filters.pop(chart, None)
        else:
            filters[chart] = kept
        return replace(self, filters=tuple(filters.items()))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be shown.

    Attributes
    ----------
    exploration : what is explored.
    window : what part of the pair is looked at, in places; None for its usual range.
    pixels : width and height of the pair's picture.
    """

    exploration: Exploration
    window: Window | None = None
    pixels: tuple[int, int] = (640, 400)


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """One column, of everyone and of the clients kept by the other charts' filters.

    Attributes
    ----------
    bins : its B bins.
    everyone, kept : counts of shape (B + 1,), the last of the clients without a value.
    """

    bins: Bins
    everyone: Counts
    kept: Counts


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Two columns against each other, of the clients kept by the other charts' filters.

    Attributes
    ----------
    pair, window : what is shown. The window is what was asked for, or the usual range.
    grid : clients by pixel. With DENSITY, and where the colour is a column of categories, `ranks` are all zero.
    by_category : (h, w, K) uint32, clients by pixel and category, where the colour is a column of categories other than
        the outcomes: of at most 10 all of them, of more the nine most frequent and the others together. None else.
    colours : names of these K categories, "" for the others together; empty where there are none.
    ghost : everyone by pixel (clients alone), None where no other chart filters.
    cells : counts of shape (rows, columns), the lowest row first, over the window in equal parts, for words; along
        categories and spread whole numbers a cell is one band (of more than `cells.MOST_BANDS`, some), counted whole
        where the window cuts it.
    cells_across, cells_up : edges of the cells, places, (columns + 1,) and (rows + 1,).
    near : positions of the clients in the window where they are at most MOST_NEAR, else None.
    placed : counts of shape (), of the kept clients who have a place on both axes, wherever it is.
    kept : counts of shape (), of all kept clients.
    """

    pair: Pair
    window: Window
    grid: Grid
    by_category: NDArray[np.uint32] | None
    colours: tuple[str, ...]
    ghost: Grid | None
    cells: Counts
    cells_across: NDArray[np.float64]
    cells_up: NDArray[np.float64]
    near: NDArray[np.intp] | None
    placed: Counts
    kept: Counts


@dataclass(frozen=True, slots=True, eq=False)
class Explored:
    """What is shown.

    Attributes
    ----------
    wanted : what was asked.
    everyone, selected : counts by level of risk, (7,), of all clients and of those that every filter keeps.
    distributions : one a chart of the exploration, in its order.
    picture : of the pair.
    """

    wanted: Wanted
    everyone: Counts
    selected: Counts
    distributions: tuple[Distribution, ...]
    picture: Picture


class Explorer:
    """Explores for one session: it remembers what its filters left, so that only what a gesture changed is computed.

    For one thread at a time. What is the same for everybody is kept by the population.

    Parameters
    ----------
    population : of all clients.
    dask_from : clients from which on pictures are Dask's, where the population has a scheduler.
    """

    def __init__(self, population: Population, dask_from: int = DASK_FROM) -> None:
        self._population = population
        self._by_dask = population.scheduler is not None and len(population) >= dask_from
        self._failing = Failing(population)
        self._tallies: Kept[Counts] = Kept(4 * MOST_CHARTS)
        self._cells: Kept[Cells] = Kept(2)
        self._placed: Kept[Counts] = Kept(2)
        self._pictures: Kept[tuple[Grid, NDArray[np.uint32] | None]] = Kept(1)
        self._ghosts: Kept[Grid] = Kept(1)

    def explore(self, wanted: Wanted) -> Explored:
        """Return what is to be shown.

        Raises
        ------
        UnknownColumn
            A column that there is not.
        InvalidOption
            A filter that its column doesn't allow, more than MOST_CHARTS charts or than `tallies.FILTERS` filters, a
            window that is empty or too small to tell places apart, or a picture of no pixel or too many.
        ClusterError
            A Dask cluster that can't be reached, or can't do the work.
        """
        shown, population = wanted.exploration, self._population
        if len(shown.charts) > MOST_CHARTS:
            raise InvalidOption(f"At most {MOST_CHARTS} distributions are shown, got {len(shown.charts)}: remove some.")
        bins = [population.bins(key) for key in shown.charts]
        axes = population.axis(shown.pair.across), population.axis(shown.pair.up)
        window = wanted.window or Window(*axes[0].usual, *axes[1].usual)
        _check(window, wanted.pixels)
        charts: list[tuple[str, AxisKey | None, Bars]] = [
            (key.column, key, Bars(found.index, len(found) + 1)) for key, found in zip(shown.charts, bins, strict=True)
        ]
        levels = Bars(population.level, len(LEVELS))
        charts += [(_LEVELS, None, levels), (PAIR, None, levels)]
        with ThreadPoolExecutor(threads()) as pool:
            colour = self._colour(shown.pair.colour, pool)
            self._failing.follow(shown.filters)
            drawing = self._begin_picture(shown.pair, axes, colour, window, wanted.pixels, pool)
            everyone = self._everyone([(key, bars) for _, key, bars in charts], pool)
            *kept, selected, of_pair = self._kept(charts, everyone, pool)
            drawn = drawing(of_pair.total)
        distributions = (
            Distribution(found, everyone[key], counts)
            for key, found, counts in zip(shown.charts, bins, kept, strict=True)
        )
        return Explored(wanted, everyone[None], selected, tuple(distributions), drawn)

    def selected(self, exploration: Exploration) -> NDArray[np.bool_]:
        """Return which clients every filter keeps, (n,) bool; raise as `explore` does for a filter."""
        self._failing.follow(exploration.filters)
        chosen: NDArray[np.bool_] = self._failing.bits == 0
        return chosen

    def _everyone(self, charts: Sequence[tuple[AxisKey | None, Bars]], pool: Executor) -> dict[AxisKey | None, Counts]:
        """Return the counts of all clients by what is binned: an axis, or with None the level."""
        kept = self._population.tallies
        found = {key: kept.peek(key) for key, _ in charts}
        missing = {key: bars for key, bars in charts if found[key] is None}
        if missing:
            counted = tally(list(missing.values()), self._population, self._failing.bits, 0, pool)()
            found |= {key: _put(kept, key, counts) for key, counts in zip(missing, counted, strict=True)}
        return {key: counts for key, counts in found.items() if counts is not None}

    def _kept(
        self,
        charts: Sequence[tuple[str, AxisKey | None, Bars]],
        everyone: dict[AxisKey | None, Counts],
        pool: Executor,
    ) -> list[Counts]:
        """Return, for each chart, the counts of the clients whom the others' filters keep."""
        failing = self._failing
        found: dict[tuple[AxisKey | None, Others], Counts] = {}
        missing: dict[Others, dict[AxisKey | None, Bars]] = {}
        for chart, key, bars in charts:
            others = failing.others(chart)
            known = self._tallies.peek((key, others)) if others else everyone[key]
            if known is None:
                missing.setdefault(others, {})[key] = bars
            else:
                found[key, others] = known
        begun = [
            (others, binned, tally(list(binned.values()), self._population, failing.bits, failing.mask(others), pool))
            for others, binned in missing.items()
        ]
        for others, binned, counted in begun:
            for key, counts in zip(binned, counted(), strict=True):
                found[key, others] = _put(self._tallies, (key, others), counts)
        return [found[key, failing.others(chart)] for chart, key, _ in charts]

    def _colour(self, key: str, pool: Executor) -> Colour:
        def everyone(axis: AxisKey) -> Counts:
            bins = self._population.bins(axis)
            return self._everyone([(axis, Bars(bins.index, len(bins) + 1))], pool)[axis]

        return picture.colour_of(None if key == DENSITY else key, self._population, everyone)

    def _begin_picture(
        self,
        pair: Pair,
        axes: tuple[Axis, Axis],
        colour: Colour,
        window: Window,
        pixels: tuple[int, int],
        pool: Executor,
    ) -> Callable[[Counts], Picture]:
        """Begin what isn't known of the picture, and return what waits for it, and takes the counts of all kept."""
        failing, where, population = self._failing, pair[:2], self._population
        others = failing.others(PAIR)
        mask = failing.mask(others)

        def begin(colour: Colour, mask: int) -> Callable[[], tuple[Grid, NDArray[np.uint32] | None]]:
            computing: Callable[[], Layers]
            if self._by_dask:
                asked = pool.submit(layers_by_dask, axes, colour, window, pixels, population, failing.bits, mask)
                computing = asked.result
            else:
                computing = picture.begin(axes, colour, window, pixels, failing.bits, mask, pool)
            return lambda: picture.finished(computing(), colour, window)

        def begin_ghost() -> Callable[[], Grid]:
            drawing = begin(picture.Colour(), 0)
            return lambda: drawing()[0]

        place = where, window, pixels
        grid = _begun(self._pictures, (pair, *place, others), lambda: begin(colour, mask))
        ghost = _begun(self._ghosts, place, begin_ghost) if others else None
        placed = self._placed.peek((where, others))
        told = _begun(
            self._cells,
            (where, window, others),
            lambda: begin_cells(axes, window, CELLS, population, failing.bits, mask, placed, pool),
        )

        def finish(kept: Counts) -> Picture:
            drawn, by_category = grid()
            found, few = told(), drawn.clients.sum() <= MOST_NEAR
            _put(self._placed, (where, others), found.placed)
            if ghost is None:
                _put(self._ghosts, place, without_ranks(window, drawn.clients))
            return Picture(
                pair, window, drawn, by_category, colour.names, None if ghost is None else ghost(), found.counts,
                found.across, found.up,
                positions(axes, window, failing.bits, mask, pool) if few else None, found.placed, kept,
            )  # fmt: skip

        return finish


def _begun(kept: Kept[_Result], key: Hashable, begin: Callable[[], Callable[[], _Result]]) -> Callable[[], _Result]:
    """Return what gives a result: at once where it is kept, else when what is begun here is done."""
    found = kept.peek(key)
    if found is not None:
        return lambda: found
    waiting = begin()
    return lambda: kept.get(key, waiting)


def _put(kept: Kept[_Result], key: Hashable, result: _Result) -> _Result:
    return kept.get(key, lambda: result)


def _check(window: Window, pixels: tuple[int, int]) -> None:
    """Raise InvalidOption unless a window can be drawn: datashader would count beyond the pixels of too small a one."""
    if not all(1 <= size <= MOST_PIXELS for size in pixels):
        raise InvalidOption(f"A picture has from 1 to {MOST_PIXELS} pixels each way, got {pixels[0]} by {pixels[1]}.")
    for low, high in ((window.left, window.right), (window.bottom, window.top)):
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InvalidOption(
                f"A window goes from a low to a high place, got {low!r} to {high!r}: show all of the plot."
            )
        if not high - low > max(abs(low), abs(high), 2.0**-990) * _NARROWEST:
            raise InvalidOption(f"The window from {low!r} to {high!r} is too small to tell places apart: zoom out.")
