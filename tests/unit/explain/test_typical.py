from __future__ import annotations

import numpy as np
import pytest

from data.errors import InvalidOption
from explain.standing import stand
from explain.typical import typical_values


def test_the_medians_are_those_of_the_standings() -> None:
    rng = np.random.default_rng(4)
    columns = rng.normal(size=(6, 501)).astype(np.float32)
    columns[rng.random(columns.shape) < 0.3] = np.nan
    columns[1, ::3] = np.inf
    columns[2, :] = np.nan
    columns[3] = rng.integers(0, 2, 501)
    columns[4, 0] = -np.inf
    kept = rng.random(501) < 0.6
    found = typical_values(columns, kept)
    for line, median in zip(columns, found, strict=True):
        wanted = stand("X", line, kept, 0).accepted.median
        assert (median == wanted) if wanted is not None else np.isnan(median)
    assert not found.flags.writeable


def test_the_lower_is_taken_where_the_middle_two_have_no_mean() -> None:
    columns = np.array([[-np.inf, np.inf], [1.0, 2.0], [np.inf, np.inf]], dtype=np.float32)
    assert typical_values(columns, np.ones(2, dtype=np.bool_)).tolist() == [-np.inf, 1.5, np.inf]


def test_nobody_kept_has_no_median() -> None:
    assert np.isnan(typical_values(np.ones((2, 3), dtype=np.float32), np.zeros(3, dtype=np.bool_))).all()


def test_decisions_of_other_clients_are_refused() -> None:
    with pytest.raises(InvalidOption, match="not the same clients"):
        typical_values(np.ones((2, 3), dtype=np.float32), np.ones(4, dtype=np.bool_))
