"""The benchmark of the explanations: end to end on a small workload, and what it does without its peers."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import pytest

from bench.__main__ import main
from bench.registry import Request, find, load
from bench.scoring import shapley, shapley_contenders, shapley_model, shapley_portfolio
from bench.scoring.shapley_contenders import INSTALL, Clients, Woodelf, missing
from bench.timing import Plan
from bench.workload import Workload
from data.artefact import read_manifest
from data.errors import StoreError
from data.feature_set import FeatureSet
from data.paths import ROOT
from data.progress import silent
from explain.contributions import Explainer
from models.folder import FORMAT, KIND
from models.scorer import Scorer

if TYPE_CHECKING:
    from pathlib import Path

CLIENTS = 300
SMALL = shapley.Sizes(CLIENTS, 250, Plan(2, 1), Plan(2, 3), (30, 90), 1, reference=7, against=3)
ASKED = {
    "speedup_block_vs_lightgbm",
    "speedup_single_vs_lightgbm",
    "speedup_block_vs_woodelf",
    "max_abs_difference",
    "portfolio_clients",
    "portfolio_trees",
    "portfolio_seconds",
    "peak_memory_gib",
}


def _make_small(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("PRETSCOPE_ARTIFACTS", str(folder))
    patch.setattr(shapley, "QUICK", SMALL)
    patch.setattr(shapley, "FULL", dataclasses.replace(SMALL, compared=10_000))
    patch.setattr(shapley, "BLOCK", 64)
    patch.setattr(shapley, "POOL", 20)
    patch.setattr(shapley_model, "TREES", 12)
    patch.setattr(shapley_portfolio, "WARM_CLIENTS", 20)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The artefacts of one quick run by the command, and what it printed."""
    folder = tmp_path_factory.mktemp("artifacts")
    with pytest.MonkeyPatch.context() as patch:
        _make_small(patch, folder)
        lines: list[str] = []
        patch.setattr("builtins.print", lambda *words, **_: lines.append(" ".join(map(str, words))))
        assert main(["scoring", "shapley", "--quick"]) == 0
    return folder, lines


@pytest.fixture
def small(ran: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The artefacts, in use for the time of one test."""
    _make_small(monkeypatch, ran[0])
    return ran[0]


@pytest.fixture
def workload(small: Path) -> Workload:
    folder = small / "bench" / "shapley"
    return Workload("small", folder / f"model-{CLIENTS}", FeatureSet.open(folder / f"features-{CLIENTS}"))


def _text(workload: Workload) -> str:
    return (workload.model / "model.txt").read_text()


def test_the_last_line_has_every_figure(ran: tuple[Path, list[str]]) -> None:
    found = json.loads(ran[1][-1])
    assert found.keys() >= ASKED
    assert (found["quick"], found["portfolio_clients"], found["portfolio_trees"]) == (True, CLIENTS, 12)
    assert found["compared_clients"] == 250
    assert found["max_abs_difference"] < 1e-12
    assert found["base_max_abs_difference"] < 1e-12
    assert found["portfolio_largest_residual"] < 1e-9
    assert found["woodelf_max_abs_difference"] < 1e-5
    assert found["against_largest_residual"] < 1e-12
    assert found["portfolio_seconds"] > 0
    assert 0.05 < found["peak_memory_gib"] < 4
    assert found["portfolio_bytes"] > CLIENTS * found["features_used"] * 4
    block = {name: found[f"block_{name}_p50_ns_per_client"] for name in ("pretscope", "lightgbm", "shap")}
    assert found["speedup_block_vs_lightgbm"] == pytest.approx(block["lightgbm"] / block["pretscope"], rel=0.02)
    alone = {name: found[f"single_{name}_p50_ns"] for name in ("null", "pretscope", "pretscope_whole", "lightgbm")}
    assert found["speedup_single_vs_lightgbm"] == pytest.approx(alone["lightgbm"] / alone["pretscope"], rel=0.02)
    whole = alone["lightgbm"] / alone["pretscope_whole"]
    assert found["speedup_single_whole_vs_lightgbm"] == pytest.approx(whole, rel=0.02)
    assert alone["null"] < alone["pretscope"]


def test_the_record_keeps_the_samples_and_the_table_names_every_contender(ran: tuple[Path, list[str]]) -> None:
    folder, lines = ran
    record = json.loads(next((folder / "bench" / "records").glob("scoring-shapley-*.json")).read_text())
    assert record["figures"].items() <= json.loads(lines[-1]).items()
    assert record["samples"]["block"]["lightgbm"]["count"] == 2
    assert record["samples"]["single"]["pretscope"]["count"] == 6
    assert record["samples"]["woodelf"]["many"]["count"] == 1
    assert record["environment"]["versions"]["woodelf-explainer"]
    table = "\n".join(lines)
    for words in ("Pretscope, with score", "LightGBM pred_contrib", "shap (which calls", "woodelf-explainer", "GiB"):
        assert words in table


def test_the_model_is_of_its_size_kept_and_scored_as_any(workload: Workload) -> None:
    booster = lgb.Booster(model_str=_text(workload))
    assert booster.num_trees() == 12
    before = (workload.model / "model.txt").stat().st_mtime_ns
    shapley_model.make_model(workload.features, workload.model, silent)
    assert (workload.model / "model.txt").stat().st_mtime_ns == before
    rows = workload.features.rows(slice(0, 50))
    raw = booster.predict(rows, raw_score=True, num_threads=1)
    np.testing.assert_array_equal(Scorer.load(workload.model).score(rows).raw, raw)
    assert read_manifest(workload.model, KIND, FORMAT, ("made_of",), "")["made_of"]["clients"] <= CLIENTS


def test_a_wrong_value_is_a_difference(workload: Workload, monkeypatch: pytest.MonkeyPatch) -> None:
    explainer = Explainer.load(workload.model)
    plain = explainer.explain_columns

    def wrong(columns: np.ndarray) -> np.ndarray:
        found = plain(columns)
        found[5, -1] += 0.25
        return found

    monkeypatch.setattr(explainer, "explain_columns", wrong)
    found = shapley._compare(workload, explainer, _text(workload), 100, silent)
    assert found["max_abs_difference"] == pytest.approx(0.25)
    assert found["base_max_abs_difference"] == pytest.approx(0.25)
    assert found["compared_clients"] == 100


def test_every_contender_computes_the_same_values(workload: Workload) -> None:
    explainer, text = Explainer.load(workload.model), _text(workload)
    given = [Clients.of(workload.features.columns[:, :40])]
    with shapley_contenders.without_shap_s_remark():
        found = {name: call(0) for name, call in shapley_contenders.blocks(explainer, text, given).items()}
    expected = found["lightgbm"][:, :-1]
    np.testing.assert_allclose(-found["pretscope"].T, expected, atol=1e-12)
    np.testing.assert_allclose(found["shap"], expected, atol=1e-12)
    woodelf = Woodelf(text, workload.features.names, workload.features.columns[:, :60])
    np.testing.assert_allclose(woodelf(40), expected, atol=1e-5)


def test_shap_s_booster_takes_one_thread_though_it_asks_for_none(
    workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    plain = lgb.Booster.predict

    def seen(self: lgb.Booster, *arguments: object, **named: object) -> object:
        asked.append(named.get("num_threads"))
        return plain(self, *arguments, **named)

    monkeypatch.setattr(lgb.Booster, "predict", seen)
    with shapley_contenders.without_shap_s_remark():
        shapley_contenders._shap(_text(workload))(workload.features.rows(slice(0, 2)))
    assert asked
    assert set(asked) == {1}


def test_a_peer_that_is_not_installed_is_skipped_with_how_to_install_it(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("woodelf", "shap"):
        monkeypatch.setitem(sys.modules, package, None)
    outcome = load(find("scoring", "shapley"))(Request(), silent)
    figures, table = outcome.figures, "\n".join(outcome.table)
    for name in ("speedup_block_vs_woodelf", "speedup_block_vs_shap", "speedup_against_vs_shap"):
        assert figures[name] is None
    assert figures["compared_clients"] == CLIENTS
    assert figures["speedup_block_vs_lightgbm"] > 0
    assert "skipped: woodelf-explainer is not installed: pip install woodelf-explainer==" in table
    assert "skipped: shap is not installed: pip install shap==" in table
    json.dumps(figures, allow_nan=False)


def test_what_is_to_be_installed_is_what_is_locked() -> None:
    locked = (ROOT / "requirements" / "dev.txt").read_text()
    for package in ("shap", "woodelf"):
        assert missing(package) is None
        pin = re.search(r"pip install (\S+)$", INSTALL[package])
        assert pin is not None
        assert f"\n{pin[1]} \\\n" in locked


def test_a_portfolio_that_is_not_explained_to_its_end_is_told(workload: Workload, tmp_path: Path) -> None:
    nowhere = Workload("nowhere", tmp_path / "no-model", workload.features)
    with pytest.raises(StoreError, match=f"The portfolio of {CLIENTS} clients was not explained: .*no-model"):
        shapley_portfolio.explain_portfolio(nowhere, silent)
    assert not (tmp_path / "contributions").exists()


def test_one_killed_for_memory_is_told(workload: Workload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "dies.sh"
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    with pytest.raises(StoreError, match="killed by signal 9, as where memory ends"):
        shapley_portfolio.explain_portfolio(workload, silent)


def test_nothing_of_the_portfolio_is_left_on_the_disk(ran: tuple[Path, list[str]]) -> None:
    assert {path.name for path in (ran[0] / "bench" / "shapley").iterdir()} == {
        f"raw-{CLIENTS}", f"features-{CLIENTS}", f"model-{CLIENTS}", "raw-warm", "features-warm"
    }  # fmt: skip


def test_a_model_of_one_s_own_is_measured(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = small / "bench" / "shapley"
    request = Request(quick=True, model=folder / f"model-{CLIENTS}", features=folder / f"features-{CLIENTS}")
    chosen = shapley._workload(request, SMALL, silent)
    assert (chosen.name, len(chosen.features)) == (f"model-{CLIENTS}", CLIENTS)
