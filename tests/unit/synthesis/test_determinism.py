"""The same seed gives the same clients, whatever their number."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import psutil
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from data.errors import InvalidOption
from data.files import sha256_of
from data.synthesis import MARK, block_tables, blocks, generate, synthesise
from data.synthesis.portfolio import FILES


def first(tables: dict[str, pl.DataFrame], end: int) -> dict[str, pl.DataFrame]:
    kept = {name: part.filter(pl.col("SK_ID_CURR") < end) for name, part in tables.items() if name != "bureau_balance"}
    return kept | {"bureau_balance": tables["bureau_balance"]}


def test_a_smaller_portfolio_is_the_beginning_of_a_larger_one(portfolio: dict[str, pl.DataFrame]) -> None:
    small = generate(1_500, seed=7)
    for name, part in first(portfolio, 101_501).items():
        if name == "bureau_balance":
            assert small[name].join(part, on=part.columns, how="anti").height == 0
            continue
        assert_frame_equal(small[name], part)


def test_blocks_are_independent(portfolio: dict[str, pl.DataFrame]) -> None:
    third = block_tables(2, seed=7)
    for name in set(FILES) - {"bureau_balance"}:
        assert_frame_equal(third[name], portfolio[name].filter(pl.col("SK_ID_CURR").is_between(102_001, 103_000)))


def test_another_seed_gives_other_clients() -> None:
    one, other = generate(60, seed=1), generate(60, seed=2)
    for name in FILES:
        assert not one[name].equals(other[name])
    assert (
        one["application_train"]["EXT_SOURCE_2"].is_in(other["application_train"]["EXT_SOURCE_2"].implode()).sum() < 3
    )


@pytest.mark.slow
def test_the_written_files_are_the_same_each_time(tmp_path: Path) -> None:
    told: list[float] = []
    for name in ("one", "other"):
        synthesise(1_200, 3, tmp_path / name, lambda step, fraction: told.append(fraction))
    for name in FILES:
        paths = [tmp_path / folder / f"{name}.parquet" for folder in ("one", "other")]
        assert sha256_of(paths[0]) == sha256_of(paths[1])
        assert_frame_equal(pl.read_parquet(paths[0]), generate(1_200, 3)[name])
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(
        [MARK, *(f"{n}.parquet" for n in FILES)]
    )
    assert json.loads((tmp_path / "one" / MARK).read_text()) == {
        "generator": "data.synthesis",
        "version": 2,
        "seed": 3,
        "clients": 1_200,
    }
    assert told[-1] == 1.0
    assert all(0 <= fraction <= 1 for fraction in told)


@pytest.mark.slow
def test_the_written_files_are_the_same_whatever_the_workers(tmp_path: Path) -> None:
    for workers in (1, 2, 3):
        synthesise(12_100, 3, tmp_path / str(workers), workers=workers)
    for name in FILES:
        hashes = {sha256_of(tmp_path / str(workers) / f"{name}.parquet") for workers in (1, 2, 3)}
        assert len(hashes) == 1


_LONG = """
import sys
from data.synthesis import blocks
if __name__ == "__main__":
    for _ in blocks(1_000_000, 0, workers=2):
        print("made", flush=True)
"""


@pytest.mark.slow
def test_workers_end_with_a_process_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "long.py"
    script.write_text(_LONG)
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"made\n"
        workers = psutil.Process(process.pid).children()
        assert len(workers) >= 2
        process.kill()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []


def test_one_client_is_enough() -> None:
    tables = generate(1, seed=5)
    assert tables["application_train"].height + tables["application_test"].height == 1
    assert {name: part.columns for name, part in tables.items()} == {
        name: part.columns for name, part in generate(2, seed=5).items()
    }


@pytest.mark.parametrize(
    ("clients", "seed", "what"), [(0, 1, "0"), (-3, 1, "-3"), (2**31 + 1, 1, "2147483649"), (5, -1, "-1")]
)
def test_impossible_requests_are_refused(clients: int, seed: int, what: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="number of workers is 0"):
        next(blocks(10, 1, workers=0))
    with pytest.raises(InvalidOption, match=what):
        generate(clients, seed)
    with pytest.raises(InvalidOption, match=what):
        synthesise(clients, seed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_leaves_no_file(tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(step: str, fraction: float) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        synthesise(1_200, 3, tmp_path / "out", stop)
    assert list((tmp_path / "out").iterdir()) == []


def test_files_are_written_in_bounded_groups_of_rows(tmp_path: Path) -> None:
    synthesise(1_001, 4, tmp_path)
    assert pq.ParquetFile(tmp_path / "bureau_balance.parquet").num_row_groups == 1
