"""The building a client lives in: three near copies of fourteen measures, missing together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from data.synthesis.marginals import NULL, choices, quantile, statistics, tilted, uniform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.latent import Block

# Published share of nulls of each measure, and of the block as a whole (the measure that is least often missing).
_MISSING = {
    "APARTMENTS": 0.5075, "BASEMENTAREA": 0.5852, "YEARS_BEGINEXPLUATATION": 0.4878, "YEARS_BUILD": 0.6650,
    "COMMONAREA": 0.6987, "ELEVATORS": 0.5330, "ENTRANCES": 0.5035, "FLOORSMAX": 0.4976, "FLOORSMIN": 0.6785,
    "LANDAREA": 0.5938, "LIVINGAPARTMENTS": 0.6835, "LIVINGAREA": 0.5019, "NONLIVINGAPARTMENTS": 0.6943,
    "NONLIVINGAREA": 0.5518, "TOTALAREA": 0.4827, "FONDKAPREMONT": 0.6839, "HOUSETYPE": 0.5018,
    "WALLSMATERIAL": 0.5084, "EMERGENCYSTATE": 0.4740,
}  # fmt: skip
_BLOCK_MISSING = _MISSING["EMERGENCYSTATE"]
# How far a measure follows the quality of the building (age of the building, floors and size go together).
_LOADING = {
    "YEARS_BEGINEXPLUATATION": 0.25,
    "ENTRANCES": 0.45,
    "NONLIVINGAPARTMENTS": 0.3,
    "NONLIVINGAREA": 0.3,
    "LANDAREA": 0.2,
}
_STEPS = {"ELEVATORS": 0.04, "ENTRANCES": 0.0345, "FLOORSMAX": 1 / 24, "FLOORSMIN": 1 / 24}
_VERSIONS = ("AVG", "MODE", "MEDI")


def building(block: Block) -> dict[str, NDArray[Any]]:
    """Return the 47 columns of the building: shares in [0, 1] of the largest seen, NaN or NULL where missing."""
    generator, quality = block.streams["building"], block.scores["building"]
    length = len(block.ids)
    # better buildings are better documented
    known = ndtr(0.35 * quality + 0.9367 * generator.standard_normal(length))
    unlabelled = statistics("unlabelled")
    missing = known < np.where(block.unlabelled, unlabelled["shares"]["building_missing"], _BLOCK_MISSING)
    thorough = generator.standard_normal(length)

    def absent(measure: str) -> NDArray[np.bool_]:
        own = 1 - (1 - _MISSING[measure]) / (1 - _BLOCK_MISSING)
        gap = ndtr(0.8 * thorough + 0.6 * generator.standard_normal(length)) < own
        found: NDArray[np.bool_] = missing | gap
        return found

    columns: dict[str, NDArray[Any]] = {}
    # of the buildings that are documented
    centred = (quality - 0.25) / 0.95 + np.where(block.unlabelled, unlabelled["shifts"]["building"], 0.0)
    begun = np.where(block.unlabelled, unlabelled["shifts"]["begun"], 0.0)
    for measure in _MISSING:
        gone = absent(measure)
        if measure in ("FONDKAPREMONT", "HOUSETYPE", "WALLSMATERIAL", "EMERGENCYSTATE"):
            columns[f"{measure}_MODE"] = _category(measure, gone, generator.random(length), centred)
            continue
        loading = _LOADING.get(measure, 0.85)
        score = loading * centred + np.sqrt(1 - loading**2) * generator.standard_normal(length)
        if measure == "YEARS_BEGINEXPLUATATION":
            score += begun
        for version in _VERSIONS if measure != "TOTALAREA" else ("MODE",):
            column = f"{measure}_{version}"
            differs = generator.random(length) < (0.0 if version == "AVG" else 0.12)
            own = np.where(differs, score + 0.25 * generator.standard_normal(length), score)
            value = quantile(column, uniform(own))
            if measure in _STEPS:
                value = np.round(value / _STEPS[measure]) * _STEPS[measure]
            columns[column] = np.where(gone, np.nan, np.clip(np.round(value, 4), 0.0, 1.0))
    return columns


def _category(
    measure: str, gone: NDArray[np.bool_], uniforms: NDArray[np.float64], quality: NDArray[np.float64]
) -> Any:
    column = f"{measure}_MODE"
    published = choices("application", column)
    shares = np.diff(published.cumulative, prepend=0.0)
    present = published.codes >= 0
    shares, codes = shares[present] / shares[present].sum(), published.codes[present]
    slopes = np.zeros(len(codes))
    if measure == "WALLSMATERIAL":
        slopes = np.array(
            [{"Panel": 0.35, "Wooden": -1.2, "Monolithic": 0.6}.get(published.names[c], 0.0) for c in codes]
        )
    elif measure == "EMERGENCYSTATE":
        slopes = np.array([0.0 if published.names[c] == "No" else -0.8 for c in codes])
    drawn = codes[tilted(shares, quality[:, None] * slopes - slopes**2 / 2, uniforms)]
    return np.where(gone, NULL, drawn).astype(np.int16)
