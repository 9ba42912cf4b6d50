"""What one visitor's session holds. It knows neither Panel nor how anything is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import param

from dashboard.address import PAGES, Address, Filters
from data.schema import LANGUAGES

if TYPE_CHECKING:
    from dashboard.services import ClientFile
    from data.schema import Language


class SessionState(param.Parameterized):
    """The state of one session.

    Attributes
    ----------
    page : the page shown, one of `dashboard.address.PAGES`.
    language : "fr" or "en", fixed for the session: another language is another session.
    filters : which clients the picker offers.
    file : the client shown, with the decision and its reasons; None before the first one.
    wanted : the client asked for, as typed or linked; differs from `file` while it is computed, or when it is unknown.
    problem : message about `wanted`, in the session's language; empty when all is well. `file` then stays, not current.
    nearest : ids nearest to an unknown one.
    facts : names of the application columns the visitor chose to read; None for the usual ones.
    focus : feature whose distribution is shown; empty for the one that weighs most.
    """

    page: str = param.Selector(default="client", objects=list(PAGES))  # type: ignore[assignment]
    language: Language = param.Selector(default="fr", objects=list(LANGUAGES), constant=True)  # type: ignore[assignment]
    filters: Filters = param.ClassSelector(class_=Filters, default=Filters())  # type: ignore[assignment]
    file: ClientFile | None = param.Parameter(default=None)  # type: ignore[assignment]
    wanted: str = param.String(default="")  # type: ignore[assignment]
    problem: str = param.String(default="")  # type: ignore[assignment]
    nearest: tuple[int, ...] = param.Parameter(default=())  # type: ignore[assignment]
    facts: tuple[str, ...] | None = param.Parameter(default=None)  # type: ignore[assignment]
    focus: str = param.String(default="")  # type: ignore[assignment]

    @property
    def address(self) -> Address:
        """The address that brings this state back."""
        shown = self.wanted or (str(self.file.client) if self.file else None)
        return Address(page=self.page, client=shown, language=self.language, filters=self.filters)
