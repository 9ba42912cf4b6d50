"""Trees turned into flat arrays that the kernels walk: tests, steps down the trees, groups of leaves, leaves.

Shapley values of a leaf depend on its client only through which of the leaf's d features the client satisfies: a
feature is satisfied where all the tests on it, on the way to the leaf, go the leaf's way. That is a pattern of d bits,
and what the leaf gives for each of its 2^d patterns can be tabled once.

Leaves are tabled by groups. A group is all the leaves under one node, as large as BITS allows: its pattern has one bit
for each distinct feature on the way to the node, and one for each test below it. The larger the group, the fewer the
table rows that are added for a client; beyond BITS they no longer fit a processor's nearest cache. A leaf with more
than LEAF_BITS features is deep: it has no table, and its values are computed from the client's pattern each time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from models.trees import MISSING_NONE, MISSING_ZERO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.trees import Tree

Value = TypeVar("Value", bound=np.generic)

BITS = 9
"""Most bits of the pattern of a group of several leaves."""
LEAF_BITS = 10
"""Most features of a leaf that has a table: 2^10 rows of 10 values, 80 KiB."""

NAN_RIGHT, NAN_LEFT, ZERO_RIGHT, ZERO_LEFT, CATEGORY = range(5)
"""What a test does with a missing value: NaN goes right or left, or zero as well as NaN does, or NaN is no category."""

_BITS_IN_WORD = 32

# columns of `trees`
TREE_TESTS, TREE_STEPS, TREE_DEEP, TREE_LEAVES = range(4)
# columns of `tests`
TEST_FEATURE, TEST_KIND, TEST_WORDS, TEST_WORDS_END = range(4)
# columns of `steps`
STEP_TEST, STEP_FLIP, STEP_FROM, STEP_BIT, STEP_NEW, STEP_GROUP = range(6)
# columns of `groups`
GROUP_BITS, GROUP_PATH, GROUP_TESTS, GROUP_TESTS_END, GROUP_COLUMNS, GROUP_COLUMNS_END, GROUP_TABLE = range(7)
GROUP_LEAVES, GROUP_LEAVES_END = 7, 8


class Program(NamedTuple):
    """A model's trees as flat arrays, read only; rows of one tree, group or leaf lie together, a last row ends them.

    Attributes
    ----------
    used : (U,) int64, the features that some tree reads, as places among the model's F; everything else below counts
        features by their place among these.
    trees : (T + 1, 4) int64, where each tree's tests, steps, deep leaves and leaves begin.
    children : (S, 2) int64, where each test leads to on its left and right: a test of the tree, or ~leaf of it.
    leaves : float64, raw log-odds of default of all leaves of all trees.
    tests : (S, 4) int64, of each split: feature, kind of test, and where its words of categories begin and end.
    thresholds : (S,) float64, a value up to the threshold goes left.
    words : (W,) uint32, bit sets of the categories that go left.
    steps : (E, 6) int64, the way down a tree, parents first: the test decided (within its tree), 1 where the step goes
        right, the depth stepped from, the bit of the pattern that it changes, whether that bit is a new one, and the
        group reached, or -1. A step with test -1 starts at the root.
    groups : (G, 9) int64: bits, how many of them are of the path, and where the group's tests, columns, table and
        leaves are.
    group_tests : int64, the tests (within their tree) that are a group's further bits, in the order of the bits.
    group_columns : int64, the features a group gives values for.
    leaf_items : (L + 1,) int64, where each leaf with a table has its items, by group.
    leaf_values : (L,) float64, raw log-odds of default.
    items : (I, 3) int64, of each feature of a leaf: its column in the group, the mask of the group's bits that decide
        it, and what they must be.
    ratios : (I,) float64, of each feature of a leaf: the share of training clients who go the leaf's way at the tests
        on it, in [0, 1].
    deep_items, deep_values, deep_features, deep_ratios : the same of the deep leaves, by tree, with features in place
        of columns.
    deep_tests : (I + 1,) int64, where the tests of each item begin in `deep_ways`.
    deep_ways : (D, 2) int64, test (within its tree) and 1 where the leaf is on its left.
    table_size : values of all tables together.
    most_tests, most_depth : greatest number of tests in a tree, and of steps down.
    mean : raw log-odds of default of the average training client.
    """

    used: NDArray[np.int64]
    trees: NDArray[np.int64]
    children: NDArray[np.int64]
    leaves: NDArray[np.float64]
    tests: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    words: NDArray[np.uint32]
    steps: NDArray[np.int64]
    groups: NDArray[np.int64]
    group_tests: NDArray[np.int64]
    group_columns: NDArray[np.int64]
    leaf_items: NDArray[np.int64]
    leaf_values: NDArray[np.float64]
    items: NDArray[np.int64]
    ratios: NDArray[np.float64]
    deep_items: NDArray[np.int64]
    deep_values: NDArray[np.float64]
    deep_features: NDArray[np.int64]
    deep_ratios: NDArray[np.float64]
    deep_tests: NDArray[np.int64]
    deep_ways: NDArray[np.int64]
    table_size: int
    most_tests: int
    most_depth: int
    mean: float


def program(trees: Sequence[Tree], bits: int = BITS, leaf_bits: int = LEAF_BITS) -> Program:
    """Return the program of a model's trees.

    Parameters
    ----------
    trees : as `models.trees.read_trees` reads them.
    bits : most bits of the pattern of a group of leaves, at least 1; fewer make smaller tables and more of them.
    leaf_bits : most features of a leaf with a table, at least `bits`, at most 16.
    """
    used = np.unique(np.concatenate([tree.feature for tree in trees])) if trees else np.empty(0, dtype=np.int64)
    return _Writer({int(feature): place for place, feature in enumerate(used)}, bits, leaf_bits).program(trees, used)


@dataclass(slots=True)
class _Condition:
    """All tests on one feature on the way to a node: `ways` are (test, whether the node is on its left)."""

    ratio: float = 1.0
    ways: tuple[tuple[int, bool], ...] = ()

    def then(self, test: int, left: bool, ratio: float) -> _Condition:
        return _Condition(self.ratio * ratio, (*self.ways, (test, left)))


@dataclass(slots=True)
class _Writer:
    place: dict[int, int]
    bits: int
    leaf_bits: int
    children: list[tuple[int, int]] = field(default_factory=list)
    leaves: list[float] = field(default_factory=list)
    tests: list[tuple[int, int, int, int]] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    steps: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    groups: list[tuple[int, ...]] = field(default_factory=list)
    group_tests: list[int] = field(default_factory=list)
    group_columns: list[int] = field(default_factory=list)
    leaf_items: list[int] = field(default_factory=list)
    leaf_values: list[float] = field(default_factory=list)
    items: list[tuple[int, int, int]] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    deep_items: list[int] = field(default_factory=list)
    deep_values: list[float] = field(default_factory=list)
    deep_features: list[int] = field(default_factory=list)
    deep_ratios: list[float] = field(default_factory=list)
    deep_tests: list[int] = field(default_factory=list)
    deep_ways: list[tuple[int, int]] = field(default_factory=list)
    table_size: int = 0
    most_depth: int = 0

    def program(self, trees: Sequence[Tree], used: NDArray[np.int64]) -> Program:
        starts, mean = [], 0.0
        for tree in trees:
            starts.append(self._start())
            mean += self._tree(tree)
        starts.append(self._start())
        self.leaf_items.append(len(self.items))
        self.deep_items.append(len(self.deep_features))
        self.deep_tests.append(len(self.deep_ways))
        return Program(
            used=_integers(list(used)),
            trees=_integers(starts, 4),
            children=_integers(self.children, 2),
            leaves=_frozen(np.array(self.leaves, dtype=np.float64)),
            tests=_integers(self.tests, 4),
            thresholds=_frozen(np.array(self.thresholds, dtype=np.float64)),
            words=_frozen(np.array(self.words, dtype=np.uint32)),
            steps=_integers(self.steps, 6),
            groups=_integers(self.groups, 9),
            group_tests=_integers(self.group_tests),
            group_columns=_integers(self.group_columns),
            leaf_items=_integers(self.leaf_items),
            leaf_values=_frozen(np.array(self.leaf_values, dtype=np.float64)),
            items=_integers(self.items, 3),
            ratios=_frozen(np.array(self.ratios, dtype=np.float64)),
            deep_items=_integers(self.deep_items),
            deep_values=_frozen(np.array(self.deep_values, dtype=np.float64)),
            deep_features=_integers(self.deep_features),
            deep_ratios=_frozen(np.array(self.deep_ratios, dtype=np.float64)),
            deep_tests=_integers(self.deep_tests),
            deep_ways=_integers(self.deep_ways, 2),
            table_size=self.table_size,
            most_tests=max((len(tree.feature) for tree in trees), default=0),
            most_depth=self.most_depth,
            mean=mean,
        )

    def _start(self) -> tuple[int, int, int, int]:
        return len(self.tests), len(self.steps), len(self.deep_values), len(self.leaves)

    def _tree(self, tree: Tree) -> float:
        """Write one tree, and return the raw log-odds of its average training client."""
        self.leaves += tree.leaf_value.tolist()
        if not len(tree.feature):  # one leaf, the same for everyone: nothing to share out
            return float(tree.leaf_value[0])
        for split in range(len(tree.feature)):
            self._test(tree, split)
        covers = _covers(tree)
        _TreeWriter(self, tree, covers).write()
        return float((tree.leaf_value * tree.leaf_count).sum() / tree.leaf_count.sum())

    def _test(self, tree: Tree, split: int) -> None:
        categories, start = tree.categories[split], len(self.words)
        threshold, left = float(tree.threshold[split]), bool(tree.default_left[split])
        if categories is not None:
            kind, threshold = CATEGORY, 0.0
            sets = [0] * (max(categories, default=-1) // _BITS_IN_WORD + 1)
            for category in categories:
                sets[category // _BITS_IN_WORD] |= 1 << category % _BITS_IN_WORD
            self.words += sets
        elif tree.missing[split] == MISSING_ZERO:
            kind = ZERO_LEFT if left else ZERO_RIGHT
        else:
            # where nothing counts as missing, NaN is read as zero
            nan_left = threshold >= 0.0 if tree.missing[split] == MISSING_NONE else left
            kind = NAN_LEFT if nan_left else NAN_RIGHT
        self.tests.append((self.place[int(tree.feature[split])], kind, start, len(self.words)))
        self.thresholds.append(threshold)
        self.children.append((int(tree.left[split]), int(tree.right[split])))


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A node, the conditions on the way there in the order of their bits, its depth, and the step that led to it."""

    node: int
    path: dict[int, _Condition]
    depth: int
    step: tuple[int, int, int, int, int]


@dataclass(slots=True)
class _TreeWriter:
    """Writes the groups and deep leaves of one tree, and the steps that lead to them."""

    to: _Writer
    tree: Tree
    covers: dict[int, float]

    def write(self) -> None:
        waiting: list[_Arrival] = [_Arrival(0, {}, 0, (-1, 0, 0, 0, 0))]
        while waiting:
            waiting += reversed(self._visit(waiting.pop()))

    def _visit(self, at: _Arrival) -> list[_Arrival]:
        """Write what is to be known of a node, and return its children where they are not yet told of."""
        to, node, path = self.to, at.node, at.path
        inner = self._inner(node, to.bits - len(path))
        whole = inner is not None and (bool(inner) or len(path) <= to.leaf_bits)
        if node < 0 and not whole:
            self._deep(node, path)
            return []
        if len(path) <= to.leaf_bits:  # beyond, every leaf is deep, and finds its own way
            to.steps.append((*at.step, self._group(node, path, inner) if whole and inner is not None else -1))
            to.most_depth = max(to.most_depth, at.depth)
        return [] if whole else self._children(at)

    def _children(self, at: _Arrival) -> list[_Arrival]:
        feature = self.to.place[int(self.tree.feature[at.node])]
        new = feature not in at.path
        found = []
        for child, left in ((int(self.tree.left[at.node]), True), (int(self.tree.right[at.node]), False)):
            condition = at.path.get(feature, _Condition()).then(at.node, left, self._ratio(at.node, child))
            path = {**at.path, feature: condition}
            step = (at.node, int(not left), at.depth, list(path).index(feature), int(new))
            found.append(_Arrival(child, path, at.depth + 1, step))
        return found

    def _inner(self, node: int, most: int) -> list[int] | None:
        """Return the splits under a node, itself included, parents first; None where there are more than `most`."""
        found: list[int] = []
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if node >= 0:
                found.append(node)
                if len(found) > most:
                    return None
                waiting += [int(self.tree.right[node]), int(self.tree.left[node])]
        return found

    def _ratio(self, node: int, child: int) -> float:
        return self.covers[child] / self.covers[node] if self.covers[node] > 0.0 else 0.0

    def _group(self, node: int, path: dict[int, _Condition], inner: list[int]) -> int:
        to, tests, leaves = self.to, len(self.to.group_tests), len(self.to.leaf_values)
        columns: dict[int, int] = {}
        bit_of_test = {test: len(path) + k for k, test in enumerate(inner)}
        bit_of_feature = {feature: k for k, feature in enumerate(path)}
        to.group_tests += inner
        self._leaves(node, path, columns, bit_of_feature, bit_of_test)
        start = len(to.group_columns)
        to.group_columns += columns
        bits = len(path) + len(inner)
        ends = (tests, len(to.group_tests), start, len(to.group_columns), to.table_size)
        to.groups.append((bits, len(path), *ends, leaves, len(to.leaf_values)))
        to.table_size += len(columns) << bits
        return len(to.groups) - 1

    def _leaves(
        self,
        node: int,
        path: dict[int, _Condition],
        columns: dict[int, int],
        bit_of_feature: dict[int, int],
        bit_of_test: dict[int, int],
    ) -> None:
        to = self.to
        if node >= 0:
            feature = to.place[int(self.tree.feature[node])]
            for child, left in ((int(self.tree.left[node]), True), (int(self.tree.right[node]), False)):
                condition = path.get(feature, _Condition()).then(node, left, self._ratio(node, child))
                self._leaves(child, {**path, feature: condition}, columns, bit_of_feature, bit_of_test)
            return
        to.leaf_items.append(len(to.items))
        to.leaf_values.append(float(self.tree.leaf_value[~node]))
        for feature, condition in path.items():
            mask = wanted = 0
            if feature in bit_of_feature:
                mask = wanted = 1 << bit_of_feature[feature]
            for test, left in condition.ways:
                if test in bit_of_test:
                    mask |= 1 << bit_of_test[test]
                    wanted |= int(left) << bit_of_test[test]
            to.items.append((columns.setdefault(feature, len(columns)), mask, wanted))
            to.ratios.append(condition.ratio)

    def _deep(self, node: int, path: dict[int, _Condition]) -> None:
        to = self.to
        to.deep_items.append(len(to.deep_features))
        to.deep_values.append(float(self.tree.leaf_value[~node]))
        for feature, condition in path.items():
            to.deep_features.append(feature)
            to.deep_ratios.append(condition.ratio)
            to.deep_tests.append(len(to.deep_ways))
            to.deep_ways += [(test, int(left)) for test, left in condition.ways]


def _covers(tree: Tree) -> dict[int, float]:
    """Return how many training clients reached every node: splits by their number, leaves by ~number."""
    covers = {~leaf: float(count) for leaf, count in enumerate(tree.leaf_count)}
    waiting = [0]
    while waiting:
        node = waiting[-1]
        children = (int(tree.left[node]), int(tree.right[node]))
        below = [child for child in children if child not in covers]
        if below:
            waiting += below
        else:
            covers[node] = covers[children[0]] + covers[children[1]]
            waiting.pop()
    return covers


def _integers(rows: Sequence[object], columns: int = 0) -> NDArray[np.int64]:
    return _frozen(np.array(rows, dtype=np.int64).reshape((-1, columns) if columns else -1))


def _frozen(array: NDArray[Value]) -> NDArray[Value]:
    array.setflags(write=False)
    return array
