"""Every client of a plot counted into its pixels, by datashader: numbers only, for any thread.

Datashader compiles its code anew in every process, for each set of reductions and types. There are three of them here,
and `prepare` has them compiled: clients alone; clients, those with a rank and their ranks; clients by category.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

CODES = 11
"""Categories that clients can be counted by, one for those without a value included."""
Kind = Literal["clients", "ranks", "codes"]
"""What is counted: clients alone, clients and their ranks, or clients by code."""


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


class Places(NamedTuple):
    """Where some clients are, and what colours them.

    Attributes
    ----------
    across, up : (m,) float32; without a place (NaN), or outside the window, a client is not counted.
    colour : (m,) float32, a rank, NaN where there is none; or int8, a code below CODES; None counts clients alone.
    """

    across: NDArray[np.float32]
    up: NDArray[np.float32]
    colour: NDArray[np.float32] | NDArray[np.int8] | None = None


class Layers(NamedTuple):
    """What is counted by pixel, (h, w) or, by code, (h, w, CODES), the lowest line first.

    Attributes
    ----------
    clients : uint32.
    known : uint32, those with a rank; None where ranks aren't summed.
    ranks : float64, their sum; None where they aren't.
    """

    clients: NDArray[np.uint32]
    known: NDArray[np.uint32] | None = None
    ranks: NDArray[np.float64] | None = None


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
    return grid_of(count(Places(across, up, rank), window, (width, height)), window)


def count(places: Places, window: Window, pixels: tuple[int, int]) -> Layers:
    """Return what there is in each pixel of a window.

    Parameters
    ----------
    places : of the clients.
    window : of positive width and height.
    pixels : width and height.
    """
    colour = places.colour
    kind: Kind = "clients" if colour is None else "codes" if colour.dtype == np.int8 else "ranks"
    return layers_of(canvas(window, pixels).points(frame(places), "across", "up", agg=reduction(kind)), kind)


def added(parts: Iterable[Layers]) -> Layers:
    """Return what there is of all parts of the clients together, added in their order."""
    total: Layers | None = None
    for part in parts:
        if total is None:
            total = part
            continue
        for summed, more in zip(total, part, strict=True):
            if summed is not None and more is not None:
                np.add(summed, more, out=summed)
    if total is None:
        raise ValueError("There is no part to add.")
    return total


def grid_of(layers: Layers, window: Window) -> Grid:
    """Return clients and their ranks as a grid; where no ranks were summed there are none."""
    clients = layers.clients.astype(np.int64)
    if layers.known is None or layers.ranks is None:
        return without_ranks(window, clients)
    return Grid(window, clients, layers.known.astype(np.int64), layers.ranks)


def without_ranks(window: Window, clients: NDArray[np.int64]) -> Grid:
    """Return a grid of clients none of whom has a rank; its zeros take no room."""
    return Grid(
        window, clients, np.broadcast_to(np.zeros((), np.int64), clients.shape), np.broadcast_to(0.0, clients.shape)
    )


def canvas(window: Window, pixels: tuple[int, int]) -> Any:
    """Return datashader's canvas of a window."""
    import datashader as ds

    left, right, bottom, top = map(float, window)  # datashader compiles anew for whole numbers
    return ds.Canvas(*pixels, x_range=(left, right), y_range=(bottom, top))


def reduction(kind: Kind) -> Any:
    """Return datashader's reduction of the columns of `frame`."""
    import datashader as ds

    if kind == "clients":
        return ds.count()
    if kind == "codes":
        return ds.by("code", ds.count())
    return ds.summary(clients=ds.count(), known=ds.count("rank"), ranks=ds.sum("rank"))


def frame(places: Places) -> Any:
    """Return clients as a pandas frame, without copying: columns `across`, `up`, and `rank` or `code` if coloured."""
    import pandas as pd

    columns: dict[str, Any] = {"across": places.across, "up": places.up}
    if places.colour is not None and places.colour.dtype == np.int8:
        codes: Any = places.colour
        columns["code"] = pd.Categorical.from_codes(codes, dtype=_codes(), validate=False)
    elif places.colour is not None:
        columns["rank"] = places.colour
    return pd.DataFrame(columns, copy=False)


def layers_of(found: Any, kind: Kind) -> Layers:
    """Return what datashader found with `reduction`."""
    if kind == "ranks":
        ranks: NDArray[np.float64] = np.nan_to_num(found["ranks"].to_numpy(), copy=False)
        return Layers(found["clients"].to_numpy(), found["known"].to_numpy(), ranks)
    return Layers(found.to_numpy())


def prepare() -> None:
    """Have datashader compile what is used here."""
    few = np.linspace(0.0, 1.0, 4, dtype=np.float32)
    for colour in (None, few, np.zeros(4, np.int8)):
        count(Places(few, few, colour), Window(0.0, 1.0, 0.0, 1.0), (4, 4))


def _codes() -> Any:
    import pandas as pd

    return pd.CategoricalDtype([str(code) for code in range(CODES)])
