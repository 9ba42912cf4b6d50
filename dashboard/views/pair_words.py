"""What two columns against each other say, in the visitor's words: places, cells, clients, colours.

Hundreds of cells are said again at every gesture: percentages come from a table made once for each language.
"""

from __future__ import annotations

import functools
import itertools
import math
import textwrap
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from dashboard.figures.bivariate import Rectangles, Ticks
from dashboard.i18n import Translator
from dashboard.views.folded_table import folded_table
from explain.crossfilter.counts import Counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dashboard.services import Services
    from dashboard.views.column_words import ColumnWords
    from data.schema import Language
    from explain.crossfilter.axes import Axis
    from explain.crossfilter.exploration import Pair, Picture
    from explain.crossfilter.zones import Zone, Zones

TABLE = (12, 8)
_LETTER, _LINE, _SMALL = 7, 16, 340
_UPRIGHT, _SLANT, _SLANTED = 20, 16, 10
_BANDS_DRAWN = 80
PERCENTS = 1000
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
        self._percents = percents(translate.language)
        self._separator = translate.number(1000, 0)[1:-3]
        self._ticks: dict[Any, Ticks] = {}
        self._said_across: tuple[object, list[str]] = (None, [])
        self._said_up: tuple[object, list[str]] = (None, [])

    def title(self, pair: Pair) -> str:
        """Return what is shown, in a sentence."""
        label = self._words.label
        return self._t("bivariate.title", across=label(pair.across.column), up=label(pair.up.column))

    def ticks(self, axis: Axis, low: float, high: float, size: tuple[int, int], *, upright: bool) -> Ticks:
        """Return what an axis says between two places.

        Parameters
        ----------
        axis : of the column.
        low, high : what is looked at.
        size : width and height of the plot, in pixels.
        upright : whether it is the vertical one.
        """
        asked = (axis.key, low, high, size, upright)
        if asked not in self._ticks:
            if len(self._ticks) >= _TICKS_KEPT:
                self._ticks.clear()
            self._ticks[asked] = self._say_ticks(axis, low, high, size, upright=upright)
        return self._ticks[asked]

    def _say_ticks(self, axis: Axis, low: float, high: float, size: tuple[int, int], *, upright: bool) -> Ticks:
        key, pixels = axis.key.column, size[upright]
        label = shortened(self._words.label(key), max(pixels // _LETTER, 12))
        if axis.categories is None:
            ticks = self._words.ticks(axis, low, high, 6 if upright else min(max(pixels // 60, 4), 7))
            if axis.key.scale != "linear":
                label = self._t(f"bivariate.axis_{axis.key.scale}", column=label)
            return Ticks(label, tuple(ticks))
        ticks = self._words.ticks(axis, low, high)
        edges = tuple(np.arange(math.floor(low) + 0.5, high).tolist()[:_BANDS_DRAWN])
        each = max(int(pixels / max(high - low, 1.0)), 1)
        ticks = ticks[:: math.ceil(_LINE / each)]
        if upright:
            lines, letters = min(max(each // _LINE, 1), 3), _UPRIGHT if size[0] > _SMALL else _UPRIGHT - 7
            return Ticks(label, tuple((place, wrapped(said, letters, lines)) for place, said in ticks), edges)
        slanted = each // _LETTER < _SLANTED and any(len(said) > each // _LETTER for _, said in ticks)
        if slanted:
            return Ticks(label, tuple((place, shortened(said, _SLANT)) for place, said in ticks), edges, slanted=True)
        return Ticks(label, tuple((place, wrapped(said, each // _LETTER, 3)) for place, said in ticks), edges)

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
            (known if rate <= PERCENTS else unknown)(
                clients=f"{clients:,}".replace(",", separator),
                rate=percents[rate],
                low=percents[low],
                high=percents[high],
                score=percents[score],
                refused=percents[refused],
            )
            for clients, rate, low, high, score, refused in zip(
                counts.clients.tolist(), *map(thousandths, rates), strict=True
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
        scores = [self._percents[at] for at in thousandths(population.score[near])]
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
            [self._percents[at] for at in thousandths(share)] for share in rates
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
        return kept_by, [before + said for said in self._between(axis, edges)]

    def _between(self, axis: Axis, edges: NDArray[np.float64]) -> list[str]:
        key, words = axis.key.column, self._words
        sides = list(itertools.pairwise(edges.tolist()))
        if axis.categories is not None:
            return [", ".join(words.category(key, name) for name in _touched(axis.categories, *side)) for side in sides]
        if axis.spread:
            whole = [(math.ceil(low), max(math.ceil(high) - 1, math.ceil(low))) for low, high in sides]
            return [words.between(key, low, high) for low, high in whole]
        said = [words.value(key, axis.value_at(edge)) for edge in np.clip(edges, *axis.full).tolist()]
        if words.backwards(key):
            return [self._span(last, first) for first, last in itertools.pairwise(said)]
        return [self._span(first, last) for first, last in itertools.pairwise(said)]

    def _span(self, first: str, last: str) -> str:
        return first if first == last else self._t("plots.between", low=first, high=last)


def shortened(text: str, longest: int) -> str:
    """Return a text of at most so many letters."""
    return text if len(text) <= longest else text[: max(longest - 1, 1)].rstrip() + "…"


def wrapped(text: str, longest: int, lines: int) -> str:
    """Return a text in at most so many lines of at most so many letters, the last one shortened."""
    found = textwrap.wrap(text, max(longest, 2), break_long_words=False) or [text]
    kept = [*found[: lines - 1], " ".join(found[lines - 1 :])] if len(found) > lines else found
    return "\n".join(shortened(line, longest) for line in kept)


def _touched(names: tuple[str, ...], low: float, high: float) -> tuple[str, ...]:
    return names[max(math.ceil(low), 0) : max(math.floor(high) + 1, 0)]


@functools.cache
def percents(language: Language) -> tuple[str, ...]:
    """Return every thousandth from 0 to 1 as a percentage with one decimal, and after them what is said of none."""
    translate = Translator(language)
    return (*(translate.percent(number / PERCENTS, 1) for number in range(PERCENTS + 1)), "–")


def thousandths(share: NDArray[np.float64]) -> list[int]:
    """Return the places of some shares among `percents`; NaN has the last."""
    found = np.rint(PERCENTS * np.asarray(share, dtype=np.float64))
    return np.where(np.isnan(found), PERCENTS + 1, found).astype(np.int64).tolist()


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
