"""The tables of a program: what each group of leaves gives to each of its features, for every pattern of its bits.

* Path-dependent values: whoever stands for the unknown satisfies a feature with a chance of its own, the share of
  training clients who go the leaf's way at the tests on it.
* Interventional values: each client of a reference population stands for the unknown in turn, and the mean is taken
  over the population's patterns.

See `explain.shapley.leaves` for the formulas. Source of the tables: A. Nadel and R. Wettenstein, "From decision trees
to Boolean logic: a fast and unified SHAP algorithm", AAAI 2026 (WOODELF).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from data.compiling import column, compiled, inlined
from explain.shapley import leaves
from explain.shapley import program as programs
from explain.shapley.leaves import leaf_values
from explain.shapley.program import (
    GROUP_BITS,
    GROUP_COLUMNS,
    GROUP_COLUMNS_END,
    GROUP_LEAVES,
    GROUP_LEAVES_END,
    GROUP_TABLE,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from explain.shapley.leaves import Unknown
    from explain.shapley.program import Program

    Reals = NDArray[np.float64]


def path_dependent_tables(program: Program, unknown: Unknown) -> Reals:
    """Return the tables of path-dependent values, in raw log-odds of default: of each group, (2^bits, columns)."""
    return _filled(program, unknown, np.zeros(0))


def interventional_tables(program: Program, unknown: Unknown, shares: Reals) -> Reals:
    """Return the tables of values against a reference population, in raw log-odds of default.

    Parameters
    ----------
    program : of the trees.
    unknown : for its quadrature.
    shares : float64, of each group in turn, the share of the population with each of its 2^bits patterns.
    """
    return _filled(program, unknown, shares)


def pattern_starts(program: Program) -> NDArray[np.int64]:
    """Return (G + 1,) int64, where the 2^bits patterns of each group begin among those of all groups."""
    sizes = np.left_shift(np.int64(1), program.groups[:, GROUP_BITS])
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes, dtype=np.int64)])
    starts.setflags(write=False)
    return starts


def _filled(program: Program, unknown: Unknown, shares: Reals) -> Reals:
    tables = np.zeros(program.table_size)
    most = int(np.diff(program.leaf_items).max(initial=1))
    shares = shares.view()
    shares.setflags(write=False)
    scratch, work = np.zeros((most + 2, 1 << most)), np.zeros((3, most + 1))
    _compiled(program, unknown)(program, unknown, pattern_starts(program), shares, scratch, work, tables)
    tables.setflags(write=False)
    return tables


@inlined
def _own_pattern(program: Program, first: int, d: int, pattern: int) -> int:
    """Return a leaf's own pattern, of d bits, in a pattern of its group."""
    own = 0
    for j in range(d):
        if pattern & program.items[first + j, 1] == program.items[first + j, 2]:
            own |= 1 << j
    return own


@inlined
def _fill_path_dependent(
    program: Program, unknown: Unknown, leaf: int, first: int, d: int, scratch: Reals, work: Reals
) -> None:
    """Set line j of `scratch` to what feature j of a leaf gets for each of the leaf's own patterns."""
    satisfied, products, given = work[0], work[1], work[2]
    for pattern in range(1 << d):
        for j in range(d):
            satisfied[j] = float((pattern >> j) & 1)
            given[j] = 0.0
        ratios = program.ratios[first : first + d]
        leaf_values(satisfied, ratios, d, program.leaf_values[leaf], unknown, products, given)
        for j in range(d):
            scratch[j, pattern] = given[j]


@inlined
def _fill_interventional(program: Program, unknown: Unknown, leaf: int, d: int, scratch: Reals) -> None:
    """Set line j of `scratch` likewise, from the shares of the population with each own pattern, in line d.

    A sum over the population's patterns of a product over features is a transform of one axis after another, each of
    two values: whether the population's client satisfies the feature.
    """
    count, patterns = (d + 1) // 2, 1 << d
    scratch[:d, :patterns] = 0.0
    moved = scratch[d + 1]
    for q in range(count):
        x, weight = unknown.points[count, q], unknown.weights[count, q] * program.leaf_values[leaf]
        for j in range(d):
            moved[:patterns] = scratch[d, :patterns]
            for i in range(d):
                stride = 1 << i
                for low in range(patterns):
                    if low & stride == 0:
                        lacks, has = moved[low], moved[low | stride]
                        if i == j:
                            moved[low], moved[low | stride] = -has, lacks
                        else:
                            moved[low], moved[low | stride] = (1.0 - x) * has, x * lacks + has
            for pattern in range(patterns):
                scratch[j, pattern] += weight * moved[pattern]


def _fill(
    program: Program, unknown: Unknown, starts: NDArray[np.int64], shares: Reals, scratch: Reals, work: Reals,
    tables: Reals,
) -> None:  # fmt: skip
    """Add every leaf's values to the table of its group; against a population where there are `shares`."""
    for group in range(len(program.groups)):
        patterns, table = 1 << program.groups[group, GROUP_BITS], program.groups[group, GROUP_TABLE]
        columns = program.groups[group, GROUP_COLUMNS_END] - program.groups[group, GROUP_COLUMNS]
        for leaf in range(program.groups[group, GROUP_LEAVES], program.groups[group, GROUP_LEAVES_END]):
            first = program.leaf_items[leaf]
            d = program.leaf_items[leaf + 1] - first
            if len(shares) == 0:
                _fill_path_dependent(program, unknown, leaf, first, d, scratch, work)
            else:
                scratch[d, : 1 << d] = 0.0
                for pattern in range(patterns):
                    share = shares[starts[group] + pattern]
                    if share != 0.0:
                        scratch[d, _own_pattern(program, first, d, pattern)] += share
                _fill_interventional(program, unknown, leaf, d, scratch)
            for pattern in range(patterns):
                own = _own_pattern(program, first, d, pattern)
                row = table + pattern * columns
                for j in range(d):
                    tables[row + program.items[first + j, 0]] += scratch[j, own]


def _compiled(program: Program, unknown: Unknown) -> Callable[..., None]:
    import numba

    return _compiled_for(numba.typeof(program), numba.typeof(unknown))


@functools.cache
def _compiled_for(program: Any, unknown: Any) -> Callable[..., None]:
    room = column("float64", 2, written=True)
    return compiled(
        _fill,
        program,
        unknown,
        column("int64"),
        column("float64"),
        room,
        room,
        column("float64", written=True),
        uses=(leaves, programs),
    )
