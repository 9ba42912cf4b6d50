"""Values equal LightGBM's own, for every kind of tree it grows; interventional ones equal shap's."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import FeatureMismatch, ModelError
from data.feature_set import features_from
from data.synthetic_tables import make_synthetic
from explain.shapley import ensemble
from explain.shapley.ensemble import BLOCK, TreeShapley
from models.trees import Tree, Trees, read_trees

if TYPE_CHECKING:
    from pathlib import Path

    from data.feature_set import FeatureSet

FEATURES = 20


def clients(count: int, seed: int) -> np.ndarray:
    """Return numbers with missing and extreme values, the last five columns being categories."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, FEATURES))
    rows[:, 8:10] = np.round(rows[:, 8:10])
    rows[:, 15:] = rng.integers(0, 60, (count, 5))
    rows[rng.random(rows.shape) < 0.15] = np.nan
    rows[:, :15][rng.random((count, 15)) < 0.1] = 0.0
    rows[:, :15][rng.random((count, 15)) < 0.01] = np.inf
    rows[:, 0][rng.random(count) < 0.05] = 1e-36
    return rows


def grown(seed: int = 0, trees: int = 30, *, categories: bool = False, **chosen: object) -> lgb.Booster:
    rows = clients(3000, seed)
    known = np.nan_to_num(rows, nan=0.5, posinf=2.0)
    risk = known[:, 0] + known[:, 1] * known[:, 2] + (known[:, 16] % 7) / 4 - 0.8 * np.isnan(rows[:, 3])
    target = risk + np.random.default_rng(seed).logistic(size=len(rows)) > 1.0
    parameters = {
        "objective": "binary", "num_leaves": 31, "max_depth": 8, "min_data_in_leaf": 5, "learning_rate": 0.1,
        "num_threads": 2, "verbosity": -1, "seed": seed, "min_data_per_group": 5, **chosen,
    }  # fmt: skip
    data = lgb.Dataset(rows, target, categorical_feature=list(range(15, 20)) if categories else "auto")
    return lgb.train(parameters, data, num_boost_round=trees)


def shapley_of(booster: lgb.Booster) -> TreeShapley:
    return TreeShapley.of(read_trees(booster.model_to_string()))


def check(booster: lgb.Booster, rows: np.ndarray, tolerance: float = 1e-9) -> TreeShapley:
    """Compare every client with LightGBM, in blocks and, for some, alone."""
    wanted = np.asarray(booster.predict(rows, pred_contrib=True, num_threads=2))
    values = shapley_of(booster)
    found = np.zeros((len(rows), values.features))
    found[:, values.used] = values.columns(rows.T).T
    assert np.abs(found - wanted[:, :-1]).max() <= tolerance
    assert np.abs(wanted[:, -1] - values.mean).max() <= tolerance
    for place in range(0, len(rows), max(1, len(rows) // 50)):
        np.testing.assert_array_equal(values.row(rows[place]), found[place])
    np.testing.assert_array_equal(values.raw(rows.T), booster.predict(rows, raw_score=True, num_threads=1))
    return values


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param({}, id="plain"),
        pytest.param({"categories": True}, id="categories"),
        pytest.param({"categories": True, "max_cat_to_onehot": 100}, id="one-hot categories"),
        pytest.param({"zero_as_missing": True}, id="zero as missing"),
        pytest.param({"use_missing": False}, id="nothing missing"),
        pytest.param({"max_depth": -1, "num_leaves": 255, "min_data_in_leaf": 1, "trees": 6}, id="deep and 254 splits"),
        pytest.param({"max_depth": 1, "num_leaves": 2}, id="stumps"),
        pytest.param({"min_data_in_leaf": 1400, "trees": 40}, id="some of a single leaf"),
        pytest.param({"bagging_fraction": 0.4, "bagging_freq": 1, "extra_trees": True}, id="bagged"),
    ],
)
def test_every_kind_of_tree(chosen):
    check(grown(**chosen), clients(2 * BLOCK + 7, seed=99))


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 1000),
    leaves=st.sampled_from((3, 7, 31, 120)),
    depth=st.sampled_from((-1, 2, 6, 12)),
    categories=st.booleans(),
    bits=st.sampled_from(((1, 1), (3, 5), (9, 10), (12, 14))),
)
def test_whatever_the_trees_and_the_size_of_the_tables(seed, leaves, depth, categories, bits):
    booster = grown(seed, 4, categories=categories, num_leaves=leaves, max_depth=depth, min_data_in_leaf=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ensemble, "_SMALLER", (bits,))
        check(booster, clients(70, seed + 1))


def test_single_precision_is_widened_and_columns_need_not_be_contiguous():
    values, rows = shapley_of(grown()), clients(600, seed=5).astype(np.float32)
    wanted = values.columns(rows.astype(np.float64).T.copy())
    np.testing.assert_array_equal(values.columns(rows.T), wanted)
    np.testing.assert_array_equal(values.columns(np.asfortranarray(rows.T)[:, ::2]), wanted[:, ::2])
    assert values.columns(rows[:0].T).shape == (len(values.used), 0)


def test_tables_that_would_take_too_much_memory_are_made_smaller(monkeypatch):
    booster, rows = grown(trees=10), clients(50, seed=3)
    large = shapley_of(booster)
    monkeypatch.setattr(ensemble, "MOST_TABLE_BYTES", large._tables.nbytes // 4)
    small = check(booster, rows)
    assert small._tables.nbytes <= large._tables.nbytes // 4


def test_interventional_values_equal_shaps():
    booster, rows, people = grown(), clients(30, seed=7), clients(80, seed=8)
    values = shapley_of(booster).against(people.T)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of shap and of what it imports; none of them are about these values
        import shap

        peer = shap.TreeExplainer(booster, people, feature_perturbation="interventional")
        wanted = np.asarray(peer.shap_values(rows, check_additivity=False))
    found = np.array([values.row(row) for row in rows])
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(values.columns(rows.T), found.T[values.used])
    raw = booster.predict(rows, raw_score=True, num_threads=1)
    np.testing.assert_allclose(found.sum(axis=1) + values.mean, raw, rtol=0, atol=1e-9)
    assert values.mean == pytest.approx(booster.predict(people, raw_score=True, num_threads=1).mean(), abs=1e-12)


def test_interaction_values_equal_shaps():
    booster, rows = grown(), clients(5, seed=7)
    values = shapley_of(booster)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

        wanted = np.asarray(shap.TreeExplainer(booster).shap_interaction_values(rows))
    for place, row in enumerate(rows):
        np.testing.assert_allclose(values.interactions(row), wanted[place], rtol=0, atol=1e-9)


def test_what_can_not_be_explained_is_refused():
    values = shapley_of(grown(trees=3))
    for refused in (np.zeros((FEATURES - 1, 4)), np.zeros(FEATURES), np.zeros((2, FEATURES, 2))):
        with pytest.raises(FeatureMismatch, match="20 features"):
            values.columns(refused)
    with pytest.raises(FeatureMismatch, match="at least one client"):
        values.against(np.zeros((FEATURES, 0)))
    with pytest.raises(ModelError, match="against a reference population"):
        values.against(np.zeros((FEATURES, 2))).interactions(np.zeros(FEATURES))


def test_a_leaf_that_is_not_finite_is_refused():
    read = read_trees(grown(trees=2).model_to_string())
    read.trees[1].leaf_value[2] = np.nan
    with pytest.raises(ModelError, match="Tree 1 has a leaf value that is not finite"):
        TreeShapley.of(Trees(read.feature_names, read.trees))


def test_a_model_without_a_split_has_no_feature_to_explain():
    lonely = Tree(0, np.array([0.3]), np.ones(1), *(np.empty(0, dtype=np.int64) for _ in range(6)), categories=())
    values = TreeShapley.of(Trees(("A", "B"), (lonely, lonely)))
    assert values.mean == values.raw(np.zeros((2, 1)))[0] == 0.6
    np.testing.assert_array_equal(values.row(np.zeros(2)), np.zeros(2))
    np.testing.assert_array_equal(values.against(np.zeros((2, 3))).row(np.zeros(2)), np.zeros(2))
    np.testing.assert_array_equal(values.interactions(np.zeros(2)), np.zeros((2, 2)))


def _check_every_client(features: FeatureSet) -> None:
    """Grow a model of the size that is used, and compare every client of a feature set with LightGBM."""
    chosen = {"objective": "binary", "num_leaves": 31, "max_depth": 8, "num_threads": 2, "verbosity": -1, "seed": 1}
    rows = features.rows(slice(None))
    labelled = features.target >= 0
    data = lgb.Dataset(rows[labelled], features.target[labelled], params={"max_bin": 63})
    booster = lgb.train(chosen, data, num_boost_round=150)
    check(booster, rows)


@pytest.mark.slow
def test_every_client_of_the_real_sample(home_credit: Path, tmp_path: Path):
    features = features_from(home_credit, tmp_path / "features")
    assert len(features) == 10_000
    _check_every_client(features)


@pytest.mark.slow
def test_every_client_of_ten_thousand_synthetic_ones(tmp_path: Path):
    make_synthetic(10_000, 3, tmp_path / "raw")
    _check_every_client(features_from(tmp_path / "raw", tmp_path / "features"))
