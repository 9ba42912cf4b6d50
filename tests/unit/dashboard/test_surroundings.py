"""What places a client among everyone, against a real prepared portfolio; no server, no Panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dashboard import controller as controller_module
from dashboard.surroundings import surroundings
from explain.standing import stand

if TYPE_CHECKING:
    from dashboard.controller import Controller
    from dashboard.services import Services
    from dashboard.state import SessionState

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("position", [0, 333, 1499])
def test_the_similar_clients_are_the_nearest_by_the_exact_contributions(services: Services, position: int) -> None:
    rows = services.portfolio.features.rows(slice(None))
    exact = services.explainer.explain_many(rows, threads=2).values
    grouped = np.zeros((len(rows), len(services.contributions.groups)))
    for place, name in enumerate(services.explainer.names):
        group = services.feature(name).group
        if group in services.contributions.groups:
            grouped[:, services.contributions.groups.index(group)] += exact[:, place]
    distance = np.sqrt(((grouped - grouped[position]) ** 2).sum(axis=1))
    around = surroundings(services.file_at(position), services)
    ids = services.portfolio.features.ids
    for kind, listed in ((services.accepted, around.accepted), (~services.accepted, around.refused)):
        others = [row for row in np.flatnonzero(kind) if row != position]
        wanted = sorted(others, key=lambda row: distance[row])[:3]
        assert [similar.client for similar in listed] == [ids[row] for row in wanted]
        assert [similar.distance for similar in listed] == pytest.approx(distance[wanted].tolist(), rel=1e-4)
        assert [similar.score for similar in listed] == [services.portfolio.score[row] for row in wanted]
        assert [similar.accepted for similar in listed] == [bool(services.accepted[row]) for row in wanted]
    assert around.client == ids[position]
    assert around.usual_distance == pytest.approx(np.median(np.delete(distance, position)), rel=1e-4)


def test_what_sets_a_similar_client_apart_is_told_by_the_feature_that_differs_most(services: Services) -> None:
    file = services.file_at(7)
    around = surroundings(file, services)
    features = services.portfolio.features
    for similar in (*around.accepted, *around.refused):
        row = features.row(features.position(similar.client))
        assert np.array_equal(similar.row, row, equal_nan=True)
        assert similar.facts["SK_ID_CURR"] == similar.client
        other = services.explainer.explain(row).values
        assert len(similar.differences) == 3
        for found in similar.differences:
            members = [name for name in file.contributions.names if services.feature(name).group == found.apart.group]
            places = [file.contributions.names.index(name) for name in members]
            pull = (file.contributions.values[places] - other[places]) * np.sign(found.apart.difference)
            assert pull[members.index(found.feature)] == pytest.approx(pull.max(), abs=1e-6)
            assert found.apart.own == pytest.approx(file.contributions.values[places].sum(), abs=1e-6)
            assert found.apart.other == pytest.approx(other[places].sum(), abs=1e-6)


def test_shares_and_typical_values_are_those_of_everyone(services: Services) -> None:
    file = services.file_at(20)
    around = surroundings(file, services)
    store = services.contributions
    for group, share in zip(around.compared.groups, around.compared.smaller, strict=True):
        weight = np.abs(store.group_contribution(group))
        assert share == np.mean(weight < weight[20])
    assert set(around.typical) == set(store.used)
    for name in store.used[::25]:
        median = stand(name, services.portfolio.features.column(name), services.accepted, 20).accepted.median
        assert around.typical[name] == median or (median is None and np.isnan(around.typical[name]))


def test_typical_values_are_computed_once_for_all(services: Services) -> None:
    assert services.typical() is services.typical()
    assert surroundings(services.file_at(1), services).typical is services.typical()


def test_nothing_is_looked_for_until_the_page_is_there_then_for_every_client(
    controller: Controller, state: SessionState, services: Services
) -> None:
    controller.start(None)
    assert state.surroundings is None
    controller.look_around()
    assert state.file is not None
    assert state.surroundings is not None
    assert state.surroundings.client == state.file.client
    controller.step()
    assert state.surroundings.client == state.file.client == services.portfolio.features.ids[1]


def test_where_it_cannot_be_computed_the_last_answer_stays_and_the_problem_is_told(
    controller: Controller, state: SessionState, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller.start(None)
    controller.look_around()
    before = state.surroundings

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(controller_module, "surroundings", fail)
    with pytest.raises(MemoryError):
        controller.step()
    assert state.surroundings is before
    assert "MemoryError" in state.problem
    assert state.file is not None
    assert before is not None
    assert state.file.client != before.client


def test_an_ended_session_gets_nothing_more(controller: Controller, state: SessionState) -> None:
    controller.start(None)
    controller.close()
    controller.look_around()
    assert state.surroundings is None
