"""A model's folder: the names of its files, and their bytes checked against the manifest before use."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from data import artefact
from data.errors import HashMismatch, IncompleteArtefact
from data.files import MANIFEST, describe_files, write_json

if TYPE_CHECKING:
    from pathlib import Path

KIND, FORMAT = "model", 1
TEXT, GRAPH, CALIBRATOR, POLICY, CARD, OUT_OF_FOLD = (
    "model.txt",
    "model.onnx",
    "calibrator.json",
    "policy.json",
    "card.json",
    "out_of_fold.parquet",
)
FILES = (TEXT, GRAPH, CALIBRATOR, POLICY, CARD, OUT_OF_FOLD)
NEXT_STEP = "Train it again: python -m models train --features FOLDER --out "


def write_manifest(folder: Path) -> None:
    """Write the manifest of a model folder whose other files are all written."""
    write_json(
        folder / MANIFEST,
        {"kind": KIND, "format": FORMAT, "created": artefact.now(), "files": describe_files(folder, FILES)},
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a model folder.

    Raises
    ------
    UnknownPortfolio
        No such folder.
    IncompleteArtefact
        No readable manifest.
    StoreError
        Not a model, or one of another format.
    """
    return artefact.read_manifest(folder, KIND, FORMAT, ("files",), f"{NEXT_STEP}{folder}")


def verified_bytes(folder: Path, manifest: dict[str, Any], name: str) -> bytes:
    """Return the content of a model's file, being the very bytes that were hashed.

    Raises
    ------
    HashMismatch
        The file is not the one the manifest describes.
    IncompleteArtefact
        The file, or its line in the manifest, is not there.
    """
    described = manifest["files"].get(name)
    if not isinstance(described, dict) or "sha256" not in described:
        raise IncompleteArtefact(f"{folder / MANIFEST} does not list {name}. {NEXT_STEP}{folder}")
    try:
        content = (folder / name).read_bytes()
    except FileNotFoundError:
        raise IncompleteArtefact(
            f"{folder / name} is not there, though {folder / MANIFEST} lists it. {NEXT_STEP}{folder}"
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != described["sha256"]:
        raise HashMismatch(
            f"{folder / name} is not the file its manifest describes: SHA-256 {found[:12]}…, expected "
            f"{str(described['sha256'])[:12]}…. It is not used. {NEXT_STEP}{folder}"
        )
    return content


def model_hash(manifest: dict[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, over the hashes of what decides a score: graph, calibrator, policy."""
    return artefact.data_hash({name: manifest["files"][name] for name in (GRAPH, CALIBRATOR, POLICY)})
