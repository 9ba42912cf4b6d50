"""The client picker: search by number on the server, filters, next client, next refused client."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.address import Filters
from dashboard.views.html import html
from models.policy import LEVELS

if TYPE_CHECKING:
    from dashboard.controller import Controller
    from dashboard.i18n import Translator
    from dashboard.state import SessionState


class Picker(pn.viewable.Viewer):
    """The picker of one session.

    Nothing is sent to the browser but the few clients on offer, whatever the size of the portfolio.
    """

    def __init__(self, state: SessionState, controller: Controller, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._state, self._controller, self._t = state, controller, translate
        t = translate
        filters = state.filters
        first = controller.services.portfolio.features.ids[0]
        self._id = pmui.TextInput(
            label=t("picker.id"), placeholder=t("picker.placeholder", client=first), value=state.wanted,
            sizing_mode="stretch_width", margin=(4, 0), size="small",
        )  # fmt: skip
        self._found = pmui.MenuList(items=[], dense=True, margin=0, sizing_mode="stretch_width", highlight=False)
        self._count = html()
        self._decision = pmui.RadioButtonGroup(
            label=t("picker.decision"), value=filters.decision, margin=(10, 0), size="small",
            options={t("picker.all"): "all", t("picker.accepted"): "accepted", t("picker.refused"): "refused"},
        )  # fmt: skip
        self._levels = pmui.MultiChoice(
            label=t("picker.levels"), value=list(filters.levels), margin=(4, 0), sizing_mode="stretch_width",
            options={t(f"level.{level}"): level for level in LEVELS},
        )  # fmt: skip
        self._score = pmui.IntRangeSlider(
            label=t("picker.score"), start=0, end=100, margin=(4, 16), sizing_mode="stretch_width", size="small",
            value=(round(100 * filters.low), round(100 * filters.high)),
        )  # fmt: skip
        self._next = pmui.Button(label=t("picker.next"), variant="outlined", margin=(4, 12, 4, 0), size="small")
        self._refused = pmui.Button(label=t("picker.next_refused"), variant="outlined", margin=(4, 0), size="small")
        self._reset = pmui.Button(label=t("picker.reset"), variant="text", margin=(4, 0), size="small")
        self._watch()
        self._offer(self._typed())

    def _watch(self) -> None:
        self._id.param.watch(self._typed_in, "value_input")
        self._id.param.watch(lambda event: self._controller.open(event.new), "value")
        self._found.on_click(self._picked)
        for widget in (self._decision, self._levels):
            widget.param.watch(self._filtered, "value")
        self._score.param.watch(self._filtered, "value_throttled")
        self._next.on_click(lambda _: self._controller.step())
        self._refused.on_click(lambda _: self._controller.step("refused"))
        self._reset.on_click(self._cleared)
        self._state.param.watch(self._shown, ["file", "problem"])

    def _typed_in(self, event: Any) -> None:
        self._offer(self._typed() if event.new else "")

    def _typed(self) -> str:
        shown = self._state.file
        text = self._id.value_input or self._id.value or ""
        return "" if shown is not None and text == str(shown.client) else text

    def _offer(self, prefix: str) -> None:
        found, total = self._controller.suggest(prefix)
        t = self._t
        self._found.items = [
            {
                "label": t(
                    "picker.item",
                    client=item.client,
                    decision=t("picker.accepted" if item.accepted else "picker.refused"),
                    score=t.percent(item.score),
                ),
                "icon": "check_circle_outline" if item.accepted else "highlight_off",
                "client": str(item.client),
            }
            for item in found
        ]
        self._found.visible = bool(found) and bool(prefix)
        if total == 0:
            text = t("picker.no_prefix", prefix=prefix) if prefix else t("picker.no_match")
        else:
            text = t("picker.count_one") if total == 1 else t("picker.count", count=t.number(total, 0))
        self._count.object = f'<p class="soft" role="status" style="margin:4px 0">{escape(text)}</p>'

    def _picked(self, item: dict[str, Any]) -> None:
        self._controller.open(item["client"])

    def _filtered(self, _event: Any) -> None:
        low, high = self._score.value
        self._state.filters = Filters(self._decision.value, tuple(self._levels.value), low / 100, high / 100)
        self._offer(self._typed())

    def _cleared(self, _event: Any) -> None:
        self._decision.value, self._levels.value, self._score.value = "all", [], (0, 100)
        self._filtered(None)

    def _shown(self, *_events: Any) -> None:
        if self._state.file is not None and not self._state.problem:
            shown = str(self._state.file.client)
            self._id.param.update(value=shown, value_input=shown)
            self._offer("")

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the picker, as a narrow column."""
        t = self._t
        return pmui.Column(
            html(f"<h2 style='margin:0 0 6px'>{escape(t('picker.title'))}</h2>"),
            self._id,
            html(f"<p class='soft' style='font-size:13px'>{escape(t('picker.help'))}</p>"),
            self._count,
            self._found,
            pn.FlexBox(self._next, self._refused, margin=(4, 0)),
            pmui.Details(
                self._decision,
                self._levels,
                self._score,
                self._reset,
                title=t("picker.filters"),
                collapsed=self._state.filters == Filters(),
                sizing_mode="stretch_width",
                margin=(4, 0),
            ),
            sizing_mode="stretch_width",
            margin=0,
        )
