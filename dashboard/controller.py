"""What a visitor does, as changes of the session's state. No Panel here: tested without a server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dashboard.address import FILTERED, PICKED
from dashboard.jobs import LatestWins
from dashboard.surroundings import surroundings
from data.errors import PretscopeError, UnknownClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from dashboard.explanations import ComparedImportance
    from dashboard.i18n import Translator
    from dashboard.services import ClientFile, Services, Suggestion
    from dashboard.state import SessionState
    from dashboard.surroundings import Surroundings
    from data.features.catalog import Feature


class Controller:
    """Turns what a visitor asks for into the session's state.

    Parameters
    ----------
    state : of the session.
    services : shared by all sessions.
    translate : words for the messages.
    executor : where what takes long is computed, off the server's event loop.
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
        self.state = state
        self.services = services
        self._t = translate
        self._jobs: LatestWins[ClientFile] = LatestWins(
            executor, lambda outcome: schedule(lambda: self._arrived(outcome))
        )
        self._looks: LatestWins[Surroundings] = LatestWins(
            executor, lambda outcome: schedule(lambda: self._surrounded(outcome))
        )
        self._looking = False
        self._comparisons: LatestWins[tuple[str, ComparedImportance]] = LatestWins(
            executor, lambda outcome: schedule(lambda: self._compared(outcome))
        )
        strongest = services.explanations.strongest
        state.param.update(
            usual_feature=strongest, feature=state.feature if services.has_feature(state.feature) else strongest
        )

    def start(self, client: str | None) -> None:
        """Show the client the address names, or the portfolio's first, at once: the first page arrives filled."""
        if client is None:
            position = self.services.next_matching(self.state.filters, None)
            if position is None:
                self.state.problem = self._t("picker.no_match")
                position = 0
            self._show(self.services.file_at(position))
            return
        self.state.wanted = client
        try:
            self._show(self.services.file(client))
        except PretscopeError as error:
            self._refuse(error)

    def look_around(self) -> None:
        """Compute what places the client shown among everyone, and from now on that of each client shown."""
        self._looking = True
        if self.state.file is not None:
            self._surround(self.state.file)

    def open(self, text: str) -> None:
        """Ask for the client called `text`; the page keeps the last good answer until it is there."""
        text = text.strip()
        if not text or (self.state.file is not None and text == str(self.state.file.client) and not self.state.problem):
            return
        self.state.param.update(wanted=text, problem="", nearest=())
        self._jobs.submit(lambda: self.services.file(text))

    def step(self, decision: str | None = None) -> None:
        """Ask for the next client that the filters keep; with `decision`, for the next one so decided among them."""
        filters = self.state.filters if decision is None else replace(self.state.filters, decision=decision)
        after = self.state.file.position if self.state.file is not None else None
        position = self.services.next_matching(filters, after)
        if position is None:
            self.state.problem = self._t("picker.no_match")
            return
        self.open(str(int(self.services.portfolio.features.ids[position])))

    def suggest(self, prefix: str) -> tuple[tuple[Suggestion, ...], int]:
        """Return the clients to offer for what has been typed so far, and how many there are."""
        return self.services.suggestions(prefix.strip(), self.state.filters)

    def explore(self) -> None:
        """Compare the selection with everyone, now and whenever what is compared changes."""
        changes = ["selection", "level", "filters", "portfolio_selection"]
        self.state.param.watch(self._compare, changes)
        self._compare()

    def look_at(self, name: str) -> None:
        """Put what a line of the importance shows in focus: a feature, or the one that weighs most of a source."""
        self.state.feature = self.services.explanations.leader(self.state.level, name)

    def search(self, text: str) -> tuple[tuple[Feature, ...], int]:
        """Return the features to offer for the words typed, and how many there are."""
        return self.services.index.find(text)

    def close(self) -> None:
        """End the session: nothing more is computed for it or delivered to it."""
        self._jobs.close()
        self._looks.close()
        self._comparisons.close()

    def _compare(self, *events: Any) -> None:
        state = self.state
        others = {"filters": FILTERED, "portfolio_selection": PICKED}
        if events and all(others.get(event.name, state.selection) != state.selection for event in events):
            return  # what changed is another selection's
        state.comparing = True
        name, level, chosen = state.selection, state.level, state.chosen
        self._comparisons.submit(lambda: (name, self.services.explanations.compare(level, chosen)))

    def _compared(self, outcome: tuple[str, ComparedImportance] | Exception) -> None:
        if isinstance(outcome, Exception):
            trouble = str(outcome)
            if not isinstance(outcome, PretscopeError):
                trouble = self._t("problem.unexpected", kind=type(outcome).__name__)
            self.state.param.update(comparing=False, trouble=trouble)
            if not isinstance(outcome, PretscopeError):
                raise outcome
            return
        self.state.param.update(compared_with=outcome[0], compared=outcome[1], comparing=False, trouble="")

    def _arrived(self, outcome: ClientFile | Exception) -> None:
        if isinstance(outcome, PretscopeError):
            self._refuse(outcome)
        elif isinstance(outcome, Exception):
            self.state.problem = self._t("problem.unexpected", kind=type(outcome).__name__)
            raise outcome
        else:
            self._show(outcome)

    def _show(self, file: ClientFile) -> None:
        known = {standing.feature for standing in file.standings}
        focus = self.state.focus if self.state.focus in known else ""
        self.state.param.update(file=file, wanted=str(file.client), problem="", nearest=(), focus=focus)
        if self._looking:
            self._surround(file)

    def _surround(self, file: ClientFile) -> None:
        services = self.services
        self._looks.submit(lambda: surroundings(file, services))

    def _surrounded(self, outcome: Surroundings | Exception) -> None:
        if isinstance(outcome, Exception):
            self.state.problem = self._t("problem.unexpected", kind=type(outcome).__name__)
            raise outcome
        self.state.surroundings = outcome

    def _refuse(self, error: PretscopeError) -> None:
        if isinstance(error, UnknownClient):
            message = self._t("problem.unknown_client", client=str(error.client)[:40])
            self.state.param.update(problem=message, nearest=error.nearest)
        else:
            self.state.param.update(problem=str(error), nearest=())
