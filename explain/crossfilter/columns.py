"""One column of every client, and how columns are keyed.

Keys: "score", "pd", "decision", "level" and "default" are outcomes; "raw.NAME" is a column of the application that is
no feature itself; "contribution.NAME" is what a feature contributes to the score (log-odds of repayment); any other key
is a feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OUTCOMES = ("score", "pd", "decision", "level", "default")
RAW, CONTRIBUTION = "raw.", "contribution."
MOST_CATEGORIES = 255


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column of every client.

    Attributes
    ----------
    key : its key.
    values : (n,) float32, read only. A measure's value, or the number of a category, from 0; NaN where missing.
    categories : names of the categories, at most MOST_CATEGORIES, in their usual order; None for a measure. "decision"
        has "refused" and "accepted", "level" those of `models.policy.LEVELS`, "default" has "repaid" and "default"
        (missing where the client is unlabelled), a feature that is 0 or 1 has "no" and "yes", or the two categories
        that it tells apart.
    """

    key: str
    values: NDArray[np.float32]
    categories: tuple[str, ...] | None
