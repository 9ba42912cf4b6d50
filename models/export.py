"""LightGBM to ONNX, exactly: a `TreeEnsemble` of `ai.onnx.ml` version 5 in double precision.

LightGBM compares doubles with double thresholds and adds double leaf values in the order of the trees. The graph does
the same, so on one thread its raw score is the very double that `Booster.predict(raw_score=True)` gives. What has to be
translated, because LightGBM does it outside the comparison:

* a value of magnitude 1e-35 or below is read as 0.0, so a threshold inside that band is moved to its edge;
* a missing value is NaN (`missing_type` NaN), NaN or zero (Zero), or none at all, NaN being read as 0.0 (None);
* a zero that goes the other way than the threshold says takes three comparisons, and both sides are written twice;
* a category goes left where it is in the split's set; NaN, a negative code and an unknown one go right
  (`BRANCH_MEMBER`). LightGBM truncates a code that is not whole, ONNX does not: codes must be whole numbers.

Input `features`: double [clients, F]. Output `raw`: double [clients, 1], uncalibrated log-odds of default.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from data.errors import NotExportable
from data.files import written_whole
from data.staging import folder_written_whole
from models.card import read_card
from models.folder import FILES, GRAPH, KIND, TEXT, read_manifest, verified_bytes, write_manifest
from models.trees import MISSING_NAN, MISSING_ZERO, ZERO, Tree, Trees, read_trees

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

INPUT, OUTPUT = "features", "raw"
ML_OPSET, OPSET, IR_VERSION = 5, 21, 10
_BELOW_ZERO = math.nextafter(-ZERO, -math.inf)
"""`x <= _BELOW_ZERO` is `x < -ZERO`: with one kind of comparison throughout, ONNX Runtime walks the trees faster."""

_LEQ, _MEMBER = 0, 6
_AGGREGATE_SUM, _TRANSFORM_NONE = 1, 0
_LEFT, _RIGHT = -1, -2
_MOST_NODES_OF_A_TREE = 100_000


@dataclass(frozen=True, slots=True)
class _Step:
    """One comparison of a split, and where each outcome leads: _LEFT, _RIGHT, or the next step of that number."""

    mode: int
    value: float
    true: int = _LEFT
    false: int = _RIGHT
    missing_true: bool = False
    members: tuple[int, ...] = ()


def to_onnx(text: str, metadata: Mapping[str, str] | None = None) -> onnx.ModelProto:
    """Return the ONNX graph of a model in LightGBM's text format, bit-equal to it on one thread.

    Parameters
    ----------
    text : the model, as `Booster.model_to_string()` or `save_model` writes it.
    metadata : names and values to keep in the file.

    Raises
    ------
    NotExportable
        A model or a tree that the graph can't express exactly; the message names the tree and the node.
    """
    model = read_trees(text)
    attributes = _attributes(model)
    node = helper.make_node("TreeEnsemble", [INPUT], [OUTPUT], domain="ai.onnx.ml", **attributes)
    features = helper.make_tensor_value_info(INPUT, TensorProto.DOUBLE, [None, len(model.feature_names)])
    raw = helper.make_tensor_value_info(OUTPUT, TensorProto.DOUBLE, [None, 1])
    graph = helper.make_graph([node], "lightgbm", [features], [raw])
    opsets = [helper.make_opsetid("ai.onnx.ml", ML_OPSET), helper.make_opsetid("", OPSET)]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="pretscope")
    helper.set_model_props(proto, dict(metadata or {}))
    onnx.checker.check_model(proto, full_check=True)
    return proto


class _Nodes:
    """The operator's nodes and leaves while they are gathered: an entry of `children` a node, of `leaves` a leaf."""

    def __init__(self) -> None:
        self.roots: list[int] = []
        self.feature: list[int] = []
        self.steps: list[_Step] = []
        self.children: list[list[tuple[int, int]]] = []
        self.leaves: list[float] = []

    def add_tree(self, tree: Tree) -> None:
        """Add a tree from its root on; a child is (place of a node, 0) or (place of a leaf, 1)."""
        self.roots.append(len(self.steps))
        base = len(self.leaves)
        self.leaves.extend(map(float, tree.leaf_value))
        if not len(tree.feature):
            self._add_step(0, _Step(_LEQ, 0.0), [(base, 1), (base, 1)])
            return
        waiting: list[tuple[int, tuple[int, int] | None]] = [(0, None)]
        while waiting:
            split, parent = waiting.pop()
            if parent is not None:
                node, side = parent
                self.children[node][side] = (len(self.steps), 0)
            waiting.extend(self._add_split(tree, split, base))
            if len(self.steps) - self.roots[-1] > _MOST_NODES_OF_A_TREE:
                raise NotExportable(
                    f"Tree {tree.index} of this model, node {split}: sending zeros against the threshold "
                    f"(zero_as_missing) takes more than {_MOST_NODES_OF_A_TREE} comparisons in this tree. "
                    "Train without zero_as_missing."
                )

    def _add_split(self, tree: Tree, split: int, leaf_base: int) -> list[tuple[int, tuple[int, int] | None]]:
        """Add a split's comparisons; return the splits that come below, each with the node and side it hangs on."""
        first = len(self.steps)
        below: list[tuple[int, tuple[int, int] | None]] = []
        for step in _steps(tree, split):
            ends = [(0, 0), (0, 0)]
            for side, goal in enumerate((step.true, step.false)):
                child = int(tree.left[split] if goal == _LEFT else tree.right[split])
                if goal >= 0:
                    ends[side] = (first + goal, 0)
                elif child < 0:
                    ends[side] = (leaf_base + ~child, 1)
                else:
                    below.append((child, (len(self.steps), side)))
            self._add_step(int(tree.feature[split]), step, ends)
        return below

    def _add_step(self, feature: int, step: _Step, ends: list[tuple[int, int]]) -> None:
        self.feature.append(feature)
        self.steps.append(step)
        self.children.append(ends)


def export_again(folder: Path) -> None:
    """Write the ONNX graph of a model folder again from its LightGBM text, whole or not at all.

    Raises
    ------
    HashMismatch
        A file is not the one the manifest describes; the folder stays as it is.
    NotExportable
        ONNX can't express the model exactly.
    """
    manifest = read_manifest(folder)
    card = read_card(folder)
    contents = {name: verified_bytes(folder, manifest, name) for name in FILES if name != GRAPH}
    with folder_written_whole(folder, KIND) as staged:
        for name, content in contents.items():
            with written_whole(staged / name) as path:
                path.write_bytes(content)
        write_graph(staged, contents[TEXT].decode(), card.names)
        write_manifest(staged)


def write_graph(folder: Path, text: str, names: tuple[str, ...]) -> None:
    """Write the ONNX graph of a LightGBM text model to a model folder; raise NotExportable where there can be none."""
    metadata = {"features": json.dumps(list(names), ensure_ascii=False), "output": "uncalibrated log-odds of default"}
    content = to_onnx(text, metadata).SerializeToString()
    with written_whole(folder / GRAPH) as path:
        path.write_bytes(content)


def _attributes(model: Trees) -> dict[str, Any]:
    if not model.trees:
        raise NotExportable("This model has no tree.")
    nodes = _Nodes()
    for tree in model.trees:
        _refuse_tree(tree, len(model.feature_names))
        nodes.add_tree(tree)
    members = [value for step in nodes.steps if step.members for value in (*map(float, step.members), math.nan)]
    attributes: dict[str, Any] = {
        "tree_roots": nodes.roots,
        "nodes_featureids": nodes.feature,
        "nodes_modes": numpy_helper.from_array(np.array([step.mode for step in nodes.steps], dtype=np.uint8)),
        "nodes_splits": numpy_helper.from_array(np.array([step.value for step in nodes.steps], dtype=np.float64)),
        "nodes_truenodeids": [true for (true, _), _ in nodes.children],
        "nodes_trueleafs": [leaf for (_, leaf), _ in nodes.children],
        "nodes_falsenodeids": [false for _, (false, _) in nodes.children],
        "nodes_falseleafs": [leaf for _, (_, leaf) in nodes.children],
        "nodes_missing_value_tracks_true": [int(step.missing_true) for step in nodes.steps],
        "leaf_targetids": [0] * len(nodes.leaves),
        "leaf_weights": numpy_helper.from_array(np.array(nodes.leaves, dtype=np.float64)),
        "n_targets": 1,
        "aggregate_function": _AGGREGATE_SUM,
        "post_transform": _TRANSFORM_NONE,
    }
    return attributes | ({"membership_values": numpy_helper.from_array(np.array(members))} if members else {})


def _steps(tree: Tree, split: int) -> tuple[_Step, ...]:
    """Return the comparisons that decide as LightGBM does at a split."""
    categories = tree.categories[split]
    if categories is not None:
        return (_Step(_MEMBER, 0.0, members=categories),)
    threshold, missing = float(tree.threshold[split]), int(tree.missing[split])
    default_left = bool(tree.default_left[split])
    zero_left = default_left if missing == MISSING_ZERO else threshold >= 0.0
    nan_left = default_left if missing == MISSING_NAN else zero_left
    if -ZERO <= threshold < ZERO:
        return (_Step(_LEQ, ZERO if zero_left else _BELOW_ZERO, missing_true=nan_left),)
    if zero_left == (threshold >= 0.0):
        return (_Step(_LEQ, threshold, missing_true=nan_left),)
    if zero_left:
        return (
            _Step(_LEQ, ZERO, true=1, missing_true=True),
            _Step(_LEQ, threshold, false=2, missing_true=True),
            _Step(_LEQ, _BELOW_ZERO, true=_RIGHT, false=_LEFT),
        )
    return (
        _Step(_LEQ, threshold, true=1),
        _Step(_LEQ, _BELOW_ZERO, false=2),
        _Step(_LEQ, ZERO, true=_RIGHT, false=_LEFT),
    )


def _refuse_tree(tree: Tree, features: int) -> None:
    where = f"Tree {tree.index} of this model"
    if not np.isfinite(tree.leaf_value).all():
        raise NotExportable(f"{where} has a leaf whose value is not finite.")
    for split, categories in enumerate(tree.categories):
        if not 0 <= tree.feature[split] < features:
            raise NotExportable(f"{where}, node {split}, reads feature {tree.feature[split]}; there are {features}.")
        if categories is not None and not categories:
            raise NotExportable(
                f"{where}, node {split}, is categorical with no category; ONNX can't hold an empty set."
            )
        if categories is None and math.isnan(tree.threshold[split]):
            raise NotExportable(f"{where}, node {split}, has a threshold that is not a number.")
        if tree.missing[split] not in (0, MISSING_ZERO, MISSING_NAN):
            raise NotExportable(
                f"{where}, node {split}, has an unknown missing type {tree.missing[split]}; known: 0 to 2."
            )
