"""The Model page: which model decides, how good it is, and how it spreads the clients over the levels of risk."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from dashboard.figures.palette import LEVEL_COLOURS
from dashboard.views.html import html
from models.policy import LEVELS

if TYPE_CHECKING:
    import panel as pn

    from dashboard.i18n import Translator
    from dashboard.services import Services


def model_page(services: Services, t: Translator) -> pn.pane.HTML:
    """Return the page: the model's card, and the portfolio by level of risk."""
    card = services.card
    absent = ", ".join(services.portfolio.features.absent_tables) or t("model.none")
    interval = t("model.interval", low=t.number(card.auc.low, 3), high=t.number(card.auc.high, 3))
    measures = (
        ("auc", f"{t.number(card.auc.value, 3)} ({interval})"),
        ("ks", t.number(card.ks, 3)),
        ("brier", t.number(card.brier, 4)),
        ("base_rate", t.percent(services.policy.base_rate, 2)),
        ("threshold", t.percent(services.policy.threshold, 1)),
        ("clients", t.number(card.labelled, 0)),
        ("trees", t.number(card.trees, 0)),
        ("features", t.number(len(services.scorer.names), 0)),
        ("absent", absent),
        ("hash", services.scorer.model_hash[:12]),
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(t(f"model.{key}"))}</th><td class="num">{escape(value)}</td></tr>'
        for key, value in measures
    )
    counts = services.level_counts()
    levels = "".join(
        f'<tr><th scope="row"><span class="swatch inline" style="background:{LEVEL_COLOURS[name]}"></span> '
        f"{escape(t(f'level.{name}'))}</th><td class='num'>{t.number(count, 0)}</td>"
        f"<td class='num'>{t.percent(count / max(sum(counts), 1), 1)}</td></tr>"
        for name, count in zip(LEVELS, counts, strict=True)
    )
    return html(
        f"<h1>{escape(t('model.title'))}</h1><p class='soft'>{escape(t('model.intro'))}</p>"
        f"<table><caption>{escape(t('model.measure'))}</caption><tbody>{rows}</tbody></table>"
        f"<table><caption>{escape(t('model.levels'))}</caption><thead><tr>"
        f"<th scope='col'>{escape(t('decision.level'))}</th>"
        f"<th scope='col' class='num'>{escape(t('model.count'))}</th><th scope='col' class='num'>"
        f"{escape(t('model.share'))}</th></tr></thead><tbody>{levels}</tbody></table>"
    )
