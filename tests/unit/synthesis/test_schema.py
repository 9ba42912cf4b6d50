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
    wrong = []
    for column in schema.table(table).columns:
        if column.name not in portfolio[file].columns:
            continue
        values = portfolio[file][column.name]
        if values.null_count() and not column.nullable:
            wrong.append(f"{column.name}: {values.null_count()} nulls")
        if column.kind == "category":
            strange = set(values.drop_nulls().unique()) - set(column.categories)
            if strange:
                wrong.append(f"{column.name}: {strange}")
            continue
        codes = pl.Series(list(column.missing_codes)).cast(values.dtype)
        known = values.drop_nulls().filter(~values.drop_nulls().is_in(codes.implode()))
        if known.is_empty():
            continue
        low, high = known.min(), known.max()
        if column.kind == "flag":
            assert set(known.unique()) <= {0, 1}, column.name
        if column.minimum is not None and low < column.minimum - 1e-9:
            wrong.append(f"{column.name}: {low} < {column.minimum}")
        if column.maximum is not None and high > column.maximum + 1e-9:
            wrong.append(f"{column.name}: {high} > {column.maximum}")
        if values.dtype == pl.Float64 and not known.is_finite().all():
            wrong.append(f"{column.name}: not finite")
    assert wrong == []


def test_every_client_is_in_one_application_table(portfolio: dict[str, pl.DataFrame]) -> None:
    ids = pl.concat([portfolio[file]["SK_ID_CURR"] for file in ("application_train", "application_test")])
    assert sorted(ids) == list(range(100_001, 110_001))
    unlabelled = portfolio["application_test"]["SK_ID_CURR"]
    assert unlabelled.len() / 10_000 == pytest.approx(0.1368, abs=0.012)
    assert unlabelled.diff().max() < 100  # interleaved, not set apart
