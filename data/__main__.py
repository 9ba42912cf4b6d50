"""The command `python -m data`: raw tables made, compared, imported, turned into features."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from data.console import run_command
from data.description import absent_remarks, describe, note_remarks, share
from data.feature_set import FeatureSet, features_from
from data.progress import terminal
from data.sources import import_raw
from data.synthetic_tables import make_synthetic
from data.validation import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_PARTITIONS = "how many parts of clients (default: of some four million rows each)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 where a person has to act."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = options.command
    return run_command(lambda: command(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m data", description="The portfolio's data, from raw tables to features."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, command: Callable[[argparse.Namespace], None], says: str, example: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=says,
            description=says[0].upper() + says[1:] + ".",
            epilog=f"example:\n  python -m data {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(command=command)
        return added

    made = add(
        "synthesise",
        _synthesise,
        "make synthetic raw tables, named and shaped as the published ones",
        "synthesise --clients 30000 --seed 0 --out artifacts/raw/synthetic",
    )
    made.add_argument(
        "--clients", type=_positive, default=30_000, metavar="N", help="number of clients (default: 30000)"
    )
    made.add_argument("--seed", type=_not_negative, default=0, metavar="S", help="the same seed gives the same tables")
    made.add_argument(
        "--workers", type=_positive, metavar="N", help="how many processes make them (default: by cores and clients)"
    )
    made.add_argument("--out", type=_path, required=True, metavar="DIR", help="folder to make")

    imported = add(
        "import",
        _import,
        "check raw tables (CSV, zip, gzip or Parquet) and keep them as Parquet with a manifest",
        "import --raw ~/home-credit-default-risk --out artifacts/raw/real",
    )
    imported.add_argument(
        "--raw", type=_path, required=True, metavar="DIR", help="folder of the files, named as Kaggle does"
    )
    imported.add_argument("--out", type=_path, required=True, metavar="DIR", help="folder to make")
    imported.add_argument("--partitions", type=_positive, metavar="N", help=_PARTITIONS)

    computed = add(
        "features",
        _features,
        "compute the features of every client",
        "features --raw artifacts/raw/real --out build/features",
    )
    computed.add_argument(
        "--raw", type=_path, required=True, metavar="DIR", help="an import, or a folder of raw tables"
    )
    computed.add_argument("--out", type=_path, required=True, metavar="DIR", help="folder to make")
    computed.add_argument("--partitions", type=_positive, metavar="N", help=_PARTITIONS)
    computed.add_argument(
        "--scheduler", metavar="ADDRESS", help="compute on a Dask cluster, such as tcp://127.0.0.1:8786; folders shared"
    )

    described = add(
        "describe",
        _describe,
        "say what a folder holds: raw tables, an import, a feature set or a portfolio",
        "describe artifacts/raw/real",
    )
    described.add_argument("folder", type=_path, metavar="DIR", help="the folder")

    compared = add(
        "fidelity",
        _fidelity,
        "compare raw tables with the published statistics of the real ones, column by column",
        "fidelity build/synthetic",
    )
    compared.add_argument("folder", type=_path, metavar="DIR", help="raw tables, or an import")
    compared.add_argument("--against", type=_path, metavar="DIR", help="the published files, instead of the copy kept")
    compared.add_argument("--all", action="store_true", help="print every statistic, not only those outside tolerance")
    return parser


def _path(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("the name of a folder was expected, got an empty text")
    return Path(text).expanduser()


def _positive(text: str) -> int:
    return _whole(text, 1)


def _not_negative(text: str) -> int:
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"a whole number from {least} on was expected, got {text!r}")
    return number


def _synthesise(options: argparse.Namespace) -> None:
    with terminal("synthesise") as report:
        manifest = make_synthetic(options.clients, options.seed, options.out, report, options.workers)
    files = sum(name.endswith(".parquet") for name in manifest["files"])
    print(f"Made {files} tables of {options.clients:,} synthetic clients (seed {options.seed}) in {options.out}.")


def _import(options: argparse.Namespace) -> None:
    with terminal("import") as report:
        manifest = import_raw(options.raw, options.out, report, options.partitions)
    _remark(absent_remarks(manifest["absent"]))
    _remark(note_remarks(Note(**content) for content in manifest["warnings"]))
    rows = manifest["rows"]
    print(
        f"Imported {len(rows)} tables, {sum(rows.values()):,} rows, {manifest['clients']:,} clients "
        f"({manifest['labelled']:,} labelled, default rate {share(manifest['defaults'], manifest['labelled'])}) "
        f"into {options.out}."
    )


def _features(options: argparse.Namespace) -> None:
    with terminal("features") as report:
        made: FeatureSet = features_from(
            options.raw, options.out, report, partitions=options.partitions, scheduler=options.scheduler
        )
    _remark(absent_remarks(made.absent_tables))
    print(f"{len(made.names)} features of {len(made):,} clients are in {options.out}.")


def _describe(options: argparse.Namespace) -> None:
    with terminal("describe") as report:
        title, grids, remarks = describe(options.folder, report)
    console = Console(soft_wrap=not sys.stdout.isatty())
    console.print(title, markup=False, highlight=False)
    for grid in grids:
        console.print(grid)
    for remark in remarks:
        console.print(f"- {remark}", markup=False, highlight=False)


def _fidelity(options: argparse.Namespace) -> None:
    from data.fidelity import compare, published, published_in, table

    against = published() if options.against is None else published_in(options.against)
    with terminal("fidelity") as report:
        compared = compare(options.folder, against, report)
    console = Console(soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 240)
    console.print(table.deviations(compared, everything=options.all))
    console.print(table.by_kind(compared))
    print(json.dumps(table.summary(compared)))


def _remark(remarks: Sequence[str]) -> None:
    for remark in remarks:
        print(remark, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
