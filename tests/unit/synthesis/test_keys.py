"""Keys agree between the tables, but for the orphans that the published tables have too."""

from __future__ import annotations

import polars as pl
import pytest

CHILDREN = ["bureau", "previous_application", "POS_CASH_balance", "installments_payments", "credit_card_balance"]


@pytest.mark.parametrize("file", CHILDREN)
def test_every_row_belongs_to_a_client(portfolio: dict[str, pl.DataFrame], file: str) -> None:
    assert portfolio[file]["SK_ID_CURR"].is_between(100_001, 110_000).all()


@pytest.mark.parametrize(("file", "key"), [("bureau", "SK_ID_BUREAU"), ("previous_application", "SK_ID_PREV")])
def test_keys_are_unique(portfolio: dict[str, pl.DataFrame], file: str, key: str) -> None:
    assert portfolio[file][key].n_unique() == portfolio[file].height


@pytest.mark.parametrize("file", ["POS_CASH_balance", "installments_payments", "credit_card_balance"])
def test_a_loan_has_one_client_the_same_in_every_table(portfolio: dict[str, pl.DataFrame], file: str) -> None:
    owners = portfolio[file].select("SK_ID_PREV", "SK_ID_CURR").unique()
    assert owners["SK_ID_PREV"].n_unique() == owners.height
    both = owners.join(portfolio["previous_application"].select("SK_ID_PREV", other="SK_ID_CURR"), on="SK_ID_PREV")
    assert both.height > 0
    assert (both["SK_ID_CURR"] == both["other"]).all()


@pytest.mark.parametrize(
    ("file", "parent", "key", "share"),
    [
        ("POS_CASH_balance", "previous_application", "SK_ID_PREV", 0.040),
        ("installments_payments", "previous_application", "SK_ID_PREV", 0.039),
        ("credit_card_balance", "previous_application", "SK_ID_PREV", 0.109),
        ("bureau_balance", "bureau", "SK_ID_BUREAU", 0.053),
        ("bureau", "bureau_balance", "SK_ID_BUREAU", 0.549),
        ("previous_application", "POS_CASH_balance", "SK_ID_PREV", 0.462),
        ("previous_application", "credit_card_balance", "SK_ID_PREV", 0.944),
        ("previous_application", "installments_payments", "SK_ID_PREV", 0.426),
        ("credit_card_balance", "installments_payments", "SK_ID_PREV", 0.305),
    ],
)
def test_orphans_are_as_common_as_published(
    portfolio: dict[str, pl.DataFrame], file: str, parent: str, key: str, share: float
) -> None:
    ids = portfolio[file].select(key).unique()
    assert ids.join(portfolio[parent], on=key, how="anti").height / ids.height == pytest.approx(share, abs=0.025)


def test_cards_have_no_cash_loan_statements(portfolio: dict[str, pl.DataFrame]) -> None:
    cards = portfolio["credit_card_balance"].select("SK_ID_PREV").unique()
    assert cards.join(portfolio["POS_CASH_balance"], on="SK_ID_PREV", how="semi").height == 0


@pytest.mark.parametrize(
    ("file", "keys"),
    [
        ("bureau_balance", ["SK_ID_BUREAU", "MONTHS_BALANCE"]),
        ("POS_CASH_balance", ["SK_ID_PREV", "MONTHS_BALANCE"]),
        ("credit_card_balance", ["SK_ID_PREV", "MONTHS_BALANCE"]),
    ],
)
def test_a_loan_has_one_row_a_month_without_gaps(
    portfolio: dict[str, pl.DataFrame], file: str, keys: list[str]
) -> None:
    months = (
        portfolio[file]
        .group_by(keys[0])
        .agg(rows=pl.len(), distinct=pl.col(keys[1]).n_unique(), span=pl.col(keys[1]).max() - pl.col(keys[1]).min() + 1)
    )
    assert (months["rows"] == months["distinct"]).all()
    assert (months["rows"] == months["span"]).all()
