"""Folders written whole or not at all: made under another name beside the old one, then renamed over it.

The folder under way is `.tmp-NAME`, the old one on its way out `.old-NAME`, both beside NAME. A process killed at any
moment leaves the old folder or the new one; what else it left is removed by the next write of the same folder, or,
for long work made of parts (`folder_resumed`, `parts_kept`), taken up again where it is of the same work. Two
processes that write the same folder at once are kept apart by a lock, where the system has them (not on Windows).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import polars as pl

from data.artefact import kind_of
from data.errors import PretscopeError, StoreError
from data.files import TEMPORARY, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_KEY = "key.json"
_KEPT_BEFORE = "What was there before is kept. Free the disk, or choose another folder."
_KEPT_PARTS = "What is finished is kept, the same command goes on from there. Free the disk, or choose another folder."


def check_replaceable(out: Path, kind: str) -> None:
    """Raise StoreError unless `out` is absent, empty, or an artefact of that kind: nobody's files are overwritten."""
    if out.is_symlink() and not out.exists():
        raise StoreError(f"{out} is a link to a folder that is not there. Remove the link, or choose another folder.")
    if not out.exists():
        return
    if not out.is_dir():
        raise StoreError(f"{out} is a file, a folder to write was expected. Choose another folder.")
    found = kind_of(out)
    if found == kind:
        return
    names = sorted(path.name for path in out.iterdir())
    if not names:
        return
    held = f"a finished {found}" if found else f"{', '.join(names[:3])}{', …' if len(names) > 3 else ''}"
    raise StoreError(
        f"{out} is not empty and is not {_article(kind)} made earlier: it holds {held}. It is left as it is: "
        f"choose another folder, or remove this one first."
    )


@contextlib.contextmanager
def folder_written_whole(out: Path, kind: str) -> Iterator[Path]:
    """Give an empty folder to write in; on success it becomes `out`, else it is removed and `out` stays as it was.

    Parameters
    ----------
    out : the folder to make or to replace.
    kind : the kind of artefact that may be replaced there (the `kind` of its manifest).

    Raises
    ------
    StoreError
        `out` is something else than an artefact of that kind, another process is writing it, or the disk refuses.
    """
    out = out.absolute()
    check_replaceable(out, kind)
    out = _real(out)
    with _refusals_told(out, _KEPT_BEFORE):
        out.parent.mkdir(parents=True, exist_ok=True)
        with _locked(out.parent / f".tmp-{out.name}", out) as staged:
            try:
                _restore(out)
                _clear(staged)
                yield staged
                _replace(staged, out)
            except BaseException:
                shutil.rmtree(staged, ignore_errors=True)
                _restore(out)
                raise


@contextlib.contextmanager
def folder_resumed(out: Path, kind: str, key: Mapping[str, Any]) -> Iterator[Path]:
    """Give a folder to write in that outlives a failure; on success it becomes `out`.

    Unlike `folder_written_whole`, what an earlier run with the same key wrote is there again, however that run ended:
    the caller makes what is missing. Every file must be written whole or not at all (`data.files.written_whole`).

    Parameters
    ----------
    out : the folder to make or to replace.
    kind : the kind of artefact that may be replaced there (the `kind` of its manifest).
    key : all that the content depends on, as JSON; what was made with another key is thrown away.

    Raises
    ------
    StoreError
        `out` is something else than an artefact of that kind, another process is writing it, or the disk refuses.
    """
    out = out.absolute()
    check_replaceable(out, kind)
    out = _real(out)
    with parts_kept(out.parent / f".tmp-{out.name}", key, out) as staged:
        _restore(out)
        yield staged
        try:
            _replace(staged, out)
        except BaseException:
            _restore(out)
            raise


@contextlib.contextmanager
def parts_kept(folder: Path, key: Mapping[str, Any], out: Path) -> Iterator[Path]:
    """Give a folder whose files outlive a failure, for the finished parts of long work; on success it is removed.

    Parameters
    ----------
    folder : where they are kept, beside what they are made for; held for this process by a lock.
    key : all that the parts depend on, as JSON; those made with another key are thrown away at the start.
    out : what the parts are made for, named in the messages.

    Yields
    ------
    A folder with the files that an earlier run with the same key finished, less those it was still writing.

    Raises
    ------
    StoreError
        Another process is at this work, or the disk refuses.
    """
    with _refusals_told(out, _KEPT_PARTS):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder, out):
            parts = folder / "parts"
            if not _has_key(folder, key):
                # the key goes first and comes last: a process killed in between leaves parts of no work
                (folder / _KEY).unlink(missing_ok=True)
                _clear(folder)
                write_json(folder / _KEY, key)
            parts.mkdir(exist_ok=True)
            for unfinished in parts.rglob(f"{TEMPORARY}*"):
                unfinished.unlink(missing_ok=True)
            try:
                yield parts
            except BaseException:
                if not _holds_file(parts):
                    shutil.rmtree(folder, ignore_errors=True)
                raise
            shutil.rmtree(folder, ignore_errors=True)


def _has_key(folder: Path, key: Mapping[str, Any]) -> bool:
    try:
        found = json.loads((folder / _KEY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(found == json.loads(json.dumps(key)))


def _holds_file(folder: Path) -> bool:
    return any(not path.is_dir() and not path.name.startswith(TEMPORARY) for path in folder.rglob("*"))


def _real(out: Path) -> Path:
    return out.resolve() if out.is_symlink() else out


@contextlib.contextmanager
def _refusals_told(out: Path, kept: str) -> Iterator[None]:
    """Turn what the disk refuses into a StoreError about `out` that ends by saying what is kept."""
    try:
        yield
    except PretscopeError:
        raise
    except OSError as error:
        raise StoreError(f"{out} can't be written: {error.strerror or error}. {kept}") from error
    except pl.exceptions.PolarsError as error:
        if "os error" not in str(error):
            raise
        raise StoreError(f"{out} can't be written: {error}. {kept}") from error


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _replace(staged: Path, out: Path) -> None:
    old = out.parent / f".old-{out.name}"
    if out.exists():
        out.rename(old)
    staged.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _restore(out: Path) -> None:
    """Put back the old folder where a write died before the new one had its name."""
    old = out.parent / f".old-{out.name}"
    if old.exists() and not out.exists():
        old.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextlib.contextmanager
def _locked(folder: Path, out: Path) -> Iterator[Path]:
    """Make `folder` and hold it for this process; the system lets go of it when the process ends, however it ends."""
    if os.name == "nt":
        folder.mkdir(exist_ok=True)
        yield folder
        return
    import fcntl

    while True:
        folder.mkdir(exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(f"Another process is writing {out}. Wait for it to end, or stop it.") from None
            if not _same_folder(descriptor, folder):
                continue
            yield folder
            return
        finally:
            os.close(descriptor)


def _same_folder(descriptor: int, folder: Path) -> bool:
    try:
        named = folder.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino)
