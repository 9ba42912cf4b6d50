"""What holds of every client and loan by construction: the quirks of the published tables, and rows that agree."""

from __future__ import annotations

import polars as pl
import pytest

NEVER = 365_243
DATES = ["DAYS_FIRST_DRAWING", "DAYS_FIRST_DUE", "DAYS_LAST_DUE_1ST_VERSION", "DAYS_LAST_DUE", "DAYS_TERMINATION"]


def test_who_does_not_work_has_no_job(train: pl.DataFrame) -> None:
    idle = train["DAYS_EMPLOYED"] == NEVER
    assert 0.15 < idle.mean() < 0.21
    assert (idle == (train["ORGANIZATION_TYPE"] == "XNA")).all()
    assert (idle == train["NAME_INCOME_TYPE"].is_in(["Pensioner", "Unemployed"])).all()
    assert (idle == (train["FLAG_EMP_PHONE"] == 0)).all()
    assert train.filter(idle)["OCCUPATION_TYPE"].null_count() == idle.sum()
    assert (train.filter(~idle)["DAYS_EMPLOYED"] < 0).all()


def test_the_age_of_a_car_is_known_exactly_where_there_is_one(train: pl.DataFrame) -> None:
    assert (train["OWN_CAR_AGE"].is_null() == (train["FLAG_OWN_CAR"] == "N")).all()


def test_the_measures_of_a_building_are_missing_together(train: pl.DataFrame) -> None:
    measures = [name for name in train.columns if name.endswith(("_AVG", "_MODE", "_MEDI"))]
    assert len(measures) == 47
    gone = train["EMERGENCYSTATE_MODE"].is_null()
    assert all(train.filter(gone)[name].is_null().all() for name in measures)
    for name in measures:
        if name.endswith("_AVG"):
            for version in ("_MODE", "_MEDI"):
                other = train[name.removesuffix("_AVG") + version]
                assert (train[name].is_null() == other.is_null()).all()
    # the versions are near copies of each other
    assert train.select(pl.corr("LIVINGAREA_AVG", "LIVINGAREA_MEDI")).item() > 0.95


def test_bureau_requests_are_missing_together_mostly_without_history(portfolio: dict[str, pl.DataFrame]) -> None:
    train = portfolio["application_train"]
    requests = [name for name in train.columns if name.startswith("AMT_REQ_CREDIT_BUREAU")]
    gone = train[requests[0]].is_null()
    assert all((train[name].is_null() == gone).all() for name in requests)
    known = train["SK_ID_CURR"].is_in(portfolio["bureau"]["SK_ID_CURR"].unique().implode())
    assert gone.filter(~known).mean() > 0.4 > 0.12 > gone.filter(known).mean()


def test_amounts_are_multiples_of_four_and_a_half(portfolio: dict[str, pl.DataFrame]) -> None:
    for file, names in {
        "application_train": ["AMT_CREDIT", "AMT_ANNUITY", "AMT_GOODS_PRICE", "AMT_INCOME_TOTAL"],
        "previous_application": ["AMT_APPLICATION", "AMT_CREDIT", "AMT_ANNUITY"],
    }.items():
        for name in names:
            multiple = portfolio[file][name].drop_nulls() / 4.5
            assert ((multiple - multiple.round()).abs() < 1e-6).all(), name


def test_a_loan_is_one_loan(train: pl.DataFrame) -> None:
    card = pl.col("NAME_CONTRACT_TYPE") == "Revolving loans"
    cards = train.filter(card)
    assert ((cards["AMT_ANNUITY"] / cards["AMT_CREDIT"] - 0.05).abs().drop_nulls() < 1e-3).all()
    cash = train.filter(~card)
    ratio = cash["AMT_CREDIT"] / cash["AMT_GOODS_PRICE"]
    assert ratio.min() > 0.99
    assert ratio.max() < 1.35
    assert train.select(pl.corr("AMT_CREDIT", "AMT_GOODS_PRICE")).item() > 0.97
    assert 0.65 < train.select(pl.corr("AMT_CREDIT", "AMT_ANNUITY", propagate_nans=False)).item() < 0.85


def test_people_are_possible(train: pl.DataFrame) -> None:
    working = train.filter(pl.col("DAYS_EMPLOYED") < 0)
    assert (working["DAYS_EMPLOYED"] - working["DAYS_BIRTH"] >= 16 * 365).all()
    assert (train["DAYS_REGISTRATION"] >= train["DAYS_BIRTH"]).all()
    assert (train["CNT_FAM_MEMBERS"] > train["CNT_CHILDREN"]).all()
    circle = train.drop_nulls("OBS_30_CNT_SOCIAL_CIRCLE")
    assert (circle["DEF_30_CNT_SOCIAL_CIRCLE"] <= circle["OBS_30_CNT_SOCIAL_CIRCLE"]).all()
    assert (circle["DEF_60_CNT_SOCIAL_CIRCLE"] <= circle["DEF_30_CNT_SOCIAL_CIRCLE"]).all()


def test_dates_of_previous_applications(portfolio: dict[str, pl.DataFrame]) -> None:
    previous = portfolio["previous_application"]
    other = previous.filter(pl.col("NAME_CONTRACT_STATUS") != "Approved")
    assert all(other[name].is_null().all() for name in DATES)
    loans = previous.filter(
        (pl.col("NAME_CONTRACT_TYPE") != "Revolving loans") & pl.col("DAYS_FIRST_DUE").is_between(-2_800, -1)
    )
    assert (loans["DAYS_FIRST_DRAWING"] == NEVER).all()
    planned = loans["DAYS_LAST_DUE_1ST_VERSION"] - loans["DAYS_FIRST_DUE"]
    assert (planned == 30 * (loans["CNT_PAYMENT"] - 1)).all()
    ended = loans.filter(pl.col("DAYS_LAST_DUE") != NEVER)
    assert (ended["DAYS_LAST_DUE"] <= ended["DAYS_LAST_DUE_1ST_VERSION"]).all()
    assert (ended["DAYS_TERMINATION"] > ended["DAYS_LAST_DUE"]).all()
    cards = previous.filter(pl.col("NAME_CONTRACT_TYPE") == "Revolving loans").drop_nulls("DAYS_LAST_DUE")
    assert (cards["DAYS_LAST_DUE_1ST_VERSION"] == NEVER).all()


def test_categories_of_previous_applications_agree(portfolio: dict[str, pl.DataFrame]) -> None:
    previous = portfolio["previous_application"]
    status, reason = previous["NAME_CONTRACT_STATUS"], previous["CODE_REJECT_REASON"]
    assert (reason.filter(status.is_in(["Approved", "Canceled"])) == "XAP").all()
    assert (reason.filter(status == "Unused offer") == "CLIENT").all()
    assert (reason.filter(status == "Refused") != "XAP").all()
    assert (previous["AMT_ANNUITY"].is_null() == (previous["NAME_PORTFOLIO"] == "XNA")).all()
    assert (previous["AMT_ANNUITY"].is_null() == previous["CNT_PAYMENT"].is_null()).all()
    purposes = previous.filter(pl.col("NAME_CONTRACT_TYPE") != "Cash loans")["NAME_CASH_LOAN_PURPOSE"]
    assert (purposes == "XAP").all()


def test_statements_count_down_the_instalments(portfolio: dict[str, pl.DataFrame]) -> None:
    loans = portfolio["previous_application"].select("SK_ID_PREV", "CNT_PAYMENT")
    pos = portfolio["POS_CASH_balance"].sort("SK_ID_PREV", "MONTHS_BALANCE").join(loans, on="SK_ID_PREV").drop_nulls()
    assert (pos["CNT_INSTALMENT_FUTURE"] <= pos["CNT_INSTALMENT"]).all()
    assert (pos["CNT_INSTALMENT"] <= pos["CNT_PAYMENT"]).all()
    step = pos["CNT_INSTALMENT_FUTURE"].diff().filter(pos["SK_ID_PREV"].diff() == 0)
    assert (step <= 0).all()
    assert (pos.filter(pl.col("NAME_CONTRACT_STATUS") == "Completed")["CNT_INSTALMENT_FUTURE"].mean()) < 0.5
    assert (pos["SK_DPD_DEF"] <= pos["SK_DPD"]).all()


def test_instalments_fall_due_a_month_apart_from_the_first_due_date(portfolio: dict[str, pl.DataFrame]) -> None:
    first = portfolio["previous_application"].filter(
        (pl.col("NAME_CONTRACT_TYPE") != "Revolving loans") & pl.col("DAYS_FIRST_DUE").is_between(-2_800, -1)
    )
    paid = portfolio["installments_payments"].join(first.select("SK_ID_PREV", "DAYS_FIRST_DUE"), on="SK_ID_PREV")
    wanted = paid["DAYS_FIRST_DUE"] + 30 * (paid["NUM_INSTALMENT_NUMBER"] - 1)
    assert (paid["DAYS_INSTALMENT"] == wanted).all()
    assert (paid["NUM_INSTALMENT_VERSION"] >= 1).all()


def test_balance_of_a_card_follows_from_the_month_before(portfolio: dict[str, pl.DataFrame]) -> None:
    cards = portfolio["credit_card_balance"].sort("SK_ID_PREV", "MONTHS_BALANCE")
    follows = cards["SK_ID_PREV"].diff() == 0
    moved = cards["AMT_BALANCE"].diff() - cards["AMT_DRAWINGS_CURRENT"] + cards["AMT_PAYMENT_TOTAL_CURRENT"]
    before = cards["AMT_BALANCE"].shift(1)
    # what is left is interest: none on nothing, some per cent of what was owed, within the rounding of small payments
    left = (moved / (before + cards["AMT_CREDIT_LIMIT_ACTUAL"] + 1.0)).filter(follows)
    assert left.abs().max() < 0.06
    assert (cards["AMT_DRAWINGS_POS_CURRENT"].drop_nulls() >= 0).all()
    parts = cards.select(pl.sum_horizontal(*(f"AMT_DRAWINGS_{kind}_CURRENT" for kind in ("ATM", "POS", "OTHER"))))
    total = cards["AMT_DRAWINGS_CURRENT"]
    known = cards["AMT_DRAWINGS_ATM_CURRENT"].is_not_null()
    assert (parts.to_series() - total).filter(known).abs().max() == pytest.approx(0.0, abs=1e-6)


def test_payments_of_a_card_are_those_of_its_statements(portfolio: dict[str, pl.DataFrame]) -> None:
    statements = (
        portfolio["credit_card_balance"]
        .group_by("SK_ID_PREV")
        .agg(
            pl.col("AMT_PAYMENT_TOTAL_CURRENT").sum().alias("stated"),
            (pl.col("AMT_PAYMENT_TOTAL_CURRENT") > 0).sum().alias("months"),
        )
    )
    paid = (
        portfolio["installments_payments"]
        .group_by("SK_ID_PREV")
        .agg(
            pl.col("AMT_PAYMENT").sum().alias("paid"),
            pl.col("NUM_INSTALMENT_NUMBER").max().alias("last"),
            pl.len().alias("rows"),
        )
    )
    both = statements.join(paid, on="SK_ID_PREV")
    assert both.height > 1_000
    # a few months have no payment in the table, and a few payments no amount
    assert (both["paid"] <= both["stated"] + 0.5 * both["rows"]).all()
    assert both["paid"].sum() == pytest.approx(both["stated"].sum(), rel=0.04)
    assert (both["last"] <= 2 * both["months"]).all()
    assert statements.filter(pl.col("months") == 0).join(paid, on="SK_ID_PREV").height == 0


def test_a_loan_that_is_repaid_early_ends_with_what_is_left_of_it(portfolio: dict[str, pl.DataFrame]) -> None:
    loans = portfolio["previous_application"].select("SK_ID_PREV", "AMT_CREDIT", "AMT_ANNUITY", "CNT_PAYMENT")
    rows = portfolio["installments_payments"].filter(pl.col("NUM_INSTALMENT_VERSION") > 0).join(loans, on="SK_ID_PREV")
    large = rows.filter(pl.col("AMT_INSTALMENT") > 1.5 * pl.col("AMT_ANNUITY"))
    assert large.height > 1_000
    rest = large["AMT_CREDIT"] * (1 - (large["NUM_INSTALMENT_NUMBER"] - 1) / large["CNT_PAYMENT"])
    assert ((large["AMT_INSTALMENT"] - rest).abs() < 0.1).all()
    paid = rows.group_by("SK_ID_PREV").agg(pl.col("NUM_INSTALMENT_NUMBER").max().alias("last"))
    ends = large.join(paid, on="SK_ID_PREV")
    assert (ends["NUM_INSTALMENT_NUMBER"] == ends["last"]).all()


def test_machines_give_notes(portfolio: dict[str, pl.DataFrame]) -> None:
    notes = portfolio["credit_card_balance"]["AMT_DRAWINGS_ATM_CURRENT"].drop_nulls()
    other = notes.filter((notes % 2_250 > 1e-6) & (notes % 2_250 < 2_250 - 1e-6))
    assert other.len() / notes.filter(notes > 0).len() < 0.01


def test_products_agree_with_what_is_bought(portfolio: dict[str, pl.DataFrame]) -> None:
    previous = portfolio["previous_application"].filter(pl.col("AMT_ANNUITY").is_not_null())
    product, goods = previous["PRODUCT_COMBINATION"], previous["NAME_GOODS_CATEGORY"]
    assert product.filter(goods == "Mobile").str.starts_with("POS mobile").all()
    assert product.filter(goods == "Furniture").str.starts_with("POS industry").all()
    free = product.str.ends_with("without interest")
    assert (previous.filter(free)["NAME_YIELD_GROUP"] == "low_action").all()
    street = product.str.starts_with("Cash Street")
    assert (previous.filter(street)["NAME_PRODUCT_TYPE"] == "walk-in").all()
    assert (previous.filter(product.str.starts_with("Cash X-Sell"))["NAME_PRODUCT_TYPE"] == "x-sell").all()


def test_bureau_loans_are_closed_when_they_have_ended(portfolio: dict[str, pl.DataFrame]) -> None:
    bureau = portfolio["bureau"]
    assert bureau.filter(pl.col("CREDIT_ACTIVE") == "Active")["DAYS_ENDDATE_FACT"].is_null().all()
    assert bureau.filter(pl.col("CREDIT_ACTIVE") == "Closed")["DAYS_ENDDATE_FACT"].is_not_null().all()
    assert (bureau["DAYS_CREDIT_UPDATE"] >= bureau["DAYS_CREDIT"]).all()
    closed = bureau.drop_nulls("DAYS_ENDDATE_FACT")
    assert (closed["DAYS_ENDDATE_FACT"] >= closed["DAYS_CREDIT"]).all()
    statuses = portfolio["bureau_balance"].join(bureau.select("SK_ID_BUREAU", "DAYS_ENDDATE_FACT"), on="SK_ID_BUREAU")
    closed_by_then = statuses["DAYS_ENDDATE_FACT"].fill_null(1) / 30.44 <= statuses["MONTHS_BALANCE"] - 1
    assert (statuses.filter(closed_by_then)["STATUS"] == "C").all()
    assert (statuses.filter(pl.col("DAYS_ENDDATE_FACT").is_null())["STATUS"] != "C").all()
