"""What the plots of all clients are made of, computed once for all sessions, read-only, and kept within bounds."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from data.cores import threads
from data.kept import Kept
from explain.comparison import reads_backwards
from explain.dependence import dependence, interactions
from explain.partial import grid, partial, thresholds
from explain.reference import reference_population
from explain.swarm import parts, ranks, swarm
from models.folder import TEXT, read_manifest, verified_bytes
from models.trees import read_trees

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from data.features.catalog import Feature
    from data.store import FeatureSet
    from explain.contribution_store import ContributionStore
    from explain.dependence import Dependence, Interactions
    from explain.partial import Partial
    from explain.swarm import Parts, Swarm
    from models.scorer import Scorer
    from models.trees import Trees

SWARMS = 15
CANDIDATES = 60
RANKS_KEPT, SWARMS_KEPT, DEPENDENCES_KEPT, PARTIALS_KEPT, PICTURES_KEPT = 48, 24, 24, 64, 32
SMALL_KEPT = 1024


class PlotData:
    """What the plots of one portfolio are made of. Safe to share between threads.

    Parameters
    ----------
    features, store : of all n clients, and their contributions.
    scorer, model : what scores them, and its folder.
    accepted : (n,) bool, who is accepted.
    catalog : entries of the features, by name.
    names : features by how much they weigh over all clients, the heaviest first; those that no tree reads are left out.

    Attributes
    ----------
    names : as given.
    pictures : images of whole plots, by what they show; who draws them puts them there.
    """

    def __init__(
        self,
        features: FeatureSet,
        store: ContributionStore,
        scorer: Scorer,
        model: Path,
        accepted: NDArray[np.bool_],
        catalog: Mapping[str, Feature],
        names: Sequence[str],
    ) -> None:
        self._features, self._store, self._scorer, self._model = features, store, scorer, model
        self._accepted, self._catalog = accepted, catalog
        self.names: tuple[str, ...] = tuple(names)
        self.pictures: Kept[NDArray[np.uint8]] = Kept(PICTURES_KEPT)
        self._ranks: Kept[NDArray[np.float32]] = Kept(RANKS_KEPT)
        self._ends: Kept[tuple[float, float]] = Kept(SMALL_KEPT)
        self._swarms: Kept[Swarm] = Kept(SWARMS_KEPT)
        self._dependences: Kept[Dependence] = Kept(DEPENDENCES_KEPT)
        self._interactions: Kept[Interactions] = Kept(SMALL_KEPT)
        self._parts: Kept[Parts] = Kept(SMALL_KEPT)
        self._partials: Kept[Partial] = Kept(PARTIALS_KEPT)

    @property
    def strongest(self) -> tuple[str, ...]:
        """The features of the swarm, the heaviest first."""
        return self.names[:SWARMS]

    def values(self, name: str) -> NDArray[np.float32]:
        """Return a feature of every client, float32 (n,), NaN where missing."""
        return self._features.column(name)

    def contribution(self, name: str) -> NDArray[np.float32]:
        """Return a feature's contribution to every client's score, float32 (n,), log-odds of repayment."""
        return self._store.contribution(name)

    def ranks(self, name: str) -> NDArray[np.float32]:
        """Return the rank of every client's value of a feature, from what people read as low to what they read as high.

        See `explain.swarm.ranks`; days counted back from the application rank the other way round.
        """

        def make() -> NDArray[np.float32]:
            found = ranks(self.values(name))
            if reads_backwards(self._catalog[name]):
                found = 1.0 - found
                found.setflags(write=False)
            return found

        return self._ranks.get(name, make)

    def usual_ends(self, name: str) -> tuple[float, float]:
        """Return a low and a high value of a feature, as people read them, such as nine clients in ten lie between."""

        def make() -> tuple[float, float]:
            values = self.values(name)
            known = values[np.isfinite(values)]
            if not known.size:
                return float("nan"), float("nan")
            low, high = (float(end) for end in np.quantile(known, (0.05, 0.95)))
            if low == high:
                low, high = float(known.min()), float(known.max())
            return (high, low) if reads_backwards(self._catalog[name]) else (low, high)

        return self._ends.get(name, make)

    def swarms(self, names: Sequence[str], chosen: NDArray[np.intp] | None = None) -> list[Swarm]:
        """Return the swarm of each feature, of all clients or of those at the positions `chosen`."""

        def one(name: str) -> Swarm:
            if chosen is not None:
                return swarm(name, self.contribution(name)[chosen], self.ranks(name)[chosen])
            return self._swarms.get(name, lambda: swarm(name, self.contribution(name), self.ranks(name)))

        with ThreadPoolExecutor(threads()) as pool:
            return list(pool.map(one, names))

    def parts(self, names: Sequence[str], chosen: NDArray[np.intp] | None = None) -> list[Parts]:
        """Return what each feature contributes by its value, to all clients or to those at the positions `chosen`."""

        def one(name: str) -> Parts:
            if chosen is not None:
                return parts(name, *(array[chosen] for array in self._columns(name)))
            return self._parts.get(name, lambda: parts(name, *self._columns(name)))

        with ThreadPoolExecutor(threads()) as pool:
            return list(pool.map(one, names))

    def _columns(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        return self.values(name), self.contribution(name), self.ranks(name)

    def dependence(self, name: str, chosen: NDArray[np.intp] | None = None) -> Dependence:
        """Return the dependence of a feature's contribution on its value, of all clients or of those chosen."""
        values, contribution = self.values(name), self.contribution(name)
        if chosen is not None:
            return dependence(name, values[chosen], contribution[chosen])
        return self._dependences.get(name, lambda: dependence(name, values, contribution))

    def interactions(self, name: str) -> Interactions:
        """Return which of the heaviest features tell apart the clients that have one value of a feature."""

        def make() -> Interactions:
            candidates = [(other, self.values(other)) for other in self.names[:CANDIDATES]]
            found = interactions(name, self.values(name), self.contribution(name), candidates)
            self._features.let_go()
            return found

        return self._interactions.get(name, make)

    def known_partial(self, name: str) -> Partial | None:
        """Return the partial dependence of a feature where it is there already, else None."""
        return self._partials.peek(name)

    def partial(self, name: str) -> Partial:
        """Return the partial dependence of a feature over the reference population."""

        def make() -> Partial:
            at = self._scorer.names.index(name)
            steps = grid(name, at, thresholds(self._trees, at), self.values(name))
            return partial(self._scorer, self._reference_rows, steps)

        return self._partials.get(name, make)

    @functools.cached_property
    def _trees(self) -> Trees:
        return read_trees(verified_bytes(self._model, read_manifest(self._model), TEXT).decode("utf-8"))

    @functools.cached_property
    def _reference_rows(self) -> NDArray[np.float64]:
        return self._features.rows(reference_population(self._accepted))
