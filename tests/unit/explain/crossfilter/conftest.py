"""A population of a few columns made up for a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from data.errors import UnknownColumn
from explain.crossfilter.population import DEFAULT, LABELLED, REFUSED, Column, Population

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray


class _Given:
    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = columns
        self.keys = tuple(columns)

    def column(self, key: str) -> Column:
        if key not in self._columns:
            raise UnknownColumn(f"No column {key!r}.")
        return self._columns[key]


@pytest.fixture(scope="session")
def populated() -> Callable[..., Population]:
    """Makes a population of columns: name to values, or to values and categories; scores and outcomes are drawn."""

    def make(columns: Mapping[str, NDArray[np.float32] | tuple[NDArray[np.float32], tuple[str, ...]]]) -> Population:
        given = {}
        for key, content in columns.items():
            values, categories = content if isinstance(content, tuple) else (content, None)
            own = np.ascontiguousarray(values, dtype=np.float32).copy()
            own.setflags(write=False)
            given[key] = Column(key, own, categories)
        clients = len(next(iter(given.values())).values)
        rng = np.random.default_rng(5)
        score = rng.random(clients)
        labelled, default = rng.random(clients) < 0.8, rng.random(clients) < 0.2
        outcome = (REFUSED * (score < 0.5) + LABELLED * labelled + DEFAULT * (labelled & default)).astype(np.uint8)
        level = np.minimum(score * 7, 6).astype(np.uint8)
        return Population(np.arange(clients, dtype=np.int64) + 100_001, score, level, outcome, _Given(given))

    return make
