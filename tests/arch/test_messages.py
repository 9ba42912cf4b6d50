"""French and English say the same things."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("data", "models", "explain", "dashboard")
FOLDERS = sorted(
    folder for package in PACKAGES for folder in (ROOT / package).rglob("messages") if any(folder.iterdir())
)


def flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in content.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def catalogue(folder: Path, language: str) -> dict[str, Any]:
    """Return every message of a folder: `fr.toml` or `fr/*.toml`."""
    files = [*folder.glob(f"{language}.toml"), *sorted(folder.glob(f"{language}/*.toml"))]
    assert files, f"{folder} has no {language} catalogue"
    return {
        f"{file.stem}:{key}" if file.parent != folder else key: value
        for file in files
        for key, value in flat(tomllib.loads(file.read_text(encoding="utf-8"))).items()
    }


def needed(messages: dict[str, Any]) -> set[str]:
    """Return the keys both languages must have: a category's own name may do in either."""
    return {key for key in messages if ".categories." not in key}


def test_there_are_catalogues() -> None:
    assert {folder.parent.name for folder in FOLDERS} >= {"data", "dashboard"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_both_languages_have_the_same_keys(folder: Path) -> None:
    french, english = catalogue(folder, "fr"), catalogue(folder, "en")
    assert needed(french) == needed(english)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_no_message_is_left_blank_in_one_language(folder: Path) -> None:
    french, english = catalogue(folder, "fr"), catalogue(folder, "en")
    for messages in (french, english):
        assert [key for key, value in messages.items() if not isinstance(value, str)] == []
    assert {key for key, value in french.items() if not value.strip()} == {
        key for key, value in english.items() if not value.strip()
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_both_languages_are_given_the_same_values(folder: Path) -> None:
    french, english = catalogue(folder, "fr"), catalogue(folder, "en")
    places = re.compile(r"\{(\w+)[^}]*\}")
    unlike = [
        key
        for key in french.keys() & english.keys()
        if set(places.findall(str(french[key]))) != set(places.findall(str(english[key])))
    ]
    assert unlike == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_french_punctuation_never_begins_a_line(folder: Path) -> None:
    broken = [key for key, value in catalogue(folder, "fr").items() if re.search(r" [:;?!»]|« ", str(value))]
    assert broken == []
