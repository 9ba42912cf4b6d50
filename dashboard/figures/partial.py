"""The score as one feature alone is moved: the mean of a reference population, single clients behind it, one marked."""

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
    from explain.partial import Partial

HEIGHT = 400
_ROOM = 0.03


def span(found: Partial, value: float | None) -> tuple[float, float]:
    """Return from which value to which the figure goes; a client's own value is inside."""
    low, high = found.grid.usual
    if value is not None and np.isfinite(value):
        low, high = min(low, value), max(high, value)
    room = _ROOM * (high - low)
    return low - room, high + room


def partial_layers(
    found: Partial, across: tuple[float, float], own: NDArray[np.float64] | None, mark: tuple[float, float] | None,
    threshold: float, translate: Translator,
) -> hv.Overlay:  # fmt: skip
    """Return the lines, in scores; the layers are always these.

    Parameters
    ----------
    found : the partial dependence.
    across : from which value to which.
    own : (G,) score of the client marked, in every step; None where nobody is.
    mark : that client's value and score; None where nobody is, or without a value.
    threshold : score from which a loan is accepted.
    translate : words of the visitor's language.
    """
    dimensions = {"kdims": ["across"], "vdims": ["score"]}
    mine = _steps(found, own, across) if own is not None else ([np.nan], [np.nan])
    each = [_steps(found, line, across) for line in found.lines]
    several = tuple(np.concatenate([[*part[side], np.nan] for part in each]) for side in (0, 1))
    return hv.Overlay(
        [
            hv.Curve(several, label=translate("plots.partial_lines"), **dimensions).relabel(group="Lines"),
            hv.Curve((across, [threshold] * 2), label=translate("plots.partial_threshold"), **dimensions).relabel(
                group="Threshold"
            ),
            hv.Curve(_steps(found, found.mean_score, across), label=translate("plots.partial_mean"), **dimensions
            ).relabel(group="Mean"),
            hv.Curve(mine, label=translate("plots.partial_own"), **dimensions).relabel(group="Own"),
            hv.Scatter([mark or (np.nan, np.nan)], **dimensions).relabel(group="Client"),
        ]
    )  # fmt: skip


def partial_options(translate: Translator, hook: Callable[[Any, Any], None]) -> list[hv.Options]:
    """Return how the layers are drawn; `hook` shall call `dress_partial`."""
    return [
        hv.opts.Curve(apply_ranges=False),
        hv.opts.Curve("Lines", color=NEUTRAL, line_width=1, line_alpha=0.45),
        hv.opts.Curve("Threshold", color=NEUTRAL, line_width=2, line_dash="dashed"),
        hv.opts.Curve("Mean", color=FOR, line_width=3.5),
        hv.opts.Curve("Own", color=CLIENT, line_width=2.5),
        hv.opts.Scatter("Client", apply_ranges=False, marker="diamond", size=17, color=CLIENT, line_color="white"),
        hv.opts.Overlay(
            responsive=True,
            height=HEIGHT,
            apply_ranges=False,
            ylabel=translate("plots.partial_axis"),
            legend_position="top",
            legend_opts={"background_fill_alpha": 0, "border_line_alpha": 0, "ncols": 2},
            yformatter=NumeralTickFormatter(format="0 %" if translate.language == "fr" else "0%"),
            toolbar=None,
            default_tools=[],
            show_grid=False,
            hooks=[hook],
            fontsize={"ticks": "12px", "labels": "12px", "legend": "12px"},
        ),
    ]


def dress_partial(
    figure: Any,
    across: tuple[float, float],
    up: tuple[float, float],
    ticks: Sequence[tuple[float, str]],
    name: str,
    summary: str,
    *,
    backwards: bool,
) -> None:
    """Give a figure its ranges and words.

    Parameters
    ----------
    figure : the Bokeh figure.
    across, up : from which value and score to which.
    ticks : values, and what people read there.
    name : what people call the feature.
    summary : what the figure says, for those who don't see it.
    backwards : whether a smaller number is more for people, as in days counted back from the application.
    """
    start, end = (across[1], across[0]) if backwards else across
    figure.x_range.update(start=start, end=end)
    figure.y_range.update(start=up[0], end=up[1])
    label_axis(figure.xaxis[0], ticks)
    figure.xaxis[0].axis_label = name
    figure.update(html_attributes={"role": "img", "aria-label": summary})


def scores_shown(found: Partial, own: NDArray[np.float64] | None) -> tuple[float, float]:
    """Return from which score to which the figure goes."""
    shown = [found.lines.min(), found.lines.max(), *(() if own is None else (own.min(), own.max()))]
    low, high = float(min(shown)), float(max(shown))
    room = max(_ROOM * (high - low), 0.01)
    return max(low - room, 0.0), min(high + room, 1.0)


def _steps(
    found: Partial, scores: NDArray[np.float64], across: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the corners of a line of steps; each goes on to where the next one that was computed begins."""
    starts = np.clip(found.grid.start, *across)
    ends = np.append(starts[1:], across[1])
    return np.stack([starts, ends], axis=1).ravel(), np.repeat(scores, 2)
