"""What a model is: its data, its features, its calibration and how good it is, as JSON beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from data.errors import IncompleteArtefact
from models.folder import CARD, NEXT_STEP, read_manifest, verified_bytes
from models.metrics import Auc, ReliabilityBin

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class CardFeature:
    """A feature as the model knows it.

    Attributes
    ----------
    name : its well-known name.
    model_name : its name inside the LightGBM text, which allows letters, digits and underscores only.
    monotone : 1 where the risk may only rise with it, -1 where it may only fall, 0 where it is free.
    """

    name: str
    model_name: str
    monotone: int = 0


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model is. Quality is measured on out-of-fold predictions; default is the positive class.

    Attributes
    ----------
    created : UTC, ISO 8601.
    data_hash : SHA-256, in hexadecimal, of the feature set it was trained on.
    absent_tables : raw tables that were not there.
    clients, labelled, defaults : how many clients the feature set has, of whom labelled, of whom defaulted.
    base_rate : defaults / labelled, in (0, 1).
    features : in the order in which the model reads them.
    trees : of the final model.
    loss_curve : mean held-out log-loss of the folds after each iteration, up to the last one kept.
    parameters : LightGBM's.
    seed, threads, folds : of the training.
    slope, intercept : of the calibration, PD = sigmoid(slope * raw + intercept).
    reliability : clients by tenths of rising PD.
    auc, ks, brier : ranking and calibration, the AUC with DeLong's 95 % interval.
    threshold : score from which a loan is accepted.
    cost_optimal_threshold : score that a PD of 1/11 gives, where a missed default costs ten wrong refusals.
    cheapest_threshold : score that cost least on the out-of-fold predictions, at the same costs.
    versions : of the libraries.
    seconds : that each step of the training took.
    notes : what a reader must know of these figures.
    """

    created: str
    data_hash: str
    absent_tables: tuple[str, ...]
    clients: int
    labelled: int
    defaults: int
    base_rate: float
    features: tuple[CardFeature, ...]
    trees: int
    loss_curve: tuple[float, ...]
    parameters: dict[str, Any]
    seed: int
    threads: int
    folds: int
    slope: float
    intercept: float
    reliability: tuple[ReliabilityBin, ...]
    auc: Auc
    ks: float
    brier: float
    threshold: float
    cost_optimal_threshold: float
    cheapest_threshold: float
    versions: dict[str, str]
    seconds: dict[str, float]
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Well-known names of the features, in the order in which the model reads them."""
        return tuple(feature.name for feature in self.features)

    @property
    def monotone(self) -> dict[str, int]:
        """The constrained features and their direction in risk: 1 rising, -1 falling."""
        return {feature.name: feature.monotone for feature in self.features if feature.monotone}

    def as_json(self) -> dict[str, Any]:
        """Return what `card.json` holds."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Return the card that `card.json` holds."""
        tuples = {key: tuple(content[key]) for key in ("absent_tables", "loss_curve", "notes")}
        return cls(
            **{
                **content,
                **tuples,
                "features": tuple(CardFeature(**feature) for feature in content["features"]),
                "reliability": tuple(ReliabilityBin(**row) for row in content["reliability"]),
                "auc": Auc(**content["auc"]),
            }
        )


def read_card(folder: Path) -> ModelCard:
    """Return the card of a model folder.

    Raises
    ------
    HashMismatch
        The card is not the one the manifest describes.
    IncompleteArtefact, UnknownPortfolio, StoreError
        The card or the folder is not there, can't be read, or is no model.
    """
    content = verified_bytes(folder, read_manifest(folder), CARD)
    try:
        return ModelCard.from_json(json.loads(content))
    except (KeyError, TypeError, ValueError) as error:
        raise IncompleteArtefact(f"{folder / CARD} can't be read: {error!r}. {NEXT_STEP}{folder}") from error
