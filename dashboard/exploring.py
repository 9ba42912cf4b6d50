"""What a visitor does on the Portfolio page, as changes of the session's state. No Panel here."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from data.errors import InvalidOption, PretscopeError
from explain.crossfilter.axes import AxisKey, usual_scale
from explain.crossfilter.exploration import DENSITY, MOST_CHARTS, PAIR, Exploration, Explorer, Pair, Wanted
from explain.crossfilter.filters import Box, Lasso, columns_of, passes

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from explain.crossfilter.axes import Scale
    from explain.crossfilter.exploration import Explored
    from explain.crossfilter.filters import Filter
    from explain.pixels import Window

MOST_UNDONE = 100
PIXELS = (640, 400)
LATE_SECONDS = 0.15
"""An answer later than this: while a drag goes on, its next pictures have half the pixels each way."""


class _Asked(NamedTuple):
    """A gesture: what it was, on which chart, whether it has ended, and when it came (`time.perf_counter`)."""

    gesture: str
    chart: str
    final: bool
    moment: float


class Exploring:
    """Turns gestures on the charts into what is explored (`state.exploration`) and what is shown (`state.explored`).

    One answer at a time is computed and shown, and only then the next: always all of what is wanted by then. So the
    latest gesture wins, none is lost, one that is already overtaken is never begun, and a drag without a pause is
    followed as fast as answers can be shown, not left waiting for its end. Where the server is busy, a drag is followed
    in coarser pictures; its end is shown in full.

    Parameters
    ----------
    state : of the session.
    services : shared by all sessions.
    translate : words for the messages.
    executor : where what is shown is computed, off the server's event loop.
    schedule : runs a function on the session's own event loop; results are delivered through it.
    """

    def __init__(
        self,
        state: SessionState,
        services: Services,
        translate: Translator,
        executor: Executor,
        schedule: Callable[[Callable[[], None]], None],
    ) -> None:
        self._state, self._services, self._t = state, services, translate
        self._executor, self._schedule = executor, schedule
        self._next: tuple[_Asked, Wanted] | None = None
        self._busy = self._closed = False
        self._explorer: Explorer | None = None
        self._window: Window | None = None
        self._pixels = PIXELS
        self._is_late = False

    def begin(self, *, at_once: bool = True) -> None:
        """Explore what the address tells, or the first view; from now on what is asked is shown.

        Where it is not to be shown at once, `look` has to follow: an answer that comes before the session is connected
        is lost.
        """
        if self._explorer is not None:
            return
        state = self._state
        self._explorer = Explorer(self._services.population)
        first = self._services.first_exploration
        try:
            told, unread = self._linked(first), state.linked.unread
        except PretscopeError:
            told, unread = first, True
        state.param.update(first=first, exploration=told, settled=told)
        if unread:
            state.explore_trouble = self._t("explore.unread")
        if at_once:
            self.look()

    def look(self) -> None:
        """Show what is explored."""
        self._ask("first", PAIR)

    def brush(self, chart: str, kept: Filter | None, *, final: bool = True) -> None:
        """Put a chart's filter in place of what it had; None takes it away.

        While a gesture goes on (`final` false) everything follows it, but address and undo wait for its end.
        """
        self._change(self._now.filtered(chart, kept), "brush", chart, final=final)

    def clear(self) -> None:
        """Take all filters away."""
        self._change(replace(self._now, filters=()), "clear", "")

    def undo(self) -> None:
        """Go back to before the last change, if there is one."""
        past = self._state.past
        if past:
            if past[-1].pair[:2] != self._now.pair[:2]:
                self._window = None
            self._state.param.update(exploration=past[-1], settled=past[-1], past=past[:-1])
            self._ask("undo", "")

    def show_pair(self, across: AxisKey | None = None, up: AxisKey | None = None, colour: str | None = None) -> None:
        """Show two other columns, or another colour; None leaves what is there. Its filter goes with its axes."""
        now = self._now
        pair = Pair(across or now.pair.across, up or now.pair.up, colour or now.pair.colour)
        kept, shown = now.filter_of(PAIR), now
        if kept is not None and not _fits(kept, pair):
            shown = now.filtered(PAIR, None)
        if pair[:2] != now.pair[:2]:
            self._window = None
        gesture = "colour" if pair[:2] == now.pair[:2] else "pair"
        self._change(replace(shown, pair=pair), gesture, PAIR)

    def zoom(self, window: Window | None) -> None:
        """Look at a part of the pair; None goes back to its usual range."""
        self._window = window
        self._ask("zoom", PAIR)

    def resize(self, width: int, height: int) -> None:
        """Compute the pair's picture in that many pixels."""
        if (width, height) != self._pixels:
            self._pixels = (width, height)
            if self._explorer is not None:
                self._ask("resize", PAIR)

    def add_chart(self, column: str) -> None:
        """Show one more distribution, on the scale on which it is easiest to read; one that is shown stays as it is."""
        now = self._now
        if any(chart.column == column for chart in now.charts):
            return
        if len(now.charts) >= MOST_CHARTS:
            self._state.explore_trouble = self._t("explore.most_charts", count=MOST_CHARTS)
            return
        self._change(replace(now, charts=(*now.charts, self._axis(column))), "add", column)

    def remove_chart(self, column: str) -> None:
        """Take a distribution away, and its filter."""
        now = self._now.filtered(column, None)
        charts = tuple(chart for chart in now.charts if chart.column != column)
        self._change(replace(now, charts=charts), "remove", column)

    def rescale(self, column: str, scale: Scale) -> None:
        """Show a distribution on another scale; its filter stays."""
        charts = tuple(AxisKey(column, scale) if chart.column == column else chart for chart in self._now.charts)
        self._change(replace(self._now, charts=charts), "rescale", column)

    def show_filters(self, filters: tuple[tuple[str, Filter], ...]) -> None:
        """Put other filters in place of all there are, as of a segment, with the charts that they are of."""
        try:
            shown = self._with_charts(replace(self._now, filters=()), filters)
        except PretscopeError as error:
            self._state.explore_trouble = str(error)
            return
        if shown.pair[:2] != self._now.pair[:2]:
            self._window = None
        self._change(shown, "segment", "")

    def close(self) -> None:
        """End it: nothing more is computed or delivered."""
        self._closed, self._next = True, None

    @property
    def _now(self) -> Exploration:
        exploration = self._state.exploration
        return self._services.first_exploration if exploration is None else exploration

    def _change(self, shown: Exploration, gesture: str, chart: str, *, final: bool = True) -> None:
        state = self._state
        if final and shown != state.settled:
            past = state.past if state.settled is None else (*state.past, state.settled)[-MOST_UNDONE:]
            state.param.update(exploration=shown, settled=shown, past=past)
        elif shown != state.exploration:
            state.exploration = shown
        elif self._is_shown(shown):
            return
        self._ask(gesture, chart, final=final)

    def _is_shown(self, exploration: Exploration) -> bool:
        if self._state.explored is None:
            return False
        wanted = self._state.explored.wanted
        return wanted.exploration == exploration and wanted.pixels == self._pixels

    def _ask(self, gesture: str, chart: str, *, final: bool = True) -> None:
        explorer = self._explorer
        if explorer is None:
            return
        width, height = self._pixels
        pixels = (width, height) if final or not self._is_late else (max(width // 2, 1), max(height // 2, 1))
        asked = _Asked(gesture, chart, final, time.perf_counter())
        self._next = (asked, Wanted(self._now, self._window, pixels))
        if not self._busy:
            self._compute()

    def _compute(self) -> None:
        """Compute what is wanted, if anything is; called on the session's event loop, as `_arrived` is."""
        explorer, wanted = self._explorer, self._next
        if explorer is None or wanted is None or self._closed:
            return
        self._busy, self._next = True, None
        self._executor.submit(lambda: self._work(explorer, *wanted))

    def _work(self, explorer: Explorer, asked: _Asked, wanted: Wanted) -> None:
        outcome: tuple[_Asked, Explored] | Exception
        try:
            outcome = (asked, explorer.explore(wanted))
        except Exception as error:  # noqa: BLE001 (the session decides what to tell)
            outcome = error
        self._schedule(lambda: self._arrived(outcome))

    def _arrived(self, outcome: tuple[_Asked, Explored] | Exception) -> None:
        self._busy = False
        if self._closed:
            return
        try:
            self._show(outcome)
        finally:
            self._compute()

    def _show(self, outcome: tuple[_Asked, Explored] | Exception) -> None:
        state = self._state
        if isinstance(outcome, PretscopeError):
            state.explore_trouble = str(outcome)
            return
        if isinstance(outcome, Exception):
            state.explore_trouble = self._t("problem.unexpected", kind=type(outcome).__name__)
            raise outcome
        asked, explored = outcome
        trouble = state.explore_trouble if asked.gesture in ("first", "resize") else ""
        state.param.update(explored=explored, explore_trouble=trouble)
        took = time.perf_counter() - asked.moment
        self._is_late = not asked.final and took > LATE_SECONDS
        if self._services.timings is not None:
            self._services.timings.add(asked.gesture, asked.chart, 1000 * took, len(self._services.population))

    def _axis(self, column: str) -> AxisKey:
        found = self._services.population.column(column)
        return AxisKey(column, usual_scale(found))

    def _linked(self, first: Exploration) -> Exploration:
        """Return what the address tells, put in place of what is shown first; raise where it can't be shown."""
        linked, population = self._state.linked, self._services.population
        pair = Pair(linked.across or first.pair.across, linked.up or first.pair.up, linked.colour or first.pair.colour)
        charts = first.charts if linked.charts is None else linked.charts[:MOST_CHARTS]
        colours = () if pair.colour == DENSITY else (pair.colour,)
        for column in (*(key.column for key in (*pair[:2], *charts)), *colours):
            population.column(column)
        if len({key.column for key in charts}) < len(charts):
            raise InvalidOption("A column is shown by one chart at most.")
        return self._with_charts(Exploration(pair, charts), linked.filters)

    def _with_charts(self, shown: Exploration, filters: tuple[tuple[str, Filter], ...]) -> Exploration:
        """Return an exploration with filters, and every chart that one of them is of."""
        for chart, kept in filters:
            passes(kept, self._services.population)  # raises where the filter isn't one of this portfolio's
            columns = columns_of(kept)
            if chart == PAIR and not _fits(kept, shown.pair):
                axes = [kept.across, kept.up] if isinstance(kept, Lasso) else [self._axis(column) for column in columns]
                up = axes[1] if len(axes) > 1 else shown.pair.up
                shown = replace(shown, pair=Pair(axes[0], up, shown.pair.colour))
            elif chart != PAIR and all(key.column != chart for key in shown.charts):
                shown = replace(shown, charts=(*shown.charts, self._axis(columns[0])))
            shown = shown.filtered(chart, kept)
        return shown


def _fits(kept: Filter, pair: Pair) -> bool:
    """Return whether a filter of the pair can be drawn on it."""
    if isinstance(kept, Box):
        return (kept.across.column, kept.up.column) == (pair.across.column, pair.up.column)
    if isinstance(kept, Lasso):
        return (kept.across, kept.up) == pair[:2]
    return kept.column in (pair.across.column, pair.up.column)
