"""What is told of stretches of a column: as pandas tells it of groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from data.features.stretches import count_codes, count_distinct, describe, prepare

NUMBERS = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1.1, 1e9, -1e9, 1e-9, 0.1, float("inf"), float("-inf"), float("nan")])
STRETCHES = st.lists(st.lists(NUMBERS, min_size=1, max_size=12), min_size=1, max_size=8)


def joined(stretches: list[list[float]]) -> tuple[np.ndarray, np.ndarray]:
    sizes = [len(stretch) for stretch in stretches]
    return np.concatenate(stretches), np.cumsum([0, *sizes[:-1]])


@given(stretches=STRETCHES, seed=st.integers(0, 99))
def test_numbers(stretches: list[list[float]], seed: int) -> None:
    values, starts = joined(stretches)
    kept = np.random.default_rng(seed).random(len(values)) < 0.6
    for some in (None, kept):
        found = describe(values, starts, some, variance=True)
        frame = pd.DataFrame(
            {
                "group": np.repeat(np.arange(len(stretches)), [len(stretch) for stretch in stretches]),
                "value": values if some is None else np.where(some, values, np.nan),
            }
        )
        with np.errstate(all="ignore"):
            expected = frame.groupby("group")["value"].agg(["count", "sum", "min", "max", "var"])
        np.testing.assert_array_equal(found.count, expected["count"])
        np.testing.assert_array_equal(found.sum, expected["sum"])
        np.testing.assert_array_equal(found.least, expected["min"])
        np.testing.assert_array_equal(found.greatest, expected["max"])
        np.testing.assert_array_equal(found.variance, expected["var"])


@given(stretches=STRETCHES)
def test_distinct_numbers(stretches: list[list[float]]) -> None:
    expected = [pd.Series(stretch).nunique() for stretch in stretches]
    assert count_distinct(*joined(stretches)).tolist() == expected


def test_no_variance_unless_asked_for() -> None:
    assert np.isnan(describe(np.array([1.0, 2.0]), np.array([0])).variance).all()


def test_sums_that_cancel_out_are_exact() -> None:
    values = np.array([0.1] * 10 + [-1.0])
    assert np.cumsum(values)[-1] != 0.0
    assert describe(values, np.array([0])).sum.tolist() == [0.0]


def test_values_that_differ_in_the_last_digit_have_pandas_variance() -> None:
    values = np.array([1.235, np.nextafter(1.235, 0.0)])
    found = describe(values, np.array([0]), variance=True).variance
    assert found.tolist() == [pd.Series(values).groupby([0, 0]).var()[0]]


def test_codes() -> None:
    codes = np.array([0, 2, 2, 1, 0, 0], np.uint16)
    assert count_codes(codes, np.array([0, 3]), 4).tolist() == [[1, 0, 2, 0], [2, 1, 0, 0]]


def test_read_only_columns_do() -> None:
    prepare()
    values = np.array([3.0, 1.0])
    values.flags.writeable = False
    assert describe(values, np.array([0])).least.tolist() == [1.0]
