"""The benchmark of the features: its two contenders agree, one that dies is a record, a spoilt value is seen."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.registry import Request, find, load
from bench.scoring import features as benchmark
from data.errors import StoreError
from data.feature_set import features_from
from data.progress import silent
from data.synthetic_tables import make_synthetic

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_both_give_the_same_and_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRETSCOPE_ARTIFACTS", str(tmp_path))
    monkeypatch.setattr(benchmark, "WHOLE", 20_000)
    monkeypatch.setattr(benchmark, "SHARES", (0.01, 0.02))
    outcome = load(find("scoring", "features"))(Request(), silent)
    figures = outcome.figures
    assert figures["features_equal_share"] == 1
    assert figures["features_different"] == []
    assert figures["clients"] == figures["largest_clients"] == 400
    assert figures["rows"] > 40_000
    assert figures["speedup_vs_pandas"] == pytest.approx(figures["pandas_seconds"] / figures["seconds"], rel=0.01)
    whole = figures["import_seconds"] + figures["seconds"]
    assert figures["speedup_vs_pandas_with_import"] == pytest.approx(figures["pandas_seconds"] / whole, rel=0.01)
    assert 0.05 < figures["peak_memory_gib"] < 4
    assert 0.05 < figures["import_peak_memory_gib"] < 4
    assert [run["contender"] for run in outcome.samples["runs"]] == ["import", "pretscope", "pandas"] * 2
    json.dumps(figures, allow_nan=False)


def test_a_contender_that_dies_is_a_record(tmp_path: Path) -> None:
    found = benchmark._measure("pandas", tmp_path / "nowhere", tmp_path / "out", 10, 20)
    assert found.seconds is None
    assert "nowhere" in found.why


def test_one_killed_for_memory_is_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "dies.sh"
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    found = benchmark._measure("pandas", tmp_path, tmp_path / "out", 10, 20)
    assert found.seconds is None
    assert found.why == "killed by signal 9, as where memory ends"


def test_the_peer_is_not_run_where_it_cannot_fit() -> None:
    last = benchmark.Measured("pandas", 100, 1000, 5.0, 1.0)
    assert benchmark._forecast([last], 110, 1100) is None
    told = benchmark._forecast([last], 10**6, 10**7)
    assert told is not None
    assert "10000 GiB would be needed" in told.why
    unfinished = benchmark._forecast([benchmark.Measured("pandas", 100, 1000, why="died")], 110, 1100)
    assert unfinished is not None
    assert unfinished.seconds is None


def test_ours_has_to_finish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRETSCOPE_ARTIFACTS", str(tmp_path))
    monkeypatch.setattr(benchmark, "QUICK_SHARES", (0.0001,))
    monkeypatch.setattr(benchmark, "_measure", lambda name, *_: benchmark.Measured(name, 1, 1, why="out of memory"))
    with pytest.raises(StoreError, match="out of memory"):
        benchmark.run(Request(quick=True), silent)


def test_a_spoilt_value_is_seen(tmp_path: Path) -> None:
    make_synthetic(20, 1, tmp_path / "raw")
    ours = features_from(tmp_path / "raw", tmp_path / "features")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    values = np.array(ours.columns)
    np.save(theirs / "ids.npy", ours.ids)
    (theirs / "names.json").write_text(json.dumps(ours.names))
    np.save(theirs / "features.npy", values)
    assert benchmark.compare(ours, theirs) == {"share": 1.0, "different": []}
    spoilt = int(np.flatnonzero(np.isfinite(values).all(axis=1) & (values > 0).all(axis=1))[0])
    values[spoilt, 3] *= 1.00001
    np.save(theirs / "features.npy", values)
    found = benchmark.compare(ours, theirs)
    assert found["different"] == [ours.names[spoilt]]
    np.save(theirs / "ids.npy", ours.ids[::-1])
    with pytest.raises(StoreError, match="same clients and features"):
        benchmark.compare(ours, theirs)
