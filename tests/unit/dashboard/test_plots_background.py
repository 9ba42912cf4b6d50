"""What a view computes off the event loop arrives in order, and not at all after the session."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import panel as pn
import pytest

from dashboard.views.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Served:
    """As much of a session's document as `Background` asks for; its callbacks are run by the test."""

    def __init__(self) -> None:
        self.session_context = object()
        self.callbacks: list[Callable[[], None]] = []
        self.scheduled = threading.Semaphore(0)

    def add_next_tick_callback(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)
        self.scheduled.release()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> _Served:
    document = _Served()
    monkeypatch.setattr(type(pn.state), "curdoc", property(lambda _state: document))
    monkeypatch.setattr(pn.state, "on_session_destroyed", lambda _callback: None)
    return document


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def test_a_result_that_is_late_does_not_replace_a_newer_one(served: _Served, executor: ThreadPoolExecutor) -> None:
    arrived: list[Any] = []
    background = Background(executor, arrived.append)
    for answer in ("old", "new"):
        background.submit(lambda answer=answer: answer)
        assert served.scheduled.acquire(timeout=10)
    old, new = served.callbacks
    new()
    old()
    assert arrived == ["new"]


def test_an_error_arrives_as_one(served: _Served, executor: ThreadPoolExecutor) -> None:
    arrived: list[Any] = []
    background = Background(executor, arrived.append)

    def fail() -> None:
        raise ValueError("no")

    background.submit(fail)
    assert served.scheduled.acquire(timeout=10)
    served.callbacks[0]()
    assert [type(outcome) for outcome in arrived] == [ValueError]


def test_after_the_session_nothing_is_computed(served: _Served, executor: ThreadPoolExecutor) -> None:
    computed: list[int] = []
    background = Background(executor, computed.append)
    background.close()
    background.submit(lambda: computed.append(1))
    assert not served.scheduled.acquire(timeout=0.3)
    assert computed == []


def test_without_a_session_it_is_done_at_once(executor: ThreadPoolExecutor) -> None:
    arrived: list[int] = []
    Background(executor, arrived.append).submit(lambda: 5)
    assert arrived == [5]
