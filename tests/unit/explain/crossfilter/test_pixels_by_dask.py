"""Pictures computed by Dask's threads are those that are computed without it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from data.errors import InvalidOption
from explain.crossfilter import pixel_cluster
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.exploration import DENSITY, Exploration, Explorer, Pair, Wanted
from explain.crossfilter.filters import Categories, Range
from explain.crossfilter.population import THREADS, Population
from explain.pixels import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.crossfilter.exploration import Picture

CLIENTS = 2_000


@pytest.fixture(scope="module")
def here(populated: Callable[..., Population]) -> Population:
    rng = np.random.default_rng(8)
    across = rng.normal(0, 1, CLIENTS).astype(np.float32)
    across[::7] = np.nan
    kind = rng.integers(0, 4, CLIENTS).astype(np.float32)
    kind[::5] = np.nan
    return populated(
        {
            "across": across,
            "up": rng.gamma(2, 2, CLIENTS).astype(np.float32),
            "score": rng.random(CLIENTS).astype(np.float32),
            "kind": (kind, tuple("abcd")),
        }
    )


def with_scheduler(population: Population, scheduler: str) -> Population:
    return Population(
        population.ids, population.score, population.level, population.outcome, population.source, scheduler
    )


def same_picture(found: Picture, wanted: Picture) -> None:
    np.testing.assert_array_equal(found.grid.clients, wanted.grid.clients)
    np.testing.assert_array_equal(found.grid.known, wanted.grid.known)
    np.testing.assert_allclose(found.grid.ranks, wanted.grid.ranks, rtol=1e-12)
    assert (found.by_category is None) == (wanted.by_category is None)
    if found.by_category is not None:
        np.testing.assert_array_equal(found.by_category, wanted.by_category)
    assert (found.ghost is None) == (wanted.ghost is None)
    if found.ghost is not None and wanted.ghost is not None:
        np.testing.assert_array_equal(found.ghost.clients, wanted.ghost.clients)


@pytest.mark.parametrize("clients_a_block", [300, CLIENTS])
@pytest.mark.parametrize("colour", [DENSITY, "score", "up", "kind"])
def test_threads_of_dask_make_the_same_pictures(
    colour: str, clients_a_block: int, here: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixel_cluster.layers_by_dask, "__defaults__", (clients_a_block,))
    dask = Explorer(with_scheduler(here, THREADS), dask_from=CLIENTS)
    shown = Exploration(Pair(AxisKey("across"), AxisKey("up", "log"), colour), (AxisKey("score"), AxisKey("kind")))
    filtered = shown.filtered("score", Range("score", 0.2, 0.7)).filtered("kind", Categories("kind", ("a", "c")))
    nobody = shown.filtered("kind", Categories("kind"))
    for wanted in (Wanted(shown), Wanted(filtered), Wanted(filtered, Window(-0.3, 1.0, 0.2, 0.9)), Wanted(nobody)):
        same_picture(dask.explore(wanted).picture, Explorer(here).explore(wanted).picture)


def test_fewer_clients_are_not_dasks(here: Population, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("asked Dask")

    monkeypatch.setattr("explain.crossfilter.exploration.layers_by_dask", never)
    shown = Wanted(Exploration(Pair(AxisKey("across"), AxisKey("up"))._replace(colour=DENSITY)))
    Explorer(with_scheduler(here, THREADS)).explore(shown)
    Explorer(here, dask_from=1).explore(shown)
    with pytest.raises(AssertionError, match="asked Dask"):
        Explorer(with_scheduler(here, THREADS), dask_from=CLIENTS).explore(shown)


def test_a_scheduler_that_is_no_address_is_told(here: Population) -> None:
    with pytest.raises(InvalidOption, match="'thread' is not an address"):
        with_scheduler(here, "thread")


def test_dask_frames_are_imported_when_they_are_needed() -> None:
    code = "import sys, explain.crossfilter.exploration; sys.exit('dask.dataframe' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
