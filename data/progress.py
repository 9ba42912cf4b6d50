"""How long work tells how far it is: in a terminal, on a page, or to nobody."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator


class Report(Protocol):
    """Told by long work how far it is; may raise to interrupt it."""

    def __call__(self, step: str, fraction: float) -> None:
        """Take the name of the step under way, in words, and the share of the whole work that is done, in [0, 1]."""


def silent(step: str, fraction: float) -> None:
    """Tell nobody."""


def part(report: Report, start: float, end: float, prefix: str = "") -> Report:
    """Return a report for a part of the work that takes the share from `start` to `end` of the whole."""

    def told(step: str, fraction: float) -> None:
        report(prefix + step, start + (end - start) * fraction)

    return told


@contextlib.contextmanager
def terminal(title: str) -> Iterator[Report]:
    """Give a report that draws a progress bar on standard error, or plain lines where that is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        told: list[str] = []

        def plain(step: str, fraction: float) -> None:
            if not told or told[-1] != step:
                told.append(step)
                print(f"{title}: {fraction:4.0%} {step}", file=sys.stderr, flush=True)

        yield plain
        return
    columns = (
        TextColumn("{task.fields[title]}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=1.0, title=title)

        def drawn(step: str, fraction: float) -> None:
            bar.update(task, completed=fraction, description=step)

        yield drawn
