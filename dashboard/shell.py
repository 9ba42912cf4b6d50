"""What surrounds every page: title, navigation, language, theme; and the address, kept to what is shown."""

from __future__ import annotations

import functools
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import panel_material_ui as pmui
from panel_material_ui.base import BASE_TEMPLATE, _env

from dashboard.address import PAGES, build, parse
from dashboard.pages.client import ClientPage
from dashboard.pages.coming import coming_page
from dashboard.pages.explanation import ExplanationPage
from dashboard.pages.model import model_page
from dashboard.pages.portfolio import PortfolioPage
from dashboard.views.html import html
from dashboard.views.quiet import Quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    import panel as pn

    from dashboard.controller import Controller
    from dashboard.exploring import Exploring
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from data.schema import Language

ICONS = {
    "client": "person", "portfolio": "scatter_plot", "explanation": "insights", "whatif": "tune", "model": "schema",
    "watch": "travel_explore",
}  # fmt: skip
FIGURED = {"client": ClientPage, "explanation": ExplanationPage}
LINKED = ("page", "file", "wanted", "filters", "problem", "selection", "feature", "settled")
HEADER = "#1f4e79"
THEME = {
    "palette": {"primary": {"main": HEADER}},
    "typography": {"fontSize": 14},
    "shape": {"borderRadius": 8},
}


class Shell:
    """The page of one session.

    Attributes
    ----------
    page : the Panel page to serve.
    panes : every HoloViews pane of the session, to be released at its end.
    """

    def __init__(
        self,
        state: SessionState,
        services: Services,
        controller: Controller,
        exploring: Exploring,
        translate: Translator,
    ) -> None:
        self._state, self._services, self._controller, self._t = state, services, controller, translate
        self._exploring = exploring
        self.panes: list[pn.pane.HoloViews] = []
        self._built: dict[str, Any] = {}
        self._head = html(self._header(), margin=(0, 0, 0, 16))
        _at_rest(state, self._follow)
        self._content = pmui.Column(sizing_mode="stretch_width", margin=0)
        self._tabs = pmui.TabMenu(
            items=[{"label": translate(f"page.{name}"), "icon": ICONS[name], "page": name} for name in PAGES],
            active=PAGES.index(state.page),
            variant="scrollable",
            sizing_mode="stretch_width",
            margin=(0, 0, 8, 0),
        )
        self._tabs.param.watch(self._navigated, "active")
        state.param.watch(self._turn, "page")
        self._turn()
        self.page = pmui.Page(
            title=translate("app.name"),
            meta_title=f"{translate('app.name')} – {translate('app.title')}",
            meta_description=translate("app.description"),
            header=[self._head],
            main=[pmui.Column(self._tabs, self._content, sizing_mode="stretch_width", margin=(8, 16, 24, 16))],
            theme_config={"light": THEME, "dark": {**THEME, "palette": {"primary": {"main": "#8fbce6"}}}},
            template=_template(state.language, translate("app.toggle_theme"), translate("app.working")),
            main_width=1480,
            sx={"& .MuiAppBar-root.header": {"backgroundColor": HEADER, "backgroundImage": "none"}},
            busy_indicator=None,
            site_url="./",
        )

    def _turn(self, *_events: Any) -> None:
        name = self._state.page
        # A page is hidden rather than taken out: a figure taken out would be built anew in the browser.
        if name not in self._built:
            self._built[name] = self._make(name)
            self._content.append(self._built[name])
        for built, page in self._built.items():
            page.visible = built == name
        self._tabs.active = PAGES.index(name)

    def _make(self, name: str) -> Any:
        if name in FIGURED:
            return FIGURED[name](self._state, self._services, self._controller, self._t, self.panes).layout
        if name == "portfolio":
            page = PortfolioPage(self._state, self._services, self._controller, self._exploring, self._t)
            return page.layout
        return model_page(self._services, self._t) if name == "model" else coming_page(name, self._state, self._t)

    def _navigated(self, event: Any) -> None:
        if event.new is not None:
            self._state.page = PAGES[event.new]

    def _follow(self) -> None:
        self._head.object = self._header()

    def _header(self) -> str:
        t, state = self._t, self._state
        other = "en" if state.language == "fr" else "fr"
        link = escape(build(replace(state.address, language=other)))
        portfolio = self._services.portfolio
        about = t("app.portfolio", name=portfolio.name, clients=t.number(portfolio.features.ids.size, 0))
        return (
            f'<div class="head" style="color:#fff"><span class="about">{escape(about)}</span>'
            f'<a href="{link}" lang="{other}" hreflang="{other}" title="{escape(t("app.other_language_label"))}" '
            f'style="padding:8px">{escape(t("app.other_language"))}</a></div>'
        )


def follow_address(state: SessionState, location: Any) -> None:
    """Keep the browser's address to what the session shows, for links, reloads and the back button."""

    def follow() -> None:
        search = build(state.address)
        if parse(location.search) != parse(search) or not location.search:
            location.search = search

    _at_rest(state, follow)
    follow()


def _at_rest(state: SessionState, act: Callable[[], None]) -> None:
    """Do something whenever what the address holds has changed and then been quiet."""
    quiet = Quiet(act)
    state.param.watch(lambda *_events: quiet.ask(), list(LINKED))


@functools.cache
def _template(language: Language, toggle_theme: str, working: str) -> Any:
    """Return the page's HTML skeleton in a language: the library's own is in English."""
    source = Path(BASE_TEMPLATE.filename).read_text(encoding="utf-8")
    opening = '<html lang="en"'
    if source.count(opening) != 1 or "</head>" not in source:
        raise RuntimeError(f"{BASE_TEMPLATE.filename} is not as expected: no single {opening!r}, or no head.")
    script = (Path(__file__).parent / "shell.js").read_text(encoding="utf-8")
    labels = f'<script>const PRETSCOPE = {{theme: "{toggle_theme}", working: "{working}"}};\n{script}</script>'
    return _env.from_string(
        source.replace(opening, f'<html lang="{language}"').replace("</head>", f"{labels}\n</head>", 1)
    )
