"""Draw from published marginals: quantile tables, categories, counts of rows, and categories that depend on others.

Every draw takes a uniform in [0, 1) from the caller, so that a uniform that comes from a correlated normal score
carries its correlation over (a Gaussian copula).
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import gammaln, ndtr

from data import schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int16]

_STATISTICS = Path(__file__).parent / "statistics"
NULL = -1


@functools.cache
def statistics(name: str) -> Mapping[str, Any]:
    """Return the content of a table of published statistics, by its name without extension."""
    with open(_STATISTICS / f"{name}.toml", "rb") as file:
        return tomllib.load(file)


def uniform(scores: Floats) -> Floats:
    """Return the standard normal distribution function of `scores`, of any shape: uniforms in (0, 1)."""
    result: Floats = ndtr(scores)
    return result


def quantile(column: str, uniforms: Floats) -> Floats:
    """Return values of a numeric application column at `uniforms`, from its published quantile table."""
    knots = statistics("quantiles")[column]
    result: Floats = np.interp(uniforms, knots["p"], knots["value"])
    return result


@dataclass(frozen=True)
class Choices:
    """Categories and their cumulative shares; codes are positions in `names`, NULL for the absent category."""

    names: tuple[str, ...]
    codes: Codes
    cumulative: Floats

    @classmethod
    def of(cls, table: str, column: str, shares: Mapping[str, float] | None = None) -> Choices:
        """Return the choices of a schema column: its published counts, or `shares` where they are given."""
        names = schema.table(table).column(column).categories
        weights = statistics("categories")[table][column] if shares is None else shares
        codes = np.array([names.index(name) if name else NULL for name in weights], dtype=np.int16)
        cumulative = np.cumsum(np.array(list(weights.values()), dtype=np.float64))
        return cls(names, codes, cumulative / cumulative[-1])

    def draw(self, uniforms: Floats) -> Codes:
        """Return codes, shape and order of `uniforms`."""
        found: Codes = self.codes[np.searchsorted(self.cumulative[:-1], uniforms, side="right")]
        return found

    def code(self, name: str) -> int:
        """Return the code of a category."""
        return self.names.index(name)


@functools.cache
def choices(table: str, column: str) -> Choices:
    """Return the published choices of a column."""
    return Choices.of(table, column)


def draw_rows(cumulative: Floats, rows: NDArray[np.intp], uniforms: Floats) -> NDArray[np.intp]:
    """Return, for each row number, a position drawn from that row of `cumulative` (m, k), cumulative shares."""
    result: NDArray[np.intp] = np.sum(cumulative[rows, :-1] <= uniforms[:, None], axis=1)
    return result


def tilted(shares: Floats, logits: Floats, uniforms: Floats) -> NDArray[np.intp]:
    """Return positions drawn from `shares` (k,) times exp(`logits`) (n, k), normalised by row."""
    weights = shares * np.exp(logits)
    cumulative = np.cumsum(weights, axis=1)
    result: NDArray[np.intp] = np.sum(cumulative[:, :-1] <= uniforms[:, None] * cumulative[:, -1:], axis=1)
    return result


def fitted(affinity: Floats, rows: Floats, columns: Floats) -> Floats:
    """Return cumulative conditional shares (m, k) of the columns given the row.

    The joint table keeps the odds of `affinity` (m, k) and has the marginals `rows` (m,) and `columns` (k,), found by
    iterative proportional fitting.
    """
    joint = affinity * np.outer(rows, columns)
    for _ in range(200):
        joint *= (columns / joint.sum(axis=0))[None, :]
        joint *= (rows / joint.sum(axis=1))[:, None]
    result: Floats = np.cumsum(joint / joint.sum(axis=1, keepdims=True), axis=1)
    return result


@functools.cache
def _counts(mean: float, deviation: float, largest: int) -> Floats:
    """Return the cumulative shares of 0 to `largest`: negative binomial, or binomial where the deviation is small."""
    count = np.arange(largest + 1)
    if deviation**2 > mean:
        size = mean**2 / (deviation**2 - mean)
        log = gammaln(count + size) - gammaln(size) - gammaln(count + 1)
        log += size * np.log(size / (size + mean)) + count * np.log(mean / (size + mean))
    else:
        trials = np.ceil(mean**2 / max(mean - deviation**2, 1e-9))
        taken = np.minimum(count, trials)
        log = gammaln(trials + 1) - gammaln(taken + 1) - gammaln(trials - taken + 1)
        log += count * np.log(mean / trials) + (trials - taken) * np.log(1 - mean / trials)
        log[count > trials] = -np.inf
    cumulative = np.cumsum(np.exp(log))
    result: Floats = cumulative / cumulative[-1]
    return result


def count(uniforms: Floats, mean: float, deviation: float, largest: int) -> NDArray[np.int64]:
    """Return counts at `uniforms`, from 0 to `largest`, of this mean and deviation (about it, where it is small)."""
    return np.searchsorted(_counts(mean, deviation, largest)[:-1], uniforms, side="right").astype(np.int64)


def rounded(amounts: Floats, step: float = 4.5) -> Floats:
    """Return `amounts` at the nearest multiple of `step`."""
    result: Floats = np.round(amounts / step) * step
    return result
