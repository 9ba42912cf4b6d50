"""The raw tables, from a folder of files as Kaggle publishes them: CSV, gzipped or zipped CSV, or Parquet.

`read_raw` gives them checked, in memory; `import_raw` writes them once as compressed Parquet with a manifest, one
table in memory at a time, partitioned by client, and `load_imported` opens a partition, or all, lazily. What is refused
and what is merely noted is said in `data.validation`; how a file cut in the middle is found, in `data.csv_table`.
"""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from data.artefact import hash_of, kind_of, now, read_manifest, schema_hash
from data.csv_table import open_csv
from data.errors import (
    InvalidOption,
    MissingTable,
    SourceError,
    StoreError,
    TruncatedTable,
    WrongColumn,
)
from data.files import MANIFEST, check_files, describe_files, write_json, written_whole
from data.partitions import ROWS, check_partitions, partition_of
from data.progress import silent
from data.schema import CLIENT_ID, TARGET, Column, Table, tables
from data.source_files import SourceFile, check_folder, find_tables, read_bytes
from data.staging import check_replaceable, folder_written_whole
from data.validation import Note, check_header, check_key, conform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from data.progress import Report

KIND = "import of raw tables"
FORMAT = 2
_HERE = Path(__file__).parent
_CODE = ("sources.py", "partitions.py", "source_files.py", "csv_table.py", "validation.py")
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


@dataclass
class _Survey:
    """What is learnt of a folder as its tables go by."""

    absent: tuple[str, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    clients: int = 0
    labelled: int = 0
    defaults: int = 0
    notes: list[Note] = field(default_factory=list)


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
    kept: dict[str, pl.LazyFrame] = {}
    survey = _survey(folder, lambda name, frame: kept.update({name: frame.lazy()}), report)
    return _raw_tables(kept, survey)


def survey_raw(folder: Path, report: Report = silent) -> RawTables:
    """Return what `read_raw` does, with no table kept: the counts and what is odd, one table in memory at a time."""
    return _raw_tables({}, _survey(folder, lambda _name, _frame: None, report))


def _raw_tables(kept: dict[str, pl.LazyFrame], survey: _Survey) -> RawTables:
    return RawTables(
        tables=kept,
        absent=survey.absent,
        rows=survey.rows,
        clients=survey.clients,
        labelled=survey.labelled,
        defaults=survey.defaults,
        notes=tuple(survey.notes),
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
        writer = _Partitioned(staged, number)
        survey = _survey(raw, writer.write, report)
        manifest = {
            "kind": KIND,
            "format": FORMAT,
            "created": now(),
            "folder": str(raw.resolve()),
            "made_of": made_of,
            "partitions": number,
            "rows": survey.rows,
            "absent": list(survey.absent),
            "clients": survey.clients,
            "labelled": survey.labelled,
            "defaults": survey.defaults,
            "files": describe_files(staged, writer.names),
            "warnings": [note.content() for note in survey.notes],
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


def load_imported(folder: Path, partition: int | None = None) -> dict[str, pl.LazyFrame]:
    """Return the tables of an import, or of one partition of it, lazily, once its files are those of its manifest.

    Parameters
    ----------
    folder : the import.
    partition : 0 to partitions - 1; None for all of them.

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
        name: [partition_file(name, number) for number in numbers] for name in tables() if name in manifest["rows"]
    }
    wanted = {file: manifest["files"][file] for files in names.values() for file in files}
    check_files(folder, wanted, _AGAIN + str(folder))
    return {name: pl.scan_parquet([folder / file for file in files]) for name, files in names.items()}


def partition_file(table: str, number: int) -> str:
    """Return the name, inside an import, of the file of a table's partition."""
    return f"{table}/{number:04d}.parquet"


class _Partitioned:
    """Writes checked tables partition by partition; the parent of a table has to come before it."""

    def __init__(self, folder: Path, partitions: int) -> None:
        self.names: list[str] = []
        self._folder = folder
        self._partitions = partitions
        self._homes: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}

    def write(self, name: str, frame: pl.DataFrame) -> None:
        """Write a table, each row to the partition of its client."""
        table = tables()[name]
        homes = self._homes_of(table, frame)
        if table.key and table.key != CLIENT_ID:
            keys = frame[table.key].to_numpy()
            order = np.argsort(keys, kind="stable")
            self._homes[table.key] = keys[order], homes[order]
        order = np.argsort(homes, kind="stable")
        ends = np.searchsorted(homes[order], np.arange(self._partitions + 1))
        for number, (start, stop) in enumerate(itertools.pairwise(ends.tolist())):
            file = partition_file(name, number)
            with written_whole(self._folder / file) as path:
                frame[order[start:stop]].write_parquet(path, compression="zstd", statistics=True)
            self.names.append(file)

    def _homes_of(self, table: Table, frame: pl.DataFrame) -> NDArray[np.int64]:
        if CLIENT_ID in frame.columns:
            return partition_of(frame[CLIENT_ID].to_numpy(), self._partitions)
        assert table.parent_key is not None
        ids = frame[table.parent_key].to_numpy()
        homes = partition_of(ids, self._partitions)
        keys, known = self._homes.get(table.parent_key, (ids[:0], homes[:0]))
        if len(keys):
            places = np.searchsorted(keys, ids).clip(max=len(keys) - 1)
            homes = np.where(keys[places] == ids, known[places], homes)
        return homes


def _partitions_of(raw: Path) -> int:
    """Return as many partitions as keep each near `ROWS` rows, going by the size of the files."""
    sources = itertools.chain.from_iterable(find_tables(raw).files.values())
    rows = sum(_rows_of(source) for source in sources)
    return max(1, round(rows / ROWS))


def _rows_of(source: SourceFile) -> float:
    """Return about how many rows a file has."""
    if source.form == "parquet":
        with contextlib.suppress(pl.exceptions.PolarsError):  # said when the file is read
            return float(pl.scan_parquet(source.path).select(pl.len()).collect().item())
    packed = 1 if source.form == "csv" else 8
    return source.path.stat().st_size * packed / _BYTES_A_ROW


def _check_apart(raw: Path, out: Path) -> None:
    source, target = raw.resolve(), out.resolve()
    if source == target or target in source.parents:
        raise InvalidOption(f"{out} is the folder of the raw tables, or holds it. Choose another folder to write.")


def made_of_files(raw: Path, partitions: int | None = None) -> dict[str, Any]:
    """Return what an import of the files of `raw` would be made of: their sizes and dates, the schema, the code."""
    sources = {}
    for source in itertools.chain.from_iterable(find_tables(raw).files.values()):
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


def _survey(folder: Path, consume: Callable[[str, pl.DataFrame], None], report: Report) -> _Survey:
    """Hand each checked table to `consume`, one at a time, and return what was learnt."""
    found = find_tables(folder)
    survey = _Survey(absent=found.absent)
    survey.notes += [
        Note(path.name, "left_aside", "", 0, "not read: the same table is there in another form")
        for path in found.left_aside
    ]
    total = sum(source.path.stat().st_size for files in found.files.values() for source in files) or 1
    parents: dict[tuple[str, str], pl.Series] = {}
    done = 0
    for name, files in found.files.items():
        table = tables()[name]
        report(f"reading {name}", done / total)
        frame = _read_table(table, files, survey.notes)
        _note_orphans(table, files[0].name, frame, parents, survey.notes)
        if table.key:
            parents[name, table.key] = frame[table.key]
        if name == "application":
            survey.clients = frame.height
            survey.labelled = int(frame[TARGET].is_not_null().sum())
            survey.defaults = int((frame[TARGET] == 1).sum())
        survey.rows[name] = frame.height
        consume(name, frame)
        done += sum(source.path.stat().st_size for source in files)
    return survey


def _note_orphans(
    table: Table, file: str, frame: pl.DataFrame, parents: dict[tuple[str, str], pl.Series], notes: list[Note]
) -> None:
    if table.parent is None or table.parent_key is None:
        return
    known = parents.get((table.parent, table.parent_key))
    if known is None:
        text = f"none of its rows can be used without the table {table.parent}"
        notes.append(Note(file, "orphan", table.parent_key, frame.height, text))
        return
    orphans = frame.height - int(frame[table.parent_key].is_in(known.implode()).sum())
    if orphans:
        text = (
            f"{table.parent_key} is not in {table.parent} in {orphans} rows, which concern no client and are not used"
        )
        notes.append(Note(file, "orphan", table.parent_key, orphans, text))


def _read_table(table: Table, files: tuple[SourceFile, ...], notes: list[Note]) -> pl.DataFrame:
    frames: list[tuple[SourceFile, pl.DataFrame]] = []
    for source in files:
        unlabelled = table.name == "application" and source.stem.endswith("_test")
        wanted = [column for column in table.columns if not (unlabelled and column.name == TARGET)]
        try:
            frame = _read_file(table, source, wanted, notes)
        except OSError as error:
            raise SourceError(f"{source.path} can't be read: {error.strerror or error}.") from error
        if unlabelled:
            frame = frame.with_columns(pl.lit(None, pl.Int64).alias(TARGET)).select(table.column_names)
        frames.append((source, frame))
    if table.name == "application":
        _check_clients_once(frames)
    return pl.concat([frame for _, frame in frames], rechunk=True)


def _read_file(table: Table, source: SourceFile, wanted: list[Column], notes: list[Note]) -> pl.DataFrame:
    place: Callable[[int], str]
    if source.form == "parquet":
        frame = _read_parquet(source, wanted, notes)
        place = _parquet_row
    else:
        text = open_csv(source.name, read_bytes(source))
        notes += check_header(source.name, text.header, wanted)
        frame = text.read(
            (column.name for column in wanted if column.kind != "category"),
            (column.name for column in wanted if column.kind == "category"),
        )
        place = text.place
        if not text.ended and text.rows:
            warning = "its last line has no line break: make sure that the file is whole"
            notes.append(Note(source.name, "no_final_line_break", "", 1, warning))
        if text.encoding != "utf-8":
            notes.append(Note(source.name, "cp1252", "", 0, "not in UTF-8: read as cp1252"))
    conformed, odd = conform(source.name, frame, wanted, place)
    notes += odd
    if table.key:
        check_key(source.name, conformed, table.key, place)
    return conformed


def _parquet_row(row: int) -> str:
    return f"row {row + 1}"


def _read_parquet(source: SourceFile, wanted: list[Column], notes: list[Note]) -> pl.DataFrame:
    try:
        header = list(pl.read_parquet_schema(source.path))
        notes += check_header(source.name, header, wanted)
        return pl.read_parquet(source.path, columns=[column.name for column in wanted])
    except pl.exceptions.PolarsError as error:
        why = str(error).splitlines()[0]
        raise TruncatedTable(f"{source.path} is cut or damaged ({why}). Download or export it again.") from error


def _check_clients_once(frames: list[tuple[SourceFile, pl.DataFrame]]) -> None:
    if not sum(frame.height for _, frame in frames):
        raise MissingTable(f"{' and '.join(source.name for source, _ in frames)}: no client in it. Download it again.")
    for (first, left), (second, right) in _pairs(frames):
        both = left[CLIENT_ID].filter(left[CLIENT_ID].is_in(right[CLIENT_ID].implode()))
        if len(both):
            shown = ", ".join(map(str, both.head(3).to_list())) + (", …" if len(both) > 3 else "")
            raise WrongColumn(
                f"{len(both)} {CLIENT_ID} are in both {first.name} and {second.name}: {shown}. Each must be there once."
            )


def _pairs(
    frames: list[tuple[SourceFile, pl.DataFrame]],
) -> Iterator[tuple[tuple[SourceFile, pl.DataFrame], tuple[SourceFile, pl.DataFrame]]]:
    return itertools.combinations(frames, 2)
