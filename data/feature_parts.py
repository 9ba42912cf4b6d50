"""The features of one partition of clients on disk, and all of them put together.

A part is three files: `NNNN.parquet`, the application rows of its clients by ascending id, `NNNN.npy`, float32
(features, clients) in that order, and `NNNN.json`, the features' names, written last: where it is, the part is there.
"""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from data.cores import threads
from data.errors import IncompleteArtefact, SourceError, StoreError
from data.files import read_json, write_json, written_whole
from data.npy import mapped, save
from data.schema import CLIENT_ID, TARGET
from data.sources import load_imported

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from data.progress import Report

_AGAIN = "Run the same command again: the part is made anew."
_CLIENTS_AT_ONCE = 200_000
_CLIENTS_A_GROUP = 50_000
_BYTES_AT_ONCE = 2**28


def compute_part(raw: Path, parts: Path, number: int) -> None:
    """Compute the features of partition `number` of the import `raw`, and leave them in `parts`; raise as it does."""
    write_part(load_imported(raw, number), parts, number)


def write_part(tables: Mapping[str, pl.DataFrame | pl.LazyFrame], parts: Path, number: int) -> None:
    """Compute the features of the clients of `tables`, complete for them, and leave them in `parts` as part `number`.

    Raises
    ------
    SourceError
        The tables can't be used as they are.
    """
    from data.features import build_features

    built = build_features(tables)
    ids = pl.Series(CLIENT_ID, built.ids)
    clients = tables["application"].lazy().filter(pl.col(CLIENT_ID).is_in(ids.implode())).sort(CLIENT_ID).collect()
    if not clients[CLIENT_ID].equals(ids):
        raise SourceError(
            f"The features are of {len(ids)} clients, the application table has {clients.height} of them."
        )
    with written_whole(_clients_file(parts, number)) as path:
        clients.write_parquet(path, compression="zstd")
    save(_features_file(parts, number), built.columns)
    write_json(_names_file(parts, number), built.names)


def is_finished(parts: Path, number: int) -> bool:
    """Return whether part `number` is there, its files of one length."""
    try:
        names = _names(parts, number)
        columns = mapped(_features_file(parts, number), np.dtype(np.float32), _AGAIN)
        clients = pq.read_metadata(_clients_file(parts, number)).num_rows
    except (StoreError, OSError, ValueError):
        return False
    return bool(columns.shape == (len(names), clients))


def assemble(parts: Path, count: int, out: Path, report: Report) -> dict[str, Any]:
    """Write the files of a feature set to `out` from parts 0 to `count` - 1, and return what its manifest says of them.

    Memory does not grow with the number of parts: clients and features go by in blocks.

    Raises
    ------
    IncompleteArtefact
        A part is missing.
    SourceError
        A client is in two parts.
    """
    for number in range(count):
        if not is_finished(parts, number):
            raise IncompleteArtefact(f"Part {number} of {count} is not there in {parts}. {_AGAIN}")
    ids, target, places = _order(parts, count)
    save(out / "ids.npy", ids)
    save(out / "target.npy", target)
    names = _names(parts, 0)
    if any(_names(parts, number) != names for number in range(count)):
        raise SourceError(f"The parts in {parts} do not have the same features. Remove that folder and run again.")
    with ThreadPoolExecutor(1) as beside:
        clients = beside.submit(_write_clients, parts, count, ids, out / "clients.parquet")
        _write_columns(parts, places, (len(names), len(ids)), out / "features.npy", report)
        clients.result()
    labelled, defaults = int((target >= 0).sum()), int((target == 1).sum())
    return {
        "clients": len(ids),
        "labelled": labelled,
        "defaults": defaults,
        "base_rate": defaults / labelled if labelled else None,
        "names": names,
    }


def _order(parts: Path, count: int) -> tuple[NDArray[np.int64], NDArray[np.int8], list[NDArray[np.intp]]]:
    """Return the ids, ascending, their targets, and the places among them of the clients of each part."""
    listed = [pl.read_parquet(_clients_file(parts, number), columns=[CLIENT_ID, TARGET]) for number in range(count)]
    whole = pl.concat(listed)
    ids = whole[CLIENT_ID].to_numpy()
    order = np.argsort(ids, kind="stable")
    ids = np.ascontiguousarray(ids[order], dtype=np.int64)
    twice = np.flatnonzero(np.diff(ids) == 0)
    if len(twice):
        raise SourceError(f"Client {ids[twice[0]]} is in two partitions. Import the raw tables again.")
    target = whole[TARGET].fill_null(-1).cast(pl.Int8).to_numpy()[order]
    ranks = np.empty(len(order), np.intp)
    ranks[order] = np.arange(len(order))
    ends = np.cumsum([frame.height for frame in listed])
    return ids, np.ascontiguousarray(target), np.split(ranks, ends[:-1])


def _write_clients(parts: Path, count: int, ids: NDArray[np.int64], out: Path) -> None:
    rows = pl.scan_parquet([_clients_file(parts, number) for number in range(count)])
    with written_whole(out) as path, contextlib.ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for start in range(0, max(1, len(ids)), _CLIENTS_AT_ONCE):
            some = ids[start : start + _CLIENTS_AT_ONCE]
            here = pl.col(CLIENT_ID).is_between(some[0], some[-1]) if len(some) else pl.lit(value=True)
            block = rows.filter(here).sort(CLIENT_ID).collect().to_arrow()
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(path, block.schema, compression="zstd"))
            writer.write_table(block, row_group_size=_CLIENTS_A_GROUP)


def _write_columns(
    parts: Path, places: list[NDArray[np.intp]], shape: tuple[int, int], out: Path, report: Report
) -> None:
    """Write float32 (features, clients) from the columns of the parts, some features at a time, in threads.

    Not through a mapping: on a full disk, writing to one kills the process instead of raising an error. The memory is
    used again and again: touching some for the first time costs more than all else here.
    """
    count, clients = shape
    step = max(1, min(count, _BYTES_AT_ONCE // threads() // max(1, 4 * clients)))
    free: SimpleQueue[NDArray[np.float32]] = SimpleQueue()
    for _ in range(threads()):
        free.put(np.empty((step, clients), np.float32))
    with written_whole(out) as path, ThreadPoolExecutor(threads()) as pool:
        with open(path, "wb") as file:
            header = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            values_at = file.tell()

        def write(start: int) -> None:
            whole = free.get()
            try:
                block = whole[: count - start]
                for number, place in enumerate(places):
                    block[:, place] = _some_columns(_features_file(parts, number), start, (len(block), len(place)))
                with open(path, "r+b") as file:
                    file.seek(values_at + start * clients * whole.itemsize)
                    file.write(block.data)
            finally:
                free.put(whole)

        for done, _ in enumerate(pool.map(write, range(0, count, step)), start=1):
            report("writing the features", min(1.0, done * step / count))


def _some_columns(path: Path, start: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return the columns of a part from feature `start` on, float32 of that shape."""
    with open(path, "rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        file.seek(start * shape[1] * 4, os.SEEK_CUR)
        found = np.fromfile(file, np.float32, shape[0] * shape[1])
    if found.size != shape[0] * shape[1]:
        raise IncompleteArtefact(f"{path} ends before its last value. {_AGAIN}")
    return found.reshape(shape)


def _clients_file(parts: Path, number: int) -> Path:
    return parts / f"{number:04d}.parquet"


def _features_file(parts: Path, number: int) -> Path:
    return parts / f"{number:04d}.npy"


def _names_file(parts: Path, number: int) -> Path:
    return parts / f"{number:04d}.json"


def _names(parts: Path, number: int) -> list[str]:
    names: list[str] = read_json(_names_file(parts, number), _AGAIN)
    return names
