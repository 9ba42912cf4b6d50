"""Two segments side by side, against plain pandas and against every pair counted."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InvalidOption, UnknownColumn
from explain.crossfilter.comparing import Difference, cliffs_delta, compare
from explain.crossfilter.population import DEFAULT, LABELLED, REFUSED, Column, Population

LOANS = ("Cash loans", "Revolving loans", "Other")
FEATURES = ("amount", "children", "empty", "raw.kind", "constant", "shifted")


class Columns:
    """Columns held in memory."""

    def __init__(self, columns: dict[str, Column]) -> None:
        self.columns = columns
        self.keys = tuple(columns)

    def column(self, key: str) -> Column:
        if key not in self.columns:
            raise UnknownColumn(f"No column {key!r}.")
        return self.columns[key]


def values_of(population: Population, key: str) -> np.ndarray:
    return population.column(key).values  # noqa: PD011 (a column of ours)


def population_of(n: int, seed: int = 5) -> Population:
    rng = np.random.default_rng(seed)
    amount = rng.lognormal(size=n).astype(np.float32)
    amount[rng.random(n) < 0.2] = np.nan
    amount[rng.random(n) < 0.02] = np.inf
    kind = rng.integers(0, 2, n).astype(np.float32)
    kind[rng.random(n) < 0.1] = np.nan
    shifted = (rng.normal(size=n) + 2.0 * (np.arange(n) < n // 2)).astype(np.float32)
    columns = {
        "amount": Column("amount", amount, None),
        "children": Column("children", rng.integers(0, 4, n).astype(np.float32), None),
        "empty": Column("empty", np.full(n, np.nan, np.float32), None),
        "raw.kind": Column("raw.kind", kind, LOANS),
        "constant": Column("constant", np.full(n, 3.0, np.float32), None),
        "shifted": Column("shifted", shifted, None),
    }
    labelled = rng.random(n) < 0.8
    outcome = REFUSED * (rng.random(n) < 0.3) + LABELLED * labelled + DEFAULT * (labelled & (rng.random(n) < 0.1))
    ids = np.arange(n, dtype=np.int64)
    return Population(ids, rng.random(n), np.zeros(n, np.uint8), outcome.astype(np.uint8), Columns(columns))


def halves(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    a = (np.arange(n) < n // 2) & (rng.random(n) < 0.6)
    b = (np.arange(n) >= n // 2) & (rng.random(n) < 0.8)
    return a, b


def brute_force(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sign(a[:, None].astype(np.float64) - b[None, :]).mean())


def by_key(differences: tuple[Difference, ...]) -> dict[str, Difference]:
    return {one.column: one for one in differences}


def test_counts_are_those_of_pandas() -> None:
    population = population_of(900)
    a, b = halves(900)
    b |= np.arange(900) < 40
    found = compare(population, a, b, ())
    frame = pd.DataFrame({"score": population.score, "outcome": population.outcome})
    masks = {"a": a, "b": b, "both": a & b, "everyone": np.ones(900, np.bool_)}
    for name, mask in masks.items():
        rows, counts = frame[mask], getattr(found, name)
        labelled = rows[(rows["outcome"] & LABELLED) > 0]
        assert int(counts.clients) == len(rows)
        assert int(counts.refused) == ((rows["outcome"] & REFUSED) > 0).sum()
        assert int(counts.labelled) == len(labelled)
        assert int(counts.defaults) == ((labelled["outcome"] & DEFAULT) > 0).sum()
        assert float(counts.mean_score) == pytest.approx(rows["score"].mean(), rel=1e-12)
    assert found.score_difference == pytest.approx(frame[a]["score"].mean() - frame[b]["score"].mean(), abs=1e-12)
    assert found.overlap
    assert found.risk_interval is None


def test_measures_are_compared_by_every_pair_of_clients() -> None:
    population = population_of(700)
    a, b = halves(700)
    found = by_key(compare(population, a, b, FEATURES).differences)
    frame = pd.DataFrame({key: values_of(population, key) for key in FEATURES}).astype(np.float64)
    for key in ("children", "shifted", "constant"):
        first, second = (frame[key][mask].dropna().to_numpy() for mask in (a, b))
        assert found[key].delta == pytest.approx(brute_force(first, second), abs=1e-12)
        assert found[key].auc == pytest.approx((brute_force(first, second) + 1) / 2, abs=1e-12)
        assert found[key].medians == (np.median(first), np.median(second))
    for key in FEATURES:
        assert found[key].missing == pytest.approx((frame[key][a].isna().mean(), frame[key][b].isna().mean()))
        assert found[key].clients == (frame[key][a].notna().sum(), frame[key][b].notna().sum())
    assert found["constant"].delta == 0.0
    assert found["empty"].delta is None
    assert found["empty"].strength == 0.0


def test_categories_are_compared_by_their_shares() -> None:
    population = population_of(700)
    a, b = halves(700)
    one = by_key(compare(population, a, b, ("raw.kind",)).differences)["raw.kind"]
    kind = pd.Series(values_of(population, "raw.kind"))
    shares_a, shares_b = (kind[mask].value_counts(normalize=True).reindex(range(3), fill_value=0.0) for mask in (a, b))
    assert one.distance == pytest.approx((shares_a - shares_b).abs().sum() / 2)
    number = LOANS.index(one.category)
    assert one.shares == pytest.approx((shares_a[number], shares_b[number]))
    assert (one.delta, one.medians, one.auc) == (None, None, None)


def test_infinities_are_values() -> None:
    values = np.array([-np.inf, 0.0, np.inf, np.inf], np.float32)
    assert cliffs_delta(values, np.array([np.inf], np.float32)) == -0.5
    assert cliffs_delta(values, values) == 0.0


@given(
    st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 1.0, np.inf]), min_size=1, max_size=30),
    st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 1.0, np.inf]), min_size=1, max_size=30),
)
def test_delta_of_any_two_lists_is_that_of_all_pairs(first: list[float], second: list[float]) -> None:
    a, b = (np.sort(np.array(values, np.float32)) for values in (first, second))
    pairs = sum(int(x > y) - int(x < y) for x in a for y in b)
    assert cliffs_delta(a, b) == pairs / (a.size * b.size)


def test_the_strongest_comes_first_and_missing_values_count() -> None:
    n = 400
    population = population_of(n)
    a, b = halves(n)
    absent = values_of(population, "amount").copy()
    absent[: n // 2] = np.nan
    population.source.columns["absent"] = Column("absent", absent, None)
    found = compare(population, a, b, ("constant", "shifted", "absent", "raw.kind", "shifted"))
    assert [one.column for one in found.differences][:2] == ["shifted", "absent"]
    assert len(found.differences) == 4
    strengths = [one.strength for one in found.differences]
    assert strengths == sorted(strengths, reverse=True)
    one = by_key(found.differences)["absent"]
    assert one.mostly_missing
    assert one.delta is None
    assert one.strength == pytest.approx(1.0 - np.isnan(absent[b]).mean())
    table = found.frame()
    assert table["column"].to_list() == [one.column for one in found.differences]
    assert table["strength"].to_list() == strengths
    assert table.filter(table["column"] == "absent")["delta"].to_list() == [None]


def test_newcombes_interval_is_that_of_his_paper() -> None:
    """Two lines of the paper's table II, method 10."""
    for (x, m), (y, k), expected in (((56, 70), (48, 80), (0.0524, 0.3339)), ((9, 10), (3, 10), (0.1705, 0.8090))):
        outcome = np.concatenate([_outcome(x, m), _outcome(y, k)])
        a = np.arange(m + k) < m
        n = m + k
        population = Population(np.arange(n), np.full(n, 0.5), np.zeros(n, np.uint8), outcome, population_of(n).source)
        found = compare(population, a, ~a, ())
        assert found.risk_interval == pytest.approx(expected, abs=5e-5)
        assert found.risk_difference == pytest.approx(x / m - y / k)


def _outcome(defaults: int, clients: int) -> np.ndarray:
    return (LABELLED + DEFAULT * (np.arange(clients) < defaults)).astype(np.uint8)


@pytest.mark.parametrize("size", [0, 1])
def test_an_empty_segment_or_one_client_is_no_trouble(size: int) -> None:
    population = population_of(50)
    a = np.arange(50) < size
    found = compare(population, a, np.zeros(50, np.bool_), FEATURES)
    assert int(found.a.clients) == size
    assert not found.overlap
    assert found.risk_interval is None
    assert np.isnan(found.score_difference)
    assert all(one.delta is None and one.distance is None and one.strength == 0.0 for one in found.differences)
    assert [one.column for one in found.differences] == list(FEATURES)
    assert found.frame().height == len(FEATURES)


def test_what_there_is_not_is_told() -> None:
    population, everyone = population_of(20), np.ones(20, np.bool_)
    with pytest.raises(UnknownColumn):
        compare(population, everyone, everyone, ("nothing",))
    with pytest.raises(InvalidOption, match="20 clients"):
        compare(population, everyone, everyone[:-1], ())


@pytest.mark.slow
def test_sixty_columns_of_a_whole_portfolio_take_a_second_or_so() -> None:
    n = 356_255
    population = population_of(n)
    a = np.random.default_rng(0).random(n) < 0.3
    for number in range(60):
        values = np.roll(values_of(population, "amount"), number)
        population.source.columns[f"amount{number}"] = Column(f"amount{number}", values, None)
    compare(population, a, ~a, ("amount",))
    began = time.perf_counter()
    compare(population, a, ~a, tuple(f"amount{number}" for number in range(60)))
    assert time.perf_counter() - began < 3.0
