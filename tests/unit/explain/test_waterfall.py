"""Bars join from the base to the score, whatever is left out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from data.errors import InvalidOption
from data.features.feature import Feature
from explain.grouping import group_contributions, grouping
from explain.waterfall import OTHERS, waterfall


@pytest.fixture
def grouped():
    catalog = [Feature(name, "application", "application", name.upper(), "value") for name in "abcd"]
    values = np.array([0.25, -1.0, 0.5, 0.125])
    return group_contributions(grouping("abcd", catalog), values, np.array([1.0, np.nan, 3.0, 4.0]), -0.5, -0.625)


def test_the_strongest_are_shown_and_the_others_are_one_bar(grouped):
    bars = waterfall(grouped, count=2)
    assert bars.groups == ("application.B", "application.C", OTHERS)
    np.testing.assert_array_equal(bars.contributions, [-1.0, 0.5, 0.375])
    np.testing.assert_array_equal(bars.starts, [-0.5, -1.5, -1.0])
    np.testing.assert_array_equal(bars.ends, [-1.5, -1.0, -0.625])
    np.testing.assert_allclose(bars.end_scores, expit([-1.5, -1.0, -0.625]), rtol=1e-15)
    np.testing.assert_array_equal(bars.members, [1, 1, 2])
    assert bars.frame().rows()[0][6:] == (1, "b", None)
    assert bars.frame().rows()[2][6:] == (2, None, None)


@pytest.mark.parametrize("count", [4, 5, 100])
def test_nothing_is_left_over_when_all_are_shown(grouped, count):
    bars = waterfall(grouped, count=count)
    assert bars.groups == grouped.groups
    assert bars.ends[-1] == -0.625


def test_bars_join_from_base_to_score_on_real_contributions(explainer, rows, catalog):
    for row in rows[:50]:
        grouped = explainer.explain(row).grouped(catalog)
        for count in (1, 3, 6):
            bars = waterfall(grouped, count=count)
            assert bars.starts[0] == grouped.base
            assert bars.ends[-1] == grouped.logit_score
            np.testing.assert_array_equal(bars.starts[1:], bars.ends[:-1])
            np.testing.assert_allclose(bars.ends - bars.starts, bars.contributions, rtol=0, atol=1e-9)
            assert bars.members.sum() == len(grouped.groups)


def test_no_bar_is_refused(grouped):
    with pytest.raises(InvalidOption, match="at least 1 group, not 0"):
        waterfall(grouped, count=0)
