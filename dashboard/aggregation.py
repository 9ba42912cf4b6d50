"""Every client of a plot counted into its pixels, by datashader: numbers only, for any thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Window(NamedTuple):
    """What part of a plot is looked at, in the units of its axes."""

    left: float
    right: float
    bottom: float
    top: float


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Clients by pixel, the lowest line of pixels first.

    Attributes
    ----------
    window : what the pixels cover.
    clients : (h, w) int64, how many there are in each.
    known : (h, w) int64, how many of them have a rank.
    ranks : (h, w) float64, sum of these ranks.
    """

    window: Window
    clients: NDArray[np.int64]
    known: NDArray[np.int64]
    ranks: NDArray[np.float64]


def aggregate(
    across: NDArray[np.float32],
    up: NDArray[np.float32],
    rank: NDArray[np.float32],
    window: Window,
    width: int,
    height: int,
) -> Grid:
    """Return how many clients there are in each pixel of a window, and the sum of their ranks.

    Parameters
    ----------
    across, up : (n,) float32, where each client is; without a place (NaN), or outside the window, it is not counted.
    rank : (n,) float32, in [0, 1]; NaN where it has none.
    window : of non-empty width and height.
    width, height : in pixels.
    """
    import datashader as ds
    import pandas as pd

    frame = pd.DataFrame({"across": across, "up": up, "rank": rank}, copy=False)
    canvas = ds.Canvas(width, height, x_range=(window.left, window.right), y_range=(window.bottom, window.top))
    wanted = ds.summary(clients=ds.count(), known=ds.count("rank"), ranks=ds.sum("rank"))
    found = canvas.points(frame, "across", "up", agg=wanted)
    return Grid(
        window,
        found["clients"].to_numpy().astype(np.int64),
        found["known"].to_numpy().astype(np.int64),
        np.nan_to_num(found["ranks"].to_numpy()),
    )
