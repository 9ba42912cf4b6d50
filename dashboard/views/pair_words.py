"""What two columns against each other say, in the visitor's words: places, cells, clients, colours.

Hundreds of cells are said again at every gesture: percentages come from a table made once for each language.
"""

from __future__ import annotations

import functools
import itertools
import math
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from dashboard.figures.bivariate import Rectangles, Ticks
from dashboard.figures.density import (
    CROWD,
    RISK,
    category_colours,
    gradient,
    risk_ends,
    shade_categories,
    shade_density,
    shade_risk,
    shade_share,
    shade_values,
)
from dashboard.figures.palette import MISSING, VALUES
from dashboard.i18n import Translator
from dashboard.views.folded_table import folded_table
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.counts import Counts
from explain.crossfilter.exploration import DENSITY
from explain.crossfilter.filters import Range
from models.policy import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dashboard.services import Services
    from dashboard.views.column_words import ColumnWords
    from data.schema import Language
    from explain.crossfilter.axes import Axis
    from explain.crossfilter.exploration import Pair, Picture
    from explain.crossfilter.zones import Zone, Zones

COLOURS = (DENSITY, "default", "score", "decision", "level")
"""What a visitor may colour by, besides any other column."""
TABLE = (12, 8)
AROUND = 0.25
"""Scores this far from the threshold have the last colours."""
_CROWDED = 7
_BANDS_DRAWN = 80
_PERCENTS = 1000
_TICKS_KEPT = 32


class PairWords:
    """Says what a picture of two columns shows, in one language.

    Parameters
    ----------
    services : of the portfolio.
    words : of its columns.
    translate : words of the visitor's language.
    """

    def __init__(self, services: Services, words: ColumnWords, translate: Translator) -> None:
        self._services, self._words, self._t = services, words, translate
        self._percents = _percents(translate.language)
        self._separator = translate.number(1000, 0)[1:-3]
        self._ticks: dict[Any, Ticks] = {}
        self._said_across: tuple[object, list[str]] = (None, [])
        self._said_up: tuple[object, list[str]] = (None, [])

    def title(self, pair: Pair) -> str:
        """Return what is shown, in a sentence."""
        label = self._words.label
        return self._t("bivariate.title", across=label(pair.across.column), up=label(pair.up.column))

    def ticks(self, axis: Axis, low: float, high: float, longest: int, most: int) -> Ticks:
        """Return what an axis says between two places; what is said of categories has at most `longest` letters."""
        asked = (axis.key, low, high, longest, most)
        if asked not in self._ticks:
            if len(self._ticks) >= _TICKS_KEPT:
                self._ticks.clear()
            self._ticks[asked] = self._say_ticks(axis, low, high, longest, most)
        return self._ticks[asked]

    def _say_ticks(self, axis: Axis, low: float, high: float, longest: int, most: int) -> Ticks:
        key = axis.key.column
        ticks = self._words.ticks(axis, low, high, most)
        edges: tuple[float, ...] = ()
        if axis.categories is not None:
            ticks = [(place, shortened(said, longest)) for place, said in ticks]
            edges = tuple(np.arange(math.floor(low) + 0.5, high).tolist()[:_BANDS_DRAWN])
        label = shortened(self._words.label(key), 3 * longest)
        if axis.categories is None and axis.key.scale != "linear":
            label = self._t(f"bivariate.axis_{axis.key.scale}", column=label)
        return Ticks(label, tuple(ticks), edges)

    def cells(self, picture: Picture, across: Axis, up: Axis) -> Rectangles:
        """Return the cells with a client, and what is said of each."""
        counts = picture.cells
        row, column = np.nonzero(counts.clients)
        x, y = picture.cells_across, picture.cells_up
        self._said_across = self._bands(self._said_across, across, x)
        self._said_up = self._bands(self._said_up, up, y)
        said_across, said_up = self._said_across[1], self._said_up[1]
        words = {
            "across": [said_across[number] for number in column.tolist()],
            "up": [said_up[number] for number in row.tolist()],
            "said": self.counted(_flat(counts, row, column)),
        }
        return Rectangles(x[column], x[column + 1], y[row], y[row + 1], words)

    def counted(self, counts: Counts) -> list[str]:
        """Return what is said of each of some counts, as HTML lines: clients, default rate, mean score, refused."""
        t, percents, separator = self._t, self._percents, self._separator
        rest = "<br>" + t("bivariate.cell_rest")
        known = f"<b>{t('bivariate.cell_many')}</b><br>{t('bivariate.cell_default')}{rest}".format
        unknown = f"<b>{t('bivariate.cell_many')}</b><br>{t('bivariate.cell_unknown')}{rest}".format
        one = t("bivariate.cell_many").format(clients=1), t("bivariate.cell_one")
        rates = (counts.default_rate, *counts.default_interval(), counts.mean_score, counts.share_refused)
        said = [
            (known if rate <= _PERCENTS else unknown)(
                clients=f"{clients:,}".replace(",", separator),
                rate=percents[rate],
                low=percents[low],
                high=percents[high],
                score=percents[score],
                refused=percents[refused],
            )
            for clients, rate, low, high, score, refused in zip(
                counts.clients.tolist(), *map(_thousandths, rates), strict=True
            )
        ]
        for at in np.flatnonzero(counts.clients == 1):
            said[at] = said[at].replace(*one, 1)
        return said

    def clients(self, near: NDArray[np.intp], pair: Pair) -> dict[str, list[str]]:
        """Return who each of a few clients is, and what is said of them."""
        t, population, words = self._t, self._services.population, self._words
        sides = []
        for key in (pair.across.column, pair.up.column):
            column = population.column(key)
            values = column.values[near].tolist()
            said = {value: self.said(key, column.categories, value) for value in set(values) if value == value}
            missing, label = t("column.missing"), words.label(key)
            sides.append([f"{label}{t('bivariate.colon')}{said.get(value, missing)}" for value in values])
        decided = {True: t("bivariate.accepted"), False: t("bivariate.refused")}
        scores = [self._percents[at] for at in _thousandths(population.score[near])]
        accepted = self._services.accepted[near].tolist()
        said = [
            f"{escape(first)}<br>{escape(second)}<br>{t('bivariate.client_rest', score=score, decision=decided[one])}"
            for first, second, score, one in zip(*sides, scores, accepted, strict=True)
        ]
        names = [t("bivariate.client", client=t.client(int(client))) for client in population.ids[near]]
        return {"client": names, "said": said}

    def summary(self, picture: Picture, missing: Sequence[str], constant: Sequence[tuple[str, str]]) -> str:
        """Return in sentences how many clients are drawn, who isn't and why, and how risky they are.

        Parameters
        ----------
        picture : what is shown.
        missing : labels of the columns that some client has no value of.
        constant : labels of columns of one value only, and that value.
        """
        t, number = self._t, self.number
        kept, placed = int(picture.kept.clients), int(picture.placed.clients)
        if not kept:
            return t("bivariate.nobody")
        across, up = (self._words.label(key.column) for key in picture.pair[:2])
        without = " / ".join(missing) or f"{across} / {up}"
        if not placed:
            return t("bivariate.no_place", clients=number(kept), columns=without)
        inside = int(picture.grid.clients.sum())
        said = [t("bivariate.drawn_one" if placed == 1 else "bivariate.drawn", clients=number(placed))]
        if inside < placed:
            said.append(t("bivariate.inside", clients=number(inside)))
        if placed < kept:
            said.append(t("bivariate.without", clients=number(kept - placed), columns=without))
        if picture.placed.labelled:
            low, high = picture.placed.default_interval()
            said.append(
                t(
                    "bivariate.rate",
                    rate=t.percent(float(picture.placed.default_rate), 1),
                    low=t.percent(float(low), 1),
                    high=t.percent(float(high), 1),
                    labelled=number(int(picture.placed.labelled)),
                )
            )
        else:
            said.append(t("bivariate.rate_unknown"))
        said.extend(t("bivariate.constant", column=label, value=value) for label, value in constant)
        return " ".join(said)

    def zones(self, zones: Zones, colour: str) -> list[tuple[Zone, str]]:
        """Return the zones to outline, and the label of each: where the risk is, or the score if that is the colour."""
        t = self._t
        if colour in ("score", "decision", "level"):
            chosen = [("low_score", zone) for zone in zones.low_score[:2]] + [
                ("high_score", zone) for zone in zones.high_score[:1]
            ]
            return [
                (zone, t(f"bivariate.zone_{kind}", score=t.percent(float(zone.counts.mean_score), 1)))
                for kind, zone in chosen
            ]
        chosen = [("risky", zone) for zone in zones.risky[:2]] + [("safe", zone) for zone in zones.safe[:1]]
        return [
            (zone, t(f"bivariate.zone_{kind}", rate=t.percent(float(zone.counts.default_rate), 1)))
            for kind, zone in chosen
        ]

    def table(self, picture: Picture, across: Axis, up: Axis) -> str:
        """Return the HTML of the cells as a table of at most TABLE groups."""
        t = self._t
        heads = [self._words.label(axis.key.column) for axis in (across, up)]
        heads += [t(f"bivariate.head_{name}") for name in ("clients", "default", "interval", "score", "refused")]
        x, y = (_coarser(len(edges) - 1, most) for edges, most in zip(_edges(picture), TABLE, strict=True))
        coarse = _summed(picture.cells, y, x)
        row, column = np.nonzero(coarse.clients)
        told = _flat(coarse, row, column)
        (_, said_across), (_, said_up) = (
            self._bands((None, []), axis, edges[np.append(starts, len(edges) - 1)], labelled=False)
            for axis, edges, starts in zip((across, up), _edges(picture), (x, y), strict=True)
        )
        rates = (told.default_rate, *told.default_interval(), told.mean_score, told.share_refused)
        rate, low, high, score, refused = (
            [self._percents[at] for at in _thousandths(share)] for share in rates
        )  # fmt: skip
        rows = [
            [
                said_across[column[at]], said_up[row[at]], self.number(int(told.clients[at])), rate[at],
                t("plots.between", low=low[at], high=high[at]) if told.labelled[at] else "–", score[at], refused[at],
            ]
            for at in range(row.size)
        ]  # fmt: skip
        return folded_table(t("bivariate.table"), heads, rows, words=2)

    def number(self, count: int) -> str:
        """Return a count with the language's separators."""
        return f"{count:,}".replace(",", self._separator)

    def image(self, picture: Picture) -> NDArray[np.uint32]:
        """Return the image of a picture, coloured as `legend` says."""
        colour, grid = picture.pair.colour, picture.grid
        if colour == "default":
            return shade_risk(grid, *risk_ends(float(picture.placed.default_rate)))
        if colour == "score":
            return shade_risk(grid, *self._score_ends())
        if colour == "decision":
            return shade_share(grid)
        if colour == "level":
            return shade_share(grid, reverse=True)
        if colour == DENSITY:
            return shade_density(grid)
        if picture.by_category is not None:
            return shade_categories(grid, picture.by_category, picture.colours)
        return shade_values(grid)

    def legend(self, picture: Picture) -> str:
        """Return the HTML that says what the colours mean, with words and numbers."""
        t, colour = self._t, picture.pair.colour
        opacity = "" if colour == DENSITY else f'<span class="soft">{escape(t("bivariate.legend_opacity"))}</span>'
        if picture.by_category is not None and colour not in COLOURS:
            marks = zip(picture.colours, category_colours(picture.colours), strict=True)
            named = [(shade, self._words.category(colour, name)) for name, shade in marks]
            title = t("bivariate.legend_categories", column=self._words.label(colour))
            return _legend(title, "".join(_swatch(*mark) for mark in named), opacity)
        title, low, middle, high, colours = self._ramp(picture)
        unknown = _swatch(MISSING, t("bivariate.legend_unknown")) if colour == "default" else ""
        if colour not in COLOURS:
            unknown = _swatch(MISSING, t("bivariate.legend_missing"))
        marked = f'<span class="soft">({escape(middle)})</span>' if middle else ""
        bar = f'<span class="ramp" style="background:{gradient(colours)}" aria-hidden="true"></span>'
        return _legend(title, f"<span>{escape(low)} {bar} {escape(high)}</span> {marked}{unknown}", opacity)

    def _ramp(self, picture: Picture) -> tuple[str, str, str, str, Sequence[str]]:
        t, colour, words = self._t, picture.pair.colour, self._words
        if colour == DENSITY:
            most = int(picture.grid.clients.max(initial=0))
            return t("bivariate.legend_density"), "1", "", t("bivariate.legend_most", clients=self.number(most)), CROWD
        if colour == "default":
            low, middle, high = (
                self._percents[round(_PERCENTS * end)] for end in risk_ends(float(picture.placed.default_rate))
            )
            said = (t("column.most", value=low), t("bivariate.legend_overall", rate=middle))
            return t("bivariate.legend_default"), *said, t("column.least", value=high), RISK
        if colour == "score":
            high, middle, low = (self._percents[round(_PERCENTS * end)] for end in self._score_ends())
            said = t("column.most", value=low), t("bivariate.legend_threshold", score=middle)
            return t("bivariate.legend_score"), *said, t("column.least", value=high), RISK[::-1]
        if colour == "decision":
            said = t("bivariate.legend_accepted"), t("bivariate.legend_half"), t("bivariate.legend_refused")
            return t("bivariate.legend_decision"), *said, RISK
        if colour == "level":
            worst, best = t(f"level.{LEVELS[0]}"), t(f"level.{LEVELS[-1]}")
            return t("bivariate.legend_level"), worst, "", best, RISK[::-1]
        ranks = self._services.population.axis(AxisKey(colour, "quantile"))
        low, high = (words.value(colour, ranks.value_at(place)) for place in (0.02, 0.98))
        if words.backwards(colour):
            return t("bivariate.legend_values", column=words.label(colour)), high, "", low, VALUES[::-1]
        return t("bivariate.legend_values", column=words.label(colour)), low, "", high, VALUES

    def _score_ends(self) -> tuple[float, float, float]:
        threshold = float(self._services.policy.threshold)
        return min(threshold + AROUND, 0.99), threshold, max(threshold - AROUND, 0.01)

    def said(self, key: str, categories: tuple[str, ...] | None, value: float) -> str:
        """Return a value of a column, or the category that has its number."""
        if math.isnan(value):
            return self._t("column.missing")
        if categories is None:
            return self._words.value(key, value)
        return self._words.category(key, categories[int(value)])

    def _bands(
        self, known: tuple[object, list[str]], axis: Axis, edges: NDArray[np.float64], *, labelled: bool = True
    ) -> tuple[object, list[str]]:
        """Return what is said of the values between each edge and the next, and what that is kept by."""
        kept_by = (axis.key, edges.tobytes())
        if known[0] == kept_by:
            return known
        key = axis.key.column
        before = self._words.label(key) + self._t("bivariate.colon") if labelled else ""
        return kept_by, [
            before + self._between(axis, float(low), float(high)) for low, high in itertools.pairwise(edges)
        ]

    def _between(self, axis: Axis, low: float, high: float) -> str:
        key, words = axis.key.column, self._words
        if axis.categories is not None:
            numbers = range(max(math.ceil(low), 0), min(math.floor(high) + 1, len(axis.categories)))
            return ", ".join(words.category(key, axis.categories[number]) for number in numbers)
        if axis.spread:
            inside = axis.side(low + 0.5, high - 0.5)
            if isinstance(inside, Range) and math.isfinite(inside.low) and math.isfinite(inside.high):
                return words.between(key, inside.low, inside.high)
        low, high = max(low, axis.full[0]), min(high, axis.full[1])
        return words.between(key, axis.value_at(low), axis.value_at(max(low, high)))


def shortened(text: str, longest: int) -> str:
    """Return a text of at most so many letters."""
    return text if len(text) <= longest else text[: max(longest - 1, 1)].rstrip() + "…"


def crowded(ticks: Ticks, width: int) -> bool:
    """Return whether what an axis across says of its categories needs to be slanted in so many pixels."""
    letters = sum(len(said) for _, said in ticks.ticks)
    return bool(ticks.edges) and letters * _CROWDED > 0.9 * width


@functools.cache
def _percents(language: Language) -> tuple[str, ...]:
    """Return every thousandth from 0 to 1 as a percentage with one decimal, and after them what is said of none."""
    translate = Translator(language)
    return (*(translate.percent(number / _PERCENTS, 1) for number in range(_PERCENTS + 1)), "–")


def _thousandths(share: NDArray[np.float64]) -> list[int]:
    found = np.rint(_PERCENTS * np.asarray(share, dtype=np.float64))
    return np.where(np.isnan(found), _PERCENTS + 1, found).astype(np.int64).tolist()


def _edges(picture: Picture) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return picture.cells_across, picture.cells_up


def _flat(counts: Counts, row: NDArray[np.intp], column: NDArray[np.intp]) -> Counts:
    return Counts(
        *(
            part[row, column]
            for part in (counts.clients, counts.refused, counts.labelled, counts.defaults, counts.score)
        )
    )


def _coarser(count: int, most: int) -> NDArray[np.intp]:
    """Return where each of at most `most` groups of neighbours begins."""
    return np.arange(0, count, max(math.ceil(count / most), 1))


def _summed(counts: Counts, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Counts:
    parts = (counts.clients, counts.refused, counts.labelled, counts.defaults, counts.score)
    return Counts(*(np.add.reduceat(np.add.reduceat(part, rows, axis=0), columns, axis=1) for part in parts))


def _swatch(colour: str, said: str) -> str:
    mark = f'<span class="swatch inline" style="background:{colour}" aria-hidden="true"></span>'
    return f"<span>{mark} {escape(said)}</span>"


def _legend(title: str, content: str, opacity: str) -> str:
    return f'<div class="colours"><span><b>{escape(title)}</b></span>{content}{opacity}</div>'
