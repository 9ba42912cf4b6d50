"""Scoring by parts: ranges of clients that the workers of a cluster score, each leaving its raw scores on disk."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from data.errors import StoreError
from data.feature_set import FeatureSet
from data.npy import mapped, save
from data.progress import part, silent
from data.scheduling import run_tasks
from data.staging import parts_kept
from models.scorer import Scorer

if TYPE_CHECKING:
    from pathlib import Path

    from data.progress import Report
    from models.scorer import Scores

CLIENTS = 25_000
_AGAIN = "Run the same command again: the part is made anew."


def score_by_parts(
    features: FeatureSet, model: Path, parts: Path, *, scheduler: str | None = None, report: Report = silent
) -> Scores:
    """Score every client of a feature set, range by range; the same scores as `Scorer.score_features`.

    Parameters
    ----------
    features : of the clients.
    model : folder of the model.
    parts : folder for what is finished; it outlives whatever ends a run early, and is removed at the end.
    scheduler : address of a Dask scheduler whose workers share the folders; None scores here.
    report : told how far the work is.

    Raises
    ------
    FeatureMismatch
        The features are not those of the model.
    StoreError, InvalidOption, ClusterError
        As `data.scheduling.run_tasks` says.
    """
    scorer = Scorer.load(model)
    scorer.check_names(features.names)
    count = -(-len(features) // CLIENTS)
    key = {"data": features.data_hash, "model": scorer.model_hash, "clients": CLIENTS}
    with parts_kept(parts.absolute(), key, parts.absolute()) as kept:
        missing = [number for number in range(count) if not _is_finished(kept, number, len(features))]
        task = functools.partial(score_part, model.resolve(), features.folder.resolve(), kept)
        run_tasks(task, missing, shared=kept, scheduler=scheduler, report=part(report, 0.0, 1.0), done=count)
        found = [np.asarray(mapped(_file(kept, number), np.dtype(np.float64), _AGAIN)) for number in range(count)]
        return scorer.scores_of(np.concatenate(found))


def score_part(model: Path, folder: Path, parts: Path, number: int) -> None:
    """Score the clients of range `number` of the feature set in `folder`, on one thread; leave float64 in `parts`."""
    features = FeatureSet.open(folder, verify=False)
    scorer = Scorer.load(model)
    rows = range(number * CLIENTS, min((number + 1) * CLIENTS, len(features)))
    save(_file(parts, number), scorer.raw_of(features, slice(rows.start, rows.stop)))


def _is_finished(parts: Path, number: int, clients: int) -> bool:
    try:
        found = mapped(_file(parts, number), np.dtype(np.float64), _AGAIN)
    except StoreError:
        return False
    return bool(found.shape == (min(CLIENTS, clients - number * CLIENTS),))


def _file(parts: Path, number: int) -> Path:
    return parts / f"{number:05d}.npy"
