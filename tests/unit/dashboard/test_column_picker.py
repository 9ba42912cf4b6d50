from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dashboard.column_index import ColumnIndex
from dashboard.i18n import Translator
from dashboard.views.column_picker import ColumnPicker
from data.features.catalog import features
from explain.crossfilter.population import CONTRIBUTION, OUTCOMES

FEATURES = {feature.name: feature for feature in features()}
KEYS = (*OUTCOMES, *FEATURES, "raw.OCCUPATION_TYPE", *(CONTRIBUTION + name for name in FEATURES))


class _Chosen(list[tuple[str, str]]):
    """What was chosen, with the words that the field showed by then."""

    picker: ColumnPicker

    def __call__(self, key: str) -> None:
        self.append((key, self.picker._words.value_input))


@pytest.fixture(scope="module")
def services() -> Any:
    return SimpleNamespace(columns=ColumnIndex(KEYS, FEATURES, {"DAYS_BIRTH": 1}), feature=FEATURES.__getitem__)


@pytest.fixture
def chosen() -> _Chosen:
    return _Chosen()


@pytest.fixture
def picker(services: Any, chosen: _Chosen) -> ColumnPicker:
    picker = chosen.picker = ColumnPicker("Across", services, Translator("en"), chosen)
    picker.show("DAYS_BIRTH")
    return picker


def _type(picker: ColumnPicker, text: str) -> None:
    picker._words._process_events({"value_input": text})


def _leave(picker: ColumnPicker) -> None:
    picker._words._process_events({"value": picker._words.value_input})


def _offered(picker: ColumnPicker) -> list[str]:
    return [item["key"] for item in picker._found.items] if picker._found.visible else []


def test_it_shows_the_label_of_the_column(picker: ColumnPicker) -> None:
    assert picker._words.value_input == "Age"
    assert picker._words.placeholder == "Age"
    assert _offered(picker) == []


def test_words_offer_the_best_columns_and_a_way_back(picker: ColumnPicker) -> None:
    _type(picker, "credit")
    offered = _offered(picker)
    assert len(offered) == 9
    assert offered[-1] == ""
    assert "best 8" in picker._told.object
    assert all(item["label"] and item["icon"] for item in picker._found.items)


def test_enter_takes_the_first_and_the_words_are_restored_before_it_is_told(
    picker: ColumnPicker, chosen: _Chosen
) -> None:
    _type(picker, "profession")
    picker._words.param.trigger("enter_pressed")
    picker._words._process_events({"value": "profession"})  # the browser tells it after the key
    assert chosen == [("raw.OCCUPATION_TYPE", "Occupation")]
    assert picker._words.value_input == picker._words.value == "Occupation"
    assert _offered(picker) == []
    assert picker._told.object == ""


def test_a_click_takes_what_is_clicked_though_the_field_is_left_first(picker: ColumnPicker, chosen: _Chosen) -> None:
    _type(picker, "score")
    _leave(picker)
    assert "score" in _offered(picker)
    picker._clicked(picker._found.items[0])
    assert [key for key, _ in chosen] == ["score"]
    assert picker._words.value_input == "Score"


def test_the_last_item_goes_back(picker: ColumnPicker, chosen: _Chosen) -> None:
    _type(picker, "score")
    picker._clicked(picker._found.items[-1])
    assert chosen == []
    assert picker._words.value_input == "Age"
    assert _offered(picker) == []


def test_an_emptied_field_offers_nothing_and_goes_back_when_it_is_left(picker: ColumnPicker, chosen: _Chosen) -> None:
    _type(picker, "score")
    _type(picker, "")
    assert _offered(picker) == []
    assert picker._words.value_input == ""
    assert picker._words.placeholder == "Age"
    _leave(picker)
    assert picker._words.value_input == "Age"
    _type(picker, "")
    picker._words.param.trigger("enter_pressed")
    assert picker._words.value_input == "Age"
    assert chosen == []


def test_words_that_nothing_has_are_told_and_go_when_the_field_is_left(picker: ColumnPicker) -> None:
    _type(picker, "<b>zzz</b>")
    assert "&lt;b&gt;zzz" in picker._told.object
    assert _offered(picker) == []
    _leave(picker)
    assert picker._words.value_input == "Age"
    assert picker._told.object == ""


def test_what_is_half_typed_stays_when_another_column_is_shown(picker: ColumnPicker) -> None:
    _type(picker, "sco")
    picker.show("AMT_CREDIT")
    assert picker._words.value_input == "sco"
    picker._clicked(picker._found.items[-1])
    assert picker._words.value_input == FEATURES["AMT_CREDIT"].label("en")


def test_a_picker_that_adds_shows_no_column_and_is_empty_again(services: Any, chosen: _Chosen) -> None:
    picker = chosen.picker = ColumnPicker("Add", services, Translator("fr"), chosen)
    _type(picker, "niveau de risque")
    assert "" not in _offered(picker)
    picker._words.param.trigger("enter_pressed")
    assert chosen == [("level", "")]
    assert picker._words.value_input == ""
    _type(picker, "score")
    _type(picker, "")
    assert _offered(picker) == []
