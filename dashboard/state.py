"""What one visitor's session holds. It knows neither Panel nor how anything is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import param

from dashboard.address import FILTERED, PAGES, PICKED, SELECTION, Address, Explored, Filters
from dashboard.explanations import LINES
from data.schema import LANGUAGES
from explain.selection import Selection, named_selections

if TYPE_CHECKING:
    from dashboard.explanations import ComparedImportance, PickedClients
    from dashboard.services import ClientFile
    from dashboard.surroundings import Surroundings
    from data.schema import Language
    from explain.crossfilter.exploration import Exploration
    from explain.crossfilter.exploration import Explored as Shown
    from explain.importance import Level


class SessionState(param.Parameterized):
    """The state of one session.

    Attributes
    ----------
    page : the page shown, one of `dashboard.address.PAGES`.
    language : "fr" or "en", fixed for the session: another language is another session.
    filters : which clients the picker offers.
    file : the client shown, with the decision and its reasons; None before the first one.
    surroundings : what places a client among everyone; it follows `file` a little later, and is the last client's until
        then. None before the first one.
    wanted : the client asked for, as typed or linked; differs from `file` while it is computed, or when it is unknown.
    problem : message about `wanted`, in the session's language; empty when all is well. `file` then stays, not current.
    nearest : ids nearest to an unknown one.
    facts : names of the application columns the visitor chose to read; None for the usual ones.
    focus : feature whose distribution is shown; empty for the one that weighs most.
    usual_feature : feature that weighs most over all clients: the one explained unless another is chosen.
    feature : feature explained on the Explanation page.
    selection : clients set against everyone there: a name of `named_selections`, FILTERED or PICKED.
    portfolio_selection : clients picked on the Portfolio page; None where there are none.
    level : what a line of the importance is: a "table", a "group" (source column) or a "feature".
    compared : importance for everyone and for the selection; the last answer while another is computed.
    compared_with : the selection that it is of.
    comparing : whether it is being computed.
    trouble : message about it, in the session's language; empty when all is well. `compared` then stays, not current.
    linked : what the address told the Portfolio page to explore.
    first : what the Portfolio page shows first; None before the page is first opened.
    exploration : what is explored there, a gesture under way included; None before the page is first opened.
    settled : the same when the last gesture had ended: what the address tells.
    past : what was explored before the last changes, the oldest first.
    explored : what is shown there; the last answer while another is computed.
    explore_trouble : message about it, in the session's language; empty when all is well. `explored` then stays.
    """

    page: str = param.Selector(default="client", objects=list(PAGES))  # type: ignore[assignment]
    language: Language = param.Selector(default="fr", objects=list(LANGUAGES), constant=True)  # type: ignore[assignment]
    filters: Filters = param.ClassSelector(class_=Filters, default=Filters())  # type: ignore[assignment]
    file: ClientFile | None = param.Parameter(default=None)  # type: ignore[assignment]
    surroundings: Surroundings | None = param.Parameter(default=None)  # type: ignore[assignment]
    wanted: str = param.String(default="")  # type: ignore[assignment]
    problem: str = param.String(default="")  # type: ignore[assignment]
    nearest: tuple[int, ...] = param.Parameter(default=())  # type: ignore[assignment]
    facts: tuple[str, ...] | None = param.Parameter(default=None)  # type: ignore[assignment]
    focus: str = param.String(default="")  # type: ignore[assignment]
    usual_feature: str = param.String(default="")  # type: ignore[assignment]
    feature: str = param.String(default="")  # type: ignore[assignment]
    selection: str = param.Selector(  # type: ignore[assignment]
        default=SELECTION, objects=[*named_selections(), FILTERED, PICKED]
    )
    portfolio_selection: PickedClients | None = param.Parameter(default=None)  # type: ignore[assignment]
    level: Level = param.Selector(default="group", objects=list(LINES))  # type: ignore[assignment]
    compared: ComparedImportance | None = param.Parameter(default=None)  # type: ignore[assignment]
    compared_with: str = param.String(default="")  # type: ignore[assignment]
    comparing: bool = param.Boolean(default=False)  # type: ignore[assignment]
    trouble: str = param.String(default="")  # type: ignore[assignment]
    linked: Explored = param.ClassSelector(class_=Explored, default=Explored())  # type: ignore[assignment]
    first: Exploration | None = param.Parameter(default=None)  # type: ignore[assignment]
    exploration: Exploration | None = param.Parameter(default=None)  # type: ignore[assignment]
    settled: Exploration | None = param.Parameter(default=None)  # type: ignore[assignment]
    past: tuple[Exploration, ...] = param.Parameter(default=())  # type: ignore[assignment]
    explored: Shown | None = param.Parameter(default=None)  # type: ignore[assignment]
    explore_trouble: str = param.String(default="")  # type: ignore[assignment]

    @property
    def chosen(self) -> Selection | PickedClients:
        """The clients set against everyone; everyone where the clients picked are no longer there."""
        if self.selection == PICKED:
            return self.portfolio_selection or Selection()
        return self.filters.selection if self.selection == FILTERED else named_selections()[self.selection]

    @property
    def address(self) -> Address:
        """The address that brings this state back."""
        shown = self.wanted or (str(self.file.client) if self.file else None)
        return Address(
            page=self.page,
            client=shown,
            language=self.language,
            filters=self.filters,
            selection=SELECTION if self.selection == PICKED else self.selection,
            feature=None if self.feature == self.usual_feature else self.feature,
            explored=self._explored,
        )

    @property
    def _explored(self) -> Explored:
        """What is explored, so far as it is not what the Portfolio page shows first."""
        first, settled = self.first, self.settled
        if first is None or settled is None:
            return self.linked
        (across, up, colour), usual = settled.pair, first.pair
        return Explored(
            across=None if across == usual.across else across,
            up=None if up == usual.up else up,
            colour=None if colour == usual.colour else colour,
            charts=None if settled.charts == first.charts else settled.charts,
            filters=settled.filters,
        )
