"""What drives the model: a line for each source or feature, a bar for everyone and one for the selection."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import holoviews as hv

from dashboard.figures.axes import label_axis
from dashboard.figures.palette import NEUTRAL, SELECTED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dashboard.i18n import Translator

ROW_HEIGHT = 36
MARGINS = 62
LABEL_WIDTH = 24
EVERYONE, CHOSEN = (0.03, 0.33), (-0.33, -0.03)
TICKS = 4
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def figure_height(rows: int) -> int:
    """Return the height, in pixels, of a figure of some lines."""
    return ROW_HEIGHT * max(rows, 1) + MARGINS


def importance_layers(rows: Sequence[dict[str, Any]]) -> hv.Overlay:
    """Return the bars, and over each line an area that is pointed at; the layers are always these.

    Parameters
    ----------
    rows : one a line, the topmost first: `label`, `everyone` and `chosen` (mean |contribution|, log-odds, `chosen` NaN
        where nobody is selected), the same in words as `everyone_words`, `chosen_words` and `difference_words`, and
        `focused`, whether it is in focus.
    """
    bars, areas = [], []
    right = _right(rows)
    for index, row in enumerate(rows):
        y = float(len(rows) - index)
        for value, (low, high), colour in (
            (row["everyone"], EVERYONE, NEUTRAL),
            (row["chosen"], CHOSEN, SELECTED),
        ):
            if not math.isnan(value):
                bars.append((0.0, y + low, value, y + high, colour))
        words = (row["label"], row["everyone_words"], row["chosen_words"], row["difference_words"])
        areas.append((0.0, y - 0.5, right, y + 0.5, 0.14 if row["focused"] else 0.0, *words))
    keys = ["x0", "y0", "x1", "y1"]
    pointed = hv.Rectangles(areas, kdims=keys, vdims=["alpha", "label", "everyone", "chosen", "difference"])
    return hv.Rectangles(bars, kdims=keys, vdims=["colour"]).relabel(group="Bars") * pointed.relabel(group="Lines")


def importance_options(translate: Translator, hook: Callable[[Any, Any], None]) -> list[hv.Options]:
    """Return how the layers are drawn; `hook` shall call `dress_importance` for the rows shown."""
    return [
        hv.opts.Rectangles("Bars", color="colour", line_color=None),
        hv.opts.Rectangles(
            "Lines",
            fill_color=SELECTED,
            fill_alpha="alpha",
            line_color=None,
            hover_fill_alpha=0.1,
            tools=["hover"],
            hover_tooltips=[
                ("", "@label"),
                (translate("importance.everyone"), "@everyone"),
                (translate("importance.chosen"), "@chosen"),
                (translate("importance.difference"), "@difference"),
            ],
        ),
        hv.opts.Overlay(
            responsive=True,
            height=figure_height(1),
            framewise=True,
            xlabel=translate("importance.axis"),
            ylabel="",
            show_grid=False,
            toolbar=None,
            default_tools=[],
            hooks=[hook],
            fontsize={"yticks": "12.5px", "xticks": "12px", "xlabel": "12px"},
        ),
    ]


def dress_importance(figure: Any, rows: Sequence[dict[str, Any]], translate: Translator, summary: str) -> None:
    """Give a figure the size, the ranges and the words of its rows; the tick labels follow the page's theme.

    Parameters
    ----------
    figure : the Bokeh figure.
    rows : as drawn by `importance_layers`.
    translate : words and numbers of the visitor's language.
    summary : what the figure says, for those who don't see it.
    """
    figure.height = figure_height(len(rows))
    figure.x_range.update(start=0.0, end=_right(rows))
    figure.y_range.update(start=0.5, end=len(rows) + 0.5)
    label_axis(figure.xaxis[0], _ticks(_right(rows), translate))
    label_axis(figure.yaxis[0], [(float(len(rows) - index), _short(row["label"])) for index, row in enumerate(rows)])
    figure.update(html_attributes={"role": "img", "aria-label": summary})


def row_at(rows: Sequence[dict[str, Any]], y: float) -> dict[str, Any] | None:
    """Return the line drawn at height `y` of a figure; None where there is none."""
    index = len(rows) - round(y)
    return rows[index] if 0 <= index < len(rows) else None


def _right(rows: Sequence[dict[str, Any]]) -> float:
    values = [row[key] for row in rows for key in ("everyone", "chosen") if not math.isnan(row[key])]
    return 1.04 * max(values, default=1.0) or 1.0


def _ticks(right: float, translate: Translator) -> list[tuple[float, str]]:
    scale = 10.0 ** math.floor(math.log10(right / TICKS))
    step = scale * next(step for step in STEPS if step * scale >= right / TICKS)
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) + (step / scale == STEPS[2])
    count = math.floor(right / step + 1e-9)
    return [(step * place, translate.number(step * place, digits)) for place in range(count + 1)]


def _short(label: str) -> str:
    lines = textwrap.wrap(label, LABEL_WIDTH) or [""]
    return "\n".join(lines if len(lines) <= 2 else [lines[0], lines[1][: LABEL_WIDTH - 1] + "…"])
