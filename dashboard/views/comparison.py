"""Two segments side by side: how many they are, how they turn out, and what sets the one apart from the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.views.background import Background
from dashboard.views.column_words import ColumnWords
from dashboard.views.html import html, status
from dashboard.views.picked import selected
from dashboard.views.quiet import Quiet
from data.errors import PretscopeError
from explain.crossfilter.comparing import compare
from explain.crossfilter.population import RAW

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from explain.crossfilter.comparing import Difference, SegmentComparison
    from explain.crossfilter.counts import Counts
    from explain.crossfilter.filters import Filter

    Filters = tuple[tuple[str, Filter], ...]

CURRENT, EVERYONE, OTHERS = "current", "everyone", "others"
NAMED = "segment."
FEATURES = 60
TOLD = 10
LEAST = 0.005
PAUSE_MS = 900


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two: which it is, what people call it, and the filters that make it."""

    key: str
    label: str
    filters: Filters = ()

    @property
    def head(self) -> str:
        """What people call it, at the head of a column."""
        return self.label[:1].upper() + self.label[1:]


class ComparisonView(pn.viewable.Viewer):
    """Two of the current selection, the segments, everyone and everyone else; hidden until it is asked for."""

    def __init__(self, state: SessionState, services: Services, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._services, self._t = services, translate
        self._words = ColumnWords(services, translate)
        self._current: Filters = ()
        self._segments: Mapping[str, Filters] = {}
        self._asked: tuple[_Side, _Side] | None = None
        self._filling = False
        t = translate
        options = {"sizing_mode": "stretch_width", "margin": (14, 0, 4, 0), "size": "small"}
        self._a = pmui.Select(label=t("comparison.first"), options=self._offered(first=True), value=CURRENT, **options)
        self._b = pmui.Select(label=t("comparison.second"), options=self._offered(first=False), value=OTHERS, **options)
        self._close = pmui.Button(label=t("comparison.close"), variant="text", size="small", margin=(8, 0))
        self._words_pane, self._tables = html(), html()
        self._background = Background(services.unhurried, self._arrived)
        self._quiet = Quiet(self._compute, PAUSE_MS, exploring=state)
        for choice in (self._a, self._b):
            choice.param.watch(self._chosen, "value")
        self._close.on_click(lambda _: setattr(self._layout, "visible", False))
        self._layout = pmui.Column(
            html(f'<h3 class="part">{escape(t("comparison.title"))}</h3>'),
            pmui.Grid(
                pmui.Grid(self._a, size={"xs": 12, "sm": 6}),
                pmui.Grid(self._b, size={"xs": 12, "sm": 6}),
                container=True,
                column_spacing=2,
                sizing_mode="stretch_width",
                margin=0,
            ),
            self._words_pane,
            self._tables,
            pn.FlexBox(self._close, margin=0),
            sizing_mode="stretch_width",
            margin=0,
            visible=False,
        )

    def open(self, which: str) -> None:
        """Compare the current selection (CURRENT), or the segment of that name, with the others."""
        key = CURRENT if which == CURRENT else NAMED + which
        other = CURRENT if key != CURRENT and self._current else OTHERS
        self._fill(key, other if self._b.value in (key, None) or not self._layout.visible else self._b.value)
        self._layout.visible = True
        self._compute()

    def offer(self, segments: Mapping[str, Filters]) -> None:
        """Offer these segments, by name."""
        if segments == self._segments:
            return
        self._segments = dict(segments)
        self._fill(self._a.value, self._b.value)
        if self._layout.visible:
            self._quiet.ask()

    def follow(self, filters: Filters) -> None:
        """Follow the current selection."""
        changed = filters != self._current
        self._current = filters
        if changed and self._layout.visible and CURRENT in (self._a.value, self._b.value):
            self._quiet.ask()

    def _offered(self, *, first: bool) -> dict[str, str]:
        t = self._t
        wholes = (CURRENT, EVERYONE) if first else (CURRENT, OTHERS, EVERYONE)
        named = {t("comparison.segment", name=name): NAMED + name for name in self._segments}
        return {**{t(f"comparison.{whole}"): whole for whole in wholes}, **named}

    def _fill(self, a: str | None, b: str | None) -> None:
        first, second = self._offered(first=True), self._offered(first=False)
        self._filling = True
        try:
            self._a.param.update(options=first, value=a if a in first.values() else CURRENT)
            self._b.param.update(options=second, value=b if b in second.values() else OTHERS)
        finally:
            self._filling = False

    def _chosen(self, _event: Any) -> None:
        if not self._filling:
            self._compute()

    def _side(self, key: str) -> _Side:
        if key.startswith(NAMED):
            name = key.removeprefix(NAMED)
            return _Side(key, self._t("comparison.segment", name=name), self._segments.get(name, ()))
        return _Side(key, self._t(f"comparison.{key}"), self._current if key == CURRENT else ())

    def _compute(self) -> None:
        if not self._layout.visible:
            return
        sides = self._side(self._a.value), self._side(self._b.value)
        self._words_pane.object = status(self._t("comparison.computing"))
        population, columns = self._services.population, self.columns

        def work() -> tuple[tuple[_Side, _Side], SegmentComparison]:
            a = selected(population, sides[0].filters)
            b: NDArray[np.bool_] = ~a if sides[1].key == OTHERS else selected(population, sides[1].filters)
            return sides, compare(population, a, b, columns)

        self._background.submit(work)

    @property
    def columns(self) -> tuple[str, ...]:
        """Keys of the columns that may set two segments apart: those of the application, and what weighs most."""
        services = self._services
        raw = {key for key in services.population.keys if key.startswith(RAW)}
        # A feature that says whether a column of the application has a category says nothing that the column doesn't.
        ranked = [
            name
            for name in services.explanations.ranks
            if RAW + services.feature(name).group.removeprefix("application.") not in raw
        ]
        return (*ranked[:FEATURES], *sorted(raw))

    def _arrived(self, outcome: tuple[tuple[_Side, _Side], SegmentComparison] | Exception) -> None:
        if isinstance(outcome, Exception):
            expected = isinstance(outcome, PretscopeError)
            told = str(outcome) if expected else self._t("problem.unexpected", kind=type(outcome).__name__)
            self._words_pane.object = f'<div class="problem" role="alert"><p>{escape(told)}</p></div>'
            if not expected:
                raise outcome
            return
        (a, b), found = outcome
        with pn.io.hold():
            self._words_pane.object = status(self._summary(a, b, found))
            self._tables.object = self._counts_html(a, b, found) + self._apart_html(a, b, found)

    def _summary(self, a: _Side, b: _Side, found: SegmentComparison) -> str:
        t = self._t
        for side, counts in ((a, found.a), (b, found.b)):
            if not counts.clients:
                return t("comparison.nobody", name=side.label)
        both = int(found.both.clients)
        key = "comparison.shared_one" if both == 1 else "comparison.shared"
        told = [t(key, clients=t.number(both, 0))] if found.overlap else []
        if math.isnan(found.risk_difference):
            return " ".join(told)
        points = t.number(100 * abs(found.risk_difference), 1)
        interval = found.risk_interval
        if interval is None:
            key = "comparison.riskier" if found.risk_difference > 0 else "comparison.safer"
            return " ".join([t(key, first=a.label, second=b.label, points=points), *told])
        low, high = interval
        key = "riskier" if low > 0 else "safer" if high < 0 else "undecided"
        return t(f"comparison.{key}", first=a.label, second=b.label, points=points)

    def _counts_html(self, a: _Side, b: _Side, found: SegmentComparison) -> str:
        t = self._t
        everyone = max(int(found.everyone.clients), 1)
        rows = [
            (t("selected.clients"), *(self._count(int(one.clients), everyone) for one in (found.a, found.b)), ""),
            (t("selected.default_rate"), *(self._rate(one) for one in (found.a, found.b)), self._risk(found)),
            (t("selected.score"), *(self._share(one.mean_score) for one in (found.a, found.b)),
             self._points(found.score_difference)),
            (t("selected.refused"), *(self._share(one.share_refused) for one in (found.a, found.b)),
             self._points(float(found.a.share_refused - found.b.share_refused))),
        ]  # fmt: skip
        heads = [t("comparison.measure"), a.head, b.head, t("comparison.gap")]
        return _table(t("comparison.counts"), heads, rows, numeric=True)

    def _count(self, clients: int, everyone: int) -> str:
        t = self._t
        return t("segments.count", clients=t.number(clients, 0), share=t.percent(clients / everyone, 1))

    def _rate(self, counts: Counts) -> str:
        t, (low, high) = self._t, (float(end) for end in counts.default_interval())
        if math.isnan(low):
            return "–"
        interval = t("selected.interval", low=t.percent(low, 1), high=t.percent(high, 1))
        return f"{t.percent(float(counts.default_rate), 1)} ({interval})"

    def _risk(self, found: SegmentComparison) -> str:
        t, interval = self._t, found.risk_interval
        points = self._points(found.risk_difference)
        if interval is None:
            return points
        low, high = (t.signed(100 * end, 1) for end in interval)
        return f"{points} ({t('selected.interval', low=low, high=high)})"

    def _share(self, share: Any) -> str:
        return "–" if math.isnan(share) else self._t.percent(float(share), 1)

    def _points(self, difference: float) -> str:
        if math.isnan(difference):
            return "–"
        return self._t("comparison.points", points=self._t.signed(100 * difference, 1))

    def _apart_html(self, a: _Side, b: _Side, found: SegmentComparison) -> str:
        t = self._t
        if not (found.a.clients and found.b.clients):
            return ""
        told = [one for one in found.differences if one.strength >= LEAST][:TOLD]
        title = t("comparison.apart")
        if not told:
            return f'<h4 class="part">{escape(title)}</h4><p class="soft">{escape(t("comparison.alike"))}</p>'
        rows = [self._difference(one) for one in told]
        heads = [t("comparison.column"), a.head, b.head, t("comparison.how", first=a.label)]
        note = t("comparison.apart_note", count=len(found.differences))
        return f'{_table(title, heads, rows, numeric=False)}<p class="soft">{escape(note)}</p>'

    def _difference(self, one: Difference) -> tuple[str, str, str, str]:
        """Return one line of what sets the two apart, in words."""
        t, words, key = self._t, self._words, one.column
        label = words.label(key)
        if one.mostly_missing:
            shares = (t("comparison.missing", share=t.percent(share, 1)) for share in one.missing)
            return (label, *shares, self._points(one.missing_gap))
        if one.shares is not None and one.category is not None:
            name = words.category(key, one.category)
            shares = (t("comparison.category", name=name, share=t.percent(share, 1)) for share in one.shares)
            return (label, *shares, self._points(one.shares[0] - one.shares[1]))
        medians = one.medians or (math.nan, math.nan)
        more = 0.5 if one.auc is None else one.auc
        if words.backwards(key):
            more = 1 - more
        told = t("comparison.higher" if more >= 0.5 else "comparison.lower", chance=t.percent(max(more, 1 - more)))
        return (label, *(t("comparison.median", value=words.value(key, median)) for median in medians), told)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view."""
        return self._layout


def _table(title: str, heads: list[str], rows: list[tuple[str, ...]], *, numeric: bool) -> str:
    """Return a table of its own caption; everything is escaped."""
    kind = ' class="num"' if numeric else ""
    head = "".join(
        f'<th scope="col" role="columnheader"{kind if at else ""}>{escape(words)}</th>'
        for at, words in enumerate(heads)
    )
    body = "".join(
        f'<tr role="row"><th scope="row" role="rowheader">{escape(row[0])}</th>'
        + "".join(
            f'<td role="cell"{kind} data-label="{escape(label)}">{escape(cell)}</td>'
            for label, cell in zip(heads[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    # On a narrow screen a table is laid out as cards, which would take its meaning away but for these roles.
    return (
        f'<table class="side-by-side" role="table"><caption>{escape(title)}</caption><thead role="rowgroup">'
        f'<tr role="row">{head}</tr></thead><tbody role="rowgroup">{body}</tbody></table>'
    )
