"""Numbers computed off the server's event loop, for one view of one session: the newest wins."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import panel as pn

from dashboard.jobs import LatestWins

if TYPE_CHECKING:
    from collections.abc import Callable

WORKERS = 2


class Background:
    """The work of one view. Without a session, as in a test, it is done at once.

    Parameters
    ----------
    deliver : called with a result, or with the exception raised instead, on the session's event loop.
    """

    def __init__(self, deliver: Callable[[Any], None]) -> None:
        document = pn.state.curdoc
        self._deliver = deliver
        self._jobs: LatestWins[Any] | None = None
        if document is None or document.session_context is None:
            return

        def schedule(outcome: Any) -> None:
            if document.session_context is not None:
                document.add_next_tick_callback(lambda: deliver(outcome))

        self._jobs = LatestWins(_executor(), schedule)
        pn.state.on_session_destroyed(lambda _context: self.close())

    def submit(self, work: Callable[[], Any]) -> None:
        """Compute `work`, which touches neither Panel, Bokeh nor HoloViews, and deliver what it returns."""
        if self._jobs is not None:
            self._jobs.submit(work)
            return
        self._deliver(work())

    def close(self) -> None:
        """End it: nothing more is computed or delivered."""
        if self._jobs is not None:
            self._jobs.close()


@functools.cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="plots")
