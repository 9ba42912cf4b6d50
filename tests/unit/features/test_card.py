"""Features of credit_card_balance, on values computed by hand."""

from __future__ import annotations

import math

import pytest

from data import schema

ROWS = {
    "SK_ID_CURR": [1, 1, 1, 2],
    "MONTHS_BALANCE": [-3, -2, -1, -5],
    "AMT_BALANCE": [0.0, 30.0, 60.0, 7.0],
    "AMT_DRAWINGS_ATM_CURRENT": [None, 5.0, None, None],
    "SK_DPD": [0, 0, 9, 0],
    "NAME_CONTRACT_STATUS": ["Active", "Active", None, "Completed"],
}
AGGREGATIONS = ("MIN", "MAX", "MEAN", "SUM", "VAR")


def _five(found: dict[str, list[float]], column: str, client: int = 0) -> list[float]:
    return [found[f"CC_{column}_{how}"][client] for how in AGGREGATIONS]


def test_numbers(compute) -> None:
    found = compute(credit_card_balance=ROWS)
    assert _five(found, "MONTHS_BALANCE") == [-3, -1, -2, -6, 1]
    assert _five(found, "AMT_BALANCE") == [0, 60, 30, 90, 900]
    assert _five(found, "SK_DPD") == [0, 9, 3, 9, 27]  # (9 + 9 + 36) / 2
    assert found["CC_COUNT"] == [3]


def test_one_value_has_no_variance(compute) -> None:
    found = compute([1, 2], credit_card_balance=ROWS)
    assert _five(found, "AMT_DRAWINGS_ATM_CURRENT")[:4] == [5, 5, 5, 5]
    assert math.isnan(found["CC_AMT_DRAWINGS_ATM_CURRENT_VAR"][0])
    assert _five(found, "AMT_BALANCE", 1)[:4] == [7, 7, 7, 7]
    assert math.isnan(found["CC_AMT_BALANCE_VAR"][1])


def test_nothing_but_missing_values(compute) -> None:
    found = compute([1, 2], credit_card_balance=ROWS)
    missing = _five(found, "AMT_DRAWINGS_ATM_CURRENT", 1)
    assert missing[3] == 0
    assert all(math.isnan(missing[position]) for position in (0, 1, 2, 4))


def test_indicators_of_categories_have_the_same_five(compute) -> None:
    found = compute([1, 2], credit_card_balance=ROWS)
    assert _five(found, "NAME_CONTRACT_STATUS_Active")[:2] == [0, 1]
    assert _five(found, "NAME_CONTRACT_STATUS_Active")[2:] == pytest.approx([2 / 3, 2, 1 / 3])
    assert _five(found, "NAME_CONTRACT_STATUS_nan") == pytest.approx([0, 1, 1 / 3, 1, 1 / 3])
    assert _five(found, "NAME_CONTRACT_STATUS_Refused") == [0, 0, 0, 0, 0]
    assert _five(found, "NAME_CONTRACT_STATUS_Completed", 1)[:4] == [1, 1, 1, 1]
    assert math.isnan(found["CC_NAME_CONTRACT_STATUS_Completed_VAR"][1])


def test_an_unknown_status_sets_no_indicator(compute) -> None:
    found = compute(credit_card_balance={"SK_ID_CURR": [1, 1], "NAME_CONTRACT_STATUS": ["Stolen", "Stolen"]})
    statuses = (*schema.table("credit_card_balance").column("NAME_CONTRACT_STATUS").categories, "nan")
    assert len(statuses) == 8
    assert all(_five(found, f"NAME_CONTRACT_STATUS_{status}") == [0] * 5 for status in statuses)


def test_a_client_without_card_has_nothing(compute) -> None:
    found = compute([1, 3], credit_card_balance=ROWS)
    block = [name for name in found if name.startswith("CC_")]
    assert len(block) == 141
    assert all(math.isnan(found[name][1]) for name in block)
