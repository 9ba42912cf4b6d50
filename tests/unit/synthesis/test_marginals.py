"""The synthetic tables keep to the published statistics, within what ten thousand clients allow."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from data.synthesis.marginals import count, statistics


@pytest.mark.parametrize(
    ("column", "mean"),
    [
        ("AMT_INCOME_TOTAL", 168_798), ("AMT_CREDIT", 599_026), ("AMT_ANNUITY", 27_108.6),
        ("AMT_GOODS_PRICE", 538_396),
        ("DAYS_BIRTH", -16_037), ("DAYS_REGISTRATION", -4_986), ("DAYS_ID_PUBLISH", -2_994),
        ("CNT_FAM_MEMBERS", 2.1527),
        ("DAYS_LAST_PHONE_CHANGE", -962.9), ("REGION_POPULATION_RELATIVE", 0.020868),
        ("REGION_RATING_CLIENT", 2.0525),
        ("EXT_SOURCE_1", 0.50213), ("EXT_SOURCE_2", 0.514393), ("EXT_SOURCE_3", 0.510853), ("APARTMENTS_AVG", 0.11744),
        ("YEARS_BUILD_MEDI", 0.755746), ("TOTALAREA_MODE", 0.102547), ("HOUR_APPR_PROCESS_START", 12.0634),
        ("AMT_REQ_CREDIT_BUREAU_YEAR", 1.9), ("FLAG_EMP_PHONE", 0.8199), ("FLAG_DOCUMENT_3", 0.7100),
    ],
)  # fmt: skip
def test_means(train: pl.DataFrame, column: str, mean: float) -> None:
    assert train[column].mean() == pytest.approx(mean, rel=0.05)


@pytest.mark.parametrize(
    ("column", "share"),
    [
        ("EXT_SOURCE_1", 0.5638), ("EXT_SOURCE_2", 0.0021), ("EXT_SOURCE_3", 0.1983), ("OWN_CAR_AGE", 0.6599),
        ("OCCUPATION_TYPE", 0.3135), ("APARTMENTS_AVG", 0.5075), ("COMMONAREA_MODE", 0.6987),
        ("FONDKAPREMONT_MODE", 0.6839),
        ("EMERGENCYSTATE_MODE", 0.4740), ("OBS_30_CNT_SOCIAL_CIRCLE", 0.0033), ("AMT_REQ_CREDIT_BUREAU_DAY", 0.1350),
    ],
)  # fmt: skip
def test_missing_shares(train: pl.DataFrame, column: str, share: float) -> None:
    assert train[column].null_count() / train.height == pytest.approx(share, abs=0.015)


@pytest.mark.parametrize("column", sorted(statistics("categories")["application"]))
def test_shares_of_categories(train: pl.DataFrame, column: str) -> None:
    counts = statistics("categories")["application"][column]
    found = dict(train[column].fill_null("").value_counts().iter_rows())
    total = sum(counts.values())
    assert {name: found.get(name, 0) / train.height for name in counts} == pytest.approx(
        {name: rows / total for name, rows in counts.items()}, abs=0.015
    )


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("previous_application", "NAME_CONTRACT_TYPE"), ("previous_application", "NAME_CONTRACT_STATUS"),
        ("previous_application", "CODE_REJECT_REASON"), ("previous_application", "NAME_CLIENT_TYPE"),
        ("previous_application", "NAME_PORTFOLIO"), ("bureau", "CREDIT_TYPE"), ("bureau", "CREDIT_CURRENCY"),
        ("bureau", "CREDIT_ACTIVE"), ("bureau_balance", "STATUS"), ("POS_CASH_balance", "NAME_CONTRACT_STATUS"),
        ("credit_card_balance", "NAME_CONTRACT_STATUS"),
    ],
)  # fmt: skip
def test_shares_of_categories_of_histories(portfolio: dict[str, pl.DataFrame], table: str, column: str) -> None:
    counts = statistics("categories")[table][column]
    found = dict(portfolio[table][column].fill_null("").value_counts().iter_rows())
    total = sum(counts.values())
    assert {name: found.get(name, 0) / portfolio[table].height for name in counts} == pytest.approx(
        {name: rows / total for name, rows in counts.items()}, abs=0.025
    )


@pytest.mark.parametrize(
    ("file", "coverage", "rows"),
    [
        ("bureau", 0.858, 5.61), ("previous_application", 0.951, 4.93), ("POS_CASH_balance", 0.947, 29.7),
        ("installments_payments", 0.953, 40.1), ("credit_card_balance", 0.2907, 37.1),
    ],
)  # fmt: skip
def test_clients_with_a_history_and_rows_of_each(
    portfolio: dict[str, pl.DataFrame], file: str, coverage: float, rows: float
) -> None:
    each = portfolio[file].group_by("SK_ID_CURR").len()["len"]
    assert each.len() / 10_000 == pytest.approx(coverage, abs=0.015)
    assert each.mean() == pytest.approx(rows, rel=0.07)


def test_months_of_each_bureau_loan(portfolio: dict[str, pl.DataFrame]) -> None:
    months = portfolio["bureau_balance"].group_by("SK_ID_BUREAU").len()["len"]
    assert months.mean() == pytest.approx(33.4, rel=0.07)
    assert portfolio["bureau_balance"].height / 10_000 == pytest.approx(27_299_925 / 356_255, rel=0.07)


def test_drift_between_labelled_and_unlabelled(portfolio: dict[str, pl.DataFrame]) -> None:
    revolving = {
        file: (portfolio[file]["NAME_CONTRACT_TYPE"] == "Revolving loans").mean()
        for file in ("application_train", "application_test")
    }
    assert revolving["application_train"] == pytest.approx(0.0952, abs=0.012)
    assert revolving["application_test"] == pytest.approx(0.009, abs=0.012)


def test_default_rate_and_its_direction(train: pl.DataFrame) -> None:
    assert train["TARGET"].mean() == pytest.approx(0.0807, abs=0.007)

    def rate(condition: pl.Expr) -> float:
        return float(train.filter(condition)["TARGET"].mean())

    assert rate(pl.col("CODE_GENDER") == "M") > rate(pl.col("CODE_GENDER") == "F") + 0.01
    education = pl.col("NAME_EDUCATION_TYPE")
    assert rate(education == "Secondary / secondary special") > rate(education == "Higher education") + 0.015
    assert rate(pl.col("DAYS_BIRTH") > -30 * 365) > rate(pl.col("DAYS_BIRTH") < -55 * 365) + 0.03
    rating = pl.col("REGION_RATING_CLIENT_W_CITY")
    assert rate(rating == 3) > rate(rating == 2) > rate(rating == 1)


@pytest.mark.parametrize(
    ("column", "correlation"),
    [("EXT_SOURCE_1", -0.155), ("EXT_SOURCE_2", -0.160), ("EXT_SOURCE_3", -0.179), ("DAYS_BIRTH", 0.078)],
)
def test_correlations_with_default(train: pl.DataFrame, column: str, correlation: float) -> None:
    known = train.drop_nulls(column)
    assert known.select(pl.corr(column, "TARGET")).item() == pytest.approx(correlation, abs=0.035)


def test_histories_tell_of_default(portfolio: dict[str, pl.DataFrame], train: pl.DataFrame) -> None:
    targets = train.select("SK_ID_CURR", "TARGET")
    previous = portfolio["previous_application"].join(targets, on="SK_ID_CURR")
    rates = dict(previous.group_by("NAME_CONTRACT_STATUS").agg(pl.col("TARGET").mean()).iter_rows())
    assert rates["Refused"] > rates["Canceled"] > rates["Approved"]
    bureau = portfolio["bureau"].join(targets, on="SK_ID_CURR")
    rates = dict(bureau.group_by("CREDIT_TYPE").agg(pl.col("TARGET").mean()).iter_rows())
    assert rates["Microloan"] > rates["Consumer credit"] > rates["Mortgage"]


def test_external_scores_depend_on_each_other_and_on_age(train: pl.DataFrame) -> None:
    for first, second, wanted in [
        ("EXT_SOURCE_1", "EXT_SOURCE_2", 0.214), ("EXT_SOURCE_1", "EXT_SOURCE_3", 0.187),
        ("EXT_SOURCE_2", "EXT_SOURCE_3", 0.109), ("EXT_SOURCE_1", "DAYS_BIRTH", -0.601),
    ]:  # fmt: skip
        known = train.drop_nulls([first, second])
        assert known.select(pl.corr(first, second)).item() == pytest.approx(wanted, abs=0.05)


@pytest.mark.parametrize(("mean", "deviation"), [(1.42, 2.40), (0.0021, 0.0464), (0.5469, 0.6933), (3.0, 1.2)])
def test_counts_have_the_mean_and_the_deviation_asked_for(mean: float, deviation: float) -> None:
    uniforms = (np.arange(200_000) + 0.5) / 200_000
    found = count(uniforms, mean, deviation, 60)
    assert found.mean() == pytest.approx(mean, rel=0.02)
    assert found.std() == pytest.approx(deviation, rel=0.08)
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize(
    ("table", "column", "mean"),
    [
        ("installments_payments", "AMT_INSTALMENT", 17_051), ("installments_payments", "NUM_INSTALMENT_NUMBER", 18.87),
        ("installments_payments", "NUM_INSTALMENT_VERSION", 0.857), ("credit_card_balance", "AMT_BALANCE", 58_300),
        ("credit_card_balance", "AMT_DRAWINGS_CURRENT", 7_433), ("credit_card_balance", "AMT_PAYMENT_CURRENT", 10_281),
        ("credit_card_balance", "CNT_INSTALMENT_MATURE_CUM", 20.8), ("POS_CASH_balance", "CNT_INSTALMENT", 17.09),
        ("bureau", "DAYS_CREDIT_UPDATE", -593.7), ("bureau", "DAYS_ENDDATE_FACT", -1_017),
        ("bureau_balance", "MONTHS_BALANCE", -30.7), ("previous_application", "CNT_PAYMENT", 16.05),
    ],
)  # fmt: skip
def test_means_of_histories(portfolio: dict[str, pl.DataFrame], table: str, column: str, mean: float) -> None:
    assert portfolio[table][column].mean() == pytest.approx(mean, rel=0.12)
