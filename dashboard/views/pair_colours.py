"""The colours of two columns against each other, and what they mean in the visitor's words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from dashboard.figures.density import (
    CROWD,
    RISK,
    WORTH_LITTLE,
    category_colours,
    gradient,
    risk_ends,
    shade_categories,
    shade_density,
    shade_risk,
    shade_share,
    shade_values,
)
from dashboard.figures.palette import AGAINST, FOR, MISSING, VALUES
from dashboard.views.pair_words import PERCENTS, percents
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.exploration import DENSITY
from models.policy import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.views.column_words import ColumnWords
    from explain.crossfilter.axes import Axis
    from explain.crossfilter.exploration import Picture

COLOURS = (DENSITY, "default", "score", "decision", "level")
"""What a visitor may colour by, besides any other column."""
AROUND = 0.25
"""Scores this far from the threshold have the last colours."""
RISKY, SAFE = 1, 5
"""Levels of risk, by their place, from which a mean level has the last colours."""
LOW, HIGH = 0.02, 0.98
"""Ranks of the values that are told at the ends of the colours of a measure."""


class PairColours:
    """Colours the clients of a picture and says what the colours mean, in one language.

    Parameters
    ----------
    services : of the portfolio.
    words : of its columns.
    translate : words of the visitor's language.
    """

    def __init__(self, services: Services, words: ColumnWords, translate: Translator) -> None:
        self._services, self._words, self._t = services, words, translate
        self._percents = percents(translate.language)

    def image(self, picture: Picture, across: Axis, up: Axis) -> NDArray[np.uint32]:
        """Return the image of a picture, coloured as `legend` says."""
        colour, grid = picture.pair.colour, picture.grid
        banded = bool(across.spread), bool(up.spread)
        if colour == "default":
            return shade_risk(grid, risk_ends(float(picture.placed.default_rate)), banded)
        if colour == "score":
            return shade_risk(grid, self._score_ends(), banded, WORTH_LITTLE)
        if colour == "decision":
            return shade_share(grid, banded=banded)
        if colour == "level":
            last = len(LEVELS) - 1
            return shade_share(grid, (SAFE / last, RISKY / last), banded)
        if colour == DENSITY:
            return shade_density(grid)
        if picture.by_category is not None:
            return shade_categories(grid, picture.by_category, picture.colours)
        return shade_values(grid)

    def legend(self, picture: Picture) -> str:
        """Return the HTML that says what the colours mean, with words and numbers."""
        t, colour = self._t, picture.pair.colour
        if picture.near is not None and len(picture.near):
            return self._points()
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

    def _points(self) -> str:
        """Return what the points of single clients mean; their shape says it too."""
        t = self._t
        marks = ((FOR, "●", "accepted"), (AGAINST, "■", "refused"))
        said = ""
        for colour, mark, decision in marks:
            sign = f'<span style="color:{colour}" aria-hidden="true">{mark}</span>'
            said += f"<span>{sign} {escape(t(f'bivariate.{decision}'))}</span>"
        return _legend(t("bivariate.legend_points"), said, "")

    def _ramp(self, picture: Picture) -> tuple[str, str, str, str, Sequence[str]]:
        t, colour, words = self._t, picture.pair.colour, self._words
        if colour == DENSITY:
            most = int(picture.grid.clients.max(initial=0))
            return (
                t("bivariate.legend_density"),
                "1",
                "",
                t("bivariate.legend_most", clients=self._t.number(most, 0)),
                CROWD,
            )
        if colour == "default":
            low, middle, high = (
                self._percents[round(PERCENTS * end)] for end in risk_ends(float(picture.placed.default_rate))
            )
            said = (t("column.most", value=low), t("bivariate.legend_overall", rate=middle))
            return t("bivariate.legend_default"), *said, t("column.least", value=high), RISK
        if colour == "score":
            high, middle, low = (self._percents[round(PERCENTS * end)] for end in self._score_ends())
            said = t("column.most", value=low), t("bivariate.legend_threshold", score=middle)
            return t("bivariate.legend_score"), *said, t("column.least", value=high), RISK[::-1]
        if colour == "decision":
            said = t("bivariate.legend_accepted"), t("bivariate.legend_half"), t("bivariate.legend_refused")
            return t("bivariate.legend_decision"), *said, RISK
        if colour == "level":
            worst, middle, best = (t(f"level.{LEVELS[number]}") for number in (RISKY, (RISKY + SAFE) // 2, SAFE))
            beige = t("bivariate.legend_middle", level=middle)
            return t("bivariate.legend_level"), worst, beige, best, RISK[::-1]
        ranks = self._services.population.axis(AxisKey(colour, "quantile"))
        low, high = (words.value(colour, ranks.value_at(place)) for place in (LOW, HIGH))
        if words.backwards(colour):
            return t("bivariate.legend_values", column=words.label(colour)), high, "", low, VALUES[::-1]
        return t("bivariate.legend_values", column=words.label(colour)), low, "", high, VALUES

    def _score_ends(self) -> tuple[float, float, float]:
        threshold = float(self._services.policy.threshold)
        return min(threshold + AROUND, 0.99), threshold, max(threshold - AROUND, 0.01)


def _swatch(colour: str, said: str) -> str:
    mark = f'<span class="swatch inline" style="background:{colour}" aria-hidden="true"></span>'
    return f"<span>{mark} {escape(said)}</span>"


def _legend(title: str, content: str, opacity: str) -> str:
    return f'<div class="colours"><span><b>{escape(title)}</b></span>{content}{opacity}</div>'
