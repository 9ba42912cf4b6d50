"""What is decided from a probability of default."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InvalidOption
from models.policy import COST_OPTIMAL_PD, LEVELS, Policy

POLICY = Policy(0.0807)
PROBABILITIES = st.floats(1e-9, 1 - 1e-9)


def test_the_average_client_has_score_one_half():
    assert POLICY.score_of(0.0807) == pytest.approx(0.5, abs=1e-15)


def test_threshold_and_cost_optimum_are_those_of_the_design():
    assert POLICY.threshold == 0.52
    assert POLICY.pd_of(0.52) == pytest.approx(0.0750, abs=5e-5)
    assert POLICY.score_of(COST_OPTIMAL_PD) == pytest.approx(0.4675, abs=5e-5)


@given(PROBABILITIES, PROBABILITIES, st.floats(0.001, 0.999))
def test_a_higher_pd_never_has_a_higher_score(one, other, base_rate):
    policy = Policy(base_rate)
    low, high = sorted((one, other))
    assert policy.score_of(low) >= policy.score_of(high)


@given(st.floats(1e-6, 1 - 1e-6), st.floats(0.001, 0.999))
def test_pd_of_inverts_score_of(pd, base_rate):
    policy = Policy(base_rate)
    assert policy.pd_of(policy.score_of(pd)) == pytest.approx(pd, rel=1e-8)


def test_certainties_are_the_ends():
    assert (POLICY.score_of(0.0), POLICY.score_of(1.0)) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("score", "accepted"), [(0.52, True), (np.nextafter(0.52, 0), False), (1.0, True), (0.0, False)]
)
def test_the_threshold_itself_is_accepted(score, accepted):
    assert POLICY.accepted(float(score)) is accepted


def test_levels_rise_with_the_score_and_an_edge_has_the_lower_risk():
    edges = POLICY.level_edges
    assert [POLICY.level(edge) for edge in edges] == list(LEVELS[1:])
    assert [POLICY.level(float(np.nextafter(edge, 0))) for edge in edges] == list(LEVELS[:-1])
    assert (POLICY.level(0.0), POLICY.level(0.5), POLICY.level(1.0)) == ("very_high", "medium", "very_low")


def test_arrays_are_decided_as_their_elements():
    scores = np.linspace(0, 1, 101)
    assert POLICY.level(scores).tolist() == [POLICY.level(float(score)) for score in scores]
    assert POLICY.accepted(scores).tolist() == [POLICY.accepted(float(score)) for score in scores]
    pds = np.linspace(0, 1, 11)
    assert POLICY.score_of(pds).tolist() == [POLICY.score_of(float(pd)) for pd in pds]


@pytest.mark.parametrize("score", [float("nan"), -0.1, 1.1])
def test_what_is_no_score_has_no_level(score):
    with pytest.raises(InvalidOption, match=r"\[0, 1\]"):
        POLICY.level(score)
    with pytest.raises(InvalidOption, match=r"\[0, 1\]"):
        POLICY.level(np.array([0.5, score]))


@pytest.mark.parametrize(
    ("given_values", "word"),
    [
        ({"base_rate": 0.0}, "base_rate"),
        ({"base_rate": float("nan")}, "base_rate"),
        ({"base_rate": 0.1, "threshold": 1.0}, "threshold"),
        ({"base_rate": 0.1, "level_edges": (0.1, 0.2)}, "6 scores"),
        ({"base_rate": 0.1, "level_edges": (0.1, 0.2, 0.3, 0.3, 0.5, 0.6)}, "ascend"),
        ({"base_rate": 0.1, "level_edges": (0.0, 0.2, 0.3, 0.4, 0.5, 0.6)}, "ascend"),
        ({"base_rate": 0.1, "level_edges": (0.1, 0.2, 0.3, 0.4, 0.5, 1.0)}, "ascend"),
        ({"base_rate": 0.1, "level_edges": (0.1, 0.2, float("nan"), 0.4, 0.5, 0.6)}, "ascend"),
    ],
)
def test_an_impossible_policy_is_refused(given_values, word):
    with pytest.raises(InvalidOption, match=word):
        Policy(**given_values)


def test_a_policy_survives_json():
    policy = Policy(0.1, 0.6, (0.1, 0.2, 0.3, 0.4, 0.5, 0.9))
    assert Policy.from_json(policy.as_json()) == policy
