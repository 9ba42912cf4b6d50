from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InvalidOption
from data.schema import table
from explain.selection import AGE_BANDS, DAYS_PER_YEAR, DECISIONS, Selection, named_selections, select
from models.policy import LEVELS, Policy

POLICY = Policy(base_rate=0.08)
SEXES = table("application").column("CODE_GENDER").categories


class Facts:
    """Clients with a sex and an age, in days counted back from the application."""

    def __init__(self, sexes: list[str | None], days: list[int | None]) -> None:
        self._columns = {
            "CODE_GENDER": pl.Series(sexes, dtype=pl.String),
            "DAYS_BIRTH": pl.Series(days, dtype=pl.Int64),
        }

    def facts_column(self, name: str) -> pl.Series:
        return self._columns[name]


def _portfolio(count: int = 400, seed: int = 3) -> tuple[Facts, np.ndarray]:
    rng = np.random.default_rng(seed)
    sexes = rng.choice(["F", "M", "XNA", ""], count).tolist()
    days = (-rng.integers(18 * 365, 80 * 365, count)).tolist()
    score = rng.random(count)
    score[:6] = [0.0, 1.0, POLICY.threshold, *POLICY.level_edges[2:5]]
    return Facts([sex or None for sex in sexes], days), score


def test_without_a_condition_it_is_everyone() -> None:
    facts, score = _portfolio()
    kept = select(Selection(), facts, score, POLICY)
    assert kept.dtype == np.bool_
    assert kept.all()
    assert not kept.flags.writeable


def test_refused_and_accepted_part_the_portfolio_at_the_threshold() -> None:
    facts, score = _portfolio()
    refused, accepted = (select(Selection(decision=name), facts, score, POLICY) for name in ("refused", "accepted"))
    assert np.array_equal(refused, ~accepted)
    assert accepted[2]  # on the threshold
    assert np.array_equal(accepted, score >= POLICY.threshold)


def test_each_client_is_at_one_level_the_one_the_policy_says() -> None:
    facts, score = _portfolio()
    at = np.stack([select(Selection(levels=(level,)), facts, score, POLICY) for level in LEVELS])
    assert (at.sum(axis=0) == 1).all()
    assert [LEVELS[place] for place in at.argmax(axis=0)] == POLICY.level(score).tolist()
    both = select(Selection(levels=("high", "very_low")), facts, score, POLICY)
    assert np.array_equal(both, at[1] | at[6])


def test_a_sex_that_is_not_known_is_in_no_selection() -> None:
    facts, score = _portfolio()
    known = facts.facts_column("CODE_GENDER").to_list()
    for sex in SEXES:
        kept = select(Selection(sex=sex), facts, score, POLICY)
        assert kept.tolist() == [own == sex for own in known]
    assert None in known


def test_ages_are_whole_years_from_the_first_to_before_the_second() -> None:
    days = [-round(25 * DAYS_PER_YEAR) + 1, -round(25 * DAYS_PER_YEAR) - 1, -round(35 * DAYS_PER_YEAR) - 1, None]
    facts, score = Facts(["F"] * 4, days), np.full(4, 0.5)
    assert select(Selection(ages=(0, 25)), facts, score, POLICY).tolist() == [True, False, False, False]
    assert select(Selection(ages=(25, 35)), facts, score, POLICY).tolist() == [False, True, False, False]
    assert select(Selection(ages=(35, 45)), facts, score, POLICY).tolist() == [False, False, True, False]


def test_the_named_ages_part_the_portfolio() -> None:
    facts, score = _portfolio()
    masks = [select(Selection(ages=band), facts, score, POLICY) for band in AGE_BANDS]
    assert (np.stack(masks).sum(axis=0) == 1).all()
    assert all(mask.any() for mask in masks)


def test_conditions_all_hold_at_once() -> None:
    facts, score = _portfolio()
    apart = [
        Selection(decision="accepted"), Selection(levels=("low",)), Selection(low=0.7, high=0.75), Selection(sex="F"),
        Selection(ages=(25, 60)),
    ]  # fmt: skip
    together = Selection("accepted", ("low",), 0.7, 0.75, "F", (25, 60))
    wanted = np.logical_and.reduce([select(one, facts, score, POLICY) for one in apart])
    assert np.array_equal(select(together, facts, score, POLICY), wanted)
    assert wanted.any()


def test_bounds_of_the_score_are_inclusive() -> None:
    facts, score = Facts(["F"] * 3, [-9000] * 3), np.array([0.2, 0.4, 0.6])
    assert select(Selection(low=0.2, high=0.4), facts, score, POLICY).tolist() == [True, True, False]


def test_names_are_of_distinct_selections_and_name_every_kind() -> None:
    named = named_selections()
    assert len(set(named.values())) == len(named) == 2 + len(LEVELS) + len(SEXES) + len(AGE_BANDS)
    assert named["level.very_high"] == Selection(levels=("very_high",))
    assert named["age.25-34"] == Selection(ages=(25, 35))
    assert list(named)[:2] == ["refused", "accepted"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"decision": "refusd"}, "no decision 'refusd'.*Did you mean.*'refused'"),
        ({"levels": ("medium", "hgh")}, "no level of risk 'hgh'.*'high'"),
        ({"sex": "W"}, "no sex 'W'.*'F', 'M'"),
        ({"low": 0.7, "high": 0.2}, r"got 0.7 to 0.2"),
        ({"low": float("nan")}, "got nan"),
        ({"high": 1.5}, "got 0.0 to 1.5"),
        ({"ages": (30, 30)}, "got 30 to 30 years"),
    ],
)
def test_what_is_not_allowed_is_told(given: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidOption, match=told):
        Selection(**given)


def test_facts_of_other_clients_are_refused() -> None:
    facts, score = Facts(["F"], [-9000]), np.array([0.2, 0.4])
    with pytest.raises(InvalidOption, match="CODE_GENDER is known of 1 clients, the score of 2"):
        select(Selection(sex="F"), facts, score, POLICY)


@given(
    st.builds(
        Selection,
        decision=st.sampled_from(DECISIONS),
        levels=st.lists(st.sampled_from(LEVELS), unique=True).map(tuple),
        low=st.floats(0, 0.5),
        high=st.floats(0.5, 1),
        sex=st.sampled_from(["", *SEXES]),
        ages=st.none() | st.sampled_from(AGE_BANDS),
    )
)
def test_a_selection_is_the_clients_who_meet_it_one_by_one(selection: Selection) -> None:
    facts, score = _portfolio(60)
    sexes, days = (facts.facts_column(name).to_list() for name in ("CODE_GENDER", "DAYS_BIRTH"))

    def met(at: int) -> bool:
        years = int(-days[at] / DAYS_PER_YEAR)
        return (
            (selection.decision == "all" or (score[at] >= POLICY.threshold) == (selection.decision == "accepted"))
            and (not selection.levels or POLICY.level(float(score[at])) in selection.levels)
            and selection.low <= score[at] <= selection.high
            and (not selection.sex or sexes[at] == selection.sex)
            and (selection.ages is None or selection.ages[0] <= years < selection.ages[1])
        )

    assert select(selection, facts, score, POLICY).tolist() == [met(at) for at in range(60)]
