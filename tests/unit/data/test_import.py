"""The import on disk: what it keeps, when it is done again, and what a failure leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data import sources
from data.errors import (
    HashMismatch,
    IncompleteArtefact,
    InvalidOption,
    StoreError,
    WrongColumn,
)
from data.schema import tables
from data.sources import import_raw, load_imported, read_raw

Edit = Callable[[str, int, str, str], None]


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def test_an_import_gives_back_the_tables(raw: Path, tmp_path: Path) -> None:
    (raw / "credit_card_balance.csv").unlink()
    expected = read_raw(raw)
    manifest = import_raw(raw, tmp_path / "imported")
    assert manifest["absent"] == ["credit_card_balance"]
    assert (manifest["clients"], manifest["labelled"], manifest["defaults"]) == (12, 8, 3)
    assert set(manifest["made_of"]["sources"]) == {path.name for path in raw.iterdir()}
    loaded = load_imported(tmp_path / "imported")
    assert list(loaded) == list(expected.tables)
    for name, frame in loaded.items():
        assert_frame_equal(frame.collect(), expected.tables[name].collect())
    again = read_raw(tmp_path / "imported")
    assert (again.absent, again.rows, again.defaults) == (expected.absent, expected.rows, 3)


def test_an_import_keeps_its_warnings(raw: Path, edit: Edit, tmp_path: Path) -> None:
    edit("application_train", 0, "CNT_CHILDREN", "50")
    import_raw(raw, tmp_path / "imported")
    assert read_raw(tmp_path / "imported").notes == read_raw(raw).notes != ()


def test_the_same_import_again_is_kept(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "imported"
    import_raw(raw, out)
    before = {path.name: path.stat().st_ino for path in out.iterdir()}
    import_raw(raw, out)
    assert {path.name: path.stat().st_ino for path in out.iterdir()} == before


@pytest.mark.parametrize("change", ["source", "code", "damage", "manifest"])
def test_an_import_is_done_again_where_anything_changed(
    raw: Path, edit: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    out = tmp_path / "imported"
    import_raw(raw, out)
    before = (out / "bureau/0000.parquet").stat().st_ino
    if change == "source":
        edit("bureau", 0, "AMT_ANNUITY", "1234567")
    elif change == "code":
        monkeypatch.setattr(sources, "schema_hash", lambda: "another schema")
    elif change == "damage":
        cut(out / "bureau/0000.parquet", 10)
    else:
        manifest = json.loads((out / "manifest.json").read_text())
        del manifest["rows"]
        (out / "manifest.json").write_text(json.dumps(manifest))
    import_raw(raw, out)
    assert (out / "bureau/0000.parquet").stat().st_ino != before
    value = load_imported(out)["bureau"].collect()["AMT_ANNUITY"][0]
    assert value == (1_234_567 if change == "source" else read_raw(raw).tables["bureau"].collect()["AMT_ANNUITY"][0])


def test_an_import_that_fails_leaves_the_old_one(raw: Path, edit: Edit, tmp_path: Path) -> None:
    out = tmp_path / "imported"
    import_raw(raw, out)
    edit("previous_application", 0, "AMT_CREDIT", "abc")
    with pytest.raises(WrongColumn):
        import_raw(raw, out)
    assert load_imported(out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["imported", "raw"]


def test_an_import_killed_between_two_tables_leaves_nothing_and_is_redone(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "imported"

    class Killed(BaseException):
        pass

    def kill(step: str, fraction: float) -> None:
        if step == "reading bureau_balance":
            raise Killed

    with pytest.raises(Killed):
        import_raw(raw, out, kill)
    assert not out.exists()
    import_raw(raw, out)
    assert len(load_imported(out)) == 7


_SLOW_IMPORT = """
import sys, time
from pathlib import Path
from data.sources import import_raw
def report(step, fraction):
    if step == "reading bureau_balance":
        print("ready", flush=True)
        time.sleep(60)
import_raw(Path(sys.argv[1]), Path(sys.argv[2]), report)
"""


@pytest.mark.slow
@pytest.mark.parametrize("finished", [False, True])
def test_an_import_really_killed_leaves_the_old_one_or_none(
    raw: Path, tmp_path: Path, edit: Edit, finished: bool
) -> None:
    out = tmp_path / "imported"
    if finished:
        import_raw(raw, out)
        edit("bureau", 0, "AMT_ANNUITY", "1234567")
    process = subprocess.Popen([sys.executable, "-c", _SLOW_IMPORT, raw, out], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(StoreError, match=r"Another process is writing"):
            import_raw(raw, out)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert out.exists() == finished
    if finished:
        assert load_imported(out)["bureau"].collect()["AMT_ANNUITY"][0] != 1_234_567
    edit("bureau", 0, "AMT_ANNUITY", "1234567")
    import_raw(raw, out)
    assert load_imported(out)["bureau"].collect()["AMT_ANNUITY"][0] == 1_234_567
    assert sorted(path.name for path in tmp_path.iterdir()) == ["imported", "raw"]


def test_a_full_disk_is_said_and_leaves_the_old_import(
    raw: Path, edit: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "imported"
    import_raw(raw, out)
    edit("bureau", 0, "AMT_ANNUITY", "1234567")

    def full(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError("underlying IO error: No space left on device (os error 28)")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(StoreError, match=r"can't be written: .*No space left on device.*What was there before is kept"):
        import_raw(raw, out)
    monkeypatch.undo()
    assert len(load_imported(out)) == 7


def test_a_read_only_place_is_said(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreError, match=r"can't be written: Permission denied"):
        import_raw(raw, tmp_path / "imported")


def test_a_folder_that_is_not_ours_is_never_overwritten(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "photos"
    out.mkdir()
    (out / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(StoreError, match=r"photos is not empty .* it holds holiday.jpg. It is left as it is"):
        import_raw(raw, out)
    assert (out / "holiday.jpg").read_bytes() == b"x"


def test_an_empty_folder_is_filled(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "imported"
    out.mkdir()
    import_raw(raw, out)
    assert len(load_imported(out)) == 7


def test_a_file_to_write_to(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "imported").write_text("x")
    with pytest.raises(StoreError, match=r"is a file, a folder to write was expected"):
        import_raw(raw, tmp_path / "imported")


@pytest.mark.parametrize("out", [".", "..", "../raw"])
def test_the_raw_folder_is_never_written_over(raw: Path, out: str) -> None:
    with pytest.raises(InvalidOption, match=r"is the folder of the raw tables, or holds it"):
        import_raw(raw, raw / out)
    assert (raw / "bureau.csv").exists()


def test_an_import_is_not_imported_again(raw: Path, tmp_path: Path) -> None:
    import_raw(raw, tmp_path / "imported")
    with pytest.raises(InvalidOption, match=r"is an import already"):
        import_raw(tmp_path / "imported", tmp_path / "other")


def test_an_import_without_manifest_is_incomplete(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "imported"
    import_raw(raw, out)
    (out / "manifest.json").unlink()
    with pytest.raises(IncompleteArtefact, match=r"Import it again"):
        load_imported(out)


def test_a_changed_file_of_an_import_is_refused(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "imported"
    import_raw(raw, out)
    content = bytearray((out / "bureau/0000.parquet").read_bytes())
    content[100] ^= 1
    (out / "bureau/0000.parquet").write_bytes(content)
    with pytest.raises(HashMismatch, match=r"bureau/0000.parquet"):
        load_imported(out)


def test_an_import_of_another_format_is_refused(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "imported"
    manifest = import_raw(raw, out)
    (out / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(StoreError, match=r"has format 99; this version reads format 2"):
        load_imported(out)


def test_progress_goes_up_to_the_end(raw: Path, tmp_path: Path) -> None:
    told: list[float] = []
    import_raw(raw, tmp_path / "imported", lambda _step, fraction: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert all(0 <= fraction <= 1 for fraction in told)


@pytest.mark.slow
def test_the_real_sample(home_credit: Path, tmp_path: Path) -> None:
    import pandas as pd

    manifest = import_raw(home_credit, tmp_path / "imported")
    assert manifest["rows"] == {
        "application": 10_000,
        "POS_CASH_balance": 287_697,
        "bureau": 49_227,
        "bureau_balance": 1_207_059,
        "credit_card_balance": 113_392,
        "previous_application": 49_100,
    }
    assert manifest["absent"] == ["installments_payments"]
    assert (manifest["clients"], manifest["labelled"], manifest["defaults"]) == (10_000, 5_000, 386)
    loaded = load_imported(tmp_path / "imported")
    for name in ("bureau", "credit_card_balance"):
        frame = loaded[name].collect()
        expected = pd.read_csv(home_credit / f"{name}.zip", float_precision="round_trip")
        assert list(expected.columns) == frame.columns
        for column in tables()[name].columns:
            ours, theirs = frame[column.name], expected[column.name]
            assert ours.null_count() == int(theirs.isna().sum())
            if column.kind == "category":
                assert ours.drop_nulls().to_list() == theirs.dropna().tolist()
            else:
                assert ours.drop_nulls().to_list() == theirs.dropna().tolist()
