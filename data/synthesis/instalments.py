"""Payments: for each loan and card, what was due when and what was paid when, sometimes in two parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from data.synthesis.marginals import rounded
from data.synthesis.ragged import owners, positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.cards import Cards
    from data.synthesis.latent import Block
    from data.synthesis.marginals import Floats
    from data.synthesis.monthly import Loans
    from data.synthesis.previous import Applications

_OLDEST = -2_922


def instalments(block: Block, found: Applications, some: Loans, cards: Cards) -> dict[str, NDArray[Any]]:
    """Return the rows of installments_payments: those of the loans, then those of the cards."""
    parts = [_of_loans(block, found, some), _of_cards(block, found, cards)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _of_loans(block: Block, found: Applications, some: Loans) -> dict[str, NDArray[Any]]:
    generator = block.streams["instalments"]
    kept = (generator.random(len(some.rows)) < np.where(found.first[some.rows], 0.998, 0.985)) & (
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
    changes = generator.random(len(rows))
    version = (
        1.0 + (changes < 0.075) + (changes < 0.018) + (changes < 0.004) * np.floor(8 * generator.random(len(rows)))
    )
    early, partial, short = _manners(generator, discipline[loan])
    return _rows(
        block, found, application, version[loan] + settled, number, due, early, amount, partial, short, extra=0.0
    )


def _of_cards(block: Block, found: Applications, cards: Cards) -> dict[str, NDArray[Any]]:
    generator = block.streams["instalments"]
    chosen = cards.billed & (generator.random(len(cards.billed)) < 0.985)
    application = cards.application[chosen]
    length = len(application)
    day: Floats = np.round(-30.44 * cards.ago[chosen] + 10 - np.floor(8 * generator.random(length)))
    due = np.clip(day, _OLDEST, -1)
    early, partial, short = _manners(generator, cards.discipline[chosen])
    partial |= generator.random(length) < 0.80  # a card is often paid twice a month
    number = np.maximum(cards.number[chosen], 1) * np.where(generator.random(length) < 0.45, 2, 1)
    amount = np.maximum(cards.due[chosen], 4.5)
    return _rows(block, found, application, np.zeros(length), number, due, early, amount, partial, short, extra=1.4)


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
    partial = generator.random(length) < np.where(late, 0.16, 0.012)
    short = generator.random(length) < np.where(late, 0.05, 0.004)
    return days, partial, short


def _rows(
    block: Block, found: Applications, application: NDArray[np.intp], version: Floats, number: NDArray[np.int64],
    due: Floats, early: Floats, amount: Floats, partial: NDArray[np.bool_], short: NDArray[np.bool_], extra: float,
) -> dict[str, NDArray[Any]]:  # fmt: skip
    # `extra` is how much more than what was due a second payment brings, on average
    generator = block.streams["instalments"]
    share = np.where(
        partial & (extra == 0),
        0.1 + 0.8 * generator.random(len(due)),
        np.where(short, 0.3 + 0.6 * generator.random(len(due)), 1.0),
    )
    paid = np.where(share < 1, rounded(amount * share, 0.045), amount)
    row = owners(1 + partial.astype(np.int64))
    second = positions(1 + partial.astype(np.int64)) == 1
    paid_on = due[row] - early[row] + np.where(second, np.ceil(9 * generator.random(len(row))), 0.0)
    entered = np.clip(paid_on, -4_921, -1)
    more = rounded(2 * extra * amount[row] * generator.random(len(row)), 0.045)
    payment = np.where(second, amount[row] - paid[row] + more, paid[row])
    unknown = generator.random(len(row)) < 0.0002
    return {
        "SK_ID_PREV": found.ids[application][row],
        "SK_ID_CURR": block.ids[found.owner[application]][row],
        "NUM_INSTALMENT_VERSION": version[row],
        "NUM_INSTALMENT_NUMBER": np.minimum(number, 277)[row],
        "DAYS_INSTALMENT": due[row],
        "DAYS_ENTRY_PAYMENT": np.where(unknown, np.nan, entered),
        "AMT_INSTALMENT": amount[row],
        "AMT_PAYMENT": np.where(unknown, np.nan, payment),
    }
