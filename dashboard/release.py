"""What a session holds is let go when it ends.

Three leaks are closed here, seen in Panel 1.9.4 with panel-material-ui 0.16.6: every `Page` leaves a watcher on the
process-wide `pn.state`; the notice of a lost connection stays in its list of views, with its document; and HoloViews
keeps the callbacks of plots whose document was emptied before their panes could clean up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import panel as pn

if TYPE_CHECKING:
    from collections.abc import Callable


def release_at_end(page: Any, panes: list[pn.pane.HoloViews], close: Callable[[], None]) -> None:
    """Let go, when the current session ends, of the page, the plots of `panes`, and whatever `close` ends.

    Parameters
    ----------
    page : the session's page.
    panes : every HoloViews pane of the session, those not shown included; the list may grow until the session ends.
    close : ends the session's own work.
    """
    document = pn.state.curdoc

    def released(_context: Any) -> None:
        close()
        for reference, (_, _, shown_in, _) in list(pn.state._views.items()):  # noqa: SLF001 (no public way)
            if shown_in is document:
                pn.state._views.pop(reference, None)  # noqa: SLF001
        _unwatch_busy(page)
        for pane in panes:
            for ref, (plot, _) in list(pane._plots.items()):  # noqa: SLF001 (no public way to clean up)
                pane._plots.pop(ref, None)  # noqa: SLF001
                if plot is not None:
                    plot.cleanup()
        panes.clear()

    pn.state.on_session_destroyed(released)


def _unwatch_busy(page: Any) -> None:
    for watcher in list(pn.state.param.watchers.get("busy", {}).get("value", [])):
        owner = getattr(getattr(watcher.fn, "__self__", None), "self", None)
        if owner is page:
            pn.state.param.unwatch(watcher)
