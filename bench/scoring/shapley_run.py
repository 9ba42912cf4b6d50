"""The whole portfolio, once, in this process: `python -m bench.scoring.shapley_run MODEL FEATURES WARM OUT`.

At most two cores are used. The few clients of WARM are explained first, uncounted, so that what Numba compiles is
compiled. Lines of JSON tell how far the work is; the last has what was found.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from data.feature_set import FeatureSet
from data.features.catalog import features as catalog_of
from explain.contribution_parts import write_contributions

if TYPE_CHECKING:
    from collections.abc import Sequence

CORES = 2
_GIB = 2**30


def main(arguments: Sequence[str]) -> int:
    """Explain every client and return 0."""
    model, features, warm, out = map(Path, arguments)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    few, everyone = FeatureSet.open(warm), FeatureSet.open(features)
    write_contributions(few, model, out.with_name(f"{out.name}-warm"), catalog=catalog_of(few.absent_tables))
    start = time.perf_counter()
    store = write_contributions(everyone, model, out, catalog=catalog_of(everyone.absent_tables), report=_told)
    seconds = time.perf_counter() - start
    found = {
        "clients": len(store),
        "seconds": seconds,
        "peak_gib": _peak_bytes() / _GIB,
        "largest_residual": store.largest_residual,
        "bytes": sum(facts["bytes"] for facts in store.manifest["files"].values()),
    }
    print(json.dumps(found))
    return 0


def _told(step: str, fraction: float) -> None:
    print(json.dumps({"step": step, "fraction": fraction}), flush=True)


def _peak_bytes() -> int:
    """Return this process's largest resident size, what it maps of files included.

    Not from the usage that a parent is told: on Linux that begins with the parent's own size.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
