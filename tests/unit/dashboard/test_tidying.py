"""Memory given back once sessions have ended."""

from __future__ import annotations

import gc
import threading
import time
import weakref

from dashboard.tidying import Tidying


class _Web:
    """Refers to itself, as what a session holds does."""

    def __init__(self) -> None:
        self.own = self


def test_what_refers_to_itself_is_freed_and_many_requests_are_one() -> None:
    left = weakref.ref(_Web())
    tidying = Tidying(0.05)
    gc.disable()
    try:
        for _ in range(20):
            tidying.later()
        assert sum(thread.name == "tidying" for thread in threading.enumerate()) == 1
        deadline = time.monotonic() + 20
        while left() is not None and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        gc.enable()
    assert left() is None
