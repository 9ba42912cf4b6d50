"""Monthly statements of the credit cards: a balance is that of the month before, plus drawings, less payments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from data import schema
from data.synthesis.marginals import rounded, statistics
from data.synthesis.previous import REVOLVING
from data.synthesis.ragged import owners, positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.latent import Block
    from data.synthesis.marginals import Floats
    from data.synthesis.previous import Applications

_STATUSES = schema.table("credit_card_balance").column("NAME_CONTRACT_STATUS").categories
_INTEREST = 0.010  # a month, of the balance carried over
_LIMITS_MAX = 1_350_000


@dataclass(frozen=True)
class Cards:
    """The rows of credit_card_balance, and what the payments need to know of them.

    Attributes
    ----------
    columns : column -> (r,) values. application : (r,) position of the card among the applications.
    ago : (r,) months before the application. paid : (r,) amount paid in the month.
    discipline : (r,) standard normal score of the card.
    """

    columns: dict[str, NDArray[Any]]
    application: NDArray[np.intp]
    ago: NDArray[np.int64]
    paid: Floats
    discipline: Floats


def cards(block: Block, found: Applications) -> Cards:
    """Return the monthly statements of the approved cards."""
    generator, habits = block.streams["cards"], statistics("monthly")["cards"]
    rows = np.flatnonzero(found.followed & (found.kind == REVOLVING))
    owner = found.owner[rows]
    hunger = 0.95 * block.scores["hunger"][owner] + 0.312 * generator.standard_normal(len(rows))
    discipline = 0.95 * block.scores["discipline"][owner] + 0.312 * generator.standard_normal(len(rows))
    usage = ndtr(hunger)
    months = np.minimum(found.months[rows], np.floor(-found.decided[rows] / 30.44).astype(np.int64))
    counts = np.clip(months, 1, 96)
    card, number = owners(counts), positions(counts)
    ago = counts[card] - number
    length = len(card)

    limit, used, idle = _limits(generator, found, rows, card, number, counts, usage)
    mood = _smooth(generator, card, number)
    # the balance moves in steps
    level = np.round(2.4 * (1.35 * (hunger[card] - 0.15) + 0.75 * mood + habits["level"])) / 2.4
    moved = np.where((number == 0) | (level != np.roll(level, 1)), np.arange(length), 0)
    steady = np.arange(length) - np.maximum.accumulate(moved)
    target = np.where(used, ndtr(level) * limit * habits["repaid"] ** steady, 0.0)
    target = np.where(target < 0.04 * limit, 0.0, target)
    before = np.where(number == 0, 0.0, np.roll(target, 1))
    smallest = np.where(before > 0, np.minimum(np.maximum(rounded(habits["least_due"] * before), 225.0), before), 0.0)
    pays = generator.random(length)
    paid = np.where(before > 0, smallest * np.where(pays < 0.55, 1.0, 1 + 2.4 * pays**3), 0.0)
    careless = (generator.random(length) < habits["careless"] * np.exp(-0.8 * discipline - 0.32)[card]) & (before > 0)
    paid = np.where(careless, 0.0, paid)
    interest = _INTEREST * before
    gap = target - (before + interest - paid)
    # a small gap is a payment that is a little smaller, a large one a drawing; without a drawing the rest is paid back
    small = (gap < 0.01 * limit) | (target <= before)
    drawn = np.where(small, 0.0, gap)
    turned = _turnover(generator, used, limit)
    drawn, paid = drawn + turned, np.maximum(np.where(small, paid - gap, paid), 0.0) + turned
    way = generator.random(length)
    # a machine gives notes: what they are more, or less, is paid the more, or the less
    notes = np.where(way < habits["drawings"]["only_machine"], np.maximum(np.round(drawn / 2_250), 1) * 2_250, drawn)
    notes = np.where(drawn > 0, notes, 0.0)
    paid = np.where(paid > 0, np.maximum(paid + notes - drawn, 0.045), 0.0).round(3)
    balance, drawn = target, notes
    columns = _columns(generator, balance, limit, drawn, smallest, paid) | _drawings(generator, way, drawn, limit)
    overdue = _overdue(generator, discipline, careless, card, number, balance)
    application = rows[card]
    columns |= {
        "SK_ID_PREV": found.ids[application],
        "SK_ID_CURR": block.ids[found.owner[application]],
        "MONTHS_BALANCE": -ago,
        **overdue,
        "NAME_CONTRACT_STATUS": _states(generator, card, number, counts, overdue["SK_DPD"]),
    }
    columns["CNT_INSTALMENT_MATURE_CUM"] = np.where(
        np.isnan(columns["AMT_INST_MIN_REGULARITY"]), np.nan, _matured(generator, card, number, counts, used, idle)
    )
    return Cards(columns, application, ago, paid, discipline[card])


def _turnover(generator: np.random.Generator, used: NDArray[np.bool_], limit: Floats) -> Floats:
    """Return what is drawn in a month and paid back before its statement, (r,): 0 in most."""
    habit = statistics("monthly")["cards"]["turnover"]
    often = used & (generator.random(len(limit)) < habit["share"])
    times = habit["typical"] * np.exp(habit["deviation"] * generator.standard_normal(len(limit)))
    return np.where(often, np.maximum(np.round(limit * np.minimum(times, 3.0) / 450) * 450, 450.0), 0.0)


def _matured(
    generator: np.random.Generator, card: NDArray[np.intp], number: NDArray[np.int64], counts: NDArray[np.int64],
    used: NDArray[np.bool_], idle: NDArray[np.bool_],
) -> NDArray[np.int64]:  # fmt: skip
    """Return the instalments so far: the months after the first in which the card was in use, and older ones."""
    older = statistics("monthly")["cards"]["older"]
    billed = used & (number > 0)
    started = np.cumsum(billed, dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    so_far = started - (started[first] - billed[first])[card] if len(card) else started
    before = idle & (generator.random(len(counts)) < older["share"])
    beginning = np.where(before, 1 + np.floor(older["most"] * generator.random(len(counts))), 0)
    return np.minimum(so_far + beginning[card].astype(np.int64), 120)


def _limits(
    generator: np.random.Generator, found: Applications, rows: NDArray[np.intp], card: NDArray[np.intp],
    number: NDArray[np.int64], counts: NDArray[np.int64], usage: Floats,
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:  # fmt: skip
    """Return the limit of each month, whether the card is in use in it, and which cards never are."""
    habits = statistics("monthly")["cards"]
    granted = np.maximum(0.85 * found.credit[rows], 45_000.0)
    raised = np.where(
        generator.random(len(rows)) < habits["raised"]["share"], 1 + np.floor(generator.random(len(rows)) * counts), 999
    ).astype(np.int64)
    limit = np.where(number >= raised[card], granted[card] * habits["raised"]["times"], granted[card])
    limit = np.minimum(np.round(limit / 4_500) * 4_500, _LIMITS_MAX)
    idle = usage < habits["idle"]
    waking = np.where(idle, 999, np.floor(generator.random(len(rows)) ** 2.5 * 0.35 * counts)).astype(np.int64)
    asleep = np.where(
        generator.random(len(rows)) < habits["ends"],
        np.floor(counts * (0.35 + 0.65 * generator.random(len(rows)))),
        999,
    )
    used = (number >= waking[card]) & (number < asleep[card])
    closed = (number >= asleep[card]) & (generator.random(len(rows)) < habits["closed"])[card]
    unopened = (idle & (generator.random(len(rows)) < habits["opened_late"]))[card]
    return np.where(closed | unopened, 0.0, limit), used & ~closed, idle


def _smooth(generator: np.random.Generator, card: NDArray[np.intp], number: NDArray[np.int64]) -> Floats:
    """Return a score that drifts along each card: the sum of two slow waves of its own."""
    found = int(card[-1]) + 1 if len(card) else 0
    phase = 2 * np.pi * generator.random((2, found))
    speed = 0.06 + 0.30 * generator.random((2, found))
    waves: Floats = np.sin(speed[:, card] * number + phase[:, card]).sum(axis=0)
    return waves


def _columns(
    generator: np.random.Generator, balance: Floats, limit: Floats, drawn: Floats, smallest: Floats, paid: Floats,
) -> dict[str, NDArray[Any]]:  # fmt: skip
    length, unpaid = len(balance), statistics("monthly")["cards"]["unpaid"]
    principal = rounded(balance * np.where(balance > 0, 0.945 + 0.04 * generator.random(length), 0.0), 0.045)
    receivable = np.where(generator.random(length) < 0.97, balance, balance * 0.98)
    unbilled = generator.random(length) < 0.0795
    silent = (generator.random(length) < np.where(limit == 0, *unpaid["missing"])) & (paid <= 0)
    little = rounded(unpaid["typical"] * np.exp(unpaid["deviation"] * generator.standard_normal(length)))
    small = np.where((paid <= 0) & (generator.random(length) < unpaid["small"]), little, paid)
    return {
        "AMT_BALANCE": np.round(balance, 3),
        "AMT_CREDIT_LIMIT_ACTUAL": limit.astype(np.int64),
        "AMT_DRAWINGS_CURRENT": drawn,
        "AMT_INST_MIN_REGULARITY": np.where(unbilled, np.nan, smallest),
        "AMT_PAYMENT_CURRENT": np.where(silent, np.nan, small),
        "AMT_PAYMENT_TOTAL_CURRENT": paid,
        "AMT_RECEIVABLE_PRINCIPAL": principal,
        "AMT_RECIVABLE": np.round(receivable, 3),
        "AMT_TOTAL_RECEIVABLE": np.round(receivable, 3),
    }


def _drawings(generator: np.random.Generator, way: Floats, drawn: Floats, limit: Floats) -> dict[str, NDArray[Any]]:
    """Return what was drawn at a machine, in shops and otherwise, and how many times; `way` (r,) is a uniform."""
    length, habits = len(drawn), statistics("monthly")["cards"]["drawings"]
    # the parts of the drawings are kept only from the first use on, for most cards
    kept = drawn > 0
    unknown = ~kept & (generator.random(length) < np.where(limit == 0, *habits["unknown"]))
    cash = np.where(way < habits["only_machine"], 1.0, generator.random(length) ** habits["mixed_power"])
    cash = np.where(way > 1 - habits["only_shop"], 0.0, cash)
    at_machine = np.minimum(np.where(kept, np.round(drawn * cash / 2_250) * 2_250, 0.0), drawn)
    others = habits["other"]
    otherwise = np.where(drawn > others["from"], others["large"], others["usual"])
    other = np.where(kept & (generator.random(length) < otherwise), drawn, 0.0)
    at_machine = np.where(other > 0, 0.0, at_machine)
    in_shop = drawn - at_machine - other
    times = habits["machine_times"]
    more = generator.poisson(generator.gamma(times["size"], times["mean"] / times["size"], length))
    times_cash = np.where(at_machine > 0, 1 + more, 0)
    times = habits["shop_times"]  # few buy everything with it, most now and then
    often = np.where(generator.random(length) < times["often"], times["many"], times["few"])
    times_shop = np.where(in_shop > 0, 1 + np.floor(often * generator.exponential(1.0, length)), 0)
    again = np.sum(generator.random(length)[:, None] < np.array(habits["other_times"]), axis=1)
    times_other = np.where(other > 0, 1 + again, 0)
    return {
        "AMT_DRAWINGS_ATM_CURRENT": np.where(unknown, np.nan, at_machine),
        "AMT_DRAWINGS_OTHER_CURRENT": np.where(unknown, np.nan, other),
        "AMT_DRAWINGS_POS_CURRENT": np.where(unknown, np.nan, in_shop),
        "CNT_DRAWINGS_ATM_CURRENT": np.where(unknown, np.nan, np.minimum(times_cash, 51)),
        "CNT_DRAWINGS_CURRENT": np.minimum(times_cash + times_shop + times_other, 165).astype(np.int64),
        "CNT_DRAWINGS_OTHER_CURRENT": np.where(unknown, np.nan, times_other),
        "CNT_DRAWINGS_POS_CURRENT": np.where(unknown, np.nan, np.minimum(times_shop, 112)),
    }


def _overdue(
    generator: np.random.Generator, discipline: Floats, careless: NDArray[np.bool_], card: NDArray[np.intp],
    number: NDArray[np.int64], balance: Floats,
) -> dict[str, NDArray[np.int64]]:  # fmt: skip
    length = len(card)
    late = careless & (generator.random(length) < 0.85)
    days = np.where(late, np.where(generator.random(length) < 0.80, 1, np.ceil(generator.exponential(9.0, length))), 0)
    habits = statistics("monthly")["cards"]
    stops = generator.random(len(discipline)) < habits["stops"] * np.exp(-0.8 * discipline - 0.32)
    begin = np.where(stops, 3 + np.floor(60 * generator.random(len(discipline))), 10_000)[card]
    since = np.where((number >= begin) & (balance > 0), number - begin + 1, 0)
    days = np.where(since > 0, np.minimum(since * 30.44, 3_260), days).astype(np.int64)
    forgiven = generator.random(len(discipline)) < habits["tolerated"]
    tolerated = np.where(since > 0, forgiven[card], generator.random(length) < 0.12)
    return {"SK_DPD": days, "SK_DPD_DEF": np.where(tolerated, 0, days)}


def _states(
    generator: np.random.Generator, card: NDArray[np.intp], number: NDArray[np.int64], counts: NDArray[np.int64],
    overdue: NDArray[np.int64],
) -> NDArray[np.int16]:  # fmt: skip
    drawn = generator.random(len(card))
    ending = np.where(
        generator.random(len(counts)) < 0.10, np.floor(counts * (0.45 + 0.5 * generator.random(len(counts)))), 10_000
    )
    status = np.full(len(card), _STATUSES.index("Active"), dtype=np.int16)
    status[(number == 0) & (drawn < 0.11)] = _STATUSES.index("Signed")
    status[(number == 0) & (drawn > 0.995)] = _STATUSES.index("Sent proposal")
    status[number >= ending[card]] = _STATUSES.index("Completed")
    status[(overdue > 90) & (drawn < 0.03)] = _STATUSES.index("Demand")
    return status
