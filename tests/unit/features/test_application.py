"""Features of the application, on values computed by hand."""

from __future__ import annotations

import math

import polars as pl
import pytest

from data.errors import WrongColumn
from data.features import build_features


def test_numbers_are_taken_as_they_are(compute) -> None:
    found = compute(application={"CNT_CHILDREN": [2], "EXT_SOURCE_2": [0.25], "FLAG_EMAIL": [1]})
    assert found["CNT_CHILDREN"] == [2]
    assert found["EXT_SOURCE_2"] == [0.25]
    assert found["FLAG_EMAIL"] == [1]
    assert math.isnan(found["EXT_SOURCE_1"][0])


def test_binaries_are_0_and_1_and_missing_for_anything_else(compute) -> None:
    found = compute(
        [1, 2, 3, 4],
        application={
            "CODE_GENDER": ["F", "M", "XNA", None],
            "FLAG_OWN_CAR": ["N", "Y", None, "?"],
            "FLAG_OWN_REALTY": ["Y", "N", "Y", "N"],
        },
    )
    assert found["CODE_GENDER"][:2] == [0, 1]
    assert all(math.isnan(value) for value in found["CODE_GENDER"][2:])
    assert found["FLAG_OWN_CAR"][:2] == [0, 1]
    assert all(math.isnan(value) for value in found["FLAG_OWN_CAR"][2:])
    assert found["FLAG_OWN_REALTY"] == [1, 0, 1, 0]


def test_a_category_sets_its_indicator_and_a_missing_or_unknown_one_sets_none(compute) -> None:
    found = compute(
        [1, 2, 3], application={"NAME_TYPE_SUITE": ["Spouse, partner", None, "Neighbour"], "SK_ID_CURR": [1, 2, 3]}
    )
    assert found["NAME_TYPE_SUITE_Spouse, partner"] == [1, 0, 0]
    assert found["NAME_TYPE_SUITE_Family"] == [0, 0, 0]
    indicators = [values for name, values in found.items() if name.startswith("NAME_TYPE_SUITE_")]
    assert [sum(column) for column in zip(*indicators, strict=True)] == [1, 0, 0]


def test_ratios(compute) -> None:
    found = compute(
        application={
            "DAYS_EMPLOYED": [-2500],
            "DAYS_BIRTH": [-10000],
            "AMT_INCOME_TOTAL": [90000.0],
            "AMT_CREDIT": [360000.0],
            "CNT_FAM_MEMBERS": [3.0],
            "AMT_ANNUITY": [18000.0],
        }
    )
    assert found["DAYS_EMPLOYED_PERC"] == [0.25]
    assert found["INCOME_CREDIT_PERC"] == [0.25]
    assert found["INCOME_PER_PERSON"] == [30000]
    assert found["ANNUITY_INCOME_PERC"] == [pytest.approx(0.2, rel=1e-6)]
    assert found["PAYMENT_RATE"] == [pytest.approx(0.05, rel=1e-6)]


def test_365243_days_employed_is_missing_and_so_is_its_share_of_life(compute) -> None:
    found = compute(application={"DAYS_EMPLOYED": [365243], "DAYS_BIRTH": [-20000]})
    assert math.isnan(found["DAYS_EMPLOYED"][0])
    assert math.isnan(found["DAYS_EMPLOYED_PERC"][0])


def test_a_division_by_zero_is_infinite_and_zero_by_zero_is_missing(compute) -> None:
    found = compute(
        [1, 2],
        application={"AMT_ANNUITY": [9.0, 0.0], "AMT_CREDIT": [0.0, 0.0], "SK_ID_CURR": [1, 2]},
    )
    assert found["PAYMENT_RATE"][0] == math.inf
    assert math.isnan(found["PAYMENT_RATE"][1])


def test_clients_come_by_ascending_id(compute) -> None:
    found = compute([30, 10, 20], application={"CNT_CHILDREN": [3, 1, 2], "SK_ID_CURR": [30, 10, 20]})
    assert found["SK_ID_CURR"] == [10, 20, 30]
    assert found["CNT_CHILDREN"] == [1, 2, 3]


def test_a_client_with_two_applications_is_refused(make_table) -> None:
    with pytest.raises(WrongColumn, match=r"SK_ID_CURR of table application names 1 client\(s\) more than once: 7\."):
        build_features({"application": make_table("application", {"SK_ID_CURR": [7, 8, 7, 7]})})


def test_a_client_without_id_is_refused(make_table) -> None:
    with pytest.raises(WrongColumn, match=r"empty on 1 row"):
        build_features({"application": make_table("application", {"SK_ID_CURR": [7, None]})})


def test_a_renamed_column_is_named_with_the_nearest(make_table) -> None:
    table = make_table("application", {"SK_ID_CURR": [7]}).rename({"AMT_CREDIT": "AMT_CREDITS"})
    with pytest.raises(WrongColumn, match=r"application has no column AMT_CREDIT\. Did you mean AMT_CREDITS"):
        build_features({"application": table})


@pytest.mark.parametrize(("name", "values"), [("AMT_CREDIT", ["a lot"]), ("CODE_GENDER", [1])])
def test_a_column_of_an_impossible_dtype_is_named(make_table, name: str, values: list[object]) -> None:
    table = make_table("application", {"SK_ID_CURR": [7]}).with_columns(pl.Series(name, values))
    with pytest.raises(WrongColumn, match=f"Column {name} of table application should hold"):
        build_features({"application": table})
