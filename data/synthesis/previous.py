"""Previous applications: what kind, with what outcome, when, for how much, and the dates of those that became loans.

The first application of a client is nearly always a purchase on credit that was approved; a client has at most one
approved card. Some loans are left out of the table on purpose while their monthly rows stay: the published tables have
such orphans.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from data import schema
from data.synthesis.marginals import count, quantile, rounded, statistics, tilted, uniform
from data.synthesis.ragged import owners, positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.latent import Block
    from data.synthesis.marginals import Floats

FIRST_APPLICATION, STRIDE = 1_000_001, 8_192
NEVER = 365_243.0
_NONE, _NONE_IN_TEST = 0.0445, 0.0150
_ORPHAN_LOANS, _ORPHAN_CARDS = 37_422 / 936_325, 11_372 / 104_307

CASH, CONSUMER, REVOLVING, UNKNOWN_TYPE = range(4)
APPROVED, CANCELED, REFUSED, UNUSED = range(4)
_LONG = 24  # months
_UNBOOKED = 0.009  # of the loans that have ended, those whose termination is not booked yet
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
    share, more = np.clip((rank - none) / (1 - none), 0.0, 1.0), statistics("previous")["more"]
    more = np.where(block.unlabelled, count(share, *more["unlabelled"]), count(share, *more["labelled"]))
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
    wealth, trouble = np.log(income / 150_000)[owner], block.trouble[owner]
    asked = by_part("nothing_asked", block.unlabelled[owner])
    amounts = _amounts(generator, kind, outcome, wealth, trouble, terms, decided, asked)
    chance = generator.random(length)
    described = ~(
        (outcome == CANCELED)
        | (outcome == UNUSED)
        | ((outcome == REFUSED) & (chance < np.array([0.105, 0.135, 0.046, 1.0])[kind]))
    )
    # how long the loan lived: to the agreed end, or repaid earlier; a card has no end
    early, paid = _lives(generator, kind, approved & ~card, terms)
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


def _lives(
    generator: np.random.Generator, kind: NDArray[np.int16], loan: NDArray[np.bool_], terms: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return whether a loan is repaid before its agreed end, and how many instalments it has until it ends."""
    manners = statistics("previous")["early"]
    length = len(kind)
    which = np.where(kind == CASH, 1 + (terms >= _LONG), 0)
    share, longest, power = (
        np.array([manners[name][figure] for name in ("consumer", "cash", "long_cash")])[which]
        for figure in ("share", "longest", "power")
    )
    early = loan & (generator.random(length) < share)
    lived = np.floor(terms * (1 - longest * generator.random(length) ** power))
    return early, np.where(early, np.clip(lived, 1, np.maximum(terms - 1, 1)), terms).astype(np.int64)


def _outcomes(
    block: Block, counts: NDArray[np.int64], owner: NDArray[np.intp], order: NDArray[np.int64]
) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int64]]:
    """Return type, outcome, and months since an approved card was given."""
    generator, scores = block.streams["previous"], block.scores
    length = len(owner)
    kinds, outcomes, labelled, unlabelled, slopes = _outcome_table()
    factors = np.stack([scores["refusal"], scores["hunger"], scores["discipline"]], axis=1)[owner]
    logits = np.einsum("nk,jk->nj", factors, slopes) - (slopes**2).sum(axis=1) / 2
    logits += np.where(block.unlabelled[owner, None], np.log(unlabelled / labelled), 0.0)
    drawn = tilted(labelled, logits, generator.random(length))
    kind, outcome = kinds[drawn], outcomes[drawn]
    first = order == 0
    exception = generator.random(length)
    kind[first] = np.where(exception < 0.03, CASH, CONSUMER)[first]
    outcome[first] = np.where(exception > 0.99, REFUSED, APPROVED)[first]

    shares = statistics("previous")["card_holders"]
    holders = np.where(block.unlabelled, shares["unlabelled"], shares["labelled"])
    holder = (counts > 1) & (
        ndtr(0.25 * scores["hunger"] + 0.968 * generator.standard_normal(len(counts))) > 1 - holders
    )
    place = 1 + np.floor(generator.random(len(counts)) * np.maximum(counts - 1, 1))
    card = holder[owner] & (order == place[owner])
    kind[card], outcome[card] = REVOLVING, APPROVED
    months = np.maximum(np.round(quantile("card.months", generator.random(length) ** 1.08)), 1).astype(np.int64)
    return kind, outcome, months


@functools.cache
def _outcome_table() -> tuple[NDArray[np.int16], NDArray[np.int16], Floats, Floats, Floats]:
    """Return the types, the outcomes, the shares among labelled clients' and others' applications, and the slopes."""
    rows = statistics("previous")["outcomes"]
    table = schema.table("previous_application")
    kinds, outcomes = (
        np.array([table.column(column).categories.index(row[name]) for row in rows], dtype=np.int16)
        for column, name in (("NAME_CONTRACT_TYPE", "kind"), ("NAME_CONTRACT_STATUS", "outcome"))
    )
    labelled, unlabelled = (np.array([row[name] for row in rows]) for name in ("labelled", "unlabelled"))
    slopes = np.array([row["slopes"] for row in rows])
    return kinds, outcomes, labelled / labelled.sum(), unlabelled / unlabelled.sum(), slopes


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
    terms = statistics("previous")["terms"]
    power = terms["cash"]["power"]
    # who asks to pay for longer is refused more often
    drawn = generator.random(length) ** np.where(outcome == APPROVED, power["approved"], power["other"])
    drawn = np.where(kind == CASH, drawn, generator.random(length))
    consumer, cash = (
        np.array(some["months"])[np.searchsorted(np.cumsum(some["shares"])[:-1], drawn, side="right")]
        for some in (terms["consumer"], terms["cash"])
    )
    return np.where(kind == CASH, cash, np.where(kind == CONSUMER, consumer, 0)).astype(np.int64)


def _amounts(
    generator: np.random.Generator, kind: NDArray[np.int16], outcome: NDArray[np.int16], wealth: Floats,
    trouble: Floats, terms: NDArray[np.int64], decided: Floats, no_amount: Floats,
) -> dict[str, Floats]:  # fmt: skip
    length = len(kind)

    def normal() -> Floats:
        return generator.standard_normal(length)

    months = np.maximum(terms, 1)
    recent = 1 + decided / 4_500  # loans grew over the years
    consumer, borrowed, dear = (statistics("previous")["amounts"][name] for name in ("consumer", "cash", "dear"))
    price = consumer["price"] * (0.7 + 0.5 * recent) * np.exp(
        consumer["deviation"] * normal() + consumer["income"] * wealth + consumer["months"] * np.log(months / 12)
    )  # fmt: skip
    costly = generator.random(length) < dear["share"]
    price = np.where(costly, dear["times"] * price, price)
    price = np.where(generator.random(length) < 0.30, np.round(price / 4_500) * 4_500, rounded(price))
    cash = borrowed["price"] * (0.55 + 0.65 * recent) * np.exp(
        borrowed["deviation"] * normal() + borrowed["income"] * wealth + borrowed["months"] * np.log(months / 24)
    )  # fmt: skip
    # too much is refused
    cash *= np.where(outcome == APPROVED, borrowed["approved"], borrowed["refused"])
    cash = np.maximum(np.round(cash / 22_500), 1) * 22_500
    limit = _LIMITS[np.searchsorted(_LIMIT_SHARES[:-1], ndtr(normal() * 0.866 + 0.5 * wealth / 0.5), side="right")]

    chance = generator.random(length)
    down_rate = np.where(
        chance < 0.47,
        0.0,
        np.where(chance < 0.62, 0.1, np.minimum(0.02 + 0.32 * generator.random(length) ** 1.15, 0.9)),
    )
    least, most = dear["down"]
    down_rate = np.where(costly, least + (most - least) * generator.random(length), down_rate)
    down = np.where(kind == CONSUMER, rounded(price * down_rate), 0.0)
    insurance = _INSURANCE[np.searchsorted(_INSURANCE_SHARES[:-1], generator.random(length), side="right")]
    applied = np.where(kind == CONSUMER, price, np.where(kind == CASH, cash, limit))
    credit = np.where(kind == REVOLVING, limit, rounded((applied - down) * insurance))
    rates = statistics("previous")["rates"]
    mean, slope = (np.where(kind == CASH, *pair) for pair in zip(rates["cash"], rates["consumer"], strict=True))
    yearly = np.clip(mean + rates["deviation"] * normal() + slope * trouble, 0.001, 0.9)
    monthly = yearly / 12
    annuity = np.where(kind == REVOLVING, 0.05 * limit, rounded(credit * monthly / (1 - (1 + monthly) ** -months)))

    empty = (outcome == CANCELED) & (kind != CONSUMER)
    nothing_asked = empty | ((kind == REVOLVING) & (generator.random(length) < no_amount))
    withdrawn = empty | ((outcome == UNUSED) & (generator.random(length) < 0.45))
    return {
        "applied": np.where(nothing_asked, 0.0, applied),
        "credit": np.where(withdrawn, 0.0, credit),
        "annuity": annuity,
        "down": down,
        "rate": yearly,
    }


def by_part(name: str, unlabelled: NDArray[np.bool_]) -> Any:
    """Return a figure of [parts] for each row (m,), or several of them, (k, m), by whether the client has no label."""
    labelled, others = (np.asarray(figure) for figure in statistics("previous")["parts"][name])
    return np.where(unlabelled, others[..., None], labelled[..., None])


def columns(block: Block, found: Applications) -> dict[str, NDArray[Any]]:
    """Return the numeric columns and dates of the table, for every application (m,), those left out included."""
    generator = block.streams["previous"]
    length = len(found.owner)
    purchase = found.kind == CONSUMER
    card = found.approved & (found.kind == REVOLVING)
    priced = found.described & (purchase | ((found.kind == CASH) & (generator.random(length) < 0.19)))
    interest = priced & purchase & (generator.random(length) < 0.0082)
    others = block.unlabelled[found.owner]
    typical, spread = by_part("interest", others)
    covered = np.where(found.kind == CASH, *by_part("insured", others))
    insured = (generator.random(length) < covered).astype(np.float64)
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
            interest, np.clip(typical * np.exp(spread * generator.standard_normal(length)), 0.035, 1), np.nan
        ),
        "RATE_INTEREST_PRIVILEGED": np.where(
            interest, np.array([0.6379, 0.7156, 0.8351, 0.8673])[generator.integers(0, 4, length)], np.nan
        ),
        "DAYS_DECISION": found.decided.astype(np.int64),
        "CNT_PAYMENT": np.where(found.described, found.term, np.nan),
    }
    dated = found.approved & (generator.random(length) < 852_595 / 886_099)
    return (
        result
        | _dates(generator, found, dated, card, by_part("card_used", others))
        | {"NFLAG_INSURED_ON_APPROVAL": np.where(dated, insured, np.nan)}
    )


def _dates(
    generator: np.random.Generator, found: Applications, dated: NDArray[np.bool_], card: NDArray[np.bool_],
    used: Floats,
) -> dict[str, NDArray[Any]]:  # fmt: skip
    length = len(found.owner)
    drawn = card & (generator.random(length) < used)
    planned = found.first_due + 30.0 * (found.term - 1)
    last = found.first_due + 30.0 * (found.paid - 1)
    over = last < 0
    ended = np.where(over & ~card, last, NEVER)
    delay = np.where(
        generator.random(length) < 0.06,
        1 + np.round(200 * generator.random(length) ** 2),
        generator.integers(2, 10, length),
    )
    ended_card = card & (generator.random(length) < 0.47)
    due = np.where(found.first_due < 0, found.first_due, NEVER)
    last_due = np.where(ended_card, np.round(found.decided * generator.random(length)), ended)
    terminated = np.where(generator.random(length) < _UNBOOKED, NEVER, last_due + delay)
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
