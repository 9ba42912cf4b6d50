"""What is wrong with what was asked for, and what to do: shown above the last good answer, which stays."""

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


def problem_view(state: SessionState, translate: Translator) -> pn.pane.HTML:
    """Return the pane of the problem, empty when all is well."""

    def shown(problem: str, _nearest: tuple[int, ...]) -> str:
        return problem_html(state, translate) if problem else ""

    return html(pn.bind(shown, state.param.problem, state.param.nearest))


def problem_html(state: SessionState, t: Translator) -> str:
    """Return the state's problem as an alert, with a link to each of the nearest clients."""
    links = "".join(
        f'<a href="{escape(build(replace(state.address, client=str(client))))}">{client}</a>'
        for client in state.nearest
    )
    stale = f"<p>{escape(t('problem.not_current', client=state.file.client))}</p>" if state.file is not None else ""
    return f'<div class="problem" role="alert"><p>{escape(state.problem)}</p><p>{links}</p>{stale}</div>'
