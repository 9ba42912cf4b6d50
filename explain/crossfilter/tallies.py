"""Counting clients by bin, for many charts in one go: compiled, in threads, the same however many threads there are.

A session's filters are bits of one number a client, set where the client fails the filter. A chart shows the clients
none of whose bits is set, its own filter's left out. The clients are taken in a fixed number of parts, each from its
first client to its last, and what is counted of the parts is added in their order, so that sums of scores are always
the same numbers.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data.compiling import column, compiled
from explain.crossfilter.counts import Counts
from explain.crossfilter.population import DEFAULT, LABELLED, REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from explain.crossfilter.population import Population

FILTERS = 16
"""Filters that a session can have at once: the bits of `failing`."""
OUTCOMES = DEFAULT + LABELLED + REFUSED + 1
"""What the bits of an outcome can be."""
CLIENTS_A_PART = 1 << 17
MOST_PARTS = 8
MOST_BARS = 16
"""Charts counted in one go."""
_BLOCK = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """What a chart counts.

    Attributes
    ----------
    index : (n,) uint8, each client's bin, below `count`.
    count : how many bins there are, that of the clients without a value included.
    """

    index: NDArray[np.uint8]
    count: int


def parts(clients: int) -> Iterator[tuple[int, int]]:
    """Yield the first client and the one after the last of every part: of few clients there is one part."""
    count = min(max(clients // CLIENTS_A_PART, 1), MOST_PARTS)
    for part in range(count):
        yield part * clients // count, (part + 1) * clients // count


def mark(failing: NDArray[np.uint16], bit: int, keeps: NDArray[np.bool_] | None) -> None:
    """Set a filter's bit where the client fails it, in place.

    Parameters
    ----------
    failing : (n,) uint16.
    bit : the filter's, a power of two.
    keeps : (n,) bool, whom the filter keeps; None takes the filter away.
    """
    if keeps is None:
        failing &= np.uint16(~bit & 0xFFFF)
    else:
        _marking()(failing, np.uint16(bit), keeps.view(np.uint8))


def tally(
    charts: Sequence[Bars], population: Population, failing: NDArray[np.uint16], others: int, pool: Executor
) -> Callable[[], list[Counts]]:
    """Begin to count, and return what waits for the counts by bin, of shape (bins,), of every chart.

    Parameters
    ----------
    charts : what is counted, MOST_BARS at most.
    population : of the n clients.
    failing : (n,) uint16, bits of the filters that each client fails; it may be empty where `others` is 0.
    others : bits of the filters that a client must pass to be counted; 0 counts everyone.
    pool : in which the parts are counted.
    """
    most = max((chart.count for chart in charts), default=1)
    indexes = tuple(chart.index for chart in charts) + (np.zeros(0, np.uint8),) * (MOST_BARS - len(charts))

    def count(part: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        clients, scores = np.zeros((len(charts), most, OUTCOMES), np.int64), np.zeros((len(charts), most, OUTCOMES))
        _counting()(failing, np.uint16(others), indexes, population.outcome, population.score, *part, clients, scores)
        return clients, scores

    counting = pool.map(count, parts(len(population)))

    def counted() -> list[Counts]:
        clients, scores = added(list(counting))
        return [
            counts_of(clients[number, : chart.count], scores[number, : chart.count])
            for number, chart in enumerate(charts)
        ]

    return counted


def added(
    counted: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the clients and the scores of all parts together, added in their order."""
    clients, scores = counted[0]
    for more_clients, more_scores in counted[1:]:
        clients += more_clients
        scores += more_scores
    return clients, scores


def counts_of(clients: NDArray[np.int64], scores: NDArray[np.float64]) -> Counts:
    """Return counts from those by outcome.

    Parameters
    ----------
    clients, scores : (..., OUTCOMES), clients and sum of their scores, by the bits of their outcome.
    """
    outcome = np.arange(OUTCOMES)
    refused = (outcome & REFUSED) > 0
    labelled = (outcome & LABELLED) > 0
    defaults = labelled & ((outcome & DEFAULT) > 0)
    made = Counts(
        clients.sum(axis=-1),
        clients[..., refused].sum(axis=-1),
        clients[..., labelled].sum(axis=-1),
        clients[..., defaults].sum(axis=-1),
        scores.sum(axis=-1),
    )
    for array in (made.clients, made.refused, made.labelled, made.defaults, made.score):
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    return made


def prepare() -> None:
    """Compile what counts, where it isn't yet."""
    _marking()
    _counting()


def _mark(failing: NDArray[np.uint16], bit: np.uint16, keeps: NDArray[np.uint8]) -> None:
    others = np.uint16(~bit)
    for client in range(failing.size):
        failing[client] = (failing[client] & others) | (np.uint16(0) if keeps[client] else bit)


def _count(
    failing: NDArray[np.uint16],
    others: np.uint16,
    indexes: tuple[NDArray[np.uint8], ...],
    outcome: NDArray[np.uint8],
    score: NDArray[np.float64],
    start: int,
    stop: int,
    clients: NDArray[np.int64],
    scores: NDArray[np.float64],
) -> None:
    """Count the clients of one part for the first len(clients) charts, block by block, as caches hold them."""
    kept = np.empty(_BLOCK, np.int64)
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        count = last - first
        if others != 0:
            count = 0
            for client in range(first, last):
                kept[count] = client
                count += (failing[client] & others) == 0
        for chart in range(len(clients)):
            index = indexes[chart]
            if count == last - first:
                for client in range(first, last):
                    place, bits = index[client], outcome[client] & np.uint8(7)
                    clients[chart, place, bits] += 1
                    scores[chart, place, bits] += score[client]
            else:
                for number in range(count):
                    client = kept[number]
                    place, bits = index[client], outcome[client] & np.uint8(7)
                    clients[chart, place, bits] += 1
                    scores[chart, place, bits] += score[client]


@functools.cache
def _marking() -> Callable[..., None]:
    return compiled(_mark, column("uint16", written=True), column("uint16", 0), column("uint8"))


@functools.cache
def _counting() -> Callable[..., None]:
    from numba import types

    return compiled(
        _count,
        column("uint16"),
        column("uint16", 0),
        types.UniTuple(column("uint8"), MOST_BARS),
        column("uint8"),
        column("float64"),
        column("int64", 0),
        column("int64", 0),
        column("int64", 3, written=True),
        column("float64", 3, written=True),
    )
