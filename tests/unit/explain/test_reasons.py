"""Reasons of a decision: which ones, how many, in which order, flagged or not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit

import explain
from data.errors import FeatureMismatch, InvalidOption, ModelError, UnknownColumn
from data.features.catalog import features
from explain.blocks import blocks, in_blocks
from explain.contributions import Contributions
from explain.reasons import COUNT, MARGIN, NOTHING, reason_features, reasons
from explain.standing import stand

CATALOG = features()
NAMES = tuple(feature.name for feature in CATALOG)
PLACE = {name: place for place, name in enumerate(NAMES)}
THRESHOLD = 0.52


def client(contributions, row=None, score=None):
    """Return the contributions by block of a client of whom only these features count; other values are 0."""
    values, own = np.zeros(len(NAMES)), np.zeros(len(NAMES))
    for name, value in contributions.items():
        values[PLACE[name]] = value
    for name, value in (row or {}).items():
        own[PLACE[name]] = value
    logit_score = 0.8 + float(values.sum()) if score is None else float(logit(score))
    base = logit_score - float(values.sum())
    return in_blocks(Contributions(NAMES, values, own, base, logit_score, 0.0), CATALOG)


def reasons_of(blocked, facts=None, standings=(), usual=None, *, language="en", threshold=THRESHOLD, **options):
    score = float(expit(blocked.logit_score))
    return reasons(
        blocked, CATALOG, facts or {}, standings, usual, score=score, threshold=threshold, language=language, **options
    )


def standing(name, value, others):
    """Return a standing among accepted clients of these values; the client's own takes no part."""
    column = np.array([*others, value], dtype=np.float32)
    accepted = np.ones(column.size, dtype=bool)
    accepted[-1] = False
    return stand(name, column, accepted, column.size - 1)


def plain(text):
    return text.replace("\u00a0", " ").replace("\u202f", " ")


REFUSED = {
    "EXT_SOURCE_1": -0.9, "AMT_CREDIT": -0.5, "AMT_INCOME_TOTAL": -0.3, "BURO_DAYS_CREDIT_MEAN": -0.25,
    "CC_AMT_BALANCE_MEAN": -0.2, "DAYS_LAST_PHONE_CHANGE": 0.3, "OWN_CAR_AGE": 0.2,
}  # fmt: skip
"""Five ordinary blocks against, two for."""


def listed(found):
    return [reason.block for reason in found]


def test_a_refusal_has_at_most_four_reasons_the_strongest_first_and_the_other_side_beside():
    found = reasons_of(client(REFUSED))
    assert not found.accepted
    assert found.side == "against"
    assert listed(found.given) == ["external_scores", "loan", "income", "bureau_ages"]
    assert listed(found.other) == ["contact", "car"]
    assert found.given is found.against
    contributions = [reason.contribution for reason in found.given]
    assert contributions == sorted(contributions)
    assert listed(reasons_of(client(REFUSED), count=2).given) == ["external_scores", "loan"]


def test_an_acceptance_has_the_same_kind_of_reasons():
    found = reasons_of(client({name: -value for name, value in REFUSED.items()}))
    assert found.accepted
    assert found.side == "for"
    assert listed(found.given) == ["external_scores", "loan", "income", "bureau_ages"]
    assert listed(found.other) == ["contact", "car"]


def test_strength_is_the_share_of_all_contributions():
    weights = {"EXT_SOURCE_1": 0.12, "AMT_INCOME_TOTAL": 0.05, "OWN_CAR_AGE": 0.04, "AMT_CREDIT": -0.79}
    found = reasons_of(client(weights))
    assert [reason.strength for reason in found.for_] == ["strong", "marked", "slight"]
    assert [reason.share for reason in found.for_] == pytest.approx([0.12, 0.05, 0.04])
    for reason, word in zip(found.for_, ("greatly", "clearly", "slightly"), strict=True):
        assert f"This {word} raises the probability of repayment." in reason.detail


def test_two_are_given_even_if_the_second_counts_for_little_which_is_said_and_no_third_so_weak():
    weights = {"EXT_SOURCE_1": -1.0, "AMT_CREDIT": -0.02, "OWN_CAR_AGE": -0.015}
    for language, says in (("en", "This reason counts for little."), ("fr", "Ce motif compte peu.")):
        found = reasons_of(client(weights), language=language)
        assert listed(found.against) == ["external_scores", "loan"]
        assert [reason.minor for reason in found.against] == [False, True]
        assert [reason.detail.endswith(says) for reason in found.against] == [False, True]
    more = reasons_of(client(weights), minimum_share=0.0)
    assert listed(more.against) == ["external_scores", "loan", "car"]


def test_what_has_no_effect_is_no_reason():
    assert listed(reasons_of(client({"EXT_SOURCE_1": -1.0, "AMT_CREDIT": -NOTHING / 2})).against) == ["external_scores"]
    found = reasons_of(client({}))
    assert (found.for_, found.against, found.restricted) == ((), (), ())
    assert found.frame().height == 0


def test_a_protected_attribute_among_the_strongest_is_listed_flagged_and_takes_no_ordinary_ones_place():
    weights = REFUSED | {"DAYS_BIRTH": -0.4}
    for language, says in (("en", "The law protects this attribute"), ("fr", "La loi protège cet attribut")):
        found = reasons_of(client(weights), language=language)
        assert listed(found.given) == ["external_scores", "loan", "age", "income", "bureau_ages"]
        assert [reason.protected for reason in found.given] == [False, False, True, False, False]
        assert [reason.note.startswith(says) for reason in found.given] == [False, False, True, False, False]
        assert not [reason for reason in found.given if says in reason.detail]
    assert found.restricted == ()


def test_a_protected_attribute_further_down_is_restricted_on_either_side_and_without_weight_not_named():
    weights = REFUSED | {"DAYS_BIRTH": -0.22, "CNT_CHILDREN": 0.05, "CODE_GENDER": 0.01}
    found = reasons_of(client(weights), {"CODE_GENDER": "F"})
    assert listed(found.given) == ["external_scores", "loan", "income", "bureau_ages"]
    # The family is third of those for, but below the minimum share; the sex has a share of less than a hundredth.
    assert listed(found.for_) == ["contact", "car"]
    assert listed(found.restricted) == ["age", "family"]
    assert all(reason.protected and reason.note for reason in found.restricted)


def test_only_protected_attributes_against_are_still_all_named():
    found = reasons_of(client({"DAYS_BIRTH": -0.5, "CODE_GENDER": -0.4, "EXT_SOURCE_1": 0.1}), {"CODE_GENDER": "M"})
    assert listed(found.against) == ["age", "sex"]
    assert all(reason.protected for reason in found.against)


def test_near_the_threshold_it_is_said_and_on_which_side():
    weights = {"EXT_SOURCE_1": -0.5}
    below = reasons_of(client(weights, score=0.512))
    assert below.near
    assert below.near_text == (
        "The score (51.2%) is close to the threshold (52%), on the refused side: small differences decide."
    )
    above = reasons_of(client(weights, score=0.539), language="fr")
    assert plain(above.near_text) == (
        "Le score (53,9 %) est proche du seuil (52 %), du côté accordé : de petites différences décident."
    )
    hair = reasons_of(client(weights, score=0.51998))
    assert "51.998%" in hair.near_text
    assert "refused side" in hair.near_text
    assert "(52.0%)" in reasons_of(client(weights, score=0.52), threshold=float(expit(logit(0.52)))).near_text
    for score in (THRESHOLD - MARGIN - 0.001, THRESHOLD + MARGIN + 0.001):
        far = reasons_of(client(weights, score=score))
        assert (far.near, far.near_text) == (False, "")
    assert reasons_of(client(weights, score=0.4), margin=0.2).near


def test_reason_features_are_those_quoted():
    weights = REFUSED | {"DAYS_BIRTH": -0.22}
    found = reasons_of(client(weights))
    quoted = reason_features(client(weights))
    lists = (*found.for_, *found.against, *found.restricted)
    assert [one.feature for one in quoted] == [reason.feature for reason in lists]
    assert all(one.source.endswith(f".{one.feature}") for one in quoted if one.source.startswith("application"))


def test_every_block_can_be_said_in_both_languages_and_names_no_column():
    facts = dict.fromkeys(feature.column for feature in CATALOG if feature.table == "application")
    for value in (0.0, 1.0, np.nan, np.inf, -400.0):
        row = np.full(len(NAMES), value)
        for sign in (1.0, -1.0):
            values = np.full(len(NAMES), 0.001 * sign)
            blocked = in_blocks(Contributions(NAMES, values, row, 0.0, float(values.sum()), 0.0), CATALOG)
            standings = [stand(name, row.astype(np.float32), row == row, 0) for name in blocked.quoted]
            for language in ("fr", "en"):
                found = reasons_of(
                    blocked, facts, standings, language=language, count=999, minimum_share=0.0, threshold=0.5
                )
                said = [f"{r.title} {r.detail}" for r in (*found.for_, *found.against, *found.restricted)]
                assert len(said) == len(blocks())
                assert not [text for text in said if "nan" in text.lower().split() or "{" in text or "_" in text]


def test_the_frame_has_a_row_a_reason():
    weights = REFUSED | {"DAYS_BIRTH": -0.22}
    stood = [standing("EXT_SOURCE_1", 0.0, np.arange(100) / 100)]
    frame = reasons_of(client(weights), standings=stood).frame()
    assert frame["list"].to_list() == ["for"] * 2 + ["against"] * 4 + ["restricted"]
    assert frame["rank"].to_list() == [1, 2, 1, 2, 3, 4, 1]
    assert frame["block"].to_list()[2] == "external_scores"
    assert frame["typical"].to_list()[2] == pytest.approx(0.495)
    assert frame["contribution"].to_list()[2] == -0.9


def test_the_catalogues_of_both_languages_name_every_block():
    folder = Path(explain.__file__).parent / "messages"
    for language in ("fr", "en"):
        named = tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8"))["blocks"]
        assert list(named) == list(blocks())


def test_what_can_not_be_said_is_refused():
    blocked = client({"NAME_CONTRACT_TYPE_Cash loans": 0.5})
    given = {"score": float(expit(blocked.logit_score)), "threshold": 0.52, "language": "fr"}
    with pytest.raises(InvalidOption, match="No language 'de'; there are fr, en"):
        reasons(blocked, CATALOG, {}, **(given | {"language": "de"}))
    with pytest.raises(UnknownColumn, match="facts lack NAME_CONTRACT_TYPE"):
        reasons(blocked, CATALOG, {}, **given)
    with pytest.raises(FeatureMismatch, match="'NAME_CONTRACT_TYPE_Cash loans'"):
        reasons(blocked, CATALOG[:10], {}, **given)
    with pytest.raises(InvalidOption, match="at least 2 reasons a side, count can't be 1"):
        reasons(blocked, CATALOG, {}, count=1, **given)
    with pytest.raises(InvalidOption, match=r"minimum_share must lie in \[0, 1\], got nan"):
        reasons(blocked, CATALOG, {}, minimum_share=float("nan"), **given)
    for name in ("score", "threshold", "margin"):
        for value in (float("nan"), -0.1, 1.1):
            with pytest.raises(InvalidOption, match=rf"{name} must lie in \[0, 1\]"):
                reasons(blocked, CATALOG, {}, **(given | {name: value}))
    with pytest.raises(ModelError, match=r"explain a score of 0\.78.*the decision is on 0\.300000"):
        reasons(blocked, CATALOG, {}, **(given | {"score": 0.3}))


def test_a_list_is_at_most_four_ordinary_reasons_of_any_contributions():
    rng = np.random.default_rng(3)
    facts = dict.fromkeys(feature.column for feature in CATALOG if feature.table == "application")
    for _ in range(40):
        values = rng.normal(size=len(NAMES)) * rng.exponential(0.05, len(NAMES))
        blocked = in_blocks(Contributions(NAMES, values, np.zeros(len(NAMES)), 0.0, float(values.sum()), 0.0), CATALOG)
        found = reasons_of(blocked, facts)
        for side in (found.for_, found.against):
            assert 2 <= sum(not reason.protected for reason in side) <= COUNT
            sizes = [abs(reason.contribution) for reason in side]
            assert sizes == sorted(sizes, reverse=True)
        named = listed((*found.for_, *found.against, *found.restricted))
        assert len(named) == len(set(named))
