"""`python -m bench scoring latency`, end to end on its own workload, made very small."""

from __future__ import annotations

import json

import pytest

from bench import workload
from bench.__main__ import main
from bench.scoring import latency

RATIOS = {
    "speedup_vs_booster_single",
    "speedup_vs_onnxmltools_single",
    "speedup_vs_booster_batch",
    "speedup_vs_onnxmltools_batch",
}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    """A folder of artefacts with the benchmark's own workload, 250 clients small, and a first quick run in it."""
    folder = tmp_path_factory.mktemp("artifacts")
    with pytest.MonkeyPatch.context() as patch:
        _make_small(patch, folder)
        assert main(["scoring", "latency", "--quick"]) == 0
    return folder


def _make_small(patch, folder):
    patch.setenv("PRETSCOPE_ARTIFACTS", str(folder))
    patch.setattr(workload, "CLIENTS", 250)
    patch.setattr(workload, "THREADS", 1)
    patch.setattr(latency, "POOL", 60)
    patch.setattr(latency, "BATCH", 30)
    patch.setattr(latency, "QUICK_COMPARED", 100)


@pytest.fixture
def small(artifacts, monkeypatch):
    _make_small(monkeypatch, artifacts)
    return artifacts


def _last_line(capsys) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_its_own_workload_is_made_once_and_kept(small, capsys):
    model = small / "bench" / "workload" / "model" / "model.onnx"
    before = model.stat().st_mtime_ns
    assert main(["scoring", "latency", "--quick"]) == 0
    assert model.stat().st_mtime_ns == before
    found = _last_line(capsys)
    assert found["workload"] == "250 synthetic clients"
    assert (found["clients"], found["quick"], found["threads"]) == (100, True, 1)


def test_the_last_line_has_every_figure_with_its_unit_and_the_record_keeps_them(small, capsys):
    assert main(["scoring", "latency", "--quick"]) == 0
    told = capsys.readouterr().out
    found = json.loads(told.splitlines()[-1])
    assert found["bit_equal_share"] == found["bit_equal_share_one_by_one"] == 1.0
    assert found.keys() >= RATIOS
    for size in ("single", "batch"):
        for name in ("null", "pretscope_whole", "booster", "onnxmltools"):
            least, middle = found[f"{size}_{name}_min_ns"], found[f"{size}_{name}_p50_ns"]
            assert 0 < least <= middle <= found[f"{size}_{name}_p90_ns"]
        assert found[f"{size}_null_p50_ns"] < found[f"{size}_pretscope_whole_p50_ns"]
    record = json.loads(max((small / "bench" / "records").glob("scoring-latency-*.json")).read_text())
    assert record["figures"].items() <= found.items()
    assert record["environment"]["versions"]["lightgbm"]
    assert record["environment"]["cpus_usable"] >= 1
    assert record["samples"]["single"]["pretscope"]["count"] == 1000


def test_all_clients_are_compared_unless_quick(small, monkeypatch, capsys):
    monkeypatch.setattr(latency, "FULL_ONE", latency.QUICK_ONE)
    monkeypatch.setattr(latency, "FULL_BATCH", latency.QUICK_BATCH)
    folder = small / "bench" / "workload"
    assert main(["scoring", "latency", "--model", str(folder / "model"), "--features", str(folder / "features")]) == 0
    found = _last_line(capsys)
    assert (found["clients"], found["bit_equal_share"], found["workload"]) == (250, 1.0, "model")


def test_unhappy_paths_end_with_a_message_and_status_2(small, tmp_path, capsys):
    for arguments, words in (
        (["latencies"], "There are: latency"),
        (["latency", "--portfolio", "nobody"], "No portfolio 'nobody'"),
        (["latency", "--model", str(tmp_path)], "go together"),
        (["latency", "--model", str(tmp_path), "--features", str(tmp_path), "--portfolio", "x"], "not both"),
    ):
        assert main(["scoring", *arguments]) == 2
        assert words in capsys.readouterr().err


def test_help_lists_the_benchmarks(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["scoring", "--help"])
    assert stopped.value.code == 0
    assert "latency" in capsys.readouterr().out
