"""The strongest reasons for and against, as an adviser says them to the client, in French or English.

A reason is a source column, since that is what a client knows of: the contributions of all that is computed from it
are summed. At most four a side are given, each with a minimum share of all contributions: more, or weaker ones, are
unlikely to help (12 CFR 1002.9(b)(2) and its official interpretation). Every figure said is the client's own, beside
those of accepted clients.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from data import schema
from data.errors import FeatureMismatch, InvalidOption, UnknownColumn, did_you_mean
from data.features.application import RATIOS
from data.features.feature import group_label
from data.features.values import display_raw, display_value
from explain.comparison import compared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from data.features.feature import Feature
    from data.schema import Language
    from explain.grouping import GroupedContributions
    from explain.standing import Standing

Strength = Literal["strong", "marked", "slight"]

COUNT = 4
MINIMUM_SHARE = 0.02
"""Least share of the sum of |contribution| over all groups that makes a reason."""

STRONG, MARKED = 0.12, 0.05
"""Shares of the sum of |contribution| from which a reason counts for much, and clearly."""

_ALONE = 0.75
"""Share of its group's contribution from which a feature is said to have that effect by itself."""

_APPLICATION = "application"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason.

    Attributes
    ----------
    group : source column, "table.column".
    contribution : log-odds of repayment; above zero helps the client.
    share : |contribution| over its sum over all groups, in [0, 1].
    strength : the same in three steps, see STRONG and MARKED.
    feature : the feature quoted.
    value : the client's value of it, None where it is missing.
    protected : whether the law protects this attribute of a person, or one that it is computed from.
    text : the sentences to say.
    """

    group: str
    contribution: float
    share: float
    strength: Strength
    feature: str
    value: float | None
    protected: bool
    text: str


@dataclass(frozen=True, slots=True)
class Reasons:
    """The strongest reasons of one score, the strongest first.

    Attributes
    ----------
    for_, against : those that raise, and those that lower, the probability of repayment.
    language : of their text.
    """

    for_: tuple[Reason, ...]
    against: tuple[Reason, ...]
    language: Language

    def frame(self) -> pl.DataFrame:
        """Return one row a reason: side ("for", "against") and the attributes of `Reason`."""
        sides = {"for": self.for_, "against": self.against}
        names = {
            "side": pl.String,
            "group": pl.String,
            "contribution": pl.Float64,
            "share": pl.Float64,
            "strength": pl.String,
            "feature": pl.String,
            "value": pl.Float64,
            "protected": pl.Boolean,
            "text": pl.String,
        }
        return pl.DataFrame(
            [{"side": side, **asdict(reason)} for side, listed in sides.items() for reason in listed], schema=names
        )


def reasons(
    grouped: GroupedContributions,
    catalog: Sequence[Feature],
    facts: Mapping[str, object],
    standings: Iterable[Standing] = (),
    *,
    language: Language,
    count: int = COUNT,
    minimum_share: float = MINIMUM_SHARE,
) -> Reasons:
    """Return the strongest reasons for and against, in words.

    Parameters
    ----------
    grouped : one client's contributions by source column, in log-odds of repayment.
    catalog : entries of at least the features quoted.
    facts : the client's raw application columns, None where there is no value; the categories are read there.
    standings : where the client stands for some of the features quoted; a reason without one makes no comparison. See
        `reason_features` for those that help.
    language : "fr" or "en".
    count : greatest number of reasons a side, at least 1.
    minimum_share : least share of the sum of |contribution| over all groups, in [0, 1].

    Raises
    ------
    InvalidOption
        If there is no such language, or for a `count` below 1.
    FeatureMismatch
        If the catalogue doesn't have a feature quoted.
    UnknownColumn
        If `facts` lacks the column of a category.
    """
    words = _messages(language)
    entries = {feature.name: feature for feature in catalog}
    by_feature = {standing.feature: standing for standing in standings}
    total = float(np.abs(grouped.contributions).sum())

    def told(place: int) -> Reason:
        name = grouped.quoted[place]
        if name not in entries:
            raise FeatureMismatch(
                f"The catalogue has no feature {name!r}, which is quoted.{did_you_mean(name, entries)}"
            )
        contribution = float(grouped.contributions[place])
        share = abs(contribution) / total
        value = float(grouped.quoted_values[place])
        strength: Strength = "strong" if share >= STRONG else "marked" if share >= MARKED else "slight"
        said = _Said(entries[name], grouped.groups[place], value, facts, by_feature.get(name), language)
        direction = "up" if contribution > 0 else "down"
        manner = said.manner(float(grouped.quoted_contributions[place]), contribution)
        effect = words["effects"][manner][direction].format(strength=words["strengths"][strength])
        return Reason(
            group=grouped.groups[place],
            contribution=contribution,
            share=share,
            strength=strength,
            feature=name,
            value=None if np.isnan(value) else value,
            protected=is_protected(grouped.groups[place]),
            text=said.sentences(words, effect),
        )

    chosen_for, chosen_against = _chosen(grouped, count, minimum_share)
    return Reasons(tuple(map(told, chosen_for)), tuple(map(told, chosen_against)), language)


def reason_features(
    grouped: GroupedContributions, count: int = COUNT, minimum_share: float = MINIMUM_SHARE
) -> tuple[str, ...]:
    """Return the features that `reasons` quotes, whose standings it can compare with: those for, then those against."""
    return tuple(grouped.quoted[place] for side in _chosen(grouped, count, minimum_share) for place in side)


def is_protected(group: str) -> bool:
    """Return whether the law protects the attribute of a person that a group is, or is computed from."""
    table, _, column = group.partition(".")
    if table != _APPLICATION:
        return False
    known = schema.table(table)
    return any(known.column(source).protected for source in RATIOS.get(column, (column,)))


def _chosen(grouped: GroupedContributions, count: int, minimum_share: float) -> tuple[list[int], list[int]]:
    """Return the places of the reasons for, and of those against, the strongest first."""
    if count < 1:
        raise InvalidOption(f"There is at least 1 reason a side, not {count}.")
    size = np.abs(grouped.contributions)
    enough = (size > 0) & (size >= minimum_share * float(size.sum()))
    sides = (enough & (grouped.contributions > 0), enough & (grouped.contributions < 0))
    chosen_for, chosen_against = (np.flatnonzero(side)[:count].tolist() for side in sides)
    return chosen_for, chosen_against


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said of one group: its feature quoted, or the client's category where the group is one."""

    feature: Feature
    group: str
    value: float
    facts: Mapping[str, object]
    standing: Standing | None
    language: Language

    @property
    def category_column(self) -> schema.Column | None:
        """The application's column of categories that the group is; None for any other group."""
        table, _, name = self.group.partition(".")
        if table != _APPLICATION or name in RATIOS:
            return None
        column = schema.table(table).column(name)
        return column if column.kind == "category" else None

    @property
    def category(self) -> object:
        """The client's category, None where it is missing or a code for that."""
        column = self.category_column
        assert column is not None
        if column.name not in self.facts:
            raise UnknownColumn(
                f"The client's facts lack {column.name}, whose category is to be said. Give all of FeatureSet.facts()."
            )
        found = self.facts[column.name]
        return None if found in column.missing_codes else found

    @property
    def is_missing(self) -> bool:
        """Whether there is nothing to quote."""
        return bool(np.isnan(self.value)) if self.category_column is None else self.category is None

    def manner(self, quoted: float, whole: float) -> str:
        """Return how the effect is told: of the feature alone, with others, or of its absence; both in log-odds."""
        if self.is_missing:
            return "missing"
        is_all = _ALONE <= quoted / whole <= 1 / _ALONE
        return "alone" if is_all or self.category_column is not None else "with_others"

    def sentences(self, words: Mapping[str, Any], effect: str) -> str:
        """Return the sentences, `effect` being the last."""
        column = self.category_column
        if self.is_missing:
            label = group_label(self.group, self.language) if column else self.feature.label(self.language)
            kind = "missing" if self.feature.table == _APPLICATION else "missing_history"
            return str(words["sentences"][kind].format(label=label, effect=effect))
        if column is not None:
            label, value = group_label(self.group, self.language), display_raw(column, self.category, self.language)
        else:
            label = self.feature.label(self.language)
            value = display_value(self.feature, self.value, self.language)
        comparison = compared(self.feature, self.value, self.standing, words, self.language)
        return str(words["sentences"]["stated"].format(label=label, value=value, comparison=comparison, effect=effect))


@functools.cache
def _messages(language: Language) -> dict[str, Any]:
    if language not in schema.LANGUAGES:
        raise InvalidOption(f"No language {language!r}; there are {', '.join(schema.LANGUAGES)}.")
    with open(_HERE / "messages" / f"{language}.toml", "rb") as file:
        return tomllib.load(file)
