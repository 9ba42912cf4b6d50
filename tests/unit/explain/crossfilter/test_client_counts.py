"""Rates of counted clients, and the interval of a default rate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from explain.crossfilter.counts import Counts, wilson


def counts(*columns: tuple[int, int, int, int, float]) -> Counts:
    clients, refused, labelled, defaults, score = zip(*columns, strict=True)
    return Counts(*(np.array(part, dtype=np.int64) for part in (clients, refused, labelled, defaults)), np.array(score))


def test_rates_are_shares_of_those_they_are_about() -> None:
    found = counts((10, 4, 5, 1, 6.0), (3, 0, 0, 0, 1.5), (0, 0, 0, 0, 0.0))
    np.testing.assert_array_equal(found.accepted, [6, 3, 0])
    np.testing.assert_array_equal(found.default_rate, [0.2, np.nan, np.nan])
    np.testing.assert_array_equal(found.mean_score, [0.6, 0.5, np.nan])
    np.testing.assert_array_equal(found.share_refused, [0.4, 0.0, np.nan])


def test_the_total_is_of_all_bins() -> None:
    total = counts((10, 4, 5, 1, 6.0), (30, 3, 20, 4, 10.0)).total
    assert total.clients.shape == ()
    assert (int(total.clients), int(total.refused), int(total.labelled), int(total.defaults)) == (40, 7, 25, 5)
    assert float(total.mean_score) == 0.4
    assert float(total.default_rate) == 0.2
    low, high = total.default_interval()
    assert 0.08 < float(low) < 0.2 < float(high) < 0.4


@pytest.mark.parametrize(("events", "trials"), [(0, 10), (10, 10), (3, 17), (800, 10_000), (1, 1)])
def test_the_interval_is_wilsons(events: int, trials: int) -> None:
    low, high = wilson(np.array([events]), np.array([trials]))
    expected = binomtest(events, trials).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose([low[0], high[0]], [expected.low, expected.high], atol=1e-12)


def test_there_is_no_interval_of_nobody() -> None:
    low, high = wilson(np.array([0, 1]), np.array([0, 4]))
    assert np.isnan([low[0], high[0]]).all()
    assert low[1] < 0.25 < high[1]
