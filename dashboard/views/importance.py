"""What drives the model: bars for everyone and for the selection, in words, and as a table."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
from bokeh.events import Tap

from dashboard.explanations import LINES, ORDERS
from dashboard.figures.importance import dress_importance, importance_layers, importance_options, row_at
from dashboard.figures.palette import NEUTRAL, SELECTED
from dashboard.views.html import html
from dashboard.views.live import LiveFigure
from dashboard.views.selection import selection_label
from dashboard.views.wording import Wording
from data.schema import table

if TYPE_CHECKING:
    from dashboard.controller import Controller
    from dashboard.explanations import ComparedImportance
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState

PAGE = 20
TOLD = 3
NOWRAP = {"& .MuiToggleButton-root": {"whiteSpace": "nowrap"}}


class ImportanceView(pn.viewable.Viewer):
    """The importance of sources or features, for everyone and for the selection.

    Attributes
    ----------
    figure : the bars.
    """

    def __init__(
        self, state: SessionState, services: Services, controller: Controller, translate: Translator, **params: Any
    ) -> None:
        super().__init__(**params)
        self._state, self._services, self._controller, self._t = state, services, controller, translate
        self._wording = Wording(services, translate)
        self._shown, self._rows = PAGE, []
        self._filling = False
        self._legend, self._summary, self._table = html(), html(), html()
        self.figure = LiveFigure()
        self._level = pmui.RadioButtonGroup(
            label=translate("importance.level"), value=state.level, margin=(6, 12, 4, 0), size="small", sx=NOWRAP,
            options={translate(f"importance.level_{level}"): level for level in LINES},
        )  # fmt: skip
        self._order = pmui.RadioButtonGroup(
            label=translate("importance.order"), value=ORDERS[0], margin=(6, 0, 4, 0), size="small", sx=NOWRAP,
            options={translate(f"importance.order_{order}"): order for order in ORDERS},
        )  # fmt: skip
        self._line = pmui.Select(
            label=translate("importance.line"), options={}, sizing_mode="stretch_width", margin=(8, 0, 4, 0),
            size="small",
        )  # fmt: skip
        self._more = pmui.Button(
            label=translate("importance.more"), variant="outlined", size="small", margin=(4, 8, 4, 0)
        )
        self._fewer = pmui.Button(label=translate("importance.fewer"), variant="text", size="small", margin=(4, 0))
        self._watch()
        self._draw()

    def _watch(self) -> None:
        state = self._state
        self._level.param.watch(lambda event: setattr(state, "level", event.new), "value")
        self._order.param.watch(lambda _: self._draw(), "value")
        self._line.param.watch(self._chosen, "value")
        self._more.on_click(lambda _: self._show(self._shown + PAGE))
        self._fewer.on_click(lambda _: self._show(PAGE))
        state.param.watch(self._answered, "compared")
        state.param.watch(lambda _: self._draw(), "feature")

    def _answered(self, event: Any) -> None:
        if event.old is None or event.old.level != event.new.level:
            self._shown = PAGE
        self._draw()

    def _show(self, count: int) -> None:
        self._shown = count
        self._draw()

    def _draw(self) -> None:
        t = self._t
        # Everyone's importance is there from the start; the selection's follows.
        compared = self._state.compared or self._services.explanations.everyone(self._state.level)
        chosen = selection_label(self._state.compared_with or self._state.selection, self._state, t)
        order = compared.ordered(self._order.value)
        rows = [self._row(compared, int(place)) for place in order[: self._shown]]
        self._rows = rows
        summary = self._in_words(compared, chosen)
        with pn.io.hold():
            self._legend.object = self._legend_html(compared, chosen)
            self.figure.show(
                importance_layers(rows),
                lambda hook: importance_options(t, hook),
                lambda figure: self._dress(figure, rows, t("importance.figure", summary=summary)),
            )
            self._fill_lines(rows)
            self._more.visible = len(order) > self._shown
            self._fewer.visible = self._shown > PAGE
            self._summary.object = f"<p>{escape(summary)}</p>"
            self._table.object = self._table_html(rows, chosen)

    def _dress(self, figure: Any, rows: list[dict[str, Any]], summary: str) -> None:
        if "tapped" not in figure.tags:
            figure.tags.append("tapped")
            figure.on_event(Tap, self._tapped)
        dress_importance(figure, rows, self._t, summary)

    def _tapped(self, event: Any) -> None:
        row = row_at(self._rows, event.y) if event.y is not None else None
        if row is not None:
            self._controller.look_at(row["name"])

    def _fill_lines(self, rows: list[dict[str, Any]]) -> None:
        # A list whose value is none of its options takes the first one for chosen: there is an option for a line in
        # focus that is not shown.
        focused = next((row["name"] for row in rows if row["focused"]), "")
        options = {row["label"]: row["name"] for row in rows}
        if not focused:
            options = {self._t("importance.no_line"): "", **options}
        self._filling = True
        try:
            self._line.param.update(options=options, value=focused)
        finally:
            self._filling = False

    def _chosen(self, event: Any) -> None:
        if not self._filling and event.new:
            self._controller.look_at(event.new)

    def _row(self, compared: ComparedImportance, place: int) -> dict[str, Any]:
        t, name = self._t, compared.names[place]
        everyone, chosen = float(compared.everyone[place]), float(compared.chosen[place])
        share = t.percent(float(compared.share_everyone[place]), 1)
        nobody = math.isnan(chosen)
        share_chosen = "–" if nobody else t.percent(float(compared.share_chosen[place]), 1)
        return {
            "name": name,
            "label": self._label(compared.level, name),
            "everyone": everyone,
            "chosen": chosen,
            "share": share,
            "share_chosen": share_chosen,
            "everyone_words": t("importance.value", weight=t.number(everyone, 3), share=share),
            "chosen_words": "–" if nobody else t("importance.value", weight=t.number(chosen, 3), share=share_chosen),
            "difference_words": "–" if nobody else t.signed(chosen - everyone, 3),
            "focused": self._focused(compared, name),
        }

    def _label(self, level: str, name: str) -> str:
        if level == "table":
            return table(name).label(self._t.language)
        return self._wording.group(name) if level == "group" else self._wording.feature(name)

    def _focused(self, compared: ComparedImportance, name: str) -> bool:
        """Return whether a line is the feature in focus, or where it comes from."""
        if not self._services.has_feature(self._state.feature):
            return False
        group = self._services.feature(self._state.feature).group
        own = {"feature": self._state.feature, "group": group, "table": group.partition(".")[0]}
        return name == own[compared.level]

    def _in_words(self, compared: ComparedImportance, chosen: str) -> str:
        t = self._t
        first = compared.ordered("everyone")[:TOLD]
        listed = [
            t("importance.told", name=self._label(compared.level, compared.names[place]),
              share=t.percent(float(compared.share_everyone[place]), 1))
            for place in first
        ]  # fmt: skip
        strongest = t("importance.between").join(listed)
        told = t("importance.summary", clients=t.number(compared.population, 0), listed=strongest)
        if not compared.clients:
            return told
        place = int(compared.ordered("difference")[0])
        difference = float(compared.difference[place])
        name = self._label(compared.level, compared.names[place])
        key = "importance.weighs_more" if difference >= 0 else "importance.weighs_less"
        return f"{told} {t(key, selection=chosen, name=name, difference=t.signed(difference, 3))}"

    def _legend_html(self, compared: ComparedImportance, chosen: str) -> str:
        t = self._t
        keys = [(NEUTRAL, t("importance.legend_everyone", clients=t.number(compared.population, 0)))]
        if compared.clients:
            keys.append(
                (SELECTED, t("importance.legend_chosen", selection=chosen, clients=t.number(compared.clients, 0)))
            )
        items = "".join(
            f'<li><span class="swatch inline" style="background:{colour};border-color:{colour}"></span> {escape(words)}'
            f"</li>"
            for colour, words in keys
        )
        return f'<ul class="legend">{items}</ul>'

    def _table_html(self, rows: list[dict[str, Any]], chosen: str) -> str:
        t = self._t
        body = "".join(
            f'<tr><th scope="row">{escape(row["label"])}</th><td class="num">{t.number(row["everyone"], 3)}</td>'
            f'<td class="num">{row["share"]}</td>'
            f'<td class="num">{"–" if math.isnan(row["chosen"]) else t.number(row["chosen"], 3)}</td>'
            f'<td class="num">{row["share_chosen"]}</td><td class="num">{row["difference_words"]}</td></tr>'
            for row in rows
        )
        heads = [
            t("importance.everyone"), t("importance.share_everyone"), chosen,
            t("importance.share_chosen", selection=chosen), t("importance.difference"),
        ]  # fmt: skip
        head = "".join(f'<th scope="col" class="num">{escape(words)}</th>' for words in heads)
        return (
            f'<details><summary>{escape(t("importance.table"))}</summary><div class="scroll" tabindex="0" '
            f'role="region" aria-label="{escape(t("importance.table"))}"><table>'
            f"<caption>{escape(t('importance.unit'))}</caption>"
            f'<thead><tr><th scope="col">{escape(t("importance.source"))}</th>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div></details>"
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        t = self._t
        return pmui.Column(
            html(
                f"<h2>{escape(t('importance.title'))}</h2><p class='soft'>{escape(t('importance.intro'))}</p>",
            ),
            pn.FlexBox(self._level, self._order, margin=0),
            self._legend,
            self.figure.pane,
            pn.FlexBox(self._more, self._fewer, margin=0),
            self._line,
            self._summary,
            self._table,
            sizing_mode="stretch_width",
            margin=0,
        )
