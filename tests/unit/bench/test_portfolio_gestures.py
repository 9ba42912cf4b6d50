"""The gestures that are measured, on a small portfolio: each is one that the engine answers, and answers rightly."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.registry import Request
from bench.scoring.portfolio_engine import Null, drive
from bench.scoring.portfolio_gestures import FIRST_PAINT, STEPS, first_view, gestures, scene
from bench.scoring.portfolio_population import few_of, prepared
from data.errors import InvalidOption, StoreError, UnknownPortfolio
from explain.crossfilter.exploration import PAIR, Explorer
from explain.crossfilter.filters import Box, Categories, Lasso, Range

if TYPE_CHECKING:
    from pathlib import Path

    from bench.scoring.portfolio_gestures import Scene
    from bench.scoring.portfolio_population import Prepared
    from explain.crossfilter.population import Population

KINDS = {
    "zoom_in", "pan", "zoom_out", "recolour", "brush_range", "brush_box", "brush_category", "brush_lasso",
    "brush_clear",
}  # fmt: skip


@pytest.fixture(scope="module")
def given(artifacts: Path) -> Prepared:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRETSCOPE_ARTIFACTS", str(artifacts))
        return prepared(Request(portfolio="small"))


@pytest.fixture(scope="module")
def population(given: Prepared) -> Population:
    return given.population


@pytest.fixture(scope="module")
def shown(population: Population) -> Scene:
    return scene(population)


def test_six_charts_are_shown_of_different_columns(shown: Scene, population: Population) -> None:
    charts = [key.column for key in shown.exploration.charts]
    assert len(set(charts)) == 5
    assert population.column(shown.category).categories
    assert all(population.column(key.column).categories is None for key in shown.measures)
    assert set(shown.columns) > {*charts, "default", "decision", "level"}
    assert len(shown.columns) == len(set(shown.columns))


def test_a_round_has_every_gesture_step_by_step(shown: Scene, population: Population) -> None:
    steps = list(gestures(population, shown, 0))
    counted = Counter(step.kind for step in steps)
    assert counted.keys() == KINDS
    assert counted["zoom_in"] == counted["pan"] == counted["zoom_out"] == 2 * STEPS
    colours = [step.wanted.exploration.pair.colour for step in steps if step.kind == "recolour"]
    assert set(colours) == set(shown.colours)
    assert steps[-1].wanted.exploration.filters == ()
    assert {step.chart for step in steps if step.kind == "brush_lasso"} == {PAIR}
    filters = [step.wanted.exploration.filter_of(step.chart) for step in steps if step.chart]
    assert {type(kept) for kept in filters} == {Range, Box, Categories, Lasso}
    assert max(len(step.wanted.exploration.filters) for step in steps) == 5


def test_rounds_differ_and_one_is_the_same_again(shown: Scene, population: Population) -> None:
    once, again, other = (list(gestures(population, shown, seed)) for seed in (1, 1, 2))
    assert once == again
    assert once != other
    assert [step.kind for step in once] == [step.kind for step in other]


def test_zooming_out_ends_where_zooming_in_began_but_for_the_pan(shown: Scene, population: Population) -> None:
    steps = list(gestures(population, shown, 3))
    widths = [
        step.wanted.window.right - step.wanted.window.left
        for step in steps[: 3 * STEPS]
        if step.wanted.window is not None
    ]
    usual = population.axis(shown.exploration.pair.across).usual
    assert widths[STEPS - 1] == pytest.approx(0.8**STEPS * (usual[1] - usual[0]))
    assert widths[-1] == pytest.approx(usual[1] - usual[0])
    assert len(set(np.round(widths[STEPS : 2 * STEPS], 9))) == 1


def test_each_step_changes_what_is_shown_and_the_engine_answers(shown: Scene, population: Population) -> None:
    explorer, before = Explorer(population), first_view(shown)
    kept = []
    for step in gestures(population, shown, 0):
        assert step.wanted != before
        before = step.wanted
        explored = explorer.explore(step.wanted)
        assert int(explored.selected.clients.sum()) == int(explorer.selected(step.wanted.exploration).sum())
        kept.append(int(explored.selected.clients.sum()))
    assert kept[-1] == len(population)
    assert len(set(kept)) > 20
    assert np.median(kept) > 0


def test_the_engine_and_the_null_contender_are_timed_on_the_same_steps(shown: Scene, population: Population) -> None:
    ours = drive(few_of(population, shown.columns, 300), shown, 2)
    null = drive(population, shown, 2, contender=Null)
    count = {kind: len(kept) for kind, kept in ours.by_kind.items()}
    assert count == {kind: len(kept) for kind, kept in null.by_kind.items()}
    assert count.keys() == KINDS | {FIRST_PAINT}
    assert count[FIRST_PAINT] == 2
    assert (null.percentile_ms(50) or 0) < (ours.percentile_ms(50) or 0)


def test_few_clients_are_the_first_ones(shown: Scene, population: Population) -> None:
    few = few_of(population, shown.columns, 40)
    assert len(few) == 40
    assert few.keys == shown.columns
    np.testing.assert_array_equal(few.column("AMT_CREDIT").values, population.column("AMT_CREDIT").values[:40])


def test_a_column_that_is_not_there_is_named(population: Population) -> None:
    with pytest.raises(StoreError, match=r"no column AMT_CREDIT, which is measured.*--portfolio NAME"):
        scene(few_of(population, ("score", "EXT_SOURCE_2", "EXT_SOURCE_3"), 10))


def test_what_is_asked_for_is_a_portfolio(artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRETSCOPE_ARTIFACTS", str(artifacts))
    assert prepared(Request()).name == "small"
    with pytest.raises(InvalidOption, match="--portfolio NAME, not --model"):
        prepared(Request(model=tmp_path, features=tmp_path))
    with pytest.raises(UnknownPortfolio, match="smal"):
        prepared(Request(portfolio="smal"))
    monkeypatch.setenv("PRETSCOPE_ARTIFACTS", str(tmp_path))
    with pytest.raises(UnknownPortfolio, match="Prepare one"):
        prepared(Request())
