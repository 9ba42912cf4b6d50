"""Records: what a benchmark found, with the environment it was found in, as one JSON file each."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.cores import cores
from data.files import write_json
from data.paths import bench_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.registry import Outcome

FORMAT = 1


def environment(libraries: Iterable[str]) -> dict[str, Any]:
    """Return what a figure depends on besides the code: processor, system, load, versions of `libraries`."""
    return {
        "cpu": _processor(),
        "cpus_usable": cores(),
        "load_average_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "threads_environment": {
            key: value for key, value in sorted(os.environ.items()) if key.endswith("_NUM_THREADS")
        },
        "versions": {name: _version(name) for name in libraries},
    }


def write_record(group: str, name: str, outcome: Outcome, surroundings: dict[str, Any], *, quick: bool) -> Path:
    """Write a record under the benchmarks' folder, whole or not at all, and return its path."""
    moment = datetime.now(UTC)
    path = bench_folder() / "records" / f"{group}-{name}-{moment:%Y%m%dT%H%M%S%f}Z.json"
    content = {
        "kind": "benchmark record",
        "format": FORMAT,
        "benchmark": f"{group} {name}",
        "created": moment.isoformat(timespec="seconds"),
        "quick": quick,
        "environment": surroundings,
        "figures": outcome.figures,
        "samples": outcome.samples,
    }
    write_json(path, content)
    return path


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
