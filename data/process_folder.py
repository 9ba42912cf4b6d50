"""A folder for one process alone, which only its user can read, and which doesn't outlive the process for long."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from pathlib import Path

from data.locking import HAS_LOCKS, held, lock, unlock

_PREFIX = "process-"
_ABANDONED_S = 86_400.0  # where the system has no locks


class ProcessFolder:
    """A folder of this process in one that it may share with others; deleted by `remove`, or when the process ends.

    Parameters
    ----------
    shared : made where it isn't there, for this user alone.

    Attributes
    ----------
    path : of the folder.

    Raises
    ------
    OSError
        It can't be made.
    """

    def __init__(self, shared: Path) -> None:
        shared.mkdir(parents=True, exist_ok=True, mode=0o700)
        shared.chmod(0o700)
        with held(shared):
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=shared))
            self._lock = lock(self.path, wait=False)
        self._remove = weakref.finalize(self, _remove, self.path, self._lock)

    def remove(self) -> None:
        """Delete it with what is in it."""
        self._remove()


def clear_abandoned(shared: Path) -> None:
    """Remove the folders of processes that are no more; raise OSError where `shared` can't be read."""
    if not shared.is_dir():
        return
    with held(shared):
        for path in shared.glob(f"{_PREFIX}*"):
            if not HAS_LOCKS and time.time() - path.stat().st_mtime < _ABANDONED_S:
                continue
            try:
                descriptor = lock(path, wait=False)
            except BlockingIOError:
                continue  # its process is still there
            _remove(path, descriptor)


def _remove(path: Path, descriptor: int | None) -> None:
    shutil.rmtree(path, ignore_errors=True)
    unlock(descriptor)
