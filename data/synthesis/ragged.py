"""Rows that belong to parents, a varying number each: who they belong to, and which of the parent's rows they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def owners(counts: NDArray[Any]) -> NDArray[np.intp]:
    """Return, for each row, the position of its parent; parent i has counts[i] rows, side by side."""
    return np.repeat(np.arange(len(counts), dtype=np.intp), counts)


def positions(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Return, for each row, its number among the rows of its parent, from 0."""
    ends = np.cumsum(counts)
    result: NDArray[np.int64] = np.arange(counts.sum(), dtype=np.int64) - np.repeat(ends - counts, counts)
    return result
