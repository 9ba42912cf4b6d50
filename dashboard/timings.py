"""How long the server took over what visitors did, one line of JSON each: for operators, and for the benchmark."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from data.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path


class Timings:
    """A file of timings, appended to. Safe to share between threads.

    Parameters
    ----------
    path : of the file; it is made where it isn't there.

    Raises
    ------
    StoreError
        It can't be written.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        try:
            self._append("")
        except OSError as error:
            raise StoreError(
                f"Timings can't be written to {path}: {error.strerror or error}. Give a file in a folder that is there "
                "and may be written to: --timings FILE"
            ) from error

    def add(self, gesture: str, chart: str, milliseconds: float, clients: int) -> None:
        """Add what was done, on which chart, how long from the event to the update, and over how many clients."""
        line = {"gesture": gesture, "chart": chart, "server_ms": round(milliseconds, 3), "clients": clients}
        with self._lock:
            self._append(json.dumps(line) + "\n")

    def _append(self, text: str) -> None:
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(text)
