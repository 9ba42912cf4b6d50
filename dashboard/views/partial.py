"""What moving the feature explained, alone, does to the score."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from dashboard.figures.partial import (
    dress_partial,
    partial_layers,
    partial_options,
    scores_shown,
    span,
)
from dashboard.views.background import Background
from dashboard.views.folded_table import folded_table
from dashboard.views.html import html, status
from dashboard.views.live import LiveFigure
from dashboard.views.value_axis import ValueAxis
from dashboard.views.wording import Wording
from explain.partial import Grid, Partial, line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dashboard.i18n import Translator
    from dashboard.plot_data import PlotData
    from dashboard.services import ClientFile, Services
    from dashboard.state import SessionState


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    found: Partial
    file: ClientFile | None
    own: NDArray[np.float64] | None
    levels: NDArray[np.float64] | None


class PartialView(pn.viewable.Viewer):
    """Partial dependence of the feature explained, with single clients' lines, the client shown among them.

    Attributes
    ----------
    figure : the live figure, whose pane is to be released when the session ends.
    """

    def __init__(self, state: SessionState, services: Services, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._state, self._services, self._t = state, services, translate
        self._data: PlotData = services.plots
        self._wording = Wording(services, translate)
        self._head, self._words, self._table = html(), html(), html()
        self.figure = LiveFigure()
        self._background = Background(services.executor, self._arrived)
        self._show_blank()
        state.param.watch(self._ask, ["feature", "file"])
        self._ask()

    def _ask(self, *_events: Any) -> None:
        feature, file, data = self._state.feature, self._state.file, self._data
        if not feature:
            return
        if data.known_partial(feature) is None:
            axis = ValueAxis(self._services, self._wording, feature)
            self._words.object = status(self._t("plots.partial_computing", feature=axis.name))
        scorer = self._services.scorer

        def work() -> _Drawn:
            found = data.partial(feature)
            own = None if file is None else line(scorer, file.row, found.grid)
            return _Drawn(found, file, own, data.dependence(feature).levels)

        self._background.submit(work)

    def _arrived(self, outcome: _Drawn | Exception) -> None:
        if isinstance(outcome, Exception):
            self._words.object = status(self._t("problem.unexpected", kind=type(outcome).__name__))
            raise outcome
        found, t = outcome.found, self._t
        axis = ValueAxis(self._services, self._wording, found.grid.feature)
        value = None if outcome.file is None else float(outcome.file.row[found.grid.at])
        mark = None
        if outcome.file is not None and value is not None and np.isfinite(value):
            mark = value, outcome.file.outcome.score
        across, up = span(found, value), scores_shown(found, outcome.own)
        if outcome.levels is None:
            ticks = axis.ticks(*across)
        else:
            ticks = [(float(level), axis.say(float(level))) for level in outcome.levels]
        summary = self._summarise(found, axis)
        threshold = self._services.policy.threshold
        with pn.io.hold():
            self._head.object = (
                f"<h2>{escape(t('plots.partial_title', feature=axis.name))}</h2>"
                f"<p class='soft'>{escape(t('plots.partial_intro', clients=t.number(found.clients, 0)))}</p>"
            )
            self.figure.show(
                partial_layers(found, across, outcome.own, mark, threshold, t),
                lambda hook: partial_options(t, hook),
                lambda figure: dress_partial(figure, across, up, ticks, axis.name, summary, backwards=axis.backwards),
            )
            self._words.object = status(summary) + self._caveats(found)
            self._table.object = self._table_html(outcome, axis)

    def _show_blank(self) -> None:
        edge = np.array([-np.inf]), np.array([np.inf]), np.zeros(1)
        nothing = Partial(
            Grid("", 0, *edge, 1, (0.0, 1.0)),
            0,
            np.full(1, np.nan),
            np.full(1, np.nan),
            np.full((1, 1), np.nan),
            np.nan,
        )
        t = self._t
        self.figure.show(
            partial_layers(nothing, (0.0, 1.0), None, None, self._services.policy.threshold, t),
            lambda hook: partial_options(t, hook),
            lambda figure: dress_partial(figure, (0.0, 1.0), (0.0, 1.0), [], "", t("plots.computing"), backwards=False),
        )

    def _summarise(self, found: Partial, axis: ValueAxis) -> str:
        t, mean = self._t, found.mean_score
        if mean.size == 1:
            return t("plots.partial_flat", feature=axis.name, score=t.percent(float(mean[0]), 1))
        low, high = int(np.argmin(mean)), int(np.argmax(mean))
        return t(
            "plots.partial_summary",
            feature=axis.name,
            low=t.percent(float(mean[low]), 1),
            low_at=self._step(found.grid, low, axis),
            high=t.percent(float(mean[high]), 1),
            high_at=self._step(found.grid, high, axis),
            missing=t.percent(found.missing_score, 1),
        )

    def _caveats(self, found: Partial) -> str:
        t, grid = self._t, found.grid
        exact = (
            t("plots.partial_exact", steps=grid.steps)
            if grid.whole
            else t("plots.partial_thinned", shown=grid.value.size, steps=grid.steps)
        )
        return f'<p class="soft">{escape(t("plots.partial_caveat"))} {escape(exact)}</p>'

    def _table_html(self, drawn: _Drawn, axis: ValueAxis) -> str:
        t, found = self._t, drawn.found
        heads = [axis.name, t("plots.partial_mean"), t("plots.partial_logit"), t("plots.partial_range")]
        rows = []
        for number, row in enumerate(found.frame().iter_rows(named=True)):
            spread = f"{t.percent(row['q10'], 1)} – {t.percent(row['q90'], 1)}"
            cells = [
                self._step(found.grid, number, axis),
                t.percent(row["mean_score"], 1),
                t.signed(row["mean_logit"]),
                spread,
            ]
            rows.append(cells if drawn.own is None else [*cells, t.percent(float(drawn.own[number]), 1)])
        if drawn.own is not None:
            heads.append(t("plots.partial_own"))
        return folded_table(t("plots.partial_table"), heads, rows[::-1] if axis.backwards else rows)

    def _step(self, grid: Grid, number: int, axis: ValueAxis) -> str:
        t, start, end = self._t, float(grid.start[number]), float(grid.end[number])
        if np.isinf(start) and np.isinf(end):
            return t("plots.any_value")
        if np.isinf(start):
            return t("plots.from" if axis.backwards else "plots.up_to", value=axis.say(end))
        if np.isinf(end):
            return t("plots.up_to" if axis.backwards else "plots.above", value=axis.say(start))
        first, last = axis.say(start), axis.say(end)
        return t("plots.between", low=last if axis.backwards else first, high=first if axis.backwards else last)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        return pmui.Column(
            self._head, self.figure.pane, self._words, self._table, sizing_mode="stretch_width", margin=0
        )
