"""The features of every client on disk: memory-mapped, feature by feature, with the clients' own facts beside them.

A folder: `manifest.json`, `ids.npy` (int64), `target.npy` (int8), `features.npy` (float32, one line per feature) and
`clients.parquet` (the raw application columns). Every file is in ascending order of client id.
"""

from __future__ import annotations

import functools
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from data.artefact import check_artefact, data_hash, hash_of, kind_of, now, read_manifest, schema_hash
from data.client_ids import nearest_ids, prefix_ranges
from data.errors import IncompleteArtefact, InvalidOption, StoreError, UnknownClient, UnknownColumn, did_you_mean
from data.feature_parts import assemble, compute_part, is_finished, write_clients, write_part
from data.files import MANIFEST, write_json
from data.npy import let_go, mapped
from data.progress import part, silent
from data.scheduling import check_address, run_tasks
from data.schema import tables as schema_tables
from data.source_files import check_folder
from data.sources import KIND as IMPORT
from data.sources import import_raw, load_imported, made_of_files, read_import
from data.staging import check_replaceable, folder_written_whole, parts_kept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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

    def let_go(self) -> None:
        """Give back the memory of what was read of the features; it is read again when it is wanted."""
        let_go(self.columns)

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


def features_in(folder: Path) -> FeatureSet:
    """Open a feature set by its folder, or that of the portfolio in the folder; raise as `FeatureSet.open` does."""
    inside = folder / "features"
    return FeatureSet.open(inside if kind_of(folder) != KIND and kind_of(inside) == KIND else folder)


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
    check_replaceable(out, KIND)
    absent = [name for name in schema_tables() if name not in tables]
    report("computing the features", 0.0)
    with folder_written_whole(out, KIND) as staged:
        parts = staged / "parts"
        write_part(tables, parts, 0)
        write_clients(tables["application"].lazy(), parts)
        _assemble(parts, 1, staged, absent, raw, part(report, 0.7, 1.0))
        shutil.rmtree(parts)
    report("features written", 1.0)
    return FeatureSet.open(out, verify=False)


def features_from(
    raw: Path, out: Path, report: Report = silent, *, partitions: int | None = None, scheduler: str | None = None
) -> FeatureSet:
    """Compute the features of the raw tables in `raw`: an import, or files as Kaggle names them.

    Files are first imported to a folder beside `out`, so that they are checked, and read with little memory; that
    folder is removed once the features are there. Features that are already there, computed by this very code from this
    very data, are kept. They are computed partition by partition; those of a finished partition outlive whatever ends a
    run early, and the next run goes on from there. The result is the same whatever the partitions, and wherever they
    were computed.

    Parameters
    ----------
    raw, out : the raw tables, the folder to make.
    report : told how far the work is.
    partitions : how many an import on the way has (see `import_raw`); an import that is there has its own.
    scheduler : address of a Dask scheduler, such as "tcp://host:8786", whose workers share the folders; None for here.

    Raises
    ------
    SourceError, StoreError
        As `read_raw` and `write_features` say.
    InvalidOption, ClusterError
        As `data.scheduling.run_tasks` says; or `partitions` is given for an import that has another number of them.
    """
    check_replaceable(out, KIND)
    if scheduler is not None:
        check_address(scheduler)
    if kind_of(raw) != IMPORT:
        check_folder(raw)
        done = _finished(out, "made_of", made_of_files(raw, partitions))
        if done is not None:
            report("features already there", 1.0)
            return done
        target = out.absolute()
        imported = target.parent / f".tmp-raw-{target.name}"
        import_raw(raw, imported, part(report, 0.0, 0.3), partitions)
        made = features_from(imported, out, part(report, 0.3, 1.0), scheduler=scheduler)
        shutil.rmtree(imported, ignore_errors=True)
        return made
    manifest = read_import(raw)
    count = manifest["partitions"]
    if partitions not in (None, count):
        raise InvalidOption(
            f"{raw} is an import of {count} partitions, {partitions} were asked for. Leave --partitions out, or import "
            f"its tables again with --partitions {partitions}."
        )
    source = {"data_hash": data_hash(manifest["files"]), "made_of": manifest["made_of"]}
    done = _finished(out, "data_hash", source["data_hash"])
    if done is not None:
        report("features already there", 1.0)
        return done
    target = out.resolve()
    key = {"import": source["data_hash"], "code": _code_hash(), "schema": schema_hash()}
    with parts_kept(target.parent / f".parts-{target.name}", key, target) as parts:
        missing = [number for number in range(count) if not is_finished(parts, number)]
        task = functools.partial(compute_part, raw.resolve(), parts)
        applications = load_imported(raw, only=["application"])["application"]
        with ThreadPoolExecutor(1) as beside:
            clients = beside.submit(write_clients, applications, parts)
            run_tasks(task, missing, shared=parts, scheduler=scheduler, report=part(report, 0.0, 0.8), done=count)
            clients.result()
        with folder_written_whole(out, KIND) as staged:
            _assemble(parts, count, staged, manifest["absent"], source, part(report, 0.8, 1.0))
    report("features written", 1.0)
    return FeatureSet.open(out, verify=False)


def _finished(out: Path, key: str, value: object) -> FeatureSet | None:
    try:
        found = FeatureSet.open(out, verify=False)
    except StoreError:
        return None
    raw = found.manifest.get("raw") or {}
    same_code = (found.manifest.get("code"), found.manifest.get("schema")) == (_code_hash(), schema_hash())
    return found if same_code and raw.get(key) == value else None


def _code_hash() -> str:
    here = Path(__file__).parent
    beside = ("compiling.py", "feature_parts.py", "id_index.py", "places.py")
    return hash_of([*sorted((here / "features").glob("*.py")), *(here / name for name in beside)])


def _assemble(
    parts: Path, count: int, staged: Path, absent: Sequence[str], raw: Mapping[str, Any] | None, report: Report
) -> None:
    facts = assemble(parts, count, staged, report)
    manifest = {
        "kind": KIND,
        "format": FORMAT,
        **facts,
        "absent": list(absent),
        "code": _code_hash(),
        "schema": schema_hash(),
        "raw": raw,
        "created": now(),
    }
    write_json(staged / MANIFEST, manifest)
