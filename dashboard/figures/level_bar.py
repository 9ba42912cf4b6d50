"""How some clients, and everyone, are spread over the seven levels of risk: two bars of one length, and a table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from dashboard.figures.palette import LEVEL_COLOURS
from models.policy import LEVELS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dashboard.i18n import Translator


def level_bars(selected: NDArray[np.int64], everyone: NDArray[np.int64], translate: Translator) -> str:
    """Return the bars as HTML, the selection above everyone.

    Parameters
    ----------
    selected, everyone : (7,) clients by level, in the order of `models.policy.LEVELS`.
    translate : words and numbers of the visitor's language.

    Returns
    -------
    str
        Bars hidden from screen readers, which get a table of the shares instead. Where nobody is selected the
        selection's bar is empty.
    """
    t = translate
    rows = (("chosen", selected), ("everyone", everyone))
    shares = {name: _shares(counts) for name, counts in rows}
    bars = "".join(
        f'<span class="level-who">{escape(t(f"selected.bar_{name}"))}</span>{_bar(shares[name], t)}' for name, _ in rows
    )
    return (
        f'<div class="level-bars" aria-hidden="true">{bars}<span></span><span class="level-ends">'
        f"<span>{escape(t('selected.riskier'))}</span><span>{escape(t('selected.safer'))}</span></span></div>"
        f"{_table(shares, t)}"
    )


def _shares(counts: NDArray[np.int64]) -> list[float]:
    total = int(counts.sum())
    return [int(count) / total if total else 0.0 for count in counts]


def _bar(shares: list[float], t: Translator) -> str:
    parts = "".join(
        f'<span style="width:{100 * share:.2f}%;background:{LEVEL_COLOURS[name]}" '
        f'title="{escape(t(f"level.{name}"))}"></span>'
        for name, share in zip(LEVELS, shares, strict=True)
        if share
    )
    return f'<span class="level-bar">{parts}</span>'


def _table(shares: dict[str, list[float]], t: Translator) -> str:
    heads = "".join(f'<th scope="col">{escape(t(f"selected.bar_{name}"))}</th>' for name in shares)
    body = "".join(
        f'<tr><th scope="row">{escape(t(f"level.{level}"))}</th>'
        + "".join(f"<td>{t.percent(of[place], 1)}</td>" for of in shares.values())
        + "</tr>"
        for place, level in enumerate(LEVELS)
    )
    return (
        f'<table class="sr"><caption>{escape(t("selected.levels"))}</caption><thead><tr>'
        f'<th scope="col">{escape(t("decision.level"))}</th>{heads}</tr></thead><tbody>{body}</tbody></table>'
    )
