"""Folders held by a lock, so that processes and threads don't get in each other's way; not on Windows, which has none.

The system lets go of a lock when its process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HAS_LOCKS = os.name != "nt"


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Wait until nobody else holds a folder that is there, and hold it."""
    descriptor = lock(folder, wait=True)
    try:
        yield
    finally:
        unlock(descriptor)


def lock(folder: Path, *, wait: bool) -> int | None:
    """Lock a folder, and return what `unlock` takes; without `wait`, raise BlockingIOError where another holds it."""
    if not HAS_LOCKS:
        return None
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def unlock(descriptor: int | None) -> None:
    """Let go of what `lock` returned."""
    if descriptor is not None:
        os.close(descriptor)
