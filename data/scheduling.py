"""Work done partition by partition: here, or by the workers of a Dask cluster, with the same functions.

A task takes the number of a partition and leaves its result on disk, whole or not at all; doing it twice is harmless.
Nothing but numbers and paths travels, so a worker must see the same folders under the same names and run the same code
with the same libraries. That is checked before the work begins, and again by every task, for a worker may come later.
Features and scores are computed so (`data.feature_parts`, `models.score_parts`), and Shapley values can be: a function
of a module that takes the paths of the feature set, the model and the parts, and then the number of a range of clients.

In this process as many tasks run at once as `data.cores.threads` says, in threads, for what they do lets go of Python's
lock; a worker runs as many as it has threads. ONNX Runtime takes one thread in each; Polars has one pool for the whole
worker, as large as POLARS_MAX_THREADS said when the worker started, else as the machine has cores.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import logging
import platform
import re
import socket
import threading
import time
import traceback
import uuid
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from data.artefact import hash_of
from data.cores import threads
from data.errors import ClusterError, InvalidOption, PretscopeError
from data.files import TEMPORARY
from data.progress import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from data.progress import Report

ADDRESS = re.compile(r"(tcp|tls)://([^\s/:@]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}")
SECONDS_TO_CONNECT = 15
SECONDS_FOR_WORKERS = 30
SECONDS_BETWEEN_LOOKS = 2
_ROOT = Path(__file__).parent.parent
_ROOMS = ("data", "models", "explain")
_CODE = (".py", ".toml", ".csv", ".json")
_LIBRARIES = ("numpy", "scipy", "numba", "polars", "onnxruntime")
_START = (
    "Start one with `python -m dask scheduler`, and on every machine `python -m dask worker ADDRESS`, each in the "
    "folder of this project."
)
_LOG = logging.getLogger(__name__)


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
    scheduler : address of a Dask scheduler, such as "tcp://host:8786"; None runs the tasks in this process.
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

    def waiting(step: str) -> None:
        report(step, earlier / total)

    finished = _here(task, numbers) if scheduler is None else _on_cluster(task, numbers, scheduler, shared, waiting)
    report(f"{what} {earlier + 1} of {total}", earlier / total)
    with contextlib.closing(finished):
        for count, _ in enumerate(finished, start=earlier + 1):
            report(f"{what} {min(count + 1, total)} of {total}", count / total)


class Cluster:
    """A Dask cluster that is connected to when somebody needs it, and again where it was lost.

    Safe to share between threads. It is held until the process ends.

    Parameters
    ----------
    address : of its scheduler.

    Raises
    ------
    InvalidOption
        The address isn't one.
    """

    def __init__(self, address: str) -> None:
        check_address(address)
        self.address = address
        self._lock = threading.Lock()
        self._held = contextlib.ExitStack()
        self._client: Any = None

    @contextlib.contextmanager
    def computing(self) -> Iterator[None]:
        """Have this thread's Dask collections computed by the cluster.

        Raises
        ------
        ClusterError
            Nothing answers there, no worker comes, a worker has other code, or the work fails for a reason that isn't
            told by an error of the project's own.
        """
        client = self._connect()
        try:
            with client.as_current():
                yield
        except PretscopeError:
            raise
        except Exception as error:
            what = "".join(traceback.format_exception_only(error)).strip()
            raise ClusterError(
                f"The workers of {self.address} failed: {what}. Their logs have the whole story."
            ) from error

    def close(self) -> None:
        """Let go of the cluster, until somebody needs it again."""
        with self._lock:
            self._client = None
            self._held.close()

    def _connect(self) -> Any:
        with self._lock:
            if self._client is None or self._client.status != "running":
                self._client = None
                self._held.close()
                with contextlib.ExitStack() as held:
                    client = held.enter_context(_connected(self.address))
                    _check_scheduler(client, self.address)
                    _check_workers(client, self.address, software(), Path(), _tell_nobody)
                    self._held = held.pop_all()
                self._client = client
            elif not _workers(self._client):
                _check_workers(self._client, self.address, software(), Path(), _tell_nobody)
            return self._client


def check_address(address: str) -> None:
    """Raise InvalidOption unless `address` can be that of a Dask scheduler."""
    if not ADDRESS.fullmatch(address) or not 1 <= int(address.rpartition(":")[2]) <= 65535:
        raise InvalidOption(
            f"Scheduler {address!r} is not an address: tcp://HOST:PORT or tls://HOST:PORT was expected, such as "
            "tcp://127.0.0.1:8786."
        )


@functools.cache
def code_hash() -> str:
    """Return the SHA-256 of the code that tasks are made of, in hexadecimal.

    As it was when first asked for: a worker that was started before its files were changed still runs the old ones.
    """
    return hash_of(
        path for room in _ROOMS for path in sorted((_ROOT / room).rglob("*")) if path.suffix in _CODE and path.is_file()
    )


def software() -> dict[str, str]:
    """Return what decides a result in this process: the hash of the code, the versions of Python and the libraries."""
    versions = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return {"code": code_hash(), "python": platform.python_version(), **versions}


def _here(task: Callable[[int], None], numbers: Sequence[int]) -> Generator[None]:
    given_up = threading.Event()

    def run(number: int) -> None:
        if not given_up.is_set():
            try:
                task(number)
            except BaseException:
                given_up.set()
                raise

    with ThreadPoolExecutor(threads()) as pool:
        try:
            for future in as_completed([pool.submit(run, number) for number in numbers]):
                future.result()
                yield
        finally:
            given_up.set()


def _on_cluster(
    task: Callable[[int], None], numbers: Sequence[int], address: str, shared: Path, waiting: Callable[[str], None]
) -> Generator[None]:
    with _connected(address) as client, _probe(shared) as probe:
        wanted = software()
        _check_scheduler(client, address)
        _check_workers(client, address, wanted, probe, waiting)
        checked = functools.partial(_checked, task, wanted, str(probe))
        futures = {client.submit(checked, number, pure=False): number for number in numbers}
        try:
            while futures:
                for future in _some_done(client, list(futures), address, waiting):
                    failure = future.exception()
                    if failure is not None:
                        raise _told(failure, futures[future], address)
                    del futures[future]
                    yield
        finally:
            if futures and client.status == "running":
                client.cancel(list(futures))


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Give a client of the scheduler.

    Whether it can be one is seen first: a client that failed to connect is not closed by Dask, and holds up the end of
    the process.
    """
    import distributed

    dask: Any = distributed  # its functions have no types
    _check_certificates(dask, address)
    where = urlsplit(address)
    try:
        socket.create_connection((where.hostname, where.port), SECONDS_TO_CONNECT).close()
        client = dask.Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except OSError as error:
        raise ClusterError(f"No Dask scheduler answers at {address}. {_start(address)}") from error
    with client:
        yield client


def _check_certificates(dask: Any, address: str) -> None:
    if address.startswith("tls://") and dask.Security().get_connection_args("client").get("ssl_context") is None:
        raise ClusterError(
            f"{address} needs certificates, Dask's configuration names none. Set distributed.comm.tls.ca-file, "
            "distributed.comm.tls.client.cert and distributed.comm.tls.client.key, here and on every machine."
        )


@contextlib.contextmanager
def _probe(shared: Path) -> Iterator[Path]:
    """Leave a file in the folder for the time of the work: who does not find it sees another folder."""
    probe = shared.absolute() / f"{TEMPORARY}{uuid.uuid4().hex}"
    probe.touch()
    try:
        yield probe
    finally:
        probe.unlink(missing_ok=True)


def _check_scheduler(client: Any, address: str) -> None:
    try:
        client.run_on_scheduler(software)
    except Exception as error:
        raise ClusterError(
            f"The scheduler at {address} can't read this project's tasks ({type(error).__name__}: {error}). Start it "
            "with `python -m dask scheduler` in the project's folder, in the same environment."
        ) from error


def _check_workers(
    client: Any, address: str, wanted: Mapping[str, str], probe: Path, waiting: Callable[[str], None]
) -> None:
    """Raise ClusterError unless there are workers, and all are as they must be."""
    if not _workers(client):
        waiting(f"waiting for a worker of {address}")
        try:
            client.wait_for_workers(1, timeout=SECONDS_FOR_WORKERS)
        except TimeoutError as error:
            raise ClusterError(f"The scheduler at {address} has no worker. {_start(address)}") from error
    for worker, found in client.run(_what_is_here, str(probe), on_error="return").items():
        if isinstance(found, BaseException):
            raise ClusterError(
                f"Worker {worker} can't run this project's code ({type(found).__name__}: {found}). Start it with "
                f"`python -m dask worker {address}` in the project's folder, in the same environment."
            )
        _check_worker(worker, found, wanted, str(probe))


def _what_is_here(probe: str) -> tuple[dict[str, str], bool]:
    return software(), Path(probe).exists()


def _check_worker(worker: str, found: tuple[Mapping[str, str], bool], wanted: Mapping[str, str], probe: str) -> None:
    has, sees = found
    if has["code"] != wanted["code"]:
        raise ClusterError(
            f"Worker {worker} runs other code ({has['code'][:12]}…) than this process ({wanted['code'][:12]}…). Bring "
            "its folder to the same version and start it again."
        )
    other = [f"{name} {has[name]}, here {version}" for name, version in wanted.items() if has[name] != version]
    if other:
        raise ClusterError(
            f"Worker {worker} has {'; '.join(other)}. Start it with the environment that `make -s python` makes."
        )
    if not sees:
        raise ClusterError(
            f"Worker {worker} doesn't see {Path(probe).parent}. Every worker must see the folders under the same name: "
            "put them on a file system that all machines share."
        )


def _checked(task: Callable[[int], None], wanted: Mapping[str, str], probe: str, number: int) -> None:
    """Run a task on a worker; what it raises can be sent, and names the worker unless it says all by itself."""
    import distributed

    worker = distributed.get_worker().address
    _check_worker(worker, _what_is_here(probe), wanted, probe)
    try:
        task(number)
    except PretscopeError:
        raise
    except Exception as error:  # noqa: BLE001 (it may be one that can't be sent)
        _LOG.exception("Partition %d failed", number)
        what = "".join(traceback.format_exception_only(error)).strip()
        raise ClusterError(
            f"Worker {worker} failed at partition {number}: {what}. Its log has the whole story. What is finished is "
            "kept, the same command goes on from there."
        ) from None


def _some_done(client: Any, futures: list[Any], address: str, waiting: Callable[[str], None]) -> list[Any]:
    """Return the futures that are done, once one is; raise ClusterError where nobody is left to do them."""
    import distributed

    dask: Any = distributed
    alone_since: float | None = None
    while True:
        try:
            with client.as_current():
                return list(dask.wait(futures, timeout=SECONDS_BETWEEN_LOOKS, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            if _workers(client):
                alone_since = None
                continue
        except dask.CancelledError as error:
            raise ClusterError(
                f"The scheduler at {address} went away, or gave up the work. What is finished is kept, the same "
                "command goes on from there."
            ) from error
        now = time.monotonic()
        alone_since = alone_since or now
        waiting(f"waiting for a worker of {address}")
        if now - alone_since > SECONDS_FOR_WORKERS:
            raise ClusterError(
                f"The scheduler at {address} has no worker any more. What is finished is kept, the same command goes "
                f"on from there. {_start(address)}"
            )


def _workers(client: Any) -> Mapping[str, Any]:
    workers: Mapping[str, Any] = client.scheduler_info()["workers"]
    return workers


def _told(error: BaseException, number: int, address: str) -> BaseException:
    import distributed

    if isinstance(error, PretscopeError):
        return error
    if isinstance(error, distributed.KilledWorker):
        return ClusterError(
            f"{error.allowed_failures + 1} workers of {address} died at partition {number}, one after the other; the "
            f"last was {error.last_worker.address}. Give them more memory, or import the tables with more partitions."
        )
    return ClusterError(f"The workers of {address} failed at partition {number}: {type(error).__name__}: {error}")


def _tell_nobody(_step: str) -> None:
    pass


def _start(address: str) -> str:
    return _START.replace("ADDRESS", address)
