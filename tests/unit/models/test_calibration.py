"""Platt's calibration finds the slope and intercept that made the data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from data.errors import ModelError
from models.calibration import Calibrator, fit_platt


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.7, -0.4), (2.5, 1.0), (30.0, -1.0)])
def test_a_known_slope_and_intercept_are_recovered(slope, intercept):
    rng = np.random.default_rng(0)
    raw = rng.normal((-2.5 - intercept) / slope, 1.0 / slope, 200_000)
    defaulted = rng.random(len(raw)) < expit(slope * raw + intercept)
    found = fit_platt(raw, defaulted)
    assert found.slope == pytest.approx(slope, rel=0.05)
    assert found.intercept == pytest.approx(intercept, abs=0.08 * max(1.0, abs(intercept)))
    assert found.pd_of(raw).mean() == pytest.approx(defaulted.mean(), rel=1e-4)


def test_it_is_the_maximum_likelihood():
    rng = np.random.default_rng(1)
    raw = rng.normal(size=20_000)
    defaulted = rng.random(len(raw)) < expit(1.4 * raw - 2)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(raw[:, None], defaulted)
    found = fit_platt(raw, defaulted)
    assert found.slope == pytest.approx(reference.coef_[0, 0], rel=2e-3)
    assert found.intercept == pytest.approx(reference.intercept_[0], rel=2e-3)


def test_separated_classes_get_a_finite_slope():
    raw = np.concatenate([np.linspace(-2, -1, 50), np.linspace(1, 2, 50)])
    found = fit_platt(raw, raw > 0)
    assert np.isfinite(found.slope)
    assert 0 < found.pd_of(-2.0) < 0.1 < 0.9 < found.pd_of(2.0) < 1


def test_one_and_many_give_the_same():
    calibrator = Calibrator(1.1, -0.2)
    raw = np.linspace(-800, 800, 41)
    assert calibrator.pd_of(raw).tolist() == [calibrator.pd_of(float(value)) for value in raw]


@pytest.mark.parametrize(
    ("raw", "defaulted", "word"),
    [
        ([1.0, 2.0, 3.0], [True, True, True], "both classes"),
        ([1.0, 2.0, np.nan], [True, False, True], "finite"),
        ([1.0, 1.0, 1.0], [True, False, True], "same raw score"),
        ([1.0, 2.0, 3.0, 4.0], [True, True, False, False], "do not rank"),
    ],
)
def test_what_can_not_be_calibrated_is_refused(raw, defaulted, word):
    with pytest.raises(ModelError, match=word):
        fit_platt(np.array(raw), np.array(defaulted))


@pytest.mark.parametrize("slope", [0.0, -1.0, float("inf"), float("nan")])
def test_an_impossible_slope_is_refused(slope):
    with pytest.raises(ModelError, match="slope"):
        Calibrator(slope, 0.0)
