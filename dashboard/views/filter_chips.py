"""The filters of a selection, each a button that takes it away; and undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import param
from panel.custom import JSComponent

from dashboard.views.html import style_sheet

if TYPE_CHECKING:
    from collections.abc import Callable


class FilterChips(JSComponent):
    """Buttons for the filters, and for undoing and clearing. A chip of which nothing changed stays as it is.

    Attributes
    ----------
    chips : one a filter, in order: its "chart", its "label", and the "remove" that says what its button does.
    words : texts: "label", "none", "undo" and "clear".
    can_undo : whether there is something to undo.
    """

    _esm = "filter_chips.js"

    chips = param.List()
    words = param.Dict(default={})
    can_undo = param.Boolean(default=False)

    def __init__(self, asked: Callable[[str, str], None], **params: Any) -> None:
        params.setdefault("stylesheets", [style_sheet()])
        super().__init__(sizing_mode="stretch_width", margin=0, **params)
        self._asked = asked

    def _handle_msg(self, data: Any) -> None:
        """Tell what was asked for: "remove" and the chart, "undo" or "clear"."""
        if isinstance(data, dict) and data.get("do") in ("remove", "undo", "clear"):
            self._asked(data["do"], str(data.get("chart", "")))
