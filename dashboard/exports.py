"""Files made for a visitor to download: written off the server's event loop, told how far they are, and soon deleted.

They lie in a folder that only the server's user can read, each process in one of its own: what a process that is no
more left behind is removed by the next one. It is beside the other artefacts rather than among the system's temporary
files, which are often in memory: a file may be as large as the portfolio that it is made of.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import re
import secrets
import threading
import time
import unicodedata
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import quote

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from dashboard.i18n import Translator, preferred_language
from data.errors import InvalidOption, PretscopeError, StoreError
from data.paths import exports_folder
from data.process_folder import ProcessFolder, clear_abandoned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from data.progress import Report
    from data.schema import Language

    Make: TypeAlias = Callable[[Path, Report, Callable[[], bool]], int]
    """Writes a file, tells how far it is, stops when it is told to, and returns how many clients there are in it."""

State = Literal["running", "ready", "failed", "stopped"]
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8; header=present", "parquet": "application/vnd.apache.parquet"}
AT_ONCE, KEPT = 2, 6
"""Exports that one session may have under way, and files that it may have ready; the oldest give way to new ones."""
LIFETIME_S = 3600.0
ROUTE = "export"
LONGEST_NAME = 60
CHUNK_BYTES = 2**18
_log = logging.getLogger(__name__)


class ExportJob:
    """One file under way, or made. Its attributes may be read from any thread.

    Attributes
    ----------
    session : key of the session that asked for it.
    token : what allows to download it; nobody can guess it.
    file_name : as the visitor's machine is to call it.
    kind : of the file, "csv" or "parquet".
    progress : share of the work that is done, in [0, 1].
    state : "running" (also while it waits for another to end), "ready", "failed" or "stopped".
    message : what went wrong, in English, where it failed; else empty.
    file : where it lies while it is ready, else None.
    clients, size_bytes : clients in it, and its size, once it is ready.
    expired : whether it was ready and has been deleted since, for its age or for newer ones; its state is "stopped".
    """

    def __init__(self, session: str, file_name: str, kind: str) -> None:
        self.session, self.file_name, self.kind = session, file_name, kind
        self.token = secrets.token_urlsafe(32)
        self.progress = 0.0
        self.state: State = "running"
        self.message = ""
        self.file: Path | None = None
        self.clients = self.size_bytes = 0
        self.expired = False
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._ready_s = 0.0

    @property
    def address(self) -> str:
        """Where it is downloaded from, relative to the application's root."""
        return f"{ROUTE}/{self.token}/{quote(self.file_name, safe='')}"

    def stop(self) -> None:
        """Stop it if it is under way, and delete what is written of it; once it has ended nothing happens."""
        self._stop.set()
        with self._lock:
            if self.state == "running":
                self.state = "stopped"

    def run(self, make: Make, path: Path) -> None:
        """Make the file, on the thread of `Exports`; whatever goes wrong is told by the job."""
        message, clients, size = "", 0, 0
        if not self._stop.is_set():
            try:
                clients = make(path, self._told, self._stop.is_set)
                size = path.stat().st_size
            except Exception as error:  # noqa: BLE001 (told on the page)
                message = str(error) if isinstance(error, PretscopeError) else f"The export failed: {error!r}"
                if not (self._stop.is_set() or isinstance(error, PretscopeError)):
                    _log.exception("The export of %s failed", self.file_name)
        with self._lock:
            if self.state == "running" and not message:
                self.file, self.clients, self.size_bytes = path, clients, size
                self.progress, self._ready_s = 1.0, time.monotonic()
                self.state = "ready"
                return
            if self.state == "running":
                self.message, self.state = message, "failed"
        _delete(path)

    def end(self, *, expired: bool = False) -> None:
        """Stop it, or delete its file."""
        self.stop()
        with self._lock:
            path, self.file = self.file, None
            if self.state == "ready":
                self.expired, self.state = expired, "stopped"
        if path is not None:
            _delete(path)

    def age_s(self) -> float:
        """Return for how long it has been ready, in seconds; 0 where it isn't."""
        with self._lock:
            return time.monotonic() - self._ready_s if self.state == "ready" else 0.0

    def _told(self, step: str, fraction: float) -> None:  # noqa: ARG002 (as every report)
        self.progress = min(max(fraction, self.progress), 1.0)


class Exports:
    """The exports of all sessions of this process, made one after another by a thread of their own.

    Parameters
    ----------
    folder : where the files lie, by default among the artefacts; made, for this user alone, when the first one is.
    lifetime_s : how long a file is kept once it is made, in seconds.
    """

    def __init__(self, folder: Path | None = None, *, lifetime_s: float = LIFETIME_S) -> None:
        self.folder = exports_folder() if folder is None else folder
        self._lifetime_s = lifetime_s
        self._lock = threading.Lock()
        self._jobs: dict[str, ExportJob] = {}
        self._queue: queue.SimpleQueue[tuple[ExportJob, Make, Path] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._own: ProcessFolder | None = None
        self._closed = False
        with contextlib.suppress(OSError):  # nobody has asked for a file yet
            clear_abandoned(self.folder)

    def start(self, session_key: str, make: Make, name: str, kind: str) -> ExportJob:
        """Have a file made, and return its job.

        Parameters
        ----------
        session_key : of the session that asks.
        make : writes the file; called on this service's thread.
        name : what the visitor's machine is to call it, without its end; letters, digits, - and _ are kept of it.
        kind : of the file, a key of CONTENT_TYPES.

        Raises
        ------
        InvalidOption
            A kind there is not, or the session has AT_ONCE exports under way.
        StoreError
            The folder can't be written to.
        """
        if kind not in CONTENT_TYPES:
            raise InvalidOption(f"No export as {kind!r}. Allowed: {', '.join(CONTENT_TYPES)}.")
        job = ExportJob(session_key, f"{_plain(name)}.{kind}", kind)
        self._sweep()
        with self._lock:
            if self._closed:
                raise InvalidOption("The server is being stopped: nothing is exported any more.")
            own = [other for other in self._jobs.values() if other.session == session_key]
            if sum(other.state == "running" for other in own) >= AT_ONCE:
                raise InvalidOption(f"{AT_ONCE} exports of this page are under way. Wait for one to end, or stop it.")
            path = self._folder() / f"{secrets.token_hex(8)}.{kind}"
            self._jobs[job.token] = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="exports", daemon=True)
                self._thread.start()
        for other in [one for one in own if one.state == "ready"][: -KEPT + 1]:
            other.end(expired=True)
        self._queue.put((job, make, path))
        return job

    def ready(self, token: str) -> ExportJob | None:
        """Return the job whose file a token allows to download, None where there is none."""
        self._sweep()
        with self._lock:
            job = self._jobs.get(token)
        return job if job is not None and job.state == "ready" else None

    def close(self, session_key: str) -> None:
        """Stop the exports of a session that has ended, and delete its files."""
        with self._lock:
            ended = [job for job in self._jobs.values() if job.session == session_key]
            for job in ended:
                del self._jobs[job.token]
        for job in ended:
            job.end()

    def shutdown(self) -> None:
        """Stop everything and delete all files: the process ends, or has no more use of this."""
        with self._lock:
            self._closed = True
            ended, own, thread = list(self._jobs.values()), self._own, self._thread
            self._jobs.clear()
        for job in ended:
            job.end()
        if thread is not None:
            self._queue.put(None)
            thread.join(10.0)
        if own is not None:
            own.remove()

    def _folder(self) -> Path:
        """Return the folder of this process, made where it isn't there."""
        if self._own is None or not self._own.path.is_dir():
            try:
                self._own = ProcessFolder(self.folder)
            except OSError as error:
                raise StoreError(
                    f"{self.folder} can't be written to ({error.strerror or error}): nothing can be exported. Free the "
                    "disk, or let this user write there."
                ) from error
        return self._own.path

    def _work(self) -> None:
        while True:
            try:
                wanted = self._queue.get(timeout=self._sweep())
            except queue.Empty:
                continue
            if wanted is None:
                return
            job, make, path = wanted
            job.run(make, path)

    def _sweep(self) -> float | None:
        """Delete what has been ready for too long, and return in how many seconds the next one will have, if any."""
        with self._lock:
            jobs = list(self._jobs.values())
        ages = {job: job.age_s() for job in jobs}
        old = [job for job, age_s in ages.items() if age_s >= self._lifetime_s]
        for job in old:
            job.end(expired=True)
        with self._lock:
            for job in jobs:
                if job.state in ("failed", "stopped"):
                    self._jobs.pop(job.token, None)
        left = [self._lifetime_s - age_s for job, age_s in ages.items() if job.state == "ready"]
        return max(min(left), 0.01) if left else None


def _plain(name: str) -> str:
    """Return what of a name any system allows in a file's name, and no browser rewrites."""
    kept = re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", name))[:LONGEST_NAME].strip("-_")
    return kept or "clients"


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def route(exports: Exports, language: Language = "fr") -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
    """Return the patterns by which Tornado serves exports: /export/TOKEN/NAME, and a sentence for anything else there.

    Parameters
    ----------
    exports : of this process.
    language : of visitors whose browser asks for none of ours.
    """
    return [(rf"/{ROUTE}(?:/(.*))?", Download, {"exports": exports, "language": language})]


class Download(RequestHandler):
    """Streams one export to whoever holds its token.

    Nothing of the address is ever taken as a path: it is looked up among the exports that are ready.
    """

    def initialize(self, exports: Exports, language: Language) -> None:
        """Take what Tornado gives every request."""
        self._exports, self._language = exports, language

    async def get(self, asked: str | None) -> None:
        """Answer with the file, in chunks as quick as the browser takes them, or 404."""
        await self._answer(asked, body=True)

    async def head(self, asked: str | None) -> None:
        """Answer with the headers alone."""
        await self._answer(asked, body=False)

    async def _answer(self, asked: str | None, *, body: bool) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        token, _, name = (asked or "").partition("/")
        job = self._exports.ready(token)
        path = None if job is None or job.file_name != name else job.file
        try:
            if job is None or path is None:
                raise FileNotFoundError
            file = open(path, "rb")  # noqa: SIM115 (closed below)
        except OSError:
            self._unknown()
            return
        with file:
            self.set_header("Content-Type", CONTENT_TYPES[job.kind])
            self.set_header("Content-Length", str(job.size_bytes))
            self.set_header("Content-Disposition", _attachment(job.file_name))
            if not body:
                return
            loop = asyncio.get_running_loop()
            with contextlib.suppress(StreamClosedError):  # the visitor has left, or wants it no more
                while chunk := await loop.run_in_executor(None, file.read, CHUNK_BYTES):
                    self.write(chunk)
                    await self.flush()

    def _unknown(self) -> None:
        language = preferred_language(self.request.headers.get("Accept-Language"), self._language)
        self.set_status(404)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Content-Language", language)
        self.finish(Translator(language)("download.gone") + "\n")


def _attachment(file_name: str) -> str:
    """Return the header that has a browser keep a file under a name; sources: RFC 6266 and RFC 8187."""
    plain = file_name.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
