"""A feature set of a few clients and features, with every kind of odd value, and a model trained on it once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from data.feature_set import FORMAT, KIND, FeatureSet
from data.files import MANIFEST, describe_files, write_json
from models.train import train

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = (
    "EXT_SOURCE_2",
    "ORGANIZATION_TYPE_Trade: type 7",
    "ORGANIZATION_TYPE_Trade_ type 7",
    "POS_SK_DPD_MAX",
    "CC_SK_DPD_VAR",
    "AMT_CREDIT",
    "PREV_APP_CREDIT_PERC_MAX",
    "NOTHING",
)
CLIENTS, LABELLED = 700, 600


def make_features(folder: Path, clients: int = CLIENTS, labelled: int = LABELLED, seed: int = 0) -> FeatureSet:
    """Write a feature set whose first feature lowers the risk; NaN, infinities and denormals are among its values."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(len(NAMES), clients)).astype(np.float32)
    columns[1:3] = rng.random((2, clients)) < 0.3
    columns[3] = np.maximum(0, rng.normal(size=clients) * 20 - 10)
    columns[5] = rng.choice(np.array([1e5, 2e5, 3.5e5], dtype=np.float32), clients)
    columns[6, ::17] = np.inf
    columns[6, ::19] = np.float32(1e-40)
    columns[7] = np.nan
    risk = -2.0 * columns[0] + 0.05 * columns[3] + columns[1] - 1.7
    columns[0, rng.random(clients) < 0.2] = np.nan
    target = (rng.random(clients) < 1 / (1 + np.exp(-risk))).astype(np.int8)
    target[labelled:] = -1
    folder.mkdir(parents=True)
    ids = np.arange(100_001, 100_001 + clients)
    np.save(folder / "ids.npy", ids)
    np.save(folder / "target.npy", target)
    np.save(folder / "features.npy", columns)
    pl.DataFrame({"SK_ID_CURR": ids}).write_parquet(folder / "clients.parquet")
    known = target[:labelled]
    write_json(
        folder / MANIFEST,
        {
            "kind": KIND,
            "format": FORMAT,
            "clients": clients,
            "labelled": labelled,
            "defaults": int(known.sum()),
            "base_rate": float(known.mean()) if labelled else None,
            "names": list(NAMES),
            "absent": ["bureau"],
            "code": "test",
            "files": describe_files(folder, ("ids.npy", "target.npy", "features.npy", "clients.parquet")),
            "created": "2026-01-01T00:00:00+00:00",
        },
    )
    return FeatureSet.open(folder)


@pytest.fixture
def feature_set() -> Callable[..., FeatureSet]:
    """Write a feature set: `feature_set(folder, clients=, labelled=, seed=)`."""
    return make_features


@pytest.fixture(scope="session")
def features(tmp_path_factory: pytest.TempPathFactory) -> FeatureSet:
    """A feature set that no test changes."""
    return make_features(tmp_path_factory.mktemp("features") / "features")


@pytest.fixture(scope="session")
def model(features: FeatureSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of `features` that no test changes."""
    folder = tmp_path_factory.mktemp("model") / "model"
    train(features, folder, seed=1, threads=1)
    return folder
