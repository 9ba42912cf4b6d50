"""Segments: the current selection kept under a name; those that are kept shown, compared, explained and linked to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param
from panel.custom import JSComponent

from dashboard.address import PICKED, Address, Explored, build
from dashboard.explanations import PickedClients
from dashboard.views.background import Background
from dashboard.views.column_words import ColumnWords
from dashboard.views.comparison import CURRENT, ComparisonView
from dashboard.views.html import html, style_sheet
from dashboard.views.picked import counted, selected
from data.errors import InvalidOption, PretscopeError, SegmentExists, UnknownSegment
from explain.crossfilter.segments import LONGEST_NAME, Segment, checked_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.exploring import Exploring
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from explain.crossfilter import exploration
    from explain.crossfilter.counts import Counts
    from explain.crossfilter.filters import Filter

WORDS = ("none", "show", "compare", "explain", "link", "copy", "copied", "copy_by_hand", "forget", "stay")
ACTIONS = ("show", "compare", "explain", "link", "copy", "forget", "sure", "stay")
ASKED = ("show", "compare", "explain", "forget")


class SegmentList(JSComponent):
    """The kept segments, with what can be done with each. One of which nothing changed stays as it is.

    Attributes
    ----------
    segments : one a segment: its "name", its "filters" in words, its "figures" (pairs of texts), its "link", whether
        it is "usable", and the "labels" of what can be done.
    words : texts that stay.
    """

    _esm = "segment_list.js"

    segments = param.List()
    words = param.Dict(default={})

    def __init__(self, asked: Callable[[str, str], None], **params: Any) -> None:
        params.setdefault("stylesheets", [style_sheet()])
        super().__init__(sizing_mode="stretch_width", margin=0, **params)
        self._asked = asked

    def _handle_msg(self, data: Any) -> None:
        """Tell what was asked for, and of which segment; "seen" of none."""
        if isinstance(data, dict) and data.get("do") in (*ASKED, "seen"):
            self._asked(data["do"], str(data.get("name", "")))


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is read of the segments kept: each with its counts, or with what is wrong with it; and unreadable files."""

    segments: tuple[tuple[Segment, Counts | str], ...]
    problems: tuple[str, ...]


class SegmentsView(pn.viewable.Viewer):
    """The selection kept under a name, and the segments of everyone who works with this portfolio."""

    def __init__(
        self, state: SessionState, services: Services, exploring: Exploring, translate: Translator, **params: Any
    ) -> None:
        super().__init__(**params)
        self._state, self._services, self._exploring, self._t = state, services, exploring, translate
        self._words = ColumnWords(services, translate)
        self._filters: tuple[tuple[str, Filter], ...] = ()
        self._nobody = False
        self._shown: tuple[Segment, ...] = ()
        self._counts: dict[tuple[tuple[str, Filter], ...], Counts | str] = {}
        t = translate
        self._name = pmui.TextInput(
            label=t("segments.name"), placeholder=t("segments.example"), max_length=2 * LONGEST_NAME,
            sizing_mode="stretch_width", margin=(10, 0, 0, 0), size="small",
        )  # fmt: skip
        self._keep = _button(t("segments.keep"), variant="contained")
        self._replace = _button(t("segments.replace"), visible=False)
        self._explain = _button(t("segments.explain_current"))
        self._compare = _button(t("segments.compare_current"))
        self._told, self._problems = html(), html()
        words = {name: t(f"segments.{name}") for name in WORDS}
        self._list = SegmentList(self._asked, words=words)
        self._comparison = ComparisonView(state, services, translate)
        self._reading = Background(services.executor, self._read)
        self._explaining = Background(services.executor, self._explained)
        self._name.param.watch(lambda _: self._try_to_keep(), "enter_pressed")
        self._name.param.watch(self._typed, "value_input")
        self._keep.on_click(lambda _: self._try_to_keep())
        self._replace.on_click(lambda _: self._try_to_keep(replace=True))
        self._explain.on_click(lambda _: self._explain_filters(self._filters, t("segments.unnamed")))
        self._compare.on_click(lambda _: self._comparison.open(CURRENT))

    def update(self, explored: exploration.Explored) -> None:
        """Follow the selection: what can be kept, explained and compared."""
        self._filters = explored.wanted.exploration.filters
        self._nobody = not explored.selected.clients.any()
        self._explain.disabled = self._compare.disabled = self._nobody or not self._filters
        self._comparison.follow(self._filters)

    def refresh(self) -> None:
        """Read the segments that there are now, others' too, and count their clients."""
        store, population, known = self._services.segments, self._services.population, dict(self._counts)

        def work() -> _Kept:
            kept = []
            for segment in store.all():
                if segment.filters not in known:
                    try:
                        known[segment.filters] = counted(population, selected(population, segment.filters))
                    except PretscopeError as error:
                        known[segment.filters] = str(error)
                kept.append((segment, known[segment.filters]))
            return _Kept(tuple(kept), store.problems())

        self._reading.submit(work)

    def _read(self, outcome: _Kept | Exception) -> None:
        if isinstance(outcome, Exception):
            self._fail(outcome)
            return
        t = self._t
        self._counts = {segment.filters: counts for segment, counts in outcome.segments}
        self._shown = tuple(segment for segment, _ in outcome.segments)
        problems = "".join(f"<li>{escape(problem)}</li>" for problem in outcome.problems)
        with pn.io.hold():
            self._list.segments = [self._item(segment, counts) for segment, counts in outcome.segments]
            self._comparison.offer({s.name: s.filters for s, counts in outcome.segments if not isinstance(counts, str)})
            self._problems.object = (
                f'<div class="problem"><p>{escape(t("segments.problems"))}</p><ul>{problems}</ul></div>'
                if problems
                else ""
            )

    def _item(self, segment: Segment, counts: Counts | str) -> dict[str, Any]:
        t = self._t
        if isinstance(counts, str):
            told, figures = t("segments.unusable", problem=counts), []
        else:
            told, figures = " · ".join(self._words.filter(kept) for _, kept in segment.filters), self._figures(counts)
        if segment.earlier:
            told = f"{told} ({t('segments.earlier')})"
        address = Address(page="portfolio", language=t.language, explored=Explored(filters=segment.filters))
        return {
            "name": segment.name,
            "filters": told,
            "figures": figures,
            "usable": not isinstance(counts, str),
            "link": build(address),
            "labels": {action: t(f"segments.{action}_label", name=segment.name) for action in ACTIONS},
        }

    def _figures(self, counts: Counts) -> list[tuple[str, str]]:
        t, clients = self._t, int(counts.clients)
        share = clients / max(len(self._services.population), 1)
        rate = "–" if not counts.labelled else t.percent(float(counts.default_rate), 1)
        number = t("segments.count", clients=t.number(clients, 0), share=t.percent(share, 1))
        return [(t("selected.clients"), number), (t("selected.default_rate"), rate)]

    def _typed(self, _event: Any) -> None:
        self._replace.visible = False

    def _try_to_keep(self, *, replace: bool = False) -> None:
        t, typed = self._t, self._name.value_input or self._name.value or ""
        self._replace.visible = False
        if not self._filters:
            self._tell(t("segments.no_filters"))
            return
        try:
            name = checked_name(typed)
        except InvalidOption:
            self._tell(t("segments.bad_name", longest=LONGEST_NAME))
            return
        segment = Segment(name, self._filters, datetime.now(UTC).isoformat(timespec="seconds"))
        try:
            self._services.segments.keep(segment, replace=replace)
        except SegmentExists:
            self._replace.visible = True
            self._tell(t("segments.exists", name=name))
        except PretscopeError as error:
            self._tell(t("segments.not_kept", why=error))
        else:
            self._tell(t("segments.kept", name=name), well=True)
            self.refresh()

    def _asked(self, what: str, name: str) -> None:
        """Do what was asked of a segment; another session may have removed it meanwhile."""
        if what == "seen":
            self.refresh()
            return
        self._replace.visible = False
        try:
            if what == "forget":
                self._services.segments.forget(name)
                self._tell(self._t("segments.forgotten", name=name), well=True)
                self.refresh()
                return
            segment = self._services.segments.get(name)
        except UnknownSegment:
            self._tell(self._t("segments.gone", name=name))
            self.refresh()
            return
        except PretscopeError as error:
            self._fail(error)
            return
        if what == "show":
            self._exploring.show_filters(segment.filters)
            self._tell(self._t("segments.shown", name=segment.name), well=True)
        elif what == "compare":
            self._comparison.open(segment.name)
        else:
            self._explain_filters(segment.filters, segment.name)

    def _explain_filters(self, filters: tuple[tuple[str, Filter], ...], label: str) -> None:
        population = self._services.population
        self._explaining.submit(lambda: PickedClients(selected(population, filters), label))

    def _explained(self, outcome: PickedClients | Exception) -> None:
        if isinstance(outcome, Exception):
            self._fail(outcome)
            return
        self._state.param.update(portfolio_selection=outcome, selection=PICKED, page="explanation")

    def _fail(self, error: Exception) -> None:
        expected = isinstance(error, PretscopeError)
        self._tell(str(error) if expected else self._t("problem.unexpected", kind=type(error).__name__))
        if not expected:
            raise error

    def _tell(self, text: str, *, well: bool = False) -> None:
        kind = 'class="well" role="status"' if well else 'class="problem" role="alert"'
        self._told.object = f"<div {kind}><p>{escape(text)}</p></div>"

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        t = self._t
        return pmui.Column(
            html(f"<h2>{escape(t('segments.title'))}</h2><p class='soft'>{escape(t('segments.intro'))}</p>"),
            pmui.Grid(
                pmui.Grid(self._name, size={"xs": 12, "md": 5}),
                pmui.Grid(
                    pn.FlexBox(
                        self._keep,
                        self._replace,
                        self._compare,
                        self._explain,
                        margin=(10, 0, 0, 0),
                        gap="8px",
                        align_items="center",
                    ),
                    size={"xs": 12, "md": 7},
                    sx={"alignSelf": "center"},
                ),
                container=True,
                spacing=1,
                sizing_mode="stretch_width",
                margin=(0, 0, 4, 0),
            ),
            self._told,
            self._list,
            self._problems,
            self._comparison,
            sizing_mode="stretch_width",
            margin=0,
        )


def _button(label: str, **options: Any) -> pmui.Button:
    return pmui.Button(label=label, size="small", margin=0, **{"variant": "outlined", **options})
