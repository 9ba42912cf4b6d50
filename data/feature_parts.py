"""The features of one partition of clients on disk, and all of them put together.

A part is three files: `NNNN.ids.npy`, int64, its clients by ascending id, `NNNN.npy`, float32 (features, clients) in
that order, and `NNNN.json`, the features' names, written last: where it is, the part is there. Beside the parts,
`clients.parquet`, `target.npy` and, last, `ids.npy` tell of all clients.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from data.cores import threads
from data.errors import IncompleteArtefact, SourceError, StoreError
from data.files import describe_files, read_json, write_json, written_whole
from data.id_index import IdIndex
from data.npy import mapped, save
from data.places import put
from data.schema import CLIENT_ID, TARGET
from data.sources import load_imported

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import RawIOBase
    from pathlib import Path

    from numpy.typing import NDArray

    from data.progress import Report

_IDS, _TARGET, _CLIENTS, _FEATURES = "ids.npy", "target.npy", "clients.parquet", "features.npy"
_AGAIN = "Run the same command again: the part is made anew."
_CLIENTS_AT_ONCE = 400_000
_CLIENTS_A_GROUP = 50_000
_BYTES_AT_ONCE = 2**28
_BYTES_TO_SYNC = 2**28
_BYTES_A_VALUE = 4


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
    save(_ids_file(parts, number), built.ids)
    save(_features_file(parts, number), built.columns)
    write_json(_names_file(parts, number), built.names)


def is_finished(parts: Path, number: int) -> bool:
    """Return whether part `number` is there, its files of one length."""
    try:
        names = _names(parts, number)
        columns = mapped(_features_file(parts, number), np.dtype(np.float32), _AGAIN)
        ids = mapped(_ids_file(parts, number), np.dtype(np.int64), _AGAIN)
    except StoreError:
        return False
    return bool(columns.shape == (len(names), len(ids)))


def write_clients(rows: pl.LazyFrame, parts: Path) -> None:
    """Leave all the application rows in `parts`, by ascending id, with ids and targets beside them, for `assemble`.

    Memory does not grow with the number of clients: they go by in blocks. What an earlier run left is kept.

    Raises
    ------
    SourceError
        A client has several applications.
    """
    if (parts / _IDS).exists():
        return
    ids = np.sort(rows.select(CLIENT_ID).collect()[CLIENT_ID].to_numpy())
    twice = np.flatnonzero(np.diff(ids) == 0)
    if len(twice):
        raise SourceError(f"Client {ids[twice[0]]} is in two partitions. Import the raw tables again.")
    if len(ids) <= _CLIENTS_AT_ONCE:  # Polars writes in half the time, but can't add to a file
        block = rows.collect().sort(CLIENT_ID)
        with written_whole(parts / _CLIENTS) as path:
            block.write_parquet(path, compression="zstd", row_group_size=_CLIENTS_A_GROUP)
        target = _targets(block)
    else:
        target = _write_in_blocks(rows, ids, parts / _CLIENTS)
    save(parts / _TARGET, target)
    save(parts / _IDS, ids)


def _write_in_blocks(rows: pl.LazyFrame, ids: NDArray[np.int64], out: Path) -> NDArray[np.int8]:
    targets = []
    with written_whole(out) as path, contextlib.ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for start in range(0, len(ids), _CLIENTS_AT_ONCE):
            some = ids[start : start + _CLIENTS_AT_ONCE]
            block = rows.filter(pl.col(CLIENT_ID).is_between(some[0], some[-1])).sort(CLIENT_ID).collect()
            targets.append(_targets(block))
            arrow = block.to_arrow()
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(path, arrow.schema, compression="zstd"))
            writer.write_table(arrow, row_group_size=_CLIENTS_A_GROUP)
    return np.concatenate(targets)


def _targets(clients: pl.DataFrame) -> NDArray[np.int8]:
    """Return TARGET, -1 where it is null."""
    targets: NDArray[np.int8] = clients[TARGET].fill_null(-1).cast(pl.Int8).to_numpy()
    return targets


def assemble(parts: Path, count: int, out: Path, report: Report) -> dict[str, Any]:
    """Write the files of a feature set to `out` from parts 0 to `count` - 1, and return what its manifest says of them.

    Memory does not grow with the number of parts: features go by in blocks. What `write_clients` left is moved.

    Raises
    ------
    IncompleteArtefact
        A part is missing.
    SourceError
        The parts are not of the clients that have an application, each in one of them.
    """
    for number in range(count):
        if not is_finished(parts, number):
            raise IncompleteArtefact(f"Part {number} of {count} is not there in {parts}. {_AGAIN}")
    names = _names(parts, 0)
    if any(_names(parts, number) != names for number in range(count)):
        raise SourceError(f"The parts in {parts} do not have the same features. Remove that folder and run again.")
    ids: NDArray[np.int64] = np.load(parts / _IDS)
    target: NDArray[np.int8] = np.load(parts / _TARGET)
    written = _write_columns(parts, _places(parts, count, ids), (len(names), len(ids)), out / _FEATURES, report)
    for name in (_IDS, _TARGET, _CLIENTS):
        (parts / name).replace(out / name)
    labelled, defaults = int((target >= 0).sum()), int((target == 1).sum())
    return {
        "clients": len(ids),
        "labelled": labelled,
        "defaults": defaults,
        "base_rate": defaults / labelled if labelled else None,
        "names": names,
        "files": {**describe_files(out, (_IDS, _TARGET, _CLIENTS)), _FEATURES: written},
    }


def _places(parts: Path, count: int, ids: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Return the places among all ids of the clients of each part."""
    index = IdIndex(ids)
    places = [
        index.find(np.asarray(mapped(_ids_file(parts, number), np.dtype(np.int64), _AGAIN))) for number in range(count)
    ]
    listed = np.sort(np.concatenate(places))
    if not np.array_equal(listed, np.arange(len(ids))):
        raise SourceError(
            f"The parts in {parts} are not of the {len(ids)} clients that have an application. Remove that folder and "
            "run again."
        )
    return places


def _write_columns(
    parts: Path, places: list[NDArray[np.intp]], shape: tuple[int, int], out: Path, report: Report
) -> dict[str, Any]:
    """Write float32 (features, clients) from the columns of the parts, some features at a time, in threads.

    The file is described for the manifest, its hash being computed while it is written.

    Not through a mapping: on a full disk, writing to one kills the process instead of raising an error. The memory is
    used again and again: touching some for the first time costs more than all else here.
    """
    count, clients = shape
    at_once = threads()
    step = max(1, min(count, _BYTES_AT_ONCE // at_once // max(1, clients * _BYTES_A_VALUE)))
    free: SimpleQueue[tuple[NDArray[np.float32], NDArray[np.float32]]] = SimpleQueue()
    most = max((len(place) for place in places), default=0)
    for _ in range(at_once):
        free.put((np.empty((step, clients), np.float32), np.empty(step * most, np.float32)))
    with written_whole(out) as path, ThreadPoolExecutor(at_once) as pool:
        with open(path, "wb") as file:
            header = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            values_at = file.tell()
        written = hashlib.sha256(path.read_bytes())

        def write(start: int) -> None:
            buffers = free.get()
            try:
                block, some = buffers[0][: count - start], buffers[1]
                for number, place in enumerate(places):
                    found = some[: len(block) * len(place)].reshape(len(block), len(place))
                    _read_columns(_features_file(parts, number), start, found)
                    put(found, place, block)
                with open(path, "r+b") as file:
                    file.seek(values_at + start * clients * _BYTES_A_VALUE)
                    file.write(block.data)
            finally:
                free.put(buffers)

        # no buffer, which would hold what is not yet written
        with open(path, "rb", buffering=0) as whole, ThreadPoolExecutor(1) as beside:
            whole.seek(values_at)
            synced = 0
            for start, _ in zip(range(0, count, step), pool.map(write, range(0, count, step)), strict=True):
                end = min(count, start + step)
                for piece in _pieces(whole, (end - start) * clients * _BYTES_A_VALUE):
                    written.update(piece)
                if whole.tell() // _BYTES_TO_SYNC > synced:  # else all is left for the end, with nothing to do then
                    synced += 1
                    beside.submit(os.fsync, whole.fileno())
                report("writing the features", end / count)
    return {"bytes": values_at + count * clients * _BYTES_A_VALUE, "sha256": written.hexdigest()}


def _pieces(file: RawIOBase, size: int) -> Iterator[bytes]:
    """Give the next `size` bytes of a file, some at a time."""
    while size and (piece := file.read(min(size, 2**20))):
        yield piece
        size -= len(piece)


def _read_columns(path: Path, start: int, found: NDArray[np.float32]) -> None:
    """Fill `found`, float32 (some features, clients), with the columns of a part from feature `start` on."""
    with open(path, "rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        at = file.seek(start * found.shape[1] * _BYTES_A_VALUE, os.SEEK_CUR)
        if file.readinto(found.data) != found.nbytes:
            raise IncompleteArtefact(f"{path} ends before its last value. {_AGAIN}")
        if hasattr(os, "posix_fadvise"):  # the memory that the system holds it in is wanted for what is written
            os.posix_fadvise(file.fileno(), at, found.nbytes, os.POSIX_FADV_DONTNEED)


def _ids_file(parts: Path, number: int) -> Path:
    return parts / f"{number:04d}.ids.npy"


def _features_file(parts: Path, number: int) -> Path:
    return parts / f"{number:04d}.npy"


def _names_file(parts: Path, number: int) -> Path:
    return parts / f"{number:04d}.json"


def _names(parts: Path, number: int) -> list[str]:
    names: list[str] = read_json(_names_file(parts, number), _AGAIN)
    return names
