"""The clients of the selection, listed: sorted and paged on the server, which sends only the page shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param
from panel.custom import JSComponent

from dashboard.address import Address, build
from dashboard.views.background import Background
from dashboard.views.column_words import ColumnWords
from dashboard.views.export import ExportView
from dashboard.views.html import html, style_sheet
from dashboard.views.picked import LISTED, columns_listed, selected
from dashboard.views.quiet import Quiet
from data.errors import PretscopeError
from explain.crossfilter.listing import BY_ID, listing

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from dashboard.exploring import Exploring
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from explain.crossfilter.exploration import Explored
    from explain.crossfilter.filters import Filter
    from explain.crossfilter.listing import Listing, Row
    from explain.crossfilter.population import Population

SIZES = (10, 25, 50)
WORDS = ("previous", "next", "size", "region", "waiting")


class PagedTable(JSComponent):
    """One page of a table, its heads and its pager; what visitors do with them is told.

    Attributes
    ----------
    table : what is shown: "columns" (of each "key", "label", "sort" as `aria-sort` has it, whether it is "numeric"),
        "rows" of texts, "links" of their first cells, "status", "page", whether it is the "first" and the "last", and
        its "size".
    words : texts that stay.
    """

    _esm = "client_table.js"

    table = param.Dict(default={})
    words = param.Dict(default={})

    def __init__(self, asked: Callable[[dict[str, Any]], None], **params: Any) -> None:
        params.setdefault("stylesheets", [style_sheet()])
        super().__init__(sizing_mode="stretch_width", margin=0, **params)
        self._asked = asked

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, dict):
            self._asked(data)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which page of which clients: those the filters keep."""

    filters: tuple[tuple[str, Filter], ...] = ()
    columns: tuple[str, ...] = LISTED
    order: str = BY_ID
    descending: bool = False
    page: int = 0
    size: int = SIZES[1]


class ClientTableView(pn.viewable.Viewer):
    """The clients selected. They are looked for only while the table is on the screen, and once a gesture has ended."""

    def __init__(
        self,
        state: SessionState,
        services: Services,
        exploring: Exploring,  # noqa: ARG002 (every view of the page is made alike)
        translate: Translator,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._population: Population = services.population
        self._t = translate
        self._words = ColumnWords(services, translate)
        self._wanted, self._shown = _Wanted(), None
        self._seen = False
        self._mask: tuple[tuple[tuple[str, Filter], ...], NDArray[np.bool_]] | None = None
        self._trouble = html()
        self._table = PagedTable(
            self._asked, words={**{name: translate(f"clients.{name}") for name in WORDS}, "sizes": list(SIZES)}
        )
        self._export = ExportView(state, services, translate)
        self._background = Background(services.executor, self._arrived)
        self._quiet = Quiet(self._look, exploring=state)

    def update(self, explored: Explored) -> None:
        """List the clients selected now, from their first page where they are others."""
        exploration = explored.wanted.exploration
        columns = columns_listed(exploration)
        kept = self._wanted.order in (BY_ID, *columns)
        same = exploration.filters == self._wanted.filters and kept
        self._wanted = replace(
            self._wanted,
            filters=exploration.filters,
            columns=columns,
            order=self._wanted.order if kept else BY_ID,
            descending=self._wanted.descending and kept,
            page=self._wanted.page if same else 0,
        )
        self._export.update(explored)
        if self._seen and self._wanted != self._shown:
            self._quiet.ask()

    def _asked(self, message: dict[str, Any]) -> None:
        """Do what was asked of the table, where it is allowed: whoever holds the page can send anything."""
        wanted, do = self._wanted, message.get("do")
        if do == "seen":
            self._seen = bool(message.get("seen"))
        elif do == "sort" and message.get("key") in (BY_ID, *wanted.columns):
            key = message["key"]
            self._wanted = replace(wanted, order=key, descending=key == wanted.order and not wanted.descending, page=0)
        elif do == "page" and message.get("by") in (-1, 1):
            self._wanted = replace(wanted, page=max(wanted.page + message["by"], 0))
        elif do == "size" and message.get("size") in SIZES:
            self._wanted = replace(wanted, size=message["size"], page=wanted.page * wanted.size // message["size"])
        if self._seen and self._wanted != self._shown:
            self._look()

    def _look(self) -> None:
        wanted = self._wanted

        def work() -> tuple[_Wanted, dict[str, Any]]:
            found = listing(
                self._population, self._selected(wanted.filters), wanted.columns,
                order=wanted.order, descending=wanted.descending, page=wanted.page, size=wanted.size,
            )  # fmt: skip
            return replace(wanted, page=found.page), self._page(found, wanted.order, descending=wanted.descending)

        self._background.submit(work)

    def _selected(self, filters: tuple[tuple[str, Filter], ...]) -> NDArray[np.bool_]:
        """Return which clients all filters keep; kept for the next page of them."""
        if self._mask is None or self._mask[0] != filters:
            self._mask = filters, selected(self._population, filters)
        return self._mask[1]

    def _arrived(self, outcome: tuple[_Wanted, dict[str, Any]] | Exception) -> None:
        if isinstance(outcome, Exception):
            expected = isinstance(outcome, PretscopeError)
            told = str(outcome) if expected else self._t("problem.unexpected", kind=type(outcome).__name__)
            self._trouble.object = f'<div class="problem" role="alert"><p>{escape(told)}</p></div>'
            if not expected:
                raise outcome
            return
        self._shown, self._table.table = outcome
        self._trouble.object = ""
        if self._wanted.page > self._shown.page and replace(self._wanted, page=self._shown.page) == self._shown:
            self._wanted = self._shown  # there is no page so far on

    def _page(self, found: Listing, order: str, *, descending: bool) -> dict[str, Any]:
        """Return what the table shows of a page, in words."""
        t, words = self._t, self._words
        if not found.total:
            return {"status": t("clients.nobody")}
        direction = "descending" if descending else "ascending"
        labels = {BY_ID: t("clients.id"), **{key: words.label(key) for key in found.columns}}
        categories = {key: self._population.column(key).categories is not None for key in found.columns}
        return {
            "columns": [
                {
                    "key": key,
                    "label": label,
                    "sort": direction if key == order else "none",
                    "numeric": not categories.get(key, True),
                }
                for key, label in labels.items()
            ],
            "rows": [self._row(row, found.columns, categories) for row in found.rows],
            "links": [
                build(Address(page="client", client=t.client(row.client), language=t.language)) for row in found.rows
            ],
            "status": t(
                "clients.status",
                first=t.number(found.first, 0), last=t.number(found.last, 0), clients=t.number(found.total, 0),
                order=labels[order], direction=t(f"clients.{direction}"),
            ),
            "page": t("clients.page", page=t.number(found.page + 1, 0), pages=t.number(found.pages, 0)),
            "first": found.page == 0,
            "last": found.page == found.pages - 1,
            "size": found.size,
        }  # fmt: skip

    def _row(self, row: Row, columns: tuple[str, ...], categories: dict[str, bool]) -> list[str]:
        cells = [self._t.client(row.client)]
        for key in columns:
            value = row.values[key]
            if value is None:
                cells.append(self._t("clients.unknown"))
            else:
                cells.append(
                    self._words.category(key, str(value)) if categories[key] else self._words.value(key, value)
                )
        return cells

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        t = self._t
        return pmui.Column(
            html(f"<h2>{escape(t('clients.title'))}</h2><p class='soft'>{escape(t('clients.intro'))}</p>"),
            self._trouble,
            self._table,
            self._export,
            sizing_mode="stretch_width",
            margin=0,
        )
