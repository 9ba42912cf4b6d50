"""A folder of synthetic raw tables on disk, written whole, with a manifest that says how they were made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.artefact import check_artefact, hash_of, now, read_manifest
from data.cores import threads
from data.errors import InvalidOption, StoreError
from data.files import MANIFEST, describe_files, write_json
from data.progress import part, silent
from data.staging import check_replaceable, folder_written_whole

if TYPE_CHECKING:
    from data.progress import Report

KIND = "synthetic raw tables"
FORMAT = 1
_MANY = 50_000  # with fewer, starting processes costs more than they save
_AGAIN = "Make them again: python -m data synthesise --out "


def make_synthetic(
    clients: int, seed: int, out: Path, report: Report = silent, workers: int | None = None
) -> dict[str, Any]:
    """Make the raw tables of synthetic clients in `out`, Parquet files named as Kaggle names them; return the manifest.

    The same clients and seed give the same tables; they are kept where they are already there, made by this very code.

    Parameters
    ----------
    clients : how many, at least 1.
    seed : at least 0.
    out : the folder to make; one made earlier by this function is replaced once the new one is complete.
    report : told how far the work is.
    workers : how many processes make clients; by default one a core, at most four, where there are many clients.

    Raises
    ------
    InvalidOption
        `clients`, `seed` or `workers` is out of range.
    StoreError
        `out` holds something else, or can't be written.
    """
    from data.synthesis import synthesise

    if clients < 1 or seed < 0:
        raise InvalidOption(
            f"{clients} clients with seed {seed}: at least 1 client and a seed of at least 0 are needed."
        )
    check_replaceable(out, KIND)
    made_of = {"clients": clients, "seed": seed, "code": _code_hash()}
    done = _finished(out, made_of)
    if done is not None:
        report("already made", 1.0)
        return done
    with folder_written_whole(out, KIND) as staged:
        if workers is None:
            workers = threads() if clients >= _MANY else 1
        synthesise(clients, seed, staged, part(report, 0.0, 0.98), workers)
        names = sorted(path.name for path in staged.iterdir())
        files = describe_files(staged, names)
        manifest = {"kind": KIND, "format": FORMAT, "made_of": made_of, "files": files, "created": now()}
        write_json(staged / MANIFEST, manifest)
    report("made", 1.0)
    return manifest


def _finished(out: Path, made_of: dict[str, Any]) -> dict[str, Any] | None:
    try:
        manifest = read_manifest(out, KIND, FORMAT, ("made_of", "files"), _AGAIN + str(out))
        check_artefact(out, manifest["files"], verify=False, next_step=_AGAIN + str(out))
    except StoreError:
        return None
    return manifest if manifest["made_of"] == made_of else None


def _code_hash() -> str:
    folder = Path(__file__).parent / "synthesis"
    return hash_of(sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".toml", ".json", ".csv"}))
