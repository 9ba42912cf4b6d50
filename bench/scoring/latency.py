"""One score and a thousand: how long our ONNX scorer, LightGBM and the onnxmltools export take, on one thread each.

Contenders:

* `null`: takes the client's row and does nothing: what the harness itself costs.
* `pretscope`: `Scorer.raw_one`, from a client's features to the model's raw score: what the other contenders do.
* `pretscope_whole`: `Scorer.score_one`, the whole answer: raw score, PD, score, decision and level. For a thousand
  clients, `Scorer.score`: raw score, PD and score of each.
* `booster`: LightGBM's `Booster.predict(raw_score=True, num_threads=1)`.
* `onnxmltools`: the float32 graph that onnxmltools makes of the same model, asked for probabilities only. Its rows are
  float32 beforehand, so that it does not pay for the conversion.

Every contender works on the same clients in the same order, each with rows made ready in the type it wants. The ratios
`speedup_vs_...` compare like with like, from features to the model's output; `speedup_whole_vs_...` compare our whole
answer with the others' mere output. For a thousand clients ours is always the whole answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
from scipy.special import logit

from bench.registry import Outcome
from bench.scoring.onnxmltools_export import OnnxmltoolsScorer
from bench.timing import Latency, Plan, measure
from bench.workload import choose
from data.progress import part, silent
from models.folder import TEXT, read_manifest, verified_bytes
from models.scorer import CHUNK_CLIENTS, Scorer

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bench.registry import Request
    from bench.workload import Workload
    from data.progress import Report

LIBRARIES = ("lightgbm", "numpy", "onnx", "onnxmltools", "onnxruntime")
BATCH = 1000
POOL = 2000
"""Clients whose rows are held ready: more than a fast cache keeps, so that no contender runs on warm rows alone."""
QUICK_COMPARED = 20_000
QUICK_ONE, FULL_ONE = Plan(rounds=20, calls=50), Plan(rounds=100, calls=50)
QUICK_BATCH, FULL_BATCH = Plan(rounds=8, calls=1), Plan(rounds=40, calls=1)
NULL, OURS, WHOLE, BOOSTER, EXPORT = "null", "pretscope", "pretscope_whole", "booster", "onnxmltools"


def run(request: Request, report: Report = silent) -> Outcome:
    """Measure latency and parity; see the module for the contenders."""
    workload = choose(request, part(report, 0.0, 0.2))
    scorer = Scorer.load(workload.model)
    scorer.check_names(workload.features.names)
    text = verified_bytes(workload.model, read_manifest(workload.model), TEXT).decode()
    booster = lgb.Booster(model_str=text)
    export = OnnxmltoolsScorer(booster)
    parity = _parity(workload, scorer, booster, export, request.quick, part(report, 0.2, 0.4))

    clients = len(workload.features.ids)
    rows = workload.features.rows(np.arange(POOL) % clients)
    plan = QUICK_ONE if request.quick else FULL_ONE
    one = measure(_one(scorer, booster, export, rows), plan, part(report, 0.4, 0.7), "timing one client")
    plan = QUICK_BATCH if request.quick else FULL_BATCH
    batch = measure(_thousand(scorer, booster, export, rows), plan, part(report, 0.7, 1.0), "timing a thousand")

    figures: dict[str, Any] = {
        "workload": workload.name,
        "quick": request.quick,
        "features": len(scorer.names),
        "trees": booster.num_trees(),
        "threads": 1,
        "batch_clients": BATCH,
        **_latencies("single", one),
        **_latencies("batch", batch),
        **_speedups("single", one),
        **_speedups("batch", batch),
        **parity,
    }
    samples = {"single": _summaries(one), "batch": _summaries(batch)}
    return Outcome(_table(workload, figures, one, batch), figures, samples)


def _one(
    scorer: Scorer, booster: lgb.Booster, export: OnnxmltoolsScorer, rows: NDArray[np.float64]
) -> dict[str, Callable[[int], object]]:
    singles = [rows[k : k + 1] for k in range(len(rows))]
    flat = list(rows)
    floats = [row.astype(np.float32) for row in singles]
    many = len(rows)
    return {
        NULL: lambda k: flat[k % many],
        OURS: lambda k: scorer.raw_one(flat[k % many]),
        WHOLE: lambda k: scorer.score_one(flat[k % many]),
        BOOSTER: lambda k: booster.predict(singles[k % many], raw_score=True, num_threads=1),
        EXPORT: lambda k: export.pd(floats[k % many]),
    }


def _thousand(
    scorer: Scorer, booster: lgb.Booster, export: OnnxmltoolsScorer, rows: NDArray[np.float64]
) -> dict[str, Callable[[int], object]]:
    doubles = [np.ascontiguousarray(rows[start : start + BATCH]) for start in range(0, len(rows), BATCH)]
    floats = [some.astype(np.float32) for some in doubles]
    many = len(doubles)
    return {
        NULL: lambda k: doubles[k % many],
        WHOLE: lambda k: scorer.score(doubles[k % many]),
        BOOSTER: lambda k: booster.predict(doubles[k % many], raw_score=True, num_threads=1),
        EXPORT: lambda k: export.pd(floats[k % many]),
    }


def _parity(
    workload: Workload, scorer: Scorer, booster: lgb.Booster, export: OnnxmltoolsScorer, quick: bool, report: Report
) -> dict[str, Any]:
    """Compare clients with LightGBM: our raw scores, and the probabilities of onnxmltools' export."""
    features = workload.features
    clients = min(len(features.ids), QUICK_COMPARED) if quick else len(features.ids)
    ours = one_by_one = theirs = rounded = changed = 0
    largest = 0.0
    for start in range(0, clients, CHUNK_CLIENTS):
        rows = features.rows(slice(start, min(start + CHUNK_CLIENTS, clients)))
        raw = np.asarray(booster.predict(rows, raw_score=True, num_threads=1))
        probability = np.asarray(booster.predict(rows, num_threads=1))
        given = export.pd(rows.astype(np.float32))
        ours += _same(scorer.score(rows).raw, raw)
        one_by_one += _same(np.array([scorer.raw_one(row) for row in rows]), raw)
        theirs += _same(given.astype(np.float64), probability)
        rounded += int((given == probability.astype(np.float32)).sum())
        largest = max(largest, float(np.abs(given - probability).max()))
        changed += int((_accepted(scorer, logit(given.astype(np.float64))) != _accepted(scorer, raw)).sum())
        report("comparing with LightGBM", min(1.0, (start + len(rows)) / clients))
    return {
        "clients": clients,
        "bit_equal_share": ours / clients,
        "bit_equal_share_one_by_one": one_by_one / clients,
        "onnxmltools_bit_equal_share": theirs / clients,
        "onnxmltools_equal_share_at_float32": rounded / clients,
        "onnxmltools_largest_pd_difference": largest,
        "onnxmltools_decisions_changed": changed,
    }


def _accepted(scorer: Scorer, raw: NDArray[np.float64]) -> NDArray[np.bool_]:
    return scorer.policy.accepted(scorer.policy.score_of(scorer.calibrator.pd_of(raw)))


def _same(found: NDArray[np.float64], expected: NDArray[np.float64]) -> int:
    return int((found.view(np.int64) == expected.view(np.int64)).sum())


def _latencies(size: str, found: dict[str, Latency]) -> dict[str, int]:
    return {
        f"{size}_{name}_{figure}_ns": getattr(latency, f"{figure}_ns")
        for name, latency in found.items()
        for figure in ("p50", "p90", "min")
    }


def _speedups(size: str, found: dict[str, Latency]) -> dict[str, float]:
    """Return how many times longer the others take at the median, the harness's own time included on both sides."""
    ours = found[OURS if OURS in found else WHOLE].p50_ns
    ratios = {f"speedup_vs_{name}_{size}": round(found[name].p50_ns / ours, 3) for name in (BOOSTER, EXPORT)}
    if OURS in found:
        whole = found[WHOLE].p50_ns
        ratios |= {
            f"speedup_whole_vs_{name}_{size}": round(found[name].p50_ns / whole, 3) for name in (BOOSTER, EXPORT)
        }
    return ratios


def _summaries(found: dict[str, Latency]) -> dict[str, Any]:
    return {name: latency.summary() for name, latency in found.items()}


def _table(
    workload: Workload, figures: dict[str, Any], one: dict[str, Latency], batch: dict[str, Latency]
) -> tuple[str, ...]:
    says = {
        NULL: "nothing (the harness itself)",
        OURS: "Pretscope: raw score",
        WHOLE: "Pretscope: score, decision, level",
        BOOSTER: "Booster.predict(num_threads=1)",
        EXPORT: "onnxmltools export, float32",
    }
    lines = [
        f"{workload.name}: {figures['features']} features, {figures['trees']} trees, one thread",
        f"{'':<36}{'p50':>10}{'p90':>10}{'least':>10}{'x slower':>10}",
    ]
    for title, found in (("one client, µs", one), (f"{BATCH} clients, µs", batch)):
        lines.append(title)
        for name, latency in found.items():
            values = (latency.p50_ns, latency.p90_ns, latency.min_ns)
            slower = latency.p50_ns / found[OURS if OURS in found else WHOLE].p50_ns
            lines.append(
                f"  {says[name]:<34}" + "".join(f"{value / 1000:>10,.1f}" for value in values) + f"{slower:>10.2f}"
            )
    lines += [
        f"equal to LightGBM bit for bit, of {figures['clients']:,} clients",
        f"  {'Pretscope, in batches':<34}{figures['bit_equal_share']:>10.2%}",
        f"  {'Pretscope, one by one':<34}{figures['bit_equal_share_one_by_one']:>10.2%}",
        f"  {'onnxmltools export':<34}{figures['onnxmltools_bit_equal_share']:>10.2%}",
        f"  {'  once both are float32':<34}{figures['onnxmltools_equal_share_at_float32']:>10.2%}",
        f"  {'  clients decided otherwise':<34}{figures['onnxmltools_decisions_changed']:>10,}",
    ]
    return tuple(lines)
