"""The waterfall: from the average client to this one, a bar for each of the strongest reasons."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import holoviews as hv

from dashboard.figures.palette import AGAINST, FOR, NEUTRAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboard.i18n import Translator

ROW_HEIGHT = 44
MARGIN = 74
TICKS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
LABEL_WIDTH = 26


def logit(share: float) -> float:
    """Return the log-odds of a probability in (0, 1)."""
    return math.log(share / (1.0 - share))


def waterfall_plot(rows: Sequence[dict[str, Any]], threshold: float, translate: Translator, summary: str) -> hv.Overlay:
    """Return the waterfall, drawn in log-odds of repayment and labelled in repayment probability.

    Parameters
    ----------
    rows : one a bar, from the base down to the score: `label`, `value` (words), `contribution`, `start`, `end`
        (log-odds of repayment) and `kind` ("base", "reason", "others" or "score").
    threshold : score from which a loan is accepted, in (0, 1).
    translate : words and numbers of the visitor's language.
    summary : what the figure says, for those who don't see it.

    Returns
    -------
    hv.Overlay
        Bars, the steps between them, and the threshold; the tick labels carry the words, so that they follow the theme.
    """
    bars, steps, ticks = [], [], []
    count = len(rows)
    for index, row in enumerate(rows):
        y = float(count - index)
        low, high = sorted((row["start"], row["end"]))
        if row["kind"] == "base" or row["kind"] == "score":
            low, high = row["end"] - 0.004, row["end"] + 0.004
        share = translate.percent(1.0 / (1.0 + math.exp(-row["end"])), 1)
        shown = "" if row["kind"] in ("base", "score") else translate.signed(row["contribution"])
        bars.append((low, y - 0.32, high, y + 0.32, _colour(row), row["label"], row["value"], shown, share))
        if index + 1 < count:
            steps.append((row["end"], y + 0.32, row["end"], y - 1.32))
        ticks.append((y, _tick(row, shown or share)))
    low = min(logit(threshold), *(bar[0] for bar in bars))
    high = max(logit(threshold), *(bar[2] for bar in bars))
    room = max(0.08 * (high - low), 0.05)
    columns = ["colour", "label", "value", "contribution", "share"]
    rectangles = hv.Rectangles(bars, kdims=["x0", "y0", "x1", "y1"], vdims=columns).opts(
        color="colour",
        line_color="colour",
        tools=["hover"],
        hover_tooltips=[
            ("", "@label"),
            (translate("waterfall.value"), "@value"),
            (translate("waterfall.contribution"), "@contribution"),
            (translate("waterfall.running"), "@share"),
        ],
    )
    segments = hv.Segments(steps, kdims=["x0", "y0", "x1", "y1"]).opts(color=NEUTRAL, line_width=1)
    line = hv.VLine(logit(threshold)).opts(color=NEUTRAL, line_dash="dashed", line_width=2)
    xticks = [(logit(tick), translate.percent(tick)) for tick in TICKS if low - room < logit(tick) < high + room]

    def named(plot: Any, _element: Any) -> None:
        plot.state.update(html_attributes={"role": "img", "aria-label": summary})

    return (line * segments * rectangles).opts(
        hv.opts.Overlay(
            responsive=True,
            height=MARGIN + ROW_HEIGHT * count,
            xlim=(low - room, high + room),
            ylim=(0.4, count + 0.6),
            xticks=_spaced(xticks, high - low + 2 * room),
            yticks=ticks,
            xlabel=translate("waterfall.axis"),
            ylabel="",
            show_grid=False,
            toolbar=None,
            default_tools=[],
            hooks=[named],
            fontsize={"yticks": "12px", "xticks": "12px", "xlabel": "12px"},
        )
    )


def _spaced(ticks: list[tuple[float, str]], span: float) -> list[tuple[float, str]]:
    kept: list[tuple[float, str]] = []
    for tick in ticks:
        if not kept or tick[0] - kept[-1][0] > span / 7:
            kept.append(tick)
    return kept


def _colour(row: dict[str, Any]) -> str:
    if row["kind"] in ("base", "score"):
        return NEUTRAL
    return FOR if row["contribution"] >= 0 else AGAINST


def _tick(row: dict[str, Any], shown: str) -> str:
    lines = textwrap.wrap(row["label"], LABEL_WIDTH) or [""]
    if len(lines) > 2:
        lines = [lines[0], lines[1][: LABEL_WIDTH - 1] + "…"]
    lines[-1] = f"{lines[-1]}  {shown}"
    return "\n".join(lines)
