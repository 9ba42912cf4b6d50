"""What HoloViews' `link_selections` gets: the same columns, bins and gestures, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.child import told_by
from bench.scoring.portfolio_gestures import gestures
from bench.scoring.portfolio_samples import Samples
from data.files import write_json
from data.npy import save
from data.paths import bench_folder
from explain.crossfilter.exploration import Explorer
from explain.crossfilter.filters import Box, Categories, Range

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.scoring.portfolio_gestures import Scene
    from data.progress import Report
    from explain.crossfilter.bins import Bins
    from explain.crossfilter.filters import Filter, Side
    from explain.crossfilter.population import Population

MODULE = "bench.scoring.link_selections"
DESCRIBED = "peer.json"
SHARED_KINDS = ("brush_range", "brush_box", "brush_category", "brush_clear")
"""Gestures that it has too: its picture of many points takes no lasso, and it knows one category at a time."""
STEPPED_KINDS, EACH = ("brush_range", "brush_box"), 3
"""Of the steps of these gestures it gets one in so many, for it takes its time."""


@contextlib.contextmanager
def peer_folder(population: Population, shown: Scene, seed: int) -> Iterator[Path]:
    """Write what the peer needs, and remove it at the end; gives the folder.

    Parameters
    ----------
    population, shown : the clients, and the six charts.
    seed : of the round of gestures; those that the peer has too are written, with how many clients each leaves.
    """
    folder = bench_folder() / "portfolio" / "peer"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        _write(folder, population, shown, seed)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, population: Population, shown: Scene, seed: int) -> None:
    exploration = shown.exploration
    charts = [key.column for key in exploration.charts]
    names = [exploration.pair.across.column, exploration.pair.up.column]
    columns = {name: population.column(name).values for name in dict.fromkeys((*names, *charts))}
    for number, values in enumerate(columns.values()):
        save(folder / f"{number}.npy", np.asarray(values))
    edges = {key.column: _edges(population.bins(key), columns[key.column]) for key in exploration.charts}
    described = {
        "columns": list(columns),
        "bins": edges,
        "gestures": list(_shared(population, shown, seed)),
    }
    write_json(folder / DESCRIBED, described)


def _edges(bins: Bins, values: Any) -> list[float]:
    """Return the edges of the bins in the column's unit, so that as many clients fall between them."""
    if bins.categories is not None:
        return [float(edge) for edge in np.arange(len(bins) + 1) - 0.5]
    finite = values[np.isfinite(values)]
    return [float(finite.min()), *(float(low) for low in bins.low[1:]), float(finite.max())]


def _shared(population: Population, shown: Scene, seed: int) -> Iterator[dict[str, Any]]:
    """Give the gestures that the peer has too, and how many clients are kept after each."""
    explorer, exploration = Explorer(population), shown.exploration
    steps = list(gestures(population, shown, seed))
    dragged = [step for step in steps if step.kind in STEPPED_KINDS]
    left_out = {id(step) for number, step in enumerate(dragged) if number % EACH}
    for step in steps:
        if id(step) in left_out:
            continue
        if step.kind == "brush_clear":
            exploration = shown.exploration
            yield {"kind": step.kind, "kept": len(population)}
        elif step.kind in SHARED_KINDS:
            kept = step.wanted.exploration.filter_of(step.chart)
            sides = _sides(kept)
            if sides is None:
                continue
            exploration = exploration.filtered(step.chart, kept)
            across, up = (None if side is None else _bounds(population, side) for side in sides)
            many = int(explorer.selected(exploration).sum())
            yield {"kind": step.kind, "chart": step.chart, "across": across, "up": up, "kept": many}


def _sides(kept: Filter | None) -> tuple[Side, Side | None] | None:
    if isinstance(kept, Box):
        return kept.across, kept.up
    if isinstance(kept, Range) or (isinstance(kept, Categories) and len(kept.names) == 1):
        return kept, None
    return None


def _bounds(population: Population, side: Side) -> tuple[float, float]:
    column = population.column(side.column)
    if isinstance(side, Categories):
        place = (column.categories or ()).index(side.names[0])
        return place - 0.5, place + 0.5
    finite = column.values[np.isfinite(column.values)]
    return max(side.low, float(finite.min())), min(side.high, float(finite.max()))


def time_peer(folder: Path, rounds: int, report: Report) -> tuple[Samples, bool]:
    """Return the times of the peer, and whether it kept the same clients after every gesture.

    Raises
    ------
    StoreError
        Its process doesn't come to its end.
    """
    arguments = ["time", str(folder.resolve()), str(rounds)]
    told = told_by(MODULE, arguments, report, failed="link_selections was not measured")
    gestures_made = json.loads((folder / DESCRIBED).read_text(encoding="utf-8"))["gestures"]
    same = told["kept"] == [gesture["kept"] for gesture in gestures_made]
    return Samples({kind: list(found) for kind, found in told["samples_ns"].items()}), same
