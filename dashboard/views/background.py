"""Numbers computed off the server's event loop, for one view of one session: the newest wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import panel as pn

from dashboard.jobs import LatestWins

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor


class Background:
    """The work of one view. Without a session, as in a test, it is done at once.

    Parameters
    ----------
    executor : where it runs.
    deliver : called with a result, or with the exception raised instead, on the session's event loop.
    """

    def __init__(self, executor: Executor, deliver: Callable[[Any], None]) -> None:
        document = pn.state.curdoc
        self._deliver = deliver
        self._asked = self._delivered = 0
        self._jobs: LatestWins[tuple[int, Any]] | None = None
        if document is None or document.session_context is None:
            return

        def schedule(outcome: Any) -> None:
            if document.session_context is not None:
                document.add_next_tick_callback(lambda: self._arrived(outcome))

        self._jobs = LatestWins(executor, schedule)
        pn.state.on_session_destroyed(lambda _context: self.close())

    def submit(self, work: Callable[[], Any]) -> None:
        """Compute `work`, which touches neither Panel, Bokeh nor HoloViews, and deliver what it returns."""
        if self._jobs is None:
            self._deliver(work())
            return
        self._asked += 1
        ticket = self._asked
        self._jobs.submit(lambda: (ticket, _outcome(work)))

    def _arrived(self, outcome: tuple[int, Any] | Exception) -> None:
        """Deliver a result, unless a newer one was delivered: a busy server runs callbacks in no particular order."""
        if isinstance(outcome, Exception):
            self._deliver(outcome)
            return
        ticket, result = outcome
        if ticket > self._delivered:
            self._delivered = ticket
            self._deliver(result)

    def close(self) -> None:
        """End it: nothing more is computed or delivered."""
        if self._jobs is not None:
            self._jobs.close()


def _outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 (the view decides what to tell)
        return error
