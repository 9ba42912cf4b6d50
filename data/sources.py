"""The raw tables, from a folder of files as Kaggle publishes them: CSV, gzipped or zipped CSV, or Parquet.

`read_raw` gives them checked, in memory; `import_raw` writes them once as compressed Parquet with a manifest, in
bounded memory, partitioned by client, and `load_imported` opens a partition, or all, lazily. What is refused and what
is merely noted is said in `data.validation`; how a file cut in the middle is found, in `data.csv_table`.
"""

from __future__ import annotations

import collections
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from data.artefact import hash_of, kind_of, now, read_manifest, schema_hash
from data.errors import InvalidOption, SourceError, StoreError
from data.files import MANIFEST, check_files, describe_files, write_json
from data.parquet_table import parquet_shape
from data.partition_files import PartitionFiles, partition_file
from data.partitions import ROWS, check_partitions
from data.progress import part, silent
from data.reading import Reading
from data.schema import tables
from data.source_files import SourcePart, check_folder, find_tables
from data.staging import check_replaceable, folder_written_whole
from data.validation import Note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.progress import Report

KIND = "import of raw tables"
FORMAT = 2
_HERE = Path(__file__).parent
_CODE = (
    "sources.py", "reading.py", "source_files.py", "csv_table.py", "parquet_table.py", "validation.py",
    "partitions.py", "partition_files.py", "id_index.py",
)  # fmt: skip
_KEYS = ("partitions", "rows", "absent", "clients", "labelled", "defaults", "files", "warnings", "made_of")
_BYTES_A_ROW = 45  # of a CSV file, over all the published tables
_AGAIN = "Import it again: python -m data import --raw FOLDER --out "


@dataclass(frozen=True)
class RawTables:
    """The raw tables of a folder.

    Attributes
    ----------
    tables : each table that is there, by its name; `application` holds train and test, TARGET null where unlabelled.
    absent : the tables of the schema that are not there.
    rows : number of rows of each table.
    clients, labelled, defaults : counts of clients, of those with a TARGET, and of those whose TARGET is 1 (default).
    notes : what is odd in the files.
    """

    tables: dict[str, pl.LazyFrame]
    absent: tuple[str, ...]
    rows: dict[str, int]
    clients: int
    labelled: int
    defaults: int
    notes: tuple[Note, ...] = ()


def read_raw(folder: Path, report: Report = silent) -> RawTables:
    """Return the checked raw tables of a folder: an import, or files as Kaggle names them (then held in memory).

    Raises
    ------
    MissingTable
        No such folder, or no application table in it.
    TruncatedTable
        A file cut in the middle, or damaged.
    WrongColumn
        A column missing or renamed, or a value that can't be.
    """
    check_folder(folder)
    if kind_of(folder) == KIND:
        manifest = read_import(folder)
        return RawTables(
            tables=load_imported(folder),
            absent=tuple(manifest["absent"]),
            rows=manifest["rows"],
            clients=manifest["clients"],
            labelled=manifest["labelled"],
            defaults=manifest["defaults"],
            notes=tuple(Note(**content) for content in manifest["warnings"]),
        )
    reading = Reading(folder, report)
    kept = {table.name: pl.concat(chunks, rechunk=True).lazy() for table, chunks in reading.tables()}
    return _raw_tables(kept, reading)


def survey_raw(folder: Path, report: Report = silent) -> RawTables:
    """Return what `read_raw` does, with no table kept: the counts and what is odd, in bounded memory."""
    reading = Reading(folder, report)
    for _, chunks in reading.tables():
        collections.deque(chunks, maxlen=0)
    return _raw_tables({}, reading)


def _raw_tables(kept: dict[str, pl.LazyFrame], reading: Reading) -> RawTables:
    return RawTables(
        tables=kept,
        absent=reading.absent,
        rows=reading.rows,
        clients=reading.clients,
        labelled=reading.labelled,
        defaults=reading.defaults,
        notes=tuple(reading.notes),
    )


def import_raw(raw: Path, out: Path, report: Report = silent, partitions: int | None = None) -> dict[str, Any]:
    """Check the raw tables of `raw`, write them to `out` as Parquet with a manifest, and return the manifest.

    The folder appears whole or not at all. An import of the very same files by the very same code that is already there
    is kept as it is.

    Parameters
    ----------
    raw : folder of the tables.
    out : folder to make: one folder a table, one file a partition. A client's rows are all in one partition, in the
        order of the source; monthly balances of a credit that the bureau doesn't list are kept in some partition.
    report : told how far the work is.
    partitions : how many, from 1 to 4096; by default as many as keep a partition near four million rows.

    Raises
    ------
    SourceError
        As `read_raw` says.
    StoreError
        `out` is something else than an import, or can't be written.
    InvalidOption
        `raw` is an import already, one of the two folders is inside the other, or `partitions` is out of range.
    """
    if partitions is not None:
        check_partitions(partitions)
    check_folder(raw)
    if kind_of(raw) == KIND:
        raise InvalidOption(f"{raw} is an import already: use it as it is, as in python -m data features --raw {raw}.")
    _check_apart(raw, out)
    check_replaceable(out, KIND)
    made_of = made_of_files(raw, partitions)
    done = _finished_import(out, made_of)
    if done is not None:
        report("already imported", 1.0)
        return done
    with folder_written_whole(out, KIND) as staged:
        number = partitions or _partitions_of(raw)
        reading = Reading(raw, part(report, 0.0, 0.98))
        with PartitionFiles(staged, number) as writer:
            for table, chunks in reading.tables():
                writer.write(table, chunks)
            writer.finish()
        report("hashing", 0.98)
        manifest = {
            "kind": KIND,
            "format": FORMAT,
            "created": now(),
            "folder": str(raw.resolve()),
            "made_of": made_of,
            "partitions": number,
            "rows": reading.rows,
            "absent": list(reading.absent),
            "clients": reading.clients,
            "labelled": reading.labelled,
            "defaults": reading.defaults,
            "files": describe_files(staged, writer.names),
            "warnings": [note.content() for note in reading.notes],
        }
        write_json(staged / MANIFEST, manifest)
    report("imported", 1.0)
    return manifest


def read_import(folder: Path) -> dict[str, Any]:
    """Return the manifest of an import.

    Raises
    ------
    MissingTable
        No such folder.
    IncompleteArtefact
        It has no manifest, or one that can't be read.
    StoreError
        It is no import, or of another format.
    """
    check_folder(folder)
    return read_manifest(folder, KIND, FORMAT, _KEYS, _AGAIN + str(folder))


def load_imported(
    folder: Path, partition: int | None = None, only: Sequence[str] | None = None
) -> dict[str, pl.LazyFrame]:
    """Return the tables of an import, or of one partition of it, lazily, once its files are those of its manifest.

    Parameters
    ----------
    folder : the import.
    partition : 0 to partitions - 1; None for all of them.
    only : the tables wanted, by their name in the schema; None for all that are there.

    Raises
    ------
    MissingTable, StoreError, IncompleteArtefact
        As `read_import` says.
    HashMismatch
        A file is not the one the manifest describes.
    InvalidOption
        No such partition.
    """
    manifest = read_import(folder)
    count = manifest["partitions"]
    if partition is not None and not 0 <= partition < count:
        raise InvalidOption(f"{folder} has no partition {partition}: its partitions are 0 to {count - 1}.")
    numbers = range(count) if partition is None else (partition,)
    names = {
        name: [partition_file(name, number) for number in numbers]
        for name in tables()
        if name in manifest["rows"] and (only is None or name in only)
    }
    wanted = {file: manifest["files"][file] for files in names.values() for file in files}
    check_files(folder, wanted, _AGAIN + str(folder))
    return {name: pl.scan_parquet([folder / file for file in files]) for name, files in names.items()}


def _partitions_of(raw: Path) -> int:
    """Return as many partitions as keep each near `ROWS` rows, going by the size of the files."""
    return max(1, round(sum(_rows_of(source) for source in _parts(raw)) / ROWS))


def _parts(raw: Path) -> list[SourcePart]:
    return [source for files in find_tables(raw).files.values() for file in files for source in file.parts]


def _rows_of(source: SourcePart) -> float:
    """Return about how many rows a file has."""
    if source.form == "parquet":
        with contextlib.suppress(SourceError):  # said when the file is read
            return parquet_shape(source.path)[1]
    packed = 1 if source.form == "csv" else 8
    return source.size * packed / _BYTES_A_ROW


def _check_apart(raw: Path, out: Path) -> None:
    source, target = raw.resolve(), out.resolve()
    if source == target or target in source.parents:
        raise InvalidOption(f"{out} is the folder of the raw tables, or holds it. Choose another folder to write.")


def made_of_files(raw: Path, partitions: int | None = None) -> dict[str, Any]:
    """Return what an import of the files of `raw` would be made of: their sizes and dates, the schema, the code."""
    sources = {}
    for source in _parts(raw):
        facts = source.path.stat()
        sources[source.name] = {"bytes": facts.st_size, "modified_ns": facts.st_mtime_ns}
    code = hash_of(_HERE / name for name in _CODE)
    return {"sources": sources, "schema": schema_hash(), "code": code, "partitions": partitions}


def _finished_import(out: Path, made_of: dict[str, Any]) -> dict[str, Any] | None:
    try:
        manifest = read_import(out)
    except (SourceError, StoreError):
        return None
    if manifest["made_of"] != made_of:
        return None
    whole = all(
        (out / name).is_file() and (out / name).stat().st_size == facts["bytes"]
        for name, facts in manifest["files"].items()
    )
    return manifest if whole else None
