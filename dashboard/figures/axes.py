"""An axis with its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bokeh.models import FixedTicker

if TYPE_CHECKING:
    from collections.abc import Sequence


def label_axis(axis: Any, ticks: Sequence[tuple[float, str]]) -> None:
    """Put `ticks`, each a place and its words, on a Bokeh axis, in place of what is there."""
    places = [place for place, _ in ticks]
    if isinstance(axis.ticker, FixedTicker):
        # A model put in another's place makes Bokeh look through the whole document; a list of numbers doesn't.
        axis.ticker.update(ticks=places, minor_ticks=[])
        axis.major_label_overrides = dict(ticks)
    else:
        axis.update(ticker=FixedTicker(ticks=places, minor_ticks=[]), major_label_overrides=dict(ticks))
