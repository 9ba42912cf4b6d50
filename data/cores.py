"""How much of the machine this process may work with at once."""

from __future__ import annotations

import os

MOST = 4


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """Return how many things to do at once: one a core, and at most `MOST`, since each takes memory of its own."""
    return min(cores(), MOST)
