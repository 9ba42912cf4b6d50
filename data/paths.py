"""Where everything produced lies: one ignored root, `artifacts/`."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = "PRETSCOPE_ARTIFACTS"


def artifacts() -> Path:
    """Return the root of everything produced: PRETSCOPE_ARTIFACTS, else `artifacts/` of the project."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen) if chosen else ROOT / "artifacts"


def raw_folder(name: str) -> Path:
    """Return the folder of the imported raw tables called `name`."""
    return artifacts() / "raw" / name


def portfolio_folder(name: str) -> Path:
    """Return the folder of the portfolio called `name`."""
    return artifacts() / "portfolios" / name


def model_folder(name: str) -> Path:
    """Return the folder of the model called `name`."""
    return artifacts() / "models" / name


def shapley_folder(name: str) -> Path:
    """Return the folder of the contributions of every client of the portfolio called `name`."""
    return artifacts() / "shapley" / name


def segments_folder(name: str) -> Path:
    """Return the folder of the segments kept of the portfolio called `name`."""
    return artifacts() / "segments" / name


def exports_folder() -> Path:
    """Return the folder of the files that visitors are about to download."""
    return artifacts() / "exports"


def bench_folder() -> Path:
    """Return the folder of the benchmark records."""
    return artifacts() / "bench"
