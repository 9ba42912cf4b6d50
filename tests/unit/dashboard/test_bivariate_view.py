"""The plot of a pair, as one session has it, on a small prepared portfolio: what it says, and what gestures ask for."""

from __future__ import annotations

import copy
import gc
import math
import re
import weakref
from html import unescape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from bokeh.document import Document
from bokeh.events import RangesUpdate, SelectionGeometry, Tap

from dashboard.exploring import Exploring
from dashboard.i18n import Translator
from dashboard.state import SessionState
from dashboard.views.bivariate import BivariateView
from dashboard.views.pair_colours import COLOURS
from dashboard.views.pair_words import PairWords, shortened, wrapped
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.exploration import DENSITY, MOST_NEAR, PAIR, Pair
from explain.crossfilter.filters import MOST_CORNERS, Box, Categories, Lasso, Range, passes
from explain.crossfilter.population import Column, Population
from explain.crossfilter.zones import find_zones
from explain.pixels import Window

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

    from dashboard.services import Services

EDUCATION, INCOME = "raw.NAME_EDUCATION_TYPE", "raw.NAME_INCOME_TYPE"


class Session:
    """One visitor, whose work is done where it is asked for."""

    def __init__(self, services: Services, executor: ThreadPoolExecutor, language: str = "en") -> None:
        self.services = services
        self.state = SessionState(page="portfolio", language=language)
        self.state.file = services.file_at(3)
        self.opened: list[str] = []
        t = Translator(self.state.language)
        self.exploring = Exploring(self.state, services, t, executor, lambda work: work())
        self.exploring.begin()
        self.view = BivariateView(self.state, services, self.exploring, t, open_client=self.opened.append)
        self.document = Document()
        self.view.__panel__().server_doc(self.document)
        self.figure = self.view._drawing.model
        self.state.param.watch(lambda event: self.view.update(event.new), "explored")
        self.view.update(self.state.explored)

    def show(self, across: str, up: str, colour: str = "default") -> None:
        self.exploring.show_pair(AxisKey(*across.split(":")), AxisKey(*up.split(":")), colour)
        assert not self.state.explore_trouble

    def event(self, kind: type, **values: Any) -> None:
        self.figure._trigger_event(kind(self.figure, **values))

    def drag(self, x0: float, x1: float, y0: float, y1: float, *, final: bool = True) -> None:
        box = {"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1}
        self.event(SelectionGeometry, geometry=box, final=final)

    def measure(self, width: int, height: int) -> None:
        for name, value in (("inner_width", width), ("inner_height", height)):
            self.figure.set_from_json(name, value)

    @property
    def kept(self) -> Any:
        return self.state.exploration.filter_of(PAIR)

    @property
    def picture(self) -> Any:
        return self.state.explored.picture

    def source(self, name: str) -> dict[str, Any]:
        return dict(getattr(self.view._drawing, f"_{name}").data)


@pytest.fixture
def session(services: Services, at_once: ThreadPoolExecutor) -> Session:
    return Session(services, at_once)


def said(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", html))


def _values(population: Population, key: str) -> np.ndarray:
    column = population.column(key)
    return column.values  # noqa: PD011 (no pandas)


def frame_of(services: Services, *keys: str) -> pd.DataFrame:
    population = services.population
    frame = pd.DataFrame({key: _values(population, key) for key in dict.fromkeys((*keys, "default"))})
    frame["of_score"] = population.score
    frame["refused"] = ~services.accepted
    return frame


def test_the_picture_is_drawn_where_it_is_and_said_in_words(session: Session) -> None:
    session.show("EXT_SOURCE_2", "EXT_SOURCE_3")
    picture, image = session.picture, session.source("image")
    assert (image["image"][0] != 0).sum() >= (picture.grid.clients > 0).sum() > 0
    assert (image["x"], image["dw"]) == ([picture.window.left], [picture.window.right - picture.window.left])
    frame = frame_of(session.services, "EXT_SOURCE_2", "EXT_SOURCE_3")
    placed = frame.dropna(subset=["EXT_SOURCE_2", "EXT_SOURCE_3"])
    summary = said(session.view._summary.object)
    assert f"{len(placed):,} clients have a place" in summary
    assert f"{len(frame) - len(placed):,} more have none" in summary
    assert f"Default rate {100 * placed['default'].mean():.1f}%" in summary
    label = session.figure.html_attributes["aria-label"]
    assert label.startswith("“External score 3” against “External score 2”") or "External" in label
    assert summary.strip() in label
    assert session.view._summary.object.count('role="status"') == 1


@pytest.mark.parametrize(("across", "up"), [("EXT_SOURCE_2", "DAYS_BIRTH"), (EDUCATION, "CNT_CHILDREN")])
def test_every_cell_says_what_pandas_says(session: Session, across: str, up: str) -> None:
    session.show(across, up)
    cells, population = session.source("cells"), session.services.population
    frame = frame_of(session.services, across, up)
    axes = [population.axis(AxisKey(key)) for key in (across, up)]
    for name, axis in zip("xy", axes, strict=True):
        frame[name] = axis.places
    picture = session.picture
    assert len(cells["said"]) == np.count_nonzero(picture.cells.clients) > 3
    told = 0
    for left, right, bottom, top, words in zip(
        *(cells[side] for side in ("left", "right", "bottom", "top", "said")), strict=True
    ):
        last = right == picture.cells_across[-1], top == picture.cells_up[-1]
        x = (frame.x >= left) & ((frame.x <= right) if last[0] else (frame.x < right))
        inside = frame[x & (frame.y >= bottom) & ((frame.y <= top) if last[1] else (frame.y < top))]
        told += len(inside)
        assert ("1 client" if len(inside) == 1 else f"{len(inside):,} clients") in said(words)
        known = inside["default"].dropna()
        assert (f"Default rate {100 * known.mean():.1f}%" if len(known) else "unknown") in words
        assert f"Mean score {100 * inside.of_score.mean():.1f}%" in words
        assert f"refused {100 * inside.refused.mean():.1f}%" in words
    assert told == picture.cells.clients.sum()


def test_the_table_adds_up_to_the_cells(session: Session) -> None:
    session.show("EXT_SOURCE_2", "AMT_CREDIT:log")
    table = session.view._table.object
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table)
    assert 1 <= len(rows) <= 12 * 8
    counts = [int(re.findall(r"<td class=\"num\">(.*?)</td>", row)[0].replace(",", "")) for row in rows]
    assert sum(counts) == session.picture.cells.clients.sum()


def test_a_box_keeps_who_is_in_it_and_is_drawn(session: Session) -> None:
    session.show("EXT_SOURCE_2", "EXT_SOURCE_3")
    window = session.picture.window
    x0, x1 = window.left + 0.2 * (window.right - window.left), window.left + 0.6 * (window.right - window.left)
    past = len(session.state.past)
    session.drag(x0, x1, 0.3, 0.5, final=False)
    assert len(session.state.past) == past
    session.drag(x0, x1, 0.3, 0.5)
    assert len(session.state.past) == past + 1
    frame = frame_of(session.services, "EXT_SOURCE_2", "EXT_SOURCE_3")
    both = frame.EXT_SOURCE_2.between(x0, x1) & frame.EXT_SOURCE_3.between(0.3, 0.5)
    assert session.state.explored.selected.total.clients == both.sum() > 0
    own = session.source("own")
    assert own["left"][0] == pytest.approx(x0, abs=1e-6)
    assert own["top"][0] == pytest.approx(0.5, abs=1e-6)
    assert not session.view._clear.disabled
    session.view._cleared()
    assert session.kept is None
    assert not len(session.source("own")["left"])
    assert session.view._clear.disabled


def test_a_click_or_a_contour_without_area_keeps_nobody_out(session: Session) -> None:
    session.show("EXT_SOURCE_2", "EXT_SOURCE_3")
    session.drag(0.4, 0.4001, 0.4, 0.4001)
    session.drag(math.nan, 0.4, 0.4, 0.5)
    session.event(SelectionGeometry, geometry={"type": "poly", "x": [0.1, 0.2], "y": [0.1, 0.2]}, final=True)
    session.event(SelectionGeometry, geometry={"type": "poly", "x": [0.1, math.nan, 0.2], "y": [0, 1, 2]}, final=True)
    assert session.kept is None


def test_a_contour_is_a_lasso_of_few_corners(session: Session) -> None:
    session.show("EXT_SOURCE_2", "EXT_SOURCE_3")
    turn = np.linspace(0, 2 * np.pi, 3 * MOST_CORNERS)
    ring = {"type": "poly", "x": (0.5 + 0.2 * np.cos(turn)).tolist(), "y": (0.5 + 0.2 * np.sin(turn)).tolist()}
    session.event(SelectionGeometry, geometry=ring, final=True)
    assert isinstance(session.kept, Lasso)
    assert len(session.kept.corners) == MOST_CORNERS
    frame = frame_of(session.services, "EXT_SOURCE_2", "EXT_SOURCE_3")
    away = np.hypot(frame.EXT_SOURCE_2 - 0.5, frame.EXT_SOURCE_3 - 0.5)
    assert session.state.explored.selected.total.clients == pytest.approx((away < 0.2).sum(), abs=2)
    assert len(session.source("lasso")["xs"][0]) == MOST_CORNERS
    session.show("EXT_SOURCE_2:quantile", "EXT_SOURCE_3")
    assert np.isnan(session.source("lasso")["xs"]).all()


def test_looking_closer_leaves_the_ranges_to_the_visitor(session: Session) -> None:
    session.show("EXT_SOURCE_2", "EXT_SOURCE_3")
    home = session.picture.window
    before = session.figure.x_range.start
    session.event(RangesUpdate, x0=0.3, x1=0.5, y0=0.2, y1=0.6)
    assert session.picture.window == Window(0.3, 0.5, 0.2, 0.6)
    assert session.figure.x_range.start == before
    assert not session.view._whole.disabled
    session.event(RangesUpdate, x0=0.4, x1=0.4, y0=0.2, y1=0.6)
    assert session.picture.window == Window(0.3, 0.5, 0.2, 0.6)
    session.event(RangesUpdate, x0=home.left, x1=home.right, y0=home.bottom, y1=home.top)
    assert session.state.explored.wanted.window is None
    session.event(RangesUpdate, x0=0.3, x1=0.5, y0=0.2, y1=0.6)
    session.figure.x_range.update(start=0.3, end=0.5)
    session.view._widened()
    assert session.figure.x_range.start == pytest.approx(home.left)
    session.show("EXT_SOURCE_2", "DAYS_BIRTH")
    assert session.figure.y_range.start > session.figure.y_range.end  # ages grow upwards
    assert session.figure.y_range.reset_start == session.figure.y_range.start


def test_an_answer_that_is_late_does_not_move_the_plot(session: Session) -> None:
    session.show("EXT_SOURCE_2", "EXT_SOURCE_3")
    session.event(RangesUpdate, x0=0.3, x1=0.5, y0=0.2, y1=0.6)
    late = session.state.explored
    session.event(RangesUpdate, x0=0.35, x1=0.45, y0=0.3, y1=0.5)
    session.figure.x_range.update(start=0.35, end=0.45)
    session.view.update(late)
    assert (session.figure.x_range.start, session.figure.x_range.end) == (0.35, 0.45)


def test_the_picture_follows_the_size_of_the_plot_within_bounds(session: Session) -> None:
    asked: list[tuple[int, int]] = []
    session.exploring.resize = lambda width, height: asked.append((width, height))
    session.measure(900, 420)
    assert asked == [(600, 280)]
    session.measure(930, 410)
    assert len(asked) == 1
    session.measure(5000, 3000)
    session.measure(100, 100)
    assert asked[-1] == (240, 200)
    assert (1000, 600) in asked
    session.measure(0, 0)
    assert asked[-1] == (240, 200)


def test_a_category_is_kept_by_a_click_and_let_go_by_another(session: Session) -> None:
    session.show(EDUCATION, "EXT_SOURCE_3")
    names = session.services.population.column(EDUCATION).categories
    below = session.figure.y_range.start - 1
    session.event(Tap, x=1.2, y=below)
    assert session.kept == Categories(EDUCATION, (names[1],))
    column = frame_of(session.services, EDUCATION)[EDUCATION]
    assert session.state.explored.selected.total.clients == (column == 1).sum()
    assert session.source("own")["left"][0] == 0.5
    session.event(Tap, x=1.2, y=below)
    assert session.kept is None
    session.event(Tap, x=-7.0, y=below)
    assert session.kept is None
    session.show(EDUCATION, INCOME)
    session.event(Tap, x=0.1, y=0.9)
    others = session.services.population.column(INCOME).categories
    assert session.kept == Box(Categories(EDUCATION, (names[0],)), Categories(INCOME, (others[1],)))


def test_clients_are_shown_one_by_one_where_they_are_few_and_a_click_opens_one(session: Session) -> None:
    session.show("EXT_SOURCE_2", "EXT_SOURCE_3")
    frame = frame_of(session.services, "EXT_SOURCE_2", "EXT_SOURCE_3").dropna(subset=["EXT_SOURCE_2", "EXT_SOURCE_3"])
    one = frame.iloc[len(frame) // 2]
    x, y = float(one.EXT_SOURCE_2), float(one.EXT_SOURCE_3)
    session.event(RangesUpdate, x0=x - 0.03, x1=x + 0.03, y0=y - 0.03, y1=y + 0.03)
    near = session.source("near")
    inside = frame.EXT_SOURCE_2.between(x - 0.03, x + 0.03) & frame.EXT_SOURCE_3.between(y - 0.03, y + 0.03)
    assert 0 < len(near["x"]) == inside.sum() <= MOST_NEAR
    assert len(session.source("cells")["left"]) == 0
    client = str(session.services.population.ids[one.name])
    assert f"Client {client}" in near["client"]
    at = near["client"].index(f"Client {client}")
    assert f"Score {100 * one.of_score:.1f}%" in near["said"][at]
    assert (near["marker"][at] == "square") == bool(one.refused)
    assert "Each point is a client" in said(session.view._legend.object)
    session.event(Tap, x=x, y=y)
    assert session.opened == [client]
    assert session.kept is None
    session.view._widened()
    assert len(session.source("near")["x"]) == 0
    assert "Default rate" in said(session.view._legend.object)
    assert len(session.source("cells")["left"]) > 0


def test_the_client_shown_is_marked(session: Session) -> None:
    session.show("EXT_SOURCE_2", "score")
    population = session.services.population
    places = np.stack([population.axis(AxisKey(key)).places for key in ("EXT_SOURCE_2", "score")])
    there, nowhere = (int(np.flatnonzero(np.isfinite(places).all(axis=0) == wanted)[0]) for wanted in (True, False))
    session.state.file = session.services.file_at(there)
    assert session.source("client")["x"] == [pytest.approx(float(places[0, there]))]
    assert f"Client {population.ids[there]} (diamond)" in said(session.view._summary.object)
    session.state.file = session.services.file_at(nowhere)
    assert session.source("client")["x"] == []
    assert f"Client {population.ids[nowhere]} has no place here" in said(session.view._summary.object)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("colour", [*COLOURS, "AMT_CREDIT", "DAYS_BIRTH", "raw.OCCUPATION_TYPE", "FLAG_OWN_CAR"])
def test_every_colour_is_drawn_and_explained(
    services: Services, at_once: ThreadPoolExecutor, colour: str, language: str
) -> None:
    session = Session(services, at_once, language)
    session.show("EXT_SOURCE_2", EDUCATION, colour)
    assert session.source("image")["image"][0].any()
    legend = said(session.view._legend.object)
    assert len(legend) > 20
    if colour != DENSITY and colour not in COLOURS:
        assert session.view._words.label(colour) in legend
    if session.picture.by_category is None:
        assert "linear-gradient" in session.view._legend.object
    else:
        assert session.view._legend.object.count("swatch") == len(session.picture.colours)


def test_everyone_is_a_grey_ground_behind_those_that_other_charts_keep(session: Session) -> None:
    session.show("EXT_SOURCE_2", "EXT_SOURCE_3")
    blank = session.source("ghost")["image"][0].size
    session.exploring.add_chart("score")
    session.exploring.brush("score", Range("score", 0.4, 0.6))
    assert session.source("ghost")["image"][0].size > blank
    drawn = int(session.picture.placed.clients)
    assert f"{drawn:,} clients have a place" in said(session.view._summary.object)
    session.exploring.brush("score", None)
    assert session.source("ghost")["image"][0].size == blank


def test_nobody_is_said_and_the_plot_stays(session: Session) -> None:
    session.show("EXT_SOURCE_2", "EXT_SOURCE_3")
    session.exploring.add_chart("score")
    session.exploring.brush("score", Range("score", 2.0, 3.0))
    assert "No client passes" in said(session.view._summary.object)
    assert not session.source("image")["image"][0].any()
    assert session.view._table.object == ""
    assert "“" in said(session.view._title.object)


class _Changed:
    """A source with some columns in place of its own."""

    def __init__(self, source: Any, changed: dict[str, np.ndarray]) -> None:
        self._source, self._changed = source, changed
        self.keys = source.keys

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def column(self, key: str) -> Column:
        if key in self._changed:
            return Column(key, self._changed[key].astype(np.float32), None)
        return self._source.column(key)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (lambda n: np.full(n, np.nan), "None of the {n:,} clients selected has a place here"),
        (lambda n: np.full(n, 0.25), "All have one value of"),
        (lambda n: np.where(np.arange(n) % 2, np.inf, -np.inf), "has a place here"),
        (lambda n: np.where(np.arange(n) == 7, 0.5, np.nan), "One client has a place"),
    ],
)
def test_columns_without_much_to_show_are_said(
    services: Services, at_once: ThreadPoolExecutor, values: Callable[[int], np.ndarray], expected: str
) -> None:
    changed, before = copy.copy(services), services.population
    n = len(before)
    source = _Changed(before.source, {"EXT_SOURCE_2": values(n)})
    changed.population = Population(before.ids, before.score, before.level, before.outcome, source)
    session = Session(changed, at_once)
    for scale in ("linear", "log"):
        session.show(f"EXT_SOURCE_2:{scale}", "DAYS_BIRTH")
        assert expected.format(n=n) in said(session.view._summary.object)
        assert session.figure.x_range.start < session.figure.x_range.end


def test_zones_are_outlined_until_the_columns_change(session: Session) -> None:
    session.show("EXT_SOURCE_2", "EXT_SOURCE_3")
    zones = find_zones(session.services.population, "EXT_SOURCE_2", "EXT_SOURCE_3", None)
    session.view.set_zones(zones)
    drawn = session.source("zones")
    wanted = (*zones.risky[:2], *zones.safe[:1])
    assert [label for label in drawn["label"] if label] == [
        f"{sign} default {100 * float(zone.counts.default_rate):.1f}%"
        for sign, zone in zip(["▲"] * len(zones.risky[:2]) + ["▼"], wanted, strict=False)
    ]
    window = session.picture.window
    assert all(window.left <= x <= window.right for x in drawn["at_x"])
    session.show("EXT_SOURCE_2", "DAYS_BIRTH")
    assert not len(session.source("zones")["left"])


def test_axes_say_categories_and_bands(session: Session) -> None:
    session.show(EDUCATION, "AMT_CREDIT:log")
    axis = session.figure.xaxis[0]
    names = session.services.population.column(EDUCATION).categories
    assert list(axis.ticker.ticks) == list(range(len(names)))
    assert session.figure.xgrid[0].visible
    assert not session.figure.ygrid[0].visible
    assert "logarithmic" in session.figure.yaxis[0].axis_label
    ticker = axis.ticker
    session.show("EXT_SOURCE_2", "EXT_SOURCE_3")
    assert session.figure.xaxis[0].ticker is ticker


def test_a_figure_keeps_no_session_alive(services: Services, at_once: ThreadPoolExecutor) -> None:
    state, t = SessionState(language="en"), Translator("en")
    exploring = Exploring(state, services, t, at_once, lambda work: work())
    exploring.begin()
    view = BivariateView(state, services, exploring, t)
    view.update(state.explored)
    figure, held = view._drawing.model, weakref.ref(view)
    del view, state, exploring
    gc.collect()
    assert held() is None
    box = {"type": "rect", "x0": 0, "x1": 1, "y0": 0, "y1": 1}
    figure._trigger_event(SelectionGeometry(figure, geometry=box))
    figure._trigger_event(RangesUpdate(figure, x0=0, x1=1, y0=0, y1=1))


def test_long_words_are_shortened_or_wrapped() -> None:
    assert shortened("Secondary", 20) == "Secondary"
    assert shortened("Secondary special", 10) == "Secondary…"
    assert wrapped("Secondary / secondary special", 12, 3) == "Secondary /\nsecondary\nspecial"
    assert wrapped("Secondary / secondary special", 12, 1) == "Secondary /…"
    assert wrapped("", 12, 2) == ""


def test_counts_are_said_of_one_client_and_of_many(session: Session) -> None:
    words: PairWords = session.view._says
    counts = copy.copy(session.picture.placed)
    one, many = (
        type(counts)(*(np.array([value]) for value in values)) for values in ((1, 0, 0, 0, 0.25), (21, 21, 10, 2, 10.5))
    )
    assert said(words.counted(one)[0]).startswith(" 1 client ")
    assert "outcome unknown" in words.counted(one)[0]
    assert "21 clients" in words.counted(many)[0]
    assert "Default rate 20.0%" in words.counted(many)[0]
    assert "Mean score 50.0%, refused 100.0%" in words.counted(many)[0]


def test_pairs_that_tell_something_can_be_chosen(session: Session) -> None:
    choice = session.view._choice
    assert not choice._telling.visible
    pair = Pair(AxisKey("DAYS_BIRTH"), AxisKey("AMT_CREDIT", "log"), "score")
    session.view.offer_pairs([("Age and credit", pair)])
    assert choice._telling.visible
    choice._telling.value = "Age and credit"
    assert session.state.exploration.pair == pair
    assert choice._colour.value == "score"
    session.show("EXT_SOURCE_2", "EXT_SOURCE_3")
    assert choice._telling.value == ""


def test_scales_colours_and_a_swap_are_asked_for(session: Session) -> None:
    session.show("EXT_SOURCE_2", "AMT_CREDIT")
    choice, kept = session.view._choice, Box(Range("EXT_SOURCE_2", 0.2, 0.6), Range("AMT_CREDIT", 1e5, 1e6))
    session.exploring.brush(PAIR, kept)
    clients = session.state.explored.selected.total.clients
    choice._swapped()
    assert session.state.exploration.pair.across.column == "AMT_CREDIT"
    assert session.kept == Box(kept.up, kept.across)
    assert session.state.explored.selected.total.clients == clients
    choice._scales["across"].value = "log"
    assert session.state.exploration.pair.across == AxisKey("AMT_CREDIT", "log")
    choice._colour.value = "other"
    assert choice._third.view.visible
    assert session.state.exploration.pair.colour == "default"
    choice._coloured("DAYS_BIRTH")
    assert session.state.exploration.pair.colour == "DAYS_BIRTH"
    assert choice._colour.value == "other"
    session.exploring.show_pair(colour=DENSITY)
    assert choice._colour.value == DENSITY
    assert not choice._third.view.visible
    session.show(EDUCATION, "AMT_CREDIT")
    assert choice._scales["across"].disabled
    assert not choice._scales["up"].disabled


def test_values_are_typed_as_people_say_them(session: Session) -> None:
    session.show("DAYS_BIRTH", "score")
    typed = session.view._typed
    typed.across.least.value_input, typed.across.most.value_input = "30", "40.5"
    typed.up.least.value_input = "52 %"
    typed._applied()
    assert session.kept == Box(Range("DAYS_BIRTH", -40.5 * 365.25, -30 * 365.25), Range("score", 0.52))
    mask = passes(session.kept, session.services.population)
    assert session.state.explored.selected.total.clients == mask.sum() > 0
    assert session.source("own")["top"][0] > session.picture.window.top
    typed.up.least.value_input = ""
    typed._applied()
    assert session.kept == Range("DAYS_BIRTH", -40.5 * 365.25, -30 * 365.25)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("fr", "1 234,5", 1234.5),
        ("fr", "−3", -3.0),
        ("en", "1,234.5", 1234.5),
        ("en", "0,25", 0.25),
        ("en", "1,234", 1234),
    ],
)
def test_numbers_are_read_in_the_language(
    services: Services, at_once: ThreadPoolExecutor, language: str, text: str, expected: float
) -> None:
    session = Session(services, at_once, language)
    session.show("AMT_CREDIT", "AMT_ANNUITY")
    session.view._typed.across.least.value_input = text
    session.view._typed._applied()
    assert session.kept == Range("AMT_CREDIT", expected)


@pytest.mark.parametrize(
    ("least", "most", "told"),
    [
        ("abc", "", "“abc” is no number"),
        ("inf", "", "is no number"),
        ("9", "3", "from 9 to 3"),
        ("", "", "Nothing to apply"),
    ],
)
def test_what_cannot_be_applied_is_said_and_stays(session: Session, least: str, most: str, told: str) -> None:
    session.show("AMT_CREDIT", "EXT_SOURCE_3")
    typed = session.view._typed
    typed.across.least.value_input, typed.across.most.value_input = least, most
    typed._applied()
    assert told in said(typed._told.object)
    assert 'role="alert"' in typed._told.object
    assert session.kept is None
    assert (typed.across.least.value_input, typed.across.most.value_input) == (least, most)
    session.show("DAYS_BIRTH", "EXT_SOURCE_3")
    assert typed.across.least.value_input == ""
    session.show("AMT_CREDIT", "EXT_SOURCE_3")
    assert typed.across.least.value_input == least


def test_categories_are_ticked(session: Session) -> None:
    session.show(EDUCATION, "EXT_SOURCE_3")
    names, typed = session.services.population.column(EDUCATION).categories, session.view._typed
    assert typed.across.chosen.visible
    typed.across.chosen.value = [names[0], names[2]]
    typed._applied()
    assert session.kept == Categories(EDUCATION, (names[0], names[2]))
    assert list(session.source("own")["left"]) == [-0.5, 1.5]
