"""LightGBM's text format read into plain arrays, one set per tree.

Only what the product trains is read: a binary objective, one tree per iteration, constant leaves. Anything else is
refused by name, so that nothing is ever half understood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data.errors import NotExportable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 1, 2
ZERO = float(np.float32(1e-35))
"""LightGBM reads every value of this magnitude or below as 0.0 before it walks a tree (its kZeroThreshold)."""

_CATEGORICAL_BIT, _DEFAULT_LEFT_BIT = 1, 2
_BITS_IN_WORD = 32


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree of k leaves and k - 1 splits. A child c >= 0 is the split c, a child c < 0 the leaf ~c.

    Attributes
    ----------
    index : place of the tree in the model, from 0.
    leaf_value : (k,) float64, raw log-odds of default that each leaf adds.
    leaf_count : (k,) float64, training clients in each leaf.
    feature : (k - 1,) int64, position of the feature that each split reads.
    threshold : (k - 1,) float64, a client goes left where its value is at most this; unused where categorical.
    left, right : (k - 1,) int64, children.
    default_left : (k - 1,) bool, where a missing value goes.
    missing : (k - 1,) int64, what counts as missing: MISSING_NONE, MISSING_ZERO or MISSING_NAN.
    categories : for each split, the sorted category codes that go left, or None where the split is numerical.
    """

    index: int
    leaf_value: NDArray[np.float64]
    leaf_count: NDArray[np.float64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    default_left: NDArray[np.bool_]
    missing: NDArray[np.int64]
    categories: tuple[tuple[int, ...] | None, ...]


@dataclass(frozen=True, slots=True)
class Trees:
    """A whole model: the raw score is the sum of one leaf of each tree, in the order of the trees."""

    feature_names: tuple[str, ...]
    trees: tuple[Tree, ...]


def read_trees(text: str) -> Trees:
    """Read a model in LightGBM's text format.

    Raises
    ------
    NotExportable
        An objective other than binary, several trees per iteration, averaged trees (random forest), linear leaves, or a
        text that is not a whole LightGBM model.
    """
    head, *blocks = _body(text).split("\nTree=")
    facts, flags = _facts(head.splitlines())
    _refuse_other_models(facts, flags)
    return Trees(tuple(facts["feature_names"].split(" ")), tuple(_read_tree(block) for block in blocks))


def _body(text: str) -> str:
    body, end, _ = text.partition("\nend of trees")
    if not text.startswith("tree") or not end:
        raise NotExportable(
            "This is not a whole LightGBM text model: it must begin with 'tree' and hold 'end of trees'."
        )
    return body.rstrip("\n")


def _facts(lines: list[str]) -> tuple[dict[str, str], set[str]]:
    facts: dict[str, str] = {}
    flags: set[str] = set()
    for line in lines:
        key, equals, value = line.partition("=")
        if equals:
            facts[key] = value
        elif line:
            flags.add(line)
    return facts, flags


def _refuse_other_models(facts: dict[str, str], flags: set[str]) -> None:
    objective = facts.get("objective", "none")
    if objective.split(" ")[0] != "binary":
        raise NotExportable(f"The objective of this model is {objective!r}; only 'binary' can be exported.")
    for key in ("num_class", "num_tree_per_iteration"):
        if facts.get(key) != "1":
            raise NotExportable(f"{key} of this model is {facts.get(key)}; only 1 can be exported.")
    if "average_output" in flags:
        raise NotExportable("This model averages its trees (boosting=rf); only summed trees can be exported.")
    if "feature_names" not in facts:
        raise NotExportable("This LightGBM text model has no line 'feature_names'.")


def _read_tree(block: str) -> Tree:
    number, *lines = block.splitlines()
    index = int(number)
    facts, _ = _facts(lines)
    try:
        return _tree(index, facts)
    except KeyError as error:
        raise NotExportable(f"Tree {index} of this LightGBM text model has no line {error.args[0]!r}.") from None
    except ValueError as error:
        raise NotExportable(f"Tree {index} of this LightGBM text model can't be read: {error}.") from None


def _tree(index: int, facts: dict[str, str]) -> Tree:
    if facts.get("is_linear", "0") != "0":
        raise NotExportable(f"Tree {index} has linear leaves (linear_tree=true); only constant leaves can be exported.")
    leaves = int(facts["num_leaves"])
    splits = leaves - 1
    decision = _ints(facts, "decision_type", splits)
    threshold = _reals(facts, "threshold", splits)
    return Tree(
        index=index,
        leaf_value=_reals(facts, "leaf_value", leaves),
        leaf_count=_reals(facts, "leaf_count", leaves) if splits else np.zeros(1),
        feature=_ints(facts, "split_feature", splits),
        threshold=threshold,
        left=_ints(facts, "left_child", splits),
        right=_ints(facts, "right_child", splits),
        default_left=(decision & _DEFAULT_LEFT_BIT) != 0,
        missing=(decision >> 2) & 3,
        categories=tuple(
            _categories(facts, int(threshold[node])) if decision[node] & _CATEGORICAL_BIT else None
            for node in range(splits)
        ),
    )


def _categories(facts: dict[str, str], which: int) -> tuple[int, ...]:
    bounds = [int(word) for word in facts["cat_boundaries"].split()]
    words = [int(word) for word in facts["cat_threshold"].split()][bounds[which] : bounds[which + 1]]
    return tuple(_bits(words))


def _bits(words: list[int]) -> Iterator[int]:
    for place, word in enumerate(words):
        for bit in range(_BITS_IN_WORD):
            if word >> bit & 1:
                yield place * _BITS_IN_WORD + bit


def _reals(facts: dict[str, str], key: str, count: int) -> NDArray[np.float64]:
    return np.array([float(word) for word in _words(facts, key, count)], dtype=np.float64)


def _ints(facts: dict[str, str], key: str, count: int) -> NDArray[np.int64]:
    return np.array([int(word) for word in _words(facts, key, count)], dtype=np.int64)


def _words(facts: dict[str, str], key: str, count: int) -> list[str]:
    words = facts[key].split() if count else []
    if len(words) != count:
        raise ValueError(f"its line {key!r} holds {len(words)} values, {count} are needed")
    return words
