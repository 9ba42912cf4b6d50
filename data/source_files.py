"""Which file of a folder holds which raw table, and its bytes."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from data.errors import MissingTable, SourceError, TruncatedTable, did_you_mean
from data.schema import tables

if TYPE_CHECKING:
    from pathlib import Path

Form = Literal["parquet", "csv", "gzip", "zip"]

# By preference, where a table is there in several forms.
_ENDINGS: tuple[tuple[str, Form], ...] = (
    (".parquet", "parquet"),
    (".csv", "csv"),
    (".csv.gz", "gzip"),
    (".csv.zip", "zip"),
    (".zip", "zip"),
)
ENDINGS = tuple(ending for ending, _ in _ENDINGS)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a raw table.

    Attributes
    ----------
    path : where it is.
    stem : its published name without extension, such as "application_train".
    form : how it is written.
    """

    path: Path
    stem: str
    form: Form

    @property
    def name(self) -> str:
        """The name of the file, for messages."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class SourceFolder:
    """What a folder of raw tables holds.

    Attributes
    ----------
    folder : where it is.
    files : the files of each table that is there, by the table's name, in the schema's order.
    absent : the tables of the schema that are not there.
    left_aside : files not read because the same table is there in another form.
    """

    folder: Path
    files: dict[str, tuple[SourceFile, ...]]
    absent: tuple[str, ...]
    left_aside: tuple[Path, ...]


def check_folder(folder: Path) -> None:
    """Raise MissingTable, naming the nearest sibling, unless `folder` is a folder."""
    if folder.is_dir():
        return
    if folder.exists():
        unzip = " Unzip it, and give the folder." if zipfile.is_zipfile(folder) else ""
        raise MissingTable(f"{folder} is a file; the folder that holds the raw tables was expected.{unzip}")
    parent = folder.absolute().parent
    while not parent.exists():
        parent = parent.parent
    siblings = sorted(path.name for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
    hint = did_you_mean(folder.name, siblings)
    if not hint:
        shown = ", ".join(siblings[:8]) + (", …" if len(siblings) > 8 else "")
        hint = f" {parent} holds {f'the folders {shown}' if siblings else 'no folder'}."
    raise MissingTable(f"No such folder: {folder}.{hint}")


def find_tables(folder: Path) -> SourceFolder:
    """Return what a folder of raw tables holds, going by the published names, whatever their case.

    Raises
    ------
    MissingTable
        No such folder, or neither application_train nor application_test is in it.
    """
    check_folder(folder)
    by_name: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file():
            by_name.setdefault(path.name.lower(), path)
    files: dict[str, tuple[SourceFile, ...]] = {}
    left_aside: list[Path] = []
    for table in tables().values():
        found: list[SourceFile] = []
        for stem in table.files:
            forms = [(by_name[(stem + end).lower()], form) for end, form in _ENDINGS if (stem + end).lower() in by_name]
            if forms:
                found.append(SourceFile(forms[0][0], stem, forms[0][1]))
                left_aside += [path for path, _ in forms[1:]]
        if found:
            files[table.name] = tuple(found)
    if "application" not in files:
        raise MissingTable(_no_application(folder))
    absent = tuple(name for name in tables() if name not in files)
    return SourceFolder(folder, files, absent, tuple(left_aside))


def _no_application(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    shown = (", ".join(names[:12]) + (", …" if len(names) > 12 else "")) if names else "nothing"
    expected = " or ".join(tables()["application"].files)
    message = (
        f"No application table in {folder}: {expected} was expected, as {', '.join(ENDINGS)}. The folder holds {shown}."
    )
    near = did_you_mean("application_train.csv", names)
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir() and _has_application(path)]
    if inside:
        return f"{message} Its folder {inside[0].name} holds one: give {inside[0]}."
    return message + near


def _has_application(folder: Path) -> bool:
    wanted = {(stem + ending).lower() for stem in tables()["application"].files for ending in ENDINGS}
    try:
        return any(path.name.lower() in wanted for path in folder.iterdir())
    except OSError:
        return False


def read_bytes(source: SourceFile) -> bytes:
    """Return the bytes of the CSV a file holds, decompressed.

    Raises
    ------
    TruncatedTable
        The archive is cut, damaged, locked by a password, or holds no CSV or several.
    SourceError
        The system doesn't let it be read.
    """
    try:
        if source.form == "csv":
            return source.path.read_bytes()
        if source.form == "gzip":
            with gzip.open(source.path) as unpacked:
                return unpacked.read()
        with zipfile.ZipFile(source.path) as archive:
            return archive.read(_only_csv(source, archive))
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        why = str(error) or "its end is not there"
        raise TruncatedTable(f"{source.path} is cut or damaged ({why}). Download it again.") from error
    except (RuntimeError, NotImplementedError) as error:
        raise TruncatedTable(
            f"{source.path} can't be unpacked ({error}). Unzip it, and leave the CSV there."
        ) from error
    except OSError as error:
        raise SourceError(f"{source.path} can't be read: {error.strerror or error}.") from error


def _only_csv(source: SourceFile, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    held = [info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
    found = [info for info in held if info.filename.lower().endswith(".csv")]
    if len(found) != 1:
        names = ", ".join(info.filename for info in held[:8]) or "nothing"
        raise TruncatedTable(
            f"{source.path} should hold one CSV file; it holds {names}. Unzip it, and leave the CSV there."
        )
    return found[0]
