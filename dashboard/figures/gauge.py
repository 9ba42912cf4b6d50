"""The gauge of repayment probability: seven named bands, the threshold, a needle; accessible HTML and SVG."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from dashboard.figures.palette import LEVEL_COLOURS
from models.policy import LEVELS

if TYPE_CHECKING:
    from dashboard.i18n import Translator
    from models.policy import Policy

WIDTH, HEIGHT = 360, 212
CENTRE_X, CENTRE_Y = 180.0, 180.0
OUTER, INNER = 140.0, 104.0
MOST_DIGITS = 6


def gauge(score: float, policy: Policy, translate: Translator) -> str:
    """Return the gauge as HTML.

    Parameters
    ----------
    score : repayment probability at even odds, in [0, 1].
    policy : where the threshold and the seven levels lie.
    translate : words and numbers of the visitor's language.

    Returns
    -------
    str
        A `role="meter"` whose value text says score, level, decision and distance to the threshold; the drawing
        itself is hidden from screen readers. The legend below names the seven levels, the client's own marked.
    """
    level = policy.level(score)
    accepted = bool(policy.accepted(score))
    spoken = translate(
        "gauge.spoken",
        score=score_text(score, policy, translate),
        level=translate(f"level.{level}"),
        decision=translate("decision.accepted" if accepted else "decision.refused"),
        distance=distance(score, policy, translate),
    )
    mark = translate("gauge.threshold", threshold=threshold_text(policy, translate))
    bounds = (0.0, *policy.level_edges, 1.0)
    bands = "".join(_band(bounds[i], bounds[i + 1], LEVEL_COLOURS[name]) for i, name in enumerate(LEVELS))
    return (
        f'<div class="gauge"><div role="meter" aria-label="{escape(translate("gauge.title"))}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{100 * score:.1f}" aria-valuetext="{escape(spoken)}">'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true" focusable="false">'
        f"{bands}{_threshold(policy.threshold, mark)}{_needle(score)}"
        f'<text x="{CENTRE_X}" y="{CENTRE_Y - 38}" class="gauge-value">{score_text(score, policy, translate)}</text>'
        f'<text x="{CENTRE_X}" y="{HEIGHT - 4}" class="gauge-caption">{escape(translate("gauge.caption"))}</text>'
        f"{_end(0.0, translate)}{_end(1.0, translate)}</svg></div>"
        f"{_legend(level, bounds, translate)}</div>"
    )


def distance(score: float, policy: Policy, translate: Translator) -> str:
    """Return in words how far the score lies from the threshold, in points of percentage."""
    points = 100 * (score - policy.threshold)
    return translate(
        "gauge.above" if points >= 0 else "gauge.below",
        points=translate.number(abs(points), score_digits(score, policy)),
        threshold=threshold_text(policy, translate),
    )


def score_text(score: float, policy: Policy, translate: Translator) -> str:
    """Return a score as a percentage, with as many decimals as tell it from the threshold."""
    return translate.percent(score, score_digits(score, policy))


def threshold_text(policy: Policy, translate: Translator) -> str:
    """Return the threshold as a percentage, without a decimal where it needs none."""
    return translate.percent(policy.threshold, 0 if math.isclose(policy.threshold, round(policy.threshold, 2)) else 1)


def score_digits(score: float, policy: Policy) -> int:
    """Return how many decimals of the percentage tell a score from the threshold, at least one."""
    apart = 100 * abs(score - policy.threshold)
    return next((digits for digits in range(1, MOST_DIGITS) if apart == 0 or round(apart, digits) > 0), MOST_DIGITS)


def _point(share: float, radius: float) -> tuple[float, float]:
    angle = math.pi * (1.0 - share)
    return CENTRE_X + radius * math.cos(angle), CENTRE_Y - radius * math.sin(angle)


def _band(low: float, high: float, colour: str) -> str:
    (x0, y0), (x1, y1) = _point(low, OUTER), _point(high, OUTER)
    (x2, y2), (x3, y3) = _point(high, INNER), _point(low, INNER)
    return (
        f'<path class="gauge-band" fill="{colour}" d="M{x0:.2f} {y0:.2f}A{OUTER} {OUTER} 0 0 1 {x1:.2f} {y1:.2f}'
        f'L{x2:.2f} {y2:.2f}A{INNER} {INNER} 0 0 0 {x3:.2f} {y3:.2f}Z"/>'
    )


def _threshold(threshold: float, label: str) -> str:
    (x0, y0), (x1, y1), (x2, y2) = (_point(threshold, radius) for radius in (INNER - 6, OUTER + 8, OUTER + 20))
    anchor = "end" if threshold < 0.35 else "start" if threshold > 0.65 else "middle"
    return (
        f'<line class="gauge-threshold" x1="{x0:.2f}" y1="{y0:.2f}" x2="{x1:.2f}" y2="{y1:.2f}"/>'
        f'<text class="gauge-tick" x="{x2:.2f}" y="{max(y2, 12):.2f}" text-anchor="{anchor}">{escape(label)}</text>'
    )


def _needle(score: float) -> str:
    angle = math.pi * (1.0 - score)
    tip_x, tip_y = _point(score, OUTER - 6)
    side_x, side_y = 6.0 * math.sin(angle), 6.0 * math.cos(angle)
    base_x, base_y = _point(score, INNER - 22)
    return (
        f'<path class="gauge-needle" d="M{tip_x:.2f} {tip_y:.2f}L{base_x + side_x:.2f} {base_y + side_y:.2f}'
        f'L{base_x - side_x:.2f} {base_y - side_y:.2f}Z"/>'
    )


def _end(share: float, translate: Translator) -> str:
    x, _ = _point(share, (OUTER + INNER) / 2)
    label = translate.percent(share)
    return f'<text class="gauge-tick" x="{x:.2f}" y="{CENTRE_Y + 16}" text-anchor="middle">{label}</text>'


def _legend(level: str, bounds: tuple[float, ...], translate: Translator) -> str:
    items = []
    for index, name in enumerate(LEVELS):
        span = translate("gauge.span", low=translate.percent(bounds[index]), high=translate.percent(bounds[index + 1]))
        mine = ' aria-current="true"' if name == level else ""
        items.append(
            f'<li{mine}><span class="swatch" style="background:{LEVEL_COLOURS[name]}"></span>'
            f'<span>{escape(translate(f"level.{name}"))}</span><span class="span">{span}</span></li>'
        )
    title = escape(translate("gauge.levels"))
    listed = "".join(items)
    return f'<p class="legend-title" id="levels">{title}</p><ol class="levels" aria-labelledby="levels">{listed}</ol>'
