from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.column_index import ColumnIndex
from data.features.catalog import features
from data.schema import LANGUAGES, table
from explain.crossfilter.population import CONTRIBUTION, OUTCOMES, RAW

FEATURES = {feature.name: feature for feature in features()}
RANKS = {"EXT_SOURCE_3": 1, "DAYS_ID_PUBLISH": 2, "DAYS_BIRTH": 3, "AMT_CREDIT": 4}
RAWS = ("OCCUPATION_TYPE", "NAME_EDUCATION_TYPE", "WEEKDAY_APPR_PROCESS_START")
KEYS = (*OUTCOMES, *FEATURES, *(RAW + name for name in RAWS), *(CONTRIBUTION + name for name in FEATURES))


@pytest.fixture(scope="module")
def index() -> ColumnIndex:
    return ColumnIndex(KEYS, FEATURES, RANKS)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("score", "score"),
        ("probabilité de défaut", "pd"),
        ("probability of default", "pd"),
        ("niveau de risque", "level"),
        ("décision", "decision"),
        ("âge", "DAYS_BIRTH"),
        ("age", "DAYS_BIRTH"),
        ("profession", "raw.OCCUPATION_TYPE"),
        ("niveau d’études", "raw.NAME_EDUCATION_TYPE"),
        ("raw.occupation_type", "raw.OCCUPATION_TYPE"),
        ("contribution age", "contribution.DAYS_BIRTH"),
        ("contribution : âge", "contribution.DAYS_BIRTH"),
        ("contribution.AMT_CREDIT", "contribution.AMT_CREDIT"),
        ("AMT_CREDIT", "AMT_CREDIT"),
    ],
)
def test_words_of_both_languages_find_a_column_first(index: ColumnIndex, words: str, key: str) -> None:
    assert index.find(words)[0][0] == key


def test_contributions_come_after_everything_else_unless_asked_for(index: ColumnIndex) -> None:
    found, total = index.find("crédit", len(KEYS))
    behind = [key.startswith(CONTRIBUTION) for key in found]
    assert total == len(found)
    assert any(behind)
    assert behind == sorted(behind)
    asked, _ = index.find("contribution crédit", len(KEYS))
    assert asked
    assert all(key.startswith(CONTRIBUTION) for key in asked)
    assert {key.removeprefix(CONTRIBUTION) for key in asked} <= set(found)


def test_contribution_alone_lists_the_heaviest_first(index: ColumnIndex) -> None:
    found, total = index.find("contribution")
    assert found[:2] == ("contribution.EXT_SOURCE_3", "contribution.DAYS_ID_PUBLISH")
    assert total == len(FEATURES)


def test_every_column_is_found_by_its_key_and_by_its_labels(index: ColumnIndex) -> None:
    for key in KEYS[::37]:
        assert index.find(key)[0][0] == key, key
    for name in RAWS:
        for language in LANGUAGES:
            found, _ = index.find(table("application").column(name).label(language), len(KEYS))
            assert RAW + name in found


def test_only_columns_that_there_are_are_found() -> None:
    index = ColumnIndex(("score", "AMT_CREDIT"), FEATURES, RANKS)
    assert index.find("credit", 2000)[0] == ("AMT_CREDIT",)
    assert index.find("contribution") == ((), 0)
    assert index.first() == ("score", "AMT_CREDIT")


def test_outcomes_are_offered_first_then_what_weighs_most(index: ColumnIndex) -> None:
    assert index.first(7) == (*OUTCOMES, "EXT_SOURCE_3", "DAYS_ID_PUBLISH")


@given(st.text(max_size=40))
def test_any_text_is_searched(index: ColumnIndex, text: str) -> None:
    found, total = index.find(text)
    assert len(found) == min(total, 8)
    assert set(found) <= set(KEYS)
