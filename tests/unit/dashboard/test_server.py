from __future__ import annotations

import socket

import pytest

from dashboard.server import check_free
from data.errors import ServingError


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
