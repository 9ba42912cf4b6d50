"""The monthly statements of cash and consumer loans: a row a month from the signature to the end, or until now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from data import schema
from data.synthesis.marginals import statistics
from data.synthesis.previous import REVOLVING
from data.synthesis.ragged import owners, positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.latent import Block
    from data.synthesis.marginals import Floats
    from data.synthesis.previous import Applications

_MONTH = 30.44
_OLDEST = 96
_STATUSES = schema.table("POS_CASH_balance").column("NAME_CONTRACT_STATUS").categories


@dataclass(frozen=True)
class Loans:
    """The cash and consumer loans of a block that have monthly rows; `rows` are their positions among the applications.

    `months_open` is how many statements there are from the signature to the end, `stopped` the statement from which
    nothing is paid any more (-1 for most), `discipline` the loan's own score of discipline: high pays on time.
    """

    rows: NDArray[np.intp]
    months_open: NDArray[np.int64]
    stopped: NDArray[np.int64]
    discipline: Floats


def loans(block: Block, found: Applications) -> Loans:
    """Return the loans that have monthly rows."""
    generator = block.streams["monthly"]
    rows = np.flatnonzero(found.followed & (found.kind != REVOLVING))
    own = generator.standard_normal(len(rows))
    discipline = 0.95 * block.scores["discipline"][found.owner[rows]] + 0.312 * own
    fewer = np.where(block.unlabelled, statistics("unlabelled")["shares"]["fewer_arrears"], 1.0)
    share = statistics("monthly")["loans"]["stops"] * fewer[found.owner[rows]]
    stops = generator.random(len(rows)) < share * np.exp(-0.9 * discipline - 0.4)
    paid = found.paid[rows]
    stopped = np.where(stops, 1 + np.floor(generator.random(len(rows)) * paid), -1).astype(np.int64)
    return Loans(rows, np.where(stops, _OLDEST, paid + 1), stopped, discipline)


def statements(block: Block, found: Applications, some: Loans) -> dict[str, NDArray[Any]]:
    """Return the rows of POS_CASH_balance."""
    generator = block.streams["monthly"]
    signed = np.floor(found.decided[some.rows] / _MONTH).astype(np.int64)
    skipped = np.maximum(-_OLDEST - signed, 0)
    counts = np.clip(np.minimum(some.months_open, -signed) - skipped, 0, _OLDEST)
    loan = owners(counts)
    number = positions(counts) + skipped[loan]
    length = len(loan)
    application = some.rows[loan]
    term, paid = found.term[application], found.paid[application]
    last = number == paid
    ended_early = found.early[application] & (number >= paid - 1) & (some.stopped[loan] < 0)
    future = np.maximum(np.where(last & ended_early, 0, term - number), 0)
    agreed = np.where(ended_early, np.maximum(paid, 1), term)

    overdue, material = _overdue(generator, some, loan, number)
    drawn = generator.random(length)
    status = np.full(length, _STATUSES.index("Active"), dtype=np.int16)
    status[(number == 0) & (drawn < 0.10)] = _STATUSES.index("Signed")
    status[(number == 0) & (drawn > 0.994)] = _STATUSES.index("Approved")
    status[(number == 0) & (drawn > 0.985) & (drawn < 0.9915)] = _STATUSES.index("Returned to the store")
    status[last & (some.stopped[loan] < 0)] = _STATUSES.index("Completed")
    status[(overdue > 60) & (drawn < 0.06)] = _STATUSES.index("Demand")
    status[(overdue > 700) & (drawn > 0.993)] = _STATUSES.index("Amortized debt")
    unknown = generator.random(length) < 0.0026
    return {
        "SK_ID_PREV": found.ids[application],
        "SK_ID_CURR": block.ids[found.owner[application]],
        "MONTHS_BALANCE": signed[loan] + number,
        "CNT_INSTALMENT": np.where(unknown, np.nan, agreed),
        "CNT_INSTALMENT_FUTURE": np.where(unknown, np.nan, np.minimum(future, agreed)),
        "NAME_CONTRACT_STATUS": status,
        "SK_DPD": overdue,
        "SK_DPD_DEF": material,
    }


def _overdue(
    generator: np.random.Generator, some: Loans, loan: NDArray[np.intp], number: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the days past due, and those that count (small debts are tolerated)."""
    length = len(loan)
    likely = (0.0135 * np.exp(-1.0 * some.discipline - 0.5))[loan]
    late = (generator.random(length) < likely) & (number > 0)
    days = np.where(late, np.ceil(generator.exponential(11.0, length)), 0)
    counts = generator.random(length) < 0.72
    stopped = some.stopped[loan]
    since = np.where((stopped >= 0) & (number >= stopped), number - stopped + 1, 0)
    tolerated = (generator.random(len(some.rows)) < statistics("monthly")["loans"]["tolerated"])[loan]
    days = np.where(since > 0, np.minimum(since * 30.44 + 3, 4_231), days).astype(np.int64)
    material = np.where(
        since > 0, np.where(tolerated & (since > 1), 0, np.minimum(days, 3_373)), np.where(counts, days, 0)
    )
    return days, material.astype(np.int64)
