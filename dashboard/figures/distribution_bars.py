"""The bars of a distribution: where they are, what they show, and how far they reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.crossfilter.counts import wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explain.crossfilter.counts import Counts

FEW = 30
"""A default rate of fewer clients is drawn hollow."""
MOST_MISSING = 1.25
"""The bar of clients without a value is cut above so many times the highest other one, so that the others are seen."""
_SHARE, _GAP = 0.05, 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The R bars of a distribution: where they are, and which bins they are of.

    Attributes
    ----------
    row : (B + 1,) intp, the bar of every bin and of the clients without a value; R where there is none for it.
    low, high : (R,) float64, places along the axis between which each bar is.
    words : what each bar is of.
    missing : which bar is of the clients without a value; None where everyone has one.
    window : places from the beginning of the axis to its end, which is the lower one where it is read backwards.
    ticks : places along the axis and what is said there.
    standing : whether bars stand along the axis of a measure; else they lie, one category below the other.
    """

    row: NDArray[np.intp]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    words: tuple[str, ...]
    missing: int | None
    window: tuple[float, float]
    ticks: tuple[tuple[float, str], ...]
    standing: bool

    def __len__(self) -> int:
        return len(self.words)

    def tally(self, part: NDArray[Any]) -> NDArray[np.float64]:
        """Return the sum by bar of what is counted by bin, (R,) float64."""
        return np.bincount(self.row, weights=part, minlength=len(self) + 1)[: len(self)]

    def at(self, place: float) -> int | None:
        """Return the bar at a place along the axis, the nearest one beside it; None between two that are apart."""
        reach = 0.5 * float((self.high - self.low).min()) if len(self) else 0.0
        away = np.maximum(np.maximum(self.low - place, place - self.high), 0.0)
        if not away.size or away.min() > reach:
            return None
        return int(away.argmin())


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """What the bars show, each array of shape (R,), float64.

    Attributes
    ----------
    kept, accepted, refused, everyone : how many clients; all but the last of those that the other charts' filters keep.
    labelled : of how many of those kept the outcome is known.
    rate, rate_low, rate_high : share of defaults among these, in [0, 1], and its 95 % interval; NaN where nobody's is.
    score : mean score of those kept, in [0, 1]; NaN where there is nobody.
    overall : share of defaults among all kept, those without a value included; NaN where nobody's outcome is known.
    totals : how many kept, accepted, refused and everyone there are in all.
    """

    kept: NDArray[np.float64]
    accepted: NDArray[np.float64]
    refused: NDArray[np.float64]
    everyone: NDArray[np.float64]
    labelled: NDArray[np.float64]
    rate: NDArray[np.float64]
    rate_low: NDArray[np.float64]
    rate_high: NDArray[np.float64]
    score: NDArray[np.float64]
    overall: float
    totals: tuple[float, float, float, float]


def bars_of(rows: Rows, everyone: Counts, kept: Counts) -> Bars:
    """Return what the bars show of counts by bin, those without a value last."""
    clients, refused = rows.tally(kept.clients), rows.tally(kept.refused)
    labelled, defaults = rows.tally(kept.labelled), rows.tally(kept.defaults)
    low, high = wilson(defaults, labelled)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, score = defaults / labelled, rows.tally(kept.score) / clients
    all_kept, all_refused, all_labelled = kept.clients.sum(), kept.refused.sum(), kept.labelled.sum()
    return Bars(
        kept=clients,
        accepted=clients - refused,
        refused=refused,
        everyone=rows.tally(everyone.clients),
        labelled=labelled,
        rate=rate,
        rate_low=low,
        rate_high=high,
        score=score,
        overall=float(kept.defaults.sum() / all_labelled) if all_labelled else np.nan,
        totals=(
            float(all_kept), float(all_kept - all_refused), float(all_refused), float(everyone.clients.sum())
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Heights:
    """How far the bars reach, in clients or as shares: (R,) float64 each, and the end of the axis.

    Attributes
    ----------
    accepted, refused : of each bar of these clients; with `stacked` the refused ones are on top of the accepted ones.
    everyone : everyone, scaled to the number kept; NaN where everyone is kept, and where nobody is.
    stacked : whether bars of clients are stacked; those of shares are side by side.
    top : what the axis goes to; bars may reach further.
    """

    accepted: NDArray[np.float64]
    refused: NDArray[np.float64]
    everyone: NDArray[np.float64]
    stacked: bool
    top: float


def heights(rows: Rows, bars: Bars, *, shares: bool) -> Heights:
    """Return how far the bars reach: clients, or with `shares` the share of each group that is in each bar."""
    kept, accepted, refused, everyone = bars.totals
    if shares:
        tall = bars.accepted / max(accepted, 1), bars.refused / max(refused, 1)
        outline, highest = bars.everyone / max(everyone, 1), np.maximum(*tall)
    else:
        tall = bars.accepted, bars.refused
        outline, highest = bars.everyone * (kept / max(everyone, 1)), bars.kept
    if kept == 0 or (kept == everyone and not shares):
        outline = np.full(len(rows), np.nan)
    reach = np.fmax(highest, outline)
    top = float(reach.max(initial=0.0))
    if rows.standing and rows.missing is not None:
        others = float(np.delete(reach, rows.missing).max(initial=0.0))
        top = min(top, MOST_MISSING * others) if others else top
    return Heights(*tall, outline, not shares, top or 1.0)


def measure_side(edges: NDArray[np.float64], *, backwards: bool) -> tuple[float, float]:
    """Return between which places the bar of clients without a value is, at the beginning of the axis."""
    span = float(edges[-1] - edges[0])
    width, gap = _SHARE * span, _GAP * span
    if backwards:
        return float(edges[-1]) + gap, float(edges[-1]) + gap + width
    return float(edges[0]) - gap - width, float(edges[0]) - gap
