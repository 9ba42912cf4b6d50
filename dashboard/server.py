"""The Tornado server: its options, its start, and what it says when it can't start."""

from __future__ import annotations

import errno
import gc
import logging
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING, Any

import panel as pn
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from data.errors import ServingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNUSED_SESSION_MS = 30_000
CHECK_UNUSED_MS = 5_000
GARBAGE_AFTER = (50_000, 20, 20)
"""Objects made before a search for garbage, and younger searches before an older one: a message makes a thousand."""


def serve(
    build: Callable[[], Any],
    *,
    address: str,
    port: int,
    title: str,
    origins: Sequence[str] = (),
    patterns: Sequence[Any] = (),
    started: Callable[[str], None] = print,
) -> None:
    """Serve the application until it is told to stop.

    Parameters
    ----------
    build : makes the page of one session.
    address, port : where to listen; port 0 takes a free one.
    title : of the browser's tab while a page loads.
    origins : further `host:port` from which a browser may connect, for a proxy's public name.
    patterns : Tornado's, of what else is served.
    started : told the page's address once the server listens.

    Raises
    ------
    ServingError
        If the port is in use, may not be used, or the address is none of this machine's.
    """
    port = check_free(address, port)
    for name in ("asyncio", "bokeh.server.protocol_handler", "tornado.application"):
        logging.getLogger(name).addFilter(_is_news)
    server: Any = pn.serve(  # type: ignore[no-untyped-call]
        {"/": build},
        address=address,
        port=port,
        title=title,
        show=False,
        start=False,
        liveness=True,
        extra_patterns=list(patterns),
        websocket_origin=[*_own_origins(address, port), *origins],
        unused_session_lifetime_milliseconds=UNUSED_SESSION_MS,
        check_unused_sessions_milliseconds=CHECK_UNUSED_MS,
        websocket_compression_level=1,  # of a picture, more costs the server twice the time and saves little
        verbose=False,
    )
    host = "localhost" if address in ("127.0.0.1", "0.0.0.0", "") else address  # noqa: S104 (told, not bound)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.io_loop.add_callback_from_signal(server.io_loop.stop))
    gc.collect()
    sys.setswitchinterval(0.0005)  # the event loop waits less for a thread that computes
    gc.set_threshold(*GARBAGE_AFTER)
    gc.freeze()  # what is there for good is not looked through again, which would hold up everybody
    server.start()
    started(f"http://{host}:{server.port}")
    try:
        server.io_loop.start()
    finally:
        server.stop()


def check_free(address: str, port: int) -> int:
    """Return `port`, or a free one where it is 0; raise ServingError where nothing can listen there."""
    if not 0 <= port <= 65535:
        raise ServingError(f"Port {port} is not allowed; a port is a number from 0 (any free one) to 65535.")
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            return int(probe.getsockname()[1])
    except (OSError, UnicodeError) as error:
        raise ServingError(_explain(error, address, port)) from None


def _is_news(record: logging.LogRecord) -> bool:
    """Return whether a log record is worth a line: that a visitor left while something was on its way is not."""
    error = record.exc_info[1] if record.exc_info else None
    # Bokeh asserts, in `ServerConnection.session`, that whoever sent a message has not left since.
    left = isinstance(error, AssertionError) and traceback.extract_tb(error.__traceback__)[-1].name == "session"
    return not (left or isinstance(error, (WebSocketClosedError, StreamClosedError)))


def _explain(error: OSError | UnicodeError, address: str, port: int) -> str:
    code = getattr(error, "errno", None)
    if code == errno.EADDRINUSE:
        return (
            f"Port {port} is in use at {address}: perhaps Pretscope runs already, at http://{address}:{port}. "
            f"Stop it, or choose another port: --port {port + 1 if port < 65535 else port - 1}."
        )
    if code in (errno.EACCES, errno.EPERM):
        return f"Port {port} may not be used by this user; ports from 1024 on may: --port 5006."
    return f"Can't listen at {address!r}, port {port}: {error}. Give an address of this machine: --address 127.0.0.1."


def _own_origins(address: str, port: int) -> list[str]:
    names = {"localhost", "127.0.0.1"} if address in ("127.0.0.1", "localhost") else {address}
    if address in ("0.0.0.0", "::", ""):  # noqa: S104 (compared, not bound)
        names = {"localhost", "127.0.0.1", socket.gethostname()}
    return sorted(f"{name}:{port}" for name in names)
