"""Contenders are timed in turn, each on the same work."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from bench.timing import Latency, Plan, measure


def test_every_contender_gets_the_same_work_in_the_same_order():
    seen = {"a": [], "b": [], "c": []}
    found = measure({name: kept.append for name, kept in seen.items()}, Plan(rounds=4, calls=3, warm=1))
    assert seen["a"] == seen["b"] == seen["c"] == [0, 0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11]
    assert {len(latency.samples_ns) for latency in found.values()} == {12}


def test_who_goes_first_changes_with_each_round():
    order = []
    contenders = {name: (lambda k, name=name: order.append(name)) for name in "abc"}
    measure(contenders, Plan(rounds=3, calls=1, warm=0))
    assert "".join(order) == "abcbcacab"


def test_longer_work_takes_longer_and_figures_are_in_order():
    found = measure({"short": lambda k: None, "long": lambda k: sum(range(50_000))}, Plan(rounds=5, calls=4))
    assert found["short"].p50_ns < found["long"].p50_ns
    for latency in found.values():
        assert latency.min_ns <= latency.p50_ns <= latency.p90_ns


def test_a_summary_keeps_the_shape_of_the_samples():
    summary = Latency(np.arange(101, dtype=np.int64)).summary()
    assert summary["count"] == 101
    assert summary["quantiles_ns"] == list(range(0, 101, 5))


def test_a_failing_contender_is_not_answered_and_the_collector_is_back():
    def fails(k):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        measure({"fails": fails}, Plan(rounds=1, calls=1))
    assert gc.isenabled()
