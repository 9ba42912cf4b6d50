"""Which clients are set against everyone: a decision, a level of risk, a sex, an age, or several of these at once."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from data.errors import InvalidOption, did_you_mean
from data.schema import table
from models.policy import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from models.policy import Policy

DECISIONS = ("all", "accepted", "refused")
SEX, AGE = "CODE_GENDER", "DAYS_BIRTH"
AGE_BANDS = ((0, 25), (25, 35), (35, 45), (45, 55), (55, 65), (65, 150))
DAYS_PER_YEAR = 365.25


class Facts(Protocol):
    """Clients whose raw application columns can be read, such as `data.store.FeatureSet`."""

    def facts_column(self, name: str) -> pl.Series:
        """Return a raw application column of every client, (n,)."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which clients are meant: those who meet every condition. Without any it is everyone.

    Attributes
    ----------
    decision : "all", "accepted" or "refused".
    levels : levels of risk kept, from `models.policy.LEVELS`; empty keeps all.
    low, high : bounds of the score (repayment probability), inclusive, in [0, 1].
    sex : a category of the application's CODE_GENDER; empty keeps all.
    ages : whole years of age, from the first, inclusive, to the second, exclusive; None keeps all.

    Raises
    ------
    InvalidOption
        A decision, level or sex there is not, or bounds that are not ascending.
    """

    decision: str = "all"
    levels: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    sex: str = ""
    ages: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        sexes = table("application").column(SEX).categories
        given = (("decision", self.decision, DECISIONS), ("sex", self.sex, ("", *sexes)))
        for what, value, allowed in (*given, *(("level of risk", level, LEVELS) for level in self.levels)):
            if value not in allowed:
                raise InvalidOption(
                    f"A selection has no {what} {value!r}.{did_you_mean(value, allowed)} "
                    f"Allowed: {', '.join(repr(name) for name in allowed)}."
                )
        if not 0.0 <= self.low <= self.high <= 1.0:
            raise InvalidOption(f"Scores go from a low to a high one in [0, 1], got {self.low!r} to {self.high!r}.")
        if self.ages is not None and not 0 <= self.ages[0] < self.ages[1]:
            raise InvalidOption(f"Ages go from one to a higher one, got {self.ages[0]} to {self.ages[1]} years.")


@functools.cache
def named_selections() -> Mapping[str, Selection]:
    """Return the selections that have a name, such as "refused", "level.high", "sex.F" and "age.25-34", in order."""
    found = {name: Selection(decision=name) for name in ("refused", "accepted")}
    found |= {f"level.{level}": Selection(levels=(level,)) for level in LEVELS}
    found |= {f"sex.{sex}": Selection(sex=sex) for sex in table("application").column(SEX).categories}
    found |= {f"age.{start}-{stop - 1}": Selection(ages=(start, stop)) for start, stop in AGE_BANDS}
    return MappingProxyType(found)


def select(selection: Selection, facts: Facts, score: NDArray[np.float64], policy: Policy) -> NDArray[np.bool_]:
    """Return which clients a selection means, (n,) bool, read only; a client whose sex or age is not known is in none.

    Parameters
    ----------
    selection : what is asked of a client.
    facts : the clients' raw application columns; read only where the selection asks for a sex or an age.
    score : (n,) float64, repayment probability at even odds of the same clients, in [0, 1].
    policy : the threshold from which a loan is accepted, and the edges of the levels.

    Raises
    ------
    InvalidOption
        The facts are not of as many clients as the scores.
    UnknownColumn
        The facts lack the column asked for.
    """
    kept = (score >= selection.low) & (score <= selection.high)
    if selection.decision != "all":
        kept &= policy.accepted(score) == (selection.decision == "accepted")
    if selection.levels:
        at = np.searchsorted(policy.level_edges, score, side="right")
        kept &= np.isin(at, [LEVELS.index(level) for level in selection.levels])
    if selection.sex:
        kept &= (_known(facts, SEX, score) == selection.sex).fill_null(value=False).to_numpy()
    if selection.ages is not None:
        days = _known(facts, AGE, score).cast(pl.Float64).fill_null(float("nan")).to_numpy()
        years = np.floor(days / -DAYS_PER_YEAR)
        kept &= (years >= selection.ages[0]) & (years < selection.ages[1])
    kept.setflags(write=False)
    return kept


def _known(facts: Facts, name: str, score: NDArray[np.float64]) -> pl.Series:
    """Return a raw column of the clients whose scores these are."""
    column = facts.facts_column(name)
    if len(column) != score.size:
        raise InvalidOption(f"{name} is known of {len(column)} clients, the score of {score.size}: not the same ones.")
    return column
