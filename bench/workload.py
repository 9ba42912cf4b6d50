"""What a scoring benchmark works on: a portfolio, a model and features by folder, or a small workload of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.artefact import find_portfolios, kind_of
from data.errors import HashMismatch, InvalidOption
from data.feature_set import features_from, features_in
from data.paths import bench_folder, model_folder
from data.portfolio import Portfolio
from data.progress import part, silent
from models.card import read_card
from models.folder import KIND as MODEL
from models.folder import model_hash, read_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from bench.registry import Request
    from data.feature_set import FeatureSet
    from data.progress import Report

CLIENTS, SEED, THREADS = 3000, 0, 1


@dataclass(frozen=True, slots=True)
class Workload:
    """Clients and the model to score them with."""

    name: str
    model: Path
    features: FeatureSet


def choose(request: Request, report: Report = silent) -> Workload:
    """Return the workload asked for; where none is, the first portfolio, or else a small one made for the purpose.

    Raises
    ------
    InvalidOption
        A model without features, or the other way round, or together with a portfolio.
    StoreError
        The portfolio, model or features can't be used.
    """
    if (request.model is None) != (request.features is None):
        raise InvalidOption("--model and --features go together: one of them was given without the other.")
    if request.model is not None and request.features is not None:
        if request.portfolio is not None:
            raise InvalidOption("Either --portfolio or --model with --features, not both.")
        return Workload(request.model.name, request.model, features_in(request.features))
    if request.portfolio is not None:
        return _of_portfolio(request.portfolio)
    known = find_portfolios()
    return _of_portfolio(known[0]) if known else _own(report)


def _of_portfolio(name: str) -> Workload:
    portfolio = Portfolio.open(name)
    folder = model_folder(portfolio.model_name)
    found = model_hash(read_manifest(folder))
    if found != portfolio.model_hash:
        raise HashMismatch(
            f"Portfolio {name!r} was scored by the model {portfolio.model_hash[:12]}…, {folder} is {found[:12]}…. "
            "Prepare the portfolio again, or name --model and --features."
        )
    return Workload(name, folder, portfolio.features)


def _own(report: Report) -> Workload:
    """Make a small workload once; a part that is finished is kept, so that an interrupted run goes on."""
    from data.synthetic_tables import make_synthetic
    from models.train import train

    folder = bench_folder() / "workload"
    make_synthetic(CLIENTS, SEED, folder / "raw", part(report, 0.0, 0.4))
    features = features_from(folder / "raw", folder / "features", part(report, 0.4, 0.6))
    model = folder / "model"
    if kind_of(model) != MODEL or read_card(model).data_hash != features.data_hash:
        train(features, model, seed=SEED, threads=THREADS, report=part(report, 0.6, 1.0))
    return Workload(f"{CLIENTS} synthetic clients", model, features)
