"""Payments: for each loan and card, what was due when and what was paid when, sometimes in two parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from data.synthesis.marginals import rounded, statistics
from data.synthesis.ragged import owners, positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.cards import Cards
    from data.synthesis.latent import Block
    from data.synthesis.marginals import Floats
    from data.synthesis.monthly import Loans
    from data.synthesis.previous import Applications

_OLDEST = -2_922
_CARDS_KEPT = 0.985  # of the months in which a card was paid
_UNKNOWN = 2_905 / 13_605_401  # DAYS_ENTRY_PAYMENT and AMT_PAYMENT are missing


def instalments(block: Block, found: Applications, some: Loans, cards: Cards) -> dict[str, NDArray[Any]]:
    """Return the rows of installments_payments: those of the loans, then those of the cards."""
    parts = [_of_loans(block, found, some), _of_cards(block, found, cards)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _of_loans(block: Block, found: Applications, some: Loans) -> dict[str, NDArray[Any]]:
    generator = block.streams["instalments"]
    kept = (generator.random(len(some.rows)) < np.where(found.first[some.rows], 0.999, 0.993)) & (
        found.first_due[some.rows] < 0
    )
    rows, discipline = some.rows[kept], some.discipline[kept]
    stopped, first_due = some.stopped[kept], found.first_due[rows]
    due_so_far = np.floor((-first_due - 1) / 30).astype(np.int64) + 1
    paid = np.where(stopped >= 0, np.minimum(stopped, found.paid[rows]), found.paid[rows])
    counts = np.minimum(paid, due_so_far)
    skipped = np.clip(np.ceil((_OLDEST - first_due) / 30), 0, counts).astype(np.int64)
    loan = owners(counts - skipped)
    number = positions(counts - skipped) + skipped[loan] + 1
    application = rows[loan]
    due = first_due[loan] + 30.0 * (number - 1)
    settled = found.early[application] & (number == found.paid[application])
    rest = found.credit[application] * (1 - (number - 1) / found.term[application])
    annuity = found.annuity[application] * (1 + 0.0005 * np.round(20 * generator.random(len(rows)) - 10)[loan])
    amount = np.where(settled, np.maximum(rounded(rest, 0.045), annuity), rounded(annuity, 0.045))
    version = _versions(generator, len(rows))
    early, partial, short = _manners(generator, discipline[loan])
    more = np.where(settled, statistics("monthly")["loans"]["settlement"], 1.0)
    return _rows(block, found, application, version[loan] + settled, number, due, early, amount, more, partial, short)


def _versions(generator: np.random.Generator, length: int) -> Floats:
    """Return the version of the plan of each loan, from 1: most have one, few very many."""
    told = statistics("monthly")["loans"]
    version = 1 + np.searchsorted(np.cumsum(told["versions"])[:-1], generator.random(length), side="right")
    more = np.floor(generator.exponential(told["many_versions"], length))
    return np.minimum(version + np.where(version == len(told["versions"]), more, 0.0), 177.0)


def _of_cards(block: Block, found: Applications, cards: Cards) -> dict[str, NDArray[Any]]:
    """Return the payments of the months in which a card was paid: one or a few, which sum to that month's payment."""
    generator = block.streams["instalments"]
    chosen = (cards.paid > 0) & (generator.random(len(cards.paid)) < _CARDS_KEPT)
    shares = np.cumsum(statistics("monthly")["cards"]["payments"]["shares"])
    parts = 1 + np.searchsorted(shares[:-1], generator.random(int(chosen.sum())), side="right")
    month, place = owners(parts), positions(parts)
    early, _, short = _manners(generator, cards.discipline[chosen])
    due = np.clip(np.round(-30.44 * cards.ago[chosen] + 10 - np.floor(8 * generator.random(len(parts)))), _OLDEST, -1)
    weights = 0.3 + generator.random(len(month))
    share = weights / np.bincount(month, weights, len(parts))[month]
    payment = np.maximum(rounded(cards.paid[chosen][month] * share, 0.045), 0.0)
    asked = np.where(short[month], rounded(payment / (0.3 + 0.6 * generator.random(len(month))), 0.045), payment)
    application = cards.application[chosen][month]
    # what is paid beyond the second time in a month bears the number of the second
    counted = np.cumsum(place < 2)
    first = np.searchsorted(application, application)
    number = counted - counted[first] + 1 if len(first) else counted
    entered = np.clip(due[month] - early[month] + np.ceil(4 * place * generator.random(len(month))), -4_921, -1)
    unknown = generator.random(len(month)) < _UNKNOWN
    return {
        "SK_ID_PREV": found.ids[application],
        "SK_ID_CURR": block.ids[found.owner[application]],
        "NUM_INSTALMENT_VERSION": np.zeros(len(month)),
        "NUM_INSTALMENT_NUMBER": np.minimum(number, 277),
        "DAYS_INSTALMENT": due[month],
        "DAYS_ENTRY_PAYMENT": np.where(unknown, np.nan, entered),
        "AMT_INSTALMENT": asked,
        "AMT_PAYMENT": np.where(unknown, np.nan, payment),
    }


def _manners(generator: np.random.Generator, discipline: Floats) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return how many days before it was due each instalment is paid, which in two parts, and which not in full."""
    length = len(discipline)
    drawn = generator.random(length)
    likely = 1 / (1 + np.exp(2.85 + 1.05 * discipline))
    late = drawn < likely
    days = np.where(late, -np.ceil(generator.exponential(7.0, length) * np.exp(-0.25 * discipline)), 0.0)
    days = np.where(late & (generator.random(length) < 0.03), days * 8, days)
    ahead = (drawn > 1 - 0.685) & ~late
    days = np.where(ahead, np.ceil(generator.gamma(1.1, 11.6, length) * np.exp(0.18 * discipline - 0.016)), days)
    days = np.where(ahead & (generator.random(length) < 0.008), days * 7, days)
    seldom, often = statistics("monthly")["loans"]["partial"]
    partial = generator.random(length) < np.where(late, often, seldom)
    short = generator.random(length) < np.where(late, 0.05, 0.004)
    return days, partial, short


def _rows(
    block: Block, found: Applications, application: NDArray[np.intp], version: Floats, number: NDArray[np.int64],
    due: Floats, early: Floats, amount: Floats, more: Floats, partial: NDArray[np.bool_], short: NDArray[np.bool_],
) -> dict[str, NDArray[Any]]:  # fmt: skip
    # `more` is what is paid over the amount that was due
    generator = block.streams["instalments"]
    share = np.where(
        partial,
        0.1 + 0.8 * generator.random(len(due)),
        np.where(short, 0.3 + 0.6 * generator.random(len(due)), 1.0),
    )
    whole = np.where(more > 1, rounded(amount * more, 0.045), amount)
    paid = np.where(share < 1, rounded(whole * share, 0.045), whole)
    row = owners(1 + partial.astype(np.int64))
    second = positions(1 + partial.astype(np.int64)) == 1
    paid_on = due[row] - early[row] + np.where(second, np.ceil(9 * generator.random(len(row))), 0.0)
    payment = np.where(second, whole[row] - paid[row], paid[row])
    unknown = generator.random(len(row)) < _UNKNOWN
    return {
        "SK_ID_PREV": found.ids[application][row],
        "SK_ID_CURR": block.ids[found.owner[application]][row],
        "NUM_INSTALMENT_VERSION": version[row],
        "NUM_INSTALMENT_NUMBER": np.minimum(number, 277)[row],
        "DAYS_INSTALMENT": due[row],
        "DAYS_ENTRY_PAYMENT": np.where(unknown, np.nan, np.clip(paid_on, -4_921, -1)),
        "AMT_INSTALMENT": amount[row],
        "AMT_PAYMENT": np.where(unknown, np.nan, payment),
    }
