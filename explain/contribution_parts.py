"""The contributions of every client written to disk, range by range of clients, here or by the workers of a cluster.

The files are made in full size at once. A range writes its own stretches of them, in place, and then, all of it being
on the disk, leaves a marker: `ranges/NNNNN.json`. What is not marked is computed again, into the same places, whatever
had been written there. So the bytes do not depend on how often the work was broken off, nor on where and in which order
the ranges were computed.
"""

from __future__ import annotations

import functools
import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logit

from data.artefact import hash_of, now
from data.errors import HashMismatch, ModelError, StoreError
from data.feature_set import FeatureSet
from data.files import MANIFEST, describe_files, read_json, write_json, written_whole
from data.progress import part, silent
from data.scheduling import check_address, run_tasks
from data.staging import check_replaceable, folder_resumed
from explain.contribution_store import (
    CONTRIBUTIONS,
    FILES,
    FORMAT,
    GROUPS,
    IMPORTANCE,
    KIND,
    LOGITS,
    STRONGEST,
    STRONGEST_FEATURES,
    STRONGEST_VALUES,
    ContributionStore,
)
from explain.contribution_sums import Kept
from explain.contributions import TOLERANCE, Explainer
from explain.grouping import grouping
from explain.importance import LEVELS, importance
from models.folder import TEXT, read_manifest
from models.scorer import Scorer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from data.features.catalog import Feature
    from data.progress import Report

CLIENTS = 10_000
"""Clients of a range: some 25 MB of what is kept."""
_AT_ONCE = 2048
_RANGES = "ranges"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Work:
    """What a range is computed from; it travels to the workers of a cluster.

    Attributes
    ----------
    model, features : their folders, which every worker sees.
    model_hash, data_hash : what must be in them.
    clients : number of clients in all.
    used : the U places among the model's features of those that some tree reads, ascending.
    group_of : the U places among the groups of these features.
    groups : number of groups.
    at_once : clients of a range.
    """

    model: Path
    features: Path
    model_hash: str
    data_hash: str
    clients: int
    used: tuple[int, ...]
    group_of: tuple[int, ...]
    groups: int
    at_once: int

    @property
    def count(self) -> int:
        """Number of ranges."""
        return -(-self.clients // self.at_once)

    def range_of(self, number: int) -> range:
        """Return the places of the clients of a range."""
        return range(number * self.at_once, min((number + 1) * self.at_once, self.clients))

    def layout(self) -> dict[str, tuple[np.dtype[Any], tuple[int, int] | tuple[int]]]:
        """Return the dtype and the shape of every array."""
        used, strongest = len(self.used), min(STRONGEST, len(self.used))
        return {
            CONTRIBUTIONS: (np.dtype(np.float32), (used, self.clients)),
            GROUPS: (np.dtype(np.float32), (self.clients, self.groups)),
            STRONGEST_FEATURES: (np.dtype(np.uint16), (self.clients, strongest)),
            STRONGEST_VALUES: (np.dtype(np.float32), (self.clients, strongest)),
            LOGITS: (np.dtype(np.float64), (self.clients,)),
        }


def write_contributions(
    features: FeatureSet,
    model: Path,
    out: Path,
    *,
    catalog: Sequence[Feature],
    scheduler: str | None = None,
    report: Report = silent,
) -> ContributionStore:
    """Compute the contributions of every client of a feature set, and write them to `out`, whole or not at all.

    Those that are already there, computed by this very code from this model and these features, are kept. Ranges that
    are finished outlive whatever ends a run early, and the next run goes on from there; the result is the same. That
    base and contributions sum to the score of the ONNX graph is checked for every client, in double precision.

    Parameters
    ----------
    features : of the clients.
    model : folder of the model.
    out : the folder to make; a store that is there is replaced once the new one is complete.
    catalog : entries of at least the model's features.
    scheduler : address of a Dask scheduler whose workers share the folders; None computes here.
    report : told how far the work is.

    Raises
    ------
    FeatureMismatch
        The features are not those of the model, or the catalogue lacks one of them.
    ModelError
        The contributions of a client miss its score by more than `explain.contributions.TOLERANCE`.
    NotExportable, HashMismatch, IncompleteArtefact
        The model can't be used as it is.
    StoreError
        `out` is something else than a store of contributions, another process is writing it, or the disk refuses.
    InvalidOption, ClusterError
        As `data.scheduling.run_tasks` says.
    """
    check_replaceable(out, KIND)
    if scheduler is not None:
        check_address(scheduler)
    scorer = Scorer.load(model)
    scorer.check_names(features.names)
    explainer, _ = _loaded(model.resolve(), scorer.model_hash)
    grouped_by = grouping([features.names[place] for place in explainer.used], catalog)
    work = Work(
        model=model.resolve(),
        features=features.folder.resolve(),
        model_hash=scorer.model_hash,
        data_hash=features.data_hash,
        clients=len(features),
        used=tuple(explainer.used.tolist()),
        group_of=tuple(grouped_by.index.tolist()),
        groups=len(grouped_by.groups),
        at_once=CLIENTS,
    )
    facts = {
        "clients": work.clients,
        "model_hash": work.model_hash,
        "data_hash": work.data_hash,
        "names": list(features.names),
        "used": list(grouped_by.names),
        "groups": list(grouped_by.groups),
        "tables": list(dict.fromkeys(group.partition(".")[0] for group in grouped_by.groups)),
        "base": explainer.base,
    }
    made_of = {"code": _code_hash(), "text": read_manifest(model)["files"][TEXT]["sha256"]}
    done = _finished(out, {**facts, "made_of": made_of})
    if done is not None:
        report("contributions already there", 1.0)
        return done
    with folder_resumed(out, KIND, {**facts, "made_of": made_of, "at_once": work.at_once}) as staged:
        if not (staged / MANIFEST).exists():
            _compute(work, staged, scheduler, part(report, 0.0, 0.95))
            report("measuring the importance", 0.95)
            _finish(staged, work, facts, made_of)
        shutil.rmtree(staged / _RANGES, ignore_errors=True)
    report("contributions written", 1.0)
    return ContributionStore.open(out, verify=False)


def _compute(work: Work, staged: Path, scheduler: str | None, report: Report) -> None:
    """Write what is missing of the arrays."""
    _begin(staged, work)
    missing = [number for number in range(work.count) if not _marker(staged, number).exists()]
    task = functools.partial(explain_part, work, staged)
    what = "explaining clients, range"
    try:
        run_tasks(task, missing, shared=staged, scheduler=scheduler, report=report, done=work.count, what=what)
    finally:
        _loaded.cache_clear()


def explain_part(work: Work, staged: Path, number: int) -> None:
    """Write the contributions of the clients of range `number` to the files in `staged`, on one thread, and mark it.

    Raises
    ------
    HashMismatch
        The model or the features are no longer those that the work began with.
    ModelError
        The contributions of a client miss its score by more than TOLERANCE.
    """
    explainer, scorer = _loaded(work.model, work.model_hash)
    features = FeatureSet.open(work.features, verify=False)
    _check_hash(work.features, "features", features.data_hash, work.data_hash)
    clients = work.range_of(number)
    logits = (
        float(logit(scorer.policy.base_rate))
        - scorer.intercept
        - scorer.slope * scorer.raw_of(features, slice(clients.start, clients.stop))
    )
    group_of = np.array(work.group_of, dtype=np.int64)
    kept = Kept.empty(len(clients), len(work.used), work.groups, min(STRONGEST, len(work.used)))
    columns = np.asarray(features.columns)
    for start in range(0, len(clients), _AT_ONCE):
        some = clients[start : start + _AT_ONCE]
        block = np.ascontiguousarray(columns[:, some.start : some.stop])
        kept.fill(start, explainer.explain_used(block), explainer.used, group_of)
    residuals = np.abs(explainer.base + kept.totals - logits)
    _check_sums(features.ids[clients.start : clients.stop], explainer.base + kept.totals, logits, work.model)
    arrays: dict[str, NDArray[Any]] = {
        CONTRIBUTIONS: kept.values,
        GROUPS: kept.by_group,
        STRONGEST_FEATURES: kept.strongest,
        STRONGEST_VALUES: kept.strongest_values,
        LOGITS: logits,
    }
    for name, (dtype, shape) in work.layout().items():
        _write(staged / name, dtype, shape, arrays[name], clients.start)
    write_json(_marker(staged, number), {"largest_residual": float(residuals.max())})


def _check_sums(ids: NDArray[np.int64], sums: NDArray[np.float64], logits: NDArray[np.float64], model: Path) -> None:
    """Raise ModelError for the first client whose sum is not its score's log-odds; NaN is not."""
    wrong = np.flatnonzero(~(np.abs(sums - logits) <= TOLERANCE))
    if len(wrong):
        at = wrong[0]
        raise ModelError(
            f"Client {ids[at]}: base and contributions sum to {float(sums[at])!r}, its score's log-odds are "
            f"{float(logits[at])!r}, further apart than {TOLERANCE:g}: they would not explain this score "
            f"({len(wrong)} of {len(ids)} clients looked at). The graph and the text of the model disagree. Export it "
            f"again: python -m models export --model {model}; if that doesn't help, train it again."
        )


@functools.lru_cache(maxsize=1)
def _loaded(model: Path, model_hash: str) -> tuple[Explainer, Scorer]:
    """Return what explains and what scores, loaded once for all the ranges that this process computes."""
    scorer = Scorer.load(model)
    _check_hash(model, "model", scorer.model_hash, model_hash)
    return Explainer.load(model), scorer


def _check_hash(folder: Path, what: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise HashMismatch(
            f"{folder} holds {what} {found[:12]}…, the work was begun with {wanted[:12]}…: it was changed meanwhile. "
            "Run the same command again."
        )


def _begin(staged: Path, work: Work) -> None:
    """Make the files in full size, unless they are there; no range is kept where one is not as it must be."""
    wanted = {
        name: len(_header(*of)) + int(np.prod(of[1], dtype=np.int64)) * of[0].itemsize
        for name, of in work.layout().items()
    }
    found = {name: (staged / name).stat().st_size if (staged / name).exists() else None for name in wanted}
    if found == wanted:
        (staged / _RANGES).mkdir(exist_ok=True)
        return
    shutil.rmtree(staged / _RANGES, ignore_errors=True)
    for name, of in work.layout().items():
        with written_whole(staged / name) as path, open(path, "wb") as file:
            file.write(_header(*of))
            file.truncate(wanted[name])
    (staged / _RANGES).mkdir()


def _finish(staged: Path, work: Work, facts: dict[str, Any], made_of: dict[str, Any]) -> None:
    """Write the importance and, last, the manifest."""
    residuals = [read_json(_marker(staged, number), "")["largest_residual"] for number in range(work.count)]
    manifest: dict[str, Any] = {
        "kind": KIND,
        "format": FORMAT,
        **facts,
        "made_of": made_of,
        "largest_residual": max(residuals, default=0.0),
    }
    written = ContributionStore(staged, manifest)
    write_json(staged / IMPORTANCE, {level: importance(written, None, level).as_json() for level in LEVELS})
    write_json(staged / MANIFEST, {**manifest, "files": describe_files(staged, FILES), "created": now()})


def _finished(out: Path, facts: dict[str, Any]) -> ContributionStore | None:
    """Return the store that is there, where it is whole and of these facts."""
    try:
        found = ContributionStore.open(out, verify=False)
        if any(found.manifest.get(key) != value for key, value in facts.items()):
            return None
        return ContributionStore.open(out, verify=True)
    except StoreError:
        return None


def _write(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], array: NDArray[Any], start: int) -> None:
    """Write a range's stretches of a file and see them to the disk.

    Not through a mapping: on a full disk, writing to one kills the process instead of raising an error.
    """
    values_at = len(_header(dtype, shape))
    if path.name == CONTRIBUTIONS:
        stretches = [(values_at + (line * shape[1] + start) * dtype.itemsize, row) for line, row in enumerate(array)]
    else:
        one = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
        stretches = [(values_at + start * one, array)]
    with open(path, "r+b") as file:
        for at, values in stretches:
            file.seek(at)
            file.write(np.ascontiguousarray(values).data)
        file.flush()
        os.fsync(file.fileno())


def _header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": dtype.str, "fortran_order": False, "shape": shape})
    return header.getvalue()


def _marker(staged: Path, number: int) -> Path:
    return staged / _RANGES / f"{number:05d}.json"


def _code_hash() -> str:
    """Return the SHA-256 of the code that decides what is written."""
    own = ("contribution_parts", "contribution_store", "contribution_sums", "contributions", "grouping", "importance")
    return hash_of([*(_HERE / f"{name}.py" for name in own), *sorted((_HERE / "shapley").glob("*.py"))])
