"""Two columns of every client against each other: what a visitor sees of them, and the gestures that ask for more."""

from __future__ import annotations

import math
import weakref
from collections import deque
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import panel as pn
import panel_material_ui as pmui
from bokeh.events import RangesUpdate, SelectionGeometry, Tap

from dashboard.figures.bivariate import NO_RECTANGLES, PairFigure
from dashboard.figures.density import shade_ghost, spread
from dashboard.views.column_words import ColumnWords
from dashboard.views.html import html, status
from dashboard.views.pair_choice import PairChoice
from dashboard.views.pair_colours import PairColours
from dashboard.views.pair_places import SAME, alike, box_of, boxes, category_at, labelled, lasso_of, rectangles
from dashboard.views.pair_typed import TypedFilter
from dashboard.views.pair_words import PairWords
from dashboard.views.quiet import Quiet
from explain.crossfilter.exploration import PAIR
from explain.crossfilter.filters import Box, Lasso
from explain.pixels import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dashboard.exploring import Exploring
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from explain.crossfilter.axes import Axis
    from explain.crossfilter.exploration import Explored, Pair, Picture
    from explain.crossfilter.filters import Filter
    from explain.crossfilter.zones import Zones
    from explain.pixels import Grid

MOST_PIXELS, LEAST_PIXELS = (1000, 600), (240, 200)
COARSE = 1.5
"""Screen pixels to one of the picture: finer than that, most pixels of a plot hold one client or none."""
RESIZED = 0.08
_USUAL = (640, 380)
_HIT = 12
_LATELY = 60


class BivariateView(pn.viewable.Viewer):
    """The plot of the pair that is explored, what chooses it, and what it says.

    It is built once; `update` then changes only what has to change, since a gesture under way updates it many times.

    Parameters
    ----------
    state, services, exploring, translate : of the session.
    open_client : called with the id of a client whose point was clicked.
    """

    def __init__(
        self,
        state: SessionState,
        services: Services,
        exploring: Exploring,
        translate: Translator,
        *,
        open_client: Callable[[str], None] | None = None,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._state, self._services, self._exploring, self._t = state, services, exploring, translate
        self._open_client = open_client
        self._words = ColumnWords(services, translate)
        self._says = PairWords(services, self._words, translate)
        self._colours = PairColours(services, self._words, translate)
        self._choice = PairChoice(state, services, exploring, translate)
        self._typed = TypedFilter(exploring, services, self._words, translate)
        self._shown: Explored | None = None
        self._axes: tuple[Axis, Axis] | None = None
        self._home = self._looked_at = Window(0.0, 1.0, 0.0, 1.0)
        self._asked: deque[Window | None] = deque(maxlen=_LATELY)
        self._facts: dict[Any, tuple[bool, str | None]] = {}
        self._ghost: Grid | None = None
        self._zones: Zones | None = None
        self._outlined: tuple[Zones | None, Pair, Window] | None = None
        self._size = (0, 0)
        self._inner = {"inner_width": 0, "inner_height": 0}
        self._drawing = PairFigure(translate)
        self._listen()
        self._title, self._legend, self._summary, self._table = html(), html(), html(), html()
        self._told_title = self._told_legend = ""
        self._told_cells: Picture | None = None
        self._summary.object = status(translate("plots.computing"))
        self._clear = self._button("bivariate.clear", self._cleared)
        self._whole = self._button("bivariate.whole", self._widened)
        self._quiet = Quiet(self._say, exploring=state)
        state.param.watch(self._mark, "file")

    def offer_pairs(self, pairs: Sequence[tuple[str, Pair]]) -> None:
        """Offer pairs that tell something, each under a label."""
        self._choice.offer_pairs(pairs)

    def set_zones(self, zones: Zones | None) -> None:
        """Outline the zones found in the pair; None outlines nothing. Those of two other columns are never drawn."""
        if self._zones is not zones:
            self._zones = zones
            self._outline()

    def update(self, explored: Explored) -> None:
        """Show what is explored."""
        picture, wanted = explored.picture, explored.wanted
        population = self._services.population
        before = None if self._axes is None else tuple(axis.key for axis in self._axes)
        across, up = self._axes = population.axis(picture.pair.across), population.axis(picture.pair.up)
        is_new = before != picture.pair[:2]
        self._shown = explored
        if is_new:
            self._asked.clear()
            self._title_of(picture.pair)
            self._typed.show(self._axes)
        if wanted.window is None:
            self._home = picture.window
        elif is_new:
            self._home = Window(*across.usual, *up.usual)
        if is_new or wanted.window not in self._asked:
            self._look_at(picture.window)
        self._say_axes(picture.window)
        self._drawing.paint(spread(self._colours.image(picture, across, up)), picture.window)
        if picture.ghost is not self._ghost:  # the same for every filter
            self._ghost = picture.ghost
            ghost = None if picture.ghost is None else spread(shade_ghost(picture.ghost))
            self._drawing.paint_ghost(ghost, picture.window)
        if is_new or self._state.settled is None or wanted.exploration == self._state.settled:
            self._show_points(picture)  # while a gesture goes on, nobody reads them
        if is_new:
            self._say_cells(picture)
        legend = self._colours.legend(picture)
        if legend != self._told_legend:
            self._legend.object = self._told_legend = legend
        self._outline()
        self._mark()
        self._show_kept()
        self._whole.disabled = wanted.window is None
        self._quiet.ask()

    @property
    def _pixels(self) -> tuple[int, int]:
        """Width and height of the plot, in pixels; what is usual before the browser tells."""
        return self._size if all(self._size) else _USUAL

    def _look_at(self, window: Window) -> None:
        assert self._axes is not None
        across, up = (self._words.backwards(axis.key.column) for axis in self._axes)
        self._drawing.look_at(window, self._home, reversed_across=across, reversed_up=up)
        self._looked_at = window

    def _say_axes(self, window: Window) -> None:
        assert self._axes is not None
        (across, up), size = self._axes, self._pixels
        self._drawing.say_axes(
            self._says.ticks(across, window.left, window.right, size, upright=False),
            self._says.ticks(up, window.bottom, window.top, size, upright=True),
        )

    def _show_points(self, picture: Picture) -> None:
        """Show the clients one by one, where there are few."""
        assert self._axes is not None
        near, (across, up) = picture.near, self._axes
        if near is None or not len(near):
            self._drawing.show_near(np.zeros(0), np.zeros(0), np.zeros(0, np.bool_), {})
        else:
            words = self._says.clients(near, picture.pair)
            self._drawing.show_near(across.places[near], up.places[near], self._services.accepted[near], words)

    def _say_cells(self, picture: Picture) -> None:
        """Say who is where, cell by cell, unless there are so few clients that each is told of."""
        if self._axes is None or picture is self._told_cells:
            return
        self._told_cells = picture
        is_few = picture.near is not None and len(picture.near) > 0
        self._drawing.say_cells(NO_RECTANGLES if is_few else self._says.cells(picture, *self._axes))

    def _title_of(self, pair: Pair) -> None:
        title = self._says.title(pair)
        if title != self._told_title:
            self._told_title = title
            self._title.object = f"<h2>{escape(title)}</h2><p class='soft'>{escape(self._t('bivariate.intro'))}</p>"

    def _say(self) -> None:
        """Say in words what is shown, once a gesture has come to rest: it is read aloud."""
        if self._shown is None or self._axes is None:
            return
        picture = self._shown.picture
        facts = [(self._words.label(axis.key.column), *self._facts_of(axis)) for axis in self._axes]
        missing = list(dict.fromkeys(label for label, some_missing, _ in facts if some_missing))
        constant = list(dict.fromkeys((label, value) for label, _, value in facts if value is not None))
        said = f"{self._says.summary(picture, missing, constant)} {self._own_sentence()}".strip()
        with pn.io.hold():
            self._say_cells(picture)
            self._summary.object = status(said)
            self._table.object = self._says.table(picture, *self._axes) if picture.placed.clients else ""
            self._drawing.say(f"{self._told_title} {said}")

    def _own_sentence(self) -> str:
        file, t = self._state.file, self._t
        if file is None or self._axes is None:
            return ""
        if self._place() is None:
            return t("bivariate.client_nowhere", client=t.client(file.client))
        columns = [self._services.population.column(axis.key.column) for axis in self._axes]
        told = [self._says.said(one.key, one.categories, float(one.values[file.position])) for one in columns]
        return t("bivariate.client_at", client=t.client(file.client), across=told[0], up=told[1])

    def _facts_of(self, axis: Axis) -> tuple[bool, str | None]:
        """Return whether some client has no place on an axis, and in words the value that all others share, if any."""
        key = axis.key
        if key not in self._facts:
            values = self._services.population.column(key.column).values
            least, most = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
            missing = bool(np.isnan(axis.places).any())
            only = None if least != most else self._says.said(key.column, axis.categories, least)
            self._facts[key] = (missing, only)
        return self._facts[key]

    def _place(self) -> tuple[float, float] | None:
        file = self._state.file
        if file is None or self._axes is None:
            return None
        place = tuple(float(axis.places[file.position]) for axis in self._axes)
        return place if np.isfinite(place).all() else None

    def _mark(self, *events: Any) -> None:
        place = self._place()
        label = "" if place is None else self._t("bivariate.client", client=self._t.client(self._state.file.client))
        self._drawing.mark(place, label, self._pixels[0])
        if events:
            self._quiet.ask()

    def _outline(self) -> None:
        if self._axes is None or self._shown is None:
            return
        pair, zones = self._shown.picture.pair, self._zones
        outlined = (zones, pair, self._looked_at)
        if outlined == self._outlined:
            return
        self._outlined = outlined
        if zones is None or (zones.across, zones.up) != (pair.across.column, pair.up.column):
            self._drawing.outline(NO_RECTANGLES)
            return
        found, labels = [], []
        for zone, label in self._says.zones(zones, pair.colour):
            drawn = boxes(zone.box, self._axes, self._looked_at)
            found += drawn
            labels += [label, *[""] * (len(drawn) - 1)][: len(drawn)]
        backwards = self._words.backwards(pair.across.column), self._words.backwards(pair.up.column)
        self._drawing.outline(labelled(found, labels, self._looked_at, backwards))

    def _show_kept(self) -> None:
        """Draw the figure's own filter, the newest, whatever is still being computed."""
        exploration = self._state.exploration
        kept = None if exploration is None else exploration.filter_of(PAIR)
        self._clear.disabled = kept is None
        if self._axes is None or exploration is None or exploration.pair[:2] != tuple(axis.key for axis in self._axes):
            return
        if isinstance(kept, Lasso):
            self._drawing.show_kept(NO_RECTANGLES, kept.corners)
            return
        drawn = [] if kept is None else boxes(kept, self._axes, self._looked_at)
        self._drawing.show_kept(rectangles(drawn), ())

    def _listen(self) -> None:
        model = self._drawing.model
        model.on_event(SelectionGeometry, _weakly(self._selected))
        model.on_event(RangesUpdate, _weakly(self._zoomed))
        model.on_event(Tap, _weakly(self._tapped))
        resized = _weakly(self._resized)
        for name in ("inner_width", "inner_height"):
            model.on_change(name, lambda name, _old, new: resized((name, new)))

    def _current(self) -> tuple[Axis, Axis] | None:
        """Return the axes drawn, None while others are asked for."""
        exploration = self._state.exploration
        if self._axes is None or exploration is None:
            return None
        return self._axes if exploration.pair[:2] == tuple(axis.key for axis in self._axes) else None

    def _selected(self, event: Any) -> None:
        axes, geometry = self._current(), event.geometry or {}
        if axes is None:
            return
        kept: Filter | None = None
        if geometry.get("type") == "rect":
            kept = box_of(axes, geometry, self._looked_at)
        elif geometry.get("type") == "poly":
            kept = lasso_of(axes, geometry)
        if kept is not None:
            self._exploring.brush(PAIR, kept, final=bool(event.final))
            self._show_kept()

    def _zoomed(self, event: Any) -> None:
        ends = (*sorted((event.x0, event.x1)), *sorted((event.y0, event.y1)))
        if self._current() is None or not all(math.isfinite(end) for end in ends):
            return
        window = Window(*ends)
        across, up = window.right - window.left, window.top - window.bottom
        if across <= SAME * max(map(abs, window[:2])) or up <= SAME * max(map(abs, window[2:])):
            return
        self._looked_at = window
        asked = None if alike(window, self._home) else window
        self._asked.append(asked)
        self._exploring.zoom(asked)

    def _tapped(self, event: Any) -> None:
        axes, x, y = self._current(), event.x, event.y
        if axes is None or x is None or y is None:
            return
        client = self._client_at(x, y)
        if client is not None:
            if self._open_client is not None:
                self._open_client(client)
            return
        window = self._looked_at
        inside = (window.left <= x <= window.right, window.bottom <= y <= window.top)
        touched = [
            category_at(axis, place) if axis.categories is not None and there else None
            for axis, place, there in zip(axes, (x, y), inside, strict=True)
        ]
        if not any(inside) or not any(touched):
            return
        kept = Box(*touched) if all(touched) else next(side for side in touched if side is not None)
        same = self._state.exploration.filter_of(PAIR) == kept
        self._exploring.brush(PAIR, None if same else kept)
        self._show_kept()

    def _client_at(self, x: float, y: float) -> str | None:
        """Return the id of the client whose point is nearest to a place, None where none is near."""
        near = None if self._shown is None else self._shown.picture.near
        if near is None or not len(near) or self._axes is None:
            return None
        window, (width, height) = self._looked_at, self._pixels
        across = (self._axes[0].places[near] - x) / (window.right - window.left) * width
        up = (self._axes[1].places[near] - y) / (window.top - window.bottom) * height
        away = np.hypot(across, up)
        nearest = int(np.argmin(away))
        return str(int(self._services.population.ids[near[nearest]])) if away[nearest] <= _HIT else None

    def _resized(self, measured: tuple[str, int | None]) -> None:
        name, pixels = measured
        self._inner[name] = pixels or 0
        size = self._inner["inner_width"], self._inner["inner_height"]
        known = all(self._size) and all(
            abs(new - old) <= RESIZED * old for new, old in zip(size, self._size, strict=True)
        )
        if known or min(size) <= 0:
            return
        self._size = size
        pixels = zip(size, LEAST_PIXELS, MOST_PIXELS, strict=True)
        self._exploring.resize(*(min(max(round(one / COARSE), least), most) for one, least, most in pixels))
        if self._shown is not None:
            self._say_axes(self._looked_at)

    def _cleared(self, *_events: Any) -> None:
        self._exploring.brush(PAIR, None)
        self._show_kept()

    def _widened(self, *_events: Any) -> None:
        self._asked.clear()
        self._exploring.zoom(None)

    def _button(self, key: str, act: Callable[..., None]) -> pmui.Button:
        return pmui.Button(
            label=self._t(key), size="small", variant="outlined", on_click=act, disabled=True, margin=(4, 8, 4, 0)
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        plot = pn.pane.Bokeh(self._drawing.model, sizing_mode="stretch_width", margin=(6, 0, 0, 0))
        return pmui.Column(
            self._title, self._choice, self._legend, plot, pn.FlexBox(self._clear, self._whole, margin=0),
            self._summary, self._typed, self._table,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip


def _weakly(method: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return what calls a method for as long as its owner lives: a figure outlives its view in Bokeh's own lists."""
    held = weakref.WeakMethod(method)

    def heard(event: Any) -> None:
        told = held()
        if told is not None:
            told(event)

    return heard
