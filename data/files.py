"""Files written whole or not at all, and checked against their hash when read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import HashMismatch, IncompleteArtefact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MANIFEST = "manifest.json"
TEMPORARY = ".tmp-"


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it is synced and renamed to `path`, else removed.

    A process killed in between leaves the old file, and at most a `.tmp-` file beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{TEMPORARY}{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` in UTF-8, whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Write `content` to `path` as JSON, whole or not at all; NaN and infinities are refused."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, next_step: str) -> Any:
    """Return the content of a JSON file; raise IncompleteArtefact, ending with `next_step`, where it can't be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise IncompleteArtefact(f"{path} is not there. {next_step}") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise IncompleteArtefact(f"{path} is not valid JSON ({error}). {next_step}") from None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_files(folder: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the size and SHA-256 of the named files of a folder, for its manifest."""
    return {name: {"bytes": (folder / name).stat().st_size, "sha256": sha256_of(folder / name)} for name in names}


def check_files(folder: Path, described: dict[str, dict[str, Any]], next_step: str, *, hashes: bool = True) -> None:
    """Raise HashMismatch for the first file that is not the one described, IncompleteArtefact if it isn't there.

    Without `hashes` only the sizes are compared.
    """
    for name, facts in described.items():
        path = folder / name
        if not path.is_file():
            raise IncompleteArtefact(f"{path} is not there, though {folder / MANIFEST} lists it. {next_step}")
        size = path.stat().st_size
        if size != facts["bytes"]:
            raise HashMismatch(f"{path} has {size} bytes, its manifest says {facts['bytes']}. {next_step}")
        if not hashes:
            continue
        found = sha256_of(path)
        if found != facts["sha256"]:
            raise HashMismatch(
                f"{path} is not the file its manifest describes: SHA-256 {found[:12]}…, "
                f"expected {facts['sha256'][:12]}…. {next_step}"
            )
