"""Feature sets written whole or not at all, and again only where something changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from data import feature_set, staging
from data.errors import (
    MissingTable,
    StoreError,
    WrongColumn,
)
from data.schema import CLIENT_ID
from data.sources import import_raw, load_imported, read_raw
from data.store import (
    FeatureSet,
    features_from,
    write_features,
)

if TYPE_CHECKING:
    from pathlib import Path

Tables = dict[str, pl.LazyFrame]
Build = Callable[..., pl.DataFrame]


def test_a_failed_write_keeps_the_old_features(
    made: FeatureSet, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(StoreError, match=r"can't be written: No space left on device. What was there before is kept"):
        write_features(tables, made.folder)
    monkeypatch.undo()
    assert FeatureSet.open(made.folder).data_hash == made.data_hash
    assert sorted(path.name for path in made.folder.parent.iterdir()) == ["features", "raw"]


def test_a_write_that_dies_between_the_two_renames_is_put_back(
    made: FeatureSet, tables: Tables, fake_features: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment at which the old folder has lost its name and the new one has none yet."""
    made.folder.rename(made.folder.parent / ".old-features")
    monkeypatch.setattr(staging, "_replace", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    with pytest.raises(StoreError, match="Input/output error"):
        write_features(tables, made.folder)
    assert FeatureSet.open(made.folder).data_hash == made.data_hash


def test_interrupted_by_its_report(made: FeatureSet, tables: Tables) -> None:
    class StopHere(BaseException):
        pass

    def interrupt(step: str, fraction: float) -> None:
        if step == "writing the features":
            raise StopHere

    other = {**tables, "application": tables["application"].with_columns(pl.col("AMT_CREDIT") + 1)}
    with pytest.raises(StopHere):
        write_features(other, made.folder, interrupt)
    assert FeatureSet.open(made.folder).data_hash == made.data_hash


def test_a_folder_that_is_not_ours_is_never_overwritten(tables: Tables, tmp_path: Path, fake_features: Build) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_text("x")
    with pytest.raises(StoreError, match=r"it holds holiday.jpg. It is left as it is"):
        write_features(tables, tmp_path / "photos")


def test_the_raw_tables_are_never_overwritten(raw: Path, tables: Tables, fake_features: Build) -> None:
    with pytest.raises(StoreError, match="is not empty and is not a feature set made earlier"):
        write_features(tables, raw)
    assert (raw / "bureau.csv").exists()


def test_progress_goes_up_to_the_end(raw: Path, tmp_path: Path, fake_features: Build) -> None:
    told: list[float] = []
    features_from(raw, tmp_path / "features", lambda _step, fraction: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1.0


_SLOW_WRITE = """
import sys, time
from pathlib import Path
from data.sources import read_raw
from data.store import write_features
def report(step, fraction):
    if step == "writing the features":
        print("ready", flush=True)
        time.sleep(60)
write_features(read_raw(Path(sys.argv[1])).tables, Path(sys.argv[2]), report)
"""


@pytest.mark.slow
@pytest.mark.parametrize("finished", [False, True])
def test_a_write_really_killed_leaves_the_old_features_or_none(raw: Path, tmp_path: Path, finished: bool) -> None:
    out = tmp_path / "features"
    tables = read_raw(raw).tables
    before = write_features(tables, out).data_hash if finished else None
    process = subprocess.Popen([sys.executable, "-c", _SLOW_WRITE, raw, out], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    if finished:
        assert FeatureSet.open(out).data_hash == before
    else:
        assert not out.exists()
    assert len(write_features(tables, out)) == 12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features", "raw"]


@pytest.mark.parametrize("imported", [False, True])
def test_features_from_a_folder(raw: Path, tmp_path: Path, fake_features: Build, imported: bool) -> None:
    source = raw
    if imported:
        source = tmp_path / "imported"
        import_raw(raw, source)
    made = features_from(source, tmp_path / "features")
    expected = write_features(read_raw(raw).tables, tmp_path / "expected")
    np.testing.assert_array_equal(made.columns, expected.columns)
    assert made.ids.tolist() == expected.ids.tolist()
    inode = (made.folder / "ids.npy").stat().st_ino
    features_from(source, tmp_path / "features")
    assert (made.folder / "ids.npy").stat().st_ino == inode
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("change", ["source", "code", "damage"])
def test_features_are_computed_again_where_anything_changed(
    raw: Path,
    edit: Callable[..., None],
    tmp_path: Path,
    fake_features: Build,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    made = features_from(raw, tmp_path / "features")
    inode = (made.folder / "ids.npy").stat().st_ino
    if change == "source":
        edit("application_train", 0, "AMT_CREDIT", "123456")
    elif change == "code":
        monkeypatch.setattr(feature_set, "_code_hash", lambda: "other code")
    else:
        (made.folder / "ids.npy").unlink()
    again = features_from(raw, tmp_path / "features")
    assert (made.folder / "ids.npy").stat().st_ino != inode
    assert (again.column("AMT_CREDIT")[0] == 123_456) == (change == "source")


def test_features_from_a_wrong_folder(tmp_path: Path, raw: Path) -> None:
    with pytest.raises(MissingTable, match="No such folder"):
        features_from(tmp_path / "nowhere", tmp_path / "features")
    (raw / "application_train.csv").write_text("SK_ID_CURR\n1\n")
    with pytest.raises(WrongColumn):
        features_from(raw, tmp_path / "features")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw"]


def test_the_real_features_of_tiny_tables(raw: Path, tmp_path: Path) -> None:
    made = features_from(raw, tmp_path / "features")
    assert len(made.names) == 795
    assert made.columns.shape == (795, 12)
    credit = read_raw(raw).tables["application"].collect()["AMT_CREDIT"].to_numpy().astype(np.float32)
    np.testing.assert_array_equal(made.column("AMT_CREDIT"), credit)


@pytest.mark.slow
def test_the_real_sample(home_credit: Path, tmp_path: Path) -> None:
    import_raw(home_credit, tmp_path / "imported")
    made = features_from(tmp_path / "imported", tmp_path / "features")
    assert made.columns.shape == (769, 10_000)
    assert made.absent_tables == ("installments_payments",)
    assert (made.manifest["labelled"], made.manifest["defaults"]) == (5_000, 386)
    application = load_imported(tmp_path / "imported")["application"].sort(CLIENT_ID).collect()
    rate = (application["AMT_ANNUITY"] / application["AMT_CREDIT"]).to_numpy().astype(np.float32)
    np.testing.assert_allclose(made.column("PAYMENT_RATE"), rate, rtol=1e-6)
    assert made.facts(made.position(100_002))["NAME_CONTRACT_TYPE"] == "Cash loans"
