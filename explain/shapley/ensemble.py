"""Exact Shapley values of a LightGBM ensemble, of many clients by blocks or of one, in raw log-odds of default."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from data.errors import FeatureMismatch, ModelError
from explain.shapley.kernel import kernels
from explain.shapley.leaves import Unknown, most_features, quadrature
from explain.shapley.program import BITS, LEAF_BITS, Program, program
from explain.shapley.tables import interventional_tables, path_dependent_tables, pattern_starts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.trees import Trees

    Reals = NDArray[np.float64]

Value = TypeVar("Value", bound=np.generic)

BLOCK = 512
"""Clients computed at once: what they need of a tree stays in a processor's nearest cache."""
MOST_TABLE_BYTES = 2**29
"""Where the tables would take more, leaves with fewer features are the largest that have one."""
_SMALLER = ((BITS, LEAF_BITS), (BITS, BITS), (6, 6), (4, 4), (2, 2))
_BYTES_A_VALUE = 8


class _Room(NamedTuple):
    """What a walk works in, for B clients: values and found (U, B), decided and patterns, rows, and work for a leaf."""

    values: Reals
    decided: NDArray[np.uint16]
    patterns: NDArray[np.uint16]
    rows: NDArray[np.int32]
    work: Reals
    found: Reals


class TreeShapley:
    """Exact Shapley values of a sum of trees, in raw log-odds of default; safe to share between threads.

    What a feature is worth where it is unknown is averaged over, by the training clients of each branch
    (path-dependent values, those of LightGBM's `pred_contrib`), or, after `against`, over a reference population
    (interventional values).

    Attributes
    ----------
    features : F, the number of features that a row has.
    used : (U,) int64, places of those that some tree reads; the others have no value but zero.
    mean : raw log-odds of default where every feature is unknown: of the average training client, or the mean over the
        reference population. A client's values and this sum to its raw score.
    reference : clients in the reference population, 0 for path-dependent values.
    """

    def __init__(
        self, features: int, compiled: Program, unknown: Unknown, tables: Reals, mean: float, *, reference: int = 0
    ) -> None:
        self.features, self.reference = features, reference
        self.used = compiled.used
        self.mean = mean
        self._program, self._unknown, self._tables = compiled, unknown, tables
        self._kernels = kernels(compiled, unknown)
        self._most = most_features(compiled)

    @classmethod
    def of(cls, trees: Trees) -> TreeShapley:
        """Return the path-dependent values of a model's trees.

        Raises
        ------
        ModelError
            Where a tree has a leaf value that is not finite.
        """
        _check(trees)
        made = _within_memory(trees)
        points, weights = quadrature(most_features(made))
        leaves = len(made.deep_values)
        unknown = Unknown(
            lines=_fixed(np.arange(leaves + 1, dtype=np.int64)),
            starts=made.deep_items,
            shares=_fixed(np.ones(leaves)),
            satisfied=made.deep_ratios,
            points=points,
            weights=weights,
        )
        return cls(len(trees.feature_names), made, unknown, path_dependent_tables(made, unknown), made.mean)

    def against(self, columns: NDArray[np.float32] | Reals) -> TreeShapley:
        """Return the interventional values of the same trees against a reference population.

        Parameters
        ----------
        columns : (F, R) float32 or float64, the population's features, one line a feature, NaN where there is none.

        Raises
        ------
        FeatureMismatch
            If there are not F lines, or there is nobody.
        """
        self._check_columns(columns)
        people = columns.shape[1]
        if not people:
            raise FeatureMismatch("A reference population has at least one client, this has none.")
        made, room = self._program, self._room(BLOCK)
        starts = pattern_starts(made)
        counts = np.zeros(int(starts[-1]))
        deep = np.zeros((int(made.deep_items[-1]), people), dtype=np.uint8)
        given = np.asarray(columns, dtype=np.float64)
        for first in range(0, people, BLOCK):
            self._kernels.pattern_counts(
                made, starts, given, first, min(BLOCK, people - first), room.values, room.decided, room.patterns,
                counts, deep,
            )  # fmt: skip
        unknown = self._unknown_of(deep)
        tables = interventional_tables(made, unknown, counts / people)
        mean = float(self.raw(given).mean())
        return TreeShapley(self.features, made, unknown, tables, mean, reference=people)

    def raw(self, columns: NDArray[np.float32] | Reals) -> Reals:
        """Return the raw scores of m clients, (m,) float64, log-odds of default, as LightGBM adds them up.

        Raises
        ------
        FeatureMismatch
            If there are not F lines.
        """
        self._check_columns(columns)
        found = np.empty(columns.shape[1])
        self._kernels.raw(self._program, np.asarray(columns, dtype=np.float64), found)
        return found

    def columns(self, columns: NDArray[np.float32] | Reals) -> Reals:
        """Return the values of many clients, (U, m) float64, one line a feature used, on one thread.

        Parameters
        ----------
        columns : (F, m) float32 or float64, one line a feature, NaN where there is none; need not be contiguous.

        Raises
        ------
        FeatureMismatch
            If there are not F lines.
        """
        self._check_columns(columns)
        people = columns.shape[1]
        out = np.empty((len(self.used), people))
        room = self._room(min(BLOCK, max(people, 1)))
        walk = self._kernels.block_of_singles if columns.dtype == np.float32 else self._kernels.block
        given = columns if columns.dtype == np.float32 else np.asarray(columns, dtype=np.float64)
        for first in range(0, people, BLOCK):
            many = min(BLOCK, people - first)
            walk(self._program, self._tables, self._unknown, given, first, many, *room)
            out[:, first : first + many] = room.found[:, :many]
        return out

    def row(self, row: Reals) -> Reals:
        """Return the values of one client, (F,) float64, from its features, float64 (F,), NaN where there is none.

        Raises
        ------
        FeatureMismatch
            If there are not F values.
        """
        self._check_columns(row[:, np.newaxis])
        made, used = self._program, len(self.used)
        found = np.empty((used, 1))
        self._kernels.one(
            made, self._tables, self._unknown, np.ascontiguousarray(row, dtype=np.float64), np.empty((used, 1)),
            np.empty((max(1, made.most_tests), 1), dtype=np.uint16), np.empty(made.most_depth + 2, dtype=np.int64),
            np.empty(len(made.groups), dtype=np.int64), np.empty((3, self._most + 1)), found,
        )  # fmt: skip
        values = np.zeros(self.features)
        values[self.used] = found[:, 0]
        return values

    def interactions(self, row: Reals) -> Reals:
        """Return the path-dependent Shapley interaction values of one client, (F, F) float64, symmetric.

        Off the diagonal, half of what two features are worth together beyond what each is worth; on it, what is left
        of the feature's own value, so that each line sums to it.

        Raises
        ------
        FeatureMismatch
            If there are not F values.
        ModelError
            If these are values against a reference population: their interactions are not computed.

        References
        ----------
        K. Fujimoto, I. Kojadinovic, J.-L. Marichal, doi:10.1016/j.geb.2005.03.002; halved as by S. Lundberg et al.,
        doi:10.1038/s42256-019-0138-9.
        """
        if self.reference:
            raise ModelError("Interaction values are path-dependent; these values are against a reference population.")
        own = self.row(row)[self.used]
        room, used = self._room(1), len(self.used)
        found, most = np.zeros((used, used)), self._most + 1
        self._kernels.interact(
            self._program, self._unknown, np.ascontiguousarray(row, dtype=np.float64), room.values, room.decided,
            room.patterns, room.work, np.zeros((most, most)), found,
        )  # fmt: skip
        found = (found + found.T) / 2.0
        np.fill_diagonal(found, own - found.sum(axis=1))
        whole = np.zeros((self.features, self.features))
        whole[np.ix_(self.used, self.used)] = found
        return whole

    def _room(self, many: int) -> _Room:
        made = self._program
        return _Room(
            values=np.empty((len(self.used), many)),
            decided=np.empty((max(1, made.most_tests), many), dtype=np.uint16),
            patterns=np.empty((made.most_depth + 2, many), dtype=np.uint16),
            rows=np.empty(many, dtype=np.int32),
            work=np.empty((3, self._most + 1)),
            found=np.empty((len(self.used), many)),
        )

    def _unknown_of(self, deep: NDArray[np.uint8]) -> Unknown:
        """Return the reference population at the deep leaves, its clients with the same pattern counted together."""
        items = self._program.deep_items
        lines, starts, shares, satisfied = [0], [], [], []
        at = 0
        for leaf in range(len(items) - 1):
            patterns, counts = np.unique(deep[items[leaf] : items[leaf + 1]], axis=1, return_counts=True)
            starts.append(at)
            lines.append(lines[-1] + len(counts))
            shares.append(counts / deep.shape[1])
            satisfied.append(patterns.T.astype(np.float64).ravel())
            at += patterns.size
        return Unknown(
            lines=_fixed(np.array(lines, dtype=np.int64)),
            starts=_fixed(np.array(starts, dtype=np.int64)),
            shares=_fixed(np.concatenate([*shares, np.empty(0)])),
            satisfied=_fixed(np.concatenate([*satisfied, np.empty(0)])),
            points=self._unknown.points,
            weights=self._unknown.weights,
        )

    def _check_columns(self, columns: NDArray[np.float32] | Reals) -> None:
        if columns.ndim != 2 or columns.shape[0] != self.features:
            got = columns.shape[0] if columns.ndim == 2 else f"an array of shape {columns.shape}"
            raise FeatureMismatch(f"The model has {self.features} features, got {got}.")


def _within_memory(trees: Trees) -> Program:
    for bits, leaf_bits in _SMALLER:
        made = program(trees.trees, bits, leaf_bits)
        if made.table_size * _BYTES_A_VALUE <= MOST_TABLE_BYTES:
            break
    return made


def _check(trees: Trees) -> None:
    for tree in trees.trees:
        if not bool(np.isfinite(tree.leaf_value).all()):
            raise ModelError(f"Tree {tree.index} has a leaf value that is not finite: train the model again.")


def _fixed(array: NDArray[Value]) -> NDArray[Value]:
    array.setflags(write=False)
    return array
