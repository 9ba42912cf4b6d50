from __future__ import annotations

import string
import tomllib

import pytest

from dashboard.i18n import MESSAGES, Translator, _catalogue, check_language, preferred_language
from data.errors import InvalidOption


def _fields(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


def test_both_catalogues_have_the_same_messages_with_the_same_values() -> None:
    french, english = _catalogue("fr"), _catalogue("en")
    assert french.keys() == english.keys()
    assert {key: _fields(text) for key, text in french.items()} == {key: _fields(text) for key, text in english.items()}


def test_no_message_is_empty() -> None:
    for path in MESSAGES.glob("*.toml"):
        with open(path, "rb") as file:
            assert all(all(message.strip() for message in section.values()) for section in tomllib.load(file).values())


def test_numbers_are_written_as_the_language_writes_them() -> None:
    french, english = Translator("fr"), Translator("en")
    assert english.percent(0.5249, 1) == "52.5%"
    assert french.percent(0.5249, 1) == "52,5\u202f%"
    assert english.number(1234567.891) == "1,234,567.89"
    assert french.number(1234567.891) == "1\u202f234\u202f567,89"
    assert english.signed(-0.5) == "\u22120.50"
    assert french.signed(0.5) == "+0,50"


def test_values_are_put_into_messages() -> None:
    assert "100001" in Translator("en")("decision.heading", client=100001)
    with pytest.raises(KeyError):
        Translator("en")("no.such.message")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "fr"),
        ("", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("de,fr;q=0.3,en;q=0.7", "en"),
        ("de-DE,it", "fr"),
        ("en;q=0", "fr"),
        ("en;q=high,fr", "fr"),
        ("fr-CA;q=0.5,en;q=0.5", "fr"),
    ],
)
def test_the_browser_says_which_language_it_prefers(header: str | None, expected: str) -> None:
    assert preferred_language(header, "fr") == expected


def test_an_unknown_language_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidOption, match=r"'de'.*fr, en"):
        check_language("de")
