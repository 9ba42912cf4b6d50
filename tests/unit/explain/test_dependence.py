from __future__ import annotations

import numpy as np
import pytest

from data.errors import InvalidOption
from explain.dependence import CURVE, DECILES, FEW, dependence, interactions

NAN, INF = np.nan, np.inf


def single(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def portfolio(clients: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    values = rng.lognormal(size=clients).astype(np.float32)
    values[rng.random(clients) < 0.15] = NAN
    contribution = np.where(np.isnan(values), -0.1, np.tanh(values)) + rng.normal(0, 0.05, clients)
    return values, contribution.astype(np.float32)


def test_every_client_is_at_its_value_and_in_one_bin():
    values, contribution = portfolio()
    found = dependence("x", values, contribution)
    assert found.place is values
    assert found.levels is None
    np.testing.assert_array_equal(found.missing, np.flatnonzero(np.isnan(values)))
    known = values.size - found.missing.size
    for bins, most in ((found.curve, CURVE), (found.deciles, DECILES)):
        assert bins.clients.size == most
        assert bins.clients.sum() == known
        assert np.all(bins.low <= bins.middle)
        assert np.all(bins.middle <= bins.high)
        assert np.all(bins.high[:-1] < bins.low[1:])


def test_a_bins_median_is_that_of_its_clients():
    values, contribution = portfolio()
    found = dependence("x", values, contribution).deciles
    for low, high, clients, quantiles in zip(found.low, found.high, found.clients, found.quantiles, strict=True):
        inside = (values >= low) & (values <= high)
        assert inside.sum() == clients
        np.testing.assert_allclose(quantiles, np.quantile(contribution[inside], (0.1, 0.5, 0.9)), rtol=1e-6)


def test_the_usual_range_leaves_out_the_furthest_and_the_whole_one_nobody():
    values, contribution = portfolio()
    values[7], contribution[7] = 1e9, 40.0
    found = dependence("x", values, contribution)
    assert found.range == (float(np.nanmin(values)), 1e9)
    assert found.usual[1] < 30
    assert found.heights[1] == 40.0
    assert found.usual_heights[1] < 2.0
    np.testing.assert_allclose(found.usual[0], np.nanquantile(values, 0.005), rtol=1e-2)


def test_equal_values_are_never_parted():
    values = np.repeat(np.arange(30, dtype=np.float32), [*[10] * 29, 5000])
    found = dependence("x", values, np.zeros(values.size, np.float32)).curve
    assert found.clients.sum() == values.size
    assert np.all(found.high[:-1] < found.low[1:])


def test_few_values_are_strips_around_their_number():
    rng = np.random.default_rng(3)
    values = rng.choice(single(-2, 0, 7.5), 3000)
    values[:10] = NAN
    found = dependence("x", values, values * np.float32(0.1))
    np.testing.assert_array_equal(found.levels, [-2, 0, 7.5])
    for number, value in enumerate(found.levels):
        place = found.place[values == np.float32(value)]
        assert np.all(np.abs(place - number) < 0.5)
        assert np.ptp(place) > 0.5
    assert np.isnan(found.place[:10]).all()
    assert found.range == found.usual == (-0.5, 2.5)
    assert found.place_of(7.5) == 2.0
    assert found.deciles.clients.size == 3
    assert np.isnan(found.place_of(NAN))


def test_a_value_more_is_no_longer_few():
    exactly = np.arange(FEW, dtype=np.float32)
    assert dependence("x", exactly, exactly).levels is not None
    more = np.arange(FEW + 1, dtype=np.float32)
    assert dependence("x", more, more).levels is None


def test_the_bin_of_a_value():
    values = np.arange(400, dtype=np.float32)
    found = dependence("x", values, values)
    for value in (0.0, 17.0, 399.0):
        at = found.alike(value)
        assert found.curve.low[at] <= value <= found.curve.high[at]
    assert found.alike(1e9) == found.curve.clients.size - 1
    assert found.alike(NAN) is None


def test_infinite_and_missing_values_have_no_bin():
    found = dependence("x", single(INF, -INF, NAN, 1, 2), single(5, -5, 3, 1, 2))
    assert found.deciles.clients.sum() == 2
    assert found.missing.tolist() == [2]
    assert found.frame()["clients"].to_list() == [1, 1, 1]
    nobody = dependence("x", single(NAN, NAN), single(1, 2))
    assert nobody.curve.clients.size == 0
    assert nobody.frame()["median"].to_list() == [1.5]
    assert nobody.alike(1.0) is None


def test_the_feature_that_tells_clients_apart_is_found():
    rng = np.random.default_rng(8)
    values = rng.normal(size=30_000).astype(np.float32)
    acts, noise, goes_along = rng.normal(size=(3, 30_000)).astype(np.float32)
    goes_along += 5 * values
    acts[rng.random(30_000) < 0.3] = NAN
    contribution = (values * (1 + 0.4 * np.nan_to_num(acts))).astype(np.float32)
    found = interactions(
        "x", values, contribution, [("along", goes_along), ("noise", noise), ("acts", acts), ("x", values)]
    )
    assert found.others[0] == "acts"
    assert set(found.others) == {"along", "noise", "acts"}
    strength = dict(zip(found.others, found.strength, strict=True))
    assert strength["acts"] > 0.5 > 0.1 > strength["noise"]


def test_strengths_are_the_correlations_in_bins():
    rng = np.random.default_rng(9)
    values = np.repeat(single(0, 1), 500)
    other = rng.normal(1e6, 3, 1000).astype(np.float32)
    contribution = (np.where(values == 0, other - 1e6, 1e6 - other) + rng.normal(0, 2, 1000)).astype(np.float32)
    found = interactions("x", values, contribution, [("other", other)])
    halves = [abs(np.corrcoef(contribution[half], other[half])[0, 1]) for half in (values == 0, values == 1)]
    np.testing.assert_allclose(found.strength, np.mean(halves), rtol=1e-4)


def test_that_a_value_is_missing_counts_too():
    rng = np.random.default_rng(10)
    values = rng.normal(size=5000).astype(np.float32)
    other = rng.normal(size=5000).astype(np.float32)
    other[::2] = NAN
    contribution = np.where(np.isnan(other), 0.3, -0.3).astype(np.float32)
    found = interactions("x", values, contribution, [("other", other)])
    assert found.strength[0] > 0.99


@pytest.mark.parametrize("other", [np.zeros(50), np.full(50, NAN), np.full(50, INF)])
def test_what_does_not_vary_tells_nobody_apart(other):
    values = np.arange(50, dtype=np.float32)
    found = interactions("x", values, values, [("other", other.astype(np.float32))])
    assert found.strength.tolist() == [0.0]
    flat = interactions("x", values, np.zeros(50, np.float32), [("y", values.copy())])
    assert flat.strength.tolist() == [0.0]
    assert interactions("x", values, values, []).frame().height == 0


def test_other_clients_are_refused():
    with pytest.raises(InvalidOption, match=r"x has values of shape \(2,\), the contributions are \(3,\)"):
        dependence("x", single(1, 2), single(1, 2, 3))
    with pytest.raises(InvalidOption, match="of whom there must be one"):
        dependence("x", single(), single())
    with pytest.raises(InvalidOption, match="Feature other"):
        interactions("x", single(1, 2), single(1, 2), [("other", single(1))])
