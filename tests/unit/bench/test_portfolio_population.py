"""Many clients made of a portfolio's few: the same kind of columns, with noise, on the disk and found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.registry import Request
from bench.scoring.portfolio_population import Mapped, prepared, replicated
from data.errors import UnknownColumn
from data.progress import silent
from explain.crossfilter.population import DEFAULT, LABELLED, REFUSED

if TYPE_CHECKING:
    from pathlib import Path

    from bench.scoring.portfolio_population import Prepared
    from explain.crossfilter.population import Population

CLIENTS = 4_000
KEYS = (
    "EXT_SOURCE_3", "AMT_CREDIT", "DAYS_BIRTH", "raw.NAME_EDUCATION_TYPE", "score", "decision", "level", "default"
)  # fmt: skip


@pytest.fixture(scope="module")
def made(artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, Population]:
    """A small portfolio, and many clients made of it."""
    folder = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRETSCOPE_ARTIFACTS", str(artifacts))
        given = prepared(Request(portfolio="small"))
        patch.setenv("PRETSCOPE_ARTIFACTS", str(folder))
        return given, replicated(given, CLIENTS, KEYS, 5, silent)


def test_measures_are_near_those_of_the_portfolio_and_missing_where_they_are(
    made: tuple[Prepared, Population],
) -> None:
    given, many = made
    for key in ("EXT_SOURCE_3", "AMT_CREDIT"):
        few, found = given.population.column(key).values, many.column(key).values
        again = np.resize(few, CLIENTS)
        assert found.dtype == np.float32
        assert len(found) == CLIENTS
        np.testing.assert_array_equal(np.isnan(found), np.isnan(again))
        apart = (found - again)[~np.isnan(found)]
        assert 0.005 < apart.std() / np.nanstd(few.astype(np.float64)) < 0.015
        assert not np.array_equal(found[: len(few)], found[len(few) : 2 * len(few)], equal_nan=True)


def test_whole_numbers_stay_whole_and_categories_as_they_are(made: tuple[Prepared, Population]) -> None:
    given, many = made
    days = many.column("DAYS_BIRTH").values
    np.testing.assert_array_equal(days, np.rint(days))
    column = many.column("raw.NAME_EDUCATION_TYPE")
    few = given.population.column("raw.NAME_EDUCATION_TYPE")
    assert column.categories == few.categories
    np.testing.assert_array_equal(column.values, np.resize(few.values, CLIENTS))


def test_decision_and_level_follow_from_the_score(made: tuple[Prepared, Population]) -> None:
    given, many = made
    refused = many.score < given.policy.threshold
    assert 0 < refused.sum() < CLIENTS
    np.testing.assert_array_equal((many.outcome & REFUSED) > 0, refused)
    np.testing.assert_array_equal(many.column("decision").values == 0, refused)
    np.testing.assert_array_equal(many.column("score").values, many.score.astype(np.float32))
    edges = np.asarray(given.policy.level_edges)
    np.testing.assert_array_equal(many.level, np.searchsorted(edges, many.score, side="right"))
    np.testing.assert_array_equal(many.column("level").values, many.level)
    known = np.resize(given.population.outcome & (LABELLED | DEFAULT), CLIENTS)
    np.testing.assert_array_equal(many.outcome & (LABELLED | DEFAULT), known)
    default = many.column("default").values
    np.testing.assert_array_equal(np.isnan(default), (known & LABELLED) == 0)
    assert np.nansum(default) == ((known & DEFAULT) > 0).sum()


def test_it_is_written_once_and_read_memory_mapped(
    made: tuple[Prepared, Population], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, _ = made
    monkeypatch.setenv("PRETSCOPE_ARTIFACTS", str(tmp_path))
    many = replicated(given, CLIENTS, KEYS, 5, silent)
    written = tmp_path / "bench" / "portfolio" / f"clients-{CLIENTS}"
    path = written / "AMT_CREDIT.npy"
    before = path.stat().st_mtime_ns
    again = replicated(given, CLIENTS, KEYS, 5, silent)
    assert path.stat().st_mtime_ns == before
    np.testing.assert_array_equal(again.column("AMT_CREDIT").values, many.column("AMT_CREDIT").values)
    assert isinstance(again.source.column("AMT_CREDIT").values, np.memmap)
    kept = np.array(many.column("AMT_CREDIT").values)
    other = replicated(given, CLIENTS, KEYS, 6, silent)
    assert not np.array_equal(other.column("AMT_CREDIT").values, kept)
    assert {path.name for path in written.parent.iterdir()} == {written.name}


def test_a_column_that_is_not_replicated_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownColumn, match=r"'AMT_CREDI' is replicated\. Did you mean AMT_CREDIT"):
        Mapped(tmp_path, {"AMT_CREDIT": None}).column("AMT_CREDI")
