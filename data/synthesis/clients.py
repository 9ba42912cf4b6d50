"""The application table of one block, but for TARGET."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri

from data.synthesis.building import building
from data.synthesis.loan import CASH, loan
from data.synthesis.marginals import NULL, choices, count, quantile, statistics, uniform
from data.synthesis.people import code, people

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.latent import Block
    from data.synthesis.marginals import Floats

RETIRED_DAYS = 365_243
_RATINGS = (32_197 / 307_511, 1 - 48_330 / 307_511)
_HOURS = (
    15, 86, 305, 1_230, 2_090, 3_638, 6_000, 9_131, 15_127, 27_384, 37_722, 37_229,
    34_233, 30_959, 27_682, 24_839, 20_385, 14_900, 9_056, 3_848, 1_196, 405, 150, 41,
)  # fmt: skip
# One document is usually given, seldom another: share of the labelled and of the unlabelled clients who gave it.
_DOCUMENTS = {
    2: (13, 0), 4: (25, 5), 7: (59, 2), 9: (1_198, 219), 10: (7, 0), 11: (1_203, 57), 12: (2, 0), 13: (1_084, 0),
    14: (903, 0), 15: (372, 0), 16: (3_053, 0), 17: (82, 0), 18: (2_500, 76), 19: (183, 0), 20: (156, 0), 21: (103, 0),
}  # fmt: skip
_NO_DOCUMENT = 0.0175  # of those who ask for a cash loan: none of documents 3, 5, 6 and 8
_LABELLED, _UNLABELLED = 307_511, 48_744
# Requests that labelled clients made to the bureau in each period before the application: mean, deviation (that of QRT
# but for its one row of 261), and the largest.
_REQUESTS = {
    "HOUR": (0.0064, 0.0838, 4), "DAY": (0.0070, 0.1108, 9), "WEEK": (0.0344, 0.2047, 8),
    "MON": (0.2674, 0.9160, 27), "QRT": (0.2655, 0.6100, 8), "YEAR": (1.9000, 1.8693, 25),
}  # fmt: skip
_OBSERVED = (1.4222, 2.40, 60)  # mean, deviation and maximum of OBS_30_CNT_SOCIAL_CIRCLE of the labelled
_WIDEST = 340  # of the unlabelled


@dataclass(frozen=True)
class Clients:
    """The clients of a block.

    Attributes
    ----------
    columns : column of the application table -> (n,) values; NaN where null, codes of categories (NULL where null).
    term, insured : (n,) months of the loan (0 for revolving), credit over goods price.
    """

    columns: dict[str, NDArray[Any]]
    term: Floats
    insured: Floats


def clients(block: Block, has_bureau: NDArray[np.bool_]) -> Clients:
    """Return the clients of a block; `has_bureau` (n,) says who has loans at other lenders."""
    generator, scores, length = block.streams["clients"], block.scores, len(block.ids)
    columns = people(block)
    income = quantile("AMT_INCOME_TOTAL", uniform(scores["income"] + shift(block, "income")))
    asked = loan(block)
    term, insured = asked.pop("term"), asked.pop("insured")
    columns |= asked
    columns["SK_ID_CURR"] = block.ids
    columns["AMT_INCOME_TOTAL"] = np.round(income / 450.0) * 450.0
    columns |= _times(block, columns)
    columns |= _region(block, columns)
    columns |= _scores(block, has_bureau)
    columns |= building(block)
    columns |= _circle(block)
    columns |= _documents(block, columns)
    columns |= _requests(block, has_bureau)
    working = columns["DAYS_EMPLOYED"] != RETIRED_DAYS
    car = 0.14 + shift(block, "car")
    columns["OWN_CAR_AGE"] = np.where(
        columns["FLAG_OWN_CAR"] == code("FLAG_OWN_CAR", "Y"),
        np.round(
            quantile("OWN_CAR_AGE", uniform(car - 0.3 * scores["income"] + 0.954 * generator.standard_normal(length)))
        ),
        np.nan,
    )
    columns |= _phones(block, working)
    return Clients(columns, term, insured)


def shift(block: Block, name: str) -> Floats:
    """Return by how much the score of each client is shifted, (n,): `name` of [shifts] where there is no label."""
    return np.where(block.unlabelled, statistics("unlabelled")["shifts"][name], 0.0)


def _times(block: Block, columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    generator, scores, length = block.streams["clients"], block.scores, len(block.ids)
    age = np.round(quantile("DAYS_BIRTH", uniform(scores["age"])))
    job = quantile("DAYS_EMPLOYED", uniform(0.95 * scores["tenure"] + 0.312 * generator.standard_normal(length)))
    job = np.minimum(job, age - 16 * 365.25)  # nobody starts before sixteen
    retired = np.isin(columns["NAME_INCOME_TYPE"], [code("NAME_INCOME_TYPE", k) for k in ("Pensioner", "Unemployed")])
    phone = uniform(scores["phone"] + shift(block, "phone"))
    companion = choices("application", "NAME_TYPE_SUITE").draw(generator.random(length))
    nobody = statistics("unlabelled")["shares"]["companion_unknown"]
    companion[block.unlabelled & (generator.random(length) < nobody)] = NULL
    registration = np.minimum(quantile("DAYS_REGISTRATION", uniform(scores["registration"])), age)
    return {
        "DAYS_BIRTH": -age.astype(np.int64),
        "DAYS_EMPLOYED": np.where(retired, RETIRED_DAYS, -np.round(np.maximum(job, 1.0))).astype(np.int64),
        "DAYS_REGISTRATION": -np.round(registration) + 0.0,
        "DAYS_ID_PUBLISH": -np.round(quantile("DAYS_ID_PUBLISH", uniform(scores["identity"]))).astype(np.int64),
        "DAYS_LAST_PHONE_CHANGE": -np.round(quantile("DAYS_LAST_PHONE_CHANGE", phone)) + 0.0,
        "WEEKDAY_APPR_PROCESS_START": choices("application", "WEEKDAY_APPR_PROCESS_START").draw(
            generator.random(length)
        ),
        "HOUR_APPR_PROCESS_START": np.searchsorted(
            np.cumsum(_HOURS) / sum(_HOURS), ndtr(0.99 * generator.standard_normal(length) - 0.12 * scores["rating"])
        ).astype(np.int64),
        "NAME_TYPE_SUITE": companion,
    }


def _region(block: Block, columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    generator, scores, length = block.streams["clients"], block.scores, len(block.ids)
    rank = uniform(scores["rating"])
    rating = 1 + (rank > _RATINGS[0]).astype(np.int64) + (rank > _RATINGS[1])
    # in the city the rating is a little better, seldom worse
    city = rating - ((rating > 1) & (generator.random(length) < 0.0225))
    working = ~np.isin(columns["NAME_INCOME_TYPE"], [code("NAME_INCOME_TYPE", k) for k in ("Pensioner", "Unemployed")])
    mobile = ndtr(-0.25 * scores["age"] + 0.968 * generator.standard_normal(length))
    result: dict[str, NDArray[Any]] = {
        "REGION_POPULATION_RELATIVE": np.round(quantile("REGION_POPULATION_RELATIVE", uniform(scores["density"])), 6),
        "REGION_RATING_CLIENT": rating,
        "REGION_RATING_CLIENT_W_CITY": city,
    }
    # shares of: work elsewhere only, home and work elsewhere, home elsewhere only, all three apart
    for place, shares in (("REGION", (0.0340, 0.0104, 0.0012, 0.0027)), ("CITY", (0.1560, 0.0530, 0.0060, 0.0090))):
        edges = 1 - np.cumsum(np.array(shares) / np.array([0.82, 0.86, 0.86, 0.82]))
        work, both, home, apart = (
            (mobile > low) & (mobile <= high) for low, high in zip(edges, [1.0, *edges[:-1]], strict=True)
        )
        result[f"REG_{place}_NOT_LIVE_{place}"] = (both | home | apart).astype(np.int64)
        result[f"REG_{place}_NOT_WORK_{place}"] = ((work | both | apart) & working).astype(np.int64)
        result[f"LIVE_{place}_NOT_WORK_{place}"] = ((work | home | apart) & working).astype(np.int64)
        mobile = ndtr(0.5 * ndtri(mobile) + 0.866 * generator.standard_normal(length))
    return result


def _scores(block: Block, has_bureau: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    generator, length = block.streams["clients"], len(block.ids)
    labelled = ~block.unlabelled
    missing = {
        "EXT_SOURCE_1": np.where(labelled, 0.5638, 0.4212),
        "EXT_SOURCE_2": np.where(labelled, 0.0021, 0.0002),
        "EXT_SOURCE_3": np.where(has_bureau, np.where(labelled, 0.107, 0.087), 0.75),
    }
    result: dict[str, NDArray[Any]] = {}
    for column, share in missing.items():
        value = quantile(column, uniform(block.scores["ext" + column[-1]]))
        result[column] = np.where(generator.random(length) < share, np.nan, value)
    return result


def _circle(block: Block) -> dict[str, NDArray[Any]]:
    generator, length = block.streams["clients"], len(block.ids)
    rank = generator.random(length)
    mean, deviation = statistics("unlabelled")["circle"]["observed"]
    elsewhere = count(rank, mean, deviation, _WIDEST)
    seen = np.where(block.unlabelled, elsewhere, count(rank, *_OBSERVED))
    late = generator.binomial(seen, np.clip(0.101 * np.exp(0.3 * block.scores["rating"] - 0.045), 0, 1))
    seen_60 = seen - (generator.random(length) < 0.017 * seen)
    late_60 = np.minimum(generator.binomial(late, 0.70), seen_60)
    unknown = generator.random(length) < np.where(block.unlabelled, 0.0006, 0.0033)
    values = {"OBS_30": seen, "DEF_30": late, "OBS_60": seen_60, "DEF_60": late_60}
    return {f"{name}_CNT_SOCIAL_CIRCLE": np.where(unknown, np.nan, value) for name, value in values.items()}


def _documents(block: Block, columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    generator, length = block.streams["clients"], len(block.ids)
    cash = columns["NAME_CONTRACT_TYPE"] == CASH
    retired = columns["NAME_INCOME_TYPE"] == code("NAME_INCOME_TYPE", "Pensioner")
    drawn = generator.random(length)
    shares = statistics("unlabelled")["documents"]
    sixth = cash & (drawn < np.where(block.unlabelled, _by(retired, *shares["sixth"]), _by(retired, 0.485, 0.017)))
    last = np.where(block.unlabelled, _by(retired, *shares["eighth"]), _by(retired, 0.02, 0.107))
    eighth = cash & ~sixth & (drawn > 1 - last)
    fifth = cash & ~sixth & ~eighth & (drawn > 0.85) & (drawn < 0.8655)
    third = cash & ~sixth & ~eighth & ~fifth & (generator.random(length) > _NO_DOCUMENT)
    third |= ~cash & (generator.random(length) < 0.02)
    given = {3: third, 5: fifth, 6: sixth, 8: eighth}
    for number, (labelled, unlabelled) in _DOCUMENTS.items():
        share = np.where(block.unlabelled, unlabelled / _UNLABELLED, labelled / _LABELLED)
        given[number] = generator.random(length) < share
    return {f"FLAG_DOCUMENT_{number}": given[number].astype(np.int64) for number in sorted(given)}


def _by(condition: NDArray[np.bool_], yes: float, no: float) -> Floats:
    return np.where(condition, yes, no)


def _requests(block: Block, has_bureau: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    generator, length = block.streams["clients"], len(block.ids)
    unknown = generator.random(length) < np.where(has_bureau, 0.060, 0.585)
    result: dict[str, NDArray[Any]] = {}
    for period, (mean, deviation, largest) in _REQUESTS.items():
        rank = uniform(0.25 * block.scores["hunger"] - 0.01 + 0.968 * generator.standard_normal(length))
        drawn = count(rank, mean, deviation, largest)
        others, spread = statistics("unlabelled")["requests"][period]
        test = count(rank, others, spread, largest)
        result[f"AMT_REQ_CREDIT_BUREAU_{period}"] = np.where(
            unknown, np.nan, np.where(block.unlabelled, test, drawn).astype(np.float64)
        )
    return result


def _phones(block: Block, working: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    generator, scores, length = block.streams["clients"], block.scores, len(block.ids)

    def flag(share: float | NDArray[np.float64]) -> NDArray[np.int64]:
        return (generator.random(length) < share).astype(np.int64)

    at_home = statistics("unlabelled")["shares"]["home_phone"]
    home = ndtr(0.15 * scores["ext2"] + 0.989 * generator.standard_normal(length))
    return {
        "FLAG_MOBIL": flag(1 - 1 / 307_511),
        "FLAG_EMP_PHONE": working.astype(np.int64),
        "FLAG_WORK_PHONE": flag(np.where(working, 0.243, 0.0)),
        "FLAG_CONT_MOBILE": flag(0.998133),
        "FLAG_PHONE": (home > 1 - np.where(block.unlabelled, at_home, 0.281066)).astype(np.int64),
        "FLAG_EMAIL": flag(np.where(block.unlabelled, 0.1626, 0.05672)),
    }
