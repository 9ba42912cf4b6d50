"""What moving one feature alone does to the score: partial dependence, and the lines of single clients behind it (ICE).

The score is a sum of trees, hence constant between two neighbouring thresholds at which some tree splits the feature:
it is computed once in each of these steps, and nothing is interpolated. Only the feature itself is moved: features that
are computed from it, or that go with it, stay as they are, so that some of the clients so made could not be.

Sources: J. Friedman, "Greedy function approximation", 2001, doi:10.1214/aos/1013203451; A. Goldstein et al., "Peeking
inside the black box", 2015, doi:10.1080/10618600.2014.907095.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import logit

from data.cores import threads
from data.errors import InvalidOption

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.scorer import Scorer
    from models.trees import Trees

MOST = 40
LINES = 50
_OUTSIDE = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The steps in which the score is computed: each is above `start`, up to `end` included.

    Attributes
    ----------
    feature : name of the feature.
    at : place of the feature in the model's rows.
    start, end : (G,) float64, ascending, -inf and +inf at the ends, in the feature's unit. Steps may be left out in
        between, where the model has more than MOST.
    value : (G,) float64, a value inside each step, at which the score is computed.
    steps : how many the model has, G or more.
    usual : least and greatest value of the clients, the furthest 0.5 % left out on each side.
    """

    feature: str
    at: int
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    value: NDArray[np.float64]
    steps: int
    usual: tuple[float, float]

    @property
    def whole(self) -> bool:
        """Whether no step is left out: the lines are then the model's own, everywhere."""
        return self.steps == self.value.size


@dataclass(frozen=True, slots=True, eq=False)
class Partial:
    """Scores of a reference population, one feature moved.

    Attributes
    ----------
    grid : the G steps.
    clients : size of the population.
    mean_score : (G,) float64, mean score, probability of repayment at even odds, in [0, 1].
    mean_logit : (G,) float64, mean log-odds of repayment.
    lines : (m, G) float64, score of each of at most LINES clients, spread evenly over those of the population by score.
    missing_score : float, the mean score, were the feature missing for everyone.
    """

    grid: Grid
    clients: int
    mean_score: NDArray[np.float64]
    mean_logit: NDArray[np.float64]
    lines: NDArray[np.float64]
    missing_score: float

    def frame(self) -> pl.DataFrame:
        """Return one row a step: start, end (the feature's unit), mean_score, mean_logit, and q10, q90 of the lines."""
        q10, q90 = np.quantile(self.lines, (0.1, 0.9), axis=0)
        return pl.DataFrame(
            {
                "start": self.grid.start,
                "end": self.grid.end,
                "mean_score": self.mean_score,
                "mean_logit": self.mean_logit,
                "q10": q10,
                "q90": q90,
            }
        )


def thresholds(trees: Trees, at: int) -> NDArray[np.float64]:
    """Return the values at which some tree splits a feature, (T,) float64, ascending.

    A client goes left where its value is at most the threshold.

    Parameters
    ----------
    trees : the model. Its own names of features are not asked for: LightGBM writes some of them otherwise.
    at : place of the feature in the model's rows.
    """
    found = [tree.threshold[tree.feature == at] for tree in trees.trees]
    return np.unique(np.concatenate(found)) if found else np.zeros(0)


def grid(feature: str, at: int, splits: NDArray[np.float64], column: NDArray[np.float32], most: int = MOST) -> Grid:
    """Return the steps of a feature; of more than `most`, those that hold evenly spread quantiles of the clients.

    Parameters
    ----------
    feature : its name.
    at : its place in the model's rows.
    splits : (T,) float64, as `thresholds` gives them.
    column : (n,) float32, the feature of every client, NaN where missing.
    most : greatest number of steps, at least 1.

    Raises
    ------
    InvalidOption
        If `most` is below 1.
    """
    if most < 1:
        raise InvalidOption(f"A grid has at least 1 step, not {most}.")
    steps = splits.size + 1
    chosen = np.arange(steps)
    finite = column[np.isfinite(column)]
    if steps > most:
        spread = np.quantile(finite, (np.arange(most) + 0.5) / most) if finite.size else splits[:most]
        chosen = np.unique(np.searchsorted(splits, spread, side="left"))
    bounds = np.concatenate([[-np.inf], splits, [np.inf]])
    start, end = bounds[chosen], bounds[chosen + 1]
    value = end.copy()
    if np.isinf(value[-1]):
        value[-1] = start[-1] + max(abs(start[-1]), 1.0) if np.isfinite(start[-1]) else 0.0
    for array in (start, end, value):
        array.setflags(write=False)
    return Grid(feature, at, start, end, value, steps, _usual(finite))


def _usual(finite: NDArray[np.float32]) -> tuple[float, float]:
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(end) for end in np.quantile(finite, (_OUTSIDE, 1.0 - _OUTSIDE)))
    if low == high:  # nearly everyone has one value: the few others are what there is to see
        low, high = float(finite.min()), float(finite.max())
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def partial(scorer: Scorer, rows: NDArray[np.float64], steps: Grid, lines: int = LINES) -> Partial:
    """Return the scores of a population with one feature moved.

    Parameters
    ----------
    scorer : of the model; each step is scored on one thread.
    rows : (R, F) float64, the features of the reference population, at least one client.
    steps : the grid.
    lines : greatest number of single clients' lines.

    Raises
    ------
    InvalidOption
        If there is no client.
    FeatureMismatch
        If these are not the model's features.
    """
    if not len(rows):
        raise InvalidOption("The reference population is empty: partial dependence needs at least 1 client.")

    def moved(value: float) -> NDArray[np.float64]:
        copy = rows.copy()
        copy[:, steps.at] = value
        return scorer.score(copy).score

    with ThreadPoolExecutor(threads()) as pool:
        *columns, missing = pool.map(moved, [*steps.value.tolist(), float("nan")])
    scores = np.stack(columns, axis=1)
    order = np.argsort(scores.mean(axis=1), kind="stable")
    picked = order[np.linspace(0, len(rows) - 1, min(lines, len(rows))).astype(np.intp)]
    arrays = (scores.mean(axis=0), logit(scores).mean(axis=0), scores[picked])
    for array in arrays:
        array.setflags(write=False)
    return Partial(steps, len(rows), *arrays, float(missing.mean()))


def line(scorer: Scorer, row: NDArray[np.float64], steps: Grid) -> NDArray[np.float64]:
    """Return one client's score in every step, (G,) float64 in [0, 1], its feature moved, from its row (F,) float64."""
    moved = np.repeat(row[np.newaxis], steps.value.size, axis=0)
    moved[:, steps.at] = steps.value
    return scorer.score(moved).score
