"""Where ids stand among known ones, found at once for millions of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SPARE = 4  # places in the table for each id: beyond that they are too far apart for one


class IdIndex:
    """The places of ids.

    Ids that are close together, as the published ones are, are looked up in a table; others by bisection.

    Parameters
    ----------
    ids : int64 (n,), each there once.
    """

    def __init__(self, ids: NDArray[np.int64]) -> None:
        self._low = int(ids.min()) if len(ids) else 0
        span = int(ids.max()) - self._low + 1 if len(ids) else 0
        self._table: NDArray[np.intp] | None = None
        if span <= _SPARE * len(ids):
            self._table = np.full(span, -1, np.intp)
            self._table[ids - self._low] = np.arange(len(ids))
        else:
            self._order = np.argsort(ids, kind="stable")
            self._sorted = ids[self._order]

    def find(self, ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the place of each id among the known ones, int (m,), -1 where it is not one of them."""
        if self._table is None:
            at = np.searchsorted(self._sorted, ids).clip(max=len(self._sorted) - 1)
            return np.where(self._sorted[at] == ids, self._order[at], -1)
        if not len(self._table):
            return np.full(len(ids), -1, np.intp)
        at = ids - self._low
        inside = (at >= 0) & (at < len(self._table))
        return np.where(inside, self._table[at.clip(0, len(self._table) - 1)], -1)
