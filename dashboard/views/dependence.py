"""A feature's contribution against its value, every client drawn; and where the client shown is among them."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from dashboard.figures.dependence import (
    Frame,
    Images,
    dependence_images,
    dependence_layers,
    dependence_options,
    dress_dependence,
    frame_of,
)
from dashboard.figures.shading import blank
from dashboard.views.background import Background
from dashboard.views.beeswarm import legend
from dashboard.views.folded_table import folded_table
from dashboard.views.html import html, status
from dashboard.views.value_axis import ValueAxis
from dashboard.views.wording import Wording
from dashboard.views.zoomed import ZoomedFigure
from explain.pixels import Window

if TYPE_CHECKING:
    from dashboard.i18n import Translator
    from dashboard.plot_data import PlotData
    from dashboard.services import ClientFile, Services
    from dashboard.state import SessionState
    from explain.dependence import Dependence

OTHERS = 8
_NOWHERE = Window(0.0, 1.0, -1.0, 1.0)


@dataclass(frozen=True, slots=True)
class _Asked:
    feature: str
    other: str | None
    everything: bool
    window: Window | None
    position: int | None


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    asked: _Asked
    found: Dependence
    others: tuple[str, ...]
    other: str | None
    other_ends: tuple[float, float]
    frame: Frame
    images: Images
    own: tuple[float, float] | None
    value: float | None


class DependenceView(pn.viewable.Viewer):
    """The dependence of the feature explained.

    Attributes
    ----------
    figure : the live figure, whose pane is to be released when the session ends.
    """

    follows: tuple[str, ...] = ("feature", "file")

    def __init__(self, state: SessionState, services: Services, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._state, self._services, self._t = state, services, translate
        self._data: PlotData = services.plots
        self._wording = Wording(services, translate)
        self._head, self._colours, self._words, self._table = html(), html(), html(), html()
        self._other = pmui.Select(
            label=translate("plots.other"), options={}, sizing_mode="stretch_width", margin=(10, 0), size="small"
        )
        self._everything = pmui.Checkbox(label=translate("plots.everything"), value=False, margin=(4, 0))
        self._filling = False
        self._other.param.watch(lambda _event: self._changed(keep_other=True), "value")
        self._everything.param.watch(lambda _event: self._changed(keep_other=True), "value")
        self._summary = translate("plots.computing")
        self._last: _Drawn | None = None
        self.figure = ZoomedFigure(self._zoomed)
        self._background = Background(services.executor, self._arrived)
        self._show_blank()
        state.param.watch(self._moved, list(self.follows))
        self._changed()

    def feature(self) -> str:
        """Return the feature whose dependence is shown."""
        return self._state.feature

    def _moved(self, *events: Any) -> None:
        only_client = {event.name for event in events} == {"file"}
        self._changed(keep_other=only_client)

    def _changed(self, *, keep_other: bool = False) -> None:
        if not self._filling:
            self._ask(None, keep_other=keep_other)

    def _zoomed(self, window: Window) -> None:
        if self._last is not None:
            across, up = sorted(window[:2]), sorted(window[2:])
            self._ask(Window(*across, *up), keep_other=True)

    def _ask(self, window: Window | None, *, keep_other: bool) -> None:
        feature, file = self.feature(), self._state.file
        if not feature:
            return
        other = self._other.value if keep_other else None
        position = file.position if file is not None else None
        asked = _Asked(feature, other or None, bool(self._everything.value), window, position)
        data, backwards = self._data, ValueAxis(self._services, self._wording, feature).backwards
        self._background.submit(lambda: _draw(data, asked, backwards))

    def _arrived(self, outcome: _Drawn | Exception) -> None:
        if isinstance(outcome, Exception):
            self._words.object = status(self._t("problem.unexpected", kind=type(outcome).__name__))
            raise outcome
        self._last = outcome
        axis = ValueAxis(self._services, self._wording, outcome.asked.feature)
        with pn.io.hold():
            self._fill(outcome)
            self._summary = self._summarise(outcome, axis)
            self._words.object = status(self._summary)
            self._head.object = self._head_html(axis)
            self._colours.object = self._legend(outcome)
            if outcome.asked.window is None:
                self._table.object = self._table_html(outcome.found, axis)
            self._show(outcome, axis)

    def _legend(self, drawn: _Drawn) -> str:
        if drawn.other is None:
            return ""
        axis = ValueAxis(self._services, self._wording, drawn.other)
        low, high = (axis.say(end) for end in drawn.other_ends)
        return legend(self._t, self._t("plots.legend_other", feature=axis.name), low, high)

    def _fill(self, drawn: _Drawn) -> None:
        shown = list(drawn.others)
        if drawn.other is not None and drawn.other not in shown:
            shown.append(drawn.other)
        self._filling = True
        try:
            options = {self._wording.feature(name): name for name in shown}
            self._other.param.update(options=options, value=drawn.other)
        finally:
            self._filling = False

    def _show(self, drawn: _Drawn, axis: ValueAxis) -> None:
        found, t, zoomed = drawn.found, self._t, drawn.asked.window
        few = found.levels is not None
        medians = [
            {
                "across": found.place_of(row["middle"]),
                "up": row["median"],
                "value": axis.between(row["low"], row["high"], t),
                "clients": t.number(row["clients"], 0),
                "median": t.signed(row["median"]),
            }
            for row in found.curve.frame().iter_rows(named=True)
        ]
        looked_at = zoomed or drawn.frame.window
        ticks = self._ticks(drawn, axis)
        self.figure.show(
            dependence_layers(drawn.images, drawn.frame, medians, drawn.own, few=few),
            lambda hook: dependence_options(t, hook),
            lambda figure: dress_dependence(
                figure, looked_at, ticks, axis.name, t, self._summary, backwards=axis.backwards, is_new=zoomed is None
            ),
        )

    def _show_blank(self) -> None:
        images = Images(_NOWHERE, blank(), blank())
        frame, t = Frame(_NOWHERE, None), self._t
        self.figure.show(
            dependence_layers(images, frame, [_NO_MEDIAN], None, few=True),
            lambda hook: dependence_options(t, hook),
            lambda figure: dress_dependence(figure, _NOWHERE, [], "", t, self._summary, backwards=False, is_new=True),
        )

    def _ticks(self, drawn: _Drawn, axis: ValueAxis) -> list[tuple[float, str]]:
        window, side = drawn.images.window, drawn.frame.side
        if drawn.found.levels is not None:
            ticks = axis.levels(drawn.found.levels)
        else:
            ticks = axis.ticks(window.left, window.right)
        if side is None:
            return ticks
        middle, away = sum(side) / 2, 0.09 * (window.right - window.left)
        kept = [tick for tick in ticks if abs(tick[0] - middle) > away or drawn.found.levels is not None]
        return [*kept, (middle, self._t("plots.missing_tick"))]

    def _summarise(self, drawn: _Drawn, axis: ValueAxis) -> str:
        t, found = self._t, drawn.found
        deciles = found.deciles.frame()
        if not deciles.height:
            return t("plots.dependence_none", feature=axis.name)
        first, last = deciles.row(0, named=True), deciles.row(-1, named=True)
        if axis.backwards:
            first, last = last, first
        said = t(
            "plots.dependence_summary",
            feature=axis.name,
            clients=t.number(found.contribution.size, 0),
            low=axis.between(first["low"], first["high"], t),
            low_median=t.signed(first["median"]),
            high=axis.between(last["low"], last["high"], t),
            high_median=t.signed(last["median"]),
        )
        if found.missing.size:
            said += " " + t(
                "plots.dependence_missing",
                clients=t.number(found.missing.size, 0),
                median=t.signed(float(found.missing_quantiles[1])),
            )
        return f"{said} {self._own_sentence(drawn, axis)}".strip()

    def _own_sentence(self, drawn: _Drawn, axis: ValueAxis) -> str:
        if drawn.own is None or self._state.file is None:
            return ""
        t = self._t
        return t(
            "plots.dependence_client",
            client=t.client(self._state.file.client),
            value=axis.say(drawn.value),
            contribution=t.signed(drawn.own[1]),
        )

    def _table_html(self, found: Dependence, axis: ValueAxis) -> str:
        t = self._t
        rows = [
            [
                t("plots.part_missing") if row["low"] is None else axis.between(row["low"], row["high"], t),
                t.number(row["clients"], 0),
                *(t.signed(row[key]) for key in ("q10", "median", "q90")),
            ]
            for row in found.frame().iter_rows(named=True)
        ]
        heads = [axis.name, *(t(f"plots.{key}") for key in ("clients", "q10", "median", "q90"))]
        return folded_table(t("plots.dependence_table"), heads, rows)

    def _head_html(self, axis: ValueAxis) -> str:
        t = self._t
        return (
            f"<h2>{escape(t('plots.dependence_title', feature=axis.name))}</h2>"
            f"<p class='soft'>{escape(t('plots.dependence_intro'))}</p>"
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        return pmui.Column(
            self._head, self._other, self._colours, self.figure.pane, self._everything, self._words, self._table,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip


class ClientDependenceView(DependenceView):
    """Where the client shown is among all clients, for the fact in focus on the Client page."""

    follows = ("focus", "file")

    def feature(self) -> str:
        """Return the fact in focus, or the one that weighs most for the client."""
        file: ClientFile | None = self._state.file
        if file is None:
            return self._data.names[0] if self._data.names else ""
        known = [standing.feature for standing in file.standings]
        if self._state.focus in known:
            return self._state.focus
        return known[0] if known else ""

    def _moved(self, *_events: Any) -> None:
        self._changed()

    def _own_sentence(self, drawn: _Drawn, axis: ValueAxis) -> str:
        said, t = super()._own_sentence(drawn, axis), self._t
        alike = None if drawn.value is None else drawn.found.alike(drawn.value)
        if drawn.own is None or alike is None:
            return said
        q10, _, q90 = drawn.found.curve.quantiles[alike]
        place = "below" if drawn.own[1] < q10 else "above" if drawn.own[1] > q90 else "within"
        return f"{said} " + t(f"plots.alike_{place}", low=t.signed(float(q10)), high=t.signed(float(q90)))

    def _head_html(self, axis: ValueAxis) -> str:
        t = self._t
        return (
            f"<h2>{escape(t('plots.client_title', feature=axis.name))}</h2>"
            f"<p class='soft'>{escape(t('plots.client_intro'))}</p>"
        )


_NO_MEDIAN = {"across": np.nan, "up": np.nan, "value": "", "clients": "", "median": ""}


def _draw(data: PlotData, asked: _Asked, backwards: bool) -> _Drawn:
    found, ranked = data.dependence(asked.feature), data.interactions(asked.feature)
    other = asked.other or (ranked.others[0] if ranked.others else None)
    value = own = None
    if asked.position is not None:
        value = float(data.values(asked.feature)[asked.position])
        own = found.place_of(value), float(found.contribution[asked.position])
    frame = frame_of(found, everything=asked.everything, backwards=backwards, own=own)
    window = asked.window or frame.window

    def make() -> Images:
        rank = data.ranks(other) if other is not None else np.full(found.place.shape, np.nan, np.float32)
        return dependence_images(found, rank, window)

    key = (asked.feature, other, window)
    images = make() if asked.window is not None else data.pictures.get(key, make)
    ends = (np.nan, np.nan) if other is None else data.usual_ends(other)
    return _Drawn(asked, found, ranked.others[:OTHERS], other, ends, frame, images, own, value)
