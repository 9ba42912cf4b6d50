"""A client's value beside those of accepted clients, in words: "less than for 87% of accepted clients", and theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from babel.numbers import format_percent

from data import schema
from data.features.feature import DERIVED, looks_back
from data.features.values import display_raw, display_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from data.features.feature import Feature
    from data.schema import Language
    from explain.standing import Standing

SHARED = 0.2
"""Share of accepted clients with the very same value from which that is what is said."""

MIDDLE = 0.4
"""A value with at least this share of accepted clients on both sides is in the middle."""

_TIMES = {"days", "months"}


def reads_backwards(feature: Feature) -> bool:
    """Return whether people read the feature as elapsed time, so that the smaller its value, the more they say.

    Such as DAYS_BIRTH, negative days read as an age.
    """
    return feature.unit in _TIMES and looks_back(feature.source)


def compared(
    feature: Feature, value: float, standing: Standing | None, words: Mapping[str, Any], language: Language
) -> str:
    """Return how a value compares with those of accepted clients, to be put after it; empty where that says nothing.

    Parameters
    ----------
    feature, value : what the client has; an indicator of a category that isn't the client's is not compared.
    standing : where the client stands for this feature; None where that isn't known.
    words : the message catalogue.
    language : of the catalogue.
    """
    if standing is None or standing.accepted.below is None or (feature.aggregation == "is" and value != 1.0):
        return ""
    place = standing.accepted
    below, same, above = place.below or 0.0, place.same or 0.0, place.above or 0.0
    says = words["comparisons"]
    either_or = _is_either_or(feature)
    if either_or and same == 0.0:
        return str(says["nobody"])
    if either_or or same >= SHARED:
        return str(says["same"].format(share=_share(same, words, language)))
    if below >= MIDDLE and above >= MIDDLE:
        return str(says["middle"])
    if reads_backwards(feature):
        below, above = above, below
    word, share = ("less", above) if above > below else ("more", below)
    return str(says[word].format(share=_share(share, words, language)))


def typically(
    feature: Feature,
    standing: Standing | None,
    category: tuple[schema.Column, str | None, str | None] | None,
    words: Mapping[str, Any],
    language: Language,
    *,
    after_comparison: bool,
) -> str:
    """Return what accepted clients typically have, in brackets to be put after a value; empty where it isn't known.

    Parameters
    ----------
    feature : what the value is of.
    standing : where the client stands for this feature, whose median among accepted clients is said.
    category : where the value is a category: its column, the client's, and the one most frequent among accepted
        clients, None where there is none.
    words : the message catalogue.
    language : of the catalogue.
    after_comparison : whether accepted clients were just spoken of.
    """
    says = words["typical"]["after" if after_comparison else "alone"]
    if category is not None:
        column, own, usual = category
        if usual is None:
            return ""
        if own == usual:
            return str(says["own_category"])
        return str(says["category"].format(typical=display_raw(column, usual, language)))
    median = None if standing is None else standing.accepted.median
    if median is None or (_is_either_or(feature) and median not in {0.0, 1.0}):
        return ""
    kind = "category" if _is_either_or(feature) else "number"
    return str(says[kind].format(typical=display_value(feature, median, language)))


def _is_either_or(feature: Feature) -> bool:
    """Return whether the values are a category, or yes and no: of which there is neither more nor less."""
    if feature.category is not None:
        return feature.aggregation in {"is", "min", "max"}
    if feature.aggregation != "value" or feature.source in DERIVED:
        return False
    return schema.table(feature.table).column(feature.column).kind in {"flag", "category"}


def _share(share: float, words: Mapping[str, Any], language: Language) -> str:
    """Return a share as a percentage that is never rounded to none or to all."""
    if 0.0 < share < 0.01:
        return str(words["shares"]["few"].format(share=format_percent(0.01, locale=language)))
    if 0.99 < share < 1.0:
        return str(words["shares"]["most"].format(share=format_percent(1.0, locale=language)))
    return format_percent(share, locale=language)
