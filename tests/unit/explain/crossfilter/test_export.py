"""Clients written to a file: every value as it is, and nothing left where it is stopped or fails."""

from __future__ import annotations

import csv
import io
import resource
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from data.errors import InvalidOption, StoreError, UnknownColumn, did_you_mean
from data.progress import silent
from explain.crossfilter import export as module
from explain.crossfilter.export import ExportStopped, export
from explain.crossfilter.population import Column, Population

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from explain.crossfilter.export import Kind

JOBS = (
    "Core staff",
    'He said "no", twice',
    "Été\nà Paris",
    "=1+1",
    "+33",
    "-5",
    "@SUM(A1)",
    "\tx",
    "a=b",
    "O'Brien",
    "",
)
COLUMNS = ("amount", "raw.job", "score")


class Columns:
    """Columns held in memory."""

    def __init__(self, columns: dict[str, Column]) -> None:
        self.columns = columns
        self.keys = tuple(columns)

    def column(self, key: str) -> Column:
        if key not in self.columns:
            raise UnknownColumn(f"No column {key!r}.{did_you_mean(key, self.columns)}")
        return self.columns[key]


def values_of(population: Population, key: str) -> np.ndarray:
    return population.column(key).values  # noqa: PD011 (a column of ours)


def population_of(n: int, seed: int = 3) -> Population:
    rng = np.random.default_rng(seed)
    amount = np.frombuffer(rng.bytes(4 * n), dtype=np.float32).copy()  # any float32 there is, NaN and tiny ones too
    amount[: min(n, 6)] = [np.nan, np.inf, -np.inf, -0.0, 1e-45, 16_777_217][: min(n, 6)]
    job = (np.arange(n) % (len(JOBS) + 1)).astype(np.float32)
    job[job == len(JOBS)] = np.nan
    score = rng.random(n)
    columns = {
        "amount": Column("amount", amount, None),
        "raw.job": Column("raw.job", job, JOBS),
        "score": Column("score", score.astype(np.float32), None),
    }
    ids = np.arange(100_001, 100_001 + n, dtype=np.int64)
    return Population(ids, score, np.zeros(n, np.uint8), np.zeros(n, np.uint8), Columns(columns))


def never() -> bool:
    return False


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_CLIENTS", 64)


def same_bits(found: np.ndarray, expected: np.ndarray) -> None:
    """NaN apart, every float32 is the very same, the sign of zero included."""
    known = ~np.isnan(expected)
    assert np.array_equal(np.isnan(found), ~known)
    assert np.array_equal(found[known].view(np.uint32), expected[known].view(np.uint32))


@pytest.mark.usefixtures("small_blocks")
def test_parquet_reads_back_the_very_same(tmp_path: Path) -> None:
    population = population_of(1_000)
    mask = np.random.default_rng(1).random(1_000) < 0.6
    path = tmp_path / "new" / "clients.parquet"
    assert export(population, mask, (*COLUMNS, "amount"), path, "parquet", silent, never) == mask.sum()
    table = pq.read_table(path)
    assert table.schema.names == ["SK_ID_CURR", *COLUMNS]
    assert [str(kind) for kind in table.schema.types] == ["int64", "float", "large_string", "float"]
    assert table["SK_ID_CURR"].to_pylist() == population.ids[mask].tolist()
    for key in ("amount", "score"):
        column = values_of(population, key)[mask]
        assert table[key].null_count == np.isnan(column).sum()
        same_bits(table[key].to_numpy(zero_copy_only=False).astype(np.float32), column)
    assert table["raw.job"].to_pylist() == names_of(population, mask)
    assert pq.ParquetFile(path).num_row_groups == -(-int(mask.sum()) // 64)
    assert pl.read_parquet(path).height == mask.sum()
    assert [one.name for one in path.parent.iterdir()] == ["clients.parquet"]


def names_of(population: Population, mask: np.ndarray) -> list[str | None]:
    return [None if np.isnan(number) else JOBS[int(number)] for number in values_of(population, "raw.job")[mask]]


@pytest.mark.usefixtures("small_blocks")
def test_csv_reads_back_the_very_same(tmp_path: Path) -> None:
    population = population_of(1_000)
    mask = np.random.default_rng(1).random(1_000) < 0.6
    path = tmp_path / "clients.csv"
    assert export(population, mask, COLUMNS, path, "csv", silent, never) == mask.sum()
    text = path.read_bytes().decode("utf-8")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["SK_ID_CURR", *COLUMNS]
    assert [int(row[0]) for row in rows[1:]] == population.ids[mask].tolist()
    for place, key in ((1, "amount"), (3, "score")):
        found = np.array([float(row[place] or "nan") for row in rows[1:]])
        same_bits(found.astype(np.float32), values_of(population, key)[mask])
    expected = names_of(population, mask)
    for row, name in zip(rows[1:], expected, strict=True):
        if name is None or not name.startswith(("=", "+", "-", "@", "\t")):
            assert row[2] == (name or "")
        else:
            assert row[2] == "'" + name
    amounts = pd.read_csv(path, float_precision="round_trip")["amount"].to_numpy().astype(np.float32)
    same_bits(amounts, values_of(population, "amount")[mask])


def test_csv_is_as_rfc_4180_has_it(tmp_path: Path) -> None:
    export(population_of(3), np.ones(3, np.bool_), COLUMNS[:2], tmp_path / "c.csv", "csv", silent, never)
    assert (tmp_path / "c.csv").read_bytes() == (
        b"SK_ID_CURR,amount,raw.job\r\n"
        b"100001,,Core staff\r\n"
        b'100002,inf,"He said ""no"", twice"\r\n' + '100003,-inf,"Été\nà Paris"\r\n'.encode()
    )


def test_a_negative_number_stays_a_number(tmp_path: Path) -> None:
    population = population_of(1)
    population.source.columns["amount"] = Column("amount", np.array([-0.1], np.float32), None)
    export(population, np.ones(1, np.bool_), ("amount",), tmp_path / "c.csv", "csv", silent, never)
    assert (tmp_path / "c.csv").read_bytes() == b"SK_ID_CURR,amount\r\n100001,-0.1\r\n"


def test_an_empty_selection_has_its_columns_and_no_row(tmp_path: Path) -> None:
    population, nobody = population_of(20), np.zeros(20, np.bool_)
    assert export(population, nobody, COLUMNS, tmp_path / "c.csv", "csv", silent, never) == 0
    assert (tmp_path / "c.csv").read_bytes() == b"SK_ID_CURR,amount,raw.job,score\r\n"
    assert export(population, nobody, COLUMNS, tmp_path / "c.parquet", "parquet", silent, never) == 0
    table = pl.read_parquet(tmp_path / "c.parquet")
    assert table.schema == {
        "SK_ID_CURR": pl.Int64, "amount": pl.Float32, "raw.job": pl.String, "score": pl.Float32,
    }  # fmt: skip
    assert table.height == 0


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_one_client_and_no_column(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / f"c.{kind}"
    assert export(population_of(1), np.ones(1, np.bool_), (), path, kind, silent, never) == 1
    read = pl.read_csv if kind == "csv" else pl.read_parquet
    assert read(path).to_dict(as_series=False) == {"SK_ID_CURR": [100_001]}


@pytest.mark.usefixtures("small_blocks")
def test_progress_goes_up_to_the_end(tmp_path: Path) -> None:
    told: list[float] = []
    export(
        population_of(500), np.ones(500, np.bool_), COLUMNS, tmp_path / "c.csv", "csv",
        lambda _step, fraction: told.append(fraction), never,
    )  # fmt: skip
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) == 9


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("after", [0, 1, 4, 8])
def test_stopped_anywhere_it_leaves_what_was_there(kind: Kind, after: int, tmp_path: Path) -> None:
    path = tmp_path / f"c.{kind}"
    path.write_text("before")
    asked: Iterator[bool] = iter([False] * after + [True] * 100)
    with pytest.raises(ExportStopped):
        export(population_of(500), np.ones(500, np.bool_), COLUMNS, path, kind, silent, lambda: next(asked))
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_full_disk_is_told_and_leaves_nothing(kind: Kind, tmp_path: Path) -> None:
    population, everyone = population_of(30_000), np.ones(30_000, np.bool_)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(StoreError, match=r"can't be written: .*[Tt]oo large.*Nothing is left of it"):
            export(population, everyone, COLUMNS, tmp_path / f"c.{kind}", kind, silent, never)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cant_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"c.csv can't be written"):
        export(population_of(5), np.ones(5, np.bool_), COLUMNS, tmp_path / "file" / "c.csv", "csv", silent, never)


def test_what_there_is_not_is_told_before_anything_is_written(tmp_path: Path) -> None:
    population, everyone = population_of(5), np.ones(5, np.bool_)
    with pytest.raises(UnknownColumn, match="Did you mean amount"):
        export(population, everyone, ("amont",), tmp_path / "c.csv", "csv", silent, never)
    with pytest.raises(InvalidOption, match="No export as 'xlsx'"):
        export(population, everyone, (), tmp_path / "c.xlsx", "xlsx", silent, never)
    with pytest.raises(InvalidOption, match="5 clients"):
        export(population, everyone[:4], (), tmp_path / "c.csv", "csv", silent, never)
    assert list(tmp_path.iterdir()) == []
