"""The typical value of every feature: its median among some clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from data.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def typical_values(columns: Iterable[NDArray[np.float32]], kept: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the median of every feature among the clients kept, those without a value left out.

    It is the median that `explain.standing` gives: where the two middle values have no mean, the lower of them.

    Parameters
    ----------
    columns : F features, each float32 (n,), NaN where there is no value; infinities are values.
    kept : (n,) bool, the clients, such as the accepted ones.

    Returns
    -------
    (F,) float64, in the features' units; NaN where no client kept has a value.

    Raises
    ------
    InvalidOption
        If the arrays are not of the same clients.
    """
    medians = np.array([_median(_of(column, kept)) for column in columns], dtype=np.float64)
    medians.setflags(write=False)
    return medians


def _of(column: NDArray[np.float32], kept: NDArray[np.bool_]) -> NDArray[np.float32]:
    if column.shape != kept.shape:
        raise InvalidOption(
            f"A feature has shape {column.shape}, the choice of clients {kept.shape}: not the same clients."
        )
    return column[kept]


def _median(values: NDArray[np.float32]) -> float:
    present = values[~np.isnan(values)]
    if not present.size:
        return float("nan")
    middle = ((present.size - 1) // 2, present.size // 2)
    ordered = np.partition(present, middle)
    low, high = (float(ordered[place]) for place in middle)
    return low if low == high or (np.isinf(low) and np.isinf(high)) else low / 2 + high / 2
