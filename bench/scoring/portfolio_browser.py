"""The page in a real browser: gestures with the mouse, timed in the page by `portfolio_probe.js`.

A sample is the time from the input event, as the browser dates it, to the second animation frame after the last change
of the charts' data that it caused was drawn. What the page finds out of the columns afterwards, in words and outlines,
is not waited for. Every step of a gesture is made when the last one's answer has been drawn and nothing more has come
for a moment: no answer can be taken for another step's. A step that nothing answers is counted, and is no sample. Bokeh
tells of a pan when the mouse is let go. Which tool drags is set in the page, as its toolbar's buttons do, uncounted.
"""

from __future__ import annotations

import contextlib
import importlib
import shutil
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.scoring.portfolio_samples import Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.scoring.portfolio_words import Words
    from data.progress import Report

PROBE = Path(__file__).with_name("portfolio_probe.js")
VIEWPORT = {"width": 1400, "height": 1000}
QUIET_MS, ANSWER_MS, FIRST_MS = 200, 10_000, 120_000
OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
_NS_IN_MS = 1e6


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a plot's inner part is in the window, in pixels, and what the plot is.

    Attributes
    ----------
    plot : id of its model.
    kind : "pair" draws a picture, "range" is one over which a range is dragged, "bars" one whose bars are clicked on.
    """

    plot: str
    kind: str
    left: float
    top: float
    width: float
    height: float

    def at(self, across: float, down: float) -> tuple[float, float]:
        """Return the point at a share of the width and of the height."""
        return self.left + across * self.width, self.top + down * self.height


@dataclass(slots=True)
class Seen:
    """What was seen in the browser: samples, how many steps nothing answered, and errors of the page's console."""

    samples: Samples = field(default_factory=Samples)
    unanswered: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def missing() -> str | None:
    """Return how to install what is missing for a browser, or None where nothing is."""
    try:
        importlib.import_module("playwright.sync_api")
    except ImportError:
        return "playwright is not installed: pip install playwright"
    if shutil.which("chromium") is None:
        return "chromium is not installed: apt-get install chromium"
    return None


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """Give the system's Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        try:
            yield launched
        finally:
            launched.close()


class Tab:
    """A page with the probe in it.

    Parameters
    ----------
    chromium : a browser.
    seen : where samples go.
    """

    def __init__(self, chromium: Any, seen: Seen) -> None:
        self._seen = seen
        self.page = chromium.new_page(viewport=VIEWPORT)
        self.page.add_init_script(path=PROBE)
        self.page.set_default_timeout(FIRST_MS)
        self.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        self.page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)

    def open(self, address: str, kind: str) -> None:
        """Open a page and sample the time to its first picture; then wait until nothing more of it comes."""
        self.page.goto(address, wait_until="commit")
        self.page.wait_for_function("() => window.__probe?.first_picture")
        self._seen.samples.add(kind, int(self.page.evaluate("() => __probe.first_picture") * _NS_IN_MS))
        self.settle(1500)

    def settle(self, quiet: int = QUIET_MS) -> None:
        """Wait until nothing more comes."""
        self.page.evaluate("([quiet, timeout]) => __probe.settle(quiet, timeout)", [quiet, FIRST_MS])

    def frames(self) -> list[Frame]:
        """Return the plots of the page, the pair first."""
        found = [Frame(**one) for one in self.page.evaluate("() => __probe.plots()")]
        return sorted(found, key=lambda frame: frame.kind != "pair")

    def show(self, frame: Frame) -> Frame:
        """Bring a plot into the middle of the window and return where it is then."""
        self.page.evaluate("(id) => __probe.show(id)", frame.plot)
        self.settle()
        return next(one for one in self.frames() if one.plot == frame.plot)

    def use(self, frame: Frame, tool: str) -> None:
        """Let a plot's tool of that Bokeh type take the next gestures."""
        self.page.evaluate("([id, tool]) => __probe.use(id, tool)", [frame.plot, tool])
        self.settle()

    def measure(self, kind: str, act: Callable[[], object]) -> None:
        """Do something, wait for what it changes to be drawn, and take the sample."""
        self.page.evaluate("() => __probe.clear()")
        act()
        found = self.page.evaluate("([quiet, timeout]) => __probe.finish(quiet, timeout)", [QUIET_MS, ANSWER_MS])
        if found["answered"]:
            self._seen.samples.add(kind, int(found["ms"] * _NS_IN_MS))
        else:
            self._seen.unanswered.append(kind)

    def drag(self, kind: str, points: list[tuple[float, float]], *, at_end: bool = False) -> None:
        """Drag along points. Every step from the third point on is measured, or with `at_end` only the release."""
        mouse = self.page.mouse
        mouse.move(*points[0])
        mouse.down()
        mouse.move(*points[1])  # which only tells the browser that this is a drag
        for point in points[2:]:
            if at_end:
                mouse.move(*point)
            else:
                self.settle()
                self.measure(kind, partial(mouse.move, *point))
        if at_end:
            self.settle()
            self.measure(kind, mouse.up)
        else:
            mouse.up()
        self.settle()

    def close(self) -> None:
        """Leave the page."""
        self._seen.errors.extend(self.page.evaluate("() => __probe.errors"))
        self.page.close()


def drive_page(chromium: Any, address: str, said: Words, rounds: int, steps: int, report: Report) -> Seen:
    """Make every gesture on the Portfolio page, in some rounds, each in a new page.

    Parameters
    ----------
    address : of the page.
    said : the words on the page.
    rounds, steps : how many rounds, and how many steps a gesture takes that is made step by step.
    """
    seen = Seen()
    for number in range(rounds):
        tab = Tab(chromium, seen)
        tab.open(address, "first_paint")
        frames = tab.frames()
        shift = 0.03 * (number % 4)
        _look(tab, frames[0], shift, steps)
        report("in the browser: look closer", (number + 0.3) / rounds)
        _recolour(tab, said)
        report("in the browser: recolour", (number + 0.5) / rounds)
        _brush(tab, frames, shift, steps)
        tab.measure("brush_clear", tab.page.get_by_role("button", name=said.clear, exact=True).click)
        tab.close()
        report("in the browser: brush", (number + 1) / rounds)
    return seen


def _look(tab: Tab, pair: Frame, shift: float, steps: int) -> None:
    frame = tab.show(pair)
    mouse = tab.page.mouse
    tab.use(frame, "WheelZoomTool")
    mouse.move(*frame.at(0.5 + shift, 0.5))
    for _ in range(steps):
        tab.measure("zoom_in", lambda: mouse.wheel(0, -120))
    tab.use(frame, "PanTool")
    for turn in (-1, 1, -1, 1)[:steps]:
        tab.drag(
            "pan", [frame.at(0.5 + 0.04 * turn * step, 0.5 + 0.03 * turn * step) for step in range(4)], at_end=True
        )
    tab.use(frame, "WheelZoomTool")
    mouse.move(*frame.at(0.5 + shift, 0.5))
    for _ in range(steps):
        tab.measure("zoom_out", lambda: mouse.wheel(0, 120))


def _recolour(tab: Tab, said: Words) -> None:
    for colour in said.colours:
        tab.page.get_by_role("combobox", name=said.colour, exact=True).click()
        option = tab.page.get_by_role("option", name=colour, exact=True)
        option.wait_for(state="visible")
        tab.settle()
        tab.measure("recolour", option.click)


def _brush(tab: Tab, frames: list[Frame], shift: float, steps: int) -> None:
    ranges = [frame for frame in frames if frame.kind == "range"]
    for chart in ranges[:2]:
        frame = tab.show(chart)
        tab.drag("brush_range", [frame.at(0.2 + shift + 0.04 * step, 0.4) for step in range(steps + 2)])
    pair = tab.show(frames[0])
    tab.use(pair, "BoxSelectTool")
    tab.drag("brush_box", [pair.at(0.2 + shift + 0.06 * step, 0.25 + 0.06 * step) for step in range(steps + 2)])
    tab.use(pair, "LassoSelectTool")
    corners = [(0.3, 0.3), (0.4, 0.25), (0.6, 0.3), (0.75, 0.5), (0.6, 0.7), (0.4, 0.75), (0.3, 0.55)]
    tab.drag("brush_lasso", [pair.at(across + shift, down) for across, down in corners])
    for chart in [frame for frame in frames if frame.kind == "bars"][:1]:
        frame = tab.show(chart)
        for point in [frame.at(0.2, down) for down in (0.1, 0.3, 0.9)]:
            tab.measure("brush_category", partial(tab.page.mouse.click, *point))


def drive_peer(chromium: Any, address: str, rounds: int, report: Report) -> Seen:
    """Drag ranges and a box over the peer's plots, which answer when the mouse is let go."""
    seen = Seen()
    tab = Tab(chromium, seen)
    tab.open(address, "first_paint")
    frames = tab.frames()
    for number in range(rounds):
        shift = 0.03 * (number % 4)
        for chart in frames[1:3]:
            frame = tab.show(chart)
            tab.use(frame, "BoxSelectTool")
            tab.drag("brush_range", [frame.at(0.2 + shift + 0.08 * step, 0.4) for step in range(5)], at_end=True)
        pair = tab.show(frames[0])
        tab.use(pair, "BoxSelectTool")
        tab.drag("brush_box", [pair.at(0.2 + shift + 0.1 * step, 0.3 + 0.1 * step) for step in range(5)], at_end=True)
        report("link_selections in the browser", (number + 1) / rounds)
    tab.close()
    return seen
