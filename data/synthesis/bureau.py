"""Loans at other lenders, as the credit bureau reports them, and the monthly statuses of some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from data import schema
from data.synthesis.marginals import Choices, choices, count, quantile, rounded, statistics, tilted, uniform
from data.synthesis.ragged import owners, positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.latent import Block
    from data.synthesis.marginals import Floats

FIRST_LOAN, STRIDE = 5_000_000, 8_192
_NO_LOAN, _NO_LOAN_IN_TEST = 0.1432, 0.1317
_MORE_LOANS = (4.61, 4.4, 115)  # mean, standard deviation and maximum of the loans after the first
_MONTH = 30.44
_CARD, _CAR, _MORTGAGE, _MICRO = "Credit card", "Car loan", "Mortgage", "Microloan"
# Days a consumer loan is meant to run.
_TERMS = np.array([183, 274, 305, 365, 548, 731, 1_096, 1_461, 1_826])
_TERM_SHARES = np.cumsum([0.13, 0.06, 0.08, 0.21, 0.06, 0.12, 0.14, 0.04, 0.16])
_EARLY, _EXACT = 0.66, 0.28  # closed before and at the agreed end; the rest a little later
# Which share of the statuses belongs to loans that are not in the bureau table.
_ORPHANS = 43_041 / 774_354
_STATUSES = schema.table("bureau_balance").column("STATUS").categories


@dataclass(frozen=True)
class Loans:
    """Loans of a block at other lenders; `opened` and `closed` are days from the application, later while open."""

    owner: NDArray[np.intp]
    ids: NDArray[np.int64]
    opened: Floats
    closed: Floats
    columns: dict[str, NDArray[Any]]


def loan_counts(block: Block) -> NDArray[np.int64]:
    """Return how many loans at other lenders each client has, (n,)."""
    rank = uniform(block.scores["bureau"])
    none = np.where(block.unlabelled, _NO_LOAN_IN_TEST, _NO_LOAN)
    more = count(np.clip((rank - none) / (1 - none), 0.0, 1.0), *_MORE_LOANS)
    return np.where(rank < none, 0, 1 + more)


def loans(block: Block, counts: NDArray[np.int64], income: Floats) -> Loans:
    """Return the loans at other lenders; `counts` (n,) of each client, `income` (n,) a year."""
    generator = block.streams["bureau"]
    owner = owners(counts)
    length = len(owner)
    hunger, discipline = block.scores["hunger"][owner], block.scores["discipline"][owner]
    wealth = np.log(income / 150_000)[owner]
    trouble = block.trouble[owner]

    def draw() -> Floats:
        return generator.random(length)

    def normal() -> Floats:
        return generator.standard_normal(length)

    told = statistics("bureau")
    dates, overdrawn, large = told["dates"], told["overdue"], told["amounts"]["large"]
    kind = _kinds(trouble, wealth, hunger, draw())
    codes = choices("bureau", "CREDIT_TYPE")
    card, car, mortgage, micro = (kind == codes.code(name) for name in (_CARD, _CAR, _MORTGAGE, _MICRO))
    opened = -np.round(quantile("bureau.DAYS_CREDIT", uniform(dates["older"] - 0.47 * hunger + 0.883 * normal())))

    term = _TERMS[np.searchsorted(_TERM_SHARES[:-1], draw(), side="right")].astype(np.float64)
    term = np.where(car, 1_461 + 365 * np.round(2 * draw()), term)
    term = np.where(mortgage, 3_650 + 365 * np.round(10 * draw()), term)
    term = np.where(micro, 15 + np.round(165 * draw()), term)
    term = np.where(card, np.where(draw() < 0.128, 26_000 + 5_000 * draw(), 365 + 366 * np.round(4 * draw())), term)
    end = opened + np.round(term + (draw() < 0.3) * 3 * normal())

    how = draw()
    factor = np.where(how < _EARLY, np.clip(draw() ** dates["early_power"], 0.03, 1.0), 1.0)
    lasted = np.where(
        card,
        100 + dates["card_days"] * draw() ** 1.3,
        term * factor + np.where(how > _EARLY + _EXACT, 20 * draw(), 0.0),
    )
    closed = opened + np.round(np.maximum(lasted, 1.0))
    active = closed > 0
    finished = np.where(active, np.nan, closed)

    size = np.exp(normal() * 1.12 + 0.45 * wealth) * (term / 500) ** 0.62 * np.where(active, 2.0, 1.0) * 111_000
    size = np.where(card, np.where(draw() < 0.155, 0.0, 78_000 * np.exp(1.05 * normal() + 0.5 * wealth)), size)
    size = np.where(mortgage, 2_300_000 * np.exp(0.85 * normal() + 0.5 * wealth), size)
    size = np.where(car, 640_000 * np.exp(0.6 * normal() + 0.4 * wealth), size)
    size = np.where(micro, 9_000 * np.exp(0.8 * normal()), size)
    size = np.where(draw() < large["share"], size * np.where(active, large["active"], large["closed"]), size)
    size = np.minimum(size, large["most"])
    size = np.where(draw() < 0.45, np.round(size / 4_500) * 4_500, rounded(size))
    debt, limit, annuity = _open_amounts(generator, size, term, opened, card, active, hunger)

    def lognormal(mean: float, deviation: float) -> Floats:
        return np.exp(mean + deviation * normal())

    overdue = active & (draw() < overdrawn["share"] * np.exp(-0.9 * discipline + 0.3 * hunger - 0.45))
    days_overdue = np.where(overdue, np.minimum(np.ceil(lognormal(*overdrawn["days"])), 2_792), 0)
    late = draw() < 1 / (1 + np.exp(overdrawn["late"] + 0.75 * discipline))
    worst = np.where(late, rounded(lognormal(*overdrawn["worst"])), 0.0)
    sold = draw()
    status = np.where(active, _status("Active"), _status("Closed"))
    status = np.where(
        sold < 6_527 / 1_716_428, _status("Sold"), np.where(sold > 1 - 21 / 1_716_428, _status("Bad debt"), status)
    )
    fresh = -np.round(np.where(draw() < dates["fresh"], 3 + 42 * draw() ** 1.6, 3 + (-opened) * draw()))
    later = np.round(-closed * draw() ** dates["lag_power"])
    lag = np.where(draw() < dates["prompt"], np.round(draw() * 8), later)
    columns: dict[str, NDArray[Any]] = {
        "SK_ID_CURR": block.ids[owner],
        "SK_ID_BUREAU": block.ids_from(FIRST_LOAN, STRIDE, length, generator),
        "CREDIT_ACTIVE": status.astype(np.int16),
        "CREDIT_CURRENCY": choices("bureau", "CREDIT_CURRENCY").draw(draw()),
        "DAYS_CREDIT": opened.astype(np.int64),
        "CREDIT_DAY_OVERDUE": days_overdue.astype(np.int64),
        "DAYS_CREDIT_ENDDATE": np.where(draw() < np.where(card, 0.175, 0.027), np.nan, end),
        "DAYS_ENDDATE_FACT": finished,
        "AMT_CREDIT_MAX_OVERDUE": np.where(draw() < 0.6551, np.nan, worst),
        "CNT_CREDIT_PROLONG": count(draw(), 0.00641, 0.0962, 9),
        "AMT_CREDIT_SUM": size,
        "AMT_CREDIT_SUM_DEBT": np.where(draw() < np.where(active, 0.13, 0.162), np.nan, debt),
        "AMT_CREDIT_SUM_LIMIT": np.where(draw() < 0.3448, np.nan, limit),
        "AMT_CREDIT_SUM_OVERDUE": np.where(overdue, rounded(lognormal(*overdrawn["amount"])), 0.0),
        "CREDIT_TYPE": kind,
        "DAYS_CREDIT_UPDATE": np.where(active, np.maximum(fresh, opened), np.minimum(closed + lag, 0)).astype(np.int64),
        "AMT_ANNUITY": np.where(draw() < 0.7147, np.nan, annuity),
    }
    return Loans(owner, columns["SK_ID_BUREAU"], opened, closed, columns)


def balance(block: Block, found: Loans) -> dict[str, NDArray[Any]]:
    """Return the monthly statuses of the loans that have some, and of a few loans that the bureau table doesn't have.

    Besides the columns of the table, `owner` is the position of the client in the block.
    """
    generator = block.streams["bureau_balance"]
    told = statistics("bureau")["balance"]
    share = np.where(block.unlabelled, told["unlabelled"], told["labelled"])
    rows = np.flatnonzero((generator.random(len(block.ids)) < share)[found.owner])
    # the bureau has followed recent loans less often
    rows = rows[generator.random(len(rows)) < np.clip(0.69 - found.opened[rows] / 1_730, 0.0, 1.0)]
    orphans = generator.random(len(rows)) < _ORPHANS
    rows = np.concatenate([rows, rows[orphans]])
    unlisted = STRIDE - 1 - np.arange(np.count_nonzero(orphans))
    first = FIRST_LOAN + block.number * STRIDE
    spare = np.setdiff1d(first + np.arange(STRIDE), found.ids, assume_unique=True)[unlisted - STRIDE]
    ids = np.concatenate([found.ids[rows[: len(rows) - len(spare)]], spare])

    oldest = np.minimum(np.floor(-found.opened[rows] / _MONTH), 96).astype(np.int64)
    often = np.where(found.closed[rows] > 0, told["newest_now"]["open"], told["newest_now"]["closed"])
    now = generator.random(len(rows)) < often
    newest = np.where(now, 0, np.floor(generator.random(len(rows)) * oldest)).astype(np.int64)
    counts = oldest - newest + 1
    loan = owners(counts)
    ago = oldest[loan] - positions(counts)
    return {
        "owner": found.owner[rows][loan],
        "SK_ID_BUREAU": ids[loan],
        "MONTHS_BALANCE": -ago,
        "STATUS": _statuses(block, found, rows, loan, ago),
    }


def _statuses(
    block: Block, found: Loans, rows: NDArray[np.intp], loan: NDArray[np.intp], ago: NDArray[np.int64]
) -> NDArray[np.int16]:
    generator = block.streams["bureau_balance"]
    discipline = block.scores["discipline"][found.owner[rows]]
    silent = generator.random(len(rows)) < statistics("bureau")["balance"]["silent"]
    # the month in which the loan closes, and for a few the month from which nothing is paid any more
    closing = np.floor(-found.closed[rows] / _MONTH)
    stops = generator.random(len(rows)) < 0.012 * np.exp(-0.8 * discipline - 0.32)
    since = np.where(stops, np.floor(generator.random(len(rows)) * (-found.opened[rows] / _MONTH)), -1)
    late = (0.026 * np.exp(-0.75 * discipline - 0.28))[loan]
    drawn = generator.random(len(loan))
    status = np.full(len(loan), _STATUSES.index("0"), dtype=np.int16)
    status[drawn < late] = _STATUSES.index("1")
    status[drawn > 1 - 0.00045] = _STATUSES.index("2")
    status[silent[loan] | (drawn > 0.83)] = _STATUSES.index("X")
    overdue = since[loan] - ago
    for level in range(1, 6):
        reached = overdue >= level - 1 if level == 5 else overdue == level - 1
        status[(since[loan] >= 0) & reached] = _STATUSES.index(str(level))
    status[ago < closing[loan]] = _STATUSES.index("C")
    return status


def _kinds(trouble: Floats, wealth: Floats, hunger: Floats, uniforms: Floats) -> NDArray[np.int16]:
    published = choices("bureau", "CREDIT_TYPE")
    shares = np.diff(published.cumulative, prepend=0.0)
    by_trouble, by_wealth, by_hunger = (
        np.array([statistics("bureau")["kinds"][factor].get(published.names[code], 0.0) for code in published.codes])
        for factor in ("trouble", "wealth", "hunger")
    )
    logits = trouble[:, None] * by_trouble - by_trouble**2 / 2 + wealth[:, None] * by_wealth - by_wealth**2 / 8
    logits += hunger[:, None] * by_hunger - by_hunger**2 / 4
    drawn: NDArray[np.int16] = published.codes[tilted(shares, logits, uniforms)]
    return drawn


def _open_amounts(
    generator: np.random.Generator, size: Floats, term: Floats, opened: Floats,
    card: NDArray[np.bool_], active: NDArray[np.bool_], hunger: Floats,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Return what is still owed, the limit left on a card, and the monthly instalment."""
    length = len(size)
    left = np.clip(1 + opened / term, 0.02, 1.0) * (0.95 + 0.3 * generator.random(length))
    drawn = ndtr(0.5 * hunger + 0.866 * generator.standard_normal(length))
    used = np.where(drawn < 0.42, 0.0, np.clip((drawn - 0.42) / 0.5, 0.0, 1.05))
    owed = np.where(card, size * used, size * left)
    debt = np.where(active, np.where(generator.random(length) < 0.03, -rounded(owed * 0.01), rounded(owed)), 0.0)
    told = statistics("bureau")["amounts"]
    left_over = np.clip(told["limit"]["times"] * size - owed, 0.0, told["limit"]["most"])
    limit = np.where(card & active & (generator.random(length) < told["limit"]["share"]), rounded(left_over), 0.0)
    months = np.clip(term / 30, 3, 240)
    nothing = generator.random(length) < np.where(active, *told["unpaid_annuity"])
    annuity = np.where(nothing, 0.0, rounded(size / months * told["annuity"]))
    return debt, limit, annuity


def _status(name: str) -> int:
    return Choices.of("bureau", "CREDIT_ACTIVE").code(name)
