from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from dashboard import prepare as module
from dashboard.prepare import STEPS, prepare, prepare_synthetic
from dashboard.services import Services
from data.errors import HashMismatch, InvalidOption, MissingTable, SourceError, StoreError, UnknownPortfolio
from data.files import read_json, write_json
from data.paths import model_folder, portfolio_folder, raw_folder, shapley_folder
from data.sources import import_raw
from data.store import Portfolio, find_portfolios, write_importance, write_portfolio_manifest
from data.synthetic_tables import make_synthetic
from explain.contribution_store import ContributionStore
from models.scorer import Scorer

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
CLIENTS = 600


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw") / "tables"
    make_synthetic(CLIENTS, 3, folder)
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRETSCOPE_ARTIFACTS", str(tmp_path / "artifacts"))
    return tmp_path / "artifacts"


def test_one_command_makes_a_portfolio_whose_scores_are_the_models(prepared: Path) -> None:
    assert find_portfolios() == ["small"]
    portfolio = Portfolio.open("small")
    scorer = Scorer.load(model_folder("small"))
    assert portfolio.model_hash == scorer.model_hash
    some = np.arange(0, len(portfolio), 50)
    scores = scorer.score(portfolio.features.rows(some))
    assert np.array_equal(scores.raw, portfolio.raw[some])
    assert np.array_equal(scores.score, portfolio.score[some])
    store = ContributionStore.open(shapley_folder("small"))
    store.check_belongs(portfolio.model_hash, portfolio.features.data_hash)
    assert portfolio.importance == store.importance("group").by_name()
    assert sum(portfolio.importance.values()) > 0
    assert np.array_equal(expit(store.logits), portfolio.score)


def test_a_second_run_does_nothing_again(here: Path, tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare(tables, "mine")
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*") if path.is_file() and path.name != ".lock"}
    for name in ("train", "write_scores", "write_contributions", "write_importance", "write_portfolio_manifest"):
        monkeypatch.setattr(module, name, _must_not_run)
    again = prepare(tables, "mine")
    after = {path: path.stat().st_mtime_ns for path in here.rglob("*") if path.is_file() and path.name != ".lock"}
    assert before == after
    assert again.model_hash == first.model_hash


def test_another_seed_trains_again_but_keeps_the_features(here: Path, tables: Path) -> None:
    first = prepare(tables, "mine")
    written = (portfolio_folder("mine") / "features" / "features.npy").stat().st_mtime_ns
    second = prepare(tables, "mine", seed=5)
    assert (portfolio_folder("mine") / "features" / "features.npy").stat().st_mtime_ns == written
    assert second.model_hash != first.model_hash


def test_a_step_that_fails_keeps_what_was_finished_and_the_next_run_goes_on(
    here: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_scores", _disk_full)
        with pytest.raises(OSError, match="No space left"):
            prepare(tables, "mine")
    assert find_portfolios() == []
    assert set(read_json(portfolio_folder("mine") / STEPS, "")) == {"train"}
    monkeypatch.setattr(module, "train", _must_not_run)
    assert len(prepare(tables, "mine")) == CLIENTS


@pytest.mark.parametrize("contributions", ["missing", "damaged", "of another model"])
def test_a_portfolio_without_its_contributions_gets_them_and_keeps_the_rest(
    here: Path, tables: Path, contributions: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tables, "mine")
    folder = shapley_folder("mine")
    before = ContributionStore.open(folder).manifest["files"]
    if contributions == "missing":
        shutil.rmtree(folder)
    elif contributions == "damaged":
        (folder / "groups.npy").write_bytes(b"\0" * (folder / "groups.npy").stat().st_size)
    else:
        manifest = read_json(folder / "manifest.json", "")
        write_json(folder / "manifest.json", {**manifest, "model_hash": "0" * 64})
    for name in ("train", "write_scores", "write_portfolio_manifest"):
        monkeypatch.setattr(module, name, _must_not_run)
    prepare(tables, "mine")
    assert ContributionStore.open(folder).manifest["files"] == before
    Services(Portfolio.open("mine"), model_folder("mine"))


def test_a_portfolio_from_before_there_were_contributions_gets_them(
    here: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importance = prepare(tables, "mine").importance
    shutil.rmtree(shapley_folder("mine"))
    write_importance(portfolio_folder("mine"), {"application.AMT_CREDIT": 0.5})
    write_portfolio_manifest(portfolio_folder("mine"), "mine")
    for name in ("train", "write_scores"):
        monkeypatch.setattr(module, name, _must_not_run)
    prepare(tables, "mine")
    assert Portfolio.open("mine", verify=True).importance == importance


def test_the_dashboard_opens_no_portfolio_without_its_own_contributions(
    here: Path, tables: Path, tmp_path: Path
) -> None:
    portfolio = prepare(tables, "mine")
    folder, model = shapley_folder("mine"), model_folder("mine")
    assert len(Services(portfolio, model).contributions) == CLIENTS
    shutil.copytree(folder, tmp_path / "others")
    manifest = read_json(tmp_path / "others" / "manifest.json", "")
    write_json(tmp_path / "others" / "manifest.json", {**manifest, "data_hash": "0" * 64})
    with pytest.raises(HashMismatch, match="are of features 000000000000…, this is"):
        Services(portfolio, model, tmp_path / "others")
    shutil.rmtree(folder)
    with pytest.raises(UnknownPortfolio, match=r"mine has no contributions .*Prepare the portfolio again.*--features"):
        Services(portfolio, model)


@pytest.mark.parametrize("seconds", [3.0, 6.0, 12.0])
def test_a_killed_run_is_followed_by_a_good_one(here: Path, tables: Path, seconds: float) -> None:
    command = [sys.executable, "-m", "dashboard", "prepare", "--raw", str(tables), "--name", "mine"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "Portfolio mine is ready" in done.stdout
    portfolio = Portfolio.open("mine")
    assert len(portfolio) == CLIENTS
    assert np.array_equal(Scorer.load(model_folder("mine")).score_features(portfolio.features).raw, portfolio.raw)


def test_an_import_may_be_prepared_as_it_is(here: Path, tables: Path, tmp_path: Path) -> None:
    import_raw(tables, tmp_path / "imported")
    assert len(prepare(tmp_path / "imported", "mine")) == CLIENTS
    assert not raw_folder("mine").exists()


@pytest.mark.parametrize("damaged", ["features/features.npy", "scores/score.npy"])
def test_a_damaged_portfolio_is_made_anew(here: Path, tables: Path, damaged: str) -> None:
    before = np.array(prepare(tables, "mine").score)
    path = portfolio_folder("mine") / damaged
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    prepare(tables, "mine")
    assert np.array_equal(Portfolio.open("mine", verify=True).score, before)


def test_two_preparations_of_one_name_at_once_are_refused(here: Path, tables: Path) -> None:
    with (
        module._alone(portfolio_folder("mine")),
        pytest.raises(StoreError, match=r"Another preparation .* mine is running"),
    ):
        prepare(tables, "mine")


@pytest.mark.parametrize("name", ["", "..", "a/b", "été", "x" * 65, "-x"])
def test_a_name_that_can_be_no_folder_is_refused(here: Path, tables: Path, name: str) -> None:
    with pytest.raises(InvalidOption, match="letters, digits"):
        prepare(tables, name)


def test_threads_below_one_are_refused(here: Path, tables: Path) -> None:
    with pytest.raises(InvalidOption, match="at least 1"):
        prepare(tables, "mine", threads=0)


def test_a_folder_without_tables_is_told(here: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere"):
        prepare(tmp_path / "nowhere", "mine")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingTable, match="application"):
        prepare(tmp_path / "empty", "mine")


def test_the_same_seed_prepares_the_same_synthetic_portfolio(here: Path) -> None:
    one = prepare_synthetic("one", clients=500, seed=2)
    two = prepare_synthetic("two", clients=500, seed=2)
    assert one.features.data_hash == two.features.data_hash
    assert one.model_hash == two.model_hash
    assert np.array_equal(one.score, two.score)


def _must_not_run(*_arguments: object, **_options: object) -> None:
    raise AssertionError("this step was done before")


def _disk_full(*_arguments: object, **_options: object) -> None:
    raise OSError(28, os.strerror(28))
