"""The table of what was used: every feature that moved the client's score, and how they add up to it."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from dashboard.feature_index import folded
from dashboard.figures.gauge import score_digits
from dashboard.views.html import html
from dashboard.views.wording import Wording

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dashboard.i18n import Translator
    from dashboard.services import ClientFile, Services
    from dashboard.state import SessionState

FIRST = 20
DIGITS, MOST_DIGITS = 3, 12
KEYS = ("feature", "value", "typical", "contribution", "group")


class UsedView(pn.viewable.Viewer):
    """What the model used for the client shown, the strongest first; searched by words."""

    def __init__(self, state: SessionState, services: Services, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._state, self._services, self._t = state, services, translate
        self._wording = Wording(services, translate)
        self._all = False
        self._rows: list[dict[str, Any]] = []
        self._head, self._table = html(), html()
        self._search = pmui.TextInput(
            label=translate("used.search"), placeholder=translate("used.example"), sizing_mode="stretch_width",
            margin=(8, 0), size="small",
        )  # fmt: skip
        self._more = pmui.Button(label=translate("used.fewer"), variant="outlined", margin=(8, 0), size="small")
        self._search.param.watch(lambda _: self._list(), "value_input")
        self._more.on_click(self._toggled)
        self._draw()
        state.param.watch(self._draw, ["file", "surroundings"])

    def _draw(self, *_events: Any) -> None:
        file, around = self._state.file, self._state.surroundings
        if file is None:
            return
        t = self._t
        self._rows = self.rows(file, around.typical if around is not None else {})
        with pn.io.hold():
            self._head.object = (
                f"<h2>{escape(t('used.title'))}</h2><p>{escape(self.sum(file))}</p><p class='soft'>"
                f"{escape(t('used.intro', used=len(self._rows), all=len(file.contributions.names)))}</p>"
            )
            self._list()

    def rows(self, file: ClientFile, typical: Mapping[str, float]) -> list[dict[str, Any]]:
        """Return one row a feature that moved the score, in words, the strongest first.

        Features of one weight are in the model's order. `contribution` is in log-odds of repayment; `typical` are
        medians among accepted clients, told as unknown where they are not there yet.
        """
        found = file.contributions
        order = np.argsort(-np.abs(found.values), kind="stable")
        rows = []
        for place in order[found.values[order] != 0.0].tolist():
            name = found.names[place]
            feature = self._wording.feature(name)
            group = self._wording.group(self._services.feature(name).group)
            rows.append(
                {
                    "feature": feature,
                    "group": group,
                    "value": self._wording.number(name, float(found.row[place])),
                    "typical": self._wording.number(name, typical[name]) if name in typical else "…",
                    "contribution": float(found.values[place]),
                    "words": folded(f"{feature} {group}"),
                }
            )
        return rows

    def sum(self, file: ClientFile) -> str:
        """Return the sum that leads from the base to the score, in numbers that add up as they are written."""
        t = self._t
        decimals = score_digits(file.outcome.score, self._services.policy)
        score = t.percent(file.outcome.score, decimals)
        base, total, digits = adding_up(
            file.contributions.base, file.contributions.logit_score, score, lambda share: t.percent(share, decimals)
        )
        numbers = {
            "base": t.signed(base, digits),
            "sum": t.signed(round(total - base, digits), digits),
            "total": t.signed(total, digits),
        }
        return t("used.sum", score=score, **numbers)

    def _toggled(self, _event: Any) -> None:
        self._all = not self._all
        self._list()

    def _list(self) -> None:
        t = self._t
        asked = folded(self._search.value_input or "").split()
        kept = [row for row in self._rows if all(word in row["words"] for word in asked)]
        shown = kept if self._all else kept[:FIRST]
        with pn.io.hold():
            self._more.visible = len(kept) > FIRST
            count = t.number(len(kept), 0)
            self._more.label = t("used.fewer", count=FIRST) if self._all else t("used.more", count=count)
            self._table.object = self._table_html(shown, len(kept)) if kept else self._nothing_html()

    def _nothing_html(self) -> str:
        return f'<p role="status">{escape(self._t("used.nothing", words=self._search.value_input or ""))}</p>'

    def _table_html(self, rows: list[dict[str, Any]], count: int) -> str:
        t = self._t
        heads = "".join(
            f'<th scope="col" role="columnheader" class="{"num" if key == "contribution" else key}">'
            f"{escape(t(f'used.{key}'))}</th>"
            for key in KEYS
        )
        body = "".join(self._row(row) for row in rows)
        shown = t("used.shown", shown=t.number(len(rows), 0), count=t.number(count, 0))
        return (
            f'<p class="soft" role="status">{escape(shown)}</p><table class="used" role="table"><caption class="sr">'
            f"{escape(t('used.title'))}</caption><thead role='rowgroup'><tr role='row'>{heads}</tr></thead>"
            f"<tbody role='rowgroup'>{body}</tbody></table>"
        )

    def _row(self, row: dict[str, Any]) -> str:
        t = self._t
        side = "for" if row["contribution"] >= 0 else "against"
        cells = "".join(
            f'<td role="cell" class="{key}" data-label="{escape(t(f"used.{key}"))}">{escape(row[key])}</td>'
            for key in ("value", "typical")
        )
        group = "" if row["group"] == row["feature"] else row["group"]
        return (
            f'<tr role="row"><th scope="row" role="rowheader">{escape(row["feature"])}</th>{cells}'
            f'<td role="cell" class="num {side}">{t.signed(row["contribution"], DIGITS)}</td>'
            f'<td role="cell" class="group">{escape(group)}</td></tr>'
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        return pmui.Column(
            self._head, self._search, self._table, pn.FlexBox(self._more, margin=0), sizing_mode="stretch_width",
            margin=0,
        )  # fmt: skip


def adding_up(
    base: float, total: float, score: str, told: Callable[[float], str], digits: int = DIGITS
) -> tuple[float, float, int]:
    """Return the base and the total as they are to be written, and with how many decimals.

    There are as many as it takes for the total, as it is written, to be the score as it is written.

    Parameters
    ----------
    base, total : log-odds of repayment.
    score : the score as it is written.
    told : writes a probability of repayment as a score.
    digits : least number of decimals.
    """
    while digits < MOST_DIGITS and told(1.0 / (1.0 + math.exp(-round(total, digits)))) != score:
        digits += 1
    return round(base, digits), round(total, digits), digits
