"""Words and numbers in the visitor's language, from the message catalogues `dashboard/messages/{en,fr}.toml`."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

from babel.numbers import format_decimal, format_percent

from data.errors import InvalidOption
from data.schema import LANGUAGES, Language

MESSAGES = Path(__file__).parent / "messages"


class Translator:
    """The words of one language; one a session, never a global.

    Parameters
    ----------
    language : "fr" or "en".
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self._messages = _catalogue(language)

    def __call__(self, key: str, **values: object) -> str:
        """Return the message called `key`, a dotted path, with `values` put in; KeyError where there is none."""
        return self._messages[key].format(**values) if values else self._messages[key]

    def percent(self, share: float, digits: int = 0) -> str:
        """Return a share in [0, 1] as a percentage: "52 %" in French, "52%" in English."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_percent(
            share, format=pattern + ("\u202f%" if self.language == "fr" else "%"), locale=self.language
        )

    def number(self, value: float, digits: int = 2) -> str:
        """Return a number with the language's separators and exactly `digits` decimals."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return str(format_decimal(value, format=pattern, locale=self.language))

    def signed(self, value: float, digits: int = 2) -> str:
        """Return a number with its sign, a true minus included."""
        text = self.number(abs(value), digits)
        return ("+" if value >= 0 else "\u2212") + text

    def client(self, client: int) -> str:
        """Return a client's id as it is typed and linked to: digits only, in every language."""
        return str(client)


def check_language(text: str) -> Language:
    """Return `text` as a language; raise InvalidOption where there is no such catalogue."""
    for language in LANGUAGES:
        if text == language:
            return language
    raise InvalidOption(f"No language {text!r}; there are {', '.join(LANGUAGES)}.")


def preferred_language(header: str | None, default: Language) -> Language:
    """Return the language an Accept-Language header asks for first among ours, else `default`.

    Source: RFC 9110, section 12.5.4.
    """
    ranked: list[tuple[float, int, Language]] = []
    for place, item in enumerate((header or "").split(",")):
        tag, _, parameter = item.strip().partition(";")
        name = tag.strip().lower().split("-")[0]
        quality = parameter.strip().removeprefix("q=") or "1"
        try:
            weight = float(quality)
        except ValueError:
            continue
        ranked.extend((-weight, place, language) for language in LANGUAGES if language == name and weight > 0)
    return min(ranked)[2] if ranked else default


@functools.cache
def _catalogue(language: Language) -> dict[str, str]:
    with open(MESSAGES / f"{language}.toml", "rb") as file:
        return dict(_flatten("", tomllib.load(file)))


def _flatten(prefix: str, content: dict[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in content.items():
        if isinstance(value, dict):
            found.extend(_flatten(f"{prefix}{key}.", value))
        else:
            found.append((prefix + key, str(value)))
    return found
