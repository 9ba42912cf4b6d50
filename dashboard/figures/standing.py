"""Where a client stands: the distribution of one fact, and a strip that places a client in a population."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import holoviews as hv
import numpy as np
from bokeh.models import NumeralTickFormatter

from dashboard.figures.palette import CLIENT, FOR, NEUTRAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dashboard.i18n import Translator
    from explain.standing import Standing

HEIGHT = 330
YEAR = 365.25
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def distribution_plot(
    standing: Standing,
    name: str,
    value: str,
    ticks: Sequence[tuple[float, str]],
    translate: Translator,
    summary: str,
    *,
    backwards: bool = False,
) -> hv.Overlay:
    """Return the distribution of a fact among all and among accepted clients, the client's own value marked.

    Parameters
    ----------
    standing : histogram counts of both populations in shared bins, and the client's value.
    name, value : what people call the fact, and the client's value, in words.
    ticks : places on the axis, in the fact's own unit, and what people read there.
    translate : words and numbers of the visitor's language.
    summary : what the figure says, for those who don't see it.
    backwards : whether a smaller number is more for people, as in days counted back from the application.
    """
    frame = standing.histogram.frame()
    edges = standing.histogram.edges
    everyone, accepted = (_shares(frame[key].to_numpy()) for key in ("everyone", "accepted"))
    dimension = hv.Dimension("x", label=name)
    top = float(max(everyone.max(), accepted.max()))
    layers: list[Any] = [
        hv.Histogram((edges, everyone), kdims=[dimension], vdims=["share"], label=translate("standing.all")).opts(
            fill_color=NEUTRAL, fill_alpha=0.35, line_color=NEUTRAL, line_width=0.5
        ),
        hv.Curve(
            (edges, np.append(accepted, accepted[-1])),
            kdims=[dimension],
            vdims=["share"],
            label=translate("standing.accepted"),
        ).opts(interpolation="steps-post", color=FOR, line_width=2.5),
    ]
    if standing.histogram.client_bin is not None and standing.value is not None:
        place = min(max(standing.value, float(edges[0])), float(edges[-1]))
        label = translate("standing.client", value=value)
        layers.append(
            hv.Curve([(place, 0.0), (place, top)], kdims=[dimension], vdims=["share"], label=label).opts(
                color=CLIENT, line_width=3
            )
        )

    def named(plot: Any, _element: Any) -> None:
        plot.state.update(html_attributes={"role": "img", "aria-label": summary})

    return hv.Overlay(layers).opts(
        responsive=True,
        height=HEIGHT,
        xlabel=name,
        ylabel=translate("standing.share"),
        xticks=list(ticks),
        ylim=(0.0, 1.05 * top),
        invert_xaxis=backwards,
        legend_position="top",
        legend_opts={"background_fill_alpha": 0, "border_line_alpha": 0, "ncols": 1},
        yformatter=NumeralTickFormatter(format="0 %" if translate.language == "fr" else "0%"),
        toolbar=None,
        default_tools=[],
        show_grid=False,
        hooks=[named],
        fontsize={"ticks": "12px", "labels": "12px", "legend": "12px"},
    )


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
