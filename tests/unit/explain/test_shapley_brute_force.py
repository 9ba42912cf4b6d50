"""Values of random ensembles are the Shapley values of their definition, over every coalition of features."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explain.shapley import ensemble
from explain.shapley.ensemble import TreeShapley
from models.trees import MISSING_NAN, MISSING_NONE, MISSING_ZERO, ZERO, Tree, Trees

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Game = Callable[[frozenset[int]], float]

NUMBERS = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0)
"""Thresholds and values alike, so that many values tie with a threshold."""
VALUES = (*NUMBERS, 1e-36, -1e-36, np.nan, np.inf, -np.inf, 2.7, 40.0)


def random_tree(
    rng: np.random.Generator, index: int, features: int, leaves: int, chain: bool, categories: bool
) -> Tree:
    """Grow a tree by splitting one of its leaves after another: any of them, or always the last, to make a chain."""
    left, right = [], []
    parent: list[tuple[int, int]] = [(-1, 0)]  # of each leaf: the split it hangs from, and on which side
    for split in range(leaves - 1):
        leaf = len(parent) - 1 if chain else int(rng.integers(len(parent)))
        above, side = parent[leaf]
        if above >= 0:
            (left, right)[side][above] = split
        left.append(~leaf)
        right.append(~len(parent))
        parent[leaf] = (split, 0)
        parent.append((split, 1))
    splits = leaves - 1
    sets = [tuple(sorted(set(rng.integers(0, 40, 6).tolist()))) for _ in range(splits)]
    return Tree(
        index=index,
        leaf_value=rng.normal(size=leaves),
        leaf_count=rng.integers(1, 50, leaves).astype(np.float64),
        feature=rng.integers(0, features, splits),
        threshold=rng.choice(NUMBERS, splits),
        left=np.array(left, dtype=np.int64),
        right=np.array(right, dtype=np.int64),
        default_left=rng.random(splits) < 0.5,
        missing=rng.choice([MISSING_NONE, MISSING_ZERO, MISSING_NAN], splits),
        categories=tuple(sets[k] if categories and rng.random() < 0.3 else None for k in range(splits)),
    )


def goes_left(tree: Tree, node: int, value: float) -> bool:
    """Decide as LightGBM's Tree::NumericalDecision and Tree::CategoricalDecision do."""
    if abs(value) <= ZERO:
        value = 0.0
    chosen = tree.categories[node]
    if chosen is not None:
        return not np.isnan(value) and -1.0 < value < 2.0**31 and int(value) in chosen
    missing = tree.missing[node]
    if np.isnan(value) and missing != MISSING_NAN:
        value = 0.0
    if (missing == MISSING_ZERO and value == 0.0) or (missing == MISSING_NAN and np.isnan(value)):
        return bool(tree.default_left[node])
    return bool(value <= tree.threshold[node])


def leaves_under(tree: Tree, node: int) -> Iterator[int]:
    if node < 0:
        yield ~node
    else:
        yield from leaves_under(tree, int(tree.left[node]))
        yield from leaves_under(tree, int(tree.right[node]))


def expected(tree: Tree, node: int, row: np.ndarray, known: frozenset[int]) -> float:
    """Return what a tree gives on average over the training clients where only some features are known."""
    if node < 0:
        return float(tree.leaf_value[~node])
    ways = (int(tree.left[node]), int(tree.right[node]))
    feature = int(tree.feature[node])
    if feature in known:
        return expected(tree, ways[0 if goes_left(tree, node, row[feature]) else 1], row, known)
    covers = [sum(tree.leaf_count[leaf] for leaf in leaves_under(tree, way)) for way in ways]
    return sum(cover * expected(tree, way, row, known) for cover, way in zip(covers, ways, strict=True)) / sum(covers)


def reached(tree: Tree, row: np.ndarray) -> float:
    return expected(tree, 0 if len(tree.feature) else -1, row, frozenset(range(len(row))))


def path_dependent_game(trees: list[Tree], row: np.ndarray) -> Game:
    return lambda known: sum(expected(tree, 0 if len(tree.feature) else -1, row, known) for tree in trees)


def interventional_game(trees: list[Tree], row: np.ndarray, people: np.ndarray) -> Game:
    def worth(known: frozenset[int]) -> float:
        mixed = people.copy()
        mixed[:, list(known)] = row[list(known)]
        return float(np.mean([sum(reached(tree, one) for tree in trees) for one in mixed]))

    return worth


def worths(game: Game, features: int) -> dict[frozenset[int], float]:
    everyone = range(features)
    return {
        frozenset(known): game(frozenset(known))
        for count in range(features + 1)
        for known in itertools.combinations(everyone, count)
    }


def shapley(worth: dict[frozenset[int], float], features: int) -> np.ndarray:
    values = np.zeros(features)
    for known, value in worth.items():
        for feature in set(range(features)) - known:
            weight = 1.0 / (features * math.comb(features - 1, len(known)))
            values[feature] += weight * (worth[known | {feature}] - value)
    return values


def interactions(worth: dict[frozenset[int], float], features: int) -> np.ndarray:
    found = np.zeros((features, features))
    for one, other in itertools.combinations(range(features), 2):
        for known, value in worth.items():
            if not known & {one, other}:
                weight = 1.0 / ((features - 1) * math.comb(features - 2, len(known)))
                both = worth[known | {one, other}] - worth[known | {one}] - worth[known | {other}] + value
                found[one, other] += weight * both / 2.0
    found += found.T
    np.fill_diagonal(found, shapley(worth, features) - found.sum(axis=1))
    return found


@st.composite
def ensembles(draw: st.DrawFn, most_features: int) -> tuple[list[Tree], np.ndarray, int]:
    """Return trees, some clients, and the number of features."""
    features = draw(st.sampled_from(range(most_features, 0, -1)))
    chain, categories = draw(st.booleans()), draw(st.booleans())
    leaves = draw(st.lists(st.sampled_from((24, 13, 40, 8, 5, 3, 2, 1)), min_size=1, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    trees = [random_tree(rng, k, features, count, chain, categories) for k, count in enumerate(leaves)]
    return trees, rng.choice(VALUES, (4, features)), features


def values_of(trees: list[Tree], features: int) -> TreeShapley:
    return TreeShapley.of(Trees(tuple(f"F{k}" for k in range(features)), tuple(trees)))


def check(values: TreeShapley, rows: np.ndarray, wanted: Callable[[np.ndarray], dict[frozenset[int], float]]) -> None:
    """Compare the values of some clients, in a block and one by one, with the definition's."""
    together = values.columns(rows.T)
    for place, row in enumerate(rows):
        worth = wanted(row)
        alone = values.row(row)
        np.testing.assert_array_equal(alone[values.used], together[:, place])
        np.testing.assert_allclose(alone, shapley(worth, values.features), rtol=0, atol=1e-12)
        assert values.mean == pytest.approx(worth[frozenset()], abs=1e-12)
        assert values.raw(row[:, np.newaxis])[0] == pytest.approx(
            max(worth.items(), key=lambda w: len(w[0]))[1], abs=1e-12
        )


@settings(max_examples=120, deadline=None)
@given(ensembles(most_features=7))
def test_path_dependent_values_are_those_of_the_definition(drawn):
    trees, rows, features = drawn
    check(values_of(trees, features), rows, lambda row: worths(path_dependent_game(trees, row), features))


@settings(max_examples=80, deadline=None)
@given(ensembles(most_features=6))
def test_deep_leaves_give_the_same_as_tabled_ones(drawn):
    trees, rows, features = drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ensemble, "_SMALLER", ((1, 1),))
        values = values_of(trees, features)
    check(values, rows, lambda row: worths(path_dependent_game(trees, row), features))


@settings(max_examples=60, deadline=None)
@given(ensembles(most_features=5), st.booleans(), st.integers(1, 5))
def test_interventional_values_are_those_of_the_definition(drawn, deep, people):
    trees, rows, features = drawn
    reference = np.random.default_rng(people).choice(VALUES, (people, features))
    with pytest.MonkeyPatch.context() as patch:
        if deep:
            patch.setattr(ensemble, "_SMALLER", ((1, 1),))
        values = values_of(trees, features).against(reference.T)
    check(values, rows[:2], lambda row: worths(interventional_game(trees, row, reference), features))


@settings(max_examples=60, deadline=None)
@given(ensembles(most_features=6), st.booleans())
def test_interaction_values_are_those_of_the_definition(drawn, deep):
    trees, rows, features = drawn
    with pytest.MonkeyPatch.context() as patch:
        if deep:
            patch.setattr(ensemble, "_SMALLER", ((1, 1),))
        values = values_of(trees, features)
    found = values.interactions(rows[0])
    wanted = interactions(worths(path_dependent_game(trees, rows[0]), features), features)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), values.row(rows[0]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("chain", [False, True])
def test_twelve_features_and_more_than_63_splits(chain):
    rng = np.random.default_rng(12)
    trees = [random_tree(rng, 0, 12, 12 if chain else 90, chain, categories=True)]
    rows = rng.choice(VALUES, (2, 12))
    check(values_of(trees, 12), rows, lambda row: worths(path_dependent_game(trees, row), 12))


def test_a_chain_longer_than_pythons_stack_is_explained():
    rng = np.random.default_rng(5)
    values = values_of([random_tree(rng, 0, 30, 1500, chain=True, categories=False)], 30)
    rows = rng.choice(NUMBERS, (3, 30))
    np.testing.assert_allclose(values.columns(rows.T).sum(axis=0) + values.mean, values.raw(rows.T), rtol=0, atol=1e-10)
