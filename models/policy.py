"""From a probability of default to the score that people see, the decision and the level of risk.

The score is the repayment probability at even odds: `score = sigmoid(logit(base_rate) - logit(PD))`. It falls strictly
as the PD rises, and 0.50 is the client whose PD is the default rate of the training clients.

A score s stands for odds of default of (1 - s) / s times the average client's. The default edges of the seven levels
are symmetric around 0.50 in those odds: 0.45 and 0.55 are 1.22 times more and less than average, 0.35 and 0.65 1.86
times, 0.20 and 0.80 four times. "Medium" therefore holds both the average client and the threshold of 0.52: a client
there is average, and the decision close. At a base rate of 0.0807 the six edges are PDs of 0.260, 0.140, 0.097, 0.067,
0.045 and 0.021.
"""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from scipy.special import expit, logit

from data.errors import InvalidOption

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = ("very_high", "high", "slightly_high", "medium", "slightly_low", "low", "very_low")
COST_OPTIMAL_PD = 1 / 11
"""PD at which accepting and refusing cost the same, where a missed default costs ten wrong refusals."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is decided from a PD.

    Attributes
    ----------
    base_rate : default rate of the training clients, in (0, 1).
    threshold : score from which a loan is accepted, in (0, 1).
    level_edges : the six scores, ascending in (0, 1), at which the next lower level of risk begins.

    Raises
    ------
    InvalidOption
        A value outside (0, 1), or edges that are not six, or do not ascend.
    """

    base_rate: float
    threshold: float = 0.52
    level_edges: tuple[float, ...] = (0.20, 0.35, 0.45, 0.55, 0.65, 0.80)

    def __post_init__(self) -> None:
        for name in ("base_rate", "threshold"):
            value = getattr(self, name)
            if not 0.0 < value < 1.0:
                raise InvalidOption(f"{name} must lie strictly between 0 and 1, got {value!r}.")
        edges = self.level_edges
        if len(edges) != len(LEVELS) - 1:
            raise InvalidOption(f"level_edges must be {len(LEVELS) - 1} scores, got {len(edges)}: {edges}.")
        ascending = all(low < high for low, high in itertools.pairwise(edges))
        if not (ascending and edges[0] > 0.0 and edges[-1] < 1.0):
            raise InvalidOption(f"level_edges must ascend strictly between 0 and 1, got {edges}.")

    @overload
    def score_of(self, pd: float) -> float: ...
    @overload
    def score_of(self, pd: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def score_of(self, pd: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
        """Return the score, in [0, 1], of a calibrated probability of default, in [0, 1]."""
        return _like(pd, expit(logit(self.base_rate) - logit(pd)))

    @overload
    def pd_of(self, score: float) -> float: ...
    @overload
    def pd_of(self, score: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def pd_of(self, score: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
        """Return the probability of default, in [0, 1], of a score in [0, 1]: the inverse of `score_of`."""
        return _like(score, expit(logit(self.base_rate) - logit(score)))

    @overload
    def accepted(self, score: float) -> bool: ...
    @overload
    def accepted(self, score: NDArray[np.float64]) -> NDArray[np.bool_]: ...
    def accepted(self, score: float | NDArray[np.float64]) -> bool | NDArray[np.bool_]:
        """Return whether a loan is accepted: its score is the threshold or above."""
        if isinstance(score, np.ndarray):
            return np.asarray(score >= self.threshold, dtype=np.bool_)
        return bool(score >= self.threshold)

    @overload
    def level(self, score: float) -> str: ...
    @overload
    def level(self, score: NDArray[np.float64]) -> NDArray[np.str_]: ...
    def level(self, score: float | NDArray[np.float64]) -> str | NDArray[np.str_]:
        """Return the level of risk (one of LEVELS) of a score in [0, 1]; a score on an edge has the lower risk.

        Raises
        ------
        InvalidOption
            A score that is NaN or outside [0, 1].
        """
        if isinstance(score, np.ndarray):
            if not bool(np.all((score >= 0.0) & (score <= 1.0))):
                raise InvalidOption("a score lies in [0, 1]; some of these are outside, or not a number.")
            return np.array(LEVELS)[np.searchsorted(self.level_edges, score, side="right")]
        if not 0.0 <= score <= 1.0:
            raise InvalidOption(f"a score lies in [0, 1], got {score!r}.")
        return LEVELS[bisect.bisect_right(self.level_edges, score)]

    def as_json(self) -> dict[str, Any]:
        """Return what `policy.json` holds."""
        return {"base_rate": self.base_rate, "threshold": self.threshold, "level_edges": list(self.level_edges)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Policy:
        """Return the policy that `policy.json` holds."""
        return cls(float(content["base_rate"]), float(content["threshold"]), tuple(map(float, content["level_edges"])))


def _like(given: float | NDArray[np.float64], found: Any) -> float | NDArray[np.float64]:
    return np.asarray(found, dtype=np.float64) if isinstance(given, np.ndarray) else float(found)
