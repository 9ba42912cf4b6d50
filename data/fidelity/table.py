"""The comparison for people, and its summary for programs."""

from __future__ import annotations

import fnmatch
import functools
import math
import tomllib
from typing import TYPE_CHECKING, Any

from rich.table import Table as Grid

from data.fidelity.comparison import TOLERANCES
from data.fidelity.published import HERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.fidelity.comparison import Comparison

NO_REASON = "no reason is recorded"


def summary(compared: Sequence[Comparison]) -> dict[str, Any]:
    """Return the share within tolerance, how many statistics were compared, how many are outside or left out."""
    told = [one for one in compared if not one.too_uncertain]
    outside = sum(not one.within for one in told)
    return {
        "within_tolerance_share": round((len(told) - outside) / len(told), 4) if told else None,
        "statistics": len(told),
        "outside": outside,
        "left_out_by_chance": len(compared) - len(told),
    }


def by_kind(compared: Sequence[Comparison]) -> Grid:
    """Return the share within tolerance of each kind of statistic."""
    grid = Grid(title="within tolerance", title_justify="left")
    for heading in ("statistic", "tolerance", "compared", "within", "left out by chance"):
        grid.add_column(heading, justify="left" if heading in {"statistic", "tolerance"} else "right")
    for kind, (most, relative) in TOLERANCES.items():
        some = [one for one in compared if one.statistic.kind == kind]
        told = [one for one in some if not one.too_uncertain]
        within = f"{sum(one.within for one in told) / len(told):.1%}" if told else "none"
        limit = f"{most:.0%}" if relative else f"{most * 100:g} points" if kind != "correlation" else f"{most:g}"
        grid.add_row(kind, limit, f"{len(told)}", within, f"{len(some) - len(told)}")
    return grid


def deviations(compared: Sequence[Comparison], *, everything: bool = False) -> Grid:
    """Return the statistics outside tolerance, worst first, each with the reason; or every one."""
    told = [one for one in compared if everything or (not one.within and not one.too_uncertain)]
    title = "every statistic" if everything else "outside tolerance"
    grid = Grid(title=title, title_justify="left")
    for heading in ("statistic", "of", "published", "here", "off", "tolerances", "reason"):
        right = heading in {"published", "here", "off", "tolerances"}
        grid.add_column(heading, justify="right" if right else "left", no_wrap=heading != "reason")
    for one in sorted(told, key=lambda one: -one.times_tolerance):
        relative = TOLERANCES[one.statistic.kind][1]
        off = (
            "no value"
            if math.isnan(one.deviation)
            else f"{one.deviation:+.1%}"
            if relative
            else f"{one.deviation:+.4f}"
        )
        why = "left out: chance alone moves it as much" if one.too_uncertain else "" if one.within else reason(one)
        times = f"{one.times_tolerance:.1f}"
        grid.add_row(
            one.statistic.kind, one.statistic.name, f"{one.statistic.value:.5g}", f"{one.found:.5g}", off, times, why
        )
    return grid


def reason(one: Comparison) -> str:
    """Return why a statistic is missed, as far as it is known."""
    if math.isnan(one.found):
        return "there are no such rows"
    told = f"{one.statistic.kind} {one.statistic.name}"
    for patterns, text in _reasons():
        if any(fnmatch.fnmatchcase(told, pattern) for pattern in patterns):
            return text
    return NO_REASON


@functools.cache
def _reasons() -> tuple[tuple[tuple[str, ...], str], ...]:
    with open(HERE / "reasons.toml", "rb") as file:
        content = tomllib.load(file)
    return tuple((tuple(entry["patterns"]), entry["text"]) for entry in content["reason"])
