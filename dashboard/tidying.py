"""Memory that sessions have left is given back to the system, once they have ended."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading

SECONDS = 5.0


class Tidying:
    """Gives memory back, some time after it was last asked to. Safe to share between threads.

    What a session held is a web of objects that refer to each other, which Python finds only when it looks; and what it
    frees stays with the C library, in pieces, until that is told to return it.

    Parameters
    ----------
    seconds : how long after the first of several requests.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._waiting = False

    def later(self) -> None:
        """Give memory back in a while; asked again meanwhile, once."""
        with self._lock:
            if self._waiting:
                return
            self._waiting = True
        timer = threading.Timer(self._seconds, self._tidy)
        timer.name, timer.daemon = "tidying", True
        timer.start()

    def _tidy(self) -> None:
        with self._lock:
            self._waiting = False
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
