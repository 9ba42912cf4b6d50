"""Into which bin every client falls, and the filters of bins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from data.errors import InvalidOption
from explain.crossfilter.axes import SCALES, Scale, axis
from explain.crossfilter.bins import Bins, bins
from explain.crossfilter.filters import Categories, Range
from explain.crossfilter.population import Column

NAN, INF = np.nan, np.inf
COLUMNS = arrays.arrays(
    np.float32,
    st.integers(0, 60),
    elements=st.one_of(
        st.floats(width=32),
        st.floats(0, 1, width=32),
        st.integers(-4, 4).map(float),
        st.sampled_from([NAN, INF, -INF]),
    ),
)


def binned(values: object, scale: Scale = "linear", count: int = 40) -> Bins:
    column = Column("AMT", np.asarray(values, dtype=np.float32), None)
    return bins(column, axis(column, scale), count)


@given(COLUMNS, st.sampled_from(SCALES), st.integers(1, 255))
def test_a_bin_holds_the_values_between_its_bounds_and_no_others(values: np.ndarray, scale: Scale, count: int) -> None:
    found = binned(values, scale, count)
    size = len(found)
    assert 1 <= size <= count
    assert found.edges.shape == (size + 1,)
    assert (np.diff(found.edges) > 0).all()
    assert (found.low[0], found.high[-1]) == (-INF, INF)
    low, high = found.low.astype(np.float32), found.high.astype(np.float32)
    assert (low == found.low).all()
    assert (high == found.high).all()
    assert (low <= high).all()
    with np.errstate(over="ignore"):
        assert (high[:-1] == np.nextafter(low[1:], np.float32(-INF))).all()  # no gap
    for number in range(size):
        np.testing.assert_array_equal(found.index == number, (values >= low[number]) & (values <= high[number]))
    np.testing.assert_array_equal(found.index == size, np.isnan(values))
    assert [found.bin_of(float(value)) for value in values] == found.index.tolist()


@given(COLUMNS, st.sampled_from(SCALES), st.integers(2, 50), st.data())
def test_a_client_is_drawn_between_the_edges_of_its_bin(
    values: np.ndarray, scale: Scale, count: int, data: st.DataObject
) -> None:
    column = Column("AMT", values, None)
    placed = axis(column, scale)
    found = bins(column, placed, count)
    for value in values[np.isfinite(values)]:
        place, number = placed.place_of(float(value)), found.bin_of(float(value))
        width = 1e-6 * max(abs(place), 1.0)
        assert number == 0 or place >= found.edges[number] - width
        assert number == len(found) - 1 or place <= found.edges[number + 1] + width


@given(COLUMNS, st.sampled_from(SCALES), st.data())
def test_the_filter_of_bins_keeps_their_clients(values: np.ndarray, scale: Scale, data: st.DataObject) -> None:
    found = binned(values, scale, 12)
    first = data.draw(st.integers(0, len(found)))
    last = data.draw(st.integers(first, len(found)))
    missing = data.draw(st.booleans())
    side = found.side(first, last, missing=missing)
    within = (found.index >= first) & (found.index <= min(last, len(found) - 1))
    expected = within | (np.isnan(values) & (missing or last == len(found)))
    if isinstance(side, Range):
        kept = ((values >= side.low) & (values <= side.high)) | (np.isnan(values) & side.missing)
    else:
        assert side == Categories("AMT", (), missing=True)
        kept = np.isnan(values)
    np.testing.assert_array_equal(kept, expected)


def test_whole_numbers_have_bins_of_a_whole_width() -> None:
    values = np.random.default_rng(1).integers(0, 1000, 5000)
    found = binned(values)
    assert set(np.diff(found.edges)) == {25.0}
    assert found.edges[0] == np.sort(values)[24] - 0.5
    np.testing.assert_array_equal(found.low[1:], np.ceil(found.edges[1:-1]))
    few = binned([0] * 1000 + [1, 2, 9])
    assert len(few) == 10
    np.testing.assert_array_equal(few.edges, np.arange(11) - 0.5)
    assert few.side(2, 2) == Range("AMT", 2, np.nextafter(np.float32(3), np.float32(0)))
    far = binned([0] * 1000 + [1] * 1000 + [500])
    np.testing.assert_array_equal(far.edges, [-0.5, 0.5, 1.5])
    assert far.side(1, 1) == Range("AMT", 1, INF)


def test_linear_bins_are_of_one_width_over_the_usual_values() -> None:
    values = np.random.default_rng(2).normal(0, 1, 10_001).astype(np.float32)
    values[:2] = 1e9, -1e9
    found = binned(values)
    column = Column("AMT", values, None)
    np.testing.assert_allclose(found.edges, np.linspace(*axis(column, "linear").usual, 41))
    expected = pd.cut(values.astype(np.float64), [-INF, *found.edges[1:-1], INF], right=False, labels=False)
    np.testing.assert_array_equal(found.index, expected)


def test_quantile_bins_hold_as_many_each_and_never_part_one_value() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, 40_000).astype(np.float32)
    counts = np.bincount(binned(values, "quantile").index, minlength=40)
    assert counts.shape == (40,)
    assert counts.min() > 990
    assert counts.max() < 1010
    values[rng.random(40_000) < 0.6] = 0
    found = binned(values, "quantile")
    own = found.bin_of(0.0)
    assert np.count_nonzero(found.index == own) >= np.count_nonzero(values == 0)
    assert len(found) < 20
    assert (found.edges[0], found.edges[-1]) == (0.0, 1.0)
    shares = np.bincount(found.index, minlength=len(found)) / values.size
    np.testing.assert_allclose(np.diff(found.edges), shares)  # a bar is as wide as it has clients


def test_log_bins_are_of_one_width_in_places_and_few_values_have_their_own() -> None:
    values = np.exp(np.random.default_rng(4).normal(8, 2, 5000)).astype(np.float32)
    widths = np.diff(binned(values, "log").edges)
    np.testing.assert_allclose(widths, widths[0])
    few = binned([0, 0, 1, 10, 100, 1000, NAN], "log")
    assert len(few) == 5
    assert few.index.tolist() == [0, 0, 1, 2, 3, 4, 5]
    alike = binned([1, np.nextafter(np.float32(1), np.float32(2)), 5], "log")  # at one place, and so in one bin
    assert alike.index.tolist() == [0, 0, 1]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("values", "index"),
    [
        ([7.5] * 3, [0, 0, 0]),
        ([NAN, NAN], [1, 1]),
        ([INF, NAN, INF], [0, 1, 0]),
        ([7.0], [0]),
        ([], []),
    ],
)
def test_one_bin_where_nothing_differs(scale: Scale, values: list[float], index: list[int]) -> None:
    found = binned(values, scale)
    assert len(found) == 1
    assert found.index.tolist() == index
    assert found.index.dtype == np.uint8
    assert not found.index.flags.writeable


def test_categories_have_a_bin_each() -> None:
    column = Column("level", np.float32([0, 2, NAN, 2]), ("low", "middle", "high"))
    found = bins(column, axis(column, "quantile"), 2)  # the count is of measures
    assert len(found) == 3
    assert found.index.tolist() == [0, 2, 3, 2]
    np.testing.assert_array_equal(found.edges, [-0.5, 0.5, 1.5, 2.5])
    np.testing.assert_array_equal(found.low, [0, 1, 2])
    np.testing.assert_array_equal(found.high, [0, 1, 2])
    assert found.categories == column.categories
    assert found.side(1, 2) == Categories("level", ("middle", "high"))
    assert found.side(2, 3) == Categories("level", ("high",), missing=True)
    assert found.side(3, 3) == Categories("level", (), missing=True)
    assert [found.bin_of(value) for value in (1, 3, -1, 0.5, NAN)] == [1, 3, 3, 3, 3]


def test_the_most_categories_that_there_can_be() -> None:
    names = tuple(f"C{number}" for number in range(255))
    values = np.append(np.arange(255), NAN).astype(np.float32)
    column = Column("X", values, names)
    np.testing.assert_array_equal(bins(column, axis(column, "linear")).index, np.arange(256))


def test_bins_that_there_are_not() -> None:
    found = binned([1.5, 2.5, 8.25], count=4)
    for first, last in ((-1, 2), (3, 2), (0, 5)):
        with pytest.raises(InvalidOption, match="AMT has bins 0 to 4"):
            found.side(first, last)
    for count in (0, 256):
        with pytest.raises(InvalidOption, match="1 to 255"):
            binned([1.5, 2.5], count=count)
