"""What the page calls what a benchmark chooses there, read from the dashboard's message catalogue."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from data.errors import StoreError
from data.paths import ROOT

CATALOGUE = ROOT / "dashboard" / "messages" / "en.toml"
COLOURS = ("score", "decision", "level", "density", "default")


@dataclass(frozen=True, slots=True)
class Words:
    """Words of the page in English.

    Attributes
    ----------
    colour : of the field in which the pair's colour is chosen.
    colours : of the colours chosen, in order.
    clear : of the button that takes all filters away.
    """

    colour: str
    colours: tuple[str, ...]
    clear: str


def words() -> Words:
    """Return the words.

    Raises
    ------
    StoreError
        The catalogue lacks one of them.
    """
    messages = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))

    def message(section: str, key: str) -> str:
        try:
            return str(messages[section][key])
        except KeyError:
            raise StoreError(f"{CATALOGUE} has no message {section}.{key}, by which the page is used.") from None

    colours = tuple(message("bivariate", f"colour_{name}") for name in COLOURS)
    return Words(message("bivariate", "colour"), colours, message("selected", "clear"))
