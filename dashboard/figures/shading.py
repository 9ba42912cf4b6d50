"""Clients counted into pixels, as an image: coloured by their mean rank, the more opaque the more there are."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import holoviews as hv
import numpy as np

from dashboard.figures.palette import MISSING, VALUES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from explain.pixels import Grid, Window

FAINTEST = 0.4
_DENSE = 0.99
_COLOURS = 256


def shade(grids: Sequence[Grid]) -> NDArray[np.uint8]:
    """Return an image of grids of one width, laid one above the other, the first at the top: (h, w, 4) uint8, RGBA.

    Every pixel with a client can be seen, and none is brighter than another for more than its clients' ranks. A pixel
    is grey where most of its clients have no rank.
    """
    clients, known, ranks = (
        np.concatenate([getattr(grid, name)[::-1] for grid in grids]) for name in ("clients", "known", "ranks")
    )
    image = np.zeros((*clients.shape, 4), dtype=np.uint8)
    there = clients > 0
    if not there.any():
        return image
    many, ranked = clients[there], known[there]
    number = np.zeros(many.shape, dtype=np.intp)
    np.divide(ranks[there] * (_COLOURS - 1), ranked, out=number, where=ranked > 0, casting="unsafe")
    number[2 * ranked < many] = _COLOURS
    most = max(float(np.quantile(many, _DENSE)), 2.0)
    alpha = FAINTEST + (1.0 - FAINTEST) * np.minimum(np.log(many) / np.log(most), 1.0)
    image[there, :3] = _colours()[number]
    image[there, 3] = np.round(255 * alpha)
    return image


def picture(image: NDArray[np.uint8], window: Window) -> hv.RGB:
    """Return an image as an element, put where its window is."""
    bounds = (window.left, window.bottom, window.right, window.top)
    return hv.RGB(image, kdims=["across", "up"], vdims=["R", "G", "B", "A"], bounds=bounds)


def blank() -> NDArray[np.uint8]:
    """Return an image of nothing."""
    return np.zeros((2, 2, 4), dtype=np.uint8)


def ramp() -> str:
    """Return the colours from a low to a high value as a CSS gradient."""
    return f"linear-gradient(90deg, {', '.join(VALUES)})"


@functools.cache
def _colours() -> NDArray[np.uint8]:
    """Return the colours of the ranks from 0 to 1, and after them that of what has none, (257, 3) uint8."""
    stops = np.array([_rgb(colour) for colour in VALUES])
    at = np.linspace(0, len(VALUES) - 1, _COLOURS)
    table = np.stack([np.interp(at, np.arange(len(VALUES)), stops[:, band]) for band in range(3)], axis=1)
    return np.round(np.vstack([table, _rgb(MISSING)])).astype(np.uint8)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
