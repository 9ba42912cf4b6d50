"""What is kept of some clients' contributions, against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from explain.contribution_sums import Kept


def kept_of(contributions, used, group_of, strongest, blocks):
    kept = Kept.empty(contributions.shape[1], len(used), int(group_of.max(initial=-1)) + 1, strongest)
    start = 0
    for block in blocks:
        some = np.ascontiguousarray(contributions[:, start : start + block])
        kept.fill(start, some, used, group_of)
        start += block
    return kept


@pytest.mark.parametrize("strongest", [1, 3, 8])
@pytest.mark.parametrize("blocks", [(100,), (1, 64, 35)])
def test_it_equals_a_sort_and_sums(strongest, blocks):
    rng = np.random.default_rng(strongest)
    contributions = np.round(rng.standard_normal((12, 100)), 1)  # so that many are equal
    used = np.array([0, 2, 3, 5, 6, 8, 10, 11])
    group_of = np.array([0, 1, 0, 2, 2, 1, 3, 0])
    own = np.ascontiguousarray(contributions[used])
    kept = kept_of(own, used, group_of, strongest, blocks)
    np.testing.assert_array_equal(kept.values, own.astype(np.float32))
    sums = np.stack([own[group_of == group].sum(axis=0) for group in range(4)], axis=1)
    np.testing.assert_allclose(kept.by_group, sums, atol=1e-6)
    np.testing.assert_allclose(kept.totals, own.sum(axis=0), atol=1e-12)
    order = np.argsort(-np.abs(own), axis=0, kind="stable")[:strongest]
    np.testing.assert_array_equal(kept.strongest, used[order].T)
    np.testing.assert_array_equal(kept.strongest_values, np.take_along_axis(own, order, axis=0).T.astype(np.float32))


def test_clients_that_nothing_moves_have_the_first_features():
    kept = kept_of(np.zeros((5, 3)), np.arange(5), np.zeros(5, np.int64), 4, (3,))
    assert kept.strongest.tolist() == [[0, 1, 2, 3]] * 3


def test_sums_are_made_in_double_precision():
    contributions = np.array([[1.0], [1e-9], [-1.0]])
    kept = kept_of(contributions, np.arange(3), np.zeros(3, np.int64), 2, (1,))
    assert kept.by_group[0, 0] == pytest.approx(1e-9, rel=1e-6)


def test_no_feature_at_all():
    kept = kept_of(np.ones((0, 3)), np.empty(0, np.int64), np.empty(0, np.int64), 0, (3,))
    assert kept.totals.tolist() == [0.0, 0.0, 0.0]
    assert kept.values.shape == (0, 3)
