"""Where the client stands among all clients and among accepted ones, for the facts that weigh most."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.figures.standing import (
    distribution_layers,
    distribution_options,
    dress_distribution,
    round_places,
    strip,
)
from dashboard.views.html import html
from dashboard.views.live import LiveFigure
from dashboard.views.wording import Wording
from explain.comparison import reads_backwards

if TYPE_CHECKING:
    from dashboard.i18n import Translator
    from dashboard.services import ClientFile, Services
    from dashboard.state import SessionState
    from explain.standing import Place, Standing


class StandingView(pn.viewable.Viewer):
    """The standings of the client shown, and the distribution of the fact in focus."""

    def __init__(self, state: SessionState, services: Services, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._state, self._services, self._t = state, services, translate
        self._wording = Wording(services, translate)
        self._list, self._words = html(), html()
        self.figure = LiveFigure()
        self._focus = pmui.Select(
            label=translate("standing.choose"), options={}, sizing_mode="stretch_width", margin=(10, 0), size="small"
        )
        self._filling = False
        self._focus.param.watch(self._chosen, "value")
        # Where no client is shown yet the view is hidden, but its figure must be there from the start.
        self._draw(state.file or services.file_at(0))
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
        if chosen is None:
            return
        name, value = self._wording.feature(chosen.feature), self._value(chosen)
        summary = self._summary(chosen, name, value)
        edges = chosen.histogram.edges
        days = self._services.feature(chosen.feature).unit == "days"
        places = round_places(float(edges[0]), float(edges[-1]), days=days)
        ticks = [(place, self._wording.number(chosen.feature, place)) for place in places]
        backwards = self._backwards(chosen)
        self.figure.show(
            distribution_layers(chosen, self._t),
            lambda hook: distribution_options(self._t, hook),
            lambda figure: dress_distribution(figure, chosen, name, ticks, summary, backwards=backwards),
        )
        nobody = chosen.histogram.everyone.size == 0
        self._words.object = f'<p class="soft">{escape(self._t("standing.empty") if nobody else summary)}</p>'

    def _backwards(self, standing: Standing) -> bool:
        return reads_backwards(self._services.feature(standing.feature))

    def _lower(self, standing: Standing, place: Place) -> float | None:
        """Return the share of clients whose value people read as lower: days counted back read the other way round."""
        return place.above if self._backwards(standing) else place.below

    def _value(self, standing: Standing) -> str:
        return self._wording.number(standing.feature, standing.value)

    def _summary(self, standing: Standing, name: str, value: str) -> str:
        t = self._t
        everyone, accepted = standing.everyone, standing.accepted
        lower_all, lower_accepted = self._lower(standing, everyone), self._lower(standing, accepted)
        if lower_all is None:
            return t("standing.missing_summary", feature=name, missing=t.percent(everyone.missing or 0.0))
        number = self._wording.number
        return t(
            "standing.summary",
            feature=name,
            value=value,
            all=t.percent(lower_all),
            accepted=_share(lower_accepted, t),
            median_all=number(standing.feature, everyone.median),
            median_accepted=number(standing.feature, accepted.median),
        )

    def _list_html(self, file: ClientFile) -> str:
        t = self._t
        heads = "".join(
            f'<th scope="col" role="columnheader">{escape(t(key))}</th>'
            for key in ("standing.feature", "standing.value", "standing.all", "standing.accepted")
        )
        body = "".join(self._row(standing) for standing in file.standings)
        return (
            f"<h2>{escape(t('standing.title'))}</h2><p class='soft'>{escape(t('standing.intro'))}</p>"
            f"<table class='standing' role='table'><thead role='rowgroup'><tr role='row'>{heads}</tr></thead>"
            f"<tbody role='rowgroup'>{body}</tbody></table>"
        )

    def _row(self, standing: Standing) -> str:
        return (
            f'<tr role="row"><th scope="row" role="rowheader">{escape(self._wording.feature(standing.feature))}</th>'
            f'<td role="cell" class="own">{escape(self._value(standing))}</td>'
            f"{self._cell(standing, standing.everyone, 'standing.all')}"
            f"{self._cell(standing, standing.accepted, 'standing.accepted')}</tr>"
        )

    def _cell(self, standing: Standing, place: Place, population: str) -> str:
        opened = f'<td role="cell" data-label="{escape(self._t(population))}">'
        lower, rank = self._lower(standing, place), place.rank
        if lower is None or rank is None:
            return f'{opened}<span class="soft">{escape(self._t("standing.missing"))}</span></td>'
        drawn = strip(1.0 - rank if self._backwards(standing) else rank)
        return f'{opened}<div class="cell"><span class="num">{_share(lower, self._t)}</span>{drawn}</div></td>'

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        return pmui.Column(
            self._list, self._focus, self.figure.pane, self._words, sizing_mode="stretch_width", margin=0
        )


def _share(share: float | None, translate: Translator) -> str:
    return "–" if share is None else translate.percent(share)
