"""Grouping keeps sums, orders by strength, and quotes the strongest member."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import FeatureMismatch
from data.features.catalog import features
from data.features.feature import Feature
from explain.grouping import group_contributions, grouping


def of(names_and_groups):
    return [Feature(name, "application", "application", column, "value") for name, column in names_and_groups]


def test_sums_are_kept_on_every_client(explainer, rows, catalog):
    many = explainer.explain_many(rows[:100])
    sums = grouping(many.names, catalog).sums(many.values)
    assert sums.shape == (100, 6)
    np.testing.assert_allclose(sums.sum(axis=1), many.values.sum(axis=1), rtol=0, atol=1e-12)
    for place in range(100):
        grouped = many.client(place).grouped(catalog)
        assert grouped.base + grouped.contributions.sum() == pytest.approx(grouped.logit_score, abs=1e-9)
        by_group = dict(zip(grouped.groups, grouped.contributions, strict=True))
        expected = {f"application.COLUMN_{column}": many.values[place, column::6].sum() for column in range(6)}
        assert by_group == pytest.approx(expected, abs=1e-12)


def test_strongest_first_with_its_strongest_member_quoted():
    catalog = of([("a", "P"), ("b", "Q"), ("c", "P"), ("d", "Q"), ("e", "R")])
    by = grouping(["a", "b", "c", "d", "e"], catalog)
    values = np.array([0.5, 0.25, -2.0, 1.0, 0.125])
    grouped = group_contributions(by, values, np.array([1.0, 2.0, np.nan, 4.0, 5.0]), 0.5, 0.375)
    assert grouped.groups == ("application.P", "application.Q", "application.R")
    np.testing.assert_array_equal(grouped.contributions, [-1.5, 1.25, 0.125])
    np.testing.assert_array_equal(grouped.members, [2, 2, 1])
    assert grouped.quoted == ("c", "d", "e")
    np.testing.assert_array_equal(grouped.quoted_values, [np.nan, 4.0, 5.0])
    np.testing.assert_array_equal(grouped.quoted_contributions, [-2.0, 1.0, 0.125])
    frame = grouped.frame()
    assert frame.rows()[0] == ("application.P", -1.5, 2, "c", None, -2.0)
    assert frame.columns == ["group", "contribution", "members", "feature", "value", "feature_contribution"]


def test_equal_strength_keeps_the_catalogues_order():
    names = ["a", "b", "c", "d"]
    by = grouping(names, of([("a", "P"), ("b", "Q"), ("c", "R"), ("d", "Q")]))
    grouped = group_contributions(by, np.array([1.0, -0.5, -1.0, -0.5]), np.zeros(4), 0.0, -1.0)
    assert grouped.groups == ("application.P", "application.Q", "application.R")
    assert grouped.quoted == ("a", "b", "c")


def test_the_catalogues_own_order_does_not_matter(explainer, rows, catalog):
    one = explainer.explain(rows[3])
    assert one.grouped(catalog).frame().equals(one.grouped(catalog[::-1]).frame())


def test_the_whole_catalogue_of_features_is_grouped():
    catalog = features()
    by = grouping([feature.name for feature in catalog], catalog)
    assert by.index.size == len(catalog) == 795
    assert [by.groups[place] for place in by.index] == [feature.group for feature in catalog]


def test_a_feature_that_the_catalogue_does_not_have_is_named():
    with pytest.raises(FeatureMismatch, match=r"'EXT_SOURCE_9'.*Did you mean EXT_SOURCE_"):
        grouping(["EXT_SOURCE_1", "EXT_SOURCE_9"], features())
