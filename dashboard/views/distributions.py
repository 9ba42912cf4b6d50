"""The distributions of the Portfolio page: one chart a column, more on demand."""

from __future__ import annotations

import functools
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.figures.palette import AGAINST, CLIENT, FOR, NEUTRAL, SELECTED
from dashboard.views.column_picker import ColumnPicker
from dashboard.views.distribution import DistributionView
from dashboard.views.html import html
from dashboard.views.later import Later, card

if TYPE_CHECKING:
    from dashboard.exploring import Exploring
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from explain.crossfilter.exploration import Explored

GRID = """
:host { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 410px), 1fr)); gap: 0 16px; }
:host .scroll-button { display: none; }
"""


class DistributionsView(pn.viewable.Viewer):
    """A grid of charts that follows what is explored: a chart that stays is kept, one taken away is let go."""

    def __init__(
        self, state: SessionState, services: Services, exploring: Exploring, translate: Translator, **params: Any
    ) -> None:
        super().__init__(**params)
        self._state, self._services, self._exploring, self._t = state, services, exploring, translate
        self.charts: dict[str, DistributionView] = {}
        self._cards: dict[str, pmui.Paper] = {}
        self._explored: Explored | None = None
        t = translate
        self.shown = pmui.RadioButtonGroup(
            label=t("distribution.shown"), value="clients", size="small", margin=(4, 0, 10, 0),
            sizing_mode="stretch_width", max_width=420, sx={"& .MuiToggleButton-root": {"whiteSpace": "nowrap"}},
            options={t("distribution.as_clients"): "clients", t("distribution.as_shares"): "shares"},
        )  # fmt: skip
        self.shown.param.watch(self._switched, "value")
        self.picker = ColumnPicker(t("distribution.add"), services, t, exploring.add_chart)
        self._adding = card(
            pmui.Column(
                html(f'<h3 style="margin:0">{escape(t("distribution.add_title"))}</h3>'
                     f'<p class="soft" style="font-size:13px">{escape(t("distribution.add_help"))}</p>'),
                self.picker.view,
                sizing_mode="stretch_width",
                margin=0,
            )
        )  # fmt: skip
        # A column of Bokeh's own: panel-material-ui's lose what is put into them while they are first drawn.
        self._grid = pn.Column(self._adding, sizing_mode="stretch_width", margin=0, stylesheets=[GRID])
        state.param.watch(self._marked, "file")

    def update(self, explored: Explored) -> None:
        """Show what is explored."""
        self._explored = explored
        columns = [key.column for key in explored.wanted.exploration.charts]
        with pn.io.hold():
            shown = list(self._cards)
            for column in [column for column in shown if column not in columns]:
                self._cards.pop(column)
                self.charts.pop(column, None)
            later = None if set(columns) <= set(self._cards) else Later([], self._t)
            for column in columns:
                if later is not None and column not in self._cards:
                    self._cards[column] = later.card(functools.partial(self._make, column))
            for column, distribution in zip(columns, explored.distributions, strict=True):
                if column in self.charts:
                    self.charts[column].update(distribution, explored)
            if columns != shown:
                self._cards = {column: self._cards[column] for column in columns}
                self._grid.objects = [*self._cards.values(), self._adding]
        if later is not None:
            later.begin()

    def _make(self, column: str) -> Any:
        """Return the chart of a column, showing what is explored by now; nothing where it was taken away meanwhile."""
        explored = self._explored
        shown = (
            {}
            if explored is None
            else dict(zip(explored.wanted.exploration.charts, explored.distributions, strict=True))
        )
        for key, distribution in shown.items():
            if key.column == column:
                view = DistributionView(column, self._state, self._services, self._exploring, self._t)
                view.show_shares(shares=self.shown.value == "shares")
                view.update(distribution, explored)
                self.charts[column] = view
                return view
        return html()

    def _switched(self, event: Any) -> None:
        with pn.io.hold():
            for chart in self.charts.values():
                chart.show_shares(shares=event.new == "shares")

    def _marked(self, _event: Any) -> None:
        with pn.io.hold():
            for chart in self.charts.values():
                chart.mark_client()

    def _legend(self) -> str:
        t = self._t
        stripes = f"repeating-linear-gradient(135deg,{AGAINST} 0 3px,#ffffff99 3px 4px)"
        hatch = f"background:{stripes},{AGAINST};border-color:{AGAINST}"
        marks = [
            (f'<span class="swatch" style="background:{FOR};border-color:{FOR}"></span>', "accepted"),
            (f'<span class="swatch" style="{hatch}"></span>', "refused"),
            (
                f'<span class="swatch" style="background:{NEUTRAL}4d;border:0;border-top:2px solid {NEUTRAL}"></span>',
                "legend_everyone",
            ),
            (f'<span class="legend-mark" style="color:{NEUTRAL}">●</span>', "legend_rate"),
            (f'<span class="legend-mark" style="color:{NEUTRAL}">○</span>', "legend_few"),
            (f'<span class="legend-mark" style="color:{NEUTRAL}">┄</span>', "legend_overall"),
            (
                f'<span class="swatch" style="background:{SELECTED}1a;border:2px solid {SELECTED}"></span>',
                "legend_own",
            ),
            (f'<span class="legend-mark" style="color:{CLIENT}">◆</span>', "legend_client"),
        ]
        items = "".join(
            f'<li style="display:flex;align-items:center;gap:6px"><span aria-hidden="true" style="display:contents">'
            f"{mark}</span>{escape(t(f'distribution.{name}'))}</li>"
            for mark, name in marks
        )
        return f'<ul class="marks">{items}</ul>'

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the charts, under what their colours mean."""
        t = self._t
        head = html(
            f"<h2>{escape(t('distribution.title'))}</h2>"
            f"<p class='soft'>{escape(t('distribution.intro'))}</p>{self._legend()}"
        )
        return pn.Column(head, self.shown, self._grid, sizing_mode="stretch_width", margin=0)
