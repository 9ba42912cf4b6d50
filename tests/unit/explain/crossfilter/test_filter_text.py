"""Filters and axes as text, and back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InvalidOption
from explain.crossfilter.axes import SCALES, AxisKey
from explain.crossfilter.filter_text import axis_from, axis_text, filters_from, filters_text
from explain.crossfilter.filters import Box, Categories, Filter, Lasso, Range

INF = np.inf
NAMES = st.one_of(
    st.sampled_from(
        ["AMT_CREDIT", "raw.NAME_TYPE_SUITE", "NAME_TYPE_SUITE_Spouse, partner", "missing", "is", "..", "box"]
    ),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.text("%;:*,~-.is", max_size=8),
)
BOUNDS = st.floats(width=32, allow_nan=False)
RANGES = st.builds(
    lambda column, one, other, missing: Range(column, min(one, other), max(one, other), missing),
    NAMES, BOUNDS, BOUNDS, st.booleans(),
)  # fmt: skip
SIDES = st.one_of(RANGES, st.builds(Categories, NAMES, st.lists(NAMES, max_size=4).map(tuple), st.booleans()))
AXES = st.builds(AxisKey, NAMES, st.sampled_from(SCALES))
PLACES = st.floats(-1e12, 1e12)
LASSOS = st.builds(Lasso, AXES, AXES, st.lists(st.tuples(PLACES, PLACES), min_size=3, max_size=9).map(tuple))
FILTERS = st.one_of(SIDES, st.builds(Box, SIDES, SIDES), LASSOS)


@given(st.lists(st.tuples(NAMES, FILTERS), max_size=4).map(tuple))
def test_what_is_written_is_read_back_the_same(filters: tuple[tuple[str, Filter], ...]) -> None:
    text = filters_text(filters)
    assert filters_from(text) == filters
    assert parse_qs(urlencode({"where": text}, safe=",;:*")).get("where", [""]) == [text]


@given(SIDES)
def test_the_filter_of_a_columns_own_chart_names_it_once(side: Range | Categories) -> None:
    own = ((side.column, side),)
    assert filters_from(filters_text(own)) == own
    assert len(filters_text(own)) < len(filters_text((("another", side),)))


@given(AXES)
def test_axes_are_read_back_the_same(key: AxisKey) -> None:
    text = axis_text(key)
    assert axis_from(text) == key
    assert "," not in text


@pytest.mark.parametrize(
    ("chart", "kept", "text"),
    [
        ("AMT_CREDIT", Range("AMT_CREDIT", 1e5, 500_000), "AMT_CREDIT:100000..500000"),
        ("EXT_SOURCE_1", Range("EXT_SOURCE_1", -INF, 0.3, missing=True), "EXT_SOURCE_1:..0.3:missing"),
        ("DAYS_BIRTH", Range("DAYS_BIRTH", -12_345, INF), "DAYS_BIRTH:-12345.."),
        ("X", Range("X"), "X:.."),
        ("X", Range("X", 1e-7, 3e20), "X:1e-7..3e20"),
        ("level", Categories("level", ("high", "very_high")), "level:is:high,very_high"),
        ("raw.S", Categories("raw.S", ("Spouse, partner",), missing=True), "raw.S:is:Spouse%2C partner:missing"),
        ("X", Categories("X", (), missing=True), "X:is:missing"),
        ("X", Categories("X", ("missing",)), "X:is:%6Dissing"),
        ("X", Categories("X"), "X:is"),
        ("pair", Box(Range("A", 1, 2), Categories("level", ("low",))), "pair:box:A:1..2*level:is:low"),
        ("pair", Range("A", 1, 2), "pair:of:A:1..2"),
        (
            "pair",
            Lasso(AxisKey("A", "log"), AxisKey("B"), ((0.12345, -1), (1.5, -1), (1, 2.25))),
            "pair:lasso:A~log:B:0.123,-1,1.5,-1,1,2.25",
        ),
    ],
)
def test_a_person_can_read_it(chart: str, kept: Filter, text: str) -> None:
    assert filters_text(((chart, kept),)) == text
    assert filters_from(text) == ((chart, kept),)


def test_axes_say_their_scale_where_it_is_not_linear() -> None:
    assert axis_text(AxisKey("AMT_CREDIT")) == "AMT_CREDIT"
    assert axis_text(AxisKey("AMT_CREDIT", "log")) == "AMT_CREDIT~log"
    assert axis_from("AMT_CREDIT~quantile") == AxisKey("AMT_CREDIT", "quantile")
    assert axis_from("AMT_CREDIT~linear") == AxisKey("AMT_CREDIT")


def test_several_filters_keep_their_order() -> None:
    filters = (("B", Range("B", 1, 2)), ("A", Range("A", 1, 2)), ("pair", Box(Range("A", 0, 1), Range("B", 0, 1))))
    assert filters_text(filters) == "B:1..2;A:1..2;pair:box:A:0..1*B:0..1"
    assert filters_from(filters_text(filters)) == filters
    assert filters_text(()) == ""
    assert filters_from("") == ()


@given(BOUNDS)
def test_a_bound_is_written_in_the_fewest_digits(bound: float) -> None:
    text = filters_text((("X", Range("X", bound, INF)),)).removeprefix("X:").removesuffix("..")
    if np.isfinite(bound):
        assert np.float32(float(text)) == np.float32(bound)
        digits = text.lower().partition("e")[0].strip("-").replace(".", "").strip("0")
        assert len(digits) <= 9
        assert "+" not in text


@pytest.mark.parametrize(
    "text",
    [
        "AMT_CREDIT", "AMT_CREDIT:", ":1..2", "A:1..2;", ";", "A:1", "A:1..2..3", "A:x..2", "A:1..2:missing:missing",
        "A:1..2:other", "A:is:a:b", "A:is:a:missing:b", "A:is:", "A:is:a,,b", "A:is:a%", "A:is:a%zz", "A:has:a",
        "pair:box:A:1..2", "pair:box:A:1..2*B:1..2*C:1..2", "pair:box:*", "pair:lasso:A:B", "pair:lasso:A:B:1,2,3",
        "pair:lasso:A:B:", "pair:lasso:A:B:a,b,c,d,e,f", "pair:of:", "pair:of:A", "pair:lasso::B:0,0,1,0,1,1",
        "A:2..1", "A:nan..1", "pair:lasso:A:B:0,0,1,1", "pair:lasso:A:B:0,0,1,1,nan,2",
        "pair:lasso:A~cube:B:0,0,1,0,1,1",
    ],
)  # fmt: skip
def test_what_is_no_filter_is_said_to_be_none(text: str) -> None:
    with pytest.raises(InvalidOption):
        filters_from(text)


@given(st.text("ABCdeilmnorsx0123456789.,:;*%~-", max_size=30))
def test_anything_is_read_or_said_to_be_wrong(text: str) -> None:
    try:
        found = filters_from(text)
    except InvalidOption:
        return
    assert filters_from(filters_text(found)) == found


def test_messages_quote_what_was_given() -> None:
    with pytest.raises(InvalidOption, match=r"'A:1' is no filter.*AMT_CREDIT:100000..500000"):
        filters_from("A:1")
    with pytest.raises(InvalidOption, match=r"'logg'.*Did you mean log"):
        axis_from("A~logg")
    for text in ("", "~log", "%"):
        with pytest.raises(InvalidOption, match="no axis"):
            axis_from(text)
