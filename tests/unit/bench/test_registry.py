"""Benchmarks are found by name, and every one that is listed can be loaded."""

from __future__ import annotations

import pytest

from bench.registry import BENCHMARKS, find, load
from data.errors import InvalidOption


@pytest.mark.parametrize(("group", "name"), [(group, name) for group, known in BENCHMARKS.items() for name in known])
def test_every_listed_benchmark_can_be_loaded(group, name):
    assert callable(load(find(group, name)))


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(InvalidOption, match=r"'latencies'\. Did you mean latency"):
        find("scoring", "latencies")
