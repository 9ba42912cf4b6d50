"""The model that the benchmark of the explanations explains: of a fixed size, trained once on a part of the clients.

It is as large as the models of this trade are, and larger than those this product trains. How well it ranks is of no
interest here, and it is not calibrated: its score's log-odds are its own, so that nothing but the contributions counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

from data.artefact import now, read_manifest
from data.errors import StoreError
from data.files import MANIFEST, describe_files, write_json, write_text
from data.staging import check_replaceable, folder_written_whole
from models.calibration import Calibrator
from models.constraints import model_names
from models.export import write_graph
from models.folder import CALIBRATOR, CARD, FORMAT, GRAPH, KIND, POLICY, TEXT
from models.policy import Policy

if TYPE_CHECKING:
    from pathlib import Path

    from data.feature_set import FeatureSet
    from data.progress import Report

TREES = 500
TRAINED_ON = 60_000
"""Labelled clients, at most."""
_PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "num_leaves": 31,
    "max_depth": 8,
    "learning_rate": 0.02,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "seed": 0,
    "deterministic": True,
    "force_col_wise": True,
    "num_threads": 1,  # more wait for one another at every step, for long where the processor has other work
    "verbosity": -1,
}


def make_model(features: FeatureSet, out: Path, report: Report) -> None:
    """Train a model on a feature set and write its folder, whole or not at all; one of this data is kept.

    Raises
    ------
    StoreError
        `out` is something else than a model, or can't be written.
    """
    chosen = np.flatnonzero(features.target >= 0)[:TRAINED_ON]
    made_of = {"parameters": _PARAMETERS, "trees": TREES, "clients": len(chosen), "data_hash": features.data_hash}
    if _made_of(out) == made_of:
        report("model already there", 1.0)
        return
    check_replaceable(out, KIND)
    defaulted = features.target[chosen] == 1

    def told(state: lgb.callback.CallbackEnv) -> None:
        report("growing the model's trees", (state.iteration + 1) / TREES)

    clients = lgb.Dataset(
        features.columns[:, chosen].T, defaulted.astype(np.float32), feature_name=list(model_names(features.names))
    )
    booster = lgb.train(_PARAMETERS, clients, num_boost_round=TREES, callbacks=[told])
    text = booster.model_to_string()
    with folder_written_whole(out, KIND) as staged:
        write_text(staged / TEXT, text)
        write_graph(staged, text, features.names)
        write_json(staged / CALIBRATOR, Calibrator(1.0, 0.0).as_json())
        write_json(staged / POLICY, Policy(float(defaulted.mean())).as_json())
        write_json(staged / CARD, {"features": [{"name": name} for name in features.names]})
        files = describe_files(staged, (TEXT, GRAPH, CALIBRATOR, POLICY, CARD))
        manifest = {"kind": KIND, "format": FORMAT, "made_of": made_of, "files": files, "created": now()}
        write_json(staged / MANIFEST, manifest)


def _made_of(folder: Path) -> Any:
    try:
        return read_manifest(folder, KIND, FORMAT, ("made_of", "files"), "")["made_of"]
    except StoreError:
        return None
