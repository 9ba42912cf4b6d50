"""The command `python -m models`: train a model, export it again, score clients with it, evaluate it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from data.console import run_command
from data.errors import InvalidOption, StoreError
from data.feature_set import features_in
from data.files import written_whole
from data.progress import part, terminal
from data.schema import CLIENT_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from data.feature_set import FeatureSet
    from models.card import ModelCard
    from models.scorer import Scores

SUFFIXES = (".parquet", ".csv")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 where a person has to act."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = options.command
    return run_command(lambda: command(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models", description="Train a model and score clients with it.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, command: Callable[[argparse.Namespace], None], says: str, example: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=says,
            description=says[0].upper() + says[1:] + ".",
            epilog=f"example:\n  python -m models {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(command=command)
        return added

    def takes(added: argparse.ArgumentParser, *names: str) -> None:
        says = {
            "model": "folder of a model",
            "features": "a feature set, or a portfolio that has one",
        }
        for name in names:
            added.add_argument(f"--{name}", type=_path, required=True, metavar="DIR", help=says[name])

    def threaded(added: argparse.ArgumentParser) -> None:
        added.add_argument("--threads", type=_positive, default=2, metavar="N", help="threads to use (default: 2)")

    trained = add(
        "train",
        _train,
        "train a model on the labelled clients, calibrate it and export it to ONNX",
        "train --features build/features --out artifacts/models/real",
    )
    takes(trained, "features")
    trained.add_argument("--out", type=_path, required=True, metavar="DIR", help="folder to make, or model to replace")
    trained.add_argument(
        "--seed", type=_not_negative, default=0, metavar="S", help="the same seed gives the same model"
    )
    threaded(trained)

    exported = add(
        "export",
        _export,
        "write a model's ONNX graph again from its LightGBM text",
        "export --model artifacts/models/real",
    )
    takes(exported, "model")

    scored = add(
        "score",
        _score,
        "score every client: SK_ID_CURR, raw, pd, score, accepted, level",
        "score --model artifacts/models/real --features build/features --out build/scores.parquet",
    )
    takes(scored, "model", "features")
    scored.add_argument("--out", type=_path, required=True, metavar="FILE", help="file to write, .parquet or .csv")
    scored.add_argument(
        "--scheduler", metavar="ADDRESS", help="score on a Dask cluster, such as tcp://127.0.0.1:8786; folders shared"
    )
    threaded(scored)

    evaluated = add(
        "evaluate",
        _evaluate,
        "say how good a model is, and whether its ONNX graph equals LightGBM; the last line is JSON",
        "evaluate --model artifacts/models/real --features build/features",
    )
    takes(evaluated, "model", "features")
    threaded(evaluated)
    return parser


def _train(options: argparse.Namespace) -> None:
    from models.train import train

    features = features_in(options.features)
    with terminal("train") as report:
        card = train(features, options.out, seed=options.seed, threads=options.threads, report=report)
    _print_card(card, options.out)


def _export(options: argparse.Namespace) -> None:
    from models.export import export_again

    export_again(options.model)
    print(f"The ONNX graph of {options.model} is written again from its LightGBM text.")


def _score(options: argparse.Namespace) -> None:
    from models.scorer import Scorer

    if options.out.suffix.lower() not in SUFFIXES:
        raise InvalidOption(f"--out must end with {' or '.join(SUFFIXES)}, got {options.out.name!r}.")
    scorer = Scorer.load(options.model)
    features = features_in(options.features)
    with terminal("score") as report:
        if options.scheduler is None:
            scores = scorer.score_features(features, options.threads, part(report, 0.0, 0.9))
        else:
            from models.score_parts import score_by_parts

            parts = options.out.parent / f".parts-{options.out.name}"
            scores = score_by_parts(
                features, options.model, parts, scheduler=options.scheduler, report=part(report, 0.0, 0.9)
            )
        _write_scores(options.out, features, scores)
        report("written", 1.0)
    accepted = int(scores.accepted.sum())
    print(
        f"{len(scores):,} clients scored, {accepted:,} accepted ({accepted / max(1, len(scores)):.1%}): {options.out}"
    )


def _write_scores(out: Path, features: FeatureSet, scores: Scores) -> None:
    frame = pl.DataFrame(
        {
            CLIENT_ID: features.ids,
            "raw": scores.raw,
            "pd": scores.pd,
            "score": scores.score,
            "accepted": scores.accepted,
            "level": scores.level,
        }
    )
    try:
        with written_whole(out) as path:
            if out.suffix.lower() == ".csv":
                frame.write_csv(path)
            else:
                frame.write_parquet(path)
    except OSError as error:
        raise StoreError(f"{out} can't be written: {error.strerror or error}. Choose another file.") from error


def _evaluate(options: argparse.Namespace) -> None:
    from models.evaluation import evaluate

    features = features_in(options.features)
    with terminal("evaluate") as report:
        found = evaluate(options.model, features, options.threads, report)
    how = "out of fold" if found.out_of_fold_clients else "by the final model: in-sample for any it was trained on"
    print(f"{'AUC':<28}{found.auc:.4f}   95 % interval {found.auc_low:.4f} to {found.auc_high:.4f}")
    print(f"{'KS':<28}{found.ks:.4f}")
    print(f"{'Brier score':<28}{found.brier:.4f}")
    print(f"{'measured on':<28}{found.labelled_clients:,} labelled clients, {how}")
    print(f"{'ONNX equals LightGBM on':<28}{found.bit_equal_share:.4%} of {found.clients:,} clients, bit for bit")
    print(json.dumps(found.as_json()))


def _print_card(card: ModelCard, out: Path) -> None:
    print(f"{'clients':<28}{card.labelled:,} labelled, of whom {card.defaults:,} defaulted ({card.base_rate:.2%})")
    print(f"{'features':<28}{len(card.features)}, of which {len(card.monotone)} monotone")
    print(f"{'trees':<28}{card.trees}")
    print(f"{'AUC, out of fold':<28}{card.auc.value:.4f}   95 % interval {card.auc.low:.4f} to {card.auc.high:.4f}")
    print(f"{'KS, Brier score':<28}{card.ks:.4f}, {card.brier:.4f}")
    print(f"{'calibration':<28}PD = sigmoid({card.slope:.4f} * raw {card.intercept:+.4f})")
    print(f"{'threshold':<28}{card.threshold} (cost-optimal {card.cost_optimal_threshold:.4f})")
    print(f"{'model':<28}{out}")


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _positive(text: str) -> int:
    return _at_least(1, text)


def _not_negative(text: str) -> int:
    return _at_least(0, text)


def _at_least(least: int, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a whole number was expected, got {text!r}") from None
    if value < least:
        raise argparse.ArgumentTypeError(f"a whole number from {least} on was expected, got {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
