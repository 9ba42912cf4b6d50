"""The clients by bin of one column, accepted and refused, over everyone; and below, the default rate of each bin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import (
    BoxAnnotation,
    BoxSelectTool,
    ColumnDataSource,
    FixedTicker,
    GlyphRenderer,
    HoverTool,
    Label,
    NoOverlap,
    Quad,
    Range1d,
    Scatter,
    Segment,
)
from bokeh.plotting import figure

from dashboard.figures.distribution_bars import FEW
from dashboard.figures.palette import AGAINST, CLIENT, FOR, NEUTRAL, SELECTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dashboard.figures.distribution_bars import Bars, Heights, Rows

HEIGHT = 300
ROW_HEIGHT, ROOM_HEIGHT = 30, 56
DIM = 0.3
_DIGITS = 5
_INSET = 0.06
STANDING = ((0.42, 1.0), (0.0, 0.29))
"""Where the clients and the rates are, of the height of a figure whose bars stand, ..."""
LYING = ((0.0, 0.58), (0.66, 0.98))
"""... and of the width of one whose bars lie."""
TITLE = "#6b7480"
HATCH = {
    "hatch_pattern": "right_diagonal_line", "hatch_color": "white", "hatch_alpha": 0.55, "hatch_scale": 7,
    "hatch_weight": 1,
}  # fmt: skip
TIPS = ("value", "kept", "accepted", "refused", "rate", "score", "everyone")


class DistributionFigure:
    """One Bokeh figure, made once for bars that stand or for bars that lie, and then only given other numbers.

    Parameters
    ----------
    standing : whether bars stand.
    tips : what each of TIPS is called.

    Attributes
    ----------
    figure : the Bokeh figure.
    box : the tool that selects a range by dragging; None where bars lie: there a tap selects.
    """

    def __init__(self, tips: Sequence[str], *, standing: bool) -> None:
        self._standing = standing
        self._placed: tuple[Rows, bool] | None = None
        self._bars, self._mark = ColumnDataSource(_nothing()), ColumnDataSource(_mark(np.nan, 0.0, 0.0))
        self.figure = figure(
            height=HEIGHT, sizing_mode="stretch_width", toolbar_location=None, tools=[], min_border_left=58,
            min_border_right=12, min_border_top=4, min_border_bottom=26, outline_line_color=None,
            background_fill_alpha=0, border_fill_alpha=0, x_range=Range1d(0, 1), y_range=Range1d(0, 1),
            output_backend="canvas",
        )  # fmt: skip
        clients, rates = STANDING if standing else LYING
        self._clients, self._rates = clients, rates
        # Its ends are numbers from the start: a number in place of a model makes Bokeh look through the whole document.
        ends = {"left": 0.0, "right": 0.0} if self._standing else {"bottom": 0.0, "top": 0.0}
        self._own = BoxAnnotation(
            **ends, fill_color=SELECTED, fill_alpha=0.1, line_color=SELECTED, line_width=2, line_alpha=0.9,
            level="underlay", editable=False, visible=False,
        )  # fmt: skip
        self._overall = ColumnDataSource(_line(0.0, 0.0, np.nan))
        self._titles = [self._title(clients), self._title(rates)]
        self._cut = Label(x=0, y=0, text="", text_align="center", text_baseline="top", text_font_size="12px")
        self.figure.renderers.append(self._own)
        for title in (*self._titles, self._cut):
            self.figure.add_layout(title)
        column = self._draw()
        self.figure.add_tools(
            HoverTool(
                renderers=[column],
                point_policy="follow_mouse",
                attachment="horizontal",
                tooltips=[(name, f"@{key}") for key, name in zip(TIPS, tips, strict=True)],
            )
        )
        self.box: BoxSelectTool | None = None
        if standing:
            self.box = BoxSelectTool(dimensions="width", continuous=True, renderers=[])
            self.box.overlay.update(
                fill_color=SELECTED, fill_alpha=0.08, line_color=SELECTED, line_width=1, editable=False
            )
            self.figure.add_tools(self.box)
            self.figure.toolbar.active_drag = self.box
        self._ticker = FixedTicker(ticks=[], minor_ticks=[])
        self._dress()

    def place(self, rows: Rows) -> None:
        """Put the bars where they belong, and their words along the axis."""
        shown, along = self.figure, self._along
        (shown.x_range if self._standing else shown.y_range).update(start=rows.window[0], end=rows.window[1])
        if not self._standing:
            shown.height = ROOM_HEIGHT + ROW_HEIGHT * max(len(rows), 1)
        along.update(
            ticker=FixedTicker(ticks=[place for place, _ in rows.ticks], minor_ticks=[]),
            major_label_overrides=dict(rows.ticks),
        )

    def show(
        self,
        rows: Rows,
        bars: Bars,
        tall: Heights,
        inside: NDArray[np.bool_],
        tips: dict[str, list[str]] | None,
        ticks: Sequence[Sequence[tuple[float, str]]],
        rate_top: float,
    ) -> None:
        """Show numbers.

        Parameters
        ----------
        rows, bars, tall : what is drawn.
        inside : (R,) bool, which bars the chart's own filter keeps; the others are dimmed.
        tips : what is said of each bar, by TIPS; None leaves what was said.
        ticks : of the axis of clients and of that of rates, in their units, and what is said there.
        rate_top : default rate at the end of its axis, in [0, 1].
        """
        (start, end), (rate_start, rate_end) = self._clients, self._rates
        reach = (end - start) / tall.top
        accepted = start + reach * np.minimum(tall.accepted, tall.top)
        if tall.stacked:
            bottom = accepted
            refused = start + reach * np.minimum(tall.accepted + tall.refused, tall.top)
        else:
            bottom = np.full(len(rows), start)
            refused = start + reach * np.minimum(tall.refused, tall.top)
        outline = start + reach * np.minimum(tall.everyone, tall.top)
        rates = (rate_end - rate_start) / rate_top
        inset = _INSET * (rows.high - rows.low)
        low, high = rows.low + inset, rows.high - inset
        middle = (rows.low + rows.high) / 2
        few = bars.labelled < FEW
        places = {
            "from": rows.low,
            "to": rows.high,
            "accepted_from": low,
            "accepted_to": high if tall.stacked else middle,
            "refused_from": low if tall.stacked else middle,
            "refused_to": high,
            "middle": middle,
        }
        numbers = {
            "everyone_top": outline,
            "accepted_top": accepted,
            "refused_bottom": bottom,
            "refused_top": refused,
            "rate_at": rate_start + rates * np.minimum(bars.rate, rate_top),
            "rate_from": rate_start + rates * np.minimum(bars.rate_low, rate_top),
            "rate_to": rate_start + rates * np.minimum(bars.rate_high, rate_top),
            "alpha": np.where(inside, 1.0, DIM),
            "solid": np.where(few, 0.0, 1.0),
        }
        # Lists travel in one message; every array is two messages of its own, whatever its size.
        told: dict[str, Any] = {name: np.round(values, _DIGITS).tolist() for name, values in numbers.items()}
        told |= tips or {}
        if self._placed == (rows, tall.stacked):
            self._bars.data.update(told)
        else:
            self._placed = (rows, tall.stacked)
            nothing = {name: [""] * len(rows) for name in TIPS}
            self._bars.data = nothing | {name: values.tolist() for name, values in places.items()} | told
        reached = rate_start + rates * min(bars.overall, rate_top)
        self._overall.data = _line(float(rows.low.min(initial=0.0)), float(rows.high.max(initial=0.0)), reached)
        marks = [(start + reach * at, words) for at, words in ticks[0]]
        marks += [(rate_start + rates * at, words) for at, words in ticks[1]]
        self._ticker.ticks = [at for at, _ in marks]
        self._up.major_label_overrides = dict(marks)
        self._show_cut(rows, tall)

    def show_own(self, span: tuple[float, float] | None) -> None:
        """Show between which places the chart's own filter keeps clients; None where that is nowhere on the axis."""
        if span is None:
            self._own.visible = False
            return
        ends = {"left": span[0], "right": span[1]} if self._standing else {"bottom": span[0], "top": span[1]}
        self._own.update(visible=True, **ends)

    def mark(self, place: float) -> None:
        """Mark the place of one client along the axis; NaN where there is none."""
        start, end = self._clients
        self._mark.data = _mark(place, start, end if self._standing else start)

    def say(self, clients: str, rates: str) -> None:
        """Say what the two parts of the figure are."""
        for title, text in zip(self._titles, (clients, rates), strict=True):
            title.text = text

    def describe(self, summary: str) -> None:
        """Say what the figure shows, for those who don't see it."""
        self.figure.html_attributes = {"role": "img", "aria-label": summary}

    def _show_cut(self, rows: Rows, tall: Heights) -> None:
        cut = rows.missing is not None and bool(
            (tall.accepted + tall.refused if tall.stacked else np.maximum(tall.accepted, tall.refused))[rows.missing]
            > tall.top * (1 + 1e-9)
        )
        if cut and rows.missing is not None:
            middle = (rows.low[rows.missing] + rows.high[rows.missing]) / 2
            self._cut.update(x=float(middle), y=self._clients[1], text="▲")
        self._cut.visible = cut

    def _draw(self) -> GlyphRenderer:
        """Draw everything, from the back to the front; return the glyphs that are as high as the figure."""
        start, inside = self._clients[0], {"fill_alpha": "alpha", "line_color": None}
        grey = {"fill_color": NEUTRAL, "line_color": None}
        line = {"line_color": NEUTRAL, "line_width": 2}
        below = self._rates[0] if self._standing else 0.0
        whole = self._quad("from", "to", below, 1.0)
        column = self._add(Quad(**whole, **grey, fill_alpha=0.0))
        column.hover_glyph = Quad(**whole, **grey, fill_alpha=0.14)
        self._add(Quad(**self._quad("from", "to", start, "everyone_top"), **grey, fill_alpha=0.3))
        accepted = self._quad("accepted_from", "accepted_to", start, "accepted_top")
        self._add(Quad(**accepted, **inside, fill_color=FOR))
        refused = self._quad("refused_from", "refused_to", "refused_bottom", "refused_top")
        self._add(Quad(**refused, **inside, **HATCH, fill_color=AGAINST))
        self._add(Segment(**self._segment("from", "to", "everyone_top", "everyone_top"), **line))
        self._add(Segment(**self._segment("middle", "middle", "rate_from", "rate_to"), **line))
        level = self._segment("from", "to", "at", "at")
        self._add(Segment(**level, line_dash="dashed", line_color=NEUTRAL, line_width=1.5), self._overall)
        dot = {"fill_color": NEUTRAL, "fill_alpha": "solid", "line_color": NEUTRAL, "line_width": 1.5}
        self._add(Scatter(**self._point("middle", "rate_at"), **dot, size=6))
        self._add(Segment(**self._segment("at", "at", "start", "end"), line_color=CLIENT, line_width=2), self._mark)
        mark = {"fill_color": CLIENT, "line_color": "white", "line_width": 1.5}
        self._add(Scatter(**self._point("at", "start"), **mark, marker="diamond", size=17), self._mark)
        return column

    def _add(self, glyph: Any, source: ColumnDataSource | None = None) -> GlyphRenderer:
        # Without the copies that `figure.quad` makes of every glyph for selections, which there are none of here.
        bare = {"nonselection_glyph": None, "selection_glyph": None, "hover_glyph": None, "muted_glyph": None}
        drawn = GlyphRenderer(data_source=source or self._bars, glyph=glyph, **bare)
        self.figure.renderers.append(drawn)
        return drawn

    def _dress(self) -> None:
        for axis in (self._along, self._up):
            axis.update(
                axis_line_color=None, major_tick_line_color=None, minor_tick_line_color=None,
                major_label_text_font_size="12px",
            )  # fmt: skip
        if self._standing:
            self._along.major_tick_line_color = NEUTRAL
        self.figure.xaxis[0].major_label_policy = NoOverlap(min_distance=8)
        self._up.ticker = self._ticker
        lines, none = (
            (self.figure.ygrid, self.figure.xgrid) if self._standing else (self.figure.xgrid, self.figure.ygrid)
        )
        lines[0].update(ticker=self._ticker, grid_line_color=NEUTRAL, grid_line_alpha=0.18)
        none[0].grid_line_color = None
        up = self.figure.y_range if self._standing else self.figure.x_range
        up.update(start=-0.015, end=1.1 if self._standing else 1.0)

    def _title(self, part: tuple[float, float]) -> Label:
        size = {"text_font_size": "12px", "text_color": TITLE, "text": ""}
        if self._standing:
            return Label(x=2, x_units="screen", y=part[1] + 0.02, text_baseline="bottom", **size)
        last = part[1] > LYING[0][1]
        return Label(
            x=1.0 if last else part[0], y=-0.62, text_baseline="bottom", text_align="right" if last else "left", **size
        )

    @property
    def _along(self) -> Any:
        return self.figure.xaxis[0] if self._standing else self.figure.yaxis[0]

    @property
    def _up(self) -> Any:
        return self.figure.yaxis[0] if self._standing else self.figure.xaxis[0]

    def _quad(self, start: str, end: str, bottom: str | float, top: str | float) -> dict[str, str | float]:
        if self._standing:
            return {"left": start, "right": end, "bottom": bottom, "top": top}
        return {"left": bottom, "right": top, "bottom": start, "top": end}

    def _segment(self, start: str, end: str, bottom: str, top: str) -> dict[str, str]:
        if self._standing:
            return {"x0": start, "x1": end, "y0": bottom, "y1": top}
        return {"x0": bottom, "x1": top, "y0": start, "y1": end}

    def _point(self, along: str, up: str) -> dict[str, str]:
        return {"x": along, "y": up} if self._standing else {"x": up, "y": along}


COLUMNS = (
    "from", "to", "everyone_top", "accepted_from", "accepted_to", "accepted_top", "refused_from", "refused_to",
    "refused_bottom", "refused_top", "middle", "rate_at", "rate_from", "rate_to", "alpha", "solid",
)  # fmt: skip


def _nothing() -> dict[str, Any]:
    return {name: np.empty(0, np.float32) for name in COLUMNS} | {name: [] for name in TIPS}


def _line(start: float, end: float, at: float) -> dict[str, list[float]]:
    return {"from": [start], "to": [end], "at": [at]}


def _mark(place: float, start: float, end: float) -> dict[str, list[float]]:
    return {"at": [place], "start": [start], "end": [end]}
