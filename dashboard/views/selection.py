"""Which clients are set against everyone."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.address import FILTERED, PICKED, build
from dashboard.views.html import html
from data.schema import table
from explain.selection import AGE_BANDS, SEX, named_selections

if TYPE_CHECKING:
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState

KINDS = {"decision": ("refused", "accepted"), "level": ("level.",), "sex": ("sex.",), "age": ("age.",)}


def selection_label(name: str, state: SessionState, translate: Translator) -> str:
    """Return what people call a selection: a name of `named_selections`, FILTERED or PICKED."""
    kind, _, value = name.partition(".")
    if name == PICKED:
        return state.portfolio_selection.label if state.portfolio_selection is not None else translate("selection.all")
    if kind == "level":
        return translate("selection.level", level=translate(f"level.{value}"))
    if kind == "sex":
        return table("application").column(SEX).category_label(value, translate.language)
    if kind == "age":
        low, high = (int(bound) for bound in value.split("-"))
        if low == AGE_BANDS[0][0]:
            return translate("selection.under", age=high + 1)
        if high + 1 == AGE_BANDS[-1][1]:
            return translate("selection.over", age=low)
        return translate("selection.ages", low=low, high=high)
    return translate(f"selection.{name}")


class SelectionView(pn.viewable.Viewer):
    """The choice of the clients set against everyone, and how many they are."""

    def __init__(self, state: SessionState, services: Services, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._state, self._services, self._t = state, services, translate
        self._filling = False
        self._choice = pmui.Select(
            label=translate("selection.choose"), groups=self._offered(), value=state.selection,
            sizing_mode="stretch_width", margin=(14, 0, 4, 0), size="small",
        )  # fmt: skip
        self._choice.param.watch(self._chosen, "value")
        state.param.watch(self._fill, ["portfolio_selection", "selection"])
        self._words = html(
            pn.bind(self._told, state.param.compared, state.param.comparing, state.param.trouble, state.param.filters),
            margin=(14, 0, 4, 0),
        )

    def _offered(self) -> dict[str, dict[str, str]]:
        t, counts = self._t, self._services.explanations.named_counts
        groups: dict[str, dict[str, str]] = {}
        for kind, beginnings in KINDS.items():
            groups[t(f"selection.kind_{kind}")] = {
                t(
                    "selection.option", name=selection_label(name, self._state, t), clients=t.number(counts[name], 0)
                ): name
                for name in named_selections()
                if name.startswith(beginnings) and (counts[name] or kind != "sex" or name == self._state.selection)
            }
        others = [FILTERED] if self._state.portfolio_selection is None else [FILTERED, PICKED]
        groups[t("selection.kind_other")] = {selection_label(name, self._state, t): name for name in others}
        return groups

    def _fill(self, *_events: Any) -> None:
        self._filling = True
        try:
            self._choice.param.update(groups=self._offered(), value=self._state.selection)
        finally:
            self._filling = False

    def _chosen(self, event: Any) -> None:
        if not self._filling and event.new is not None:
            self._state.selection = event.new

    def _told(self, *_shown: Any) -> str:
        t, state = self._t, self._state
        if state.trouble:
            return f'<div class="problem" role="alert"><p>{escape(state.trouble)}</p></div>'
        compared = state.compared
        if compared is None or state.comparing:
            told = t("selection.computing")
        elif not compared.clients:
            told = t("selection.nobody")
        else:
            clients, share = t.number(compared.clients, 0), t.percent(compared.clients / compared.population, 1)
            told = t(
                "selection.count_one" if compared.clients == 1 else "selection.count", clients=clients, share=share
            )
        lines = [f'<p class="soft" role="status">{escape(told)}</p>']
        if state.selection == FILTERED:
            link = escape(build(replace(state.address, page="client")))
            lines.append(
                f'<p class="soft">{escape(t("selection.filters_help"))} '
                f'<a href="{link}">{escape(t("selection.filters_link"))}</a>.</p>'
            )
        return "".join(lines)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        return pmui.Column(
            html(f"<h2>{escape(self._t('selection.title'))}</h2>"),
            pmui.Grid(
                pmui.Grid(self._choice, size={"xs": 12, "md": 4}),
                pmui.Grid(self._words, size={"xs": 12, "md": 8}, sx={"alignSelf": "center"}),
                container=True,
                column_spacing=2,
                sizing_mode="stretch_width",
                margin=0,
            ),
            sizing_mode="stretch_width",
            margin=0,
        )
