"""Standings on hand-computed columns: ties, missing and infinite values, constants, nobody."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import InvalidOption
from explain.standing import stand

NAN, INF = np.nan, np.inf


def column(*values):
    return np.array(values, dtype=np.float32)


def test_shares_are_of_those_who_have_a_value():
    values = column(1, 2, 2, 2, 3, NAN, NAN, 5)
    accepted = np.array([True, True, False, False, True, True, False, True])
    found = stand("x", values, accepted, 1)
    assert found.value == 2.0
    assert (found.everyone.below, found.everyone.same, found.everyone.above) == (1 / 6, 3 / 6, 2 / 6)
    assert found.everyone.rank == pytest.approx(1 / 6 + 1.5 / 6)
    assert (found.everyone.clients, found.everyone.missing, found.everyone.median) == (8, 2 / 8, 2.0)
    assert (found.accepted.below, found.accepted.same, found.accepted.above) == (1 / 4, 1 / 4, 2 / 4)
    assert (found.accepted.clients, found.accepted.missing, found.accepted.median) == (5, 1 / 5, 2.5)


def test_infinities_are_values_but_in_no_bin():
    values = column(-INF, 0, 1, 2, INF, INF)
    found = stand("x", values, np.ones(6, dtype=bool), 4)
    assert found.value == INF
    assert (found.everyone.below, found.everyone.same, found.everyone.above) == (4 / 6, 2 / 6, 0.0)
    assert found.everyone.median == 1.5
    assert found.histogram.client_bin is None
    assert found.histogram.everyone.sum() == 3


def test_a_median_between_infinities_is_one_of_them():
    found = stand("x", column(-INF, INF), np.ones(2, dtype=bool), 0)
    assert found.everyone.median == -INF


def test_a_client_without_a_value_has_no_place():
    found = stand("x", column(NAN, 1, 2), np.array([True, True, True]), 0)
    assert found.value is None
    assert (found.everyone.below, found.everyone.same, found.everyone.above, found.everyone.rank) == (None,) * 4
    assert found.everyone.median == 1.5
    assert found.histogram.client_bin is None


def test_a_column_that_nobody_has():
    found = stand("x", column(NAN, NAN), np.array([True, False]), 0)
    assert (found.everyone.median, found.everyone.missing, found.accepted.missing) == (None, 1.0, 1.0)
    assert found.histogram.everyone.size == found.histogram.accepted.size == 0
    assert found.histogram.frame().height == 0


def test_nobody_accepted():
    found = stand("x", column(1, 2), np.zeros(2, dtype=bool), 0)
    assert found.accepted.clients == 0
    assert (found.accepted.below, found.accepted.median, found.accepted.missing) == (None, None, None)
    np.testing.assert_array_equal(found.histogram.accepted, np.zeros_like(found.histogram.everyone))


@pytest.mark.parametrize("value", [0.0, 365243.0, -1e-9, 1e30])
def test_a_constant_column_is_one_bin_around_it(value):
    found = stand("x", np.full(5, value, dtype=np.float32), np.ones(5, dtype=bool), 2)
    start, end = found.histogram.edges
    assert start < np.float32(value) < end
    np.testing.assert_array_equal(found.histogram.everyone, [5])
    assert found.histogram.client_bin == 0


def test_whole_numbers_have_bins_of_a_whole_width():
    values = np.repeat(np.arange(100, dtype=np.float32), 3)
    found = stand("x", values, values < 50, 150, bins=40)
    assert np.all(np.diff(found.histogram.edges) == 3.0)
    assert found.histogram.everyone[:-1].tolist() == [9] * (found.histogram.everyone.size - 1)
    few = stand("x", column(0, 1, 1, 2), np.ones(4, dtype=bool), 3)
    np.testing.assert_array_equal(few.histogram.edges, [-0.5, 0.5, 1.5, 2.5])
    np.testing.assert_array_equal(few.histogram.everyone, [1, 2, 1])
    assert few.histogram.client_bin == 2


def test_extremes_are_counted_at_the_ends():
    rng = np.random.default_rng(3)
    values = rng.normal(size=4001).astype(np.float32)
    values[0], values[1] = 1e6, -1e6
    found = stand("x", values, values > 0, 0)
    edges = found.histogram.edges
    assert -4 < edges[0] < edges[-1] < 4
    assert found.histogram.everyone.sum() == 4001
    assert found.histogram.accepted.sum() == np.count_nonzero(values > 0)
    assert found.histogram.client_bin == found.histogram.everyone.size - 1
    assert stand("x", values, values > 0, 1).histogram.client_bin == 0


def test_bins_agree_with_numpys_histogram_and_with_the_clients_bin():
    rng = np.random.default_rng(4)
    values = rng.random(5000).astype(np.float32)
    found = stand("x", values, values > 0.3, 17)
    inside = (values >= found.histogram.edges[0]) & (values < found.histogram.edges[-1])
    expected, _ = np.histogram(values[inside].astype(np.float64), found.histogram.edges)
    np.testing.assert_array_equal(found.histogram.everyone[1:-1], expected[1:-1])
    for place in range(200):
        one = stand("x", values, values > 0.3, place).histogram
        if inside[place]:
            assert one.edges[one.client_bin] <= values[place] < one.edges[one.client_bin + 1]


def test_a_rare_value_is_seen_where_nearly_everyone_has_another():
    values = np.zeros(10_000, dtype=np.float32)
    values[5] = 1.0
    found = stand("x", values, np.ones(10_000, dtype=bool), 5)
    np.testing.assert_array_equal(found.histogram.everyone, [9999, 1])
    assert found.histogram.client_bin == 1


def test_a_tried_value_takes_the_place_of_the_columns():
    values = column(0.1, 0.2, 0.3, 0.4)
    found = stand("x", values, np.ones(4, dtype=bool), 0, value=0.3)
    assert found.everyone.same == 0.25  # 0.3 is rounded to float32, as the column is
    assert stand("x", values, np.ones(4, dtype=bool), 0, value=NAN).value is None


def test_frames():
    found = stand("x", column(1, 2, NAN), np.array([True, True, False]), 0)
    frame = found.frame()
    assert frame["population"].to_list() == ["everyone", "accepted"]
    assert frame["missing"].to_list() == [1 / 3, 0.0]
    bins = found.histogram.frame()
    assert bins.columns == ["start", "end", "everyone", "accepted", "is_client"]
    assert bins["is_client"].to_list() == [True, False]


def test_what_is_not_of_the_same_clients_is_refused():
    with pytest.raises(InvalidOption, match=r"\(3,\).*\(2,\)"):
        stand("x", column(1, 2, 3), np.ones(2, dtype=bool), 0)
    with pytest.raises(InvalidOption, match="at least 1 bin, not 0"):
        stand("x", column(1, 2), np.ones(2, dtype=bool), 0, bins=0)
