"""The compiled walks: a block of clients feature by feature, and one client, through the same tables.

A block: for every tree, the tests of all clients, then their patterns at each group of leaves, then the rows of the
group's table that these say are added to the features they are of. One client: the same, but for the tables' rows being
looked up for all trees first. Raw log-odds of default throughout.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba.extending import intrinsic

import models.trees
from data.compiling import column, compiled, inlined, strided
from explain.shapley import leaves, program, walking
from explain.shapley.leaves import leaf_interactions
from explain.shapley.program import (
    GROUP_BITS,
    GROUP_COLUMNS,
    GROUP_COLUMNS_END,
    GROUP_LEAVES,
    GROUP_LEAVES_END,
    GROUP_PATH,
    GROUP_TABLE,
    GROUP_TESTS,
    STEP_BIT,
    STEP_FLIP,
    STEP_FROM,
    STEP_GROUP,
    STEP_NEW,
    STEP_TEST,
    TEST_FEATURE,
    TREE_DEEP,
    TREE_LEAVES,
    TREE_STEPS,
    TREE_TESTS,
)
from explain.shapley.walking import (
    add_deep_leaves,
    decide,
    deep_satisfied,
    flushed,
    goes_left,
    pattern_of_group,
    prepare,
    step_down,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from explain.shapley.leaves import Unknown
    from explain.shapley.program import Program

    Integers = NDArray[np.int64]
    Reals = NDArray[np.float64]
    Bits = NDArray[np.uint16]


@intrinsic  # type: ignore[untyped-decorator]
def _fetch(_context: Any, array: Any, place: Any) -> Any:
    """Ask for a value of an array to be brought near the processor, without waiting for it."""
    from llvmlite import ir
    from numba import types

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte, whole = ir.IntType(8).as_pointer(), ir.IntType(32)
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        takes = ir.FunctionType(ir.VoidType(), [byte, whole, whole, whole])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], takes)
        address = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        builder.call(fetch, [address, whole(0), whole(3), whole(1)])  # to read, to be kept near, data
        return context.get_dummy_value()

    return types.void(array, place), generate


def _block(
    program: Program, tables: Reals, unknown: Unknown, columns: Reals, first: int, many: int, values: Reals,
    decided: Bits, patterns: Bits, rows: NDArray[np.int32], work: Reals, found: Reals,
) -> None:  # fmt: skip
    """Set `found` (U, B) to the values of `many` clients, at most B, from `first` on."""
    prepare(program, columns, first, many, values)
    found[:, :many] = 0.0
    pattern = patterns[len(patterns) - 1]
    for tree in range(len(program.trees) - 1):
        decide(program, tree, values, many, decided)
        for step in range(program.trees[tree, TREE_STEPS], program.trees[tree + 1, TREE_STEPS]):
            depth = step_down(program, step, decided, patterns, many)
            group = program.steps[step, STEP_GROUP]
            if group < 0:
                continue
            pattern_of_group(program, group, decided, patterns[depth], many, pattern)
            start, stop = program.groups[group, GROUP_COLUMNS], program.groups[group, GROUP_COLUMNS_END]
            width = np.int32(stop - start)
            for k in range(many):
                rows[k] = np.int32(pattern[k]) * width
            at = program.groups[group, GROUP_TABLE]
            for place in range(start, stop):
                line, given = found[program.group_columns[place]], tables[at + place - start :]
                for k in range(many):
                    line[k] += given[rows[k]]
    add_deep_leaves(program, unknown, values, many, decided, work, found)


def _one(
    program: Program, tables: Reals, unknown: Unknown, row: Reals, values: Reals, decided: Bits, patterns: Integers,
    at: Integers, work: Reals, found: Reals,
) -> None:  # fmt: skip
    """Set `found` (U, 1) to the values of one client, float64 (F,); `values` (U, 1), `decided` (tests, 1), `at` (G,).

    The rows of the tables lie far apart in memory: each is asked for as soon as its place is known, and added when all
    are.
    """
    for place in range(len(program.used)):
        values[place, 0] = flushed(row[program.used[place]])
        found[place, 0] = 0.0
    for tree in range(len(program.trees) - 1):
        start = program.trees[tree, TREE_TESTS]
        for test in range(start, program.trees[tree + 1, TREE_TESTS]):
            decided[test - start, 0] = goes_left(program, test, values[program.tests[test, TEST_FEATURE], 0])
        for step in range(program.trees[tree, TREE_STEPS], program.trees[tree + 1, TREE_STEPS]):
            depth, pattern = program.steps[step, STEP_FROM], 0
            if program.steps[step, STEP_TEST] >= 0:
                missed = int(decided[program.steps[step, STEP_TEST], 0]) ^ 1 ^ program.steps[step, STEP_FLIP]
                bit = program.steps[step, STEP_BIT]
                pattern = (patterns[depth] | program.steps[step, STEP_NEW] << bit) & ~(missed << bit)
                depth += 1
            patterns[depth] = pattern
            group = program.steps[step, STEP_GROUP]
            if group >= 0:
                at[group] = _row_of_table(program, group, decided, pattern)
                _fetch(tables, at[group])
                _fetch(
                    tables,
                    at[group] + program.groups[group, GROUP_COLUMNS_END] - program.groups[group, GROUP_COLUMNS] - 1,
                )
    for group in range(len(at)):
        start = program.groups[group, GROUP_COLUMNS]
        for place in range(start, program.groups[group, GROUP_COLUMNS_END]):
            found[program.group_columns[place], 0] += tables[at[group] + place - start]
    add_deep_leaves(program, unknown, values, 1, decided, work, found)


@inlined
def _row_of_table(program: Program, group: int, decided: Bits, pattern: int) -> int:
    """Return where one client's row of a group's table begins, after the pattern of the path."""
    shift, first = program.groups[group, GROUP_PATH], program.groups[group, GROUP_TESTS]
    for below in range(program.groups[group, GROUP_BITS] - shift):
        pattern |= int(decided[program.group_tests[first + below], 0]) << (shift + below)
    width = program.groups[group, GROUP_COLUMNS_END] - program.groups[group, GROUP_COLUMNS]
    return int(program.groups[group, GROUP_TABLE] + pattern * width)


def _count(
    program: Program, starts: Integers, columns: Reals, first: int, many: int, values: Reals, decided: Bits,
    patterns: Bits, counts: Reals, deep: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Add to `counts` how many clients have each pattern of each group; `deep` (I, m) is what deep leaves are told.

    That is, for each feature of each deep leaf, whether each client satisfies it.
    """
    prepare(program, columns, first, many, values)
    pattern = patterns[len(patterns) - 1]
    for tree in range(len(program.trees) - 1):
        decide(program, tree, values, many, decided)
        for step in range(program.trees[tree, TREE_STEPS], program.trees[tree + 1, TREE_STEPS]):
            depth = step_down(program, step, decided, patterns, many)
            group = program.steps[step, STEP_GROUP]
            if group >= 0:
                pattern_of_group(program, group, decided, patterns[depth], many, pattern)
                for k in range(many):
                    counts[starts[group] + pattern[k]] += 1.0
        start, stop = program.trees[tree, TREE_DEEP], program.trees[tree + 1, TREE_DEEP]
        for item in range(program.deep_items[start], program.deep_items[stop]):
            for k in range(many):
                deep[item, first + k] = deep_satisfied(program, item, decided, k)


def _interact(
    program: Program, unknown: Unknown, row: Reals, values: Reals, decided: Bits, patterns: Bits, work: Reals,
    room: Reals, found: Reals,
) -> None:  # fmt: skip
    """Add to `found` (U, U), on one side of its diagonal, the interaction values of one client, float64 (F,)."""
    for place in range(len(program.used)):
        values[place, 0] = flushed(row[program.used[place]])
    pattern = patterns[len(patterns) - 1]
    for tree in range(len(program.trees) - 1):
        decide(program, tree, values, 1, decided)
        for step in range(program.trees[tree, TREE_STEPS], program.trees[tree + 1, TREE_STEPS]):
            depth = step_down(program, step, decided, patterns, 1)
            group = program.steps[step, STEP_GROUP]
            if group >= 0:
                pattern_of_group(program, group, decided, patterns[depth], 1, pattern)
                _interact_in_group(program, unknown, group, int(pattern[0]), work, room, found)
        for leaf in range(program.trees[tree, TREE_DEEP], program.trees[tree + 1, TREE_DEEP]):
            _interact_in_deep_leaf(program, unknown, leaf, decided, work, room, found)


@inlined
def _interact_in_group(
    program: Program, unknown: Unknown, group: int, pattern: int, work: Reals, room: Reals, found: Reals
) -> None:
    columns = program.groups[group, GROUP_COLUMNS]
    for leaf in range(program.groups[group, GROUP_LEAVES], program.groups[group, GROUP_LEAVES_END]):
        first = program.leaf_items[leaf]
        d = program.leaf_items[leaf + 1] - first
        for j in range(d):
            work[0, j] = 1.0 if pattern & program.items[first + j, 1] == program.items[first + j, 2] else 0.0
        room[:d, :d] = 0.0
        ratios = program.ratios[first : first + d]
        leaf_interactions(work[0], ratios, d, program.leaf_values[leaf], unknown, work[1], room)
        for j in range(d):
            for k in range(j + 1, d):
                one = program.group_columns[columns + program.items[first + j, 0]]
                other = program.group_columns[columns + program.items[first + k, 0]]
                found[one, other] += room[j, k]


@inlined
def _interact_in_deep_leaf(
    program: Program, unknown: Unknown, leaf: int, decided: Bits, work: Reals, room: Reals, found: Reals
) -> None:
    first = program.deep_items[leaf]
    d = program.deep_items[leaf + 1] - first
    for j in range(d):
        work[0, j] = float(deep_satisfied(program, first + j, decided, 0))
    room[:d, :d] = 0.0
    ratios = program.deep_ratios[first : first + d]
    leaf_interactions(work[0], ratios, d, program.deep_values[leaf], unknown, work[1], room)
    for j in range(d):
        for k in range(j + 1, d):
            found[program.deep_features[first + j], program.deep_features[first + k]] += room[j, k]


def _raw(program: Program, columns: Reals, found: Reals) -> None:
    """Set `found` (m,) to the raw scores of clients, float64 (F, m): the leaves reached, added in the trees' order."""
    for k in range(columns.shape[1]):
        total = 0.0
        for tree in range(len(program.trees) - 1):
            start = program.trees[tree, TREE_TESTS]
            node = 0 if start < program.trees[tree + 1, TREE_TESTS] else -1
            while node >= 0:
                test = start + node
                value = flushed(columns[program.used[program.tests[test, TEST_FEATURE]], k])
                node = program.children[test, 1 - goes_left(program, test, value)]
            total += program.leaves[program.trees[tree, TREE_LEAVES] + ~node]
        found[k] = total


class Kernels(NamedTuple):
    """The compiled walks; see the functions for what they take. `block_of_singles` takes columns of float32."""

    block_of_singles: Callable[..., None]
    block: Callable[..., None]
    one: Callable[..., None]
    pattern_counts: Callable[..., None]
    interact: Callable[..., None]
    raw: Callable[..., None]


def kernels(made: Program, unknown: Unknown) -> Kernels:
    """Return the walks compiled for the types of a program, once for a machine."""
    import numba

    return _kernels(numba.typeof(made), numba.typeof(unknown))


@functools.cache
def _kernels(made: Any, unknown: Any) -> Kernels:
    settle = functools.partial(compiled, uses=(leaves, program, walking, models.trees))
    whole, reals, bits = column("int64", 0), column("float64", 2, written=True), column("uint16", 2, written=True)
    integers, row, rows = column("int64", written=True), column("float64"), column("int32", written=True)
    sums, told = column("float64", written=True), column("uint8", 2, written=True)
    singles, doubles = strided("float32"), strided("float64")
    where, room = (whole, whole), (reals, bits, bits)
    return Kernels(
        block_of_singles=settle(_block, made, row, unknown, singles, *where, *room, rows, reals, reals),
        block=settle(_block, made, row, unknown, doubles, *where, *room, rows, reals, reals),
        one=settle(_one, made, row, unknown, row, reals, bits, integers, integers, reals, reals),
        pattern_counts=settle(_count, made, column("int64"), doubles, *where, *room, sums, told),
        interact=settle(_interact, made, unknown, row, *room, reals, reals, reals),
        raw=settle(_raw, made, doubles, sums),
    )
