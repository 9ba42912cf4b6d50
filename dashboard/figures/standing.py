"""Where a client stands: the distribution of one fact, and a strip that places a client in a population."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import holoviews as hv
import numpy as np
from bokeh.models import NumeralTickFormatter

from dashboard.figures.axes import label_axis
from dashboard.figures.palette import CLIENT, FOR, NEUTRAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dashboard.i18n import Translator
    from explain.standing import Standing

HEIGHT = 330
YEAR = 365.25
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def distribution_layers(standing: Standing, translate: Translator) -> hv.Overlay:
    """Return the distribution of a fact among all and among accepted clients, and a mark at the client's own value.

    The layers are the same for any fact; the mark is nowhere where the client has no value.
    """
    histogram = standing.histogram
    edges, counts = histogram.edges, (histogram.everyone, histogram.accepted)
    if not counts[0].size:
        edges, counts = np.array([0.0, 1.0]), (np.zeros(1, np.int64), np.zeros(1, np.int64))
    everyone, accepted = map(_shares, counts)
    place = np.nan
    if histogram.client_bin is not None and standing.value is not None:
        place = min(max(standing.value, float(edges[0])), float(edges[-1]))
    top = _top(standing)
    steps = (edges, np.append(accepted, accepted[-1]))
    dimensions = {"kdims": ["x"], "vdims": ["share"]}
    return hv.Overlay(
        [
            hv.Histogram((edges, everyone), label=translate("standing.all"), **dimensions),
            hv.Curve(steps, label=translate("standing.accepted"), **dimensions).relabel(group="Accepted"),
            hv.Curve(([place, place], [0.0, top]), label=translate("standing.value"), **dimensions).relabel(
                group="Client"
            ),
        ]
    )


def distribution_options(translate: Translator, hook: Callable[[Any, Any], None]) -> list[hv.Options]:
    """Return how the layers are drawn; `hook` shall call `dress_distribution` for the fact shown."""
    return [
        hv.opts.Histogram(fill_color=NEUTRAL, fill_alpha=0.35, line_color=NEUTRAL, line_width=0.5),
        hv.opts.Curve("Accepted", interpolation="steps-post", color=FOR, line_width=2.5),
        hv.opts.Curve("Client", color=CLIENT, line_width=3),
        hv.opts.Overlay(
            responsive=True,
            height=HEIGHT,
            framewise=True,
            ylabel=translate("standing.share"),
            legend_position="top",
            legend_opts={"background_fill_alpha": 0, "border_line_alpha": 0, "ncols": 1},
            yformatter=NumeralTickFormatter(format="0 %" if translate.language == "fr" else "0%"),
            toolbar=None,
            default_tools=[],
            show_grid=False,
            hooks=[hook],
            fontsize={"ticks": "12px", "labels": "12px", "legend": "12px"},
        ),
    ]


def dress_distribution(
    figure: Any, standing: Standing, name: str, ticks: Sequence[tuple[float, str]], summary: str, *, backwards: bool
) -> None:
    """Give a figure the ranges and words of its fact.

    Parameters
    ----------
    figure : the Bokeh figure.
    standing : as drawn by `distribution_layers`.
    name : what people call the fact.
    ticks : places on the axis, in the fact's own unit, and what people read there.
    summary : what the figure says, for those who don't see it.
    backwards : whether a smaller number is more for people, as in days counted back from the application.
    """
    edges = standing.histogram.edges
    low, high = (float(edges[0]), float(edges[-1])) if edges.size > 1 else (0.0, 1.0)
    figure.x_range.update(start=high if backwards else low, end=low if backwards else high)
    figure.y_range.update(start=0.0, end=1.05 * _top(standing))
    label_axis(figure.xaxis[0], ticks)
    figure.xaxis[0].axis_label = name
    figure.update(html_attributes={"role": "img", "aria-label": summary})


def round_places(low: float, high: float, *, days: bool, most: int = 6) -> list[float]:
    """Return at most `most` round places from `low` to `high`; of days, whole years where the span is of years."""
    span = high - low
    if not span > 0:
        return [low]
    unit = YEAR if days and span > 2 * YEAR else 1.0
    rough = span / unit / (most - 1)
    scale = 10.0 ** np.floor(np.log10(rough))
    step = unit * scale * next(step for step in STEPS if step * scale >= rough * (1 - 1e-9))
    if unit == YEAR:
        step = max(step, YEAR)
    first = np.ceil(low / step - 1e-9)
    return [float(step * place) for place in np.arange(first, np.floor(high / step + 1e-9) + 1)]


def strip(rank: float) -> str:
    """Return a strip from 0 to 100 % with a client's rank, a share in [0, 1], and the middle marked; for eyes only."""
    x = 4 + 92 * rank
    return (
        '<svg class="strip" viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="track" x="4" y="5.5" width="92" height="3"/>'
        '<line class="median" x1="50" x2="50" y1="2" y2="12"/>'
        f'<rect class="mine" x="{x - 1.2:.2f}" y="1.5" width="2.4" height="11"/></svg>'
    )


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return counts / max(int(counts.sum()), 1)


def _top(standing: Standing) -> float:
    histogram = standing.histogram
    if not histogram.everyone.size:
        return 1.0
    return float(max(_shares(histogram.everyone).max(), _shares(histogram.accepted).max()))
