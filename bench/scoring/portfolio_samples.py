"""Times of gestures, by their kind: how many, how long for half of them, and for nineteen in twenty."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.timing import Latency

if TYPE_CHECKING:
    from collections.abc import Callable

BRUSH = "brush"
"""What the kinds of every gesture that changes a filter begin with."""
_NS_IN_MS = 1e6


@dataclass(slots=True)
class Samples:
    """Wall-clock nanoseconds of gestures by kind, every one that was made."""

    by_kind: dict[str, list[int]] = field(default_factory=dict)

    def add(self, kind: str, ns: int) -> None:
        """Keep one more."""
        self.by_kind.setdefault(kind, []).append(int(ns))

    def __len__(self) -> int:
        return sum(map(len, self.by_kind.values()))

    def percentile_ms(self, percent: float, wanted: Callable[[str], bool] = lambda _: True) -> float | None:
        """Return a percentile of all kinds that are wanted, in milliseconds; None where there is no sample."""
        found = [ns for kind, kept in self.by_kind.items() if wanted(kind) for ns in kept]
        return round(float(np.percentile(found, percent)) / _NS_IN_MS, 3) if found else None

    def brush_ms(self, percent: float = 50) -> float | None:
        """Return a percentile of the gestures that change a filter, in milliseconds; None where there is none."""
        return self.percentile_ms(percent, lambda kind: kind.startswith(BRUSH))

    def figures(self, name: str) -> dict[str, Any]:
        """Return the 50th and 95th percentile, of all and by kind, JSON content, keys beginning with `name`."""
        slowest = max((self.percentile_ms(95, one.__eq__) or 0.0 for one in self.by_kind), default=None)
        return {
            f"{name}_samples": len(self),
            f"{name}_p50_ms": self.percentile_ms(50),
            f"{name}_p95_ms": self.percentile_ms(95),
            f"{name}_p95_slowest_kind_ms": slowest,
            f"{name}_by_kind": {
                kind: {
                    "samples": len(kept),
                    "p50_ms": self.percentile_ms(50, kind.__eq__),
                    "p95_ms": self.percentile_ms(95, kind.__eq__),
                }
                for kind, kept in self.by_kind.items()
            },
        }

    def summary(self) -> dict[str, Any]:
        """Return by kind the count and evenly spaced quantiles, JSON content."""
        return {kind: Latency(np.array(kept, dtype=np.int64)).summary() for kind, kept in self.by_kind.items()}


def table(columns: dict[str, Samples]) -> list[str]:
    """Return lines for people: a row for each kind, with the 50th and 95th percentile in every column."""
    shown = {title: samples for title, samples in columns.items() if len(samples)}
    kinds = list(dict.fromkeys(kind for samples in shown.values() for kind in samples.by_kind))
    lines = [
        f"{'milliseconds: 50 %, 95 % (samples)':<36}" + "".join(f"{title:>26}" for title in shown),
        *(_row(kind, shown, kind.__eq__) for kind in kinds),
        _row("all", shown, lambda _: True),
    ]
    return lines if shown else []


def _row(title: str, columns: dict[str, Samples], wanted: Callable[[str], bool]) -> str:
    cells = []
    for samples in columns.values():
        middle, most = (samples.percentile_ms(percent, wanted) for percent in (50, 95))
        count = sum(len(kept) for kind, kept in samples.by_kind.items() if wanted(kind))
        cells.append("–" if middle is None else f"{middle:,.1f} {most:,.1f} ({count:,})")
    return f"  {title.replace('_', ' '):<34}" + "".join(f"{cell:>26}" for cell in cells)
