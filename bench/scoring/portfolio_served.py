"""Servers that a benchmark starts as its children: where they listen, what they hold, and that they end with it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

from data.errors import StoreError
from data.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START_SECONDS = 180
STOP_SECONDS = 20
_ADDRESS = re.compile(r"http://[\w.]+:\d+")
_KEPT_LINES = 400
_MIB = 2**20


@dataclass(slots=True)
class Served:
    """A server that is up.

    Attributes
    ----------
    address : where it listens.
    process : what it is.
    said : the last lines it said, on both its outputs.
    tracebacks : how many tracebacks were among all of them.
    """

    address: str
    process: subprocess.Popen[str]
    said: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))
    tracebacks: int = 0

    def memory(self) -> dict[str, float]:
        """Return the resident memory in MiB: all of it, mapped files among it, and the process's own."""
        found = psutil.Process(self.process.pid).memory_full_info()
        return {"rss_mib": round(found.rss / _MIB, 1), "own_mib": round(found.uss / _MIB, 1)}


@contextlib.contextmanager
def served(module: str, arguments: Sequence[str], what: str) -> Iterator[Served]:
    """Start `python -m MODULE ARGUMENTS`, wait until it says where it listens, and end it whatever happens.

    Parameters
    ----------
    module, arguments : what is run, from the project's root.
    what : in words, for the message where it doesn't start.

    Raises
    ------
    StoreError
        It ends, or says nothing, before it listens.
    """
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    found = Served("", process)
    listening = threading.Event()
    listener = threading.Thread(target=_listen, args=(found, listening), daemon=True)
    listener.start()
    try:
        if not listening.wait(START_SECONDS) or not found.address:
            why = next((line for line in reversed(found.said) if line.strip()), "it said nothing")
            raise StoreError(f"{what} did not start: {why.strip()}")
        yield found
    finally:
        _end(process)
        listener.join(STOP_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def _listen(found: Served, listening: threading.Event) -> None:
    assert found.process.stdout is not None
    for line in found.process.stdout:
        found.said.append(line)
        found.tracebacks += line.startswith("Traceback")
        if not found.address and (address := _ADDRESS.search(line)):
            found.address = address.group()
            listening.set()
    listening.set()


def _end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def stopped_as_if_interrupted() -> Iterator[None]:
    """Take a request to end as an interruption, so that children end too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
