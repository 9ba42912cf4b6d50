"""The choice of two columns to set against each other, of their scales, and of what colours the clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.views.column_picker import ColumnPicker
from dashboard.views.pair_colours import COLOURS
from explain.crossfilter.axes import SCALES, AxisKey, usual_scale
from explain.crossfilter.exploration import PAIR
from explain.crossfilter.filters import Box, Lasso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboard.exploring import Exploring
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from explain.crossfilter.exploration import Pair
    from explain.crossfilter.filters import Filter

OTHER, BY_CATEGORY = "other", "categories"


class PairChoice(pn.viewable.Viewer):
    """The fields that choose a pair; what they show follows the state.

    Parameters
    ----------
    state, services, exploring, translate : of the session.
    """

    def __init__(
        self, state: SessionState, services: Services, exploring: Exploring, translate: Translator, **params: Any
    ) -> None:
        super().__init__(**params)
        self._state, self._services, self._exploring, self._t = state, services, exploring, translate
        t = translate
        self._filling = False
        self._shown_colour = ""
        self._offered: dict[str, Pair] = {}
        self._across = ColumnPicker(t("bivariate.across"), services, t, lambda key: self._chosen("across", key))
        self._up = ColumnPicker(t("bivariate.up"), services, t, lambda key: self._chosen("up", key))
        self._third = ColumnPicker(t("bivariate.third"), services, t, self._coloured)
        self._measured = {t(f"bivariate.scale_{scale}"): scale for scale in SCALES}
        self._scales = {
            side: pmui.Select(
                label=t(f"bivariate.scale_{side}"), options=self._measured, value=SCALES[0], size="small",
                sizing_mode="stretch_width", margin=(8, 0, 4, 0),
            )
            for side in ("across", "up")
        }  # fmt: skip
        self._colour = pmui.Select(
            label=t("bivariate.colour"),
            options={t(f"bivariate.colour_{name}"): name for name in (*COLOURS, OTHER)},
            value=COLOURS[1], size="small", sizing_mode="stretch_width", margin=(8, 0, 4, 0),
        )  # fmt: skip
        self._swap = pmui.Button(
            label=t("bivariate.swap"), icon="swap_horiz", variant="outlined", size="small", on_click=self._swapped,
            margin=(12, 0, 4, 0), sizing_mode="stretch_width",
        )  # fmt: skip
        self._telling = pmui.Select(
            label=t("bivariate.telling"), options=[], size="small", sizing_mode="stretch_width", margin=(8, 0, 4, 0),
            visible=False,
        )  # fmt: skip
        self._third.view.visible = False
        for side, select in self._scales.items():
            select.param.watch(lambda event, side=side: self._rescaled(side, event.new), "value")
        self._colour.param.watch(lambda event: self._coloured(event.new), "value")
        self._telling.param.watch(self._told, "value")
        state.param.watch(self._follow, "exploration")
        self._follow()

    def offer_pairs(self, pairs: Sequence[tuple[str, Pair]]) -> None:
        """Offer pairs that tell something, each under a label."""
        self._offered = dict(pairs)
        self._filling = True
        try:
            self._telling.param.update(options=["", *self._offered], value="", visible=bool(self._offered))
        finally:
            self._filling = False
        self._follow()

    def _chosen(self, side: str, key: str) -> None:
        axis = AxisKey(key, usual_scale(self._services.population.column(key)))
        self._exploring.show_pair(**{side: axis})

    def _rescaled(self, side: str, scale: str | None) -> None:
        if self._filling or scale is None or self._state.exploration is None:
            return
        now: AxisKey = getattr(self._state.exploration.pair, side)
        if now.scale != scale:
            self._exploring.show_pair(**{side: AxisKey(now.column, scale)})

    def _coloured(self, colour: str | None) -> None:
        if self._filling or colour is None:
            return
        self._third.view.visible = colour not in COLOURS
        if colour != OTHER:
            self._exploring.show_pair(colour=colour)

    def _swapped(self, *_events: Any) -> None:
        if self._state.exploration is None:
            return
        pair = self._state.exploration.pair
        kept = self._state.exploration.filter_of(PAIR)
        self._exploring.show_pair(across=pair.up, up=pair.across)
        if isinstance(kept, (Box, Lasso)):
            self._exploring.brush(PAIR, swapped(kept))

    def _told(self, event: Any) -> None:
        if not self._filling and event.new in self._offered:
            pair = self._offered[event.new]
            self._exploring.show_pair(across=pair.across, up=pair.up, colour=pair.colour)

    def _follow(self, *_events: Any) -> None:
        if self._state.exploration is None:
            return
        pair = self._state.exploration.pair
        shown = next((label for label, offered in self._offered.items() if offered[:2] == pair[:2]), "")
        colour = pair.colour if pair.colour in COLOURS else OTHER
        self._filling = True
        try:
            for side, picker in (("across", self._across), ("up", self._up)):
                key: AxisKey = getattr(pair, side)
                picker.show(key.column)
                measured = self._services.population.column(key.column).categories is None
                options = self._measured if measured else {self._t("bivariate.scale_categories"): BY_CATEGORY}
                value = key.scale if measured else BY_CATEGORY
                self._scales[side].param.update(options=options, value=value, disabled=not measured)
            if colour == OTHER:
                self._third.show(pair.colour)
            if pair.colour != self._shown_colour:  # else it may be that another column is being looked for
                self._shown_colour = pair.colour
                self._colour.value = colour
                self._third.view.visible = colour == OTHER
            if self._telling.value != shown and self._offered:
                self._telling.value = shown
        finally:
            self._filling = False

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the fields, side by side where there is room."""
        sizes, small = {"xs": 12, "sm": 6}, {"xs": 6, "sm": 3}
        return pmui.Column(
            self._telling,
            pmui.Grid(
                pmui.Grid(self._across.view, size=sizes),
                pmui.Grid(self._up.view, size=sizes),
                container=True, column_spacing=2, sizing_mode="stretch_width", margin=0,
            ),
            pmui.Grid(
                pmui.Grid(self._scales["across"], size=small),
                pmui.Grid(self._scales["up"], size=small),
                pmui.Grid(self._colour, size=small),
                pmui.Grid(self._swap, size=small),
                container=True, column_spacing=2, sizing_mode="stretch_width", margin=0,
            ),
            self._third.view,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip


def swapped(kept: Filter) -> Filter:
    """Return a filter of a pair as one of the pair swapped."""
    if isinstance(kept, Box):
        return Box(kept.up, kept.across)
    if isinstance(kept, Lasso):
        return Lasso(kept.up, kept.across, tuple((y, x) for x, y in kept.corners))
    return kept
