"""The bar of the selection: its figures are a plain computation's, and its chips undo the filters one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dashboard.exploring import Exploring
from dashboard.figures.level_bar import level_bars
from dashboard.i18n import Translator
from dashboard.views.selected import SelectedView
from explain.crossfilter.counts import wilson
from explain.crossfilter.filters import Range
from models.policy import LEVELS

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from dashboard.services import Services
    from dashboard.state import SessionState

pytestmark = pytest.mark.slow


@pytest.fixture
def exploring(state: SessionState, services: Services, at_once: ThreadPoolExecutor) -> Exploring:
    made = Exploring(state, services, Translator("en"), at_once, lambda work: work())
    made.begin()
    return made


@pytest.fixture
def view(state: SessionState, services: Services, exploring: Exploring) -> SelectedView:
    made = SelectedView(state, services, exploring, Translator("en"))
    made.update(state.explored)
    state.param.watch(lambda event: made.update(event.new), "explored")
    return made


def send(view: SelectedView, **message: Any) -> None:
    view._chips._handle_msg(message)


@pytest.mark.parametrize("bounds", [(0.0, 0.4), (0.3, 0.7), (0.6, 1.0)])
def test_the_figures_are_those_of_a_plain_computation(
    view: SelectedView, services: Services, exploring: Exploring, bounds: tuple[float, float]
) -> None:
    exploring.brush("score", Range("score", *bounds))
    t, frame = Translator("en"), services.portfolio.features
    score = np.asarray(services.portfolio.score)
    chosen = (score.astype(np.float32) >= np.float32(bounds[0])) & (score.astype(np.float32) <= np.float32(bounds[1]))
    outcome = services.population.outcome
    known = chosen & ((outcome & 2) != 0)
    defaults = int((known & ((outcome & 4) != 0)).sum())
    shown = view._figures.object
    assert f">{t.number(int(chosen.sum()), 0)}<" in shown
    assert t("selected.of_all", share=t.percent(chosen.mean(), 1), clients=t.number(len(frame), 0)) in shown
    assert f">{t.percent(defaults / known.sum(), 1)} <" in shown
    low, high = wilson(np.asarray(defaults), np.asarray(known.sum()))
    assert t("selected.interval", low=t.percent(float(low), 1), high=t.percent(float(high), 1)) in shown
    assert f">{t.percent(score[chosen].mean(), 1)}<" in shown
    refused = ~services.accepted
    assert f">{t.percent(refused[chosen].mean(), 1)}<" in shown
    points = 100 * (refused[chosen].mean() - refused.mean())
    key = "more" if points > 0 else "less"
    assert t(f"selected.{key}", points=t.number(abs(points), 1)) in shown


def test_without_filters_everyone_is_shown_and_nothing_is_compared(view: SelectedView) -> None:
    t = Translator("en")
    assert t("selected.everyone_shown") in view._figures.object
    assert "apart" not in view._figures.object
    assert view._chips.chips == []
    assert t("selected.status_everyone", clients="1,500", share="100.0%", default_rate="x", score="x", refused="x")[
        :30
    ] in view._status.object  # fmt: skip


def test_chips_name_the_filters_in_order_and_take_them_away(
    view: SelectedView, state: SessionState, exploring: Exploring
) -> None:
    exploring.brush("score", Range("score", 0.2, 0.6))
    exploring.brush("DAYS_BIRTH", Range("DAYS_BIRTH", -15_000, np.inf))
    assert [chip["chart"] for chip in view._chips.chips] == ["score", "DAYS_BIRTH"]
    assert view._chips.chips[0]["remove"] == "Remove the filter: Score: 20.0% to 60.0%"
    send(view, do="remove", chart="score")
    assert [chart for chart, _ in state.exploration.filters] == ["DAYS_BIRTH"]
    assert [chip["chart"] for chip in view._chips.chips] == ["DAYS_BIRTH"]
    assert view._chips.can_undo
    send(view, do="undo")
    assert [chip["chart"] for chip in view._chips.chips] == ["score", "DAYS_BIRTH"]
    send(view, do="clear")
    assert view._chips.chips == []
    assert state.exploration.filters == ()


def test_a_chip_of_which_nothing_changed_is_not_sent_again(view: SelectedView, exploring: Exploring) -> None:
    exploring.brush("score", Range("score", 0.2, 0.6))
    sent: list[Any] = []
    view._chips.param.watch(lambda event: sent.append(event.new), "chips")
    exploring.zoom(None)
    exploring.brush("score", Range("score", 0.2, 0.6))
    assert sent == []
    exploring.brush("score", Range("score", 0.2, 0.7))
    assert len(sent) == 1


@pytest.mark.parametrize("message", ["remove", None, 3, {}, {"do": "exec"}, {"do": ["remove"]}, {"chart": "score"}])
def test_whatever_else_a_browser_sends_is_ignored(view: SelectedView, state: SessionState, message: Any) -> None:
    before = state.exploration
    view._chips._handle_msg(message)
    assert state.exploration == before


def test_nobody_is_told_and_has_no_rates(view: SelectedView, exploring: Exploring) -> None:
    exploring.brush("score", Range("score", 2.0, 3.0))
    t = Translator("en")
    assert t("selected.nobody") in view._figures.object
    assert t("selected.nobody") in view._status.object
    assert view._figures.object.count(">–<") == 3
    assert "nan" not in view._figures.object


def test_one_client_has_figures(view: SelectedView, services: Services, exploring: Exploring) -> None:
    only = float(np.sort(services.population.column("score").values)[-1])
    exploring.brush("score", Range("score", only, np.inf))
    assert view._figures.object.count("nan") == 0
    assert "1 client selected, " in view._status.object


def test_trouble_is_told_and_the_last_figures_stay_marked_as_not_current(
    view: SelectedView, state: SessionState
) -> None:
    before = view._figures.object
    state.explore_trouble = "The <disk> is gone."
    t = Translator("en")
    assert 'role="alert"' in view._trouble.object
    assert "The &lt;disk&gt; is gone." in view._trouble.object
    assert t("selected.not_current") in view._trouble.object
    assert view._figures.object == before
    assert view._figures.css_classes == ["not-current"]
    state.explore_trouble = ""
    assert view._trouble.object == ""
    assert view._figures.css_classes == []


def test_the_level_bars_are_told_as_a_table() -> None:
    t = Translator("en")
    shown = level_bars(np.array([1, 0, 0, 0, 0, 0, 3]), np.array([1, 1, 1, 1, 1, 1, 4]), t)
    assert shown.count('<th scope="row">') == len(LEVELS)
    assert "<td>25.0%</td><td>10.0%</td>" in shown
    assert "<td>75.0%</td><td>40.0%</td>" in shown
    assert shown.count("width:") == 2 + 7
    assert "width:75.00%" in shown


def test_the_level_bars_of_nobody_are_empty() -> None:
    shown = level_bars(np.zeros(7, np.int64), np.ones(7, np.int64), Translator("fr"))
    assert shown.count("width:") == 7
    assert shown.count("<td>0,0\u202f%</td>") == 7
