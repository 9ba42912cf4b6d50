"""The Explanation page: what drives the model over all clients, and how the feature in focus acts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.views.beeswarm import BeeswarmView
from dashboard.views.dependence import DependenceView
from dashboard.views.feature_search import FeatureSearch
from dashboard.views.html import html
from dashboard.views.importance import ImportanceView
from dashboard.views.later import Later, card
from dashboard.views.partial import PartialView
from dashboard.views.selection import SelectionView

if TYPE_CHECKING:
    from dashboard.controller import Controller
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState


class ExplanationPage(pn.viewable.Viewer):
    """What drives the model, over every client of the portfolio.

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
        importance = later.card(lambda: ImportanceView(state, services, controller, t))
        clients = t.number(services.explanations.population, 0)
        swarm = later.card(lambda: BeeswarmView(state, services, t))
        search = later.card(lambda: FeatureSearch(state, services, controller, t))
        acts = pmui.Column(
            later.card(lambda: DependenceView(state, services, t)),
            later.card(lambda: PartialView(state, services, t)),
            sizing_mode="stretch_width",
            margin=0,
        )
        self.layout = pmui.Column(
            html(
                f"<h1>{escape(t('page.explanation'))}</h1>"
                f"<p class='soft' style='margin:4px 0 14px'>{escape(t('explanation.intro', clients=clients))}</p>"
            ),
            card(SelectionView(state, services, t)),
            pmui.Grid(
                pmui.Grid(importance, size={"xs": 12, "md": 6}),
                pmui.Grid(swarm, size={"xs": 12, "md": 6}),
                pmui.Grid(search, size={"xs": 12, "md": 4}, sx=STAYS),
                pmui.Grid(acts, size={"xs": 12, "md": 8}),
                container=True,
                spacing=2,
                sizing_mode="stretch_width",
                margin=0,
            ),
            sizing_mode="stretch_width",
            margin=0,
        )
        controller.explore()
        later.begin()

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the page."""
        return self.layout


STAYS = {"position": {"md": "sticky"}, "top": 16, "alignSelf": "flex-start"}
