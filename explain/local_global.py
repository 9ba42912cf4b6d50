"""What matters for one client beside what matters for everyone, by source column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from data.errors import FeatureMismatch, InvalidOption, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from explain.grouping import GroupedContributions

COUNT = 8
UNUSUAL = 1.5
"""How many times more, or fewer, than usual a group counts when that is worth saying."""

_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Unusual:
    """A group that counts for a client otherwise than for everyone.

    Attributes
    ----------
    group : source column, "table.column".
    own : the client's contribution, log-odds of repayment; above zero helps the client.
    typical : mean |contribution| over everyone, log-odds.
    ratio : |own| over typical, at least UNUSUAL or at most 1 / UNUSUAL; infinite where it never counts for anyone.
    """

    group: str
    own: float
    typical: float
    ratio: float


@dataclass(frozen=True, slots=True, eq=False)
class LocalGlobal:
    """The groups that matter most for everyone or for one client, those that matter most for everyone first.

    Attributes
    ----------
    groups : the B groups, "table.column": the union of the strongest for everyone and of the strongest for the client.
    typical : (B,) float64, mean |contribution| over everyone, log-odds.
    own : (B,) float64, the client's contribution, log-odds of repayment; above zero helps the client.
    typical_ranks, own_ranks : (B,) int64, from 1 for the group of all G that weighs most: for everyone, for the client.
    smaller : (B,) float64, share in [0, 1] of the clients for whom the group weighs strictly less than for this one;
        NaN where that is not known.
    """

    groups: tuple[str, ...]
    typical: NDArray[np.float64]
    own: NDArray[np.float64]
    typical_ranks: NDArray[np.int64]
    own_ranks: NDArray[np.int64]
    smaller: NDArray[np.float64]

    def frame(self) -> pl.DataFrame:
        """Return one row a group: group, typical, own, typical_rank, own_rank and smaller.

        `typical` and `own` are in log-odds, `smaller` is a share, null where it is not known.
        """
        return pl.DataFrame(
            {
                "group": self.groups,
                "typical": self.typical,
                "own": self.own,
                "typical_rank": self.typical_ranks,
                "own_rank": self.own_ranks,
                "smaller": self.smaller,
            },
            schema_overrides={"group": pl.String},
        ).with_columns(pl.col("smaller").fill_nan(None))

    def unusual(self, count: int = 2) -> tuple[Unusual, ...]:
        """Return at most `count` groups whose weight differs most from the usual one, in log-odds, the furthest first.

        Those that count less than UNUSUAL times more or fewer than usual are no exception, and left out.
        """
        weight = np.abs(self.own)
        ratio = np.divide(weight, self.typical, out=np.full(len(weight), np.inf), where=self.typical > 0)
        differs = (weight != self.typical) & ((ratio >= UNUSUAL) | (ratio <= 1 / UNUSUAL))
        order = np.argsort(-np.abs(weight - self.typical), kind="stable")
        return tuple(
            Unusual(self.groups[place], float(self.own[place]), float(self.typical[place]), float(ratio[place]))
            for place in order[differs[order]][:count]
        )


def local_global(
    grouped: GroupedContributions,
    importance: Mapping[str, float],
    smaller: Mapping[str, float] | None = None,
    count: int = COUNT,
) -> LocalGlobal:
    """Return what matters for one client beside what matters for everyone.

    Parameters
    ----------
    grouped : the client's contributions by source column, the strongest first.
    importance : mean |contribution| over everyone by source column, log-odds; a group it leaves out counts for nobody.
    smaller : share in [0, 1] of the clients for whom a group weighs strictly less, as `share_smaller` gives it; of some
        groups or of none.
    count : number of the strongest groups of each kind, at least 1.

    Raises
    ------
    FeatureMismatch
        If `importance` names a group that the client's contributions don't have.
    InvalidOption
        If `count` is below 1.
    """
    if count < 1:
        raise InvalidOption(f"At least 1 group is compared, not {count}.")
    unknown = [group for group in importance if group not in grouped.groups]
    if unknown:
        raise FeatureMismatch(
            f"Source column {unknown[0]!r} matters for everyone, but is none of the {len(grouped.groups)} of this "
            f"client's contributions.{did_you_mean(unknown[0], grouped.groups)} Give those of one and the same model."
        )
    named = {group: place for place, group in enumerate(importance)}
    by_typical = sorted(
        range(len(grouped.groups)),
        key=lambda place: (
            -importance.get(grouped.groups[place], 0.0),
            named.get(grouped.groups[place], len(named)),
            place,
        ),
    )
    chosen = [place for rank, place in enumerate(by_typical) if rank < count or place < count]
    rank_of = {place: rank for rank, place in enumerate(by_typical, start=1)}
    groups = tuple(grouped.groups[place] for place in chosen)
    known = smaller or {}
    arrays = (
        np.array([importance.get(group, 0.0) for group in groups], dtype=np.float64),
        grouped.contributions[chosen].astype(np.float64),
        np.array([rank_of[place] for place in chosen], dtype=np.int64),
        np.array([place + 1 for place in chosen], dtype=np.int64),
        np.array([known.get(group, np.nan) for group in groups], dtype=np.float64),
    )
    for array in arrays:
        array.setflags(write=False)
    return LocalGlobal(groups, *arrays)


def share_smaller(by_group: NDArray[np.float32], columns: Sequence[int], position: int) -> NDArray[np.float64]:
    """Return the share of clients for whom some groups weigh strictly less than for one of them, exactly.

    Parameters
    ----------
    by_group : (n, G) float32, contributions of every client by group, log-odds of repayment.
    columns : places of the B groups.
    position : row of the client.

    Returns
    -------
    (B,) float64, shares in [0, 1] of all n clients.
    """
    chosen = np.asarray(columns, dtype=np.intp)
    own = np.abs(by_group[position, chosen])
    fewer = np.zeros(len(chosen), dtype=np.int64)
    for start in range(0, len(by_group), _BLOCK):
        fewer += np.count_nonzero(np.abs(by_group[start : start + _BLOCK][:, chosen]) < own, axis=0)
    return fewer / len(by_group)
