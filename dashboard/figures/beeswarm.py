"""The swarms of the features that weigh most, one band each, of every client."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import holoviews as hv

from dashboard.figures.axes import label_axis
from dashboard.figures.palette import NEUTRAL
from dashboard.figures.shading import picture, shade
from dashboard.figures.zooming import ACROSS, log_odds_ticks, look_at, name_tools
from explain.pixels import Window, aggregate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dashboard.i18n import Translator
    from explain.swarm import Swarm

WIDTH, BAND = 640, 32
BAND_HEIGHT = 40
LABEL_WIDTH = 26
_ROOM = 0.04


def whole(swarms: Sequence[Swarm]) -> Window:
    """Return the window that shows every band, the furthest 0.05 % of each left out on each side."""
    ends = [0.0, *(end for swarm in swarms for end in swarm.usual)]
    low, high = min(ends), max(ends)
    room = max(_ROOM * (high - low), 1e-3)
    return Window(low - room, high + room, 0.5, max(len(swarms), 1) + 0.5)


def beeswarm_image(
    swarms: Sequence[Swarm], left: float, right: float, run: Callable[..., Any] = map
) -> NDArray[np.uint8]:
    """Return the bands one above the other, the first at the top, between two contributions: (h, w, 4) uint8, RGBA.

    Parameters
    ----------
    swarms : one a band.
    left, right : log-odds of repayment.
    run : as `map`; a pool's does several bands at once.
    """
    window = Window(left, right, -0.5, 0.5)

    def band(swarm: Swarm) -> Any:
        return aggregate(swarm.contribution, swarm.offset, swarm.rank, window, WIDTH, BAND)

    return shade(list(run(band, swarms)))


def beeswarm_layers(image: NDArray[np.uint8], window: Window) -> hv.Overlay:
    """Return the bands, and where a contribution is zero; the layers are always these."""
    zero = hv.Curve(([0.0, 0.0], [-1e3, 1e3]), kdims=["across"], vdims=["up"])
    return hv.Overlay([zero, picture(image, window)])


def beeswarm_options(bands: int, translate: Translator, hook: Callable[[Any, Any], None]) -> list[hv.Options]:
    """Return how the layers are drawn; `hook` shall call `dress_beeswarm`."""
    return [
        hv.opts.RGB(apply_ranges=False, default_tools=[], tools=ACROSS),
        hv.opts.Curve(color=NEUTRAL, line_width=1.5, apply_ranges=False, default_tools=[]),
        hv.opts.Overlay(
            responsive=True,
            height=bands * BAND_HEIGHT + 90,
            apply_ranges=False,
            xlabel=translate("plots.swarm_axis"),
            ylabel="",
            show_grid=False,
            show_legend=False,
            toolbar="above",
            default_tools=[],
            active_tools=[],
            hooks=[hook],
            fontsize={"yticks": "12px", "xticks": "12px", "xlabel": "12px"},
        ),
    ]


def dress_beeswarm(
    figure: Any, labels: Sequence[str], window: Window, translate: Translator, summary: str, *, is_new: bool
) -> None:
    """Give a figure its words, and its ranges where what is looked at is new.

    Parameters
    ----------
    figure : the Bokeh figure.
    labels : what people call the features, the first band's first.
    window : what is looked at.
    translate : words of the visitor's language.
    summary : what the figure says, for those who don't see it.
    is_new : whether the figure has to be told what is looked at; it knows what its visitor chose.
    """
    if is_new:
        look_at(figure, window)
    label_axis(figure.xaxis[0], log_odds_ticks(window.left, window.right, translate))
    name_tools(figure, translate)
    count = len(labels)
    label_axis(figure.yaxis[0], [(float(count - place), _tick(label)) for place, label in enumerate(labels)])
    figure.update(html_attributes={"role": "img", "aria-label": summary})


def _tick(label: str) -> str:
    lines = textwrap.wrap(label, LABEL_WIDTH) or [""]
    if len(lines) > 2:
        lines = [lines[0], lines[1][: LABEL_WIDTH - 1] + "…"]
    return "\n".join(lines)
