"""What matters for everyone and for one client: a line a reason, from its usual weight to that for this client."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import holoviews as hv
from bokeh.models import LinearAxis

from dashboard.figures.axes import label_axis
from dashboard.figures.palette import AGAINST, FOR, NEUTRAL
from dashboard.figures.standing import round_places

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dashboard.i18n import Translator

HEIGHT = 560
LABEL_WIDTH = 26
COLUMNS = ["colour", "marker", "size", "label", "own", "usual", "ranks"]


def local_global_layers(rows: Sequence[dict[str, Any]], translate: Translator) -> hv.Overlay:
    """Return a line a reason and its two ends, in log-odds; the layers are always these.

    Parameters
    ----------
    rows : one a reason, from the top down: `label`, `typical` (mean |contribution| over everyone, log-odds), `own`
        (this client's contribution, log-odds of repayment), `ranks` (words).
    translate : words and numbers of the visitor's language.
    """
    lines, usual, mine = [], [], []
    for index, row in enumerate(rows):
        y, weight = float(len(rows) - index), abs(row["own"])
        told = (row["label"], translate.signed(row["own"]), translate.number(row["typical"]), row["ranks"])
        drawn = (FOR, "triangle", 11) if row["own"] >= 0 else (AGAINST, "inverted_triangle", 11)
        lines.append((row["typical"], y, weight, y))
        usual.append((row["typical"], y, NEUTRAL, "diamond", 13, *told))
        mine.append((weight, y, *drawn, *told))
    segments = hv.Segments(lines, kdims=["x0", "y0", "x1", "y1"])
    return segments * hv.Points(usual + mine, kdims=["x", "y"], vdims=COLUMNS)


def local_global_options(translate: Translator, hook: Callable[[Any, Any], None]) -> list[hv.Options]:
    """Return how the layers are drawn; `hook` shall call `dress_local_global` for the rows shown."""
    tips = [
        ("", "@label"),
        (translate("local_global.client"), "@own"),
        (translate("local_global.everyone"), "@usual"),
        (translate("local_global.ranks"), "@ranks"),
    ]
    return [
        hv.opts.Segments(color=NEUTRAL, line_width=2),
        hv.opts.Points(
            color="colour", marker="marker", size="size", line_color="white", tools=["hover"], hover_tooltips=tips
        ),
        hv.opts.Overlay(
            responsive=True,
            height=HEIGHT,
            framewise=True,
            xlabel=translate("local_global.axis"),
            ylabel="",
            show_grid=False,
            toolbar=None,
            default_tools=[],
            show_legend=False,
            hooks=[hook],
            fontsize={"yticks": "12px", "xticks": "12px", "xlabel": "12px"},
        ),
    ]


def dress_local_global(figure: Any, rows: Sequence[dict[str, Any]], translate: Translator, summary: str) -> None:
    """Give a figure the ranges and words of its rows; a second axis, on the right, has the ranks.

    Parameters
    ----------
    figure : the Bokeh figure.
    rows, translate : as drawn by `local_global_layers`.
    summary : what the figure says, for those who don't see it.
    """
    if not figure.right:
        figure.add_layout(LinearAxis(major_label_text_font_size="12px"), "right")
    furthest = max([0.01, *(max(row["typical"], abs(row["own"])) for row in rows)])
    figure.x_range.update(start=-0.03 * furthest, end=1.06 * furthest)
    figure.y_range.update(start=0.4, end=len(rows) + 0.6)
    places = round_places(0.0, furthest, days=False, most=5)
    digits = 1 if all(abs(place * 10 - round(place * 10)) < 1e-9 for place in places) else 2
    label_axis(figure.xaxis[0], [(place, translate.number(place + 0.0, digits)) for place in places])
    heights = [float(len(rows) - index) for index in range(len(rows))]
    labels = (_tick(row["label"]) for row in rows)
    label_axis(figure.left[0], list(zip(heights, labels, strict=True)))
    label_axis(figure.right[0], [(height, row["ranks"]) for height, row in zip(heights, rows, strict=True)])
    figure.update(html_attributes={"role": "img", "aria-label": summary})


def _tick(label: str) -> str:
    lines = textwrap.wrap(label, LABEL_WIDTH) or [""]
    if len(lines) > 2:
        lines = [lines[0], lines[1][: LABEL_WIDTH - 1] + "…"]
    return "\n".join(lines)
