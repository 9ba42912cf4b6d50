"""Arrays on disk, as `.npy` files: written whole, read memory-mapped."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

import numpy as np

from data.errors import IncompleteArtefact, StoreError
from data.files import written_whole

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def mapped(path: Path, dtype: np.dtype[Any], next_step: str) -> Any:
    """Return the array of a `.npy` file, memory-mapped, read only; raise StoreError unless it has that dtype."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise IncompleteArtefact(f"{path} can't be read: {error}. {next_step}") from error
    if array.dtype != dtype:
        raise StoreError(f"{path} holds {array.dtype}, {dtype} was expected. {next_step}")
    return array


def let_go(array: Any) -> None:
    """Give back the memory that what was read of a mapped array is held in; it is read again when it is wanted.

    A pass over all of it would else count as this process's own for good.
    """
    if isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)


def save(path: Path, array: NDArray[Any]) -> None:
    """Write an array to a `.npy` file, whole or not at all."""
    with written_whole(path) as temporary, open(temporary, "wb") as file:
        np.save(file, array, allow_pickle=False)
