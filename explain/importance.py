"""What drives the model over the portfolio: mean |contribution|, exact, over every client or any selection of them."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, get_args

import numpy as np
import polars as pl

from data.compiling import column, compiled
from data.cores import threads
from data.errors import InvalidOption, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

Level = Literal["feature", "group", "table"]
LEVELS: tuple[Level, ...] = get_args(Level)

_LANES = 64
_SPARSE = 32  # with fewer than one client in so many, their values are picked rather than all read
_LINES_AT_ONCE = 16
_CLIENTS_AT_ONCE = 16_384


class Store(Protocol):
    """The contributions of n clients, such as `explain.contribution_store.ContributionStore`."""

    @property
    def used(self) -> tuple[str, ...]:
        """The U features that the model uses."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The G source columns, "table.column"."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of the groups."""

    @property
    def contributions(self) -> NDArray[np.float32]:
        """(U, n) float32, log-odds of repayment."""

    @property
    def by_group(self) -> NDArray[np.float32]:
        """(n, G) float32, log-odds of repayment."""


@dataclass(frozen=True, slots=True, eq=False)
class Importance:
    """Mean |contribution| over some clients, the most important first; equals keep the model's order.

    Attributes
    ----------
    level : what a line is: a "feature", a "group" (source column) or a "table".
    names : the L features, groups ("table.column") or tables; those that no tree reads are not there. None where no
        client is selected.
    mean_absolute : (L,) float64, mean over the clients of |contribution|, in log-odds.
    mean : (L,) float64, mean over the clients of the contribution, in log-odds of repayment: above zero helps.
    share : (L,) float64, `mean_absolute` over its sum, in [0, 1]; 0 where nothing contributes.
    clients : number of clients, 0 where none is selected.
    population : number of clients they are selected from.
    """

    level: Level
    names: tuple[str, ...]
    mean_absolute: NDArray[np.float64]
    mean: NDArray[np.float64]
    share: NDArray[np.float64]
    clients: int
    population: int

    def by_name(self) -> dict[str, float]:
        """Return mean |contribution| (log-odds) by name, the most important first."""
        return {name: float(value) for name, value in zip(self.names, self.mean_absolute, strict=True)}

    def frame(self) -> pl.DataFrame:
        """Return one row a line: name, mean_absolute (log-odds), mean (log-odds of repayment), share and clients."""
        return pl.DataFrame(
            {"name": self.names, "mean_absolute": self.mean_absolute, "mean": self.mean, "share": self.share},
            schema_overrides={"name": pl.String},
        ).with_columns(clients=pl.lit(self.clients, dtype=pl.Int64))

    def as_json(self) -> dict[str, object]:
        """Return what `from_json` reads."""
        return {
            "names": list(self.names),
            "mean_absolute": self.mean_absolute.tolist(),
            "mean": self.mean.tolist(),
            "clients": self.clients,
            "population": self.population,
        }

    @classmethod
    def from_json(cls, level: Level, content: Mapping[str, object]) -> Importance:
        """Return what `as_json` gave; raise KeyError, TypeError or ValueError where it is something else."""
        names, clients, population = content["names"], content["clients"], content["population"]
        if not isinstance(names, list) or not isinstance(clients, int) or not isinstance(population, int):
            raise TypeError(f"importance by {level} has names {names!r} of {clients!r} in {population!r} clients")
        means = [np.array(content[key], dtype=np.float64) for key in ("mean_absolute", "mean")]
        return _sorted(level, names, means[0], means[1], clients, population)


def prepare() -> None:
    """Compile what sums, or read what was compiled before; else the first call of `importance` does so."""
    _compiled()


def importance(store: Store, selection: NDArray[np.bool_] | None, level: Level) -> Importance:
    """Return the mean |contribution| of every feature, group or table over the clients selected.

    Sums are made in double precision, in an order that does not depend on the number of threads.

    Parameters
    ----------
    store : of n clients.
    selection : (n,) bool, the clients wanted; None for all. None selected is no error: the result has no line, and says
        0 clients.
    level : "feature"; "group", whose contribution is the sum of its features'; or "table", the sum of its groups'.

    Raises
    ------
    InvalidOption
        Another level, or a selection that is not one bool a client.
    """
    if level not in LEVELS:
        raise InvalidOption(f"Level {level!r} is none of {', '.join(LEVELS)}.{did_you_mean(str(level), LEVELS)}")
    population = len(store.by_group)
    if selection is not None and (selection.shape != (population,) or selection.dtype != np.bool_):
        raise InvalidOption(
            f"A selection is one bool for each of {population} clients; got {selection.dtype} of shape "
            f"{selection.shape}."
        )
    clients = population if selection is None else int(np.count_nonzero(selection))
    if not clients:
        nothing = np.empty(0)
        return _sorted(level, (), nothing, nothing, 0, population)
    names = {"feature": store.used, "group": store.groups, "table": store.tables}[level]
    if level == "feature":
        absolute, signed = _by_feature(store.contributions, selection, clients)
    else:
        place = {name: number for number, name in enumerate(names)}
        index = [place[group if level == "group" else group.partition(".")[0]] for group in store.groups]
        chosen = np.arange(population) if selection is None else np.flatnonzero(selection)
        absolute, signed = _by_index(store.by_group, chosen, np.array(index, dtype=np.int64), len(names))
    return _sorted(level, names, absolute / clients, signed / clients, clients, population)


def _sorted(
    level: Level,
    names: Sequence[str],
    mean_absolute: NDArray[np.float64],
    mean: NDArray[np.float64],
    clients: int,
    population: int,
) -> Importance:
    order = np.argsort(-mean_absolute, kind="stable")
    sizes = mean_absolute[order]
    total = float(sizes.sum())
    arrays = (sizes, mean[order], sizes / total if total else np.zeros(len(names)))
    for array in arrays:
        array.setflags(write=False)
    return Importance(level, tuple(names[place] for place in order), *arrays, clients, population)


def _by_feature(
    values: NDArray[np.float32], selection: NDArray[np.bool_] | None, clients: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sums over the selected clients of |values| and of values, each (U,)."""
    count, population = values.shape
    absolute, signed = np.zeros(count), np.zeros(count)
    if selection is not None and clients * _SPARSE < population:
        chosen = np.flatnonzero(selection).astype(np.int64)

        def add(start: int) -> None:
            _compiled().picked(values, chosen, start, min(start + _LINES_AT_ONCE, count), absolute, signed)
    else:
        weights = np.ones(population, np.float32) if selection is None else selection.astype(np.float32)

        def add(start: int) -> None:
            _compiled().weighed(values, weights, start, min(start + _LINES_AT_ONCE, count), absolute, signed)

    _in_threads(add, range(0, count, _LINES_AT_ONCE))
    return absolute, signed


def _by_index(
    values: NDArray[np.float32], chosen: NDArray[np.intp], index: NDArray[np.int64], lines: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the same, each (lines,), of values (n, G) summed by line before; `index`, (G,), is each one's line."""
    members = np.argsort(index, kind="stable").astype(np.int64)
    ends = np.cumsum(np.bincount(index, minlength=lines)).astype(np.int64)
    starts = range(0, len(chosen), _CLIENTS_AT_ONCE)
    sums = np.zeros((len(starts), 2, lines))

    def add(start: int) -> None:
        own = sums[start // _CLIENTS_AT_ONCE]
        some = chosen[start : start + _CLIENTS_AT_ONCE].astype(np.int64)
        _compiled().by_client(values, some, members, ends, own[0], own[1])

    _in_threads(add, starts)
    absolute, signed = sums.sum(axis=0)
    return absolute, signed


def _in_threads(work: Callable[[int], None], starts: Sequence[int]) -> None:
    with ThreadPoolExecutor(threads()) as pool:
        for _ in pool.map(work, starts):
            pass


def _add_weighed(
    values: NDArray[np.float32],
    weights: NDArray[np.float32],
    start: int,
    stop: int,
    absolute: NDArray[np.float64],
    signed: NDArray[np.float64],
) -> None:
    """Add up lines `start` to `stop` of values (U, n), each times its client's weight, in lanes side by side."""
    clients = values.shape[1]
    whole = clients - clients % _LANES
    for line in range(start, stop):
        both = np.zeros((2, _LANES))
        for first in range(0, whole, _LANES):
            for lane in range(_LANES):
                value = values[line, first + lane] * weights[first + lane]
                both[0, lane] += abs(value)
                both[1, lane] += value
        for place in range(whole, clients):
            value = values[line, place] * weights[place]
            both[0, place - whole] += abs(value)
            both[1, place - whole] += value
        for lane in range(_LANES):
            absolute[line] += both[0, lane]
            signed[line] += both[1, lane]


def _add_picked(
    values: NDArray[np.float32],
    chosen: NDArray[np.int64],
    start: int,
    stop: int,
    absolute: NDArray[np.float64],
    signed: NDArray[np.float64],
) -> None:
    """Add up lines `start` to `stop` of values (U, n) for the clients at some places."""
    for line in range(start, stop):
        for place in chosen:
            value = np.float64(values[line, place])
            absolute[line] += abs(value)
            signed[line] += value


def _add_by_client(
    values: NDArray[np.float32],
    chosen: NDArray[np.int64],
    members: NDArray[np.int64],
    ends: NDArray[np.int64],
    absolute: NDArray[np.float64],
    signed: NDArray[np.float64],
) -> None:
    """Add up values (n, G) of the clients at some places, each client's first by line: `members` up to `ends`."""
    for place in chosen:
        start = 0
        for line in range(len(ends)):
            total = 0.0
            for number in range(start, ends[line]):
                total += values[place, members[number]]
            absolute[line] += abs(total)
            signed[line] += total
            start = ends[line]


class _Compiled(NamedTuple):
    weighed: Callable[..., None]
    picked: Callable[..., None]
    by_client: Callable[..., None]


@functools.cache
def _compiled() -> _Compiled:
    single, places, doubles = column("float32", 2), column("int64"), column("float64", written=True)
    one = column("int64", 0)
    return _Compiled(
        compiled(_add_weighed, single, column("float32"), one, one, doubles, doubles),
        compiled(_add_picked, single, places, one, one, doubles, doubles),
        compiled(_add_by_client, single, places, places, places, doubles, doubles),
    )
