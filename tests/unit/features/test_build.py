"""What comes out of `build_features`: its shape, what it ignores, what it doesn't depend on."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from data import schema
from data.errors import MissingTable, UnknownColumn, WrongColumn
from data.features import build_features, features

BALANCES = {
    "SK_ID_CURR": [1, 2, 1, 3, 2, 1],
    "AMT_BALANCE": [0.1, 1e9, 0.2, 5.0, 1e-9, 0.3],
    "NAME_CONTRACT_STATUS": ["Active", "Signed", None, "Active", "Active", "Lost"],
}


@pytest.fixture
def tables(make_table) -> dict[str, pl.DataFrame]:
    return {
        "application": make_table("application", {"SK_ID_CURR": [3, 1, 2], "AMT_CREDIT": [30.0, float("nan"), None]}),
        "credit_card_balance": make_table("credit_card_balance", BALANCES),
    }


def test_columns_are_the_catalogue_in_single_precision(tables) -> None:
    found = build_features(tables).frame()
    absent = set(schema.tables()) - set(tables)
    assert found.columns == ["SK_ID_CURR", *(feature.name for feature in features(absent))]
    assert found.schema["SK_ID_CURR"] == pl.Int64
    assert set(found.dtypes[1:]) == {pl.Float32}
    assert found["SK_ID_CURR"].to_list() == [1, 2, 3]


def test_missing_is_nan_and_never_null(tables) -> None:
    found = build_features(tables).frame()
    assert sum(found.null_count().row(0)) == 0
    assert np.isnan(found["AMT_CREDIT"].to_numpy()[:2]).all()


def test_nan_in_the_source_is_missing(make_table) -> None:
    rows = {"SK_ID_CURR": [1, 1, 1], "AMT_BALANCE": [2.0, float("nan"), 4.0]}
    found = (
        build_features(
            {
                "application": make_table("application", {"SK_ID_CURR": [1]}),
                "credit_card_balance": make_table("credit_card_balance", rows),
            }
        )
        .frame()
        .row(0, named=True)
    )
    assert [found[f"CC_AMT_BALANCE_{how}"] for how in ("MIN", "MAX", "MEAN", "SUM", "VAR")] == [2, 4, 3, 6, 2]
    assert found["CC_COUNT"] == 3


def test_lazy_tables_further_columns_and_other_dtypes_do(tables) -> None:
    expected = build_features(tables).frame()
    other = {
        "application": tables["application"].with_columns(pl.col("SK_ID_CURR").cast(pl.Int32), extra=pl.lit(1)).lazy(),
        "credit_card_balance": tables["credit_card_balance"]
        .with_columns(
            pl.col("SK_ID_CURR").cast(pl.Float64),
            pl.col("NAME_CONTRACT_STATUS").cast(pl.Categorical),
            extra=pl.lit("x"),
        )
        .lazy(),
    }
    assert build_features(other).frame().equals(expected, null_equal=True)


def test_clients_who_are_not_in_the_application_are_ignored(tables) -> None:
    fewer = {**tables, "application": tables["application"].filter(pl.col("SK_ID_CURR") == 2)}
    assert build_features(fewer).frame().equals(build_features(tables).frame().filter(pl.col("SK_ID_CURR") == 2))


def test_a_partition_of_clients_gives_the_very_same_values(tables) -> None:
    whole = build_features(tables).frame()
    apart = [
        build_features({name: table.filter(pl.col("SK_ID_CURR") % 2 == rest) for name, table in tables.items()}).frame()
        for rest in (0, 1)
    ]
    assert pl.concat(apart).sort("SK_ID_CURR").equals(whole)


def test_an_empty_table_gives_missing_features_not_absent_ones(tables) -> None:
    found = build_features({**tables, "POS_CASH_balance": pl.DataFrame(schema=_dtypes("POS_CASH_balance"))}).frame()
    assert np.isnan(found["POS_COUNT"].to_numpy()).all()


def test_no_client_at_all_gives_no_row() -> None:
    found = build_features({"application": pl.DataFrame(schema=_dtypes("application"))}).frame()
    assert found.shape == (0, 246)


def test_without_application_nothing_can_be_computed(tables) -> None:
    with pytest.raises(MissingTable, match="got credit_card_balance"):
        build_features({"credit_card_balance": tables["credit_card_balance"]})


def test_a_table_the_schema_does_not_know_is_refused(tables) -> None:
    with pytest.raises(UnknownColumn, match="Did you mean credit_card_balance"):
        build_features({**tables, "credit_card_balances": tables["credit_card_balance"]})


def test_a_missing_column_of_any_table_is_named(tables) -> None:
    with pytest.raises(WrongColumn, match="Table credit_card_balance has no column SK_DPD_DEF"):
        build_features({**tables, "credit_card_balance": tables["credit_card_balance"].drop("SK_DPD_DEF")})


def _dtypes(table: str) -> dict[str, pl.DataType]:
    return {column.name: column.dtype for column in schema.table(table).columns}
