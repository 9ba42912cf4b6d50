"""Where a client stands for one feature, among all the clients of the portfolio and among the accepted ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from data.errors import InvalidOption

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 40
WINSORISED = 0.005


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in a population: among its clients who have a value, infinite ones included.

    Attributes
    ----------
    clients : clients of the population, with a value or without.
    below, same, above : shares in [0, 1] of those with a value: strictly below it, equal to it, strictly above it; they
        sum to 1. None where the client, or everybody else, has no value.
    median : of those with a value; None where nobody has one.
    missing : share in [0, 1] of the population that has no value; None where the population is empty.
    """

    clients: int
    below: float | None
    same: float | None
    above: float | None
    median: float | None
    missing: float | None

    @property
    def rank(self) -> float | None:
        """Share in [0, 1] strictly below, plus half of those equal."""
        return None if self.below is None or self.same is None else self.below + self.same / 2


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How many clients have a finite value in each bin; bin i is [edges[i], edges[i + 1]).

    Values outside the 0.5 % and 99.5 % quantiles of all clients are counted in the first and the last bin. A feature of
    whole numbers has bins of a whole width.

    Attributes
    ----------
    edges : (B + 1,) float64, ascending, in the feature's unit; (1,) where nobody has a finite value.
    everyone, accepted : (B,) int64, clients.
    client_bin : bin of the client's value; None where it is missing or infinite.
    """

    edges: NDArray[np.float64]
    everyone: NDArray[np.int64]
    accepted: NDArray[np.int64]
    client_bin: int | None

    def frame(self) -> pl.DataFrame:
        """Return one row a bin: start, end (the feature's unit), everyone, accepted (clients) and is_client."""
        return pl.DataFrame(
            {
                "start": self.edges[:-1],
                "end": self.edges[1:],
                "everyone": self.everyone,
                "accepted": self.accepted,
                "is_client": np.arange(self.everyone.size) == (-1 if self.client_bin is None else self.client_bin),
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where a client stands for one feature.

    Attributes
    ----------
    feature : name of the feature.
    value : the client's, in the feature's unit; None where it is missing.
    everyone, accepted : the place among all clients, and among the accepted ones.
    histogram : of the finite values of both, in shared bins.
    """

    feature: str
    value: float | None
    everyone: Place
    accepted: Place
    histogram: Histogram

    def frame(self) -> pl.DataFrame:
        """Return one row a population ("everyone", "accepted"): its place's shares, median, and share missing."""
        places = {"everyone": self.everyone, "accepted": self.accepted}
        return pl.DataFrame(
            [
                {
                    "feature": self.feature,
                    "value": self.value,
                    "population": name,
                    "clients": place.clients,
                    "below": place.below,
                    "same": place.same,
                    "above": place.above,
                    "median": place.median,
                    "missing": place.missing,
                }
                for name, place in places.items()
            ],
            schema_overrides=dict.fromkeys(("value", "below", "same", "above", "median", "missing"), pl.Float64),
        )


def stand(
    feature: str,
    column: NDArray[np.float32],
    accepted: NDArray[np.bool_],
    position: int,
    *,
    value: float | None = None,
    bins: int = BINS,
) -> Standing:
    """Return where a client stands for one feature.

    Parameters
    ----------
    feature : name of the feature, kept in the result.
    column : (n,) float32, the feature of every client, NaN where there is none; infinities are values.
    accepted : (n,) bool, which clients are accepted.
    position : row of the client.
    value : the client's value where it is not the column's, as when a change is tried; it is rounded to float32, as
        every feature is. NaN says that it is missing.
    bins : greatest number of bins of the histogram, at least 1.

    Raises
    ------
    InvalidOption
        If the two arrays don't have one length, or if `bins` is below 1.
    """
    if column.shape != accepted.shape or column.ndim != 1:
        raise InvalidOption(
            f"Feature {feature} has shape {column.shape}, the decisions {accepted.shape}: not the same clients."
        )
    if bins < 1:
        raise InvalidOption(f"A histogram has at least 1 bin, not {bins}.")
    own = np.float32(column[position] if value is None else value)
    present = ~np.isnan(column)
    everyone = np.sort(column[present])
    chosen = np.sort(column[present & accepted])
    return Standing(
        feature=feature,
        value=None if np.isnan(own) else float(own),
        everyone=_place(everyone, own, column.size),
        accepted=_place(chosen, own, int(np.count_nonzero(accepted))),
        histogram=_histogram(everyone, chosen, own, bins),
    )


def _place(ordered: NDArray[np.float32], own: np.float32, clients: int) -> Place:
    """Return the place of a value among the sorted values of a population."""
    size = ordered.size
    below = same = above = None
    if size and not np.isnan(own):
        start, stop = (int(np.searchsorted(ordered, own, side=side)) for side in ("left", "right"))
        below, same, above = start / size, (stop - start) / size, (size - stop) / size
    return Place(
        clients=clients,
        below=below,
        same=same,
        above=above,
        median=_median(ordered) if size else None,
        missing=(clients - size) / clients if clients else None,
    )


def _median(ordered: NDArray[np.float32]) -> float:
    """Return the median of sorted values; the lower of the middle two where their mean is not a number."""
    low, high = float(ordered[(ordered.size - 1) // 2]), float(ordered[ordered.size // 2])
    return low if low == high or (np.isinf(low) and np.isinf(high)) else low / 2 + high / 2


def _histogram(everyone: NDArray[np.float32], accepted: NDArray[np.float32], own: np.float32, bins: int) -> Histogram:
    finite, finite_accepted = _finite(everyone), _finite(accepted)
    if not finite.size:
        nobody = np.zeros(0, dtype=np.int64)
        return Histogram(np.zeros(1), nobody, nobody, None)
    edges = _edges(finite, bins)
    inner = edges[1:-1]
    counts = [
        np.diff(np.searchsorted(values, inner, side="left"), prepend=0, append=values.size).astype(np.int64)
        for values in (finite, finite_accepted)
    ]
    client_bin = int(np.searchsorted(inner, own, side="right")) if np.isfinite(own) else None
    for array in (edges, *counts):
        array.setflags(write=False)
    return Histogram(edges, counts[0], counts[1], client_bin)


def _finite(ordered: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the finite ones of sorted values, themselves sorted: infinities are at both ends."""
    start = np.searchsorted(ordered, np.float32(-np.inf), side="right")
    stop = np.searchsorted(ordered, np.float32(np.inf), side="left")
    return ordered[start:stop]


def _edges(finite: NDArray[np.float32], bins: int) -> NDArray[np.float64]:
    """Return at most `bins` + 1 edges over the sorted finite values, their furthest 0.5 % on each side left out."""
    last = finite.size - 1
    low, high = float(finite[int(last * WINSORISED)]), float(finite[last - int(last * WINSORISED)])
    if low == high:  # nearly everyone has one value: the few others are what there is to see
        low, high = float(finite[0]), float(finite[-1])
    if low == high:
        half = max(0.5, abs(low) * 1e-6)
        return np.array([low - half, high + half])
    if np.array_equal(finite, np.rint(finite)):
        width = float(np.ceil((high - low + 1) / bins))
        count = int(np.ceil((high - low + 1) / width))
        return np.asarray(low - 0.5 + width * np.arange(count + 1), dtype=np.float64)
    return np.linspace(low, high, bins + 1, dtype=np.float64)
