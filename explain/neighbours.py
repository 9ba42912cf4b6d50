"""The clients most like one: those whose scores have the most similar reasons, accepted ones and refused ones.

Two clients are near where their contributions by source column are: the distance is the Euclidean one, in log-odds of
repayment. It is computed to every client, exactly (SciPy's `cdist`, in double precision), in one pass over the
contributions as they lie in memory: at some hundred dimensions that took less time than a tree, needs no second copy,
and ties are told apart in one way only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.spatial.distance import cdist

from data.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

COUNT = 3
APART = 3
_BLOCK = 2048


@dataclass(frozen=True, slots=True)
class Apart:
    """A group that sets a client apart from another.

    Attributes
    ----------
    group : source column, "table.column".
    own, other : contributions of the group to the client's score and to the other's, log-odds of repayment.
    """

    group: str
    own: float
    other: float

    @property
    def difference(self) -> float:
        """`own - other`, log-odds of repayment: above zero where it favours the client."""
        return self.own - self.other


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A client like another one.

    Attributes
    ----------
    position : row of the portfolio.
    accepted : whether that client is accepted.
    distance : Euclidean distance of the contributions by group, log-odds of repayment; 0 for the very same ones.
    apart : the groups whose contributions differ most, the furthest first; none where all are equal.
    """

    position: int
    accepted: bool
    distance: float
    apart: tuple[Apart, ...]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The clients nearest to one of them, itself left out. Those at one distance are in ascending order of row.

    Attributes
    ----------
    position : row of the client.
    accepted, refused : the nearest accepted and the nearest refused clients, the nearest first; fewer than asked for
        where there are no more.
    usual_distance : median distance of all the other clients, log-odds of repayment; None where there is no other.
    """

    position: int
    accepted: tuple[Neighbour, ...]
    refused: tuple[Neighbour, ...]
    usual_distance: float | None

    def frame(self) -> pl.DataFrame:
        """Return one row a neighbour and group that sets it apart; group, own and other are null where none does.

        Columns: position, accepted, distance, group, own and other (contributions, log-odds of repayment).
        """
        rows = [
            (found.position, found.accepted, found.distance, *_cells(apart))
            for found in (*self.accepted, *self.refused)
            for apart in found.apart or (None,)
        ]
        kinds = {"position": pl.Int64, "accepted": pl.Boolean, "distance": pl.Float64, "group": pl.String}
        return pl.DataFrame(rows, schema={**kinds, "own": pl.Float64, "other": pl.Float64}, orient="row")


def neighbours(
    by_group: NDArray[np.float32],
    groups: Sequence[str],
    accepted: NDArray[np.bool_],
    position: int,
    *,
    count: int = COUNT,
    apart: int = APART,
) -> Neighbours:
    """Return the accepted and the refused clients nearest to one client.

    Parameters
    ----------
    by_group : (n, G) float32, contributions of every client by group, log-odds of repayment.
    groups : the G groups, "table.column".
    accepted : (n,) bool, which clients are accepted.
    position : row of the client, from 0.
    count : greatest number of clients of each decision, at least 1.
    apart : greatest number of groups told for each, at least 1.

    Raises
    ------
    InvalidOption
        If the arrays are not of the same clients and groups, there is no such row, or a number is below 1.
    """
    if by_group.shape != (len(accepted), len(groups)):
        raise InvalidOption(
            f"The contributions have shape {by_group.shape}; {len(accepted)} decisions and {len(groups)} groups were "
            "given with them: not the same clients, or not the same model."
        )
    if not 0 <= position < len(accepted):
        raise InvalidOption(f"There is no row {position} among {len(accepted)} clients, counted from 0.")
    if count < 1 or apart < 1:
        raise InvalidOption(f"At least 1 client and 1 group are asked for, not {count} and {apart}.")
    squares = squared_distances(by_group, by_group[position])
    others = np.ones(len(accepted), dtype=np.bool_)
    others[position] = False

    def told(row: int) -> Neighbour:
        own, other = by_group[position].astype(np.float64), by_group[row].astype(np.float64)
        order = np.argsort(-np.abs(own - other), kind="stable")[:apart]
        differing = [place for place in order.tolist() if own[place] != other[place]]
        return Neighbour(
            position=row,
            accepted=bool(accepted[row]),
            distance=float(np.sqrt(squares[row])),
            apart=tuple(Apart(groups[place], float(own[place]), float(other[place])) for place in differing),
        )

    near, far = (map(told, _nearest(squares, others & kind, count)) for kind in (accepted, ~accepted))
    usual = float(np.median(np.sqrt(squares[others]))) if len(accepted) > 1 else None
    return Neighbours(position, tuple(near), tuple(far), usual)


def squared_distances(by_group: NDArray[np.float32], point: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the squared Euclidean distance of every row to a point, summed in double precision.

    Parameters
    ----------
    by_group : (n, G) float32; it is read block by block, in the order in which it lies.
    point : (G,) float32.

    Returns
    -------
    (n,) float64, log-odds squared.
    """
    squares = np.empty(len(by_group))
    for start in range(0, len(by_group), _BLOCK):
        block = by_group[start : start + _BLOCK]
        squares[start : start + _BLOCK] = cdist(block, point[np.newaxis], "sqeuclidean")[:, 0]
    return squares


def _cells(apart: Apart | None) -> tuple[str | None, float | None, float | None]:
    return (apart.group, apart.own, apart.other) if apart else (None, None, None)


def _nearest(squares: NDArray[np.float64], kept: NDArray[np.bool_], count: int) -> list[int]:
    """Return the rows kept that have the least values, these ascending and rows of one value ascending."""
    rows = np.flatnonzero(kept)
    if len(rows) > count:
        furthest = np.partition(squares[rows], count - 1)[count - 1]
        rows = rows[squares[rows] <= furthest]
    order = np.lexsort((rows, squares[rows]))[:count]
    return [int(row) for row in rows[order]]
