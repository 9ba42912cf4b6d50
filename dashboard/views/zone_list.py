"""Zones of two columns as ordered lists, each with a button that keeps its clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import param
from panel.custom import JSComponent

from dashboard.views.html import style_sheet

if TYPE_CHECKING:
    from collections.abc import Callable

_STYLE = """
.findings { display: grid; gap: 4px 28px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, max(320px, 40%)), 1fr)); }
.findings.waiting { opacity: .55; }
.findings summary { cursor: pointer; padding: 6px 0; }
.findings summary h3 { display: inline; margin: 0; font-size: 15px; }
.zones { list-style: decimal outside; padding-left: 22px; }
.zones li { padding: 4px 0 6px; }
.zone strong { font-weight: 600; display: block; }
.quiet-button { font: inherit; font-size: 14px; color: var(--act); background: none; border: 0; border-radius: 4px;
  padding: 4px 6px; margin-left: -6px; min-height: 28px; cursor: pointer; text-decoration: underline;
  text-underline-offset: 2px; }
.quiet-button:hover { background: color-mix(in srgb, var(--for) 10%, transparent); }
.quiet-button:focus-visible { outline: 2px solid var(--for); outline-offset: 1px; }
.quiet-button[aria-disabled="true"] { cursor: default; text-decoration: none; }
"""


class ZoneList(JSComponent):
    """Ordered lists of zones, each under a heading that folds it; the first is open.

    Attributes
    ----------
    groups : one a list: its "heading", what is said where there are none, "nothing", and its "zones": of each the "id",
        "where" it is, what it "says", and the "keep" that names what its button does.
    keep : text of the buttons.
    waiting : whether what is shown is being computed anew; no button does anything then.
    """

    _esm = "zone_list.js"

    groups = param.List()
    keep = param.String()
    waiting = param.Boolean(default=False)

    def __init__(self, kept: Callable[[str], None], **params: Any) -> None:
        super().__init__(sizing_mode="stretch_width", margin=0, stylesheets=[style_sheet(), _STYLE], **params)
        self._kept = kept

    def _handle_msg(self, data: Any) -> None:
        """Tell the id of the zone whose clients are to be kept."""
        if isinstance(data, dict) and isinstance(data.get("keep"), str) and not self.waiting:
            self._kept(data["keep"])
