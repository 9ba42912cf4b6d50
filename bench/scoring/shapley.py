"""Shapley values of a client in blocks, alone, and of a whole portfolio: ours, LightGBM, shap, woodelf-explainer.

Contenders, all on one thread:

* `null`: takes the clients and does nothing: what the harness itself costs.
* `pretscope`: `Explainer.explain_columns` on a block of clients; for one client `TreeShapley.row`, the values alone.
* `pretscope_whole`: `Explainer.explain` of one client, the whole answer: values, score, and the check that they add up.
* `lightgbm`: `Booster.predict(pred_contrib=True, num_threads=1)`.
* `shap`: `shap.TreeExplainer`, which for path-dependent values does nothing but call LightGBM.
* `woodelf`: `WoodelfExplainer`, which works out tables anew at every call. It is called with few clients and with many:
  the difference is its time a client, the rest its fixed time; of several calls the least time counts, for a difference
  of medians would carry the noise of both. Ours works out its tables when a model is loaded.

`speedup_single_vs_lightgbm` is that of the values alone, which is what LightGBM gives;
`speedup_single_whole_vs_lightgbm` that of our whole answer. They are of medians; those that end in `_least` are of the
least times, which load on the machine changes less: a call of a second meets it more surely than one of milliseconds.
`max_abs_difference` compares every value with LightGBM's, in raw log-odds of default. Values against a reference
population (interventional) are compared with shap's, which computes them itself; the residuals tell by how much the
values of each miss the model's raw score.

The whole portfolio is written as `bench.scoring.shapley_portfolio` says, on two cores.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

from bench.registry import Outcome
from bench.scoring.shapley_contenders import (
    LIGHTGBM,
    NULL,
    OURS,
    SHAP,
    WHOLE,
    WOODELF,
    Clients,
    Woodelf,
    against,
    blocks,
    missing,
    singles,
    without_shap_s_remark,
)
from bench.scoring.shapley_model import make_model
from bench.scoring.shapley_portfolio import explain_portfolio
from bench.timing import Latency, Plan, measure
from bench.workload import Workload, choose
from data.cores import threads
from data.feature_set import features_from
from data.paths import bench_folder
from data.progress import part
from data.synthetic_tables import make_synthetic
from explain.contributions import Explainer
from explain.shapley.ensemble import BLOCK, TreeShapley
from models.folder import CALIBRATOR, TEXT, read_manifest, verified_bytes
from models.trees import read_trees

if TYPE_CHECKING:
    from pathlib import Path

    from bench.registry import Request
    from data.feature_set import FeatureSet
    from data.progress import Report


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes
    ----------
    portfolio : clients of the whole portfolio.
    compared : clients whose values are compared with LightGBM's, those timed among them where there are as many.
    blocks, singles : how often blocks, and clients alone, are timed.
    woodelf, woodelf_rounds : the few and the many clients that woodelf gets, and how often.
    reference, against : reference clients, and clients explained against them.
    """

    portfolio: int
    compared: int
    blocks: Plan
    singles: Plan
    woodelf: tuple[int, int]
    woodelf_rounds: int
    reference: int = 100
    against: int = 16


FULL = Sizes(307_511, 20_000, Plan(11, 1), Plan(20, 50), (3_000, 23_000), 4)
QUICK = Sizes(20_000, 2_000, Plan(3, 1), Plan(4, 50), (3_000, 23_000), 1)
SEED = 0
TIMED_BLOCKS = 4
POOL = 1000
"""Clients whose rows are held ready to be explained alone: more than a fast cache keeps."""


def run(request: Request, report: Report) -> Outcome:
    """Measure and compare; see the module for the contenders.

    Raises
    ------
    InvalidOption
        As `bench.workload.choose` says.
    StoreError
        The portfolio is not explained to its end, or the disk refuses.
    """
    sizes = QUICK if request.quick else FULL
    workload = _workload(request, sizes, part(report, 0.0, 0.3))
    text = verified_bytes(workload.model, read_manifest(workload.model), TEXT).decode()
    explainer = Explainer.load(workload.model)
    explainer.explain(workload.features.row(0))  # compiled here, so that it counts for nothing below
    begun = time.perf_counter()
    shapley = TreeShapley.of(read_trees(text))
    prepare_seconds = time.perf_counter() - begun
    features = workload.features
    figures: dict[str, Any] = {
        "workload": workload.name,
        "quick": request.quick,
        "features": len(features.names),
        "features_used": len(shapley.used),
        "portfolio_trees": lgb.Booster(model_str=text).num_trees(),
        "threads": 1,
        "pretscope_prepare_seconds": round(prepare_seconds, 3),
    }
    figures |= _compare(workload, explainer, text, sizes.compared, part(report, 0.3, 0.4))
    with without_shap_s_remark():
        block, timed = _time_blocks(workload, explainer, text, sizes, part(report, 0.4, 0.5))
        one, found = _time_singles(workload, explainer, shapley, text, sizes, part(report, 0.5, 0.55))
        report("against a reference population", 0.55)
        figures |= timed | found | _against(workload, explainer, text, sizes)
    woodelf, told = _time_woodelf(workload, explainer, text, sizes, part(report, 0.57, 0.75))
    figures |= told
    del explainer, shapley
    figures |= explain_portfolio(workload, part(report, 0.75, 1.0))
    samples = {
        name: {contender: latency.summary() for contender, latency in latencies.items()}
        for name, latencies in (("block", block), ("single", one), ("woodelf", woodelf))
    }
    return Outcome(_table(figures, block, one), figures, samples)


def _workload(request: Request, sizes: Sizes, report: Report) -> Workload:
    """Return the workload asked for, or else a synthetic portfolio with a large model, made once and kept."""
    if request.portfolio is not None or request.model is not None or request.features is not None:
        return choose(request, report)
    folder = bench_folder() / "shapley"
    raw = folder / f"raw-{sizes.portfolio}"
    make_synthetic(sizes.portfolio, SEED, raw, part(report, 0.0, 0.3))
    features = features_from(raw, folder / f"features-{sizes.portfolio}", part(report, 0.3, 0.6))
    model = folder / f"model-{sizes.portfolio}"
    make_model(features, model, part(report, 0.6, 1.0))
    return Workload(f"{sizes.portfolio} synthetic clients", model, features)


def _some(features: FeatureSet, many: int, first: int = 0) -> Clients:
    """Return so many clients, from the beginning again where there are not as many."""
    return Clients.of(features.columns[:, np.arange(first, first + many) % len(features)])


def _slope(model: Path) -> float:
    return float(json.loads(verified_bytes(model, read_manifest(model), CALIBRATOR))["slope"])


def _compare(workload: Workload, explainer: Explainer, text: str, clients: int, report: Report) -> dict[str, Any]:
    """Compare every value and the base with LightGBM's, in raw log-odds of default."""
    booster, slope = lgb.Booster(model_str=text), _slope(workload.model)
    clients = min(clients, len(workload.features))
    largest = largest_base = 0.0
    for start in range(0, clients, BLOCK):
        some = _some(workload.features, min(BLOCK, clients - start), start)
        theirs = np.asarray(booster.predict(some.rows, pred_contrib=True, num_threads=threads()))
        ours = explainer.explain_columns(some.columns).T / -slope
        largest = max(largest, float(np.abs(ours - theirs[:, :-1]).max()))
        raw = np.asarray(booster.predict(some.rows, raw_score=True, num_threads=1))
        largest_base = max(largest_base, float(np.abs(raw - ours.sum(axis=1) - theirs[:, -1]).max()))
        report("comparing with LightGBM", min(1.0, (start + BLOCK) / clients))
    return {"compared_clients": clients, "max_abs_difference": largest, "base_max_abs_difference": largest_base}


def _time_blocks(
    workload: Workload, explainer: Explainer, text: str, sizes: Sizes, report: Report
) -> tuple[dict[str, Latency], dict[str, Any]]:
    given = [_some(workload.features, BLOCK, start * BLOCK) for start in range(TIMED_BLOCKS)]
    found = measure(blocks(explainer, text, given), sizes.blocks, report, "timing blocks")
    each = {name: latency.p50_ns / BLOCK for name, latency in found.items()}
    return found, {
        "block_clients": BLOCK,
        **{f"block_{name}_p50_ns_per_client": round(value) for name, value in each.items()},
        "speedup_block_vs_lightgbm": round(each[LIGHTGBM] / each[OURS], 3),
        "speedup_block_vs_lightgbm_least": round(found[LIGHTGBM].min_ns / found[OURS].min_ns, 3),
        "speedup_block_vs_shap": round(each[SHAP] / each[OURS], 3) if SHAP in each else None,
        "shap_skipped": missing("shap"),
    }


def _time_singles(
    workload: Workload, explainer: Explainer, shapley: TreeShapley, text: str, sizes: Sizes, report: Report
) -> tuple[dict[str, Latency], dict[str, Any]]:
    rows = _some(workload.features, POOL).rows
    found = measure(singles(explainer, shapley, text, rows), sizes.singles, report, "timing one client")
    middle = {name: latency.p50_ns for name, latency in found.items()}
    return found, {
        **{f"single_{name}_p50_ns": value for name, value in middle.items()},
        **{f"single_{name}_p90_ns": latency.p90_ns for name, latency in found.items()},
        "speedup_single_vs_lightgbm": round(middle[LIGHTGBM] / middle[OURS], 3),
        "speedup_single_vs_lightgbm_least": round(found[LIGHTGBM].min_ns / found[OURS].min_ns, 3),
        "speedup_single_whole_vs_lightgbm": round(middle[LIGHTGBM] / middle[WHOLE], 3),
        "speedup_single_vs_shap": round(middle[SHAP] / middle[OURS], 3) if SHAP in middle else None,
    }


def _time_woodelf(
    workload: Workload, explainer: Explainer, text: str, sizes: Sizes, report: Report
) -> tuple[dict[str, Latency], dict[str, Any]]:
    """Time woodelf with few clients and with many, and ours with the difference, in turn."""
    why = missing(WOODELF)
    if why is not None:
        return {}, {"speedup_block_vs_woodelf": None, "woodelf_skipped": why}
    few, many = sizes.woodelf
    given = _some(workload.features, many)
    woodelf = Woodelf(text, workload.features.names, given.columns)
    # Before the clock: the first call of each is not what the others are.
    apart = np.abs(woodelf(few) - explainer.explain_columns(given.columns[:, :few]).T / -_slope(workload.model))
    between = np.ascontiguousarray(given.columns[:, : many - few])
    calls = {
        "few": lambda _: woodelf(few),
        OURS: lambda _: explainer.explain_columns(between),
        "many": lambda _: woodelf(many),
    }
    found = measure(calls, Plan(sizes.woodelf_rounds, 1, 0), report, "timing woodelf-explainer")
    theirs = (found["many"].min_ns - found["few"].min_ns) / (many - few)
    ours = found[OURS].min_ns / (many - few)
    return found, {
        "woodelf_clients": [few, many],
        "woodelf_ns_per_client": round(theirs),
        "woodelf_fixed_seconds": round((found["few"].min_ns - few * theirs) / 1e9, 3),
        "woodelf_pretscope_ns_per_client": round(ours),
        "woodelf_max_abs_difference": float(apart.max()),
        "speedup_block_vs_woodelf": round(theirs / ours, 3),
        "woodelf_skipped": None,
    }


def _against(workload: Workload, explainer: Explainer, text: str, sizes: Sizes) -> dict[str, Any]:
    """Compare interventional values with shap's, which takes time for every client with every reference client."""
    reference, clients = _some(workload.features, sizes.reference), _some(workload.features, sizes.against, 1000)
    calls, prepare = against(explainer, text, reference, clients)
    begun = time.perf_counter()
    prepare()
    seconds, values = {"prepare": time.perf_counter() - begun}, {}
    for name, call in calls.items():
        begun = time.perf_counter()
        values[name] = call()
        seconds[name] = time.perf_counter() - begun
    figures: dict[str, Any] = {
        "against_reference_clients": sizes.reference,
        "against_clients": sizes.against,
        "against_prepare_seconds": round(seconds["prepare"], 3),
        "against_pretscope_ns_per_client": round(seconds[OURS] / sizes.against * 1e9),
        "speedup_against_vs_shap": None,
    }
    booster = lgb.Booster(model_str=text)
    raw, of_reference = (
        np.asarray(booster.predict(rows, raw_score=True, num_threads=1)) for rows in (clients.rows, reference.rows)
    )
    raw = raw - of_reference.mean()
    values[OURS] = values[OURS] / -_slope(workload.model)
    figures["against_largest_residual"] = float(np.abs(values[OURS].sum(axis=1) - raw).max())
    if SHAP in calls:
        apart = np.abs(values[OURS] - values[SHAP])
        figures |= {
            "against_shap_ns_per_client": round(seconds[SHAP] / sizes.against * 1e9),
            "speedup_against_vs_shap": round(seconds[SHAP] / seconds[OURS], 3),
            "against_max_abs_difference": float(apart.max()),
            "against_shap_largest_residual": float(np.abs(values[SHAP].sum(axis=1) - raw).max()),
        }
    return figures


def _table(figures: dict[str, Any], block: dict[str, Latency], one: dict[str, Latency]) -> tuple[str, ...]:
    says = {
        NULL: "nothing (the harness itself)",
        OURS: "Pretscope",
        WHOLE: "Pretscope, with score and check",
        LIGHTGBM: "LightGBM pred_contrib",
        SHAP: "shap (which calls LightGBM)",
    }
    lines = [
        f"{figures['workload']}: {figures['features']} features, {figures['portfolio_trees']} trees, one thread",
        f"{'':<36}{'µs a client':>14}{'x slower':>10}",
    ]
    for title, names, key, ours in (
        ("in blocks", block, "block_{}_p50_ns_per_client", OURS),
        ("alone", one, "single_{}_p50_ns", OURS),
    ):
        lines.append(title)
        for name in names:
            value = figures[key.format(name)]
            lines.append(f"  {says[name]:<34}{value / 1000:>14,.1f}{value / figures[key.format(ours)]:>10.2f}")
    if figures["woodelf_skipped"]:
        lines.append(f"skipped: {figures['woodelf_skipped']}")
    else:
        few, many = figures["woodelf_clients"]
        lines.append(f"{many - few:,} clients at once")
        for says_of, name in (("Pretscope", "woodelf_pretscope"), ("woodelf-explainer", "woodelf")):
            value = figures[f"{name}_ns_per_client"]
            slower = value / figures["woodelf_pretscope_ns_per_client"]
            lines.append(f"  {says_of:<34}{value / 1000:>14,.1f}{slower:>10.2f}")
        fixed, once = figures["woodelf_fixed_seconds"], figures["pretscope_prepare_seconds"]
        lines.append(f"  before the first client: woodelf {fixed:.1f} s at every call, Pretscope {once:.1f} s once")
    if figures["shap_skipped"]:
        lines.append(f"skipped: {figures['shap_skipped']}")
    else:
        people, times = figures["against_reference_clients"], figures["speedup_against_vs_shap"]
        lines.append(f"against {people} reference clients: shap takes {times:,.1f} times longer")
    largest, compared = figures["max_abs_difference"], figures["compared_clients"]
    clients, seconds = figures["portfolio_clients"], figures["portfolio_seconds"]
    lines.append(f"largest difference from LightGBM: {largest:.1e} log-odds, of {compared:,} clients")
    lines.append(
        f"whole portfolio: {clients:,} clients in {seconds:.1f} s, {figures['peak_memory_gib']:.2f} GiB at most"
    )
    return tuple(lines)
