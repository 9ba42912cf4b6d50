"""The way from the average client's log-odds of repayment to this client's, bar by bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import expit

from data.errors import InvalidOption

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explain.grouping import GroupedContributions

OTHERS = "others"


@dataclass(frozen=True, slots=True, eq=False)
class Waterfall:
    """Bars that join: each starts where the one before ends, the first at `base`, the last ends at `logit_score`.

    Attributes
    ----------
    groups : the B bars: the strongest groups, "table.column", the strongest first; then OTHERS, all the groups not
        shown, where there are any.
    contributions : (B,) float64, log-odds of repayment; above zero helps the client.
    starts, ends : (B,) float64, log-odds of repayment.
    start_scores, end_scores : (B,) float64, the same as scores, probabilities of repayment at even odds, in [0, 1].
    members : (B,) int64, number of groups behind the bar: 1, or how many the last one stands for.
    quoted : the B names of the features quoted, "" for OTHERS.
    quoted_values : (B,) float64, the client's values of these, NaN where there is none and for OTHERS.
    base : log-odds of repayment of the average client.
    logit_score : log-odds of repayment of this client.
    """

    groups: tuple[str, ...]
    contributions: NDArray[np.float64]
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    start_scores: NDArray[np.float64]
    end_scores: NDArray[np.float64]
    members: NDArray[np.int64]
    quoted: tuple[str, ...]
    quoted_values: NDArray[np.float64]
    base: float
    logit_score: float

    def frame(self) -> pl.DataFrame:
        """Return one row a bar, in the order drawn.

        Columns: group, contribution, start, end (log-odds of repayment), start_score, end_score (probabilities),
        members, feature and value (null for the others, and for a value that is missing).
        """
        return pl.DataFrame(
            {
                "group": self.groups,
                "contribution": self.contributions,
                "start": self.starts,
                "end": self.ends,
                "start_score": self.start_scores,
                "end_score": self.end_scores,
                "members": self.members,
                "feature": [name or None for name in self.quoted],
                "value": self.quoted_values,
            },
            schema_overrides={"group": pl.String, "feature": pl.String},
        ).with_columns(pl.col("value").fill_nan(None))


def waterfall(grouped: GroupedContributions, count: int = 9) -> Waterfall:
    """Return the `count` strongest groups as bars, and all the others as one more.

    The last bar takes the rounding residual of the additivity (below 1e-9), so that it ends exactly at the score.

    Parameters
    ----------
    grouped : contributions by group, the strongest first, in log-odds of repayment.
    count : number of groups shown, at least 1.

    Raises
    ------
    InvalidOption
        If `count` is below 1.
    """
    if count < 1:
        raise InvalidOption(f"A waterfall shows at least 1 group, not {count}.")
    shown = grouped.contributions[:count]
    hidden = len(grouped.groups) - len(shown)
    groups, quoted = grouped.groups[:count], grouped.quoted[:count]
    quoted_values = grouped.quoted_values[:count]
    members = np.ones(len(shown), dtype=np.int64)
    edges = grouped.base + np.concatenate([[0.0], np.cumsum(shown)])
    if hidden or not groups:
        groups, quoted = (*groups, OTHERS), (*quoted, "")
        quoted_values = np.append(quoted_values, np.nan)
        members = np.append(members, hidden)
        edges = np.append(edges, grouped.logit_score)
    edges[-1] = grouped.logit_score
    scores = np.asarray(expit(edges), dtype=np.float64)
    for array in (edges, scores, quoted_values, members):
        array.setflags(write=False)
    contributions = np.diff(edges)
    contributions[: len(shown)] = shown
    contributions.setflags(write=False)
    return Waterfall(
        groups=groups,
        contributions=contributions,
        starts=edges[:-1],
        ends=edges[1:],
        start_scores=scores[:-1],
        end_scores=scores[1:],
        members=members,
        quoted=quoted,
        quoted_values=quoted_values,
        base=grouped.base,
        logit_score=grouped.logit_score,
    )
