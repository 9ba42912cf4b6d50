"""Who defaults: a logit of what the application shows and of the latent factors that only the histories show.

`statistics/default.toml` holds the coefficients. Those of the application's columns are fitted, by `calibration`, to
the published default rates and correlations, given the weights of the latent factors, which set how much the histories
add.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from data import schema
from data.synthesis.clients import RETIRED_DAYS
from data.synthesis.marginals import statistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.clients import Clients
    from data.synthesis.latent import Block
    from data.synthesis.marginals import Floats

AGES = ("20-25", "25-30", "30-35", "35-40", "40-45", "45-50", "50-55", "55-60", "60-65", "65-70")
_HOUR = "HOUR_APPR_PROCESS_START"
_TERM_EDGES = (1, 13, 25, 37, 49)
# Mean and standard deviation by which the numeric columns enter, as published.
_SCALES = {
    "EXT_SOURCE_1": (0.50213, 0.211062),
    "EXT_SOURCE_2": (0.514393, 0.19106),
    "EXT_SOURCE_3": (0.510853, 0.194844),
    "AMT_GOODS_PRICE": (538_396.0, 369_446.0),
    "REGION_POPULATION_RELATIVE": (0.020868, 0.013831),
    "DAYS_EMPLOYED": (-2_384.2, 2_338.4),
    "DAYS_ID_PUBLISH": (-2_994.2, 1_509.45),
    "DAYS_LAST_PHONE_CHANGE": (-962.859, 826.808),
    "FLOORSMAX_AVG": (0.226282, 0.144641),
    "REG_CITY_NOT_LIVE_CITY": (0.078173, 0.268444),
    "REG_CITY_NOT_WORK_CITY": (0.230454, 0.421124),
    "FLAG_DOCUMENT_3": (0.710023, 0.453752),
    "EMERGENCYSTATE_MODE=No": (0.518447, 0.499660),
}


def default(block: Block, clients: Clients) -> NDArray[np.int64]:
    """Return TARGET (n,): 1 for a client who defaults, 0 for one who repays; drawn for every client of the block."""
    probability = 1 / (1 + np.exp(-log_odds(block, clients)))
    return (block.streams["default"].random(len(probability)) < probability).astype(np.int64)


def log_odds(block: Block, clients: Clients) -> Floats:
    """Return the log-odds of default of each client, (n,)."""
    coefficients = statistics("default")
    result: Floats = coefficients["intercept"] + offsets(block, clients)
    for column, values in categories(clients).items():
        result += _by_code(column)[values]
    for column, score in numbers(clients).items():
        result += coefficients["numbers"][column] * score
    return result


def offsets(block: Block, clients: Clients) -> Floats:
    """Return the part of the log-odds that is set and not fitted: the latent factors and the terms of the loan."""
    weights = statistics("default_weights")
    result = np.zeros(len(block.ids))
    for factor, weight in weights["latent"].items():
        result += weight * block.scores[factor]
    result += np.array(weights["term"])[np.searchsorted(_TERM_EDGES, clients.term, side="right")]
    result += weights["insured"] * (clients.insured - 1.11)
    result += weights["ext1_missing"] * np.isnan(clients.columns["EXT_SOURCE_1"])
    return result


def categories(clients: Clients) -> dict[str, NDArray[np.intp]]:
    """Return the positions of each client's categories: those of `names_of`, the null or unknown one last."""
    years = -clients.columns["DAYS_BIRTH"] / 365.25
    found = {"AGE": np.clip((years - 20) // 5, 0, len(AGES) - 1).astype(np.intp)}
    found["REGION_RATING_CLIENT_W_CITY"] = (clients.columns["REGION_RATING_CLIENT_W_CITY"] - 1).astype(np.intp)
    found[_HOUR] = clients.columns[_HOUR].astype(np.intp)
    for column in statistics("default_targets")["rates"]:
        if column not in found:
            codes = clients.columns[column]
            found[column] = np.where(codes < 0, len(names_of(column)) - 1, codes).astype(np.intp)
    return found


def names_of(column: str) -> tuple[str, ...]:
    """Return the categories of a column in the order of the positions of `categories`; "" is null."""
    if column == "AGE":
        return AGES
    if column == "REGION_RATING_CLIENT_W_CITY":
        return ("1", "2", "3")
    if column == _HOUR:
        return tuple(str(hour) for hour in range(24))
    return (*schema.table("application").column(column).categories, "")


def numbers(clients: Clients) -> dict[str, Floats]:
    """Return the standardised numeric columns, 0 where the value is missing."""
    return {
        name: np.nan_to_num((number(clients, name) - mean) / deviation, nan=0.0)
        for name, (mean, deviation) in _SCALES.items()
    }


def number(clients: Clients, name: str) -> Floats:
    """Return a numeric column, NaN where it is missing, or by "COLUMN=CATEGORY" whether it has that category, (n,)."""
    column, _, category = name.partition("=")
    values: Floats = clients.columns[column].astype(np.float64)
    if category:
        values = np.where(values == names_of(column).index(category), 1.0, 0.0)
    if column == "DAYS_EMPLOYED":
        values = np.where(values == RETIRED_DAYS, np.nan, values)
    return values


@functools.cache
def _by_code(column: str) -> Floats:
    coefficients = statistics("default")["categories"].get(column, {})
    return np.array([coefficients.get(name, 0.0) for name in names_of(column)])
