"""Choosing a column of all clients by words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.views.column_words import ColumnWords
from dashboard.views.feature_search import ICONS
from dashboard.views.html import html
from data.schema import table
from explain.crossfilter.population import CONTRIBUTION, RAW

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.i18n import Translator
    from dashboard.services import Services

KIND_ICONS = {"outcome": "flag", "raw": "description", "contribution": "insights"}
SEARCH_CLASS = "looked-for"
"""Of a field whose words `shell.js` marks when it is entered, and takes away at Escape."""


class ColumnPicker(pn.viewable.Viewer):
    """A field that shows a column and finds another: words are looked for on the server, the best columns offered.

    Enter takes the first one. A field that is emptied, or left with words that nothing was found for, goes back to the
    column it showed; so does the last item offered.

    Parameters
    ----------
    label : what the column is for.
    services : of the portfolio.
    translate : words of the visitor's language.
    chosen : called with the key of the column chosen, once the field shows it.

    Attributes
    ----------
    view : the field, with what is offered below it.
    """

    def __init__(
        self, label: str, services: Services, translate: Translator, chosen: Callable[[str], None], **params: Any
    ) -> None:
        super().__init__(**params)
        self._services, self._t, self._chosen = services, translate, chosen
        self._column_words = ColumnWords(services, translate)
        self._key = self._shown = ""
        self._taken: str | None = None
        self._words = pmui.TextInput(
            label=label, placeholder=translate("column_picker.placeholder"), sizing_mode="stretch_width",
            margin=(8, 0, 0, 0), size="small", css_classes=[SEARCH_CLASS],
        )  # fmt: skip
        self._found = pmui.MenuList(items=[], dense=True, margin=0, sizing_mode="stretch_width", highlight=False)
        self._found.visible = False
        self._told = html()
        self._words.param.watch(self._typed, "value_input")
        self._words.param.watch(self._left, "value")
        self._words.param.watch(self._entered, "enter_pressed")
        self._found.on_click(self._clicked)
        self.view = pn.Column(self._words, self._told, self._found, sizing_mode="stretch_width", margin=0)

    def show(self, key: str) -> None:
        """Display a column; "" displays none, for a field that adds one. Words half typed are kept."""
        if key == self._key:
            return
        self._key, before = key, self._shown
        self._shown = self._column_words.label(key) if key else ""
        self._words.placeholder = self._shown or self._t("column_picker.placeholder")
        if (self._words.value_input or "") == before:
            self._restore()

    def _restore(self) -> None:
        """Show the column's own label again, and offer nothing."""
        self._words.param.update(value=self._shown, value_input=self._shown)
        self._found.visible = False
        self._told.object = ""

    def _typed(self, event: Any) -> None:
        text = (event.new or "").strip()
        taken, self._taken = self._taken, None
        if taken == event.new:  # told once more by the browser, after the Enter that took what they found
            self._restore()
            return
        if text == self._shown:
            self._found.visible, self._told.object = False, ""
            return
        t = self._t
        found, total = self._services.columns.find(text)
        items = [self._item(key) for key in found]
        if items and self._shown:
            items.append({"label": t("column_picker.keep", column=self._shown), "icon": "undo", "key": ""})
        self._found.items = items
        self._found.visible = bool(items)
        if not text:
            told = ""
        elif not total:
            told = t("column_picker.nothing", words=text[:60])
        else:
            told = t("column_picker.count_one") if total == 1 else t("column_picker.count", count=t.number(total, 0))
            if total > len(found):
                told += t("column_picker.best", shown=len(found))
        self._told.object = f'<p class="soft" role="status" style="margin:2px 0">{escape(told)}</p>' if told else ""

    def _left(self, event: Any) -> None:
        # The browser tells the words when the field is left, as it also does when something offered is clicked: what is
        # offered must stay until then.
        if (event.new or "") != self._shown and not self._found.visible:
            self._restore()

    def _entered(self, _event: Any) -> None:
        if self._found.visible and self._found.items:
            self._taken = self._words.value_input
            self._choose(self._found.items[0]["key"])
        elif not (self._words.value_input or "").strip():
            self._restore()

    def _clicked(self, item: dict[str, Any]) -> None:
        self._choose(item["key"])

    def _choose(self, key: str) -> None:
        # The words go first: what is typed next, once the column is seen to have changed, must not go with them.
        if key and self._key:
            self._key, self._shown = key, self._column_words.label(key)
            self._words.placeholder = self._shown
        taken = self._taken
        self._restore()
        self._taken = taken
        if key:
            self._chosen(key)

    def _item(self, key: str) -> dict[str, str]:
        words = self._column_words
        kind = words.kind(key)
        icon = KIND_ICONS.get(kind)
        if icon is None:
            icon = ICONS.get(self._services.feature(key).unit, "label")
        return {"label": words.label(key), "secondary": self._secondary(key, kind), "icon": icon, "key": key}

    def _secondary(self, key: str, kind: str) -> str:
        """Return in a few words what a column is and where it comes from."""
        t, services = self._t, self._services
        said = [t(f"column_picker.{kind}")]
        if kind == "raw":
            unit = table("application").column(key.removeprefix(RAW)).unit
            said.append(table("application").label(t.language))
        elif kind != "outcome":
            feature = services.feature(key.removeprefix(CONTRIBUTION))
            unit = feature.unit
            said.append(table(feature.table).label(t.language))
        if kind in ("raw", "feature") and unit != "none":
            said.append(t(f"unit.{unit}"))
        return " · ".join(said)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the field."""
        return self.view
