"""Raw tables of a few rows, where a test writes only the columns it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl
import pytest

from data import schema

Rows = Mapping[str, Sequence[object]]
MakeTable = Callable[[str, Rows], pl.DataFrame]


def _make_table(name: str, rows: Rows) -> pl.DataFrame:
    length = len(next(iter(rows.values())))
    columns = {
        column.name: pl.Series(column.name, rows.get(column.name, [None] * length), dtype=column.dtype, strict=False)
        for column in schema.table(name).columns
    }
    assert set(rows) <= set(columns)
    return pl.DataFrame(columns)


@pytest.fixture
def make_table() -> MakeTable:
    """Return a maker of raw tables: every column of the schema, null where the rows given don't say."""
    return _make_table


@pytest.fixture
def compute(make_table: MakeTable) -> Callable[..., dict[str, list[float]]]:
    """Return a function that builds the features of the clients of some rows, by name, one value per client."""
    from data.features import build_features

    def built(clients: Sequence[int] = (1,), application: Rows | None = None, **tables: Rows) -> dict[str, list[float]]:
        raw = {name: make_table(name, rows) for name, rows in tables.items()}
        raw["application"] = make_table("application", {"SK_ID_CURR": clients, **(application or {})})
        return build_features(raw).frame().to_dict(as_series=False)

    return built
