"""Segments: kept, listed, shown, compared, explained and linked to; what goes wrong is told in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dashboard.address import PICKED, parse
from dashboard.exploring import Exploring
from dashboard.i18n import Translator
from dashboard.views.comparison import CURRENT, EVERYONE, NAMED, OTHERS
from dashboard.views.picked import selected
from dashboard.views.segments import SegmentsView
from explain.crossfilter.filters import Categories, Range
from explain.crossfilter.segments import Segment, SegmentStore

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path

    from dashboard.services import Services
    from dashboard.state import SessionState

pytestmark = pytest.mark.slow

LOW, HIGH = Range("score", 0.0, 0.5), Range("score", 0.4, 1.0)


@pytest.fixture
def store(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SegmentStore:
    made = SegmentStore(tmp_path / "segments")
    monkeypatch.setattr(services, "segments", made)
    return made


@pytest.fixture
def exploring(state: SessionState, services: Services, at_once: ThreadPoolExecutor) -> Exploring:
    made = Exploring(state, services, Translator("en"), at_once, lambda work: work())
    made.begin()
    return made


@pytest.fixture
def view(state: SessionState, services: Services, exploring: Exploring, store: SegmentStore) -> SegmentsView:
    made = SegmentsView(state, services, exploring, Translator("en"))
    made.update(state.explored)
    state.param.watch(lambda event: made.update(event.new), "explored")
    return made


def ask(view: SegmentsView, do: str, name: str = "") -> None:
    view._list._handle_msg({"do": do, "name": name})


def keep(view: SegmentsView, name: str) -> None:
    view._name.value_input = name
    view._try_to_keep()


def test_a_selection_is_kept_and_listed_with_its_counts(
    view: SegmentsView, services: Services, exploring: Exploring, store: SegmentStore
) -> None:
    exploring.brush("score", LOW)
    keep(view, "  low   scores ")
    assert [(one.name, one.filters) for one in store.all()] == [("low scores", (("score", LOW),))]
    t, (shown,) = Translator("en"), view._list.segments
    mask = services.population.column("score").values <= np.float32(0.5)
    count = t("segments.count", clients=t.number(int(mask.sum()), 0), share=t.percent(mask.mean(), 1))
    known = mask & ((services.population.outcome & 2) != 0)
    rate = (services.population.outcome[known] & 4 != 0).mean()
    assert shown["figures"] == [("Clients", count), ("Default rate", t.percent(rate, 1))]
    assert shown["filters"] == "Score: 0.0% to 50.0%"
    assert 'role="status"' in view._told.object
    linked = parse(shown["link"])
    assert (linked.page, linked.language, linked.explored.filters) == ("portfolio", "en", (("score", LOW),))


def test_without_filters_there_is_nothing_to_keep(view: SegmentsView, store: SegmentStore) -> None:
    keep(view, "everyone")
    assert Translator("en")("segments.no_filters") in view._told.object
    assert store.all() == ()
    assert view._explain.disabled
    assert view._compare.disabled


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x00b"])
def test_a_name_that_is_not_allowed_is_told(
    view: SegmentsView, exploring: Exploring, store: SegmentStore, name: str
) -> None:
    exploring.brush("score", LOW)
    keep(view, name)
    assert Translator("en")("segments.bad_name", longest=60) in view._told.object
    assert store.all() == ()


def test_a_name_that_is_taken_may_be_replaced(view: SegmentsView, exploring: Exploring, store: SegmentStore) -> None:
    exploring.brush("score", LOW)
    keep(view, "<mine>")
    exploring.brush("score", HIGH)
    keep(view, "<MINE>")
    assert view._replace.visible
    assert "&lt;MINE&gt;" in view._told.object
    assert store.get("<mine>").filters == (("score", LOW),)
    view._try_to_keep(replace=True)
    assert not view._replace.visible
    assert store.get("<mine>").filters == (("score", HIGH),)
    assert len(view._list.segments) == 1


def test_typing_another_name_takes_the_offer_to_replace_back(view: SegmentsView, exploring: Exploring) -> None:
    exploring.brush("score", LOW)
    keep(view, "mine")
    keep(view, "mine")
    assert view._replace.visible
    view._name.value_input = "mine too"
    assert not view._replace.visible


def test_a_segment_is_shown_on_the_charts(view: SegmentsView, state: SessionState, exploring: Exploring) -> None:
    exploring.brush("score", LOW)
    keep(view, "low")
    exploring.clear()
    exploring.brush("level", Categories("level", ("low",)))
    ask(view, "show", "low")
    assert state.exploration.filters == (("score", LOW),)
    exploring.undo()
    assert state.exploration.filters == (("level", Categories("level", ("low",))),)


def test_a_segment_and_the_selection_are_explained(
    view: SegmentsView, state: SessionState, services: Services, exploring: Exploring
) -> None:
    exploring.brush("score", LOW)
    keep(view, "low")
    exploring.brush("score", HIGH)
    view._explain.clicks += 1
    population = services.population
    assert (state.page, state.selection) == ("explanation", PICKED)
    assert np.array_equal(state.portfolio_selection.mask, selected(population, (("score", HIGH),)))
    ask(view, "explain", "low")
    assert state.portfolio_selection.label == "low"
    assert np.array_equal(state.portfolio_selection.mask, selected(population, (("score", LOW),)))


def test_a_segment_is_forgotten(view: SegmentsView, exploring: Exploring, store: SegmentStore) -> None:
    exploring.brush("score", LOW)
    keep(view, "low")
    ask(view, "forget", "low")
    assert store.all() == ()
    assert view._list.segments == []


@pytest.mark.parametrize("what", ["show", "compare", "explain", "forget"])
def test_a_segment_that_another_session_removed_is_told(
    view: SegmentsView, state: SessionState, exploring: Exploring, store: SegmentStore, what: str
) -> None:
    exploring.brush("score", LOW)
    keep(view, "low")
    store.forget("low")
    before = state.exploration
    ask(view, what, "low")
    assert Translator("en")("segments.gone", name="low") in view._told.object
    assert view._list.segments == []
    assert state.exploration == before
    assert state.page == "client"


def test_what_others_keep_is_seen(view: SegmentsView, store: SegmentStore) -> None:
    store.keep(Segment("theirs", (("score", HIGH),), "2026-01-01T00:00:00+00:00"))
    ask(view, "seen")
    assert [one["name"] for one in view._list.segments] == ["theirs"]


def test_files_that_cannot_be_read_are_told_and_hide_no_other(view: SegmentsView, store: SegmentStore) -> None:
    store.keep(Segment("good", (("score", HIGH),), "2026-01-01T00:00:00+00:00"))
    (store.folder / "bad.json").write_text("<{", encoding="utf-8")
    (store.folder / "other.json").write_text(json.dumps({"kind": "else"}), encoding="utf-8")
    view.refresh()
    assert [one["name"] for one in view._list.segments] == ["good"]
    assert view._problems.object.count("<li>") == 2
    assert "<{" not in view._problems.object


def test_a_segment_of_a_column_that_is_gone_is_told_and_can_only_be_deleted(
    view: SegmentsView, store: SegmentStore
) -> None:
    store.keep(Segment("old", (("NO_SUCH", Range("NO_SUCH", 0, 1)),), "2026-01-01T00:00:00+00:00"))
    view.refresh()
    (shown,) = view._list.segments
    assert shown["usable"] is False
    assert "NO_SUCH" in shown["filters"]
    assert shown["figures"] == []
    ask(view, "show", "old")
    ask(view, "forget", "old")
    assert view._list.segments == []


@pytest.mark.parametrize("message", ["forget", None, {}, {"do": "exec", "name": "low"}, {"do": ["forget"]}])
def test_whatever_else_a_browser_sends_is_ignored(
    view: SegmentsView, exploring: Exploring, store: SegmentStore, message: Any
) -> None:
    exploring.brush("score", LOW)
    keep(view, "low")
    view._list._handle_msg(message)
    assert len(store.all()) == 1


def cells(html: str, row: str) -> list[str]:
    line = html.split(f">{row}</th>")[1].partition("</tr>")[0]
    return [part.partition(">")[2].partition("</td>")[0] for part in line.split("<td ")[1:]]


def test_two_segments_are_compared_by_plain_numbers(
    view: SegmentsView, services: Services, exploring: Exploring
) -> None:
    exploring.brush("score", LOW)
    keep(view, "low")
    exploring.brush("score", HIGH)
    keep(view, "high")
    compared = view._comparison
    ask(view, "compare", "low")
    assert compared._layout.visible
    assert (compared._a.value, compared._b.value) == (NAMED + "low", CURRENT)
    compared._b.value = NAMED + "high"
    t, population = Translator("en"), services.population
    values, outcome = population.column("score").values, population.outcome
    masks = values <= np.float32(0.5), values >= np.float32(0.4)
    shown = compared._tables.object
    rates = [(outcome[mask & (outcome & 2 != 0)] & 4 != 0).mean() for mask in masks]
    for cell, rate in zip(cells(shown, "Default rate"), rates, strict=False):
        assert cell.startswith(t.percent(rate, 1))
    assert cells(shown, "Default rate")[2] == t("comparison.points", points=t.signed(100 * (rates[0] - rates[1]), 1))
    assert cells(shown, "Mean score")[:2] == [t.percent(population.score[mask].mean(), 1) for mask in masks]
    both = int((masks[0] & masks[1]).sum())
    assert t("comparison.shared", clients=t.number(both, 0)) in compared._words_pane.object


def test_the_selection_against_all_others_has_an_interval_and_says_what_sets_it_apart(
    view: SegmentsView, services: Services, exploring: Exploring
) -> None:
    exploring.brush("score", LOW)
    view._compare.clicks += 1
    compared = view._comparison
    assert (compared._a.value, compared._b.value) == (CURRENT, OTHERS)
    shown = compared._tables.object
    gap = cells(shown, "Default rate")[2]
    assert " to " in gap
    assert "of the time" in shown
    assert 0 < shown.count("<tr ") - 1 - 4 - 1 <= 10
    everyone = len(services.population)
    counts = [int(cell.split(" (")[0].replace(",", "")) for cell in cells(shown, "Clients")[:2]]
    assert sum(counts) == everyone


def test_the_comparison_follows_the_selection_while_it_is_open(view: SegmentsView, exploring: Exploring) -> None:
    exploring.brush("score", LOW)
    view._compare.clicks += 1
    before = view._comparison._tables.object
    exploring.brush("score", HIGH)
    after = view._comparison._tables.object
    assert after != before
    view._comparison._close.clicks += 1
    assert not view._comparison._layout.visible
    exploring.brush("score", LOW)
    assert view._comparison._tables.object == after


def test_nobody_is_compared_with_a_word(view: SegmentsView, exploring: Exploring) -> None:
    exploring.brush("score", LOW)
    view._compare.clicks += 1
    view._comparison._b.value = EVERYONE
    exploring.brush("score", Range("score", 2.0, 3.0))
    t = Translator("en")
    assert t("comparison.nobody", name=t("comparison.current"))[:20] in view._comparison._words_pane.object
    assert "nan" not in view._comparison._tables.object


def test_a_forgotten_segment_is_no_longer_compared(view: SegmentsView, exploring: Exploring) -> None:
    exploring.brush("score", LOW)
    keep(view, "low")
    ask(view, "compare", "low")
    ask(view, "forget", "low")
    assert view._comparison._a.value == CURRENT
    assert NAMED + "low" not in view._comparison._a.options.values()
