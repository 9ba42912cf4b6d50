"""An axis with its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bokeh.models import FixedTicker

if TYPE_CHECKING:
    from collections.abc import Sequence


def label_axis(axis: Any, ticks: Sequence[tuple[float, str]]) -> None:
    """Put `ticks`, each a place and its words, on a Bokeh axis, in place of what is there."""
    axis.update(
        ticker=FixedTicker(ticks=[place for place, _ in ticks], minor_ticks=[]),
        major_label_overrides=dict(ticks),
    )
