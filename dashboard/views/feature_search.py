"""Finding a feature by words, and what the one in focus is."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.views.html import html
from data.features.catalog import group_description
from data.schema import table

if TYPE_CHECKING:
    from dashboard.controller import Controller
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from data.features.catalog import Feature

ICONS = {
    "currency": "payments", "days": "schedule", "months": "schedule", "years": "schedule", "hour": "schedule",
    "count": "tag", "ratio": "percent",
}  # fmt: skip


class FeatureSearch(pn.viewable.Viewer):
    """A search over the features of the portfolio, and the facts of the one in focus."""

    def __init__(
        self, state: SessionState, services: Services, controller: Controller, translate: Translator, **params: Any
    ) -> None:
        super().__init__(**params)
        self._state, self._services, self._controller, self._t = state, services, controller, translate
        self._words = pmui.TextInput(
            label=translate("search.label"), placeholder=translate("search.placeholder"),
            sizing_mode="stretch_width", margin=(14, 0, 4, 0), size="small",
        )  # fmt: skip
        self._found = pmui.MenuList(items=[], dense=True, margin=0, sizing_mode="stretch_width", highlight=False)
        self._found.visible = False
        self._taken: str | None = None
        self._count, self._focus = html(), html(pn.bind(self._focus_html, state.param.feature))
        self._words.param.watch(self._typed, "value_input")
        self._words.param.watch(self._entered, "enter_pressed")
        self._found.on_click(lambda item: self._choose(item["feature"]))

    def _typed(self, event: Any) -> None:
        text = event.new or ""
        taken, self._taken = self._taken, None
        if text and taken == text:  # told once more by the browser, after the Enter that took what they found
            self._words.param.update(value="", value_input="")
            return
        found, total = self._controller.search(text)
        t = self._t
        self._found.items = [self._item(feature) for feature in found]
        self._found.visible = bool(found)
        if not text.strip():
            told = ""
        elif not total:
            told = t("search.nothing", words=text.strip()[:60])
        else:
            told = t("search.count_one") if total == 1 else t("search.count", count=t.number(total, 0))
            if total > len(found):
                told += t("search.best", shown=len(found))
        self._count.object = f'<p class="soft" role="status" style="margin:2px 0">{escape(told)}</p>'

    def _entered(self, _event: Any) -> None:
        if self._found.visible and self._found.items:
            taken = self._words.value_input
            self._choose(self._found.items[0]["feature"])
            self._taken = taken

    def _choose(self, name: str) -> None:
        # The words go first: what is typed next, once the feature is seen to have changed, must not go with them.
        self._words.param.update(value="", value_input="")
        self._found.visible = False
        self._count.object = ""
        self._state.feature = name

    def _item(self, feature: Feature) -> dict[str, str]:
        return {
            "label": feature.label(self._t.language),
            "secondary": self._standing(feature),
            "icon": ICONS.get(feature.unit, "label"),
            "feature": feature.name,
        }

    def _standing(self, feature: Feature) -> str:
        """Return in a few words a feature's unit and how much it weighs."""
        t, explanations = self._t, self._services.explanations
        rank = explanations.ranks.get(feature.name)
        weight = (
            t("search.unused")
            if rank is None
            else t("search.rank", rank=rank, weight=t.number(explanations.weights[feature.name], 3))
        )
        return f"{t(f'unit.{feature.unit}')} · {weight}"

    def _focus_html(self, name: str) -> str:
        if not self._services.has_feature(name):
            return ""
        t, feature, explanations = self._t, self._services.feature(name), self._services.explanations
        rank = explanations.ranks.get(name)
        facts = [
            ("unit", t(f"unit.{feature.unit}")),
            ("source", table(feature.table).label(t.language)),
            ("weight", t("search.unused") if rank is None else t.number(explanations.weights[name], 3)),
        ]
        if rank is not None:
            facts.append(("place_label", t("search.place", rank=rank, features=len(explanations.ranks))))
        rows = "".join(f"<dt>{escape(t(f'search.{key}'))}</dt><dd>{escape(value)}</dd>" for key, value in facts)
        return (
            f'<section class="focus" aria-live="polite"><p class="soft">{escape(t("search.focus"))}</p>'
            f"<h3>{escape(feature.label(t.language))}</h3>"
            f"<p>{escape(group_description(feature.source, t.language))}</p><dl class='key'>{rows}</dl></section>"
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        t = self._t
        return pmui.Column(
            html(f"<h2>{escape(t('search.title'))}</h2>"),
            self._words,
            html(f"<p class='soft' style='font-size:13px'>{escape(t('search.help'))}</p>"),
            self._count,
            self._found,
            self._focus,
            sizing_mode="stretch_width",
            margin=0,
        )
