"""The ONNX graph gives LightGBM's very doubles, whatever the model and the values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from data.errors import NotExportable
from models.export import to_onnx
from models.trees import ZERO, read_trees

if TYPE_CHECKING:
    from numpy.typing import NDArray

CATEGORY = 3
CODES = np.array([np.nan, -1, -5, 0, 1, 2, 7, 31, 32, 33, 44, 63, 64, 65, 1000])


def training_rows(rng: np.random.Generator, count: int = 500) -> NDArray[np.float64]:
    rows = rng.normal(size=(count, 6)).astype(np.float32).astype(np.float64)
    rows[:, 1] = np.round(rows[:, 1])
    rows[rng.random(count) < 0.3, 0] = np.nan
    rows[rng.random(count) < 0.3, 2] = 0.0
    rows[:, CATEGORY] = rng.integers(-1, 45, count)
    rows[rng.random(count) < 0.1, CATEGORY] = np.nan
    rows[:, 4] = np.where(rng.random(count) < 0.5, rng.choice([1e-40, -ZERO, ZERO, 0.0], count), rows[:, 4])
    rows[rng.random(count) < 0.05, 5] = np.inf
    return rows


def train(rng: np.random.Generator, rows: NDArray[np.float64], trees: int = 12, **chosen: object) -> lgb.Booster:
    known = np.nan_to_num(rows, posinf=3.0)
    risk = known[:, 0] + known[:, 1] + known[:, CATEGORY] % 3 + (rows[:, 2] == 0) + (rows[:, 4] > 0)
    target = (risk + rng.normal(size=len(rows)) > 2).astype(np.int8)
    categorical = [CATEGORY] if chosen.pop("categorical", False) else []
    parameters = {
        "objective": "binary",
        "num_leaves": 12,
        "min_data_in_leaf": 3,
        "min_data_per_group": 3,
        "cat_smooth": 1,
        "num_threads": 1,
        "verbosity": -1,
        "seed": 0,
        **chosen,
    }
    return lgb.train(parameters, lgb.Dataset(rows, target, categorical_feature=categorical), trees)


def odd_rows(rng: np.random.Generator, booster: lgb.Booster, count: int = 800) -> NDArray[np.float64]:
    """Values on, just below and just above every threshold, and all the special ones."""
    trees = read_trees(booster.model_to_string()).trees
    at = np.concatenate([tree.threshold for tree in trees])
    special = np.array(
        [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-40, -1e-40, ZERO, -ZERO, 1e-35, 1e300, -1.0]
    )
    band = np.nextafter([ZERO, -ZERO, ZERO, -ZERO], [1, -1, 0, 0])
    values = np.concatenate([special, band, at, np.nextafter(at, np.inf), np.nextafter(at, -np.inf)])
    rows = rng.choice(values, size=(count, 6))
    rows[:, CATEGORY] = rng.choice(CODES, count)
    return rows


def assert_bit_equal(booster: lgb.Booster, rows: NDArray[np.float64]) -> None:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(to_onnx(booster.model_to_string()).SerializeToString(), options)
    expected = booster.predict(rows, raw_score=True, num_threads=1)
    together = session.run(["raw"], {"features": rows})[0][:, 0]
    some = rows[:: max(1, len(rows) // 40)]
    apart = np.concatenate([session.run(["raw"], {"features": row[None]})[0][:, 0] for row in some])
    np.testing.assert_array_equal(together.view(np.int64), expected.view(np.int64))
    np.testing.assert_array_equal(apart.view(np.int64), expected[:: max(1, len(rows) // 40)].view(np.int64))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    trees=st.sampled_from([1, 7, 120]),
    num_leaves=st.sampled_from([2, 5, 31]),
    use_missing=st.booleans(),
    zero_as_missing=st.booleans(),
    categorical=st.booleans(),
    extra_trees=st.booleans(),
)
def test_any_model_on_any_values_gives_the_same_doubles(seed, trees, **chosen):
    rng = np.random.default_rng(seed)
    rows = training_rows(rng)
    booster = train(rng, rows, trees, **chosen)
    assert_bit_equal(booster, np.concatenate([rows, odd_rows(rng, booster)]))


@pytest.mark.parametrize(
    ("chosen", "kind"),
    [
        ({"use_missing": False}, 0),
        ({"zero_as_missing": True}, 1),
        ({}, 2),
    ],
)
def test_every_missing_type_is_met_and_exact(chosen, kind):
    rng = np.random.default_rng(3)
    rows = training_rows(rng)
    booster = train(rng, rows, 30, **chosen)
    trees = read_trees(booster.model_to_string()).trees
    assert kind in {int(value) for tree in trees for value in tree.missing}
    assert_bit_equal(booster, np.concatenate([rows, odd_rows(rng, booster)]))


def test_categories_unseen_missing_and_negative_go_right():
    rng = np.random.default_rng(5)
    rows = training_rows(rng)
    booster = train(rng, rows, 20, categorical=True)
    assert any(kept is not None for tree in read_trees(booster.model_to_string()).trees for kept in tree.categories)
    probes = np.zeros((len(CODES), 6))
    probes[:, CATEGORY] = CODES
    assert_bit_equal(booster, probes)


def test_a_zero_sent_against_the_threshold_is_exact():
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(400, 2))
    rows[:, 0] = np.where(rng.random(400) < 0.4, 0.0, rng.choice([-3.0, -2.0, 2.0, 3.0], 400))
    target = ((rows[:, 0] == 0) | (rows[:, 0] == 3)).astype(np.int8)
    booster = lgb.train(
        {"objective": "binary", "zero_as_missing": True, "min_data_in_leaf": 1, "verbosity": -1, "num_threads": 1},
        lgb.Dataset(rows, target),
        10,
    )
    trees = read_trees(booster.model_to_string()).trees
    against = [
        bool(left) != (at >= 0.0)
        for tree in trees
        for left, at, missing in zip(tree.default_left, tree.threshold, tree.missing, strict=True)
        if missing == 1 and abs(at) > ZERO
    ]
    assert any(against)
    probes = np.array([[value, 0.5] for value in (-4, -3, -2.5, -2, -ZERO, -0.0, 0, ZERO, 1e-30, 2, 2.5, 3, 4, np.nan)])
    assert_bit_equal(booster, np.concatenate([rows, probes]))


def test_single_leaf_trees_give_their_constant():
    rng = np.random.default_rng(0)
    rows = training_rows(rng)
    booster = train(rng, rows, 3, min_data_in_leaf=10_000)
    assert {len(tree.leaf_value) for tree in read_trees(booster.model_to_string()).trees} == {1}
    assert_bit_equal(booster, odd_rows_of(rng))


def odd_rows_of(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.choice(np.array([np.nan, np.inf, -np.inf, 0.0, 1.0, -1.0]), size=(50, 6))


def test_monotone_models_are_exact_and_monotone():
    rng = np.random.default_rng(1)
    rows = training_rows(rng)
    booster = train(rng, rows, 40, monotone_constraints=[1, 0, 0, 0, 0, 0])
    assert_bit_equal(booster, np.concatenate([rows, odd_rows(rng, booster)]))
    sweep = np.tile(rows[:1], (200, 1))
    sweep[:, 0] = np.linspace(-3, 3, 200)
    assert (np.diff(booster.predict(sweep, raw_score=True)) >= 0).all()


def test_the_graph_is_valid_and_a_second_implementation_agrees():
    rng = np.random.default_rng(2)
    rows = training_rows(rng, 200)
    booster = train(rng, rows, 5)
    proto = to_onnx(booster.model_to_string(), {"output": "log-odds"})
    onnx.checker.check_model(proto, full_check=True)
    assert {entry.key: entry.value for entry in proto.metadata_props} == {"output": "log-odds"}
    assert {entry.domain: entry.version for entry in proto.opset_import}["ai.onnx.ml"] == 5
    few = rows[:20]
    second = ReferenceEvaluator(proto).run(None, {"features": few})[0][:, 0]
    np.testing.assert_allclose(second, booster.predict(few, raw_score=True), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"objective": "regression"}, "regression"),
        ({"objective": "cross_entropy"}, "cross_entropy"),
        ({"objective": "multiclass", "num_class": 3}, "multiclass"),
        ({"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "averages"),
        ({"objective": "binary", "linear_tree": True}, "Tree 0 has linear leaves"),
    ],
)
def test_other_models_are_refused_by_name(parameters, word):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 2))
    target = (rows[:, 0] > 0).astype(np.int8)
    booster = lgb.train({"verbosity": -1, "num_threads": 1, **parameters}, lgb.Dataset(rows, target), 3)
    with pytest.raises(NotExportable, match=word):
        to_onnx(booster.model_to_string())


@pytest.fixture(scope="module")
def text() -> str:
    rng = np.random.default_rng(0)
    return train(rng, training_rows(rng), 2, categorical=True).model_to_string()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda text: text[: len(text) // 3], "not a whole LightGBM text model"),
        (lambda text: "", "not a whole LightGBM text model"),
        (lambda text: replace_line(text, "split_feature", lambda _: None), "Tree 0 .* no line 'split_feature'"),
        (lambda text: replace_line(text, "leaf_value", lambda line: line + " 1.0"), "Tree 0 .* 'leaf_value' holds"),
        (
            lambda text: replace_line(text, "leaf_value", lambda line: "leaf_value=" + "nan " * len(line.split())),
            "leaf",
        ),
        (
            lambda text: replace_line(text, "split_feature", lambda line: "split_feature=" + "9 " * len(line.split())),
            "node 0",
        ),
        (
            lambda text: replace_line(text, "cat_threshold", lambda line: "cat_threshold=" + "0 " * len(line.split())),
            "empty",
        ),
        (lambda text: text.replace("\nobjective=binary sigmoid:1", ""), "'none'"),
    ],
)
def test_a_damaged_text_is_refused_naming_the_place(text, change, word):
    with pytest.raises(NotExportable, match=word):
        to_onnx(change(text))


def replace_line(text, key, make):
    """Change, or remove where `make` gives None, the first line of `key` that holds values."""
    lines = text.splitlines()
    place = next(k for k, line in enumerate(lines) if line.startswith(f"{key}=") and len(line) > len(key) + 1)
    new = make(lines[place])
    lines[place : place + 1] = [] if new is None else [new]
    return "\n".join(lines)
