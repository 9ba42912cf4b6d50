"""The client's file as people read it, with a choice of which facts to show."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.views.html import html
from data.features.values import display_raw
from data.schema import CLIENT_ID, TARGET, group_label, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboard.i18n import Translator
    from dashboard.services import ClientFile
    from dashboard.state import SessionState
    from data.schema import Column

USUAL = (
    "DAYS_BIRTH", "CODE_GENDER", "NAME_FAMILY_STATUS", "CNT_CHILDREN", "CNT_FAM_MEMBERS", "NAME_EDUCATION_TYPE",
    "NAME_INCOME_TYPE", "OCCUPATION_TYPE", "ORGANIZATION_TYPE", "DAYS_EMPLOYED", "AMT_INCOME_TOTAL",
    "NAME_CONTRACT_TYPE", "AMT_CREDIT", "AMT_ANNUITY", "AMT_GOODS_PRICE",
    "NAME_HOUSING_TYPE", "FLAG_OWN_REALTY", "FLAG_OWN_CAR", "OWN_CAR_AGE",
    "EXT_SOURCE_1", "EXT_SOURCE_2", "EXT_SOURCE_3", "REGION_RATING_CLIENT_W_CITY", "DAYS_LAST_PHONE_CHANGE",
)  # fmt: skip
GROUPS = ("identity", "family", "employment", "housing", "loan", "external", "region", "contact")


class FactsView(pn.viewable.Viewer):
    """The facts of the client shown, grouped; the choice is the session's."""

    def __init__(self, state: SessionState, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._state, self._t = state, translate
        language = translate.language
        self._columns = [column for column in table("application").columns if column.name not in (CLIENT_ID, TARGET)]
        chosen = list(state.facts if state.facts is not None else USUAL)
        self._choice = pmui.MultiChoice(
            label=translate("facts.choose"), value=chosen, sizing_mode="stretch_width", margin=(4, 0),
            options={column.label(language): column.name for column in self._columns}, searchable=True, chip=False,
        )  # fmt: skip
        self._usual = pmui.Button(label=translate("facts.usual"), variant="text", margin=0, size="small")
        self._all = pmui.Button(label=translate("facts.all"), variant="text", margin=0, size="small")
        self._choice.param.watch(lambda event: setattr(state, "facts", tuple(event.new)), "value")
        self._usual.on_click(lambda _: self._choose(USUAL))
        self._all.on_click(lambda _: self._choose([column.name for column in self._columns]))
        self._list = html(pn.bind(self._listed, state.param.file, state.param.facts))

    def _choose(self, names: Sequence[str]) -> None:
        self._choice.value = list(names)

    def _listed(self, file: ClientFile | None, chosen: tuple[str, ...] | None) -> str:
        if file is None:
            return ""
        kept = set(USUAL if chosen is None else chosen)
        return facts_html([column for column in self._columns if column.name in kept], file.facts, self._t)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        return pmui.Column(
            html(f"<h2>{escape(self._t('facts.title'))}</h2>"),
            self._list,
            self._choice,
            pn.FlexBox(self._usual, self._all, margin=0),
            sizing_mode="stretch_width",
            margin=0,
        )


def facts_html(columns: Sequence[Column], facts: Any, translate: Translator) -> str:
    """Return the facts as one small table a group, in the schema's order."""
    if not columns:
        return f'<p class="soft">{escape(translate("facts.none"))}</p>'
    language = translate.language
    groups: dict[str, list[str]] = {group: [] for group in GROUPS}
    for column in columns:
        shown = display_raw(column, facts.get(column.name), language)
        groups.setdefault(column.group, []).append(
            f'<tr title="{escape(column.description(language))}"><th scope="row">{escape(column.label(language))}</th>'
            f"<td>{escape(shown)}</td></tr>"
        )
    heads = f'<thead class="sr"><tr><th scope="col">{escape(translate("facts.fact"))}</th>'
    heads += f'<th scope="col">{escape(translate("facts.value"))}</th></tr></thead>'
    sections = "".join(
        f"<section><table><caption>{escape(group_label(group, language))}</caption>{heads}"
        f"<tbody>{''.join(rows)}</tbody></table></section>"
        for group, rows in groups.items()
        if rows
    )
    return f'<div class="facts">{sections}</div>'
