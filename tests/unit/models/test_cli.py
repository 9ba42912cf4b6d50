"""The command `python -m models`, end to end on a tiny feature set."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from models.__main__ import main
from models.card import read_card
from models.scorer import Scorer

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture
def trained(model, tmp_path) -> Path:
    return shutil.copytree(model, tmp_path / "trained")


def test_train_writes_a_model_and_says_how_good(features, tmp_path, capsys):
    assert run("train", "--features", features.folder, "--out", tmp_path / "m", "--seed", 3, "--threads", 1) == 0
    told = capsys.readouterr()
    card = read_card(tmp_path / "m")
    assert (card.seed, card.threads) == (3, 1)
    assert f"{card.auc.value:.4f}" in told.out
    assert "100% finished" in told.err


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_score_writes_every_client(trained, features, tmp_path, suffix, capsys):
    out = tmp_path / f"scores{suffix}"
    assert run("score", "--model", trained, "--features", features.folder, "--out", out, "--threads", 1) == 0
    assert "700 clients scored" in capsys.readouterr().out
    frame = pl.read_parquet(out) if suffix == ".parquet" else pl.read_csv(out)
    assert frame.columns == ["SK_ID_CURR", "raw", "pd", "score", "accepted", "level"]
    assert frame["SK_ID_CURR"].to_list() == features.ids.tolist()
    expected = Scorer.load(trained).score(features.rows(slice(None)))
    np.testing.assert_array_equal(frame["raw"].to_numpy(), expected.raw)
    np.testing.assert_array_equal(frame["score"].to_numpy(), expected.score)
    assert frame["accepted"].to_list() == expected.accepted.tolist()
    assert frame["level"].to_list() == expected.level.tolist()


def test_evaluate_ends_with_its_figures_as_json(trained, features, capsys):
    assert run("evaluate", "--model", trained, "--features", features.folder, "--threads", 1) == 0
    told = capsys.readouterr().out
    found = json.loads(told.splitlines()[-1])
    card = read_card(trained)
    assert {"auc", "auc_low", "auc_high", "ks", "brier", "clients", "bit_equal_share"} <= found.keys()
    assert (found["auc"], found["ks"]) == pytest.approx((card.auc.value, card.ks))
    assert found["brier"] == pytest.approx(card.brier)
    assert (found["clients"], found["labelled_clients"], found["bit_equal_share"]) == (700, 600, 1.0)
    assert "out of fold" in told


def test_evaluate_on_other_clients_uses_the_model_itself(trained, feature_set, tmp_path, capsys):
    others = feature_set(tmp_path / "others", clients=300, labelled=300, seed=5)
    assert run("evaluate", "--model", trained, "--features", others.folder) == 0
    told = capsys.readouterr().out
    found = json.loads(told.splitlines()[-1])
    assert (found["out_of_fold_clients"], found["clients"]) == (0, 300)
    assert found["auc"] > 0.6
    assert "in-sample" in told


def test_a_portfolio_stands_for_its_features(trained, features, tmp_path, capsys):
    portfolio = tmp_path / "portfolio"
    shutil.copytree(features.folder, portfolio / "features")
    assert run("score", "--model", trained, "--features", portfolio, "--out", tmp_path / "s.csv") == 0


def test_export_gives_the_same_graph_again(trained):
    before = {path.name: path.read_bytes() for path in trained.iterdir()}
    (trained / "model.onnx").write_bytes(b"broken")
    assert run("export", "--model", trained) == 0
    after = {path.name: path.read_bytes() for path in trained.iterdir()}
    assert {name for name in before if before[name] != after[name]} <= {"manifest.json"}
    Scorer.load(trained)


def test_export_refuses_a_changed_text(trained, capsys):
    (trained / "model.txt").write_text((trained / "model.txt").read_text().replace("leaf_value=", "leaf_value=9", 1))
    assert run("export", "--model", trained) == 2
    assert "model.txt is not the file" in capsys.readouterr().err


def test_unhappy_paths_end_with_a_message_and_status_2(trained, features, feature_set, tmp_path, capsys):
    unlabelled = feature_set(tmp_path / "unlabelled", clients=50, labelled=0)
    (trained / "policy.json").write_text("{}")
    for arguments, words in (
        (("train", "--features", tmp_path / "none", "--out", tmp_path / "m"), "No such folder"),
        (("train", "--features", unlabelled.folder, "--out", tmp_path / "m"), "0 defaults"),
        (("score", "--model", trained, "--features", features.folder, "--out", "s.csv"), "policy.json is not the file"),
        (("score", "--model", trained, "--features", features.folder, "--out", "s.xlsx"), ".parquet or .csv"),
        (("score", "--model", tmp_path / "none", "--features", features.folder, "--out", "s.csv"), "No such folder"),
        (("evaluate", "--model", trained, "--features", features.folder), "policy.json is not the file"),
    ):
        assert run(*arguments) == 2, arguments
        assert words in capsys.readouterr().err


def test_scores_that_can_not_be_written_are_told(model, features, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "scores.csv"
    assert run("score", "--model", model, "--features", features.folder, "--out", out) == 2
    assert "can't be written" in capsys.readouterr().err


def test_evaluate_needs_labels(model, feature_set, tmp_path, capsys):
    unlabelled = feature_set(tmp_path / "unlabelled", clients=50, labelled=0)
    assert run("evaluate", "--model", model, "--features", unlabelled.folder) == 2
    assert "no labelled client" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [(), ("train",), ("train", "--features", "x", "--out", "y", "--threads", "0")])
def test_wrong_usage_is_told_by_the_parser(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code == 2
    assert "usage" in capsys.readouterr().err
