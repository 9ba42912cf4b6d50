"""The command `python -m bench`: run a benchmark, print what it found, keep the record."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.records import environment, write_record
from bench.registry import BENCHMARKS, Request, find, load
from data.console import run_command
from data.progress import terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

LIBRARIES = ("lightgbm", "numpy", "numba", "onnx", "onnxmltools", "onnxruntime", "polars", "shap", "woodelf-explainer")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 where a person has to act."""
    options = _parser().parse_args(arguments)
    return run_command(lambda: _run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure contenders side by side. Records are kept under artifacts/bench/; the last line is JSON.",
    )
    groups = parser.add_subparsers(dest="group", required=True, metavar="GROUP")
    for group, benchmarks in BENCHMARKS.items():
        listed = "\n".join(f"  {name:<12}{benchmark.says}" for name, benchmark in benchmarks.items())
        added = groups.add_parser(
            group,
            help=f"{len(benchmarks)} benchmarks: {', '.join(benchmarks)}",
            description=f"benchmarks:\n{listed}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.add_argument("name", metavar="NAME", help="which benchmark")
        added.add_argument("--quick", action="store_true", help="fewer samples: under a minute")
        added.add_argument("--portfolio", metavar="NAME", help="portfolio to measure on (default: the first there is)")
        added.add_argument("--model", type=_path, metavar="DIR", help="model to measure, with --features")
        added.add_argument("--features", type=_path, metavar="DIR", help="feature set to measure on, with --model")
    return parser


def _run(options: argparse.Namespace) -> None:
    benchmark = find(options.group, options.name)
    request = Request(options.quick, options.portfolio, options.model, options.features)
    surroundings = environment(LIBRARIES)
    with terminal(f"{options.group} {options.name}") as report:
        outcome = load(benchmark)(request, report)
    path = write_record(options.group, options.name, outcome, surroundings, quick=options.quick)
    print("\n".join(outcome.table))
    print(f"record: {path}")
    print(json.dumps({"benchmark": f"{options.group} {options.name}", **outcome.figures}, allow_nan=False))


def _path(text: str) -> Path:
    return Path(text).expanduser()


if __name__ == "__main__":
    sys.exit(main())
