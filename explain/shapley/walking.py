"""What every walk through a program does: decide the tests of a tree, and hand patterns down to its groups of leaves.

Every loop runs over the clients of a block, whose values lie side by side, many of them at a time in a processor's
vector. No `fastmath`: it would break the tests for NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from data.compiling import inlined
from explain.shapley.leaves import leaf_values
from explain.shapley.program import (
    CATEGORY,
    GROUP_BITS,
    GROUP_PATH,
    GROUP_TESTS,
    NAN_LEFT,
    NAN_RIGHT,
    STEP_BIT,
    STEP_FLIP,
    STEP_FROM,
    STEP_NEW,
    STEP_TEST,
    TEST_FEATURE,
    TEST_KIND,
    TEST_WORDS,
    TEST_WORDS_END,
    TREE_DEEP,
    TREE_TESTS,
    ZERO_RIGHT,
)
from models.trees import ZERO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explain.shapley.leaves import Unknown
    from explain.shapley.program import Program

    Reals = NDArray[np.float64]
    Bits = NDArray[np.uint16]

_BITS_IN_WORD = 32
_MOST_CATEGORY = 2.0**31


@inlined
def flushed(value: float) -> float:
    """Return a value as LightGBM reads it: what is next to zero is zero."""
    return 0.0 if abs(value) <= ZERO else value


@inlined
def in_category(value: float, words: NDArray[np.uint32], start: int, stop: int) -> int:
    """Return 1 where a category is in a set: as LightGBM, which cuts off what is after the point."""
    if not (value > -1.0 and value < _MOST_CATEGORY):  # NaN neither
        return 0
    category = int(value)
    word = start + category // _BITS_IN_WORD
    if word >= stop:
        return 0
    return 1 if (words[word] >> np.uint32(category % _BITS_IN_WORD)) & np.uint32(1) else 0


@inlined
def goes_left(program: Program, test: int, value: float) -> int:
    """Return 1 where a client with that value, flushed, goes left at a test, else 0."""
    kind, threshold = program.tests[test, TEST_KIND], program.thresholds[test]
    if kind <= NAN_LEFT:  # without a branch between these two, which would be guessed wrong half of the time
        return int(int(value <= threshold) | (int(not (value > threshold)) & kind))
    if kind == CATEGORY:
        return in_category(value, program.words, program.tests[test, TEST_WORDS], program.tests[test, TEST_WORDS_END])
    if kind == ZERO_RIGHT:
        return int(value <= threshold and value != 0.0)
    return int(not (value > threshold) or value == 0.0)


@inlined
def prepare(program: Program, columns: Reals, first: int, many: int, values: Reals) -> None:
    """Widen the used features of clients `first` on to double, and flush them."""
    for place in range(len(program.used)):
        feature = program.used[place]
        for k in range(many):
            values[place, k] = flushed(float(columns[feature, first + k]))


@inlined
def _decide_missing(kind: int, row: Reals, threshold: float, many: int, found: Bits) -> None:
    """Decide a test that takes zero for missing."""
    if kind == ZERO_RIGHT:
        for k in range(many):
            found[k] = np.uint16(row[k] <= threshold and row[k] != 0.0)
    else:
        for k in range(many):
            found[k] = np.uint16(not (row[k] > threshold) or row[k] == 0.0)


@inlined
def decide(program: Program, tree: int, values: Reals, many: int, decided: Bits) -> None:
    """Say for every test of a tree which clients go left."""
    start = program.trees[tree, TREE_TESTS]
    for test in range(start, program.trees[tree + 1, TREE_TESTS]):
        row, found = values[program.tests[test, TEST_FEATURE]], decided[test - start]
        kind, threshold = program.tests[test, TEST_KIND], program.thresholds[test]
        if kind == NAN_RIGHT:
            for k in range(many):
                found[k] = np.uint16(row[k] <= threshold)
        elif kind == NAN_LEFT:
            for k in range(many):
                found[k] = np.uint16(not (row[k] > threshold))
        elif kind == CATEGORY:
            for k in range(many):
                found[k] = np.uint16(goes_left(program, test, row[k]))
        else:
            _decide_missing(kind, row, threshold, many, found)


@inlined
def step_down(program: Program, step: int, decided: Bits, patterns: Bits, many: int) -> int:
    """Hand the patterns of some clients down one step, and return the depth reached.

    A step to a new feature sets its bit where the client goes its way; one to a feature that was on the way before
    clears its bit where the client doesn't.
    """
    depth = program.steps[step, STEP_FROM]
    if program.steps[step, STEP_TEST] < 0:
        for k in range(many):
            patterns[depth, k] = np.uint16(0)
        return int(depth)
    before, found, test = patterns[depth], patterns[depth + 1], decided[program.steps[step, STEP_TEST]]
    missed, bit = np.uint16(program.steps[step, STEP_FLIP] ^ 1), np.uint16(program.steps[step, STEP_BIT])
    fresh = np.uint16(program.steps[step, STEP_NEW]) << bit
    for k in range(many):
        found[k] = (before[k] | fresh) & ~((test[k] ^ missed) << bit)
    return int(depth) + 1


@inlined
def pattern_of_group(program: Program, group: int, decided: Bits, path: Bits, many: int, found: Bits) -> None:
    """Put a group's patterns together: the bits of the path, and one for each test below."""
    shift, first = program.groups[group, GROUP_PATH], program.groups[group, GROUP_TESTS]
    for k in range(many):
        found[k] = path[k]
    for below in range(program.groups[group, GROUP_BITS] - shift):
        test, bit = decided[program.group_tests[first + below]], np.uint16(shift + below)
        for k in range(many):
            found[k] |= test[k] << bit


@inlined
def deep_satisfied(program: Program, item: int, decided: Bits, k: int) -> int:
    """Return 1 where client `k` goes the leaf's way at every test on a feature of a deep leaf, else 0."""
    for way in range(program.deep_tests[item], program.deep_tests[item + 1]):
        if decided[program.deep_ways[way, 0], k] != program.deep_ways[way, 1]:
            return 0
    return 1


@inlined
def _add_deep_leaf(
    program: Program, unknown: Unknown, leaf: int, decided: Bits, k: int, work: Reals, found: Reals
) -> None:
    first = program.deep_items[leaf]
    d = program.deep_items[leaf + 1] - first
    satisfied, products, given = work[0], work[1], work[2]
    for j in range(d):
        satisfied[j] = float(deep_satisfied(program, first + j, decided, k))
        given[j] = 0.0
    for line in range(unknown.lines[leaf], unknown.lines[leaf + 1]):
        start = unknown.starts[leaf] + (line - unknown.lines[leaf]) * d
        value = program.deep_values[leaf] * unknown.shares[line]
        leaf_values(satisfied, unknown.satisfied[start : start + d], d, value, unknown, products, given)
    for j in range(d):
        found[program.deep_features[first + j], k] += given[j]


@inlined
def add_deep_leaves(
    program: Program, unknown: Unknown, values: Reals, many: int, decided: Bits, work: Reals, found: Reals
) -> None:
    """Add the values of all leaves without a table, client by client; `work` (3, d + 1) is room to work in.

    They come last, so that one client's sums are made in the same order alone and in a block.
    """
    for tree in range(len(program.trees) - 1):
        first, stop = program.trees[tree, TREE_DEEP], program.trees[tree + 1, TREE_DEEP]
        if first < stop:
            decide(program, tree, values, many, decided)
        for leaf in range(first, stop):
            for k in range(many):
                _add_deep_leaf(program, unknown, leaf, decided, k, work, found)
