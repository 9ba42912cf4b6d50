"""The contributions of every client of a portfolio on disk: memory-mapped, feature by feature.

A folder: `manifest.json`, `contributions.npy` (float32, one line a feature that the model uses), `groups.npy` (float32,
one line a client: the same summed by source column), `strongest.npy` and `strongest_values.npy` (each client's
strongest features, uint16 and float32), `logits.npy` (float64, the log-odds of every score) and `importance.json` (of
everyone, at each level). Clients are in the order of the feature set: ascending id. All in log-odds of repayment: above
zero helps the client. `explain.contribution_parts` writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from data.artefact import check_artefact, read_manifest
from data.errors import HashMismatch, IncompleteArtefact, InvalidOption, StoreError, UnknownColumn, did_you_mean
from data.files import MANIFEST, read_json
from data.npy import mapped
from explain.importance import LEVELS, Importance

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from explain.importance import Level

KIND = "contributions"
FORMAT = 1
STRONGEST = 20
CONTRIBUTIONS, GROUPS, LOGITS = "contributions.npy", "groups.npy", "logits.npy"
STRONGEST_FEATURES, STRONGEST_VALUES = "strongest.npy", "strongest_values.npy"
IMPORTANCE = "importance.json"
ARRAYS = (CONTRIBUTIONS, GROUPS, STRONGEST_FEATURES, STRONGEST_VALUES, LOGITS)
FILES = (*ARRAYS, IMPORTANCE)
_AGAIN = "Make it again: python -m explain portfolio --model DIR --features DIR --out "
_KEYS = (
    "clients", "model_hash", "data_hash", "names", "used", "groups", "tables", "base", "largest_residual", "files",
    "created",
)  # fmt: skip


class ContributionStore:
    """The contributions of every client, read only, in log-odds of repayment.

    Attributes
    ----------
    folder : where it is.
    manifest : what it is.
    model_hash, data_hash : of the model and of the features that it was computed from.
    names : the F features of the model, in its order.
    used : the U features that some tree reads, in the model's order; every other contribution is zero.
    groups : the G source columns ("table.column") of the features used.
    tables : the tables of the groups, in the order in which the groups first name them.
    base : log-odds of repayment of the average client, the same for every client.
    largest_residual : greatest difference, over all clients and in log-odds, between the score's log-odds and the base
        with all contributions, as they were in double precision.
    contributions : float32 (U, n).
    by_group : float32 (n, G), the contributions summed by source column.
    strongest : uint16 (n, K), places in `names` of each client's strongest features, the strongest first; K is
        STRONGEST, or U where the model uses fewer.
    strongest_values : float32 (n, K), their contributions.
    logits : float64 (n,), log-odds of repayment of every client, as the score has them. What is left when base and
        `strongest_values` are taken away is the contribution of all other features.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self.model_hash: str = manifest["model_hash"]
        self.data_hash: str = manifest["data_hash"]
        self.names: tuple[str, ...] = tuple(manifest["names"])
        self.used: tuple[str, ...] = tuple(manifest["used"])
        self.groups: tuple[str, ...] = tuple(manifest["groups"])
        self.tables: tuple[str, ...] = tuple(manifest["tables"])
        self.base: float = manifest["base"]
        self.largest_residual: float = manifest["largest_residual"]
        clients, strongest = manifest["clients"], min(STRONGEST, len(self.used))
        self.contributions = self._mapped(CONTRIBUTIONS, np.float32, (len(self.used), clients))
        self.by_group = self._mapped(GROUPS, np.float32, (clients, len(self.groups)))
        self.strongest = self._mapped(STRONGEST_FEATURES, np.uint16, (clients, strongest))
        self.strongest_values = self._mapped(STRONGEST_VALUES, np.float32, (clients, strongest))
        self.logits = self._mapped(LOGITS, np.float64, (clients,))
        self._line = {name: line for line, name in enumerate(self.used)}

    @classmethod
    def open(cls, folder: Path, verify: bool = True) -> ContributionStore:
        """Open a store.

        Parameters
        ----------
        folder : where it is.
        verify : whether to compare every file with its hash, else only the sizes.

        Raises
        ------
        UnknownPortfolio
            No such folder.
        IncompleteArtefact
            It has no manifest, or a file of it is missing.
        HashMismatch
            A file is not the one the manifest describes.
        StoreError
            It is no store of contributions, or of another format.
        """
        manifest = read_manifest(folder, KIND, FORMAT, _KEYS, _AGAIN + str(folder))
        unlisted = sorted(set(FILES) - manifest["files"].keys())
        if unlisted:
            raise IncompleteArtefact(f"{folder / MANIFEST} lists no {', '.join(unlisted)}. {_AGAIN}{folder}")
        check_artefact(folder, manifest["files"], verify, _AGAIN + str(folder))
        return cls(folder, manifest)

    def __len__(self) -> int:
        return len(self.logits)

    def check_belongs(self, model_hash: str, data_hash: str) -> None:
        """Raise HashMismatch, with both hashes, unless the store is of this model and of these features."""
        for what, own, wanted in (("model", self.model_hash, model_hash), ("features", self.data_hash, data_hash)):
            if own != wanted:
                raise HashMismatch(
                    f"The contributions in {self.folder} are of {what} {own[:12]}…, this is {wanted[:12]}…. "
                    f"{_AGAIN}{self.folder}"
                )

    def contribution(self, name: str) -> NDArray[np.float32]:
        """Return one feature's contribution to every client's score, float32 (n,), zeros where no tree reads it.

        Raises
        ------
        UnknownColumn
            The model has no such feature.
        """
        if name in self._line:
            line: NDArray[np.float32] = self.contributions[self._line[name]]
            return line
        if name not in self.names:
            raise UnknownColumn(f"The model has no feature {name!r}.{did_you_mean(name, self.names)}")
        return np.zeros(len(self), dtype=np.float32)

    def group_contribution(self, group: str) -> NDArray[np.float32]:
        """Return a source column's contribution to every client's score, float32 (n,); raise UnknownColumn if none."""
        if group not in self.groups:
            raise UnknownColumn(f"The model uses no source column {group!r}.{did_you_mean(group, self.groups)}")
        return np.ascontiguousarray(self.by_group[:, self.groups.index(group)])

    def importance(self, level: Level) -> Importance:
        """Return the mean |contribution| over every client, as it was computed with the store.

        Raises
        ------
        InvalidOption
            Another level.
        IncompleteArtefact
            The file is damaged.
        """
        if level not in LEVELS:
            raise InvalidOption(f"Level {level!r} is none of {', '.join(LEVELS)}.{did_you_mean(str(level), LEVELS)}")
        path = self.folder / IMPORTANCE
        try:
            return Importance.from_json(level, read_json(path, _AGAIN + str(self.folder))[level])
        except (KeyError, TypeError, ValueError) as error:
            raise IncompleteArtefact(f"{path} can't be read: {error!r}. {_AGAIN}{self.folder}") from error

    def _mapped(self, name: str, dtype: type, shape: tuple[int, ...]) -> Any:
        """Return a plain view of a mapped file: slicing a np.memmap costs several times what slicing an array does."""
        array = np.asarray(mapped(self.folder / name, np.dtype(dtype), _AGAIN + str(self.folder)))
        if array.shape != shape:
            raise StoreError(f"{self.folder / name} is {array.shape}, expected {shape}. {_AGAIN}{self.folder}")
        return array
