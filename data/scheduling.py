"""Work done partition by partition: here, or by the workers of a Dask cluster, with the same functions.

A task takes the number of a partition and leaves its result on disk, whole or not at all; doing it twice is harmless.
Nothing but numbers and paths travels, so a worker must see the same folders under the same names and run the same code;
both are checked before the work begins. Scoring and Shapley values can be run in the same way as features are.
"""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.artefact import hash_of
from data.errors import ClusterError, InvalidOption, PretscopeError
from data.files import TEMPORARY
from data.progress import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from data.progress import Report

ADDRESS = re.compile(r"(tcp|tls)://([^\s/:]+|\[[0-9A-Fa-f:]+\]):\d{1,5}")
SECONDS_TO_CONNECT = 15
SECONDS_FOR_WORKERS = 30
_ROOT = Path(__file__).parent.parent
_ROOMS = ("data", "models", "explain")
_START = (
    "Start one with `python -m dask scheduler`, and on every machine, in the folder of this project, "
    "`python -m dask worker ADDRESS`."
)


def run_tasks(
    task: Callable[[int], None],
    numbers: Sequence[int],
    *,
    shared: Path,
    scheduler: str | None = None,
    report: Report = silent,
    done: int | None = None,
    what: str = "partition",
) -> None:
    """Run `task` for every number, and return when all are done.

    Parameters
    ----------
    task : leaves its result on disk; for a cluster it must be picklable, a function of a module or a partial of one.
    numbers : what it is run for.
    shared : an existing folder that the task writes to, and that every worker must see.
    scheduler : address of a Dask scheduler, such as "tcp://host:8786"; None runs the tasks one by one, here.
    report : told how far the work is.
    done : how many there are in all, those finished earlier included; as many as `numbers` unless given.
    what : what a number counts, for people.

    Raises
    ------
    InvalidOption
        The address isn't one.
    ClusterError
        Nothing answers there, no worker comes, a worker has other code or other folders, or keeps dying.
    Exception
        Whatever the task raises first; tasks not begun are given up, what is finished stays.
    """
    total = len(numbers) if done is None else done
    earlier = total - len(numbers)
    if scheduler is not None:
        check_address(scheduler)
    if not numbers:
        return
    finished = _here(task, numbers) if scheduler is None else _on_cluster(task, numbers, scheduler, shared)
    report(f"{what} {earlier + 1} of {total}", earlier / total)
    with contextlib.closing(finished):
        for count, _ in enumerate(finished, start=earlier + 1):
            report(f"{what} {min(count + 1, total)} of {total}", count / total)


def check_address(address: str) -> None:
    """Raise InvalidOption unless `address` can be that of a Dask scheduler."""
    if not ADDRESS.fullmatch(address):
        raise InvalidOption(
            f"Scheduler {address!r} is not an address: tcp://HOST:PORT or tls://HOST:PORT was expected, such as "
            "tcp://127.0.0.1:8786."
        )


def _here(task: Callable[[int], None], numbers: Sequence[int]) -> Generator[int]:
    for number in numbers:
        task(number)
        yield number


def _on_cluster(task: Callable[[int], None], numbers: Sequence[int], address: str, shared: Path) -> Generator[int]:
    import distributed

    dask: Any = distributed  # its functions have no types
    try:
        client = dask.Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except OSError as error:
        raise ClusterError(f"No Dask scheduler answers at {address}. {_START.replace('ADDRESS', address)}") from error
    with client:
        _check_workers(client, address, shared)
        futures = [client.submit(task, number, pure=False) for number in numbers]
        try:
            for future in dask.as_completed(futures, loop=client.loop):
                failure = future.exception()
                if failure is not None:
                    raise _told(failure, address)
                yield numbers[futures.index(future)]
        finally:
            client.cancel(futures)


def _told(error: BaseException, address: str) -> BaseException:
    import distributed

    if isinstance(error, PretscopeError):
        return error
    if isinstance(error, distributed.KilledWorker):
        return ClusterError(
            f"The workers at {address} that took up one partition died, one after the other: {error}. "
            "Give them more memory, or import the tables with more partitions."
        )
    return ClusterError(f"A worker at {address} failed: {type(error).__name__}: {error}")


def _check_workers(client: Any, address: str, shared: Path) -> None:
    """Raise ClusterError unless there are workers, and all have this code and see that folder."""
    try:
        client.wait_for_workers(1, timeout=SECONDS_FOR_WORKERS)
    except TimeoutError as error:
        raise ClusterError(f"The scheduler at {address} has no worker. {_START.replace('ADDRESS', address)}") from error
    probe = shared / f"{TEMPORARY}{uuid.uuid4().hex}"
    probe.touch()
    try:
        found = client.run(_what_is_here, str(probe), on_error="return")
    finally:
        probe.unlink(missing_ok=True)
    own = code_hash()
    for worker, told in found.items():
        if isinstance(told, BaseException):
            raise ClusterError(
                f"Worker {worker} can't run this project's code ({type(told).__name__}: {told}). Start it with "
                f"`python -m dask worker {address}` in the project's folder, in the same environment."
            )
        code, sees = told
        if code != own:
            raise ClusterError(
                f"Worker {worker} runs other code ({code[:12]}…) than this process ({own[:12]}…). Bring its folder "
                "to the same version and start it again."
            )
        if not sees:
            raise ClusterError(
                f"Worker {worker} doesn't see {shared}. Every worker must see the folders under the same name: put "
                "them on a file system that all machines share."
            )


def _what_is_here(probe: str) -> tuple[str, bool]:
    return code_hash(), os.path.exists(probe)  # noqa: PTH110 - the path of another machine


def code_hash() -> str:
    """Return the SHA-256 of the code that tasks are made of, in hexadecimal."""
    return hash_of(path for room in _ROOMS for path in sorted((_ROOT / room).rglob("*.py")))
