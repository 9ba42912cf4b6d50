"""The contributions are the Shapley values of their definition, and those of another implementation."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from explain.contributions import Explainer
from explain.shapley.ensemble import TreeShapley
from models.calibration import Calibrator
from models.policy import Policy
from models.trees import read_trees

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

SLOPE, INTERCEPT, BASE_RATE = 0.8, 0.1, 0.09


def goes_left(node: dict[str, Any], value: float) -> bool:
    if np.isnan(value):
        if node["missing_type"] == "NaN":
            return node["default_left"]
        value = 0.0
    return value <= node["threshold"]


def cover(node: dict[str, Any]) -> int:
    return node["internal_count"] if "left_child" in node else node["leaf_count"]


def expectation(node: dict[str, Any], row: np.ndarray, known: AbstractSet[int]) -> float:
    """Return what the tree says of a client of whom only the features in `known` are known."""
    if "left_child" not in node:
        return node["leaf_value"]
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        return expectation(left if goes_left(node, row[node["split_feature"]]) else right, row, known)
    total = cover(left) * expectation(left, row, known) + cover(right) * expectation(right, row, known)
    return total / cover(node)


def shapley(trees: list[dict[str, Any]], row: np.ndarray) -> tuple[np.ndarray, float]:
    """Return Shapley values by their definition, over all subsets of features, and the value of the empty one."""
    size = row.size
    game = {
        frozenset(known): sum(expectation(tree, row, set(known)) for tree in trees)
        for count in range(size + 1)
        for known in itertools.combinations(range(size), count)
    }
    values = np.zeros(size)
    for known, worth in game.items():
        weight = (
            math.factorial(len(known)) * math.factorial(size - len(known) - 1) / math.factorial(size)
            if (len(known) < size)
            else 0.0
        )
        for feature in set(range(size)) - known:
            values[feature] += weight * (game[known | {feature}] - worth)
    return values, game[frozenset()]


@pytest.mark.parametrize("chosen", [{}, {"use_missing": False}, {"num_leaves": 40, "max_depth": -1}])
def test_brute_force_over_all_subsets_gives_the_same(make_booster, make_clients, chosen):
    rows = make_clients(600, seed=21, features=6)
    booster = make_booster(rows, trees=8, **chosen)
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    shapley_values = TreeShapley.of(read_trees(booster.model_to_string()))
    explainer = Explainer(shapley_values, "abcdef", Calibrator(SLOPE, INTERCEPT), Policy(BASE_RATE))
    for row in make_clients(12, seed=22, features=6):
        of_default, expected = shapley(trees, row)
        explained = explainer.explain(row)
        np.testing.assert_allclose(explained.values, -SLOPE * of_default, rtol=0, atol=1e-9)
        shift = math.log(BASE_RATE / (1 - BASE_RATE)) - INTERCEPT
        assert explained.base == pytest.approx(shift - SLOPE * expected, abs=1e-9)


def test_the_shap_package_with_its_own_algorithm_gives_the_same(explainer, booster, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of shap and of what it imports; none of them are about these values
        import shap

        peer = shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")
        peer.model.model_type = "internal"  # else it only calls LightGBM
        of_default = peer.shap_values(rows[:100], check_additivity=False)
    ours = explainer.explain_many(rows[:100]).values / -0.9
    assert of_default.shape == ours.shape
    np.testing.assert_allclose(ours, of_default, rtol=0, atol=1e-9)
