"""Features of previous_application, on values computed by hand."""

from __future__ import annotations

import math

import pytest

APPLICATIONS = {
    "SK_ID_CURR": [1, 1, 1, 2],
    "SK_ID_PREV": [11, 12, 13, 21],
    "NAME_CONTRACT_STATUS": ["Approved", "Refused", "Approved", None],
    "NAME_YIELD_GROUP": ["high", "high", "middle", "brand new"],
    "NAME_TYPE_SUITE": [None, None, "Family", None],
    "AMT_ANNUITY": [10.0, None, 30.0, None],
    "AMT_APPLICATION": [100.0, 300.0, 400.0, 50.0],
    "AMT_CREDIT": [200.0, 400.0, 400.0, 0.0],
    "AMT_DOWN_PAYMENT": [0.0, None, 20.0, None],
    "AMT_GOODS_PRICE": [90.0, 60.0, 30.0, None],
    "HOUR_APPR_PROCESS_START": [8, 10, 15, 23],
    "RATE_DOWN_PAYMENT": [0.0, None, 0.5, None],
    "DAYS_DECISION": [-10, -400, -100, -1],
    "CNT_PAYMENT": [12.0, None, 24.0, None],
}


def test_numbers_of_all_applications(compute) -> None:
    found = compute(previous_application=APPLICATIONS)
    assert [found[f"PREV_AMT_ANNUITY_{how}"][0] for how in ("MIN", "MAX", "MEAN")] == [10, 30, 20]
    assert [found[f"PREV_AMT_APPLICATION_{how}"][0] for how in ("MIN", "MAX")] == [100, 400]
    assert found["PREV_AMT_APPLICATION_MEAN"] == [pytest.approx(266.666667)]
    assert [found[f"PREV_AMT_CREDIT_{how}"][0] for how in ("MIN", "MAX")] == [200, 400]
    assert [found[f"PREV_AMT_DOWN_PAYMENT_{how}"][0] for how in ("MIN", "MAX", "MEAN")] == [0, 20, 10]
    assert [found[f"PREV_AMT_GOODS_PRICE_{how}"][0] for how in ("MIN", "MAX", "MEAN")] == [30, 90, 60]
    assert [found[f"PREV_HOUR_APPR_PROCESS_START_{how}"][0] for how in ("MIN", "MAX", "MEAN")] == [8, 15, 11]
    assert [found[f"PREV_RATE_DOWN_PAYMENT_{how}"][0] for how in ("MIN", "MAX", "MEAN")] == [0, 0.5, 0.25]
    assert [found[f"PREV_DAYS_DECISION_{how}"][0] for how in ("MIN", "MAX", "MEAN")] == [-400, -10, -170]
    assert [found[f"PREV_CNT_PAYMENT_{how}"][0] for how in ("MEAN", "SUM")] == [18, 36]


def test_the_ratio_of_asked_to_granted(compute) -> None:
    found = compute(previous_application=APPLICATIONS)  # 0.5, 0.75 and 1
    assert [found[f"PREV_APP_CREDIT_PERC_{how}"][0] for how in ("MIN", "MAX", "MEAN", "VAR")] == [0.5, 1, 0.75, 0.0625]


def test_a_credit_of_zero_makes_an_infinite_ratio_as_pandas_has_it(compute) -> None:
    rows = {"SK_ID_CURR": [1, 1], "AMT_APPLICATION": [100.0, 50.0], "AMT_CREDIT": [0.0, 100.0]}
    found = compute(previous_application=rows)
    assert found["PREV_APP_CREDIT_PERC_MIN"] == [0.5]
    assert found["PREV_APP_CREDIT_PERC_MAX"] == [math.inf]
    assert found["PREV_APP_CREDIT_PERC_MEAN"] == [math.inf]
    assert math.isnan(found["PREV_APP_CREDIT_PERC_VAR"][0])


def test_zero_asked_of_zero_granted_is_missing(compute) -> None:
    rows = {"SK_ID_CURR": [1, 1], "AMT_APPLICATION": [0.0, 50.0], "AMT_CREDIT": [0.0, 100.0]}
    found = compute(previous_application=rows)
    assert found["PREV_APP_CREDIT_PERC_MEAN"] == [0.5]
    assert math.isnan(found["PREV_APP_CREDIT_PERC_VAR"][0])


def test_shares_of_categories(compute) -> None:
    found = compute([1, 2], previous_application=APPLICATIONS)
    assert found["PREV_NAME_CONTRACT_STATUS_Approved_MEAN"] == [pytest.approx(2 / 3), 0]
    assert found["PREV_NAME_CONTRACT_STATUS_nan_MEAN"] == [0, 1]
    assert found["PREV_NAME_YIELD_GROUP_high_MEAN"] == [pytest.approx(2 / 3), 0]
    assert found["PREV_NAME_TYPE_SUITE_nan_MEAN"] == [pytest.approx(2 / 3), 1]
    unknown = [found[name][1] for name in found if name.startswith("PREV_NAME_YIELD_GROUP_")]
    assert unknown == [0] * 6


def test_approved_and_refused_applications_apart(compute) -> None:
    found = compute([1, 2], previous_application=APPLICATIONS)
    assert found["APPROVED_AMT_ANNUITY_MEAN"][0] == 20
    assert found["APPROVED_APP_CREDIT_PERC_VAR"][0] == 0.125  # 2 · 0.25²
    assert found["APPROVED_CNT_PAYMENT_SUM"][0] == 36
    assert found["REFUSED_DAYS_DECISION_MAX"][0] == -400
    assert found["REFUSED_CNT_PAYMENT_SUM"][0] == 0  # one refused application, whose number of payments is missing
    assert math.isnan(found["REFUSED_CNT_PAYMENT_MEAN"][0])
    assert math.isnan(found["REFUSED_APP_CREDIT_PERC_VAR"][0])
    assert math.isnan(found["APPROVED_CNT_PAYMENT_SUM"][1])
    assert math.isnan(found["REFUSED_CNT_PAYMENT_SUM"][1])
