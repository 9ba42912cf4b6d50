from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboard.column_index import ColumnIndex
from dashboard.figures.distribution import DIM
from dashboard.figures.distribution_bars import bars_of, heights
from dashboard.i18n import Translator
from dashboard.state import SessionState
from dashboard.views.distribution import DistributionView
from dashboard.views.distribution_words import Numbers
from dashboard.views.distributions import DistributionsView
from data.errors import UnknownColumn
from data.features.catalog import features
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.counts import wilson
from explain.crossfilter.exploration import DENSITY, Exploration, Explored, Explorer, Pair, Wanted
from explain.crossfilter.filters import Categories, Filter, Range
from explain.crossfilter.population import DEFAULT, LABELLED, REFUSED, Column, Population

FEATURES = {feature.name: feature for feature in features()}
N = 4000
EDUCATION = "raw.NAME_EDUCATION_TYPE"
WORK = "raw.ORGANIZATION_TYPE"
AMOUNT, AGE, GONE, ALIKE, ENDLESS, CHILDREN = (
    "AMT_CREDIT", "DAYS_BIRTH", "EXT_SOURCE_1", "AMT_ANNUITY", "PREV_APP_CREDIT_PERC_MAX", "CNT_CHILDREN",
)  # fmt: skip
MEASURES = (AMOUNT, AGE, GONE, ALIKE, ENDLESS, CHILDREN, "score")
LEVELS = ("very_high", "high", "slightly_high", "medium", "slightly_low", "low", "very_low")


class _Columns:
    def __init__(self, values: dict[str, np.ndarray], categories: dict[str, tuple[str, ...]]) -> None:
        self._columns = {}
        for key, array in values.items():
            kept = array.astype(np.float32)
            kept.setflags(write=False)
            self._columns[key] = Column(key, kept, categories.get(key))

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._columns)

    def column(self, key: str) -> Column:
        if key not in self._columns:
            raise UnknownColumn(key)
        return self._columns[key]


class _Doing:
    """What is done on a chart, carried out at once, and remembered."""

    def __init__(self, state: SessionState, population: Population, charts: tuple[str, ...]) -> None:
        self.state, self.told = state, []
        self.explorer = Explorer(population)
        keys = tuple(AxisKey(chart) for chart in charts)
        self.now = Exploration(Pair(AxisKey("score"), AxisKey("score"), DENSITY), keys)
        self.views: list[Any] = []
        self.explore()

    def explore(self, *, final: bool = True) -> None:
        self.state.exploration = self.now
        if final:
            self.state.settled = self.now
        self.explored: Explored = self.explorer.explore(Wanted(self.now))
        for view in self.views:
            if isinstance(view, DistributionsView):
                view.update(self.explored)
            else:
                view.update(self.of(view.key), self.explored)

    def of(self, column: str) -> Any:
        at = [key.column for key in self.now.charts].index(column)
        return self.explored.distributions[at]

    def brush(self, chart: str, kept: Filter | None, *, final: bool = True) -> None:
        self.told.append(("brush", chart, kept, final))
        self.now = self.now.filtered(chart, kept)
        self.explore(final=final)

    def add_chart(self, column: str) -> None:
        self.told.append(("add", column))
        self.now = Exploration(self.now.pair, (*self.now.charts, AxisKey(column)), self.now.filters)
        self.explore()

    def remove_chart(self, column: str) -> None:
        self.told.append(("remove", column))
        charts = tuple(key for key in self.now.charts if key.column != column)
        self.now = Exploration(self.now.pair, charts, self.now.filters).filtered(column, None)
        self.explore()

    def rescale(self, column: str, scale: Any) -> None:
        self.told.append(("rescale", column, scale))
        charts = tuple(AxisKey(key.column, scale) if key.column == column else key for key in self.now.charts)
        self.now = Exploration(self.now.pair, charts, self.now.filters)
        self.explore()


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    score = rng.beta(4, 3, N)
    amount = np.exp(rng.normal(13, 0.6, N)).round()
    amount[rng.random(N) < 0.3] = np.nan
    endless = rng.normal(1, 0.1, N)
    endless[:5] = np.inf
    return pd.DataFrame(
        {
            "score": score.astype(np.float32),
            AMOUNT: amount,
            AGE: -rng.integers(21 * 365, 69 * 365, N),
            GONE: np.full(N, np.nan),
            ALIKE: np.full(N, 27000.0),
            ENDLESS: endless,
            CHILDREN: rng.poisson(0.6, N),
            EDUCATION: np.where(rng.random(N) < 0.02, np.nan, rng.integers(0, 5, N)),
            WORK: np.minimum(rng.geometric(0.12, N) - 1, 24),
            "refused": score < 0.52,
            "labelled": rng.random(N) < 0.8,
            "default": rng.random(N) > score + 0.3,
        }
    )


@pytest.fixture(scope="module")
def services(frame: pd.DataFrame) -> Any:
    from data.schema import table

    columns = table("application")
    education, work = columns.column("NAME_EDUCATION_TYPE"), columns.column("ORGANIZATION_TYPE")
    categories = {EDUCATION: education.categories[:5], WORK: work.categories[:25]}
    source = _Columns({key: frame[key].to_numpy() for key in (*MEASURES, EDUCATION, WORK)}, categories)
    outcome = frame.refused * REFUSED + frame.labelled * (LABELLED + frame.default * DEFAULT)
    score = frame.score.to_numpy(np.float64)
    population = Population(
        np.arange(N, dtype=np.int64), score, (score * 6.999).astype(np.uint8), outcome.to_numpy(np.uint8), source
    )
    return SimpleNamespace(
        population=population,
        columns=ColumnIndex(source.keys, FEATURES, {}),
        feature=FEATURES.__getitem__,
    )


@pytest.fixture
def state() -> SessionState:
    return SessionState(language="en")


ALL = (AMOUNT, AGE, EDUCATION, WORK, GONE, ALIKE, ENDLESS, CHILDREN)


@pytest.fixture
def doing(state: SessionState, services: Any) -> _Doing:
    return _Doing(state, services.population, ALL)


def _view(doing: _Doing, services: Any, key: str, language: Any = "en") -> DistributionView:
    view = DistributionView(key, doing.state, services, doing, Translator(language))
    view.update(doing.of(key), doing.explored)
    doing.views.append(view)
    return view


def _drag(view: DistributionView, low: float, high: float, *, final: bool = True) -> None:
    geometry = {"type": "rect", "x0": low, "x1": high, "y0": 0.0, "y1": 1.0}
    view._dragged(SimpleNamespace(geometry=geometry, final=final))


def _tap(view: DistributionView, bar: int) -> None:
    rows = view._rows
    assert rows is not None
    place = (rows.low[bar] + rows.high[bar]) / 2
    view._tapped(SimpleNamespace(x=place if rows.standing else 0.3, y=0.3 if rows.standing else place))


def _kept(frame: pd.DataFrame, kept: Filter | None) -> pd.Series:
    if kept is None:
        return pd.Series(np.ones(len(frame), bool))
    assert isinstance(kept, Range)
    inside = frame[kept.column].astype(np.float32).between(kept.low, kept.high)
    return inside | (frame[kept.column].isna() & kept.missing)


@pytest.mark.parametrize("kept", [None, Range(AGE, -15000, -9000), Range("score", 0.2, 0.61)])
@pytest.mark.parametrize("column", [AMOUNT, EDUCATION, WORK, CHILDREN])
def test_the_bars_are_those_of_pandas(
    doing: _Doing, services: Any, frame: pd.DataFrame, column: str, kept: Filter | None
) -> None:
    if kept is not None and kept.column == "score":
        doing.add_chart("score")
    if kept is not None:
        doing.brush(kept.column, kept)
    view = _view(doing, services, column)
    rows, bars, bins = view._rows, view._bars, view._bins
    assert rows is not None
    assert bars is not None
    assert bins is not None
    shown = frame[_kept(frame, kept)]
    of_bin = frame[column].map(lambda value: bins.bin_of(float(value)))
    bar = pd.Series(rows.row[of_bin.to_numpy()])
    for number in range(len(rows)):
        own = shown[bar[shown.index] == number]
        known = own[own.labelled]
        assert bars.kept[number] == len(own)
        assert bars.refused[number] == own.refused.sum()
        assert bars.accepted[number] == len(own) - own.refused.sum()
        assert bars.everyone[number] == (bar == number).sum()
        assert bars.labelled[number] == len(known)
        np.testing.assert_allclose(bars.rate[number], known.default.mean())
        np.testing.assert_allclose(bars.score[number], own.score.mean(), rtol=1e-6)
    assert bars.kept.sum() == len(shown)
    np.testing.assert_allclose(bars.overall, shown[shown.labelled].default.mean())
    low, high = wilson(*(np.array([int(part)]) for part in (shown.default[shown.labelled].sum(), shown.labelled.sum())))
    assert low[0] <= bars.overall <= high[0]


def test_a_chart_is_dimmed_by_its_own_filter_and_not_narrowed_by_it(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, AGE)
    before = view._bars.kept.copy()
    rows = view._rows
    _drag(view, rows.low[8] + 1, rows.high[12] - 1)
    kind, chart, kept, final = doing.told[-1]
    assert (kind, chart, final) == ("brush", AGE, True)
    assert kept == view._bins.side(8, 12)
    np.testing.assert_array_equal(view._bars.kept, before)
    alpha = np.asarray(view.figure._bars.data["alpha"])
    assert set(np.flatnonzero(alpha == 1.0)) == set(range(8, 13))
    assert alpha[0] == DIM
    own = view.figure._own
    assert own.visible
    assert (own.left, own.right) == pytest.approx((view._bins.edges[8], view._bins.edges[13]), abs=1.0)
    view._tapped_twice(None)
    assert doing.told[-1] == ("brush", AGE, None, True)
    assert not own.visible


def test_the_other_charts_are_narrowed(doing: _Doing, services: Any, frame: pd.DataFrame) -> None:
    age, amount = _view(doing, services, AGE), _view(doing, services, AMOUNT)
    _drag(age, -12000, -9000)
    kept = doing.told[-1][2]
    shown = frame[_kept(frame, kept)]
    assert amount._bars.kept.sum() == len(shown) < N
    everyone = np.asarray(amount.figure._bars.data["everyone_top"])
    assert np.isfinite(everyone).all()
    tall = heights(amount._rows, amount._bars, shares=False)
    assert tall.everyone.sum() == pytest.approx(len(shown))


def test_a_drag_follows_whole_bins_and_tells_the_end(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, AGE)
    low, high = view._rows.low, view._rows.high
    _drag(view, low[3] + 1, high[3] - 1, final=False)
    _drag(view, low[3] + 1, high[3] - 2, final=False)
    assert len(doing.told) == 1
    _drag(view, high[5] - 1, low[3] + 1, final=False)
    assert [told[2] for told in doing.told] == [view._bins.side(3, 3), view._bins.side(3, 5)]
    said = view._told.object
    assert said
    _drag(view, low[3] + 1, high[5] - 1, final=True)
    assert doing.told[-1] == ("brush", AGE, view._bins.side(3, 5), True)


def test_words_wait_for_the_end_of_a_gesture(doing: _Doing, services: Any) -> None:
    age, amount = _view(doing, services, AGE), _view(doing, services, AMOUNT)
    before = amount._told.object
    _drag(age, -12000, -11000, final=False)
    assert amount._told.object == before
    assert amount._bars.kept.sum() < N
    _drag(age, -12000, -11000, final=True)
    assert amount._told.object != before
    assert 'role="status"' in amount._told.object
    assert amount.figure.figure.html_attributes["aria-label"] in (
        f"{FEATURES[AMOUNT].label('en')}. {amount._words.summary(amount._rows, amount._bars)}"
    )


def test_clients_without_a_value_have_a_bar_of_their_own(doing: _Doing, services: Any, frame: pd.DataFrame) -> None:
    view = _view(doing, services, AMOUNT)
    rows, bins = view._rows, view._bins
    assert rows.missing == len(bins)
    assert view._bars.kept[rows.missing] == frame[AMOUNT].isna().sum()
    assert rows.high[rows.missing] < rows.low[0]
    assert "no\nvalue" in dict(rows.ticks).values()
    _tap(view, rows.missing)
    assert doing.told[-1][2] == Categories(AMOUNT, (), missing=True)
    assert list(np.flatnonzero(np.asarray(view.figure._bars.data["alpha"]) == 1.0)) == [rows.missing]
    _tap(view, rows.missing)
    assert doing.told[-1][2] is None
    _drag(view, rows.low[rows.missing], rows.high[2] - 1)
    assert doing.told[-1][2] == bins.side(0, 2, missing=True)
    _tap(view, rows.missing)
    assert doing.told[-1][2] == bins.side(0, 2)
    _drag(view, rows.low[rows.missing] - 1, rows.high[rows.missing] - 0.1)
    assert doing.told[-1][2] == Categories(AMOUNT, (), missing=True)
    count = len(doing.told)
    _drag(view, rows.window[0] - 10, rows.window[0] - 5)
    assert len(doing.told) == count


def test_a_tap_keeps_a_bin_and_gives_it_back(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, CHILDREN)
    assert view._rows.words[:3] == ("0", "1", "2")
    _tap(view, 1)
    assert doing.told[-1][2] == view._bins.side(1, 1)
    _tap(view, 2)
    assert doing.told[-1][2] == view._bins.side(2, 2)
    _tap(view, 2)
    assert doing.told[-1][2] is None


def test_taps_take_categories_in_and_out(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, EDUCATION)
    names = view._bins.categories
    assert view.figure.box is None
    _tap(view, 3)
    _tap(view, 1)
    assert doing.told[-1][2] == Categories(EDUCATION, (names[1], names[3]))
    _tap(view, view._rows.missing)
    assert doing.told[-1][2] == Categories(EDUCATION, (names[1], names[3]), missing=True)
    _tap(view, 3)
    _tap(view, 1)
    assert doing.told[-1][2] == Categories(EDUCATION, (), missing=True)
    _tap(view, view._rows.missing)
    assert doing.told[-1][2] is None


def test_many_categories_are_most_frequent_first_and_the_rest_together(
    doing: _Doing, services: Any, frame: pd.DataFrame
) -> None:
    view = _view(doing, services, WORK)
    rows = view._rows
    counted = frame[WORK].value_counts()
    assert len(rows) == 15
    assert list(view._bars.everyone[:14]) == sorted(counted, reverse=True)[:14]
    assert view._bars.everyone[14] == sum(sorted(counted)[: len(counted) - 14])
    assert "11 others" in rows.words[14]
    _tap(view, 14)
    assert len(doing.told[-1][2].names) == 11
    assert set(np.flatnonzero(np.asarray(view.figure._bars.data["alpha"]) == 1.0)) == {14}


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("column", ALL)
def test_nobody_kept_is_said(doing: _Doing, services: Any, column: str, language: Any) -> None:
    other = AGE if column != AGE else AMOUNT
    doing.brush(other, Range(other, 1e12, 1e12))
    view = _view(doing, services, column, language)
    assert view._bars.totals[0] == 0
    assert Translator(language)("distribution.nobody_short") == view.figure._titles[0].text
    assert "4" in view._told.object
    assert "nan" not in view._told.object.casefold()
    assert np.isnan(np.asarray(view.figure._bars.data["everyone_top"])).all()
    view.show_shares(shares=True)


def test_a_column_without_any_value_is_said(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, GONE)
    assert "None of the 4,000 clients has a value" in view._told.object
    assert view._bars.kept[view._rows.missing] == N
    assert np.asarray(view.figure._bars.data["accepted_top"])[view._rows.missing] <= 1.0


def test_a_constant_column_is_said(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, ALIKE)
    assert "All have the same value: 27,000." in view._told.object
    assert view.figure.figure.x_range.start < view.figure.figure.x_range.end


def test_infinite_values_are_in_the_last_bin(doing: _Doing, services: Any, frame: pd.DataFrame) -> None:
    view = _view(doing, services, ENDLESS)
    assert view._bars.kept.sum() == N
    assert view._bars.kept[len(view._bins) - 1] >= np.isinf(frame[ENDLESS]).sum()
    assert np.isfinite(view.figure.figure.x_range.start)
    doing.rescale(ENDLESS, "quantile")
    assert view._bars.kept.sum() == N
    assert not any("340" in words for words in view._rows.words)


def test_one_client(state: SessionState) -> None:
    values = {AMOUNT: np.array([100.0]), "score": np.array([0.7]), EDUCATION: np.array([0.0])}
    source = _Columns(values, {EDUCATION: ("Higher education",)})
    score = np.array([0.7])
    population = Population(np.array([7]), score, np.array([5], np.uint8), np.array([LABELLED], np.uint8), source)
    services = SimpleNamespace(population=population, feature=FEATURES.__getitem__)
    doing = _Doing(state, population, (AMOUNT, EDUCATION))
    for column in (AMOUNT, EDUCATION):
        view = _view(doing, services, column)
        assert "1 client." in view._told.object
        assert list(np.asarray(view.figure._bars.data["solid"])) == [0.0]


def test_the_client_shown_is_marked_where_their_value_is(
    doing: _Doing, services: Any, frame: pd.DataFrame, state: SessionState
) -> None:
    views = {column: _view(doing, services, column) for column in (AMOUNT, AGE, EDUCATION)}
    without = int(np.flatnonzero(frame[AMOUNT].isna())[0])
    state.file = SimpleNamespace(client=123, position=without)
    for view in views.values():
        view.mark_client()
    at = {column: view.figure._mark.data["at"][0] for column, view in views.items()}
    rows = views[AMOUNT]._rows
    assert rows.low[rows.missing] < at[AMOUNT] < rows.high[rows.missing]
    assert "Client 123: no value" in views[AMOUNT]._client.object
    assert at[AGE] == pytest.approx(frame[AGE][without])
    assert "years" in views[AGE]._client.object
    assert at[EDUCATION] == frame[EDUCATION][without]
    state.file = None
    views[AGE].mark_client()
    assert np.isnan(views[AGE].figure._mark.data["at"][0])
    assert views[AGE]._client.object == ""


def test_ages_are_read_the_usual_way_round(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, AGE)
    shown = view.figure.figure.x_range
    assert shown.start > shown.end
    assert all("years" in words for _, words in view._rows.ticks)


def test_shares_add_up_to_one_for_each_group(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, AGE)
    view.show_shares(shares=True)
    tall = heights(view._rows, view._bars, shares=True)
    assert tall.accepted.sum() == pytest.approx(1.0)
    assert tall.refused.sum() == pytest.approx(1.0)
    assert tall.everyone.sum() == pytest.approx(1.0)
    data = view.figure._bars.data
    np.testing.assert_allclose(data["accepted_to"], data["refused_from"])
    assert view.figure._titles[0].text == "Share of each group"


def test_a_high_bar_of_missing_values_is_cut_so_that_the_others_are_seen(services: Any, state: SessionState) -> None:
    doing = _Doing(state, services.population, (AMOUNT,))
    view = _view(doing, services, AMOUNT)
    assert view.figure._cut.visible
    tops = np.asarray(view.figure._bars.data["refused_top"])
    assert tops.max() <= 1.0
    assert sorted(tops)[-2] > 0.8


def test_rates_of_few_clients_are_hollow(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, AGE)
    np.testing.assert_array_equal(np.asarray(view.figure._bars.data["solid"]), np.where(view._bars.labelled < 30, 0, 1))


def test_another_scale_is_asked_for_and_shown(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, AMOUNT)
    _drag(view, *(float(edge) for edge in view._bins.edges[[5, 9]]))
    kept = doing.told[-1][2]
    view._scale.value = "log"
    assert doing.told[-1] == ("rescale", AMOUNT, "log")
    assert view._bins.key == AxisKey(AMOUNT, "log")
    assert view._own == kept
    assert view.figure._own.visible
    assert len(doing.told) == 2
    assert view._bars.kept.sum() == N


def test_the_table_is_made_when_it_is_opened_and_has_every_bar(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, EDUCATION)
    assert not view._table.object
    view._folded.collapsed = False
    assert view._table.object.count("<tr>") == len(view._rows) + 1
    _tap(_view(doing, services, CHILDREN), 2)
    assert Numbers("en").whole(view._bars.kept[0]) in view._table.object


def test_values_are_typed_in_the_visitors_own_numbers(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, AGE, "fr")
    view.form.view.collapsed = False
    typed = view.form.typed
    typed.least.param.update(value="30,5", value_input="30,5")
    typed.most.param.update(value="abc", value_input="abc")
    view.form.apply()
    assert doing.told == []
    assert "abc" in view.form._told.object
    assert 'role="alert"' in view.form._told.object
    assert typed.least.value_input == "30,5"
    typed.most.param.update(value="40", value_input="40")
    view.form.apply()
    kept = doing.told[-1][2]
    assert (kept.low, kept.high) == pytest.approx((-40 * 365.25, -30.5 * 365.25))
    assert view.form._told.object == ""
    view.form.clear()
    assert doing.told[-1][2] is None


def test_clients_without_a_value_are_kept_by_a_tick(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, AMOUNT)
    view.form.view.collapsed = False
    view.form.apply()
    assert doing.told == []
    assert "bound" in view.form._told.object
    view.form.missing.value = True
    view.form.apply()
    assert doing.told[-1][2] == Categories(AMOUNT, (), missing=True)
    view.form.typed.least.param.update(value="500,000", value_input="500,000")
    view.form.apply()
    assert doing.told[-1][2] == Range(AMOUNT, 500_000, np.inf, missing=True)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_numbers_are_written_as_the_translator_writes_them(language: Any) -> None:
    numbers, translate = Numbers(language), Translator(language)
    for number in (0, 7, 999, 1000, 35_625, 356_255, 12_345_678):
        assert numbers.whole(number) == translate.number(number, 0)
    for share in (0.0, 0.0004, 0.081, 0.5237, 1.0):
        assert numbers.percent(share) == translate.percent(share, 1)
        assert numbers.percent(share, 0) == translate.percent(share)
    assert numbers.percent(float("nan")) == "–"


def test_an_update_is_quick(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, AGE)
    took = []
    for step in range(30):
        doing.now = doing.now.filtered(AMOUNT, Range(AMOUNT, 0, 300_000 + 1000 * step))
        doing.views = []
        doing.explore(final=False)
        doing.state.settled = None
        doing.state.settled = Exploration(doing.now.pair)
        start = time.perf_counter()
        view.update(doing.of(AGE), doing.explored)
        took.append(time.perf_counter() - start)
    assert np.median(took) < 0.003


def test_the_grid_follows_the_charts_explored_and_keeps_those_that_stay(doing: _Doing, services: Any) -> None:
    view = DistributionsView(doing.state, services, doing, Translator("en"))
    doing.views.append(view)
    view.update(doing.explored)
    assert list(view.charts) == list(ALL)
    charts, cards = dict(view.charts), list(view._grid.objects)
    charts[AMOUNT].remove.param.trigger("clicks")
    assert doing.told == [("remove", AMOUNT)]
    assert list(view.charts) == list(ALL[1:])
    assert all(view.charts[column] is charts[column] for column in ALL[1:])
    assert view._grid.objects == cards[1:]
    doing.add_chart("score")
    assert list(view.charts) == [*ALL[1:], "score"]
    assert view._grid.objects[:-2] == cards[1:-1]
    assert view._grid.objects[-1] is view._adding
    assert all(view.charts[column] is charts[column] for column in ALL[1:])


def test_a_column_that_is_picked_is_added(doing: _Doing, services: Any) -> None:
    view = DistributionsView(doing.state, services, doing, Translator("en"))
    doing.views.append(view)
    view.update(doing.explored)
    view.picker._words._process_events({"value_input": "score"})
    view.picker._words.param.trigger("enter_pressed")
    assert doing.told[-1] == ("add", "score")
    assert list(view.charts)[-1] == "score"


def test_shares_are_for_the_whole_page(doing: _Doing, services: Any) -> None:
    view = DistributionsView(doing.state, services, doing, Translator("fr"))
    doing.views.append(view)
    view.update(doing.explored)
    view.shown.value = "shares"
    doing.add_chart("score")
    assert all(chart._shares for chart in view.charts.values())
    doing.state.file = SimpleNamespace(client=123, position=3)
    assert all("123" in chart._client.object for chart in view.charts.values())


def test_bars_of_counts_by_bin(doing: _Doing, services: Any) -> None:
    view = _view(doing, services, CHILDREN)
    distribution = doing.of(CHILDREN)
    bars = bars_of(view._rows, distribution.everyone, distribution.kept)
    assert bars.totals == (N, (~np.asarray(services.population.outcome & REFUSED, bool)).sum(), bars.refused.sum(), N)
