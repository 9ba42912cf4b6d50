"""Tiny raw tables of every kind, plausible by the schema, and a folder of them as Kaggle publishes it."""

from __future__ import annotations

import gzip
import math
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from data.features.build import Features
from data.paths import VARIABLE
from data.schema import CLIENT_ID, TARGET, Column, tables
from data.sources import read_raw
from data.store import FeatureSet, write_features

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIRST_CLIENT = 100_001
FIRST_CREDIT = 5_000_000
FIRST_PREVIOUS = 1_000_001


def _values(column: Column, rows: int, generator: np.random.Generator) -> pl.Series:
    if column.kind == "category":
        values = [column.categories[index] for index in generator.integers(len(column.categories), size=rows)]
        return pl.Series(column.name, values, pl.String)
    if column.kind == "flag":
        return pl.Series(column.name, generator.integers(2, size=rows), pl.Int64)
    low = column.minimum if column.minimum is not None else 0.0
    high = column.maximum if column.maximum is not None else low + 100
    if column.kind == "integer":
        return pl.Series(column.name, generator.integers(math.ceil(low), math.floor(high) + 1, size=rows), pl.Int64)
    values = pl.Series(column.name, np.round(generator.uniform(low, high, size=rows), 4), pl.Float64).clip(low, high)
    return values.scatter(0, None) if column.nullable else values


def make_tables(clients: int = 12, seed: int = 0) -> dict[str, pl.DataFrame]:
    """The eight files by their stem: two thirds of the clients in train, three rows a client in each other table."""
    generator = np.random.default_rng(seed)
    made: dict[str, pl.DataFrame] = {}
    rows = 3 * clients
    ids = {
        CLIENT_ID: lambda count: FIRST_CLIENT + np.arange(count) % clients,
        "SK_ID_BUREAU": lambda count: FIRST_CREDIT + np.arange(count),
        "SK_ID_PREV": lambda count: FIRST_PREVIOUS + np.arange(count),
    }
    for table in tables().values():
        count = clients if table.name == "application" else rows
        frame = pl.DataFrame(
            [
                pl.Series(column.name, ids[column.name](count), pl.Int64)
                if column.kind == "identifier"
                else _values(column, count, generator)
                for column in table.columns
            ]
        )
        if table.name == "application":
            labels = pl.Series(TARGET, [index % 3 == 0 for index in range(count)]).cast(pl.Int64)
            frame = frame.with_columns(labels)
            train = 2 * clients // 3
            made["application_train"] = frame.head(train)
            made["application_test"] = frame.tail(clients - train).drop(TARGET)
        else:
            made[table.name] = frame
    return made


def write_folder(folder: Path, frames: dict[str, pl.DataFrame]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, frame in frames.items():
        frame.write_csv(folder / f"{stem}.csv")
    return folder


@pytest.fixture
def frames() -> dict[str, pl.DataFrame]:
    """The eight files of twelve clients, by their stem."""
    return make_tables()


@pytest.fixture
def raw(tmp_path: Path, frames: dict[str, pl.DataFrame]) -> Path:
    """A folder of the eight files as plain CSV."""
    return write_folder(tmp_path / "raw", frames)


@pytest.fixture
def edit(raw: Path) -> Callable[..., None]:
    """Replace one value of one CSV file: `edit("bureau", 1, "AMT_ANNUITY", "abc")` does so in its second data row."""

    def replace(stem: str, row: int, column: str, value: str) -> None:
        path = raw / f"{stem}.csv"
        frame = pl.read_csv(path, infer_schema_length=0)
        frame.with_columns(frame[column].scatter(row, value or None)).write_csv(path)

    return replace


@pytest.fixture
def rewrite(raw: Path) -> Callable[[str, str, pl.DataFrame], None]:
    """Replace the CSV of one table by another form of it: `rewrite("bureau", ".csv.gz", frame)`."""

    def replace(stem: str, form: str, frame: pl.DataFrame) -> None:
        (raw / f"{stem}.csv").unlink()
        text = frame.write_csv().encode()
        if form == ".parquet":
            frame.write_parquet(raw / f"{stem}.parquet")
        elif form == ".csv.gz":
            (raw / f"{stem}.csv.gz").write_bytes(gzip.compress(text))
        else:
            with zipfile.ZipFile(raw / f"{stem}{form}", "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(f"{stem}.csv", text)

    return replace


@pytest.fixture
def fake_features(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Features]:
    """Three features instead of the real ones, computed at once; returns what stands in for `build_features`."""

    def build(given: dict[str, pl.DataFrame | pl.LazyFrame]) -> Features:
        application = given["application"].lazy().collect().sort(CLIENT_ID)
        found = application.select(
            CLIENT_ID,
            pl.col("AMT_CREDIT").cast(pl.Float32),
            (pl.col("AMT_ANNUITY") / pl.col("AMT_CREDIT"))
            .cast(pl.Float32)
            .fill_null(float("nan"))
            .alias("PAYMENT_RATE"),
            pl.lit(float("nan"), pl.Float32).alias("ORGANIZATION_TYPE_Trade: type 7"),
        )
        columns = np.array([column.to_numpy() for column in found.drop(CLIENT_ID)], np.float32)
        return Features(found[CLIENT_ID].to_numpy(), tuple(found.columns[1:]), columns)

    import data.features

    monkeypatch.setattr(data.features, "build_features", build)
    return build


@pytest.fixture(name="tables")
def checked_tables(raw: Path) -> dict[str, pl.LazyFrame]:
    """The checked tables of that folder, by their name in the schema."""
    return read_raw(raw).tables


@pytest.fixture
def made(tables: dict[str, pl.LazyFrame], tmp_path: Path, fake_features: Callable[..., Features]) -> FeatureSet:
    """The three features of the twelve clients, on disk."""
    return write_features(tables, tmp_path / "features")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty root of everything produced."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "artifacts"))
    return tmp_path / "artifacts"
