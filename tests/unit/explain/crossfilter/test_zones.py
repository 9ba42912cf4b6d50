"""Zones equal what trying every rectangle with pandas finds, and their counts those of their own filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from explain.crossfilter.axes import AxisKey
from explain.crossfilter.columns import Column
from explain.crossfilter.counts import wilson
from explain.crossfilter.divisions import MOST_NAMED, divide
from explain.crossfilter.exploration import PAIR, Exploration, Pair
from explain.crossfilter.filters import Box, Categories, Range, Side, passes
from explain.crossfilter.population import DEFAULT, LABELLED, REFUSED, Population
from explain.crossfilter.zones import FINDINGS, MOST_PARTS, Zone, explained_by, find_zones, kept_for, least_clients

if TYPE_CHECKING:
    from numpy.typing import NDArray

N = 4000


class Table:
    """Columns kept in memory."""

    def __init__(self, columns: dict[str, Column]) -> None:
        self._columns = columns

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._columns)

    def column(self, key: str) -> Column:
        return self._columns[key]


def population(columns: dict[str, NDArray[np.float32]], names: dict[str, tuple[str, ...]], seed: int = 0) -> Population:
    """Return clients more at risk with a large "a" and with category 2 of "c", a tenth of them without an outcome."""
    rng = np.random.default_rng(seed)
    n = len(next(iter(columns.values())))
    risk = 0.05 + 0.3 * rng.random(n) * (np.nan_to_num(columns["a"], posinf=9, neginf=-9) > 0.2)
    if "c" in columns:
        risk += 0.2 * (columns["c"] == 2)
    known, bad = rng.random(n) < 0.9, rng.random(n) < risk
    refused = risk > 0.15
    outcome = (refused * REFUSED + known * LABELLED + (known & bad) * DEFAULT).astype(np.uint8)
    table = {key: Column(key, values.astype(np.float32), names.get(key)) for key, values in columns.items()}
    return Population(np.arange(n), 1 - risk, np.zeros(n, dtype=np.uint8), outcome, Table(table))


@pytest.fixture(scope="module")
def clients() -> Population:
    rng = np.random.default_rng(5)
    a = rng.normal(size=N)
    a[:300] = np.nan
    a[300:340], a[340:350] = np.inf, -np.inf
    a[400:1400] = 0.5  # one value of a quarter
    c = rng.integers(0, 5, N).astype(float)
    c[::17] = np.nan
    many = np.minimum(rng.geometric(0.12, N) - 1, 39).astype(float)
    columns = {"a": a, "b": rng.exponential(size=N), "c": c, "many": many, "whole": rng.integers(0, 4, N).astype(float)}
    return population(columns, {"c": tuple("vwxyz"), "many": tuple(f"n{i}" for i in range(40))})


@pytest.fixture(scope="module")
def kept() -> NDArray[np.bool_]:
    return np.random.default_rng(6).random(N) < 0.7


def values_of(column: Column) -> NDArray[np.float32]:
    return column.values  # noqa: PD011 (no pandas object)


def frame_of(clients: Population) -> pd.DataFrame:
    frame = pd.DataFrame({key: values_of(clients.column(key)).astype(float) for key in clients.keys})
    for key in clients.keys:
        categories = clients.column(key).categories
        if categories is not None:
            frame[key] = [None if np.isnan(number) else categories[int(number)] for number in frame[key]]
    frame["score"] = clients.score
    frame["refused"] = (clients.outcome & REFUSED) > 0
    frame["default"] = np.where(clients.outcome & LABELLED, (clients.outcome & DEFAULT) > 0, np.nan)
    return frame


def on(side: Side, frame: pd.DataFrame) -> pd.Series:
    values = frame[side.column]
    inside = values.isin(side.names) if isinstance(side, Categories) else values.between(side.low, side.high)
    return inside | (values.isna() & side.missing)


def inside(box: Box, frame: pd.DataFrame) -> pd.DataFrame:
    return frame[on(box.across, frame) & on(box.up, frame)]


def check_counts(zone: Zone, clients: Population, frame: pd.DataFrame) -> None:
    chosen = inside(zone.box, frame)
    assert (
        chosen.index.tolist() == np.flatnonzero(passes(zone.box, clients) & np.isin(clients.ids, frame.index)).tolist()
    )
    counts = zone.counts
    assert int(counts.clients) == len(chosen)
    assert int(counts.refused) == chosen["refused"].sum()
    assert int(counts.labelled) == chosen["default"].notna().sum()
    assert int(counts.defaults) == chosen["default"].sum()
    assert float(counts.mean_score) == pytest.approx(chosen["score"].mean(), abs=1e-12)
    low, high = wilson(np.array(chosen["default"].sum()), np.array(chosen["default"].notna().sum()))
    assert zone.default_interval == (pytest.approx(float(low)), pytest.approx(float(high)))


def sides(column: Column, frame: pd.DataFrame, most: int) -> list[Side]:
    """Return every side that a zone may have, made with pandas alone."""
    values = frame[column.key].dropna()
    missing: list[Side] = [Categories(column.key, (), missing=True)] if frame[column.key].isna().any() else []
    if column.categories is not None:
        common = values.value_counts()
        assert len(common) <= MOST_NAMED
        return [
            *(Categories(column.key, (str(name),)) for name in common.index),
            Categories(column.key, column.categories),
            *missing,
        ]
    if values.nunique() <= most:
        highest = np.sort(values.unique())
    else:
        highest = np.unique(np.quantile(values, np.arange(1, most + 1) / most, method="inverted_cdf"))
    lowest = [-np.inf, *(values[values > high].min() for high in highest[:-1])]
    highest[-1] = np.inf
    ranges = [Range(column.key, lowest[i], highest[j]) for i in range(len(highest)) for j in range(i, len(highest))]
    return [*ranges, *missing]


@pytest.mark.parametrize("pair", [("a", "b"), ("b", "a"), ("a", "c"), ("c", "whole"), ("whole", "b"), ("b", "many")])
@pytest.mark.parametrize("some", [False, True])
def test_the_counts_of_a_zone_are_those_of_its_filter(
    clients: Population, kept: NDArray[np.bool_], pair: tuple[str, str], some: bool
) -> None:
    mask = kept if some else None
    frame = frame_of(clients)[kept if some else slice(None)]
    found = find_zones(clients, *pair, mask)
    assert int(found.kept.clients) == len(frame)
    everything = [zone for finding in FINDINGS for zone in found.of(finding)]
    assert everything
    rate, mean = frame["default"].mean(), frame["score"].mean()
    for zone in everything:
        assert (zone.box.across.column, zone.box.up.column) == pair
        assert int(zone.counts.clients) >= least_clients(len(frame))
        check_counts(zone, clients, frame)
    for finding in FINDINGS:
        zones = found.of(finding)
        parts = [set(inside(zone.box, frame).index) for zone in zones]
        assert sum(map(len, parts)) == len(set().union(*parts))  # they share nobody
    assert all(zone.default_interval[0] > rate for zone in found.risky)
    assert all(zone.default_interval[1] < rate for zone in found.safe)
    assert all(zone.counts.mean_score < mean for zone in found.low_score)
    assert all(zone.counts.mean_score > mean for zone in found.high_score)
    for zones, key in (
        (found.risky, lambda zone: -zone.default_interval[0]),
        (found.safe, lambda zone: zone.default_interval[1]),
        (found.low_score, lambda zone: zone.counts.mean_score),
        (found.high_score, lambda zone: -zone.counts.mean_score),
    ):
        worth = [float(key(zone)) for zone in zones]
        assert worth == sorted(worth)


@pytest.mark.parametrize("pair", [("b", "whole"), ("a", "c"), ("c", "b")])
def test_no_rectangle_is_better_than_the_first_zone(
    clients: Population, kept: NDArray[np.bool_], pair: tuple[str, str]
) -> None:
    frame = frame_of(clients)[kept]
    found = find_zones(clients, *pair, kept)
    least, lows, highs, means = least_clients(len(frame)), [], [], []
    across, up = (sides(clients.column(key), frame, MOST_PARTS) for key in pair)
    masks = [[on(side, frame).to_numpy() for side in each] for each in (across, up)]
    default, score = frame["default"].to_numpy(), frame["score"].to_numpy()
    for first in masks[0]:
        for second in masks[1]:
            chosen = first & second
            if least <= chosen.sum() < len(frame):
                known = default[chosen][~np.isnan(default[chosen])]
                low, high = wilson(np.array(known.sum()), np.array(known.size))
                lows.append(float(low))
                highs.append(float(high))
                means.append(score[chosen].mean())
    assert found.risky[0].default_interval[0] == pytest.approx(max(lows), abs=1e-12)
    assert found.safe[0].default_interval[1] == pytest.approx(min(highs), abs=1e-12)
    assert float(found.low_score[0].counts.mean_score) == pytest.approx(min(means), abs=1e-12)
    assert float(found.high_score[0].counts.mean_score) == pytest.approx(max(means), abs=1e-12)


def test_the_risk_that_is_there_is_found(clients: Population) -> None:
    first = find_zones(clients, "a", "c", None).risky[0].box
    assert first.up == Categories("c", ("x",))
    assert isinstance(first.across, Range)
    assert first.across.low > 0.0


def test_clients_without_a_value_can_be_a_zone() -> None:
    rng = np.random.default_rng(9)
    a, b = rng.normal(size=3000), rng.random(3000)
    b[a > 0.2] = np.nan  # the risk is with those who have a large "a"
    clients = population({"a": a, "b": b}, {})
    found = find_zones(clients, "a", "b", None)
    assert found.risky[0].box.up == Categories("b", (), missing=True)
    check_counts(found.risky[0], clients, frame_of(clients))


def test_the_pair_is_looked_at_without_its_own_filter(clients: Population) -> None:
    pair = Pair(AxisKey("a"), AxisKey("b"))
    own, young, few = Range("a", 0.0, 1.0), Range("b", 0.1, 1.0), Categories("c", ("v", "x"), missing=True)
    explored = Exploration(pair, filters=(("b", young), (PAIR, own), ("c", few)))
    kept = kept_for(clients, explored, PAIR)
    assert kept is not None
    frame = frame_of(clients)
    assert kept.tolist() == (on(young, frame) & on(few, frame)).tolist()
    every = kept_for(clients, explored, "whole")
    assert every is not None
    assert every.tolist() == (kept & on(own, frame).to_numpy()).tolist()
    assert kept_for(clients, Exploration(pair, filters=((PAIR, own),)), PAIR) is None
    assert kept_for(clients, Exploration(pair), PAIR) is None


def test_the_grid_explains_what_the_means_of_its_cells_do(clients: Population, kept: NDArray[np.bool_]) -> None:
    across, up = (divide(clients.column(key), kept, MOST_PARTS) for key in ("a", "c"))
    frame = pd.DataFrame({"x": across.index, "y": up.index, "score": clients.score[kept]})
    total = ((frame["score"] - frame["score"].mean()) ** 2).sum()

    def share(*by: str) -> float:
        means = frame.groupby(list(by))["score"].transform("mean")
        return float(((means - frame["score"].mean()) ** 2).sum() / total)

    found = find_zones(clients, "a", "c", kept).explained
    assert found.both == pytest.approx(share("x", "y"), abs=1e-12)
    assert found.across == pytest.approx(share("x"), abs=1e-12)
    assert found.up == pytest.approx(share("y"), abs=1e-12)
    assert found.added == pytest.approx(share("x", "y") - max(share("x"), share("y")), abs=1e-12)


def test_little_is_told_of_few_clients() -> None:
    index = np.arange(36, dtype=np.uint8) % 6
    found = explained_by(index, index[::-1].copy(), np.linspace(0, 1, 36))
    assert np.isnan(found.both)
    assert np.isnan(explained_by(index, index, np.full(36, 0.7)).across)


def test_what_is_the_outcome_or_made_of_the_score_is_no_finding() -> None:
    rng = np.random.default_rng(3)
    columns = {"a": rng.normal(size=3000), "default": rng.integers(0, 2, 3000), "score": rng.random(3000)}
    clients = population(columns, {"default": ("repaid", "default")})
    outcome = find_zones(clients, "a", "default", None)
    assert (outcome.risky, outcome.safe) == ((), ())
    assert outcome.low_score
    scored = find_zones(clients, "a", "score", None)
    assert (scored.low_score, scored.high_score) == ((), ())
    assert np.isnan(scored.explained.both)
    assert scored.risky


@pytest.mark.parametrize(
    "values", [np.full(50, 3.0), np.full(50, np.nan), np.full(50, np.inf), np.arange(50.0)], ids=str
)
@pytest.mark.parametrize("number", [0, 1, 50])
def test_columns_and_selections_in_which_there_is_nothing_to_find(values: NDArray[np.float64], number: int) -> None:
    clients = population({"a": values, "b": values}, {})
    flat = Population(clients.ids, np.full(50, 0.6), clients.level, np.full(50, LABELLED, np.uint8), clients.source)
    found = find_zones(flat, "a", "b", np.arange(50) < number)
    assert [found.of(finding) for finding in FINDINGS] == [()] * 4
    assert int(found.kept.clients) == number
    assert np.isnan(found.explained.both)
    assert found.frame().height == 1


def test_no_zone_of_risk_is_told_without_any_outcome() -> None:
    rng = np.random.default_rng(4)
    clients = population({"a": rng.normal(size=3000), "b": rng.random(3000)}, {})
    unlabelled = Population(clients.ids, clients.score, clients.level, np.zeros(3000, np.uint8), clients.source)
    found = find_zones(unlabelled, "a", "b", None)
    assert (found.risky, found.safe) == ((), ())
    assert found.low_score
    assert np.isnan(found.low_score[0].default_interval[0])


def test_a_zone_is_large_enough() -> None:
    assert [least_clients(kept) for kept in (0, 1, 100, 1999, 2000, 20_000, 356_255)] == [1, 1, 5, 100, 200, 200, 3563]


@pytest.mark.parametrize("most", [3, 8])
def test_equal_values_are_in_one_part_and_parts_leave_nobody_out(clients: Population, most: int) -> None:
    for key in ("a", "b", "whole"):
        column = clients.column(key)
        cut = divide(column, None, most)
        frame = pd.DataFrame({"value": values_of(column), "part": cut.index}).dropna()
        assert frame.groupby("value")["part"].nunique().max() == 1
        by_part = frame.groupby("part")["value"]
        assert by_part.min().tolist() == cut.low.tolist()
        assert by_part.max().tolist() == cut.high.tolist()
        assert cut.parts == len(cut.low) <= most
        assert (np.diff(cut.low) > 0).all()
        assert (cut.low[1:] > cut.high[:-1]).all()
        assert (cut.index[np.isnan(column.values)] == cut.parts).all()
        assert cut.missing == bool(np.isnan(column.values).any())
    continuous = divide(clients.column("b"), None, most)
    assert np.bincount(continuous.index).max() - np.bincount(continuous.index).min() <= 1


def test_rare_categories_are_one_part_together(clients: Population) -> None:
    column = clients.column("many")
    cut = divide(column, None, MOST_PARTS)
    assert cut.names is not None
    assert len(cut.names) == MOST_NAMED + 1
    counted = pd.Series(column.values).value_counts()
    assert column.categories is not None
    assert {part[0] for part in cut.names[:-1]} == {column.categories[int(at)] for at in counted.index[:MOST_NAMED]}
    assert set(cut.names[-1]) == {column.categories[int(at)] for at in counted.index[MOST_NAMED:]}
    frame = pd.DataFrame({"name": [column.categories[int(v)] for v in values_of(column)], "part": cut.index})
    for part, names in enumerate(cut.names):
        assert set(frame.loc[frame["part"] == part, "name"]) == set(names)


def test_the_frame_has_a_row_for_everyone_and_for_each_zone(clients: Population) -> None:
    found = find_zones(clients, "a", "b", None)
    frame = found.frame()
    assert frame["finding"][0] == "kept"
    assert frame.height == 1 + sum(len(found.of(finding)) for finding in FINDINGS)
    risky = frame.row(1, named=True)
    assert (risky["finding"], risky["across"]) == ("risky", repr(found.risky[0].box.across))
    assert risky["default_rate"] == pytest.approx(risky["defaults"] / risky["labelled"])
