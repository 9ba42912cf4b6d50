"""A Parquet file as a stream of batches of rows; a file cut or damaged is found where it is read."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import SourceError, TruncatedTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

VALUES = 2**24  # in one batch: 128 MiB of numbers


def parquet_shape(path: Path) -> tuple[tuple[str, ...], int]:
    """Return the names of the columns of a Parquet file and its number of rows; raise as `parquet_batches` does."""
    with _refusals_told(path), pq.ParquetFile(path) as file:
        return tuple(file.schema_arrow.names), file.metadata.num_rows


def parquet_batches(path: Path, columns: Sequence[str], rows: int | None = None) -> Iterator[pl.DataFrame]:
    """Give the named columns of a Parquet file, some rows at a time; a file without rows gives no batch.

    Parameters
    ----------
    path : the file.
    columns : names of columns that it has.
    rows : at most as many at a time; unless given, as many as hold `VALUES` values.

    Raises
    ------
    TruncatedTable
        The file is cut or damaged.
    SourceError
        The system doesn't let it be read.
    """
    at_once = rows or max(1, VALUES // max(1, len(columns)))
    with contextlib.ExitStack() as stack:
        with _refusals_told(path):
            file = stack.enter_context(pq.ParquetFile(path))
            batches = file.iter_batches(at_once, columns=list(columns))
        while True:
            with _refusals_told(path):
                batch = next(batches, None)
                frame = None if batch is None else pl.DataFrame(pa.Table.from_batches([batch]))
            if frame is None:
                return
            yield frame.select(columns)


@contextlib.contextmanager
def _refusals_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise SourceError(f"{path} can't be read: {os.strerror(error.errno)}.") from error
        why = str(error).splitlines()[0]
        raise TruncatedTable(f"{path} is cut or damaged ({why}). Download or export it again.") from error
