"""Reasons of real decisions of a small model: they are what the score hangs on, and don't hang on a rounding."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import pytest
from scipy.special import expit

from data.errors import InvalidOption, UnknownColumn
from data.features.catalog import features
from explain.blocks import block_of, in_blocks
from explain.contributions import Explainer
from explain.reasons import COUNT, LEAST, NOTHING, RESTRICTED_SHARE, reasons
from explain.reference import SIZE, reference_population
from explain.shapley.ensemble import TreeShapley
from explain.usual import usual_category
from models.calibration import Calibrator
from models.policy import Policy
from models.trees import read_trees

if TYPE_CHECKING:
    from numpy.typing import NDArray

CATALOG = features()
NAMES = tuple(feature.name for feature in CATALOG)
PLACE = {name: place for place, name in enumerate(NAMES)}
THRESHOLD = 0.52
FACTS = dict.fromkeys(feature.column for feature in CATALOG if feature.table == "application")
REFERENCES = 200
BLOCKS = tuple(block_of(feature.group).name for feature in CATALOG)


@dataclass(frozen=True)
class Model:
    """A model of default on real features, its clients and their scores, and the accepted ones compared with."""

    explainer: Explainer
    against: Explainer
    rows: NDArray[np.float64]
    scores: NDArray[np.float64]
    references: NDArray[np.float64]


def lists(found):
    return (found.for_, found.against, found.restricted)


@pytest.fixture(scope="module")
def model(portfolio_columns):
    rows = portfolio_columns.T.astype(np.float64)
    known = np.nan_to_num(rows)
    rng = np.random.default_rng(2)
    risk = (
        -4.0 * known[:, PLACE["EXT_SOURCE_2"]]
        - 3.0 * known[:, PLACE["EXT_SOURCE_3"]]
        + 25.0 * known[:, PLACE["PAYMENT_RATE"]]
        + 0.00012 * known[:, PLACE["DAYS_BIRTH"]]
        + 0.0003 * known[:, PLACE["DAYS_EMPLOYED"]]
        + 2.0 * known[:, PLACE["PREV_NAME_CONTRACT_STATUS_Refused_MEAN"]]
        + 0.6 * known[:, PLACE["CODE_GENDER"]]
    )
    target = (risk + rng.logistic(size=len(rows)) > np.quantile(risk, 0.75)).astype(np.int8)
    settings = {
        "objective": "binary", "num_leaves": 15, "learning_rate": 0.15, "seed": 3, "deterministic": True,
        "num_threads": 2, "verbosity": -1,
    }  # fmt: skip
    booster = lgb.train(settings, lgb.Dataset(rows, target), num_boost_round=40)
    trees = TreeShapley.of(read_trees(booster.model_to_string()))
    explainer = Explainer(trees, NAMES, Calibrator(0.9, -0.15), Policy(float(target.mean())))
    scores = expit(explainer.explain_many(rows).logit_scores)
    chosen = reference_population(scores >= THRESHOLD, REFERENCES)
    return Model(explainer, explainer.against(portfolio_columns[:, chosen]), rows, scores, rows[chosen])


def reasons_of(model, contributions):
    """Return the reasons of one client's contributions against accepted clients."""
    blocked = in_blocks(contributions, CATALOG)
    score = float(expit(contributions.logit_score))
    return reasons(blocked, CATALOG, FACTS, score=score, threshold=THRESHOLD, language="en")


def with_blocks_of(model, row, names):
    """Return the mean score of a client who has, one after the other, the features of these blocks of every reference.

    Shape of `row`: (F,). The score is the probability of repayment at even odds.
    """
    changed = np.repeat(row[np.newaxis], len(model.references), axis=0)
    places = [place for place, block in enumerate(BLOCKS) if block in names]
    changed[:, places] = model.references[:, places]
    return float(expit(model.explainer.explain_many(changed).logit_scores).mean())


def test_the_contributions_start_from_the_accepted_clients_mean(model):
    mean = float(model.explainer.explain_many(model.references).logit_scores.mean())
    assert model.against.base == pytest.approx(mean, abs=1e-9)
    assert model.against.base > model.explainer.base


def test_the_reasons_of_a_refusal_are_what_it_hangs_on(model):
    refused = np.flatnonzero(model.scores < THRESHOLD)[:40]
    closed, by_chance = [], []
    rng = np.random.default_rng(4)
    for place in refused:
        row, score = model.rows[place], model.scores[place]
        given = {reason.block for reason in reasons_of(model, model.against.explain(row)).given}
        raised = with_blocks_of(model, row, given)
        assert raised > score, (place, given)
        # Of blocks drawn at random as many, other than those given, none is expected to matter as much.
        others = rng.choice(sorted(set(BLOCKS) - given), len(given), replace=False)
        goal = float(expit(model.explainer.explain_many(model.references).logit_scores).mean())
        closed.append((raised - score) / (goal - score))
        by_chance.append((with_blocks_of(model, row, set(others)) - score) / (goal - score))
    assert np.median(closed) > 0.5
    assert np.median(by_chance) < 0.2


def test_a_rounding_does_not_change_the_reasons(model):
    rng = np.random.default_rng(5)
    for place in range(0, len(model.rows), 50):
        exact = model.against.explain(model.rows[place])
        before = reasons_of(model, exact)
        for _ in range(3):
            noisy = dataclasses.replace(exact, values=exact.values + rng.uniform(-1e-6, 1e-6, exact.values.shape))
            after = reasons_of(model, noisy)
            for one, two in zip(lists(before), lists(after), strict=True):
                assert [reason.block for reason in one] == [reason.block for reason in two]
                assert [reason.detail for reason in one] == [reason.detail for reason in two]


def test_everyone_has_two_to_four_ordinary_reasons_and_the_model_s_protected_ones_are_never_lost(model):
    for place in range(0, len(model.rows), 25):
        contributions = model.against.explain(model.rows[place])
        found, blocked = reasons_of(model, contributions), in_blocks(contributions, CATALOG)
        ordinary = sum(not reason.protected for reason in found.given)
        sign = 1.0 if found.accepted else -1.0
        there = int(np.count_nonzero((blocked.contributions * sign >= NOTHING) & ~blocked.protected))
        assert min(LEAST, there) <= ordinary <= COUNT
        shares = np.abs(blocked.contributions) / np.abs(blocked.contributions).sum()
        used = {name for name, share in zip(blocked.blocks, shares, strict=True) if share > RESTRICTED_SHARE}
        protected = {name for name, flag in zip(blocked.blocks, blocked.protected, strict=True) if flag}
        named = {reason.block for listed in lists(found) for reason in listed if reason.protected}
        assert named == used & protected


def test_the_reference_population_is_drawn_among_the_accepted_always_the_same():
    accepted = np.arange(5_000) % 3 != 0
    drawn = reference_population(accepted)
    assert drawn.size == np.unique(drawn).size == SIZE
    assert accepted[drawn].all()
    assert (np.diff(drawn) > 0).all()
    assert np.array_equal(drawn, reference_population(accepted))
    assert not np.array_equal(drawn, reference_population(accepted, seed=1))
    # From the whole of the portfolio, not from its start.
    assert drawn.mean() == pytest.approx(2_500, rel=0.1)
    few = np.array([True, False, True])
    assert reference_population(few).tolist() == [0, 2]


def test_a_reference_population_of_nobody_is_refused():
    with pytest.raises(InvalidOption, match="None of the 3 clients is accepted"):
        reference_population(np.zeros(3, dtype=bool))
    for size, seed in ((0, 0), (1, -1)):
        with pytest.raises(InvalidOption, match=f"{size} clients drawn with seed {seed}"):
            reference_population(np.ones(3, dtype=bool), size, seed)


def test_the_usual_category_is_the_most_frequent_one_of_those_who_have_any():
    columns = {feature.name: np.zeros(6, dtype=np.float32) for feature in CATALOG}
    columns["OCCUPATION_TYPE_Drivers"][[0, 1]] = 1.0
    columns["OCCUPATION_TYPE_Managers"][[2, 3, 4]] = 1.0
    columns["CODE_GENDER"] = np.array([0, 0, 0, 1, 1, np.nan], dtype=np.float32)
    everyone, some = np.ones(6, dtype=bool), np.array([1, 1, 0, 0, 1, 1], dtype=bool)
    occupation, sex = "application.OCCUPATION_TYPE", "application.CODE_GENDER"
    assert usual_category(occupation, CATALOG, columns.__getitem__, everyone) == "Managers"
    assert usual_category(occupation, CATALOG, columns.__getitem__, some) == "Drivers"
    assert usual_category(sex, CATALOG, columns.__getitem__, everyone) == "F"
    assert usual_category(sex, CATALOG, columns.__getitem__, ~some) == "F"
    assert usual_category(occupation, CATALOG, columns.__getitem__, np.arange(6) == 5) is None
    with pytest.raises(UnknownColumn, match="AMT_CREDIT is no column of categories"):
        usual_category("application.AMT_CREDIT", CATALOG, columns.__getitem__, everyone)
