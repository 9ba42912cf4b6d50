"""Scores from a model folder: the ONNX graph, the calibrator and the policy, each checked against its hash.

Every sum is made on one thread and in the order of the trees, so that one client and many give the same doubles, and
both those of LightGBM. Several threads share out the clients, never the trees.
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import onnxruntime as ort
from scipy.special import expit, logit

from data.errors import FeatureMismatch, IncompleteArtefact
from data.progress import silent
from models.calibration import Calibrator
from models.folder import CALIBRATOR, CARD, GRAPH, NEXT_STEP, POLICY, model_hash, read_manifest, verified_bytes
from models.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from data.feature_set import FeatureSet
    from data.progress import Report

CHUNK_CLIENTS = 4096
"""Clients scored at once: some 26 MB of features."""
_ERRORS_ONLY = 3
_DOUBLE = np.dtype(np.float64)


class ClientScore(NamedTuple):
    """What the model says of one client.

    Attributes
    ----------
    raw : uncalibrated log-odds of default.
    pd : calibrated probability of default, in [0, 1].
    score : repayment probability at even odds, in [0, 1]; strictly decreasing in `pd`.
    accepted : whether the loan is granted.
    level : level of risk, one of `models.policy.LEVELS`.
    """

    raw: float
    pd: float
    score: float
    accepted: bool
    level: str


@dataclass(frozen=True, slots=True)
class Scores:
    """What the model says of n clients: `raw`, `pd` and `score` as in `ClientScore`, each float64 (n,)."""

    raw: NDArray[np.float64]
    pd: NDArray[np.float64]
    score: NDArray[np.float64]
    policy: Policy

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """Whether each loan is granted, bool (n,)."""
        return self.policy.accepted(self.score)

    @property
    def level(self) -> NDArray[np.str_]:
        """Level of risk of each client, str (n,), one of `models.policy.LEVELS`."""
        return self.policy.level(self.score)

    def __len__(self) -> int:
        return len(self.raw)


class Scorer:
    """Scores clients; safe to share between threads.

    Attributes
    ----------
    names : the features the model reads, in their order.
    policy : threshold and levels.
    calibrator : from raw log-odds to PD.
    model_hash : SHA-256, in hexadecimal, of what decides a score.
    """

    def __init__(
        self, graph: bytes, names: Sequence[str], calibrator: Calibrator, policy: Policy, model_hash: str
    ) -> None:
        self.names = tuple(names)
        self.calibrator = calibrator
        self.policy = policy
        self.model_hash = model_hash
        self._session = ort.InferenceSession(graph, _options(), providers=["CPUExecutionProvider"])
        read, given = self._session.get_inputs()[0], self._session.get_outputs()[0]
        self._input, self._output, wanted = read.name, given.name, read.shape[1]
        if wanted != len(self.names):
            raise FeatureMismatch(f"The graph reads {wanted} features, the card names {len(self.names)}.")
        self._offset = float(logit(policy.base_rate)) - calibrator.intercept
        self._row_shape = (len(self.names),)
        self._run_one = self._bound_run()

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load a model folder.

        Raises
        ------
        HashMismatch
            A file is not the one the manifest describes; nothing of it was used.
        IncompleteArtefact, UnknownPortfolio, StoreError
            A file or the folder is not there, or it is no model.
        """
        manifest = read_manifest(folder)
        content = {name: verified_bytes(folder, manifest, name) for name in (GRAPH, CALIBRATOR, POLICY, CARD)}
        try:
            names = [feature["name"] for feature in json.loads(content[CARD])["features"]]
            calibrator = Calibrator.from_json(json.loads(content[CALIBRATOR]))
            policy = Policy.from_json(json.loads(content[POLICY]))
        except (KeyError, TypeError, ValueError) as error:
            raise IncompleteArtefact(f"{folder} can't be read: {error!r}. {NEXT_STEP}{folder}") from error
        return cls(content[GRAPH], names, calibrator, policy, model_hash(manifest))

    @property
    def slope(self) -> float:
        """Slope of the calibration, > 0."""
        return self.calibrator.slope

    @property
    def intercept(self) -> float:
        """Intercept of the calibration, in log-odds of default."""
        return self.calibrator.intercept

    def raw_one(self, row: NDArray[np.float64]) -> float:
        """Return the raw log-odds of default of one client, float64 (F,), NaN where absent.

        Raises
        ------
        FeatureMismatch
            Another number of features, or not real numbers of double precision.
        """
        if row.shape != self._row_shape or row.dtype != _DOUBLE:
            raise self._mismatch(row, f"({len(self.names)},)")
        return self._run_one(row)

    def score_one(self, row: NDArray[np.float64]) -> ClientScore:
        """Score one client, float64 (F,), NaN where absent.

        Raises
        ------
        FeatureMismatch
            Another number of features, or not real numbers of double precision.
        """
        raw = self.raw_one(row)
        pd, score = self.calibrator.pd_of(raw), float(expit(self._offset - self.calibrator.slope * raw))
        return ClientScore(raw, pd, score, self.policy.accepted(score), self.policy.level(score))

    def score(self, rows: NDArray[np.float64]) -> Scores:
        """Score clients, float64 (n, F), NaN where absent, on one thread.

        Raises
        ------
        FeatureMismatch
            Another number of features, or not real numbers of double precision.
        """
        if rows.ndim != 2 or rows.shape[1] != len(self.names) or rows.dtype != np.float64:
            raise self._mismatch(rows, f"(n, {len(self.names)})")
        raw = np.empty(len(rows), dtype=np.float64)
        for start in range(0, len(rows), CHUNK_CLIENTS):
            part = rows[start : start + CHUNK_CLIENTS]
            raw[start : start + len(part)] = self._raw_of(part)
        return self.scores_of(raw)

    def score_features(self, features: FeatureSet, threads: int = 1, report: Report = silent) -> Scores:
        """Score every client of a feature set, by chunks of clients; the result does not depend on `threads`.

        Raises
        ------
        FeatureMismatch
            The features are not those of the model, in the same order.
        """
        self.check_names(features.names)
        clients = len(features.ids)
        raw = np.empty(clients, dtype=np.float64)
        starts = range(0, clients, CHUNK_CLIENTS)

        def work(start: int) -> None:
            chosen = slice(start, min(start + CHUNK_CLIENTS, clients))
            raw[chosen] = self._raw_of(features.rows(chosen))

        with ThreadPoolExecutor(threads) as pool:
            for done, _ in enumerate(pool.map(work, starts), start=1):
                report("scoring clients", done / len(starts))
        return self.scores_of(raw)

    def raw_of(self, features: FeatureSet, chosen: slice) -> NDArray[np.float64]:
        """Return the raw scores of a range of positions, float64 (m,), log-odds of default, on one thread."""
        self.check_names(features.names)
        start, stop, _ = chosen.indices(len(features))
        ends = [*range(start, stop, CHUNK_CLIENTS), stop]
        some = [self._raw_of(features.rows(slice(*ends[k : k + 2]))) for k in range(len(ends) - 1)]
        return np.concatenate(some) if some else np.empty(0)

    def check_names(self, names: Sequence[str]) -> None:
        """Raise FeatureMismatch, naming the first difference, unless `names` are the model's features in its order."""
        names = tuple(names)
        if names == self.names:
            return
        absent, foreign = set(self.names) - set(names), set(names) - set(self.names)
        if absent or foreign:
            told = [f"without {_first(absent)}" if absent else "", f"with {_first(foreign)}" if foreign else ""]
            difference = " and ".join(filter(None, told))
        else:
            place = next(k for k, (got, wanted) in enumerate(zip(names, self.names, strict=True)) if got != wanted)
            difference = f"in another order: feature {place} is {names[place]!r}, {self.names[place]!r} was expected"
        raise FeatureMismatch(
            f"This model reads {len(self.names)} features, these are {len(names)}, {difference}. Train one on them: "
            "python -m models train --features FOLDER --out FOLDER"
        )

    def scores_of(self, raw: NDArray[np.float64]) -> Scores:
        """Return what raw scores, float64 (n,), log-odds of default, mean."""
        score = np.asarray(expit(self._offset - self.calibrator.slope * raw), dtype=np.float64)
        return Scores(raw=raw, pd=self.calibrator.pd_of(raw), score=score, policy=self.policy)

    def _raw_of(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self._session.run([self._output], {self._input: np.ascontiguousarray(rows)})[0]
        return found[:, 0]

    def _bound_run(self) -> Callable[[NDArray[np.float64]], float]:
        """Bind a row and a raw score to the graph once; return what runs it on a row without allocating anything."""
        features = np.zeros((1, len(self.names)), dtype=np.float64)
        raw = np.zeros((1, 1), dtype=np.float64)
        binding = self._session.io_binding()
        binding.bind_input(self._input, "cpu", 0, np.float64, features.shape, features.ctypes.data)
        binding.bind_output(self._output, "cpu", 0, np.float64, raw.shape, raw.ctypes.data)
        lock, flat, run = threading.Lock(), features[0], self._session.run_with_iobinding

        def run_one(row: NDArray[np.float64]) -> float:
            with lock:
                flat[:] = row
                run(binding)
                return raw.item()

        return run_one

    def _mismatch(self, rows: NDArray[np.float64], wanted: str) -> FeatureMismatch:
        return FeatureMismatch(
            f"This model reads float64 features of shape {wanted}, got {rows.dtype} of shape {rows.shape}. "
            "FeatureSet.row and FeatureSet.rows give them so."
        )


def _first(names: set[str]) -> str:
    shown = ", ".join(sorted(names)[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} others"


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_ONLY
    # One small output: the arena and its planning cost more than the allocation they save.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    return options
