"""Finding a column of all clients by words, in French or in English: an outcome, a feature, a contribution."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dashboard.feature_index import Entry, WordIndex, by_weight, entry, feature_entry, words_of
from dashboard.i18n import Translator
from data.schema import LANGUAGES, table
from explain.crossfilter.population import CONTRIBUTION, OUTCOMES, RAW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from data.features.catalog import Feature

FIRST = 8
_NAMED = {"decision": ("accepted", "refused"), "default": ("repaid", "default")}


class ColumnIndex(WordIndex[str]):
    """The columns of all clients, to be searched for their keys.

    Those found as well are in this order: outcomes, features by weight, columns of the application. Contributions come
    after all of these, except where "contribution" is among the words.

    Parameters
    ----------
    keys : of the columns there are, as `explain.crossfilter.population.Population.keys`.
    features : entries of the portfolio's features, by name.
    ranks : name to place among the features that weigh most, 1 for the first; none for a feature the model ignores.
    """

    def __init__(self, keys: Sequence[str], features: Mapping[str, Feature], ranks: Mapping[str, int]) -> None:
        known, ranked = frozenset(keys), by_weight(tuple(features.values()), ranks)
        found = [
            *(_outcome(key) for key in OUTCOMES if key in known),
            *(feature_entry(feature, feature.name) for feature in ranked if feature.name in known),
            *(_raw(key) for key in keys if key.startswith(RAW)),
            *_contributions(known, ranked),
        ]
        super().__init__(found)
        self._first = tuple(one.item for one in found[: len(OUTCOMES) + FIRST])

    def first(self, limit: int = FIRST) -> tuple[str, ...]:
        """Return the columns to offer before any word is given: outcomes, then the features that weigh most."""
        return self._first[:limit]


def _outcome(key: str) -> Entry[str]:
    words = [Translator(language) for language in LANGUAGES]
    said = [translate(f"column.{name}") for name in _NAMED.get(key, ()) for translate in words]
    return entry(key, [key, *(translate(f"column.{key}") for translate in words)], said)


def _raw(key: str) -> Entry[str]:
    column = table("application").column(key.removeprefix(RAW))
    said = [table("application").label(language) for language in LANGUAGES]
    said += [column.description(language) for language in LANGUAGES]
    return entry(key, [key, column.name, *(column.label(language) for language in LANGUAGES)], said)


def _contributions(known: frozenset[str], ranked: Sequence[Feature]) -> Iterator[Entry[str]]:
    said = {language: Translator(language) for language in LANGUAGES}
    asked = frozenset(word for translate in said.values() for word in words_of(_contribution(translate, "")))
    for feature in ranked:
        key = CONTRIBUTION + feature.name
        if key in known:
            found = feature_entry(feature, key)
            called = [_contribution(translate, feature.label(language)) for language, translate in said.items()]
            wholes = frozenset(" ".join(words_of(name)) for name in (key, *called))
            yield replace(found, wholes=wholes, names=found.names | asked, behind=asked)


def _contribution(translate: Translator, feature: str) -> str:
    return translate("column.contribution", feature=feature)
