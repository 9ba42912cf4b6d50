"""What drives the model over every client, and over a selection of them: shared by all sessions, read-only."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import polars as pl

from data.errors import UnknownColumn, did_you_mean
from explain.importance import Importance, importance
from explain.selection import named_selections, select

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from data.features.catalog import Feature
    from data.store import FeatureSet
    from explain.contribution_store import ContributionStore
    from explain.importance import Level
    from explain.selection import Selection
    from models.policy import Policy

Order = Literal["everyone", "difference"]
ORDERS: tuple[Order, ...] = get_args(Order)
LINES: tuple[Level, ...] = ("table", "group", "feature")
MASKS_KEPT = 16
COMPARISONS_KEPT = 96


@dataclass(frozen=True, slots=True, eq=False)
class PickedClients:
    """Clients picked on another page.

    Attributes
    ----------
    mask : (n,) bool, which clients.
    label : what people call them, in the session's language.
    """

    mask: NDArray[np.bool_]
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class ComparedImportance:
    """What drives the model for everyone, and beside it for a selection, line by line, everyone's strongest first.

    Attributes
    ----------
    level : what a line is: a "table", a "group" (source column, "table.column") or a "feature".
    names : the L tables, groups or features.
    everyone, chosen : (L,) float64, mean |contribution| over all clients and over those selected, in log-odds.
    mean_everyone, mean_chosen : (L,) float64, mean contribution, in log-odds of repayment: above zero helps.
    share_everyone, share_chosen : (L,) float64, mean |contribution| over its sum, in [0, 1].
    clients : clients selected; where there is none, what is of the selection is NaN.
    population : all clients.
    """

    level: Level
    names: tuple[str, ...]
    everyone: NDArray[np.float64]
    chosen: NDArray[np.float64]
    mean_everyone: NDArray[np.float64]
    mean_chosen: NDArray[np.float64]
    share_everyone: NDArray[np.float64]
    share_chosen: NDArray[np.float64]
    clients: int
    population: int

    @property
    def difference(self) -> NDArray[np.float64]:
        """(L,) float64, how much more a line weighs for the selection than for everyone, in log-odds."""
        difference: NDArray[np.float64] = self.chosen - self.everyone
        return difference

    def ordered(self, by: Order) -> NDArray[np.intp]:
        """Return the places of the lines, (L,): everyone's strongest first, or the greatest difference first."""
        strength = self.everyone if by == "everyone" or not self.clients else np.abs(self.difference)
        return np.argsort(-strength, kind="stable")

    def frame(self) -> pl.DataFrame:
        """Return one row a line, columns named as the attributes, and `difference`; null where nobody is selected."""
        columns = {
            name: getattr(self, name)
            for name in ("everyone", "chosen", "difference", "mean_everyone", "mean_chosen", "share_everyone",
                         "share_chosen")
        }  # fmt: skip
        found = pl.DataFrame({"name": self.names, **columns}, schema_overrides={"name": pl.String})
        return found.with_columns(pl.selectors.float().fill_nan(None))


class Explanations:
    """The importance over all clients and over any selection of them.

    Parameters
    ----------
    features : of all n clients.
    score : (n,) float64, their repayment probability at even odds, in [0, 1].
    policy : the threshold, and the edges of the levels of risk.
    store : the contributions of the same clients.
    catalog : entries of the model's features.
    """

    def __init__(
        self,
        features: FeatureSet,
        score: NDArray[np.float64],
        policy: Policy,
        store: ContributionStore,
        catalog: Sequence[Feature],
    ) -> None:
        self._features, self._score, self._policy, self.store = features, score, policy, store
        self.population = len(features)
        self._catalog = {feature.name: feature for feature in catalog}
        # An answer on hundreds of thousands of clients is made once for all sessions; a mask is one byte a client.
        self.mask = functools.lru_cache(MASKS_KEPT)(self._mask)
        self._compared = functools.lru_cache(COMPARISONS_KEPT)(self._compare_selection)
        ranked = store.importance("feature").names
        self.ranks: Mapping[str, int] = {name: place + 1 for place, name in enumerate(ranked)}
        self.weights: Mapping[str, float] = store.importance("feature").by_name()

    @property
    def strongest(self) -> str:
        """The feature that weighs most over all clients; empty where the model reads none."""
        return next(iter(self.ranks), "")

    def leader(self, level: Level, name: str) -> str:
        """Return the feature to look at for a line: itself, or the one of the group or table that weighs most.

        Raises
        ------
        UnknownColumn
            The model reads no such feature, group or table.
        """
        for feature in self.ranks:
            entry = self._catalog[feature]
            group = entry.group
            if name == {"feature": feature, "group": group, "table": group.partition(".")[0]}[level]:
                return feature
        raise UnknownColumn(f"The model reads no {level} {name!r}.{did_you_mean(name, self.store.used)}")

    @functools.cached_property
    def named_counts(self) -> Mapping[str, int]:
        """Number of clients of each selection that has a name."""
        return {name: int(np.count_nonzero(self.mask(chosen))) for name, chosen in named_selections().items()}

    def compare(self, level: Level, chosen: Selection | PickedClients) -> ComparedImportance:
        """Return what drives the model at a level, for everyone and for the clients chosen; none sampled.

        Raises
        ------
        InvalidOption
            Another level, or clients picked that are not those of this portfolio.
        """
        if isinstance(chosen, PickedClients):
            return self._beside_everyone(level, importance(self.store, chosen.mask, level))
        return self._compared(level, chosen)

    def everyone(self, level: Level) -> ComparedImportance:
        """Return what drives the model for everyone, at once: the selection is nobody."""
        nothing = np.empty(0)
        nobody = Importance(level, (), nothing, nothing, nothing, 0, self.population)
        return self._beside_everyone(level, nobody)

    def _mask(self, selection: Selection) -> NDArray[np.bool_]:
        """Return which clients a selection means, (n,) bool, read only."""
        return select(selection, self._features, self._score, self._policy)

    def _compare_selection(self, level: Level, chosen: Selection) -> ComparedImportance:
        return self._beside_everyone(level, importance(self.store, self.mask(chosen), level))

    def _beside_everyone(self, level: Level, chosen: Importance) -> ComparedImportance:
        everyone = self.store.importance(level)
        place = {name: at for at, name in enumerate(chosen.names)}
        order = np.array([place.get(name, -1) for name in everyone.names], dtype=np.intp)
        columns = [
            values[order] if chosen.clients else np.full(len(everyone.names), np.nan)
            for values in (chosen.mean_absolute, chosen.mean, chosen.share)
        ]
        for values in columns:
            values.setflags(write=False)
        return ComparedImportance(
            level=level,
            names=everyone.names,
            everyone=everyone.mean_absolute,
            chosen=columns[0],
            mean_everyone=everyone.mean,
            mean_chosen=columns[1],
            share_everyone=everyone.share,
            share_chosen=columns[2],
            clients=chosen.clients,
            population=everyone.population,
        )
