"""A Dask cluster on loopback, a scheduler and two workers in processes of their own, gives what one process gives."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from data.errors import ClusterError, HashMismatch, StoreError
from data.feature_set import features_from
from data.paths import model_folder
from data.portfolio import Portfolio
from data.scheduling import run_tasks, software
from data.sources import import_raw
from data.synthetic_tables import make_synthetic
from models import score_parts
from models.score_parts import score_by_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
START = re.compile(r"Scheduler at:\s+(tcp://[\d.:]+)")


PAUSING = """
import os
import time

def pause_then_mark(folder, number):
    'Say which process is at work on a number, wait until allowed, and leave a mark.'
    (folder / f"{number}.{os.getpid()}.begun").touch()
    while not (folder / "go").exists():
        time.sleep(0.05)
    (folder / f"{number}.done").write_text(str(number * number))

class Unsendable(Exception):
    def __reduce__(self):
        raise TypeError("it stays here")

def fail(number):
    raise Unsendable(f"no luck with {number}")
"""


class Cluster:
    """A scheduler on a free port of loopback, and workers that also find modules in `folder`."""

    def __init__(self, folder: Path, root: Path = ROOT) -> None:
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        self._started = 0
        listening = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.scheduler, log = self._start("scheduler", *listening, root=root)
        self.address = self._wait_for(log, START)

    def work(self, root: Path = ROOT) -> None:
        """Start one more worker, and wait until it is there."""
        process, log = self._start(
            "worker", self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--local-directory", str(self.folder), root=root,
        )  # fmt: skip
        self.workers.append(process)
        self._wait_for(log, re.compile(r"(Registered to):"))

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, *command: str, root: Path = ROOT) -> tuple[subprocess.Popen[bytes], Path]:
        self._started += 1
        log = self.folder / f"{self._started}.log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *command],
                cwd=root,
                env={**os.environ, "PYTHONPATH": str(self.folder)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return process, log

    def _wait_for(self, log: Path, sign: re.Pattern[str]) -> str:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = sign.search(log.read_text(encoding="utf-8"))
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


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("portfolio")
    make_synthetic(400, 5, folder / "raw")
    import_raw(folder / "raw", folder / "imported", partitions=6)
    return folder / "imported"


def pausing(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a module of tasks that the workers find too."""
    (cluster.folder / "pausing.py").write_text(PAUSING, encoding="utf-8")
    monkeypatch.syspath_prepend(str(cluster.folder))
    monkeypatch.delitem(sys.modules, "pausing", raising=False)
    return importlib.import_module("pausing")


def test_two_workers_give_the_features_of_one_process(cluster: Cluster, imported: Path, tmp_path: Path) -> None:
    cluster.work()
    cluster.work()
    here = features_from(imported, tmp_path / "here")
    there = features_from(imported, tmp_path / "there", scheduler=cluster.address)
    assert there.data_hash == here.data_hash
    assert not list(tmp_path.glob(".*"))


def test_a_worker_killed_in_the_middle_costs_nothing_but_time(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.work()
    cluster.work()
    folder = tmp_path / "shared"
    folder.mkdir()

    def kill_one_at_work() -> None:
        victim = cluster.workers[0]
        while not list(folder.glob(f"*.{victim.pid}.begun")):
            time.sleep(0.05)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        (folder / "go").touch()

    task = partial(pausing(cluster, monkeypatch).pause_then_mark, folder)
    killer = threading.Thread(target=kill_one_at_work)
    killer.start()
    try:
        run_tasks(task, range(6), shared=folder, scheduler=cluster.address)
    finally:
        killer.join()
    assert sorted(path.read_text() for path in folder.glob("*.done")) == sorted(str(n * n) for n in range(6))
    (begun,) = folder.glob(f"*.{cluster.workers[0].pid}.begun")
    again = list(folder.glob(f"{begun.name.partition('.')[0]}.*.begun"))
    assert len(again) == 2


def test_features_survive_the_death_of_a_worker(cluster: Cluster, imported: Path, tmp_path: Path) -> None:
    cluster.work()
    cluster.work()
    parts = tmp_path / ".parts-there" / "parts"

    def kill_after_the_first_part() -> None:
        while not list(parts.glob("*.json")):
            time.sleep(0.01)
        cluster.workers[1].send_signal(signal.SIGKILL)

    killer = threading.Thread(target=kill_after_the_first_part, daemon=True)
    killer.start()
    there = features_from(imported, tmp_path / "there", scheduler=cluster.address)
    killer.join(10)
    assert cluster.workers[1].wait(10) == -signal.SIGKILL
    assert there.data_hash == features_from(imported, tmp_path / "here").data_hash


def test_an_error_of_a_worker_arrives_as_it_is_and_finished_parts_are_kept(cluster: Cluster, tmp_path: Path) -> None:
    make_synthetic(60, 5, tmp_path / "raw")
    imported = tmp_path / "imported"
    import_raw(tmp_path / "raw", imported, partitions=4)
    cluster.work()
    file = imported / "bureau" / "0003.parquet"
    content = file.read_bytes()
    file.write_bytes(content[:-10])
    with pytest.raises(HashMismatch, match=r"bureau/0003\.parquet has"):
        features_from(imported, tmp_path / "there", scheduler=cluster.address)
    file.write_bytes(content)
    there = features_from(imported, tmp_path / "there", scheduler=cluster.address)
    assert there.data_hash == features_from(imported, tmp_path / "here").data_hash


def test_a_scheduler_without_workers_is_told(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.scheduling.SECONDS_FOR_WORKERS", 0.2)
    with pytest.raises(ClusterError, match=r"has no worker\. Start one with .*python -m dask worker tcp://127"):
        run_tasks(print, [1], shared=tmp_path, scheduler=cluster.address)


def test_a_worker_without_the_code_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    cluster.work(root=elsewhere)
    with pytest.raises(ClusterError, match=r"can't run this project's code .*No module named 'data'"):
        run_tasks(print, [1], shared=tmp_path, scheduler=cluster.address)


def test_a_worker_of_another_version_is_refused(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.work()
    monkeypatch.setattr("data.scheduling.code_hash", lambda: "0" * 64)
    with pytest.raises(ClusterError, match=r"runs other code \([0-9a-f]{12}…\) than this process \(000000000000…\)"):
        run_tasks(print, [1], shared=tmp_path, scheduler=cluster.address)


def test_a_worker_that_sees_another_folder_is_refused(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.work()
    monkeypatch.setattr("data.scheduling._probe", lambda shared: contextlib.nullcontext(shared / "absent" / "probe"))
    with pytest.raises(ClusterError, match=r"Worker tcp://127.0.0.1:\d+ doesn't see .*absent\. Every worker"):
        run_tasks(print, [1], shared=tmp_path, scheduler=cluster.address)


def test_a_worker_with_other_libraries_is_refused(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.work()
    here = {**software(), "polars": "0.0.1"}
    monkeypatch.setattr("data.scheduling.software", lambda: here)
    monkeypatch.setattr("data.scheduling._check_scheduler", lambda client, address: None)
    with pytest.raises(ClusterError, match=r"has polars [\d.]+, here 0\.0\.1\. Start it with"):
        run_tasks(print, [1], shared=tmp_path, scheduler=cluster.address)


def test_a_scheduler_without_the_code_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    cluster = Cluster(elsewhere, root=elsewhere)
    try:
        with pytest.raises(ClusterError, match=r"can't read this project's tasks .*No module named 'data'"):
            run_tasks(print, [1], shared=tmp_path, scheduler=cluster.address)
    finally:
        cluster.stop()


def when_begun(folder: Path, act: Callable[[], None]) -> threading.Thread:
    """Do something once a task is at work in `folder`."""

    def wait_and_act() -> None:
        while not list(folder.glob("*.begun")):
            time.sleep(0.05)
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


def test_a_worker_with_other_code_that_comes_later_is_refused(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    for room in ("data", "models", "explain"):
        shutil.copytree(ROOT / room, other / room, ignore=shutil.ignore_patterns("__pycache__"))
    with open(other / "data" / "schema.py", "a", encoding="utf-8") as file:
        file.write("# edited\n")
    cluster.work()
    folder = tmp_path / "shared"
    folder.mkdir()
    task = partial(pausing(cluster, monkeypatch).pause_then_mark, folder)
    joining = when_begun(folder, lambda: cluster.work(root=other))
    try:
        with pytest.raises(ClusterError, match=r"runs other code \([0-9a-f]{12}…\) than this process"):
            run_tasks(task, range(6), shared=folder, scheduler=cluster.address)
    finally:
        (folder / "go").touch()
        joining.join()


@pytest.mark.parametrize(
    ("victim", "message"),
    [
        ("worker", r"has no worker any more\. What is finished is kept"),
        ("scheduler", r"went away, or gave up the work"),
    ],
)
def test_nobody_left_to_do_the_work_is_told(
    victim: str, message: str, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.scheduling.SECONDS_FOR_WORKERS", 1)
    monkeypatch.setattr("data.scheduling.SECONDS_BETWEEN_LOOKS", 0.2)
    monkeypatch.setattr("data.scheduling.SECONDS_TO_CONNECT", 2)
    cluster.work()
    folder = tmp_path / "shared"
    folder.mkdir()
    task = partial(pausing(cluster, monkeypatch).pause_then_mark, folder)
    process = cluster.scheduler if victim == "scheduler" else cluster.workers[0]
    killer = when_begun(folder, process.kill)
    try:
        with pytest.raises(ClusterError, match=message):
            run_tasks(task, range(3), shared=folder, scheduler=cluster.address)
    finally:
        (folder / "go").touch()
        killer.join()
    assert not list(folder.glob(".tmp-*"))


def test_a_defect_of_a_task_names_the_worker_whatever_was_raised(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.work()
    expected = r"Worker tcp://127.0.0.1:\d+ failed at partition 1: pausing\.Unsendable: no luck with 1\."
    with pytest.raises(ClusterError, match=expected):
        run_tasks(pausing(cluster, monkeypatch).fail, [1], shared=tmp_path, scheduler=cluster.address)


@pytest.fixture
def small(prepared: Path) -> Portfolio:
    return Portfolio.open("small")


def test_scores_of_the_cluster_are_those_of_one_process(
    cluster: Cluster, small: Portfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.work()
    model = model_folder(small.model_name)
    there = score_by_parts(small.features, model, tmp_path / "parts", scheduler=cluster.address)
    np.testing.assert_array_equal(there.raw, small.raw)
    np.testing.assert_array_equal(there.score, small.score)
    monkeypatch.setattr(score_parts, "CLIENTS", 400)
    here = score_by_parts(small.features, model, tmp_path / "parts")
    np.testing.assert_array_equal(here.raw, small.raw)
    assert not (tmp_path / "parts").exists()


def test_scoring_goes_on_where_it_was_ended(small: Portfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_parts, "CLIENTS", 400)
    monkeypatch.setattr("data.scheduling.threads", lambda: 1)
    model = model_folder(small.model_name)
    score = score_parts.score_part
    done: list[int] = []

    def once(at: int | None, folder: Path, features: Path, parts: Path, number: int) -> None:
        if number == at:
            raise OSError(28, "No space left on device")
        done.append(number)
        score(folder, features, parts, number)

    monkeypatch.setattr(score_parts, "score_part", partial(once, 2))
    with pytest.raises(StoreError, match="No space left on device"):
        score_by_parts(small.features, model, tmp_path / "parts")
    monkeypatch.setattr(score_parts, "score_part", partial(once, None))
    found = score_by_parts(small.features, model, tmp_path / "parts")
    assert done == [0, 1, 2, 3]
    np.testing.assert_array_equal(found.raw, small.raw)
