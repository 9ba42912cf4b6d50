"""Columns of the Portfolio page in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from dashboard.i18n import Translator
from dashboard.views.column_words import ColumnWords
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.filters import Box, Categories, Lasso, Range

if TYPE_CHECKING:
    from dashboard.services import Services


@pytest.fixture
def words(services: Services) -> ColumnWords:
    return ColumnWords(services, Translator("en"))


def test_every_column_has_a_name_and_a_kind_in_both_languages(services: Services) -> None:
    for language in ("fr", "en"):
        words = ColumnWords(services, Translator(language))
        for key in services.population.keys:
            assert words.label(key).strip()
            assert words.kind(key) in ("outcome", "feature", "raw", "contribution")


def test_every_category_has_a_name(services: Services, words: ColumnWords) -> None:
    named = [column for column in map(services.population.column, services.population.keys) if column.categories]
    assert len(named) > 20
    for column in named:
        for name in column.categories or ():
            assert words.category(column.key, name).strip()


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (Range("score", 0.2, 0.5), "Score: 20.0% to 50.0%"),
        (Range("score", high=0.5), "Score: 50.0% or less"),
        (Range("score", low=0.5, missing=True), "Score: 50.0% or more, or no value"),
        (Range("score"), "Score: any value"),
        (Categories("level", ("high", "low")), "Level of risk: high, low"),
        (Categories("decision", (), missing=True), "Decision: no value"),
        (Categories("decision"), "Decision: none"),
    ],
)
def test_a_filter_in_a_few_words(words: ColumnWords, kept: Range | Categories, said: str) -> None:
    assert words.filter(kept).lower() == said.lower()


def test_days_counted_back_are_said_from_less_to_more(words: ColumnWords) -> None:
    assert words.backwards("DAYS_BIRTH")
    assert words.between("DAYS_BIRTH", -365.25 * 40, -365.25 * 30) == "30 years to 40 years"
    assert words.between("DAYS_BIRTH", -math.inf, -365.25 * 30) == "30 years or more"
    assert words.between("DAYS_BIRTH", -365.25 * 30, math.inf) == "30 years or less"


def test_a_box_names_both_columns_and_a_contour_too(words: ColumnWords) -> None:
    both = words.filter(Box(Range("score", high=0.5), Categories("level", ("high",))))
    assert "Score" in both
    assert "High" in both
    drawn = words.filter(Lasso(AxisKey("score"), AxisKey("pd"), ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))))
    assert "Score" in drawn


@pytest.mark.parametrize("scale", ["linear", "log", "quantile"])
@pytest.mark.parametrize("column", ["AMT_CREDIT", "DAYS_EMPLOYED", "score", "CNT_CHILDREN"])
def test_ticks_are_inside_ascend_and_say_different_things(
    services: Services, words: ColumnWords, column: str, scale: str
) -> None:
    axis = services.population.axis(AxisKey(column, scale))
    low, high = axis.usual
    for ends in ((low, high), (high, low), (low + (high - low) / 3, low + (high - low) / 2)):
        ticks = words.ticks(axis, *ends)
        places = [place for place, _ in ticks]
        assert all(min(ends) - 1e-6 <= place <= max(ends) + 1e-6 for place in places)
        assert places == sorted(places)
        assert len({said for _, said in ticks}) == len(ticks)
    assert len(words.ticks(axis, low, high)) >= 2


def test_the_furthest_values_are_said_in_words(words: ColumnWords) -> None:
    greatest = 3.4028234663852886e38
    assert words.between("AMT_CREDIT", 1e6, greatest) == "1,000,000 or more"
    assert words.between("AMT_CREDIT", -math.inf, greatest) == "any value"
    assert words.between("AMT_CREDIT", math.inf, math.inf) == "infinite"
    assert words.value("contribution.AMT_CREDIT", math.inf) == "infinite"
    assert words.value("contribution.AMT_CREDIT", -0.0912) == "−0.091"
    assert words.value("AMT_CREDIT", None) == "no value"
