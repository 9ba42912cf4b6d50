"""The contributions of every client of a portfolio, computed and written to the disk by a process of its own.

It does what `python -m explain portfolio` does: every client is checked against the score of the ONNX graph. Its time
begins where the interpreter has started, libraries are imported and what Numba compiles is compiled; its peak memory is
its own, files that it maps included.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from bench.child import told_by
from data.feature_set import features_from
from data.paths import bench_folder
from data.synthetic_tables import make_synthetic

if TYPE_CHECKING:
    from pathlib import Path

    from bench.workload import Workload
    from data.progress import Report

SEED = 0
WARM_CLIENTS = 200


def explain_portfolio(workload: Workload, report: Report) -> dict[str, Any]:
    """Explain every client of the workload and return the figures; what is written is removed again.

    Raises
    ------
    StoreError
        The process doesn't come to its end.
    """
    folder = bench_folder() / "shapley"
    make_synthetic(WARM_CLIENTS, SEED, folder / "raw-warm")
    features_from(folder / "raw-warm", folder / "features-warm")
    written = (folder / "contributions", folder / "contributions-warm")
    try:
        found = _explained(workload, folder / "features-warm", written[0], report)
    finally:
        for out in written:
            shutil.rmtree(out, ignore_errors=True)
    return {
        "portfolio_clients": found["clients"],
        "portfolio_seconds": round(found["seconds"], 3),
        "portfolio_clients_per_second": round(found["clients"] / found["seconds"]),
        "peak_memory_gib": round(found["peak_gib"], 3),
        "portfolio_largest_residual": found["largest_residual"],
        "portfolio_bytes": found["bytes"],
    }


def _explained(workload: Workload, warm: Path, out: Path, report: Report) -> dict[str, Any]:
    places = (workload.model, workload.features.folder, warm, out)
    return told_by(
        "bench.scoring.shapley_run",
        [str(place.resolve()) for place in places],
        report,
        failed=f"The portfolio of {len(workload.features)} clients was not explained",
        doing="whole portfolio: ",
    )
