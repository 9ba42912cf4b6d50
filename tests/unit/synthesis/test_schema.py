"""Every table has the schema's columns, dtypes, categories and bounds."""

from __future__ import annotations

import polars as pl
import pytest

from data import schema

FILES = [(table.name, file) for table in schema.tables().values() for file in table.files]


@pytest.mark.parametrize(("table", "file"), FILES)
def test_columns_and_dtypes_are_the_published_ones(portfolio: dict[str, pl.DataFrame], table: str, file: str) -> None:
    wanted = {column.name: column.dtype for column in schema.table(table).columns}
    if file == "application_test":
        del wanted["TARGET"]
    assert dict(portfolio[file].schema) == wanted
    assert portfolio[file].columns == list(wanted)


@pytest.mark.parametrize(("table", "file"), FILES)
def test_values_are_those_that_the_schema_allows(portfolio: dict[str, pl.DataFrame], table: str, file: str) -> None:
    present = [column for column in schema.table(table).columns if column.name in portfolio[file].columns]
    assert {column.name: wrong for column in present if (wrong := faults(column, portfolio[file][column.name]))} == {}


def faults(column: schema.Column, values: pl.Series) -> list[str]:
    found = [] if column.nullable or not values.null_count() else ["nulls"]
    codes = pl.Series(list(column.missing_codes)).cast(values.dtype)
    known = values.drop_nulls().filter(~values.drop_nulls().is_in(codes.implode()))
    if column.kind == "category":
        return found + sorted(set(known.unique()) - set(column.categories))
    if column.kind == "flag":
        found += [str(value) for value in known.unique() if value not in (0, 1)]
    low, high = known.min(), known.max()
    if column.minimum is not None and low is not None and low < column.minimum - 1e-9:
        found.append(f"{low} < {column.minimum}")
    if column.maximum is not None and high is not None and high > column.maximum + 1e-9:
        found.append(f"{high} > {column.maximum}")
    return found if known.cast(pl.Float64).is_finite().all() else [*found, "not finite"]


def test_every_client_is_in_one_application_table(portfolio: dict[str, pl.DataFrame]) -> None:
    ids = pl.concat([portfolio[file]["SK_ID_CURR"] for file in ("application_train", "application_test")])
    assert sorted(ids) == list(range(100_001, 110_001))
    unlabelled = portfolio["application_test"]["SK_ID_CURR"]
    assert unlabelled.len() / 10_000 == pytest.approx(0.1368, abs=0.012)
    assert unlabelled.diff().max() < 100  # interleaved, not set apart
