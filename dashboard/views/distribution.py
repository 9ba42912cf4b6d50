"""The distribution of one column over the clients kept by the other charts, and the default rate along it."""

from __future__ import annotations

import math
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import panel as pn
import panel_material_ui as pmui
from bokeh.events import DoubleTap, SelectionGeometry, Tap

from dashboard.figures.distribution import TIPS, DistributionFigure
from dashboard.figures.distribution_bars import FEW, bars_of, heights
from dashboard.figures.palette import CLIENT
from dashboard.views.column_words import ColumnWords
from dashboard.views.distribution_words import DistributionWords
from dashboard.views.folded_table import plain_table
from dashboard.views.html import html, status
from dashboard.views.value_filter import UNFOLDED, ValueFilter
from explain.crossfilter.axes import SCALES
from explain.crossfilter.filters import Categories, Range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dashboard.exploring import Exploring
    from dashboard.figures.distribution_bars import Bars, Rows
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from explain.crossfilter.axes import Axis
    from explain.crossfilter.bins import Bins
    from explain.crossfilter.exploration import Distribution, Explored
    from explain.crossfilter.filters import Filter, Side

_LEAST_RATE = 0.01
UNSEEN = {"&.Mui-disabled": {"visibility": "hidden"}}
TABLE = ".scroll { max-height: 420px; overflow: auto; } th[scope=row] { min-width: 120px; }"


class DistributionView(pn.viewable.Viewer):
    """One chart. Its figure is made once; a gesture elsewhere changes its numbers alone, its words follow when it ends.

    Parameters
    ----------
    column_key : of the column.
    state : of the session.
    services : of the portfolio.
    exploring : told what is done on the chart.
    translate : words of the visitor's language.
    """

    def __init__(
        self,
        column_key: str,
        state: SessionState,
        services: Services,
        exploring: Exploring,
        translate: Translator,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self.key = column_key
        self._state, self._services, self._exploring, self._t = state, services, exploring, translate
        self._columns = ColumnWords(services, translate)
        self._words = DistributionWords(column_key, services, self._columns, translate)
        self._column = services.population.column(column_key)
        self._bins: Bins | None = None
        self._axis: Axis | None = None
        self._rows: Rows | None = None
        self._bars: Bars | None = None
        self._own: Side | None = None
        self._shares = self._filling = False
        self._brushed: tuple[int, int] | None = None
        standing = self._column.categories is None
        self.figure = DistributionFigure([translate(f"distribution.{name}") for name in TIPS], standing=standing)
        self._pane = pn.pane.Bokeh(self.figure.figure, sizing_mode="stretch_width", margin=0)
        self._listen()
        self._told, self._client, self._table = html(), html(), html()
        self._table.stylesheets = [*self._table.stylesheets, TABLE]
        label = self._words.label
        self._scale = pmui.Select(
            label=translate("distribution.scale"), value="linear", size="small", width=128, margin=(0, 4, 0, 0),
            options={translate(f"distribution.scale_{scale}"): scale for scale in SCALES}, visible=standing,
        )  # fmt: skip
        self._scale.param.watch(self._rescaled, "value")
        self.remove = pmui.IconButton(
            icon="close", description=translate("distribution.remove", column=label), size="small", margin=0,
            on_click=lambda _event: exploring.remove_chart(column_key),
        )  # fmt: skip
        # Disabled, and so unseen, where there is no filter: what is added or made visible lays out the whole page.
        self._unfilter = pmui.IconButton(
            icon="filter_alt_off", description=translate("distribution.unfilter", column=label), size="small", margin=0,
            on_click=lambda _event: exploring.brush(column_key, None), disabled=True, sx=UNSEEN,
        )  # fmt: skip
        self._buttons = pn.Row(self._unfilter, self.remove, margin=0)
        self.form = ValueFilter(column_key, exploring, services, self._columns, translate)
        self._folded = pmui.Details(
            self._table, title=translate("distribution.table"), collapsed=True, sizing_mode="stretch_width",
            margin=(8, 0, 0, 0), sx=UNFOLDED,
        )  # fmt: skip
        self._folded.param.watch(lambda _event: self._fill_table(), "collapsed")

    def _listen(self) -> None:
        shown = self.figure.figure
        if self.figure.box is not None:
            shown.on_event(SelectionGeometry, self._dragged)
        shown.on_event(Tap, self._tapped)
        shown.on_event(DoubleTap, self._tapped_twice)

    def update(self, distribution: Distribution, explored: Explored) -> None:
        """Show what is explored: the bars at once, the words once the gesture has ended."""
        exploration = explored.wanted.exploration
        if distribution.bins is not self._bins:
            self._place(distribution.bins, distribution.everyone.clients)
        own: Any = exploration.filter_of(self.key)
        if own != self._own:
            self._own = own
            self._unfilter.disabled = own is None
            self.figure.show_own(self._span(own))
        rows = self._rows
        if rows is None:
            return
        self._bars = bars_of(rows, distribution.everyone, distribution.kept)
        settled = self._state.settled is None or exploration == self._state.settled
        self._draw(words_too=settled)
        if settled:
            self._tell()

    def show_shares(self, *, shares: bool) -> None:
        """Show the shares of each group, side by side, or the clients themselves."""
        if shares != self._shares:
            self._shares = shares
            self._draw()

    def mark_client(self) -> None:
        """Mark the client shown on the Client page, and say their value."""
        rows, file, t = self._rows, self._state.file, self._t
        if rows is None:
            return
        if file is None:
            self.figure.mark(math.nan)
            self._client.object = ""
            return
        value = float(self._column.values[file.position])
        self.figure.mark(self._client_place(rows, value))
        if self._column.categories is None:
            said = self._columns.value(self.key, value)
        elif math.isnan(value):
            said = t("column.missing")
        else:
            said = self._columns.category(self.key, self._column.categories[int(value)])
        words = t("distribution.client", client=t.client(file.client), value=said)
        self._client.object = f'<p><span style="color:{CLIENT}" aria-hidden="true">◆</span> {escape(words)}</p>'

    def _place(self, bins: Bins, everyone: NDArray[np.int64]) -> None:
        """Put the bars of other bins where they belong."""
        self._bins, self._axis = bins, self._services.population.axis(bins.key)
        self._rows = self._words.rows(bins, self._axis, everyone)
        self._own = None
        self.figure.show_own(None)
        self._unfilter.disabled = True
        self.figure.place(self._rows)
        self._filling = True
        try:
            self._scale.value = bins.key.scale
        finally:
            self._filling = False
        self.form.show(self._axis, missing=bool(everyone[-1]))
        self.mark_client()

    def _draw(self, *, words_too: bool = True) -> None:
        rows, bars, words = self._rows, self._bars, self._words
        if rows is None or bars is None:
            return
        tall = heights(rows, bars, shares=self._shares)
        top = _rate_top(bars)
        ticks = words.ticks(tall.top, shares=self._shares), words.rate_ticks(top)
        tips = words.tips(rows, bars) if words_too else None
        self.figure.say(*words.titles(rows, bars, shares=self._shares))
        self.figure.show(rows, bars, tall, self._inside(rows), tips, ticks, top)

    def _tell(self) -> None:
        rows, bars = self._rows, self._bars
        if rows is None or bars is None:
            return
        summary = self._words.summary(rows, bars)
        self._told.object = status(summary)
        self.figure.describe(f"{self._words.label}. {summary}")
        self._fill_table()

    def _fill_table(self) -> None:
        rows, bars, t = self._rows, self._bars, self._t
        if self._folded.collapsed or rows is None or bars is None:
            return
        heads, cells = self._words.table(rows, bars)
        self._table.object = plain_table(t("distribution.table_of", column=self._words.label), heads, cells)

    def _inside(self, rows: Rows) -> NDArray[np.bool_]:
        """Return which bars the chart's own filter keeps, in part at least."""
        own, bins = self._own, self._bins
        if own is None or bins is None:
            return np.ones(len(rows), dtype=np.bool_)
        kept = np.zeros(len(bins) + 1, dtype=np.bool_)
        if isinstance(own, Range):
            kept[:-1] = (bins.high >= own.low) & (bins.low <= own.high)
        else:
            kept[:-1] = [name in own.names for name in bins.categories or [""] * len(bins)]
        kept[-1] = own.missing
        inside = np.zeros(len(rows) + 1, dtype=np.bool_)
        np.logical_or.at(inside, rows.row, kept)
        return inside[:-1]

    def _span(self, own: Side | None) -> tuple[float, float] | None:
        """Return between which places the chart's own filter is drawn: bars that lie tell it by themselves."""
        rows, axis = self._rows, self._axis
        if own is None or rows is None or axis is None or not rows.standing:
            return None
        span = axis.span(own)
        if span is None or self._bins is None:
            return None
        least, most = float(self._bins.edges[0]), float(self._bins.edges[-1])
        low, high = min(max(span[0], least), most), max(min(span[1], most), least)
        # One value alone, or the few of a bin beyond the usual ones, has to be seen too.
        thin = 0.004 * (most - least)
        return (low, high) if high - low > thin else (low - thin, high + thin)

    def _client_place(self, rows: Rows, value: float) -> float:
        bins, axis = self._bins, self._axis
        if bins is None or axis is None:
            return math.nan
        bar = int(rows.row[bins.bin_of(value)])
        if bar >= len(rows):
            return math.nan
        low, high = float(rows.low[bar]), float(rows.high[bar])
        if not rows.standing or bar == rows.missing:
            return (low + high) / 2
        place = axis.place_of(value)
        return (low + high) / 2 if math.isnan(place) else min(max(place, low), high)

    def _dragged(self, event: Any) -> None:
        rows, bins = self._rows, self._bins
        geometry = event.geometry or {}
        if rows is None or bins is None or geometry.get("type") != "rect":
            return
        low, high = sorted((float(geometry["x0"]), float(geometry["x1"])))
        touched = np.flatnonzero((rows.low < high) & (rows.high > low))
        if not touched.size:
            if event.final:
                self._brushed = None
            return
        bars = [int(bar) for bar in touched if bar != rows.missing]
        missing = rows.missing is not None and rows.missing in touched
        ends = (bars[0], bars[-1]) if bars else (len(bins), len(bins))
        brushed = (ends[0] - (len(bins) + 1) * missing, ends[1])
        if brushed == self._brushed and not event.final:
            return
        self._brushed = None if event.final else brushed
        self._exploring.brush(self.key, bins.side(*ends, missing=missing), final=bool(event.final))

    def _tapped(self, event: Any) -> None:
        rows, bins = self._rows, self._bins
        place = event.x if rows is not None and rows.standing else event.y
        bar = None if rows is None or place is None else rows.at(float(place))
        if rows is None or bins is None or bar is None:
            return
        self._exploring.brush(self.key, self._toggled(rows, bins, bar))

    def _tapped_twice(self, _event: Any) -> None:
        self._exploring.brush(self.key, None)

    def _toggled(self, rows: Rows, bins: Bins, bar: int) -> Filter | None:
        """Return the chart's filter with one bar taken in, or taken out where it was in."""
        own = self._own
        if bins.categories is None:
            if bar == rows.missing:
                if own is None:
                    return bins.side(len(bins), len(bins))
                return None if isinstance(own, Categories) else replace(own, missing=not own.missing)
            alone = bins.side(bar, bar)
            return None if own == alone else alone
        names = {name for name, row in zip(bins.categories, rows.row[:-1].tolist(), strict=True) if row == bar}
        before, missing = (set(own.names), own.missing) if isinstance(own, Categories) else (set(), False)
        if bar == rows.missing:
            missing = not missing
        elif names <= before:
            before -= names
        else:
            before |= names
        kept = tuple(name for name in bins.categories if name in before)
        return Categories(self.key, kept, missing) if kept or missing else None

    def _rescaled(self, event: Any) -> None:
        if not self._filling and event.new in SCALES:
            self._exploring.rescale(self.key, event.new)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the chart, top to bottom."""
        title = html(f'<h3 style="margin:6px 0 0">{escape(self._words.label)}</h3>')
        about = html(f'<p class="soft" style="font-size:13px">{escape(self._words.about())}</p>')
        return pn.Column(
            pn.Row(title, self._scale, self._buttons, sizing_mode="stretch_width", margin=0),
            about, self._pane, self._client, self._told, self.form.view, self._folded,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip


def _rate_top(bars: Bars) -> float:
    """Return the default rate that its axis goes to: all intervals of enough clients, in round tenths at the least."""
    known = bars.labelled >= FEW
    highs = bars.rate_high[known] if known.any() else bars.rate[bars.labelled > 0]
    most = float(np.nanmax(highs, initial=0.0))
    overall = 0.0 if math.isnan(bars.overall) else bars.overall
    return min(max(1.08 * most, 1.25 * overall, _LEAST_RATE), 1.0)
