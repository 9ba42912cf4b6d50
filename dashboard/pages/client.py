"""The Client page: who, what was decided, why, and compared with whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.views.decision import decision_view
from dashboard.views.dependence import ClientDependenceView
from dashboard.views.facts import FactsView
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
    panes : the HoloViews panes, to be released when the session ends.
    layout : what is shown.
    """

    def __init__(
        self, state: SessionState, services: Services, controller: Controller, translate: Translator, **params: Any
    ) -> None:
        super().__init__(**params)
        reasons = ReasonsView(state, services, translate)
        matters = LocalGlobalView(state, services, translate)
        standing = StandingView(state, services, translate)
        dependence = ClientDependenceView(state, services, translate)
        self.panes = [view.figure.pane for view in (reasons, matters, standing, dependence)]
        decision = _stack(_card(Picker(state, controller, translate)), _card(decision_view(state, services, translate)))
        shown = pn.bind(lambda file: file is not None, state.param.file)
        self.layout = pmui.Column(
            problem_view(state, translate),
            pmui.Grid(
                pmui.Grid(decision, size=_wide(4)),
                pmui.Grid(_card(reasons, shown), size=_wide(8)),
                pmui.Grid(_card(matters, shown), size=_wide(12)),
                pmui.Grid(_card(standing, shown), size=_wide(6)),
                pmui.Grid(_card(dependence, shown), size=_wide(6)),
                pmui.Grid(_card(NeighboursView(state, services, translate), shown), size=_wide(12)),
                pmui.Grid(_card(UsedView(state, services, translate), shown), size=_wide(7)),
                pmui.Grid(_card(FactsView(state, translate), shown), size=_wide(5)),
                container=True,
                spacing=2,
                sizing_mode="stretch_width",
                margin=0,
            ),
            sizing_mode="stretch_width",
            margin=0,
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the page."""
        return self.layout


def _wide(columns: int) -> dict[str, int]:
    """Return the size of a place: `columns` of 12 on a wide screen, all of them on a narrow one."""
    return {"xs": 12, "md": columns}


def _stack(*cards: Any) -> pmui.Column:
    return pmui.Column(*cards, sizing_mode="stretch_width", margin=0)


def _card(content: Any, visible: Any = True) -> pmui.Paper:
    return pmui.Paper(content, elevation=0, margin=(0, 0, 16, 0), sizing_mode="stretch_width", sx=CARD, visible=visible)


CARD = {"border": "1px solid", "borderColor": "divider", "borderRadius": "10px", "padding": "16px"}
