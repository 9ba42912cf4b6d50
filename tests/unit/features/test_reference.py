"""All the features against the well-known aggregation written plainly in pandas: one-hot columns, then groupby().agg().

On seeded random tables, which have every category, missing values of both kinds, zero divisors, orphan rows and clients
without rows; and on the real sample.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import polars as pl
import pytest

from bench.scoring.pandas_features import pandas_features
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
    found = build_features(tables).frame()
    expected = pandas_features({name: _as_pandas(table) for name, table in tables.items()})
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
    found = build_features(tables).frame()
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
