"""What every folder on disk that we made has in common: a manifest with its kind, its format and its files' hashes."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import IncompleteArtefact, StoreError, UnknownPortfolio, did_you_mean
from data.files import MANIFEST, check_files, read_json
from data.paths import artifacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HERE = Path(__file__).parent


def now() -> str:
    """Return the present moment, UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def hash_of(paths: Iterable[Path]) -> str:
    """Return one SHA-256 over the names and contents of some files, in hexadecimal."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def schema_hash() -> str:
    """Return the SHA-256 of the description of the raw tables."""
    return hash_of(sorted((_HERE / "tables").glob("*.toml")))


def data_hash(files: Mapping[str, Mapping[str, Any]]) -> str:
    """Return one SHA-256 over the hashes of the files of a manifest, in hexadecimal."""
    listed = "\n".join(f"{name} {files[name]['sha256']}" for name in sorted(files))
    return hashlib.sha256(listed.encode()).hexdigest()


def kind_of(folder: Path) -> str | None:
    """Return the kind of artefact a folder is by its manifest, None where it has no readable manifest of ours."""
    try:
        kind = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["kind"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return kind if isinstance(kind, str) else None


def read_manifest(folder: Path, kind: str, version: int, keys: Iterable[str], next_step: str) -> dict[str, Any]:
    """Return the manifest of an artefact.

    Parameters
    ----------
    folder : where the artefact is.
    kind, version : what it must be, and in which format.
    keys : what its manifest must hold besides.
    next_step : what to do where it can't be used; ends the message.

    Raises
    ------
    UnknownPortfolio
        No such folder.
    IncompleteArtefact
        It has no manifest, or one that can't be read.
    StoreError
        It is of another kind or format.
    """
    if not folder.is_dir():
        raise UnknownPortfolio(_no_folder(folder, kind, next_step))
    manifest = read_json(folder / MANIFEST, next_step)
    found = manifest.get("kind") if isinstance(manifest, dict) else None
    if found != kind:
        raise StoreError(f"{folder} is no {kind}: its manifest says {found!r}. {next_step}")
    if manifest.get("format") != version:
        got = manifest.get("format")
        raise StoreError(f"{folder} has format {got!r}; this version reads format {version}. {next_step}")
    missing = sorted(set(keys) - manifest.keys())
    if missing:
        raise IncompleteArtefact(f"{folder / MANIFEST} lacks {', '.join(missing)}. {next_step}")
    found_manifest: dict[str, Any] = manifest
    return found_manifest


def _no_folder(folder: Path, kind: str, next_step: str) -> str:
    if folder.exists():
        return f"{folder} is a file; the folder of a {kind} was expected. {next_step}"
    known = find_portfolios()
    portfolios = f" The portfolios are {', '.join(known)}." if known else " There is no portfolio yet."
    return f"No such folder: {folder}.{did_you_mean(folder.name, known)}{portfolios} {next_step}"


def find_portfolios() -> list[str]:
    """Return the names of the portfolios that are finished, in alphabetical order."""
    root = artifacts() / "portfolios"
    if not root.is_dir():
        return []
    return sorted(path.parent.name for path in root.glob(f"*/{MANIFEST}") if not path.parent.name.startswith("."))


def check_artefact(folder: Path, files: dict[str, dict[str, Any]], verify: bool, next_step: str) -> None:
    """Raise where a file is not the one the manifest describes: by its hash if `verify`, else by its size.

    Raises
    ------
    IncompleteArtefact
        A file is missing.
    HashMismatch
        A file is another one.
    """
    check_files(folder, files, next_step, hashes=verify)
