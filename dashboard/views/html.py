"""HTML panes in the project's own style: one style sheet, and nothing from a visitor that isn't escaped."""

from __future__ import annotations

import functools
from html import escape
from pathlib import Path
from typing import Any

import panel as pn


@functools.cache
def style_sheet() -> str:
    """Return the style sheet of every HTML pane."""
    return (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


def html(content: Any = "", **options: Any) -> pn.pane.HTML:
    """Return an HTML pane; `content` may be a string or a function bound to the state; what it shows is escaped."""
    return pn.pane.HTML(
        content,
        stylesheets=[style_sheet()],
        sizing_mode="stretch_width",
        margin=options.pop("margin", 0),
        enable_streaming=False,
        sanitize_html=False,
        **options,
    )


def status(text: str) -> str:
    """Return the HTML of a sentence that is told anew, to those who don't see it too, whenever it changes."""
    return f'<p class="soft" role="status">{escape(text)}</p>'
