"""All the features against the well-known aggregation written plainly in pandas: one-hot columns, then groupby().agg().

On seeded random tables, which have every category, missing values of both kinds, zero divisors, orphan rows and clients
without rows; and on the real sample.
"""

from __future__ import annotations

import warnings
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import polars as pl
import pytest

from data import schema
from data.features import build_features, features

if TYPE_CHECKING:
    from pathlib import Path

    from data.schema import Column

CLIENTS = 80
CREDITS = 300
ROWS = {
    "bureau": CREDITS,
    "bureau_balance": 2500,
    "previous_application": 700,
    "POS_CASH_balance": 1200,
    "installments_payments": 1500,
    "credit_card_balance": 900,
}


def random_tables(seed: int) -> dict[str, pl.DataFrame]:
    """Return the seven tables; a tenth of the values is missing, a tenth of the numbers is 0."""
    rng = np.random.default_rng(seed)
    tables = {"application": _table("application", CLIENTS, rng).with_columns(SK_ID_CURR=pl.Series(_ids(rng)))}
    for name, rows in ROWS.items():
        tables[name] = _table(name, rows, rng)
    return tables


def _ids(rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(np.arange(100, 100 + CLIENTS))


def _table(name: str, rows: int, rng: np.random.Generator) -> pl.DataFrame:
    return pl.DataFrame([_column(column, rows, rng) for column in schema.table(name).columns])


def _column(column: Column, rows: int, rng: np.random.Generator) -> pl.Series:
    if column.name == schema.CLIENT_ID:  # a third of the clients has few rows, a few ids are of nobody or missing
        ids = 100 + np.floor((CLIENTS + 10) * rng.random(rows) ** 2).astype(np.int64)
        return _with_nulls(pl.Series(column.name, ids), rng, 0.02)
    if column.kind == "identifier":
        return pl.Series(
            column.name, rng.integers(1, CREDITS + 30, rows) if column.name == "SK_ID_BUREAU" else np.arange(rows)
        )
    if column.kind == "category":
        return _with_nulls(
            pl.Series(column.name, rng.choice(np.array(column.categories, dtype=object), rows)), rng, 0.1
        )
    if column.kind == "flag":
        return _with_nulls(pl.Series(column.name, rng.integers(0, 2, rows)), rng, 0.1)
    low = -3000.0 if column.minimum is None else max(column.minimum, -1e6)
    high = 3000.0 if column.maximum is None else min(column.maximum, 1e6)
    values = np.round(rng.uniform(low, high, rows), 0 if column.kind == "integer" else 2)
    values[rng.random(rows) < 0.1] = 0
    if 365243 in column.missing_codes:
        values[rng.random(rows) < 0.1] = 365243
    if column.kind == "integer":
        return _with_nulls(pl.Series(column.name, values.astype(np.int64)), rng, 0.1)
    values[rng.random(rows) < 0.05] = np.nan
    return _with_nulls(pl.Series(column.name, values), rng, 0.05)


def _with_nulls(series: pl.Series, rng: np.random.Generator, share: float) -> pl.Series:
    gone = pl.Series(rng.random(len(series)) < share)
    return series.to_frame().select(pl.when(~gone).then(pl.col(series.name)).alias(series.name)).to_series()


def reference_features(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return float64 features by client; `tables` has application and any other table, with NaN for missing values."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        frame = _application(tables["application"])
        if "bureau" in tables:
            frame = frame.join(_bureau(tables["bureau"], tables.get("bureau_balance")))
        for name, block in (
            ("previous_application", _previous),
            ("POS_CASH_balance", _pos),
            ("installments_payments", _instalments),
            ("credit_card_balance", _card),
        ):
            if name in tables:
                frame = frame.join(block(tables[name]))
        return frame


def _one_hot(
    frame: pd.DataFrame, table: str, skip: tuple[str, ...] = (), *, nan: bool
) -> tuple[pd.DataFrame, list[str]]:
    columns = [c for c in schema.table(table).columns if c.kind == "category" and c.name not in skip]
    typed = frame.assign(**{c.name: pd.Categorical(frame[c.name], categories=list(c.categories)) for c in columns})
    spread = pd.get_dummies(typed, columns=[c.name for c in columns], dummy_na=nan, dtype=float)
    return spread, [name for name in spread.columns if name not in frame.columns]


def _named(aggregated: pd.DataFrame, prefix: str) -> pd.DataFrame:
    aggregated.columns = pd.Index([f"{prefix}{column}_{how.upper()}" for column, how in aggregated.columns])
    return aggregated


def _application(raw: pd.DataFrame) -> pd.DataFrame:
    frame = raw.drop(columns="TARGET").set_index(schema.CLIENT_ID).sort_index()
    for column, codes in (
        ("CODE_GENDER", {"F": 0, "M": 1}),
        ("FLAG_OWN_CAR", {"N": 0, "Y": 1}),
        ("FLAG_OWN_REALTY", {"N": 0, "Y": 1}),
    ):
        frame[column] = frame[column].map(codes).astype(float)
    frame, _ = _one_hot(frame, "application", ("CODE_GENDER", "FLAG_OWN_CAR", "FLAG_OWN_REALTY"), nan=False)
    frame["DAYS_EMPLOYED"] = frame["DAYS_EMPLOYED"].replace(365243, np.nan)
    frame["DAYS_EMPLOYED_PERC"] = frame["DAYS_EMPLOYED"] / frame["DAYS_BIRTH"]
    frame["INCOME_CREDIT_PERC"] = frame["AMT_INCOME_TOTAL"] / frame["AMT_CREDIT"]
    frame["INCOME_PER_PERSON"] = frame["AMT_INCOME_TOTAL"] / frame["CNT_FAM_MEMBERS"]
    frame["ANNUITY_INCOME_PERC"] = frame["AMT_ANNUITY"] / frame["AMT_INCOME_TOTAL"]
    frame["PAYMENT_RATE"] = frame["AMT_ANNUITY"] / frame["AMT_CREDIT"]
    return frame


def _bureau(raw: pd.DataFrame, balance: pd.DataFrame | None) -> pd.DataFrame:
    bureau, categories = _one_hot(raw, "bureau", nan=True)
    numbers = {
        "DAYS_CREDIT": ["min", "max", "mean", "var"],
        "DAYS_CREDIT_ENDDATE": ["min", "max", "mean"],
        "DAYS_CREDIT_UPDATE": ["mean"],
        "CREDIT_DAY_OVERDUE": ["max", "mean"],
        "AMT_CREDIT_MAX_OVERDUE": ["mean"],
        "AMT_CREDIT_SUM": ["max", "mean", "sum"],
        "AMT_CREDIT_SUM_DEBT": ["max", "mean", "sum"],
        "AMT_CREDIT_SUM_OVERDUE": ["mean"],
        "AMT_CREDIT_SUM_LIMIT": ["mean", "sum"],
        "AMT_ANNUITY": ["max", "mean"],
        "CNT_CREDIT_PROLONG": ["sum"],
    }
    means = {name: ["mean"] for name in categories}
    if balance is not None:
        months, statuses = _one_hot(balance, "bureau_balance", nan=True)
        per_credit = months.groupby("SK_ID_BUREAU").agg(
            {"MONTHS_BALANCE": ["min", "max", "size"]} | {name: ["mean"] for name in statuses}
        )
        bureau = bureau.join(_named(per_credit, ""), how="left", on="SK_ID_BUREAU")
        numbers |= {
            "MONTHS_BALANCE_MIN": ["min"],
            "MONTHS_BALANCE_MAX": ["max"],
            "MONTHS_BALANCE_SIZE": ["mean", "sum"],
        }
        means |= {f"{name}_MEAN": ["mean"] for name in statuses}
    whole = _named(bureau.groupby(schema.CLIENT_ID).agg(numbers | means), "BURO_")
    for prefix, dummy in (("ACTIVE_", "CREDIT_ACTIVE_Active"), ("CLOSED_", "CREDIT_ACTIVE_Closed")):
        whole = whole.join(_named(bureau[bureau[dummy] == 1].groupby(schema.CLIENT_ID).agg(numbers), prefix))
    return whole


def _previous(raw: pd.DataFrame) -> pd.DataFrame:
    frame, categories = _one_hot(raw, "previous_application", nan=True)
    frame["APP_CREDIT_PERC"] = frame["AMT_APPLICATION"] / frame["AMT_CREDIT"]
    three = ["min", "max", "mean"]
    numbers = {
        "AMT_ANNUITY": three,
        "AMT_APPLICATION": three,
        "AMT_CREDIT": three,
        "APP_CREDIT_PERC": [*three, "var"],
        "AMT_DOWN_PAYMENT": three,
        "AMT_GOODS_PRICE": three,
        "HOUR_APPR_PROCESS_START": three,
        "RATE_DOWN_PAYMENT": three,
        "DAYS_DECISION": three,
        "CNT_PAYMENT": ["mean", "sum"],
    }
    whole = _named(frame.groupby(schema.CLIENT_ID).agg(numbers | {name: ["mean"] for name in categories}), "PREV_")
    for prefix, status in (("APPROVED_", "Approved"), ("REFUSED_", "Refused")):
        rows = frame[frame[f"NAME_CONTRACT_STATUS_{status}"] == 1]
        whole = whole.join(_named(rows.groupby(schema.CLIENT_ID).agg(numbers), prefix))
    return whole


def _pos(raw: pd.DataFrame) -> pd.DataFrame:
    frame, categories = _one_hot(raw, "POS_CASH_balance", nan=True)
    numbers = {"MONTHS_BALANCE": ["max", "mean", "size"], "SK_DPD": ["max", "mean"], "SK_DPD_DEF": ["max", "mean"]}
    groups = frame.groupby(schema.CLIENT_ID)
    return _named(groups.agg(numbers | {name: ["mean"] for name in categories}), "POS_").assign(POS_COUNT=groups.size())


def _instalments(raw: pd.DataFrame) -> pd.DataFrame:
    frame = raw.assign(
        PAYMENT_PERC=raw["AMT_PAYMENT"] / raw["AMT_INSTALMENT"],
        PAYMENT_DIFF=raw["AMT_INSTALMENT"] - raw["AMT_PAYMENT"],
        DPD=(raw["DAYS_ENTRY_PAYMENT"] - raw["DAYS_INSTALMENT"]).clip(lower=0).fillna(0),
        DBD=(raw["DAYS_INSTALMENT"] - raw["DAYS_ENTRY_PAYMENT"]).clip(lower=0).fillna(0),
    )
    groups = frame.groupby(schema.CLIENT_ID)
    numbers = {
        "NUM_INSTALMENT_VERSION": ["nunique"],
        "DPD": ["max", "mean", "sum"],
        "DBD": ["max", "mean", "sum"],
        "PAYMENT_PERC": ["max", "mean", "sum", "var"],
        "PAYMENT_DIFF": ["max", "mean", "sum", "var"],
        "AMT_INSTALMENT": ["max", "mean", "sum"],
        "AMT_PAYMENT": ["min", "max", "mean", "sum"],
        "DAYS_ENTRY_PAYMENT": ["max", "mean", "sum"],
    }
    return _named(groups.agg(numbers), "INSTAL_").assign(INSTAL_COUNT=groups.size())


def _card(raw: pd.DataFrame) -> pd.DataFrame:
    frame, _ = _one_hot(raw, "credit_card_balance", nan=True)
    groups = frame.drop(columns="SK_ID_PREV").groupby(schema.CLIENT_ID)
    return _named(groups.agg(["min", "max", "mean", "sum", "var"]), "CC_").assign(CC_COUNT=groups.size())


def _as_pandas(table: pl.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: np.array(values.to_list(), dtype=object)
            if values.dtype == pl.String
            else values.cast(pl.Float64).to_numpy()
            for name, values in table.to_dict(as_series=True).items()
        }
    )


def _assert_same(tables: dict[str, pl.DataFrame]) -> None:
    found = build_features(tables)
    expected = reference_features({name: _as_pandas(table) for name, table in tables.items()})
    names = found.columns[1:]
    assert found[schema.CLIENT_ID].to_list() == expected.index.to_list()
    assert set(names) == set(expected.columns)
    for name in names:
        with np.errstate(over="ignore"):
            wanted = expected[name].to_numpy(dtype=np.float64).astype(np.float32)
        np.testing.assert_allclose(found[name].to_numpy(), wanted, rtol=1e-6, atol=0, err_msg=name)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_tables_give_all_795_as_pandas_does(seed: int) -> None:
    tables = random_tables(seed)
    _assert_same(tables)
    found = build_features(tables)
    assert found.columns[1:] == [feature.name for feature in features()]
    values = found.select(pl.selectors.float()).to_numpy()
    assert np.isinf(values).any()
    assert np.isnan(values).any()


def test_random_tables_without_balances_and_instalments() -> None:
    tables = random_tables(3)
    del tables["bureau_balance"], tables["installments_payments"]
    _assert_same(tables)


@pytest.mark.slow
def test_two_thousand_real_clients_give_what_pandas_does(home_credit: Path) -> None:
    whole = {
        name: pl.concat([_read(home_credit / f"{file}.zip") for file in table.files], how="diagonal_relaxed")
        for name, table in schema.tables().items()
        if all((home_credit / f"{file}.zip").exists() for file in table.files)
    }
    assert "installments_payments" not in whole
    clients = whole["application"][schema.CLIENT_ID].sort()[:10_000:5].implode()
    tables = {
        name: table.filter(pl.col(schema.CLIENT_ID).is_in(clients)) if schema.CLIENT_ID in table.columns else table
        for name, table in whole.items()
    }
    credits_kept = tables["bureau"]["SK_ID_BUREAU"].implode()
    tables["bureau_balance"] = tables["bureau_balance"].filter(pl.col("SK_ID_BUREAU").is_in(credits_kept))
    assert tables["application"].height == 2_000
    _assert_same(tables)


def _read(path: Path) -> pl.DataFrame:
    with zipfile.ZipFile(path) as archive:
        inside = next(name for name in archive.namelist() if name.endswith(".csv") and not name.startswith("__"))
        return pl.read_csv(archive.read(inside), infer_schema_length=None)
