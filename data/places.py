"""Values put in their places in single precision, compiled, once for a machine: what numpy does in three passes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data.compiling import column, compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def prepare() -> None:
    """Compile, or read what was compiled before; else the first call does so."""
    _compiled()


def take(values: NDArray[np.float64], at: NDArray[np.int64], out: NDArray[np.float32]) -> None:
    """Fill `out` with values from places.

    Parameters
    ----------
    values : float64 (m,). What single precision can't hold becomes infinite.
    at : int64 (n,), the place among them of what goes to each place of `out`; -1 makes it NaN.
    out : float32 (n,).
    """
    _compiled().take(values, at, out)


def put(values: NDArray[np.float32], at: NDArray[np.int64], out: NDArray[np.float32]) -> None:
    """Put values, float32 (k, m), in the places `at`, int64 (m,), of each line of `out`, float32 (k, n)."""
    _compiled().put(values, at, out)


def _take(values: NDArray[np.float64], at: NDArray[np.int64], out: NDArray[np.float32]) -> None:
    for place in range(len(at)):
        out[place] = np.float32(values[at[place]]) if at[place] >= 0 else np.float32(np.nan)


def _put(values: NDArray[np.float32], at: NDArray[np.int64], out: NDArray[np.float32]) -> None:
    for line in range(len(values)):
        for place in range(len(at)):
            out[line, at[place]] = values[line, place]


class _Compiled(NamedTuple):
    take: Callable[..., None]
    put: Callable[..., None]


@functools.cache
def _compiled() -> _Compiled:
    places = column("int64")
    return _Compiled(
        compiled(_take, column("float64"), places, column("float32", written=True)),
        compiled(_put, column("float32", 2), places, column("float32", 2, written=True)),
    )
