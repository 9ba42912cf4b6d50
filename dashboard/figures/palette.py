"""Colours, safe for colour-blind people: orange for risk, blue for its absence; never the only sign of anything."""

from __future__ import annotations

from models.policy import LEVELS

AGAINST = "#b4541a"
FOR = "#2b6cb0"
NEUTRAL = "#7a828c"
CLIENT = "#c2356b"
VALUES = ("#5a55cf", "#2c9488", "#cb7d10")
"""From a low value to a high one: told from each other by colour-blind people, and from a light and a dark ground."""
MISSING = "#8a8f96"
SELECTED = "#138a7b"
LEVEL_COLOURS = dict(
    zip(LEVELS, ("#8f3b06", "#c8671f", "#eba96a", "#dcdcd4", "#a6c9e2", "#5494c6", "#1f5d94"), strict=True)
)
