"""A small model in the layout of a model folder, and clients with every kind of missing and extreme value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import pytest

from data.features.feature import Feature
from data.files import describe_files, write_json
from explain.contributions import Explainer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SLOPE, INTERCEPT, BASE_RATE = 0.9, -0.15, 0.0807


def clients(count: int, seed: int = 7, features: int = 24) -> NDArray[np.float64]:
    """Return float32 values widened to float64, a fifth missing, a few infinite, some columns of few values."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, features))
    rows[:, 3] = rng.integers(0, 4, count)
    rows[:, 4] = rng.random(count) < 0.1
    rows[rng.random(rows.shape) < 0.2] = np.nan
    rows[rng.random(rows.shape) < 0.003] = np.inf
    rows[rng.random(rows.shape) < 0.003] = -np.inf
    return rows.astype(np.float32).astype(np.float64)


def booster_of(rows: NDArray[np.float64], seed: int = 1, trees: int = 60, **chosen: object) -> lgb.Booster:
    """Return a LightGBM model of default, which the first column lowers."""
    rng = np.random.default_rng(seed)
    known = np.nan_to_num(rows, nan=0.0, posinf=3.0, neginf=-3.0)
    risk = -1.5 * known[:, 0] + 0.8 * known[:, 1] * known[:, 2] + 0.5 * known[:, 3] - 0.4 * np.isnan(rows[:, 5])
    target = (risk + rng.logistic(size=len(rows)) > 1.0).astype(np.int8)
    parameters = {
        "objective": "binary",
        "num_leaves": 15,
        "max_depth": 8,
        "min_data_in_leaf": 5,
        "learning_rate": 0.2,
        "seed": 3,
        "deterministic": True,
        "num_threads": 2,
        "verbosity": -1,
        **chosen,
    }
    return lgb.train(parameters, lgb.Dataset(rows, target), num_boost_round=trees)


def write_model(folder: Path, booster: lgb.Booster, names: tuple[str, ...]) -> Path:
    """Write the files of a model folder that an explainer reads."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.txt").write_text(booster.model_to_string(), encoding="utf-8")
    write_json(folder / "calibrator.json", {"method": "platt", "slope": SLOPE, "intercept": INTERCEPT})
    edges = [0.2, 0.35, 0.45, 0.55, 0.65, 0.8]
    write_json(folder / "policy.json", {"base_rate": BASE_RATE, "threshold": 0.52, "level_edges": edges})
    write_json(folder / "card.json", {"features": [{"name": name} for name in names]})
    files = ("model.txt", "calibrator.json", "policy.json", "card.json")
    write_json(folder / "manifest.json", {"kind": "model", "format": 1, "files": describe_files(folder, files)})
    return folder


@pytest.fixture(scope="session")
def names() -> tuple[str, ...]:
    return tuple(f"FEATURE_{place}: type {place}" for place in range(24))


@pytest.fixture(scope="session")
def catalog(names: tuple[str, ...]) -> tuple[Feature, ...]:
    """Six groups of four features each, the members of one never side by side."""
    columns = [f"COLUMN_{place % 6}" for place in range(len(names))]
    return tuple(
        Feature(name, "application", "application", column, "value")
        for name, column in zip(names, columns, strict=True)
    )


@pytest.fixture(scope="session")
def training_rows() -> NDArray[np.float64]:
    return clients(1500)


@pytest.fixture(scope="session")
def rows() -> NDArray[np.float64]:
    """Clients that the model was not trained on."""
    return clients(400, seed=11)


@pytest.fixture(scope="session")
def booster(training_rows: NDArray[np.float64]) -> lgb.Booster:
    return booster_of(training_rows)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory, booster: lgb.Booster, names: tuple[str, ...]) -> Path:
    return write_model(tmp_path_factory.mktemp("model"), booster, names)


@pytest.fixture(scope="session")
def explainer(model_folder: Path) -> Explainer:
    return Explainer.load(model_folder)


@pytest.fixture(scope="session")
def make_booster() -> Callable[..., lgb.Booster]:
    return booster_of


@pytest.fixture(scope="session")
def make_clients() -> Callable[..., NDArray[np.float64]]:
    return clients
