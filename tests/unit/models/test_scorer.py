"""The scorer: the same doubles for one and for many, checked files, checked features."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import lightgbm as lgb
import numpy as np
import pytest

from data.errors import FeatureMismatch, HashMismatch, IncompleteArtefact, StoreError, UnknownPortfolio
from data.files import MANIFEST, describe_files
from models.card import read_card
from models.folder import FILES
from models.scorer import Scorer


@pytest.fixture(scope="module")
def scorer(model):
    return Scorer.load(model)


@pytest.fixture
def copied(model, tmp_path):
    return shutil.copytree(model, tmp_path / "copied")


def test_raw_scores_are_lightgbms_bit_for_bit(scorer, model, features):
    booster = lgb.Booster(model_file=str(model / "model.txt"))
    rows = features.rows(slice(None))
    expected = booster.predict(rows, raw_score=True, num_threads=1)
    np.testing.assert_array_equal(scorer.score(rows).raw, expected)
    np.testing.assert_array_equal([scorer.raw_one(row) for row in rows], expected)


def test_one_client_and_many_get_the_same(scorer, features):
    rows = features.rows(slice(0, 100))
    many = scorer.score(rows)
    for k, row in enumerate(rows):
        one = scorer.score_one(row)
        assert (one.raw, one.pd, one.score) == (many.raw[k], many.pd[k], many.score[k])
        assert (one.accepted, one.level) == (many.accepted[k], many.level[k])


def test_scores_follow_from_the_raw_score(scorer, model, features):
    card = read_card(model)
    scores = scorer.score(features.rows(slice(None)))
    np.testing.assert_allclose(scores.pd, 1 / (1 + np.exp(-(card.slope * scores.raw + card.intercept))), rtol=1e-12)
    np.testing.assert_allclose(scores.score, scorer.policy.score_of(scores.pd), rtol=1e-9)
    logit_score = np.log(scores.score) - np.log1p(-scores.score)
    base = np.log(card.base_rate / (1 - card.base_rate))
    np.testing.assert_allclose(logit_score, base - card.intercept - card.slope * scores.raw, atol=1e-9)
    assert (scores.accepted == (scores.score >= 0.52)).all()
    assert (scorer.slope, scorer.intercept) == (card.slope, card.intercept)


@pytest.mark.parametrize("threads", [1, 3])
def test_chunks_and_threads_change_nothing(scorer, features, monkeypatch, threads):
    whole = scorer.score(features.rows(slice(None)))
    monkeypatch.setattr("models.scorer.CHUNK_CLIENTS", 64)
    told = []
    found = scorer.score_features(features, threads, lambda step, fraction: told.append(fraction))
    np.testing.assert_array_equal(found.raw, whole.raw)
    np.testing.assert_array_equal(scorer.score(features.rows(slice(None))).raw, whole.raw)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_threads_may_share_a_scorer(scorer, features):
    rows = features.rows(slice(0, 200))
    expected = scorer.score(rows).raw.tolist()
    with ThreadPoolExecutor(4) as pool:
        assert [score.raw for score in pool.map(scorer.score_one, rows)] == expected


def test_no_client_gives_no_score(scorer):
    assert len(scorer.score(np.empty((0, len(scorer.names))))) == 0


def test_infinite_values_are_scored(scorer, features):
    rows = features.rows(slice(0, 2))
    rows[0], rows[1] = np.inf, -np.inf
    assert np.isfinite(scorer.score(rows).raw).all()


@pytest.mark.parametrize("name", ["model.onnx", "calibrator.json", "policy.json", "card.json"])
def test_a_changed_file_is_refused_before_use(copied, name):
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(HashMismatch, match=name):
        Scorer.load(copied)


@pytest.mark.parametrize("name", ["model.onnx", MANIFEST])
def test_a_missing_file_is_told(copied, name):
    (copied / name).unlink()
    with pytest.raises(IncompleteArtefact, match=name):
        Scorer.load(copied)


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(UnknownPortfolio, match="nowhere"):
        Scorer.load(tmp_path / "nowhere")


def test_another_artefact_is_no_model(features):
    with pytest.raises(StoreError, match="model"):
        Scorer.load(features.folder)


def test_a_manifest_that_lists_too_little_is_told(copied):
    manifest = json.loads((copied / MANIFEST).read_text())
    del manifest["files"]["policy.json"]
    (copied / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(IncompleteArtefact, match=r"policy\.json"):
        Scorer.load(copied)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("calibrator.json", "{}"),
        ("policy.json", '{"base_rate": "much", "threshold": 0.5, "level_edges": []}'),
        ("card.json", "[]"),
        ("card.json", "{"),
    ],
)
def test_a_file_of_another_shape_is_told(copied, name, content):
    (copied / name).write_text(content)
    manifest = json.loads((copied / MANIFEST).read_text())
    manifest["files"] = describe_files(copied, FILES)
    (copied / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(IncompleteArtefact, match="can't be read"):
        Scorer.load(copied)


def test_the_model_hash_changes_with_what_decides_a_score(copied):
    before = Scorer.load(copied).model_hash
    policy = json.loads((copied / "policy.json").read_text())
    (copied / "policy.json").write_text(json.dumps({**policy, "threshold": 0.6}))
    manifest = json.loads((copied / MANIFEST).read_text())
    manifest["files"] = describe_files(copied, FILES)
    (copied / MANIFEST).write_text(json.dumps(manifest))
    changed = Scorer.load(copied)
    assert changed.model_hash != before
    assert changed.policy.threshold == 0.6


@pytest.mark.parametrize("shape", [(3,), (1, 8), (9,)])
def test_one_row_of_another_shape_is_refused(scorer, shape):
    with pytest.raises(FeatureMismatch, match=r"\(8,\)"):
        scorer.score_one(np.zeros(shape))


@pytest.mark.parametrize("shape", [(8,), (4, 7), (2, 8, 1)])
def test_rows_of_another_shape_are_refused(scorer, shape):
    with pytest.raises(FeatureMismatch, match=r"\(n, 8\)"):
        scorer.score(np.zeros(shape))


@pytest.mark.parametrize("dtype", [np.float32, np.int64, object])
def test_values_of_another_type_are_refused(scorer, dtype):
    with pytest.raises(FeatureMismatch, match="float64"):
        scorer.score_one(np.zeros(8, dtype=dtype))
    with pytest.raises(FeatureMismatch, match="float64"):
        scorer.score(np.zeros((2, 8), dtype=dtype))


def test_other_features_are_refused_naming_the_difference(scorer):
    names = scorer.names
    with pytest.raises(FeatureMismatch, match="in another order: feature 0 is 'AMT_CREDIT'"):
        scorer.check_names((names[5], *names[1:5], names[0], *names[6:]))
    with pytest.raises(FeatureMismatch, match="without EXT_SOURCE_2"):
        scorer.check_names(names[1:])
    with pytest.raises(FeatureMismatch, match="with EXTRA"):
        scorer.check_names((*names, "EXTRA"))
    scorer.check_names(list(names))
