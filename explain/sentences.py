"""What is said of the feature that a reason quotes: its value, how it compares with accepted clients, its effect."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data import schema
from data.errors import InvalidOption, UnknownColumn
from data.features.application import RATIOS
from data.features.feature import group_label
from data.features.values import display_raw, display_value
from explain.comparison import compared, typically

if TYPE_CHECKING:
    from collections.abc import Mapping

    from data.features.feature import Feature
    from data.schema import Language
    from explain.standing import Standing

_ALONE = 0.75
"""Share of its block's contribution from which a feature is said to have that effect by itself."""

_APPLICATION = "application"
_HERE = Path(__file__).parent


@functools.cache
def messages(language: Language) -> dict[str, Any]:
    """Return the words of the reasons, from `messages/{en,fr}.toml`; raise InvalidOption for another language."""
    if language not in schema.LANGUAGES:
        raise InvalidOption(f"No language {language!r}; there are {', '.join(schema.LANGUAGES)}.")
    with open(_HERE / "messages" / f"{language}.toml", "rb") as file:
        return tomllib.load(file)


def category_column(source: str) -> schema.Column | None:
    """Return the application's column of categories that a source is, "table.column"; None for any other source."""
    table, _, name = source.partition(".")
    if table != _APPLICATION or name in RATIOS:
        return None
    column = schema.table(table).column(name)
    return column if column.kind == "category" else None


@dataclass(frozen=True, slots=True)
class Quoted:
    """The feature that a reason quotes, as the client has it.

    Attributes
    ----------
    feature : the catalogue's entry.
    source : its source column, "table.column".
    value : the client's; NaN where there is none.
    facts : the client's raw application columns; a category is read there.
    standing : where the client stands for this feature; None where that isn't known.
    usual : the category most frequent among accepted clients, where the source is a category and it is known.
    language : of what is said.
    """

    feature: Feature
    source: str
    value: float
    facts: Mapping[str, object]
    standing: Standing | None
    usual: str | None
    language: Language

    @property
    def category(self) -> str | None:
        """The client's category, None where it is missing, a code for that, or where the source is none."""
        column = category_column(self.source)
        if column is None:
            return None
        if column.name not in self.facts:
            raise UnknownColumn(
                f"The client's facts lack {column.name}, whose category is to be said. Give all of FeatureSet.facts()."
            )
        found = self.facts[column.name]
        return None if found is None or found in column.missing_codes else str(found)

    @property
    def is_missing(self) -> bool:
        """Whether there is nothing to quote."""
        return bool(np.isnan(self.value)) if category_column(self.source) is None else self.category is None

    def says(self, title: str, quoted: float, whole: float, strength: str) -> str:
        """Return the sentences: the value with its comparison, and the effect.

        Parameters
        ----------
        title : the block's label, already said; what is quoted is not named again where it is called the same.
        quoted, whole : log-odds of repayment, of what is quoted and of its block.
        strength : how much it counts, a key of the messages.
        """
        words = messages(self.language)
        direction, strongly = "up" if whole > 0 else "down", words["strengths"][strength]
        effect = words["effects"][self._manner(quoted, whole)][direction].format(strength=strongly)
        label, told = self._label(), self._told(words)
        named = told if label == title else words["sentences"]["named"].format(label=label, told=told)
        return str(words["sentences"]["whole"].format(told=named[:1].upper() + named[1:], effect=effect))

    def _label(self) -> str:
        is_category = category_column(self.source) is not None
        return group_label(self.source, self.language) if is_category else self.feature.label(self.language)

    def _manner(self, quoted: float, whole: float) -> str:
        """Return how the effect is told: of the feature alone, with others, or of its absence."""
        is_alone = _ALONE <= quoted / whole <= 1 / _ALONE
        if self.is_missing:
            return "missing" if is_alone else "missing_with_others"
        return "alone" if is_alone else "with_others"

    def _told(self, words: Mapping[str, Any]) -> str:
        """Return the value and how it compares, or that there is none."""
        column = category_column(self.source)
        category = None if column is None else (column, self.category, self.usual)
        if self.is_missing:
            kind = "missing" if self.feature.table == _APPLICATION else "missing_history"
            value, comparison = str(words["sentences"][kind]), ""
        else:
            comparison = compared(self.feature, self.value, self.standing, words, self.language)
            if column is None:
                value = display_value(self.feature, self.value, self.language)
            else:
                value = display_raw(column, self.category, self.language)
        typical = typically(
            self.feature, self.standing, category, words, self.language, after_comparison=bool(comparison)
        )
        return value + comparison + typical
