"""From raw tables to a portfolio ready to serve: import, features, train, export, score, explain; resumable.

Every step leaves a finished artefact with a manifest of hashes, and writes down what it was made from. A step whose
artefact is there, made from the same input by the same code, is not run again; a run killed at any moment leaves the
old artefact or the new one.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from typing import TYPE_CHECKING, Any

from data.artefact import kind_of
from data.errors import InvalidOption, PretscopeError, StoreError
from data.features.catalog import features as catalog_of
from data.files import MANIFEST, read_json, sha256_of, write_json
from data.paths import ROOT, model_folder, portfolio_folder, raw_folder, shapley_folder
from data.progress import Report, part, silent
from data.scheduling import check_address
from data.sources import KIND as IMPORT
from data.sources import import_raw
from data.store import FeatureSet, Portfolio, features_from, write_importance, write_portfolio_manifest, write_scores
from data.synthetic_tables import make_synthetic
from explain.contribution_parts import write_contributions
from explain.contribution_store import ContributionStore
from models.score_parts import score_by_parts
from models.scorer import Scorer
from models.train import train

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
STEPS = "steps.json"
SHARES = {"import": 0.08, "features": 0.22, "train": 0.82, "score": 0.86, "explain": 1.0}


def prepare(
    raw: Path, name: str, *, seed: int = 0, threads: int = 2, scheduler: str | None = None,
    report: Report = silent,
) -> Portfolio:  # fmt: skip
    """Prepare the portfolio `name` from the raw tables in `raw`.

    Parameters
    ----------
    raw : folder of CSV, zipped CSV or Parquet files named as Kaggle names them, or one that `python -m data import`
        made.
    name : of the portfolio and of its model: letters, digits, "-" and "_".
    seed : of the training.
    threads : of the training and the scoring.
    scheduler : address of a Dask scheduler that the features, the scores and the contributions are computed on; None
        for here.
    report : told the step under way and the share of the whole work that is done.

    Raises
    ------
    InvalidOption
        A name that can't be a folder's, or no thread.
    SourceError, StoreError, ModelError
        As the steps say; what was finished before is kept.
    StoreError
        Another preparation of this portfolio is running.
    """
    if not NAME.fullmatch(name):
        raise InvalidOption(f"Name {name!r} can't be used: 1 to 64 letters, digits, - and _, a letter or digit first.")
    if threads < 1:
        raise InvalidOption(f"Threads must be at least 1, got {threads}.")
    if scheduler is not None:
        check_address(scheduler)
    folder, model = portfolio_folder(name), model_folder(name)
    with _alone(folder):
        if (folder / MANIFEST).exists() and not _is_finished(folder):
            _clear(folder)
        imported = raw
        if kind_of(raw) != IMPORT:
            imported = raw_folder(name)
            import_raw(raw, imported, _step(report, 0.0, "import"))
        at = _step(report, SHARES["import"], "features")
        found = features_from(imported, folder / "features", at, scheduler=scheduler)
        _train(found, model, seed, threads, folder, _step(report, SHARES["features"], "train"))
        _score(found, model, name, threads, scheduler, folder, _step(report, SHARES["train"], "score"))
        _explain(found, model, name, scheduler, folder, _step(report, SHARES["score"], "explain"))
        if not _is_finished(folder):
            write_portfolio_manifest(folder, name)
        report("ready", 1.0)
        return Portfolio.open(name, verify=False)


def prepare_synthetic(name: str, *, clients: int, seed: int, threads: int = 2, report: Report = silent) -> Portfolio:
    """Prepare a portfolio of synthetic clients; the same seed gives the same clients."""
    tables = raw_folder(f"{name}-tables")
    make_synthetic(clients, seed, tables, part(report, 0.0, 0.2, "synthesise: "))
    return prepare(tables, name, threads=threads, report=part(report, 0.2, 1.0))


def _train(found: FeatureSet, model: Path, seed: int, threads: int, folder: Path, report: Report) -> None:
    key = {"data": found.data_hash, "seed": seed, "code": _code("models")}
    if _done(folder, "train") == key and _loads(model):
        return
    train(found, model, seed=seed, threads=threads, report=report)
    _finish(folder, "train", key)


def _score(
    found: FeatureSet, model: Path, name: str, threads: int, scheduler: str | None, folder: Path, report: Report
) -> None:
    scorer = Scorer.load(model)
    key = {"data": found.data_hash, "model": scorer.model_hash}
    if _done(folder, "score") == key and (folder / "scores").is_dir():
        return
    if scheduler is None:
        scores = scorer.score_features(found, threads=threads, report=report)
    else:
        scores = score_by_parts(found, model, folder / ".parts-scores", scheduler=scheduler, report=report)
    write_scores(folder, scores.raw, scores.pd, scores.score, name, scorer.model_hash)
    _finish(folder, "score", key)


def _explain(found: FeatureSet, model: Path, name: str, scheduler: str | None, folder: Path, report: Report) -> None:
    model_hash = Scorer.load(model).model_hash
    key = {"data": found.data_hash, "model": model_hash, "code": _code("explain")}
    is_explained = _holds_contributions(name, model_hash, found.data_hash)
    if is_explained and _done(folder, "explain") == key and (folder / "importance.json").exists():
        return
    catalog = catalog_of(found.absent_tables)
    made = write_contributions(found, model, shapley_folder(name), catalog=catalog, scheduler=scheduler, report=report)
    write_importance(folder, made.importance("group").by_name())
    _finish(folder, "explain", key)


def _holds_contributions(name: str, model_hash: str, data_hash: str) -> bool:
    try:
        ContributionStore.open(shapley_folder(name), verify=True).check_belongs(model_hash, data_hash)
    except PretscopeError:
        return False
    return True


def _clear(folder: Path) -> None:
    """Take away the parts of a damaged portfolio, so that they are made anew rather than described as they are."""
    for name in ("features", "scores"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (MANIFEST, "importance.json"):
        (folder / name).unlink(missing_ok=True)


def _is_finished(folder: Path) -> bool:
    try:
        Portfolio.open(folder, verify=True)
    except PretscopeError:
        return False
    return True


def _loads(model: Path) -> bool:
    try:
        Scorer.load(model)
    except PretscopeError:
        return False
    return True


def _step(report: Report, start: float, name: str) -> Report:
    return part(report, start, SHARES[name], f"{name}: ")


def _done(folder: Path, step: str) -> Any:
    try:
        return read_json(folder / STEPS, "").get(step)
    except PretscopeError:
        return None


def _finish(folder: Path, step: str, key: dict[str, Any]) -> None:
    try:
        steps = read_json(folder / STEPS, "")
    except PretscopeError:
        steps = {}
    write_json(folder / STEPS, {**steps, step: key})


def _code(*folders: str) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.*")):
            if path.suffix in (".py", ".toml", ".json", ".csv"):
                digest.update(f"{path.relative_to(ROOT).as_posix()} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the portfolio for this process: two preparations of one name would undo each other's steps."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="utf-8") as guard:
        try:
            import fcntl
        except ImportError:  # Windows has no such lock; two preparations at once are not guarded against there
            yield
            return
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(
                f"Another preparation of portfolio {folder.name} is running. Wait for it, or take another --name."
            ) from None
        yield
