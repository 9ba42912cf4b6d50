"""The reasons: a waterfall, sentences for and against, and the same as a table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from dashboard.figures.waterfall import dress_waterfall, waterfall_layers, waterfall_options
from dashboard.views.html import html
from dashboard.views.live import LiveFigure
from dashboard.views.wording import Wording
from explain.waterfall import OTHERS

if TYPE_CHECKING:
    from dashboard.i18n import Translator
    from dashboard.services import ClientFile, Services
    from dashboard.state import SessionState


class ReasonsView(pn.viewable.Viewer):
    """Why the client shown was accepted or refused."""

    def __init__(self, state: SessionState, services: Services, translate: Translator, **params: Any) -> None:
        super().__init__(**params)
        self._t, self._services = translate, services
        self._wording = Wording(services, translate)
        self._head, self._sentences, self._table = html(), html(), html()
        self.figure = LiveFigure()
        # Where no client is shown yet the view is hidden, but its figure must be there from the start.
        self._draw(state.file or services.file_at(0))
        state.param.watch(lambda event: self._draw(event.new), "file")

    def _draw(self, file: ClientFile | None) -> None:
        if file is None:
            return
        t, wording = self._t, self._wording
        rows = self.rows(file)
        score, base = t.percent(file.outcome.score, 1), rows[0]["score"]
        strongest = "; ".join(f"{row['label']} {t.signed(row['contribution'])}" for row in rows[1:4])
        summary = t("reasons.summary", base=base, score=score, strongest=strongest)
        with pn.io.hold():
            self._head.object = (
                f"<h2>{escape(t('reasons.title'))}</h2>"
                f'<p class="soft">{escape(t("reasons.intro", base=base, score=score))}</p>'
            )
            threshold = self._services.policy.threshold
            self.figure.show(
                waterfall_layers(rows, threshold, t),
                lambda hook: waterfall_options(t, hook),
                lambda figure: dress_waterfall(figure, rows, threshold, t, summary),
            )
            self._sentences.object = wording.sentences_html(file)
            self._table.object = self._table_html(rows)

    def rows(self, file: ClientFile) -> list[dict[str, Any]]:
        """Return one row a bar, the base and the score included, in words; contributions in log-odds of repayment."""
        t, bars = self._t, file.bars
        base_score = t.percent(float(bars.start_scores[0]), 1)
        rows: list[dict[str, Any]] = [
            {"kind": "base", "label": t("reasons.base"), "value": "", "contribution": bars.base, "start": bars.base,
             "end": bars.base, "score": base_score},
        ]  # fmt: skip
        for index, group in enumerate(bars.groups):
            others = group == OTHERS
            rows.append(
                {
                    "kind": "others" if others else "reason",
                    "label": t("reasons.others") if others else self._wording.group(group),
                    "value": "" if others else self._wording.value(file, group, bars.quoted[index]),
                    "contribution": float(bars.contributions[index]),
                    "start": float(bars.starts[index]),
                    "end": float(bars.ends[index]),
                    "score": t.percent(float(bars.end_scores[index]), 1),
                }
            )
        rows.append(
            {"kind": "score", "label": t("reasons.total"), "value": "", "contribution": bars.logit_score,
             "start": bars.logit_score, "end": bars.logit_score, "score": t.percent(file.outcome.score, 1)},
        )  # fmt: skip
        return rows

    def _table_html(self, rows: list[dict[str, Any]]) -> str:
        t = self._t
        body = "".join(
            f'<tr><th scope="row">{escape(row["label"])}</th><td>{escape(row["value"])}</td>'
            f'<td class="num">{t.signed(row["contribution"], 3)}</td><td class="num">{row["score"]}</td></tr>'
            for row in rows
        )
        heads = "".join(
            f'<th scope="col"{" class=num" if key in ("reasons.contribution", "waterfall.running") else ""}>'
            f"{escape(t(key))}</th>"
            for key in ("reasons.group", "reasons.value", "reasons.contribution", "waterfall.running")
        )
        return (
            f'<details><summary>{escape(t("reasons.table"))}</summary><div class="scroll" tabindex="0" role="region" '
            f'aria-label="{escape(t("reasons.table"))}"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
            f"</div></details>"
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the view, top to bottom."""
        return pmui.Column(
            self._head, self.figure.pane, self._sentences, self._table, sizing_mode="stretch_width", margin=0
        )
