"""How two columns go together, and each with the score: by ranks, so that neither scale nor far values matter."""

from __future__ import annotations

import functools
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
"""Of Cramer's V. Source: L. M. Rea and R. A. Parker, "Designing and Conducting Survey Research", 1992."""


@dataclass(frozen=True, slots=True)
class Association:
    """How two columns go together.

    Attributes
    ----------
    kind : "ranks" is Spearman's correlation of two measures, with average ranks, in [-1, 1]; "ratio" the correlation
        ratio eta of a measure's ranks by category, in [0, 1]; "categories" the bias-corrected Cramer's V, in [0, 1].
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
    _check_lengths(a.values, b.values, kept)
    return _associate(_Ranked(a.values, kept, named=_named(a)), _Ranked(b.values, kept, named=_named(b)))


def associations(population: Population, across: str, up: str, kept: NDArray[np.bool_] | None = None) -> Associations:
    """Return how two columns go together, and each with the score in double precision, among the clients kept.

    Raises
    ------
    UnknownColumn
        A column that the population doesn't have.
    InvalidOption
        If the clients kept are not as many as there are.
    """
    columns = [population.column(key) for key in (across, up)]
    score = population.score
    _check_lengths(columns[0].values, score, kept)
    first, second = (_Ranked(column.values, kept, named=_named(column)) for column in columns)
    scores = _Ranked(score, kept, named=False)
    return Associations(across, up, _associate(first, second), _associate(first, scores), _associate(second, scores))


def average_ranks(values: NDArray[Any], order: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
    """Return the rank of values, from 1, equal ones sharing their average, (n,) float64.

    Parameters
    ----------
    values : (n,) of which those in order are not missing.
    order : places of the values to rank, in ascending order of value; the others have no rank, NaN. None ranks all.
    """
    ranks = np.full(values.size, np.nan)
    order = np.argsort(values) if order is None else order
    if order.size:
        ordered = values[order]
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        counts = np.diff(starts, append=order.size)
        ranks[order] = np.repeat(starts + (counts + 1) / 2, counts)
    return ranks


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the correlation of two arrays of average ranks, Spearman's of the values; NaN where one is constant."""
    if not a.size:
        return np.nan
    middle = (a.size + 1) / 2
    first, second = a - middle, b - middle
    scale = float(np.sqrt(first @ first) * np.sqrt(second @ second))
    return float(np.clip(first @ second / scale, -1.0, 1.0)) if scale else np.nan


def correlation_ratio(ranks: NDArray[np.float64], groups: NDArray[np.intp]) -> float:
    """Return the correlation ratio eta of average ranks by group, in [0, 1]; NaN where all values are equal.

    It is the root of the share of the ranks' variance that lies between the groups.
    """
    apart = ranks - (ranks.size + 1) / 2
    total = float(apart @ apart)
    if not total:
        return np.nan
    sizes = np.bincount(groups)
    sums = np.bincount(groups, weights=apart)
    there = sizes > 0
    return float(np.sqrt(min(1.0, float((sums[there] ** 2 / sizes[there]).sum()) / total)))


def cramer(table: NDArray[np.int64]) -> float:
    """Return the bias-corrected Cramer's V of a table of counts, in [0, 1]; NaN where it isn't defined.

    Source: W. Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", 2013, doi:10.1016/j.jkss.2012.10.002.
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


class _Ranked:
    """The values of the clients kept, put in order once however many columns they are compared with."""

    def __init__(self, values: NDArray[Any], kept: NDArray[np.bool_] | None, *, named: bool) -> None:
        self.values = values if kept is None else values[kept]
        self.named = named

    @functools.cached_property
    def order(self) -> NDArray[np.intp]:
        """Places of all values in ascending order, the missing ones last."""
        return np.argsort(self.values)

    def ranks(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the average ranks of the values chosen, among themselves; none of them is missing."""
        if chosen.all():
            return average_ranks(self.values, self.order)
        return average_ranks(self.values, self.order[chosen[self.order]])[chosen]

    def numbers(self, chosen: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Return the numbers of the categories of those chosen."""
        return self.values[chosen].astype(np.intp)


def _associate(first: _Ranked, second: _Ranked) -> Association:
    kind: Kind = "categories" if first.named and second.named else "ratio" if first.named or second.named else "ranks"
    both = ~(np.isnan(first.values) | np.isnan(second.values))
    clients = int(np.count_nonzero(both))
    if clients < FEWEST:
        return Association(kind, np.nan, clients, reason="too_few")
    if any(_constant(each.values[both]) for each in (first, second)):
        return Association(kind, np.nan, clients, reason="constant")
    if kind == "ranks":
        value = correlation(first.ranks(both), second.ranks(both))
    elif kind == "ratio":
        named, measure = (first, second) if first.named else (second, first)
        groups = named.numbers(both)
        enough = clients >= FEWEST_A_CATEGORY * np.count_nonzero(np.bincount(groups))
        value = correlation_ratio(measure.ranks(both), groups) if enough else np.nan
    else:
        value = cramer(_crossed(first.numbers(both), second.numbers(both)))
    if np.isnan(value):
        return Association(kind, value, clients, reason="too_few")
    return Association(kind, value, clients, strength(value, CRAMER_CUTS if kind == "categories" else CORRELATION_CUTS))


def _named(column: Column) -> bool:
    return column.categories is not None


def _check_lengths(a: NDArray[Any], b: NDArray[Any], kept: NDArray[np.bool_] | None) -> None:
    shapes = {a.shape, b.shape} | ({kept.shape} if kept is not None else set())
    if len(shapes) > 1 or a.ndim != 1:
        raise InvalidOption(
            f"Two columns go together over the same clients, got shapes {', '.join(map(str, sorted(shapes)))}. "
            "Give one value a client."
        )


def _constant(values: NDArray[Any]) -> bool:
    return bool(values.min() == values.max())


def _crossed(a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.int64]:
    columns = int(b.max()) + 1
    counted = np.bincount(a * columns + b, minlength=(int(a.max()) + 1) * columns)
    return counted.astype(np.int64).reshape(-1, columns)
