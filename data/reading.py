"""The raw tables of a folder, read and checked chunk by chunk, and what is learnt of them on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from data.csv_table import csv_blocks
from data.errors import MissingTable
from data.id_index import IdIndex
from data.parquet_table import parquet_batches, parquet_shape
from data.schema import TARGET, Column, Table, tables
from data.source_files import SourceFile, SourcePart, find_tables, read_pieces
from data.validation import Findings, Keys, Note, Place, check_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from data.progress import Report

CSV_BYTES = 2**25


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some rows of one file, not yet checked.

    Attributes
    ----------
    frame : the rows.
    first : rank in the file of the first of them.
    place : words for the place of the file's row of that rank.
    last : whether the file ends with them.
    """

    frame: pl.DataFrame
    first: int
    place: Callable[[int], str]
    last: bool


class Reading:
    """One reading of a folder of raw tables.

    Parameters
    ----------
    folder : of the tables.
    report : told how far the work is.

    Attributes
    ----------
    absent : the tables of the schema that are not there.
    rows : number of rows of each table read so far.
    clients, labelled, defaults : counts of clients, of those with a TARGET, and of those whose TARGET is 1 (default).
    notes : what is odd in the files.

    Raises
    ------
    SourceError
        As `find_tables` says.
    """

    def __init__(self, folder: Path, report: Report) -> None:
        found = find_tables(folder)
        self.absent = found.absent
        self.rows: dict[str, int] = {}
        self.clients = self.labelled = self.defaults = 0
        self.notes = [Note(name, "left_aside", "", 0, f"not read: {why}") for name, why in found.left_aside.items()]
        self._files = found.files
        self._report = report
        self._total = sum(part.size for files in found.files.values() for file in files for part in file.parts) or 1
        self._done = 0
        self._keys: dict[tuple[str, str], IdIndex] = {}

    def tables(self) -> Iterator[tuple[Table, Iterator[pl.DataFrame]]]:
        """Give each table with its checked chunks, at least one, to be read to their end before the next table.

        Raises
        ------
        MissingTable
            There is no client.
        TruncatedTable
            A file cut in the middle, or damaged.
        WrongColumn
            A column missing or renamed, or a value that can't be.
        SourceError
            The system doesn't let a file be read.
        """
        for name, files in self._files.items():
            yield tables()[name], self._chunks(tables()[name], files)

    def _chunks(self, table: Table, files: tuple[SourceFile, ...]) -> Iterator[pl.DataFrame]:
        self.rows[table.name] = 0
        keys: list[Keys] = []
        strangers = 0
        for source in files:
            for frame in self._of_source(table, source, keys):
                self.rows[table.name] += frame.height
                strangers += self._strangers(table, frame)
                if table.name == "application":
                    self.labelled += int(frame[TARGET].is_not_null().sum())
                    self.defaults += int((frame[TARGET] == 1).sum())
                yield frame
        if not self.rows[table.name]:
            if table.name == "application":
                names = " and ".join(source.name for source in files)
                raise MissingTable(f"{names}: no client in it. Download it again.")
            yield pl.DataFrame(schema={column.name: column.dtype for column in table.columns})
        if table.key:
            check_keys(table.key, keys)
            self._keys[table.name, table.key] = IdIndex(np.concatenate([one.ids for one in keys]))
        if table.name == "application":
            self.clients = self.rows[table.name]
        self._note_strangers(table, files[0].name, strangers)

    def _of_source(self, table: Table, source: SourceFile, keys: list[Keys]) -> Iterator[pl.DataFrame]:
        unlabelled = table.name == "application" and source.stem.endswith("_test")
        wanted = [column for column in table.columns if not (unlabelled and column.name == TARGET)]
        findings = Findings(source.name, wanted)
        notes: list[Note] = []
        for part in source.parts:
            ids: list[NDArray[np.int64]] = []
            place: Callable[[int], str] = _row
            for chunk in self._of_part(table, part, wanted, findings, notes):
                frame = findings.conform(chunk.frame, _place(part.name, chunk))
                place = chunk.place
                if table.key:
                    ids.append(frame[table.key].to_numpy())
                if unlabelled:
                    frame = frame.with_columns(pl.lit(None, pl.Int64).alias(TARGET)).select(table.column_names)
                if frame.height:
                    yield frame
            self._done += part.size
            if table.key:
                keys.append(Keys(part.name, np.concatenate([np.empty(0, np.int64), *ids]), place))
        self.notes += [*notes, *findings.notes()]

    def _of_part(
        self, table: Table, part: SourcePart, wanted: list[Column], findings: Findings, notes: list[Note]
    ) -> Iterator[_Chunk]:
        def told(share: float) -> None:
            self._report(f"reading {table.name}", (self._done + share * part.size) / self._total)

        told(0.0)
        if part.form == "parquet":
            return _parquet_chunks(part, wanted, findings, told)
        return _csv_chunks(part, wanted, findings, notes, told)

    def _strangers(self, table: Table, frame: pl.DataFrame) -> int:
        """Return how many rows belong to no row of the parent table."""
        if table.parent is None or table.parent_key is None:
            return 0
        known = self._keys.get((table.parent, table.parent_key))
        return 0 if known is None else int((known.find(frame[table.parent_key].to_numpy()) < 0).sum())

    def _note_strangers(self, table: Table, file: str, count: int) -> None:
        if table.parent is None or table.parent_key is None:
            return
        if (table.parent, table.parent_key) not in self._keys:
            text = f"none of its rows can be used without the table {table.parent}"
            self.notes.append(Note(file, "orphan", table.parent_key, self.rows[table.name], text))
        elif count:
            where = f"{table.parent_key} is not in {table.parent} in {count} rows"
            text = f"{where}, which concern no client and are not used"
            self.notes.append(Note(file, "orphan", table.parent_key, count, text))


def _parquet_chunks(
    part: SourcePart, wanted: list[Column], findings: Findings, told: Callable[[float], None]
) -> Iterator[_Chunk]:
    header, rows = parquet_shape(part.path)
    findings.check_header(part.name, header)
    first = 0
    for frame in parquet_batches(part.path, [column.name for column in wanted]):
        yield _Chunk(frame, first, _row, first + frame.height == rows)
        first += frame.height
        told(first / max(1, rows))


def _csv_chunks(
    part: SourcePart, wanted: list[Column], findings: Findings, notes: list[Note], told: Callable[[float], None]
) -> Iterator[_Chunk]:
    numbers = [column.name for column in wanted if column.kind != "category"]
    texts = [column.name for column in wanted if column.kind == "category"]
    shares = [0.0]

    def read() -> Iterator[bytes]:
        return read_pieces(part, CSV_BYTES, shares.append)

    block = None
    for block in csv_blocks(part.name, read):
        if not block.first:
            findings.check_header(part.name, block.header)
        yield _Chunk(block.read(numbers, texts), block.first, block.place, block.last)
        told(max(shares))
    if block is None:
        return
    if not block.ended and block.rows:
        warning = "its last line has no line break: make sure that the file is whole"
        notes.append(Note(part.name, "no_final_line_break", "", 1, warning))
    if block.encoding != "utf-8":
        notes.append(Note(part.name, "cp1252", "", 0, "not in UTF-8: read as cp1252"))


def _row(row: int) -> str:
    return f"row {row + 1}"


def _place(file: str, chunk: _Chunk) -> Place:
    whole = chunk.last and not chunk.first
    until = "" if whole else f" up to {chunk.place(chunk.first + chunk.frame.height - 1)}"
    return Place(file, lambda row: chunk.place(chunk.first + row), until)
