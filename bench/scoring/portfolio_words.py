"""What the page calls what a benchmark chooses there, read from the dashboard's message catalogue."""

from __future__ import annotations

import tomllib

from data.errors import StoreError
from data.paths import ROOT

CATALOGUE = ROOT / "dashboard" / "messages" / "en.toml"
COLOURS = ("score", "decision", "level", "density", "default")


def colour_words() -> dict[str, str]:
    """Return what the field of the colour is called, under "colour", and what each colour is, by its name.

    Raises
    ------
    StoreError
        The catalogue has no such message.
    """
    messages = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    try:
        of_pair = messages["bivariate"]
        return {"colour": of_pair["colour"], **{name: of_pair[f"colour_{name}"] for name in COLOURS}}
    except KeyError as error:
        raise StoreError(
            f"{CATALOGUE} has no message bivariate.{error.args[0]}, by which a colour is chosen."
        ) from None
