"""Where a gesture on two axes was made, as a filter; and where a filter is drawn on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dashboard.figures.bivariate import Rectangles
from explain.crossfilter.filters import MOST_CORNERS, Box, Categories, Lasso, Range

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from explain.crossfilter.axes import Axis
    from explain.crossfilter.filters import Filter, Side
    from explain.pixels import Window

CLICK = 0.004
"""A box this small beside what is looked at, on both sides, is a click."""
SAME = 1e-6


def box_of(axes: tuple[Axis, Axis], geometry: dict[str, Any], window: Window) -> Box | None:
    """Return the filter of a box drawn on two axes; None where it is none, or a click."""
    x0, x1, y0, y1 = (float(geometry[name]) for name in ("x0", "x1", "y0", "y1"))
    if not np.isfinite((x0, x1, y0, y1)).all():
        return None
    wide = abs(x1 - x0) > CLICK * (window.right - window.left)
    tall = abs(y1 - y0) > CLICK * (window.top - window.bottom)
    return Box(axes[0].side(x0, x1), axes[1].side(y0, y1)) if wide or tall else None


def lasso_of(axes: tuple[Axis, Axis], geometry: dict[str, Any]) -> Lasso | None:
    """Return the filter of a contour drawn on two axes; None where it has no area yet."""
    x, y = (np.asarray(geometry[name], dtype=np.float64) for name in ("x", "y"))
    there = np.isfinite(x) & np.isfinite(y)
    x, y = x[there], y[there]
    if len(x) > MOST_CORNERS:
        chosen = np.linspace(0, len(x) - 1, MOST_CORNERS).round().astype(np.intp)
        x, y = x[chosen], y[chosen]
    if len(x) < 3:
        return None
    return Lasso(axes[0].key, axes[1].key, tuple(zip(x.tolist(), y.tolist(), strict=True)))


def category_at(axis: Axis, place: float) -> Categories | None:
    """Return the filter that keeps the category at a place; None where there is none."""
    number = round(place)
    names = axis.categories or ()
    return Categories(axis.key.column, (names[number],)) if 0 <= number < len(names) else None


def boxes(kept: Filter, axes: tuple[Axis, Axis], window: Window) -> list[tuple[float, float, float, float]]:
    """Return the rectangles that a filter of one side or two is drawn as."""
    own = (kept.across, kept.up) if isinstance(kept, Box) else (kept, kept)
    spans = []
    for axis, side, looked_at in zip(axes, own, sides(window), strict=True):
        beyond = far(axis, *looked_at)
        drawn = isinstance(kept, Box) or side.column == axis.key.column
        spans.append(list(_spans(axis, side, beyond)) if drawn else [beyond])
    return [(*across, *up) for across in spans[0] for up in spans[1]]


def _spans(axis: Axis, side: Side, beyond: tuple[float, float]) -> Iterable[tuple[float, float]]:
    """Return between which places one side of a filter is drawn: one span of a measure, one a run of categories."""
    if isinstance(side, Range):
        span = axis.span(side)
        if span is not None:
            low = beyond[0] if side.low == -np.inf else span[0]
            yield low, beyond[1] if side.high == np.inf else span[1]
        return
    run: list[int] = []
    for number in range(len(axis.categories or ()) + 1):
        if number < len(axis.categories or ()) and axis.categories[number] in side.names:
            run.append(number)
        elif run:
            yield run[0] - 0.5, run[-1] + 0.5
            run = []


def far(axis: Axis, low: float, high: float) -> tuple[float, float]:
    """Return places beyond all that can be seen, near enough for a canvas."""
    least, most = min(axis.full[0], low), max(axis.full[1], high)
    return least - (most - least), most + (most - least)


def sides(window: Window) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return from where to where a window reaches across, and up."""
    return (window.left, window.right), (window.bottom, window.top)


def rectangles(found: Sequence[tuple[float, float, float, float]], **words: list[Any]) -> Rectangles:
    """Return rectangles, given by their left, right, bottom and top, and words about each."""
    sides = np.array(found, dtype=np.float64).reshape(-1, 4).T
    return Rectangles(*sides, words)


def alike(window: Window, other: Window) -> bool:
    """Return whether two windows can't be told apart."""
    for (low, high), (first, last) in zip(sides(window), sides(other), strict=True):
        if max(abs(low - first), abs(high - last)) > SAME * (last - first):
            return False
    return True


def labelled(
    found: Sequence[tuple[float, float, float, float]], labels: list[str], window: Window, backwards: tuple[bool, bool]
) -> Rectangles:
    """Return rectangles with a label each, to be put where its upper left corner is seen; the axes may be reversed."""
    at_x = [min(right, window.right) if backwards[0] else max(left, window.left) for left, right, _, _ in found]
    at_y = [max(low, window.bottom) if backwards[1] else min(high, window.top) for _, _, low, high in found]
    return rectangles(found, label=labels, at_x=at_x, at_y=at_y)
