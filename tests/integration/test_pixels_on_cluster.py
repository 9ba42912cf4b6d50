"""Pictures of a prepared portfolio by the workers of a Dask cluster, who read its files themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from distributed.protocol.pickle import dumps

from data.errors import ClusterError
from data.features.catalog import features
from data.paths import model_folder, shapley_folder
from data.store import Portfolio
from explain.contribution_store import ContributionStore
from explain.crossfilter import pixel_cluster
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.exploration import DENSITY, Exploration, Explorer, Pair, Wanted
from explain.crossfilter.filters import Range
from explain.crossfilter.population import population_of
from models.scorer import Scorer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.crossfilter.population import Population

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


class _Process:
    def __init__(self, folder: Path, sign: str, *command: str) -> None:
        self._log = folder / f"{command[0]}.log"
        with open(self._log, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dask", *command], cwd=ROOT, env=dict(os.environ), stdout=output, stderr=output
            )
        self.said = self._wait_for(re.compile(sign))

    def _wait_for(self, sign: re.Pattern[str]) -> str:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = sign.search(self._log.read_text(encoding="utf-8"))
            if found:
                return found[1]
            time.sleep(0.1)
        raise AssertionError(f"not started: {self._log.read_text(encoding='utf-8')}")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def scheduler(prepared: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a scheduler on loopback, with one worker."""
    listening = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    made = [_Process(tmp_path, r"Scheduler at:\s+(tcp://[\d.:]+)", "scheduler", *listening)]
    try:
        alone = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path))
        made.append(_Process(tmp_path, r"(Registered to):", "worker", made[0].said, "--host", "127.0.0.1", *alone))
        yield made[0].said
    finally:
        for process in reversed(made):
            process.stop()


def small(scheduler: str | None) -> Population:
    portfolio = Portfolio.open("small")
    scorer = Scorer.load(model_folder(portfolio.model_name))
    store = ContributionStore.open(shapley_folder("small"))
    catalog = features(portfolio.features.absent_tables)
    return population_of(portfolio, store, scorer.policy, catalog, scheduler)


@pytest.mark.usefixtures("prepared")
def test_the_workers_of_a_cluster_make_the_same_pictures(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixel_cluster.layers_by_dask, "__defaults__", (400,))
    there, here = small(scheduler), Explorer(small(None))
    explorer = Explorer(there, dask_from=1)
    assert there.cluster is not None
    try:
        for colour in (DENSITY, "score", "AMT_CREDIT", "raw.NAME_EDUCATION_TYPE"):
            shown = Exploration(
                Pair(AxisKey("DAYS_BIRTH"), AxisKey("AMT_CREDIT", "quantile"), colour), (AxisKey("score"),)
            )
            for exploration in (shown, shown.filtered("score", Range("score", 0.3, 0.6))):
                found, wanted = (each.explore(Wanted(exploration)).picture for each in (explorer, here))
                assert found.grid.clients.sum() > 0
                np.testing.assert_array_equal(found.grid.clients, wanted.grid.clients)
                np.testing.assert_array_equal(found.grid.known, wanted.grid.known)
                np.testing.assert_allclose(found.grid.ranks, wanted.grid.ranks, rtol=1e-12)
                if found.by_category is not None:
                    np.testing.assert_array_equal(found.by_category, wanted.by_category)
        there.cluster.close()  # it is connected to again
        found = Explorer(there, dask_from=1).explore(Wanted(shown)).picture
        np.testing.assert_array_equal(found.grid.clients, here.explore(Wanted(shown)).picture.grid.clients)
    finally:
        there.cluster.close()


@pytest.mark.usefixtures("prepared")
def test_of_a_portfolio_only_the_bits_of_those_kept_travel(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []
    population = small("tcp://127.0.0.1:9")
    blocks = pixel_cluster._blocks
    monkeypatch.setattr(
        "explain.crossfilter.exploration.layers_by_dask",
        lambda *asked: sent.extend(map(dumps, blocks(*asked[:3], *asked[4:], 1 << 20))) or 1 / 0,
    )
    shown = Exploration(Pair(AxisKey("DAYS_BIRTH"), AxisKey("AMT_CREDIT"), "score"), (AxisKey("score"),))
    with pytest.raises(ZeroDivisionError):
        Explorer(population, dask_from=1).explore(Wanted(shown.filtered("score", Range("score", 0.3, 0.6))))
    assert sent
    assert max(map(len, sent)) < len(population) / 8 + 2_000


@pytest.mark.usefixtures("prepared")
def test_a_cluster_that_does_not_answer_is_told() -> None:
    explorer = Explorer(small("tcp://127.0.0.1:9"), dask_from=1)
    with pytest.raises(ClusterError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        explorer.explore(Wanted(Exploration(Pair(AxisKey("DAYS_BIRTH"), AxisKey("AMT_CREDIT"), DENSITY))))
