"""The command `python -m explain`, end to end on a tiny feature set."""

from __future__ import annotations

import shutil

import pytest

from explain.__main__ import main
from explain.contribution_store import ContributionStore


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_portfolio_writes_the_store_and_says_what_is_in_it(features, scoring_model, store, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("portfolio", "--model", scoring_model, "--features", features.folder, "--out", out) == 0
    told = capsys.readouterr()
    written = ContributionStore.open(out)
    assert written.manifest["files"] == store.manifest["files"]
    size = sum(path.stat().st_size for path in out.iterdir() if path.name != "manifest.json")
    facts = {line[:28].strip(): line[28:] for line in told.out.splitlines()}
    assert facts["clients"] == "400"
    assert facts["features used"] == f"{len(store.used)} of 24, of {len(store.groups)} columns"
    assert float(facts["seconds"]) >= 0
    assert facts["largest residual"].startswith(f"{store.largest_residual:.2e}")
    assert facts["bytes"] == f"{size:,}"
    assert "explaining clients, range 1 of 1" in told.err
    assert "100% contributions written" in told.err


def test_a_portfolio_stands_for_its_features(features, scoring_model, tmp_path):
    shutil.copytree(features.folder, tmp_path / "portfolio" / "features")
    out = tmp_path / "out"
    assert run("portfolio", "--model", scoring_model, "--features", tmp_path / "portfolio", "--out", out) == 0
    assert len(ContributionStore.open(out)) == 400


def test_unhappy_paths_end_with_a_message_and_status_2(
    features, scoring_model, model_folder, make_feature_set, rows, tmp_path, capsys
):
    other = make_feature_set(tmp_path / "other", rows, tuple(f"F{place}" for place in range(24)))
    (tmp_path / "file").write_text("")
    good = {"--model": scoring_model, "--features": features.folder, "--out": tmp_path / "out"}
    for bad, words in (
        ({"--features": tmp_path / "none"}, "No such folder"),
        ({"--model": tmp_path / "none"}, "No such folder"),
        ({"--model": model_folder}, "does not list model.onnx"),
        ({"--features": other.folder}, "This model reads 24 features, these are 24"),
        ({"--out": tmp_path / "file"}, "is a file"),
        ({"--out": features.folder}, "a finished feature set"),
        ({"--scheduler": "localhost"}, "is not an address: tcp://HOST:PORT"),
    ):
        options = [word for pair in {**good, **bad}.items() for word in pair]
        assert run("portfolio", *options) == 2, bad
        assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit, match="0"):
        run("portfolio", "--help")
    told = capsys.readouterr().out
    assert "example:\n  python -m explain portfolio --model artifacts/models/real" in told
    assert "--scheduler ADDRESS" in told


def test_a_command_is_needed(capsys):
    with pytest.raises(SystemExit, match="2"):
        run()
    assert "COMMAND" in capsys.readouterr().err
