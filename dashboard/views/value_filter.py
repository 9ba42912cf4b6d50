"""Filtering one column by values typed or ticked: what a gesture on its chart does, without dragging."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.views.html import html
from dashboard.views.pair_typed import TypedSide, Unreadable
from data.errors import PretscopeError
from explain.crossfilter.filters import Categories

if TYPE_CHECKING:
    from dashboard.exploring import Exploring
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.views.column_words import ColumnWords
    from explain.crossfilter.axes import Axis
    from explain.crossfilter.filters import Filter


UNFOLDED = {
    "& .details-content": {"maxHeight": "none", "padding": "4px 12px 8px"},
    "& .details-expand-button": {"display": "none"},
}
"""A folded part is opened whole, not in a small window with a button in the library's own language."""


class ValueFilter(pn.viewable.Viewer):
    """A folded form; its fields are made when it is first opened.

    Parameters
    ----------
    key : of the column.
    exploring : of the session.
    services : of the portfolio.
    words : of columns.
    translate : words of the visitor's language.
    """

    def __init__(
        self,
        key: str,
        exploring: Exploring,
        services: Services,
        words: ColumnWords,
        translate: Translator,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._key, self._exploring, self._services = key, exploring, services
        self._words, self._t = words, translate
        self._axis: Axis | None = None
        self._gaps = False
        self.typed: TypedSide | None = None
        # A column of Bokeh's own: panel-material-ui's lose what is put into them while they are first drawn.
        self._place = pn.Column(sizing_mode="stretch_width", margin=0)
        self._told = html()
        self.missing: pmui.Checkbox | None = None
        self.view = pmui.Details(
            self._place, title=translate("distribution.by_values"), collapsed=True, sizing_mode="stretch_width",
            margin=(8, 0, 0, 0), sx=UNFOLDED,
        )  # fmt: skip
        self.view.param.watch(self._opened, "collapsed")

    def show(self, axis: Axis, *, missing: bool) -> None:
        """Ask for values of an axis; `missing` tells whether there are clients without one."""
        self._axis, self._gaps = axis, missing
        if self.typed is not None and self.missing is not None:
            self.missing.visible = missing
            self.typed.show(axis)

    def _opened(self, _event: Any = None) -> None:
        if self.view.collapsed or self.typed is not None or self._axis is None:
            return
        t = self._t
        self.typed = TypedSide(self._words, self._services, t)
        self.typed.show(self._axis)
        self.missing = pmui.Checkbox(
            label=t("distribution.missing_too"), value=False, margin=(4, 0), visible=self._gaps
        )
        for field in (self.typed.least, self.typed.most):
            field.param.watch(self.apply, "enter_pressed")
        use = pmui.Button(label=t("distribution.apply"), size="small", on_click=self.apply, margin=(6, 8, 6, 0))
        clear = pmui.Button(
            label=t("distribution.clear"), size="small", variant="outlined", on_click=self.clear, margin=(6, 0)
        )
        self._place.objects = [self.typed.view, self.missing, self._told, pn.FlexBox(use, clear, margin=0)]

    def apply(self, *_events: Any) -> None:
        """Filter by what was typed or ticked, or say why it can't be done; nothing typed is lost."""
        if self.typed is None or self.missing is None:
            return
        too = bool(self.missing.value) and self._gaps
        try:
            side = self.typed.side()
        except (Unreadable, PretscopeError) as error:
            self._tell(str(error))
            return
        if side is None and not too:
            self._tell(self._t("distribution.nothing_typed"))
            return
        self._tell("")
        kept: Filter = Categories(self._key, (), missing=True) if side is None else replace(side, missing=too)
        self._exploring.brush(self._key, kept)

    def clear(self, *_events: Any) -> None:
        """Take the column's filter away."""
        self._tell("")
        self._exploring.brush(self._key, None)

    def _tell(self, message: str) -> None:
        self._told.object = f'<div class="problem" role="alert"><p>{escape(message)}</p></div>' if message else ""

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the form, folded."""
        return self.view
