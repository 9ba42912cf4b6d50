"""Shapley values of one client or of many: how much each feature moves the log-odds of repayment.

They are the path-dependent Shapley values of the trees: a feature that is "absent" is averaged over, by how many
training clients took each branch. LightGBM computes them exactly, in double precision, in log-odds of default. The
calibration and the score being affine in log-odds, they are exact Shapley values of the score's log-odds too:

    logit(score) = logit(base_rate) - intercept - slope * raw

so a feature's contribution is `-slope` times LightGBM's, and the base is what is left where every feature is absent.

Source: S. Lundberg et al., "From local explanations to global understanding with explainable AI for trees", 2020,
doi:10.1038/s42256-019-0138-9.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import polars as pl
from scipy.special import expit, logit

from data.errors import FeatureMismatch, IncompleteArtefact, ModelError
from explain.grouping import GroupedContributions, group_contributions, grouping
from models.calibration import Calibrator
from models.folder import CALIBRATOR, CARD, NEXT_STEP, POLICY, TEXT, read_manifest, verified_bytes
from models.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from data.features.catalog import Feature

TOLERANCE = 1e-9
"""Greatest difference, in log-odds, between the score's log-odds and the base with all contributions."""

_NEXT_STEP = f"{NEXT_STEP}FOLDER"


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
    """Gives the contributions to the score of a model, with LightGBM's own exact algorithm.

    Parameters
    ----------
    booster : a LightGBM model with one raw score, the log-odds of default.
    names : its F features, in its order, under their well-known names.
    calibrator, policy : how the model's folder makes a score of the raw score.

    Attributes
    ----------
    names : the F features, in the order in which rows must give them.
    base : log-odds of repayment of the average client, the same for every client.

    Raises
    ------
    ModelError
        If the model has more than one raw score (several classes).
    FeatureMismatch
        If the model has another number of features.
    """

    def __init__(self, booster: lgb.Booster, names: Sequence[str], calibrator: Calibrator, policy: Policy) -> None:
        self.names = tuple(names)
        if booster.num_model_per_iteration() != 1:
            raise ModelError(
                f"This model has {booster.num_model_per_iteration()} raw scores a client; contributions to a score are "
                f"of one, the log-odds of default. {_NEXT_STEP}"
            )
        if booster.num_feature() != len(self.names):
            raise FeatureMismatch(
                f"The model has {booster.num_feature()} features, its card names {len(self.names)}. {_NEXT_STEP}"
            )
        self._booster = booster
        self._slope = calibrator.slope
        self._shift = float(logit(policy.base_rate)) - calibrator.intercept
        anyone = np.zeros((1, len(self.names)))
        expected = float(np.asarray(booster.predict(anyone, pred_contrib=True, num_threads=1))[0, -1])
        self.base = self._shift - self._slope * expected

    @classmethod
    def load(cls, model_folder: Path) -> Explainer:
        """Return the explainer of the model in a folder, having checked the hash of every file it reads.

        Raises
        ------
        HashMismatch
            If a file is not the one that the manifest describes; nothing of it was used.
        IncompleteArtefact, UnknownPortfolio, StoreError
            If a file, its line in the manifest, or the folder is not there, or can't be read as a model.
        FeatureMismatch, ModelError
            As the class does.
        """
        manifest = read_manifest(model_folder)
        content = {name: verified_bytes(model_folder, manifest, name) for name in (TEXT, CARD, CALIBRATOR, POLICY)}
        try:
            names = [feature["name"] for feature in json.loads(content[CARD])["features"]]
            calibrator = Calibrator.from_json(json.loads(content[CALIBRATOR]))
            policy = Policy.from_json(json.loads(content[POLICY]))
            booster = lgb.Booster(model_str=content[TEXT].decode("utf-8"))
        except (KeyError, TypeError, ValueError, lgb.basic.LightGBMError) as error:
            raise IncompleteArtefact(f"{model_folder} can't be read: {error!r}. {NEXT_STEP}{model_folder}") from error
        return cls(booster, names, calibrator, policy)

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
        if row.ndim != 1:
            raise FeatureMismatch(
                f"One client is a row of {len(self.names)} values; got an array of shape {row.shape}."
            )
        return self.explain_many(row[np.newaxis]).client(0)

    def explain_many(self, rows: NDArray[np.float64], threads: int = 1) -> ManyContributions:
        """Return the contributions to the scores of n clients, in log-odds of repayment.

        Parameters
        ----------
        rows : (n, F) float64, the features of each client in the order of `names`, NaN where there is no value.
        threads : threads that LightGBM uses, at least 1; more than one helps only from some tens of clients.

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
        own.setflags(write=False)
        if not len(own):  # which LightGBM refuses
            nobody = np.empty(0)
            return ManyContributions(self.names, own, own, self.base, nobody, nobody)
        with_base = np.asarray(self._booster.predict(own, pred_contrib=True, num_threads=max(1, threads)))
        raw = np.asarray(self._booster.predict(own, raw_score=True, num_threads=max(1, threads)))
        return self._of_repayment(own, with_base, raw)

    def explain_columns(self, columns: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the contributions to the scores of m clients, feature by feature, on one thread.

        Parameters
        ----------
        columns : (F, m) float32, one line a feature in the order of `names`, NaN where there is no value.

        Returns
        -------
        (F, m) float64, log-odds of repayment. They are not compared with any score: the caller has one to compare with.

        Raises
        ------
        FeatureMismatch
            If there are not F lines.
        """
        return np.ascontiguousarray(self.explain_many(np.ascontiguousarray(columns.T, dtype=np.float64)).values.T)

    def _of_repayment(
        self, rows: NDArray[np.float64], with_base: NDArray[np.float64], raw: NDArray[np.float64]
    ) -> ManyContributions:
        """Turn LightGBM's log-odds of default into log-odds of repayment, and check that they add up."""
        values = -self._slope * with_base[:, :-1]
        logit_scores = self._shift - self._slope * raw
        residuals = self.base + values.sum(axis=1) - logit_scores
        # Also catches a NaN, and a model whose raw score is not the sum of its trees.
        if not bool((np.abs(residuals) <= TOLERANCE).all()):
            raise ModelError(
                f"Contributions miss the score's log-odds by {float(np.max(np.abs(residuals))):.3g}, more than "
                f"{TOLERANCE:g}: they would not explain this score. {_NEXT_STEP}"
            )
        for array in (values, logit_scores, residuals):
            array.setflags(write=False)
        return ManyContributions(self.names, values, rows, self.base, logit_scores, residuals)
