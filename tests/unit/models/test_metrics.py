"""Quality figures against scikit-learn, SciPy and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import brier_score_loss, roc_auc_score

from data.errors import ModelError
from models import metrics


def sample(seed: int, count: int = 800, *, ties: bool = False):
    rng = np.random.default_rng(seed)
    defaulted = rng.random(count) < 0.2
    risk = rng.normal(size=count) + 0.8 * defaulted
    return defaulted, np.round(risk, 1) if ties else risk


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_auc_ks_and_brier_are_those_of_other_libraries(seed, ties):
    defaulted, risk = sample(seed, ties=ties)
    assert metrics.auc(defaulted, risk).value == pytest.approx(roc_auc_score(defaulted, risk), abs=1e-12)
    assert metrics.ks(defaulted, risk) == pytest.approx(
        ks_2samp(risk[defaulted], risk[~defaulted]).statistic, abs=1e-12
    )
    pd = 1 / (1 + np.exp(-risk))
    assert metrics.brier(defaulted, pd) == pytest.approx(brier_score_loss(defaulted, pd), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_delongs_interval_is_that_of_its_definition(ties):
    defaulted, risk = sample(9, 300, ties=ties)
    bad, good = risk[defaulted], risk[~defaulted]
    wins = (bad[:, None] > good) + 0.5 * (bad[:, None] == good)
    variance = wins.mean(1).var(ddof=1) / len(bad) + wins.mean(0).var(ddof=1) / len(good)
    found = metrics.auc(defaulted, risk)
    assert found.high - found.value == pytest.approx(1.959963984540054 * np.sqrt(variance), rel=1e-9)
    assert found.value - found.low == pytest.approx(found.high - found.value, rel=1e-9)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    truth = 0.7142  # of two unit normals 0.8 apart: Phi(0.8 / sqrt(2))
    inside = [found.low <= truth <= found.high for seed in range(300) if (found := metrics.auc(*sample(seed, 400)))]
    assert 0.90 <= np.mean(inside) <= 0.99


def test_a_perfect_ranking_stays_within_bounds():
    defaulted = np.array([False] * 5 + [True] * 5)
    found = metrics.auc(defaulted, np.arange(10.0))
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert metrics.ks(defaulted, np.arange(10.0)) == 1.0


def test_reliability_has_every_client_once_by_rising_pd():
    rng = np.random.default_rng(0)
    pd = rng.random(1003)
    defaulted = rng.random(1003) < pd
    table = metrics.reliability(defaulted, pd)
    assert len(table) == 10
    assert sum(row.clients for row in table) == 1003
    assert all(low.pd_high <= high.pd_low for low, high in itertools.pairwise(table))
    assert sum(row.clients * row.default_rate for row in table) == pytest.approx(defaulted.sum())
    assert all(row.pd_low <= row.mean_pd <= row.pd_high for row in table)


def test_cheapest_pd_is_that_of_brute_force():
    rng = np.random.default_rng(3)
    pd = np.round(rng.random(300) ** 3, 2)
    defaulted = rng.random(300) < pd
    costs = {edge: 10 * (defaulted & (pd <= edge)).sum() + (~defaulted & (pd > edge)).sum() for edge in np.unique(pd)}
    assert costs[metrics.cheapest_pd(defaulted, pd)] == min(costs.values())


@pytest.mark.parametrize("measure", [metrics.auc, metrics.ks, metrics.brier, metrics.reliability, metrics.cheapest_pd])
def test_one_class_or_other_lengths_are_refused(measure):
    with pytest.raises(ModelError, match="both classes"):
        measure(np.ones(4, dtype=bool), np.linspace(0, 1, 4))
    with pytest.raises(ModelError, match="As many"):
        measure(np.array([True, False]), np.linspace(0, 1, 4))
