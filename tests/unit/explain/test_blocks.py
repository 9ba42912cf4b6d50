"""Reason blocks: every column has one, what moves together stands together, and what is summed and quoted."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from scipy.stats import rankdata

from data.errors import FeatureMismatch, InvalidOption, ModelError, UnknownColumn
from data.features.catalog import features
from explain.blocks import block_of, blocks, exceptions, in_blocks, is_protected
from explain.contributions import Contributions
from explain.grouping import grouping

CATALOG = features()
NAMES = tuple(feature.name for feature in CATALOG)
PLACE = {name: place for place, name in enumerate(NAMES)}
GROUPS = grouping(NAMES, CATALOG).groups

TOGETHER, STILL = 0.8, 0.7
CLIENTS, VARIED = 100, 0.05


def client(values=None, row=None, names=NAMES):
    """Return contributions of a client of whom only these features count; other values are 0."""
    place = {name: index for index, name in enumerate(names)}
    contributions, own = np.zeros(len(names)), np.zeros(len(names))
    for name, value in (values or {}).items():
        contributions[place[name]] = value
    for name, value in (row or {}).items():
        own[place[name]] = value
    return Contributions(names, contributions, own, 0.1, 0.1 + float(contributions.sum()), 0.0)


def spearman(columns):
    """Return |Spearman| of every two features over the clients who have both, (F, F).

    Ranks are among all who have the feature. It is 0 for two with fewer than CLIENTS in common, and for a feature of
    which all but a share of VARIED have one value: a few clients say nothing of what moves together.
    """
    present = ~np.isnan(columns)
    ranks = np.zeros(columns.shape)
    usable = np.zeros(len(columns), dtype=bool)
    for line, (values, there) in enumerate(zip(columns, present, strict=True)):
        own = values[there]
        if own.size >= CLIENTS:
            usable[line] = np.unique(own, return_counts=True)[1].max() <= (1 - VARIED) * own.size
            ranked = rankdata(own)
            ranks[line, there] = (ranked - ranked.mean()) / own.size
    count = present.astype(float) @ present.T
    both = np.outer(usable, usable) & (count >= CLIENTS)
    count[~both] = 1.0
    sums, squares = ranks @ present.T / count, ranks**2 @ present.T / count
    variance = np.maximum(squares - sums**2, 1e-12)
    found = (ranks @ ranks.T / count - sums * sums.T) / np.sqrt(variance * variance.T)
    return np.where(both, np.abs(found), 0.0)


@pytest.fixture(scope="module")
def strongest(portfolio_columns):
    """The greatest |Spearman| between the features of every two source columns."""
    found = spearman(portfolio_columns.astype(np.float64))
    index = grouping(NAMES, CATALOG).index
    by_pair = np.zeros((len(GROUPS), len(GROUPS)))
    np.maximum.at(by_pair, (index[:, np.newaxis], index[np.newaxis]), found)
    return by_pair


def test_every_source_column_of_the_catalogue_has_one_block_and_no_block_has_another():
    declared = list(itertools.chain.from_iterable(block.sources for block in blocks().values()))
    assert len(declared) == len(set(declared))
    assert set(declared) == set(GROUPS)
    assert len(CATALOG) == 795
    for source in GROUPS:
        assert source in block_of(source).sources


def test_no_block_mixes_what_the_law_protects_with_what_it_does_not():
    for block in blocks().values():
        assert {is_protected(source) for source in block.sources} == {block.protected}, block.name
    protected = {source for block in blocks().values() if block.protected for source in block.sources}
    assert protected == {
        "application.CODE_GENDER", "application.DAYS_BIRTH", "application.NAME_FAMILY_STATUS",
        "application.CNT_CHILDREN", "application.CNT_FAM_MEMBERS", "application.INCOME_PER_PERSON",
        "application.DAYS_EMPLOYED_PERC",
    }  # fmt: skip


def test_every_block_has_a_label_of_its_own_in_both_languages_without_a_column_name():
    for language in ("fr", "en"):
        labels = [block.label(language) for block in blocks().values()]
        assert len(labels) == len(set(labels))
        assert not [label for label in labels if "_" in label or label != label.strip() or label.isupper()]
    with pytest.raises(InvalidOption, match="No language 'de'"):
        blocks()["age"].label("de")


def test_columns_that_move_together_stand_in_one_block_but_for_the_exceptions(strongest):
    apart = {
        frozenset((GROUPS[one], GROUPS[two])): float(strongest[one, two])
        for one, two in itertools.combinations(range(len(GROUPS)), 2)
        if strongest[one, two] >= TOGETHER and block_of(GROUPS[one]) is not block_of(GROUPS[two])
    }
    assert apart.keys() - exceptions().keys() == set(), apart
    # The measure sees what it is to see: else nothing would stand apart for want of any correlation.
    assert np.count_nonzero(np.triu(strongest, 1) >= TOGETHER) > 150


def test_every_exception_is_needed_and_says_why(strongest):
    place = {source: index for index, source in enumerate(GROUPS)}
    for pair, why in exceptions().items():
        one, two = sorted(pair)
        assert block_of(one) is not block_of(two)
        assert strongest[place[one], place[two]] >= STILL, pair
        assert why.endswith(".")
        assert len(why) > 20


def test_contributions_are_summed_by_block_the_strongest_first():
    given = client(
        {"EXT_SOURCE_1": -0.2, "EXT_SOURCE_3": -0.3, "AMT_CREDIT": 0.4, "PAYMENT_RATE": -0.1, "DAYS_BIRTH": 0.35},
        {"EXT_SOURCE_3": 0.12},
    )
    found = in_blocks(given, CATALOG)
    assert found.blocks[:3] == ("external_scores", "age", "loan")
    assert found.contributions[:3] == pytest.approx([-0.5, 0.35, 0.3])
    assert found.contributions.sum() == pytest.approx(given.values.sum())
    assert found.members.sum() == len(NAMES)
    assert found.members[0] == 3
    assert found.protected[:3].tolist() == [False, True, False]
    assert (found.quoted[0], found.sources[0]) == ("EXT_SOURCE_3", "application.EXT_SOURCE_3")
    assert found.quoted_values[0] == 0.12
    assert found.quoted_contributions[0] == -0.3
    assert (found.base, found.logit_score) == (given.base, given.logit_score)
    with pytest.raises(ValueError, match="read-only"):
        found.contributions[0] = 1.0


def test_the_feature_quoted_pulls_the_way_the_block_does():
    found = in_blocks(client({"AMT_CREDIT": 0.9, "AMT_ANNUITY": -0.6, "AMT_GOODS_PRICE": -0.5}), CATALOG)
    assert (found.blocks[0], found.quoted[0]) == ("loan", "AMT_ANNUITY")
    assert found.contributions[0] == pytest.approx(-0.2)


def test_the_categories_of_one_column_count_as_one_and_are_quoted_by_the_clients_own():
    values = {
        "OCCUPATION_TYPE_Laborers": -0.1, "OCCUPATION_TYPE_Drivers": -0.1, "OCCUPATION_TYPE_Managers": -0.1,
        "DAYS_EMPLOYED": -0.2,
    }  # fmt: skip
    found = in_blocks(client(values, {"OCCUPATION_TYPE_Drivers": 1.0}), CATALOG)
    assert (found.blocks[0], found.quoted[0]) == ("employment", "OCCUPATION_TYPE_Drivers")
    assert found.quoted_contributions[0] == pytest.approx(-0.3)
    assert in_blocks(client(values), CATALOG).sources[0] == "application.OCCUPATION_TYPE"
    # A category of the client's own that pulls less than another column doesn't stand for the block.
    values["DAYS_EMPLOYED"] = -0.4
    assert in_blocks(client(values, {"OCCUPATION_TYPE_Drivers": 1.0}), CATALOG).quoted[0] == "DAYS_EMPLOYED"


def test_a_model_of_some_features_in_any_order_has_the_blocks_it_reads():
    names = ("CC_COUNT", "EXT_SOURCE_2", "BURO_STATUS_C_MEAN_MEAN")
    found = in_blocks(client({"CC_COUNT": 0.1}, names=names), CATALOG)
    assert found.blocks == ("card_use", "external_scores", "bureau_overdue")
    assert found.frame()["block"].to_list() == list(found.blocks)
    assert found.frame().columns == [
        "block", "contribution", "members", "protected", "feature", "source", "value", "feature_contribution",
    ]  # fmt: skip


def test_the_frame_has_null_where_the_client_has_no_value():
    frame = in_blocks(client({"EXT_SOURCE_1": -0.2}, {"EXT_SOURCE_1": np.nan}), CATALOG).frame()
    assert frame.height == len(blocks())
    assert frame["value"].to_list()[0] is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_contributions_that_are_not_finite_are_refused(value):
    with pytest.raises(ModelError, match=r"1 contributions are not finite, such as .* of EXT_SOURCE_1"):
        in_blocks(client({"EXT_SOURCE_1": value}), CATALOG)
    with pytest.raises(ModelError, match=f"The base is {value}"):
        in_blocks(dataclasses.replace(client(), base=value), CATALOG)
    with pytest.raises(ModelError, match=f"The score's log-odds is {value}"):
        in_blocks(dataclasses.replace(client(), logit_score=value), CATALOG)


def test_what_has_no_block_or_another_shape_is_refused(names, catalog):
    with pytest.raises(UnknownColumn, match=r"No reason block has column 'application.EXT_SOURCE'.*EXT_SOURCE_1"):
        block_of("application.EXT_SOURCE")
    with pytest.raises(UnknownColumn, match=r"'application.COLUMN_0'.*explain/blocks.toml"):
        in_blocks(client(names=names), catalog)
    with pytest.raises(FeatureMismatch, match="'CODE_GENDER'"):
        in_blocks(client(), CATALOG[-10:])
    with pytest.raises(InvalidOption, match=r"795 features, but contributions of shape \(3,\)"):
        in_blocks(dataclasses.replace(client(), values=np.zeros(3)), CATALOG)
