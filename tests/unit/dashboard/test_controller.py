"""The controller against real services on a small prepared portfolio; no server, no Panel."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dashboard.address import Filters
from dashboard.controller import Controller
from dashboard.i18n import Translator
from dashboard.services import SUGGESTIONS, Services
from data.errors import HashMismatch, UnknownClient
from data.paths import model_folder
from data.store import Portfolio
from models.policy import LEVELS

if TYPE_CHECKING:
    from pathlib import Path

    from dashboard.state import SessionState

pytestmark = pytest.mark.slow


def test_a_first_page_shows_the_first_client(controller: Controller, state: SessionState, services: Services) -> None:
    controller.start(None)
    assert state.file is not None
    assert state.file.client == services.portfolio.features.ids[0]
    assert state.problem == ""


def test_a_file_agrees_with_the_portfolio_and_adds_up(services: Services) -> None:
    for position in range(0, len(services.portfolio), 100):
        file = services.file_at(position)
        assert file.outcome.raw == services.portfolio.raw[position]
        assert file.outcome.score == services.portfolio.score[position]
        assert file.outcome.accepted == services.accepted[position]
        assert file.outcome.level == LEVELS[services.level_index[position]]
        logit = np.log(file.outcome.score) - np.log1p(-file.outcome.score)
        assert abs(file.grouped.base + file.grouped.contributions.sum() - logit) < 1e-9
        assert abs(file.bars.ends[-1] - logit) < 1e-9
        assert file.facts["SK_ID_CURR"] == file.client


def test_an_unknown_client_keeps_the_last_answer_and_names_the_nearest(
    controller: Controller, state: SessionState, services: Services
) -> None:
    controller.start(None)
    before = state.file
    for text in ("1", "abc", "-5", "100001.5", "9" * 40, "٣"):
        controller.open(text)
        assert state.file is before
        assert text[:40] in state.problem
        assert state.wanted == text
    controller.open("1")
    assert state.nearest == tuple(services.portfolio.features.ids[:5].tolist())
    assert state.address.client == "1"
    controller.open(str(services.portfolio.features.ids[9]))
    assert (state.problem, state.nearest) == ("", ())
    assert state.file.client == services.portfolio.features.ids[9]


def test_after_a_problem_the_client_on_the_page_can_be_asked_for_again(
    controller: Controller, state: SessionState
) -> None:
    controller.start(None)
    assert state.file is not None
    shown = str(state.file.client)
    controller.open("1")
    controller.open(f" {shown} ")
    assert state.problem == ""


def test_an_unknown_client_in_the_address_is_told(controller: Controller, state: SessionState) -> None:
    controller.start("7")
    assert state.file is None
    assert "“7”" in state.problem
    controller.step()
    assert state.file is not None
    assert state.problem == ""


def test_steps_go_through_what_the_filters_keep_and_round(
    controller: Controller, state: SessionState, services: Services
) -> None:
    refused = services.portfolio.features.ids[~services.accepted].tolist()
    state.filters = Filters(decision="refused")
    controller.start(None)
    seen = []
    for _ in range(len(refused) + 1):
        assert state.file is not None
        seen.append(state.file.client)
        controller.step()
    assert seen == [*refused, refused[0]]


def test_no_match_is_told_and_changes_nothing(controller: Controller, state: SessionState) -> None:
    controller.start(None)
    before = state.file
    state.filters = Filters(low=0.999, high=1.0)
    controller.step()
    assert state.file is before
    assert "No client matches" in state.problem


def test_filters_keep_exactly_the_clients_they_describe(services: Services) -> None:
    score = np.asarray(services.portfolio.score)
    kept = services.matching(Filters(decision="accepted", levels=("low", "very_low"), low=0.6, high=0.9))
    edges = services.policy.level_edges
    assert np.array_equal(kept, (score >= 0.52) & (score >= edges[4]) & (score >= 0.6) & (score <= 0.9))
    assert 0 < kept.sum() < len(score)
    assert services.matching(Filters()).all()


def test_suggestions_are_few_and_counted_in_full(services: Services) -> None:
    ids = services.portfolio.features.ids
    shown, total = services.suggestions("1000", Filters())
    wanted = [client for client in ids.tolist() if str(client).startswith("1000")]
    assert [item.client for item in shown] == wanted[:SUGGESTIONS]
    assert total == len(wanted)
    assert services.suggestions("x", Filters()) == ((), 0)
    assert services.suggestions("", Filters())[1] == ids.size


def test_levels_are_counted_once_each(services: Services) -> None:
    assert sum(services.level_counts()) == len(services.portfolio)
    assert len(services.level_counts()) == 7


def test_a_late_answer_of_an_ended_session_is_dropped(state: SessionState, services: Services) -> None:
    delivered = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        controller = Controller(state, services, Translator("en"), executor, lambda _work: delivered.set())
        controller.open(str(services.portfolio.features.ids[3]))
        controller.close()
    assert not delivered.is_set()
    assert state.file is None


def test_scores_of_another_model_are_refused(prepared: Path, tmp_path: Path) -> None:
    portfolio = Portfolio.open("small")
    portfolio.model_hash = "0" * 64
    with pytest.raises(HashMismatch, match="was scored by model 000000000000"):
        Services(portfolio, model_folder("small"))


def test_an_id_outside_the_portfolio_raises_with_the_nearest(services: Services) -> None:
    with pytest.raises(UnknownClient) as caught:
        services.file("1")
    assert len(caught.value.nearest) == 5
