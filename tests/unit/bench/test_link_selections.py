"""The peer: HoloViews' linked selections on few clients keep and show what plain NumPy does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.scoring.link_selections import DESCRIBED, Peer, timed
from bench.scoring.portfolio_peer import DESCRIBED as WRITTEN

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLIENTS = 600


@pytest.fixture(scope="module")
def columns() -> dict[str, NDArray[np.float32]]:
    chance = np.random.default_rng(4)
    made = {name: chance.normal(size=CLIENTS).astype(np.float32) for name in ("x", "y", "amount", "age")}
    made["kind"] = chance.integers(0, 3, CLIENTS).astype(np.float32)
    made["x"][::7] = np.nan
    made["amount"][::5] = np.nan
    return made


@pytest.fixture(scope="module")
def bins(columns: dict[str, NDArray[np.float32]]) -> dict[str, list[float]]:
    ends = {name: (float(np.nanmin(columns[name])), float(np.nanmax(columns[name]))) for name in ("amount", "age")}
    return {
        **{name: np.linspace(*between, 9).tolist() for name, between in ends.items()},
        "kind": [-0.5, 0.5, 1.5, 2.5],
    }


def test_every_chart_shows_who_is_left_by_all_selections(
    columns: dict[str, NDArray[np.float32]], bins: dict[str, list[float]]
) -> None:
    peer = Peer(columns, bins)
    peer.draw()
    assert peer.kept() == CLIENTS
    peer.select("amount", (-1.0, 0.5))
    with np.errstate(invalid="ignore"):
        kept = (columns["amount"] >= -1) & (columns["amount"] <= 0.5)
        assert peer.kept() == kept.sum()
        peer.select("pair", (-1.0, 1.0), (-0.5, 2.0))
        kept &= (abs(columns["x"]) <= 1) & (columns["y"] >= -0.5) & (columns["y"] <= 2)
    assert 0 < peer.kept() == kept.sum()
    peer.select("kind", (0.5, 1.5))
    kept &= columns["kind"] == 1
    assert 0 < peer.kept() == kept.sum()
    for name, edges in bins.items():
        expected, _ = np.histogram(columns[name][kept], edges)
        assert any(np.array_equal(shown, expected) for shown in peer.shown()), name
    peer.clear()
    assert peer.kept() == CLIENTS


@pytest.mark.slow
def test_gestures_are_timed_by_kind_and_told(
    columns: dict[str, NDArray[np.float32]],
    bins: dict[str, list[float]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert DESCRIBED == WRITTEN
    for number, values in enumerate(columns.values()):
        np.save(tmp_path / f"{number}.npy", values)
    gestures = [
        {"kind": "brush_range", "chart": "age", "across": [-1.0, 1.0], "up": None},
        {"kind": "brush_box", "chart": "pair", "across": [-1.0, 1.0], "up": [-1.0, 1.0]},
        {"kind": "brush_clear"},
    ]
    described = {"columns": list(columns), "bins": bins, "gestures": gestures}
    (tmp_path / DESCRIBED).write_text(json.dumps(described))
    found = timed(tmp_path, 2)
    assert {kind: len(kept) for kind, kept in found["samples_ns"].items()} == {
        "first_paint": 2, "brush_range": 2, "brush_box": 2, "brush_clear": 2
    }  # fmt: skip
    assert found["kept"][-1] == CLIENTS
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"step": "link_selections", "fraction": 1.0}
