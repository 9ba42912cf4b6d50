"""Times of gestures: percentiles by kind, and the lines that people read."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench.scoring.portfolio_samples import Samples, table


@pytest.fixture
def samples() -> Samples:
    made = Samples()
    for ms in range(1, 101):
        made.add("brush_range", ms * 1_000_000)
    for ms in (5, 500):
        made.add("zoom_in", ms * 1_000_000)
    return made


def test_percentiles_are_numpys_of_all_and_by_kind(samples: Samples) -> None:
    ranges = np.arange(1, 101)
    assert samples.percentile_ms(95) == pytest.approx(np.percentile([*ranges, 5, 500], 95), abs=1e-3)
    assert samples.percentile_ms(95, "brush_range".__eq__) == pytest.approx(np.percentile(ranges, 95), abs=1e-3)
    assert samples.brush_ms() == pytest.approx(50.5)
    assert len(samples) == 102


def test_figures_have_every_kind_and_the_slowest(samples: Samples) -> None:
    found = samples.figures("engine")
    assert found["engine_samples"] == 102
    assert found["engine_by_kind"].keys() == {"brush_range", "zoom_in"}
    assert found["engine_by_kind"]["zoom_in"] == {"samples": 2, "p50_ms": 252.5, "p95_ms": 475.25}
    assert found["engine_p95_slowest_kind_ms"] == 475.25
    assert samples.summary()["zoom_in"]["quantiles_ns"][0] == 5_000_000
    json.dumps(found, allow_nan=False)


def test_nothing_measured_is_told_as_nothing() -> None:
    empty = Samples()
    assert empty.percentile_ms(50) is None
    assert empty.brush_ms() is None
    assert empty.figures("browser") == {
        "browser_samples": 0, "browser_p50_ms": None, "browser_p95_ms": None,
        "browser_p95_slowest_kind_ms": None, "browser_by_kind": {},
    }  # fmt: skip
    assert table({"browser": empty}) == []


def test_the_table_has_a_line_for_each_kind_and_one_for_all(samples: Samples) -> None:
    other = Samples()
    other.add("recolour", 2_000_000)
    lines = table({"engine": samples, "server": other})
    assert [line.split("  ")[1] for line in lines[1:]] == ["brush range", "zoom in", "recolour", "all"]
    assert "50.5 95.0 (100)" in lines[1]
    assert "–" in lines[1]
    assert lines[-1].endswith("2.0 2.0 (1)")
