"""The swarm of one feature: every client at its contribution, spread where many are, and ranked by the value behind it.

Nothing is drawn at random: a client's spread depends on its place in the portfolio alone, so that the same clients
always make the same picture.

Source: the "beeswarm" of S. Lundberg et al., "From local explanations to global understanding with explainable AI for
trees", 2020, doi:10.1038/s42256-019-0138-9, here of every client.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from data.errors import InvalidOption

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARTS = ("low", "middle", "high", "missing")
WIDEST = 0.46
_BINS = 512
_SMOOTH = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0
_OUTSIDE = 0.0005
_GOLDEN = 0.6180339887498949
_QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True, eq=False)
class Swarm:
    """Where every client is drawn in the band of one feature.

    Attributes
    ----------
    feature : name of the feature.
    contribution : (n,) float32, log-odds of repayment: above zero helps the client.
    offset : (n,) float32, in [-WIDEST, WIDEST], from the middle of the band.
    rank : (n,) float32, in [0, 1], of the client's value among all clients; NaN where it is missing.
    usual : the least and the greatest contribution with the furthest 0.05 % of clients left out on each side; both 0
        where there is nobody.
    """

    feature: str
    contribution: NDArray[np.float32]
    offset: NDArray[np.float32]
    rank: NDArray[np.float32]
    usual: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What a feature contributes to the clients with a low, a middle, a high value, and to those without.

    Attributes
    ----------
    feature : name of the feature.
    clients : (4,) int64, clients whose value is in the lowest, middle and highest third of the ranks, or missing.
    least, greatest : (4,) float64, of their values, in the feature's unit; NaN where there are none.
    quantiles : (4, 3) float64, the 10 %, 50 % and 90 % quantiles of their contributions, log-odds of repayment; NaN
        where there is nobody.
    """

    feature: str
    clients: NDArray[np.int64]
    least: NDArray[np.float64]
    greatest: NDArray[np.float64]
    quantiles: NDArray[np.float64]

    def frame(self) -> pl.DataFrame:
        """Return one row a part: feature, part, clients, least, greatest (the feature's unit), q10, median, q90."""
        return pl.DataFrame(
            {
                "feature": [self.feature] * len(PARTS),
                "part": PARTS,
                "clients": self.clients,
                "least": self.least,
                "greatest": self.greatest,
                "q10": self.quantiles[:, 0],
                "median": self.quantiles[:, 1],
                "q90": self.quantiles[:, 2],
            }
        )


def swarm(feature: str, contribution: NDArray[np.float32], rank: NDArray[np.float32]) -> Swarm:
    """Return the swarm of a feature.

    Parameters
    ----------
    feature : its name, kept in the result.
    contribution : (n,) float32, log-odds of repayment, of all clients or of some, in the portfolio's order.
    rank : (n,) float32, as `ranks` gives it over all clients, or the other way round where people read it so.

    Raises
    ------
    InvalidOption
        If the two don't have one length.
    """
    _check(feature, contribution.shape, rank.shape)
    offset = offsets(contribution)
    offset.setflags(write=False)
    return Swarm(feature, contribution, offset, rank, _usual(contribution))


def parts(
    feature: str, values: NDArray[np.float32], contribution: NDArray[np.float32], rank: NDArray[np.float32]
) -> Parts:
    """Return what a feature contributes, by its value.

    Parameters
    ----------
    feature, contribution, rank : as `swarm` reads them.
    values : (n,) float32, the feature of the same clients, NaN where missing.

    Raises
    ------
    InvalidOption
        If the three don't have one length.
    """
    _check(feature, values.shape, contribution.shape, rank.shape)
    part = np.where(np.isnan(rank), np.float32(3.0), np.minimum(np.floor(rank * 3.0), 2.0)).astype(np.int8)
    clients = np.bincount(part, minlength=len(PARTS)).astype(np.int64)
    quantiles = np.full((len(PARTS), len(_QUANTILES)), np.nan)
    least, greatest = np.full((2, len(PARTS)), np.nan)
    for number in np.flatnonzero(clients):
        chosen = part == number
        quantiles[number] = np.quantile(contribution[chosen], _QUANTILES)
        least[number], greatest[number] = values[chosen].min(), values[chosen].max()
    for array in (clients, least, greatest, quantiles):
        array.setflags(write=False)
    return Parts(feature, clients, least, greatest, quantiles)


def ranks(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rank of every value among those there are, (n,) float32, NaN where a value is missing.

    A rank is the share of values strictly below, plus half of those equal, stretched so that the lowest value has 0 and
    the highest 1; where all are equal it is 0.5. Infinities are values.
    """
    rank = np.full(values.shape, np.nan, dtype=np.float32)
    order = np.argsort(values)  # what is missing comes last
    present = values.size - int(np.count_nonzero(np.isnan(values)))
    if present:
        ordered = values[order[:present]]
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        counts = np.diff(starts, append=present)
        middles = starts + counts / 2
        span = middles[-1] - middles[0]
        stretched = (middles - middles[0]) / span if span else np.full(1, 0.5)
        rank[order[:present]] = np.repeat(stretched.astype(np.float32), counts)
    rank.setflags(write=False)
    return rank


@functools.lru_cache(4)
def spread(count: int) -> NDArray[np.float32]:
    """Return a number in [-1, 1) for each of `count` clients, evenly spread however few neighbours are looked at."""
    found = ((np.arange(count) * _GOLDEN) % 1.0 * 2.0 - 1.0).astype(np.float32)
    found.setflags(write=False)
    return found


def offsets(contribution: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far from the middle each client is drawn, (n,) float32: the root of the density there at most."""
    if not contribution.size:
        return np.zeros(0, dtype=np.float32)
    low, high = float(contribution.min()), float(contribution.max())
    scale = np.float32((_BINS - 1) / (high - low)) if high > low else np.float32(0.0)
    bins = ((contribution - np.float32(low)) * scale).astype(np.int32)
    density = np.convolve(np.bincount(bins, minlength=_BINS).astype(np.float64), _SMOOTH, mode="same")
    height = (WIDEST * np.sqrt(density / density.max())).astype(np.float32)
    found: NDArray[np.float32] = height[bins] * spread(contribution.size)
    return found


def _usual(contribution: NDArray[np.float32]) -> tuple[float, float]:
    if not contribution.size:
        return 0.0, 0.0
    last = contribution.size - 1
    left_out = int(last * _OUTSIDE)
    parted = np.partition(contribution, [left_out, last - left_out])
    return float(parted[left_out]), float(parted[last - left_out])


def _check(feature: str, *shapes: tuple[int, ...]) -> None:
    if len(set(shapes)) > 1 or len(shapes[0]) != 1:
        told = " and ".join(map(str, shapes))
        raise InvalidOption(f"What is given of feature {feature} has shapes {told}: one of each a client is needed.")
