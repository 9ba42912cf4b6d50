from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from data.errors import FeatureMismatch, InvalidOption
from explain.local_global import Unusual, local_global, share_smaller

GROUPS = ("a.A", "a.B", "a.C", "a.D", "a.E", "a.F")


def client(*contributions: float) -> SimpleNamespace:
    """Return contributions by group, the strongest first, as `GroupedContributions` has them."""
    order = np.argsort(-np.abs(contributions), kind="stable")
    return SimpleNamespace(
        groups=tuple(GROUPS[place] for place in order), contributions=np.array(contributions, dtype=np.float64)[order]
    )


TYPICAL = {"a.C": 0.5, "a.A": 0.4, "a.B": 0.3, "a.E": 0.1, "a.D": 0.1}


def test_the_union_of_both_strongest_is_ordered_by_what_matters_for_everyone() -> None:
    found = local_global(client(0.1, -0.3, 0.0, -1.2, 0.05, 0.7), TYPICAL, count=2)
    assert found.groups == ("a.C", "a.A", "a.D", "a.F")
    assert found.typical.tolist() == [0.5, 0.4, 0.1, 0.0]
    assert found.own.tolist() == [0.0, 0.1, -1.2, 0.7]
    assert found.typical_ranks.tolist() == [1, 2, 5, 6]
    assert found.own_ranks.tolist() == [6, 4, 1, 2]
    assert np.isnan(found.smaller).all()


def test_groups_in_both_are_there_once_and_all_are_there_where_all_are_asked_for() -> None:
    own = client(0.4, -0.3, 0.5, 0.1, 0.05, 0.0)
    assert local_global(own, TYPICAL, count=3).groups == ("a.C", "a.A", "a.B")
    assert local_global(own, TYPICAL, count=50).groups == ("a.C", "a.A", "a.B", "a.E", "a.D", "a.F")


def test_the_unusual_groups_are_those_whose_weight_differs_most() -> None:
    found = local_global(client(0.41, -0.9, 0.05, -0.1, 0.05, 0.7), TYPICAL)
    assert found.unusual(3) == (
        Unusual("a.F", 0.7, 0.0, math.inf),
        Unusual("a.B", -0.9, 0.3, pytest.approx(3.0)),
        Unusual("a.C", 0.05, 0.5, pytest.approx(0.1)),
    )
    assert len(found.unusual(1)) == 1
    assert [told.group for told in found.unusual(9)] == ["a.F", "a.B", "a.C", "a.E"]


def test_a_client_like_everyone_has_nothing_unusual() -> None:
    assert local_global(client(-0.4, 0.3, 0.6, 0.1, 0.1, 0.0), TYPICAL).unusual() == ()


def test_the_share_of_clients_for_whom_it_weighs_less_is_exact_and_ignores_the_sign() -> None:
    rng = np.random.default_rng(2)
    by_group = (rng.integers(-4, 5, (9001, 5)) / 8).astype(np.float32)
    found = share_smaller(by_group, [3, 0], 77)
    wanted = [sum(abs(row[place]) < abs(by_group[77, place]) for row in by_group) / 9001 for place in (3, 0)]
    assert found.tolist() == wanted
    assert share_smaller(by_group, [], 0).shape == (0,)


def test_the_frame_says_it_all_and_has_null_for_an_unknown_share() -> None:
    frame = local_global(client(0.4, -0.3, 0.5, 0.1, 0.05, 0.0), TYPICAL, {"a.A": 0.25}, count=2).frame()
    assert frame.to_dicts() == [
        {"group": "a.C", "typical": 0.5, "own": 0.5, "typical_rank": 1, "own_rank": 1, "smaller": None},
        {"group": "a.A", "typical": 0.4, "own": 0.4, "typical_rank": 2, "own_rank": 2, "smaller": 0.25},
    ]


def test_the_result_cannot_be_written_to() -> None:
    found = local_global(client(0.4, -0.3, 0.5, 0.1, 0.05, 0.0), TYPICAL)
    for array in (found.typical, found.own, found.typical_ranks, found.own_ranks, found.smaller):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_groups_of_another_model_and_no_group_are_refused() -> None:
    own = client(0.4, -0.3, 0.5, 0.1, 0.05, 0.0)
    with pytest.raises(FeatureMismatch, match=r"'a.AA' matters for everyone.*Did you mean a.A"):
        local_global(own, {"a.AA": 1.0})
    with pytest.raises(InvalidOption, match="At least 1 group is compared, not 0"):
        local_global(own, TYPICAL, count=0)
