"""How good a model is on some clients, and whether its ONNX graph says what LightGBM says."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import polars as pl

from data.errors import ModelError
from data.progress import part, silent
from data.schema import CLIENT_ID
from models import metrics
from models.card import read_card
from models.folder import OUT_OF_FOLD, TEXT, read_manifest, verified_bytes
from models.scorer import CHUNK_CLIENTS, Scorer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from data.feature_set import FeatureSet
    from data.progress import Report


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Quality over the labelled clients, and parity over all of them.

    Attributes
    ----------
    auc, auc_low, auc_high : area under the ROC curve and DeLong's 95 % interval.
    ks, brier : Kolmogorov-Smirnov distance and Brier score of the PD.
    clients : scored, labelled or not.
    labelled_clients : those that quality was measured on.
    out_of_fold_clients : those of them judged out of fold; 0 where the model was trained on another feature set.
    bit_equal_share : share of all clients on which ONNX and LightGBM give the same raw score, bit for bit.
    """

    auc: float
    auc_low: float
    auc_high: float
    ks: float
    brier: float
    clients: int
    labelled_clients: int
    out_of_fold_clients: int
    bit_equal_share: float

    def as_json(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)


def evaluate(folder: Path, features: FeatureSet, threads: int = 2, report: Report = silent) -> Evaluation:
    """Evaluate the model of a folder on the clients of a feature set.

    On the feature set the model was trained on, a client is judged by the fold that did not see them; on any other,
    by the model.

    Raises
    ------
    FeatureMismatch
        Other features than the model's.
    HashMismatch
        A file of the model is not the one its manifest describes.
    ModelError
        No labelled client, or of one class only.
    """
    scorer = Scorer.load(folder)
    scorer.check_names(features.names)
    manifest = read_manifest(folder)
    booster = lgb.Booster(model_str=verified_bytes(folder, manifest, TEXT).decode())
    scores = scorer.score_features(features, threads, part(report, 0.0, 0.3))
    same = bit_equal(booster, features, scores.raw, threads, part(report, 0.3, 1.0))

    labelled = np.flatnonzero(features.target >= 0)
    if not len(labelled):
        raise ModelError(
            f"{features.folder} has no labelled client: quality can't be measured. Scores can: models score."
        )
    pd = scores.pd[labelled]
    trained_on = read_card(folder).data_hash == features.data_hash
    if trained_on:
        pd = _out_of_fold_pd(verified_bytes(folder, manifest, OUT_OF_FOLD), features.ids[labelled])
    defaulted = features.target[labelled] == 1
    auc = metrics.auc(defaulted, pd)
    return Evaluation(
        auc=auc.value,
        auc_low=auc.low,
        auc_high=auc.high,
        ks=metrics.ks(defaulted, pd),
        brier=metrics.brier(defaulted, pd),
        clients=len(scores),
        labelled_clients=len(labelled),
        out_of_fold_clients=len(labelled) if trained_on else 0,
        bit_equal_share=float(same.mean()),
    )


def _out_of_fold_pd(content: bytes, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    seen = pl.read_parquet(io.BytesIO(content))
    if not np.array_equal(seen[CLIENT_ID].to_numpy(), ids):
        raise ModelError(f"{OUT_OF_FOLD} is not of the clients that the card names. Train the model again.")
    return seen["pd"].to_numpy().astype(np.float64)


def bit_equal(
    booster: lgb.Booster,
    features: FeatureSet,
    raw: NDArray[np.float64],
    threads: int,
    report: Report = silent,
) -> NDArray[np.bool_]:
    """Return whether each client's raw score, float64 (n,), is LightGBM's own, bit for bit, bool (n,)."""
    same = np.empty(len(raw), dtype=np.bool_)
    for start in range(0, len(raw), CHUNK_CLIENTS):
        chosen = slice(start, min(start + CHUNK_CLIENTS, len(raw)))
        expected = np.asarray(booster.predict(features.rows(chosen), raw_score=True, num_threads=threads))
        same[chosen] = expected.view(np.int64) == np.ascontiguousarray(raw[chosen]).view(np.int64)
        report("comparing with LightGBM", chosen.stop / len(raw))
    return same
