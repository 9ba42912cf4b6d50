"""Where a client stands: the distribution of one fact, and a strip that places a client in a population."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import holoviews as hv

from dashboard.figures.palette import FOR, NEUTRAL

if TYPE_CHECKING:
    from dashboard.i18n import Translator
    from explain.standing import Place, Standing

HEIGHT = 280


def distribution_plot(
    standing: Standing, name: str, value: str, translate: Translator, summary: str
) -> hv.Overlay:
    """Return the distribution of a fact among all and among accepted clients, the client's own value marked.

    Parameters
    ----------
    standing : histogram counts of both populations in shared bins, and the client's value.
    name, value : what people call the fact, and the client's value, in words.
    translate : words and numbers of the visitor's language.
    summary : what the figure says, for those who don't see it.
    """
    frame = standing.histogram.frame()
    edges = standing.histogram.edges
    counts = {key: frame[key].to_numpy() for key in ("everyone", "accepted")}
    shares = {key: column / max(int(column.sum()), 1) for key, column in counts.items()}
    dimension = hv.Dimension("x", label=name)
    everyone = hv.Histogram((edges, shares["everyone"]), kdims=[dimension], vdims=["share"], label=translate("standing.all"))
    accepted = hv.Histogram(
        (edges, shares["accepted"]), kdims=[dimension], vdims=["share"], label=translate("standing.accepted")
    )
    layers: list[Any] = [
        everyone.opts(fill_color=NEUTRAL, fill_alpha=0.35, line_color=NEUTRAL, line_width=0.5),
        accepted.opts(fill_alpha=0.0, line_color=FOR, line_width=2),
    ]
    if standing.histogram.client_bin is not None and standing.value is not None:
        place = min(max(standing.value, float(edges[0])), float(edges[-1]))
        layers.append(hv.VLine(place, label=translate("standing.client", value=value)).opts(color="#c0392b", line_width=3))

    def named(plot: Any, _element: Any) -> None:
        plot.state.update(html_attributes={"role": "img", "aria-label": summary})
        for axis in plot.state.yaxis:
            axis.formatter.update(format="0 %" if translate.language == "fr" else "0%")

    return hv.Overlay(layers).opts(
        responsive=True,
        height=HEIGHT,
        xlabel=name,
        ylabel=translate("standing.share"),
        legend_position="top",
        legend_opts={"background_fill_alpha": 0, "border_line_alpha": 0},
        yformatter="%.2f",
        toolbar=None,
        default_tools=[],
        show_grid=False,
        hooks=[named],
        fontsize={"ticks": "12px", "labels": "12px", "legend": "12px"},
    )


def strip(place: Place, translate: Translator) -> str:
    """Return a strip of 0 to 100 % with the client's rank as a dot, and the rank in words beside it."""
    if place.rank is None:
        return f'<span class="soft">{escape(translate("standing.missing"))}</span>'
    x = 4 + 92 * place.rank
    return (
        '<svg class="strip" viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="track" x="4" y="5.5" width="92" height="3"/>'
        '<line class="median" x1="50" x2="50" y1="2" y2="12"/>'
        f'<rect class="mine" x="{x - 1.2:.2f}" y="1.5" width="2.4" height="11"/></svg>'
    )
