"""The features that weigh most, every client drawn: what each contributes, and from which values."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import panel as pn
import panel_material_ui as pmui
import polars as pl

from dashboard.figures.beeswarm import (
    beeswarm_image,
    beeswarm_layers,
    beeswarm_options,
    dress_beeswarm,
    whole,
)
from dashboard.figures.palette import MISSING
from dashboard.figures.shading import blank, ramp
from dashboard.views.background import Background
from dashboard.views.folded_table import folded_table
from dashboard.views.html import html, status
from dashboard.views.value_axis import ValueAxis
from dashboard.views.wording import Wording
from dashboard.views.zoomed import ZoomedFigure
from data.cores import threads
from explain.swarm import PARTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dashboard.i18n import Translator
    from dashboard.plot_data import PlotData
    from dashboard.services import Services
    from dashboard.state import SessionState
    from explain.pixels import Window

EVERYONE, CHOSEN = "everyone", "chosen"


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    image: NDArray[np.uint8]
    window: Window
    is_new: bool
    positions: NDArray[np.intp] | None


class BeeswarmView(pn.viewable.Viewer):
    """The swarms of all clients, or of those selected.

    Attributes
    ----------
    figure : the live figure, whose pane is to be released when the session ends.
    """

    def __init__(self, state: SessionState, services: Services, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._state, self._services, self._t = state, services, translate
        self._data: PlotData = services.plots
        self._wording = Wording(services, translate)
        self._names = self._data.strongest
        self._labels = [self._wording.feature(name) for name in self._names]
        self._words, self._table = html(), html()
        self._who = pmui.RadioButtonGroup(
            label=translate("plots.who"),
            options={translate("plots.everyone"): EVERYONE, translate("plots.chosen"): CHOSEN},
            value=EVERYONE,
            size="small",
            width=340,
            margin=(8, 0),
        )
        self._who.param.watch(self._changed, "value")
        self._summary = translate("plots.computing")
        self._home: Window | None = None
        self.figure = ZoomedFigure(self._zoomed)
        self._background = Background(services.executor, self._arrived)
        self._show(blank(), whole([]), is_new=True)
        self._words.object = status(self._summary)
        state.param.watch(self._selected, ["selection", "portfolio_selection", "filters"])
        self._changed()

    def _selected(self, *_events: Any) -> None:
        if self._who.value == CHOSEN:
            self._changed()

    def _changed(self, *_events: Any) -> None:
        self._ask(None)

    def _zoomed(self, window: Window) -> None:
        self._ask(window)

    def _ask(self, window: Window | None) -> None:
        names, data, explanations = self._names, self._data, self._services.explanations
        chosen = self._state.chosen if self._who.value == CHOSEN else None

        def work() -> _Drawn:
            positions = None
            if chosen is not None:
                mask = chosen.mask if hasattr(chosen, "mask") else explanations.mask(chosen)
                positions = np.flatnonzero(mask)
            return _draw(data, names, positions, window)

        self._background.submit(work)

    def _arrived(self, outcome: _Drawn | pl.DataFrame | Exception) -> None:
        if isinstance(outcome, Exception):
            self._words.object = status(self._t("problem.unexpected", kind=type(outcome).__name__))
            raise outcome
        if isinstance(outcome, pl.DataFrame):
            with pn.io.hold():
                self._summary = self._summarise(outcome)
                self._words.object = status(self._summary)
                self._table.object = self._table_html(outcome)
                self.figure.say(self._summary)
            return
        self._show(outcome.image, outcome.window, is_new=outcome.is_new)
        if outcome.is_new and self._names:  # the table takes as long as the picture, which need not wait for it
            names, data, positions = self._names, self._data, outcome.positions
            self._background.submit(lambda: _tabled(data, names, positions))

    def _show(self, image: NDArray[np.uint8], window: Window, *, is_new: bool) -> None:
        self.figure.show(
            beeswarm_layers(image, window),
            lambda hook: beeswarm_options(len(self._names), self._t, hook),
            lambda figure: dress_beeswarm(figure, self._labels, window, self._t, self._summary, is_new=is_new),
        )

    def _summarise(self, table: pl.DataFrame) -> str:
        t = self._t
        first = table.head(len(PARTS))
        clients = int(first["clients"].sum())
        if not clients:
            return t("plots.nobody")
        median = dict(zip(first["part"], first["median"], strict=True))
        said = {part: "–" if np.isnan(median[part]) else t.signed(median[part]) for part in ("low", "high")}
        return t("plots.swarm_summary", clients=t.number(clients, 0), feature=self._labels[0], **said)

    def _table_html(self, table: pl.DataFrame) -> str:
        t = self._t
        rows = [
            [
                self._wording.feature(row["feature"]),
                t(f"plots.part_{row['part']}"),
                self._values(row),
                t.number(row["clients"], 0),
                *(t.signed(row[key]) for key in ("q10", "median", "q90")),
            ]
            for row in table.iter_rows(named=True)
            if row["clients"]
        ]
        heads = [t(f"plots.{key}") for key in ("feature", "part", "values", "clients", "q10", "median", "q90")]
        return folded_table(t("plots.swarm_table"), heads, rows, words=3)

    def _values(self, row: dict[str, Any]) -> str:
        if row["part"] == "missing":
            return ""
        return ValueAxis(self._services, self._wording, row["feature"]).between(row["least"], row["greatest"], self._t)

    def _legend(self) -> str:
        t = self._t
        return (
            f"<h2>{escape(t('plots.swarm_title'))}</h2><p class='soft'>{escape(t('plots.swarm_intro'))}</p>"
            f"{legend(t, t('plots.legend_value'), t('plots.legend_low'), t('plots.legend_high'))}"
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        return pmui.Column(
            html(self._legend()), self._who, self.figure.pane, self._words, self._table,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip


def legend(t: Translator, of: str, low: str, high: str) -> str:
    """Return the HTML of what the colours mean; `of` says of what they are the values, from `low` to `high`."""
    bar = f'<span class="ramp" style="background:{ramp()}" aria-hidden="true"></span>'
    grey = f'<span class="swatch inline" style="background:{MISSING}" aria-hidden="true"></span>'
    return (
        f'<p class="colours"><span>{escape(of)}</span> <span>{escape(low)} {bar} {escape(high)}</span> '
        f"<span>{grey} {escape(t('plots.legend_missing'))}</span></p>"
    )


def _draw(data: PlotData, names: tuple[str, ...], positions: NDArray[np.intp] | None, window: Window | None) -> _Drawn:
    swarms = data.swarms(names, positions)
    home = window if window is not None else whole(swarms)

    def make() -> NDArray[np.uint8]:
        with ThreadPoolExecutor(threads()) as pool:
            return beeswarm_image(swarms, home.left, home.right, pool.map)

    image = make() if positions is not None or window is not None else data.pictures.get(("swarms", names), make)
    drawn = home._replace(bottom=0.5, top=len(names) + 0.5)
    return _Drawn(image, drawn, window is None, positions)


def _tabled(data: PlotData, names: tuple[str, ...], positions: NDArray[np.intp] | None) -> pl.DataFrame:
    return pl.concat([part.frame() for part in data.parts(names, positions)])
