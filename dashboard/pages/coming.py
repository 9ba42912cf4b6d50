"""A page that this version doesn't have yet: it says so, says what will be there, and leads back."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

import panel as pn

from dashboard.address import build
from dashboard.views.html import html

if TYPE_CHECKING:
    from dashboard.i18n import Translator
    from dashboard.state import SessionState


def coming_page(name: str, state: SessionState, translate: Translator) -> pn.pane.HTML:
    """Return the page called `name`."""

    def shown(_file: object) -> str:
        link = escape(build(replace(state.address, page="client")))
        return (
            f"<h1>{escape(translate(f'page.{name}'))}</h1><p>{escape(translate(f'coming.{name}'))}</p>"
            f'<p class="soft">{escape(translate("coming.body"))}'
            f'<a href="{link}">{escape(translate("coming.link"))}</a>.</p>'
        )

    return html(pn.bind(shown, state.param.file))
