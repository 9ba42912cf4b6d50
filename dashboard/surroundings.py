"""What places a client among everyone: the clients like it, how usual its reasons are, and typical values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explain.grouping import grouping
from explain.local_global import LocalGlobal, local_global, share_smaller
from explain.neighbours import neighbours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dashboard.services import ClientFile, Services
    from explain.neighbours import Apart, Neighbour


@dataclass(frozen=True, slots=True)
class Difference:
    """A group that sets a client apart from a similar one, and the feature to quote for it.

    Attributes
    ----------
    apart : the group, and its contribution to both scores, log-odds of repayment.
    feature : of the group's, the one whose contributions differ most the way the group's do.
    """

    apart: Apart
    feature: str


@dataclass(frozen=True, slots=True)
class SimilarClient:
    """A client like another one.

    Attributes
    ----------
    client : SK_ID_CURR.
    score : probability of repayment at even odds, in [0, 1].
    accepted : whether that client is accepted.
    distance : of the contributions by group, log-odds of repayment.
    differences : what sets them apart most, the furthest first.
    facts : raw application columns of that client, None where there is no value.
    row : (F,) float64, that client's features.
    """

    client: int
    score: float
    accepted: bool
    distance: float
    differences: tuple[Difference, ...]
    facts: Mapping[str, object]
    row: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What places one client among everyone.

    Attributes
    ----------
    client : SK_ID_CURR of the client.
    accepted, refused : the accepted and the refused clients most like it, the nearest first.
    usual_distance : median distance of all the others, log-odds of repayment; None where there is no other.
    compared : what matters for the client beside what matters for everyone, shares of clients included.
    typical : median among accepted clients of every feature the model uses; NaN where nobody has a value.
    """

    client: int
    accepted: tuple[SimilarClient, ...]
    refused: tuple[SimilarClient, ...]
    usual_distance: float | None
    compared: LocalGlobal
    typical: Mapping[str, float]


def surroundings(file: ClientFile, services: Services) -> Surroundings:
    """Return what places a client among everyone, in one pass over the contributions of all."""
    store = services.contributions
    found = neighbours(store.by_group, store.groups, services.accepted, file.position)
    accepted, refused = (
        tuple(_similar(neighbour, file, services) for neighbour in listed) for listed in (found.accepted, found.refused)
    )
    around = Surroundings(
        client=file.client,
        accepted=accepted,
        refused=refused,
        usual_distance=found.usual_distance,
        compared=_compared(file, services),
        typical=services.typical(),
    )
    services.portfolio.features.let_go()  # each client shown has read some columns of everyone
    return around


def _compared(file: ClientFile, services: Services) -> LocalGlobal:
    store = services.contributions
    place = {group: column for column, group in enumerate(store.groups)}
    groups = [group for group in local_global(file.grouped, services.importance).groups if group in place]
    shares = share_smaller(store.by_group, [place[group] for group in groups], file.position)
    return local_global(file.grouped, services.importance, dict(zip(groups, shares.tolist(), strict=True)))


def _similar(neighbour: Neighbour, file: ClientFile, services: Services) -> SimilarClient:
    chosen, own = services.portfolio.features, file.contributions
    row = chosen.row(neighbour.position)
    other = services.explainer.explain(row).values  # quicker than picking one place of every feature's line on the disk
    grouped_by = grouping(own.names, services.catalog)

    def told(apart: Apart) -> Difference:
        members = np.flatnonzero(grouped_by.index == grouped_by.groups.index(apart.group))
        pull = (own.values[members] - other[members]) * np.sign(apart.difference)
        return Difference(apart, own.names[members[int(np.argmax(pull))]])

    return SimilarClient(
        client=int(chosen.ids[neighbour.position]),
        score=float(services.portfolio.score[neighbour.position]),
        accepted=neighbour.accepted,
        distance=neighbour.distance,
        differences=tuple(map(told, neighbour.apart)),
        facts=chosen.facts(neighbour.position),
        row=row,
    )
