"""The Client page: who, what was decided, why, and compared with whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.views.decision import decision_view
from dashboard.views.dependence import ClientDependenceView
from dashboard.views.facts import FactsView
from dashboard.views.later import Later, card
from dashboard.views.local_global import LocalGlobalView
from dashboard.views.neighbours import NeighboursView
from dashboard.views.picker import Picker
from dashboard.views.problem import problem_view
from dashboard.views.reasons import ReasonsView
from dashboard.views.standing import StandingView
from dashboard.views.used import UsedView

if TYPE_CHECKING:
    from dashboard.controller import Controller
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState


class ClientPage(pn.viewable.Viewer):
    """One client's page.

    Attributes
    ----------
    panes : the HoloViews panes, to be released when the session ends; the list grows while the page is made.
    layout : what is shown.
    """

    def __init__(
        self,
        state: SessionState,
        services: Services,
        controller: Controller,
        translate: Translator,
        panes: list[pn.pane.HoloViews] | None = None,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self.panes = [] if panes is None else panes
        t, later = translate, Later(self.panes, translate)
        reasons = ReasonsView(state, services, t)
        self.panes.append(reasons.figure.pane)
        decision = _stack(card(Picker(state, controller, t)), card(decision_view(state, services, t)))
        shown = pn.bind(lambda file: file is not None, state.param.file)
        self.layout = pmui.Column(
            problem_view(state, t),
            pmui.Grid(
                pmui.Grid(decision, size=_wide(4)),
                pmui.Grid(card(reasons, shown), size=_wide(8)),
                pmui.Grid(later.card(lambda: LocalGlobalView(state, services, t), shown), size=_wide(12)),
                pmui.Grid(later.card(lambda: StandingView(state, services, t), shown), size=_wide(6)),
                pmui.Grid(later.card(lambda: ClientDependenceView(state, services, t), shown), size=_wide(6)),
                pmui.Grid(later.card(lambda: NeighboursView(state, services, t), shown), size=_wide(12)),
                pmui.Grid(later.card(lambda: UsedView(state, services, t), shown), size=_wide(7)),
                pmui.Grid(later.card(lambda: FactsView(state, t), shown), size=_wide(5)),
                container=True,
                spacing=2,
                sizing_mode="stretch_width",
                margin=0,
            ),
            sizing_mode="stretch_width",
            margin=0,
        )
        later.begin()

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the page."""
        return self.layout


def _wide(columns: int) -> dict[str, int]:
    """Return the size of a place: `columns` of 12 on a wide screen, all of them on a narrow one."""
    return {"xs": 12, "md": columns}


def _stack(*cards: Any) -> pmui.Column:
    return pmui.Column(*cards, sizing_mode="stretch_width", margin=0)
