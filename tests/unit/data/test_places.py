"""Values put in their places: as numpy would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.places import prepare, put, take


@given(
    values=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20),
    seed=st.integers(0, 1000),
)
def test_take(values: list[float], seed: int) -> None:
    at = np.random.default_rng(seed).integers(-1, len(values), 30)
    out = np.empty(30, np.float32)
    take(np.array(values), at, out)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(out, np.append(values, np.nan).astype(np.float32)[at])


def test_take_from_nothing() -> None:
    out = np.empty(2, np.float32)
    take(np.empty(0), np.array([-1, -1]), out)
    assert np.isnan(out).all()


@pytest.mark.parametrize("lines", [0, 1, 5])
def test_put(lines: int) -> None:
    rng = np.random.default_rng(lines)
    values = rng.random((lines, 7), np.float32)
    out = rng.random((lines, 20), np.float32)
    at = rng.permutation(20)[:7]
    expected = out.copy()
    expected[:, at] = values
    put(values, at, out)
    np.testing.assert_array_equal(out, expected)


def test_what_is_compiled_is_told_no_wrong_types() -> None:
    prepare()
    with pytest.raises(TypeError):
        take(np.zeros(2, np.float32), np.zeros(2, np.int64), np.zeros(2, np.float32))
