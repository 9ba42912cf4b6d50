"""Filtering two columns by values typed or ticked: what a box does, without dragging."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.views.html import html
from data.errors import PretscopeError
from data.schema import table
from explain.crossfilter.exploration import PAIR
from explain.crossfilter.filters import Box, Categories, Range
from explain.crossfilter.population import RAW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboard.exploring import Exploring
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.views.column_words import ColumnWords
    from explain.crossfilter.axes import Axis
    from explain.crossfilter.filters import Side

_YEAR = 365.25
_LONG = 2 * _YEAR
_SPACES = {ord(space): None for space in " \u00a0\u202f\u2009'’"}


class Unreadable(ValueError):
    """What was typed is no number."""


@dataclass(frozen=True, slots=True)
class Unit:
    """How people type values of a column.

    Attributes
    ----------
    name : "", "percent", "years", "days" or "months".
    factor : what one typed is in the column's own unit; negative where people count back.
    """

    name: str = ""
    factor: float = 1.0


class TypedSide:
    """The fields of one axis.

    Parameters
    ----------
    words : of columns.
    services : of the portfolio.
    translate : words of the visitor's language.
    """

    def __init__(self, words: ColumnWords, services: Services, translate: Translator) -> None:
        self._words, self._services, self._t = words, services, translate
        self._axis: Axis | None = None
        self._left: dict[str, tuple[str, str, list[str]]] = {}
        self._unit = Unit()
        self._name = html()
        field = {"size": "small", "sizing_mode": "stretch_width", "margin": (4, 0)}
        self.least = pmui.TextInput(label=translate("bivariate.from"), **field)
        self.most = pmui.TextInput(label=translate("bivariate.to"), **field)
        self.chosen = pmui.MultiChoice(
            label=translate("bivariate.one_of"), options={}, sizing_mode="stretch_width", margin=(4, 0)
        )
        self._numbers = pmui.Grid(
            pmui.Grid(self.least, size=6), pmui.Grid(self.most, size=6),
            container=True, column_spacing=1, sizing_mode="stretch_width", margin=0,
        )  # fmt: skip
        self.view = pmui.Column(self._name, self._numbers, self.chosen, sizing_mode="stretch_width", margin=0)

    def show(self, axis: Axis) -> None:
        """Ask for values of an axis; what was typed for another column is kept until that comes back."""
        before, key = self._axis, axis.key.column
        if before is not None and before.key.column == key:
            self._axis = axis
            return
        if before is not None:
            self._left[before.key.column] = (self.least.value_input, self.most.value_input, list(self.chosen.value))
        self._axis, t, words = axis, self._t, self._words
        least, most, chosen = self._left.get(key, ("", "", []))
        measured = axis.categories is None
        self._numbers.visible, self.chosen.visible = measured, not measured
        self._unit = self._unit_of(axis) if measured else Unit()
        said = words.label(key)
        if measured and self._unit.name:
            said = t("bivariate.in_unit", column=said, unit=t(f"bivariate.unit_{self._unit.name}"))
        self._name.object = f"<h3>{escape(said)}</h3>"
        if measured:
            ends = sorted(axis.value_at(end) / self._unit.factor for end in axis.full)
            shown = ["" if math.isnan(end) else self._shown(end) for end in ends]
            self.least.param.update(value=least, value_input=least, placeholder=shown[0])
            self.most.param.update(value=most, value_input=most, placeholder=shown[1])
        else:
            self.chosen.param.update(value=[])
            options = {words.category(key, name): name for name in axis.categories or ()}
            self.chosen.param.update(options=options, value=chosen)

    def side(self) -> Side | None:
        """Return the filter asked for, None where nothing was; raise Unreadable with a message where it can't be."""
        axis, t = self._axis, self._t
        if axis is None:
            return None
        key = axis.key.column
        if axis.categories is not None:
            return Categories(key, tuple(self.chosen.value)) if self.chosen.value else None
        ends: list[float | None] = []
        for field in (self.least, self.most):
            text = (field.value_input or field.value or "").strip()
            ends.append(self._number(text) if text else None)
        least, most = ends
        if least is None and most is None:
            return None
        if least is not None and most is not None and least > most:
            raise Unreadable(
                t(
                    "bivariate.wrong_order",
                    column=self._words.label(key),
                    low=self._shown(least),
                    high=self._shown(most),
                )
            )
        low = -math.inf if least is None else least
        high = math.inf if most is None else most
        low, high = sorted((low * self._unit.factor, high * self._unit.factor))
        return Range(key, low, high)

    def _number(self, text: str) -> float:
        """Return a number typed in the visitor's language."""
        plain = text.translate(_SPACES).replace("\u2212", "-").removesuffix("%")
        french = self._t.language == "fr"
        if french or (plain.count(",") == 1 and "." not in plain and len(plain.partition(",")[2]) != 3):
            plain = plain.replace(",", ".")
        try:
            number = float(plain.replace(",", ""))
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            example = self._t.number(12.5, 1)
            label = self._words.label(self._axis.key.column) if self._axis is not None else ""
            raise Unreadable(self._t("bivariate.no_number", typed=text[:40], column=label, example=example))
        return number

    def _shown(self, number: float) -> str:
        digits = 0 if abs(number) >= 1000 or number == int(number) else 1 if abs(number) >= 10 else 3
        return ("\u2212" if number < 0 else "") + self._t.number(abs(number), digits)

    def _unit_of(self, axis: Axis) -> Unit:
        key, words = axis.key.column, self._words
        kind = words.kind(key)
        if kind == "contribution":
            return Unit()
        if kind == "outcome" or words.value(key, 0.5).endswith("%"):
            return Unit("percent", 0.01)
        if kind == "raw":
            unit = table("application").column(key.removeprefix(RAW)).unit
        else:
            unit = self._services.feature(key).unit
        sign = -1.0 if words.backwards(key) else 1.0
        if unit == "days":
            long = max(abs(axis.value_at(end)) for end in axis.full) > _LONG
            return Unit("years", sign * _YEAR) if long else Unit("days", sign)
        return Unit("months", sign) if unit == "months" else Unit()


class TypedFilter(pn.viewable.Viewer):
    """A folded panel with fields for both axes, and a button that applies them.

    Parameters
    ----------
    exploring : of the session.
    services : of the portfolio.
    words : of columns.
    translate : words of the visitor's language.
    """

    def __init__(
        self, exploring: Exploring, services: Services, words: ColumnWords, translate: Translator, **params: Any
    ) -> None:
        super().__init__(**params)
        self._exploring, self._t = exploring, translate
        self.across, self.up = (TypedSide(words, services, translate) for _ in range(2))
        self._told = html()
        self.apply = pmui.Button(
            label=translate("bivariate.apply"), size="small", on_click=self._applied, margin=(6, 8, 6, 0)
        )
        for side in (self.across, self.up):
            for field in (side.least, side.most):
                field.param.watch(self._applied, "enter_pressed")

    def show(self, axes: Sequence[Axis]) -> None:
        """Ask for values of two axes."""
        for side, axis in zip((self.across, self.up), axes, strict=True):
            side.show(axis)

    def _applied(self, *_events: Any) -> None:
        try:
            across, up = self.across.side(), self.up.side()
        except (Unreadable, PretscopeError) as error:
            self._tell(str(error), wrong=True)
            return
        if across is None and up is None:
            self._tell(self._t("bivariate.nothing_typed"), wrong=True)
            return
        self._tell("")
        self._exploring.brush(PAIR, Box(across, up) if across is not None and up is not None else across or up)

    def _tell(self, message: str, *, wrong: bool = False) -> None:
        kind = ' class="problem" role="alert"' if wrong else ""
        self._told.object = f"<div{kind}><p>{escape(message)}</p></div>" if message else ""

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the panel, folded."""
        sizes = {"xs": 12, "sm": 6}
        fields = pmui.Column(
            pmui.Grid(
                pmui.Grid(self.across.view, size=sizes), pmui.Grid(self.up.view, size=sizes),
                container=True, column_spacing=2, sizing_mode="stretch_width", margin=0,
            ),
            self._told, self.apply, sizing_mode="stretch_width", margin=(0, 12),
        )  # fmt: skip
        return pmui.Details(
            fields, title=self._t("bivariate.typed"), collapsed=True, fully_expanded=True,
            sizing_mode="stretch_width", margin=(8, 0),
        )  # fmt: skip
