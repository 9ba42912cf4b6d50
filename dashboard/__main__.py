"""`python -m dashboard`: serve a prepared portfolio, or prepare one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from data.console import run_command
from data.errors import UnknownPortfolio, did_you_mean
from data.paths import model_folder, portfolio_folder, shapley_folder
from data.progress import terminal
from data.schema import LANGUAGES

SYNTHETIC = "synthetic"
CLIENTS = 30_000
SEED = 1

EXAMPLES = """examples:
  python -m dashboard                                             serve the synthetic portfolio, prepared first if
  need be python -m dashboard prepare --raw DIR --name mine               prepare a portfolio from the tables in DIR
  python -m dashboard --portfolio mine --port 5007 --lang en      serve it
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m dashboard", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    made.add_argument("--portfolio", default=SYNTHETIC, help="name of a prepared portfolio (default: %(default)s)")
    made.add_argument(
        "--address", default="127.0.0.1", help="where to listen (default: %(default)s, this machine only)"
    )
    made.add_argument("--port", type=int, default=5006, help="port; 0 takes a free one (default: %(default)s)")
    made.add_argument(
        "--lang", choices=LANGUAGES, default="fr", help="language of visitors who ask for none (%(default)s)"
    )
    made.add_argument(
        "--allow-websocket-origin", action="append", default=[], metavar="HOST[:PORT]",
        help="public name behind a proxy; may be repeated",
    )  # fmt: skip
    made.add_argument(
        "--scheduler", dest="pictures_on", metavar="ADDRESS",
        help="from 5 million clients up, compute the pictures of the Portfolio page with Dask: on a cluster, such as "
        "tcp://host:8786, or with its `threads` in this process",
    )  # fmt: skip
    made.add_argument(
        "--timings", type=Path, metavar="FILE",
        help="append how long the server took over each gesture on the Portfolio page, one line of JSON each",
    )  # fmt: skip
    commands = made.add_subparsers(dest="command", metavar="COMMAND")
    prepare = commands.add_parser(
        "prepare", help="prepare a portfolio from raw tables: import, features, train, export, score, explain",
        description="Prepare a portfolio from raw tables. Interrupted, the same command goes on from there.",
    )  # fmt: skip
    prepare.add_argument(
        "--raw", type=Path, required=True, help="folder of CSV, zipped CSV or Parquet, named as Kaggle's"
    )
    prepare.add_argument("--name", required=True, help="name of the portfolio")
    prepare.add_argument("--seed", type=int, default=0, help="seed of the training (default: %(default)s)")
    prepare.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="compute features, scores and contributions on a Dask cluster, such as tcp://host:8786",
    )
    prepare.add_argument("--threads", type=int, default=2, help="threads of the training (default: %(default)s)")
    return made


def run_prepare(options: argparse.Namespace) -> int:
    """Prepare a portfolio and say how to open it."""
    from dashboard.prepare import prepare

    with terminal(f"Preparing {options.name}") as report:
        prepare(
            options.raw,
            options.name,
            seed=options.seed,
            threads=options.threads,
            scheduler=options.scheduler,
            report=report,
        )
    print(f"Portfolio {options.name} is ready: python -m dashboard --portfolio {options.name}")
    return 0


def run_serve(options: argparse.Namespace) -> int:
    """Serve a portfolio, preparing the synthetic one first where it is not there."""
    from dashboard.server import check_free, serve
    from data.store import Portfolio, find_portfolios

    name = options.portfolio
    port = check_free(options.address, options.port)
    if name == SYNTHETIC and not (name in find_portfolios() and shapley_folder(name).is_dir()):
        _prepare_synthetic()
    elif name not in find_portfolios():
        known = find_portfolios()
        raise UnknownPortfolio(
            f"No portfolio {name!r} in {portfolio_folder(name).parent}.{did_you_mean(name, known)} "
            f"There {'is ' + ', '.join(known) if known else 'is none'}. "
            f"Prepare it: python -m dashboard prepare --raw DIR "
            f"--name {name}"
        )
    print(f"Opening portfolio {name} ...", file=sys.stderr, flush=True)
    from dashboard.app import Application
    from dashboard.exports import route
    from dashboard.services import Services
    from dashboard.timings import Timings

    timings = Timings(options.timings) if options.timings is not None else None
    portfolio = Portfolio.open(name)
    services = Services(portfolio, model_folder(portfolio.model_name), scheduler=options.pictures_on, timings=timings)
    application = Application(services, options.lang)
    try:
        serve(
            application.build,
            address=options.address,
            port=port,
            title="Prêt à dépenser – Pretscope",
            origins=options.allow_websocket_origin,
            patterns=route(services.exports, options.lang),
            started=lambda where: print(f"Pretscope is ready: {where}", flush=True),
        )
    finally:
        services.exports.shutdown()
    return 0


def _prepare_synthetic() -> None:
    from dashboard.prepare import prepare_synthetic

    print(
        f"There is no finished portfolio yet: preparing a synthetic one of {CLIENTS:,} clients, once. It takes some "
        "minutes; interrupted, the same command goes on.",
        file=sys.stderr,
        flush=True,
    )
    with terminal("Preparing") as report:
        prepare_synthetic(SYNTHETIC, clients=CLIENTS, seed=SEED, report=report)


def main() -> None:
    """Run the command line."""
    options = parser().parse_args()
    command = run_prepare if options.command == "prepare" else run_serve
    sys.exit(run_command(lambda: command(options)))


if __name__ == "__main__":
    main()
