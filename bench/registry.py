"""Every benchmark by its group and name; what runs one is imported only when it runs."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from data.errors import InvalidOption, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from data.progress import Report


@dataclass(frozen=True, slots=True)
class Request:
    """What a benchmark is asked.

    Attributes
    ----------
    quick : whether it shall take less than a minute, on fewer samples.
    portfolio : name of the portfolio to measure on; None for the first there is.
    model, features : folders to measure on instead; both or neither.
    """

    quick: bool = False
    portfolio: str | None = None
    model: Path | None = None
    features: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a benchmark found.

    Attributes
    ----------
    table : for people, one line a row.
    figures : every figure and ratio, JSON content, units in the names.
    samples : summary of the raw samples, JSON content, for the record.
    """

    table: tuple[str, ...]
    figures: dict[str, Any]
    samples: dict[str, Any]


class Run(Protocol):
    """Runs a benchmark."""

    def __call__(self, request: Request, report: Report) -> Outcome:
        """Measure what `request` asks, telling `report` how far it is."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark: what it says of itself, and the dotted path ("module:function") of what runs it."""

    says: str
    target: str


BENCHMARKS: dict[str, dict[str, Benchmark]] = {
    "scoring": {
        "latency": Benchmark(
            "one score and a thousand: our ONNX scorer, LightGBM, the onnxmltools export", "bench.scoring.latency:run"
        ),
        "features": Benchmark(
            "the features of 1 %, 10 % and more of the full portfolio: ours, and the plain pandas pipeline",
            "bench.scoring.features:run",
        ),
        "shapley": Benchmark(
            "Shapley values in blocks, alone and of a whole portfolio: ours, LightGBM, shap, woodelf-explainer",
            "bench.scoring.shapley:run",
        ),
        "portfolio": Benchmark(
            "linked charts over every client: engine, page in a browser, many sessions; HoloViews' link_selections",
            "bench.scoring.portfolio:run",
        ),
    },
}


def find(group: str, name: str) -> Benchmark:
    """Return a benchmark; raise InvalidOption, naming those there are, where there is none of that name."""
    known = BENCHMARKS[group]
    if name not in known:
        raise InvalidOption(f"No {group} benchmark {name!r}.{did_you_mean(name, known)} There are: {', '.join(known)}.")
    return known[name]


def load(benchmark: Benchmark) -> Run:
    """Import and return what runs a benchmark."""
    module, _, function = benchmark.target.partition(":")
    return cast("Run", getattr(importlib.import_module(module), function))
