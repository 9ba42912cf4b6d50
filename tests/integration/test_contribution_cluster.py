"""The workers of a Dask cluster on loopback write the very contributions that one process writes."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from data.errors import ModelError
from data.features.catalog import features as catalog_of
from data.files import describe_files, write_json
from data.paths import model_folder, shapley_folder
from data.portfolio import Portfolio
from explain import contribution_parts
from explain.contribution_parts import write_contributions
from explain.contribution_store import ContributionStore
from models.folder import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
CLIENTS = 100


class Cluster:
    """A scheduler on a free port of loopback, and two workers of one thread in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        common = ("--host", "127.0.0.1", "--no-dashboard")
        self.address = self._start(r"Scheduler at:\s+(tcp://[\d.:]+)", "scheduler", "--port", "0", *common)
        for _ in range(2):
            alone = ("--nthreads", "1", "--no-nanny", "--local-directory", str(folder))
            self._start(r"(Registered to):", "worker", self.address, *alone, *common)

    @property
    def workers(self) -> list[subprocess.Popen[bytes]]:
        return self.processes[1:]

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def _start(self, sign: str, *command: str) -> str:
        log = self.folder / f"{len(self.processes)}.log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *command], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
            )
        self.processes.append(process)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = re.search(sign, log.read_text(encoding="utf-8"))
            if found:
                return found[1]
            time.sleep(0.1)
        raise AssertionError(f"not started: {log.read_text(encoding='utf-8')}")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    made = Cluster(folder)
    yield made
    made.stop()


@pytest.fixture
def small(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Portfolio:
    """A portfolio of 1,500 clients, whose contributions take 15 ranges."""
    monkeypatch.setattr(contribution_parts, "CLIENTS", CLIENTS)
    return Portfolio.open("small")


def write(small: Portfolio, out: Path, scheduler: str) -> ContributionStore:
    catalog = catalog_of(small.features.absent_tables)
    return write_contributions(small.features, model_folder("small"), out, catalog=catalog, scheduler=scheduler)


def test_two_workers_write_what_one_process_writes(cluster: Cluster, small: Portfolio, tmp_path: Path) -> None:
    there = write(small, tmp_path / "there", cluster.address)
    here = ContributionStore.open(shapley_folder("small"))
    assert there.manifest | {"created": ""} == here.manifest | {"created": ""}
    assert not list(tmp_path.glob(".*"))


def test_a_worker_killed_in_the_middle_costs_nothing_but_time(
    cluster: Cluster, small: Portfolio, tmp_path: Path
) -> None:
    ranges = tmp_path / ".tmp-there" / "parts" / "ranges"

    def kill_after_the_first_range() -> None:
        while not list(ranges.glob("[0-9]*.json")):
            time.sleep(0.001)
        cluster.workers[0].send_signal(signal.SIGKILL)

    killer = threading.Thread(target=kill_after_the_first_range, daemon=True)
    killer.start()
    there = write(small, tmp_path / "there", cluster.address)
    killer.join(10)
    assert cluster.workers[0].wait(10) == -signal.SIGKILL
    assert there.manifest["files"] == ContributionStore.open(shapley_folder("small")).manifest["files"]


def test_a_client_that_does_not_add_up_is_told_as_it_is_here(
    cluster: Cluster, small: Portfolio, tmp_path: Path
) -> None:
    model = shutil.copytree(model_folder("small"), tmp_path / "model")
    text = (model / "model.txt").read_text(encoding="utf-8")
    (model / "model.txt").write_text(re.sub(r"\nleaf_value=\S+", "\nleaf_value=0.5", text, count=1), encoding="utf-8")
    manifest = read_manifest(model)
    write_json(model / "manifest.json", {**manifest, "files": describe_files(model, manifest["files"])})
    with pytest.raises(ModelError, match=r"Client \d+: .*The graph and the text of the model disagree"):
        write_contributions(
            small.features, model, tmp_path / "there", catalog=catalog_of(()), scheduler=cluster.address
        )
