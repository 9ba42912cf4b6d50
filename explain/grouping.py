"""Contributions summed by source column: what a person reads as one thing, be it many categories or aggregates."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from data.errors import FeatureMismatch, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from data.features.catalog import Feature


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Which group every feature of a model belongs to.

    Attributes
    ----------
    names : the F features, in the model's order.
    groups : the G groups ("table.column"), in the order in which the features first name them.
    index : (F,) intp, place in `groups` of every feature's group.
    indicators : (F,) bool, which features are 1 for one category of their column and 0 for any other.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    index: NDArray[np.intp]
    indicators: NDArray[np.bool_]

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n, G) sums by group of (n, F) contributions, in the same unit."""
        sums = np.zeros((len(self.groups), values.shape[0]))
        np.add.at(sums, self.index, values.T)
        return np.ascontiguousarray(sums.T)


def grouping(names: Sequence[str], catalog: Sequence[Feature]) -> Grouping:
    """Return the group of each of `names`, after the catalogue.

    Parameters
    ----------
    names : the features of a model, in its order.
    catalog : entries of at least these features, in any order.

    Raises
    ------
    FeatureMismatch
        If the catalogue doesn't have one of them.
    """
    return _grouping(tuple(names), tuple(catalog))


@functools.lru_cache(maxsize=8)
def _grouping(names: tuple[str, ...], catalog: tuple[Feature, ...]) -> Grouping:
    entry_of = {feature.name: feature for feature in catalog}
    place: dict[str, int] = {}
    index = np.empty(len(names), dtype=np.intp)
    for position, name in enumerate(names):
        if name not in entry_of:
            raise FeatureMismatch(
                f"The model uses feature {name!r}, which is not among the {len(entry_of)} of the catalogue."
                f"{did_you_mean(name, entry_of)} Use the catalogue of the features the model was trained on."
            )
        index[position] = place.setdefault(entry_of[name].group, len(place))
    indicators = np.array([entry_of[name].aggregation == "is" for name in names], dtype=np.bool_)
    for array in (index, indicators):
        array.setflags(write=False)
    return Grouping(names, tuple(place), index, indicators)


@dataclass(frozen=True, slots=True, eq=False)
class GroupedContributions:
    """One client's contributions summed by source column, the strongest first.

    Groups of equal strength keep the model's order. The feature quoted for a group is the member that pulls hardest the
    way the whole group does, so that what is said of it never contradicts the group; for a category it is the indicator
    of the client's own.

    Attributes
    ----------
    groups : the G groups, "table.column".
    contributions : (G,) float64, log-odds of repayment; above zero helps the client.
    members : (G,) int64, number of features summed.
    quoted : the G names of the features quoted, one a group.
    quoted_values : (G,) float64, the client's value of the feature quoted; NaN where there is none.
    quoted_contributions : (G,) float64, log-odds of repayment, of the feature quoted alone.
    base : log-odds of repayment of the average client, before any contribution.
    logit_score : log-odds of repayment of this client; `base + contributions.sum()` within 1e-9.
    """

    groups: tuple[str, ...]
    contributions: NDArray[np.float64]
    members: NDArray[np.int64]
    quoted: tuple[str, ...]
    quoted_values: NDArray[np.float64]
    quoted_contributions: NDArray[np.float64]
    base: float
    logit_score: float

    def frame(self) -> pl.DataFrame:
        """Return one row a group: group, contribution, members, feature, value and feature_contribution.

        Contributions are in log-odds of repayment; `value` is the client's value of the feature quoted, null where
        there is none.
        """
        return pl.DataFrame(
            {
                "group": self.groups,
                "contribution": self.contributions,
                "members": self.members,
                "feature": self.quoted,
                "value": self.quoted_values,
                "feature_contribution": self.quoted_contributions,
            },
            schema_overrides={"group": pl.String, "feature": pl.String},
        ).with_columns(pl.col("value").fill_nan(None))


def group_contributions(
    grouped_by: Grouping,
    values: NDArray[np.float64],
    row: NDArray[np.float64],
    base: float,
    logit_score: float,
) -> GroupedContributions:
    """Return one client's contributions summed by group, the strongest first.

    Parameters
    ----------
    grouped_by : the group of every feature.
    values : (F,) float64, contributions in log-odds of repayment.
    row : (F,) float64, the client's features, NaN where there is no value.
    base, logit_score : log-odds of repayment of the average client, and of this one.
    """
    index = grouped_by.index
    sums = grouped_by.sums(values[np.newaxis])[0]
    direction = np.sign(sums)[index]
    pull = np.where(direction == 0.0, np.abs(values), values * direction)
    pull[grouped_by.indicators & (row == 1.0)] = np.inf
    # Sorted by group, then by falling pull, then by the model's order: the first of each group is quoted.
    by_pull = np.lexsort((-pull, index))
    strongest = by_pull[np.searchsorted(index[by_pull], np.arange(len(grouped_by.groups)))]
    order = np.argsort(-np.abs(sums), kind="stable")
    quoted = strongest[order]
    arrays = (sums[order], np.bincount(index)[order].astype(np.int64), row[quoted], values[quoted])
    for array in arrays:
        array.setflags(write=False)
    contributions, members, quoted_values, quoted_contributions = arrays
    return GroupedContributions(
        groups=tuple(grouped_by.groups[place] for place in order),
        contributions=contributions,
        members=members,
        quoted=tuple(grouped_by.names[place] for place in quoted),
        quoted_values=quoted_values,
        quoted_contributions=quoted_contributions,
        base=base,
        logit_score=logit_score,
    )
