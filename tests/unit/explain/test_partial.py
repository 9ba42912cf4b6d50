from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.special import logit

from data.errors import InvalidOption
from explain.partial import MOST, grid, line, partial, thresholds
from models.calibration import Calibrator
from models.export import to_onnx
from models.policy import Policy
from models.scorer import Scorer
from models.trees import read_trees

if TYPE_CHECKING:
    import lightgbm as lgb

    from models.trees import Trees

SPLIT = 0
"""A feature that many trees split."""


@pytest.fixture(scope="module")
def trees(booster: lgb.Booster) -> Trees:
    return read_trees(booster.model_to_string())


@pytest.fixture(scope="module")
def scorer(booster: lgb.Booster, names: tuple[str, ...]) -> Scorer:
    graph = to_onnx(booster.model_to_string()).SerializeToString()
    return Scorer(graph, names, Calibrator(0.9, -0.15), Policy(0.0807), "0" * 64)


def moved(rows: np.ndarray, at: int, value: float) -> np.ndarray:
    copy = rows.copy()
    copy[:, at] = value
    return copy


def test_thresholds_are_those_of_every_tree(trees: Trees):
    found = thresholds(trees, SPLIT)
    assert np.all(np.diff(found) > 0)
    by_hand = {
        float(tree.threshold[node])
        for tree in trees.trees
        for node in range(tree.feature.size)
        if tree.feature[node] == SPLIT
    }
    assert set(found.tolist()) == by_hand


def test_a_score_is_constant_within_a_step(trees: Trees, scorer: Scorer, rows: np.ndarray):
    splits = thresholds(trees, SPLIT)
    steps = grid("x", SPLIT, splits, rows[:, SPLIT].astype(np.float32), most=10_000)
    assert steps.whole
    assert steps.steps == splits.size + 1
    rng = np.random.default_rng(4)
    found = partial(scorer, rows[:60], steps)
    for number in rng.choice(steps.value.size, 25, replace=False):
        low, high = max(steps.start[number], -50.0), min(steps.end[number], 50.0)
        for value in (np.nextafter(low, np.inf), rng.uniform(low, high), high):
            scores = scorer.score(moved(rows[:60], SPLIT, value)).score
            assert scores.mean() == pytest.approx(found.mean_score[number], abs=1e-12)


def test_the_mean_is_that_of_the_moved_population(trees: Trees, scorer: Scorer, rows: np.ndarray):
    steps = grid("x", SPLIT, thresholds(trees, SPLIT), rows[:, SPLIT].astype(np.float32))
    found = partial(scorer, rows, steps, lines=20)
    scores = scorer.score(moved(rows, SPLIT, float(steps.value[3]))).score
    assert found.mean_score[3] == pytest.approx(scores.mean(), abs=1e-12)
    assert found.mean_logit[3] == pytest.approx(logit(scores).mean(), abs=1e-12)
    assert found.missing_score == scorer.score(moved(rows, SPLIT, np.nan)).score.mean()
    assert found.lines.shape == (20, steps.value.size)
    assert found.clients == len(rows)
    assert not found.mean_score.flags.writeable


def test_many_steps_are_thinned_to_those_the_clients_are_in(trees: Trees, rows: np.ndarray):
    splits = np.arange(1000, dtype=np.float64)
    values = np.random.default_rng(2).uniform(400, 600, 5000).astype(np.float32)
    steps = grid("x", SPLIT, splits, values)
    assert steps.value.size == MOST
    assert not steps.whole
    assert steps.steps == 1001
    assert steps.start.min() >= 399
    assert steps.end.max() <= 601
    for quantile in np.quantile(values, (np.arange(MOST) + 0.5) / MOST):
        assert np.any((steps.start < quantile) & (quantile <= steps.end))
    nobody = grid("x", SPLIT, splits, np.full(5, np.nan, np.float32))
    assert 1 <= nobody.value.size <= MOST
    assert nobody.usual == (0.0, 1.0)


def test_a_clients_own_line_goes_through_its_score(trees: Trees, scorer: Scorer, rows: np.ndarray):
    steps = grid("x", SPLIT, thresholds(trees, SPLIT), rows[:, SPLIT].astype(np.float32), most=10_000)
    checked = 0
    for row in rows[:30]:
        if np.isnan(row[SPLIT]):
            continue
        at = np.flatnonzero((steps.start < row[SPLIT]) & (row[SPLIT] <= steps.end))
        assert line(scorer, row, steps)[at] == [scorer.score_one(row).score]
        checked += 1
    assert checked > 20


def test_a_feature_that_no_tree_reads_is_one_flat_step(scorer: Scorer, rows: np.ndarray):
    steps = grid("x", SPLIT, np.zeros(0), rows[:, SPLIT].astype(np.float32))
    assert (steps.steps, steps.value.tolist()) == (1, [0.0])
    frame = partial(scorer, rows[:5], steps).frame()
    assert frame.row(0, named=True)["start"] == -np.inf
    assert frame.height == 1


def test_thresholds_at_zero_part_it_from_what_is_above(scorer: Scorer, rows: np.ndarray):
    steps = grid("x", SPLIT, np.array([0.0]), rows[:, SPLIT].astype(np.float32))
    assert steps.value[0] == 0.0
    assert steps.value[1] > 1e-30


def test_what_makes_no_sense_is_refused(scorer: Scorer, rows: np.ndarray):
    with pytest.raises(InvalidOption, match="at least 1 step, not 0"):
        grid("x", 0, np.zeros(1), np.zeros(3, np.float32), most=0)
    steps = grid("x", 0, np.zeros(0), np.zeros(3, np.float32))
    with pytest.raises(InvalidOption, match="population is empty"):
        partial(scorer, rows[:0], steps)
