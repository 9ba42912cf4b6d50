from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.feature_index import FeatureIndex
from data.features.catalog import features

CATALOG = features()
RANKS = {"EXT_SOURCE_3": 1, "DAYS_BIRTH": 2, "AMT_CREDIT": 3}


@pytest.fixture(scope="module")
def index() -> FeatureIndex:
    return FeatureIndex(CATALOG, RANKS)


def _names(index: FeatureIndex, text: str) -> list[str]:
    return [feature.name for feature in index.find(text)[0]]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("DAYS_BIRTH", "DAYS_BIRTH"),
        ("days_birth", "DAYS_BIRTH"),
        ("âge", "DAYS_BIRTH"),
        ("AGE", "DAYS_BIRTH"),
        ("age", "DAYS_BIRTH"),
        ("score externe 3", "EXT_SOURCE_3"),
        ("external score 3", "EXT_SOURCE_3"),
        ("montant du crédit", "AMT_CREDIT"),
        ("MONTANT DU CREDIT", "AMT_CREDIT"),
        ("credit amount", "AMT_CREDIT"),
    ],
)
def test_words_of_both_languages_find_a_feature_first(index: FeatureIndex, words: str, name: str) -> None:
    assert _names(index, words)[0] == name


def test_a_whole_well_known_name_comes_first_whatever_weighs_more(index: FeatureIndex) -> None:
    for name in ("EXT_SOURCE_1", "AMT_ANNUITY", "ACTIVE_AMT_CREDIT_SUM_DEBT_SUM", "INSTAL_DPD_MAX"):
        assert _names(index, f" {name.lower()} ")[0] == name


def test_every_feature_is_found_by_its_name_and_by_its_labels() -> None:
    index = FeatureIndex(CATALOG, {})
    for feature in CATALOG[::7]:
        for text in (feature.name, feature.label("fr"), feature.label("en")):
            found, total = index.find(text, len(CATALOG))
            assert feature in found, text
            assert total == len(found)


def test_all_words_must_be_there(index: FeatureIndex) -> None:
    _, one = index.find("crédit")
    _, both = index.find("crédit retard")
    assert 0 < both < one
    assert index.find("crédit zzzz") == ((), 0)


def test_a_plural_finds_what_a_singular_finds(index: FeatureIndex) -> None:
    assert index.find("crédits")[1] == index.find("crédit")[1] > 0


def test_little_words_alone_are_words(index: FeatureIndex) -> None:
    assert index.find("de")[1] > 0
    assert _names(index, "âge de la")[0] == "DAYS_BIRTH"


def test_few_are_returned_and_all_are_counted_the_heaviest_first(index: FeatureIndex) -> None:
    found, total = index.find("amt_credit")
    assert len(found) == 8 < total
    assert found[0].name == "AMT_CREDIT"


@pytest.mark.parametrize("text", ["", "  ", "!?", "’", "_"])
def test_nothing_typed_finds_nothing(index: FeatureIndex, text: str) -> None:
    assert index.find(text) == ((), 0)


@given(st.text(max_size=40))
def test_anything_can_be_typed(text: str) -> None:
    found, total = FeatureIndex(CATALOG[:50], {}).find(text)
    assert len(found) == min(total, 8)


def test_an_answer_takes_a_few_milliseconds(index: FeatureIndex) -> None:
    took = []
    for text in ("a", "montant du crédit", "part demandes précédentes", "xyz", "e r t") * 4:
        start = time.perf_counter()
        index.find(text)
        took.append(time.perf_counter() - start)
    assert sorted(took)[len(took) // 2] < 0.05
