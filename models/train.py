"""Training: LightGBM on the labelled clients, unweighted, with honest out-of-fold scores, calibrated and exported.

Quality is measured out of fold. The folds are trained in step, and all of them, like the final model, stop at the one
iteration whose held-out loss, averaged over the folds, is least; no fold chooses its own end. That single number is all
that held-out clients decide. Bins are cut on the features of all labelled clients together, without their targets. The
final model is trained on every labelled client, so its scores of these very clients are in-sample.
"""

from __future__ import annotations

import platform
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import polars as pl
from sklearn.model_selection import StratifiedKFold

from data.artefact import now
from data.errors import ModelError, NotExportable
from data.files import write_json, write_text, written_whole
from data.progress import part, silent
from data.schema import CLIENT_ID, TARGET
from data.staging import folder_written_whole
from models import metrics
from models.calibration import fit_platt
from models.card import CardFeature, ModelCard
from models.constraints import direction, model_names
from models.export import write_graph
from models.folder import CALIBRATOR, CARD, KIND, OUT_OF_FOLD, POLICY, TEXT, write_manifest
from models.policy import COST_OPTIMAL_PD, Policy
from models.scorer import Scorer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from data.feature_set import FeatureSet
    from data.progress import Report

    _Fold = tuple[NDArray[np.intp], NDArray[np.intp]]

FOLDS = 5
MOST_TREES = 600
PATIENCE = 50
MIDDLING, LARGE = 20_000, 100_000
"""Labelled clients from which on a tree may weigh more, and then be larger; with fewer, that ranks the unseen worse."""
GROWN_AT_ONCE = 10
PREDICTED_AT_ONCE = 8192
CHECKED_CLIENTS = 2000
NOTES = (
    "AUC, KS, Brier score and reliability are out-of-fold, over five stratified folds.",
    "The calibration was fitted on the same out-of-fold scores as the Brier score and the reliability are measured on.",
    "The scores that this model gives to the clients it was trained on are in-sample: they look better than they are.",
    "The folds share one number of trees, where their mean held-out loss is least.",
)


def parameters(labelled: int, monotone: list[int], seed: int) -> dict[str, Any]:
    """Return LightGBM's parameters for so many labelled clients; shallow trees are quick to explain exactly."""
    middling, large = labelled >= MIDDLING, labelled >= LARGE
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "learning_rate": 0.25 if middling else 0.1,
        "num_leaves": 15 if large else 5,
        "max_depth": 5 if large else 3,
        "min_data_in_leaf": max(2, min(60, labelled // 20)),
        "feature_fraction": 0.4,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 60.0 if middling else 30.0,
        "monotone_constraints": monotone,
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }


def train(
    features: FeatureSet,
    out: Path,
    *,
    seed: int = 0,
    threads: int = 2,
    report: Report = silent,
    policy: Callable[[float], Policy] = Policy,
) -> ModelCard:
    """Train a model on the labelled clients and write its folder, whole or not at all.

    Parameters
    ----------
    features : of the clients; float32, trained on and served as such, widened to double.
    out : folder of the model; a model that is there is replaced once the new one is finished.
    seed : of the folds and of LightGBM; the same seed, data and libraries give the same model.
    threads : how many boosters grow side by side; the model does not depend on it.
    report : told how far the work is.
    policy : makes the policy from the base rate.

    Returns
    -------
    ModelCard
        What the model is and how good, as written to `card.json`.

    Raises
    ------
    ModelError
        Too few clients of a class, or features that do not rank the clients.
    StoreError
        `out` is something else than a model, or can't be written.
    """
    clock = _Clock()
    chosen = np.flatnonzero(features.target >= 0)
    defaulted = features.target[chosen] == 1
    _check_classes(defaulted, features.folder)
    with folder_written_whole(out, KIND) as staged:
        directions = [direction(name) for name in features.names]
        plain_names = model_names(features.names)
        settings = parameters(len(chosen), directions, seed)
        folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(defaulted, defaulted))
        report("preparing the clients", 0.0)
        with clock.step("binning"):
            clients = lgb.Dataset(
                features.columns[:, chosen].T,
                defaulted.astype(np.float32),
                feature_name=list(plain_names),
                params={**settings, "num_threads": threads},
            ).construct()
        with ThreadPoolExecutor(threads, initializer=_silence_lightgbm) as pool:
            with clock.step("growing"):
                boosters, booster, losses = _grow(clients, folds, settings, pool, part(report, 0.05, 0.9))
            trees = len(losses)
            with clock.step("out_of_fold"):
                raw = _out_of_fold(features, chosen, folds, boosters, trees, pool)
        text = booster.model_to_string(num_iteration=trees)
        report("calibrating and exporting", 0.93)
        calibrator = fit_platt(raw, defaulted)
        pd = calibrator.pd_of(raw)
        decided = policy(float(defaulted.mean()))
        write_text(staged / TEXT, text)
        with clock.step("export"):
            write_graph(staged, text, features.names)
        write_json(staged / CALIBRATOR, calibrator.as_json())
        write_json(staged / POLICY, decided.as_json())
        with written_whole(staged / OUT_OF_FOLD) as path:
            columns = {CLIENT_ID: features.ids[chosen], TARGET: features.target[chosen], "raw": raw, "pd": pd}
            pl.DataFrame(columns).write_parquet(path)
        card = ModelCard(
            created=now(),
            data_hash=features.data_hash,
            absent_tables=features.absent_tables,
            clients=len(features.ids),
            labelled=len(chosen),
            defaults=int(defaulted.sum()),
            base_rate=decided.base_rate,
            features=tuple(map(CardFeature, features.names, plain_names, directions)),
            trees=trees,
            loss_curve=tuple(losses),
            parameters={key: value for key, value in settings.items() if key != "monotone_constraints"},
            seed=seed,
            threads=threads,
            folds=FOLDS,
            slope=calibrator.slope,
            intercept=calibrator.intercept,
            reliability=metrics.reliability(defaulted, pd),
            auc=metrics.auc(defaulted, raw),
            ks=metrics.ks(defaulted, raw),
            brier=metrics.brier(defaulted, pd),
            threshold=decided.threshold,
            cost_optimal_threshold=decided.score_of(COST_OPTIMAL_PD),
            cheapest_threshold=decided.score_of(metrics.cheapest_pd(defaulted, pd)),
            versions=_versions(),
            seconds=clock.seconds,
            notes=NOTES,
        )
        write_json(staged / CARD, card.as_json())
        write_manifest(staged)
        _check_parity(staged, features, text)
        report("finished", 1.0)
    return card


def _silence_lightgbm() -> None:
    """Set the verbosity of the calling thread: LightGBM keeps one for each thread, and only such a call sets it."""
    lgb.Dataset(np.eye(2), [0, 1], params={"verbosity": -1, "num_threads": 1}).construct()


class _Growing:
    """A booster that grows a tree at a time on one thread, and its held-out loss after each tree, where it has one."""

    def __init__(self, settings: dict[str, Any], clients: lgb.Dataset, held_out: lgb.Dataset | None = None) -> None:
        self.booster = lgb.Booster(settings, clients)
        self.losses: list[float] = []
        self._watched = held_out is not None
        if held_out is not None:
            self.booster.add_valid(held_out, "held_out")

    def grow(self, trees: int) -> None:
        for _ in range(trees):
            self.booster.update()
            if self._watched:
                self.losses.append(float(self.booster.eval_valid()[0][2]))


def _grow(
    clients: lgb.Dataset, folds: list[_Fold], settings: dict[str, Any], pool: ThreadPoolExecutor, report: Report
) -> tuple[list[lgb.Booster], lgb.Booster, list[float]]:
    """Grow a booster without each fold, and one on every client, in step until the mean held-out loss rises.

    Each grows on one thread, several side by side: LightGBM's own threads wait for one another at every step of every
    tree, which takes many times longer where the processor has other work.

    Returns
    -------
    boosters of the folds, booster on every client, and the mean held-out loss up to the iteration where it is least.
    """
    # LightGBM keeps one number of threads for the whole process and crashes where making a data set changes it under a
    # booster at work: all are made here, one after the other, before any grows.
    parts = [[clients.subset(some.tolist(), params=settings).construct() for some in fold] for fold in folds]
    watched = [_Growing(settings, seen, held_out) for seen, held_out in parts]
    final = _Growing(settings, clients)
    losses = np.empty(0, dtype=np.float64)
    while len(losses) < MOST_TREES and len(losses) - int(np.argmin(losses) if len(losses) else 0) <= PATIENCE:
        trees = min(GROWN_AT_ONCE, MOST_TREES - len(losses))
        list(pool.map(lambda growing: growing.grow(trees), (final, *watched)))  # noqa: B023 -- done before the next
        losses = np.mean([growing.losses for growing in watched], axis=0)
        report(f"training, {len(losses)} trees", len(losses) / MOST_TREES)
    kept = losses[: int(np.argmin(losses)) + 1].tolist()
    return [growing.booster for growing in watched], final.booster, kept


def _out_of_fold(
    features: FeatureSet,
    chosen: NDArray[np.intp],
    folds: list[_Fold],
    boosters: list[lgb.Booster],
    trees: int,
    pool: ThreadPoolExecutor,
) -> NDArray[np.float64]:
    """Return the raw score of each chosen client, by the booster that did not see them, float64 (chosen,)."""
    raw = np.empty(len(chosen), dtype=np.float64)

    def predict(booster: lgb.Booster, held_out: NDArray[np.intp]) -> None:
        for start in range(0, len(held_out), PREDICTED_AT_ONCE):
            some = held_out[start : start + PREDICTED_AT_ONCE]
            rows = features.rows(chosen[some])
            raw[some] = booster.predict(rows, raw_score=True, num_iteration=trees, num_threads=1)

    list(pool.map(predict, boosters, (held_out for _, held_out in folds)))
    return raw


def _check_classes(defaulted: NDArray[np.bool_], folder: Path) -> None:
    bad, good = int(defaulted.sum()), int((~defaulted).sum())
    if min(bad, good) < FOLDS:
        raise ModelError(
            f"{folder} has {bad} defaults and {good} repaid loans; a model takes at least {FOLDS} of each. "
            "Clients without TARGET can be scored, not learnt from."
        )


def _check_parity(staged: Path, features: FeatureSet, text: str) -> None:
    """Raise NotExportable unless the written graph gives LightGBM's very doubles, on some clients spread over all."""
    clients = len(features.ids)
    some = np.unique(np.linspace(0, clients - 1, min(CHECKED_CLIENTS, clients)).astype(np.intp))
    rows = features.rows(some)
    expected = lgb.Booster(model_str=text).predict(rows, raw_score=True, num_threads=1)
    different = int((Scorer.load(staged).score(rows).raw != expected).sum())
    if different:
        raise NotExportable(
            f"The ONNX graph differs from LightGBM on {different} of {len(some)} clients; it is not written. "
            "This is a defect of the export: please report it with the versions of onnxruntime and lightgbm."
        )


def _versions() -> dict[str, str]:
    libraries = ("lightgbm", "numpy", "onnx", "onnxruntime", "polars", "scikit-learn", "scipy")
    return {"python": platform.python_version(), **{name: version(name) for name in libraries}}


class _Clock:
    """Seconds that each step took, by its name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)
