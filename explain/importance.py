"""What drives the model over the portfolio: mean |contribution| by source column, over a seeded sample of clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from data.errors import InvalidOption
from data.progress import silent
from explain.grouping import grouping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from data.features.catalog import Feature
    from data.progress import Report
    from explain.contributions import Explainer

SAMPLE = 1000
CHUNK = 100


class Rows(Protocol):
    """Clients whose features can be read, such as `data.store.FeatureSet`."""

    @property
    def ids(self) -> NDArray[np.int64]:
        """(n,) int64, the clients."""

    def rows(self, positions: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the (m, F) float64 features of the clients at m positions."""


@dataclass(frozen=True, slots=True, eq=False)
class Importance:
    """Mean |contribution| by group, the most important first; groups of equal importance keep the catalogue's order.

    Attributes
    ----------
    groups : the G groups, "table.column".
    mean_absolute : (G,) float64, mean over the sample of |contribution of the group|, in log-odds.
    mean : (G,) float64, mean over the sample of the contribution, in log-odds of repayment.
    share : (G,) float64, `mean_absolute` over its sum, in [0, 1]; 0 where the model uses nothing.
    sample_size : clients explained.
    population : clients they were drawn from, without replacement.
    seed : of the draw.
    """

    groups: tuple[str, ...]
    mean_absolute: NDArray[np.float64]
    mean: NDArray[np.float64]
    share: NDArray[np.float64]
    sample_size: int
    population: int
    seed: int

    def by_group(self) -> dict[str, float]:
        """Return mean |contribution| (log-odds) by group, the most important first."""
        return {group: float(value) for group, value in zip(self.groups, self.mean_absolute, strict=True)}

    def frame(self) -> pl.DataFrame:
        """Return one row a group: group, mean_absolute, mean (log-odds of repayment), share and sample_size."""
        return pl.DataFrame(
            {"group": self.groups, "mean_absolute": self.mean_absolute, "mean": self.mean, "share": self.share},
            schema_overrides={"group": pl.String},
        ).with_columns(sample_size=pl.lit(self.sample_size, dtype=pl.Int64))


def importance(
    explainer: Explainer,
    features: Rows,
    catalog: Sequence[Feature],
    *,
    sample: int = SAMPLE,
    seed: int = 0,
    threads: int = 1,
    report: Report = silent,
) -> Importance:
    """Return the mean |contribution| of every group over a seeded sample of the clients.

    Parameters
    ----------
    explainer : of the model.
    features : the clients, all of them if there are no more than `sample`.
    catalog : entries of the model's features.
    sample : greatest number of clients explained, at least 1.
    seed : of the draw.
    threads : threads that LightGBM uses.
    report : told after every 100 clients; what it raises interrupts the work, which leaves nothing behind.

    Raises
    ------
    InvalidOption
        If there is no client, or if `sample` is below 1.
    FeatureMismatch
        If these are not the model's features.
    """
    population = int(features.ids.size)
    if sample < 1 or population < 1:
        raise InvalidOption(
            f"Importance needs a sample of at least 1 client of at least 1; got {sample} of {population}."
        )
    size = min(sample, population)
    drawn = np.sort(np.random.default_rng(seed).choice(population, size=size, replace=False)).astype(np.intp)
    grouped_by = grouping(explainer.names, catalog)
    absolute = np.zeros(len(grouped_by.groups))
    signed = np.zeros(len(grouped_by.groups))
    for start in range(0, size, CHUNK):
        report(f"explaining clients {start + 1} to {min(start + CHUNK, size)} of {size}", start / size)
        sums = grouped_by.sums(explainer.explain_many(features.rows(drawn[start : start + CHUNK]), threads).values)
        absolute += np.abs(sums).sum(axis=0)
        signed += sums.sum(axis=0)
    report(f"explained {size} clients", 1.0)
    order = np.argsort(-absolute, kind="stable")
    total = float(absolute.sum())
    arrays = (absolute[order] / size, signed[order] / size, absolute[order] / total if total else absolute[order])
    for array in arrays:
        array.setflags(write=False)
    return Importance(tuple(grouped_by.groups[place] for place in order), *arrays, size, population, seed)
