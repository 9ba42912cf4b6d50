"""Portfolios on disk: by name and by path, what is refused, and what their parts must be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.errors import (
    HashMismatch,
    IncompleteArtefact,
    InvalidOption,
    UnknownPortfolio,
)
from data.paths import portfolio_folder
from data.store import (
    FeatureSet,
    Portfolio,
    find_portfolios,
    write_features,
    write_importance,
    write_portfolio_manifest,
    write_scores,
)

Tables = dict[str, pl.LazyFrame]
Build = Callable[..., pl.DataFrame]


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


@pytest.fixture
def portfolio(tables: Tables, home: Path, fake_features: Build) -> Path:
    """A portfolio called "tiny"."""
    folder = portfolio_folder("tiny")
    clients = len(write_features(tables, folder / "features"))
    raw = np.linspace(-3, 3, clients)
    pd = 1 / (1 + np.exp(-raw))
    write_scores(folder, raw, pd, 1 - pd, "first", "abc123")
    write_importance(folder, {"application.AMT_CREDIT": 0.1, "bureau.DAYS_CREDIT": 0.3})
    write_portfolio_manifest(folder)
    return folder


def test_a_portfolio_by_name_and_by_path(portfolio: Path) -> None:
    assert find_portfolios() == ["tiny"]
    for given in ("tiny", portfolio, str(portfolio)):
        opened = Portfolio.open(given)
        assert (opened.name, opened.model_name, opened.model_hash) == ("tiny", "first", "abc123")
        assert len(opened) == 12
        np.testing.assert_array_equal(opened.raw, np.linspace(-3, 3, 12))
        np.testing.assert_allclose(opened.pd + opened.score, 1.0)
        assert opened.pd.dtype == opened.score.dtype == np.float64
        assert list(opened.importance) == ["bureau.DAYS_CREDIT", "application.AMT_CREDIT"]
        assert opened.features.ids.tolist() == list(range(100_001, 100_013))


def test_search_by_prefix(portfolio: Path) -> None:
    opened = Portfolio.open("tiny")
    assert opened.search("10001") == [100_010, 100_011, 100_012]
    assert opened.search("100") == list(range(100_001, 100_009))
    assert opened.search("", limit=2) == [100_001, 100_002]
    assert opened.search("2") == opened.search("abc") == opened.search("100", limit=0) == []
    assert (opened.count_prefix("100"), opened.count_prefix("10001"), opened.count_prefix("abc")) == (12, 3, 0)


@pytest.mark.parametrize("name", ["tyni", "", "..", "."])
def test_an_unknown_portfolio_names_those_there_are(portfolio: Path, name: str) -> None:
    with pytest.raises(UnknownPortfolio, match="The portfolios are tiny"):
        Portfolio.open(name)


def test_no_portfolio_at_all(home: Path) -> None:
    assert find_portfolios() == []
    with pytest.raises(UnknownPortfolio, match=r"There is none yet. Prepare one: python -m dashboard prepare"):
        Portfolio.open("tiny")


def test_an_unfinished_portfolio(portfolio: Path) -> None:
    (portfolio / "manifest.json").unlink()
    assert find_portfolios() == []
    with pytest.raises(IncompleteArtefact, match="Prepare it again"):
        Portfolio.open("tiny")


@pytest.mark.parametrize("name", ["scores/pd.npy", "scores/manifest.json", "importance.json", "features/ids.npy"])
def test_a_changed_part_of_a_portfolio(portfolio: Path, name: str) -> None:
    damage(portfolio / name)
    with pytest.raises(HashMismatch, match=Path(name).name):
        Portfolio.open("tiny")


def test_scores_of_other_features(portfolio: Path, tables: Tables) -> None:
    other = {**tables, "application": tables["application"].with_columns(pl.col("AMT_CREDIT") + 1)}
    write_features(other, portfolio / "features")
    with pytest.raises(HashMismatch, match="its scores are of features"):
        Portfolio.open("tiny")
    with pytest.raises(HashMismatch, match="are of other features"):
        write_portfolio_manifest(portfolio)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pd": np.zeros(3)}, r"pd has shape \(3,\), one number for each of 12 clients"),
        ({"raw": np.full(12, np.nan)}, "raw has 12 values that are not finite"),
        ({"score": np.full(12, 1.5)}, "score goes from 1.5 to 1.5, a probability is in"),
    ],
)
def test_impossible_scores_are_refused(portfolio: Path, change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"raw": np.zeros(12), "pd": np.zeros(12), "score": np.zeros(12), **change}
    with pytest.raises(InvalidOption, match=message):
        write_scores(portfolio, given["raw"], given["pd"], given["score"], "first", "abc")
    assert Portfolio.open("tiny").model_hash == "abc123"


def test_a_portfolio_needs_its_scores_and_importance(portfolio: Path) -> None:
    (portfolio / "importance.json").unlink()
    with pytest.raises(IncompleteArtefact, match=r"importance.json is not there"):
        write_portfolio_manifest(portfolio)
    (portfolio / "scores" / "manifest.json").unlink()
    with pytest.raises(IncompleteArtefact, match=r"manifest.json is not there"):
        write_portfolio_manifest(portfolio)


def test_no_such_folder_names_the_portfolios(portfolio: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownPortfolio, match=r"No such folder: .*nowhere. The portfolios are tiny"):
        FeatureSet.open(tmp_path / "nowhere")
