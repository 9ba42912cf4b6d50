"""How long the features of all clients take, and how much memory: ours, and the plain pandas one-hot pipeline.

Both read Parquet tables and leave the same on the disk, synced: features in single precision, ids, and the columns of
the application. Each works in a process of its own that ends with its work, one after the other. Ours reads an import,
checked and partitioned by client, which is made once and measured apart: the pandas pipeline has nothing like it. The
ratio is given without that import and with it. The time is that of the work, without the start of the interpreter and
of libraries; the peak is the largest resident size that the system kept of the process.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pyarrow.parquet as pq

from bench.registry import Outcome
from data.errors import StoreError
from data.feature_set import FeatureSet
from data.paths import ROOT, bench_folder
from data.progress import part
from data.synthetic_tables import make_synthetic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.registry import Request
    from data.progress import Report

WHOLE = 356_255
SHARES, QUICK_SHARES = (0.01, 0.1, 0.25, 0.5, 1.0), (0.01,)
SEED = 0
IMPORT, OURS, PANDAS = "import", "pretscope", "pandas"
TOLERANCE = 1e-6
MOST_MEMORY = 0.85
"""Share of the memory that is free, beyond which a run of the peer that is expected to need more is not begun."""
MOST_SECONDS = 600.0
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one contender; without `seconds` it didn't finish, and `why` says so."""

    contender: str
    clients: int
    rows: int
    seconds: float | None = None
    peak_gib: float | None = None
    why: str = ""


def run(request: Request, report: Report) -> Outcome:
    """Measure both at growing sizes, as far up as the memory allows, and compare their values.

    Raises
    ------
    StoreError
        Ours doesn't finish, or the disk refuses.
    """
    folder = bench_folder() / "features"
    shares = QUICK_SHARES if request.quick else SHARES
    found: list[Measured] = []
    equal: dict[int, dict[str, Any]] = {}
    for step, share in enumerate(shares):
        clients = round(WHOLE * share)
        here = part(report, step / len(shares), (step + 1) / len(shares), f"{share:.0%}: ")
        raw = folder / f"raw-{clients}"
        make_synthetic(clients, SEED, raw, part(here, 0.0, 0.2))
        rows = sum(pq.read_metadata(path).num_rows for path in sorted(raw.rglob("*.parquet")))
        for contender, source, target in ((IMPORT, raw, "imported"), (OURS, folder / "imported", "ours")):
            here(contender, 0.2)
            found.append(_measure(contender, source, folder / target, clients, rows))
            if found[-1].seconds is None:
                raise StoreError(f"The features of {clients} clients were not computed: {found[-1].why}")
        here("pandas", 0.5)
        found.append(_forecast(found, clients, rows) or _measure(PANDAS, raw, folder / "pandas", clients, rows))
        if found[-1].seconds is not None:
            equal[clients] = compare(FeatureSet.open(folder / "ours", verify=False), folder / "pandas")
        for name in ("imported", "ours", "pandas"):
            shutil.rmtree(folder / name, ignore_errors=True)
    figures = _figures(found, equal, quick=request.quick)
    return Outcome(_table(found, figures), figures, {"runs": [asdict(one) for one in found]})


def _measure(contender: str, raw: Path, out: Path, clients: int, rows: int) -> Measured:
    shutil.rmtree(out, ignore_errors=True)
    if hasattr(os, "sync"):
        os.sync()  # what the last one left to write is not to slow down this one
    command = [sys.executable, "-m", "bench.scoring.features_run", contender, str(raw), str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            told, complaint = process.stdout.read(), process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        signal = f"killed by signal {-process.returncode}, as where memory ends" if process.returncode < 0 else ""
        why = signal or (complaint.strip().splitlines() or ["no message"])[-1]
        return Measured(contender, clients, rows, why=why)
    unit = 1 if sys.platform == "darwin" else 1024
    seconds = json.loads(told.splitlines()[-1])["seconds"]
    return Measured(contender, clients, rows, seconds, usage.ru_maxrss * unit / _GIB)


def _forecast(found: Sequence[Measured], clients: int, rows: int) -> Measured | None:
    """Return why the peer is not run at this size, going by its last run, or None where it is."""
    last = next((one for one in reversed(found) if one.contender == PANDAS), None)
    if last is None:
        return None
    if last.seconds is None or last.peak_gib is None:
        return Measured(PANDAS, clients, rows, why="not run: a smaller size was not finished")
    grown = rows / last.rows
    free = psutil.virtual_memory().available / _GIB
    if last.peak_gib * grown > free * MOST_MEMORY:
        why = f"not run: some {last.peak_gib * grown:.0f} GiB would be needed, {free:.0f} GiB are free"
        return Measured(PANDAS, clients, rows, why=why)
    if last.seconds * grown > MOST_SECONDS:
        return Measured(PANDAS, clients, rows, why=f"not run: some {last.seconds * grown:.0f} s would be needed")
    return None


def compare(ours: FeatureSet, theirs: Path) -> dict[str, Any]:
    """Compare every feature of every client: NaN equals NaN, else within 1e-6 of one another, both as float32.

    Returns
    -------
    `share` of the features that are equal for every client, and the names of the `different` ones.
    """
    names: list[str] = json.loads((theirs / "names.json").read_text(encoding="utf-8"))
    ids = np.load(theirs / "ids.npy")
    values = np.load(theirs / "features.npy", mmap_mode="r")
    if not np.array_equal(ids, ours.ids) or set(names) != set(ours.names):
        raise StoreError("The two pipelines do not have the same clients and features: they can't be compared.")
    at = {name: index for index, name in enumerate(names)}
    different = [
        name
        for index, name in enumerate(ours.names)
        if not np.allclose(ours.columns[index], values[at[name]], rtol=TOLERANCE, atol=0.0, equal_nan=True)
    ]
    return {"share": 1 - len(different) / len(ours.names), "different": different}


def _figures(found: Sequence[Measured], equal: Mapping[int, dict[str, Any]], *, quick: bool) -> dict[str, Any]:
    by_size = {(one.contender, one.clients): one for one in found}
    largest = max(equal, default=found[0].clients)
    ours = by_size[OURS, largest]
    theirs = by_size[PANDAS, largest]
    imported = by_size[IMPORT, largest]
    last = [one for one in found if one.contender == OURS][-1]
    return {
        "quick": quick,
        "clients": largest,
        "rows": ours.rows,
        "seconds": _round(ours.seconds),
        "import_seconds": _round(imported.seconds),
        "pandas_seconds": _round(theirs.seconds),
        "peak_memory_gib": _round(ours.peak_gib),
        "import_peak_memory_gib": _round(imported.peak_gib),
        "pandas_peak_memory_gib": _round(theirs.peak_gib),
        "rows_per_second": round(ours.rows / (ours.seconds or math.inf)),
        "speedup_vs_pandas": _ratio(theirs.seconds, ours.seconds),
        "speedup_vs_pandas_with_import": _ratio(theirs.seconds, _sum(ours.seconds, imported.seconds)),
        "features_equal_share": equal[largest]["share"] if equal else None,
        "features_different": sorted({name for one in equal.values() for name in one["different"]}),
        "growth_exponent": _growth([one for one in found if one.contender == OURS]),
        "pandas_growth_exponent": _growth([one for one in found if one.contender == PANDAS]),
        "largest_clients": last.clients,
        "largest_rows": last.rows,
        "largest_seconds": _round(last.seconds),
        "largest_peak_memory_gib": _round(last.peak_gib),
    }


def _round(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 3)


def _ratio(theirs: float | None, ours: float | None) -> float | None:
    return None if theirs is None or ours is None else round(theirs / ours, 3)


def _sum(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first + second


def _growth(found: Sequence[Measured]) -> float | None:
    """Return the slope of log time on log rows: 1 where twice the rows take twice the time."""
    done = [(one.rows, one.seconds) for one in found if one.seconds is not None]
    if len(done) < 2:
        return None
    rows, seconds = np.log(np.array(done, dtype=np.float64)).T
    return round(float(np.polyfit(rows, seconds, 1)[0]), 3)


def _table(found: Sequence[Measured], figures: Mapping[str, Any]) -> tuple[str, ...]:
    lines = [f"{'':<12}{'clients':>10}{'rows':>13}{'seconds':>10}{'rows/s':>13}{'peak GiB':>10}"]
    for one in found:
        head = f"{one.contender:<12}{one.clients:>10,}{one.rows:>13,}"
        if one.seconds is None or one.peak_gib is None:
            lines.append(f"{head}  {one.why}")
        else:
            lines.append(f"{head}{one.seconds:>10.2f}{one.rows / one.seconds:>13,.0f}{one.peak_gib:>10.2f}")
    if figures["speedup_vs_pandas"] is not None:
        lines.append(
            f"at {figures['clients']:,} clients ours takes {figures['speedup_vs_pandas']:.1f} times less, with the "
            f"import that is made once {figures['speedup_vs_pandas_with_import']:.1f} times; "
            f"{figures['features_equal_share']:.2%} of the features are equal for every client"
        )
    return tuple(lines)
