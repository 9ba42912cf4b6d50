"""Exploring every client with six linked charts: the engine, the page in a browser, many visitors; `link_selections`.

The charts are two columns against each other and five distributions, one of them of categories. The gestures are those
of an analyst: look closer, move, look at all again, choose another colour, drag a range over a histogram step by step,
drag a box and a lasso, click on categories, take everything back. What is measured:

* `engine`: `Explorer.explore` in this process, at the portfolio's size, and at ten million clients, whose columns are
  the portfolio's again and again with noise.
* `server`: what the served dashboard says it took from the event's arrival to the update of the session's document,
  while a browser makes the gestures; columns of all clients, pictures, words and tables included.
* `browser`: the same gestures as seen in Chromium, from the input event to the second animation frame after the last
  change it caused was drawn (`portfolio_browser`).
* `crowd`: sessions brushing at once, each sending its next step when the last one is answered (`portfolio_sessions`).
* `link_selections`: HoloViews' own, on the same columns, bins and gestures (`link_selections`): from where an event of
  the browser arrives to every plot's Bokeh models being refreshed, and as seen in the browser.

`brush_speedup_vs_link_selections` is its median over ours, of ranges, boxes and categories, both on the server; what is
compared with what is told by `brush_speedup_compares`. Ours then has the message to the browser written and compressed
too, and words and tables beside the charts, which the peer has not. The bars of both have the same edges, and after
every gesture both have kept as many clients (`link_selections_kept_the_same`). `null` takes the same gestures and does
nothing: what the harness itself costs.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from bench.registry import Outcome
from bench.scoring import portfolio_browser
from bench.scoring.portfolio_engine import Null, drive
from bench.scoring.portfolio_gestures import scene
from bench.scoring.portfolio_peer import MODULE, SHARED_KINDS, peer_folder, time_peer
from bench.scoring.portfolio_population import prepared, replicated
from bench.scoring.portfolio_samples import Samples, table
from bench.scoring.portfolio_served import served, stopped_as_if_interrupted
from bench.scoring.portfolio_sessions import Crowd, crowd
from bench.scoring.portfolio_words import words
from data.progress import part
from explain.crossfilter.filter_text import axis_text

if TYPE_CHECKING:
    from bench.registry import Request
    from bench.scoring.portfolio_gestures import Scene
    from bench.scoring.portfolio_population import Prepared
    from bench.scoring.portfolio_served import Served
    from data.progress import Report

SEED = 0
TABLES = (
    ("null", "engine", "engine_many", "link_selections"),
    ("server", "crowd", "browser", "link_selections_browser"),
)
"""Who is beside whom in the tables for people: computing, and the page."""
TEN_MILLION = 10_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes
    ----------
    engine : rounds of gestures at the portfolio's size.
    many, many_rounds : clients of the larger population, and rounds there.
    browser, strides : rounds of gestures in the browser, and the steps of each that is made step by step.
    peer, peer_browser : rounds of gestures of the peer, on the server and in the browser.
    sessions, steps, rest_seconds : sessions that brush at once, steps each takes, and how long their end is waited for.
    """

    engine: int
    many: int
    many_rounds: int
    browser: int
    strides: int
    peer: int
    peer_browser: int
    sessions: int
    steps: int
    rest_seconds: float


FULL = Sizes(10, TEN_MILLION, 4, 4, 6, 3, 3, 20, 40, 60.0)
QUICK = Sizes(1, 1_000_000, 1, 1, 2, 1, 0, 4, 8, 0.0)


def run(request: Request, report: Report) -> Outcome:
    """Measure all of it; see the module.

    Raises
    ------
    InvalidOption
        A model or features are named.
    StoreError
        The portfolio can't be used, the dashboard or the peer doesn't start, or the disk refuses.
    """
    sizes = QUICK if request.quick else FULL
    with stopped_as_if_interrupted():
        return _run(request, sizes, report)


def _run(request: Request, sizes: Sizes, report: Report) -> Outcome:
    report("opening the portfolio", 0.0)
    given = prepared(request)
    population = given.population
    shown = scene(population)
    samples = {
        "null": drive(population, shown, 1, contender=Null),
        "engine": drive(population, shown, sizes.engine, part(report, 0.0, 0.1), "engine"),
    }
    with peer_folder(population, shown, SEED) as folder:
        samples["link_selections"], same = time_peer(folder, sizes.peer, part(report, 0.1, 0.2))
        dashboard = _dashboard(given, shown, sizes, samples, part(report, 0.2, 0.6))
        peer_seen = _peer_in_browser(folder, sizes, samples, part(report, 0.6, 0.7))
    del population
    samples["engine_many"] = _many(given, shown, sizes, part(report, 0.7, 1.0))
    figures: dict[str, Any] = {
        "workload": given.name,
        "quick": request.quick,
        "clients": len(given.population),
        "charts": 1 + len(shown.exploration.charts),
        "server_p95_ms": None,
        "server_p95_ms_10m": samples["engine_many"].percentile_ms(95) if sizes.many == TEN_MILLION else None,
        "browser_p95_ms": None,
        "many_clients": sizes.many,
        "link_selections_kept_the_same": same,
    }
    for name, found in samples.items():
        figures |= found.figures(name)
    figures |= dashboard | peer_seen | _speedups(samples)
    return Outcome(
        _table(figures, samples), figures, {name: found.summary() for name, found in samples.items() if len(found)}
    )


def _many(given: Prepared, shown: Scene, sizes: Sizes, report: Report) -> Samples:
    larger = replicated(given, sizes.many, shown.columns, SEED, part(report, 0.0, 0.4))
    return drive(larger, scene(larger), sizes.many_rounds, part(report, 0.4, 1.0), f"engine, {sizes.many:,} clients")


def _dashboard(
    given: Prepared, shown: Scene, sizes: Sizes, samples: dict[str, Samples], report: Report
) -> dict[str, Any]:
    """Serve the dashboard; make gestures in a browser and with many sessions; add the samples and return figures."""
    query = _query(shown)
    with tempfile.TemporaryDirectory() as folder:
        timings = Path(folder) / "timings.jsonl"
        options = ("--portfolio", given.name, "--port", "0", "--timings", str(timings))
        report("the dashboard starts", 0.0)
        with served("dashboard", options, "The dashboard") as server:
            figures = _in_browser(server, query, sizes, samples, part(report, 0.1, 0.6))
            samples["server"] = _server_samples(timings)
            met = crowd(server, query, sizes.sessions, sizes.steps, sizes.rest_seconds, part(report, 0.6, 1.0))
            figures["server_tracebacks"] = server.tracebacks
    samples["crowd"] = met.samples
    return figures | _crowd_figures(met, sizes)


def _query(shown: Scene) -> str:
    exploration = shown.exploration
    asked = {
        "page": "portfolio",
        "lang": "en",
        "x": axis_text(exploration.pair.across),
        "y": axis_text(exploration.pair.up),
        "charts": ",".join(map(axis_text, exploration.charts)),
    }
    return f"?{urlencode(asked)}"


def _in_browser(
    server: Served, query: str, sizes: Sizes, samples: dict[str, Samples], report: Report
) -> dict[str, Any]:
    why = portfolio_browser.missing()
    if why is not None:
        return {"browser_skipped": why}
    with portfolio_browser.browser() as chromium:
        seen = portfolio_browser.drive_page(
            chromium, f"{server.address}/{query}", words(), sizes.browser, sizes.strides, report
        )
    samples["browser"] = seen.samples
    return {
        "browser_skipped": None,
        "browser_unanswered": seen.unanswered,
        "browser_console_errors": seen.errors,
    }


def _server_samples(timings: Path) -> Samples:
    """Return what the server told of its gestures, other than showing a page for the first time or in another size."""
    samples = Samples()
    for line in timings.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        samples.add(told["gesture"], round(told["server_ms"] * 1e6))
    return samples


def _crowd_figures(met: Crowd, sizes: Sizes) -> dict[str, Any]:
    return {
        "crowd_sessions": sizes.sessions,
        "crowd_errors": len(met.errors),
        "crowd_first_errors": met.errors[:5],
        **{
            f"crowd_memory_{moment}_{name}": value
            for moment, found in met.memory.items()
            for name, value in found.items()
        },
    }


def _peer_in_browser(folder: Path, sizes: Sizes, samples: dict[str, Samples], report: Report) -> dict[str, Any]:
    why = "left out of a quick run" if not sizes.peer_browser else portfolio_browser.missing()
    if why is not None:
        return {"link_selections_browser_skipped": why}
    with (
        served(MODULE, ("serve", str(folder.resolve())), "link_selections") as server,
        portfolio_browser.browser() as chromium,
    ):
        seen = portfolio_browser.drive_peer(chromium, server.address, sizes.peer_browser, report)
    samples["link_selections_browser"] = seen.samples
    return {"link_selections_browser_skipped": None, "link_selections_browser_unanswered": seen.unanswered}


def _speedups(samples: dict[str, Samples]) -> dict[str, Any]:
    """Return the ratios of medians over ranges, boxes and categories, for what both have done."""
    kinds = [kind for kind in SHARED_KINDS if kind != "brush_clear"]

    def middle(name: str) -> float | None:
        return samples[name].percentile_ms(50, kinds.__contains__) if name in samples else None

    def ratio(theirs: float | None, ours: float | None) -> float | None:
        return round(theirs / ours, 3) if theirs and ours else None

    on_page = samples["server"].brush_ms() if "server" in samples else None
    theirs, ours = middle("link_selections"), middle("engine")
    served_ratio, engine_ratio = ratio(theirs, on_page), ratio(theirs, ours)
    compares = (
        "its plots refreshed in its process / our page's document updated in the served dashboard"
        if served_ratio is not None
        else "its plots refreshed in its process / our engine alone"
    )
    return {
        "brush_speedup_vs_link_selections": served_ratio if served_ratio is not None else engine_ratio,
        "brush_speedup_compares": compares,
        "brush_speedup_engine_vs_link_selections": engine_ratio,
        "brush_speedup_browser_vs_link_selections": ratio(middle("link_selections_browser"), middle("browser")),
    }


def _table(figures: dict[str, Any], samples: dict[str, Samples]) -> tuple[str, ...]:
    titles = {
        "null": "nothing",
        "engine": "engine",
        "engine_many": f"engine, {figures['many_clients']:,}",
        "server": "server",
        "browser": "in the browser",
        "crowd": f"{figures['crowd_sessions']} sessions",
        "link_selections": "link_selections",
        "link_selections_browser": "link_selections there",
    }
    lines = [f"{figures['workload']}: {figures['clients']:,} clients, {figures['charts']} linked charts"]
    for names in TABLES:
        lines += table({titles[name]: samples[name] for name in names if name in samples})
    for key in ("browser_skipped", "link_selections_browser_skipped"):
        if figures.get(key):
            lines.append(f"{key.replace('_', ' ')}: {figures[key]}")
    served_ratio, engine_ratio, seen_ratio = (
        _times(figures[f"brush_speedup_{which}vs_link_selections"]) for which in ("", "engine_", "browser_")
    )
    lines += [
        f"brushing is {served_ratio} faster than link_selections: {figures['brush_speedup_compares']}",
        f"  {engine_ratio} the engine alone, {seen_ratio} in the browser",
    ]
    memory = " ".join(
        f"{moment} {figures[f'crowd_memory_{moment}_rss_mib']:,.0f} ({figures[f'crowd_memory_{moment}_own_mib']:,.0f})"
        for moment in ("before", "during", "after")
        if f"crowd_memory_{moment}_rss_mib" in figures
    )
    lines.append(
        f"{figures['crowd_sessions']} sessions: {figures['crowd_errors']} errors; server's MiB (its own): {memory}"
    )
    if figures.get("browser_unanswered") or figures.get("browser_console_errors"):
        lines.append(f"unanswered: {figures['browser_unanswered']}; console: {figures['browser_console_errors']}")
    return tuple(lines)


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1f} times"
