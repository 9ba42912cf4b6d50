"""Columns of the Portfolio page, their values, categories, axes and filters, in the visitor's words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dashboard.figures.standing import round_places
from data.features.values import display_raw, display_value
from data.schema import table
from explain.comparison import reads_backwards
from explain.crossfilter.filters import Box, Categories, Lasso, Range
from explain.crossfilter.population import CONTRIBUTION, OUTCOMES, RAW

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dashboard.i18n import Translator
    from dashboard.services import Services
    from data.schema import Column
    from explain.crossfilter.axes import Axis
    from explain.crossfilter.filters import Filter, Side

NAMED = 3
"""Categories named in a chip; the others are counted."""
_MONTH, _YEAR = 365.25 / 12, 365.25
_ROUND_DAYS = (
    1,
    7,
    _MONTH,
    3 * _MONTH,
    6 * _MONTH,
    *(_YEAR * years for years in (1, 2, 5, 10, 20, 30, 40, 50, 60, 70)),
)
_NO_SPACE = 1e-9
_FURTHEST = float(np.finfo(np.float32).max)
"""A float32 next to infinity stands for it: it is where a range ends that leaves infinite values out."""


class ColumnWords:
    """Says what columns, their values and filters mean, in one language.

    Parameters
    ----------
    services : of the portfolio.
    translate : words of the visitor's language.
    """

    def __init__(self, services: Services, translate: Translator) -> None:
        self._services, self._t = services, translate
        self._language = translate.language

    def kind(self, key: str) -> str:
        """Return what a column is: "outcome", "feature", "raw" or "contribution"."""
        if key in OUTCOMES:
            return "outcome"
        return "raw" if key.startswith(RAW) else "contribution" if key.startswith(CONTRIBUTION) else "feature"

    def label(self, key: str) -> str:
        """Return what people call a column."""
        kind = self.kind(key)
        if kind == "outcome":
            return self._t(f"column.{key}")
        if kind == "raw":
            return _raw(key).label(self._language)
        if kind == "contribution":
            return self._t("column.contribution", feature=self.label(key.removeprefix(CONTRIBUTION)))
        return self._services.feature(key).label(self._language)

    def value(self, key: str, value: float | None) -> str:
        """Return a value of a column that measures, as people say it, with its unit."""
        if value is None or math.isnan(value):
            return self._t("column.missing")
        kind, t = self.kind(key), self._t
        if abs(value) >= _FURTHEST:
            return t("column.infinite" if value > 0 else "column.minus_infinite")
        if kind == "outcome":
            return t.percent(value, 1)
        if kind == "contribution":
            return t.signed(value, 3)
        if kind == "raw":
            return display_raw(_raw(key), value, self._language)
        return display_value(self._services.feature(key), value, self._language)

    def category(self, key: str, name: str) -> str:
        """Return what people call a category of a column; "" is all the others together."""
        kind, t = self.kind(key), self._t
        if not name:
            return t("column.others")
        if key == "level":
            return t(f"level.{name}")
        if kind == "outcome":
            return t(f"column.{name}")
        if kind == "raw" and _raw(key).kind == "category":
            return _raw(key).category_label(name, self._language)
        if name in ("yes", "no"):
            return t(f"column.{name}")
        return table("application").column(key).category_label(name, self._language) if kind == "feature" else name

    def backwards(self, key: str) -> bool:
        """Return whether a smaller number is more for people, as in days counted back: its axis is reversed."""
        kind = self.kind(key)
        if kind == "feature":
            return reads_backwards(self._services.feature(key))
        if kind != "raw":
            return False
        column = _raw(key)
        return column.unit in ("days", "months") and column.maximum is not None and column.maximum <= 0

    def between(self, key: str, low: float, high: float) -> str:
        """Return a range of values as people say it; an infinite end leaves it open."""
        t = self._t
        open_below, open_above = low <= -_FURTHEST < high, high >= _FURTHEST > low
        if open_below and open_above:
            return t("column.any")
        backwards = self.backwards(key)
        if open_below:
            return t("column.least" if backwards else "column.most", value=self.value(key, high))
        if open_above:
            return t("column.most" if backwards else "column.least", value=self.value(key, low))
        first, last = self.value(key, low), self.value(key, high)
        if backwards:
            first, last = last, first
        return first if first == last else t("plots.between", low=first, high=last)

    def ticks(self, axis: Axis, low: float, high: float, most: int = 6) -> list[tuple[float, str]]:
        """Return places along an axis between a low and a high one, and what is said there; no two say the same."""
        key = axis.key.column
        low, high = min(low, high), max(low, high)
        if axis.categories is not None:
            return [
                (float(number), self.category(key, name))
                for number, name in enumerate(axis.categories)
                if low <= number <= high
            ]
        said: dict[str, float] = {}
        for place in self._round_places(axis, low, high, most):
            if low - _NO_SPACE <= place <= high + _NO_SPACE:
                said.setdefault(self.value(key, axis.value_at(place)), place)
        return [(place, words) for words, place in said.items()]

    def filter(self, kept: Filter) -> str:
        """Return a filter in a few words, for its chip."""
        if isinstance(kept, Box):
            return self._t("column.both", first=self._side(kept.across), second=self._side(kept.up))
        if isinstance(kept, Lasso):
            return self._t("column.lasso", across=self.label(kept.across.column), up=self.label(kept.up.column))
        return self._side(kept)

    def _side(self, side: Side) -> str:
        t, label = self._t, self.label(side.column)
        ranged = isinstance(side, Range)
        said = self.between(side.column, side.low, side.high) if ranged else self._names(side)
        if side.missing:
            said = t("column.or_missing", said=said) if said else t("column.missing")
        return t("column.filter", column=label, said=said or t("column.none"))

    def _names(self, side: Categories) -> str:
        names = [self.category(side.column, name) for name in side.names]
        if len(names) <= NAMED:
            return ", ".join(names)
        return self._t("column.and_others", names=", ".join(names[: NAMED - 1]), count=len(names) - NAMED + 1)

    def _round_places(self, axis: Axis, low: float, high: float, most: int) -> Iterable[float]:
        days = self._in_days(axis.key.column)
        if axis.key.scale == "quantile":
            return [float(place) for place in np.linspace(max(low, 0.0), min(high, 1.0), most - 1)]
        if axis.key.scale == "linear":
            return round_places(low, high, days=days, most=most)
        least, greatest = axis.value_at(low), axis.value_at(high)
        sizes = list(_ROUND_DAYS) if days else [digit * 10.0**power for power in range(-6, 13) for digit in (1, 2, 5)]
        values = [value for value in (*(-size for size in sizes), 0.0, *sizes) if least <= value <= greatest]
        return _apart(sorted(axis.place_of(value) for value in values), (high - low) / (most + 1))

    def _in_days(self, key: str) -> bool:
        kind = self.kind(key)
        return (kind == "feature" and self._services.feature(key).unit == "days") or (
            kind == "raw" and _raw(key).unit == "days"
        )


def _raw(key: str) -> Column:
    return table("application").column(key.removeprefix(RAW))


def _apart(places: list[float], least: float) -> list[float]:
    """Return the places that are at least so far from the one kept before."""
    kept: list[float] = []
    for place in places:
        if not kept or place - kept[-1] >= least:
            kept.append(place)
    return kept
