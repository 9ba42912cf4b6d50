"""Pairs worth opening: those that together explain more than either alone come first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from explain.crossfilter.columns import Column
from explain.crossfilter.population import Population
from explain.crossfilter.telling import MOST_FEATURES, telling_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

N = 3000


class Columns:
    """Measures kept in memory."""

    def __init__(self, values: dict[str, NDArray[np.float64]]) -> None:
        self._values = values
        self.asked: list[str] = []

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._values)

    def column(self, key: str) -> Column:
        self.asked.append(key)
        return Column(key, self._values[key].astype(np.float32), None)


def clients(values: dict[str, NDArray[np.float64]], score: NDArray[np.float64]) -> Population:
    nothing = np.zeros(score.size, dtype=np.uint8)
    return Population(np.arange(score.size), score, nothing, nothing, Columns(values))


def test_what_is_only_seen_in_both_comes_first() -> None:
    rng = np.random.default_rng(0)
    values = {name: rng.random(N) for name in ("alone", "noise", "first", "second")}
    together = (values["first"] > 0.5) ^ (values["second"] > 0.5)
    score = 0.2 + 0.3 * together + 0.3 * values["alone"]
    pairs = telling_pairs(clients(values, score), list(values))
    assert len(pairs) == 6
    assert (pairs[0].across, pairs[0].up) == ("first", "second")
    best = pairs[0].explained
    assert best.both == pytest.approx(np.var(0.3 * together) / np.var(score), abs=0.05)
    assert max(best.across, best.up) < 0.05
    assert [pair.added for pair in pairs] == sorted((pair.added for pair in pairs), reverse=True)
    assert all(pair.added == pair.explained.both - max(pair.explained.across, pair.explained.up) for pair in pairs)


def test_only_the_heaviest_are_paired_and_each_once() -> None:
    rng = np.random.default_rng(1)
    names = [f"f{number:02}" for number in range(20)]
    everyone = clients({name: rng.random(N) for name in names}, rng.random(N))
    pairs = telling_pairs(everyone, [names[0], *names])
    assert len(pairs) == MOST_FEATURES * (MOST_FEATURES - 1) // 2
    assert {pair.across for pair in pairs} | {pair.up for pair in pairs} == set(names[:MOST_FEATURES])
    assert all(pair.across < pair.up for pair in pairs)  # the heavier one across
    assert sorted(everyone.source.asked) == names[:MOST_FEATURES]  # type: ignore[attr-defined]


def test_nothing_is_told_of_a_constant_score_or_of_nobody_or_of_one_feature() -> None:
    rng = np.random.default_rng(2)
    values = {"a": rng.random(N), "b": rng.random(N)}
    assert telling_pairs(clients(values, np.full(N, 0.5)), ["a", "b"]) == ()
    assert telling_pairs(clients({"a": np.zeros(0), "b": np.zeros(0)}, np.zeros(0)), ["a", "b"]) == ()
    assert telling_pairs(clients(values, rng.random(N)), ["a"]) == ()


def test_constant_missing_and_infinite_columns_are_paired_like_others() -> None:
    rng = np.random.default_rng(3)
    score = rng.random(N)
    infinite = np.where(score > 0.5, np.inf, score)
    values = {"constant": np.full(N, 2.0), "missing": np.full(N, np.nan), "infinite": infinite}
    pairs = telling_pairs(clients(values, score), list(values))
    assert len(pairs) == 3
    assert pairs[0].added == pytest.approx(0.0, abs=1e-12)
    assert max(pair.explained.both for pair in pairs) > 0.7
