"""Whom filters keep, against plain numpy and pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Polygon

from data.errors import InvalidOption, UnknownColumn
from explain.crossfilter import survey
from explain.crossfilter.axes import AxisKey, Scale
from explain.crossfilter.filters import Box, Categories, Lasso, Range, columns_of, passes, passes_into

if TYPE_CHECKING:
    from collections.abc import Callable

    from explain.crossfilter.population import Population

NAN, INF = np.nan, np.inf
CLIENTS = 4000
KINDS = ("ant", "bee", "cat")
BOUNDS = st.one_of(st.floats(-4, 4), st.sampled_from([-INF, INF, 0.0, 1e300, -1e300]))


@pytest.fixture(autouse=True, params=[1, 3])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one thread, or several, do the work."""
    monkeypatch.setattr(survey, "ALONE", 10)
    monkeypatch.setattr(survey, "threads", lambda: request.param)


@pytest.fixture(scope="module")
def population(populated: Callable[..., Population]) -> Population:
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 1, (2, CLIENTS)).astype(np.float32)
    first[rng.random(CLIENTS) < 0.1] = NAN
    first[:4] = INF, -INF, 0.0, -0.0
    kind = rng.integers(0, 3, CLIENTS).astype(np.float32)
    kind[rng.random(CLIENTS) < 0.2] = NAN
    return populated({"FIRST": first, "SECOND": second, "EMPTY": first * NAN, "KIND": (kind, KINDS)})


@pytest.fixture(scope="module")
def frame(population: Population) -> pd.DataFrame:
    frame = pd.DataFrame({key: np.asarray(population.column(key).values) for key in population.keys})
    frame["KIND"] = frame["KIND"].map(dict(enumerate(KINDS)))
    return frame


@given(one=BOUNDS, other=BOUNDS, missing=st.booleans(), column=st.sampled_from(["FIRST", "SECOND", "EMPTY"]))
def test_a_range_keeps_what_pandas_does(
    population: Population, frame: pd.DataFrame, one: float, other: float, missing: bool, column: str
) -> None:
    kept = Range(column, min(one, other), max(one, other), missing)
    expected = frame[column].between(np.float32(kept.low), np.float32(kept.high))
    if missing:
        expected |= frame[column].isna()
    np.testing.assert_array_equal(passes(kept, population), expected)


@pytest.mark.parametrize("names", [(), ("bee",), ("cat", "ant"), ("dog",), ("dog", "bee"), KINDS])
@pytest.mark.parametrize("missing", [False, True])
def test_categories_keep_what_pandas_does(
    population: Population, frame: pd.DataFrame, names: tuple[str, ...], missing: bool
) -> None:
    expected = frame["KIND"].isin(names) | (frame["KIND"].isna() & missing)
    np.testing.assert_array_equal(passes(Categories("KIND", names, missing), population), expected)


def test_without_names_those_without_a_value_are_kept_of_a_measure_too(
    population: Population, frame: pd.DataFrame
) -> None:
    np.testing.assert_array_equal(passes(Categories("FIRST", (), missing=True), population), frame["FIRST"].isna())
    assert not passes(Categories("FIRST"), population).any()


def test_a_box_keeps_those_whom_both_sides_keep(population: Population, frame: pd.DataFrame) -> None:
    box = Box(Range("FIRST", -1, 0.5, missing=True), Categories("KIND", ("ant",)))
    expected = (frame["FIRST"].between(-1, 0.5) | frame["FIRST"].isna()) & (frame["KIND"] == "ant")
    np.testing.assert_array_equal(passes(box, population), expected)
    assert columns_of(box) == ("FIRST", "KIND")


def test_filters_can_be_put_one_after_the_other(population: Population, frame: pd.DataFrame) -> None:
    kept = np.ones(CLIENTS, dtype=np.bool_)
    triangle = Lasso(AxisKey("FIRST"), AxisKey("SECOND"), ((-2, -2), (2, -2), (0, 3)))
    filters = (Range("FIRST", -1, 1), Categories("KIND", ("ant", "bee")), triangle, Box(*[Range("SECOND", -1, 1)] * 2))
    expected = kept.copy()
    for one in filters:
        passes_into(one, population, kept, also=True)
        expected &= passes(one, population)
        np.testing.assert_array_equal(kept, expected)
    assert 0 < expected.sum() < CLIENTS
    passes_into(filters[0], population, kept)
    np.testing.assert_array_equal(kept, frame["FIRST"].between(-1, 1))


def inside(across: np.ndarray, up: np.ndarray, corners: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Return who is inside by the rule of even and odd, side by side, in double precision."""
    odd = np.zeros(across.size, dtype=np.bool_)
    x, y = across.astype(np.float64), up.astype(np.float64)
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y1 != y2:
            with np.errstate(invalid="ignore"):
                odd ^= ((y1 <= y) != (y2 <= y)) & (x < x1 + (y - y1) * ((x2 - x1) / (y2 - y1)))
    return odd


CORNERS = st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=3, max_size=30)


@given(corners=CORNERS, scale=st.sampled_from(["linear", "log", "quantile"]))
def test_a_lasso_keeps_those_inside_by_even_and_odd(
    population: Population, corners: list[tuple[float, float]], scale: Scale
) -> None:
    lasso = Lasso(AxisKey("FIRST", scale), AxisKey("SECOND"), tuple(corners))
    across, up = population.axis(lasso.across).places, population.axis(lasso.up).places
    np.testing.assert_array_equal(passes(lasso, population), inside(across, up, lasso.corners))


def test_a_lasso_agrees_with_matplotlib_on_a_simple_polygon(population: Population, frame: pd.DataFrame) -> None:
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radius = 1 + 0.5 * np.sin(5 * turn)
    corners = tuple(zip(radius * np.cos(turn), radius * np.sin(turn), strict=True))
    lasso = Lasso(AxisKey("FIRST"), AxisKey("SECOND"), corners)
    points = frame[["FIRST", "SECOND"]].to_numpy(np.float64)
    finite = np.isfinite(points).all(axis=1)
    expected = Polygon([*lasso.corners, lasso.corners[0]], closed=True).contains_points(
        np.where(finite[:, None], points, 99)
    )
    found = passes(lasso, population)
    np.testing.assert_array_equal(found, expected & finite)
    assert 500 < found.sum() < CLIENTS / 2


def test_a_lasso_round_bands_keeps_their_spread_clients(population: Population) -> None:
    lasso = Lasso(AxisKey("KIND"), AxisKey("SECOND"), ((0.5, -9), (1.5, -9), (1.5, 9), (0.5, 9)))
    np.testing.assert_array_equal(passes(lasso, population), passes(Categories("KIND", ("bee",)), population))


def test_the_corners_of_a_lasso_are_rounded_once_and_for_all() -> None:
    key = AxisKey("FIRST")
    lasso = Lasso(key, key, ((0.123456789, 1234567.0), (10.0, 1250000.0), (3.0, 1239999.0)))
    assert lasso.corners == ((0.123, 1234570.0), (10.0, 1250000.0), (3.0, 1240000.0))
    for corners in (lasso.corners, ((0, 0), (9.9996, 1), (5, 0.5)), ((1, 1), (1, 1), (1, 1))):
        first = Lasso(key, key, corners)
        assert Lasso(key, key, first.corners) == first
    assert hash(Lasso(key, key, lasso.corners)) == hash(lasso)


@given(corners=st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(-1e-9, 1e9)), min_size=3, max_size=8))
def test_rounding_moves_no_corner_further_than_a_thousandth(corners: list[tuple[float, float]]) -> None:
    lasso = Lasso(AxisKey("FIRST"), AxisKey("FIRST"), tuple(corners))
    assert Lasso(lasso.across, lasso.up, lasso.corners) == lasso
    given_, found = np.array(corners), np.array(lasso.corners)
    extent = np.ptp(given_, axis=0)
    assert (np.abs(found - given_) <= extent * 1.1e-3 + 1e-15 * np.abs(given_).max(axis=0)).all()


def test_one_client(populated: Callable[..., Population]) -> None:
    alone = populated({"FIRST": np.float32([0.5]), "KIND": (np.float32([NAN]), KINDS)})
    assert passes(Range("FIRST", 0.5, 0.5), alone).tolist() == [True]
    assert passes(Categories("KIND", KINDS), alone).tolist() == [False]
    assert passes(Lasso(AxisKey("FIRST"), AxisKey("FIRST"), ((0, 0), (1, 0), (1, 1), (0, 1))), alone).tolist() == [True]


def test_filters_of_another_kind_of_column_say_what_to_do(population: Population) -> None:
    with pytest.raises(InvalidOption, match=r"KIND is of categories, such as ant, bee.*not a range"):
        passes(Range("KIND", 0, 1), population)
    with pytest.raises(InvalidOption, match=r"FIRST is a measure.*give a range"):
        passes(Box(Range("SECOND"), Categories("FIRST", ("ant",))), population)
    with pytest.raises(UnknownColumn):
        passes(Range("THIRD"), population)
    with pytest.raises(UnknownColumn):
        passes(Lasso(AxisKey("THIRD"), AxisKey("FIRST"), ((0, 0), (1, 0), (1, 1))), population)


def test_ranges_and_lassos_that_cannot_be() -> None:
    with pytest.raises(InvalidOption, match="from a low to a high"):
        Range("FIRST", 2, 1)
    with pytest.raises(InvalidOption, match="from a low to a high"):
        Range("FIRST", NAN, 1)
    key = AxisKey("FIRST")
    for corners in (((0, 0), (1, 1)), ((0, 0),) * 401):
        with pytest.raises(InvalidOption, match="3 to 400 corners"):
            Lasso(key, key, corners)
    with pytest.raises(InvalidOption, match="finite"):
        Lasso(key, key, ((0, 0), (1, 1), (NAN, 0)))
