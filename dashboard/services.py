"""What all sessions share, read-only: the portfolio, its scorer and its explainer, and what is asked of them."""

from __future__ import annotations

import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dashboard.column_index import ColumnIndex
from dashboard.explanations import Explanations
from dashboard.exports import Exports
from dashboard.feature_index import FeatureIndex
from dashboard.plot_data import PlotData
from data.errors import HashMismatch, UnknownPortfolio
from data.features.catalog import features
from data.paths import segments_folder
from data.store import Portfolio, parse_client
from explain.blocks import in_blocks
from explain.contribution_store import ContributionStore
from explain.contributions import Explainer
from explain.crossfilter.axes import AxisKey, usual_scale
from explain.crossfilter.exploration import Exploration, Pair
from explain.crossfilter.population import population_of
from explain.crossfilter.segments import SegmentStore
from explain.crossfilter.telling import TellingPair, telling_pairs
from explain.reasons import reason_features
from explain.reference import reference_population
from explain.sentences import category_column
from explain.standing import Standing, stand
from explain.typical import typical_values
from explain.usual import usual_category
from explain.waterfall import Waterfall, waterfall
from models.card import read_card
from models.policy import LEVELS
from models.scorer import ClientScore, Scorer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from dashboard.address import Filters
    from dashboard.timings import Timings
    from data.features.catalog import Feature
    from explain.blocks import BlockContributions
    from explain.contributions import Contributions
    from explain.grouping import GroupedContributions

WATERFALL_BARS = 9
STANDINGS = 8
SUGGESTIONS = 10
WORKERS = 2
CHARTS = 6
FIRST_CHARTS = ("DAYS_BIRTH", "AMT_CREDIT", "raw.NAME_EDUCATION_TYPE")


@dataclass(frozen=True, slots=True)
class ClientFile:
    """One client's file: who, what was decided, and why.

    Attributes
    ----------
    client : SK_ID_CURR.
    position : row of the portfolio.
    outcome : raw score (log-odds of default), PD, score, decision, level of risk.
    contributions : of every feature, in log-odds of repayment.
    grouped : the same summed by source column.
    bars : the waterfall from the base to this client's log-odds of repayment.
    against : the contributions of every feature against accepted clients, in log-odds; None where nobody is accepted.
    blocks : the same summed by reason block.
    facts : raw application columns, None where there is no value.
    row : (F,) float64, the model's features.
    standings : where the client stands for the measured features that weigh most, the heaviest first.
    compared : the same for the features that the reasons quote, yes-or-no ones included.
    usual : the category most frequent among accepted clients, by source column of those that the reasons quote.
    """

    client: int
    position: int
    outcome: ClientScore
    contributions: Contributions
    grouped: GroupedContributions
    bars: Waterfall
    against: Contributions | None
    blocks: BlockContributions | None
    facts: Mapping[str, object]
    row: NDArray[np.float64]
    standings: tuple[Standing, ...]
    compared: tuple[Standing, ...]
    usual: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A client the picker offers: id, score in [0, 1], and whether it is accepted."""

    client: int
    score: float
    accepted: bool


class Services:
    """The prepared portfolio, opened once for the whole process.

    Parameters
    ----------
    portfolio : of all clients.
    model : folder of the model that scored it.
    contributions : folder of the contributions of its clients; by default `shapley/NAME` beside the `portfolios`.
    scheduler : where the pictures of millions of clients are computed, as `explain.crossfilter.population` takes it.
    timings : where it is written how long the server takes over what visitors do; None writes nothing.

    Attributes
    ----------
    population : the columns of all clients, for the Portfolio page.
    columns : the same, to be searched.
    segments : the segments kept.
    exports : the files that sessions have made of their clients.
    plots : what the plots of all clients are made of.
    executor : where what takes long is computed, off the server's event loop; one thread a core, of two.
    unhurried : where that is computed which comes after an answer, so that no visitor's answer waits behind it.

    Raises
    ------
    UnknownPortfolio, IncompleteArtefact, HashMismatch
        Where they can't be used as they are, or where the scores or the contributions are another model's.
    """

    def __init__(
        self,
        portfolio: Portfolio,
        model: Path,
        contributions: Path | None = None,
        *,
        scheduler: str | None = None,
        timings: Timings | None = None,
    ) -> None:
        self.portfolio = portfolio
        self.model_folder = model
        self.scorer = Scorer.load(model)
        if self.scorer.model_hash != portfolio.model_hash:
            raise HashMismatch(
                f"Portfolio {portfolio.name} was scored by model {portfolio.model_hash[:12]}…, but {model} holds "
                f"{self.scorer.model_hash[:12]}…. Prepare the portfolio again: python -m dashboard prepare --help"
            )
        self.explainer = Explainer.load(model)
        self.contributions = _contributions(portfolio, model, contributions)
        self.card = read_card(model)
        self.policy = self.scorer.policy
        self.catalog: tuple[Feature, ...] = features(portfolio.features.absent_tables)
        self._by_name = {feature.name: feature for feature in self.catalog}
        score = np.asarray(portfolio.score)
        self.explanations = Explanations(portfolio.features, score, self.policy, self.contributions, self.catalog)
        self.index = FeatureIndex(self.catalog, self.explanations.ranks)
        self.accepted: NDArray[np.bool_] = np.asarray(self.policy.accepted(np.asarray(portfolio.score)))
        edges = np.asarray(self.policy.level_edges)
        self.level_index: NDArray[np.int8] = np.searchsorted(edges, portfolio.score, side="right").astype(np.int8)
        self.plots = PlotData(
            portfolio.features, self.contributions, self.scorer, model, self.accepted, self._by_name,
            tuple(self.explanations.ranks),
        )  # fmt: skip
        self.importance: dict[str, float] = self.contributions.importance("group").by_name()
        self.population = population_of(portfolio, self.contributions, self.policy, self.catalog, scheduler)
        self.columns = ColumnIndex(self.population.keys, self._by_name, self.explanations.ranks)
        self.segments = SegmentStore(
            segments_folder(portfolio.name), portfolio=portfolio.name, data_hash=portfolio.features.data_hash
        )
        self.exports = Exports()
        self.timings = timings
        self._usual: dict[str, str | None] = {}
        self._typical: Mapping[str, float] | None = None
        self._typical_lock = threading.Lock()
        self.executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="services")
        self.unhurried = ThreadPoolExecutor(1, thread_name_prefix="unhurried")

    def has_feature(self, name: str) -> bool:
        """Return whether this portfolio has a feature of that name."""
        return name in self._by_name

    def feature(self, name: str) -> Feature:
        """Return the catalogue's entry of a feature of this portfolio."""
        return self._by_name[name]

    def file(self, text: str) -> ClientFile:
        """Return the file of the client called `text`; raise UnknownClient where there is none."""
        position = self.portfolio.features.position(parse_client(text))
        return self.file_at(position)

    def file_at(self, position: int) -> ClientFile:
        """Return the file of the client at row `position`."""
        chosen = self.portfolio.features
        row = chosen.row(position)
        contributions = self.explainer.explain(row)
        grouped = contributions.grouped(self.catalog)
        quoted = [name for name in grouped.quoted if self.feature(name).aggregation != "is"]
        standings = {name: self.standing(name, position) for name in quoted[:STANDINGS]}
        against = None if self.reference_explainer is None else self.reference_explainer.explain(row)
        blocks = None if against is None else in_blocks(against, self.catalog)
        said = () if blocks is None else reason_features(blocks)
        compared = {one.feature: self.standing(one.feature, position) for one in said if one.feature not in standings}
        return ClientFile(
            client=int(chosen.ids[position]),
            position=position,
            outcome=self.scorer.score_one(row),
            contributions=contributions,
            grouped=grouped,
            bars=waterfall(grouped, count=WATERFALL_BARS),
            against=against,
            blocks=blocks,
            facts=chosen.facts(position),
            row=row,
            standings=tuple(standings.values()),
            compared=(*standings.values(), *compared.values()),
            usual={one.source: self.usual(one.source) for one in said if category_column(one.source)},
        )

    @functools.cached_property
    def first_exploration(self) -> Exploration:
        """What the Portfolio page shows first: the two measures that weigh most, and what people look at first."""
        population, ranked = self.population, list(self.explanations.ranks)
        measures = [name for name in ranked if population.column(name).categories is None] or ["score", "pd"]
        pair = [AxisKey(name, usual_scale(population.column(name))) for name in (*measures[:2], "score")[:2]]
        known = set(population.keys)
        charts = [name for name in ("score", "level", *measures[:1], *FIRST_CHARTS, *measures[1:]) if name in known]
        keys = [AxisKey(name, usual_scale(population.column(name))) for name in dict.fromkeys(charts)]
        return Exploration(Pair(pair[0], pair[1]), tuple(keys[:CHARTS]))

    @functools.cached_property
    def telling_pairs(self) -> tuple[TellingPair, ...]:
        """Pairs of the heaviest features that together say most about the score, the best first.

        They are computed at the first call, which takes a second for a whole portfolio, and then kept.
        """
        return telling_pairs(self.population, list(self.explanations.ranks))

    @functools.cached_property
    def reference_explainer(self) -> Explainer | None:
        """The explainer against accepted clients, `explain.reference` of them; None where nobody is accepted."""
        if not self.accepted.any():
            return None
        return self.explainer.against(self.portfolio.features.columns[:, reference_population(self.accepted)])

    def usual(self, source: str) -> str | None:
        """Return the category most frequent among accepted clients of a column of the application, "table.column"."""
        if source not in self._usual:
            column = self.portfolio.features.column
            self._usual[source] = usual_category(source, self.catalog, column, self.accepted)
        return self._usual[source]

    def standing(self, name: str, position: int) -> Standing:
        """Return where the client at row `position` stands for feature `name`, among all and among accepted clients."""
        column = self.portfolio.features.column(name)
        return stand(name, column, self.accepted, position)

    def typical(self) -> Mapping[str, float]:
        """Return the median among accepted clients of every feature that the model uses, NaN where nobody has a value.

        It is computed at the first call, which takes some seconds for a whole portfolio, and then kept.
        """
        with self._typical_lock:
            if self._typical is None:
                used = self.contributions.used
                medians = typical_values(map(self.portfolio.features.column, used), self.accepted)
                self._typical = dict(zip(used, medians.tolist(), strict=True))
                self.portfolio.features.let_go()
            return self._typical

    def matching(self, filters: Filters) -> NDArray[np.bool_]:
        """Return which clients the filters keep, (n,) bool."""
        score = np.asarray(self.portfolio.score)
        kept = (score >= filters.low) & (score <= filters.high)
        if filters.decision != "all":
            kept &= self.accepted if filters.decision == "accepted" else ~self.accepted
        if filters.levels:
            kept &= np.isin(self.level_index, [LEVELS.index(level) for level in filters.levels])
        return kept

    def next_matching(self, filters: Filters, after: int | None) -> int | None:
        """Return the row of the next client the filters keep, after row `after`, then from the start; None if none."""
        rows = np.flatnonzero(self.matching(filters))
        if rows.size == 0:
            return None
        if after is None:
            return int(rows[0])
        place = int(np.searchsorted(rows, after, side="right"))
        return int(rows[place % rows.size])

    def suggestions(self, prefix: str, filters: Filters) -> tuple[tuple[Suggestion, ...], int]:
        """Return the first clients the filters keep whose id begins with `prefix`, and how many there are in all.

        An id of 350,000 is found by its place among the sorted ones; nothing is sent to the browser but what is shown.
        """
        ids = self.portfolio.features.ids
        kept = self.matching(filters)
        if prefix:
            inside = np.zeros(ids.size, dtype=np.bool_)
            for start, stop in self.portfolio.features.prefix_ranges(prefix):
                inside[start:stop] = True
            kept &= inside
        rows = np.flatnonzero(kept)
        shown = tuple(
            Suggestion(int(ids[row]), float(self.portfolio.score[row]), bool(self.accepted[row]))
            for row in rows[:SUGGESTIONS]
        )
        return shown, int(rows.size)

    def level_counts(self) -> tuple[int, ...]:
        """Return the number of clients at each of the seven levels of risk, from very high to very low."""
        return tuple(int(count) for count in np.bincount(self.level_index, minlength=len(LEVELS)))


def _contributions(portfolio: Portfolio, model: Path, folder: Path | None) -> ContributionStore:
    """Return the contributions of a portfolio's clients; raise StoreError where they are of something else."""
    if folder is None:
        folder = portfolio.folder.absolute().parent.parent / "shapley" / portfolio.name
    try:
        store = ContributionStore.open(folder, verify=False)
    except UnknownPortfolio:
        raise UnknownPortfolio(
            f"Portfolio {portfolio.name} has no contributions of its clients: {folder} is not there. Prepare the "
            "portfolio again, with the same command, what is finished is kept; or compute them alone: "
            f"python -m explain portfolio --model {model} --features {portfolio.folder} --out {folder}"
        ) from None
    store.check_belongs(portfolio.model_hash, portfolio.features.data_hash)
    return store
