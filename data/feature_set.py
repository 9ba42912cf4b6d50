"""The features of every client on disk: memory-mapped, feature by feature, with the clients' own facts beside them.

A folder: `manifest.json`, `ids.npy` (int64), `target.npy` (int8), `features.npy` (float32, one line per feature) and
`clients.parquet` (the raw application columns). Every file is in ascending order of client id.
"""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from data.artefact import check_artefact, data_hash, hash_of, kind_of, now, read_manifest, schema_hash
from data.client_ids import nearest_ids, prefix_ranges
from data.errors import IncompleteArtefact, SourceError, StoreError, UnknownClient, UnknownColumn, did_you_mean
from data.files import MANIFEST, describe_files, write_json, written_whole
from data.progress import part, silent
from data.schema import CLIENT_ID, TARGET
from data.schema import tables as schema_tables
from data.source_files import check_folder
from data.sources import KIND as IMPORT
from data.sources import import_raw, load_imported, made_of_files, read_import
from data.staging import check_replaceable, folder_written_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from data.progress import Report

KIND = "feature set"
FORMAT = 1
FILES = ("ids.npy", "target.npy", "features.npy", "clients.parquet")
_AGAIN = "Make it again: python -m data features --raw FOLDER --out "
_KEYS = ("clients", "labelled", "defaults", "base_rate", "names", "absent", "code", "files", "created")


class FeatureSet:
    """The features of every client of a portfolio, read only.

    Attributes
    ----------
    folder : where it is.
    manifest : what it is.
    ids : int64 (n,), ascending SK_ID_CURR.
    target : int8 (n,), 1 for a default, 0 for a loan repaid, -1 where unlabelled.
    names : the F features, in the order of `columns`.
    columns : float32 (F, n), memory-mapped; NaN where a feature is absent.
    absent_tables : the raw tables that were not there.
    data_hash : SHA-256 over the hashes of the files, in hexadecimal.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        again = _AGAIN + str(folder)
        self.ids: NDArray[np.int64] = np.asarray(mapped(folder / "ids.npy", np.dtype(np.int64), again))
        self.target: NDArray[np.int8] = np.asarray(mapped(folder / "target.npy", np.dtype(np.int8), again))
        self.names: tuple[str, ...] = tuple(manifest["names"])
        self.columns = mapped(folder / "features.npy", np.dtype(np.float32), again)
        self.absent_tables: tuple[str, ...] = tuple(manifest["absent"])
        self.data_hash = data_hash(manifest["files"])
        clients = manifest["clients"]
        if self.ids.shape != (clients,) or self.target.shape != (clients,):
            raise StoreError(f"{folder} lists {clients} clients, its ids are {self.ids.shape}. {again}")
        if self.columns.shape != (len(self.names), clients):
            wanted = (len(self.names), clients)
            raise StoreError(f"{folder / 'features.npy'} is {self.columns.shape}, expected {wanted}. {again}")
        # Plain views of the mapped bytes: slicing a np.memmap costs several times what slicing an array does.
        self._columns: NDArray[np.float32] = np.asarray(self.columns)
        self._index = {name: index for index, name in enumerate(self.names)}

    @classmethod
    def open(cls, folder: Path, verify: bool = True) -> FeatureSet:
        """Open a feature set.

        Parameters
        ----------
        folder : where it is.
        verify : whether to compare every file with its hash (about a second per gigabyte), else only the sizes.

        Raises
        ------
        UnknownPortfolio
            No such folder.
        IncompleteArtefact
            It has no manifest, or a file of it is missing.
        HashMismatch
            A file is not the one the manifest describes.
        StoreError
            It is no feature set, or of another format.
        """
        manifest = read_manifest(folder, KIND, FORMAT, _KEYS, _AGAIN + str(folder))
        unlisted = sorted(set(FILES) - manifest["files"].keys())
        if unlisted:
            raise IncompleteArtefact(f"{folder / MANIFEST} lists no {', '.join(unlisted)}. {_AGAIN}{folder}")
        check_artefact(folder, manifest["files"], verify, _AGAIN + str(folder))
        return cls(folder, manifest)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"FeatureSet({str(self.folder)!r}, {len(self.names)} features of {len(self)} clients)"

    def position(self, client: int) -> int:
        """Return where a client is; raise UnknownClient, with the nearest ids, where it isn't."""
        low, high = (int(self.ids[0]), int(self.ids[-1])) if len(self.ids) else (0, -1)
        if low <= client <= high:
            found = int(np.searchsorted(self.ids, client))
            if self.ids[found] == client:
                return found
        raise UnknownClient(client, nearest_ids(self.ids, client))

    def prefix_ranges(self, prefix: str) -> list[tuple[int, int]]:
        """Return the half-open ranges of positions of the clients whose id begins with `prefix`, ascending."""
        return prefix_ranges(self.ids, prefix)

    def row(self, position: int) -> NDArray[np.float64]:
        """Return the features of one client, float64 (F,), NaN where absent."""
        return self._columns[:, position].astype(np.float64)

    def rows(self, positions: slice | NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the features of some clients, float64 (m, F), C-contiguous, in the order asked for."""
        return np.ascontiguousarray(self._columns[:, positions].T, dtype=np.float64)

    def column(self, name: str) -> NDArray[np.float32]:
        """Return one feature of every client, float32 (n,); raise UnknownColumn where there is none of that name."""
        if name not in self._index:
            raise UnknownColumn(f"{self.folder} has no feature {name!r}.{did_you_mean(name, self.names)}")
        column: NDArray[np.float32] = self._columns[self._index[name]]
        return column

    def facts(self, position: int) -> dict[str, object]:
        """Return the raw application columns of one client by name, None where null."""
        return self._clients.row(position, named=True)

    def facts_column(self, name: str) -> pl.Series:
        """Return a raw application column of every client, (n,); raise UnknownColumn where there is none."""
        if name not in self._clients.columns:
            hint = did_you_mean(name, self._clients.columns)
            raise UnknownColumn(f"{self.folder} has no application column {name!r}.{hint}")
        return self._clients[name]

    @functools.cached_property
    def _clients(self) -> pl.DataFrame:
        return pl.read_parquet(self.folder / "clients.parquet")


def mapped(path: Path, dtype: np.dtype[Any], next_step: str) -> Any:
    """Return the array of a `.npy` file, memory-mapped, read only; raise StoreError unless it has that dtype."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise IncompleteArtefact(f"{path} can't be read: {error}. {next_step}") from error
    if array.dtype != dtype:
        raise StoreError(f"{path} holds {array.dtype}, {dtype} was expected. {next_step}")
    return array


def write_features(
    tables: Mapping[str, pl.DataFrame | pl.LazyFrame],
    out: Path,
    report: Report = silent,
    *,
    raw: Mapping[str, Any] | None = None,
) -> FeatureSet:
    """Compute the features of every client and write them to `out`, whole or not at all.

    Parameters
    ----------
    tables : the raw tables by name, `application` at least.
    out : the folder to make; a feature set that is there is replaced once the new one is complete.
    report : told how far the work is.
    raw : what the tables come from, kept in the manifest: `data_hash` and `made_of` of an import.

    Raises
    ------
    SourceError
        The tables can't be used as they are.
    StoreError
        `out` is something else than a feature set, or can't be written.
    """
    from data.features import build_features

    check_replaceable(out, KIND)
    absent = [name for name in schema_tables() if name not in tables]
    report("computing the features", 0.0)
    built = build_features(tables)
    with folder_written_whole(out, KIND) as staged:
        manifest = _write_files(built, tables["application"].lazy(), staged, part(report, 0.7, 0.95))
        report("hashing", 0.95)
        manifest |= {
            "absent": absent,
            "code": _code_hash(),
            "schema": schema_hash(),
            "raw": raw,
            "files": describe_files(staged, FILES),
            "created": now(),
        }
        write_json(staged / MANIFEST, manifest)
    report("features written", 1.0)
    return FeatureSet.open(out, verify=False)


def features_from(raw: Path, out: Path, report: Report = silent) -> FeatureSet:
    """Compute the features of the raw tables in `raw`: an import, or files as Kaggle names them.

    Files are first imported to a folder beside `out`, so that they are checked, and read with little memory; that
    folder is removed at the end. Features that are already there, computed by this very code from this very data, are
    kept.

    Raises
    ------
    SourceError, StoreError
        As `read_raw` and `write_features` say.
    """
    check_replaceable(out, KIND)
    if kind_of(raw) != IMPORT:
        check_folder(raw)
        done = _finished(out, "made_of", made_of_files(raw))
        if done is not None:
            report("features already there", 1.0)
            return done
        target = out.absolute()
        imported = target.parent / f".tmp-raw-{target.name}"
        try:
            import_raw(raw, imported, part(report, 0.0, 0.3))
            return features_from(imported, out, part(report, 0.3, 1.0))
        finally:
            shutil.rmtree(imported, ignore_errors=True)
    manifest = read_import(raw)
    source = {"data_hash": data_hash(manifest["files"]), "made_of": manifest["made_of"]}
    done = _finished(out, "data_hash", source["data_hash"])
    if done is not None:
        report("features already there", 1.0)
        return done
    return write_features(load_imported(raw), out, report, raw=source)


def _finished(out: Path, key: str, value: object) -> FeatureSet | None:
    try:
        found = FeatureSet.open(out, verify=False)
    except StoreError:
        return None
    raw = found.manifest.get("raw") or {}
    same_code = (found.manifest.get("code"), found.manifest.get("schema")) == (_code_hash(), schema_hash())
    return found if same_code and raw.get(key) == value else None


def _code_hash() -> str:
    return hash_of(sorted((Path(__file__).parent / "features").glob("*.py")))


def _write_files(built: pl.DataFrame, application: pl.LazyFrame, staged: Path, report: Report) -> dict[str, Any]:
    ids = built[CLIENT_ID].to_numpy()
    names = [name for name in built.columns if name != CLIENT_ID]
    if len(ids) and not (np.diff(ids) > 0).all():
        raise SourceError(f"The features are not in ascending order of {CLIENT_ID}, one row per client.")
    clients = application.filter(pl.col(CLIENT_ID).is_in(built[CLIENT_ID].implode())).sort(CLIENT_ID).collect()
    if not clients[CLIENT_ID].equals(built[CLIENT_ID]):
        raise SourceError(
            f"The features are of {len(ids)} clients, the application table has {clients.height} of them."
        )
    target = clients[TARGET].fill_null(-1).cast(pl.Int8).to_numpy()
    report("writing the clients", 0.0)
    with written_whole(staged / "clients.parquet") as path:
        clients.write_parquet(path, compression="zstd")
    save(staged / "ids.npy", ids.astype(np.int64))
    save(staged / "target.npy", target)
    # Not through a mapping: on a full disk, writing to one kills the process instead of raising an error.
    header = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": (len(names), len(ids))}
    with written_whole(staged / "features.npy") as path, open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for index, name in enumerate(names):
            if index % 50 == 0:
                report("writing the features", index / len(names))
            file.write(np.ascontiguousarray(built[name].to_numpy(), dtype=np.float32).data)
    labelled = int((target >= 0).sum())
    defaults = int((target == 1).sum())
    return {
        "kind": KIND,
        "format": FORMAT,
        "clients": len(ids),
        "labelled": labelled,
        "defaults": defaults,
        "base_rate": defaults / labelled if labelled else None,
        "names": names,
    }


def save(path: Path, array: NDArray[Any]) -> None:
    """Write an array to a `.npy` file, whole or not at all."""
    with written_whole(path) as temporary:
        np.save(temporary, array, allow_pickle=False)
