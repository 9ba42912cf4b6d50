"""What the findings of the pair say, when they are found anew, and what their buttons keep."""

from __future__ import annotations

import math
from html import unescape
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import panel as pn
import pytest

from dashboard.i18n import Translator
from dashboard.state import SessionState
from dashboard.views import quiet
from dashboard.views.findings import QUIET_MS, FindingsView
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.exploration import PAIR, Exploration, Explored, Pair, Wanted
from explain.crossfilter.filters import Box, Categories, Range, passes
from explain.crossfilter.population import DEFAULT, LABELLED

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

    from dashboard.services import Services
    from explain.crossfilter.filters import Filter
    from explain.crossfilter.zones import Zones

CREDIT = "AMT_CREDIT"
FIRST = Exploration(Pair(AxisKey("EXT_SOURCE_2", "quantile"), AxisKey("EXT_SOURCE_3")))
AGED = Exploration(Pair(AxisKey("DAYS_BIRTH"), AxisKey("raw.NAME_EDUCATION_TYPE")))


class Brushed:
    """Remembers what was brushed."""

    def __init__(self) -> None:
        self.gestures: list[tuple[str, Filter | None]] = []

    def brush(self, chart: str, kept: Filter | None, *, final: bool = True) -> None:
        assert final
        self.gestures.append((chart, kept))


def explored(exploration: Exploration) -> Explored:
    """Return as much of what is shown as the findings read."""
    return Explored(Wanted(exploration), *cast("Any", (None, None, (), None)))


def with_filters(exploration: Exploration, *filters: tuple[str, Filter]) -> Exploration:
    return Exploration(exploration.pair, exploration.charts, filters)


@pytest.fixture
def brushed() -> Brushed:
    return Brushed()


@pytest.fixture
def view(services: Services, brushed: Brushed) -> FindingsView:
    return FindingsView(SessionState(language="en"), services, cast("Any", brushed), Translator("en"))


def text(view: FindingsView) -> str:
    return unescape(str(view._text.object))


def told(view: FindingsView) -> dict[str, list[dict[str, str]]]:
    return {group["heading"]: group["zones"] for group in view._list.groups}


def test_the_figures_of_the_sentences_are_those_of_pandas(view: FindingsView, services: Services) -> None:
    young = Range(CREDIT, 100_000.0, 600_000.0)
    view.follow(explored(with_filters(FIRST, (CREDIT, young))))
    population = services.population
    kept = passes(young, population)
    columns = [population.column(key) for key in ("EXT_SOURCE_2", "EXT_SOURCE_3")]
    frame = pd.DataFrame({column.key: column.values for column in columns})[kept]  # noqa: PD011 (no pandas object)
    frame["score"] = population.score[kept]
    labelled, bad = ((population.outcome[kept] & bit) > 0 for bit in (LABELLED, DEFAULT))
    frame["default"] = np.where(labelled, bad, np.nan)
    both = frame.dropna(subset=["EXT_SOURCE_2", "EXT_SOURCE_3"])
    t, said = Translator("en"), text(view)
    assert f"{len(both):,} clients with both values" in said
    assert t.signed(both["EXT_SOURCE_2"].corr(both["EXT_SOURCE_3"], method="spearman")) in said
    assert t.signed(frame["EXT_SOURCE_2"].corr(frame["score"], method="spearman")) in said
    assert f"{len(frame):,} clients that the other charts" in str(view._status.object)
    assert view.zones is not None
    zone = view.zones.risky[0]
    inside = frame[passes(zone.box, population)[kept]]
    first = told(view)["Where the risk is high"][0]
    assert first["says"].startswith(f"{len(inside):,} clients, default {t.percent(inside['default'].mean(), 1)} (")
    assert first["says"].endswith(f"instead of {t.percent(frame['default'].mean(), 1)}")
    low = told(view)["What goes with a low score"][0]
    inside = frame[passes(view.zones.low_score[0].box, population)[kept]]
    assert low["says"] == (
        f"{len(inside):,} clients, mean score {t.percent(inside['score'].mean(), 1)} "
        f"instead of {t.percent(frame['score'].mean(), 1)}"
    )


def test_a_button_keeps_the_clients_of_its_zone(view: FindingsView, brushed: Brushed) -> None:
    view.follow(explored(FIRST))
    assert view.zones is not None
    first = told(view)["Where the risk is high"][0]
    assert first["keep"].startswith("Keep these clients: ")
    view._list._handle_msg({"keep": first["id"]})
    assert brushed.gestures == [(PAIR, view.zones.risky[0].box)]


def test_a_click_on_what_is_no_longer_shown_keeps_nobody(view: FindingsView, brushed: Brushed) -> None:
    view.follow(explored(FIRST))
    old = told(view)["Where the risk is high"][0]["id"]
    view.follow(explored(AGED))
    for message in ({"keep": old}, {"keep": "nowhere"}, {"keep": 3}, "keep", {}):
        view._list._handle_msg(message)
    assert brushed.gestures == []


def test_only_other_columns_or_other_filters_are_found_anew(view: FindingsView) -> None:
    found: list[Zones | None] = []
    view.on_zones = found.append
    view.follow(explored(FIRST))
    rescaled = Exploration(Pair(AxisKey("EXT_SOURCE_2", "log"), AxisKey("EXT_SOURCE_3"), "score"), (AxisKey(CREDIT),))
    view.follow(explored(rescaled))
    own = Box(Range("EXT_SOURCE_2", 0.0, 0.3), Range("EXT_SOURCE_3"))
    view.follow(explored(with_filters(FIRST, (PAIR, own))))
    assert len(found) == 1
    view.follow(explored(with_filters(FIRST, (PAIR, own), (CREDIT, Range(CREDIT, 0.0, 500_000.0)))))
    assert len(found) == 2
    view.follow(explored(AGED))
    assert found[2] is None  # what is outlined is of other columns
    assert found[3] is view.zones is not None
    assert (view.zones.across, view.zones.up) == ("DAYS_BIRTH", "raw.NAME_EDUCATION_TYPE")


def test_an_age_is_told_as_people_read_it(view: FindingsView, services: Services) -> None:
    view.follow(explored(AGED))
    column, score = services.population.column("DAYS_BIRTH"), services.population.score
    age = pd.Series(-np.asarray(column.values, dtype=np.float64))
    expected = age.corr(pd.Series(score), method="spearman")
    assert expected > 0.1
    assert "the same way" in text(view)
    assert Translator("en").signed(expected) in text(view)
    where = [zone["where"] for zones in told(view).values() for zone in zones]
    assert any("years" in words for words in where)
    assert not any("-" in words for words in where)


def test_all_categories_are_not_named_one_by_one(view: FindingsView, services: Services) -> None:
    view.follow(explored(AGED))
    categories = services.population.column("raw.NAME_EDUCATION_TYPE").categories
    assert categories is not None
    assert view._side(Categories("raw.NAME_EDUCATION_TYPE", categories)).endswith(": any value")
    assert not view._side(Categories("raw.NAME_EDUCATION_TYPE", categories[:1])).endswith(": any value")
    assert view._side(Categories("EXT_SOURCE_2", (), missing=True)).endswith("no value")


def test_what_follows_from_the_score_is_no_finding(view: FindingsView) -> None:
    view.follow(explored(Exploration(Pair(AxisKey("score"), AxisKey(CREDIT)))))
    assert list(told(view)) == ["Where the risk is high", "Where the risk is low"]
    assert "variance" not in text(view)
    view.follow(explored(Exploration(Pair(AxisKey("default"), AxisKey(CREDIT)))))
    assert list(told(view)) == ["What goes with a low score", "What goes with a high score"]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(
    "kept", [Range(CREDIT, 1.0, 2.0), Range("SK_NOWHERE"), Categories(CREDIT, (), missing=True)], ids=str
)
def test_nobody_kept_is_said(services: Services, brushed: Brushed, language: Any, kept: Filter) -> None:
    view = FindingsView(SessionState(language=language), services, cast("Any", brushed), Translator(language))
    if getattr(kept, "column", "") == "SK_NOWHERE":
        with pytest.raises(Exception, match="SK_NOWHERE"):
            view.follow(explored(with_filters(FIRST, (CREDIT, kept))))
        return
    view.follow(explored(with_filters(FIRST, (CREDIT, kept))))
    assert view.zones is not None
    assert int(view.zones.kept.clients) == 0
    assert all(group["zones"] == [] and group["nothing"] for group in view._list.groups)
    assert "nan" not in (text(view) + str(view._table.object)).lower()
    assert ("too few" if language == "en" else "trop peu") in text(view)


def test_every_zone_is_in_the_table(view: FindingsView) -> None:
    view.follow(explored(FIRST))
    assert view.zones is not None
    rows = str(view._table.object).count('<th scope="row">')
    assert rows == view.zones.frame().height > 5
    assert "Keep" not in str(view._table.object)


@pytest.mark.parametrize("pair", [("EXT_SOURCE_2", "EXT_SOURCE_2"), ("decision", "level"), ("EXT_SOURCE_1", "default")])
def test_pairs_of_every_kind_are_told(view: FindingsView, pair: tuple[str, str]) -> None:
    view.follow(explored(Exploration(Pair(*map(AxisKey, pair)))))
    assert view.zones is not None
    assert "nan" not in (text(view) + str(view._table.object)).lower()
    assert all(not math.isnan(zone.counts.mean_score) for zone in view.zones.low_score)


class _Served:
    """As much of a session's document as the view asks for; its callbacks are run by the test."""

    def __init__(self) -> None:
        self.session_context = SimpleNamespace(request=SimpleNamespace(arguments={}))
        self.timeouts: list[Callable[[], None]] = []
        self.now = 0.0
        self.next: list[Callable[[], None]] = []

    def add_next_tick_callback(self, callback: Callable[[], None]) -> None:
        self.next.append(callback)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> None:
        assert seconds <= QUIET_MS / 1000
        self.timeouts.append(callback)

    def pause(self) -> None:
        """Let the time go by until nothing waits, and do what was put off."""
        self.now += 1.0
        waiting, self.timeouts = self.timeouts, []
        before = len(self.next)
        for callback in waiting:
            callback()
        ready, self.next = self.next[before:], self.next[:before]
        for callback in ready:
            callback()

    def arrive(self) -> None:
        ready, self.next = self.next, []
        for callback in ready:
            callback()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> _Served:
    document = _Served()
    monkeypatch.setattr(type(pn.state), "curdoc", property(lambda _state: document))
    monkeypatch.setattr(pn.state, "on_session_destroyed", lambda _callback: None)
    return document


@pytest.fixture
def in_session(
    services: Services, brushed: Brushed, served: _Served, at_once: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> FindingsView:
    monkeypatch.setattr(services, "unhurried", at_once)
    view = FindingsView(SessionState(language="en"), services, cast("Any", brushed), Translator("en"))
    monkeypatch.undo()  # only the view's making needs the document
    monkeypatch.setattr(quiet, "asyncio", SimpleNamespace(get_running_loop=lambda: served))
    monkeypatch.setattr(quiet, "time", SimpleNamespace(monotonic=lambda: served.now))
    return view


def test_in_a_session_they_wait_until_gestures_have_ended(
    in_session: FindingsView, served: _Served, brushed: Brushed
) -> None:
    view = in_session
    view.follow(explored(FIRST))
    assert view.zones is None
    assert 'role="status"' in str(view._status.object)
    served.pause()
    served.arrive()
    shown = text(view)
    assert view.zones is not None
    first = told(view)["Where the risk is high"][0]
    for most in (300_000.0, 400_000.0):  # a gesture under way
        view.follow(explored(with_filters(FIRST, (CREDIT, Range(CREDIT, 0.0, most)))))
    assert len(served.timeouts) == 1
    assert text(view) == shown
    assert view._list.waiting
    assert "before the last gesture" in str(view._status.object)
    view._list._handle_msg({"keep": first["id"]})
    assert brushed.gestures == []
    served.pause()
    view.follow(explored(with_filters(FIRST, (CREDIT, Range(CREDIT, 0.0, 500_000.0)))))
    served.arrive()  # what was found is already overtaken
    assert text(view) == shown
    served.pause()
    served.arrive()
    assert text(view) != shown
    assert not view._list.waiting


def test_a_gesture_taken_back_leaves_what_is_shown(in_session: FindingsView, served: _Served) -> None:
    view = in_session
    view.follow(explored(FIRST))
    served.pause()
    served.arrive()
    before = view.zones
    view.follow(explored(with_filters(FIRST, (CREDIT, Range(CREDIT, 0.0, 300_000.0)))))
    view.follow(explored(FIRST))
    assert not view._list.waiting
    served.pause()
    assert served.next == []  # nothing was computed
    assert view.zones is before
    assert "clients of the portfolio" in str(view._status.object)
