"""Every client of a portfolio; and many more of them, made of it: its columns again and again, each time with noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logit

from data.artefact import find_portfolios, kind_of, read_manifest
from data.errors import HashMismatch, InvalidOption, StoreError, UnknownColumn, UnknownPortfolio, did_you_mean
from data.features.catalog import features
from data.files import MANIFEST, write_json
from data.npy import mapped, save
from data.paths import bench_folder, model_folder, portfolio_folder, shapley_folder
from data.portfolio import FORMAT as PORTFOLIO_FORMAT
from data.portfolio import KIND as PORTFOLIO
from data.portfolio import Portfolio
from data.staging import folder_resumed
from explain.contribution_store import ContributionStore
from explain.crossfilter.population import DEFAULT, LABELLED, REFUSED, Column, Population, population_of
from models.scorer import Scorer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.registry import Request
    from data.progress import Report
    from models.policy import Policy

KIND = "replicated portfolio"
FORMAT = 1
NOISE, NOISE_LOG_ODDS = 0.01, 0.05
"""Standard deviation of the noise: as a share of a column's own, and of the score, in log-odds of repayment."""
_OUTCOMES = ("score", "decision", "level", "default")
_SAVED = {"ids": np.int64, "score": np.float64, "level": np.uint8, "outcome": np.uint8}
_AGAIN = "Remove the folder and run the benchmark again."


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prepared portfolio, opened: its name, what its content is known by, its clients, and what decided."""

    name: str
    data_hash: str
    model_hash: str
    population: Population
    policy: Policy


def prepared(request: Request) -> Prepared:
    """Open the portfolio that is asked for, else the one with the most clients.

    Raises
    ------
    InvalidOption
        A model or features are named.
    UnknownPortfolio
        There is none of that name, or none at all.
    HashMismatch
        The portfolio was scored by another model than the one there.
    StoreError
        The portfolio, its model or its contributions can't be used.
    """
    if request.model is not None or request.features is not None:
        raise InvalidOption(
            "This benchmark measures a prepared portfolio: --portfolio NAME, not --model or --features."
        )
    portfolio = Portfolio.open(request.portfolio if request.portfolio is not None else _largest())
    scorer = Scorer.load(model_folder(portfolio.model_name))
    if scorer.model_hash != portfolio.model_hash:
        raise HashMismatch(
            f"Portfolio {portfolio.name!r} was scored by the model {portfolio.model_hash[:12]}…, the one there is "
            f"{scorer.model_hash[:12]}…. Prepare the portfolio again: python -m dashboard prepare --help"
        )
    store = ContributionStore.open(shapley_folder(portfolio.name))
    catalog = features(portfolio.features.absent_tables)
    population = population_of(portfolio, store, scorer.policy, catalog)
    return Prepared(portfolio.name, portfolio.features.data_hash, portfolio.model_hash, population, scorer.policy)


def _largest() -> str:
    known = find_portfolios()
    if not known:
        raise UnknownPortfolio("There is no portfolio to measure. Prepare one: python -m dashboard prepare --help")
    return max(known, key=_clients)


def _clients(name: str) -> int:
    again = "Prepare it again: python -m dashboard prepare --help"
    return int(read_manifest(portfolio_folder(name), PORTFOLIO, PORTFOLIO_FORMAT, ("clients",), again)["clients"])


class Mapped:
    """Columns by their key, each memory-mapped from a file of its own: a source of a population.

    Parameters
    ----------
    folder : where `KEY.npy` lie, (n,) float32.
    categories : by key, in the order of the columns: the names of their categories, None for a measure.
    """

    def __init__(self, folder: Path, categories: dict[str, tuple[str, ...] | None]) -> None:
        self._folder, self._categories = folder, categories

    @property
    def keys(self) -> Sequence[str]:
        """The keys of all columns."""
        return tuple(self._categories)

    def column(self, key: str) -> Column:
        """Return a column; raise UnknownColumn where there is none."""
        if key not in self._categories:
            raise UnknownColumn(f"No column {key!r} is replicated.{did_you_mean(key, self._categories)}")
        values = mapped(_file(self._folder, key), np.dtype(np.float32), _AGAIN)
        return Column(key, values, self._categories[key])


class Held:
    """Columns held in memory: a source of a population.

    Parameters
    ----------
    columns : in their order.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = {column.key: column for column in columns}

    @property
    def keys(self) -> Sequence[str]:
        """The keys of all columns."""
        return tuple(self._columns)

    def column(self, key: str) -> Column:
        """Return a column; raise UnknownColumn where there is none."""
        if key not in self._columns:
            raise UnknownColumn(f"No column {key!r} is held.{did_you_mean(key, self._columns)}")
        return self._columns[key]


def few_of(population: Population, keys: Sequence[str], clients: int) -> Population:
    """Return the first clients of a population, with some of its columns."""
    columns = [population.column(key) for key in keys]
    held = [Column(one.key, np.array(one.values[:clients]), one.categories) for one in columns]
    return Population(
        np.array(population.ids[:clients]),
        np.array(population.score[:clients]),
        np.array(population.level[:clients]),
        np.array(population.outcome[:clients]),
        Held(held),
    )


def replicated(given: Prepared, clients: int, keys: Sequence[str], seed: int, report: Report) -> Population:
    """Return a population of so many clients, its columns those of the portfolio again and again, with noise.

    A measure gets normal noise of NOISE of its standard deviation, and stays whole where it is; a category stays as it
    is. The score gets noise in log-odds, and decision and level follow from it; outcomes stay. It is written once, to
    memory-mapped files, and found again by a later run.

    Parameters
    ----------
    given : the portfolio.
    clients : how many are wanted.
    keys : of the columns; outcomes other than the PD among them.
    seed : of the noise.

    Raises
    ------
    StoreError
        The disk refuses.
    """
    outcomes = [key for key in keys if key in _OUTCOMES]
    content = {
        "clients": clients,
        "columns": list(keys),
        "seed": seed,
        "data_hash": given.data_hash,
        "model_hash": given.model_hash,
        "threshold": given.policy.threshold,
        "level_edges": list(given.policy.level_edges),
    }
    folder = bench_folder() / "portfolio" / f"clients-{clients}"
    categories = {key: given.population.column(key).categories for key in keys}
    if not _is_of(folder, content):
        with folder_resumed(folder, KIND, content) as staged:
            chance = _Chance(seed, clients, len(given.population))
            _write_outcomes(staged, given, chance, outcomes)
            for number, key in enumerate(keys):
                report(f"{clients:,} clients: {key}", number / len(keys))
                path = _file(staged, key)
                if key not in _OUTCOMES and not path.exists():
                    column = given.population.column(key)
                    noise = 0.0 if column.categories is not None else NOISE
                    save(path, chance.replicated(column.values, noise, number))
            write_json(staged / MANIFEST, {"kind": KIND, "format": FORMAT, "of": content})
    arrays: dict[str, Any] = {
        name: mapped(folder / f"_{name}.npy", np.dtype(kind), _AGAIN) for name, kind in _SAVED.items()
    }
    return Population(**arrays, source=Mapped(folder, categories))


def _is_of(folder: Path, content: dict[str, Any]) -> bool:
    if kind_of(folder) != KIND:
        return False
    return bool(read_manifest(folder, KIND, FORMAT, ("of",), _AGAIN)["of"] == content)


def _file(folder: Path, key: str) -> Path:
    return folder / f"{key}.npy"


class _Chance:
    """Repeats columns of n clients to more, with noise that is the same at every run."""

    def __init__(self, seed: int, clients: int, base: int) -> None:
        if base == 0:
            raise StoreError("The portfolio has no client, so nothing can be measured on it.")
        self._seed, self._clients, self._base = seed, clients, base

    def replicated(self, values: NDArray[Any], noise: float, number: int) -> NDArray[np.float32]:
        """Return a column repeated; `noise` is a share of its standard deviation."""
        known = values[np.isfinite(values)].astype(np.float64)
        size = noise * float(known.std()) if known.size else 0.0
        whole = bool(known.size) and bool((known == np.rint(known)).all())
        finish: Callable[[NDArray[np.float64]], NDArray[np.float64]] = np.rint if whole else np.asarray
        return self.fill(np.float32, values, size, number, finish)

    def fill(
        self,
        dtype: type[Any],
        values: NDArray[Any],
        size: float,
        number: int,
        finish: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> NDArray[Any]:
        """Return values repeated, each with normal noise of standard deviation `size`, then as `finish` makes them."""
        out = np.empty(self._clients, dtype=dtype)
        for start in range(0, self._clients, self._base):
            part = out[start : start + self._base]
            some = values[: len(part)]
            if size:
                chance = np.random.default_rng([self._seed, number, start])
                some = finish(some.astype(np.float64) + chance.normal(0.0, size, len(part)))
            part[:] = some
        return out


def _write_outcomes(folder: Path, given: Prepared, chance: _Chance, wanted: Sequence[str]) -> None:
    population = given.population
    score = chance.fill(np.float64, logit(population.score), NOISE_LOG_ODDS, len(_OUTCOMES) + 10_000, expit)
    refused = ~np.asarray(given.policy.accepted(score))
    known = chance.fill(np.uint8, population.outcome, 0.0, 0, np.asarray) & (LABELLED | DEFAULT)
    outcome = known | np.where(refused, np.uint8(REFUSED), np.uint8(0))
    level = np.searchsorted(np.asarray(given.policy.level_edges), score, side="right").astype(np.uint8)
    saved = {"ids": np.arange(len(score), dtype=np.int64), "score": score, "level": level, "outcome": outcome}
    for name, values in saved.items():
        save(folder / f"_{name}.npy", values)
    labelled = (known & LABELLED) > 0
    columns = {
        "score": score,
        "decision": ~refused,
        "level": level,
        "default": np.where(labelled, (known & DEFAULT) > 0, np.nan),
    }
    for key in wanted:
        save(_file(folder, key), columns[key].astype(np.float32))
