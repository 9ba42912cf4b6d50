"""Features of bureau and bureau_balance, on values computed by hand."""

from __future__ import annotations

import math

import pytest

CREDITS = {
    "SK_ID_CURR": [1, 1, 1, 2],
    "SK_ID_BUREAU": [11, 12, 13, 21],
    "CREDIT_ACTIVE": ["Active", "Closed", "Active", "Sold"],
    "CREDIT_CURRENCY": ["currency 1", "currency 1", None, "currency 9"],
    "CREDIT_TYPE": ["Mortgage", "Credit card", "Credit card", "Microloan"],
    "DAYS_CREDIT": [-100, -700, -400, -50],
    "DAYS_CREDIT_ENDDATE": [300.0, None, -60.0, None],
    "DAYS_CREDIT_UPDATE": [-10, -30, -20, -5],
    "CREDIT_DAY_OVERDUE": [0, 6, 3, 0],
    "AMT_CREDIT_MAX_OVERDUE": [None, 50.0, 100.0, None],
    "AMT_CREDIT_SUM": [1000.0, 3000.0, 500.0, 250.0],
    "AMT_CREDIT_SUM_DEBT": [600.0, 0.0, None, None],
    "AMT_CREDIT_SUM_OVERDUE": [0.0, 9.0, 0.0, 0.0],
    "AMT_CREDIT_SUM_LIMIT": [None, None, None, None],
    "AMT_ANNUITY": [40.0, None, 80.0, None],
    "CNT_CREDIT_PROLONG": [1, 0, 2, 0],
}
MONTHS = {
    "SK_ID_BUREAU": [11, 11, 11, 11, 12, 12, 99],
    "MONTHS_BALANCE": [-3, -2, -1, 0, -9, -8, 0],
    "STATUS": ["0", "0", "C", None, "0", "X", "5"],
}


def test_numbers_of_all_credits(compute) -> None:
    found = compute(bureau=CREDITS)
    assert found["BURO_DAYS_CREDIT_MIN"] == [-700]
    assert found["BURO_DAYS_CREDIT_MAX"] == [-100]
    assert found["BURO_DAYS_CREDIT_MEAN"] == [-400]
    assert found["BURO_DAYS_CREDIT_VAR"] == [90000]  # (300² + 300² + 0²) / 2
    assert found["BURO_DAYS_CREDIT_ENDDATE_MIN"] == [-60]
    assert found["BURO_DAYS_CREDIT_ENDDATE_MAX"] == [300]
    assert found["BURO_DAYS_CREDIT_ENDDATE_MEAN"] == [120]
    assert found["BURO_DAYS_CREDIT_UPDATE_MEAN"] == [-20]
    assert found["BURO_CREDIT_DAY_OVERDUE_MAX"] == [6]
    assert found["BURO_CREDIT_DAY_OVERDUE_MEAN"] == [3]
    assert found["BURO_AMT_CREDIT_MAX_OVERDUE_MEAN"] == [75]
    assert found["BURO_AMT_CREDIT_SUM_MAX"] == [3000]
    assert found["BURO_AMT_CREDIT_SUM_MEAN"] == [1500]
    assert found["BURO_AMT_CREDIT_SUM_SUM"] == [4500]
    assert found["BURO_AMT_CREDIT_SUM_DEBT_MAX"] == [600]
    assert found["BURO_AMT_CREDIT_SUM_DEBT_MEAN"] == [300]
    assert found["BURO_AMT_CREDIT_SUM_DEBT_SUM"] == [600]
    assert found["BURO_AMT_CREDIT_SUM_OVERDUE_MEAN"] == [3]
    assert found["BURO_AMT_ANNUITY_MAX"] == [80]
    assert found["BURO_AMT_ANNUITY_MEAN"] == [60]
    assert found["BURO_CNT_CREDIT_PROLONG_SUM"] == [3]


def test_nothing_but_missing_values_has_no_mean_but_sums_to_zero(compute) -> None:
    found = compute(bureau=CREDITS)
    assert math.isnan(found["BURO_AMT_CREDIT_SUM_LIMIT_MEAN"][0])
    assert found["BURO_AMT_CREDIT_SUM_LIMIT_SUM"] == [0]


def test_shares_of_categories_with_the_missing_one_and_without_the_unknown_one(compute) -> None:
    found = compute([1, 2], bureau=CREDITS)
    assert found["BURO_CREDIT_ACTIVE_Active_MEAN"] == [pytest.approx(2 / 3), 0]
    assert found["BURO_CREDIT_ACTIVE_nan_MEAN"] == [0, 0]
    assert found["BURO_CREDIT_CURRENCY_currency 1_MEAN"] == [pytest.approx(2 / 3), 0]
    assert found["BURO_CREDIT_CURRENCY_nan_MEAN"] == [pytest.approx(1 / 3), 0]
    assert found["BURO_CREDIT_TYPE_Credit card_MEAN"] == [pytest.approx(2 / 3), 0]
    assert found["BURO_CREDIT_TYPE_Microloan_MEAN"] == [0, 1]


def test_active_and_closed_credits_apart(compute) -> None:
    found = compute(bureau=CREDITS)
    assert found["ACTIVE_DAYS_CREDIT_MIN"] == [-400]
    assert found["ACTIVE_DAYS_CREDIT_VAR"] == [45000]  # 2 · 150² / 1
    assert found["ACTIVE_AMT_CREDIT_SUM_SUM"] == [1500]
    assert found["ACTIVE_AMT_CREDIT_SUM_DEBT_MEAN"] == [600]
    assert found["ACTIVE_AMT_CREDIT_SUM_LIMIT_SUM"] == [0]
    assert found["CLOSED_DAYS_CREDIT_MAX"] == [-700]
    assert math.isnan(found["CLOSED_DAYS_CREDIT_VAR"][0])
    assert found["CLOSED_CNT_CREDIT_PROLONG_SUM"] == [0]


def test_a_client_without_closed_credit_has_no_sum_either(compute) -> None:
    found = compute([1, 2, 3], bureau=CREDITS)
    for name in ("ACTIVE_CNT_CREDIT_PROLONG_SUM", "CLOSED_AMT_CREDIT_SUM_SUM", "CLOSED_DAYS_CREDIT_MEAN"):
        assert math.isnan(found[name][1])
        assert math.isnan(found[name][2])


def test_a_client_without_credit_has_nothing(compute) -> None:
    found = compute([1, 3], bureau=CREDITS, bureau_balance=MONTHS)
    block = [name for name in found if name.startswith(("BURO_", "ACTIVE_", "CLOSED_"))]
    assert len(block) == 116
    assert all(math.isnan(found[name][1]) for name in block)


def test_months_per_credit_then_per_client(compute) -> None:
    found = compute(bureau=CREDITS, bureau_balance=MONTHS)
    assert found["BURO_MONTHS_BALANCE_MIN_MIN"] == [-9]
    assert found["BURO_MONTHS_BALANCE_MAX_MAX"] == [0]
    assert found["BURO_MONTHS_BALANCE_SIZE_MEAN"] == [3]  # of 4 and 2; the third credit has no month
    assert found["BURO_MONTHS_BALANCE_SIZE_SUM"] == [6]
    assert found["ACTIVE_MONTHS_BALANCE_MIN_MIN"] == [-3]
    assert found["ACTIVE_MONTHS_BALANCE_SIZE_SUM"] == [4]
    assert found["CLOSED_MONTHS_BALANCE_MAX_MAX"] == [-8]


def test_status_shares_are_averaged_over_credits_not_months(compute) -> None:
    found = compute(bureau=CREDITS, bureau_balance=MONTHS)
    assert found["BURO_STATUS_0_MEAN_MEAN"] == [0.5]  # (2/4 + 1/2) / 2
    assert found["BURO_STATUS_C_MEAN_MEAN"] == [0.125]  # (1/4 + 0) / 2
    assert found["BURO_STATUS_X_MEAN_MEAN"] == [0.25]
    assert found["BURO_STATUS_nan_MEAN_MEAN"] == [0.125]
    assert found["BURO_STATUS_5_MEAN_MEAN"] == [0]  # only a credit that is not in bureau has it


def test_a_client_whose_credits_have_no_month(compute) -> None:
    found = compute([1, 2], bureau=CREDITS, bureau_balance=MONTHS)
    assert math.isnan(found["BURO_STATUS_0_MEAN_MEAN"][1])
    assert math.isnan(found["BURO_MONTHS_BALANCE_SIZE_MEAN"][1])
    assert found["BURO_MONTHS_BALANCE_SIZE_SUM"][1] == 0
    assert math.isnan(found["ACTIVE_MONTHS_BALANCE_SIZE_SUM"][1])


def test_without_balances_their_features_are_absent(compute) -> None:
    found = compute(bureau=CREDITS)
    assert not [name for name in found if "_STATUS_" in name and name.startswith("BURO_")]
    assert not [name for name in found if "MONTHS_BALANCE" in name]


def test_balances_without_bureau_are_ignored(compute) -> None:
    found = compute(bureau_balance=MONTHS)
    assert not [name for name in found if name.startswith(("BURO_", "ACTIVE_", "CLOSED_"))]


def test_a_credit_listed_twice_counts_twice(compute) -> None:
    twice = {name: [values[0], values[0]] for name, values in CREDITS.items()}
    found = compute(bureau=twice, bureau_balance=MONTHS)
    assert found["BURO_AMT_CREDIT_SUM_SUM"] == [2000]
    assert found["BURO_MONTHS_BALANCE_SIZE_SUM"] == [8]
    assert found["BURO_STATUS_0_MEAN_MEAN"] == [0.5]


def test_rows_without_client_or_credit_id_belong_to_nobody(compute) -> None:
    lost = {**CREDITS, "SK_ID_CURR": [1, None, None, None]}
    found = compute(bureau=lost, bureau_balance={**MONTHS, "SK_ID_BUREAU": [11, None, None, None, None, None, None]})
    assert found["BURO_AMT_CREDIT_SUM_SUM"] == [1000]
    assert found["BURO_MONTHS_BALANCE_SIZE_SUM"] == [1]
