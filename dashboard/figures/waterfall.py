"""The waterfall: from the average client to this one, a bar for each of the strongest reasons."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import holoviews as hv

from dashboard.figures.axes import label_axis
from dashboard.figures.palette import AGAINST, FOR, NEUTRAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dashboard.i18n import Translator

HEIGHT = 600
ENDS = ("base", "score")
HALF_MARK = 0.004
TICKS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
LABEL_WIDTH = 26


def logit(share: float) -> float:
    """Return the log-odds of a probability in (0, 1)."""
    return math.log(share / (1.0 - share))


def waterfall_layers(rows: Sequence[dict[str, Any]], threshold: float, translate: Translator) -> hv.Overlay:
    """Return the bars, the steps between them and the threshold, in log-odds of repayment; the layers are always these.

    Parameters
    ----------
    rows : one a bar, from the base down to the score: `label`, `value` (words), `contribution`, `start`, `end`
        (log-odds of repayment) and `kind` ("base", "reason", "others" or "score").
    threshold : score from which a loan is accepted, in (0, 1).
    translate : words and numbers of the visitor's language.
    """
    bars, steps = [], []
    for index, row in enumerate(rows):
        y = float(len(rows) - index)
        low, high = sorted((row["start"], row["end"]))
        if row["kind"] in ENDS:
            low, high = row["end"] - HALF_MARK, row["end"] + HALF_MARK
        colour = NEUTRAL if row["kind"] in ENDS else FOR if row["contribution"] >= 0 else AGAINST
        shown = _shown(row, translate)
        bars.append((low, y - 0.32, high, y + 0.32, colour, row["label"], row["value"], shown, _share(row, translate)))
        if index + 1 < len(rows):
            steps.append((row["end"], y + 0.32, row["end"], y - 1.32))
    columns = ["colour", "label", "value", "contribution", "share"]
    rectangles = hv.Rectangles(bars, kdims=["x0", "y0", "x1", "y1"], vdims=columns)
    segments = hv.Segments(steps, kdims=["x0", "y0", "x1", "y1"])
    return hv.VLine(logit(threshold)) * segments * rectangles


def waterfall_options(translate: Translator, hook: Callable[[Any, Any], None]) -> list[hv.Options]:
    """Return how the layers are drawn; `hook` shall call `dress_waterfall` for the rows shown."""
    return [
        hv.opts.Rectangles(
            color="colour",
            line_color="colour",
            tools=["hover"],
            hover_tooltips=[
                ("", "@label"),
                (translate("waterfall.value"), "@value"),
                (translate("waterfall.contribution"), "@contribution"),
                (translate("waterfall.running"), "@share"),
            ],
        ),
        hv.opts.Segments(color=NEUTRAL, line_width=1),
        hv.opts.VLine(color=NEUTRAL, line_dash="dashed", line_width=2),
        hv.opts.Overlay(
            responsive=True,
            height=HEIGHT,
            framewise=True,
            xlabel=translate("waterfall.axis"),
            ylabel="",
            show_grid=False,
            toolbar=None,
            default_tools=[],
            hooks=[hook],
            fontsize={"yticks": "12px", "xticks": "12px", "xlabel": "12px"},
        ),
    ]


def dress_waterfall(
    figure: Any, rows: Sequence[dict[str, Any]], threshold: float, translate: Translator, summary: str
) -> None:
    """Give a figure the ranges and words of its rows; the tick labels carry the words, so that they follow the theme.

    Parameters
    ----------
    figure : the Bokeh figure.
    rows, threshold, translate : as drawn by `waterfall_layers`.
    summary : what the figure says, for those who don't see it.
    """
    ends = [logit(threshold), *(row["start"] for row in rows), *(row["end"] for row in rows)]
    low, high = min(ends), max(ends)
    room = max(0.08 * (high - low), 0.05)
    figure.x_range.update(start=low - room, end=high + room)
    figure.y_range.update(start=0.4, end=len(rows) + 0.6)
    across = [(logit(tick), translate.percent(tick)) for tick in TICKS if low - room < logit(tick) < high + room]
    label_axis(figure.xaxis[0], _spaced(across, high - low + 2 * room))
    label_axis(figure.yaxis[0], [(float(len(rows) - index), _tick(row, translate)) for index, row in enumerate(rows)])
    figure.update(html_attributes={"role": "img", "aria-label": summary})


def _spaced(ticks: list[tuple[float, str]], span: float) -> list[tuple[float, str]]:
    kept: list[tuple[float, str]] = []
    for tick in ticks:
        if not kept or tick[0] - kept[-1][0] > span / 7:
            kept.append(tick)
    return kept


def _shown(row: dict[str, Any], translate: Translator) -> str:
    return "" if row["kind"] in ENDS else translate.signed(row["contribution"])


def _share(row: dict[str, Any], translate: Translator) -> str:
    return translate.percent(1.0 / (1.0 + math.exp(-row["end"])), 1)


def _tick(row: dict[str, Any], translate: Translator) -> str:
    lines = textwrap.wrap(row["label"], LABEL_WIDTH) or [""]
    if len(lines) > 2:
        lines = [lines[0], lines[1][: LABEL_WIDTH - 1] + "…"]
    lines[-1] = f"{lines[-1]}  {_shown(row, translate) or _share(row, translate)}"
    return "\n".join(lines)
