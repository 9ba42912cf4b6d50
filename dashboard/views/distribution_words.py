"""What a distribution shows, in words: its bars, their numbers, a summary and a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dashboard.figures.distribution_bars import FEW, Rows, measure_side
from dashboard.figures.standing import round_places
from data.features.catalog import group_description
from data.schema import table
from explain.crossfilter.population import CONTRIBUTION, RAW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dashboard.figures.distribution_bars import Bars
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.views.column_words import ColumnWords
    from explain.crossfilter.axes import Axis
    from explain.crossfilter.bins import Bins

IN_ORDER = 8
"""So many categories are in their usual order; of more the most frequent one comes first."""
MOST_BARS = 15
_TICKS = 6
_GREATEST = float(np.finfo(np.float32).max)
_LONGEST = 22
"""Letters of a category's name in one line beside its bar."""
_NARROW, _POINT = {"fr": "\u202f", "en": ","}, {"fr": ",", "en": "."}


@dataclass(frozen=True, slots=True)
class Numbers:
    """Writes many numbers quickly, as `dashboard.i18n.Translator` writes them.

    Attributes
    ----------
    language : "fr" or "en".
    """

    language: str

    def whole(self, number: float) -> str:
        """Return a whole number."""
        return f"{round(number):,}".replace(",", _NARROW[self.language])

    def percent(self, share: float, digits: int = 1) -> str:
        """Return a share in [0, 1] as a percentage; "–" for NaN."""
        if share != share:
            return "–"
        return f"{100 * share:.{digits}f}".replace(".", _POINT[self.language]) + (
            "\u202f%" if self.language == "fr" else "%"
        )


class DistributionWords:
    """Says what a distribution of one column shows, in one language.

    Parameters
    ----------
    key : of the column.
    services : of the portfolio.
    words : of columns.
    translate : words of the visitor's language.
    """

    def __init__(self, key: str, services: Services, words: ColumnWords, translate: Translator) -> None:
        self._key, self._services, self._words, self._t = key, services, words, translate
        self._numbers = Numbers(translate.language)
        self.label = words.label(key)

    def about(self) -> str:
        """Return what the column is, in a sentence."""
        t, key, kind = self._t, self._key, self._words.kind(self._key)
        if kind == "outcome":
            return t(f"distribution.about_{key}")
        if kind == "raw":
            return table("application").column(key.removeprefix(RAW)).description(t.language)
        feature = self._services.feature(key.removeprefix(CONTRIBUTION))
        if kind == "contribution":
            return t("distribution.about_contribution", feature=feature.label(t.language))
        return group_description(feature.source, t.language)

    def rows(self, bins: Bins, axis: Axis, everyone: NDArray[np.int64]) -> Rows:
        """Return the bars of a distribution; `everyone` is how many clients are in each bin, those without one last."""
        if bins.categories is not None:
            return self._lying(bins.categories, everyone)
        key, words = self._key, self._words
        backwards, count = words.backwards(key), len(bins)
        low, high = bins.edges[:-1].astype(float), bins.edges[1:].astype(float)
        said = self._said(bins, axis)
        left, right = (float(bins.edges[0]), float(bins.edges[-1])) if count else (0.0, 1.0)
        ticks = words.ticks(axis, left, right, _TICKS) if count else []
        row, missing = np.arange(count + 1), None
        if everyone[-1]:
            missing = count
            start, end = measure_side(bins.edges if count else np.array([0.0, 1.0]), backwards=backwards)
            low, high = np.append(low, start), np.append(high, end)
            said.append(self._t("column.missing"))
            ticks = sorted([*ticks, ((start + end) / 2, self._t("distribution.missing_tick"))])
            left, right = min(left, start), max(right, end)
        room = 0.01 * (right - left)
        window = (right + room, left - room) if backwards else (left - room, right + room)
        return Rows(row, low, high, tuple(said), missing, window, tuple(ticks), standing=True)

    def _said(self, bins: Bins, axis: Axis) -> list[str]:
        """Return the values of each bin of a measure."""
        key, words = self._key, self._words
        if len(bins) == 1 and axis.full[0] < axis.full[1]:
            return [words.value(key, axis.value_at(sum(axis.full) / 2))]
        highs = np.where(axis.whole & np.isfinite(bins.high), np.floor(bins.high), bins.high)
        highs[bins.high >= _GREATEST] = np.inf  # whatever is not infinite itself
        said = [words.between(key, low, high) for low, high in zip(bins.low.tolist(), highs.tolist(), strict=True)]
        if said and np.isposinf(bins.low[-1]):
            said[-1] = words.value(key, np.inf)
        # The outer bins are open; where all that is in one reads the same, that is said alone.
        beside = 0.5 if axis.spread else 0.0
        ends = axis.full[0] + beside, axis.full[1] - beside
        least, greatest = (words.value(key, axis.value_at(end)) for end in ends)
        if said and least == words.value(key, float(highs[0])):
            said[0] = least
        if said and greatest == words.value(key, float(bins.low[-1])):
            said[-1] = greatest
        return said

    def _lying(self, categories: Sequence[str], everyone: NDArray[np.int64]) -> Rows:
        t, count = self._t, len(categories)
        order = list(range(count))
        if count > IN_ORDER:
            order.sort(key=lambda number: -int(everyone[number]))
        row = np.full(count + 1, 0, dtype=np.intp)
        single = count if count <= MOST_BARS else MOST_BARS - 1
        said = [self._words.category(self._key, categories[number]) for number in order[:single]]
        for place, number in enumerate(order):
            row[number] = min(place, single)
        if count > single:
            said.append(t("distribution.others", count=count - single))
        missing = len(said) if everyone[-1] or not said else None
        if missing is not None:
            said.append(t("column.missing"))
        row[count] = len(said) - (missing is not None)
        places = np.arange(len(said), dtype=float)
        ticks = tuple((place, _broken(words)) for place, words in zip(places.tolist(), said, strict=True))
        return Rows(
            row, places - 0.42, places + 0.42, tuple(said), missing, (len(said) - 0.4, -1.15), ticks, standing=False
        )

    def tips(self, rows: Rows, bars: Bars) -> dict[str, list[str]]:
        """Return what is said of each bar where the pointer is, by `dashboard.figures.distribution.TIPS`."""
        whole, percent = self._numbers.whole, self._numbers.percent
        return {
            "value": list(rows.words),
            "kept": [whole(number) for number in bars.kept.tolist()],
            "accepted": [whole(number) for number in bars.accepted.tolist()],
            "refused": [whole(number) for number in bars.refused.tolist()],
            "rate": self._rates(bars),
            "score": [percent(number) for number in bars.score.tolist()],
            "everyone": [whole(number) for number in bars.everyone.tolist()],
        }

    def ticks(self, top: float, *, shares: bool) -> list[tuple[float, str]]:
        """Return round numbers of clients, or shares of them, up to the top of the axis."""
        places = [abs(place) for place in round_places(0.0, top, days=False, most=4)]
        step = places[1] if len(places) > 1 else top
        if shares:
            digits = 0 if step >= 0.0099 else 1 if step >= 0.00099 else 2
            return [(place, self._numbers.percent(place, digits)) for place in places]
        return [(place, self._numbers.whole(place)) for place in places if step >= 1 or place == int(place)]

    def rate_ticks(self, top: float) -> list[tuple[float, str]]:
        """Return round default rates up to the top of their axis."""
        places = [abs(place) for place in round_places(0.0, top, days=False, most=3)]
        digits = 0 if len(places) < 2 or places[1] >= 0.0099 else 1
        return [(place, self._numbers.percent(place, digits)) for place in places]

    def titles(self, rows: Rows, bars: Bars, *, shares: bool) -> tuple[str, str]:
        """Return what the two parts of the figure are."""
        t = self._t
        if not bars.totals[0]:
            return t("distribution.nobody_short"), ""
        clients = t("distribution.axis_clients")
        if shares:
            clients = t("distribution.axis_shares" if rows.standing else "distribution.axis_shares_short")
        if np.isnan(bars.overall):
            return clients, t("distribution.rate_unknown")
        name = "axis_rate" if rows.standing else "axis_rate_short"
        return clients, t(f"distribution.{name}", rate=self._numbers.percent(bars.overall))

    def summary(self, rows: Rows, bars: Bars) -> str:
        """Return the figure in sentences; every number in them is counted, none is read off a curve."""
        t, numbers = self._t, self._numbers
        kept, accepted, refused, everyone = bars.totals
        if not kept:
            return t("distribution.nobody", clients=numbers.whole(everyone))
        said = [t("distribution.clients_one") if kept == 1 else t("distribution.clients", clients=numbers.whole(kept))]
        without = 0.0 if rows.missing is None else float(bars.kept[rows.missing])
        if without == kept:
            return t("distribution.all_missing", clients=numbers.whole(kept))
        valued = np.arange(len(rows)) != (-1 if rows.missing is None else rows.missing)
        present = np.flatnonzero(valued & (bars.kept > 0))
        if present.size == 1 and kept > 1:
            said.append(t("distribution.constant", value=rows.words[present[0]]))
        elif rows.standing and accepted and refused:
            middles = [_middle(part * valued) for part in (bars.accepted, bars.refused)]
            if None not in middles:
                accepted_words, refused_words = (rows.words[middle] for middle in middles)
                said.append(t("distribution.medians", accepted=accepted_words, refused=refused_words))
        said.extend(self._risk(rows, bars, valued))
        if without and rows.missing is not None:
            said.append(
                t(
                    "distribution.without",
                    clients=numbers.whole(without),
                    share=numbers.percent(without / kept),
                    rate=self._rates(bars)[rows.missing],
                )
            )
        return " ".join(said)

    def table(self, rows: Rows, bars: Bars) -> tuple[list[str], list[list[str]]]:
        """Return the heads and the rows of a table of all numbers."""
        t, tips = self._t, self.tips(rows, bars)
        heads = [self.label, *(t(f"distribution.{name}") for name in ("everyone", "kept", "accepted", "refused"))]
        heads += [t("distribution.rate"), t("distribution.score")]
        columns = [tips[name] for name in ("value", "everyone", "kept", "accepted", "refused", "rate", "score")]
        return heads, [list(cells) for cells in zip(*columns, strict=True)]

    def _risk(self, rows: Rows, bars: Bars, valued: NDArray[np.bool_]) -> list[str]:
        """Return where the default rate is surely highest and lowest, by the nearer ends of its intervals."""
        known = np.flatnonzero(valued & (bars.labelled >= FEW))
        if known.size < 2:
            return []
        high, low = known[np.argmax(bars.rate_low[known])], known[np.argmin(bars.rate_high[known])]
        if high == low or not bars.rate_low[high] > bars.rate_high[low]:
            return [self._t("distribution.alike", rate=self._numbers.percent(bars.overall))]
        rates = self._rates(bars)
        return [
            self._t("distribution.highest", value=rows.words[high], rate=rates[high]),
            self._t("distribution.lowest", value=rows.words[low], rate=rates[low]),
        ]

    def _rates(self, bars: Bars) -> list[str]:
        percent, t = self._numbers.percent, self._t
        said, none = t("distribution.interval"), t("distribution.no_rate")
        return [
            none if rate != rate else said.format(rate=percent(rate), low=percent(low), high=percent(high))
            for rate, low, high in zip(bars.rate.tolist(), bars.rate_low.tolist(), bars.rate_high.tolist(), strict=True)
        ]


def _middle(clients: NDArray[np.float64]) -> int | None:
    """Return the bar in which the median client is, None where there is none."""
    reached = np.cumsum(clients)
    if not reached.size or not reached[-1]:
        return None
    return int(np.searchsorted(reached, reached[-1] / 2))


def _broken(words: str) -> str:
    """Return words over two lines at most, cut where they are too long for them."""
    if len(words) <= _LONGEST:
        return words
    space = words.rfind(" ", 0, _LONGEST + 1)
    at = space if space > _LONGEST // 3 else _LONGEST
    first, rest = words[:at], words[at:].strip()
    return f"{first}\n{rest if len(rest) <= _LONGEST else rest[: _LONGEST - 1] + '…'}"
