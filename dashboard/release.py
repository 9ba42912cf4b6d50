"""What a session holds is let go when it ends.

Leaks are closed here that were seen in Panel 1.9.4 with panel-material-ui 0.16.6: every `Page` leaves a watcher on the
process-wide `pn.state`; the notice of a lost connection stays in its list of views, with its document; and HoloViews
keeps the callbacks of plots whose document was emptied before their panes could clean up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import panel as pn

if TYPE_CHECKING:
    from collections.abc import Callable


def release_at_end(panes: list[pn.pane.HoloViews], close: Callable[[], None]) -> None:
    """Let go, when the current session ends, of its page, the plots of `panes`, and whatever `close` ends.

    Parameters
    ----------
    panes : every HoloViews pane of the session, those not shown included; the list may grow until the session ends.
    close : ends the session's own work.
    """
    document = pn.state.curdoc

    def released(_context: Any) -> None:
        close()
        for reference, (_, _, shown_in, _) in list(pn.state._views.items()):  # noqa: SLF001 (no public way)
            if shown_in is document:
                pn.state._views.pop(reference, None)  # noqa: SLF001
        for pane in panes:
            for ref, (plot, _) in list(pane._plots.items()):  # noqa: SLF001 (no public way to clean up)
                pane._plots.pop(ref, None)  # noqa: SLF001
                if plot is not None:
                    plot.cleanup()
        panes.clear()

    pn.state.on_session_destroyed(released)


def unwatch_busy(page: Any) -> None:
    """Let a page no longer follow whether any session of the process is busy.

    It would show every visitor what others do; and each change of it, two for every event of any session, makes the
    library walk all the models of every page: 75 ms each on the Portfolio page.
    """
    for watcher in list(pn.state.param.watchers.get("busy", {}).get("value", [])):
        owner = getattr(getattr(watcher.fn, "__self__", None), "self", None)
        if owner is page:
            pn.state.param.unwatch(watcher)
