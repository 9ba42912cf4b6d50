"""Fit the coefficients of the default model to the published rates: `python -m data.synthesis.calibration`.

For a logit with an intercept, matching the rate of every category and the correlation of every number is a convex
problem: the equations are those of the maximum likelihood, with the published moments in the place of observed ones.
Newton's method solves it on a sample of synthetic clients. To be run again whenever what the application table draws
changes, or the weights of the latent factors.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data.files import write_text
from data.synthesis.bureau import loan_counts
from data.synthesis.clients import clients
from data.synthesis.default import categories, names_of, number, numbers, offsets
from data.synthesis.latent import block
from data.synthesis.marginals import statistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.marginals import Floats

_SEED = 20_180_829  # no portfolio's
_RIDGE = 2e-5
_HEAD = """# Coefficients of the log-odds of default, fitted to default_targets.toml, given the weights of
# default_weights.toml, by `python -m data.synthesis.calibration`. Not to be edited by hand.
"""


def fit(blocks: int) -> str:
    """Return the content of statistics/default.toml, fitted on the labelled clients of `blocks` blocks."""
    targets = statistics("default_targets")
    base = targets["base_rate"]
    design, offset, missing = _sample(blocks)
    names = list(design)
    matrix = np.column_stack([np.ones(len(offset)), *design.values()])
    moments = np.empty(matrix.shape[1])
    moments[0] = base
    for position, name in enumerate(names, start=1):
        column, _, category = name.partition("\t")
        values = matrix[:, position]
        if category or column in targets["rates"]:
            moments[position] = values.mean() * targets["rates"][column][category]
        else:
            known = ~missing[column]
            spread = values[known].std() * np.sqrt(base * (1 - base))
            covariance = targets["correlations"][column] * spread
            moments[position] = known.mean() * (covariance + values[known].mean() * base)
    coefficients = np.zeros(matrix.shape[1])
    coefficients[0] = np.log(base / (1 - base))
    for _ in range(40):
        probability = 1 / (1 + np.exp(-(matrix @ coefficients + offset)))
        penalty = np.full(len(coefficients), _RIDGE)
        penalty[0] = 0.0
        gradient = matrix.T @ probability / len(offset) - moments + penalty * coefficients
        hessian = (matrix * (probability * (1 - probability))[:, None]).T @ matrix / len(offset) + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        coefficients -= np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-8:
            break
    return _text(names, coefficients)


def _sample(blocks: int) -> tuple[dict[str, Floats], Floats, dict[str, NDArray[np.bool_]]]:
    targets = statistics("default_targets")
    parts: dict[str, list[Floats]] = {}
    absent: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in targets["correlations"]}
    offset = []
    for position in range(blocks):
        one = block(position, _SEED)
        some = clients(one, loan_counts(one) > 0)
        labelled = np.logical_not(one.unlabelled)
        offset.append(offsets(one, some)[labelled])
        for column, positions in categories(some).items():
            for code, name in enumerate(names_of(column)):
                if name in targets["rates"][column]:
                    parts.setdefault(f"{column}\t{name}", []).append((positions == code)[labelled].astype(np.float64))
        for column, values in numbers(some).items():
            parts.setdefault(column, []).append(values[labelled])
            absent[column].append(np.isnan(number(some, column))[labelled])
    design = {name: np.concatenate(values) for name, values in parts.items()}
    return design, np.concatenate(offset), {name: np.concatenate(values) for name, values in absent.items()}


def _text(names: list[str], coefficients: Floats) -> str:
    lines = [_HEAD, f"intercept = {coefficients[0]:.5f}\n", "[numbers]"]
    by_column: dict[str, list[str]] = {}
    for name, value in zip(names, coefficients[1:], strict=True):
        column, separator, category = name.partition("\t")
        if separator:
            by_column.setdefault(column, []).append(f"{json.dumps(category)} = {value:.5f}")
        else:
            lines.append(f"{json.dumps(column) if '=' in column else column} = {value:.5f}")
    for column, entries in by_column.items():
        lines += ["", f"[categories.{column}]", *entries]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Fit the default model of the synthetic clients to the published rates."
    )
    parser.add_argument("--blocks", type=int, default=150, help="blocks of a thousand clients to fit on (default: 150)")
    write_text(Path(__file__).parent / "statistics" / "default.toml", fit(parser.parse_args().blocks))
