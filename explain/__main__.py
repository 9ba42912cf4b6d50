"""The command `python -m explain`: compute the contributions of every client of a portfolio."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from data.console import run_command
from data.feature_set import features_in
from data.features.catalog import features as catalog_of
from data.progress import terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 where a person has to act."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = options.command
    return run_command(lambda: command(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m explain", description="Explain the scores of a model, exactly, client by client."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    says = "compute the contributions of every feature to the score of every client, and what drives the model"
    portfolio = commands.add_parser(
        "portfolio",
        help=says,
        description=f"{says[0].upper()}{says[1:]}. Every client's contributions are checked to sum to its score. "
        "Interrupted, the same command goes on from there.",
        epilog="example:\n  python -m explain portfolio --model artifacts/models/real "
        "--features artifacts/portfolios/real \\\n    --out artifacts/shapley/real",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    portfolio.add_argument("--model", type=_path, required=True, metavar="DIR", help="folder of a model")
    portfolio.add_argument(
        "--features", type=_path, required=True, metavar="DIR", help="a feature set, or a portfolio that has one"
    )
    portfolio.add_argument(
        "--out", type=_path, required=True, metavar="DIR", help="folder to make, or contributions to replace"
    )
    portfolio.add_argument(
        "--scheduler", metavar="ADDRESS", help="compute on a Dask cluster, such as tcp://127.0.0.1:8786; folders shared"
    )
    portfolio.set_defaults(command=_portfolio)
    return parser


def _portfolio(options: argparse.Namespace) -> None:
    from explain.contribution_parts import write_contributions

    features = features_in(options.features)
    catalog = catalog_of(features.absent_tables)
    begun = time.monotonic()
    with terminal("explain") as report:
        store = write_contributions(
            features, options.model, options.out, catalog=catalog, scheduler=options.scheduler, report=report
        )
    seconds = time.monotonic() - begun
    size = sum(facts["bytes"] for facts in store.manifest["files"].values())
    print(f"{'clients':<28}{len(store):,}")
    print(f"{'features used':<28}{len(store.used)} of {len(store.names)}, of {len(store.groups)} columns")
    print(f"{'seconds':<28}{seconds:.1f}")
    print(f"{'largest residual':<28}{store.largest_residual:.2e} log-odds, between contributions and score")
    print(f"{'bytes':<28}{size:,}")
    print(f"{'contributions':<28}{options.out}")


def _path(text: str) -> Path:
    return Path(text).expanduser()


if __name__ == "__main__":
    sys.exit(main())
