"""Whatever history a client has, our features are those of the plain pandas pipeline: property-tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from bench.scoring.pandas_features import pandas_features
from data import schema
from data.features import build_features

if TYPE_CHECKING:
    import pandas as pd

    from data.schema import Column

CLIENTS = (7, 8, 9, 2**53 - 1)
STRANGER = 4
CREDITS = (50, 51, 52)
NUMBERS = (0.0, -0.0, 1.0, 1.0, -1.0, 4.5, 30.0, 365243.0, 1e-9, 1e12, float("inf"), float("-inf"), float("nan"), None)
WHOLE = (0, 1, 1, 2, -3, 365243, None)


@st.composite
def histories(draw: st.DrawFn) -> dict[str, pl.DataFrame]:
    """Tables of four clients: some with no row, with one, with repeated ones; rows of strangers; columns of nothing."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    sizes = {name: draw(st.sampled_from((0, 1, 2, 5, 12))) for name in schema.tables()}
    repeated = draw(st.booleans())
    tables = {}
    for name, table in schema.tables().items():
        rows = len(CLIENTS) if name == "application" else sizes[name]
        frame = pl.DataFrame([_column(name, column, rows, rng) for column in table.columns])
        if repeated and name != "application" and table.key is None and rows:
            frame = pl.concat([frame, frame])
        tables[name] = frame
    return tables


def _column(table: str, column: Column, rows: int, rng: np.random.Generator) -> pl.Series:
    if column.name == schema.CLIENT_ID:
        ids = np.array(CLIENTS) if table == "application" else rng.choice([*CLIENTS[:3], STRANGER], rows)
        return pl.Series(column.name, ids, dtype=pl.Int64)
    if column.name == "SK_ID_BUREAU":
        ids = np.arange(50, 50 + rows) if table == "bureau" else rng.choice(CREDITS, rows)
        return pl.Series(column.name, ids, dtype=pl.Int64)
    if column.kind == "identifier":
        return pl.Series(column.name, np.arange(rows), dtype=pl.Int64)
    nothing = rng.random() < 0.1
    if column.kind == "category":
        choices: tuple[object, ...] = (*column.categories[:3], None)
    elif column.dtype == pl.Int64:
        choices = (0, 1, None) if column.kind == "flag" or column.name == schema.TARGET else WHOLE
    else:
        choices = NUMBERS
    values = [None if nothing else choices[int(rng.integers(len(choices)))] for _ in range(rows)]
    return pl.Series(column.name, values, dtype=column.dtype)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tables=histories())
def test_any_history_gives_what_pandas_gives(tables: dict[str, pl.DataFrame]) -> None:
    found = build_features(tables).frame()
    expected = pandas_features({name: _as_pandas(table) for name, table in tables.items()})
    assert found[schema.CLIENT_ID].to_list() == expected.index.to_list()
    wrong = {}
    for name in found.columns[1:]:
        with np.errstate(over="ignore"):
            wanted = expected[name].to_numpy(dtype=np.float64).astype(np.float32)
        ours = found[name].to_numpy()
        if not np.allclose(ours, wanted, rtol=1e-6, atol=0, equal_nan=True):
            wrong[name] = (ours.tolist(), wanted.tolist())
    assert wrong == {}


def _as_pandas(table: pl.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            name: np.array(values.to_list(), dtype=object)
            if values.dtype == pl.String
            else values.cast(pl.Float64).to_numpy()
            for name, values in table.to_dict(as_series=True).items()
        }
    )
