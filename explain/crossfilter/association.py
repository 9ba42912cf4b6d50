"""How two columns go together, and each with the score: by ranks, so that neither scale nor far values matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import polars as pl

from data.errors import InvalidOption

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explain.crossfilter.columns import Column
    from explain.crossfilter.population import Population

Kind = Literal["ranks", "ratio", "categories"]
Strength = Literal["none", "weak", "moderate", "strong", "very_strong"]
Reason = Literal["too_few", "constant"]
STRENGTHS: tuple[Strength, ...] = get_args(Strength)
FEWEST = 10
"""Clients with both values from which an association is told."""
FEWEST_A_CATEGORY = 5
"""The same for each category that there is, for a correlation ratio, which is 1 where each category has one client."""
CORRELATION_CUTS = (0.10, 0.40, 0.70, 0.90)
"""Of Spearman's correlation, whatever its sign, and of the correlation ratio.

Source: P. Schober et al., "Correlation coefficients: appropriate use and interpretation", 2018,
doi:10.1213/ANE.0000000000002864.
"""
CRAMER_CUTS = (0.10, 0.20, 0.40, 0.80)
"""Of Cramér's V. Source: L. M. Rea and R. A. Parker, "Designing and Conducting Survey Research", 1992."""


@dataclass(frozen=True, slots=True)
class Association:
    """How two columns go together.

    Attributes
    ----------
    kind : "ranks" is Spearman's correlation of two measures, with average ranks, in [-1, 1]; "ratio" the correlation
        ratio eta of a measure's ranks by category, in [0, 1]; "categories" the bias-corrected Cramér's V, in [0, 1].
    value : NaN where it can't be told.
    clients : how many have a value in both columns.
    strength : in words, by CORRELATION_CUTS or CRAMER_CUTS; None where it can't be told.
    reason : why it can't be told: "too_few" clients, or a "constant" column; None where it can.
    """

    kind: Kind
    value: float
    clients: int
    strength: Strength | None = None
    reason: Reason | None = None

    @property
    def direction(self) -> Literal["up", "down"] | None:
        """Whether one measure goes up or down with the other; None where neither, or where categories have no order."""
        if self.kind != "ranks" or self.strength in (None, "none"):
            return None
        return "up" if self.value > 0 else "down"


@dataclass(frozen=True, slots=True)
class Associations:
    """How two columns go together, and each with the score.

    Attributes
    ----------
    across, up : keys of the columns.
    pair : the one with the other.
    score_across, score_up : each with the score (in [0, 1], higher is better).
    """

    across: str
    up: str
    pair: Association
    score_across: Association
    score_up: Association

    def frame(self) -> pl.DataFrame:
        """Return one row an association: first, second (keys), kind, value, clients, strength, reason."""
        rows = (
            (self.across, self.up, self.pair),
            (self.across, "score", self.score_across),
            (self.up, "score", self.score_up),
        )
        return pl.DataFrame(
            [
                (first, second, one.kind, one.value, one.clients, one.strength, one.reason)
                for first, second, one in rows
            ],
            schema={
                "first": pl.String, "second": pl.String, "kind": pl.String, "value": pl.Float64, "clients": pl.Int64,
                "strength": pl.String, "reason": pl.String,
            },
            orient="row",
        )  # fmt: skip


def association(a: Column, b: Column, kept: NDArray[np.bool_] | None = None) -> Association:
    """Return how two columns go together among the clients kept who have a value in both; infinite ones are values.

    Parameters
    ----------
    a, b : of the same n clients.
    kept : (n,) bool, which clients count; None for all.

    Raises
    ------
    InvalidOption
        If the columns and the clients kept don't have one length.
    """
    first, second = (_Values(each.values, named=each.categories is not None) for each in (a, b))
    return _associate(first, second, kept)


def association_with_score(column: Column, score: NDArray[np.float64], kept: NDArray[np.bool_] | None) -> Association:
    """Return how a column goes with the score, (n,) in [0, 1]; the rest is as in `association`."""
    return _associate(_Values(column.values, named=column.categories is not None), _Values(score, named=False), kept)


def associations(population: Population, across: str, up: str, kept: NDArray[np.bool_] | None) -> Associations:
    """Return how two columns go together, and each with the score, among the clients kept.

    Raises
    ------
    UnknownColumn
        A column that the population doesn't have.
    """
    first, second = population.column(across), population.column(up)
    return Associations(
        across,
        up,
        association(first, second, kept),
        association_with_score(first, population.score, kept),
        association_with_score(second, population.score, kept),
    )


def average_ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the rank of every value, from 1, equal ones sharing their average, (n,) float64; none may be missing."""
    ranks = np.empty(values.size)
    if values.size:
        order = np.argsort(values)
        ordered = values[order]
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        counts = np.diff(starts, append=values.size)
        ranks[order] = np.repeat(starts + (counts + 1) / 2, counts)
    return ranks


def spearman(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return Spearman's rank correlation of two arrays without missing values; NaN where one is constant."""
    first, second = average_ranks(a), average_ranks(b)
    if not first.size:
        return np.nan
    middle = (first.size + 1) / 2
    first -= middle
    second -= middle
    scale = float(np.sqrt(first @ first) * np.sqrt(second @ second))
    return float(np.clip(first @ second / scale, -1.0, 1.0)) if scale else np.nan


def correlation_ratio(values: NDArray[Any], groups: NDArray[np.intp]) -> float:
    """Return the correlation ratio eta of the values' ranks by group, in [0, 1]; NaN where there is but one value.

    It is the root of the share of the ranks' variance that lies between the groups.
    """
    ranks = average_ranks(values)
    ranks -= (ranks.size + 1) / 2
    total = float(ranks @ ranks)
    if not total:
        return np.nan
    sizes = np.bincount(groups)
    sums = np.bincount(groups, weights=ranks)
    there = sizes > 0
    return float(np.sqrt(min(1.0, float((sums[there] ** 2 / sizes[there]).sum()) / total)))


def cramer(table: NDArray[np.int64]) -> float:
    """Return the bias-corrected Cramér's V of a table of counts, in [0, 1]; NaN where it isn't defined.

    Source: W. Bergsma, "A bias-correction for Cramér's V and Tschuprow's T", 2013, doi:10.1016/j.jkss.2012.10.002.
    """
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    rows, columns = table.shape
    clients = int(table.sum())
    if min(rows, columns) < 2 or clients < 2:
        return np.nan
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / clients
    squared = float((table**2 / expected).sum()) / clients - 1.0  # chi-squared / clients
    squared = max(0.0, squared - (rows - 1) * (columns - 1) / (clients - 1))
    least = min(each - 1 - (each - 1) ** 2 / (clients - 1) for each in (rows, columns))
    return float(np.sqrt(min(1.0, squared / least))) if least > 0 else np.nan


def strength(value: float, cuts: tuple[float, ...]) -> Strength:
    """Return the strength of an association in words: how many of the cut points its size reaches."""
    return STRENGTHS[sum(abs(value) >= cut for cut in cuts)]


@dataclass(frozen=True, slots=True, eq=False)
class _Values:
    values: NDArray[Any]
    named: bool


def _associate(first: _Values, second: _Values, kept: NDArray[np.bool_] | None) -> Association:
    a, b = first.values, second.values
    shapes = {a.shape, b.shape} | ({kept.shape} if kept is not None else set())
    if len(shapes) > 1 or a.ndim != 1:
        raise InvalidOption(
            f"Two columns go together over the same clients, got shapes {', '.join(map(str, sorted(shapes)))}. "
            "Give one value a client."
        )
    both = ~(np.isnan(a) | np.isnan(b))
    if kept is not None:
        both &= kept
    a, b = a[both], b[both]
    kind: Kind = "categories" if first.named and second.named else "ratio" if first.named or second.named else "ranks"
    clients = a.size
    if clients < FEWEST:
        return Association(kind, np.nan, clients, reason="too_few")
    if _constant(a) or _constant(b):
        return Association(kind, np.nan, clients, reason="constant")
    if kind == "ranks":
        value = spearman(a, b)
    elif kind == "ratio":
        groups, measure = (a, b) if first.named else (b, a)
        enough = clients >= FEWEST_A_CATEGORY * np.unique(groups).size
        value = correlation_ratio(measure, groups.astype(np.intp)) if enough else np.nan
    else:
        value = cramer(_crossed(a.astype(np.intp), b.astype(np.intp)))
    if np.isnan(value):
        return Association(kind, value, clients, reason="too_few")
    return Association(kind, value, clients, strength(value, CRAMER_CUTS if kind == "categories" else CORRELATION_CUTS))


def _constant(values: NDArray[Any]) -> bool:
    return bool(values.min() == values.max())


def _crossed(a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.int64]:
    columns = int(b.max()) + 1
    counted = np.bincount(a * columns + b, minlength=(int(a.max()) + 1) * columns)
    return counted.astype(np.int64).reshape(-1, columns)
