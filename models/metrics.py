"""How well scores rank and how far probabilities are from what happened. Default is the positive class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from data.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Auc:
    """Area under the ROC curve with its confidence interval, each in [0, 1]."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Clients of neighbouring PDs: how many, what was foretold on average, what share did default."""

    clients: int
    pd_low: float
    pd_high: float
    mean_pd: float
    default_rate: float


def auc(defaulted: NDArray[np.bool_], risk: NDArray[np.float64], confidence: float = 0.95) -> Auc:
    """Return the area under the ROC curve with DeLong's interval.

    Source: DeLong, DeLong, Clarke-Pearson, doi:10.2307/2531595, by the midranks of Sun and Xu,
    doi:10.1109/LSP.2014.2337313.

    Parameters
    ----------
    defaulted : (n,) bool, True for default.
    risk : (n,) float64, higher for a higher risk of default: a raw score or a PD. Ties count one half.
    confidence : of the interval, in (0, 1).

    Raises
    ------
    ModelError
        Only one class, or arrays of different lengths.
    """
    _check(defaulted, risk)
    bad, good = risk[defaulted], risk[~defaulted]
    m, n = len(bad), len(good)
    everyone = _midranks(np.concatenate([bad, good]))
    above = (everyone[:m] - _midranks(bad)) / n
    below = 1.0 - (everyone[m:] - _midranks(good)) / m
    value = float(above.mean())
    variance = (above.var(ddof=1) / m if m > 1 else 0.25) + (below.var(ddof=1) / n if n > 1 else 0.25)
    margin = float(ndtri(0.5 + confidence / 2.0)) * float(np.sqrt(variance))
    return Auc(value, max(0.0, value - margin), min(1.0, value + margin))


def _midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    found: NDArray[np.float64] = (np.cumsum(count) - (count - 1) / 2.0)[place]
    return found


def ks(defaulted: NDArray[np.bool_], risk: NDArray[np.float64]) -> float:
    """Return the Kolmogorov-Smirnov distance, in [0, 1], between the risks of defaulters (n,) and of the others."""
    _check(defaulted, risk)
    order = np.argsort(risk, kind="stable")
    last_of_tie = np.append(np.diff(risk[order]) > 0, True)
    bad = np.cumsum(defaulted[order]) / defaulted.sum()
    good = np.cumsum(~defaulted[order]) / (~defaulted).sum()
    return float(np.abs(bad - good)[last_of_tie].max())


def brier(defaulted: NDArray[np.bool_], pd: NDArray[np.float64]) -> float:
    """Return the mean squared difference, in [0, 1], between PDs (n,) and what happened."""
    _check(defaulted, pd)
    return float(np.mean((pd - defaulted) ** 2))


def reliability(defaulted: NDArray[np.bool_], pd: NDArray[np.float64], bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """Return the reliability table: clients by rising PD, in `bins` groups of equal size where there are as many."""
    _check(defaulted, pd)
    order = np.argsort(pd, kind="stable")
    return tuple(
        ReliabilityBin(
            clients=len(group),
            pd_low=float(pd[group[0]]),
            pd_high=float(pd[group[-1]]),
            mean_pd=float(pd[group].mean()),
            default_rate=float(defaulted[group].mean()),
        )
        for group in np.array_split(order, min(bins, len(order)))
    )


def cheapest_pd(defaulted: NDArray[np.bool_], pd: NDArray[np.float64], cost_ratio: float = 10.0) -> float:
    """Return the PD up to which accepting cost least on these clients.

    Parameters
    ----------
    defaulted, pd : (n,) what happened, and the calibrated probability of default.
    cost_ratio : cost of an accepted client who defaults, in wrongly refused clients.
    """
    _check(defaulted, pd)
    order = np.argsort(pd, kind="stable")
    last_of_tie = np.append(np.diff(pd[order]) > 0, True)
    accepted_bad = np.cumsum(defaulted[order])
    refused_good = (~defaulted).sum() - np.cumsum(~defaulted[order])
    cost = np.where(last_of_tie, cost_ratio * accepted_bad + refused_good, np.inf)
    return float(pd[order[int(np.argmin(cost))]])


def _check(defaulted: NDArray[np.bool_], risk: NDArray[np.float64]) -> None:
    if defaulted.shape != risk.shape:
        raise ModelError(f"As many outcomes as scores are needed, got {defaulted.shape} and {risk.shape}.")
    bad = int(defaulted.sum())
    if bad in (0, len(defaulted)):
        raise ModelError(f"Quality needs clients of both classes, got {bad} defaults among {len(defaulted)} clients.")
