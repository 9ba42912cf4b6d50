"""Features of installments_payments, on values computed by hand."""

from __future__ import annotations

import math

import pytest

ROWS = {
    "SK_ID_CURR": [1, 1, 1, 2],
    "NUM_INSTALMENT_VERSION": [1.0, 2.0, 1.0, None],
    "DAYS_INSTALMENT": [-100.0, -70.0, -40.0, -10.0],
    "DAYS_ENTRY_PAYMENT": [-106.0, -67.0, -40.0, None],
    "AMT_INSTALMENT": [100.0, 200.0, 400.0, 50.0],
    "AMT_PAYMENT": [100.0, 100.0, 400.0, None],
}


def test_every_feature(compute) -> None:
    found = {name: values[0] for name, values in compute(installments_payments=ROWS).items()}
    assert found["INSTAL_NUM_INSTALMENT_VERSION_NUNIQUE"] == 2
    assert [found[f"INSTAL_DPD_{how}"] for how in ("MAX", "MEAN", "SUM")] == [3, 1, 3]
    assert [found[f"INSTAL_DBD_{how}"] for how in ("MAX", "MEAN", "SUM")] == [6, 2, 6]
    assert found["INSTAL_PAYMENT_PERC_MAX"] == 1  # of 1, 0.5 and 1
    assert found["INSTAL_PAYMENT_PERC_MEAN"] == pytest.approx(0.8333333)
    assert found["INSTAL_PAYMENT_PERC_SUM"] == 2.5
    assert found["INSTAL_PAYMENT_PERC_VAR"] == pytest.approx(0.0833333)  # ((1/6)² + (1/3)² + (1/6)²) / 2 = 1/12
    assert found["INSTAL_PAYMENT_DIFF_MAX"] == 100  # of 0, 100 and 0
    assert found["INSTAL_PAYMENT_DIFF_MEAN"] == pytest.approx(33.333333)
    assert found["INSTAL_PAYMENT_DIFF_SUM"] == 100
    assert found["INSTAL_PAYMENT_DIFF_VAR"] == pytest.approx(3333.3333)
    assert [found[f"INSTAL_AMT_INSTALMENT_{how}"] for how in ("MAX", "SUM")] == [400, 700]
    assert found["INSTAL_AMT_INSTALMENT_MEAN"] == pytest.approx(233.33333)
    assert [found[f"INSTAL_AMT_PAYMENT_{how}"] for how in ("MIN", "MAX", "MEAN", "SUM")] == [100, 400, 200, 600]
    assert [found[f"INSTAL_DAYS_ENTRY_PAYMENT_{how}"] for how in ("MAX", "MEAN", "SUM")] == [-40, -71, -213]
    assert found["INSTAL_COUNT"] == 3


def test_an_unpaid_instalment_is_neither_late_nor_early(compute) -> None:
    found = {name: values[1] for name, values in compute([1, 2], installments_payments=ROWS).items()}
    assert [found[f"INSTAL_DPD_{how}"] for how in ("MAX", "MEAN", "SUM")] == [0, 0, 0]
    assert [found[f"INSTAL_DBD_{how}"] for how in ("MAX", "MEAN", "SUM")] == [0, 0, 0]
    assert found["INSTAL_NUM_INSTALMENT_VERSION_NUNIQUE"] == 0
    assert math.isnan(found["INSTAL_PAYMENT_PERC_MEAN"])
    assert found["INSTAL_PAYMENT_PERC_SUM"] == 0
    assert math.isnan(found["INSTAL_DAYS_ENTRY_PAYMENT_MAX"])
    assert found["INSTAL_DAYS_ENTRY_PAYMENT_SUM"] == 0
    assert found["INSTAL_AMT_INSTALMENT_SUM"] == 50
    assert found["INSTAL_COUNT"] == 1


def test_a_payment_of_nothing_due(compute) -> None:
    rows = {"SK_ID_CURR": [1, 1, 2, 2], "AMT_INSTALMENT": [0.0, 10.0, 0.0, 10.0], "AMT_PAYMENT": [5.0, 10.0, 0.0, 5.0]}
    found = compute([1, 2], installments_payments=rows)
    assert found["INSTAL_PAYMENT_PERC_MAX"] == [math.inf, 0.5]
    assert found["INSTAL_PAYMENT_PERC_SUM"] == [math.inf, 0.5]
    assert math.isnan(found["INSTAL_PAYMENT_PERC_VAR"][0])
    assert found["INSTAL_PAYMENT_DIFF_SUM"] == [-5, 5]


@pytest.mark.parametrize("payment", [0.1, 0.7, 4513.365, 9000.045])
def test_equal_payments_have_no_variance_at_all(compute, payment: float) -> None:
    clients = [count for count in range(2, 40) for _ in range(count)]
    rows = {"SK_ID_CURR": clients, "AMT_INSTALMENT": [1.0] * len(clients), "AMT_PAYMENT": [payment] * len(clients)}
    found = compute(range(2, 40), installments_payments=rows)
    assert found["INSTAL_PAYMENT_PERC_VAR"] == [0] * 38


def test_a_tiny_variance_of_large_numbers_is_not_lost(compute) -> None:
    due = [1_000_000.25, 1_000_000.5, 1_000_000.75]
    found = compute(installments_payments={"SK_ID_CURR": [1] * 3, "AMT_INSTALMENT": due, "AMT_PAYMENT": [0.0] * 3})
    assert found["INSTAL_PAYMENT_DIFF_VAR"] == [0.0625]
