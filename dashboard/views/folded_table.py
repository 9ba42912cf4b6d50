"""What a figure shows, as a table, folded away until it is asked for."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def folded_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """Return the HTML of a table; everything is escaped.

    Parameters
    ----------
    title : what to click on.
    heads : of the columns.
    rows : in words; the first cell says what a row is.
    words : how many columns hold words; those after them hold numbers.
    """
    return f"<details><summary>{escape(title)}</summary>{plain_table(title, heads, rows, words)}</details>"


def plain_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """Return the HTML of the same table, unfolded; `title` is what it is called."""
    top = "".join(f'<th scope="col"{_number(at, words)}>{escape(head)}</th>' for at, head in enumerate(heads))
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{_number(at, words)}>{escape(cell)}</td>" for at, cell in enumerate(row[1:], start=1))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}">'
        f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _number(at: int, words: int) -> str:
    return ' class="num"' if at >= words else ""
