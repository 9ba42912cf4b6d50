"""The clients of a selection as a file: CSV for a spreadsheet, Parquet for another program.

CSV: UTF-8, RFC 4180 (lines end with CR LF, quotes where they are needed), a header, nothing where a value is missing,
"inf" and "-inf" for infinite ones. Every number is the shortest that reads back as the same float32.

A spreadsheet computes a cell that begins with =, +, -, @, a tab or a line break, whoever wrote it. No category of the
published tables begins so, but those of another bank's may: in CSV such a name gets an apostrophe in front, as OWASP's
page on CSV injection advises. Numbers, negative ones too, are left as they are, and Parquet keeps every name.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol, get_args

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import InvalidOption, StoreError, did_you_mean
from data.files import written_whole
from data.schema import CLIENT_ID
from explain.crossfilter.listing import positions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from data.progress import Report
    from explain.crossfilter.population import Column, Population

Kind = Literal["csv", "parquet"]
KINDS: tuple[Kind, ...] = get_args(Kind)
BLOCK_VALUES = 2**20  # in one block: some tenths of a second of CSV
BLOCK_CLIENTS = 2**16
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a text begins with that a spreadsheet computes."""


class ExportStopped(Exception):
    """The export was stopped, as was asked; nothing is left of it."""


def export(
    population: Population,
    mask: NDArray[np.bool_],
    columns: Sequence[str],
    path: Path,
    kind: Kind,
    report: Report,
    stopped: Callable[[], bool],
) -> int:
    """Write the clients of a selection to a file, in ascending order of id, and return how many they are.

    The file is there once it is complete; where it is stopped, or fails, what was there before is kept and nothing is
    left beside it.

    Parameters
    ----------
    population : all n clients.
    mask : (n,) bool, which of them are selected; where none is, the file has its columns and no row.
    columns : keys of the columns, after SK_ID_CURR; one named twice is written once. A measure is float32, missing
        values are null; a category is text.
    path : of the file, whose folder is made where there is none.
    kind : "csv" or "parquet".
    report : told how far it is, after every block of clients.
    stopped : asked before every block whether to stop.

    Raises
    ------
    ExportStopped
        `stopped` said so.
    UnknownColumn
        A column that the population doesn't have.
    InvalidOption
        A kind of file there is not, or a mask of other clients.
    StoreError
        The file can't be written: the disk is full, or the folder may not be written to.
    """
    if kind not in KINDS:
        raise InvalidOption(f"No export as {kind!r}.{did_you_mean(kind, KINDS)} Allowed: {', '.join(KINDS)}.")
    chosen = positions_of(population, mask)
    held = [population.column(key) for key in dict.fromkeys(columns)]
    rows = max(1, min(BLOCK_CLIENTS, BLOCK_VALUES // (len(held) + 1)))
    with (
        _refusals_told(path),
        written_whole(path) as temporary,
        open(temporary, "wb") as file,
        _writer(file, kind) as out,
    ):
        out.write(_block(population, held, chosen[:0]))
        for start in range(0, chosen.size, rows):
            _go_on(stopped)
            out.write(_block(population, held, chosen[start : start + rows]))
            report("writing the clients", min(start + rows, chosen.size) / chosen.size)
        _go_on(stopped)
    report("clients written", 1.0)
    return int(chosen.size)


def _go_on(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise ExportStopped("The export was stopped.")


def _block(population: Population, columns: Sequence[Column], chosen: NDArray[np.intp]) -> pl.DataFrame:
    """Return some clients: SK_ID_CURR as Int64, measures as Float32, categories as String, null where missing."""
    return pl.DataFrame(
        [
            pl.Series(CLIENT_ID, population.ids[chosen], dtype=pl.Int64),
            *(_series(column, chosen) for column in columns),
        ]
    )


def _series(column: Column, chosen: NDArray[np.intp]) -> pl.Series:
    values = column.values[chosen]
    if column.categories is None:
        return pl.Series(column.key, values, dtype=pl.Float32).fill_nan(None)
    numbers = pl.Series(column.key, values, dtype=pl.Float32).fill_nan(None).cast(pl.UInt32)
    return pl.Series(column.key, column.categories, dtype=pl.String).gather(numbers)


class _Writer(Protocol):
    def write(self, block: pl.DataFrame) -> None:
        """Write some clients; the first block has none, and tells the columns."""


class _Csv:
    def __init__(self, file: BinaryIO) -> None:
        self._file, self._began = file, False

    def write(self, block: pl.DataFrame) -> None:
        texts = [name for name, dtype in block.schema.items() if dtype == pl.String]
        safe = block.with_columns(_without_formulas(pl.col(name)).alias(name) for name in texts)
        written = safe.write_csv(include_header=not self._began, line_terminator="\r\n")
        self._file.write(written.encode("utf-8"))
        self._began = True


def _without_formulas(text: pl.Expr) -> pl.Expr:
    risky = pl.any_horizontal(text.str.starts_with(start) for start in FORMULA)
    return pl.when(risky).then(pl.concat_str(pl.lit("'"), text)).otherwise(text)


class _Parquet:
    def __init__(self, file: BinaryIO, stack: contextlib.ExitStack) -> None:
        self._file, self._stack = file, stack
        self._writer: pq.ParquetWriter | None = None

    def write(self, block: pl.DataFrame) -> None:
        table = block.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._writer is None:
            self._writer = self._stack.enter_context(pq.ParquetWriter(self._file, table.schema, compression="zstd"))
        if len(block):
            self._writer.write_table(table)


@contextlib.contextmanager
def _writer(file: BinaryIO, kind: Kind) -> Iterator[_Writer]:
    with contextlib.ExitStack() as stack:
        yield _Csv(file) if kind == "csv" else _Parquet(file, stack)


@contextlib.contextmanager
def _refusals_told(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into a StoreError about the file."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise StoreError(
            f"{path} can't be written: {why}. Nothing is left of it. Free the disk, or export fewer clients or columns."
        ) from error
