from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from dashboard.figures.gauge import distance, gauge
from dashboard.i18n import Translator
from models.policy import LEVELS, Policy

POLICY = Policy(base_rate=0.08)


def _meter(score: float, language: str = "en") -> ET.Element:
    root = ET.fromstring(gauge(score, POLICY, Translator(language)))
    meter = root.find("div")
    assert meter is not None
    return meter


@pytest.mark.parametrize("score", [0.0, 0.2, 0.5199999, 0.52, 0.5200001, 1.0])
def test_the_gauge_is_a_meter_that_says_what_it_shows(score: float) -> None:
    meter = _meter(score)
    assert meter.get("role") == "meter"
    assert float(meter.get("aria-valuenow")) == pytest.approx(100 * score, abs=0.051)
    said = meter.get("aria-valuetext")
    assert ("Loan granted" in said) == (score >= 0.52)
    assert "threshold of 52%" in said
    assert meter.find("svg").get("aria-hidden") == "true"


def test_the_seven_levels_are_named_and_the_clients_own_is_marked() -> None:
    for language in ("fr", "en"):
        translate = Translator(language)
        root = ET.fromstring(gauge(0.60, POLICY, translate))
        items = root.findall("ol/li")
        assert [item.findall("span")[1].text for item in items] == [translate(f"level.{level}") for level in LEVELS]
        assert [item.get("aria-current") for item in items] == [None] * 4 + ["true"] + [None] * 2


def test_bands_tile_the_arc_and_the_needle_points_at_the_score() -> None:
    svg = _meter(0.25).find("svg")
    bands = [path for path in svg.findall("path") if path.get("class") == "gauge-band"]
    starts = [path.get("d").split("A")[0] for path in bands]
    ends = ["M" + path.get("d").split(" 0 0 1 ")[1].split("L")[0] for path in bands]
    assert starts[1:] == ends[:-1]
    needle = next(path for path in svg.findall("path") if path.get("class") == "gauge-needle")
    tip_x, tip_y = map(float, needle.get("d")[1:].split("L")[0].split())
    assert (tip_x, tip_y) == (
        pytest.approx(180 - 134 * 2**-0.5, abs=0.01),
        pytest.approx(180 - 134 * 2**-0.5, abs=0.01),
    )


def test_the_distance_is_told_in_points() -> None:
    assert distance(0.55, POLICY, Translator("en")) == "3.0 points above the threshold of 52%"
    assert distance(0.50, POLICY, Translator("fr")) == "2,0 points en dessous du seuil de 52\u202f%"
