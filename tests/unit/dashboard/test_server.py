from __future__ import annotations

import logging
import socket
import sys
from typing import TYPE_CHECKING

import pytest
from bokeh.server.connection import ServerConnection

from dashboard.server import _is_news, check_free
from data.errors import ServingError

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_port_in_use_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            ServingError, match=rf"Port {port} is in use.*--port {port + 1 if port < 65535 else port - 1}"
        ):
            check_free("127.0.0.1", port)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(ServingError, match=r"0 .* to 65535"):
        check_free("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ServingError, match=r"192\.0\.2\.1"):
        check_free("192.0.2.1", 0)


def test_port_zero_is_a_free_port() -> None:
    assert 0 < check_free("127.0.0.1", 0) <= 65535


def _record(work: Callable[[], object]) -> logging.LogRecord:
    try:
        work()
    except Exception:  # noqa: BLE001 (whatever it is, it is what is logged)
        return logging.LogRecord("bokeh", logging.ERROR, "", 0, "error handling message", (), sys.exc_info())
    raise AssertionError("nothing was raised")


def test_a_message_from_a_visitor_who_left_is_no_news_and_any_other_error_is() -> None:
    left = object.__new__(ServerConnection)
    left._session = None
    assert not _is_news(_record(lambda: left.session))

    def wrong() -> None:
        assert [] == [1]

    assert _is_news(_record(wrong))
    assert _is_news(logging.LogRecord("bokeh", logging.ERROR, "", 0, "plain", (), None))
