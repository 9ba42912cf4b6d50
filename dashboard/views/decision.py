"""The decision in words, the gauge, and the figures behind it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import panel as pn

from dashboard.figures.gauge import distance, gauge, score_text, threshold_text
from dashboard.views.html import html

if TYPE_CHECKING:
    from dashboard.i18n import Translator
    from dashboard.services import ClientFile, Services
    from dashboard.state import SessionState


def decision_view(state: SessionState, services: Services, translate: Translator) -> pn.pane.HTML:
    """Return the pane of the decision, kept to the client shown."""
    return html(pn.bind(lambda file: decision_html(file, services, translate), state.param.file))


def decision_html(file: ClientFile | None, services: Services, t: Translator) -> str:
    """Return the decision on a client as HTML; where there is none yet, how to choose one."""
    if file is None:
        return f"<h1>{escape(t('page.client'))}</h1><p>{escape(t('picker.help'))}</p>"
    outcome, policy = file.outcome, services.policy
    verdict = "accepted" if outcome.accepted else "refused"
    score, threshold = score_text(outcome.score, policy, t), threshold_text(policy, t)
    target = int(services.portfolio.features.target[file.position])
    known = {1: "known_default", 0: "known_repaid"}.get(target, "known_unknown")
    better = float(np.mean(np.asarray(services.portfolio.score) < outcome.score))
    pairs = (
        ("pd", t.percent(outcome.pd, 1)),
        ("level", t(f"level.{outcome.level}")),
        ("distance", distance(outcome.score, policy, t)),
        ("rank", t("decision.rank_text", share=t.percent(better))),
        ("known", t(f"decision.{known}")),
    )
    listed = "".join(f"<dt>{escape(t(f'decision.{key}'))}</dt><dd>{escape(text)}</dd>" for key, text in pairs)
    return (
        f"<h1>{escape(t('decision.heading', client=file.client))}</h1>"
        f'<p class="verdict {verdict}" role="status"><span class="mark" aria-hidden="true">'
        f"{'✓' if outcome.accepted else '✕'}</span><span>{escape(t(f'decision.{verdict}'))}</span></p>"
        f"<p>{escape(t(f'decision.why_{verdict}', score=score, threshold=threshold))}</p>"
        f"{gauge(outcome.score, policy, t)}"
        f'<dl class="key">{listed}</dl>'
    )
