"""Which file of a folder, or which folder of Parquet parts, holds which raw table, and its bytes."""

from __future__ import annotations

import contextlib
import gzip
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from data.errors import MissingTable, SourceError, TruncatedTable, did_you_mean
from data.schema import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
_PART = ".parquet"
_UNFINISHED = "_temporary"  # where Spark keeps the parts of a table it is still writing


@dataclass(frozen=True, slots=True)
class SourcePart:
    """One file to read.

    Attributes
    ----------
    path : where it is.
    name : for messages: the file's, after its folder's where it is a part in one.
    form : how it is written.
    """

    path: Path
    name: str
    form: Form

    @property
    def size(self) -> int:
        """The size of the file, in bytes."""
        return self.path.stat().st_size


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a raw table as it is published, or the folder of Parquet parts that stands for it.

    Attributes
    ----------
    path : where the file or the folder is.
    stem : its published name without extension, such as "application_train".
    parts : what to read, in this order: the file itself, or the parts by name.
    """

    path: Path
    stem: str
    parts: tuple[SourcePart, ...]

    @property
    def name(self) -> str:
        """The name of the file or of the folder, for messages."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class SourceFolder:
    """What a folder of raw tables holds.

    Attributes
    ----------
    folder : where it is.
    files : the files of each table that is there, by the table's name, in the schema's order.
    absent : the tables of the schema that are not there.
    left_aside : why some files are not read, by their name.
    """

    folder: Path
    files: dict[str, tuple[SourceFile, ...]]
    absent: tuple[str, ...]
    left_aside: dict[str, str] = field(default_factory=dict)


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

    A table may also be a folder of Parquet parts, `bureau.parquet/` or `bureau/`, as Spark and Dask write them; what is
    hidden there, or marked by an underscore, is none of the parts.

    Raises
    ------
    MissingTable
        No such folder, or neither application_train nor application_test is in it.
    TruncatedTable
        The parts of a table are not there, or still being written.
    """
    check_folder(folder)
    published = {name for table in tables().values() for stem in table.files for name, _ in _names(stem)}
    by_name: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.name.lower() in published and (path.is_file() or _is_parts(path)):
            by_name.setdefault(path.name.lower(), path)
    files: dict[str, tuple[SourceFile, ...]] = {}
    left_aside: dict[str, str] = {}
    for table in tables().values():
        found: list[SourceFile] = []
        for stem in table.files:
            forms = [(by_name[name], form) for name, form in _names(stem) if name in by_name]
            if forms:
                found.append(_source(*forms[0], stem, left_aside))
                left_aside |= {path.name: "the same table is there in another form" for path, _ in forms[1:]}
        if found:
            files[table.name] = tuple(found)
    if "application" not in files:
        raise MissingTable(_no_application(folder))
    absent = tuple(name for name in tables() if name not in files)
    return SourceFolder(folder, files, absent, left_aside)


def _names(stem: str) -> list[tuple[str, Form]]:
    """Return the names, in lower case, under which a published file may be there, by preference."""
    return [*(((stem + ending).lower(), form) for ending, form in _ENDINGS), (stem.lower(), "parquet")]


def _is_parts(path: Path) -> bool:
    """Return whether a path is a folder that should hold the parts of a table: by its name, or by what it holds."""
    return path.is_dir() and (path.suffix.lower() == _PART or any(_is_part(inside) for inside in path.iterdir()))


def _is_part(path: Path) -> bool:
    return path.is_file() and path.name.lower().endswith(_PART) and not _is_hidden(path)


def _is_hidden(path: Path) -> bool:
    return path.name.startswith((".", "_"))


def _source(path: Path, form: Form, stem: str, left_aside: dict[str, str]) -> SourceFile:
    if path.is_file():
        return SourceFile(path, stem, (SourcePart(path, path.name, form),))
    held = sorted(path.iterdir())
    parts = tuple(SourcePart(part, f"{path.name}/{part.name}", "parquet") for part in held if _is_part(part))
    others = [other for other in held if not _is_part(other) and not _is_hidden(other)]
    folders = [other.name for other in others if other.is_dir()]
    if any(other.name == _UNFINISHED for other in held):
        raise TruncatedTable(
            f"{path} holds {_UNFINISHED}, as a job leaves that is not finished. Wait for it to end, or run it again."
        )
    if folders or not parts:
        shown = ", ".join(other.name for other in held[:8]) or "nothing"
        wrong = f"has folders in it ({', '.join(folders[:3])})" if folders else "has no part"
        raise TruncatedTable(f"{path} {wrong}: files *{_PART} were expected in it; it holds {shown}. Export it again.")
    left_aside |= {f"{path.name}/{other.name}": "it is no Parquet file" for other in others}
    return SourceFile(path, stem, parts)


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
    wanted = {name for stem in tables()["application"].files for name, _ in _names(stem)}
    try:
        return any(path.name.lower() in wanted for path in folder.iterdir())
    except OSError:
        return False


def read_pieces(source: SourcePart, size: int, told: Callable[[float], None] | None = None) -> Iterator[bytes]:
    """Give the bytes of the CSV a file holds, decompressed, `size` at a time.

    Parameters
    ----------
    source : the file.
    size : bytes.
    told : told which share of the file is read, from 0 to 1.

    Raises
    ------
    TruncatedTable
        The archive is cut, damaged, locked by a password, or holds no CSV or several.
    SourceError
        The system doesn't let it be read.
    """
    try:
        total = source.size or 1
        with open(source.path, "rb") as file, _unpacked(source, file) as stream:
            while piece := stream.read(size):
                if told is not None:
                    told(min(1.0, file.tell() / total))
                yield piece
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        why = str(error) or "its end is not there"
        raise TruncatedTable(f"{source.path} is cut or damaged ({why}). Download it again.") from error
    except (RuntimeError, NotImplementedError) as error:
        raise TruncatedTable(
            f"{source.path} can't be unpacked ({error}). Unzip it, and leave the CSV there."
        ) from error
    except OSError as error:
        raise SourceError(f"{source.path} can't be read: {error.strerror or error}.") from error


@contextlib.contextmanager
def _unpacked(source: SourcePart, file: BinaryIO) -> Iterator[BinaryIO]:
    if source.form == "csv":
        yield file
    elif source.form == "gzip":
        with gzip.GzipFile(fileobj=file) as stream:
            yield cast("BinaryIO", stream)
    else:
        with zipfile.ZipFile(file) as archive, archive.open(_only_csv(source, archive)) as member:
            yield cast("BinaryIO", member)


def _only_csv(source: SourcePart, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    held = [info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
    found = [info for info in held if info.filename.lower().endswith(".csv")]
    if len(found) != 1:
        names = ", ".join(info.filename for info in held[:8]) or "nothing"
        raise TruncatedTable(
            f"{source.path} should hold one CSV file; it holds {names}. Unzip it, and leave the CSV there."
        )
    return found[0]
