"""Previous applications: what kind, with what outcome, when, for how much, and the dates of those that became loans.

The first application of a client is nearly always a purchase on credit that was approved; a client has at most one
approved card. Some loans are left out of the table on purpose while their monthly rows stay: the published tables have
such orphans.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from data import schema
from data.synthesis.marginals import count, quantile, rounded, tilted, uniform
from data.synthesis.ragged import owners, positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.latent import Block
    from data.synthesis.marginals import Floats

FIRST_APPLICATION, STRIDE = 1_000_001, 8_192
NEVER = 365_243.0
_NONE, _NONE_IN_TEST = 0.0445, 0.0150
_MORE = (4.03, 4.25, 75)  # mean, standard deviation and maximum of the applications after the first
_CARD_HOLDERS = 0.393  # of the clients with two applications or more
_ORPHAN_LOANS, _ORPHAN_CARDS = 37_422 / 936_325, 11_372 / 104_307

CASH, CONSUMER, REVOLVING, UNKNOWN_TYPE = range(4)
APPROVED, CANCELED, REFUSED, UNUSED = range(4)
# Applications that are neither a client's first nor an approved card: type, outcome, thousands of rows, and how
# refusal, appetite for credit and discipline move them.
_OUTCOMES = (
    (CONSUMER, APPROVED, 350.0, -0.20, -0.15, 0.10),
    (CONSUMER, REFUSED, 75.2, 0.70, 0.10, -0.15),
    (CONSUMER, CANCELED, 1.5, 0.0, 0.0, 0.0),
    (CONSUMER, UNUSED, 26.0, 0.0, 0.0, 0.0),
    (CASH, APPROVED, 314.0, -0.15, 0.05, 0.10),
    (CASH, REFUSED, 165.9, 0.80, 0.25, -0.15),
    (CASH, CANCELED, 268.6, 0.15, 0.12, -0.05),
    (CASH, UNUSED, 0.5, 0.0, 0.0, 0.0),
    (REVOLVING, REFUSED, 49.5, 0.65, 0.35, -0.15),
    (REVOLVING, CANCELED, 45.9, 0.25, 0.25, -0.05),
    (UNKNOWN_TYPE, CANCELED, 0.35, 0.0, 0.0, -0.6),
)
_CONSUMER_TERMS = np.array([4, 6, 8, 10, 12, 18, 24, 30, 36])
_CONSUMER_TERM_SHARES = np.cumsum([0.03, 0.235, 0.045, 0.205, 0.285, 0.055, 0.11, 0.005, 0.03])
_CASH_TERMS = np.array([6, 12, 18, 24, 30, 36, 42, 48, 60])
_CASH_TERM_SHARES = np.cumsum([0.05, 0.27, 0.12, 0.21, 0.045, 0.135, 0.02, 0.065, 0.085])
_INSURANCE = np.array([1.0, 1.066, 1.099, 1.132, 1.198])
_INSURANCE_SHARES = np.cumsum([0.56, 0.17, 0.08, 0.10, 0.09])
_LIMITS = np.array([45e3, 67.5e3, 90e3, 112.5e3, 135e3, 157.5e3, 180e3, 225e3, 270e3, 315e3, 450e3, 675e3, 900e3])
_LIMIT_SHARES = np.cumsum([0.22, 0.02, 0.04, 0.02, 0.13, 0.02, 0.17, 0.13, 0.08, 0.04, 0.09, 0.02, 0.02])


@dataclass(frozen=True)
class Applications:
    """Previous applications of a block, in the order of the clients and, for each, of time but for the first.

    Attributes
    ----------
    owner, ids : (m,) position of the client in the block, SK_ID_PREV.
    kind, outcome : (m,) codes of NAME_CONTRACT_TYPE and NAME_CONTRACT_STATUS.
    decided : (m,) day of the decision, negative. first : (m,) bool, whether it is the client's first application.
    described : (m,) bool, whether the lender knows the terms (portfolio, annuity and term are there).
    applied, credit, annuity, term : (m,) amounts and months, 0 where none; `down` is the down payment.
    paid : (m,) how many instalments were due before the loan ended; `early` whether that was before the agreed end.
    first_due : (m,) day of the first instalment. months : (m,) age of an approved card, else 0.
    listed : (m,) bool, whether the table has it; `followed` whether a loan or card has monthly rows.
    """

    owner: NDArray[np.intp]
    ids: NDArray[np.int64]
    kind: NDArray[np.int16]
    outcome: NDArray[np.int16]
    decided: Floats
    first: NDArray[np.bool_]
    described: NDArray[np.bool_]
    applied: Floats
    credit: Floats
    annuity: Floats
    down: Floats
    rate: Floats
    term: NDArray[np.int64]
    paid: NDArray[np.int64]
    early: NDArray[np.bool_]
    first_due: Floats
    months: NDArray[np.int64]
    listed: NDArray[np.bool_]
    followed: NDArray[np.bool_]

    @property
    def approved(self) -> NDArray[np.bool_]:
        """Whether the application was approved, (m,)."""
        result: NDArray[np.bool_] = self.outcome == APPROVED
        return result


def application_counts(block: Block) -> NDArray[np.int64]:
    """Return how many previous applications each client has, (n,), those left out of the table included."""
    rank = uniform(block.scores["applications"])
    none = np.where(block.unlabelled, _NONE_IN_TEST, _NONE)
    more = count(np.clip((rank - none) / (1 - none), 0.0, 1.0), *_MORE)
    return np.where(rank < none, 0, 1 + more)


def applications(block: Block, income: Floats) -> Applications:
    """Return the previous applications of a block; `income` (n,) a year."""
    generator = block.streams["previous"]
    counts = application_counts(block)
    owner, order = owners(counts), positions(counts)
    length = len(owner)
    first = order == 0
    kind, outcome, months = _outcomes(block, counts, owner, order)
    approved = outcome == APPROVED
    card = approved & (kind == REVOLVING)
    decided = _decisions(block, owner, first, kind, outcome, months)

    terms = _terms(generator, kind, outcome, length)
    amounts = _amounts(generator, kind, outcome, np.log(income / 150_000)[owner], block.trouble[owner], terms, decided)
    chance = generator.random(length)
    described = ~(
        (outcome == CANCELED)
        | (outcome == UNUSED)
        | ((outcome == REFUSED) & (chance < np.array([0.105, 0.135, 0.046, 1.0])[kind]))
    )
    # how long the loan lived: to the agreed end, or repaid earlier; a card has no end
    early = approved & ~card & (generator.random(length) < 0.57)
    share = 1 - generator.random(length) ** 1.55 * 0.92
    paid = np.where(early, np.clip(np.floor(terms * share), 1, np.maximum(terms - 1, 1)), terms).astype(np.int64)
    first_due = decided + 30 + np.round(generator.gamma(1.2, 5.0, length))
    followed = (
        approved & (generator.random(length) < np.where(card, 0.93, np.where(first, 0.995, 0.985))) & (decided < -31)
    )
    orphan = followed & (generator.random(length) < np.where(card, _ORPHAN_CARDS, _ORPHAN_LOANS))
    return Applications(
        owner=owner,
        ids=block.ids_from(FIRST_APPLICATION, STRIDE, length, generator),
        kind=kind,
        outcome=outcome,
        decided=decided,
        first=first,
        described=described,
        term=terms,
        paid=paid,
        early=early & (paid < terms),
        first_due=first_due,
        months=np.where(card, months, 0),
        listed=~orphan,
        followed=followed,
        **amounts,
    )


def _outcomes(
    block: Block, counts: NDArray[np.int64], owner: NDArray[np.intp], order: NDArray[np.int64]
) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int64]]:
    """Return type, outcome, and months since an approved card was given."""
    generator, scores = block.streams["previous"], block.scores
    length = len(owner)
    table = np.array(_OUTCOMES)
    slopes = table[:, 3:]
    factors = np.stack([scores["refusal"], scores["hunger"], scores["discipline"]], axis=1)[owner]
    logits = np.einsum("nk,jk->nj", factors, slopes) - (slopes**2).sum(axis=1) / 2
    drawn = tilted(table[:, 2] / table[:, 2].sum(), logits, generator.random(length))
    kind, outcome = table[drawn, 0].astype(np.int16), table[drawn, 1].astype(np.int16)
    first = order == 0
    exception = generator.random(length)
    kind[first] = np.where(exception < 0.03, CASH, CONSUMER)[first]
    outcome[first] = np.where(exception > 0.99, REFUSED, APPROVED)[first]

    holder = (counts > 1) & (
        ndtr(0.25 * scores["hunger"] + 0.968 * generator.standard_normal(len(counts))) > 1 - _CARD_HOLDERS
    )
    place = 1 + np.floor(generator.random(len(counts)) * np.maximum(counts - 1, 1))
    card = holder[owner] & (order == place[owner])
    kind[card], outcome[card] = REVOLVING, APPROVED
    months = np.maximum(np.round(quantile("card.months", generator.random(length) ** 1.08)), 1).astype(np.int64)
    return kind, outcome, months


def _decisions(
    block: Block, owner: NDArray[np.intp], first: NDArray[np.bool_], kind: NDArray[np.int16],
    outcome: NDArray[np.int16], months: NDArray[np.int64],
) -> Floats:  # fmt: skip
    """Return the days of the decisions: the first is a client's oldest, the others lie between it and day 0."""
    generator = block.streams["previous"]
    length = len(owner)
    tenure = ndtr(
        0.25 * block.scores["applications"]
        - 0.22 * block.scores["hunger"]
        + 0.943 * generator.standard_normal(len(block.ids))
    )
    oldest = 40 + 2_880 * tenure**0.92
    recency = np.where(kind == CONSUMER, 0.95, np.where(outcome == APPROVED, 1.12, 2.75))
    days = oldest[owner] * np.where(first, 1.0, generator.random(length) ** recency)
    days = np.where(outcome == APPROVED, 40 + 0.986 * days, days)
    card = (kind == REVOLVING) & (outcome == APPROVED)
    held = np.minimum(months * 30.44 + 4 + 20 * generator.random(length), 2_922)
    days = np.where(card, held, days)
    return -np.clip(np.ceil(days), 1, 2_922)


def _terms(
    generator: np.random.Generator, kind: NDArray[np.int16], outcome: NDArray[np.int16], length: int
) -> NDArray[np.int64]:
    # who asks to pay for longer is refused more often
    drawn = generator.random(length) ** np.where((kind == CASH) & (outcome == APPROVED), 2.1, 0.40)
    drawn = np.where(kind == CASH, drawn, generator.random(length))
    consumer = _CONSUMER_TERMS[np.searchsorted(_CONSUMER_TERM_SHARES[:-1], drawn, side="right")]
    cash = _CASH_TERMS[np.searchsorted(_CASH_TERM_SHARES[:-1], drawn, side="right")]
    return np.where(kind == CASH, cash, np.where(kind == CONSUMER, consumer, 0)).astype(np.int64)


def _amounts(
    generator: np.random.Generator, kind: NDArray[np.int16], outcome: NDArray[np.int16], wealth: Floats,
    trouble: Floats, terms: NDArray[np.int64], decided: Floats,
) -> dict[str, Floats]:  # fmt: skip
    length = len(kind)

    def normal() -> Floats:
        return generator.standard_normal(length)

    months = np.maximum(terms, 1)
    recent = 1 + decided / 4_500  # loans grew over the years
    price = 66_000 * np.exp(0.72 * normal() + 0.35 * wealth + 0.25 * np.log(months / 12)) * (0.7 + 0.5 * recent)
    price = np.where(generator.random(length) < 0.30, np.round(price / 4_500) * 4_500, rounded(price))
    cash = 342_000 * np.exp(0.60 * normal() + 0.40 * wealth + 0.62 * np.log(months / 24)) * (0.55 + 0.65 * recent)
    cash = np.maximum(np.round(cash / 22_500), 1) * 22_500
    limit = _LIMITS[np.searchsorted(_LIMIT_SHARES[:-1], ndtr(normal() * 0.866 + 0.5 * wealth / 0.5), side="right")]

    chance = generator.random(length)
    down_rate = np.where(
        chance < 0.47,
        0.0,
        np.where(chance < 0.62, 0.1, np.minimum(0.02 + 0.335 * generator.random(length) ** 1.15, 0.9)),
    )
    down = np.where(kind == CONSUMER, rounded(price * down_rate), 0.0)
    insurance = _INSURANCE[np.searchsorted(_INSURANCE_SHARES[:-1], generator.random(length), side="right")]
    applied = np.where(kind == CONSUMER, price, np.where(kind == CASH, cash, limit))
    credit = np.where(kind == REVOLVING, limit, rounded((applied - down) * insurance))
    yearly = np.clip(np.where(kind == CASH, 0.30, 0.22) + 0.156 * normal() + 0.035 * trouble, 0.001, 0.9)
    monthly = yearly / 12
    annuity = np.where(kind == REVOLVING, 0.05 * limit, rounded(credit * monthly / (1 - (1 + monthly) ** -months)))

    empty = (outcome == CANCELED) & (kind != CONSUMER)
    nothing_asked = empty | ((kind == REVOLVING) & (generator.random(length) < 0.57))
    withdrawn = empty | ((outcome == UNUSED) & (generator.random(length) < 0.45))
    return {
        "applied": np.where(nothing_asked, 0.0, applied),
        "credit": np.where(withdrawn, 0.0, credit),
        "annuity": annuity,
        "down": down,
        "rate": yearly,
    }


def columns(block: Block, found: Applications) -> dict[str, NDArray[Any]]:
    """Return the numeric columns and dates of the table, for every application (m,), those left out included."""
    generator = block.streams["previous"]
    length = len(found.owner)
    purchase = found.kind == CONSUMER
    card = found.approved & (found.kind == REVOLVING)
    priced = found.described & (purchase | ((found.kind == CASH) & (generator.random(length) < 0.19)))
    interest = priced & purchase & (generator.random(length) < 0.0082)
    insured = (generator.random(length) < np.where(found.kind == CASH, 0.42, 0.29)).astype(np.float64)
    result: dict[str, NDArray[Any]] = {
        "SK_ID_PREV": found.ids,
        "SK_ID_CURR": block.ids[found.owner],
        "NAME_CONTRACT_TYPE": found.kind,
        "NAME_CONTRACT_STATUS": found.outcome,
        "AMT_ANNUITY": np.where(found.described, found.annuity, np.nan),
        "AMT_APPLICATION": found.applied,
        "AMT_CREDIT": found.credit,
        "AMT_DOWN_PAYMENT": np.where(priced, found.down, np.nan),
        "AMT_GOODS_PRICE": np.where(found.applied > 0, found.applied, np.nan),
        "RATE_DOWN_PAYMENT": np.where(
            priced, np.minimum(1.089 * found.down / np.maximum(found.applied, 1.0), 1.0), np.nan
        ),
        "RATE_INTEREST_PRIMARY": np.where(
            interest, np.clip(0.173 * np.exp(0.42 * generator.standard_normal(length)), 0.035, 1), np.nan
        ),
        "RATE_INTEREST_PRIVILEGED": np.where(
            interest, np.array([0.6379, 0.7156, 0.8351, 0.8673])[generator.integers(0, 4, length)], np.nan
        ),
        "DAYS_DECISION": found.decided.astype(np.int64),
        "CNT_PAYMENT": np.where(found.described, found.term, np.nan),
    }
    dated = found.approved & (generator.random(length) < 852_595 / 886_099)
    return (
        result | _dates(generator, found, dated, card) | {"NFLAG_INSURED_ON_APPROVAL": np.where(dated, insured, np.nan)}
    )


def _dates(
    generator: np.random.Generator, found: Applications, dated: NDArray[np.bool_], card: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    length = len(found.owner)
    drawn = card & (generator.random(length) < 0.59)  # the card was used
    planned = found.first_due + 30.0 * (found.term - 1)
    last = found.first_due + 30.0 * (found.paid - 1)
    over = last < 0
    ended = np.where(over & ~card, last, NEVER)
    delay = np.where(
        generator.random(length) < 0.06,
        1 + np.round(200 * generator.random(length) ** 2),
        generator.integers(2, 10, length),
    )
    ended_card = card & (generator.random(length) < 0.48)
    due = np.where(found.first_due < 0, found.first_due, NEVER)
    last_due = np.where(ended_card, np.round(found.decided * generator.random(length)), ended)
    terminated = last_due + delay
    first_drawing = np.minimum(found.decided + np.round(60 * generator.random(length)), -2.0)
    values = {
        "DAYS_FIRST_DRAWING": np.where(drawn, first_drawing, NEVER),
        "DAYS_FIRST_DUE": np.where(card & ~drawn, NEVER, due),
        "DAYS_LAST_DUE_1ST_VERSION": np.where(card, NEVER, planned),
        "DAYS_LAST_DUE": np.minimum(last_due, NEVER),
        "DAYS_TERMINATION": np.where(terminated < 0, terminated, NEVER),
    }
    table = schema.table("previous_application")
    oldest = {name: table.column(name).minimum or -np.inf for name in values}
    return {name: np.where(dated, np.maximum(value, oldest[name]), np.nan) for name, value in values.items()}
