"""Every client of two columns as an image: how many there are in each pixel, and what they are like.

An image is (h, w) uint32, one RGBA pixel each as Bokeh reads them (red in the lowest byte), the lowest line first.
Where there is nobody it is transparent, so that it lies on a light ground as well as on a dark one.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from dashboard.figures.palette import AGAINST, FOR, MISSING, VALUES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from explain.pixels import Grid

FAINTEST = 0.42
RISK = (FOR, "#6f93b8", "#b3ab9d", "#c08452", AGAINST)
"""From no risk to risk; beige between them, never the grey of what isn't known."""
CROWD = ("#6aa5d8", "#2b6cb0", "#1d4f86")
CATEGORIES = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800", "#7a5195", "#8c564b", "#44aa99",
)  # fmt: skip
"""Of M. Okabe and K. Ito, "Color Universal Design", 2008, without black, a darker yellow, and three more."""
TIMES = 3.0
"""Odds of default so many times those of everyone drawn have the last colour, and so many times less the first."""
WORTH, WORTH_LITTLE = 40.0, 3.0
"""In clients, what the surroundings weigh: for a rate, which takes many to be known, and for a mean, which doesn't."""
GHOST = (138, 143, 150)
_GHOST_LEAST, _GHOST_MOST = 26, 84
_COLOURS = 256
_DENSE = 0.995
_MOST_COUNT = 1 << 14
_BLOCK = 4
_FINE, _COARSE = 1.0, 4.0
_UNKNOWN_ALPHA = 0.55
_FEW = 0.05
_AROUND = ((0, 1), (1, 0), (1, 1))
"""Where else a pixel is drawn: down and to the right, as a square of two by two."""


def blank() -> NDArray[np.uint32]:
    """Return an image of nothing."""
    return np.zeros((2, 2), dtype=np.uint32)


def shade_density(grid: Grid) -> NDArray[np.uint32]:
    """Return the clients, the stronger the blue the more there are in a pixel.

    Half of the strength follows the logarithm of their number and half its rank among the pixels with a client, as
    histogram equalisation does: one client is seen, and thousands are told from hundreds.
    """
    there, many = _occupied(grid.clients)
    image = np.zeros(grid.clients.shape, dtype=np.uint32)
    if not there.size:
        return image
    often = np.bincount(many)
    rank = (np.cumsum(often) - often / 2) / there.size
    most = max(_dense(many, often), 2)
    counts = np.arange(often.size)
    height = np.minimum(np.log(np.maximum(counts, 1)) / np.log(most), 1.0)
    strength = (height + rank * (counts > 1)) / (1.0 + (counts > 1))
    colours = _ramp(CROWD)[np.round(strength * (_COLOURS - 1)).astype(np.intp)]
    image.reshape(-1)[there] = (colours | _opaque(0.3 + 0.7 * strength))[many]
    return image


def shade_risk(
    grid: Grid, ends: tuple[float, float, float], banded: tuple[bool, bool] = (False, False), worth: float = WORTH
) -> NDArray[np.uint32]:
    """Return the clients coloured by the local mean of their ranks, where a higher rank is a risk, or a lower one.

    The local mean is that of `local_mean`, which takes `banded` and `worth`. A pixel is grey if none of its clients has
    a rank.

    Parameters
    ----------
    grid : whose ranks are 0 or 1, or measures in [0, 1].
    ends : means that have the first colour (blue), the one between, and the last (orange); they descend where a lower
        mean is riskier. Between them colours follow log-odds.
    """
    at = _logit(np.array(ends))
    sign = 1.0 if at[0] < at[2] else -1.0
    mean = local_mean(grid, banded, worth)
    return _shade(grid, np.interp(sign * _logit(mean), sign * at, (0.0, 0.5, 1.0)), RISK)


def shade_share(
    grid: Grid, ends: tuple[float, float] = (0.0, 1.0), banded: tuple[bool, bool] = (False, False)
) -> NDArray[np.uint32]:
    """Return the clients coloured by the local mean of their ranks, evenly from one that is blue to one that is orange.

    The local mean is that of `local_mean`, which takes `banded`.
    """
    return _shade(grid, (local_mean(grid, banded, WORTH_LITTLE) - ends[0]) / (ends[1] - ends[0]), RISK)


def shade_values(grid: Grid) -> NDArray[np.uint32]:
    """Return the clients coloured by the mean of their ranks in each pixel, from a low to a high value."""
    mean = np.full(grid.clients.shape, 0.5, dtype=np.float64)
    np.divide(grid.ranks, grid.known, out=mean, where=grid.known > 0)
    return _shade(grid, mean, VALUES)


def shade_categories(grid: Grid, by_category: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.uint32]:
    """Return the clients coloured by the category that most of a pixel have, the greyer the less it dominates.

    Grey is mixed in rather than other categories' colours, because a mixture of two would look like a third.

    Parameters
    ----------
    grid : of the clients.
    by_category : (h, w, K) int64, how many of them are in each category.
    names : of these K; "" for the others together, who are grey, as are pixels most of whose clients have no category.
    """
    there, many = _occupied(grid.clients)
    image = np.zeros(grid.clients.shape, dtype=np.uint32)
    if not there.size or not names:
        return shade_density(grid) if not names else image
    each = by_category.reshape(-1, len(names))[there]
    first = each.argmax(axis=1)
    total = np.maximum(each.sum(axis=1), 1)
    share = np.take_along_axis(each, first[:, None], axis=1)[:, 0] / total
    if len(names) > 1:
        share = (share - 1 / len(names)) / (1 - 1 / len(names))
    table = _mixes(tuple(category_colours(names)))
    colours = table[first, np.round(np.clip(share, 0.0, 1.0) * (table.shape[1] - 1)).astype(np.intp)]
    colours[2 * each.sum(axis=1) < grid.clients.reshape(-1)[there]] = _packed(MISSING)
    image.reshape(-1)[there] = colours | _alphas(many)[many]
    return image


def shade_ghost(grid: Grid) -> NDArray[np.uint32]:
    """Return everyone as a faint grey ground, a little stronger where there are more."""
    there, many = _occupied(grid.clients)
    image = np.zeros(grid.clients.shape, dtype=np.uint32)
    if there.size:
        most = max(_dense(many, np.bincount(many)), 2)
        height = np.minimum(np.log(np.maximum(np.arange(int(many.max()) + 1), 1)) / np.log(most), 1.0)
        alpha = np.round(_GHOST_LEAST + (_GHOST_MOST - _GHOST_LEAST) * height).astype(np.uint32) << 24
        image.reshape(-1)[there] = (np.uint32(_pack(*GHOST)) | alpha)[many]
    return image


def spread(image: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return an image whose pixels are enlarged where they are few, so that each is seen; others stay as they are."""
    there = np.flatnonzero(image)
    if not there.size or there.size > _FEW * image.size:
        return image
    height, width = image.shape
    row, column = np.divmod(there, width)
    colours, out = image.reshape(-1)[there], image.copy()
    flat = out.reshape(-1)
    for down, right in _AROUND:
        y, x = row + down, column + right
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        at = y[inside] * width + x[inside]
        empty = image.reshape(-1)[at] == 0
        flat[at[empty]] = colours[inside][empty]
    return out


def category_colours(names: Sequence[str]) -> list[str]:
    """Return the colour of each category; grey for "", all the others together."""
    return [MISSING if not name else CATEGORIES[number % len(CATEGORIES)] for number, name in enumerate(names)]


def local_mean(grid: Grid, banded: tuple[bool, bool] = (False, False), worth: float = WORTH) -> NDArray[np.float32]:
    """Return the mean rank around each pixel, (h, w) float32.

    It is the estimate of Nadaraya and Watson: ranks and known clients are both blurred by a Gaussian, and divided. How
    wide it reaches follows how many clients there are: the mean in the closest surroundings (a standard deviation of 4
    pixels) is drawn towards that in wider ones (16 pixels) as if `worth` clients had the latter, and that one in turn
    towards the mean of all; so one client's outcome is never shown as a rate. Both are computed in blocks of 4 x 4
    pixels. Along an axis of bands a block is a band, and nothing is taken from the next one.

    Sources: E. A. Nadaraya, "On estimating regression", 1964, doi:10.1137/1109020; G. S. Watson, "Smooth regression
    analysis", 1964.

    Parameters
    ----------
    grid : of the clients.
    banded : whether the clients lie in bands about whole numbers across, and up.
    worth : in clients.
    """
    from scipy.ndimage import gaussian_filter

    height, width = grid.clients.shape
    window = grid.window
    columns = _starts(width, window.left, window.right, banded=banded[0])
    rows = _starts(height, window.bottom, window.top, banded=banded[1])
    known, ranks = _blocks(grid.known, rows, columns), _blocks(grid.ranks, rows, columns)
    mean: NDArray[np.float32] | np.float32 = np.float32(ranks.sum() / max(float(known.sum()), 1.0))
    for reach in (_COARSE, _FINE):
        reaches = tuple(0.0 if band else reach for band in banded[::-1])
        # A Gaussian's weights, divided by the greatest, sum to sqrt(2 pi) times its reach: a client here counts as one.
        scale = np.float32(np.prod([np.sqrt(2 * np.pi) * side for side in reaches if side]))
        around, sums = (
            scale * gaussian_filter(of, reaches, mode="constant", truncate=3.0, output=np.float32)
            for of in (known, ranks)
        )
        mean = (sums + np.float32(worth) * mean) / (around + np.float32(worth))
    found = np.asarray(mean, dtype=np.float32)
    found = _enlarged(found, height, rows, banded=banded[1])
    return _enlarged(found.T, width, columns, banded=banded[0]).T


def risk_ends(overall: float) -> tuple[float, float, float]:
    """Return the default rates with the first, the middle and the last colour, around that of all clients drawn."""
    if not 0.0 < overall < 1.0:
        overall = min(max(np.nan_to_num(overall, nan=0.08), 0.01), 0.99)
    odds = overall / (1 - overall)
    low, high = odds / TIMES, odds * TIMES
    return low / (1 + low), overall, high / (1 + high)


def gradient(colours: Sequence[str]) -> str:
    """Return colours as a CSS gradient, from left to right."""
    return f"linear-gradient(90deg, {', '.join(colours)})"


def _shade(grid: Grid, place: NDArray[np.floating], colours: Sequence[str]) -> NDArray[np.uint32]:
    there, many = _occupied(grid.clients)
    image = np.zeros(grid.clients.shape, dtype=np.uint32)
    if not there.size:
        return image
    at = (np.clip(place.reshape(-1)[there], 0.0, 1.0) * (_COLOURS - 1) + 0.5).astype(np.intp)
    found = _ramp(tuple(colours))[at] | _alphas(many)[many]
    unknown = grid.known.reshape(-1)[there] == 0
    found[unknown] = _packed(MISSING) | _opaque(_UNKNOWN_ALPHA)
    image.reshape(-1)[there] = found
    return image


def _occupied(clients: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the places of the pixels with a client, in the flat image, and how many are in each, up to a bound."""
    flat = clients.reshape(-1)
    there = np.flatnonzero(flat)
    return there, np.minimum(flat[there], _MOST_COUNT)


def _dense(many: NDArray[np.int64], often: NDArray[np.int64]) -> int:
    """Return the number of clients that few pixels exceed."""
    return int(np.searchsorted(np.cumsum(often), _DENSE * many.size))


def _alphas(many: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the opacity of each number of clients up to the greatest, in the highest byte."""
    often = np.bincount(many)
    most = max(_dense(many, often), 2)
    height = np.minimum(np.log(np.maximum(np.arange(often.size), 1)) / np.log(most), 1.0)
    return _opaque(FAINTEST + (1 - FAINTEST) * height)


def _opaque(alpha: NDArray[np.float64] | float) -> NDArray[np.uint32]:
    return np.round(255 * np.asarray(alpha)).astype(np.uint32) << np.uint32(24)


def _starts(length: int, low: float, high: float, *, banded: bool) -> NDArray[np.intp]:
    """Return the first pixel of every block along an axis of so many pixels, from one place to another."""
    if not banded:
        return np.arange(0, length, _BLOCK)
    bands = np.floor(low + (np.arange(length) + 0.5) * (high - low) / length + 0.5)
    return np.concatenate([[0], np.flatnonzero(np.diff(bands)) + 1])


def _blocks(
    values: NDArray[np.int64] | NDArray[np.float64], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return the sums over blocks of pixels."""
    found: NDArray[np.float32] = np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)
    return found.astype(np.float32)


def _enlarged(
    blocks: NDArray[np.float32], length: int, starts: NDArray[np.intp], *, banded: bool
) -> NDArray[np.float32]:
    """Return blocks along the first axis as pixels: one value a band, or linear between the middles of blocks."""
    if banded:
        return np.repeat(blocks, np.diff(np.append(starts, length)), axis=0)
    return _stretched(blocks, length)


def _stretched(blocks: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    wider = np.concatenate([blocks[:1], blocks, blocks[-1:]])
    out = np.empty((blocks.shape[0] * _BLOCK, blocks.shape[1]), dtype=np.float32)
    for number in range(_BLOCK):
        along = (number + 0.5) / _BLOCK - 0.5  # from the middle of a block, in blocks
        near = np.float32(1 - abs(along))
        other = wider[2:] if along > 0 else wider[:-2]
        out[number::_BLOCK] = near * blocks + (1 - near) * other
    return out[:length]


def _logit(share: NDArray[np.floating]) -> NDArray[np.float64]:
    inside = np.clip(np.asarray(share, dtype=np.float64), 1e-6, 1 - 1e-6)
    return np.log(inside / (1 - inside))


def _pack(red: float, green: float, blue: float) -> int:
    return round(red) | round(green) << 8 | round(blue) << 16


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _packed(colour: str) -> np.uint32:
    return np.uint32(_pack(*_rgb(colour)))


@functools.cache
def _ramp(colours: tuple[str, ...]) -> NDArray[np.uint32]:
    """Return the colours between those given, (256,) uint32 without opacity."""
    stops = np.array([_rgb(colour) for colour in colours], dtype=np.float64)
    at = np.linspace(0, len(colours) - 1, _COLOURS)
    table = np.stack([np.interp(at, np.arange(len(colours)), stops[:, band]) for band in range(3)], axis=1)
    return np.array([_pack(*row) for row in table], dtype=np.uint32)


@functools.lru_cache(maxsize=64)
def _mixes(colours: tuple[str, ...]) -> NDArray[np.uint32]:
    """Return each colour from grey to itself, (K, 256) uint32 without opacity."""
    return np.stack([_ramp((MISSING, colour)) for colour in colours])
