"""Clients without a label differ from the labelled ones as the published ones do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import polars as pl


@pytest.fixture(scope="module")
def unlabelled(portfolio: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return portfolio["application_test"]


def test_requests_to_the_bureau_are_of_the_last_quarter(train: pl.DataFrame, unlabelled: pl.DataFrame) -> None:
    for period in ("HOUR", "DAY", "WEEK", "MON"):
        name = f"AMT_REQ_CREDIT_BUREAU_{period}"
        assert unlabelled[name].mean() < train[name].mean()
    assert unlabelled["AMT_REQ_CREDIT_BUREAU_QRT"].mean() == pytest.approx(0.547, rel=0.1)
    assert unlabelled["AMT_REQ_CREDIT_BUREAU_QRT"].std() == pytest.approx(0.693, rel=0.1)
    assert train["AMT_REQ_CREDIT_BUREAU_QRT"].mean() == pytest.approx(0.265, rel=0.1)


def test_more_are_retired_and_fewer_have_children(train: pl.DataFrame, unlabelled: pl.DataFrame) -> None:
    assert (train["DAYS_EMPLOYED"] == 365_243).mean() == pytest.approx(0.1801, abs=0.015)
    assert (unlabelled["DAYS_EMPLOYED"] == 365_243).mean() == pytest.approx(0.1903, abs=0.025)
    assert unlabelled["CNT_CHILDREN"].mean() == pytest.approx(0.397, abs=0.05)


def test_who_came_along_is_told_less_often(train: pl.DataFrame, unlabelled: pl.DataFrame) -> None:
    assert train["NAME_TYPE_SUITE"].null_count() / train.height < 0.008
    assert unlabelled["NAME_TYPE_SUITE"].null_count() / unlabelled.height == pytest.approx(0.0187 + 0.0042, abs=0.01)


def test_circles_are_more_unequal(train: pl.DataFrame, unlabelled: pl.DataFrame) -> None:
    for name, deviations in {"OBS_30": (2.40, 3.61), "DEF_60": (0.362, 0.404)}.items():
        for part, deviation in zip((train, unlabelled), deviations, strict=True):
            assert part[f"{name}_CNT_SOCIAL_CIRCLE"].std() == pytest.approx(deviation, rel=0.25)


def test_fewer_of_their_previous_applications_were_approved(
    portfolio: dict[str, pl.DataFrame], train: pl.DataFrame
) -> None:
    previous = portfolio["previous_application"]
    labelled = previous["SK_ID_CURR"].is_in(train["SK_ID_CURR"].implode())
    for part, approved, canceled in ((labelled, 0.627, 0.184), (~labelled, 0.587, 0.222)):
        status = previous.filter(part)["NAME_CONTRACT_STATUS"]
        assert (status == "Approved").mean() == pytest.approx(approved, abs=0.02)
        assert (status == "Canceled").mean() == pytest.approx(canceled, abs=0.02)
