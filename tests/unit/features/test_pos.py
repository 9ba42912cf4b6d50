"""Features of POS_CASH_balance, on values computed by hand."""

from __future__ import annotations

import math

ROWS = {
    "SK_ID_CURR": [1, 1, 1, 1, 2],
    "MONTHS_BALANCE": [-8, -4, -2, -2, -7],
    "SK_DPD": [0, 6, 2, 0, 0],
    "SK_DPD_DEF": [0, 4, 0, 0, 0],
    "NAME_CONTRACT_STATUS": ["Active", "Active", "Completed", None, "Lost"],
}


def test_every_feature(compute) -> None:
    found = compute([1, 2, 3], POS_CASH_balance=ROWS)
    assert found["POS_MONTHS_BALANCE_MAX"][:2] == [-2, -7]
    assert found["POS_MONTHS_BALANCE_MEAN"][:2] == [-4, -7]
    assert found["POS_MONTHS_BALANCE_SIZE"][:2] == [4, 1]
    assert found["POS_SK_DPD_MAX"][:2] == [6, 0]
    assert found["POS_SK_DPD_MEAN"][:2] == [2, 0]
    assert found["POS_SK_DPD_DEF_MAX"][:2] == [4, 0]
    assert found["POS_SK_DPD_DEF_MEAN"][:2] == [1, 0]
    assert found["POS_NAME_CONTRACT_STATUS_Active_MEAN"][:2] == [0.5, 0]
    assert found["POS_NAME_CONTRACT_STATUS_Completed_MEAN"][:2] == [0.25, 0]
    assert found["POS_NAME_CONTRACT_STATUS_nan_MEAN"][:2] == [0.25, 0]
    assert found["POS_COUNT"][:2] == [4, 1]


def test_an_empty_history_is_missing_and_not_zero(compute) -> None:
    found = compute([1, 3], POS_CASH_balance=ROWS)
    block = [name for name in found if name.startswith("POS_")]
    assert len(block) == 18
    assert all(math.isnan(found[name][1]) for name in block)


def test_the_size_counts_rows_whose_month_is_missing(compute) -> None:
    found = compute(POS_CASH_balance={"SK_ID_CURR": [1, 1], "MONTHS_BALANCE": [None, -3], "SK_DPD": [None, None]})
    assert found["POS_MONTHS_BALANCE_SIZE"] == [2]
    assert found["POS_MONTHS_BALANCE_MEAN"] == [-3]
    assert math.isnan(found["POS_SK_DPD_MAX"][0])
