"""A HoloViews figure that is drawn once and then only updated: replacing it would make the browser build it anew."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import holoviews as hv
import panel as pn

if TYPE_CHECKING:
    from collections.abc import Callable


class LiveFigure:
    """One figure of one session.

    Attributes
    ----------
    pane : the pane that shows it, empty until the first `show`.
    """

    def __init__(self) -> None:
        # By default two figures whose axes happen to have one name would share one range.
        self.pane = pn.pane.HoloViews(None, sizing_mode="stretch_width", margin=0, linked_axes=False)
        self._pipe: Any = None
        self._dress: Callable[[Any], None] | None = None

    def show(
        self,
        layers: hv.Overlay,
        options: Callable[[Callable[[Any, Any], None]], list[Any]],
        dress: Callable[[Any], None],
    ) -> None:
        """Show `layers`, of the same kinds at every call.

        Parameters
        ----------
        layers : what is drawn.
        options : how, given the hook to be called at every update; asked at the first call only.
        dress : gives the Bokeh figure its ranges and words, after every update.
        """
        self._dress = dress
        if self._pipe is None:
            self._pipe = hv.streams.Pipe(data=layers)
            figure = hv.DynamicMap(_same, streams=[self._pipe])
            self.pane.object = figure.opts(*options(_hook(weakref.ref(self))))
        else:
            self._pipe.send(layers)

    def dress(self, figure: Any) -> None:
        """Give the Bokeh figure its ranges and words."""
        if self._dress is not None:
            self._dress(figure)


def _hook(owner: weakref.ref[LiveFigure]) -> Callable[[Any, Any], None]:
    # HoloViews keeps options in a process-wide store for as long as what they are of lives: a hook that held its owner
    # would keep the session for ever.
    def hook(plot: Any, _element: Any) -> None:
        live = owner()
        if live is not None:
            live.dress(plot.state)

    return hook


def _same(data: hv.Overlay) -> hv.Overlay:
    return data
