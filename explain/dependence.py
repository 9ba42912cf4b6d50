"""The dependence of a feature's contribution on its value, over every client, and what else the contribution turns on.

A feature's contribution is no function of its value alone: clients with one value are told apart by the others. Which
other feature tells them apart best is found over all clients, by the idea of shap's `approximate_interactions`: in
bins of the feature's value, how strongly the contribution goes with the other feature's value, or with its absence.

Source: S. Lundberg et al., "From local explanations to global understanding with explainable AI for trees", 2020,
doi:10.1038/s42256-019-0138-9.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from data.compiling import column, compiled
from data.cores import threads
from data.errors import InvalidOption
from explain.swarm import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

FEW = 12
CURVE, DECILES = 40, 10
BINS = 16
_JITTER = 0.36
_OUTSIDE = 0.005
_OUTSIDE_CONTRIBUTIONS = 0.0005
_QUANTILES = (0.1, 0.5, 0.9)
_SUMS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Clients by value, from the lowest to the highest; clients with one value are never parted.

    Attributes
    ----------
    low, high : (B,) float64, the least and the greatest value in each bin, in the feature's unit.
    middle : (B,) float64, the median value in each.
    clients : (B,) int64.
    quantiles : (B, 3) float64, the 10 %, 50 % and 90 % quantiles of their contributions, log-odds of repayment.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    middle: NDArray[np.float64]
    clients: NDArray[np.int64]
    quantiles: NDArray[np.float64]

    def frame(self) -> pl.DataFrame:
        """Return one row a bin: low, high, middle, clients, and q10, median, q90 (log-odds of repayment)."""
        q10, median, q90 = self.quantiles.T
        return pl.DataFrame(
            {
                "low": self.low,
                "high": self.high,
                "middle": self.middle,
                "clients": self.clients,
                "q10": q10,
                "median": median,
                "q90": q90,
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class Dependence:
    """The contribution of one feature against its value, for n clients.

    Attributes
    ----------
    feature : name of the feature.
    contribution : (n,) float32, log-odds of repayment: above zero helps the client.
    place : (n,) float32, where a client is drawn across: at its value; where there are at most FEW values, around the
        number of its value in `levels`. NaN or infinite where there is no place for it.
    levels : (K,) float64, the values there are, ascending, where they are at most FEW; else None.
    missing : (m,) int64, the clients without a value, by their place in `contribution`.
    range : least and greatest place, in the unit of `place`.
    usual : the same with the furthest 0.5 % of clients left out on each side.
    heights, usual_heights : the same of the contributions, with the furthest 0.05 % left out.
    curve, deciles : the clients with a finite value, in at most CURVE and DECILES bins.
    missing_quantiles : (3,) float64, as those of the bins, of the clients without a value; NaN where there is none.
    """

    feature: str
    contribution: NDArray[np.float32]
    place: NDArray[np.float32]
    levels: NDArray[np.float64] | None
    missing: NDArray[np.int64]
    range: tuple[float, float]
    usual: tuple[float, float]
    heights: tuple[float, float]
    usual_heights: tuple[float, float]
    curve: Bins
    deciles: Bins
    missing_quantiles: NDArray[np.float64]

    def frame(self) -> pl.DataFrame:
        """Return one row a decile, and one of the clients without a value where there are any; see `Bins.frame`."""
        found = self.deciles.frame()
        if not self.missing.size:
            return found
        q10, median, q90 = (float(value) for value in self.missing_quantiles)
        row = {"clients": int(self.missing.size), "q10": q10, "median": median, "q90": q90}
        return pl.concat([found, pl.DataFrame([row])], how="diagonal")

    def place_of(self, value: float) -> float:
        """Return where a value is drawn across; NaN where it is missing."""
        if self.levels is None or np.isnan(value):
            return value
        return float(np.interp(np.float32(value), self.levels, np.arange(self.levels.size)))

    def alike(self, value: float) -> int | None:
        """Return the bin of the curve that a value is in, or nearest to; None where it is missing or nobody has one."""
        if np.isnan(value) or not self.curve.clients.size:
            return None
        found = int(np.searchsorted(self.curve.high, value))
        return min(found, self.curve.high.size - 1)


def dependence(feature: str, values: NDArray[np.float32], contribution: NDArray[np.float32]) -> Dependence:
    """Return the dependence of a feature's contribution on its value.

    Parameters
    ----------
    feature : its name, kept in the result.
    values : (n,) float32, NaN where missing; an infinite value is in no bin and has no place.
    contribution : (n,) float32, log-odds of repayment.

    Raises
    ------
    InvalidOption
        If the two don't have one length, or if there is no client.
    """
    _check(feature, values, contribution)
    order = np.argsort(values)
    finite = np.isfinite(values)
    order = order[finite[order]]
    ordered, follows = values[order], contribution[order]
    levels = _few(ordered)
    if levels is None:
        place, ends = values, _ends(ordered, _OUTSIDE)
    else:
        place, ends = _jittered(values, finite, levels), ((-0.5, levels.size - 0.5),) * 2
    missing = np.flatnonzero(np.isnan(values)).astype(np.int64)
    left = np.quantile(contribution[missing], _QUANTILES).astype(np.float64) if missing.size else np.full(3, np.nan)
    last = contribution.size - 1
    left_out = int(last * _OUTSIDE_CONTRIBUTIONS)
    heights = _ends(np.partition(contribution, [0, left_out, last - left_out, last]), _OUTSIDE_CONTRIBUTIONS)
    for array in (place, missing, left):
        array.setflags(write=False)
    return Dependence(
        feature=feature,
        contribution=contribution,
        place=place,
        levels=levels,
        missing=missing,
        range=ends[0],
        usual=ends[1],
        heights=heights[0],
        usual_heights=heights[1],
        curve=_binned(ordered, follows, CURVE if levels is None else FEW),
        deciles=_binned(ordered, follows, DECILES if levels is None else FEW),
        missing_quantiles=left,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """How far other features tell apart the clients that have one value of a feature, the strongest first.

    Attributes
    ----------
    feature : name of the feature.
    others : names of the other features; equals keep the order they were given in.
    strength : (K,) float64, in [0, 1]: |correlation| of the contribution with the other feature, or with whether it is
        missing, in bins of the feature's own value, averaged over the clients.
    """

    feature: str
    others: tuple[str, ...]
    strength: NDArray[np.float64]

    def frame(self) -> pl.DataFrame:
        """Return one row another feature: other and strength."""
        return pl.DataFrame({"other": self.others, "strength": self.strength}, schema_overrides={"other": pl.String})


def interactions(
    feature: str,
    values: NDArray[np.float32],
    contribution: NDArray[np.float32],
    candidates: Sequence[tuple[str, NDArray[np.float32]]],
) -> Interactions:
    """Return how far other features tell apart the clients that have one value of a feature.

    Parameters
    ----------
    feature, values, contribution : as `dependence` reads them.
    candidates : the other features' names and values, (n,) float32 each, NaN where missing, an infinity counting so
        too; the feature itself is left out.

    Raises
    ------
    InvalidOption
        As `dependence` says, or where a candidate is not of the same clients.
    """
    _check(feature, values, contribution)
    others = [(name, other) for name, other in candidates if name != feature]
    for name, other in others:
        _check(name, other, contribution)
    finite = values[np.isfinite(values)]
    edges = np.unique(np.quantile(finite, np.arange(1, BINS) / BINS)) if finite.size else np.zeros(0)
    bins = np.searchsorted(edges.astype(np.float32), values, side="right").astype(np.uint8)
    bins[np.isnan(values)] = BINS
    run = _compiled()

    def sums_of(other: NDArray[np.float32]) -> NDArray[np.float64]:
        sums = np.zeros((BINS + 1, _SUMS))
        run(bins, contribution, np.ascontiguousarray(other), sums)
        return sums

    with ThreadPoolExecutor(threads()) as pool:
        sums = np.stack(list(pool.map(sums_of, (other for _, other in others)))) if others else None
    double = contribution.astype(np.float64)
    totals: NDArray[np.float64] = np.stack(
        [np.bincount(bins, power, BINS + 1) for power in (np.ones(bins.size), double, double * double)]
    )
    strength = _strength(totals, sums) if sums is not None else np.zeros(0)
    order = np.argsort(-strength, kind="stable")
    strength = strength[order]
    strength.setflags(write=False)
    return Interactions(feature, tuple(others[place][0] for place in order), strength)


def _strength(totals: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the strength of each of K other features, (K,) float64.

    Parameters
    ----------
    totals : (3, BINS + 1) float64, in each bin the clients, the sum of their contributions and that of the squares.
    sums : (K, BINS + 1, _SUMS) float64, what `_add_up` makes of the clients who have the other value.
    """
    count, of_y, of_yy = totals
    known, of_x, of_xx, of_xy, of_known_y, of_known_yy = np.moveaxis(sums, 2, 0)
    by_value = _correlation(known, of_x, of_xx, of_known_y, of_known_yy, of_xy)
    by_absence = _correlation(count, known, known, of_y, of_yy, of_known_y)
    found: NDArray[np.float64] = (
        np.maximum((by_value * known).sum(axis=1), (by_absence * count).sum(axis=1)) / count.sum()
    )
    return found


def _correlation(count: Any, of_x: Any, of_xx: Any, of_y: Any, of_yy: Any, of_xy: Any) -> NDArray[np.float64]:
    """Return |Pearson's correlation| from sums; 0 where either does not vary."""
    size = np.maximum(count, 1.0)
    along, across = of_xx - of_x * of_x / size, of_yy - of_y * of_y / size
    varies = (along > 1e-9 * np.abs(of_xx)) & (across > 1e-9 * np.abs(of_yy)) & (count > 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.abs(of_xy - of_x * of_y / size) / np.sqrt(along * across)
    return np.where(varies, np.minimum(found, 1.0), 0.0)


def _add_up(
    bins: NDArray[np.uint8],
    contribution: NDArray[np.float32],
    other: NDArray[np.float32],
    sums: NDArray[np.float64],
) -> None:
    """Add to `sums` (B, _SUMS) what the correlations of each bin need; x is taken from the first value there is."""
    shift = np.float32(0.0)
    for place in range(len(other)):
        if np.isfinite(other[place]):
            shift = other[place]
            break
    for place in range(len(bins)):
        own = bins[place]
        known = np.isfinite(other[place])  # no branch: which clients lack a value can't be foreseen
        weight = 1.0 if known else 0.0
        x = np.float64(other[place] - shift) if known else 0.0
        y = np.float64(contribution[place]) * weight
        sums[own, 0] += weight
        sums[own, 1] += x
        sums[own, 2] += x * x
        sums[own, 3] += x * y
        sums[own, 4] += y
        sums[own, 5] += y * y


@functools.cache
def _compiled() -> Callable[..., None]:
    single = column("float32")
    return compiled(_add_up, column("uint8", written=True), single, single, column("float64", 2, written=True))


def _check(feature: str, values: NDArray[np.float32], contribution: NDArray[np.float32]) -> None:
    if values.shape != contribution.shape or values.ndim != 1 or not values.size:
        raise InvalidOption(
            f"Feature {feature} has values of shape {values.shape}, the contributions are {contribution.shape}: "
            "one of each is needed for every client, of whom there must be one."
        )


def _few(ordered: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Return the values there are, where they are at least 1 and at most FEW."""
    levels: list[np.float32] = []
    place = 0
    while place < ordered.size:
        if len(levels) == FEW:
            return None
        levels.append(ordered[place])
        place = int(np.searchsorted(ordered, ordered[place], side="right"))
    return np.array(levels, dtype=np.float64) if levels else None


def _jittered(
    values: NDArray[np.float32], finite: NDArray[np.bool_], levels: NDArray[np.float64]
) -> NDArray[np.float32]:
    number = np.searchsorted(levels.astype(np.float32), values).astype(np.float32)
    return np.where(finite, number + np.float32(_JITTER) * spread(values.size), np.float32(np.nan))


def _ends(ordered: NDArray[np.float32], outside: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the least and the greatest of sorted values, and the same with a share left out on each side.

    It is enough that these four are at their places.
    """
    if not ordered.size:
        return (0.0, 1.0), (0.0, 1.0)
    last = ordered.size - 1
    left_out = int(last * outside)
    everything = float(ordered[0]), float(ordered[last])
    usual = float(ordered[left_out]), float(ordered[last - left_out])
    if usual[0] == usual[1]:  # nearly everyone has one value: the few others are what there is to see
        usual = everything
    if usual[0] == usual[1]:
        usual = everything = usual[0] - 0.5, usual[1] + 0.5
    return everything, usual


def _binned(ordered: NDArray[np.float32], contribution: NDArray[np.float32], most: int) -> Bins:
    """Return at most `most` bins of as many clients each as may be, over sorted values and their contributions."""
    if not ordered.size:
        nothing = np.zeros(0)
        return Bins(nothing, nothing, nothing, np.zeros(0, np.int64), np.zeros((0, 3)))
    wanted = ordered[(np.arange(1, most) * ordered.size) // most]
    starts = np.unique(np.concatenate([[0], np.searchsorted(ordered, wanted, side="left")]))
    if most == FEW:  # every value its own bin
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    ends = np.append(starts[1:], ordered.size)
    quantiles = np.array([np.quantile(contribution[a:b], _QUANTILES) for a, b in zip(starts, ends, strict=True)])
    arrays = (
        ordered[starts].astype(np.float64),
        ordered[ends - 1].astype(np.float64),
        ordered[(starts + ends - 1) // 2].astype(np.float64),
        (ends - starts).astype(np.int64),
        quantiles,
    )
    for array in arrays:
        array.setflags(write=False)
    return Bins(*arrays)
