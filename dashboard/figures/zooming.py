"""Looking closer at a plot: its tools, in the visitor's words, and its ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bokeh.models import BoxZoomTool, PanTool, ResetTool, ZoomInTool, ZoomOutTool

from dashboard.figures.standing import round_places

if TYPE_CHECKING:
    from dashboard.i18n import Translator
    from explain.pixels import Window

WORDS = {BoxZoomTool: "box", PanTool: "pan", ZoomInTool: "in", ZoomOutTool: "out", ResetTool: "reset"}
ACROSS = ["xbox_zoom", "xpan", "xzoom_in", "xzoom_out", "reset"]
MOST_DIGITS = 6
BOTH = ["box_zoom", "pan", "zoom_in", "zoom_out", "reset"]


def name_tools(figure: Any, translate: Translator) -> None:
    """Say in the visitor's words what the tools of a figure do."""
    for tool in figure.tools:
        for kind, word in WORDS.items():
            if isinstance(tool, kind):
                tool.description = translate(f"plots.tool_{word}")
    figure.toolbar.update(logo=None, group=False)


def look_at(figure: Any, window: Window) -> None:
    """Set the ranges of a figure, and what its "reset" goes back to."""
    for axis, start, end in ((figure.x_range, *window[:2]), (figure.y_range, *window[2:])):
        axis.update(start=start, end=end, reset_start=start, reset_end=end)


def log_odds_ticks(low: float, high: float, translate: Translator) -> list[tuple[float, str]]:
    """Return round log-odds from a low to a high one, and how the language writes them."""
    places = round_places(low, high, days=False)
    step = places[1] - places[0] if len(places) > 1 else 1.0
    digits = next(
        (digits for digits in range(MOST_DIGITS) if abs(step - round(step, digits)) < 1e-6 * step), MOST_DIGITS
    )
    return [(place, "0" if abs(place) < step / 2 else translate.signed(place, digits)) for place in places]
