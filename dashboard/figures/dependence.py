"""The contribution of a feature against its value, every client drawn, with the median, and one client marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import holoviews as hv
import numpy as np

from dashboard.figures.axes import label_axis
from dashboard.figures.palette import CLIENT, NEUTRAL
from dashboard.figures.shading import picture, shade
from dashboard.figures.zooming import BOTH, log_odds_ticks, look_at, name_tools
from explain.pixels import Window, aggregate
from explain.swarm import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dashboard.i18n import Translator
    from explain.dependence import Dependence

HEIGHT = 440
WIDTH_PIXELS, HEIGHT_PIXELS, SIDE_PIXELS = 560, 280, 26
_ROOM_ACROSS, _ROOM_UP = 0.02, 0.05
_SIDE, _GAP = 0.05, 0.03


@dataclass(frozen=True, slots=True)
class Frame:
    """What the figure shows before anybody looks closer.

    Attributes
    ----------
    window : all of it.
    side : where clients without a value are drawn, from one place across to another; None where there are none.
    """

    window: Window
    side: tuple[float, float] | None


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """The clients in a window: those with a value, and at the side those without; (h, w, 4) uint8, RGBA."""

    window: Window
    cloud: NDArray[np.uint8]
    side: NDArray[np.uint8]


def frame_of(found: Dependence, *, everything: bool, backwards: bool, own: tuple[float, float] | None) -> Frame:
    """Return what to show.

    Parameters
    ----------
    found : the dependence.
    everything : whether the furthest clients are shown too.
    backwards : whether the axis goes from more to less; the side is at its beginning.
    own : place across and contribution of one client who must be seen, if any.
    """
    left, right = found.range if everything else found.usual
    bottom, top = found.heights if everything else found.usual_heights
    if own is not None:
        if np.isfinite(own[0]):
            left, right = min(left, own[0]), max(right, own[0])
        bottom, top = min(bottom, own[1]), max(top, own[1])
    across, up = right - left, max(top - bottom, 1e-3)
    room = 0.0 if found.levels is not None else _ROOM_ACROSS * across
    left, right, bottom, top = left - room, right + room, bottom - _ROOM_UP * up, top + _ROOM_UP * up
    if not found.missing.size:
        return Frame(Window(left, right, bottom, top), None)
    width, gap = _SIDE * (right - left), _GAP * (right - left)
    if backwards:
        side = right + gap, right + gap + width
        return Frame(Window(left, side[1] + gap / 2, bottom, top), side)
    side = left - gap - width, left - gap
    return Frame(Window(side[0] - gap / 2, right, bottom, top), side)


def dependence_images(found: Dependence, rank: NDArray[np.float32], window: Window) -> Images:
    """Return the clients in a window, coloured by `rank`, (n,) float32 in [0, 1], NaN for grey."""
    cloud = aggregate(found.place, found.contribution, rank, window, WIDTH_PIXELS, HEIGHT_PIXELS)
    missing = found.missing
    around = Window(-1.0, 1.0, window.bottom, window.top)
    side = aggregate(
        spread(missing.size), found.contribution[missing], rank[missing], around, SIDE_PIXELS, HEIGHT_PIXELS
    )
    return Images(window, shade([cloud]), shade([side]))


def dependence_layers(
    images: Images, frame: Frame, medians: Sequence[dict[str, Any]], own: tuple[float, float] | None, *, few: bool
) -> hv.Overlay:
    """Return the clients, the median contribution by value, and the mark of one client; the layers are always these.

    Parameters
    ----------
    images : the clients.
    frame : where the side is.
    medians : one a bin: `across` (its place), `up` (log-odds), and in words `value`, `clients`, `median`.
    own : place across and contribution of the client marked, if any; a client without a value is marked at the side.
    few : whether there are only a few values, so that nothing lies between them.
    """
    window = images.window
    dimensions = {"kdims": ["across"], "vdims": ["up"]}
    left, right = frame.side or (np.nan, np.nan)
    beside = picture(images.side, Window(*_somewhere(left, right, window), window.bottom, window.top))
    mark = own or (np.nan, np.nan)
    if not np.isfinite(mark[0]) and frame.side is not None:
        mark = ((left + right) / 2, mark[1])
    line = [(row["across"], row["up"]) for row in medians] if not few else [(np.nan, np.nan)]
    points = [(row["across"], row["up"], row["value"], row["clients"], row["median"]) for row in medians]
    return hv.Overlay(
        [
            hv.Curve(([-1e12, 1e12], [0.0, 0.0]), **dimensions).relabel(group="Zero"),
            picture(images.cloud, window),
            beside.relabel(group="Side"),
            hv.Curve(line, **dimensions).relabel(group="Halo"),
            hv.Curve(line, **dimensions).relabel(group="Median"),
            hv.Scatter(points, kdims=["across"], vdims=["up", "value", "clients", "median"]).relabel(group="Medians"),
            hv.Scatter([mark], **dimensions).relabel(group="Client"),
        ]
    )


def dependence_options(translate: Translator, hook: Callable[[Any, Any], None]) -> list[hv.Options]:
    """Return how the layers are drawn; `hook` shall call `dress_dependence`."""
    tips = [(translate(f"plots.hover_{key}"), f"@{key}") for key in ("value", "clients", "median")]
    return [
        hv.opts.RGB(apply_ranges=False, default_tools=[], tools=BOTH),
        hv.opts.Curve(apply_ranges=False, default_tools=[]),
        hv.opts.Curve("Zero", color=NEUTRAL, line_width=1.5),
        hv.opts.Curve("Halo", color="white", line_width=5, line_alpha=0.75),
        hv.opts.Curve("Median", color="black", line_width=2),
        hv.opts.Scatter(apply_ranges=False, default_tools=[]),
        hv.opts.Scatter("Medians", color="black", line_color="white", size=7, tools=["hover"], hover_tooltips=tips),
        hv.opts.Scatter("Client", marker="diamond", size=19, color=CLIENT, line_color="white", line_width=2),
        hv.opts.Overlay(
            responsive=True,
            height=HEIGHT,
            apply_ranges=False,
            ylabel=translate("plots.contribution_axis"),
            show_grid=False,
            show_legend=False,
            toolbar="above",
            default_tools=[],
            active_tools=[],
            hooks=[hook],
            fontsize={"ticks": "12px", "labels": "12px"},
        ),
    ]


def dress_dependence(
    figure: Any,
    window: Window,
    ticks: Sequence[tuple[float, str]],
    name: str,
    translate: Translator,
    summary: str,
    *,
    backwards: bool,
    is_new: bool,
) -> None:
    """Give a figure its words, and its ranges where what is looked at is new.

    Parameters
    ----------
    figure : the Bokeh figure.
    window : what is looked at.
    ticks : places across, and what people read there.
    name : what people call the feature.
    translate : words of the visitor's language.
    summary : what the figure says, for those who don't see it.
    backwards : whether a smaller number is more for people, as in days counted back from the application.
    is_new : whether the figure has to be told what is looked at; it knows what its visitor chose.
    """
    if is_new:
        across = (window.right, window.left) if backwards else (window.left, window.right)
        look_at(figure, Window(*across, window.bottom, window.top))
    name_tools(figure, translate)
    label_axis(figure.yaxis[0], log_odds_ticks(window.bottom, window.top, translate))
    label_axis(figure.xaxis[0], ticks)
    figure.xaxis[0].axis_label = name
    figure.update(html_attributes={"role": "img", "aria-label": summary})


def _somewhere(left: float, right: float, window: Window) -> tuple[float, float]:
    """Return a place for an image even where there is nothing to show, beyond what is looked at."""
    if np.isfinite(left):
        return left, right
    beyond = window.right + 10 * (window.right - window.left)
    return beyond, beyond + 1.0
