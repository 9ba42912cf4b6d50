"""A small model in the layout of a model folder, and clients with every kind of missing and extreme value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest

from data.feature_set import FeatureSet
from data.features.catalog import features as catalog_features
from data.features.feature import Feature
from data.files import describe_files, write_json
from data.progress import silent
from data.sources import import_raw
from data.store import features_from
from data.synthetic_tables import make_synthetic
from explain.contribution_parts import write_contributions
from explain.contributions import Explainer
from models.export import write_graph

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from explain.contribution_store import ContributionStore

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


CATALOGUED = (
    "EXT_SOURCE_2", "AMT_CREDIT", "AMT_ANNUITY", "CODE_GENDER", "FLAG_OWN_CAR", "DAYS_BIRTH", "DAYS_EMPLOYED",
    "DAYS_EMPLOYED_PERC", "PAYMENT_RATE", "BURO_DAYS_CREDIT_MIN", "BURO_DAYS_CREDIT_MAX", "BURO_DAYS_CREDIT_MEAN",
    "ACTIVE_AMT_CREDIT_SUM_DEBT_SUM", "PREV_AMT_ANNUITY_MIN", "PREV_AMT_ANNUITY_MAX", "PREV_APP_CREDIT_PERC_MIN",
    "POS_MONTHS_BALANCE_MAX", "POS_SK_DPD_MAX", "POS_COUNT", "INSTAL_DPD_MAX", "INSTAL_DPD_MEAN", "INSTAL_COUNT",
    "CC_AMT_BALANCE_MAX", "CC_COUNT",
)  # fmt: skip
"""Names of the catalogue, of several tables, some of one source column."""


def write_feature_set(folder: Path, rows: NDArray[np.float64], names: tuple[str, ...] = CATALOGUED) -> FeatureSet:
    """Write clients, float64 (n, F), as a feature set without labels."""
    folder.mkdir(parents=True)
    ids = np.arange(100_001, 100_001 + len(rows))
    np.save(folder / "ids.npy", ids)
    np.save(folder / "target.npy", np.full(len(rows), -1, np.int8))
    np.save(folder / "features.npy", np.ascontiguousarray(rows.T.astype(np.float32)))
    pl.DataFrame({"SK_ID_CURR": ids}).write_parquet(folder / "clients.parquet")
    write_json(
        folder / "manifest.json",
        {
            "kind": "feature set",
            "format": 1,
            "clients": len(rows),
            "labelled": 0,
            "defaults": 0,
            "base_rate": None,
            "names": list(names),
            "absent": [],
            "code": "test",
            "files": describe_files(folder, ("ids.npy", "target.npy", "features.npy", "clients.parquet")),
            "created": "2026-01-01T00:00:00+00:00",
        },
    )
    return FeatureSet.open(folder)


@pytest.fixture(scope="session")
def make_feature_set() -> Callable[..., FeatureSet]:
    return write_feature_set


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Path]:
    """Write a model folder that a scorer and an explainer read: `make_model(folder, booster, names)`."""

    def make(folder: Path, booster: lgb.Booster, names: tuple[str, ...] = CATALOGUED) -> Path:
        write_model(folder, booster, names)
        write_graph(folder, booster.model_to_string(), names)
        manifest = json.loads((folder / "manifest.json").read_text())
        write_json(
            folder / "manifest.json",
            {**manifest, "files": {**manifest["files"], **describe_files(folder, ["model.onnx"])}},
        )
        return folder

    return make


@pytest.fixture(scope="session", name="features")
def features_on_disk(tmp_path_factory: pytest.TempPathFactory, rows: NDArray[np.float64]) -> FeatureSet:
    """The 400 clients of `rows` on disk."""
    return write_feature_set(tmp_path_factory.mktemp("features") / "features", rows)


@pytest.fixture(scope="session")
def scoring_model(
    tmp_path_factory: pytest.TempPathFactory, booster: lgb.Booster, make_model: Callable[..., Path]
) -> Path:
    """The folder of a model that scores and explains `features`."""
    return make_model(tmp_path_factory.mktemp("scoring") / "model", booster)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, features: FeatureSet, scoring_model: Path) -> ContributionStore:
    """The contributions of `features`, which no test changes."""
    out = tmp_path_factory.mktemp("shapley") / "store"
    return write_contributions(features, scoring_model, out, catalog=catalog_features(()))


@pytest.fixture(scope="session")
def portfolio_columns(tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.float32]:
    """The catalogue's 795 features of 2,000 synthetic clients, (795, 2000) float32."""
    folder = tmp_path_factory.mktemp("portfolio")
    make_synthetic(2_000, 5, folder / "tables")
    import_raw(folder / "tables", folder / "imported", silent)
    found = features_from(folder / "imported", folder / "features")
    return np.stack([found.column(feature.name) for feature in catalog_features()])
