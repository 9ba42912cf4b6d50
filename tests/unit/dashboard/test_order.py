"""What is delivered to a session arrives in the order in which it was given, whatever the server makes of callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import panel as pn

from dashboard import app

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class _Busy:
    """A document whose server runs callbacks the last one first."""

    session_context: object = object()

    def __init__(self) -> None:
        self.callbacks: list[Callable[[], None]] = []

    def add_next_tick_callback(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)


def test_results_are_delivered_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    document, delivered = _Busy(), []
    monkeypatch.setattr(type(pn.state), "curdoc", property(lambda _state: document))
    schedule = app._scheduler()
    for number in range(3):
        schedule(lambda number=number: delivered.append(number))
    for callback in reversed(document.callbacks):
        callback()
    assert delivered == [0, 1, 2]


def test_a_session_that_has_ended_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    document = _Busy()
    document.session_context = None
    monkeypatch.setattr(type(pn.state), "curdoc", property(lambda _state: document))
    app._scheduler()(lambda: None)
    assert document.callbacks == []
