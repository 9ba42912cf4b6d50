from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.address import DECISIONS, PAGES, Address, Explored, Filters, build, parse
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.filters import Categories, Range
from models.policy import LEVELS


def test_a_link_says_page_client_and_language() -> None:
    address = Address(page="client", client="100001", language="fr")
    assert build(address) == "?page=client&client=100001&lang=fr"


def test_filters_at_their_default_are_left_out_and_others_are_kept() -> None:
    filters = Filters(decision="refused", levels=("very_high", "high"), low=0.1, high=0.4)
    text = build(Address(client="7", language="en", filters=filters))
    assert text == "?page=client&client=7&lang=en&decision=refused&levels=very_high,high&score=0.1-0.4"
    assert parse(text).filters == filters


@given(
    st.builds(
        Address,
        page=st.sampled_from(PAGES),
        client=st.none() | st.text(min_size=1).filter(lambda text: text.isprintable()),
        language=st.none() | st.sampled_from(["fr", "en"]),
        filters=st.builds(
            Filters,
            decision=st.sampled_from(DECISIONS),
            levels=st.sets(st.sampled_from(LEVELS)).map(lambda kept: tuple(x for x in LEVELS if x in kept)),
            low=st.integers(0, 50).map(lambda percent: percent / 100),
            high=st.integers(50, 100).map(lambda percent: percent / 100),
        ),
    )
)
def test_an_address_comes_back_from_its_text(address: Address) -> None:
    assert parse(build(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "?page=nowhere",
        "?decision=perhaps&levels=none&score=a-b",
        "?score=0.9-0.1",
        "?score=-1-2",
        "?score=nan-1",
    ],
)
def test_a_senseless_address_is_the_default_one(text: str) -> None:
    assert parse(text) == Address()


def test_whatever_client_was_asked_for_is_kept_to_be_told() -> None:
    assert parse("?client=%3Cscript%3E").client == "<script>"


def test_what_the_portfolio_page_explores_is_part_of_the_address() -> None:
    explored = Explored(
        across=AxisKey("AMT_CREDIT", "log"),
        colour="score",
        charts=(AxisKey("NAME_TYPE_SUITE_Spouse, partner"), AxisKey("pd", "quantile")),
        filters=(("score", Range("score", 0.1, 0.5)), ("pair", Categories("level", ("high", "low"), missing=True))),
    )
    text = build(Address(page="portfolio", language="fr", explored=explored))
    assert parse(text).explored == explored
    assert "AMT_CREDIT~log" in text


def test_filters_that_cant_be_read_are_left_out_and_said_to_be() -> None:
    explored = parse("?page=portfolio&where=%7Bbroken&x=AMT_CREDIT&charts=a~nowhere").explored
    assert explored == Explored(across=AxisKey("AMT_CREDIT"), unread=True)
