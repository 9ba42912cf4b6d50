"""Shapley values of one client or of many: how much each feature moves the log-odds of repayment.

What a feature that is "absent" counts for is averaged over: by how many training clients took each branch of the trees
(path-dependent values, those of LightGBM), or over a reference population (interventional values, `Explainer.against`).
Both are exact, in double precision (`explain.shapley`). The calibration and the score being affine in log-odds, exact
Shapley values of the raw score are exact Shapley values of the score's log-odds too:

    logit(score) = logit(base_rate) - intercept - slope * raw

so a feature's contribution is `-slope` times that to the raw score, and the base is what is left where every feature is
absent.

Source: S. Lundberg et al., "From local explanations to global understanding with explainable AI for trees", 2020,
doi:10.1038/s42256-019-0138-9.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import expit, logit

from data.errors import FeatureMismatch, IncompleteArtefact, ModelError, NotExportable
from explain.grouping import GroupedContributions, group_contributions, grouping
from explain.shapley.as_shap import to_shap
from explain.shapley.ensemble import TreeShapley
from models.calibration import Calibrator
from models.folder import CALIBRATOR, CARD, NEXT_STEP, POLICY, TEXT, read_manifest, verified_bytes
from models.policy import Policy
from models.trees import read_trees

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from data.features.catalog import Feature

TOLERANCE = 1e-9
"""Greatest difference, in log-odds, between the score's log-odds and the base with all contributions."""

_NEXT_STEP = f"{NEXT_STEP}FOLDER"
_CLIENTS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """One client's Shapley values, in log-odds of repayment: above zero helps the client.

    Attributes
    ----------
    names : the F features, in the model's order.
    values : (F,) float64, contributions in log-odds of repayment.
    row : (F,) float64, the client's features, NaN where there is no value.
    base : log-odds of repayment of the average client: what every contribution starts from.
    logit_score : log-odds of repayment of this client, from the model's own raw score, not from the contributions.
    residual : `base + values.sum() - logit_score`, below TOLERANCE in absolute value.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    row: NDArray[np.float64]
    base: float
    logit_score: float
    residual: float

    @property
    def score(self) -> float:
        """The score, probability of repayment at even odds, in [0, 1]."""
        return float(expit(self.logit_score))

    @property
    def base_score(self) -> float:
        """The score of the base, probability of repayment at even odds, in [0, 1]."""
        return float(expit(self.base))

    def grouped(self, catalog: Sequence[Feature]) -> GroupedContributions:
        """Return the contributions summed by source column, the strongest first.

        Raises
        ------
        FeatureMismatch
            If the catalogue doesn't have one of the model's features.
        """
        return group_contributions(grouping(self.names, catalog), self.values, self.row, self.base, self.logit_score)

    def to_shap(self) -> Any:
        """Return the same as a `shap.Explanation`, in log-odds of repayment, for shap's plots and what reads it."""
        return to_shap(self.values, self.base, self.row, self.names)

    def frame(self) -> pl.DataFrame:
        """Return one row a feature, in the model's order: feature, value, contribution.

        `value` is the client's, null where there is none; `contribution` is in log-odds of repayment.
        """
        return pl.DataFrame(
            {"feature": self.names, "value": self.row, "contribution": self.values},
            schema_overrides={"feature": pl.String},
        ).with_columns(pl.col("value").fill_nan(None))


@dataclass(frozen=True, slots=True, eq=False)
class ManyContributions:
    """The Shapley values of n clients, in log-odds of repayment: above zero helps the client.

    Attributes
    ----------
    names : the F features, in the model's order.
    values : (n, F) float64, contributions in log-odds of repayment.
    rows : (n, F) float64, the clients' features, NaN where there is no value.
    base : log-odds of repayment of the average client.
    logit_scores : (n,) float64, log-odds of repayment of each client.
    residuals : (n,) float64, `base + values.sum(axis=1) - logit_scores`, below TOLERANCE in absolute value.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    rows: NDArray[np.float64]
    base: float
    logit_scores: NDArray[np.float64]
    residuals: NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def to_shap(self) -> Any:
        """Return the same as a `shap.Explanation`, in log-odds of repayment, for shap's plots and what reads it."""
        return to_shap(self.values, self.base, self.rows, self.names)

    def client(self, place: int) -> Contributions:
        """Return the contributions of the client at row `place` of those explained."""
        return Contributions(
            self.names,
            self.values[place],
            self.rows[place],
            self.base,
            float(self.logit_scores[place]),
            float(self.residuals[place]),
        )


class Explainer:
    """Gives the contributions to the score of a model; safe to share between threads.

    Parameters
    ----------
    shapley : Shapley values of the model's raw score, the log-odds of default.
    names : its F features, in its order, under their well-known names.
    calibrator, policy : how the model's folder makes a score of the raw score.

    Attributes
    ----------
    names : the F features, in the order in which rows must give them.
    used : (U,) int64, places of the features that some tree reads; the contribution of any other is zero.
    base : log-odds of repayment where every feature is absent, the same for every client: of the average client, or
        the mean over the reference population.

    Raises
    ------
    FeatureMismatch
        If the model has another number of features.
    """

    def __init__(self, shapley: TreeShapley, names: Sequence[str], calibrator: Calibrator, policy: Policy) -> None:
        self.names = tuple(names)
        if shapley.features != len(self.names):
            raise FeatureMismatch(
                f"The model has {shapley.features} features, its card names {len(self.names)}. {_NEXT_STEP}"
            )
        self._shapley, self._calibrator, self._policy = shapley, calibrator, policy
        self._slope = calibrator.slope
        self._shift = float(logit(policy.base_rate)) - calibrator.intercept
        self.used = shapley.used
        self.base = self._shift - self._slope * shapley.mean

    @classmethod
    def load(cls, model_folder: Path) -> Explainer:
        """Return the explainer of the model in a folder, having checked the hash of every file it reads.

        Raises
        ------
        HashMismatch
            If a file is not the one that the manifest describes; nothing of it was used.
        IncompleteArtefact, UnknownPortfolio, StoreError
            If a file, its line in the manifest, or the folder is not there, or can't be read as a model of the kind
            that this product trains.
        FeatureMismatch, ModelError
            As the class does, or a tree has a leaf value that is not finite.
        """
        manifest = read_manifest(model_folder)
        content = {name: verified_bytes(model_folder, manifest, name) for name in (TEXT, CARD, CALIBRATOR, POLICY)}
        try:
            names = [feature["name"] for feature in json.loads(content[CARD])["features"]]
            calibrator = Calibrator.from_json(json.loads(content[CALIBRATOR]))
            policy = Policy.from_json(json.loads(content[POLICY]))
            trees = read_trees(content[TEXT].decode("utf-8"))
        except (KeyError, TypeError, ValueError, NotExportable) as error:
            raise IncompleteArtefact(f"{model_folder} can't be read: {error!r}. {NEXT_STEP}{model_folder}") from error
        return cls(TreeShapley.of(trees), names, calibrator, policy)

    def against(self, columns: NDArray[np.float32] | NDArray[np.float64]) -> Explainer:
        """Return the explainer of the same score against a reference population: interventional contributions.

        A client's contributions then say why its score is not the population's mean one, each feature being replaced
        by the values of the population's clients, whatever the others are. Their base is the population's mean
        log-odds.

        Parameters
        ----------
        columns : (F, R) float32 or float64, the population's features, one line a feature in the order of `names`.

        Raises
        ------
        FeatureMismatch
            If there are not F lines, or nobody.
        """
        return Explainer(self._shapley.against(columns), self.names, self._calibrator, self._policy)

    def explain(self, row: NDArray[np.float64]) -> Contributions:
        """Return the contributions to one client's score, in log-odds of repayment.

        Parameters
        ----------
        row : (F,) float64, the client's features in the order of `names`, NaN where there is no value.

        Raises
        ------
        FeatureMismatch
            If the row doesn't have F values.
        ModelError
            If the contributions don't sum to the score's log-odds within TOLERANCE.
        """
        if row.shape != (len(self.names),):
            raise FeatureMismatch(
                f"One client is a row of {len(self.names)} values; got an array of shape {row.shape}."
            )
        own = np.array(row, dtype=np.float64)
        values = -self._slope * self._shapley.row(own)
        logit_score = self._shift - self._slope * float(self._shapley.raw(own[:, np.newaxis])[0])
        residual = self.base + float(values.sum()) - logit_score
        _check_sum(np.array([residual]))
        for array in (own, values):
            array.setflags(write=False)
        return Contributions(self.names, values, own, self.base, logit_score, residual)

    def explain_many(self, rows: NDArray[np.float64], threads: int = 1) -> ManyContributions:
        """Return the contributions to the scores of n clients, in log-odds of repayment.

        Parameters
        ----------
        rows : (n, F) float64, the features of each client in the order of `names`, NaN where there is no value.
        threads : among which the clients are shared out, at least 1; the result does not depend on it.

        Raises
        ------
        FeatureMismatch
            If the rows don't have F values.
        ModelError
            If the contributions of a client don't sum to its score's log-odds within TOLERANCE.
        """
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            got = f"{rows.shape[1]} values" if rows.ndim == 2 else f"an array of shape {rows.shape}"
            raise FeatureMismatch(
                f"The model has {len(self.names)} features, got {got} a client. "
                "Give the features of the portfolio that was made for this model."
            )
        own = np.array(rows, dtype=np.float64, order="C")
        values = np.zeros_like(own)
        starts = range(0, len(own), _CLIENTS_AT_ONCE)

        def work(start: int) -> None:
            some = slice(start, start + _CLIENTS_AT_ONCE)
            values[some, self.used] = -self._slope * self._shapley.columns(own[some].T).T

        with ThreadPoolExecutor(max(1, threads)) as pool:
            list(pool.map(work, starts))
        logit_scores = self._shift - self._slope * self._shapley.raw(own.T)
        residuals = self.base + values.sum(axis=1) - logit_scores
        _check_sum(residuals)
        for array in (own, values, logit_scores, residuals):
            array.setflags(write=False)
        return ManyContributions(self.names, values, own, self.base, logit_scores, residuals)

    def explain_columns(self, columns: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the contributions to the scores of m clients, feature by feature, on one thread.

        They are not compared with any score: the caller has one to compare with.

        Parameters
        ----------
        columns : (F, m) float32 or float64, one line a feature in the order of `names`, NaN where there is no value.

        Returns
        -------
        (F, m) float64, log-odds of repayment.

        Raises
        ------
        FeatureMismatch
            If there are not F lines.
        """
        found = np.zeros((len(self.names), columns.shape[-1]))
        found[self.used] = self.explain_used(columns)
        return found

    def explain_used(self, columns: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the same as `explain_columns` for the features of `used` alone, (U, m) float64."""
        found = self._shapley.columns(columns)
        found *= -self._slope
        return found

    def interactions(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return one client's path-dependent interaction values, (F, F) float64 in log-odds of repayment, symmetric.

        Each line sums to the feature's contribution; off the diagonal is half of what two features add together.

        Parameters
        ----------
        row : (F,) float64, as `explain` takes it.

        Raises
        ------
        FeatureMismatch
            If the row doesn't have F values.
        ModelError
            If this explainer is against a reference population: its interactions are not computed.
        """
        return -self._slope * self._shapley.interactions(row)


def _check_sum(residuals: NDArray[np.float64]) -> None:
    """Raise ModelError where contributions miss the log-odds of the score; a NaN does too."""
    if not bool((np.abs(residuals) <= TOLERANCE).all()):
        raise ModelError(
            f"Contributions miss the score's log-odds by {float(np.max(np.abs(residuals))):.3g}, more than "
            f"{TOLERANCE:g}: they would not explain this score. {_NEXT_STEP}"
        )
