"""What the Client page says beside the reasons, in words and figures, from a real prepared portfolio; no server."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import holoviews as hv
import numpy as np
import pytest

from dashboard.figures.gauge import score_digits, score_text
from dashboard.figures.local_global import dress_local_global, local_global_layers, local_global_options
from dashboard.i18n import Translator
from dashboard.services import Services
from dashboard.state import SessionState
from dashboard.surroundings import surroundings
from dashboard.views.local_global import LocalGlobalView
from dashboard.views.neighbours import NeighboursView
from dashboard.views.used import FIRST, UsedView, adding_up
from data.store import Portfolio
from explain.local_global import Unusual, local_global
from models.policy import Policy

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
POLICY = Policy(base_rate=0.08)
TAGS = re.compile(r"<[^>]+>")


@pytest.fixture(scope="module", autouse=True)
def bokeh() -> None:
    hv.extension("bokeh")


@pytest.fixture(scope="module")
def services(artifacts: Path) -> Services:
    portfolio = Portfolio.open(artifacts / "portfolios" / "small")
    return Services(portfolio, artifacts / "models" / "small")


def session(services: Services, position: int, language: str) -> SessionState:
    state = SessionState(language=language)
    state.file = services.file_at(position)
    state.surroundings = surroundings(state.file, services)
    return state


def number(text: str) -> float:
    plain = text.replace("\u202f", "").replace("\u2212", "-")
    return float(plain.replace(",", "."))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_sum_as_it_is_written_is_the_score_as_it_is_written(services: Services, language: str) -> None:
    view = UsedView(session(services, 0, language), services, Translator(language))
    translate = Translator(language)
    for position in range(0, len(services.portfolio), 60):
        file = services.file_at(position)
        said = view.sum(file)
        base, added, total = (number(found) for found in re.findall(r"[+\u2212]\d+[.,]\d+", said))
        assert round(base + added, 9) == total
        shown = score_text(1.0 / (1.0 + math.exp(-total)), services.policy, translate)
        assert shown == score_text(file.outcome.score, services.policy, translate)
        assert shown in said


@pytest.mark.parametrize("score", [0.0005, 0.3, 0.5199999, 0.52, 0.5200001, 0.77049999, 0.9995])
def test_there_are_as_many_decimals_as_it_takes_to_come_to_the_score(score: float) -> None:
    decimals = score_digits(score, POLICY)

    def told(share: float) -> str:
        return Translator("en").percent(share, decimals)

    assert told(score) == score_text(score, POLICY, Translator("en"))

    total = math.log(score) - math.log1p(-score)
    base, shown, digits = adding_up(0.123456789, total, told(score), told)
    assert told(1.0 / (1.0 + math.exp(-shown))) == told(score)
    assert (base, shown) == (round(0.123456789, digits), round(total, digits))
    assert digits >= 3


def test_every_feature_used_is_there_once_with_its_value_the_strongest_first(services: Services) -> None:
    state = session(services, 11, "en")
    rows = UsedView(state, services, Translator("en")).rows(state.file, state.surroundings.typical)
    found = state.file.contributions
    assert len(rows) == np.count_nonzero(found.values) > FIRST
    weights = [abs(row["contribution"]) for row in rows]
    assert weights == sorted(weights, reverse=True)
    assert found.base + sum(row["contribution"] for row in rows) == pytest.approx(found.logit_score, abs=1e-9)
    age = next(row for row in rows if row["feature"] == "Age")
    years = math.floor(-found.row[found.names.index("DAYS_BIRTH")] / 365.25)
    assert age["value"] == f"{years} years"
    assert age["typical"].endswith(" years")
    unknown = UsedView(state, services, Translator("en")).rows(state.file, {})
    assert {row["typical"] for row in unknown} == {"…"}


def test_the_first_twenty_are_shown_then_all_and_words_are_searched_without_accents(services: Services) -> None:
    state = session(services, 11, "fr")
    view = UsedView(state, services, Translator("fr"))
    used = int(np.count_nonzero(state.file.contributions.values))
    assert view._table.object.count("<tr") == 1 + FIRST
    assert view._more.label == f"Tout afficher ({used})"
    view._more.clicks += 1
    assert view._table.object.count("<tr") == 1 + used
    view._search.value_input = "SCORE externé"
    assert view._table.object.count("<tr") == 1 + 3
    assert not view._more.visible
    view._search.value_input = "<b>rien</b>"
    assert "&lt;b&gt;rien&lt;/b&gt;" in view._table.object
    assert "<tr" not in view._table.object
    state.file = services.file_at(12)
    assert "rien" in view._table.object


def test_similar_clients_are_linked_to_and_told_apart_with_both_values(services: Services) -> None:
    state = session(services, 5, "fr")
    view = NeighboursView(state, services, Translator("fr"))
    shown = view._pane.object
    for similar in (*state.surroundings.accepted, *state.surroundings.refused):
        assert f'href="?page=client&amp;client={similar.client}&amp;lang=fr"' in shown
        for found in similar.differences:
            said = view.difference(found, similar, state.file)
            assert "None" not in said
            assert "nan" not in said
            assert re.search(r" ici, .* là, | pour les deux, mais le poids diffère, ", said)
            favours = found.apart.difference > 0
            assert (", mieux pour ce client (+" in said) == favours
            assert (", moins bien pour ce client (\u2212" in said) != favours
    assert len(re.findall(r'class="who"', shown)) == 6


def test_the_last_similar_clients_stay_under_their_own_name_until_the_next_are_found(services: Services) -> None:
    state = session(services, 5, "en")
    view = NeighboursView(state, services, Translator("en"))
    first, before = state.file.client, view._pane.object
    state.file = services.file_at(6)
    assert view._pane.object == before
    assert f"Clients most like {first}" in before
    state.surroundings = surroundings(state.file, services)
    assert f"Clients most like {state.file.client}" in view._pane.object


def test_a_search_under_way_and_nobody_of_a_decision_are_told(services: Services) -> None:
    state = SessionState(language="en")
    view = NeighboursView(state, services, Translator("en"))
    assert view._pane.object == ""
    state.file = services.file_at(5)
    assert "Searching among all clients" in view._pane.object
    found = surroundings(state.file, services)
    alike = replace(found.accepted[0], differences=())
    state.surroundings = replace(found, accepted=(alike,), refused=())
    assert "No other client is refused." in view._pane.object
    assert "The very same reasons" in view._pane.object


def test_the_exceptions_are_told_in_words(services: Services) -> None:
    view = LocalGlobalView(session(services, 0, "en"), services, Translator("en"))
    group = "application.EXT_SOURCE_2"
    assert view.sentence(Unusual(group, 0.6, 0.2, 3.0)) == (
        "External score 2: counts 3 times as much as usual, in this client's favour."
    )
    assert "2.1 times as much as usual, to this client's disadvantage" in view.sentence(Unusual(group, -0.2, 0.1, 2.09))
    assert "more than 10 times" in view.sentence(Unusual(group, 0.2, 0.0, math.inf))
    assert "only 40% of its usual weight" in view.sentence(Unusual(group, 0.2, 0.5, 0.4))
    assert "hardly counts here" in view.sentence(Unusual(group, 0.0, 0.5, 0.0))


def test_the_table_gets_the_shares_once_they_are_known(services: Services) -> None:
    state = SessionState(language="en", file=services.file_at(3))
    view = LocalGlobalView(state, services, Translator("en"))
    without = TAGS.sub(" ", view._table.object)
    assert "–" in without
    assert "%" not in without
    state.surroundings = surroundings(state.file, services)
    told = TAGS.sub(" ", view._table.object)
    assert "–" not in told
    assert told.count("%") == len(state.surroundings.compared.groups)
    state.file = services.file_at(4)
    assert "%" not in TAGS.sub(" ", view._table.object)


@pytest.mark.parametrize("signs", [(1, -1), (1, 1), (-1, -1)])
def test_the_layers_are_the_same_whoever_the_client(signs: tuple[int, int]) -> None:
    rows = [
        {"label": f"Reason {place}", "typical": 0.2, "own": sign * (0.1 + place), "ranks": "1 → 2"}
        for place, sign in enumerate(signs)
    ]
    lines, points = local_global_layers(rows, Translator("fr"))
    assert (type(lines), type(points)) == (hv.Segments, hv.Points)
    assert points.dimension_values("x").tolist() == [0.2, 0.2, 0.1, 1.1]
    shapes = {1: "triangle", -1: "inverted_triangle"}
    assert points.dimension_values("marker").tolist() == ["diamond", "diamond", *(shapes[sign] for sign in signs)]
    assert len(set(points.dimension_values("colour"))) == 1 + len(set(signs))


def test_the_figure_says_labels_ranks_and_summary(services: Services) -> None:
    found = local_global(services.file_at(2).grouped, services.importance)
    view = LocalGlobalView(session(services, 2, "fr"), services, Translator("fr"))
    rows = view.rows(found)
    assert len(rows) == len(found.groups) >= 8
    dressed: list[object] = []

    def hook(plot: Any, _element: object) -> None:
        dress_local_global(plot.state, rows, Translator("fr"), "what it says")
        dressed.append(plot.state)

    layers = local_global_layers(rows, Translator("fr"))
    hv.renderer("bokeh").get_plot(layers.opts(*local_global_options(Translator("fr"), hook)))
    figure = dressed[-1]
    furthest = max(max(row["typical"], abs(row["own"])) for row in rows)
    assert figure.x_range.start <= 0 < furthest < figure.x_range.end
    assert figure.html_attributes == {"role": "img", "aria-label": "what it says"}
    assert len(figure.left[0].ticker.ticks) == len(rows)
    assert figure.right[0].major_label_overrides[float(len(rows))] == rows[0]["ranks"]
    dress_local_global(figure, rows, Translator("fr"), "again")
    assert len(figure.right) == 1
