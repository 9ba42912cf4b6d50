"""What matters for everyone beside what matters for the client shown: a figure, a sentence, and a table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from dashboard.figures.local_global import dress_local_global, local_global_layers, local_global_options
from dashboard.figures.palette import AGAINST, FOR, NEUTRAL
from dashboard.views.html import html
from dashboard.views.live import LiveFigure
from dashboard.views.wording import Wording
from explain.local_global import local_global

if TYPE_CHECKING:
    from dashboard.i18n import Translator
    from dashboard.services import ClientFile, Services
    from dashboard.state import SessionState
    from explain.local_global import LocalGlobal, Unusual

MOST_TIMES = 10.0
HARDLY = 0.1


class LocalGlobalView(pn.viewable.Viewer):
    """How the reasons of the client shown differ from those that matter for everyone."""

    def __init__(self, state: SessionState, services: Services, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._state, self._services, self._t = state, services, translate
        self._wording = Wording(services, translate)
        self._head, self._table = html(), html(margin=(0, 10))
        self.figure = LiveFigure()
        # Where no client is shown yet the view is hidden, but its figure must be there from the start.
        self._draw(state.file or services.file_at(0))
        state.param.watch(lambda event: self._draw(event.new), "file")
        state.param.watch(lambda _: self._tell_shares(), "surroundings")

    def _draw(self, file: ClientFile | None) -> None:
        if file is None:
            return
        t = self._t
        found = local_global(file.grouped, self._services.importance)
        rows = self.rows(found)
        exceptions = " ".join(self.sentence(unusual) for unusual in found.unusual()) or t("local_global.alike")
        everyone = ", ".join(row["label"] for row in rows[:3])
        mine = ", ".join(row["label"] for row in sorted(rows, key=lambda row: row["own_rank"])[:3])
        summary = t("local_global.summary", everyone=everyone, client=mine, exceptions=exceptions)
        with pn.io.hold():
            self._head.object = (
                f"<h2>{escape(t('local_global.title'))}</h2><p>{escape(exceptions)}</p>"
                f'<p class="soft">{escape(t("local_global.intro"))}</p>{self._legend_html()}'
            )
            self.figure.show(
                local_global_layers(rows, t),
                lambda hook: local_global_options(t, hook),
                lambda figure: dress_local_global(figure, rows, t, summary),
            )
            self._table.object = self._table_html(found)

    def _tell_shares(self) -> None:
        around, file = self._state.surroundings, self._state.file
        if around is not None and file is not None and around.client == file.client:
            self._table.object = self._table_html(around.compared)

    def rows(self, found: LocalGlobal) -> list[dict[str, Any]]:
        """Return one row a reason in words, those that matter most for everyone first; weights in log-odds."""
        t = self._t
        return [
            {
                **row,
                "label": self._wording.group(row["group"]),
                "ranks": t("local_global.rank_pair", everyone=row["typical_rank"], client=row["own_rank"]),
            }
            for row in found.frame().iter_rows(named=True)
        ]

    def _legend_html(self) -> str:
        """Return what the marks mean; the figure's own legend would take the room of the figure on a phone."""
        marks = (("◆", NEUTRAL, "everyone"), ("▲", FOR, "helping"), ("▼", AGAINST, "against"))
        listed = "".join(
            f'<li><span aria-hidden="true" style="color:{colour}">{mark}</span> '
            f"{escape(self._t(f'local_global.{key}'))}</li>"
            for mark, colour, key in marks
        )
        return f'<ul class="marks">{listed}</ul>'

    def sentence(self, unusual: Unusual) -> str:
        """Return what is said of a reason that counts for this client otherwise than for everyone."""
        t, ratio = self._t, unusual.ratio
        label = self._wording.group(unusual.group)
        if ratio <= HARDLY:
            return t("local_global.hardly", label=label)
        if ratio < 1.0:
            return t("local_global.less", label=label, share=t.percent(ratio))
        manner = t("local_global.in_favour" if unusual.own > 0 else "local_global.to_disadvantage")
        if ratio > MOST_TIMES:
            return t("local_global.much_more", label=label, times=t.number(MOST_TIMES, 0), manner=manner)
        times = round(ratio, 1)
        shown = t.number(times, 0 if times == round(times) else 1)
        return t("local_global.more", label=label, times=shown, manner=manner)

    def _table_html(self, found: LocalGlobal) -> str:
        t = self._t
        keys = ("reason", "everyone", "rank_everyone", "client", "rank_client", "smaller")
        heads = "".join(
            f'<th scope="col"{"" if key == "reason" else " class=num"}>{escape(t(f"local_global.{key}"))}</th>'
            for key in keys
        )
        body = "".join(
            f'<tr><th scope="row">{escape(self._wording.group(group))}</th>'
            f'<td class="num">{t.number(found.typical[place], 3)}</td><td class="num">{found.typical_ranks[place]}</td>'
            f'<td class="num">{t.signed(found.own[place], 3)}</td><td class="num">{found.own_ranks[place]}</td>'
            f'<td class="num">{_share(found.smaller[place], t)}</td></tr>'
            for place, group in enumerate(found.groups)
        )
        name = escape(t("local_global.table"))
        return (
            f'<div class="scroll" tabindex="0" role="region" aria-label="{name}"><table class="weights">'
            f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        # A folding widget rather than HTML's own, which would fold again whenever the table is replaced.
        table = pmui.Details(
            self._table,
            title=self._t("local_global.table"),
            collapsed=True,
            fully_expanded=True,
            margin=(4, 0),
            sizing_mode="stretch_width",
        )
        return pmui.Column(self._head, self.figure.pane, table, sizing_mode="stretch_width", margin=0)


def _share(share: float, translate: Translator) -> str:
    return "–" if np.isnan(share) else translate.percent(share)
