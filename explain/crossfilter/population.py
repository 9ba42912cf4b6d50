"""The columns of all clients: what charts show and filters read. Shared by all sessions, read only."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from data.errors import HashMismatch, UnknownColumn, WrongColumn, did_you_mean
from data.features.application import BINARIES
from data.kept import Kept
from data.scheduling import Cluster
from data.schema import CLIENT_ID, TARGET, table
from explain.crossfilter import axes
from explain.crossfilter.bins import Bins, bins
from explain.crossfilter.columns import CONTRIBUTION, MOST_CATEGORIES, OUTCOMES, RAW, Column
from explain.crossfilter.survey import few
from models.policy import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from data.features.catalog import Feature
    from data.schema import Column as RawColumn
    from data.store import Portfolio
    from explain.contribution_store import ContributionStore
    from explain.crossfilter.axes import Axis, AxisKey
    from explain.crossfilter.counts import Counts
    from models.policy import Policy

__all__ = [
    "CONTRIBUTION",
    "DEFAULT",
    "LABELLED",
    "OUTCOMES",
    "RAW",
    "REFUSED",
    "Column",
    "Population",
    "Source",
    "population_of",
]

REFUSED, LABELLED, DEFAULT = 1, 2, 4
"""Bits of `Population.outcome`."""
DECISIONS, DEFAULTS, FLAG = ("refused", "accepted"), ("repaid", "default"), ("no", "yes")
THREADS = "threads"
"""The scheduler that stands for Dask's own threads in this process."""
_TALLIES = 1024
_BYTES = 768 * 2**20
"""Of axes, of bins, and of columns that are no file: how much of each is kept, as long as the fewest fit."""


class Source(Protocol):
    """Where the columns come from."""

    @property
    def keys(self) -> Sequence[str]:
        """The keys of all columns: outcomes, features, raw columns, contributions."""

    def column(self, key: str) -> Column:
        """Return a column; raise UnknownColumn, with the nearest keys, where there is none."""


class Population:
    """All n clients. Safe to share between threads; what is computed of a column is kept, within bounds.

    Parameters
    ----------
    ids : (n,) int64, ascending SK_ID_CURR.
    score : (n,) float64, repayment probability at even odds, in [0, 1].
    level : (n,) uint8, place of each client's level in `models.policy.LEVELS`.
    outcome : (n,) uint8, bits REFUSED, LABELLED and DEFAULT; a client whose outcome is unknown is not LABELLED.
    source : of the columns.
    scheduler : address of a Dask cluster on which pictures are computed from `pixel_cluster.DASK_FROM` clients on, or
        THREADS for Dask's own threads in this process; None computes them without Dask.
    elsewhere : opens the same population in another process, where a cluster's workers see the same files; None sends
        them the columns. It is a function of a module or a partial of one, of what can be hashed.

    Raises
    ------
    InvalidOption
        A scheduler that isn't an address.
    """

    def __init__(
        self,
        ids: NDArray[np.int64],
        score: NDArray[np.float64],
        level: NDArray[np.uint8],
        outcome: NDArray[np.uint8],
        source: Source,
        scheduler: str | None = None,
        elsewhere: Callable[[], Population] | None = None,
    ) -> None:
        self.ids, self.score, self.level, self.outcome = ids, score, level, outcome
        self.source, self.scheduler, self.elsewhere = source, scheduler, elsewhere
        self.cluster = None if scheduler in (None, THREADS) else Cluster(scheduler)
        self._axes: Kept[Axis] = Kept(_most(len(ids), 4, 14, 128))
        self._bins: Kept[Bins] = Kept(_most(len(ids), 1, 24, 512))
        self.tallies: Kept[Counts] = Kept(_TALLIES)
        """Counts of everyone by bin, by what was binned: the same for all sessions, so the explorers keep them here."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all columns."""
        return tuple(self.source.keys)

    def column(self, key: str) -> Column:
        """Return a column; raise UnknownColumn, with the nearest keys, where there is none."""
        return self.source.column(key)

    def axis(self, key: AxisKey) -> Axis:
        """Return an axis; raise UnknownColumn where its column isn't there, InvalidOption where its scale isn't one."""
        return self._axes.get(key, lambda: axes.axis(self.column(key.column), key.scale))

    def bins(self, key: AxisKey) -> Bins:
        """Return the bins of an axis; raise as `axis` does."""
        return self._bins.get(key, lambda: bins(self.column(key.column), self.axis(key)))


def population_of(
    portfolio: Portfolio,
    store: ContributionStore,
    policy: Policy,
    catalog: Sequence[Feature],
    scheduler: str | None = None,
) -> Population:
    """Return the population of a prepared portfolio.

    Parameters
    ----------
    portfolio : of all clients.
    store : the contributions of the same clients.
    policy : the threshold, and the edges of the levels of risk.
    catalog : entries of the portfolio's features.
    scheduler : as `Population` takes it.

    Raises
    ------
    HashMismatch
        The store is of another model, or of other features.
    """
    features, score = portfolio.features, portfolio.score
    store.check_belongs(portfolio.model_hash, features.data_hash)
    level = np.searchsorted(policy.level_edges, score, side="right").astype(np.uint8)
    refused, target = ~policy.accepted(score), features.target
    outcome = (REFUSED * refused + LABELLED * (target >= 0) + DEFAULT * (target == 1)).astype(np.uint8)
    for array in (level, outcome):
        array.setflags(write=False)
    source = _Prepared(portfolio, store, catalog, level, outcome)
    opened = functools.partial(
        reopened, str(portfolio.folder.absolute()), portfolio.model_hash, str(store.folder.absolute()), policy
    )
    return Population(features.ids, score, level, outcome, source, scheduler, opened)


def reopened(portfolio: str, model_hash: str, store: str, policy: Policy) -> Population:
    """Return the population of a portfolio and a store of contributions, by their folders, as another process has it.

    Raises
    ------
    StoreError
        They are not where they were, or they are others.
    """
    from data.features.catalog import features
    from data.store import Portfolio
    from explain.contribution_store import ContributionStore

    opened = Portfolio.open(Path(portfolio), verify=False)
    if opened.model_hash != model_hash:
        raise HashMismatch(f"{portfolio} was prepared again, with another model. Start the dashboard anew.")
    contributions = ContributionStore.open(Path(store), verify=False)
    return population_of(opened, contributions, policy, features(opened.features.absent_tables))


class _Prepared:
    """The columns of a prepared portfolio. Features and contributions lie on disk; the others are made, and kept."""

    def __init__(
        self,
        portfolio: Portfolio,
        store: ContributionStore,
        catalog: Sequence[Feature],
        level: NDArray[np.uint8],
        outcome: NDArray[np.uint8],
    ) -> None:
        features = portfolio.features
        self._portfolio, self._features, self._store = portfolio, features, store
        self._level, self._outcome = level, outcome
        self._catalog = {feature.name: feature for feature in catalog}
        known = frozenset(features.names)
        raw = [
            column.name
            for column in table("application").columns
            if column.name not in known and column.name not in (CLIENT_ID, TARGET)
        ]
        self.keys: tuple[str, ...] = (
            *OUTCOMES,
            *features.names,
            *(RAW + name for name in raw),
            *(CONTRIBUTION + name for name in store.used),
        )
        self._known = frozenset(self.keys)
        self._made: Kept[Column] = Kept(_most(len(features), 4, 8, 64))
        self._flags: Kept[tuple[str, ...]] = Kept(len(features.names) + 1)

    def column(self, key: str) -> Column:
        """Return a column; raise UnknownColumn, with the nearest keys, where there is none."""
        if key not in self._known:
            hint = did_you_mean(key, self.keys) or " Search the list of columns for one."
            raise UnknownColumn(f"The portfolio {self._portfolio.name} has no column {key!r}.{hint}")
        if key in OUTCOMES:
            return self._made.get(key, lambda: self._outcome_column(key))
        if key.startswith(RAW) and key not in self._catalog:
            return self._made.get(key, lambda: self._raw_column(key))
        if key.startswith(CONTRIBUTION) and key not in self._catalog:
            return Column(key, self._store.contribution(key.removeprefix(CONTRIBUTION)), None)
        values = self._features.column(key)
        return Column(key, values, self._flags.get(key, lambda: self._categories(key, values)) or None)

    def _outcome_column(self, key: str) -> Column:
        if key in ("score", "pd"):
            return _column(key, getattr(self._portfolio, key), None)
        if key == "level":
            return _column(key, self._level, LEVELS)
        if key == "decision":
            return _column(key, self._outcome & REFUSED == 0, DECISIONS)
        default = np.where(self._outcome & LABELLED, self._outcome & DEFAULT != 0, np.float32(np.nan))
        return _column(key, default, DEFAULTS)

    def _raw_column(self, key: str) -> Column:
        facts = table("application").column(key.removeprefix(RAW))
        values = self._features.facts_column(facts.name)
        if facts.kind == "category":
            return _category_column(key, values, facts)
        numbers = values.cast(pl.Float32).fill_null(np.nan).to_numpy()
        return _column(key, numbers, FLAG if facts.kind == "flag" and _is_flag(numbers) else None)

    def _categories(self, name: str, values: NDArray[np.float32]) -> tuple[str, ...]:
        """Return the two categories that a feature tells apart; nothing where it measures."""
        feature = self._catalog.get(name)
        if feature is None:
            return ()
        if feature.aggregation == "value" and name in BINARIES:
            two = BINARIES[name]
            return FLAG if two == ("N", "Y") else two
        if feature.aggregation == "is":
            return FLAG
        raw = {column.name: column for column in table("application").columns}
        flag = feature.aggregation == "value" and name in raw and raw[name].kind == "flag"
        return FLAG if flag and _is_flag(values) else ()


def _is_flag(values: NDArray[np.float32]) -> bool:
    found = few(values, 2)
    return found is not None and bool(np.isin(found, (0.0, 1.0)).all()) and not bool(np.isinf(values).any())


def _category_column(key: str, values: pl.Series, facts: RawColumn) -> Column:
    """Return categories as numbers: those that the schema knows in their order, then the others in theirs."""
    others = sorted(set(values.unique().drop_nulls().to_list()) - set(facts.categories))
    names = (*facts.categories, *others)
    if len(names) > MOST_CATEGORIES:
        raise WrongColumn(
            f"{facts.name} has {len(names)} categories, at most {MOST_CATEGORIES} can be shown: choose another column."
        )
    numbers = values.cast(pl.Enum(names)).to_physical().cast(pl.Float32).fill_null(np.nan).to_numpy()
    return _column(key, numbers, names)


def _column(key: str, values: NDArray[np.generic], categories: tuple[str, ...] | None) -> Column:
    found = np.ascontiguousarray(values, dtype=np.float32)
    found.setflags(write=False)
    return Column(key, found, categories)


def _most(clients: int, size: int, fewest: int, most: int) -> int:
    """Return how many arrays of `size` bytes a client are kept."""
    return min(max(math.floor(_BYTES / (size * max(clients, 1))), fewest), most)
