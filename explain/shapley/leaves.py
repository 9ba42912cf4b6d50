"""Shapley values of one leaf, from which of its features the client satisfies, and whoever stands for the unknown.

A leaf of value w is reached by a coalition S of features, those known, where every feature of S is satisfied by the
client, and every other one by whoever stands for the unknown. With o_j = 1 where the client satisfies feature j, and
r_j the chance that the other one does, feature j's Shapley value is

    w (o_j - r_j) * integral over x from 0 to 1 of the product over the other features i of (o_i x + r_i (1 - x))

and the Shapley interaction value of j and k is

    w (o_j - r_j) (o_k - r_k) * the same integral, of the product over the features other than both

The integrand is a polynomial in x of degree d - 1 at most, so Gauss-Legendre quadrature with (d + 1) // 2 points gives
it exactly, and since no factor is negative, without cancellation at any depth.

Sources: S. Lundberg et al., "From local explanations to global understanding with explainable AI for trees", 2020,
doi:10.1038/s42256-019-0138-9; G. Owen, "Multilinear extensions of games", 1972, doi:10.1287/mnsc.18.5.64, for the
integral.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data.compiling import inlined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explain.shapley.program import Program

    Reals = NDArray[np.float64]


class Unknown(NamedTuple):
    """Who stands for the unknown at the leaves without a table, read only.

    Attributes
    ----------
    lines : (L + 1,) int64, where each deep leaf's lines begin: one a different pattern of the reference population, or
        a single one of the shares of training clients.
    starts : (L,) int64, where each deep leaf's values begin in `satisfied`: d a line.
    shares : float64, of each line, its share of the population.
    satisfied : float64, of each line, the chance that each of the d features is satisfied.
    points, weights : (n + 1, n) float64, Gauss-Legendre points and weights on [0, 1], those of k points in line k.
    """

    lines: NDArray[np.int64]
    starts: NDArray[np.int64]
    shares: Reals
    satisfied: Reals
    points: Reals
    weights: Reals


@functools.cache
def quadrature(features: int) -> tuple[Reals, Reals]:
    """Return the points and weights, each (n + 1, n), that leaves of up to so many features need."""
    most = max(1, (features + 1) // 2)
    points, weights = np.zeros((most + 1, most)), np.zeros((most + 1, most))
    for count in range(1, most + 1):
        x, w = np.polynomial.legendre.leggauss(count)
        points[count, :count], weights[count, :count] = (x + 1.0) / 2.0, w / 2.0
    for array in (points, weights):
        array.setflags(write=False)
    return points, weights


def most_features(program: Program) -> int:
    """Return the greatest number of features of a leaf, at least 1."""
    tabled, deep = np.diff(program.leaf_items), np.diff(program.deep_items)
    return int(max(tabled.max(initial=1), deep.max(initial=1)))


@inlined
def leaf_values(
    satisfied: Reals, others: Reals, d: int, value: float, unknown: Unknown, products: Reals, given: Reals
) -> None:
    """Add to `given` (d,) the Shapley values of a leaf.

    Parameters
    ----------
    satisfied : (d,) float64, 1 for each feature that the client satisfies, else 0.
    others : (d,) float64, the chance that whoever stands for the unknown satisfies it, in [0, 1].
    d : number of features.
    value : of the leaf.
    unknown : for its quadrature.
    products : (d + 1,) float64, room to work in.
    given : what is added to.
    """
    count = (d + 1) // 2
    for q in range(count):
        x, weight = unknown.points[count, q], unknown.weights[count, q] * value
        # the product of the others, from both sides: dividing by a factor could divide by zero
        products[0] = 1.0
        for j in range(d):
            products[j + 1] = products[j] * (satisfied[j] * x + others[j] * (1.0 - x))
        after = 1.0
        for j in range(d - 1, -1, -1):
            given[j] += weight * (satisfied[j] - others[j]) * products[j] * after
            after *= satisfied[j] * x + others[j] * (1.0 - x)


@inlined
def leaf_interactions(
    satisfied: Reals, others: Reals, d: int, value: float, unknown: Unknown, products: Reals, given: Reals
) -> None:
    """Add to `given` (d, d), above its diagonal, the Shapley interaction values of a leaf; as `leaf_values`."""
    count = (d + 1) // 2
    for q in range(count):
        x, weight = unknown.points[count, q], unknown.weights[count, q] * value
        for j in range(d):
            # the products of the factors other than j, up to each k
            products[0] = 1.0
            for k in range(d):
                factor = 1.0 if k == j else satisfied[k] * x + others[k] * (1.0 - x)
                products[k + 1] = products[k] * factor
            after = weight * (satisfied[j] - others[j])
            for k in range(d - 1, j, -1):
                given[j, k] += after * (satisfied[k] - others[k]) * products[k]
                after *= satisfied[k] * x + others[k] * (1.0 - x)
