"""A prepared portfolio on disk: the features of its clients, what a model makes of each, and what drives that model.

A folder: `manifest.json`, `features/` (a feature set), `scores/` (`raw.npy`, `pd.npy`, `score.npy`, float64, and a
manifest) and `importance.json`. It is written part by part, its manifest last: without it the portfolio doesn't exist.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data.artefact import check_artefact, find_portfolios, now, read_manifest
from data.errors import HashMismatch, InvalidOption, StoreError, UnknownPortfolio, did_you_mean
from data.feature_set import FeatureSet
from data.files import MANIFEST, describe_files, read_json, write_json
from data.npy import mapped, save
from data.paths import portfolio_folder
from data.staging import folder_written_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

KIND = "portfolio"
SCORES = "scores of clients"
FORMAT = 1
_AGAIN = "Prepare it again: python -m dashboard prepare --help"
_SCORE_FILES = ("raw.npy", "pd.npy", "score.npy")


class Portfolio:
    """A prepared portfolio, read only. Clients are in ascending order of id, as in its features.

    Attributes
    ----------
    name : of its folder.
    folder : where it is.
    manifest : what it is.
    features : the features of every client.
    model_name, model_hash : the model that scored it.
    raw : float64 (n,), raw score of the model, log-odds of default before calibration; memory-mapped, as the next two.
    pd : float64 (n,), calibrated probability of default, in [0, 1].
    score : float64 (n,), probability of repayment at even odds, in [0, 1].
    importance : source group ("table.column") to mean |contribution| in log-odds.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any], features: FeatureSet) -> None:
        self.folder = folder
        self.name: str = manifest["name"]
        self.manifest = manifest
        self.features = features
        self.model_name: str = manifest["model_name"]
        self.model_hash: str = manifest["model_hash"]
        self.raw, self.pd, self.score = (_scores(folder / "scores" / name, len(features)) for name in _SCORE_FILES)
        self.importance: dict[str, float] = read_json(folder / "importance.json", _AGAIN)

    @classmethod
    def open(cls, name_or_path: str | Path, verify: bool = True) -> Portfolio:
        """Open a portfolio by its name, or by its folder.

        Parameters
        ----------
        name_or_path : a name, one of `find_portfolios()`; a Path, or a text with a separator, is a folder.
        verify : whether to compare every file with its hash, else only the sizes.

        Raises
        ------
        UnknownPortfolio
            There is none; the message names those there are.
        IncompleteArtefact
            It was never finished, or a file of it is missing.
        HashMismatch
            A file is not the one its manifest describes, or the scores are of other features.
        StoreError
            The folder is no portfolio, or of another format.
        """
        folder = _folder(name_or_path)
        keys = ("name", "model_name", "model_hash", "data_hash", "files")
        manifest = read_manifest(folder, KIND, FORMAT, keys, _AGAIN)
        check_artefact(folder, manifest["files"], verify, _AGAIN)
        features = FeatureSet.open(folder / "features", verify=verify)
        if features.data_hash != manifest["data_hash"]:
            raise HashMismatch(
                f"{folder}: its scores are of features {manifest['data_hash'][:12]}…, its features are "
                f"{features.data_hash[:12]}…. {_AGAIN}"
            )
        return cls(folder, manifest, features)

    def __len__(self) -> int:
        return len(self.features)

    def search(self, prefix: str, limit: int = 8) -> list[int]:
        """Return the first `limit` client ids that begin with `prefix`, shortest first, then ascending."""
        ids = self.features.ids
        found: list[int] = []
        for start, stop in self.features.prefix_ranges(prefix):
            found += ids[start : min(stop, start + limit - len(found))].tolist()
            if len(found) >= limit:
                break
        return found

    def count_prefix(self, prefix: str) -> int:
        """Return how many client ids begin with `prefix`."""
        return sum(stop - start for start, stop in self.features.prefix_ranges(prefix))


def _folder(name_or_path: str | Path) -> Path:
    if isinstance(name_or_path, Path) or any(separator in name_or_path for separator in "/\\"):
        return Path(name_or_path)
    folder = portfolio_folder(name_or_path)
    if name_or_path in ("", ".", "..") or not folder.is_dir():
        known = find_portfolios()
        listed = f"The portfolios are {', '.join(known)}." if known else "There is none yet."
        raise UnknownPortfolio(
            f"No portfolio {name_or_path!r}.{did_you_mean(name_or_path, known)} {listed} "
            f"Prepare one: python -m dashboard prepare --help"
        )
    return folder


def _scores(path: Path, clients: int) -> NDArray[np.float64]:
    scores: NDArray[np.float64] = np.asarray(mapped(path, np.dtype(np.float64), _AGAIN))
    if scores.shape != (clients,):
        raise StoreError(f"{path} has {scores.shape} scores for {clients} clients. {_AGAIN}")
    return scores


def write_scores(
    folder: Path, raw: ArrayLike, pd: ArrayLike, score: ArrayLike, model_name: str, model_hash: str
) -> None:
    """Write what a model makes of every client to `folder/scores`, whole or not at all.

    Parameters
    ----------
    folder : the folder of the portfolio, whose `features/` is there.
    raw : (n,), raw score, log-odds of default, in ascending order of client id, as the next two.
    pd : (n,), calibrated probability of default, in [0, 1].
    score : (n,), probability of repayment at even odds, in [0, 1].
    model_name, model_hash : the model that gave them.

    Raises
    ------
    InvalidOption
        The scores are not one finite number per client, or not in their range.
    StoreError
        The features can't be used, or the scores can't be written.
    """
    features = FeatureSet.open(folder / "features", verify=False)
    columns = {"raw.npy": raw, "pd.npy": pd, "score.npy": score}
    arrays = {name: np.ascontiguousarray(values, dtype=np.float64) for name, values in columns.items()}
    for name, values in arrays.items():
        what = name.removesuffix(".npy")
        if values.shape != (len(features),):
            raise InvalidOption(
                f"{what} has shape {values.shape}, one number for each of {len(features)} clients was expected."
            )
        if not np.isfinite(values).all():
            raise InvalidOption(f"{what} has {int((~np.isfinite(values)).sum())} values that are not finite.")
        if what != "raw" and len(values) and not (values.min() >= 0 and values.max() <= 1):
            raise InvalidOption(f"{what} goes from {values.min()} to {values.max()}, a probability is in [0, 1].")
    with folder_written_whole(folder / "scores", SCORES) as staged:
        for name, values in arrays.items():
            save(staged / name, values)
        manifest = {
            "kind": SCORES,
            "format": FORMAT,
            "model_name": model_name,
            "model_hash": model_hash,
            "data_hash": features.data_hash,
            "files": describe_files(staged, _SCORE_FILES),
            "created": now(),
        }
        write_json(staged / MANIFEST, manifest)


def write_importance(folder: Path, importance: Mapping[str, float]) -> None:
    """Write what drives the model: source group to its mean |contribution| in log-odds, strongest first."""
    ordered = sorted(importance.items(), key=lambda item: -item[1])
    write_json(folder / "importance.json", {group: float(weight) for group, weight in ordered})


def write_portfolio_manifest(folder: Path, name: str | None = None, **facts: Any) -> dict[str, Any]:
    """Finish a portfolio whose features, scores and importance are written, and return its manifest.

    Parameters
    ----------
    folder : the folder of the portfolio.
    name : its name; that of the folder unless given.
    **facts : what else its manifest shall hold, JSON content.

    Raises
    ------
    StoreError
        A part is missing, or the scores are of other features.
    """
    features = FeatureSet.open(folder / "features", verify=False)
    keys = ("model_name", "model_hash", "data_hash", "files")
    scores = read_manifest(folder / "scores", SCORES, FORMAT, keys, _AGAIN)
    if scores["data_hash"] != features.data_hash:
        raise HashMismatch(f"{folder / 'scores'} are of other features than those in {folder / 'features'}. {_AGAIN}")
    read_json(folder / "importance.json", _AGAIN)
    parts = [f"scores/{part}" for part in (*_SCORE_FILES, MANIFEST)]
    manifest = {
        **facts,
        "kind": KIND,
        "format": FORMAT,
        "name": name or folder.resolve().name,
        "model_name": scores["model_name"],
        "model_hash": scores["model_hash"],
        "data_hash": features.data_hash,
        "clients": len(features),
        "files": describe_files(folder, [*parts, "importance.json"]),
        "created": now(),
    }
    write_json(folder / MANIFEST, manifest)
    return manifest
