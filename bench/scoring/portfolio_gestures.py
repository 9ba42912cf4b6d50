"""What an analyst does with six linked charts, as what is asked of the engine after every step of every gesture."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data.errors import StoreError
from explain.crossfilter.axes import AxisKey, usual_scale
from explain.crossfilter.exploration import DENSITY, PAIR, Exploration, Pair, Wanted
from explain.crossfilter.filters import Box, Categories, Filter, Lasso
from explain.pixels import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from explain.crossfilter.axes import Axis
    from explain.crossfilter.population import Population

PAIR_COLUMNS = ("EXT_SOURCE_2", "EXT_SOURCE_3")
MEASURES = ("AMT_CREDIT", "DAYS_BIRTH", "DAYS_EMPLOYED")
CATEGORIES = ("raw.NAME_EDUCATION_TYPE", "raw.NAME_INCOME_TYPE")
THIRDS = ("AMT_ANNUITY", "AMT_INCOME_TOTAL", "DAYS_ID_PUBLISH")
OUTCOME_COLOURS = ("default", "score", "decision", "level")
FIRST_PAINT = "first_paint"
STEPS = 6
_CORNERS = 24


class Step(NamedTuple):
    """One step of a gesture: its kind, what is wanted after it, and, of a brush, the chart that is brushed."""

    kind: str
    wanted: Wanted
    chart: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """Six linked charts, and what they are coloured by in turn.

    Attributes
    ----------
    exploration : the pair and five distributions, one of them of categories, without filters.
    category : key of that one.
    colours : of the pair, in the order in which they are chosen; the third features among them are not shown otherwise.
    """

    exploration: Exploration
    category: str
    colours: tuple[str, ...]

    @property
    def measures(self) -> tuple[AxisKey, ...]:
        """The distributions that measure."""
        return tuple(key for key in self.exploration.charts if key.column != self.category)

    @property
    def columns(self) -> tuple[str, ...]:
        """Keys of all columns that are drawn or that colour, the outcomes among them."""
        exploration = self.exploration
        shown = (
            exploration.pair.across.column,
            exploration.pair.up.column,
            *(key.column for key in exploration.charts),
        )
        return tuple(dict.fromkeys((*shown, *(colour for colour in self.colours if colour != DENSITY))))


def scene(population: Population) -> Scene:
    """Return the charts that are measured.

    Raises
    ------
    StoreError
        A column for them is not there.
    """
    charts = (*_there(population, MEASURES, 3), "score")
    category, other = _there(population, CATEGORIES, 2)
    across, up = (_key(population, name) for name in _there(population, PAIR_COLUMNS, 2))
    keys = tuple(_key(population, name) for name in charts)
    thirds = _there(population, THIRDS, 3)
    colours = (*OUTCOME_COLOURS, thirds[0], other, thirds[1], DENSITY, thirds[2])
    return Scene(Exploration(Pair(across, up), (*keys, AxisKey(category))), category, colours)


def _there(population: Population, wanted: Sequence[str], many: int) -> tuple[str, ...]:
    known = set(population.keys)
    found = [name for name in wanted if name in known][:many]
    if len(found) < many:
        raise StoreError(
            f"The portfolio has no column {next(name for name in wanted if name not in known)}, which is measured. "
            "Measure another one: --portfolio NAME"
        )
    return tuple(found)


def _key(population: Population, name: str) -> AxisKey:
    return AxisKey(name, usual_scale(population.column(name)))


def first_view(shown: Scene) -> Wanted:
    """Return what is wanted before any gesture."""
    return Wanted(shown.exploration)


def gestures(population: Population, shown: Scene, seed: int) -> Iterator[Step]:
    """Give every step of one round of gestures, in order; where they begin and how far they go depends on the seed.

    It looks closer and elsewhere, colours, brushes one chart after the other, looks and colours again with all these
    filters on, and clears.
    """
    chance = np.random.default_rng(seed)
    wanted = first_view(shown)
    for step in _looked_at(population, wanted, chance):
        wanted = step.wanted
        yield step
    wanted = replace(wanted, window=None)
    colours = iter(np.roll(np.array(shown.colours), seed).tolist() * 2)
    for colour in itertools.islice(colours, len(shown.colours)):
        wanted = _coloured(wanted, colour)
        yield Step("recolour", wanted)
    for step in _brushed(population, shown, wanted, chance):
        wanted = step.wanted
        yield step
    for step in _looked_at(population, wanted, chance):
        wanted = step.wanted
        yield step
    wanted = replace(wanted, window=None)
    for colour in itertools.islice(colours, 3):
        wanted = _coloured(wanted, colour)
        yield Step("recolour", wanted)
    yield Step("brush_clear", replace(wanted, exploration=replace(wanted.exploration, filters=())))


def _coloured(wanted: Wanted, colour: str) -> Wanted:
    exploration = wanted.exploration
    return replace(wanted, exploration=replace(exploration, pair=exploration.pair._replace(colour=colour)))


def _looked_at(population: Population, wanted: Wanted, chance: np.random.Generator) -> Iterator[Step]:
    pair = wanted.exploration.pair
    (left, right), (bottom, top) = (population.axis(key).usual for key in (pair.across, pair.up))
    window = Window(left, right, bottom, top)
    middle = chance.uniform(0.3, 0.7, 2)
    for _ in range(STEPS):
        window = _scaled(window, 0.8, middle)
        yield Step("zoom_in", replace(wanted, window=window))
    across, up = chance.uniform(-0.08, 0.08, 2)
    for _ in range(STEPS):
        window = _moved(window, across, up)
        yield Step("pan", replace(wanted, window=window))
    for _ in range(STEPS):
        window = _scaled(window, 1 / 0.8, middle)
        yield Step("zoom_out", replace(wanted, window=window))


def _scaled(window: Window, factor: float, middle: NDArray[np.float64]) -> Window:
    x = window.left + middle[0] * (window.right - window.left)
    y = window.bottom + middle[1] * (window.top - window.bottom)
    left, right = (x + factor * (edge - x) for edge in window[:2])
    bottom, top = (y + factor * (edge - y) for edge in window[2:])
    return Window(left, right, bottom, top)


def _moved(window: Window, across: float, up: float) -> Window:
    x, y = across * (window.right - window.left), up * (window.top - window.bottom)
    return Window(window.left + x, window.right + x, window.bottom + y, window.top + y)


def _brushed(population: Population, shown: Scene, wanted: Wanted, chance: np.random.Generator) -> Iterator[Step]:
    pair = wanted.exploration.pair
    axes = population.axis(pair.across), population.axis(pair.up)
    strokes: list[tuple[str, str, list[Filter]]] = [
        ("brush_range", shown.measures[0].column, _ranges(population, shown.measures[0], chance)),
        ("brush_box", PAIR, _boxes(axes, chance)),
        ("brush_range", shown.measures[1].column, _ranges(population, shown.measures[1], chance)),
        ("brush_category", shown.category, _categories(population, shown.category, chance)),
        ("brush_lasso", PAIR, _lassos(axes, chance)),
        ("brush_range", shown.measures[2].column, _ranges(population, shown.measures[2], chance)),
    ]
    for kind, chart, filters in strokes:
        for kept in filters:
            wanted = replace(wanted, exploration=wanted.exploration.filtered(chart, kept))
            yield Step(kind, wanted, chart)


def _ranges(population: Population, key: AxisKey, chance: np.random.Generator) -> list[Filter]:
    """Return the ranges of a drag over a histogram, two bins further at every step."""
    binned = population.bins(key)
    first = int(chance.integers(max(len(binned) // 4, 1)))
    return [binned.side(first, last) for last in range(first, len(binned), 2)[: 2 * STEPS]]


def _boxes(axes: tuple[Axis, Axis], chance: np.random.Generator) -> list[Filter]:
    corner = chance.uniform(0.05, 0.25, 2)
    boxes: list[Filter] = []
    for step in range(1, STEPS + 1):
        sides = []
        for axis, start in zip(axes, corner, strict=True):
            low, high = axis.usual
            begin = low + start * (high - low)
            sides.append(axis.side(begin, begin + 0.7 * step / STEPS * (high - low)))
        boxes.append(Box(*sides))
    return boxes


def _lassos(axes: tuple[Axis, Axis], chance: np.random.Generator) -> list[Filter]:
    turns = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    reach = chance.uniform(0.25, 0.45, _CORNERS)
    (left, right), (bottom, top) = (axis.usual for axis in axes)
    lassos: list[Filter] = []
    for part in (0.5, 0.75, 1.0):
        x = left + (right - left) * (0.5 + part * reach * np.cos(turns))
        y = bottom + (top - bottom) * (0.5 + part * reach * np.sin(turns))
        lassos.append(Lasso(axes[0].key, axes[1].key, tuple(zip(x.tolist(), y.tolist(), strict=True))))
    return lassos


def _categories(population: Population, key: str, chance: np.random.Generator) -> list[Filter]:
    names = population.column(key).categories or ()
    chosen = [names[place] for place in chance.permutation(len(names))[:3]]
    return [Categories(key, tuple(chosen[: many + 1])) for many in range(len(chosen))]
