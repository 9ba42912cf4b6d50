"""Latest wins, never dropped: one job running, one pending, the newest; a stale result is thrown away."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

Result = TypeVar("Result")


class LatestWins(Generic[Result]):
    """Runs the newest piece of work off the caller's thread.

    Parameters
    ----------
    executor : where work runs; shared by all sessions.
    deliver : called with a result or the exception raised instead, on the worker's thread, unless newer work was
        submitted meanwhile. It is never called while a lock is held.
    """

    def __init__(self, executor: Executor, deliver: Callable[[Result | Exception], None]) -> None:
        self._executor = executor
        self._deliver = deliver
        self._lock = threading.Lock()
        self._pending: Callable[[], Result] | None = None
        self._running = False
        self._newest = 0
        self._closed = False

    def submit(self, work: Callable[[], Result]) -> None:
        """Run `work` when the job under way is done; whatever was pending is forgotten, newer work being wanted."""
        with self._lock:
            if self._closed:
                return
            self._newest += 1
            self._pending = work
            if self._running:
                return
            self._running = True
        self._executor.submit(self._drain)

    def close(self) -> None:
        """Forget pending work and deliver nothing more: the session has ended."""
        with self._lock:
            self._closed = True
            self._pending = None
            self._newest += 1

    def _drain(self) -> None:
        while True:
            with self._lock:
                work, ticket = self._pending, self._newest
                self._pending = None
                if work is None:
                    self._running = False
                    return
            outcome: Result | Exception
            try:
                outcome = work()
            except Exception as error:  # noqa: BLE001 (the session decides what to tell)
                outcome = error
            with self._lock:
                current = ticket == self._newest
            if current:
                self._deliver(outcome)
