"""Platt's calibration: PD = sigmoid(slope * raw + intercept), fitted on out-of-fold raw scores.

Being affine in log-odds it keeps the ranking, and keeps Shapley values in log-odds exact up to the factor `slope`.

Source: J. Platt, "Probabilistic outputs for support vector machines", 1999; H.-T. Lin, C.-J. Lin, R. C. Weng,
doi:10.1007/s10994-007-5018-6 (Newton's method with backtracking).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from scipy.special import expit

from data.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAXIMUM_STEPS = 100
TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True)
class Calibrator:
    """PD = sigmoid(slope * raw + intercept), slope > 0; raw is the uncalibrated log-odds of default."""

    slope: float
    intercept: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.slope) and np.isfinite(self.intercept) and self.slope > 0.0):
            raise ModelError(
                f"A calibration needs a finite positive slope and a finite intercept, got {self.slope!r} and "
                f"{self.intercept!r}: these raw scores do not rank defaults above repayments."
            )

    @overload
    def pd_of(self, raw: float) -> float: ...
    @overload
    def pd_of(self, raw: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def pd_of(self, raw: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
        """Return the calibrated probability of default, in [0, 1], of raw log-odds of default."""
        if isinstance(raw, np.ndarray):
            return np.asarray(expit(self.slope * raw + self.intercept), dtype=np.float64)
        return float(expit(self.slope * raw + self.intercept))

    def as_json(self) -> dict[str, Any]:
        """Return what `calibrator.json` holds."""
        return {"method": "platt", "slope": self.slope, "intercept": self.intercept}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Calibrator:
        """Return the calibrator that `calibrator.json` holds."""
        return cls(float(content["slope"]), float(content["intercept"]))


def fit_platt(raw: NDArray[np.float64], defaulted: NDArray[np.bool_]) -> Calibrator:
    """Fit slope and intercept by maximum likelihood with Platt's smoothed targets.

    Parameters
    ----------
    raw : (n,) float64, out-of-fold log-odds of default.
    defaulted : (n,) bool, True for default.

    Raises
    ------
    ModelError
        Only one class, a raw score that is not finite, or raw scores that do not rank defaults above repayments.
    """
    bad, good = int(defaulted.sum()), int((~defaulted).sum())
    if not (bad and good):
        raise ModelError(f"A calibration needs clients of both classes, got {bad} defaults and {good} repayments.")
    if not bool(np.isfinite(raw).all()):
        raise ModelError("A calibration needs finite raw scores, got some that are infinite or not a number.")
    goal = np.where(defaulted, (bad + 1.0) / (bad + 2.0), 1.0 / (good + 2.0))
    centre, spread = float(raw.mean()), float(raw.std())
    if spread == 0.0:
        raise ModelError("Every client has the same raw score: there is nothing to calibrate.")
    slope, intercept = _newton((raw - centre) / spread, goal, float(np.log((bad + 1.0) / (good + 1.0))))
    return Calibrator(slope / spread, intercept - slope * centre / spread)


def _newton(unit: NDArray[np.float64], goal: NDArray[np.float64], intercept: float) -> tuple[float, float]:
    at = np.array([0.0, intercept])
    loss = _loss(at, unit, goal)
    for _ in range(MAXIMUM_STEPS):
        p = expit(at[0] * unit + at[1])
        gradient = np.array([(unit * (p - goal)).sum(), (p - goal).sum()])
        if np.abs(gradient).max() < TOLERANCE * len(unit):
            break
        w = p * (1.0 - p)
        cross = (w * unit).sum()
        step = np.linalg.solve(np.array([[(w * unit * unit).sum() + 1e-12, cross], [cross, w.sum() + 1e-12]]), gradient)
        length = 1.0
        while length > 1e-10 and (new := _loss(at - length * step, unit, goal)) > loss:
            length /= 2.0
        if length <= 1e-10:
            break
        at, loss = at - length * step, new
    return float(at[0]), float(at[1])


def _loss(at: NDArray[np.float64], unit: NDArray[np.float64], goal: NDArray[np.float64]) -> float:
    eta = at[0] * unit + at[1]
    return float((np.logaddexp(0.0, eta) - goal * eta).sum())
