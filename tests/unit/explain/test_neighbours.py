from __future__ import annotations

import math

import numpy as np
import pytest

from data.errors import InvalidOption
from explain.neighbours import _BLOCK, Apart, neighbours, squared_distances

GROUPS = tuple(f"application.COLUMN_{place}" for place in range(7))


def portfolio(clients: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return contributions on a coarse grid, so that many clients are equally far and some are the very same."""
    rng = np.random.default_rng(seed)
    by_group = (rng.integers(-2, 3, (clients, len(GROUPS))) / 4).astype(np.float32)
    return by_group, rng.random(clients) < 0.7


def naive(by_group: np.ndarray, accepted: np.ndarray, position: int, kind: bool, count: int) -> list[tuple[float, int]]:
    found = []
    for row in range(len(by_group)):
        if row != position and bool(accepted[row]) == kind:
            squares = [(float(a) - float(b)) ** 2 for a, b in zip(by_group[row], by_group[position], strict=True)]
            found.append((math.sqrt(math.fsum(squares)), row))
    return sorted(found)[:count]


@pytest.mark.parametrize("position", [0, 17, 399])
@pytest.mark.parametrize("count", [1, 3, 12])
def test_they_are_those_a_plain_loop_finds_ties_by_row(position: int, count: int) -> None:
    by_group, accepted = portfolio(400)
    found = neighbours(by_group, GROUPS, accepted, position, count=count)
    for kind, listed in ((True, found.accepted), (False, found.refused)):
        wanted = naive(by_group, accepted, position, kind, count)
        assert [neighbour.position for neighbour in listed] == [row for _, row in wanted]
        assert [neighbour.distance for neighbour in listed] == [distance for distance, _ in wanted]
        assert all(neighbour.accepted is kind for neighbour in listed)


def test_values_of_every_size_are_told_apart_across_blocks() -> None:
    rng = np.random.default_rng(5)
    by_group = (rng.normal(size=(2 * _BLOCK + 5, len(GROUPS))) * 10.0 ** rng.integers(-4, 2, len(GROUPS))).astype("f4")
    accepted = rng.random(len(by_group)) < 0.5
    by_group[-1] = by_group[7] + np.float32(1e-6)
    accepted[-1] = True
    found = neighbours(by_group, GROUPS, accepted, 7)
    assert found.accepted[0].position == len(by_group) - 1
    exact = ((by_group.astype(np.float64) - by_group[7].astype(np.float64)) ** 2).sum(axis=1)
    assert squared_distances(by_group, by_group[7]) == pytest.approx(exact, rel=1e-12)
    others = np.delete(np.sqrt(exact), 7)
    assert found.usual_distance == pytest.approx(np.median(others), rel=1e-12)


def test_the_client_itself_is_left_out_and_its_equals_are_not() -> None:
    by_group, accepted = portfolio(40)
    by_group[[3, 20, 31]] = by_group[11]
    accepted[[3, 20, 31]] = (True, False, True)
    found = neighbours(by_group, GROUPS, accepted, 11)
    assert [(near.position, near.distance) for near in found.accepted[:2]] == [(3, 0.0), (31, 0.0)]
    assert found.refused[0].position == 20
    assert found.refused[0].apart == ()
    assert 11 not in [near.position for near in (*found.accepted, *found.refused)]


def test_what_sets_apart_is_what_differs_most() -> None:
    by_group = np.zeros((2, 4), dtype=np.float32)
    by_group[1] = (0.5, -2.0, 0.0, 0.25)
    found = neighbours(by_group, GROUPS[:4], np.array([True, False]), 0, apart=2)
    assert found.accepted == ()
    assert found.refused[0].apart == (Apart(GROUPS[1], 0.0, -2.0), Apart(GROUPS[0], 0.0, 0.5))
    assert found.refused[0].apart[0].difference == 2.0
    assert found.refused[0].distance == pytest.approx(math.sqrt(0.25 + 4.0 + 0.0625))
    assert neighbours(by_group, GROUPS[:4], np.array([True, False]), 0, apart=9).refused[0].apart[-1].group == GROUPS[3]


def test_there_may_be_fewer_than_asked_for_or_none() -> None:
    by_group, _ = portfolio(4)
    found = neighbours(by_group, GROUPS, np.array([True, True, False, True]), 0)
    assert (len(found.accepted), len(found.refused)) == (2, 1)
    alone = neighbours(by_group[:1], GROUPS, np.array([True]), 0)
    assert (alone.accepted, alone.refused, alone.usual_distance) == ((), (), None)
    assert alone.frame().is_empty()


def test_the_frame_has_a_row_for_each_group_apart_and_one_where_there_is_none() -> None:
    by_group, accepted = portfolio(40)
    by_group[3], accepted[3] = by_group[11], True
    found = neighbours(by_group, GROUPS, accepted, 11, count=2, apart=2)
    frame = found.frame()
    assert frame.columns == ["position", "accepted", "distance", "group", "own", "other"]
    assert frame["position"].unique(maintain_order=True).to_list() == [
        near.position for near in (*found.accepted, *found.refused)
    ]
    assert frame.row(0) == (3, True, 0.0, None, None, None)
    assert frame.height == 1 + sum(len(near.apart) for near in (*found.accepted[1:], *found.refused))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"accepted": np.ones(5, dtype=np.bool_)}, "not the same clients"),
        ({"groups": GROUPS[:3]}, "not the same clients, or not the same model"),
        ({"position": 6}, "There is no row 6 among 6 clients"),
        ({"position": -1}, "There is no row -1 among 6 clients"),
        ({"count": 0}, "At least 1 client and 1 group are asked for, not 0 and 3"),
        ({"apart": 0}, "not 3 and 0"),
    ],
)
def test_what_cannot_be_asked_is_refused(changed: dict[str, object], message: str) -> None:
    by_group, accepted = portfolio(6)
    asked = {"by_group": by_group, "groups": GROUPS, "accepted": accepted, "position": 0, **changed}
    with pytest.raises(InvalidOption, match=message):
        neighbours(**asked)
