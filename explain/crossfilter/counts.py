"""What is counted of some clients: how many, how many of them refused or in default, and their scores."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Counts of clients, by bin or by cell; all arrays have one shape.

    Attributes
    ----------
    clients : int64, how many.
    refused : int64, how many of them are refused.
    labelled : int64, of how many of them the outcome is known.
    defaults : int64, how many of these defaulted.
    score : float64, sum of the scores of all of them.
    """

    clients: NDArray[np.int64]
    refused: NDArray[np.int64]
    labelled: NDArray[np.int64]
    defaults: NDArray[np.int64]
    score: NDArray[np.float64]

    @property
    def accepted(self) -> NDArray[np.int64]:
        """How many clients are accepted."""
        accepted: NDArray[np.int64] = self.clients - self.refused
        return accepted

    @property
    def default_rate(self) -> NDArray[np.float64]:
        """Share of defaults among the clients whose outcome is known, in [0, 1]; NaN where it is of none."""
        return _ratio(self.defaults, self.labelled)

    @property
    def mean_score(self) -> NDArray[np.float64]:
        """Mean score, in [0, 1]; NaN where there is nobody."""
        return _ratio(self.score, self.clients)

    @property
    def share_refused(self) -> NDArray[np.float64]:
        """Share of clients refused, in [0, 1]; NaN where there is nobody."""
        return _ratio(self.refused, self.clients)

    @property
    def total(self) -> Counts:
        """The counts of all bins together, of shape ()."""
        return Counts(*(np.asarray(getattr(self, part.name).sum()) for part in fields(self)))

    def default_interval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends of the 95 % interval of the default rate; NaN where the outcome of nobody is known.

        Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927,
        doi:10.1080/01621459.1927.10502953.
        """
        return wilson(self.defaults, self.labelled)


def wilson(
    events: NDArray[np.int64], trials: NDArray[np.int64], z: float = 1.959963984540054
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of Wilson's interval of a share, in [0, 1]; NaN where there are no trials."""
    n = np.asarray(trials, dtype=np.float64)
    share = _ratio(events, trials)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        return np.clip(middle - half, 0.0, 1.0), np.clip(middle + half, 0.0, 1.0)


def _ratio(part: NDArray[np.int64] | NDArray[np.float64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    out: NDArray[np.float64] = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=out, where=np.asarray(whole) > 0)
    return out
