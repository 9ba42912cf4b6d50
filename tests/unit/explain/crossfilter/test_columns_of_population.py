"""The columns of a prepared portfolio, and what is kept of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from data.errors import HashMismatch, InvalidOption, UnknownColumn
from data.features.catalog import features
from data.paths import shapley_folder
from data.schema import table
from data.store import Portfolio
from explain.contribution_store import ContributionStore
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.population import (
    CONTRIBUTION,
    DEFAULT,
    LABELLED,
    OUTCOMES,
    RAW,
    REFUSED,
    Column,
    Population,
    population_of,
)
from models.policy import LEVELS, Policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POLICY = Policy(0.08, threshold=0.5)


@pytest.fixture(scope="module")
def portfolio(artifacts: Path) -> Portfolio:
    return Portfolio.open(artifacts / "portfolios" / "small")


@pytest.fixture(scope="module")
def store(artifacts: Path) -> ContributionStore:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRETSCOPE_ARTIFACTS", str(artifacts))
        return ContributionStore.open(shapley_folder("small"))


@pytest.fixture(scope="module")
def population(portfolio: Portfolio, store: ContributionStore) -> Population:
    return population_of(portfolio, store, POLICY, features(portfolio.features.absent_tables))


def test_every_key_has_a_column_of_all_clients_that_nobody_can_write(population: Population) -> None:
    assert len(set(population.keys)) == len(population.keys)
    for key in population.keys:
        column = population.column(key)
        assert column.key == key
        assert column.values.dtype == np.float32
        assert column.values.shape == (len(population),)
        assert column.values.flags.c_contiguous
        assert not column.values.flags.writeable, key
        if column.categories is not None:
            known = column.values[~np.isnan(column.values)]
            assert np.isin(known, np.arange(len(column.categories))).all(), key
            assert 1 <= len(column.categories) <= 255


def test_keys_are_outcomes_features_raw_columns_and_contributions(
    population: Population, portfolio: Portfolio, store: ContributionStore
) -> None:
    keys = population.keys
    assert keys[:5] == OUTCOMES
    assert keys[5 : 5 + len(portfolio.features.names)] == portfolio.features.names
    raw = [key.removeprefix(RAW) for key in keys if key.startswith(RAW)]
    assert {"NAME_EDUCATION_TYPE", "OCCUPATION_TYPE"} <= set(raw)
    assert not set(raw) & {"SK_ID_CURR", "TARGET", "AMT_CREDIT", *portfolio.features.names}
    columns = {column.name for column in table("application").columns}
    assert columns == set(raw) | (columns & set(portfolio.features.names)) | {"SK_ID_CURR", "TARGET"}
    assert tuple(key.removeprefix(CONTRIBUTION) for key in keys if key.startswith(CONTRIBUTION)) == store.used


def test_features_and_contributions_are_those_on_disk_not_copied(
    population: Population, portfolio: Portfolio, store: ContributionStore
) -> None:
    for name in ("AMT_CREDIT", "CNT_CHILDREN", "FLAG_MOBIL"):
        np.testing.assert_array_equal(population.column(name).values, portfolio.features.column(name))
        assert np.shares_memory(population.column(name).values, portfolio.features.column(name))
    name = store.used[0]
    values = population.column(CONTRIBUTION + name).values
    np.testing.assert_array_equal(values, store.contribution(name))
    assert np.shares_memory(values, store.contribution(name))


def test_raw_categories_are_the_applications_own(population: Population, portfolio: Portfolio) -> None:
    for key in population.keys:
        if key.startswith(RAW):
            column = population.column(key)
            facts = portfolio.features.facts_column(key.removeprefix(RAW))
            assert column.categories is not None
            own = [None if np.isnan(value) else column.categories[int(value)] for value in column.values]
            assert own == facts.to_list(), key
            known = table("application").column(key.removeprefix(RAW)).categories
            assert column.categories[: len(known)] == known
            assert list(column.categories[len(known) :]) == sorted(column.categories[len(known) :])


def test_what_is_0_or_1_is_a_category(population: Population, portfolio: Portfolio) -> None:
    catalog = {feature.name: feature for feature in features()}
    for name in portfolio.features.names:
        column, feature = population.column(name), catalog[name]
        if feature.aggregation == "is":
            assert column.categories == ("no", "yes"), name
    assert population.column("FLAG_MOBIL").categories == ("no", "yes")
    assert population.column("FLAG_OWN_CAR").categories == ("no", "yes")
    assert population.column("CODE_GENDER").categories == ("F", "M")
    for measure in ("AMT_CREDIT", "CNT_CHILDREN", "score", "pd"):
        assert population.column(measure).categories is None


def test_outcomes_follow_the_policy_from_the_scores_in_double_precision(
    population: Population, portfolio: Portfolio
) -> None:
    score, target = portfolio.score, portfolio.features.target
    assert population.score.dtype == np.float64
    np.testing.assert_array_equal(population.score, score)
    np.testing.assert_array_equal(population.ids, portfolio.features.ids)
    np.testing.assert_array_equal(population.outcome & REFUSED != 0, score < POLICY.threshold)
    np.testing.assert_array_equal(population.outcome & LABELLED != 0, target >= 0)
    np.testing.assert_array_equal(population.outcome & DEFAULT != 0, target == 1)
    assert [LEVELS[number] for number in population.level] == POLICY.level(np.asarray(score)).tolist()
    np.testing.assert_array_equal(population.column("score").values, score.astype(np.float32))
    np.testing.assert_array_equal(population.column("pd").values, portfolio.pd.astype(np.float32))
    np.testing.assert_array_equal(population.column("decision").values, (score >= POLICY.threshold).astype(np.float32))
    np.testing.assert_array_equal(population.column("level").values, population.level)
    np.testing.assert_array_equal(
        population.column("default").values, np.where(target < 0, np.nan, target).astype(np.float32)
    )
    assert population.column("decision").categories == ("refused", "accepted")
    assert population.column("default").categories == ("repaid", "default")
    assert population.column("level").categories == LEVELS
    assert 0 < np.count_nonzero(target < 0) < len(target)  # so that the case is there


def test_a_column_that_there_is_not_is_named_with_the_nearest(population: Population) -> None:
    with pytest.raises(UnknownColumn, match=r"'AMT_CREDITS'.*Did you mean AMT_CREDIT"):
        population.column("AMT_CREDITS")
    for unknown in ("", "raw.SK_ID_CURR", "raw.TARGET", "raw.AMT_CREDIT", "contribution.", "raw."):
        with pytest.raises(UnknownColumn):
            population.column(unknown)
    with pytest.raises(UnknownColumn):
        population.axis(AxisKey("AMT_CREDITS"))
    with pytest.raises(UnknownColumn):
        population.bins(AxisKey("AMT_CREDITS"))
    with pytest.raises(InvalidOption, match="'logs'"):
        population.axis(AxisKey("AMT_CREDIT", "logs"))  # type: ignore[arg-type]


def test_the_store_of_another_model_is_refused(portfolio: Portfolio, store: ContributionStore) -> None:
    other = ContributionStore(store.folder, {**store.manifest, "model_hash": "0" * 64})
    with pytest.raises(HashMismatch):
        population_of(portfolio, other, POLICY, features())


def test_axes_and_bins_are_made_once_however_many_ask(population: Population) -> None:
    key = AxisKey("EXT_SOURCE_2", "quantile")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: (population.axis(key), population.bins(key)), range(64)))
    assert len({id(axis) for axis, _ in found}) == 1
    assert len({id(bins) for _, bins in found}) == 1
    assert not found[0][0].places.flags.writeable
    assert not found[0][1].index.flags.writeable


def test_what_is_kept_is_bounded(populated: Callable[..., Population]) -> None:
    columns = {f"C{number}": np.arange(4, dtype=np.float32) + number for number in range(700)}
    population = populated(columns)
    first = population.axis(AxisKey("C0"))
    for name in columns:
        population.axis(AxisKey(name))
        population.bins(AxisKey(name))
    assert population.axis(AxisKey("C0")) is not first
    assert len(population._axes) == 128
    assert len(population._bins) == 512


def test_a_category_that_the_schema_does_not_know_comes_last() -> None:
    from explain.crossfilter.population import _category_column

    facts = table("application").column("NAME_CONTRACT_TYPE")
    values = pl.Series(["zebra", "Cash loans", None, "ant", "Revolving loans", "zebra"])
    column = _category_column("raw.NAME_CONTRACT_TYPE", values, facts)
    assert column.categories == ("Cash loans", "Revolving loans", "ant", "zebra")
    np.testing.assert_array_equal(column.values, np.array([3, 0, np.nan, 2, 1, 3], dtype=np.float32))
    assert isinstance(column, Column)
