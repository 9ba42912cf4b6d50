"""The clients that every filter keeps, against everyone; the filters, one by one; and undo."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.figures.level_bar import level_bars
from dashboard.views.column_words import ColumnWords
from dashboard.views.filter_chips import FilterChips
from dashboard.views.html import html
from dashboard.views.quiet import Quiet

if TYPE_CHECKING:
    from dashboard.exploring import Exploring
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from explain.crossfilter.counts import Counts
    from explain.crossfilter.exploration import Explored
    from explain.crossfilter.filters import Filter

SAID_AFTER_MS = 500


class SelectedView(pn.viewable.Viewer):
    """What is selected: counts, rates, levels of risk, and the filters that select it."""

    def __init__(
        self, state: SessionState, services: Services, exploring: Exploring, translate: Translator, **params: Any
    ) -> None:
        super().__init__(**params)
        self._state, self._exploring, self._t = state, exploring, translate
        self._words = ColumnWords(services, translate)
        self._labels: dict[Filter, str] = {}
        self._said = ""
        self._trouble, self._figures, self._status = html(), html(), html()
        self._speech = Quiet(self._say, SAID_AFTER_MS, exploring=state)
        self._chips = FilterChips(
            self._asked, words={name: translate(f"selected.{name}") for name in ("label", "none", "undo", "clear")}
        )
        state.param.watch(self._changed, ["past", "explore_trouble"])
        self._fill()

    def update(self, explored: Explored) -> None:
        """Show what is selected now, and the filters that select it: they come with the answer, in one message."""
        self._fill()
        selected, everyone = explored.selected.total, explored.everyone.total
        filtered = bool(explored.wanted.exploration.filters)
        bars = level_bars(explored.selected.clients, explored.everyone.clients, self._t)
        self._figures.object = self._figures_html(selected, everyone, bars, filtered=filtered)
        self._said = self._sentence(selected, everyone, filtered=filtered)
        self._speech.ask()

    def _changed(self, *_events: Any) -> None:
        self._fill()

    def _fill(self) -> None:
        t, trouble = self._t, self._state.explore_trouble
        filters = () if self._state.exploration is None else self._state.exploration.filters
        chips = []
        for chart, kept in filters:
            label = self._label(kept)
            chips.append({"chart": chart, "label": label, "remove": t("selected.remove", filter=label)})
        self._labels = {kept: self._labels[kept] for _, kept in filters}
        self._chips.param.update(chips=chips, can_undo=bool(self._state.past))
        told = f"<p>{escape(trouble)}</p><p>{escape(t('selected.not_current'))}</p>"
        self._trouble.object = f'<div class="problem" role="alert">{told}</div>' if trouble else ""
        self._figures.css_classes = ["not-current"] if trouble else []

    def _label(self, kept: Filter) -> str:
        if kept not in self._labels:
            self._labels[kept] = self._words.filter(kept)
        return self._labels[kept]

    def _asked(self, what: str, chart: str) -> None:
        if what == "remove":
            self._exploring.brush(chart, None)
        elif what == "undo":
            self._exploring.undo()
        else:
            self._exploring.clear()

    def _say(self) -> None:
        said = f'<p class="sr" role="status">{escape(self._said)}</p>'
        if self._status.object != said:
            self._status.object = said

    def _figures_html(self, selected: Counts, everyone: Counts, bars: str, *, filtered: bool) -> str:
        t, clients, total = self._t, int(selected.clients), int(everyone.clients)
        nobody = f'<p class="nobody">{escape(t("selected.nobody"))}</p>' if not clients else ""
        share = t.percent(clients / total if total else 0.0, 1)
        count = (
            t("selected.of_all", share=share, clients=t.number(total, 0)) if filtered else t("selected.everyone_shown")
        )
        low, high = (float(end) for end in selected.default_interval())
        interval = "" if math.isnan(low) else t("selected.interval", low=t.percent(low, 1), high=t.percent(high, 1))
        figures = [
            _figure(t("selected.clients"), t.number(clients, 0), "", escape(count)),
            self._rate("default_rate", float(selected.default_rate), float(everyone.default_rate), filtered, interval),
            self._rate("score", float(selected.mean_score), float(everyone.mean_score), filtered),
            self._rate("refused", float(selected.share_refused), float(everyone.share_refused), filtered),
        ]
        return (
            f'<div class="selected"><dl class="figures">{"".join(figures)}</dl>'
            f'<div class="levels-shown"><p class="figure-name" aria-hidden="true">{escape(t("selected.levels"))}</p>'
            f"{bars}</div></div>{nobody}"
        )

    def _rate(self, name: str, share: float, of_all: float, filtered: bool, interval: str = "") -> str:
        t = self._t
        told = t("selected.everyone", value=self._percent(of_all))
        difference = self._difference(share, of_all) if filtered else ""
        mark = f'<span class="apart">{escape(difference)}</span> ' if difference else ""
        below = f"{mark}<span>{escape(told)}</span>" if filtered else escape(t("selected.everyone_alike"))
        return _figure(t(f"selected.{name}"), self._percent(share), interval, below)

    def _percent(self, share: float) -> str:
        return "–" if math.isnan(share) else self._t.percent(share, 1)

    def _difference(self, share: float, of_all: float) -> str:
        """Return in words how far a share is from everyone's, in points of percentage; nothing where one is unknown."""
        points = 100 * (share - of_all)
        if math.isnan(points):
            return ""
        if round(abs(points), 1) == 0:
            return self._t("selected.same")
        key = "selected.more" if points > 0 else "selected.less"
        return self._t(key, points=self._t.number(abs(points), 1))

    def _sentence(self, selected: Counts, everyone: Counts, *, filtered: bool) -> str:
        t, clients = self._t, int(selected.clients)
        if not clients:
            return t("selected.nobody")
        key = "selected.status" if clients > 1 else "selected.status_one"
        if not filtered:
            key = "selected.status_everyone"
        return t(
            key,
            clients=t.number(clients, 0),
            share=t.percent(clients / int(everyone.clients), 1),
            default_rate=self._percent(float(selected.default_rate)),
            score=self._percent(float(selected.mean_score)),
            refused=self._percent(float(selected.share_refused)),
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        return pmui.Column(
            html(f'<h2 class="sr">{escape(self._t("selected.title"))}</h2>'),
            self._trouble,
            self._figures,
            self._chips,
            self._status,
            sizing_mode="stretch_width",
            margin=0,
        )


def _figure(name: str, value: str, interval: str, below: str) -> str:
    """Return one figure; `below` is HTML, the rest is escaped."""
    between = f' <span class="interval">{escape(interval)}</span>' if interval else ""
    return (
        f'<div class="figure"><dt class="figure-name">{escape(name)}</dt>'
        f'<dd class="figure-value">{escape(value)}{between}</dd><dd class="figure-below">{below}</dd></div>'
    )
