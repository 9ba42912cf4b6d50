"""Finding a feature by words, in French or in English, whatever their case and accents, or by its well-known name."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

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


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """What something is found by.

    Attributes
    ----------
    item : what is found.
    wholes : its well-known name and its labels, each as words between spaces: what is called just so comes first.
    names : words of its labels in both languages and of its well-known name.
    others : words of what describes it, in both languages.
    behind : the words of which one has to be asked for if it isn't to come after everything else; empty for most.
    """

    item: T
    wholes: frozenset[str]
    names: frozenset[str]
    others: frozenset[str]
    behind: frozenset[str] = frozenset()


class WordIndex(Generic[T]):
    """Things to be searched by words.

    Parameters
    ----------
    entries : what there is, in the order in which those found as well are told.
    """

    def __init__(self, entries: Sequence[Entry[T]]) -> None:
        self._entries = tuple(entries)

    def find(self, text: str, limit: int = FOUND) -> tuple[tuple[T, ...], int]:
        """Return the best `limit` things that have every word of `text`, and how many have.

        A word of a label or of the name counts more than one of the description, a whole one more than a part; what is
        found as well is in the order of the index. Words that carry no meaning ("of", "de") are left out where there
        are others.
        """
        asked = words_of(text)
        whole = " ".join(asked)
        words = [word for word in asked if word not in _LITTLE_WORDS] or asked
        if not words:
            return (), 0
        found = []
        for place, one in enumerate(self._entries):
            points = [_points(word, one) for word in words]
            if all(points):
                behind = bool(one.behind) and one.behind.isdisjoint(words)
                found.append((whole not in one.wholes, behind, -sum(points), place, one.item))
        found.sort(key=lambda item: item[:4])
        return tuple(item[4] for item in found[:limit]), len(found)


class FeatureIndex(WordIndex["Feature"]):
    """The features of a portfolio, to be searched; those found as well are in the order in which they weigh.

    Parameters
    ----------
    catalog : their entries.
    ranks : name to place among the features that weigh most, 1 for the first; none for a feature the model ignores.
    """

    def __init__(self, catalog: Sequence[Feature], ranks: Mapping[str, int]) -> None:
        super().__init__([feature_entry(feature, feature) for feature in by_weight(catalog, ranks)])


def by_weight(catalog: Sequence[Feature], ranks: Mapping[str, int]) -> list[Feature]:
    """Return features, the heaviest first, those that the model ignores last."""
    return sorted(catalog, key=lambda feature: ranks.get(feature.name, len(ranks) + 1))


def entry(item: T, called: Sequence[str], said: Sequence[str]) -> Entry[T]:
    """Return the entry of what is called by some names and labels, and described by what is said."""
    wholes = [words_of(name) for name in called]
    names = frozenset(word for words in wholes for word in words)
    return Entry(item, frozenset(" ".join(words) for words in wholes), names, frozenset(words_of(" ".join(said))))


def feature_entry(feature: Feature, item: T) -> Entry[T]:
    """Return the entry of `item`, which is found by the words of a feature."""
    said = [group_description(feature.source, language) for language in LANGUAGES]
    said += [table(feature.table).label(language) for language in LANGUAGES]
    return entry(item, [feature.name, *(feature.label(language) for language in LANGUAGES)], said)


def _points(word: str, entry: Entry[T]) -> int:
    if word in entry.names:
        return _WHOLE
    if any(name.startswith(word) for name in entry.names):
        return _START
    if any(word in name for name in entry.names):
        return _INSIDE
    return _ELSEWHERE if any(other.startswith(word) for other in entry.others) else 0


def words_of(text: str) -> list[str]:
    """Return the words of a text, folded, a plural as its singular."""
    found = _WORD.findall(folded(text))
    return [word[:-1] if len(word) >= _LEAST_PLURAL and word[-1] in "sx" else word for word in found]


def folded(text: str) -> str:
    """Return a text without case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LIGATURES))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
