from __future__ import annotations

import copy
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from data import scheduling
from data.errors import ClusterError, HashMismatch, InvalidOption, UnknownClient
from data.feature_set import features_from
from data.scheduling import check_address, code_hash, run_tasks

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:8786", "tls://scheduler.example:1", "tcp://[::1]:65535", "tcp://node-1:8786"]
)
def test_an_address_is_a_protocol_a_host_and_a_port(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    "address",
    ["", "127.0.0.1:8786", "http://host:80", "tcp://host", "tcp://:8786", "tcp://h:x", "tcp://h:0", "tcp://h:65536",
     "tcp://user@h:1", "tcp://h:1/path", " tcp://h:1"],
)  # fmt: skip
def test_what_is_no_address_is_refused_even_with_nothing_to_do(tmp_path: Path, address: str) -> None:
    with pytest.raises(InvalidOption, match=r"is not an address: tcp://HOST:PORT .*such as tcp://127"):
        run_tasks(print, [], shared=tmp_path, scheduler=address)


def test_a_wrong_address_is_told_before_the_tables_are_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match=r"is not an address"):
        features_from(tmp_path / "nowhere", tmp_path / "out", scheduler="localhost")


def test_as_many_tasks_run_at_once_as_there_are_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "threads", lambda: 3)
    together = threading.Barrier(3, timeout=30)
    told: list[float] = []
    run_tasks(
        lambda number: together.wait() and None,
        range(6),
        shared=tmp_path,
        report=lambda step, fraction: told.append(fraction),
    )
    assert told == [done / 6 for done in range(7)]


def test_what_is_not_begun_when_a_task_fails_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "threads", lambda: 2)
    begun: list[int] = []
    failed = threading.Event()

    def task(number: int) -> None:
        begun.append(number)
        if number == 1:
            failed.set()
            raise HashMismatch("spoilt")
        failed.wait(30)
        time.sleep(0.05)

    with pytest.raises(HashMismatch, match="spoilt"):
        run_tasks(task, range(50), shared=tmp_path)
    assert sorted(begun) == [0, 1]


def test_nothing_listens(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(
            ClusterError, match=rf"No Dask scheduler answers at {address}\. Start one .*worker {address}"
        ):
            run_tasks(print, [1], shared=tmp_path, scheduler=address)


def test_tls_without_certificates_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"needs certificates, .*distributed\.comm\.tls\.ca-file"):
        run_tasks(print, [1], shared=tmp_path, scheduler="tls://127.0.0.1:9")


def test_the_code_is_what_it_was_when_first_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "_ROOT", tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tables.toml").write_text("a = 1\n")
    code_hash.cache_clear()
    try:
        running = code_hash()
        (tmp_path / "data" / "tables.toml").write_text("a = 2\n")
        assert code_hash() == running
        code_hash.cache_clear()
        assert code_hash() != running
    finally:
        code_hash.cache_clear()


def test_an_error_ends_the_work_and_comes_as_it_is(tmp_path: Path) -> None:
    done: list[int] = []

    def task(number: int) -> None:
        if number == 2:
            raise HashMismatch("part 2 is another")
        done.append(number)

    with pytest.raises(HashMismatch, match=r"^part 2 is another$"):
        run_tasks(task, range(5), shared=tmp_path)
    assert done == [0, 1]


def test_progress_counts_what_was_finished_earlier(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    run_tasks(
        lambda number: None, [3, 4], shared=tmp_path, done=4, what="range", report=lambda *facts: told.append(facts)
    )
    assert told == [("range 3 of 4", 0.5), ("range 4 of 4", 0.75), ("range 4 of 4", 1.0)]


def test_an_unknown_client_travels_whole() -> None:
    error = copy.copy(UnknownClient(7, [5, 9]))  # by the way that errors travel
    assert (str(error), error.client, error.nearest) == (
        "No client 7 in this portfolio. The nearest are 5, 9.", 7, (5, 9)
    )  # fmt: skip
