"""Exports made for sessions, and their download through a real Tornado server."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from dashboard.exports import AT_ONCE, KEPT, Exports, route
from data.errors import InvalidOption, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dashboard.exports import ExportJob
    from data.progress import Report

HEADER = b"SK_ID_CURR\r\n"


def write(path: Path, report: Report, stopped: Callable[[], bool]) -> int:
    report("writing", 0.5)
    path.write_bytes(HEADER + b"100001\r\n")
    return 1


class Slow:
    """Writes until it is told to stop, or let go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.stopped = False

    def __call__(self, path: Path, report: Report, stopped: Callable[[], bool]) -> int:
        path.write_bytes(HEADER)
        report("writing", 0.25)
        self.begun.set()
        while not self.go_on.wait(0.01):
            if stopped():
                self.stopped = True
                raise RuntimeError("stopped")
        return 7


def wait(job: ExportJob, state: str, seconds: float = 20.0) -> None:
    until(lambda: job.state == state, seconds)


def until(met: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.005)


def left(exports: Exports) -> list[Path]:
    return [path for path in exports.folder.rglob("*") if path.is_file()]


@pytest.fixture
def exports(tmp_path: Path) -> Iterator[Exports]:
    made = Exports(tmp_path / "exports")
    yield made
    made.shutdown()
    assert left(made) == []


@pytest.fixture
def address(exports: Exports) -> Iterator[str]:
    """The root of a Tornado server that serves the exports."""
    ready = threading.Event()
    told: list[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        (listening,) = bind_sockets(0, "127.0.0.1")
        server = HTTPServer(Application(route(exports, "en")))
        server.add_sockets([listening])
        end = asyncio.Event()
        told.append((f"http://127.0.0.1:{listening.getsockname()[1]}/", asyncio.get_running_loop(), end))
        ready.set()
        await end.wait()
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    root, loop, end = told[0]
    yield root
    loop.call_soon_threadsafe(end.set)
    thread.join(10)


def fetch(where: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(where, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def test_a_file_is_made_and_told(exports: Exports) -> None:
    job = exports.start("session", write, "My segment", "csv")
    wait(job, "ready")
    assert (job.progress, job.clients, job.size_bytes, job.message) == (1.0, 1, 20, "")
    assert job.file_name == "My-segment.csv"
    assert job.file is not None
    assert job.file.read_bytes() == HEADER + b"100001\r\n"
    assert len(job.token) >= 43
    assert job.token not in str(job.file)
    assert exports.ready(job.token) is job


def test_progress_is_seen_while_it_runs_and_never_goes_back(exports: Exports) -> None:
    slow = Slow()
    job = exports.start("session", slow, "x", "csv")
    assert slow.begun.wait(20)
    assert (job.state, job.progress, job.file) == ("running", 0.25, None)
    assert exports.ready(job.token) is None
    slow.go_on.set()
    wait(job, "ready")
    assert job.clients == 7


def test_stopped_in_the_middle_nothing_is_left(exports: Exports) -> None:
    slow = Slow()
    job = exports.start("session", slow, "x", "csv")
    assert slow.begun.wait(20)
    job.stop()
    assert job.state == "stopped"
    until(lambda: slow.stopped and not left(exports))
    assert (job.state, job.message) == ("stopped", "")
    job.stop()
    wait(exports.start("session", write, "next", "csv"), "ready")


def test_one_that_waits_is_stopped_before_it_begins(exports: Exports) -> None:
    first, second = Slow(), Slow()
    running = exports.start("session", first, "x", "csv")
    waiting = exports.start("session", second, "y", "csv")
    assert waiting.state == "running"
    waiting.stop()
    first.go_on.set()
    wait(running, "ready")
    wait(exports.start("session", write, "z", "csv"), "ready")
    assert not second.begun.is_set()
    assert waiting.state == "stopped"


def test_what_goes_wrong_is_told_and_the_next_one_works(exports: Exports, caplog: pytest.LogCaptureFixture) -> None:
    def refused(path: Path, *_: object) -> int:
        path.write_bytes(b"half")
        raise StoreError("The disk is full. Free it.")

    def broken(path: Path, *_: object) -> int:
        raise ZeroDivisionError("oh")

    job = exports.start("session", refused, "x", "csv")
    wait(job, "failed")
    assert job.message == "The disk is full. Free it."
    assert caplog.records == []
    other = exports.start("session", broken, "x", "csv")
    wait(other, "failed")
    assert "ZeroDivisionError('oh')" in other.message
    assert [record.message for record in caplog.records] == ["The export of x.csv failed"]
    until(lambda: left(exports) == [])
    wait(exports.start("session", write, "y", "csv"), "ready")


def test_a_session_has_few_under_way(exports: Exports) -> None:
    slow = [Slow() for _ in range(AT_ONCE)]
    jobs = [exports.start("one", each, "x", "csv") for each in slow]
    with pytest.raises(InvalidOption, match="2 exports of this page are under way"):
        exports.start("one", write, "x", "csv")
    other = exports.start("other", write, "x", "csv")
    jobs[1].stop()
    exports.start("one", write, "x", "csv")
    slow[0].go_on.set()
    wait(jobs[0], "ready")
    wait(other, "ready")


def test_a_session_has_few_files_ready(exports: Exports) -> None:
    jobs = []
    for number in range(KEPT + 2):
        jobs.append(exports.start("one", write, str(number), "csv"))
        wait(jobs[-1], "ready")
    assert [job.state for job in jobs] == ["stopped"] * 2 + ["ready"] * KEPT
    assert [job.expired for job in jobs] == [True] * 2 + [False] * KEPT
    assert len(left(exports)) == KEPT


def test_when_a_session_ends_its_files_go_and_the_others_stay(exports: Exports) -> None:
    slow = Slow()
    ready = exports.start("one", write, "x", "csv")
    kept = exports.start("other", write, "x", "csv")
    running = exports.start("one", slow, "x", "csv")
    assert slow.begun.wait(20)
    exports.close("one")
    until(lambda: slow.stopped)
    assert (ready.state, running.state, kept.state) == ("stopped", "stopped", "ready")
    assert exports.ready(ready.token) is None
    assert exports.ready(kept.token) is kept
    until(lambda: left(exports) == [kept.file])
    exports.close("nobody")


def test_after_its_time_a_file_goes_without_anybody_asking(tmp_path: Path) -> None:
    exports = Exports(tmp_path, lifetime_s=0.2)
    try:
        job = exports.start("one", write, "x", "csv")
        wait(job, "stopped")
        until(lambda: left(exports) == [])
        assert (job.state, job.expired, job.file) == ("stopped", True, None)
        assert exports.ready(job.token) is None
    finally:
        exports.shutdown()


def test_the_folder_is_for_this_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        exports = Exports(tmp_path / "new" / "exports")
        job = exports.start("one", write, "x", "csv")
    finally:
        os.umask(before)
    wait(job, "ready")
    assert job.file is not None
    for folder in (exports.folder, job.file.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    exports.shutdown()
    assert list(exports.folder.iterdir()) == []


def test_a_folder_that_cant_be_made_is_told_when_it_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    exports = Exports(tmp_path / "file")
    with pytest.raises(StoreError, match=r"can't be written to .*nothing can be exported"):
        exports.start("one", write, "x", "csv")
    exports.shutdown()


def test_nothing_is_exported_of_a_kind_there_is_not_or_once_the_server_stops(tmp_path: Path) -> None:
    exports = Exports(tmp_path)
    with pytest.raises(InvalidOption, match="No export as 'xlsx'"):
        exports.start("one", write, "x", "xlsx")
    exports.shutdown()
    with pytest.raises(InvalidOption, match="being stopped"):
        exports.start("one", write, "x", "csv")
    exports.shutdown()


_SERVER = """
import sys, time
from pathlib import Path
from dashboard.exports import Exports
exports = Exports(Path(sys.argv[1]))
def write(path, report, stopped):
    path.write_text("x" * 1000)
    return 1
job = exports.start("one", write, "x", "csv")
while job.state == "running":
    time.sleep(0.01)
print(job.state, flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
def test_what_a_killed_process_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _SERVER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    killed, ended, living = processes
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert len(list(tmp_path.rglob("*.csv"))) == 3
        ended.communicate("\n", timeout=20)
        assert ended.returncode == 0
        assert len(list(tmp_path.rglob("*.csv"))) == 2
        for number in range(20):
            (tmp_path / f"process-{number:08d}").mkdir()
        exports = Exports(tmp_path)
        assert len(list(tmp_path.rglob("*.csv"))) == len(list(tmp_path.iterdir())) == 1
        exports.shutdown()
        living.communicate("\n", timeout=20)
        assert list(tmp_path.iterdir()) == []
    finally:
        for process in processes:
            process.kill()
            process.communicate()


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("csv", "text/csv; charset=utf-8; header=present"), ("parquet", "application/vnd.apache.parquet")],
)
def test_a_download(exports: Exports, address: str, kind: str, content_type: str) -> None:
    body = os.urandom(3_000_000)

    def large(path: Path, *_: object) -> int:
        path.write_bytes(body)
        return 1

    job = exports.start("one", large, "Clients à risque", kind)
    wait(job, "ready")
    for method, expected in (("GET", body), ("HEAD", b"")):
        status, headers, got = fetch(address + job.address, method)
        assert (status, got) == (200, expected)
        assert headers["Content-Type"] == content_type
        assert headers["Content-Length"] == "3000000"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Disposition"] == (
            f"attachment; filename=\"Clients-_-risque.{kind}\"; filename*=UTF-8''Clients-%C3%A0-risque.{kind}"
        )


@pytest.mark.parametrize("name", ['a"b', "a\r\nSet-Cookie: x=1", "../../etc/passwd", "", "…", "é" * 200])
def test_no_name_breaks_the_header_or_the_address(exports: Exports, address: str, name: str) -> None:
    job = exports.start("one", write, name, "csv")
    wait(job, "ready")
    assert len(job.file_name) <= 64
    status, headers, body = fetch(address + job.address)
    assert (status, body) == (200, HEADER + b"100001\r\n")
    assert "Set-Cookie" not in headers
    assert "/" not in headers["Content-Disposition"]


def test_what_is_unknown_is_told_in_a_sentence(exports: Exports, address: str) -> None:
    job = exports.start("one", write, "x", "csv")
    wait(job, "ready")
    wrong = [
        "export", "export/", f"export/{job.token}", f"export/{job.token}/", f"export/{job.token}/y.csv",
        f"export/{job.token[:-1]}/x.csv", f"export/{job.token}x/x.csv", f"export/{'A' * 43}/x.csv",
        f"export/{job.token.swapcase()}/x.csv", f"export/{job.token}/x.csv/..", f"export/{job.token}/.%2Fx.csv",
        f"export/{job.token}/..%2f..%2f..%2fetc%2fpasswd", f"export/{job.token}/{quote(str(job.file), safe='')}",
        "export/..%2f..%2fetc%2fpasswd", "export/%00/x.csv", "export/%FF%FE/x.csv",
    ]  # fmt: skip
    for where in wrong:
        status, headers, body = fetch(address + where)
        assert status in ((404,) if "FF" not in where else (400, 404)), where
        if status == 404:
            assert body.decode().startswith("There is no file at this address"), where
            assert headers["Content-Type"] == "text/plain; charset=utf-8"
            assert headers["Cache-Control"] == "no-store"
    _, headers, body = fetch(address + "export/x/y", **{"Accept-Language": "fr-CA, en;q=0.5"})
    assert body.decode().startswith("Il n’y a pas de fichier")
    assert headers["Content-Language"] == "fr"
    assert fetch(address + f"export/{job.token}/x.csv", "POST")[0] == 405


def test_no_path_leads_out(exports: Exports, address: str) -> None:
    """As a client that doesn't tidy its addresses would send it."""
    port = int(address.rsplit(":", 1)[1].strip("/"))
    for path in ("/export/../../../../etc/passwd", "/export/x/../../../etc/passwd", "/export//etc/passwd"):
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert answer.startswith(b"HTTP/1.1 404"), path
        assert b"root:" not in answer


def test_a_file_whose_session_has_ended_is_not_there(exports: Exports, address: str) -> None:
    job = exports.start("one", write, "x", "csv")
    wait(job, "ready")
    assert fetch(address + job.address)[0] == 200
    exports.close("one")
    assert fetch(address + job.address)[0] == 404


def test_a_file_that_somebody_removed_is_not_there(exports: Exports, address: str) -> None:
    job = exports.start("one", write, "x", "csv")
    wait(job, "ready")
    assert job.file is not None
    job.file.unlink()
    assert fetch(address + job.address)[0] == 404


def test_a_visitor_who_leaves_in_the_middle_troubles_nobody(
    exports: Exports, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    def large(path: Path, *_: object) -> int:
        path.write_bytes(bytes(60_000_000))
        return 1

    job = exports.start("one", large, "x", "csv")
    wait(job, "ready")
    port = int(address.rsplit(":", 1)[1].strip("/"))
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(f"GET /{job.address} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    status, _, body = fetch(address + job.address)
    assert (status, len(body)) == (200, 60_000_000)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
