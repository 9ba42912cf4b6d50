"""A figure that says what part of it is looked at, so that it can be computed anew in that detail."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from bokeh.events import RangesUpdate

from dashboard.views.live import LiveFigure
from explain.pixels import Window

if TYPE_CHECKING:
    from collections.abc import Callable


class ZoomedFigure(LiveFigure):
    """A figure of one session whose visitor may look closer.

    Parameters
    ----------
    zoomed : told what is looked at whenever the visitor changes it. It should be a bound method, of an owner that keeps
        the figure: it is held weakly.
    """

    def __init__(self, zoomed: Callable[[Window], None]) -> None:
        super().__init__()
        self._zoomed = weakref.WeakMethod(zoomed)
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def dress(self, figure: Any) -> None:
        """Give the Bokeh figure its ranges and words, and listen to it."""
        super().dress(figure)
        if figure not in self._known:
            self._known.add(figure)
            figure.on_event(RangesUpdate, _listener(self._zoomed))

    def say(self, summary: str) -> None:
        """Change what the figure says, for those who don't see it."""
        for figure in self._known:
            figure.update(html_attributes={**figure.html_attributes, "aria-label": summary})


def _listener(zoomed: weakref.WeakMethod[Callable[[Window], None]]) -> Callable[[Any], None]:
    def heard(event: Any) -> None:
        told = zoomed()
        if told is not None:
            told(Window(event.x0, event.x1, event.y0, event.y1))

    return heard
