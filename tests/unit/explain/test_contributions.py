"""Contributions add up to the score's log-odds, have the sign of help, and refuse what they can't explain."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import pytest
from scipy.special import expit, logit

from data.errors import FeatureMismatch, HashMismatch, IncompleteArtefact, ModelError, UnknownPortfolio
from data.files import describe_files, read_json, write_json
from explain.contributions import Explainer
from explain.shapley.ensemble import TreeShapley
from models.calibration import Calibrator
from models.policy import Policy
from models.trees import read_trees

if TYPE_CHECKING:
    from pathlib import Path

SLOPE, INTERCEPT, BASE_RATE = 0.9, -0.15, 0.0807


def shapley_of(booster: lgb.Booster) -> TreeShapley:
    return TreeShapley.of(read_trees(booster.model_to_string()))


def test_contributions_and_base_sum_to_the_scores_log_odds_on_every_client(explainer, rows, booster):
    raw = booster.predict(rows, raw_score=True, num_threads=1)
    pd = expit(SLOPE * raw + INTERCEPT)
    expected = logit(BASE_RATE) - logit(pd)
    many = explainer.explain_many(rows)
    assert np.abs(many.base + many.values.sum(axis=1) - expected).max() < 1e-9
    assert np.abs(many.logit_scores - expected).max() < 1e-9
    assert np.abs(many.residuals).max() < 1e-9
    assert np.isnan(rows).any()
    assert np.isinf(rows).any()


def test_one_client_is_explained_as_among_many(explainer, rows):
    many = explainer.explain_many(rows[:40], threads=2)
    for place in range(40):
        one, among = explainer.explain(rows[place]), many.client(place)
        np.testing.assert_array_equal(one.values, among.values)
        assert (one.base, one.logit_score) == (among.base, among.logit_score)
        assert one.score == pytest.approx(float(expit(one.logit_score)), abs=0)


def test_what_lowers_default_helps_repayment(explainer, rows):
    low, high = rows[0].copy(), rows[0].copy()
    low[0], high[0] = -2.5, 2.5
    assert explainer.explain(high).values[0] > 0.0 > explainer.explain(low).values[0]
    assert explainer.explain(high).score > explainer.explain(low).score


def test_the_base_is_the_mean_over_the_training_clients(explainer, booster, training_rows):
    raw = booster.predict(training_rows, raw_score=True, num_threads=1)
    assert explainer.base == pytest.approx(logit(BASE_RATE) - INTERCEPT - SLOPE * raw.mean(), abs=1e-6)
    assert explainer.explain(training_rows[0]).base_score == pytest.approx(float(expit(explainer.base)))


def test_a_model_of_single_leaves_explains_nothing(names):
    rows = np.zeros((50, 24))
    constant = lgb.train(
        {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 100},
        lgb.Dataset(rows, np.arange(50) % 2),
        num_boost_round=3,
    )
    explained = Explainer(shapley_of(constant), names, Calibrator(1.0, 0.0), Policy(0.5)).explain(rows[0])
    assert not explained.values.any()
    assert explained.base == explained.logit_score == pytest.approx(0.0, abs=1e-12)


def test_no_client_gives_no_contribution(explainer):
    many = explainer.explain_many(np.empty((0, 24)))
    assert len(many) == 0
    assert many.values.shape == (0, 24)


def test_frame_has_a_row_a_feature_and_null_for_a_missing_value(explainer, rows, names):
    row = rows[1].copy()
    row[7] = np.nan
    frame = explainer.explain(row).frame()
    assert frame.columns == ["feature", "value", "contribution"]
    assert tuple(frame["feature"]) == names
    assert frame["value"][7] is None
    assert frame["contribution"].null_count() == 0


def test_results_can_not_be_written_to(explainer, rows):
    explained = explainer.explain(rows[0])
    with pytest.raises(ValueError, match="read-only"):
        explained.values[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        explained.row[0] = 1.0


def test_the_callers_row_stays_its_own(explainer, rows):
    row = rows[0].copy()
    explained = explainer.explain(row)
    row[0] = 99.0
    assert explained.row[0] == rows[0, 0]


@pytest.mark.parametrize("shape", [(23,), (25,), (1, 24), ()])
def test_a_row_of_another_shape_is_refused(explainer, shape):
    with pytest.raises(FeatureMismatch, match="24"):
        explainer.explain(np.zeros(shape))


def test_rows_of_another_width_are_refused(explainer):
    with pytest.raises(FeatureMismatch, match="got 25 values"):
        explainer.explain_many(np.zeros((2, 25)))


@pytest.mark.parametrize("name", ["model.txt", "calibrator.json", "policy.json", "card.json"])
def test_a_file_that_was_changed_is_refused(model_folder: Path, tmp_path: Path, name):
    folder = shutil.copytree(model_folder, tmp_path / "model")
    content = (folder / name).read_text(encoding="utf-8")
    (folder / name).write_text(content.swapcase(), encoding="utf-8")
    with pytest.raises(HashMismatch, match=name):
        Explainer.load(folder)


def test_a_file_without_a_hash_is_refused(model_folder: Path, tmp_path: Path):
    folder = shutil.copytree(model_folder, tmp_path / "model")
    manifest = read_json(folder / "manifest.json", "")
    del manifest["files"]["calibrator.json"]
    write_json(folder / "manifest.json", manifest)
    with pytest.raises(IncompleteArtefact, match=r"does not list calibrator\.json"):
        Explainer.load(folder)


@pytest.mark.parametrize("name", ["model.txt", "manifest.json"])
def test_a_file_that_is_not_there_is_named(model_folder: Path, tmp_path: Path, name):
    folder = shutil.copytree(model_folder, tmp_path / "model")
    (folder / name).unlink()
    with pytest.raises(IncompleteArtefact, match=name):
        Explainer.load(folder)


def test_a_model_of_other_features_than_its_card_is_refused(booster, names):
    with pytest.raises(FeatureMismatch, match="24 features, its card names 23"):
        Explainer(shapley_of(booster), names[:-1], Calibrator(1.0, 0.0), Policy(0.1))


def test_a_model_of_several_classes_is_refused(names, training_rows):
    target = np.arange(len(training_rows)) % 3
    parameters = {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1}
    several = lgb.train(parameters, lgb.Dataset(training_rows, target), num_boost_round=1)
    with pytest.raises(ModelError, match="'multiclass"):
        Explainer(shapley_of(several), names, Calibrator(1.0, 0.0), Policy(0.1))


def test_contributions_that_do_not_add_up_are_refused(booster, names, rows, monkeypatch):
    shapley = shapley_of(booster)
    monkeypatch.setattr(shapley, "raw", lambda columns: type(shapley).raw(shapley, columns) + 1e-6)
    careless = Explainer(shapley, names, Calibrator(SLOPE, INTERCEPT), Policy(BASE_RATE))
    for explain in (lambda: careless.explain(rows[0]), lambda: careless.explain_many(rows[:3])):
        with pytest.raises(ModelError, match="miss the score's log-odds by 9e-07"):
            explain()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.txt", "tree\nnot a model\n"),
        ("card.json", '{"features": ["A"]}'),
        ("card.json", "{"),
        ("calibrator.json", '{"slope": 1.0}'),
        ("policy.json", '{"base_rate": "high"}'),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_though_its_hash_is_right(
    model_folder: Path, tmp_path: Path, name, content
):
    folder = shutil.copytree(model_folder, tmp_path / "model")
    (folder / name).write_text(content, encoding="utf-8")
    manifest = read_json(folder / "manifest.json", "")
    manifest["files"] |= describe_files(folder, [name])
    write_json(folder / "manifest.json", manifest)
    with pytest.raises(IncompleteArtefact, match="can't be read"):
        Explainer.load(folder)


def test_no_such_folder_is_said(tmp_path: Path):
    with pytest.raises(UnknownPortfolio, match="nowhere"):
        Explainer.load(tmp_path / "nowhere")


def test_shaps_own_form_holds_the_same(explainer, rows, names):
    many, one = explainer.explain_many(rows[:5]), explainer.explain(rows[2])
    for ours, theirs in ((many, many.to_shap()), (one, one.to_shap())):
        np.testing.assert_array_equal(theirs.values, ours.values)
        np.testing.assert_allclose(
            theirs.base_values + theirs.values.sum(axis=-1), getattr(ours, "logit_scores", one.logit_score)
        )
        assert tuple(theirs.feature_names) == names
    np.testing.assert_array_equal(many.to_shap().data, rows[:5])


def test_against_a_population_the_base_is_its_mean_and_the_sum_the_score(explainer, rows, booster):
    against = explainer.against(rows[:40].T)
    raw = booster.predict(rows, raw_score=True, num_threads=1)
    logits = logit(BASE_RATE) - INTERCEPT - SLOPE * raw
    assert against.base == pytest.approx(logits[:40].mean(), abs=1e-12)
    np.testing.assert_allclose(against.explain_many(rows).values.sum(axis=1), logits - against.base, rtol=0, atol=1e-9)
    assert against.explain(rows[50]).logit_score == explainer.explain(rows[50]).logit_score


def test_interactions_sum_to_the_contributions(explainer, rows):
    found, values = explainer.interactions(rows[0]), explainer.explain(rows[0]).values
    np.testing.assert_allclose(found.sum(axis=1), values, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found, found.T)
    assert np.abs(found - np.diag(np.diag(found))).max() > 1e-3


def test_columns_are_the_rows_turned(explainer, rows):
    columns = explainer.explain_columns(rows.T)
    np.testing.assert_array_equal(columns.T, explainer.explain_many(rows, threads=2).values)
    np.testing.assert_array_equal(columns[explainer.used], explainer.explain_used(rows.T))
