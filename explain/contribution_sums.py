"""What is kept of the contributions of some clients, made in one pass over them, compiled once for a machine."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from data.compiling import column, compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What is kept of the contributions of m clients, in log-odds of repayment.

    Attributes
    ----------
    values : float32 (U, m), the contributions of the features used.
    by_group : float32 (m, G), their sums by group, made in double precision.
    strongest : uint16 (m, K), places among the model's features of the strongest, the strongest first; of equals, the
        first in the model's order.
    strongest_values : float32 (m, K), their contributions.
    totals : float64 (m,), sum of all the contributions.
    """

    values: NDArray[np.float32]
    by_group: NDArray[np.float32]
    strongest: NDArray[np.uint16]
    strongest_values: NDArray[np.float32]
    totals: NDArray[np.float64]

    @classmethod
    def empty(cls, clients: int, used: int, groups: int, strongest: int) -> Self:
        """Return room for that many clients, features used, groups and strongest features."""
        return cls(
            np.empty((used, clients), np.float32),
            np.empty((clients, groups), np.float32),
            np.empty((clients, strongest), np.uint16),
            np.empty((clients, strongest), np.float32),
            np.empty(clients, np.float64),
        )

    def fill(
        self, start: int, contributions: NDArray[np.float64], used: NDArray[np.int64], group_of: NDArray[np.int64]
    ) -> None:
        """Keep the contributions of some clients in the places from `start` on.

        Parameters
        ----------
        start : place of the first of them.
        contributions : float64 (U, k), one line a feature used.
        used : int64 (U,), their places among the model's features, ascending.
        group_of : int64 (U,), place among the groups of each.
        """
        clients = contributions.shape[1]
        stop = start + clients
        sums = np.zeros((self.by_group.shape[1], clients))
        strength = np.full((clients, self.strongest.shape[1]), -1.0)
        _compiled()(
            contributions,
            used,
            group_of,
            start,
            self.values,
            sums,
            strength,
            np.full(clients, -1.0),
            self.strongest[start:stop],
            self.strongest_values[start:stop],
            self.totals[start:stop],
        )
        self.by_group[start:stop] = sums.T


def _keep(
    contributions: NDArray[np.float64],
    used: NDArray[np.int64],
    group_of: NDArray[np.int64],
    start: int,
    values: NDArray[np.float32],
    sums: NDArray[np.float64],
    strength: NDArray[np.float64],
    least: NDArray[np.float64],
    strongest: NDArray[np.uint16],
    strongest_values: NDArray[np.float32],
    totals: NDArray[np.float64],
) -> None:
    """Fill what `Kept` has; `least` is the last of each client's `strength`, which must begin below 0, as `least`."""
    clients, kept = strength.shape
    totals[:] = 0.0
    for line in range(len(used)):
        feature, group = np.uint16(used[line]), group_of[line]
        for client in range(clients):
            value = contributions[line, client]
            values[line, start + client] = np.float32(value)
            sums[group, client] += value
            totals[client] += value
        if kept == 0:
            continue
        for client in range(clients):
            size = abs(contributions[line, client])
            if size > least[client]:
                place = kept - 1
                while place > 0 and strength[client, place - 1] < size:
                    strength[client, place] = strength[client, place - 1]
                    strongest[client, place] = strongest[client, place - 1]
                    strongest_values[client, place] = strongest_values[client, place - 1]
                    place -= 1
                strength[client, place] = size
                strongest[client, place] = feature
                strongest_values[client, place] = np.float32(contributions[line, client])
                least[client] = strength[client, kept - 1]


@functools.cache
def _compiled() -> Callable[..., None]:
    doubles, many = column("float64", written=True), column("float64", 2, written=True)
    return compiled(
        _keep,
        column("float64", 2),
        column("int64"),
        column("int64"),
        column("int64", 0),
        column("float32", 2, written=True),
        many,
        many,
        doubles,
        column("uint16", 2, written=True),
        column("float32", 2, written=True),
        doubles,
    )
