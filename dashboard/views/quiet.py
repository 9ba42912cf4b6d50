"""What is done once nothing has asked for it again for a while."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import panel as pn

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.state import SessionState

MOST_SECONDS = 3.0


class Quiet:
    """Puts one thing off until it has been quiet. Without a session, as in a test, it is done at once.

    The event loop waits, not the session: a session's own timers hold its lock, for which its next gesture would wait.

    Parameters
    ----------
    act : what is done, on the session's event loop.
    pause_ms : how long nobody asks before.
    exploring : where a gesture on the charts goes on, its end is waited for, though not for longer than
        `MOST_SECONDS`: on a busy server its steps are further apart than the pause.
    """

    def __init__(self, act: Callable[[], None], pause_ms: int = 300, *, exploring: SessionState | None = None) -> None:
        self._act, self._pause, self._exploring = act, pause_ms / 1000, exploring
        self._document = pn.state.curdoc
        self._asked = 0.0
        self._waiting = False

    def ask(self) -> None:
        """Do it after the pause, counted from now."""
        document = self._document
        if document is None or document.session_context is None:
            self._act()
            return
        self._asked = time.monotonic()
        if not self._waiting:
            self._wait(self._pause)

    def _wait(self, seconds: float) -> None:
        self._waiting = True
        asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._waiting = False
        document, quiet = self._document, time.monotonic() - self._asked
        if document is None or document.session_context is None:  # the visitor has left
            return
        if quiet < self._pause:
            self._wait(self._pause - quiet)
        elif quiet < MOST_SECONDS and self._goes_on():
            self._wait(self._pause)
        else:
            document.add_next_tick_callback(self._act)

    def _goes_on(self) -> bool:
        return self._exploring is not None and self._exploring.exploration != self._exploring.settled
