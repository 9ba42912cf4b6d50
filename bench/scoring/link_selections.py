"""The peer: HoloViews' own `link_selections` on the same six charts, in a process of its own.

`python -m bench.scoring.link_selections time FOLDER ROUNDS` feeds gestures to it where the browser's would arrive, and
tells how long it takes until every plot's Bokeh models are refreshed; `... serve FOLDER` serves it as a page. FOLDER is
what `bench.scoring.portfolio_peer` writes. Lines of JSON tell how far the work is; the last has what was found.

The pair is a datashader `rasterize` of all clients, the distributions are HoloViews' dynamic histograms of the same
bins as ours, `link_selections` joins them with the mode "intersect", which is the nearest to ours: a client is kept
whom every chart's selection keeps.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import holoviews as hv
import numpy as np
import pandas as pd
import panel as pn
from holoviews.operation import histogram
from holoviews.operation.datashader import rasterize
from holoviews.selection import link_selections

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

DESCRIBED = "peer.json"
WIDTH, HEIGHT = 420, 320
PAIR_NAME = "pair"


class Peer:
    """Six linked charts.

    Parameters
    ----------
    columns : (n,) float32 by name: those of the pair first, then those of the distributions.
    bins : edges by name of a distribution's column, in the column's unit.

    Attributes
    ----------
    layout : the linked charts.
    """

    def __init__(self, columns: Mapping[str, NDArray[np.float32]], bins: Mapping[str, Sequence[float]]) -> None:
        if "bokeh" not in hv.Store.renderers:
            hv.extension("bokeh", logo=False)
        self._dataset = hv.Dataset(pd.DataFrame(columns, copy=False))
        across, up = list(columns)[:2]
        size = {"width": WIDTH, "height": HEIGHT}
        pair = rasterize(hv.Points(self._dataset, [across, up])).opts(**size)
        charts = [
            histogram(self._dataset, dimension=name, bins=np.asarray(edges), normed=False, dynamic=True).opts(**size)
            for name, edges in bins.items()
        ]
        self._linked = link_selections.instance(cross_filter_mode="intersect")
        self.layout: Any = self._linked(hv.Layout([pair, *charts]).cols(3))
        sequences = self._linked._selection_expr_streams.values()  # noqa: SLF001 (no public way to a stream)
        streams = [sequence.history_stream.input_stream.input_streams[0] for sequence in sequences]
        self._streams = dict(zip((PAIR_NAME, *bins), streams, strict=True))
        self._plot: Any = None

    def draw(self) -> None:
        """Make every plot's Bokeh models, as for a new visitor; from then on selections refresh them."""
        self._plot = hv.renderer("bokeh").get_plot(self.layout)

    def select(self, chart: str, across: tuple[float, float], up: tuple[float, float] | None = None) -> None:
        """Select a range of a distribution, or a box of the pair, and refresh every plot."""
        stream = self._streams[chart]
        low, high = up if up is not None else (-1.0, 1e12)
        stream.event(bounds=(across[0], low, across[1], high), x_selection=across, y_selection=up)

    def clear(self) -> None:
        """Take all selections away and refresh every plot."""
        self._linked.selection_expr = None
        for sequence in self._linked._selection_expr_streams.values():  # noqa: SLF001
            sequence.history_stream.clear_history()

    def kept(self) -> int:
        """Return how many clients the selections keep."""
        expression = self._linked.selection_expr
        return len(self._dataset) if expression is None else int(expression.apply(self._dataset).sum())

    def shown(self) -> list[NDArray[np.float64]]:
        """Return the heights of the bars of every histogram drawn, those of everyone and those kept, in any order."""
        sources = [source.data for source in self._plot.state.select({"type": _data_source()})]
        return [np.asarray(data["top"], dtype=np.float64) for data in sources if "top" in data]


def _data_source() -> type[Any]:
    from bokeh.models import ColumnDataSource

    source: type[Any] = ColumnDataSource
    return source


def read(folder: Path) -> tuple[dict[str, NDArray[np.float32]], dict[str, list[float]], list[dict[str, Any]]]:
    """Return the columns, the bins and the gestures that a folder describes."""
    described = json.loads((folder / DESCRIBED).read_text(encoding="utf-8"))
    columns = {
        name: np.load(folder / f"{number}.npy", mmap_mode="r", allow_pickle=False)
        for number, name in enumerate(described["columns"])
    }
    return columns, described["bins"], described["gestures"]


def timed(folder: Path, rounds: int) -> dict[str, Any]:
    """Return the nanoseconds of every gesture by its kind, after one round that does not count."""
    columns, bins, gestures = read(folder)
    samples: dict[str, list[int]] = {}
    kept: list[int] = []
    clock = time.perf_counter_ns
    gc.disable()
    for number in range(rounds + 1):
        begun = clock()
        peer = Peer(columns, bins)
        peer.draw()
        found = [("first_paint", clock() - begun)]
        for step, gesture in enumerate(gestures):
            begun = clock()
            if gesture["kind"] == "brush_clear":
                peer.clear()
            else:
                peer.select(gesture["chart"], tuple(gesture["across"]), gesture["up"] and tuple(gesture["up"]))
            found.append((gesture["kind"], clock() - begun))
            if number == 0:
                kept.append(peer.kept())
            _tell("link_selections", (number + (step + 1) / len(gestures)) / (rounds + 1))
        if number:
            for kind, ns in found:
                samples.setdefault(kind, []).append(ns)
        gc.collect()
    gc.enable()
    return {"samples_ns": samples, "kept": kept}


def serve(folder: Path) -> None:
    """Serve the peer until told to stop."""
    columns, bins, _ = read(folder)
    Peer(columns, bins).draw()  # compiled here, so that no visitor waits for it

    def page() -> Any:
        return pn.pane.HoloViews(Peer(columns, bins).layout)  # type: ignore[no-untyped-call]

    pn.extension()
    server: Any = pn.serve(  # type: ignore[no-untyped-call]
        {"/": page}, address="127.0.0.1", port=0, show=False, start=False, verbose=False
    )
    server.start()
    print(json.dumps({"address": f"http://127.0.0.1:{server.port}"}), flush=True)
    server.io_loop.start()


def _tell(step: str, fraction: float) -> None:
    print(json.dumps({"step": step, "fraction": fraction}), flush=True)


def main(arguments: Sequence[str]) -> int:
    """Run what is asked and return 0."""
    what, folder = arguments[0], Path(arguments[1])
    if what == "serve":
        serve(folder)
    else:
        print(json.dumps(timed(folder, int(arguments[2]))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
