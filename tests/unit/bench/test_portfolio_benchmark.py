"""The benchmark of the Portfolio page: on a small portfolio, engine and peer alone, and all of it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bench.__main__ import main
from bench.scoring import portfolio, portfolio_browser
from bench.scoring.portfolio_samples import Samples

if TYPE_CHECKING:
    from pathlib import Path

ASKED = {
    "clients", "server_p95_ms", "server_p95_ms_10m", "browser_p95_ms", "brush_speedup_vs_link_selections"
}  # fmt: skip
SMALL = portfolio.Sizes(
    engine=1, many=3_000, many_rounds=1, browser=1, strides=2, peer=1, peer_browser=1, sessions=3, steps=9,
    rest_seconds=0.0,
)  # fmt: skip


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the command prints."""
    lines: list[str] = []
    monkeypatch.setattr("builtins.print", lambda *words, **_: lines.append(" ".join(map(str, words))))
    return lines


@pytest.fixture
def own_artifacts(artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The prepared artefacts, with room of this test's own for what the benchmark writes."""
    for part in artifacts.iterdir():
        if part.name != "bench":
            (tmp_path / part.name).symlink_to(part)
    monkeypatch.setenv("PRETSCOPE_ARTIFACTS", str(tmp_path))
    return tmp_path


def _figures(lines: list[str]) -> dict[str, object]:
    found = json.loads(lines[-1])
    assert isinstance(found, dict)
    return found


@pytest.mark.slow
def test_engine_and_peer_are_compared_where_nothing_is_served(
    own_artifacts: Path, printed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unserved(*_: object) -> dict[str, object]:
        return {"crowd_sessions": 0, "crowd_errors": 0, "browser_skipped": "chromium is not installed: apt-get install"}

    monkeypatch.setattr(portfolio, "QUICK", dataclasses.replace(SMALL, peer_browser=0))
    monkeypatch.setattr(portfolio, "_dashboard", unserved)
    assert main(["scoring", "portfolio", "--quick"]) == 0
    found = _figures(printed)
    assert found.keys() >= ASKED
    assert (found["clients"], found["many_clients"], found["charts"], found["quick"]) == (1_500, 3_000, 6, True)
    assert found["server_p95_ms"] is None
    assert found["server_p95_ms_10m"] is None
    assert found["browser_p95_ms"] is None
    assert found["link_selections_kept_the_same"] is True
    assert found["engine_many_samples"] == found["engine_samples"] == found["null_samples"]
    assert found["brush_speedup_vs_link_selections"] == found["brush_speedup_engine_vs_link_selections"]
    assert "engine alone" in str(found["brush_speedup_compares"])
    table = "\n".join(printed)
    for words in (
        "1,500 clients, 6 linked charts",
        "brush lasso",
        "link_selections",
        "browser skipped: chromium is not",
    ):
        assert words in table
    record = json.loads(next((own_artifacts / "bench" / "records").glob("scoring-portfolio-*.json")).read_text())
    assert record["samples"]["engine"]["brush_box"]["count"] == 6
    assert not (own_artifacts / "bench" / "portfolio" / "peer").exists()


@pytest.mark.slow
@pytest.mark.browser
def test_all_of_it_on_few_clients(own_artifacts: Path, printed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio, "FULL", SMALL)
    monkeypatch.setattr(portfolio, "TEN_MILLION", SMALL.many)
    with ThreadPoolExecutor(1) as own:  # playwright refuses a thread in which another test's fixtures keep it open
        assert own.submit(main, ["scoring", "portfolio", "--portfolio", "small"]).result() == 0
    found = _figures(printed)
    for key in ASKED:
        value = found[key]
        assert isinstance(value, (int, float)), key
        assert value > 0, key
    assert found["browser_unanswered"] == []
    assert found["browser_console_errors"] == []
    assert found["link_selections_browser_unanswered"] == []
    assert (found["crowd_sessions"], found["crowd_errors"], found["crowd_samples"]) == (3, 0, 27)
    assert found["server_tracebacks"] == 0
    assert found["link_selections_kept_the_same"] is True
    kinds = found["browser_by_kind"]
    assert isinstance(kinds, dict)
    assert kinds.keys() == {
        "first_paint", "zoom_in", "pan", "zoom_out", "recolour", "brush_range", "brush_box", "brush_lasso",
        "brush_category", "brush_clear",
    }  # fmt: skip
    assert "served dashboard" in str(found["brush_speedup_compares"])


def test_without_a_browser_how_to_get_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert portfolio_browser.missing() == "chromium is not installed: apt-get install chromium"
    monkeypatch.setitem(__import__("sys").modules, "playwright.sync_api", None)
    assert portfolio_browser.missing() == "playwright is not installed: pip install playwright"


def test_speedups_are_of_the_gestures_that_both_have() -> None:
    ours, theirs, served = Samples(), Samples(), Samples()
    for kind, ms in (("brush_range", 10), ("brush_lasso", 1000), ("brush_clear", 1000), ("zoom_in", 1000)):
        ours.add(kind, ms * 1_000_000)
    theirs.add("brush_range", 300_000_000)
    theirs.add("brush_clear", 9_000_000_000)
    served.add("brush", 20_000_000)
    samples = {"engine": ours, "link_selections": theirs}
    found = portfolio._speedups(samples)
    assert found["brush_speedup_vs_link_selections"] == found["brush_speedup_engine_vs_link_selections"] == 30
    assert found["brush_speedup_browser_vs_link_selections"] is None
    found = portfolio._speedups({**samples, "server": served, "browser": served, "link_selections_browser": theirs})
    assert found["brush_speedup_vs_link_selections"] == 15
    assert "served dashboard" in found["brush_speedup_compares"]
    assert found["brush_speedup_browser_vs_link_selections"] is None


def test_what_the_server_tells_of_its_gestures_is_read(tmp_path: Path) -> None:
    lines = [
        {"gesture": "brush", "chart": "AMT_CREDIT", "server_ms": 12.5, "clients": 9},
        {"gesture": "zoom", "server_ms": 3},
    ]
    (tmp_path / "timings.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert portfolio._server_samples(tmp_path / "timings.jsonl").by_kind == {"brush": [12_500_000], "zoom": [3_000_000]}
