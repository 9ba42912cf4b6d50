"""What a visitor does on the Portfolio page, without a server."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import dashboard.exploring
from dashboard.address import Explored as Linked
from dashboard.address import build, parse
from dashboard.exploring import Exploring
from dashboard.i18n import Translator
from dashboard.services import CHARTS
from dashboard.state import SessionState
from dashboard.timings import Timings
from data.errors import StoreError
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.exploration import MOST_CHARTS, PAIR
from explain.crossfilter.filters import Box, Categories, Lasso, Range
from explain.pixels import Window

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dashboard.services import Services

REFUSED = Range("score", high=0.5)


def exploring_of(state: SessionState, services: Services, executor: ThreadPoolExecutor) -> Exploring:
    return Exploring(state, services, Translator("en"), executor, lambda work: work())


@pytest.fixture
def exploring(state: SessionState, services: Services, at_once: ThreadPoolExecutor) -> Exploring:
    made = exploring_of(state, services, at_once)
    made.begin()
    return made


class _Held(ThreadPoolExecutor):
    """Keeps work until it is told to do it."""

    def __init__(self) -> None:
        super().__init__(1)
        self.kept: list[Callable[[], object]] = []

    def submit(self, work: Callable[[], object], /, *_: object, **__: object) -> Future[object]:
        self.kept.append(work)
        return Future()


def selected(state: SessionState) -> int:
    assert state.explored is not None
    return int(state.explored.selected.clients.sum())


def test_something_telling_is_shown_before_anything_is_chosen(state: SessionState, exploring: Exploring) -> None:
    first = state.exploration
    assert first is not None
    assert first == state.first == state.settled
    assert first.pair.across != first.pair.up
    assert first.pair.colour == "default"
    assert len(first.charts) == CHARTS
    assert {"score", "level"} <= {chart.column for chart in first.charts}
    assert state.explored is not None
    assert [one.bins.key for one in state.explored.distributions] == list(first.charts)
    assert build(state.address) == build(replace(state.address, explored=Linked()))


def test_a_brush_narrows_what_is_shown_and_undo_brings_it_back(
    state: SessionState, services: Services, exploring: Exploring
) -> None:
    everyone = selected(state)
    exploring.brush("score", REFUSED)
    expected = int(np.count_nonzero(np.asarray(services.portfolio.score, dtype=np.float32) <= np.float32(0.5)))
    assert selected(state) == expected
    assert 0 < expected < everyone
    assert len(state.past) == 1
    exploring.undo()
    assert (selected(state), state.past) == (everyone, ())
    exploring.undo()
    assert selected(state) == everyone


def test_while_a_gesture_goes_on_neither_address_nor_undo_follow(state: SessionState, exploring: Exploring) -> None:
    before = build(state.address)
    for high in (0.9, 0.7, 0.5):
        exploring.brush("score", Range("score", high=high), final=False)
        assert build(state.address) == before
        assert state.past == ()
    narrowed = selected(state)
    exploring.brush("score", REFUSED)
    assert selected(state) == narrowed
    assert build(state.address) != before
    assert len(state.past) == 1


def test_the_same_filter_again_is_no_change(state: SessionState, exploring: Exploring) -> None:
    exploring.brush("score", REFUSED)
    shown = state.explored
    exploring.brush("score", REFUSED)
    assert state.explored is shown
    assert len(state.past) == 1


def test_the_latest_gesture_wins_and_none_is_lost(state: SessionState, services: Services) -> None:
    held = _Held()
    exploring = exploring_of(state, services, held)
    exploring.begin()
    exploring.brush("score", REFUSED)
    exploring.brush("level", Categories("level", ("high", "medium")))
    exploring.zoom(Window(0.1, 0.2, 0.1, 0.2))
    assert len(held.kept) == 1, "one job at a time"
    held.kept[0]()
    assert len(held.kept) == 2, "the next is all that is wanted by then"
    held.kept[1]()
    assert state.explored is not None
    wanted = state.explored.wanted
    assert [chart for chart, _ in wanted.exploration.filters] == ["score", "level"]
    assert wanted.window == Window(0.1, 0.2, 0.1, 0.2)


def test_a_drag_without_a_pause_is_followed(state: SessionState, services: Services) -> None:
    held = _Held()
    exploring = exploring_of(state, services, held)
    exploring.begin()
    held.kept[0]()
    shown = []
    for high in (0.9, 0.8, 0.7, 0.6, 0.5):  # every step comes before the last one is answered
        exploring.brush("score", Range("score", high=high), final=False)
        exploring.brush("score", Range("score", high=high - 0.05), final=False)
        held.kept[-1]()
        shown.append(selected(state))
    assert len(set(shown)) == len(shown), "each answer is shown, though a newer gesture was waiting"
    held.kept[-1]()
    score = np.asarray(services.portfolio.score, dtype=np.float32)
    assert selected(state) == int(np.count_nonzero(score <= np.float32(0.45)))


def test_where_answers_are_late_a_drag_is_followed_in_coarser_pictures(
    state: SessionState, exploring: Exploring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pixels() -> tuple[int, int]:
        assert state.explored is not None
        return state.explored.wanted.pixels

    monkeypatch.setattr(dashboard.exploring, "LATE_SECONDS", 0.0)
    exploring.resize(301, 201)
    for high, expected in ((0.5, (301, 201)), (0.6, (150, 100)), (0.7, (150, 100))):
        exploring.brush("score", Range("score", high=high), final=False)
        assert pixels() == expected
    exploring.brush("score", Range("score", high=0.7))
    assert pixels() == (301, 201)


def test_clear_takes_every_filter_away_at_once(state: SessionState, exploring: Exploring) -> None:
    everyone = selected(state)
    exploring.brush("score", REFUSED)
    exploring.brush("level", Categories("level", ("high",)))
    exploring.clear()
    assert selected(state) == everyone
    exploring.undo()
    assert state.exploration is not None
    assert len(state.exploration.filters) == 2


def test_a_box_goes_with_its_axes_but_not_with_the_colour_or_the_scale(
    state: SessionState, exploring: Exploring
) -> None:
    assert state.exploration is not None
    across, up, _ = state.exploration.pair
    exploring.brush(PAIR, Box(Range(across.column, high=0.4), Range(up.column, high=0.4)))
    exploring.show_pair(colour="score")
    exploring.show_pair(across=AxisKey(across.column, "quantile"))
    assert state.exploration.filter_of(PAIR) is not None
    exploring.show_pair(up=AxisKey("score"))
    assert state.exploration.filter_of(PAIR) is None


def test_a_contour_goes_with_the_scale_it_was_drawn_on(state: SessionState, exploring: Exploring) -> None:
    assert state.exploration is not None
    across, up, _ = state.exploration.pair
    exploring.brush(PAIR, Lasso(across, up, ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))))
    exploring.show_pair(across=AxisKey(across.column, "quantile"))
    assert state.exploration.filter_of(PAIR) is None


def test_new_axes_are_shown_whole_and_a_new_colour_where_one_looks(state: SessionState, exploring: Exploring) -> None:
    window = Window(0.1, 0.6, 0.1, 0.6)
    exploring.zoom(window)
    exploring.show_pair(colour="density")
    assert state.explored is not None
    assert state.explored.picture.window == window
    exploring.show_pair(up=AxisKey("score"))
    assert state.explored.wanted.window is None


def test_charts_come_and_go_with_their_filters(state: SessionState, exploring: Exploring) -> None:
    assert state.exploration is not None
    exploring.add_chart("raw.NAME_EDUCATION_TYPE")
    exploring.add_chart("pd")
    assert state.exploration.charts[-1].column == "pd"
    exploring.brush("pd", Range("pd", high=0.05))
    exploring.remove_chart("pd")
    assert state.exploration.filters == ()
    assert "pd" not in {chart.column for chart in state.exploration.charts}


def test_there_is_a_most_of_charts(state: SessionState, services: Services, exploring: Exploring) -> None:
    for key in services.population.keys[: 2 * MOST_CHARTS]:
        exploring.add_chart(key)
    assert state.exploration is not None
    assert len(state.exploration.charts) == MOST_CHARTS
    assert str(MOST_CHARTS) in state.explore_trouble


def test_a_link_brings_back_what_is_explored(state: SessionState, services: Services, exploring: Exploring) -> None:
    exploring.brush("score", Range("score", 0.2, 0.5))
    exploring.brush(
        "raw.NAME_EDUCATION_TYPE", Categories("raw.NAME_EDUCATION_TYPE", ("Higher education",), missing=True)
    )
    exploring.add_chart("pd")
    exploring.show_pair(across=AxisKey("AMT_CREDIT", "log"), colour="score")
    other = SessionState(language="en", linked=parse(build(state.address)).explored)
    exploring_of(other, services, _Held()).begin()
    assert other.exploration == state.exploration
    assert build(other.address) == build(state.address)


@pytest.mark.parametrize(
    "search",
    [
        "?page=portfolio&where=nonsense",
        "?page=portfolio&x=NO_SUCH_COLUMN",
        "?page=portfolio&charts=score,score",
        "?page=portfolio&colour=nothing",
    ],
)
def test_an_address_that_cant_be_shown_says_so_and_shows_the_first_view(
    search: str, services: Services, at_once: ThreadPoolExecutor
) -> None:
    state = SessionState(language="en", linked=parse(search).explored)
    exploring_of(state, services, at_once).begin()
    assert state.explore_trouble
    assert state.explored is not None
    assert selected(state) == len(services.population)


def test_a_segment_brings_the_charts_that_it_is_of(state: SessionState, exploring: Exploring) -> None:
    box = Box(Range("AMT_CREDIT", high=500_000.0), Range("DAYS_BIRTH", high=-10_000.0))
    exploring.show_filters((("pd", Range("pd", high=0.1)), (PAIR, box)))
    assert state.exploration is not None
    assert [key.column for key in state.exploration.pair[:2]] == ["AMT_CREDIT", "DAYS_BIRTH"]
    assert "pd" in {chart.column for chart in state.exploration.charts}
    assert len(state.exploration.filters) == 2


def test_a_segment_of_a_column_that_there_is_not_is_refused_and_nothing_changes(
    state: SessionState, exploring: Exploring
) -> None:
    before = state.exploration
    exploring.show_filters((("NOPE", Range("NOPE", high=0.1)),))
    assert "NOPE" in state.explore_trouble
    assert state.exploration is before


def test_a_filter_that_its_column_forbids_is_told_and_the_last_answer_stays(
    state: SessionState, exploring: Exploring
) -> None:
    shown = state.explored
    exploring.brush("level", Range("level", high=0.5))
    assert "level" in state.explore_trouble
    assert state.explored is shown


def test_two_sessions_share_no_filter(services: Services, at_once: ThreadPoolExecutor) -> None:
    states = [SessionState(language="en") for _ in range(2)]
    for state in states:
        exploring_of(state, services, at_once).begin()
    exploring_of(states[0], services, at_once).begin()
    everyone = selected(states[1])
    first = exploring_of(states[0], services, at_once)
    first.begin()
    first.brush("score", REFUSED)
    assert selected(states[0]) < everyone == selected(states[1])


def test_what_ends_computes_nothing_more(state: SessionState, services: Services) -> None:
    held = _Held()
    exploring = exploring_of(state, services, held)
    exploring.begin()
    exploring.close()
    for work in held.kept:
        work()
    assert state.explored is None


def test_timings_are_one_line_a_gesture(
    state: SessionState,
    services: Services,
    at_once: ThreadPoolExecutor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "timings", Timings(tmp_path / "timings.jsonl"))
    exploring = exploring_of(state, services, at_once)
    exploring.begin()
    exploring.brush("score", REFUSED)
    lines = [json.loads(line) for line in (tmp_path / "timings.jsonl").read_text().splitlines()]
    assert [line["gesture"] for line in lines] == ["first", "brush"]
    assert all(line["server_ms"] > 0 and line["clients"] == len(services.population) for line in lines)


def test_timings_that_cant_be_written_say_where(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no-folder"):
        Timings(tmp_path / "no-folder" / "timings.jsonl")
