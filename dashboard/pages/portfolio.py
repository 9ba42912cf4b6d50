"""The Portfolio page: every client, in linked charts, and the way from a region of a plot to the clients in it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.views.background import Background
from dashboard.views.bivariate import BivariateView
from dashboard.views.client_table import ClientTableView
from dashboard.views.column_words import ColumnWords
from dashboard.views.distributions import DistributionsView
from dashboard.views.findings import FindingsView
from dashboard.views.html import html
from dashboard.views.later import Later, card
from dashboard.views.segments import SegmentsView
from dashboard.views.selected import SelectedView
from explain.crossfilter.axes import AxisKey, usual_scale
from explain.crossfilter.exploration import Pair

if TYPE_CHECKING:
    from dashboard.controller import Controller
    from dashboard.exploring import Exploring
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from explain.crossfilter.telling import TellingPair

OFFERED = 10
STICKY = {"position": {"xs": "static", "md": "sticky"}, "top": 0, "zIndex": 5}


class PortfolioPage(pn.viewable.Viewer):
    """Every client of the portfolio, explored.

    Attributes
    ----------
    layout : what is shown.
    """

    def __init__(
        self,
        state: SessionState,
        services: Services,
        controller: Controller,
        exploring: Exploring,
        translate: Translator,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        t, later = translate, Later([], translate)
        self._state, self._services, self._controller = state, services, controller
        self._exploring, self._t = exploring, translate
        self._views: list[Any] = []
        exploring.begin(at_once=False)
        pn.state.onload(exploring.look)
        selected = self._follow(SelectedView(state, services, exploring, t))
        pair = later.card(self._pair)
        findings = later.card(self._findings)
        distributions = later.bare(lambda: self._follow(DistributionsView(state, services, exploring, t)))
        segments = later.card(lambda: self._follow(SegmentsView(state, services, exploring, t)))
        table = later.card(lambda: self._follow(ClientTableView(state, services, exploring, t)))
        clients = t.number(len(services.population), 0)
        self.layout = pmui.Column(
            html(
                f"<h1>{escape(t('page.portfolio'))}</h1>"
                f"<p class='soft' style='margin:4px 0 14px'>{escape(t('explore.intro', clients=clients))}</p>"
            ),
            card(selected, **STICKY),
            pmui.Grid(
                pmui.Grid(pair, size={"xs": 12, "md": 8}),
                pmui.Grid(findings, size={"xs": 12, "md": 4}),
                container=True,
                spacing=2,
                sizing_mode="stretch_width",
                margin=0,
            ),
            distributions,
            segments,
            table,
            sizing_mode="stretch_width",
            margin=0,
        )
        state.param.watch(self._show, "explored")
        later.begin()

    def _pair(self) -> BivariateView:
        self._bivariate = BivariateView(
            self._state, self._services, self._exploring, self._t, open_client=self._open_client
        )
        services = self._services
        Background(services.unhurried, self._offer).submit(lambda: services.telling_pairs)
        return self._follow(self._bivariate)

    def _offer(self, outcome: tuple[TellingPair, ...] | Exception) -> None:
        if isinstance(outcome, Exception):
            raise outcome
        words, population = ColumnWords(self._services, self._t), self._services.population
        pairs = []
        for told in outcome[:OFFERED]:
            keys = [AxisKey(column, usual_scale(population.column(column))) for column in (told.across, told.up)]
            label = self._t("explore.pair", across=words.label(told.across), up=words.label(told.up))
            pairs.append((label, Pair(*keys)))
        self._bivariate.offer_pairs(pairs)

    def _findings(self) -> FindingsView:
        found = FindingsView(self._state, self._services, self._exploring, self._t)
        found.on_zones = self._bivariate.set_zones
        if self._state.explored is not None:
            found.follow(self._state.explored)
        self._views.append(found)
        return found

    def _open_client(self, client: str) -> None:
        self._controller.open(client)
        self._state.page = "client"

    def _follow(self, view: Any) -> Any:
        """Return a view that is shown what is explored, from now on."""
        if self._state.explored is not None:
            view.update(self._state.explored)
        self._views.append(view)
        return view

    def _show(self, event: Any) -> None:
        with pn.io.hold():
            for view in self._views:
                (view.follow if isinstance(view, FindingsView) else view.update)(event.new)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the page."""
        return self.layout
