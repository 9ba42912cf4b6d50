"""Where clients lie along axes, what is drawn between two places, and where a filter is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import rankdata

from data.errors import InvalidOption
from explain.crossfilter import survey
from explain.crossfilter.axes import SCALES, SPREAD, Axis, AxisKey, Scale, axis, usual_scale
from explain.crossfilter.filters import Categories, Range
from explain.crossfilter.population import Column

if TYPE_CHECKING:
    from explain.crossfilter.filters import Side

NAN, INF = np.nan, np.inf
COLUMNS = arrays.arrays(
    np.float32,
    st.integers(1, 40),
    elements=st.one_of(
        st.floats(width=32),
        st.floats(-100, 100, width=32),
        st.integers(-4, 4).map(float),
        st.sampled_from([NAN, INF, -INF]),
    ),
)


def measure(*values: float, key: str = "AMT") -> Column:
    own = np.array(values, dtype=np.float32)
    own.setflags(write=False)
    return Column(key, own, None)


def kept(side: Side, column: Column) -> np.ndarray:
    """Return whom a filter keeps, in plain numpy."""
    values = column.values
    missing = np.isnan(values) & side.missing
    if isinstance(side, Range):
        return ((values >= side.low) & (values <= side.high)) | missing
    numbers = [number for number, name in enumerate(column.categories or ()) if name in side.names]
    return np.isin(values, numbers) | missing


def test_a_linear_axis_is_the_column_itself() -> None:
    column = measure(1.5, NAN, 2.5, -3.25)
    found = axis(column, "linear")
    assert found.places is column.values
    assert (found.spread, found.unit, found.full) == (0.0, 1.0, (-3.25, 2.5))
    assert (found.place_of(2.5), found.value_at(2.5)) == (2.5, 2.5)
    assert np.isnan([found.place_of(NAN), found.place_of(INF)]).all()


def test_infinite_values_have_a_place_on_a_quantile_scale_alone() -> None:
    column = measure(1.5, INF, NAN, -INF, 0.5)
    np.testing.assert_array_equal(axis(column, "linear").places, np.float32([1.5, NAN, NAN, NAN, 0.5]))
    assert np.isfinite(axis(column, "log").places).tolist() == [True, False, False, False, True]
    np.testing.assert_allclose(axis(column, "quantile").places, [0.625, 0.875, NAN, 0.125, 0.375])


@given(COLUMNS)
def test_quantile_places_are_mean_ranks(values: np.ndarray) -> None:
    found = axis(Column("AMT", values, None), "quantile")
    known = ~np.isnan(values)
    expected = (rankdata(values[known]) - 0.5) / max(np.count_nonzero(known), 1)
    np.testing.assert_array_equal(found.places[known], expected.astype(np.float32))
    assert np.isnan(found.places[~known]).all()
    for value in values:
        np.testing.assert_array_equal(
            found.place_of(float(value)), found.places[values == value][:1] if value == value else NAN
        )


@given(COLUMNS)
def test_log_places_follow_the_formula_in_a_power_of_ten(values: np.ndarray) -> None:
    found = axis(Column("AMT", values, None), "log")
    assert np.log10(found.unit) == pytest.approx(round(np.log10(found.unit)))
    double = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        expected = np.sign(double) * np.log10(1 + np.abs(double) / found.unit)
    finite = np.isfinite(values)
    np.testing.assert_allclose(found.places[finite], expected[finite], rtol=1e-6)
    assert np.isnan(found.places[~finite]).all()
    for value, place in zip(values, found.places, strict=True):
        np.testing.assert_array_equal(np.float32(found.place_of(float(value))), place)
        if np.isfinite(place):
            assert found.value_at(float(place)) == pytest.approx(float(value), rel=1e-4, abs=1e-5 * found.unit)


def test_the_log_unit_is_near_the_first_decile_of_what_is_not_0() -> None:
    values = np.concatenate([np.zeros(500), 10 ** np.random.default_rng(1).uniform(3.2, 6, 1000)]).astype(np.float32)
    assert axis(Column("AMT", values, None), "log").unit == 1000.0
    assert axis(Column("AMT", -values, None), "log").unit == 1000.0
    assert axis(measure(0, 0, NAN), "log").unit == 1.0


def test_usual_leaves_the_furthest_out_and_full_does_not() -> None:
    values = np.random.default_rng(2).normal(0, 1, 20_001).astype(np.float32)
    values[:3] = 1e6, -1e6, NAN
    found = axis(Column("AMT", values, None), "linear")
    ends = np.sort(values[~np.isnan(values)])
    assert found.usual == (ends[99], ends[-100])
    assert found.full == (-1e6, 1e6)
    assert axis(Column("AMT", values, None), "quantile").usual == (0.0, 1.0)
    log = axis(Column("AMT", values, None), "log")
    assert log.usual == log.full == (log.place_of(-1e6), log.place_of(1e6))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    "values", [[7.5] * 5, [4.5e15], [7.5], [NAN] * 4, [INF, -INF], [0.0, -0.0], [7.5] * 400 + [9.25], []]
)
def test_ends_are_always_apart(scale: Scale, values: list[float]) -> None:
    found = axis(measure(*values), scale)
    for low, high in (found.usual, found.full):
        assert np.isfinite([low, high]).all()
        assert low < high
    assert found.full[0] <= found.usual[0] < found.usual[1] <= found.full[1]
    assert found.places.shape == (len(values),)
    if len(values) == 401 and scale == "linear":
        assert found.usual == (7.5, 9.25)  # the few others are what there is to see


def test_few_whole_numbers_and_categories_are_spread_where_they_are() -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(0, 20, 20_000).astype(np.float32)
    values[::7] = NAN
    for column in (Column("CNT", values, None), Column("CNT", values, tuple("abcdefghijklmnopqrst"))):
        found = axis(column, "linear")
        assert found.spread == SPREAD
        known = ~np.isnan(values)
        off = found.places[known] - values[known]
        assert np.isnan(found.places[~known]).all()
        assert -0.4001 < off.min() < -0.399
        assert 0.399 < off.max() < 0.4001
        counts, _ = np.histogram(off, 8)
        assert counts.min() > 0.9 * counts.mean()
        np.testing.assert_array_equal(found.places, axis(column, "linear").places)
        assert found.full == (-0.5, 19.5)
    one, other = (axis(Column(key, values, None), "linear").places - values for key in ("ONE", "OTHER"))
    assert abs(np.corrcoef(one[known], other[known])[0, 1]) < 0.03  # else two columns would make a line


def test_many_or_far_whole_numbers_are_not_spread() -> None:
    assert axis(measure(*range(31)), "linear").spread == 0.0
    assert axis(measure(1e6, 2e6), "linear").spread == 0.0
    assert axis(measure(0, 1), "log").spread == 0.0


def test_spread_does_not_depend_on_how_the_work_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    column = measure(*np.random.default_rng(4).integers(0, 5, 1000))
    alone = axis(column, "linear").places
    monkeypatch.setattr(survey, "ALONE", 10)
    monkeypatch.setattr(survey, "threads", lambda: 4)
    np.testing.assert_array_equal(axis(column, "linear").places, alone)


@given(COLUMNS, st.sampled_from(SCALES), st.floats(-0.2, 1.2), st.floats(-0.2, 1.2))
def test_what_is_drawn_between_two_places_is_what_its_filter_keeps(
    values: np.ndarray, scale: Scale, one: float, other: float
) -> None:
    column = Column("AMT", values, None)
    found = axis(column, scale)
    width = found.full[1] - found.full[0]
    ends = sorted(np.float64(found.full[0] + share * width) for share in (one, other))
    side = found.side(ends[1], ends[0])
    assert side == found.side(*ends)
    with np.errstate(invalid="ignore"):
        if found.spread:
            whole = values.astype(np.float64)
            inside = (whole + SPREAD >= ends[0] - 1e-9) & (whole - SPREAD <= ends[1] + 1e-9) & np.isfinite(values)
        else:
            inside = (found.places >= ends[0]) & (found.places <= ends[1])
    by_filter = kept(side, column)
    placed = ~np.isnan(found.places)
    np.testing.assert_array_equal(by_filter[placed], inside[placed])
    # Those without a place are kept where the filter is open on their side.
    if isinstance(side, Range):
        assert (side.low == -INF) == (ends[0] < found.full[0]) or scale == "quantile"
        assert (side.high == INF) == (ends[1] > found.full[1]) or scale == "quantile"
        np.testing.assert_array_equal(by_filter[np.isposinf(values)], side.high == INF)


@given(COLUMNS, st.sampled_from(SCALES), st.floats(-0.2, 1.2), st.floats(-0.2, 1.2))
def test_a_filter_is_drawn_where_it_keeps_the_same_clients(
    values: np.ndarray, scale: Scale, one: float, other: float
) -> None:
    column = Column("AMT", values, None)
    found = axis(column, scale)
    width = found.full[1] - found.full[0]
    side = found.side(found.full[0] + one * width, found.full[0] + other * width)
    span = found.span(side)
    placed = np.isfinite(values)
    if span is None:
        assert not kept(side, column)[placed].any()
    else:
        assert found.full[0] <= span[0] <= span[1] <= found.full[1]
        np.testing.assert_array_equal(kept(found.side(*span), column)[placed], kept(side, column)[placed])


def test_the_bands_of_categories_that_are_touched_are_kept() -> None:
    column = Column("level", np.float32([0, 1, 2, NAN]), ("low", "middle", "high"))
    found = axis(column, "log")  # the scale is of no account
    assert found.side(0.55, 1.3) == Categories("level", ("middle",))
    assert found.side(1.7, 0.3) == Categories("level", ("low", "middle", "high"))
    assert found.side(0.41, 0.59) == Categories("level")
    assert found.side(-5, -3) == Categories("level")
    assert found.side(-5, 9) == Categories("level", column.categories or ())
    assert found.span(Categories("level", ("middle",))) == (0.5, 1.5)
    assert found.span(Categories("level", ("high", "low"))) == (-0.5, 2.5)
    assert found.span(Categories("level", ("other",), missing=True)) is None
    assert found.span(Range("level", 0, 1)) is None
    assert (found.place_of(2), found.value_at(1.4), found.value_at(99)) == (2.0, 1.0, 2.0)
    assert np.isnan([found.place_of(3), found.place_of(-1), found.place_of(0.5), found.place_of(NAN)]).all()


def test_the_bands_of_whole_numbers_that_are_touched_are_kept() -> None:
    found = axis(measure(0, 1, 2, 3, 3), "linear")
    assert found.side(0.55, 2.3) == Range("AMT", 1, 2)
    assert found.side(0.45, 0.55) == Categories("AMT")  # between two bands there is nobody
    assert found.side(1.8, 7) == Range("AMT", 2, INF)
    assert found.span(Range("AMT", 1, 2)) == (0.5, 2.5)
    assert found.span(Range("AMT", 0.5, 2.5)) == (0.5, 2.5)
    assert found.span(Range("AMT", 2, INF)) == (1.5, 3.5)
    assert found.span(Range("AMT", 8, 9)) is None
    assert (found.value_at(1.39), found.value_at(1.5)) == (1.0, 1.5)


def test_bounds_of_whole_numbers_are_whole() -> None:
    found = axis(measure(*range(0, 5000, 7)), "linear")
    assert found.side(10.3, 999.7) == Range("AMT", 11, 999)
    side = axis(measure(*range(0, 5000, 7)), "log").side(0.5, 1.5)
    assert isinstance(side, Range)
    assert float(side.low).is_integer()
    assert float(side.high).is_integer()


def test_a_column_without_values_is_shown_all_the_same() -> None:
    for scale in SCALES:
        found = axis(measure(NAN, NAN), scale)
        assert np.isnan(found.places).all()
        assert np.isnan(found.place_of(NAN))
        assert found.span(Range("AMT")) == (None if scale == "quantile" else found.full)
        assert isinstance(found.side(*found.full), Range | Categories)


def test_the_usual_scale_is_log_for_what_is_very_skewed_alone() -> None:
    rng = np.random.default_rng(6)
    amounts = np.where(rng.random(5000) < 0.4, 0, np.exp(rng.normal(10, 2, 5000))).astype(np.float32)
    assert usual_scale(Column("DEBT", amounts, None)) == "log"
    assert usual_scale(Column("DEBT", -amounts, None)) == "log"
    for key in ("score", "contribution.DEBT"):
        assert usual_scale(Column(key, amounts, None)) == "linear"
    assert usual_scale(Column("X", rng.normal(0, 1, 5000).astype(np.float32), None)) == "linear"
    assert usual_scale(Column("X", rng.exponential(1, 5000).astype(np.float32), None)) == "linear"
    assert usual_scale(measure(*[0.0] * 500, *range(20))) == "linear"
    assert usual_scale(Column("X", amounts[:2], ("a", "b"))) == "linear"
    assert usual_scale(measure(NAN, NAN)) == "linear"
    assert usual_scale(measure()) == "linear"


def test_places_and_scales_that_there_are_not() -> None:
    found = axis(measure(1, 2), "linear")
    assert isinstance(found, Axis)
    with pytest.raises(InvalidOption, match="finite"):
        found.side(NAN, 1)
    with pytest.raises(InvalidOption, match="'lin'"):
        axis(measure(1, 2), "lin")  # type: ignore[arg-type]
    assert found.key == AxisKey("AMT", "linear")
