"""How two columns go together equals what pandas and plain formulas give on the same clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data.errors import InvalidOption
from explain.crossfilter.association import (
    CORRELATION_CUTS,
    CRAMER_CUTS,
    FEWEST,
    association,
    associations,
    average_ranks,
    cramer,
    strength,
)
from explain.crossfilter.columns import Column
from explain.crossfilter.population import Population

if TYPE_CHECKING:
    from numpy.typing import NDArray

VALUES = st.sampled_from([-np.inf, -3.5, -1.0, 0.0, -0.0, 0.25, 1.0, 2.0, 1e30, np.inf, np.nan])


def measure(*values: float) -> Column:
    return Column("measure", np.array(values, dtype=np.float32), None)


def named(*numbers: float, names: int = 4) -> Column:
    return Column("named", np.array(numbers, dtype=np.float32), tuple("abcdefgh"[:names]))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 60).flatmap(lambda n: st.tuples(
    arrays(np.float32, n, elements=VALUES), arrays(np.float32, n, elements=VALUES), arrays(np.bool_, n)
)))  # fmt: skip
def test_of_two_measures_is_pandas_spearman(
    drawn: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]],
) -> None:
    a, b, kept = drawn
    found = association(Column("a", a, None), Column("b", b, None), kept)
    first, second = pd.Series(a[kept].astype(float)), pd.Series(b[kept].astype(float))
    both = first.notna() & second.notna()
    first, second = first[both], second[both]
    assert (found.kind, found.clients) == ("ranks", len(first))
    if len(first) < FEWEST:
        assert found.reason == "too_few"
    elif first.nunique() < 2 or second.nunique() < 2:
        assert found.reason == "constant"
    else:
        assert found.value == pytest.approx(first.corr(second, method="spearman"), abs=1e-12)
        assert found.reason is None
    assert np.isnan(found.value) == (found.reason is not None) == (found.strength is None)


def test_ranks_are_pandas_average_ranks() -> None:
    values = np.array([3.0, 1.0, 3.0, np.inf, -np.inf, 1.0, 3.0, -0.0, 0.0], dtype=np.float32)
    assert average_ranks(values).tolist() == pd.Series(values).rank().tolist()


def test_spearman_of_many_clients_with_and_without_infinities() -> None:
    rng = np.random.default_rng(1)
    a = np.round(rng.normal(size=5000), 1).astype(np.float32)
    b = (a + rng.normal(size=5000)).astype(np.float32)
    a[:50], b[40:90], b[100:110] = np.nan, np.nan, np.inf
    found = association(Column("a", a, None), Column("b", b, None))
    finite = pd.DataFrame({"a": a, "b": np.where(np.isinf(b), 1e6, b)})
    assert found.value == pytest.approx(finite.corr(method="spearman").loc["a", "b"], abs=1e-12)
    assert (found.clients, found.direction, found.strength) == (4910, "up", "moderate")


def test_of_a_measure_and_categories_is_the_ratio_of_the_ranks_by_category() -> None:
    rng = np.random.default_rng(2)
    groups = rng.integers(0, 4, 900).astype(np.float32)
    values = (rng.normal(size=900) + groups / 2).astype(np.float32)
    groups[:20], values[10:40] = np.nan, np.nan
    kept = rng.random(900) < 0.6
    frame = pd.DataFrame({"group": groups, "value": values})[kept].dropna()
    ranks = frame["value"].rank()
    between = ((ranks.groupby(frame["group"]).transform("mean") - ranks.mean()) ** 2).sum()
    expected = np.sqrt(between / ((ranks - ranks.mean()) ** 2).sum())
    first, second = Column("group", groups, tuple("abcd")), Column("value", values, None)
    for found in (association(first, second, kept), association(second, first, kept)):
        assert found.kind == "ratio"
        assert found.value == pytest.approx(expected, abs=1e-12)
        assert (found.clients, found.direction) == (len(frame), None)


def test_of_two_categories_is_the_corrected_v_of_cramer() -> None:
    rng = np.random.default_rng(3)
    a = rng.integers(0, 3, 600)
    b = np.where(rng.random(600) < 0.4, a, rng.integers(0, 5, 600))
    found = association(
        Column("a", a.astype(np.float32), tuple("abcdef")), Column("b", b.astype(np.float32), tuple("abcdefg"))
    )
    table = pd.crosstab(a, b).to_numpy()
    n, (r, k) = 600, table.shape
    expected = table.sum(1, keepdims=True) * table.sum(0) / n
    phi = ((table - expected) ** 2 / expected).sum() / n
    corrected = max(0.0, phi - (k - 1) * (r - 1) / (n - 1))
    rc, kc = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    assert found.kind == "categories"
    assert found.value == pytest.approx(np.sqrt(corrected / min(rc - 1, kc - 1)), abs=1e-12)


def test_categories_that_have_nothing_to_do_with_each_other_have_none() -> None:
    independent = np.outer([10, 20, 30], [1, 2, 3])
    assert cramer(independent) == 0.0
    assert cramer(np.diag([20, 30, 40])) == pytest.approx(1.0)


def test_why_it_can_not_be_told() -> None:
    few = association(measure(1, 2, 3), measure(3, 2, 1))
    assert (few.reason, few.clients) == ("too_few", 3)
    ten = measure(*range(10))
    assert association(measure(*[4] * 10), ten).reason == "constant"
    assert association(named(*[1] * 10), ten).reason == "constant"
    assert association(named(*[0, 1] * 5), named(*[1] * 10)).reason == "constant"
    assert association(measure(*[np.nan] * 10), ten).clients == 0
    # A client for each category: the ratio would be 1 whatever the values.
    assert association(named(*[0, 1, 2, 3, 4, 5, 6, 7, 0, 1], names=8), ten).reason == "too_few"
    nobody = association(ten, ten, np.zeros(10, dtype=np.bool_))
    assert (nobody.reason, nobody.clients) == ("too_few", 0)


def test_a_column_with_itself_and_with_its_opposite() -> None:
    ten, back = measure(*range(10)), measure(*range(10, 0, -1))
    assert (association(ten, ten).value, association(ten, ten).strength) == (pytest.approx(1.0), "very_strong")
    assert (association(ten, back).value, association(ten, back).direction) == (pytest.approx(-1.0), "down")


def test_words_begin_at_their_cut_points() -> None:
    assert [strength(value, CORRELATION_CUTS) for value in (0.0, 0.0999, 0.1, -0.4, 0.7, -0.9)] == [
        "none", "none", "weak", "moderate", "strong", "very_strong"
    ]  # fmt: skip
    assert [strength(value, CRAMER_CUTS) for value in (0.05, 0.1, 0.2, 0.4, 0.8)] == [
        "none", "weak", "moderate", "strong", "very_strong"
    ]  # fmt: skip


def test_each_goes_with_the_score_in_double_precision() -> None:
    score = np.linspace(0.5, 0.5 + 1e-9, 40)  # alike as float32
    rising = Column("a", np.arange(40, dtype=np.float32), None)

    class Source:
        keys = ("a", "b")

        def column(self, key: str) -> Column:
            return rising if key == "a" else Column("b", (np.arange(40) % 2).astype(np.float32), ("no", "yes"))

    nothing = np.zeros(40, dtype=np.uint8)
    found = associations(Population(np.arange(40), score, nothing, nothing, Source()), "a", "b", None)
    assert found.score_across.value == pytest.approx(1.0)
    assert (found.pair.kind, found.score_across.kind, found.score_up.kind) == ("ratio", "ranks", "ratio")
    frame = found.frame()
    assert frame.rows()[1][:4] == ("a", "score", "ranks", pytest.approx(1.0))
    assert frame.height == 3


def test_columns_of_other_clients_are_refused() -> None:
    with pytest.raises(InvalidOption, match=r"\(2,\), \(3,\)"):
        association(measure(1, 2, 3), measure(1, 2))
    with pytest.raises(InvalidOption, match="one value a client"):
        association(measure(1, 2), measure(1, 2), np.ones(3, dtype=np.bool_))
