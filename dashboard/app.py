"""The application: one page a session, over services that all sessions share."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import holoviews as hv
import panel as pn

from dashboard.address import parse
from dashboard.controller import Controller
from dashboard.exploring import Exploring
from dashboard.i18n import Translator, check_language, preferred_language
from dashboard.release import release_at_end, unwatch_busy
from dashboard.shell import Shell, follow_address
from dashboard.state import SessionState
from dashboard.tidying import Tidying
from dashboard.warm import warm_up_beside
from data.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.services import Services
    from data.schema import Language


class Application:
    """Builds the page of each session.

    Parameters
    ----------
    services : the prepared portfolio.
    language : of a visitor whose address and browser name none that there is.
    """

    def __init__(self, services: Services, language: Language) -> None:
        pn.extension(throttled=True)
        hv.extension("bokeh")
        hv.renderer("bokeh").webgl = False  # canvas draws these few glyphs as fast, without a driver
        self._services, self._language = services, language
        self._tidying = Tidying()
        warm_up_beside(services)

    def build(self) -> Any:
        """Return the page of the current session, from its address."""
        location = pn.state.location
        address = parse(location.search if location is not None else "")
        language = self._choose_language(address.language)
        translate = Translator(language)
        pn.config.disconnect_notification = translate("app.disconnected")
        state = SessionState(
            page=address.page,
            language=language,
            filters=address.filters,
            selection=address.selection,
            feature=address.feature or "",
            linked=address.explored,
        )
        schedule = _scheduler()
        controller = Controller(state, self._services, translate, self._services.executor, schedule)
        controller.start(address.client)
        exploring = Exploring(state, self._services, translate, self._services.executor, schedule)
        shell = Shell(state, self._services, controller, exploring, translate)
        if location is not None:
            pn.state.onload(lambda: follow_address(state, location))  # the browser tells its own address first
        pn.state.onload(controller.look_around)

        def close() -> None:
            controller.close()
            exploring.close()
            self._tidying.later()

        unwatch_busy(shell.page)
        release_at_end(shell.panes, close)
        return shell.page

    def _choose_language(self, asked: str | None) -> Language:
        if asked is not None:
            try:
                return check_language(asked)
            except InvalidOption:
                pass
        return preferred_language((pn.state.headers or {}).get("Accept-Language"), self._language)


def _scheduler() -> Callable[[Callable[[], None]], None]:
    """Return what runs work on the session's event loop, in the order in which it was given.

    A busy server runs callbacks in no particular order, so each of them takes the work that has waited longest.
    """
    document = pn.state.curdoc
    waiting: deque[Callable[[], None]] = deque()

    def run_next() -> None:
        work = waiting.popleft()
        work()

    def schedule(work: Callable[[], None]) -> None:
        if document is None:
            work()
        elif document.session_context is not None:
            waiting.append(work)
            document.add_next_tick_callback(run_next)

    return schedule
