from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from data.errors import InvalidOption
from explain.swarm import PARTS, WIDEST, offsets, parts, ranks, spread, swarm

NAN, INF = np.nan, np.inf


def single(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def test_ranks_of_equals_are_equal_and_go_from_0_to_1():
    found = ranks(single(5, 1, NAN, 5, 9))
    np.testing.assert_allclose(found, [(2 - 0.5) / 3, 0, NAN, (2 - 0.5) / 3, 1], rtol=1e-6)
    assert found.dtype == np.float32
    assert not found.flags.writeable


def test_ranks_agree_with_scipys_whatever_the_values():
    rng = np.random.default_rng(1)
    values = np.round(rng.normal(size=3000), 1).astype(np.float32)
    values[rng.random(3000) < 0.2] = NAN
    values[:2] = INF, -INF
    known = ~np.isnan(values)
    expected = rankdata(values[known])
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    np.testing.assert_allclose(ranks(values)[known], expected, atol=1e-6)
    assert np.isnan(ranks(values)[~known]).all()


def test_ranks_where_nothing_differs_and_where_there_is_nothing():
    np.testing.assert_array_equal(ranks(single(3, 3, NAN)), single(0.5, 0.5, NAN))
    assert np.isnan(ranks(single(NAN, NAN))).all()
    assert ranks(single()).size == 0


def test_the_same_clients_are_always_spread_the_same_and_evenly():
    first = spread(10_000)
    np.testing.assert_array_equal(first, spread(10_000))
    counts, _ = np.histogram(first[137:387], 10, (-1, 1))
    assert counts.min() >= 23  # of 25, wherever one looks
    assert -1 <= first.min() < first.max() < 1


def test_a_band_is_thick_where_many_clients_are():
    many, few = np.full(9000, 0.1, np.float32), np.full(90, 0.5, np.float32)
    rng = np.random.default_rng(2)
    contribution = np.concatenate([many, few]) + rng.normal(0, 1e-3, 9090).astype(np.float32)
    found = np.abs(offsets(contribution))
    assert WIDEST * 0.95 < found[:9000].max() <= WIDEST
    assert found[9000:].max() < 0.2 * WIDEST
    assert offsets(np.zeros(5, np.float32)).shape == (5,)
    assert offsets(single()).size == 0


def test_a_swarm_leaves_nobody_out_but_says_what_is_usual():
    contribution = np.linspace(-1, 1, 10_001).astype(np.float32)
    contribution[0] = -50
    found = swarm("x", contribution, ranks(contribution))
    assert found.contribution.min() == -50
    assert found.offset.shape == found.rank.shape == (10_001,)
    np.testing.assert_allclose(found.usual, (-0.999, 0.999), atol=1e-3)
    assert swarm("x", single(), single()).usual == (0.0, 0.0)


def test_parts_are_thirds_of_the_ranks_and_those_without_a_value():
    values = single(*range(9), NAN, NAN)
    contribution = single(*range(0, 90, 10), -5, -15)
    found = parts("x", values, contribution, ranks(values)).frame()
    assert found["part"].to_list() == list(PARTS)
    assert found["clients"].to_list() == [3, 3, 3, 2]
    assert found["least"].to_list()[:3] == [0, 3, 6]
    assert found["greatest"].to_list()[:3] == [2, 5, 8]
    assert found["median"].to_list() == [10, 40, 70, -10]


def test_a_part_without_clients_says_nothing():
    values = single(0, 1, 1)
    found = parts("x", values, single(1, 2, 3), ranks(values))
    assert found.clients.tolist() == [1, 0, 2, 0]
    assert np.isnan(found.quantiles[[1, 3]]).all()
    assert np.isnan(found.least[[1, 3]]).all()


def test_other_clients_are_refused():
    with pytest.raises(InvalidOption, match=r"feature x has shapes \(2,\) and \(3,\)"):
        swarm("x", single(1, 2), single(0, 1, 1))
    with pytest.raises(InvalidOption, match=r"\(1,\) and \(2,\) and \(2,\)"):
        parts("x", single(1), single(1, 2), single(0, 1))
