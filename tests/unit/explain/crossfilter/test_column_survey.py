"""What values a column holds, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from explain.crossfilter import survey as module
from explain.crossfilter.survey import at_ranks, at_shares, few, least_value, order_of, ordered, survey, value_of_order

NAN, INF = np.nan, np.inf
COLUMNS = arrays.arrays(
    np.float32,
    st.integers(0, 60),
    elements=st.one_of(st.floats(width=32), st.sampled_from([0.0, -0.0, 1.0, 2.0, NAN, INF, -INF])),
)


@pytest.fixture(autouse=True)
def side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have several threads work even on a few clients."""
    monkeypatch.setattr(module, "ALONE", 10)
    monkeypatch.setattr(module, "threads", lambda: 3)


@given(COLUMNS)
def test_a_survey_counts_what_there_is(values: np.ndarray) -> None:
    found = survey(values)
    finite = values[np.isfinite(values)]
    assert (found.finite, found.infinite, found.missing) == (
        finite.size,
        np.count_nonzero(np.isinf(values)),
        np.count_nonzero(np.isnan(values)),
    )
    assert found.whole == bool((np.rint(finite) == finite).all())
    if finite.size:
        assert (found.least, found.greatest) == (finite.min(), finite.max())
    else:
        assert np.isnan(found.least)
        assert np.isnan(found.greatest)


@given(COLUMNS, st.booleans())
def test_values_at_ranks_are_those_of_a_sort(values: np.ndarray, sizes: bool) -> None:
    known = values[np.isfinite(values)]
    if sizes:
        known = np.abs(known[known != 0])
    known = np.sort(known)
    assert at_ranks(values, list(range(known.size)), sizes=sizes) == known.tolist()
    assert np.isnan(at_ranks(values, [-1, known.size], sizes=sizes)).all()


def test_values_at_shares_stand_outside_of_them() -> None:
    values = np.random.default_rng(1).permutation(1001).astype(np.float32)
    assert at_shares(values, (0.0, 0.005, 0.5, 0.995, 1.0)) == [0.0, 5.0, 500.0, 995.0, 1000.0]
    assert np.isnan(at_shares(np.full(3, NAN, np.float32), (0.1, 0.9))).all()


@given(COLUMNS, st.integers(1, 8))
def test_few_values_are_all_of_them_or_none(values: np.ndarray, most: int) -> None:
    expected = np.unique(values[np.isfinite(values)])
    found = few(values, most)
    if expected.size > most:
        assert found is None
    else:
        assert found is not None
        np.testing.assert_array_equal(found, expected)


@given(COLUMNS)
def test_sorted_values_leave_out_what_is_missing(values: np.ndarray) -> None:
    there, clients = ordered(values)
    known = np.flatnonzero(~np.isnan(values))
    np.testing.assert_array_equal(there, np.sort(values[known]))
    np.testing.assert_array_equal(clients, known[np.argsort(values[known], kind="stable")])
    assert not np.signbit(there[there == 0]).any()


@given(st.floats(width=32, allow_nan=False), st.floats(width=32, allow_nan=False))
def test_orders_sort_as_values_do(one: float, other: float) -> None:
    assert value_of_order(order_of(one)) == one
    if one != other:
        assert (order_of(one) < order_of(other)) == (one < other)


@given(st.floats(allow_nan=False))
def test_the_least_value_at_or_above_a_double(bound: float) -> None:
    least = least_value(lambda value: value >= bound)
    with np.errstate(over="ignore"):
        near = float(np.float32(bound))
        expected = near if near >= bound else float(np.nextafter(np.float32(near), np.float32(INF)))
    assert least == expected


def test_no_value_is_the_least_where_nothing_holds() -> None:
    assert np.isnan(least_value(lambda _: False))
