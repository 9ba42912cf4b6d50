"""What is explored equals plain pandas on the same selection, for any columns, filters and order of gestures."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from data.errors import InvalidOption, UnknownColumn
from explain.crossfilter import picture, tallies
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.columns import Column
from explain.crossfilter.exploration import (
    DENSITY,
    MOST_NEAR,
    PAIR,
    Exploration,
    Explored,
    Explorer,
    Pair,
    Wanted,
)
from explain.crossfilter.filters import Box, Categories, Filter, Lasso, Range, passes
from explain.crossfilter.population import DEFAULT, LABELLED, REFUSED, Population
from explain.pixels import Window
from models.policy import LEVELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explain.crossfilter.counts import Counts
    from explain.pixels import Grid

MEASURES = ("amount", "ratio", "count", "constant", "missing", "score")
CATEGORIES = {"kind": tuple("abcd"), "trade": tuple(f"trade {number}" for number in range(14))}
OUTCOMES = {"decision": ("refused", "accepted"), "level": LEVELS, "default": ("repaid", "default")}
COLUMNS = (*MEASURES, *CATEGORIES, *OUTCOMES)


class Given:
    def __init__(self, columns: dict[str, Column]) -> None:
        self.columns, self.keys = columns, tuple(columns)

    def column(self, key: str) -> Column:
        if key not in self.columns:
            raise UnknownColumn(f"No column {key!r}.")
        return self.columns[key]


def population_of(clients: int, seed: int, scheduler: str | None = None) -> Population:
    rng = np.random.default_rng(seed)
    score = rng.random(clients)
    refused, labelled, default = score < 0.52, rng.random(clients) < 0.8, rng.random(clients) < 0.3
    outcome = (REFUSED * refused + LABELLED * labelled + DEFAULT * (labelled & default)).astype(np.uint8)
    level = np.searchsorted([0.2, 0.35, 0.45, 0.55, 0.65, 0.8], score, side="right").astype(np.uint8)
    amount = np.exp(rng.normal(0, 2, clients)) * rng.choice([-1, 1], clients)
    amount[rng.random(clients) < 0.2] = np.nan
    amount[rng.random(clients) < 0.02] = np.inf
    amount[rng.random(clients) < 0.02] = -np.inf
    kind = np.where(rng.random(clients) < 0.1, np.nan, rng.integers(0, 4, clients))
    values: dict[str, NDArray[Any]] = {
        "amount": amount,
        "ratio": rng.normal(0, 1, clients),
        "count": np.round(rng.gamma(2, 2, clients)),
        "constant": np.full(clients, 3.5),
        "missing": np.full(clients, np.nan),
        "score": score,
        "kind": kind,
        "trade": np.minimum(rng.geometric(0.2, clients) - 1, 13),
        "decision": ~refused,
        "level": level,
        "default": np.where(labelled, labelled & default, np.nan),
    }
    named = CATEGORIES | OUTCOMES
    columns = {key: Column(key, found.astype(np.float32), named.get(key)) for key, found in values.items()}
    for column in columns.values():
        column.values.setflags(write=False)  # noqa: PD011 (no pandas)
    return Population(np.arange(clients) + 100_001, score, level, outcome, Given(columns), scheduler)


@pytest.fixture(scope="module")
def population() -> Population:
    return population_of(3_000, 1)


def scales(column: str) -> st.SearchStrategy[AxisKey]:
    return st.builds(AxisKey, st.just(column), st.sampled_from(("linear", "log", "quantile")))


@st.composite
def sides(draw: st.DrawFn, column: str) -> Range | Categories:
    missing = draw(st.booleans())
    names = {**CATEGORIES, **OUTCOMES}.get(column)
    if names is not None:
        return Categories(column, tuple(draw(st.sets(st.sampled_from(names)))), missing)
    ends = st.sampled_from((-np.inf, -5.0, -1.0, -0.3, 0.0, 0.25, 0.5, 1.0, 3.5, 4.0, 100.0, np.inf))
    low, high = sorted((draw(ends), draw(ends)))
    return Range(column, low, high, missing)


@st.composite
def explorations(draw: st.DrawFn) -> Exploration:
    across, up = draw(st.sampled_from(COLUMNS).flatmap(scales)), draw(st.sampled_from(COLUMNS).flatmap(scales))
    colour = draw(st.sampled_from((DENSITY, *COLUMNS)))
    columns = draw(st.lists(st.sampled_from(COLUMNS), unique=True, max_size=5))
    charts = tuple(draw(scales(column)) for column in columns)
    filters: list[tuple[str, Filter]] = []
    filters += [(column, draw(sides(column))) for column in columns if draw(st.integers(0, 2)) == 0]
    own = draw(st.integers(0, 3))
    if own == 0:
        filters.append((PAIR, Box(draw(sides(across.column)), draw(sides(up.column)))))
    elif own == 1:
        corners = draw(st.lists(st.tuples(st.floats(-3, 8), st.floats(-3, 8)), min_size=3, max_size=6))
        filters.append((PAIR, Lasso(across, up, tuple(corners))))
    return Exploration(Pair(across, up, colour), charts, tuple(draw(st.permutations(filters))))


windows = st.none() | st.builds(
    lambda left, width, bottom, height: Window(left, left + width, bottom, bottom + height),
    *(st.sampled_from((-4.0, -0.5, 0.0, 0.25, 2.5)), st.sampled_from((0.125, 1.0, 7.0))) * 2,
)  # fmt: skip
wanteds = st.builds(Wanted, explorations(), windows, st.sampled_from(((8, 5), (31, 17))))


def kept_by(population: Population, exploration: Exploration, *, but: str | None) -> NDArray[np.bool_]:
    """Return whom all filters but a chart's own keep, with pandas where a filter is of one column."""
    kept = np.ones(len(population), bool)
    for chart, own in exploration.filters:
        if chart != but:
            kept &= passed(population, own)
    return kept


def passed(population: Population, own: Filter) -> NDArray[np.bool_]:
    if isinstance(own, Box):
        return passed(population, own.across) & passed(population, own.up)
    if isinstance(own, Lasso):
        return passes(own, population)
    column = population.column(own.column)
    values = pd.Series(column.values)
    if isinstance(own, Range):
        found = values.between(own.low, own.high)
    else:
        found = values.isin([float((column.categories or ()).index(name)) for name in own.names])
    return (found | (values.isna() & own.missing)).to_numpy()


def frame_of(population: Population) -> pd.DataFrame:
    labelled = population.outcome & LABELLED > 0
    return pd.DataFrame(
        {
            "clients": 1,
            "refused": population.outcome & REFUSED > 0,
            "labelled": labelled,
            "defaults": labelled & (population.outcome & DEFAULT > 0),
            "score": population.score,
        }
    )


def same_counts(counts: Counts, rows: pd.DataFrame, group: NDArray[Any] | None = None) -> None:
    """Check counts against the sums of a frame, by group where there are any; those not there are zero."""
    for name in ("clients", "refused", "labelled", "defaults", "score"):
        got = np.asarray(getattr(counts, name))
        if group is None:
            wanted = np.asarray(rows[name].sum())
        else:
            wanted = rows[name].groupby(group[rows.index]).sum().reindex(range(got.size), fill_value=0).to_numpy()
            wanted = wanted.reshape(got.shape)
        if name == "score":
            np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)
        else:
            np.testing.assert_array_equal(got, wanted)


def bin_of(population: Population, key: AxisKey) -> NDArray[np.intp]:
    """Return every client's bin, by the bounds that the bins tell."""
    bins, values = population.bins(key), population.column(key.column).values  # noqa: PD011 (no pandas)
    found = np.full(len(values), len(bins))
    for number in range(len(bins)):
        found[(values >= bins.low[number]) & (values <= bins.high[number])] = number
    return found


def pixel_of(places: NDArray[np.float32], low: float, high: float, count: int) -> NDArray[np.intp]:
    """Return the pixel of places in a window, as datashader draws its edges, -1 for the others."""
    scale = count / (high - low)
    with np.errstate(invalid="ignore"):
        inside = (places >= low) & (places <= high)
    at = places[inside].astype(np.float64) * scale + -low * scale
    found = np.full(places.shape, -1)
    found[inside] = np.minimum(at.astype(np.intp), count - 1)
    return found


def colour_expected(population: Population, key: str) -> NDArray[np.float64]:
    values = population.column(key).values.astype(np.float64)  # noqa: PD011 (no pandas)
    if key == "decision":
        return 1 - values
    if key == "level":
        return values / 6
    if key in ("score", "default"):
        return values
    series = pd.Series(values)
    return ((series.rank(method="average") - 0.5) / series.notna().sum()).to_numpy()


def check_picture(found: Explored, population: Population) -> None:
    picture, wanted = found.picture, found.wanted
    across, up = (population.axis(key) for key in wanted.exploration.pair[:2])
    window = picture.window
    assert window == (wanted.window or (*across.usual, *up.usual))
    kept = kept_by(population, wanted.exploration, but=PAIR)
    rows = frame_of(population)
    same_counts(picture.kept, rows[kept])
    placed = ~np.isnan(across.places) & ~np.isnan(up.places)
    same_counts(picture.placed, rows[kept & placed])
    width, height = wanted.pixels
    x, y = pixel_of(across.places, *window[:2], width), pixel_of(up.places, *window[2:], height)
    shown = (x >= 0) & (y >= 0)

    def by_pixel(chosen: NDArray[np.bool_], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        pixel = (y * width + x)[chosen]
        own = None if weights is None else weights[chosen]
        return np.bincount(pixel, own, height * width).reshape(height, width)

    np.testing.assert_array_equal(picture.grid.clients, by_pixel(kept & shown))
    check_colours(found, population, kept & shown, by_pixel)
    filtered = any(chart != PAIR for chart, _ in wanted.exploration.filters)
    assert (picture.ghost is not None) == filtered
    if picture.ghost is not None:
        np.testing.assert_array_equal(picture.ghost.clients, by_pixel(shown))
        assert not picture.ghost.known.any()
    near = np.flatnonzero(kept & shown)
    if near.size <= MOST_NEAR:
        np.testing.assert_array_equal(picture.near, near)
    else:
        assert picture.near is None
    check_cells(found, population, kept)


def check_colours(found: Explored, population: Population, chosen: NDArray[np.bool_], by_pixel: Any) -> None:
    picture, key = found.picture, found.wanted.exploration.pair.colour
    column = None if key == DENSITY else population.column(key)
    if column is None or (column.categories is not None and key in CATEGORIES):
        assert not picture.grid.ranks.any()
    else:
        rank = colour_expected(population, key)
        known = ~np.isnan(rank)
        np.testing.assert_array_equal(picture.grid.known, by_pixel(chosen & known))
        np.testing.assert_allclose(picture.grid.ranks, by_pixel(chosen & known, rank), rtol=1e-5, atol=1e-5)
    if key not in CATEGORIES:
        assert picture.by_category is None
        assert picture.colours == ()
        return
    assert column is not None
    values, names = column.values, CATEGORIES[key]  # noqa: PD011 (no pandas)
    assert picture.by_category is not None
    counted = pd.Series(values).value_counts().reindex(range(len(names)), fill_value=0)
    own = (
        sorted(counted.sort_values(ascending=False, kind="stable").index[:9]) if len(names) > 10 else range(len(names))
    )
    assert picture.colours == (*(names[number] for number in own), *(("",) if len(names) > 10 else ()))
    for code, name in enumerate(picture.colours):
        coloured = values == names.index(name) if name else ~np.isin(values, own) & ~np.isnan(values)
        np.testing.assert_array_equal(picture.by_category[..., code], by_pixel(chosen & coloured))
    np.testing.assert_array_equal(picture.grid.known, picture.by_category.sum(axis=-1))


def check_cells(found: Explored, population: Population, kept: NDArray[np.bool_]) -> None:
    picture, rows = found.picture, frame_of(population)
    cell = np.zeros(len(population), np.intp)
    inside = kept.copy()
    for key, edges in (
        (picture.pair.up, picture.cells_up),
        (picture.pair.across, picture.cells_across),
    ):
        places = population.axis(key).places
        with np.errstate(invalid="ignore"):
            inside &= (places >= edges[0]) & (places <= edges[-1])
        number = np.searchsorted(edges, places.astype(np.float64), side="right") - 1
        cell = cell * (len(edges) - 1) + np.clip(number, 0, len(edges) - 2)
    same_counts(picture.cells, rows[inside], cell)


def check(found: Explored, population: Population) -> None:
    shown, rows = found.wanted.exploration, frame_of(population)
    level = population.level.astype(np.intp)
    same_counts(found.everyone, rows, level)
    same_counts(found.selected, rows[kept_by(population, shown, but=None)], level)
    assert len(found.distributions) == len(shown.charts)
    for key, distribution in zip(shown.charts, found.distributions, strict=True):
        own = bin_of(population, key)
        assert distribution.bins.key.column == key.column
        assert distribution.kept.clients.shape == (len(distribution.bins) + 1,)
        same_counts(distribution.everyone, rows, own)
        same_counts(distribution.kept, rows[kept_by(population, shown, but=key.column)], own)
    check_picture(found, population)


SETTINGS = settings(deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])


@settings(SETTINGS, max_examples=60)
@given(wanted=wanteds)
def test_every_number_is_pandas_own(wanted: Wanted, population: Population) -> None:
    check(Explorer(population).explore(wanted), population)


@settings(SETTINGS, max_examples=8)
@given(sequence=st.lists(wanteds, min_size=2, max_size=8))
def test_after_any_gestures_all_is_as_if_they_had_not_been(sequence: list[Wanted], population: Population) -> None:
    one, other = Explorer(population), Explorer(population)
    for number, wanted in enumerate(sequence):
        found = one.explore(wanted)
        other.explore(sequence[-1 - number])
        check(found, population)
        identical(found, Explorer(population).explore(wanted))
        np.testing.assert_array_equal(
            one.selected(wanted.exploration), kept_by(population, wanted.exploration, but=None)
        )


@settings(SETTINGS, max_examples=15)
@given(wanted=wanteds, clients=st.sampled_from((1, 2, 40)), seed=st.integers(0, 5))
def test_few_clients(wanted: Wanted, clients: int, seed: int) -> None:
    population = population_of(clients, seed)
    check(Explorer(population).explore(wanted), population)


@settings(SETTINGS, max_examples=8)
@given(wanted=wanteds)
def test_parts_make_no_difference(wanted: Wanted, population: Population) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tallies, "CLIENTS_A_PART", 500)
        patch.setattr(picture, "CLIENTS_A_PICTURE", 700)
        check(Explorer(population_of(3_000, 1)).explore(wanted), population)


def identical(found: Explored, again: Explored) -> None:
    same_numbers(dataclasses.astuple(found.everyone), dataclasses.astuple(again.everyone))
    same_numbers(dataclasses.astuple(found.selected), dataclasses.astuple(again.selected))
    for one, other in zip(found.distributions, again.distributions, strict=True):
        same_numbers(dataclasses.astuple(one.kept), dataclasses.astuple(other.kept))
    same_numbers(dataclasses.astuple(found.picture.cells), dataclasses.astuple(again.picture.cells))
    same_grid(found.picture.grid, again.picture.grid)


def same_numbers(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


def same_grid(one: Grid, other: Grid) -> None:
    same_numbers((one.clients, one.known, one.ranks), (other.clients, other.known, other.ranks))


PLAIN = Exploration(Pair(AxisKey("ratio"), AxisKey("score")), (AxisKey("ratio"), AxisKey("count"), AxisKey("kind")))


def test_an_empty_selection_is_shown_as_nobody(population: Population) -> None:
    shown = PLAIN.filtered("count", Range("count", 1e6, 1e7)).filtered("kind", Categories("kind"))
    found = Explorer(population).explore(Wanted(shown))
    check(found, population)
    assert found.selected.total.clients == 0
    assert np.isnan(found.selected.total.mean_score)
    assert found.picture.near is not None
    assert found.picture.near.size == 0


def test_a_filter_is_replaced_where_it_is_and_taken_away() -> None:
    one, two = Range("count", 0, 1), Range("count", 1, 2)
    made = PLAIN.filtered("count", one).filtered("kind", Categories("kind", ("a",))).filtered("count", two)
    assert [chart for chart, _ in made.filters] == ["count", "kind"]
    assert made.filter_of("count") == two
    assert made.filtered("count", None).filters == (("kind", Categories("kind", ("a",))),)
    assert made.filtered("ratio", None) == made


def test_only_what_a_gesture_changed_is_computed(population: Population, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    marked: list[int] = []
    tally, mark = tallies.tally, tallies.mark
    monkeypatch.setattr(
        "explain.crossfilter.exploration.tally",
        lambda charts, *rest: (counted.append(len(charts)), tally(charts, *rest))[1],
    )
    monkeypatch.setattr(tallies, "mark", lambda failing, bit, keeps: (marked.append(bit), mark(failing, bit, keeps)))
    explorer = Explorer(population)
    explorer.explore(Wanted(PLAIN))
    counted.clear()
    brushed = PLAIN.filtered("count", Range("count", 1, 3))
    explorer.explore(Wanted(brushed))
    assert sum(counted) == 3  # two other charts and the levels: its own shows everyone
    assert marked == [1]
    counted.clear()
    explorer.explore(Wanted(brushed, Window(-1, 1, 0, 1)))
    explorer.explore(Wanted(dataclasses.replace(brushed, pair=brushed.pair._replace(colour="level"))))
    explorer.explore(Wanted(PLAIN))
    assert counted == []
    assert marked == [1, 1]


def test_a_picture_that_was_shown_is_not_computed_again(population: Population) -> None:
    explorer = Explorer(population)
    first = explorer.explore(Wanted(PLAIN))
    again = explorer.explore(Wanted(dataclasses.replace(PLAIN, charts=(AxisKey("count"),))))
    assert again.picture.grid is first.picture.grid
    assert again.picture.cells is first.picture.cells


def test_a_filter_that_cannot_be_leaves_all_as_it_was(population: Population) -> None:
    explorer = Explorer(population)
    brushed = PLAIN.filtered("count", Range("count", 1, 3))
    explorer.explore(Wanted(brushed))
    with pytest.raises(InvalidOption):
        explorer.explore(Wanted(brushed.filtered("count", None).filtered("kind", Range("kind", 0, 1))))
    check(explorer.explore(Wanted(brushed)), population)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(PLAIN, Window(1.0, 1.0, 0.0, 1.0)), "from a low to a high place, got 1.0 to 1.0"),
        (Wanted(PLAIN, Window(0.0, 1.0, np.nan, 1.0)), "from a low to a high place, got nan"),
        (Wanted(PLAIN, Window(-np.inf, 1.0, 0.0, 1.0)), "from a low to a high place, got -inf"),
        (Wanted(PLAIN, Window(1.0, 1.0 + 1e-12, 0.0, 1.0)), "too small to tell places apart"),
        (Wanted(PLAIN, None, (0, 10)), "from 1 to 4096 pixels each way, got 0 by 10"),
        (Wanted(dataclasses.replace(PLAIN, charts=(AxisKey("ratio"),) * 13)), "At most 12 distributions"),
        (
            Wanted(dataclasses.replace(PLAIN, filters=tuple((f"c{n}", Range("count")) for n in range(17)))),
            "At most 16 charts filter at once, got 17",
        ),
    ],
)
def test_what_cannot_be_shown_is_told(wanted: Wanted, message: str, population: Population) -> None:
    with pytest.raises(InvalidOption, match=message):
        Explorer(population).explore(wanted)


@pytest.mark.parametrize(
    "shown",
    [
        dataclasses.replace(PLAIN, pair=PLAIN.pair._replace(colour="nothing")),
        dataclasses.replace(PLAIN, pair=PLAIN.pair._replace(up=AxisKey("nothing"))),
        dataclasses.replace(PLAIN, charts=(AxisKey("nothing"),)),
        PLAIN.filtered("count", Range("nothing")),
    ],
)
def test_a_column_that_is_not_there_is_told(shown: Exploration, population: Population) -> None:
    with pytest.raises(UnknownColumn, match="nothing"):
        Explorer(population).explore(Wanted(shown))
