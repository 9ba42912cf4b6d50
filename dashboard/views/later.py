"""Views that follow what a page shows first, one at a time, so that the first is there at once."""

from __future__ import annotations

from collections import deque
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.views.html import html
from dashboard.views.live import LiveFigure

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.i18n import Translator

CARD = {"border": "1px solid", "borderColor": "divider", "borderRadius": "10px", "padding": "16px"}
HEIGHT = 240
PAUSE_MS = 200
"""Left to the browser between one view and the next, to draw the one."""


def card(content: Any, visible: Any = True, **style: Any) -> pmui.Paper:
    """Return a card around a view."""
    return pmui.Paper(
        content, elevation=0, margin=(0, 0, 16, 0), sizing_mode="stretch_width", sx={**CARD, **style}, visible=visible
    )


class Later:
    """The views of one page that are made once it is there. Without a session, as in a test, they are made at once.

    Parameters
    ----------
    panes : the session's HoloViews panes; those of each view made are added.
    translate : words for what stands in a view's place meanwhile.
    """

    def __init__(self, panes: list[pn.pane.HoloViews], translate: Translator) -> None:
        self._panes, self._t = panes, translate
        self._document = pn.state.curdoc
        self._waiting: deque[tuple[pn.Column, Callable[[], Any]]] = deque()

    def card(self, make: Callable[[], Any], visible: Any = True) -> pmui.Paper:
        """Return a card for the view that `make` returns; views are made in the order of these calls."""
        return card(self.bare(make), visible, minHeight=f"{HEIGHT}px")

    def bare(self, make: Callable[[], Any]) -> pn.Column:
        """Return the same without a card around it."""
        words = html(f'<p class="soft">{escape(self._t("app.working"))}…</p>')
        # A column of Bokeh's own: panel-material-ui's lose what is put into them while they are first drawn.
        place = pn.Column(words, sizing_mode="stretch_width", margin=0)
        self._waiting.append((place, make))
        return place

    def begin(self) -> None:
        """Make the views, once the browser has what the page shows first."""
        document = self._document
        if document is None or document.session_context is None:
            while self._waiting:
                self._make()
        else:
            pn.state.onload(lambda: document.add_next_tick_callback(self._next))

    def _next(self) -> None:
        if self._document.session_context is None:  # the visitor has left
            self._waiting.clear()
        if self._waiting:
            self._make()
        if self._waiting:
            self._document.add_timeout_callback(self._next, PAUSE_MS)

    def _make(self) -> None:
        place, make = self._waiting.popleft()
        view = make()
        live = getattr(view, "figure", None)
        if isinstance(live, LiveFigure):
            self._panes.append(live.pane)
        place.objects = [view]
