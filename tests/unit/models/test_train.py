"""Training: honest, deterministic, constrained, whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest

from data.errors import ModelError, StoreError
from data.files import MANIFEST, check_files
from models import metrics
from models import train as training
from models.calibration import Calibrator
from models.card import read_card
from models.folder import FILES, read_manifest
from models.scorer import Scorer
from models.train import FOLDS, MOST_TREES, train

ROOT = Path(__file__).resolve().parents[3]


def test_the_folder_holds_what_its_manifest_says(model):
    manifest = read_manifest(model)
    assert sorted(path.name for path in model.iterdir()) == sorted([*FILES, MANIFEST])
    check_files(model, manifest["files"], "")


def test_the_card_tells_what_was_trained(model, features):
    card = read_card(model)
    known = features.target[features.target >= 0]
    assert (card.clients, card.labelled, card.defaults) == (700, 600, int(known.sum()))
    assert card.base_rate == pytest.approx(known.mean())
    assert card.names == features.names
    assert (card.data_hash, card.absent_tables) == (features.data_hash, ("bureau",))
    assert card.monotone == {"EXT_SOURCE_2": -1, "POS_SK_DPD_MAX": 1}
    assert 1 <= card.trees <= MOST_TREES
    assert len(card.loss_curve) == card.trees
    assert card.loss_curve[-1] == min(card.loss_curve)
    assert card.parameters["max_depth"] <= 8
    assert card.auc.low < card.auc.value < card.auc.high
    assert sum(row.clients for row in card.reliability) == 600
    assert any("in-sample" in note for note in card.notes)
    assert not {"scale_pos_weight", "is_unbalance", "class_weight"} & card.parameters.keys()


def test_out_of_fold_scores_are_of_the_labelled_clients_and_make_the_card(model, features):
    card = read_card(model)
    frame = pl.read_parquet(model / "out_of_fold.parquet")
    assert frame.columns == ["SK_ID_CURR", "TARGET", "raw", "pd"]
    assert frame["SK_ID_CURR"].to_list() == features.ids[:600].tolist()
    defaulted = frame["TARGET"].to_numpy() == 1
    assert metrics.auc(defaulted, frame["raw"].to_numpy()).value == card.auc.value
    expected = 1 / (1 + np.exp(-(card.slope * frame["raw"].to_numpy() + card.intercept)))
    np.testing.assert_allclose(frame["pd"].to_numpy(), expected, rtol=1e-12)
    assert frame["pd"].mean() == pytest.approx(card.base_rate, rel=0.02)


def test_out_of_fold_scores_are_out_of_fold(feature_set, tmp_path, monkeypatch):
    """Targets that nothing foretells: scores that had seen them would rank them, honest ones can't."""
    noise = feature_set(tmp_path / "features", clients=600, labelled=600)
    noise.target = (np.random.default_rng(0).random(600) < 0.4).astype(np.int8)
    seen = {}

    def keeps(raw, defaulted):
        seen.update(raw=raw, defaulted=defaulted)
        return Calibrator(1.0, 0.0)

    monkeypatch.setattr(training, "fit_platt", keeps)
    train(noise, tmp_path / "model", threads=1)
    assert 0.4 < metrics.auc(seen["defaulted"], seen["raw"]).value < 0.6
    in_sample = Scorer.load(tmp_path / "model").score_features(noise).raw
    assert metrics.auc(seen["defaulted"], in_sample).value > 0.6


def test_the_same_seed_gives_the_same_model_whatever_the_threads(model, features, tmp_path):
    train(features, tmp_path / "again", seed=1, threads=2)
    for name in ("model.onnx", "calibrator.json", "policy.json", "out_of_fold.parquet"):
        assert (tmp_path / "again" / name).read_bytes() == (model / name).read_bytes()
    train(features, tmp_path / "other", seed=2, threads=1)
    assert (tmp_path / "other" / "model.onnx").read_bytes() != (model / "model.onnx").read_bytes()


def test_scores_obey_the_constraints(model, features):
    scorer = Scorer.load(model)
    rows = np.repeat(features.rows(slice(0, 20)), 50, axis=0)
    for name, sign in read_card(model).monotone.items():
        swept = rows.copy()
        swept[:, features.names.index(name)] = np.tile(np.linspace(-4, 60, 50), 20)
        steps = np.diff(scorer.score(swept).raw.reshape(20, 50), axis=1)
        assert (sign * steps >= 0).all()
        assert (sign * steps > 0).any()


def test_names_with_odd_characters_are_kept_in_the_card(model):
    card = read_card(model)
    booster = lgb.Booster(model_file=str(model / "model.txt"))
    assert booster.feature_name() == [feature.model_name for feature in card.features]
    assert "ORGANIZATION_TYPE_Trade: type 7" in card.names


def test_too_few_defaults_are_refused(feature_set, tmp_path):
    features = feature_set(tmp_path / "features", clients=100, labelled=0)
    with pytest.raises(ModelError, match=f"0 defaults and 0 repaid loans; a model takes at least {FOLDS}"):
        train(features, tmp_path / "model", threads=1)
    assert not (tmp_path / "model").exists()


def test_somebody_elses_folder_is_left_alone(features, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"mine\.txt"):
        train(features, tmp_path / "notes", threads=1)
    assert (tmp_path / "notes" / "mine.txt").read_text() == "mine"


def test_an_interrupted_training_leaves_the_old_model(features, tmp_path):
    out = tmp_path / "model"
    train(features, out, seed=1, threads=1)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def interrupts(step, fraction):
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(features, out, seed=2, threads=1, report=interrupts)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_training_leaves_the_old_model_and_the_next_one_works(features, tmp_path):
    out = tmp_path / "model"
    train(features, out, seed=1, threads=1)
    before = (out / "model.onnx").read_bytes()
    program = f"""
        import sys, time
        from pathlib import Path
        from data.feature_set import FeatureSet
        from models import train

        write_manifest = train.write_manifest
        def stuck(folder):
            write_manifest(folder)
            print("written", flush=True)
            time.sleep(60)
        train.write_manifest = stuck
        train.train(FeatureSet.open(Path({str(features.folder)!r})), Path({str(out)!r}), seed=2, threads=1)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "written\n"
        os.kill(process.pid, signal.SIGKILL)
    assert (out / "model.onnx").read_bytes() == before
    Scorer.load(out)
    train(features, out, seed=2, threads=1)
    assert (out / "model.onnx").read_bytes() != before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("labelled", [10, 5_000, 300_000])
def test_trees_stay_shallow_and_clients_unweighted_at_any_size(labelled):
    settings = training.parameters(labelled, [0], 0)
    assert settings["max_depth"] <= 8
    assert settings["num_leaves"] <= 2 ** settings["max_depth"]
    assert settings["min_data_in_leaf"] * 2 <= max(4, labelled)
    assert not {"scale_pos_weight", "is_unbalance"} & settings.keys()
