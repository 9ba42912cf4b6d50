"""The clients most like the one shown, accepted and refused, and what sets this client apart from each."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn

from dashboard.address import build
from dashboard.figures.gauge import score_text
from dashboard.views.html import html
from dashboard.views.wording import Wording, is_raw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dashboard.i18n import Translator
    from dashboard.services import ClientFile, Services
    from dashboard.state import SessionState
    from dashboard.surroundings import Difference, SimilarClient


class NeighboursView(pn.viewable.Viewer):
    """The similar clients; the last ones, named so, until those of the client shown are found."""

    def __init__(self, state: SessionState, services: Services, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._state, self._services, self._t = state, services, translate
        self._wording = Wording(services, translate)
        self._file: ClientFile | None = state.file
        self._pane = html()
        self._draw()
        state.param.watch(self._draw, ["file", "surroundings", "filters"])

    def _draw(self, *_events: Any) -> None:
        t, file, around = self._t, self._state.file, self._state.surroundings
        if file is None:
            return
        if around is None:
            self._pane.object = (
                f"<h2>{escape(t('neighbours.title', client=file.client))}</h2>"
                f'<p class="soft" role="status">{escape(t("neighbours.searching"))}</p>'
            )
            return
        if around.client == file.client:
            self._file = file
        shown = self._file
        if shown is None or shown.client != around.client:
            return
        usual = ""
        if around.usual_distance is not None:
            usual = t("neighbours.usual", distance=t.number(around.usual_distance))
        self._pane.object = (
            f"<h2>{escape(t('neighbours.title', client=shown.client))}</h2>"
            f'<p class="soft">{escape(t("neighbours.intro"))} {escape(usual)}</p><div class="neighbours">'
            f"{self._list('accepted', around.accepted, shown)}{self._list('refused', around.refused, shown)}</div>"
        )

    def _list(self, kind: str, listed: tuple[SimilarClient, ...], file: ClientFile) -> str:
        t = self._t
        title = f"<h3>{escape(t(f'neighbours.{kind}'))}</h3>"
        if not listed:
            return f'<section>{title}<p class="soft">{escape(t(f"neighbours.no_{kind}"))}</p></section>'
        return f"<section>{title}<ol>{''.join(self._item(similar, file) for similar in listed)}</ol></section>"

    def _item(self, similar: SimilarClient, file: ClientFile) -> str:
        t = self._t
        link = escape(build(replace(self._state.address, client=str(similar.client))))
        decision = t("picker.accepted" if similar.accepted else "picker.refused")
        score = score_text(similar.score, self._services.policy, t)
        apart = "".join(f"<li>{escape(self.difference(found, similar, file))}</li>" for found in similar.differences)
        told = f"<ul>{apart}</ul>" if apart else f'<p class="soft">{escape(t("neighbours.same"))}</p>'
        return (
            f'<li class="{"for" if similar.accepted else "against"}"><p class="who"><a href="{link}">'
            f"{escape(t('neighbours.client', client=similar.client))}</a><span>"
            f"{escape(t('neighbours.outcome', decision=decision, score=score))}</span>"
            f'<span class="soft">{escape(t("neighbours.distance", distance=t.number(similar.distance)))}</span></p>'
            f"{told}</li>"
        )

    def difference(self, found: Difference, similar: SimilarClient, file: ClientFile) -> str:
        """Return in words what sets the client shown apart from a similar one, with both values."""
        t, apart = self._t, found.apart
        own = self._wording.value_of(apart.group, found.feature, file.facts, file.row)
        other = self._wording.value_of(apart.group, found.feature, similar.facts, similar.row)
        label = self._label(apart.group, found.feature, file.facts)
        key = "neighbours.apart" if own != other else "neighbours.apart_same"
        manner = t("neighbours.better" if apart.difference > 0 else "neighbours.worse")
        return t(key, label=label, own=own, other=other, manner=manner, difference=t.signed(apart.difference))

    def _label(self, group: str, feature: str, facts: Mapping[str, object]) -> str:
        return self._wording.group(group) if is_raw(group, facts) else self._wording.feature(feature)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view."""
        return self._pane
