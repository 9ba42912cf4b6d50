"""Where the client stands among all clients and among accepted ones, for the facts that weigh most."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.figures.standing import distribution_plot, strip
from dashboard.views.html import html
from dashboard.views.wording import Wording

if TYPE_CHECKING:
    from dashboard.i18n import Translator
    from dashboard.services import ClientFile, Services
    from dashboard.state import SessionState
    from explain.standing import Place, Standing


class StandingView(pn.viewable.Viewer):
    """The standings of the client shown, and the distribution of the fact in focus."""

    def __init__(self, state: SessionState, services: Services, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._state, self._t = state, translate
        self._wording = Wording(services, translate)
        self._list, self._words = html(), html()
        self.pane = pn.pane.HoloViews(None, sizing_mode="stretch_width", margin=0)
        self._focus = pmui.Select(
            label=translate("standing.choose"), options={}, sizing_mode="stretch_width", margin=(10, 0), size="small"
        )
        self._filling = False
        self._focus.param.watch(self._chosen, "value")
        self._draw(state.file)
        state.param.watch(lambda event: self._draw(event.new), "file")

    def _draw(self, file: ClientFile | None) -> None:
        if file is None:
            return
        names = [standing.feature for standing in file.standings]
        focus = self._state.focus if self._state.focus in names else (names[0] if names else None)
        with pn.io.hold():
            self._list.object = self._list_html(file)
            self._filling = True
            try:
                self._focus.param.update(options={self._wording.feature(name): name for name in names}, value=focus)
            finally:
                self._filling = False
            self._plot(file, focus)

    def _chosen(self, event: Any) -> None:
        if self._filling or event.new is None or self._state.file is None:
            return
        self._state.focus = event.new
        with pn.io.hold():
            self._plot(self._state.file, event.new)

    def _plot(self, file: ClientFile, focus: str | None) -> None:
        chosen = next((standing for standing in file.standings if standing.feature == focus), None)
        if chosen is None or chosen.histogram.everyone.size == 0:
            self.pane.object, self._words.object = None, f"<p>{escape(self._t('standing.empty'))}</p>"
            return
        name, value = self._wording.feature(chosen.feature), self._value(chosen)
        summary = self._summary(chosen, name, value)
        self.pane.object = distribution_plot(chosen, name, value, self._t, summary)
        self._words.object = f'<p class="soft">{escape(summary)}</p>'

    def _value(self, standing: Standing) -> str:
        return self._wording.number(standing.feature, standing.value)

    def _summary(self, standing: Standing, name: str, value: str) -> str:
        t = self._t
        everyone, accepted = standing.everyone, standing.accepted
        if everyone.below is None:
            return t("standing.missing_summary", feature=name, missing=t.percent(everyone.missing or 0.0))
        number = self._wording.number
        return t(
            "standing.summary",
            feature=name,
            value=value,
            all=t.percent(everyone.below),
            accepted=_share(accepted.below, t),
            median_all=number(standing.feature, everyone.median),
            median_accepted=number(standing.feature, accepted.median),
        )

    def _list_html(self, file: ClientFile) -> str:
        t = self._t
        heads = "".join(
            f'<th scope="col">{escape(t(key))}</th>'
            for key in ("standing.feature", "standing.value", "standing.all", "standing.accepted")
        )
        body = "".join(self._row(standing) for standing in file.standings)
        return (
            f"<h2>{escape(t('standing.title'))}</h2><p class='soft'>{escape(t('standing.intro'))}</p>"
            f"<div class='scroll' tabindex='0' role='region' aria-label='{escape(t('standing.title'), quote=True)}'>"
            f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _row(self, standing: Standing) -> str:
        return (
            f'<tr><th scope="row">{escape(self._wording.feature(standing.feature))}</th>'
            f"<td class='num' style='text-align:left'>{escape(self._value(standing))}</td>"
            f"<td>{self._cell(standing.everyone)}</td><td>{self._cell(standing.accepted)}</td></tr>"
        )

    def _cell(self, place: Place) -> str:
        return f"{strip(place, self._t)}<span class='num'>{_share(place.below, self._t)}</span>"

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        return pmui.Column(
            self._list, self._focus, self.pane, self._words, sizing_mode="stretch_width", margin=0
        )


def _share(share: float | None, translate: Translator) -> str:
    return "–" if share is None else translate.percent(share)
