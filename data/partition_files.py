"""Tables written partition by partition, in bounded memory: one Parquet file for each partition of each table.

Rows are gathered until they fill the memory they may take; then they are put in the order of their partitions and set
aside on disk, uncompressed. Once the table has gone by, each partition is put together from what was set aside: its
file does not depend on how the table came, in what chunks or of what form. Files are written in threads while the next
table is read, so two tables may be held at once.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl
import pyarrow as pa

from data.cores import threads
from data.files import written_whole
from data.id_index import IdIndex
from data.partitions import partition_of
from data.schema import CLIENT_ID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray

    from data.schema import Table

BYTES_AT_ONCE = 2**29


def partition_file(table: str, number: int) -> str:
    """Return the name, inside an import, of the file of a table's partition."""
    return f"{table}/{number:04d}.parquet"


class _Held:
    """Some rows of a table in memory, by their partition; those of a partition in the source's order."""

    def __init__(self, frames: list[pl.DataFrame], homes: list[NDArray[np.uint16]], partitions: int) -> None:
        whole = np.concatenate(homes)
        self._rows = pl.concat(frames)
        self._order = np.argsort(whole, kind="stable")
        self._ends = np.cumsum(np.bincount(whole, minlength=partitions))

    def of(self, number: int) -> pl.DataFrame:
        """Return the rows of a partition."""
        return self._rows[self._order[self._ends[number - 1] if number else 0 : self._ends[number]]]


class _SetAside:
    """Rows of a table on disk, by their partition: one batch for each partition that has any."""

    def __init__(self, held: _Held, partitions: int, path: Path) -> None:
        self._batches: dict[int, int] = {}
        self._schema = held.of(0).head(0)
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file, pa.ipc.new_file(file, self._schema.to_arrow().schema) as writer:
            for number in range(partitions):
                rows = held.of(number)
                if rows.height:
                    self._batches[number] = len(self._batches)
                    writer.write_batch(rows.rechunk().to_arrow().to_batches()[0])
        self._reader = pa.ipc.open_file(pa.memory_map(str(path)))

    def of(self, number: int) -> pl.DataFrame:
        """Return the rows of a partition."""
        if number not in self._batches:
            return self._schema
        return pl.DataFrame(pa.Table.from_batches([self._reader.get_batch(self._batches[number])]))


class PartitionFiles:
    """Writes checked tables, each row to the partition of its client; the parent of a table has to come before it.

    All is written once `finish` returns. As a context, it leaves no thread at work behind, whatever happens.

    Parameters
    ----------
    folder : where the files go.
    partitions : how many partitions there are.
    bytes_at_once : about how much of a table is held in memory; `BYTES_AT_ONCE` unless given.

    Attributes
    ----------
    names : of the files written, in their order.
    """

    def __init__(self, folder: Path, partitions: int, bytes_at_once: int | None = None) -> None:
        self.names: list[str] = []
        self._folder = folder
        self._partitions = partitions
        self._bytes_at_once = bytes_at_once or BYTES_AT_ONCE
        self._parents: dict[str, tuple[IdIndex, NDArray[np.uint16]]] = {}
        self._pool = ThreadPoolExecutor(threads())
        self._pending: list[Future[None]] = []
        self._aside = folder / "aside"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def write(self, table: Table, chunks: Iterable[pl.DataFrame]) -> None:
        """Write a table; what fails may be raised by a later call.

        Parameters
        ----------
        table : which one.
        chunks : its rows, as the schema wants them; at least one, be it empty.
        """
        aside = self._folder / f"aside-{table.name}"
        runs: list[_Held | _SetAside] = []
        held: list[pl.DataFrame] = []
        homes: list[NDArray[np.uint16]] = []
        keys: list[NDArray[np.int64]] = []
        homes_of_keys: list[NDArray[np.uint16]] = []
        for chunk in chunks:
            if held and sum(frame.estimated_size() for frame in [*held, chunk]) > self._bytes_at_once:
                rows = _Held(held, homes, self._partitions)
                runs.append(_SetAside(rows, self._partitions, aside / f"{len(runs)}.arrow"))
                held, homes = [], []
                del rows
            held.append(chunk)
            homes.append(self._homes_of(table, chunk))
            if table.key and table.key != CLIENT_ID:
                keys.append(chunk[table.key].to_numpy())
                homes_of_keys.append(homes[-1])
        if keys and table.key:
            self._parents[table.key] = IdIndex(np.concatenate(keys)), np.concatenate(homes_of_keys)
        runs.append(_Held(held, homes, self._partitions))
        self.finish()
        names = [partition_file(table.name, number) for number in range(self._partitions)]
        self._pending = [self._pool.submit(self._write, runs, number, name) for number, name in enumerate(names)]
        self._aside = aside
        self.names += names

    def finish(self) -> None:
        """Wait until what was given is written, and raise what went wrong."""
        for future in self._pending:
            future.result()
        self._pending = []
        shutil.rmtree(self._aside, ignore_errors=True)

    def _write(self, runs: list[_Held | _SetAside], number: int, name: str) -> None:
        rows = pl.concat([run.of(number) for run in runs], rechunk=True)
        with written_whole(self._folder / name) as path:
            rows.write_parquet(path, compression="lz4", statistics=True)

    def _homes_of(self, table: Table, frame: pl.DataFrame) -> NDArray[np.uint16]:
        if CLIENT_ID in frame.columns:
            return partition_of(frame[CLIENT_ID].to_numpy(), self._partitions).astype(np.uint16)
        assert table.parent_key is not None
        ids = frame[table.parent_key].to_numpy()
        homes = partition_of(ids, self._partitions).astype(np.uint16)
        if table.parent_key in self._parents:
            index, known = self._parents[table.parent_key]
            places = index.find(ids)
            homes[places >= 0] = known[places[places >= 0]]
        return homes
