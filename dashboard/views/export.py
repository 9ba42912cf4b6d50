"""The clients of the selection as a file: what it holds, how far it is, and where to download it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.views.html import html
from dashboard.views.picked import columns_listed, selected
from dashboard.views.quiet import Quiet
from data.errors import PretscopeError
from explain.crossfilter.export import KINDS, export
from explain.crossfilter.population import CONTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dashboard.exports import ExportJob
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from data.progress import Report
    from explain.crossfilter.exploration import Exploration, Explored

EVERY_MS = 250
SHOWN, ALL = "shown", "all"
BYTES = {(SHOWN, "csv"): 10.0, (SHOWN, "parquet"): 2.0, (ALL, "csv"): 4.2, (ALL, "parquet"): 1.1}
"""Of one value, about: what files of a prepared portfolio come to. Many features have no value, which takes none."""
UNITS = ("kilobytes", "megabytes", "gigabytes")
NOWRAP = {"& .MuiToggleButton-root": {"whiteSpace": "nowrap"}}


class ExportView(pn.viewable.Viewer):
    """Writes the clients of the selection to a file, for download."""

    def __init__(self, state: SessionState, services: Services, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._services, self._t = services, translate
        self._exploration: Exploration | None = state.exploration
        self._clients = 0
        self._job: ExportJob | None = None
        self._ticking: Any = None
        self._document = pn.state.curdoc
        self._session = self._key()
        t = translate
        self._every = tuple(key for key in services.population.keys if not key.startswith(CONTRIBUTION))
        self._kind = pmui.RadioButtonGroup(
            label=t("export.kind"), options={t(f"export.{kind}"): kind for kind in KINDS}, value=KINDS[0], size="small",
            margin=(0, 12, 8, 0), sx=NOWRAP,
        )  # fmt: skip
        self._columns = pmui.RadioButtonGroup(
            label=t("export.columns"), value=SHOWN, size="small", margin=(0, 12, 8, 0), sx=NOWRAP,
            options={t("export.shown"): SHOWN, t("export.all", count=t.number(len(self._every) + 1, 0)): ALL},
        )  # fmt: skip
        self._start = pmui.Button(label=t("export.start"), variant="contained", size="small", margin=(0, 0, 8, 0))
        self._stop = pmui.Button(label=t("export.stop"), variant="outlined", size="small", margin=0)
        self._bar = pmui.LinearProgress(
            value=0, variant="determinate", sizing_mode="stretch_width", margin=(10, 0), min_width=80
        )
        self._size, self._far, self._told = html(), html(), html()
        self._under_way = pmui.Column(
            self._far, self._bar, pn.FlexBox(self._stop, margin=0), sizing_mode="stretch_width", margin=0, visible=False
        )
        self._quiet = Quiet(self._estimate, exploring=state)
        for choice in (self._kind, self._columns):
            choice.param.watch(lambda _: self._estimate(), "value")
        self._start.on_click(lambda _: self._begin())
        self._stop.on_click(lambda _: self._end())

    def update(self, explored: Explored) -> None:
        """Follow the selection: what would be exported."""
        self._exploration, self._clients = explored.wanted.exploration, int(explored.selected.clients.sum())
        self._quiet.ask()

    def size_bytes(self) -> float:
        """Return about how large the file would be, in bytes."""
        return float(self._clients) * (len(self._chosen()) + 1) * BYTES[self._columns.value, self._kind.value]

    @property
    def _running(self) -> bool:
        return self._job is not None and self._job.state == "running"

    def _key(self) -> str:
        """Return the session's own name, and have what is made for it deleted when it ends."""
        context = None if self._document is None else self._document.session_context
        if context is None:
            return ""
        key, exports = str(context.id), self._services.exports
        pn.state.on_session_destroyed(lambda _context: exports.close(key))
        return key

    def _chosen(self) -> tuple[str, ...]:
        if self._columns.value == ALL:
            return self._every
        return () if self._exploration is None else columns_listed(self._exploration)

    def _estimate(self) -> None:
        t = self._t
        self._start.disabled = not self._clients or self._running
        told = t(
            self._counted("export.estimate", self._clients) if self._clients else "clients.nobody",
            clients=t.number(self._clients, 0),
            columns=t.number(len(self._chosen()) + 1, 0),
            size=self._in_words(self.size_bytes(), about=True),
        )
        self._size.object = f'<p class="soft">{escape(told)}</p>'

    def _counted(self, key: str, clients: int) -> str:
        """Return the message of that many clients."""
        return f"{key}_one" if clients == 1 else key

    def _in_words(self, size_bytes: float, *, about: bool = False) -> str:
        size, unit = max(size_bytes / 1000, 1.0 if about else 0.1), 0
        while size >= 1000 and unit < len(UNITS) - 1:
            size, unit = size / 1000, unit + 1
        digits = 0 if size >= 10 or (about and size >= 3) else 1
        return self._t(f"export.{UNITS[unit]}", size=self._t.number(size, digits))

    def _begin(self) -> None:
        exploration, t = self._exploration, self._t
        if exploration is None or self._running or not self._clients:
            return
        columns, kind = self._chosen(), self._kind.value
        make = _maker(self._services, exploration, columns, kind)
        name = t("export.file", portfolio=self._services.portfolio.name)
        try:
            self._job = self._services.exports.start(self._session, make, name, kind)
        except PretscopeError as error:
            self._tell(t("export.refused", why=error))
            return
        self._told.object = ""
        self._under_way.visible, self._start.disabled, self._bar.value = True, True, 0
        begun = t(self._counted("export.begun", self._clients), clients=t.number(self._clients, 0))
        self._far.object = f'<p role="status">{escape(begun)}</p>'
        if self._document is not None and self._document.session_context is not None:
            self._ticking = self._document.add_periodic_callback(self._look, EVERY_MS)

    def _look(self) -> None:
        """Show how far it is; once it has ended, how."""
        job = self._job
        if job is None:
            return
        percent = int(100 * job.progress)
        if job.state == "running":
            if percent != self._bar.value:
                self._bar.value = percent
            return
        if self._ticking is not None:
            self._document.remove_periodic_callback(self._ticking)
            self._ticking = None
        with pn.io.hold():
            self._under_way.visible, self._start.disabled = False, not self._clients
            self._show_end(job)

    def _show_end(self, job: ExportJob) -> None:
        t = self._t
        if job.state == "ready":
            size = self._in_words(job.size_bytes)
            told = t(self._counted("export.ready", job.clients), clients=t.number(job.clients, 0), size=size)
            self._told.object = (
                f'<div class="well" role="status"><p>{escape(told)} <a href="{escape(job.address)}" download>'
                f"{escape(t('export.download', file=job.file_name))}</a></p></div>"
            )
        elif job.state == "failed":
            self._tell(t("export.failed", why=job.message))
        else:
            self._told.object = f'<div class="well" role="status"><p>{escape(t("export.stopped"))}</p></div>'

    def _end(self) -> None:
        if self._job is not None:
            self._job.stop()
            self._look()

    def _tell(self, text: str) -> None:
        self._told.object = f'<div class="problem" role="alert"><p>{escape(text)}</p></div>'

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        return pmui.Column(
            html(f'<h3 class="part">{escape(self._t("export.title"))}</h3>'),
            pn.FlexBox(self._kind, self._columns, self._start, margin=0, align_items="flex-end"),
            self._size,
            self._under_way,
            self._told,
            sizing_mode="stretch_width",
            margin=0,
        )


def _maker(
    services: Services, exploration: Exploration, columns: tuple[str, ...], kind: str
) -> Callable[[Path, Report, Callable[[], bool]], int]:
    """Return what writes the file, and knows nothing of the session."""
    population, filters = services.population, exploration.filters

    def make(path: Path, report: Report, stopped: Callable[[], bool]) -> int:
        return export(population, selected(population, filters), columns, path, kind, report, stopped)

    return make
