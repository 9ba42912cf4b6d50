"""Finding a feature by words, in French or in English, whatever their case and accents, or by its well-known name."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.features.catalog import group_description
from data.schema import LANGUAGES, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from data.features.catalog import Feature

FOUND = 8
_WORD = re.compile(r"[a-z0-9]+")
_LEAST_PLURAL = 4
_LIGATURES = str.maketrans({"\N{LATIN SMALL LIGATURE OE}": "oe", "\N{LATIN SMALL LETTER AE}": "ae", "’": "'"})
_LITTLE_WORDS = frozenset(
    {"a", "an", "and", "at", "by", "d", "de", "des", "du", "en", "et", "for", "from", "in", "l", "la", "le", "les",
     "of", "on", "or", "ou", "par", "pour", "sur", "the", "to", "un", "une", "with"}
)  # fmt: skip
_WHOLE, _START, _INSIDE, _ELSEWHERE = 8, 6, 3, 1


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a feature is found by.

    Attributes
    ----------
    feature : itself.
    names : words of its labels in both languages and of its well-known name.
    others : words of what describes it: its column's description and its table, in both languages.
    """

    feature: Feature
    names: frozenset[str]
    others: frozenset[str]


class FeatureIndex:
    """The features of a portfolio, to be searched.

    Parameters
    ----------
    catalog : their entries.
    ranks : name to place among the features that weigh most, 1 for the first; none for a feature the model ignores.
    """

    def __init__(self, catalog: Sequence[Feature], ranks: Mapping[str, int]) -> None:
        by_rank = sorted(catalog, key=lambda feature: ranks.get(feature.name, len(ranks) + 1))
        self._entries = tuple(_entry(feature) for feature in by_rank)

    def find(self, text: str, limit: int = FOUND) -> tuple[tuple[Feature, ...], int]:
        """Return the best `limit` features that have every word of `text`, and how many have.

        A word of a label or of the name counts more than one of the description, a whole one more than a part; features
        found as well are in the order in which they weigh. Words that carry no meaning ("of", "de") are left out
        where there are others.
        """
        asked = folded(text).strip()
        whole = asked.replace(" ", "_")
        words = [word for word in _words(asked) if word not in _LITTLE_WORDS] or _words(asked)
        if not words:
            return (), 0
        found = []
        for place, entry in enumerate(self._entries):
            points = [_points(word, entry) for word in words]
            if all(points):
                exact = whole == entry.feature.name.casefold()
                found.append((not exact, -sum(points), place, entry.feature))
        found.sort(key=lambda item: item[:3])
        return tuple(item[3] for item in found[:limit]), len(found)


def _points(word: str, entry: _Entry) -> int:
    if word in entry.names:
        return _WHOLE
    if any(name.startswith(word) for name in entry.names):
        return _START
    if any(word in name for name in entry.names):
        return _INSIDE
    return _ELSEWHERE if any(other.startswith(word) for other in entry.others) else 0


def _entry(feature: Feature) -> _Entry:
    labels = [feature.label(language) for language in LANGUAGES]
    said = [group_description(feature.source, language) for language in LANGUAGES]
    said += [table(feature.table).label(language) for language in LANGUAGES]
    return _Entry(feature, frozenset(_words(" ".join([*labels, feature.name]))), frozenset(_words(" ".join(said))))


def _words(text: str) -> list[str]:
    """Return the words of a text, folded, a plural as its singular."""
    found = _WORD.findall(folded(text))
    return [word[:-1] if len(word) >= _LEAST_PLURAL and word[-1] in "sx" else word for word in found]


def folded(text: str) -> str:
    """Return a text without case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LIGATURES))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
