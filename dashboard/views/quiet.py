"""What is done once nothing has asked for it again for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import panel as pn

if TYPE_CHECKING:
    from collections.abc import Callable


class Quiet:
    """Puts one thing off until it has been quiet. Without a session, as in a test, it is done at once.

    Parameters
    ----------
    act : what is done, on the session's event loop.
    pause_ms : how long nobody asks before.
    """

    def __init__(self, act: Callable[[], None], pause_ms: int = 300) -> None:
        self._act, self._pause_ms = act, pause_ms
        self._document = pn.state.curdoc
        self._waiting: Any = None

    def ask(self) -> None:
        """Do it after the pause, counted from now."""
        document = self._document
        if document is None or document.session_context is None:
            self._act()
            return
        if self._waiting is not None:
            document.remove_timeout_callback(self._waiting)
        self._waiting = document.add_timeout_callback(self._done, self._pause_ms)

    def _done(self) -> None:
        self._waiting = None
        if self._document.session_context is not None:
            self._act()
