"""One contender, once, in this process: `python -m bench.scoring.features_run import|pretscope|pandas RAW OUT`.

The last line it prints is JSON, with the seconds that the work took.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the contender and return 0."""
    contender, raw, out = arguments[0], Path(arguments[1]), Path(arguments[2])
    seconds = {"import": _import, "pretscope": _ours, "pandas": _pandas}[contender](raw, out)
    print(json.dumps({"seconds": seconds}))
    return 0


def _import(raw: Path, out: Path) -> float:
    from data.sources import import_raw

    start = time.perf_counter()
    import_raw(raw, out)
    return time.perf_counter() - start


def _ours(raw: Path, out: Path) -> float:
    from data import places
    from data.feature_set import features_from
    from data.features import stretches

    places.prepare()
    stretches.prepare()
    start = time.perf_counter()
    features_from(raw, out)
    return time.perf_counter() - start


def _pandas(raw: Path, out: Path) -> float:
    import numpy as np
    import pandas as pd

    from bench.scoring.pandas_features import pandas_features
    from data.schema import CLIENT_ID, tables

    start = time.perf_counter()
    read = {
        table.name: pd.concat([pd.read_parquet(raw / f"{name}.parquet") for name in table.files])
        for table in tables().values()
    }
    computed = pandas_features(read)
    out.mkdir(parents=True)
    with np.errstate(over="ignore"):
        np.save(out / "features.npy", computed.to_numpy(dtype=np.float32).T)
    np.save(out / "ids.npy", computed.index.to_numpy(dtype=np.int64))
    (out / "names.json").write_text(json.dumps(list(computed.columns)), encoding="utf-8")
    read["application"].sort_values(CLIENT_ID).to_parquet(out / "clients.parquet", compression="zstd")
    for path in out.iterdir():
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
    seconds = time.perf_counter() - start
    assert computed.index.name == CLIENT_ID
    return seconds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
