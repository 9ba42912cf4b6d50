"""Two columns of every client against each other: a Bokeh figure that is built once and then only told what changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import (
    BoxSelectTool,
    BoxZoomTool,
    ColumnDataSource,
    CustomJS,
    FixedTicker,
    HoverTool,
    LassoSelectTool,
    NoOverlap,
    PanTool,
    Range1d,
    ResetTool,
    WheelZoomTool,
    ZoomInTool,
    ZoomOutTool,
)
from bokeh.plotting import figure

from dashboard.figures.density import blank
from dashboard.figures.palette import AGAINST, CLIENT, FOR, NEUTRAL, SELECTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dashboard.i18n import Translator
    from explain.pixels import Window

HEIGHT = 460
TOOLS = {
    BoxSelectTool: "select", LassoSelectTool: "lasso", PanTool: "pan", WheelZoomTool: "wheel", BoxZoomTool: "box",
    ZoomInTool: "in", ZoomOutTool: "out", ResetTool: "reset",
}  # fmt: skip
_CELL = (
    '<div style="font-size:13px;max-width:300px;line-height:1.35"><div><b>@across</b></div><div><b>@up</b></div>'
    "<div>@said{safe}</div></div>"
)
_ONE = (
    '<div style="font-size:13px;max-width:300px;line-height:1.35"><div><b>@client</b></div><div>@said{safe}</div></div>'
)
# A finger that drags is to scroll the page until its owner has chosen a tool.
_BY_FINGER = (
    "if (!tool.tags.length) { tool.tags = ['seen']; if (matchMedia('(pointer: coarse)').matches) tool.active = false }"
)


@dataclass(frozen=True, slots=True)
class Ticks:
    """What an axis says.

    Attributes
    ----------
    label : what people call the column.
    ticks : places, and what is said there.
    edges : places of the lines between categories; empty for a measure.
    slanted : whether what is said needs to be slanted.
    """

    label: str
    ticks: tuple[tuple[float, str], ...] = ()
    edges: tuple[float, ...] = ()
    slanted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Rectangles:
    """Rectangles in places, and words about each.

    Attributes
    ----------
    left, right, bottom, top : (k,) float64.
    words : columns of k texts or places, by name.
    """

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    bottom: NDArray[np.float64]
    top: NDArray[np.float64]
    words: dict[str, list[Any]] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """Return them as columns of a source."""
        return {"left": self.left, "right": self.right, "bottom": self.bottom, "top": self.top, **self.words}


NOTHING = np.zeros(0)
NO_LASSO = {"xs": [[np.nan] * 2], "ys": [[np.nan] * 2]}
"""Two corners that are nowhere: of no polygon at all, Bokeh 3.9 draws with an error in the browser's console."""
NO_RECTANGLES = Rectangles(NOTHING, NOTHING, NOTHING, NOTHING)


class PairFigure:
    """The figure of one session.

    Attributes
    ----------
    model : the Bokeh figure.
    """

    def __init__(self, translate: Translator) -> None:
        self._ghost, self._image = _image_source(), _image_source()
        self._cells = ColumnDataSource({**NO_RECTANGLES.data(), "across": [], "up": [], "said": []})
        self._zones = ColumnDataSource({**NO_RECTANGLES.data(), "label": [], "at_x": [], "at_y": []})
        self._own = ColumnDataSource(NO_RECTANGLES.data())
        self._lasso = ColumnDataSource(NO_LASSO)
        self._near = ColumnDataSource({name: [] for name in ("x", "y", "colour", "marker", "client", "said")})
        self._client = ColumnDataSource({"x": [], "y": [], "label": [], "align": [], "beside": []})
        self._ticks: dict[str, Ticks] = {}
        box = BoxSelectTool(renderers=[], continuous=True)
        tools = [
            box, LassoSelectTool(renderers=[], continuous=True), PanTool(), BoxZoomTool(), WheelZoomTool(),
            ZoomInTool(), ZoomOutTool(), ResetTool(),
        ]  # fmt: skip
        for tool in tools:
            tool.description = translate(f"bivariate.tool_{TOOLS[type(tool)]}")
        self.model = figure(
            x_range=Range1d(0.0, 1.0), y_range=Range1d(0.0, 1.0), height=HEIGHT, sizing_mode="stretch_width",
            tools=tools, toolbar_location="above", active_drag=box, active_scroll=None, active_inspect="auto",
            output_backend="canvas", min_border_right=12, background_fill_color=None, border_fill_color=None,
            lod_threshold=None, lod_interval=0,  # else a turn of the wheel is told half a second later
        )  # fmt: skip
        self.model.toolbar.update(logo=None, group=False)
        self.model.js_on_change("inner_width", CustomJS(args={"tool": box}, code=_BY_FINGER))
        self._draw_layers()
        for axis in (self.model.xaxis[0], self.model.yaxis[0]):
            # A ticker is never replaced: Bokeh goes through every model of a page when one comes or goes.
            axis.update(
                ticker=FixedTicker(ticks=[], minor_ticks=[]), axis_label_text_font_style="normal",
                axis_label_text_font_size="13px", major_label_text_font_size="12px",
                major_label_policy=NoOverlap(min_distance=_APART),
            )  # fmt: skip
        for grid in (self.model.xgrid[0], self.model.ygrid[0]):
            grid.update(
                visible=False, grid_line_color=NEUTRAL, grid_line_alpha=0.35, grid_line_width=1,
                ticker=FixedTicker(ticks=[], minor_ticks=[]),
            )  # fmt: skip

    def _draw_layers(self) -> None:
        plot, corners = self.model, {"left": "left", "right": "right", "bottom": "bottom", "top": "top"}
        for source in (self._ghost, self._image):
            plot.image_rgba("image", "x", "y", "dw", "dh", source=source, level="image")
        cells = plot.quad(
            **corners, source=self._cells, fill_alpha=0.0, line_alpha=0.0, hover_fill_color=NEUTRAL,
            hover_fill_alpha=0.16, hover_line_color=NEUTRAL, hover_line_alpha=0.9,
        )  # fmt: skip
        plot.quad(**corners, source=self._zones, fill_alpha=0.0, line_color="white", line_width=4, line_alpha=0.8)
        plot.quad(
            **corners, source=self._zones, fill_alpha=0.0, line_color="#3a2a12", line_width=1.6, line_dash=[6, 3],
        )  # fmt: skip
        plot.text(
            "at_x", "at_y", "label", source=self._zones, text_font_size="12px", text_color="#3a2a12", x_offset=3,
            y_offset=2, text_baseline="top", background_fill_color="white", background_fill_alpha=0.85, padding=2,
        )  # fmt: skip
        for line in ({"line_color": "white", "line_width": 5.0, "fill_alpha": 0.0}, _KEPT):
            plot.quad(**corners, source=self._own, **line)
            plot.patches("xs", "ys", source=self._lasso, **line)
        near = plot.scatter(
            "x", "y", source=self._near, size=10, marker="marker", fill_color="colour", line_color="white",
            line_width=1.2, hover_line_color="black",
        )  # fmt: skip
        plot.scatter(
            "x", "y", source=self._client, marker="diamond", size=22, color=CLIENT, line_color="white", line_width=2
        )
        plot.text(
            "x", "y", "label", source=self._client, x_offset="beside", y_offset=-8, text_align="align",
            text_font_size="12.5px", text_font_style="bold", text_color=CLIENT, background_fill_color="white",
            background_fill_alpha=0.85, padding=2,
        )  # fmt: skip
        plot.add_tools(
            HoverTool(renderers=[cells], tooltips=_CELL, visible=False, point_policy="follow_mouse"),
            HoverTool(renderers=[near], tooltips=_ONE, visible=False),
        )

    def look_at(self, window: Window, home: Window, *, reversed_across: bool, reversed_up: bool) -> None:
        """Set what is looked at, and what "reset" goes back to."""
        ends = (
            (self.model.x_range, window.left, window.right, home.left, home.right, reversed_across),
            (self.model.y_range, window.bottom, window.top, home.bottom, home.top, reversed_up),
        )
        for axis, start, end, first, last, backwards in ends:
            if backwards:
                axis.update(start=end, end=start, reset_start=last, reset_end=first)
            else:
                axis.update(start=start, end=end, reset_start=first, reset_end=last)

    def paint(self, image: NDArray[np.uint32], window: Window) -> None:
        """Show an image of the clients in the window."""
        self._image.data = _image_data(image, window)

    def paint_ghost(self, ghost: NDArray[np.uint32] | None, window: Window) -> None:
        """Show an image of everyone in the window beneath it, None for none."""
        if ghost is not None:
            self._ghost.data = _image_data(ghost, window)
        elif self._ghost.data["image"][0].size > blank().size:
            self._ghost.data = _image_data(blank(), window)

    def say_cells(self, cells: Rectangles) -> None:
        """Set what is said where the pointer is; `words` hold "across", "up" and "said" (HTML)."""
        self._cells.data = cells.data() if cells.words else {**cells.data(), "across": [], "up": [], "said": []}

    def show_near(
        self, x: NDArray[np.floating], y: NDArray[np.floating], accepted: NDArray[np.bool_], words: dict[str, list[str]]
    ) -> None:
        """Show clients one by one: where, whether accepted, and of each the "client" and what is "said" (HTML)."""
        if not len(x) and not len(self._near.data["x"]):
            return
        self._near.data = {
            "x": np.asarray(x, dtype=np.float64),
            "y": np.asarray(y, dtype=np.float64),
            "colour": [FOR if one else AGAINST for one in accepted],
            "marker": ["circle" if one else "square" for one in accepted],
            **(words or {"client": [], "said": []}),
        }

    def outline(self, zones: Rectangles) -> None:
        """Draw zones; `words` hold the "label" of each, and where it is put, "at_x" and "at_y"."""
        if len(zones.left) or len(self._zones.data["left"]):
            self._zones.data = {"label": [], "at_x": [], "at_y": [], **zones.data()}

    def show_kept(self, boxes: Rectangles, corners: Sequence[tuple[float, float]]) -> None:
        """Draw what the figure's own filter keeps: rectangles, or the corners of a lasso."""
        if len(boxes.left) or len(self._own.data["left"]):
            self._own.data = boxes.data()
        lasso = NO_LASSO
        if corners:
            across, up = ([list(map(float, side))] for side in zip(*corners, strict=True))
            lasso = {"xs": across, "ys": up}
        if corners or len(self._lasso.data["xs"][0]) > len(NO_LASSO["xs"][0]):
            self._lasso.data = lasso

    def mark(self, place: tuple[float, float] | None, label: str, width: int) -> None:
        """Mark one client; None where nobody is, or nowhere. The plot is `width` pixels wide."""
        marked: dict[str, list[Any]] = {"x": [], "y": [], "label": [], "align": [], "beside": []}
        if place is not None:
            ends = self.model.x_range.start, self.model.x_range.end
            room = width * (ends[1] - place[0]) / (ends[1] - ends[0])
            align, beside = ("left", 13) if room > _LETTER * len(label) + 20 else ("right", -13)
            marked = {"x": [place[0]], "y": [place[1]], "label": [label], "align": [align], "beside": [beside]}
        if dict(self._client.data) != marked:
            self._client.data = marked

    def say_axes(self, across: Ticks, up: Ticks) -> None:
        """Put words on the axes."""
        for name, axis, grid, said in (
            ("across", self.model.xaxis[0], self.model.xgrid[0], across),
            ("up", self.model.yaxis[0], self.model.ygrid[0], up),
        ):
            if self._ticks.get(name) == said:
                continue
            self._ticks[name] = said
            axis.ticker.ticks = [place for place, _ in said.ticks]
            axis.update(
                major_label_overrides=dict(said.ticks), axis_label=said.label,
                major_label_orientation=0.7 if said.slanted else "horizontal",
            )  # fmt: skip
            axis.major_label_policy.min_distance = _SLANTED_APART if said.slanted else _APART
            grid.ticker.ticks = list(said.edges)
            grid.visible = bool(said.edges)

    def say(self, summary: str) -> None:
        """Set what the figure says, for those who don't see it."""
        if self.model.html_attributes.get("aria-label") != summary:
            self.model.html_attributes = {"role": "img", "aria-label": summary}


_LETTER = 7
_APART, _SLANTED_APART = 2, -62
"""Pixels between labels; the boxes around slanted ones overlap though the words don't."""
_KEPT = {"line_color": SELECTED, "line_width": 2.2, "fill_color": SELECTED, "fill_alpha": 0.07}


def _image_source() -> ColumnDataSource:
    return ColumnDataSource({"image": [blank()], "x": [0.0], "y": [0.0], "dw": [1.0], "dh": [1.0]})


def _image_data(image: NDArray[np.uint32], window: Window) -> dict[str, Any]:
    return {
        "image": [image],
        "x": [window.left],
        "y": [window.bottom],
        "dw": [window.right - window.left],
        "dh": [window.top - window.bottom],
    }
