"""What drives the model, over a small prepared portfolio; no server."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dashboard.address import FILTERED, PICKED, Address, Filters, build, parse
from dashboard.controller import Controller
from dashboard.explanations import LINES, PickedClients
from dashboard.i18n import Translator
from dashboard.state import SessionState
from data.errors import InvalidOption, UnknownColumn
from explain.selection import Selection, named_selections

if TYPE_CHECKING:
    from dashboard.explanations import ComparedImportance
    from dashboard.services import Services

pytestmark = pytest.mark.slow


def _by_hand(services: Services, level: str, mask: np.ndarray) -> dict[str, float]:
    """Return mean |contribution| by line, from the contributions of each feature alone."""
    store, sums = services.contributions, {}
    for name in store.used:
        group = services.feature(name).group
        line = {"feature": name, "group": group, "table": group.partition(".")[0]}[level]
        sums[line] = sums.get(line, 0.0) + store.contribution(name).astype(np.float64)
    return {line: float(np.abs(total[mask]).mean()) for line, total in sums.items()}


@pytest.mark.parametrize("level", LINES)
def test_both_importances_are_the_means_over_every_client(services: Services, level: str) -> None:
    found = services.explanations.compare(level, Selection(decision="refused"))
    refused = ~services.accepted
    everyone, chosen = (_by_hand(services, level, mask) for mask in (np.ones_like(refused), refused))
    assert (found.clients, found.population) == (int(refused.sum()), refused.size)
    assert set(found.names) == set(everyone)
    np.testing.assert_allclose(found.everyone, [everyone[name] for name in found.names], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.chosen, [chosen[name] for name in found.names], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.difference, found.chosen - found.everyone)
    for shares in (found.share_everyone, found.share_chosen):
        assert abs(shares.sum() - 1.0) < 1e-9
    assert (np.diff(found.everyone) <= 0).all()


def test_lines_come_by_strength_or_by_difference(services: Services) -> None:
    found = services.explanations.compare("group", Selection(sex="F"))
    assert found.ordered("everyone").tolist() == list(range(len(found.names)))
    apart = np.abs(found.difference)[found.ordered("difference")]
    assert (np.diff(apart) <= 0).all()
    assert apart[0] > 0


def test_nobody_selected_leaves_everyone_alone(services: Services) -> None:
    found = services.explanations.compare("group", Selection(low=1.0, high=1.0))
    assert found.clients == 0
    assert np.isnan(found.chosen).all()
    assert found.frame()["chosen"].null_count() == len(found.names)
    assert found.ordered("difference").tolist() == found.ordered("everyone").tolist()
    at_once = services.explanations.everyone("group")
    assert at_once.names == found.names
    assert np.array_equal(at_once.everyone, found.everyone)


def test_a_comparison_is_made_once_for_all_sessions(services: Services) -> None:
    first = services.explanations.compare("table", Selection(sex="M"))
    assert services.explanations.compare("table", Selection(sex="M")) is first
    assert services.explanations.mask(Selection(sex="M")) is services.explanations.mask(Selection(sex="M"))


def test_picked_clients_are_compared_as_any_others(services: Services) -> None:
    picked = services.explanations.compare("group", PickedClients(~services.accepted, "brushed"))
    refused = services.explanations.compare("group", Selection(decision="refused"))
    assert picked.frame().equals(refused.frame())
    with pytest.raises(InvalidOption, match="one bool for each of 1500 clients"):
        services.explanations.compare("group", PickedClients(np.ones(3, np.bool_), "others"))


def test_named_selections_are_counted(services: Services) -> None:
    counts = services.explanations.named_counts
    assert list(counts) == list(named_selections())
    assert counts["refused"] + counts["accepted"] == len(services.portfolio)
    assert tuple(counts[f"level.{level}"] for level in ("very_high", "very_low")) == (
        services.level_counts()[0],
        services.level_counts()[-1],
    )


def test_the_leader_of_a_source_is_its_heaviest_feature(services: Services) -> None:
    explanations = services.explanations
    assert explanations.leader("feature", explanations.strongest) == explanations.strongest
    for level in ("group", "table"):
        for name in explanations.everyone(level).names:
            leader = explanations.leader(level, name)
            group = services.feature(leader).group
            assert name == (group if level == "group" else group.partition(".")[0])
            others = [
                other for other in explanations.ranks
                if name in (services.feature(other).group, services.feature(other).group.partition(".")[0])
            ]  # fmt: skip
            assert explanations.weights[leader] == max(explanations.weights[other] for other in others)
    with pytest.raises(UnknownColumn, match="The model reads no group 'nothing'"):
        explanations.leader("group", "nothing")


def test_exploring_compares_at_once_and_whenever_the_selection_changes(
    controller: Controller, state: SessionState, services: Services
) -> None:
    controller.explore()
    assert state.compared is services.explanations.compare("group", Selection(decision="refused"))
    state.selection = "sex.F"
    assert (state.compared_with, state.comparing) == ("sex.F", False)
    assert state.compared is services.explanations.compare("group", Selection(sex="F"))
    state.level = "feature"
    assert state.compared.level == "feature"


def test_the_filters_are_followed_while_they_are_the_selection(
    controller: Controller, state: SessionState, services: Services
) -> None:
    controller.explore()
    before = state.compared
    state.filters = Filters(levels=("low",))
    assert state.compared is before
    state.selection = FILTERED
    assert state.compared.clients == services.explanations.named_counts["level.low"]
    state.filters = Filters(decision="accepted", low=0.6)
    assert state.compared.clients == int(services.matching(state.filters).sum())


def test_clients_picked_elsewhere_are_offered_and_followed(
    controller: Controller, state: SessionState, services: Services
) -> None:
    controller.explore()
    mask = np.zeros(len(services.portfolio), np.bool_)
    mask[10:30] = True
    state.portfolio_selection = PickedClients(mask, "a corner")
    assert state.compared.clients != 20
    state.selection = PICKED
    assert state.compared.clients == 20
    state.portfolio_selection = None
    assert state.compared.clients == len(services.portfolio)


def test_the_last_answer_stays_when_a_comparison_fails(controller: Controller, state: SessionState) -> None:
    controller.explore()
    before: ComparedImportance | None = state.compared
    state.portfolio_selection = PickedClients(np.ones(2, np.bool_), "others")
    state.selection = PICKED
    assert state.compared is before
    assert "one bool for each" in state.trouble
    assert state.comparing is False
    state.selection = "accepted"
    assert state.trouble == ""


def test_a_late_comparison_of_an_ended_session_is_dropped(state: SessionState, services: Services) -> None:
    delivered = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        controller = Controller(state, services, Translator("en"), executor, lambda _work: delivered.set())
        controller.close()
        controller.explore()
    assert not delivered.is_set()
    assert state.compared is None


def test_the_feature_in_focus_is_the_heaviest_unless_the_address_names_another(
    services: Services, at_once: ThreadPoolExecutor
) -> None:
    strongest = services.explanations.strongest
    for asked, shown, linked in (("", strongest, None), ("NOTHING", strongest, None), ("DAYS_BIRTH",) * 3):
        state = SessionState(language="en", feature=asked)
        Controller(state, services, Translator("en"), at_once, lambda work: work())
        assert state.feature == shown
        assert state.address.feature == (None if shown == strongest else linked)


def test_looking_at_a_line_puts_its_heaviest_feature_in_focus(
    controller: Controller, state: SessionState, services: Services
) -> None:
    second = services.explanations.everyone("group").names[1]
    controller.look_at(second)
    assert services.feature(state.feature).group == second
    state.level = "feature"
    controller.look_at("DAYS_BIRTH")
    assert state.feature == "DAYS_BIRTH"


def test_selection_and_feature_come_back_from_the_address() -> None:
    for selection in (*named_selections(), FILTERED):
        address = Address(page="explanation", client="7", language="fr", selection=selection, feature="AMT_CREDIT")
        assert parse(build(address)) == address
    assert build(Address(page="explanation", language="en")) == "?page=explanation&lang=en"
    assert parse("?with=sex.Q&feature=SECRET") == Address()
    assert parse(f"?with={PICKED}") == Address()


def test_clients_picked_elsewhere_are_not_in_a_link(state: SessionState) -> None:
    state.selection = PICKED
    assert state.address.selection == Address().selection
